// Package coop is the co-op itself: its name and what it says about itself, how one may join, its rules
// of conduct, and its founding, the genesis event of the record, from which every authority descends.
package coop

// Package rulebook holds the machine-readable annex of the bylaws: for each kind of act who decides it,
// who may move it, how long it is discussed and voted on, what carries it, and what happens then. A
// line of the rulebook has versions; a decision runs under the version that was in force when it was
// called. Lines change only by a motion that adopts or repeals a rule.
//
// Some things no rule can do, so that the members always find a way back: the right of a share of the
// members to call the general meeting stays between 1 % and 20 %, rules are made by the general meeting
// alone, and thresholds and quorums have upper bounds (DESIGN §3, invariants 5, 7, 13).
package rulebook

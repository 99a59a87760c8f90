// Package check holds the rules of this repository as tests that read its source, so that they are
// quick and cannot rot. A rule that is broken names the file and says what to do.
package check

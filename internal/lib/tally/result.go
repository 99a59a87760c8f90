package tally

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Outcome says in a word how a vote ended. It is empty where a rule decides
// nothing.
type Outcome string

const (
	// Carried means that the vote has the result the rule asks for: the text
	// is adopted, or the options under Elected or Funded are chosen.
	Carried Outcome = "carried"
	// Lost means that the threshold was not reached, or nobody chose anything.
	Lost Outcome = "lost"
	// NoQuorum means that too few voted for the vote to count.
	NoQuorum Outcome = "no quorum"
	// Blocked means that a block or a standing objection stopped the text.
	Blocked Outcome = "blocked"
	// Tied means that a rule left a tie open. No rule here does so.
	Tied Outcome = "tied"
)

// Result is what a count found, with all that a person needs to follow it. It
// holds no maps, so its JSON is the same bytes on any machine.
type Result struct {
	Rule    string  `json:"rule"`              // with version: "majority/v1"
	Reading string  `json:"reading,omitempty"` // the declared variant: "abstain", "skip"
	Seats   int     `json:"seats,omitempty"`   // places to fill
	Outcome Outcome `json:"outcome,omitempty"`
	Roll    int     `json:"roll"`    // who could vote
	Voted   int     `json:"voted"`   // papers handed in, blank ones too: this is what a quorum asks for
	Ballots int     `json:"ballots"` // papers that counted: those that mark something

	Quota  string  `json:"quota,omitempty"` // votes that elect, where the rule has a fixed quota
	Checks []Check `json:"checks,omitempty"`

	Uncontested bool     `json:"uncontested,omitempty"` // elected without a ballot
	Elected     []string `json:"elected,omitempty"`     // in the order of election
	Order       []string `json:"order,omitempty"`       // all options, best first
	Funded      []string `json:"funded,omitempty"`      // ids of the projects paid for, in the order of choice
	Budget      string   `json:"budget,omitempty"`      // what could be spent
	Spent       string   `json:"spent,omitempty"`
	Passed      []Place  `json:"passed,omitempty"` // passed over, and for which limit
	Terms       []Place  `json:"terms,omitempty"`  // who holds which term, where terms differ

	Tallies []Tally `json:"tallies,omitempty"` // in the options' order
	Stages  []Stage `json:"stages,omitempty"`
	Lots    []Draw  `json:"lots,omitempty"`
}

// Check is a share that the rule asks for, and whether it was reached.
type Check struct {
	Name   string `json:"name"` // "quorum", "threshold" or "override"
	Have   int    `json:"have"`
	Of     int    `json:"of"`
	Needed Ratio  `json:"needed"`
	Strict bool   `json:"strict,omitempty"` // more than Needed, rather than at least
	Least  int    `json:"least"`            // the smallest Have that would do
	Met    bool   `json:"met"`
}

// check measures have/of against a share.
func check(name string, have, of int, needed Ratio, strict bool) Check {
	return Check{name, have, of, needed.reduced(), strict, needed.least(of, strict), needed.met(have, of, strict)}
}

// Tally is what one option or choice received: a whole number or a decimal
// fraction, in digits.
type Tally struct {
	Option string `json:"option"`
	Value  string `json:"value"`
	Parts  []Part `json:"parts,omitempty"` // the value by kind of answer, or pair by pair
}

// Part is a named number within a tally.
type Part struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Stage is one step of a count.
type Stage struct {
	Number   int      `json:"stage"`
	Action   string   `json:"action"`          // "first preferences", "surplus", "exclusion", ...
	Of       []string `json:"of,omitempty"`    // whom the action is about
	Value    string   `json:"value,omitempty"` // of a surplus, or what a project costs each supporter
	Quota    string   `json:"quota,omitempty"` // where it changes from stage to stage
	Elected  []string `json:"elected,omitempty"`
	Filled   []string `json:"filled,omitempty"` // those of the elected who fill the last seats, being no more than these
	Excluded []string `json:"excluded,omitempty"`
	Votes    []Tally  `json:"votes,omitempty"`  // after the action, in the options' order
	Lapsed   string   `json:"lapsed,omitempty"` // votes without a further preference, so far
	Cut      string   `json:"cut,omitempty"`    // votes lost as decimals were cut, so far
	Flows    []Flow   `json:"flows,omitempty"`
}

// Flow is a number of votes that moved in a stage. To is empty for votes that
// found no further preference.
type Flow struct {
	From  string `json:"from"`
	To    string `json:"to,omitempty"`
	Votes string `json:"votes"`
}

// JSON returns the result in its one canonical form: no spaces, fields in the
// order of the type, no line end.
func (r Result) JSON() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil // unreachable: a Result holds nothing that JSON cannot
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// maxPapers bounds the ballots of one count, so that sums of votes fit in 64
// bits with room for fixed decimals.
const maxPapers = 1_000_000_000

// box adds up papers while ballots are checked.
type box struct{ voted, counted int }

// add takes the papers of one kind of ballot; at is its place in the list.
func (b *box) add(at, papers int, blank bool) error {
	if papers < 1 || papers > maxPapers-b.voted {
		return fmt.Errorf("count ballot %d: it stands for %d papers", at+1, papers)
	}
	b.voted += papers
	if !blank {
		b.counted += papers
	}
	return nil
}

// checkOptions refuses a list of options whose names cannot tell them apart.
func checkOptions(options []string) error {
	if len(options) == 0 {
		return fmt.Errorf("check options: there are none")
	}
	seen := make(map[string]bool, len(options))
	for _, o := range options {
		if o == "" {
			return fmt.Errorf("check options: one has no name")
		}
		if seen[o] {
			return fmt.Errorf("check options: two are called %q", o)
		}
		seen[o] = true
	}
	return nil
}

// begin fills what every result has; ok is false where the quorum is missed,
// and the outcome is then set.
func begin(rule string, roll int, b box, quorum Ratio) (r Result, ok bool) {
	r = Result{Rule: rule, Roll: roll, Voted: b.voted, Ballots: b.counted}
	if quorum.IsZero() {
		return r, true
	}
	c := check("quorum", b.voted, roll, quorum, false)
	r.Checks = append(r.Checks, c)
	if !c.Met {
		r.Outcome = NoQuorum
	}
	return r, c.Met
}

func itoa(n int) string { return strconv.Itoa(n) }

// pick returns the names at the given places.
func pick(names []string, at []int) []string {
	if len(at) == 0 {
		return nil
	}
	out := make([]string, len(at))
	for i, n := range at {
		out[i] = names[n]
	}
	return out
}

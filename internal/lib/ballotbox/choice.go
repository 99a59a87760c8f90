package ballotbox

import (
	"fmt"
	"slices"

	"rochdale/internal/lib/tally"
)

// maxChoice bounds the text of a choice.
const maxChoice = 8192

// Choice is what a ballot says; exactly one field is set. Its text is the
// canonical JSON of this type.
type Choice struct {
	// Rank has a number for each option: 1 is best, 0 is not ranked. The
	// numbers that are used are 1, 2, 3 and so on without a gap: numbers of a
	// voter's own invention would mark the ballot as theirs.
	Rank []int `json:"rank,omitzero"`
	// Marks has the marked options by their places, in rising order.
	Marks []int `json:"marks,omitzero"`
	// Points has a number for each option.
	Points []int64 `json:"points,omitzero"`
	// Vote is one of agree, abstain, disagree, block.
	Vote string `json:"vote,omitempty"`
	// Sealed is one of the others, which only the scrutineers can read.
	Sealed Base64 `json:"sealed,omitempty"`
}

// The votes on a text.
const (
	Agree    = "agree"
	Abstain  = "abstain"
	Disagree = "disagree"
	Block    = "block"
)

// ParseChoice reads the canonical text of a choice. Whether it answers a
// question is for Question.CheckChoice to say.
func ParseChoice(text string) (Choice, error) {
	var c Choice
	if len(text) > maxChoice {
		return c, fmt.Errorf("read choice: it is %d bytes long", len(text))
	}
	if err := decode([]byte(text), &c); err != nil {
		return Choice{}, fmt.Errorf("read choice: %w", err)
	}
	set := 0
	for _, is := range []bool{c.Rank != nil, c.Marks != nil, c.Points != nil, c.Vote != "", len(c.Sealed) > 0} {
		if is {
			set++
		}
	}
	if set != 1 {
		return Choice{}, fmt.Errorf("read choice: it says %d things and not one", set)
	}
	return c, nil
}

// String returns the canonical text.
func (c Choice) String() string {
	text, err := canonical(c)
	if err != nil {
		return "" // unreachable: numbers and a string
	}
	return string(text)
}

// Blank returns the choice that chooses nothing.
func (q *Question) Blank() Choice {
	switch q.Method {
	case Ranking:
		return Choice{Rank: make([]int, len(q.Options))}
	case Marks:
		return Choice{Marks: []int{}}
	case Points:
		return Choice{Points: make([]int64, len(q.Options))}
	}
	return Choice{Vote: Abstain}
}

// CheckChoice says why a choice, not sealed, is no answer to the question, nil
// if it is one.
func (q *Question) CheckChoice(c Choice) error {
	if err := q.checkPlain(c); err != nil {
		return fmt.Errorf("check choice: %w", err)
	}
	return nil
}

// checkCast is for a choice as it stands on a ballot: sealed, where the vote has
// scrutineers. What is in it is known when they open it.
func (q *Question) checkCast(c Choice) error {
	if q.Scrutineers == nil {
		return q.checkPlain(c)
	}
	if len(c.Sealed) != q.sealedLength() {
		return fmt.Errorf("it is not sealed to the scrutineers")
	}
	return nil
}

func (q *Question) checkPlain(c Choice) error {
	switch {
	case q.Method == Ranking && c.Rank != nil:
		return q.checkRank(c.Rank)
	case q.Method == Marks && c.Marks != nil:
		return q.checkMarks(c.Marks)
	case q.Method == Points && c.Points != nil:
		return q.checkPointsOf(c.Points)
	case q.Method == Vote && c.Vote != "":
		if c.Vote == Block && !q.Settings.Block {
			return fmt.Errorf("there is no block in this vote")
		}
		if !slices.Contains([]string{Agree, Abstain, Disagree, Block}, c.Vote) {
			return fmt.Errorf("%.20q is no vote", c.Vote)
		}
		return nil
	}
	return fmt.Errorf("it is not by the method %q", q.Method)
}

func (q *Question) checkRank(ranks []int) error {
	if len(ranks) != len(q.Options) {
		return fmt.Errorf("it ranks %d of %d options", len(ranks), len(q.Options))
	}
	used, highest := make([]int, len(ranks)+1), 0
	for _, r := range ranks {
		if r < 0 || r > len(ranks) {
			return fmt.Errorf("there is no rank %d", r)
		}
		used[r]++
		highest = max(highest, r)
	}
	equals := q.Rule == tally.RuleSchulze+"+"+tally.UnrankedLast || q.Rule == tally.RuleSchulze+"+"+tally.UnrankedAbstain
	for r := 1; r <= highest; r++ {
		if used[r] == 0 {
			return fmt.Errorf("the rank %d is left out", r)
		}
		if used[r] > 1 && !equals {
			return fmt.Errorf("two options have the rank %d", r)
		}
	}
	return nil
}

func (q *Question) checkMarks(marks []int) error {
	if q.Settings.Max > 0 && len(marks) > q.Settings.Max {
		return fmt.Errorf("it has %d marks, and %d are allowed", len(marks), q.Settings.Max)
	}
	for i, o := range marks {
		if o < 0 || o >= len(q.Options) {
			return fmt.Errorf("there is no option %d", o)
		}
		if i > 0 && o <= marks[i-1] {
			return fmt.Errorf("the marks are not in rising order")
		}
	}
	return nil
}

func (q *Question) checkPointsOf(points []int64) error {
	if len(points) != len(q.Options) {
		return fmt.Errorf("it has points for %d of %d options", len(points), len(q.Options))
	}
	low, high, left := q.Settings.Low, q.Settings.High, int64(0)
	if q.Settings.Dots > 0 {
		low, high, left = 0, q.Settings.Dots, q.Settings.Dots
	}
	for _, v := range points {
		// 0 is what an empty field says, so it is never out of range.
		if v != 0 && (v < low || v > high) {
			return fmt.Errorf("%d points are not between %d and %d", v, low, high)
		}
		left -= v
	}
	if q.Settings.Dots > 0 && left < 0 {
		return fmt.Errorf("it has more than %d points", q.Settings.Dots)
	}
	return nil
}

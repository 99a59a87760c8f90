package decision

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/tally"
	"rochdale/internal/rulebook"
)

// Choice is what a member votes; which field is used depends on the method.
type Choice struct {
	Choice string   `json:"choice,omitempty"` // proposal and consent: one word
	Marks  []int    `json:"marks,omitempty"`  // choose: the options marked, ascending
	Points []int64  `json:"points,omitempty"` // score and dots: one number an option
	Ranks  []int    `json:"ranks,omitempty"`  // ranking: one rank an option, 1 is best, 0 unranked
	Answer []int    `json:"answer,omitempty"` // count and times: one answer an option, -1 none
	Words  []string `json:"words,omitempty"`  // question round: one answer a question
}

// The words of a proposal and of consent.
const (
	Agree     = "agree"
	Abstain   = "abstain"
	Disagree  = "disagree"
	Block     = "block"
	Consents  = "consent"
	Object    = "objection"
	Integrate = "integrated" // an objection that its author sees met
)

// Answers of a count and of a poll of times.
var (
	CountAnswers = []string{"in", "maybe", "out"}
	TimesAnswers = []string{"yes", "if need be", "no"}
)

// Choices are the words a proposal or a consent motion can be voted on with, as the rule lets.
func Choices(method string, r *rulebook.Rule) []string {
	switch {
	case method == rulebook.Consent:
		return []string{Consents, Abstain, Object}
	case r.Block:
		return []string{Agree, Abstain, Disagree, Block}
	}
	return []string{Agree, Abstain, Disagree}
}

// NeedsReason reports whether a vote has to say why.
func (c *Choice) NeedsReason() bool { return c.Choice == Block || c.Choice == Object }

// check refuses a vote that the method does not know, and brings it into its one form.
func (c *Choice) check(m *Motion, r *rulebook.Rule, before *Choice) error {
	s, n := m.Settings(), len(m.Options())
	only := Choice{}
	wrong := fault.New(fault.Invalid, "This is not a vote that can be cast here.")
	switch m.Method {
	case rulebook.Proposal, rulebook.Consent:
		if !slices.Contains(Choices(m.Method, r), c.Choice) && !(c.Choice == Integrate && m.Method == rulebook.Consent && before != nil && (before.Choice == Object || before.Choice == Integrate)) {
			return wrong
		}
		only.Choice = c.Choice
	case rulebook.Choose:
		marks := slices.Compact(slices.Sorted(slices.Values(c.Marks)))
		if len(marks) > s.Max {
			return fault.New(fault.Invalid, "At most %d can be chosen.", s.Max)
		}
		if len(marks) > 0 && (marks[0] < 0 || marks[len(marks)-1] >= n) {
			return wrong
		}
		only.Marks = marks
	case rulebook.Score, rulebook.Dots:
		if len(c.Points) != n {
			return wrong
		}
		var sum int64
		for _, p := range c.Points {
			if m.Method == rulebook.Score && p != 0 && (p < s.Low || p > s.High) || m.Method == rulebook.Dots && (p < 0 || p > s.Dots) {
				return fault.New(fault.Invalid, "One of the numbers is out of range.")
			}
			sum += p
		}
		if m.Method == rulebook.Dots && sum > s.Dots {
			return fault.New(fault.Invalid, "You have %d dots; these are %d.", s.Dots, sum)
		}
		only.Points = c.Points
	case rulebook.Ranking:
		if len(c.Ranks) != n || slices.ContainsFunc(c.Ranks, func(x int) bool { return x < 0 || x > 1000 }) {
			return wrong
		}
		only.Ranks = c.Ranks
	case rulebook.Count, rulebook.Times:
		if len(c.Answer) != n || slices.ContainsFunc(c.Answer, func(x int) bool { return x < -1 || x > 2 }) {
			return wrong
		}
		only.Answer = c.Answer
	case rulebook.Questions:
		if len(c.Words) != n {
			return wrong
		}
		for i := range c.Words {
			if c.Words[i] = strings.TrimSpace(c.Words[i]); utf8.RuneCountInString(c.Words[i]) > 2000 {
				return fault.New(fault.Invalid, "Please keep an answer to 2000 characters.")
			}
		}
		only.Words = c.Words
	}
	*c = only
	return nil
}

// paper is a vote and how many cast just this one.
type paper struct {
	Choice string `db:"choice" json:"choice"` // JSON
	N      int    `db:"n" json:"n"`
}

// Counting is everything a result depends on: the same Counting gives the same Result on any machine
// (invariant 4).
type Counting struct {
	Method   string
	Rule     rulebook.Rule
	Again    bool // the second call, with its own quorum
	Options  []string
	Settings Settings
	Roll     int // what the quorum is measured by
	Papers   []paper
	Seed     []byte // for lots
}

// Count is the result of a vote. It has no clock, no database and no chance in it.
func Count(c Counting) (tally.Result, error) {
	quorum := c.Rule.Quorum
	if c.Again {
		quorum = c.Rule.AgainQuorum
	}
	choices := make([]Choice, len(c.Papers))
	for i, p := range c.Papers {
		if err := json.Unmarshal([]byte(p.Choice), &choices[i]); err != nil {
			return tally.Result{}, fmt.Errorf("count vote %q: %w", p.Choice, err)
		}
	}
	switch c.Method {
	case rulebook.Proposal:
		var v tally.Proposal
		for i, p := range c.Papers {
			switch choices[i].Choice {
			case Agree:
				v.Agree += p.N
			case Disagree:
				v.Disagree += p.N
			case Block:
				v.Block += p.N
			default:
				v.Abstain += p.N
			}
		}
		return tally.Majority{Threshold: c.Rule.Threshold, Strict: c.Rule.Strict, Block: c.Rule.Block, Override: c.Rule.Override, Quorum: quorum, Roll: c.Roll}.Count(v), nil
	case rulebook.Consent:
		var v tally.ConsentVotes
		for i, p := range c.Papers {
			switch choices[i].Choice {
			case Consents:
				v.Consent += p.N
			case Object:
				v.Standing += p.N
			case Integrate:
				v.Integrated += p.N
			default:
				v.Abstain += p.N
			}
		}
		return tally.Consent{Quorum: quorum, Roll: c.Roll, Fallback: c.Rule.Override}.Count(v), nil
	case rulebook.Choose:
		var v []tally.Pick
		for i, p := range c.Papers {
			v = append(v, tally.Pick{Options: choices[i].Marks, Count: p.N})
		}
		return tally.Approval{Options: c.Options, Max: c.Settings.Max, Seats: 1, Quorum: quorum, Roll: c.Roll, Seed: c.Seed}.Count(v)
	case rulebook.Score, rulebook.Dots:
		var v []tally.Points
		for i, p := range c.Papers {
			v = append(v, tally.Points{Values: choices[i].Points, Count: p.N})
		}
		if c.Method == rulebook.Score {
			return tally.Score{Options: c.Options, Min: c.Settings.Low, Max: c.Settings.High, Quorum: quorum, Roll: c.Roll, Seed: c.Seed}.Count(v)
		}
		return tally.Dots{Options: c.Options, Dots: c.Settings.Dots, Quorum: quorum, Roll: c.Roll, Seed: c.Seed}.Count(v)
	case rulebook.Ranking:
		var v []tally.Ranking
		for i, p := range c.Papers {
			v = append(v, tally.Ranking{Ranks: choices[i].Ranks, Count: p.N})
		}
		return tally.Schulze{Options: c.Options, Unranked: tally.UnrankedLast, Quorum: quorum, Roll: c.Roll, Seed: c.Seed}.Count(v)
	case rulebook.Count, rulebook.Times:
		var v []tally.Answer
		for i, p := range c.Papers {
			v = append(v, tally.Answer{Values: choices[i].Answer, Count: p.N})
		}
		words := CountAnswers
		if c.Method == rulebook.Times {
			words = TimesAnswers
		}
		r, err := tally.Answers{Options: c.Options, Answers: words, Roll: c.Roll}.Count(v)
		r.Outcome = Answered
		return r, err
	case rulebook.Questions:
		r := tally.Result{Rule: "answer/v1", Outcome: Answered, Roll: c.Roll}
		for _, p := range c.Papers {
			r.Voted += p.N
			r.Ballots += p.N
		}
		return r, nil
	}
	return tally.Result{}, fmt.Errorf("count: no method %q", c.Method)
}

// seed is what lots are drawn from: the motion and all votes, which nobody knows before the close. The
// votes are taken in the order of their bytes, not of a database's alphabet.
func seed(m *Motion, papers []paper) []byte {
	papers = slices.Clone(papers)
	slices.SortFunc(papers, func(a, b paper) int { return strings.Compare(a.Choice, b.Choice) })
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "rochdale lot v1\n%s\n%s\n", m.ID, m.RollHash)
	for _, p := range papers {
		_, _ = fmt.Fprintf(h, "%d %s\n", p.N, p.Choice)
	}
	return h.Sum(nil)
}

// marshal is the one form of a choice in tables and hashes.
func (c *Choice) marshal() (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		return "", fmt.Errorf("keep vote: %w", err)
	}
	return strings.TrimSpace(b.String()), nil
}

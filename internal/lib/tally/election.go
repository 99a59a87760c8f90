package tally

import (
	"fmt"
	"slices"
	"strings"
)

// Election is what the rules count that fill seats, rank options or spend a
// budget. The readers of files return one. Fields that a rule does not know
// are not looked at.
type Election struct {
	Title   string
	Seats   int
	Options []string  // candidates; for a budget, the projects' ids
	Ballots []Ranking // ranked ballots
	Marks   []Pick    // ballots that mark options: budgets by approval, approval/v1
	Points  []Points  // ballots that give points: budgets

	// Withdrawn are options on the ballot that can no longer be elected. They
	// are passed over as if they had never stood.
	Withdrawn []int
	// Unranked is how schulze/wv reads an option that a ballot does not rank:
	// UnrankedLast (also when empty) or UnrankedAbstain.
	Unranked string

	Roll   int
	Quorum Ratio
	Seed   []byte // of lots: see Seed

	Limits   []Limit // caps and reserved seats
	NoBallot bool    // all are elected without a ballot where they are no more than the seats
	Terms    []Term  // staggered terms, longest first

	Budget Budget

	// Official is what the file says was elected or funded, where it says so.
	Official []string
}

// The names of the rules that Count knows.
const (
	RuleIRV         = "irv/v1"
	RuleScottish    = "stv/scottish2007"
	RuleMeek        = "stv/meek"
	RuleSchulze     = "schulze/wv"
	RuleApproval    = "approval/v1"
	RuleEqualShares = "pb/equal-shares"
	RuleGreedy      = "pb/greedy"
	RuleSortition   = "sortition/v1"
)

// Rules lists the names that Count takes.
func Rules() []string {
	return []string{RuleIRV, RuleScottish, RuleMeek, RuleSchulze, RuleApproval, RuleEqualShares, RuleGreedy, RuleSortition}
}

// Count counts an election by the rule of that name. Two names may carry a
// reading, which then overrules what the election says: "schulze/wv+last",
// "schulze/wv+abstain", "pb/greedy+skip" and "pb/greedy+stop".
func Count(rule string, e Election) (Result, error) {
	name, reading, declared := strings.Cut(rule, "+")
	if declared {
		switch {
		case name == RuleSchulze:
			e.Unranked = reading
		case name == RuleGreedy && (reading == readSkip || reading == readStop):
			e.Budget.Stop = reading == readStop
		default:
			return Result{}, fmt.Errorf("count: rule %q has no reading %q", name, reading)
		}
	}
	count, known := map[string]func(Election) (Result, error){
		RuleIRV:         Election.irv,
		RuleScottish:    Election.scottish,
		RuleMeek:        Election.meek,
		RuleSchulze:     Election.schulze,
		RuleApproval:    Election.approval,
		RuleEqualShares: Election.equalShares,
		RuleGreedy:      Election.greedy,
		RuleSortition:   Election.sortition,
	}[name]
	if !known {
		return Result{}, fmt.Errorf("count: there is no rule %q", rule)
	}
	if strings.HasPrefix(name, "pb/") {
		return count(e)
	}
	if err := e.check(); err != nil {
		return Result{}, err
	}
	if e.NoBallot {
		if running := e.running(); len(running) <= e.Seats && e.room(nil, running) == len(running) {
			return e.uncontested(name, running)
		}
	}
	r, err := count(e)
	if err != nil {
		return Result{}, err
	}
	err = e.giveTerms(&r)
	return r, err
}

// CountBack fills casual vacancies from the ballots of the election that
// filled the seats: the same ballots are counted again by the same rule,
// without those who left and with the sitting members' seats kept for them.
// Whoever among the others no longer stands must be named in e.Withdrawn. The
// returned names are those who win the vacant seats.
//
// spec: governance#6.2
func CountBack(rule string, e Election, sitting, left []int) (Result, []string, error) {
	if len(sitting) >= e.Seats {
		return Result{}, nil, fmt.Errorf("count back: no seat is vacant")
	}
	e.Withdrawn = append(slices.Clone(e.Withdrawn), left...)
	var others []int
	for _, o := range e.running() {
		if !slices.Contains(sitting, o) {
			others = append(others, o)
		}
	}
	e.Limits = append(slices.Clone(e.Limits), Limit{Name: "seats that are vacant", Options: others, Max: e.Seats - len(sitting)})
	e.NoBallot, e.Terms = false, nil
	r, err := Count(rule, e)
	if err != nil {
		return Result{}, nil, err
	}
	var filled []string
	for _, name := range r.Elected {
		if !slices.Contains(sitting, slices.Index(e.Options, name)) {
			filled = append(filled, name)
		}
	}
	return r, filled, nil
}

// check validates what all rules with seats share.
func (e Election) check() error {
	if err := checkOptions(e.Options); err != nil {
		return err
	}
	if e.Seats < 1 {
		return fmt.Errorf("check election: there are %d seats", e.Seats)
	}
	for _, w := range e.Withdrawn {
		if w < 0 || w >= len(e.Options) {
			return fmt.Errorf("check election: option %d is withdrawn and does not exist", w)
		}
	}
	return e.checkLimits()
}

// box checks the ranked ballots and counts the papers; valid says of a ballot
// in form whether a rule can count it.
func (e Election) box(valid func(Ranking) bool) (box, error) {
	var b box
	for i, ballot := range e.Ballots {
		if len(ballot.Ranks) != len(e.Options) {
			return b, fmt.Errorf("count ballot %d: it has %d ranks for %d options", i+1, len(ballot.Ranks), len(e.Options))
		}
		for o, rank := range ballot.Ranks {
			if rank < 0 {
				return b, fmt.Errorf("count ballot %d: option %d has rank %d", i+1, o, rank)
			}
		}
		if err := b.add(i, ballot.Count, !valid(ballot)); err != nil {
			return b, err
		}
	}
	return b, nil
}

// running lists the options that have not withdrawn.
func (e Election) running() []int {
	var out []int
	for o := range e.Options {
		if !slices.Contains(e.Withdrawn, o) {
			out = append(out, o)
		}
	}
	return out
}

// approval counts approval/v1: a mark is any rank, or an entry in Marks.
func (e Election) approval() (Result, error) {
	ballots := slices.Clone(e.Marks)
	if _, err := e.box(func(Ranking) bool { return true }); err != nil {
		return Result{}, err
	}
	for _, ranked := range e.Ballots {
		p := Pick{Count: ranked.Count}
		for o, rank := range ranked.Ranks {
			if rank > 0 {
				p.Options = append(p.Options, o)
			}
		}
		ballots = append(ballots, p)
	}
	r, err := Approval{Options: e.Options, Seats: e.Seats, Quorum: e.Quorum, Roll: e.Roll, Seed: e.Seed}.Count(ballots)
	if err != nil || r.Outcome != Carried || len(e.Limits)+len(e.Withdrawn) == 0 {
		return r, err
	}
	var order []int
	for _, name := range r.Order {
		o := slices.Index(e.Options, name)
		if r.value(name) != "0" && !slices.Contains(e.Withdrawn, o) {
			order = append(order, o)
		}
	}
	e.fill(&r, order)
	return r, nil
}

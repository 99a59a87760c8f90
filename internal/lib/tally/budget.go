package tally

import (
	"fmt"
	"slices"
)

// Budget is what a vote on spending is about. The projects' ids are the
// options of the election.
type Budget struct {
	Total    int64     // in the smallest unit
	Decimals int       // digits after the point: 2 where the unit is a cent
	Projects []Project // one an option
	Least    int64     // a project with less support is not looked at
	Stop     bool      // pb/greedy stops at the first project that is too dear, rather than skipping it
}

// Project is one thing that can be paid for.
type Project struct {
	Name string
	Cost int64 // in the smallest unit, above 0
}

// The readings of pb/greedy.
const (
	readSkip = "skip"
	readStop = "stop"
)

// maxMoney bounds amounts, so that sums of costs fit in 64 bits.
const maxMoney = 1_000_000_000_000_000

// maxDecimals bounds the digits of a smallest unit.
const maxDecimals = 4

// pot is a checked budget vote.
type pot struct {
	Election
	box     box
	marks   []Pick  // each voter's projects, those with points in them too
	support []int64 // marks, or points where ballots give points
}

// pot checks the budget and the ballots and adds up the support.
func (e Election) pot() (*pot, error) {
	if err := checkOptions(e.Options); err != nil {
		return nil, err
	}
	if len(e.Budget.Projects) != len(e.Options) {
		return nil, fmt.Errorf("check budget: it has %d projects for %d options", len(e.Budget.Projects), len(e.Options))
	}
	if e.Budget.Total < 0 || e.Budget.Total > maxMoney || e.Budget.Decimals < 0 || e.Budget.Decimals > maxDecimals {
		return nil, fmt.Errorf("check budget: %d cannot be spent", e.Budget.Total)
	}
	for i, p := range e.Budget.Projects {
		if p.Cost <= 0 || p.Cost > maxMoney {
			return nil, fmt.Errorf("check budget: project %q costs %d", e.Options[i], p.Cost)
		}
	}
	p := &pot{Election: e, support: make([]int64, len(e.Options))}
	for i, m := range e.Marks {
		if err := p.box.add(i, m.Count, len(m.Options) == 0); err != nil {
			return nil, err
		}
		for j, o := range m.Options {
			if o < 0 || o >= len(e.Options) {
				return nil, fmt.Errorf("count ballot %d: there is no project %d", i+1, o)
			}
			if slices.Contains(m.Options[:j], o) {
				return nil, fmt.Errorf("count ballot %d: project %d is marked twice", i+1, o)
			}
			p.support[o] += int64(m.Count)
		}
	}
	p.marks = slices.Clone(e.Marks)
	for i, v := range e.Points {
		m := Pick{Count: v.Count}
		if len(v.Values) != len(e.Options) {
			return nil, fmt.Errorf("count ballot %d: it has %d values for %d projects", i+1, len(v.Values), len(e.Options))
		}
		for o, n := range v.Values {
			if n < -maxPoints || n > maxPoints {
				return nil, fmt.Errorf("count ballot %d: it gives %d points", i+1, n)
			}
			if n > 0 {
				m.Options = append(m.Options, o)
			}
		}
		if err := p.box.add(i, v.Count, len(m.Options) == 0); err != nil {
			return nil, err
		}
		for o, n := range v.Values {
			p.support[o] += n * int64(v.Count)
		}
		p.marks = append(p.marks, m)
	}
	return p, nil
}

// cost writes an amount.
func (p *pot) cost(v int64) string { return decimal(v, p.Budget.Decimals) }

// result begins the result of a budget; ok is false where the quorum is missed.
func (p *pot) result(rule string) (Result, bool) {
	r, ok := begin(rule, p.Roll, p.box, p.Quorum)
	r.Budget = p.cost(p.Budget.Total)
	for o, name := range p.Options {
		r.Tallies = append(r.Tallies, Tally{Option: name, Value: decimal(p.support[o], 0), Parts: []Part{
			{"cost", p.cost(p.Budget.Projects[o].Cost)}, {"name", p.Budget.Projects[o].Name},
		}})
	}
	return r, ok
}

// finish ends the result with what is funded.
func (p *pot) finish(r *Result, funded []int) {
	spent := int64(0)
	for _, o := range funded {
		spent += p.Budget.Projects[o].Cost
	}
	r.Funded, r.Spent, r.Outcome = pick(p.Options, funded), p.cost(spent), Carried
	if len(funded) == 0 {
		r.Outcome = Lost
	}
}

// greedy counts pb/greedy: the projects are taken by falling support, and each
// that can still be paid for is. The reading "skip" passes over one that is
// too dear, "stop" ends there. Level projects go by lower cost and then by lot.
func (e Election) greedy() (Result, error) {
	p, err := e.pot()
	if err != nil {
		return Result{}, err
	}
	r, ok := p.result(RuleGreedy)
	r.Reading = readSkip
	if e.Budget.Stop {
		r.Reading = readStop
	}
	if !ok {
		return r, nil
	}
	var order []int
	for o := range e.Options {
		if p.support[o] > 0 && p.support[o] >= e.Budget.Least {
			order = append(order, o)
		}
	}
	level := func(a, b int) int {
		if d := compare(p.support[b], p.support[a]); d != 0 {
			return d
		}
		return compare(e.Budget.Projects[a].Cost, e.Budget.Projects[b].Cost)
	}
	slices.SortStableFunc(order, level)
	l := lots{seed: e.Seed, names: e.Options}
	left := e.Budget.Total
	var funded []int
	for i, o := range order {
		if i == 0 || level(order[i-1], o) != 0 {
			p.drawLevel(&l, order, i, left, level)
			o = order[i]
		}
		s := Stage{Number: i + 1, Action: "fund", Of: []string{e.Options[o]}}
		if cost := e.Budget.Projects[o].Cost; cost <= left {
			left -= cost
			funded = append(funded, o)
		} else {
			s.Action = r.Reading
		}
		s.Value = p.cost(left)
		r.Stages = append(r.Stages, s)
		if s.Action == readStop {
			break
		}
	}
	r.Lots = l.drawn
	p.finish(&r, funded)
	return r, nil
}

// drawLevel draws the order of the projects from place i that are level with
// each other, where the money reaches for some of them and not for all.
func (p *pot) drawLevel(l *lots, order []int, i int, left int64, level func(a, b int) int) {
	to := i + 1
	for to < len(order) && level(order[i], order[to]) == 0 {
		to++
	}
	if reach := left / p.Budget.Projects[order[i]].Cost; reach > 0 && reach < int64(to-i) {
		copy(order[i:to], l.draw(fmt.Sprintf("place %d", i+1), order[i:to]))
	}
}

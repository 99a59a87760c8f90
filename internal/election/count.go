package election

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
	"rochdale/internal/record"
)

// countingRule is how the election is counted, with its version.
func (e *Election) countingRule() string {
	switch e.Kind {
	case Panel:
		return tally.RuleSortition
	case Budget:
		if e.Plan().Greedy {
			return tally.RuleGreedy + "+skip"
		}
		return tally.RuleEqualShares
	}
	return e.Rules().Method
}

// onPaper are the candidates as the ballot paper had them, by place.
func onPaper(list []Candidate) []Candidate {
	out := slices.DeleteFunc(slices.Clone(list), func(c Candidate) bool { return c.Place == 0 })
	slices.SortFunc(out, func(a, b Candidate) int { return a.Place - b.Place })
	return out
}

// form is the election as tally counts it, without ballots: the candidates in the order of the paper.
func (e *Election) form(paper []Candidate) tally.Election {
	r, plan := e.Rules(), e.Plan()
	c := tally.Election{Title: e.Title, Seats: plan.Seats, Roll: e.RollSize, Quorum: r.Quorum}
	if e.Kind == Budget {
		c.Budget = tally.Budget{Total: plan.Sum, Decimals: plan.Decimals}
		for _, x := range paper {
			c.Options = append(c.Options, x.ID.String())
			c.Budget.Projects = append(c.Budget.Projects, tally.Project{Name: x.Name, Cost: x.Cost})
		}
		return c
	}
	groups := map[string][]int{}
	for i, x := range paper {
		c.Options = append(c.Options, x.Name)
		if name := strings.ToLower(x.Affiliation); r.Cap > 0 && name != "" { // spelt with other capitals it is the same
			groups[name] = append(groups[name], i)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[name]) > r.Cap {
			c.Limits = append(c.Limits, tally.Limit{Name: "affiliation " + name, Options: groups[name], Max: r.Cap})
		}
	}
	for _, seat := range plan.Reserved {
		var others []int
		for i, x := range paper {
			if x.Reserved != seat.For {
				others = append(others, i)
			}
		}
		if len(others) > 0 {
			c.Limits = append(c.Limits, tally.Limit{Name: "seats not reserved for " + seat.For, Options: others, Max: plan.Seats - seat.Seats})
		}
	}
	for _, t := range plan.Terms {
		c.Terms = append(c.Terms, tally.Term{Name: termName(t.Days), Seats: t.Seats})
	}
	return c
}

func termName(days int) string { return fmt.Sprintf("%d days", days) }

// tallied is the election with its ballots and its seed, as it was counted: what a count-back counts again.
func (s *Service) tallied(ctx context.Context, h db.Handle, e *Election, list []Candidate) (tally.Election, error) {
	paper := onPaper(list)
	c := e.form(paper)
	switch {
	case e.Kind == Panel || e.uncontested(paper):
		c.NoBallot = e.Kind != Panel
		seed, err := s.lotSeed(ctx, e)
		c.Seed = seed
		return c, err
	case e.Mode != Secret:
		return c, s.named(ctx, h, e, &c)
	}
	v, ok, err := s.ballot.Of(ctx, h, e.Ref())
	if err != nil || !ok {
		return c, err
	}
	f, err := s.ballot.Counted(ctx, h, v.ID)
	if err != nil {
		return c, err
	}
	box, err := f.Read()
	if err != nil {
		return c, err
	}
	for _, x := range box.Choices {
		if x != nil { // a spoilt ballot
			add(&c, *x)
		}
	}
	c.Limits = nil // those of the question, which nobody can edit
	for _, l := range f.Question.Settings.Limits {
		c.Limits = append(c.Limits, tally.Limit{Name: l.Name, Options: l.Options, Max: l.Max})
	}
	c.Seed = f.Seed[:]
	return c, nil
}

func add(c *tally.Election, x ballotbox.Choice) {
	if x.Rank != nil {
		c.Ballots = append(c.Ballots, tally.Ranking{Ranks: x.Rank, Count: 1})
		return
	}
	c.Marks = append(c.Marks, tally.Pick{Options: x.Marks, Count: 1})
}

// lotSeed is what a lot without ballots is drawn from: the hash of the record's entry that made the list
// final, which binds all that happened before.
func (s *Service) lotSeed(ctx context.Context, e *Election) ([]byte, error) {
	events, err := s.record.Find(ctx, record.Filter{Kinds: []string{"election.final"}, Subject: ref.Ref{Kind: "election", ID: e.ID}, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("draw lot of election %d: the record has no final list", e.Number)
	}
	return tally.Seed(e.countingRule(), e.Ref().String(), nil, [][]byte{[]byte(events[0].Hash)}), nil
}

// membersOf are the members who stand on the paper by these names: the record holds no names.
func membersOf(list []Candidate, names []string) []id.ID {
	out := []id.ID{}
	for _, name := range names {
		for _, c := range list {
			if c.Place > 0 && c.Name == name {
				out = append(out, c.Member)
			}
		}
	}
	return out
}

package ballotbox

import (
	"fmt"
	"slices"
	"strings"

	"rochdale/internal/lib/tally"
)

// Seed is the seed of the lots of this vote, from the hashes of all its
// ballots: nobody knows it before the close, and everybody after.
//
// spec: governance#3.3
func (q *Question) Seed(ballots []Hash) Hash {
	list := make([][]byte, len(ballots))
	for i := range ballots {
		list[i] = ballots[i][:]
	}
	return Hash(tally.Seed(q.Rule, q.Vote, list, nil))
}

// Count counts ballots by the question's rule. It looks only at their choices:
// that they are good ballots is for CheckBallot or Verify to say. The lots'
// seed is made of the hashes of just these ballots.
//
// The rules that fill seats and the budgets go to tally.Count, the others to
// tally's types. Options are called by their names in the result and, as
// tally has it, by their ids where a budget is spent.
func Count(q *Question, ballots []Ballot) (tally.Result, error) {
	question, err := q.Hash()
	if err != nil {
		return tally.Result{}, err
	}
	choices, hashes := make([]Choice, len(ballots)), make([]Hash, len(ballots))
	for i, b := range ballots {
		hashes[i] = b.Hash(question)
		c, err := ParseChoice(b.Choice)
		if err == nil {
			err = q.CheckChoice(c)
		}
		if err != nil {
			return tally.Result{}, fmt.Errorf("count ballot %s: %w", hashes[i], err)
		}
		choices[i] = c
	}
	return q.count(choices, q.Seed(hashes))
}

func (q *Question) count(choices []Choice, seed Hash) (tally.Result, error) {
	s := q.Settings
	if q.Method == Vote {
		var p tally.Proposal
		for _, c := range choices {
			switch c.Vote {
			case Agree:
				p.Agree++
			case Disagree:
				p.Disagree++
			case Block:
				p.Block++
			default:
				p.Abstain++
			}
		}
		return tally.Majority{Threshold: s.Threshold, Strict: s.Strict, Block: s.Block, Override: s.Override, Quorum: s.Quorum, Roll: q.Roll}.Count(p), nil
	}
	e := q.election()
	e.Seed = seed[:]
	// Equal ballots could be put together; there are never so many that it is worth it.
	for _, c := range choices {
		switch q.Method {
		case Ranking:
			e.Ballots = append(e.Ballots, tally.Ranking{Ranks: c.Rank, Count: 1})
		case Marks:
			e.Marks = append(e.Marks, tally.Pick{Options: c.Marks, Count: 1})
		case Points:
			e.Points = append(e.Points, tally.Points{Values: c.Points, Count: 1})
		}
	}
	switch q.Rule {
	case ruleScore:
		return tally.Score{Options: e.Options, Min: s.Low, Max: s.High, Quorum: e.Quorum, Roll: e.Roll, Seed: e.Seed}.Count(e.Points)
	case ruleDots:
		return tally.Dots{Options: e.Options, Dots: s.Dots, Quorum: e.Quorum, Roll: e.Roll, Seed: e.Seed}.Count(e.Points)
	}
	return tally.Count(q.Rule, e)
}

// election is the question as tally has it, without ballots.
func (q *Question) election() tally.Election {
	s := q.Settings
	e := tally.Election{Title: q.Title, Seats: q.Seats, Roll: q.Roll, Quorum: s.Quorum, NoBallot: s.NoBallot, Withdrawn: slices.Clone(s.Withdrawn)}
	for _, l := range s.Limits {
		e.Limits = append(e.Limits, tally.Limit{Name: l.Name, Options: l.Options, Max: l.Max})
	}
	for _, t := range s.Terms {
		e.Terms = append(e.Terms, tally.Term{Name: t.Name, Seats: t.Seats})
	}
	pb := strings.HasPrefix(q.Rule, "pb/") && s.Budget != nil
	if pb {
		e.Budget = tally.Budget{Total: s.Budget.Total, Decimals: s.Budget.Decimals, Least: s.Budget.Least}
	}
	for i, o := range q.Options {
		if pb {
			e.Options = append(e.Options, o.ID)
			e.Budget.Projects = append(e.Budget.Projects, tally.Project{Name: o.Name, Cost: s.Budget.Costs[i]})
		} else {
			e.Options = append(e.Options, o.Name)
		}
	}
	return e
}

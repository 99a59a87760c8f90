package ballotbox

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rochdale/internal/lib/tally"
)

// Box is what was in the box at the close, read: what each ballot says, and
// the seed of the lots that they make.
type Box struct {
	// Sealed reports that too few scrutineers have revealed their keys: nobody
	// can read the ballots yet.
	Sealed bool
	// Choices has what each ballot says, nil for one that is spoilt or cannot be
	// read.
	Choices []*Choice
	// Seed is the seed of the lots: nobody knows it before the close, and
	// everybody after.
	Seed Hash

	question *Question
	unread   error // of the first ballot, not sealed, that cannot be read
}

// Read reads the choices of ballots, with what the scrutineers revealed where
// they are sealed. It looks only at the choices: that they are good ballots is
// for CheckBallot or Verify to say. The lots' seed is made of the hashes of just
// these ballots.
//
// spec: governance#3.3
func (q *Question) Read(ballots []Ballot, reveals []Reveal) (*Box, error) {
	hash, err := q.Hash()
	if err != nil {
		return nil, err
	}
	box := &Box{question: q, Choices: make([]*Choice, len(ballots))}
	var open *opener
	if q.Scrutineers != nil {
		if open = q.opener(hash, reveals); open == nil {
			box.Sealed = true
			return box, nil
		}
	}
	// The secrets go into the seed in the order of the ballots' hashes.
	ballots = slices.Clone(ballots)
	places := make([]int, len(ballots))
	hashes := make([][]byte, len(ballots))
	for i, b := range ballots {
		h := b.Hash(hash)
		places[i], hashes[i] = i, h[:]
	}
	slices.SortFunc(places, func(a, b int) int { return bytes.Compare(hashes[a], hashes[b]) })
	var secrets [][]byte
	for _, i := range places {
		if open != nil {
			if c, secret, err := open.open(ballots[i]); err == nil {
				box.Choices[i], secrets = &c, append(secrets, secret)
			}
			continue
		}
		c, err := ParseChoice(ballots[i].Choice)
		if err == nil {
			err = q.CheckChoice(c)
		}
		if err != nil {
			box.unread = cmp.Or(box.unread, fmt.Errorf("count ballot %x: %w", hashes[i], err))
			continue
		}
		box.Choices[i] = &c
	}
	var reveal [][]byte
	if open != nil {
		reveal = [][]byte{openedHash(secrets)}
	}
	box.Seed = Hash(tally.Seed(q.Rule, q.Vote, hashes, reveal))
	return box, nil
}

// Count counts what was read by the question's rule; what is spoilt is not
// counted. A box that is sealed has the zero Result. One with a ballot that was
// not sealed and cannot be read is not counted at all: no voter cast it.
//
// The rules that fill seats and the budgets go to tally.Count, the others to
// tally's types. Options are called by their names in the result and, as
// tally has it, by their ids where a budget is spent.
func (b *Box) Count() (tally.Result, error) {
	if b.Sealed || b.unread != nil {
		return tally.Result{}, b.unread
	}
	choices := make([]Choice, 0, len(b.Choices))
	for _, c := range b.Choices {
		if c != nil {
			choices = append(choices, *c)
		}
	}
	return b.question.count(choices, b.Seed)
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

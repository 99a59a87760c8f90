package election

import (
	"context"
	"fmt"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/witness"
)

// Where the rule asks for a witness, another co-op signs ballot papers too (package witness). It is given the
// roll before voting opens: that needs the network, so it is done before the transaction that opens the vote.
// While the witness cannot be reached the opening waits, but not for ever.

// waitForWitness is how long after its time voting opens without a witness that cannot be reached.
const waitForWitness = 2 * day

// Witnesses are how an election reaches the witness of its vote; app connects them.
type Witnesses struct {
	Arrange  func(ctx context.Context, c witness.Call) (witness.Arrangement, error)
	Arranged func(ctx context.Context, h db.Handle, subject ref.Ref) (witness.Arrangement, bool, error)
	// Voters are the names and mail addresses of members.
	Voters func(ctx context.Context, who []id.ID) ([]witness.Voter, error)
	// URL is the page of an election.
	URL func(e *Election) string
	// Page is that of its vote at the witness.
	Page func(a *witness.Arrangement) string
}

// witnessed reports whether the rule asks for a witness.
func (e *Election) witnessed() bool { return e.Mode == Secret && e.Rules().Witness }

// arrange asks the witness to take the vote on; ready is false while the opening should wait for it.
func (s *Service) arrange(ctx context.Context, e *Election) (ready bool, err error) {
	if e.State != Final || !e.witnessed() || s.Witness == nil || e.DueAt.Before(e.OpensAt) { // nothing is voted on
		return true, nil
	}
	if few, err := s.fewScrutineers(ctx, e); err != nil || few {
		return true, err // it will be put off
	}
	roll, err := s.rollOf(ctx, s.db, e)
	if err != nil {
		return false, err
	}
	if len(roll) < ballot.Least {
		return true, nil
	}
	voters, err := s.Witness.Voters(ctx, roll)
	if err != nil {
		return false, err
	}
	closes := e.ClosesAt
	if late := s.db.Now().Sub(e.OpensAt); late > 0 {
		closes = closes.Add(late)
	}
	_, err = s.Witness.Arrange(ctx, witness.Call{Subject: e.Ref(), Title: e.Title, URL: s.Witness.URL(e), Closes: closes, Roll: voters})
	if kind := fault.KindOf(err); err != nil && kind == fault.Internal {
		return false, err
	}
	late := s.db.Now().Sub(e.OpensAt) > waitForWitness
	return err == nil || late || fault.Is(err, fault.NotFound), nil // what was refused is said when it opens
}

// fewScrutineers reports whether the opening will be put off for want of scrutineers.
func (s *Service) fewScrutineers(ctx context.Context, e *Election) (bool, error) {
	if !e.sealed() || e.putOff() {
		return false, nil
	}
	offers, err := s.Offers(ctx, e.ID)
	return len(offers) < e.Rules().Needed, err
}

// witness is the witness of a vote that opens now, nil where it has none; roll is who may vote. Where there
// should be one and is not, the election says so.
func (s *Service) witness(ctx context.Context, tx *db.Tx, e *Election, roll []id.ID) (*witness.Arrangement, error) {
	if !e.witnessed() {
		return nil, nil
	}
	why := "no co-op witnesses our votes"
	if s.Witness != nil {
		a, ok, err := s.Witness.Arranged(ctx, tx, e.Ref())
		switch {
		case err != nil:
			return nil, err
		case ok && a.RollHash.String() == rollHash(e.ID, roll):
			return &a, nil
		case ok:
			why = "the roll changed after the witness was given it"
		default:
			why = "the witness could not be reached"
		}
	}
	e.ModeReason = joinWords(e.ModeReason, fmt.Sprintf("This vote has no witness: %s.", why))
	return nil, nil
}

func joinWords(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// closesWith gives a witnessed vote the close that the witness was told.
func (e *Election) closesWith(a *witness.Arrangement, now time.Time) {
	if a != nil && a.Closes.After(now) {
		e.ClosesAt = a.Closes
	}
}

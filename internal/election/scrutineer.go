package election

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// Where the rule asks for scrutineers, members who do not stand offer themselves until voting opens, each with
// a key of their own. As many as the rule says are drawn by lot, and the ballots are sealed to them: until they
// reveal their keys after the close, nobody can read a ballot, the operator of the machine included.
// (Governance §3.4.)

// waitForScrutineers is how long the opening is put off, once, where too few have offered themselves.
const waitForScrutineers = rulebook.PutOff * day

// Offered is a member who offers to be a scrutineer.
type Offered struct {
	Member id.ID     `db:"member_id"`
	Key    string    `db:"public_key"` // base64url
	At     time.Time `db:"at"`
}

// sealed reports whether the rule asks for ballots to be sealed.
func (e *Election) sealed() bool { return e.Mode == Secret && e.Rules().Scrutineers > 0 }

// TakesScrutineers reports whether members can offer to be scrutineers now.
func (e *Election) TakesScrutineers() bool {
	return e.sealed() && (e.State == Nominations || e.State == Final)
}

// OfferScrutiny puts the actor forward as a scrutineer, with the public key of a pair that they made (see
// ballotbox.ScrutineerKey); offering again replaces the key. Members of the body that votes may who do not
// stand, until voting opens.
func (s *Service) OfferScrutiny(ctx context.Context, a authz.Actor, election id.ID, key ballotbox.Base64) error {
	if err := ballotbox.CheckScrutineerKey(key); err != nil {
		return fault.Field("key", "This is not the public key of a scrutineer.")
	}
	return s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		if err := s.mayTakePart(ctx, tx, a, e); err != nil {
			return err
		}
		if !e.TakesScrutineers() {
			return fault.New(fault.Conflict, "This election takes no scrutineers now.")
		}
		if err := s.disinterested(ctx, tx, a, e); err != nil {
			return err
		}
		offers, err := listOffers.All(ctx, tx, e.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(offers, func(o Offered) bool { return o.Key == key.String() && o.Member != a.Member }) {
			return fault.Field("key", "This is the key of another scrutineer.")
		}
		if len(offers) >= mostOffers && !slices.ContainsFunc(offers, func(o Offered) bool { return o.Member == a.Member }) {
			return fault.New(fault.Conflict, "There are scrutineers enough to draw from.")
		}
		if _, err := insertOffer.Run(ctx, tx, e.ID, a.Member, key.String(), tx.Now()); err != nil {
			return err
		}
		return s.note(ctx, tx, e, by("scrutineer-offered", a))
	})
}

// mostOffers bounds what a lot is drawn from.
const mostOffers = 200

// WithdrawScrutiny takes the actor's offer back, until voting opens.
func (s *Service) WithdrawScrutiny(ctx context.Context, a authz.Actor, election id.ID) error {
	return s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		if !e.TakesScrutineers() {
			return fault.New(fault.Conflict, "The ballots are sealed to you: what is needed now is your key, after the close.")
		}
		if n, err := deleteOffer.Run(ctx, tx, e.ID, a.Member); err != nil || n == 0 {
			return orNone(err, "You have not offered to be a scrutineer.")
		}
		return s.note(ctx, tx, e, by("scrutineer-withdrew", a))
	})
}

// Offers lists who offers to be a scrutineer, in the order of their offers.
func (s *Service) Offers(ctx context.Context, election id.ID) ([]Offered, error) {
	return listOffers.All(ctx, s.db, election)
}

// scrutineers draws those to whom the ballots are sealed: none where the rule asks for none. Where too few have
// offered themselves, the opening is put off once, and wait is true; afterwards voting opens unsealed, and the
// election says so.
func (s *Service) scrutineers(ctx context.Context, tx *db.Tx, e *Election, stand []Candidate, good []id.ID) (keepers []ballot.Keeper, wait bool, err error) {
	if !e.sealed() {
		return nil, false, nil
	}
	r := e.Rules()
	offers, err := listOffers.All(ctx, tx, e.ID)
	if err != nil {
		return nil, false, err
	}
	offers = slices.DeleteFunc(offers, func(o Offered) bool {
		return !slices.Contains(good, o.Member) || slices.ContainsFunc(stand, func(c Candidate) bool { return c.Member == o.Member })
	})
	slices.SortFunc(offers, func(a, b Offered) int { return int(a.Member - b.Member) })
	if len(offers) < r.Needed {
		if !e.putOff() {
			e.OpensAt, e.ClosesAt = e.OpensAt.Add(waitForScrutineers), e.ClosesAt.Add(waitForScrutineers)
			e.DueAt = e.OpensAt
			return nil, true, s.moved(ctx, tx, e, itself("wants-scrutineers"))
		}
		e.ModeReason = fmt.Sprintf("The ballots of this vote are not sealed: it takes %d scrutineers, and %d offered themselves.", r.Needed, len(offers))
		return nil, false, nil
	}
	seed, err := s.headSeed(ctx, e)
	if err != nil {
		return nil, false, err
	}
	entry := itself("scrutineers")
	members := make([]id.ID, 0, len(offers))
	for _, o := range offers {
		members = append(members, o.Member)
	}
	var drawn []id.ID
	for _, at := range tally.Lot(seed, "scrutineers", len(offers))[:min(r.Scrutineers, len(offers))] {
		var key ballotbox.Base64
		if err := key.UnmarshalText([]byte(offers[at].Key)); err != nil {
			return nil, false, fmt.Errorf("draw scrutineers of election %d: %w", e.Number, err)
		}
		keepers, drawn = append(keepers, ballot.Keeper{Member: offers[at].Member, Key: key}), append(drawn, offers[at].Member)
	}
	entry.Data = map[string]any{"offered": members, "drawn": drawn, "seed": hex.EncodeToString(seed)}
	return keepers, false, s.note(ctx, tx, e, entry)
}

// putOff reports whether the opening was put off for want of scrutineers.
func (e *Election) putOff() bool {
	return e.OpensAt.After(e.FinalAt.Add(time.Duration(e.Rules().Final) * day))
}

// headSeed is a seed that nobody knew while scrutineers could still offer themselves: of the newest entry of
// the record.
func (s *Service) headSeed(ctx context.Context, e *Election) ([]byte, error) {
	events, err := s.record.Find(ctx, record.Filter{Limit: 1})
	if err != nil || len(events) == 0 {
		return nil, fmt.Errorf("draw scrutineers of election %d: the record is empty: %w", e.Number, err)
	}
	return tally.Seed(tally.RuleSortition, e.Ref().String(), nil, [][]byte{[]byte(events[0].Hash)}), nil
}

// seal ends the voting of an election whose ballots are sealed: now it is for the scrutineers.
func (s *Service) seal(ctx context.Context, tx *db.Tx, e *Election) error {
	e.State, e.DueAt = Sealed, tx.Now().Add(time.Duration(e.Rules().Reveal)*day)
	e.RemindedAt = time.Time{}
	return s.moved(ctx, tx, e, itself("sealed"))
}

// unseal counts what the scrutineers have opened; f is nil where too few have, and their time is over.
func (s *Service) unseal(ctx context.Context, tx *db.Tx, e *Election, f *ballotbox.File) error {
	v, err := s.voteOf(ctx, tx, e)
	if err != nil {
		return err
	}
	if f == nil {
		awaited, err := s.Awaited(ctx, tx, e)
		if err != nil {
			return err
		}
		q, err := v.Question()
		if err != nil || len(q.Scrutineers.Keys)-len(awaited) >= q.Scrutineers.Needed { // the last key has just come
			return err
		}
		if err := s.ballot.Void(ctx, tx, v.ID); err != nil {
			return err
		}
		return s.fail(ctx, tx, e, "too few scrutineers gave up their keys: the ballots could not be opened")
	}
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	result, err := s.ballot.Unseal(ctx, tx, v.ID, f)
	if err != nil {
		return err
	}
	return s.counted(ctx, tx, e, list, result)
}

// opened is the file of a sealed election that can be counted, nil where it cannot yet.
func (s *Service) opened(ctx context.Context, e *Election) (*ballotbox.File, error) {
	if e.State != Sealed {
		return nil, nil
	}
	v, err := s.voteOf(ctx, s.db, e)
	if err != nil {
		return nil, err
	}
	f, ok, err := s.ballot.Opened(ctx, v.ID)
	if err != nil || !ok {
		return nil, err
	}
	return f, nil
}

func (s *Service) voteOf(ctx context.Context, h db.Handle, e *Election) (ballot.Vote, error) {
	v, ok, err := s.ballot.Of(ctx, h, e.Ref())
	if err == nil && !ok {
		err = fmt.Errorf("election %d has no ballot", e.Number)
	}
	return v, err
}

// Reveal gives up the actor's key to the ballots of an election that is closed: the scrutineers of the vote may,
// until their time is over. When enough have, the ballots are opened and counted.
func (s *Service) Reveal(ctx context.Context, a authz.Actor, election id.ID, key ballotbox.Base64) error {
	return s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		v, ok, err := s.ballot.Of(ctx, tx, e.Ref())
		if err == nil && !ok {
			err = fault.New(fault.Conflict, "Voting in this election has not opened.")
		}
		if err != nil {
			return err
		}
		enough, err := s.ballot.Reveal(ctx, tx, a, v.ID, key)
		if err != nil || !enough {
			return err
		}
		if _, err := setDue.Run(ctx, tx, e.ID, tx.Now()); err != nil || s.Wake == nil {
			return err
		}
		return s.Wake(ctx, tx, tx.Now())
	})
}

// ToReveal lists the elections whose ballots wait for the actor's key.
func (s *Service) ToReveal(ctx context.Context, a authz.Actor) ([]Election, error) {
	votes, err := s.ballot.ToReveal(ctx, a)
	if err != nil {
		return nil, err
	}
	out := make([]Election, 0, len(votes))
	for _, v := range votes {
		e, err := s.Get(ctx, s.db, v.SubjectID)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Awaited lists the scrutineers of a sealed election who have not revealed their keys.
func (s *Service) Awaited(ctx context.Context, h db.Handle, e *Election) ([]id.ID, error) {
	if e.State != Sealed {
		return nil, nil
	}
	v, err := s.voteOf(ctx, h, e)
	if err != nil {
		return nil, err
	}
	all, err := s.ballot.Scrutineers(ctx, h, v.ID)
	var out []id.ID
	for _, x := range all {
		if x.Key == "" {
			out = append(out, x.Member)
		}
	}
	return out, err
}

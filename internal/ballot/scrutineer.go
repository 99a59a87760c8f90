package ballot

import (
	"context"
	"slices"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
	"rochdale/internal/record"
)

// Scrutineer is one of those to whom the ballots of a vote are sealed.
type Scrutineer struct {
	Place  int    `db:"place"` // from 1, as in the question
	Member id.ID  `db:"member_id"`
	Key    string `db:"private_key"` // base64url, once it is revealed
}

// Scrutineers lists them, none where ballots are not sealed.
func (s *Service) Scrutineers(ctx context.Context, h db.Handle, vote id.ID) ([]Scrutineer, error) {
	return listScrutineers.All(ctx, h, vote)
}

// reveals are the keys that were given up, in the form of the published file.
func reveals(scrutineers []Scrutineer) (out []ballotbox.Reveal) {
	for _, x := range scrutineers {
		var key ballotbox.Base64
		if x.Key != "" && key.UnmarshalText([]byte(x.Key)) == nil {
			out = append(out, ballotbox.Reveal{Place: x.Place, Key: key})
		}
	}
	return out
}

// Reveal gives up the actor's private key after the close, so that the ballots can be opened: the scrutineer
// of the vote may, once; enough reports whether they can be opened now. Everybody can read the key from then on;
// it is good for nothing but this vote. The feature whose vote it is has decided that it is time.
func (s *Service) Reveal(ctx context.Context, tx *db.Tx, by authz.Actor, vote id.ID, key ballotbox.Base64) (enough bool, err error) {
	v, ok, err := lockVote.Find(ctx, tx, vote)
	if err != nil || !ok {
		return false, orNone(err)
	}
	all, err := listScrutineers.All(ctx, tx, vote)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(all, func(x Scrutineer) bool { return x.Member == by.Member })
	q, err := v.Question()
	switch {
	case err != nil:
		return false, err
	case i < 0 || by.Member == 0:
		return false, fault.New(fault.Forbidden, "This is for the scrutineers of the vote.")
	case v.ClosedAt.IsZero():
		return false, fault.New(fault.Conflict, "Voting is still open: keep your key to yourself until it has closed.")
	case v.Voided:
		return false, fault.New(fault.Conflict, "The time to open the ballots is over: keep your key to yourself.")
	case !v.Sealed():
		return false, fault.New(fault.Conflict, "The ballots are open already: your key is not needed any more.")
	}
	if all[i].Key != key.String() { // else sent twice
		if q.CheckReveal(ballotbox.Reveal{Place: all[i].Place, Key: key}) != nil {
			return false, fault.Field("key", "This is not the key that you registered. Type the code that you noted for this vote.")
		}
		if _, err := setRevealed.Run(ctx, tx, vote, all[i].Place, key.String()); err != nil {
			return false, err
		}
		boxed, err := s.recorded(ctx, vote)
		if err != nil {
			return false, err
		}
		if err := s.note(ctx, tx, &v, boxed, record.Entry{Kind: "ballot.revealed", Via: by.Via, Member: ref.Ref{Kind: "member", ID: by.Member},
			Data: map[string]any{"vote": v.Subject().String(), "place": all[i].Place, "key": key}}); err != nil {
			return false, err
		}
		all[i].Key = key.String()
	}
	return len(reveals(all)) >= q.Scrutineers.Needed, nil
}

// Opened is the file of a sealed vote with its ballots opened and counted, false while too few scrutineers have
// revealed their keys. Opening takes a while, and nothing in a closed box changes: it is done ahead of the
// transaction in which Unseal takes the result.
func (s *Service) Opened(ctx context.Context, vote id.ID) (*ballotbox.File, bool, error) {
	v, err := s.Get(ctx, s.db, vote)
	if err != nil || !v.Sealed() {
		return nil, false, err
	}
	f, _, err := s.file(ctx, s.db, &v)
	if err != nil {
		return nil, false, err
	}
	return f, len(f.Reveals) >= f.Question.Scrutineers.Needed, nil
}

// Unseal takes the result of a vote whose ballots the scrutineers have opened: f is what Opened gave.
func (s *Service) Unseal(ctx context.Context, tx *db.Tx, vote id.ID, f *ballotbox.File) (*tally.Result, error) {
	v, ok, err := lockVote.Find(ctx, tx, vote)
	if err != nil || !ok {
		return nil, orNone(err)
	}
	if !v.Sealed() || f.Question.Vote != v.Subject().String() {
		return nil, fault.New(fault.Conflict, "There is nothing to open.")
	}
	if err := s.result(ctx, tx, &v, f); err != nil {
		return nil, err
	}
	boxed, err := s.recorded(ctx, vote)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"vote": v.Subject().String(), "seed": f.Seed}
	if n := len(f.Ballots) - f.Result.Voted; n > 0 {
		data["spoilt"] = n
	}
	return &f.Result, s.note(ctx, tx, &v, boxed, record.Entry{Kind: "ballot.unsealed", Via: authz.Job, Data: data})
}

// ToReveal lists the closed votes whose ballots wait for the actor's key.
func (s *Service) ToReveal(ctx context.Context, by authz.Actor) ([]Vote, error) {
	if by.Member == 0 {
		return nil, nil
	}
	return toReveal.All(ctx, s.db, by.Member)
}

package election

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// Named is a ballot by name: one each, the last one counts.
type Named struct {
	ID       id.ID     `db:"id"`
	Election id.ID     `db:"election_id"`
	Member   id.ID     `db:"member_id"`
	Choice   string    `db:"choice"` // of ballotbox
	Reason   string    `db:"reason"`
	Salt     string    `db:"salt"`
	Version  int       `db:"version"`
	At       time.Time `db:"at"`
}

// namedState commits the record to a ballot without telling it before the close.
type namedState struct {
	Election id.ID  `json:"election"`
	Member   id.ID  `json:"member"`
	Version  int    `json:"version"`
	Digest   string `json:"digest"`
}

func (v *Named) state() namedState {
	h := sha256.Sum256([]byte(v.Salt + "\n" + v.Choice))
	return namedState{v.Election, v.Member, v.Version, hex.EncodeToString(h[:])}
}

// Vote casts a ballot by name, with a reason if the voter likes, or changes it. Those on the roll may, from
// the opening until the close. Secret ballots go through package ballot.
func (s *Service) Vote(ctx context.Context, a authz.Actor, election id.ID, c ballotbox.Choice, reason string) error {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > 2000 {
		return fault.Field("reason", "Please keep the reason to 2000 characters.")
	}
	if a.Member == 0 {
		return fault.New(fault.Forbidden, "Members can vote.")
	}
	return s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		if e.Mode != ByName {
			return fault.New(fault.Conflict, "This is a secret ballot.")
		}
		if e.State != Open || !s.db.Now().Before(e.ClosesAt) {
			return fault.New(fault.Conflict, "Voting in this election is not open.")
		}
		if n, err := onRoll.One(ctx, tx, election, a.Member); err != nil || n == 0 {
			if err == nil {
				err = fault.New(fault.Forbidden, "You are not on the roll of this vote: it was fixed when voting opened.")
			}
			return err
		}
		list, err := listCandidates.All(ctx, tx, election)
		if err != nil {
			return err
		}
		q := e.question(onPaper(list))
		if err := q.CheckChoice(c); err != nil {
			return fault.Field("choice", "This is not a vote that can be cast here: %s", err)
		}
		v, again, err := getNamed.Find(ctx, tx, election, a.Member)
		if err != nil {
			return err
		}
		v.Election, v.Member, v.Choice, v.Reason, v.Salt, v.Version, v.At = election, a.Member, c.String(), reason, rand.Text(), v.Version+1, tx.Now()
		if again {
			_, err = updateNamed.Run(ctx, tx, v.ID, v.Choice, v.Reason, v.Salt, v.Version, v.At)
		} else {
			v.ID = id.New(tx.Now())
			_, err = insertNamed.Run(ctx, tx, v.ID, v.Election, v.Member, v.Choice, v.Reason, v.Salt, v.Version, v.At)
		}
		if err != nil {
			return err
		}
		entry := by("voted", a)
		entry.Subject, entry.State = ref.Ref{Kind: "named-ballot", ID: v.ID}, v.state()
		entry.Data = map[string]any{"election": e.Number, "version": v.Version}
		entry.Private = map[string]string{"choice": v.Choice, "reason": reason}
		_, err = s.record.Append(ctx, tx, entry)
		return err
	})
}

// NamedBallots are the ballots by name, for members once the vote is closed; before, the actor's own.
func (s *Service) NamedBallots(ctx context.Context, a authz.Actor, e *Election) ([]Named, error) {
	if a.Member == 0 {
		return nil, nil
	}
	all, err := listNamed.All(ctx, s.db, e.ID)
	if err != nil || e.State != Open {
		return all, err
	}
	var own []Named
	for _, v := range all {
		if v.Member == a.Member {
			own = append(own, v)
		}
	}
	return own, nil
}

// Turnout is how many ballots by name were cast.
func (s *Service) Turnout(ctx context.Context, election id.ID) (int, error) {
	return countNamed.One(ctx, s.db, election)
}

// named adds the ballots by name, and the seed of the lots that they give.
func (s *Service) named(ctx context.Context, h db.Handle, e *Election, c *tally.Election) error {
	all, err := listNamed.All(ctx, h, e.ID)
	if err != nil {
		return err
	}
	hashes := make([][]byte, len(all))
	for i, v := range all {
		x, err := ballotbox.ParseChoice(v.Choice)
		if err != nil {
			return err
		}
		add(c, x)
		h := sha256.Sum256([]byte(v.Salt + "\n" + v.Choice))
		hashes[i] = h[:]
	}
	c.Seed = tally.Seed(e.countingRule(), e.Ref().String(), hashes, nil)
	return nil
}

func (s *Service) countNamed(ctx context.Context, tx *db.Tx, e *Election, list []Candidate) (tally.Result, error) {
	c := e.form(onPaper(list))
	if err := s.named(ctx, tx, e, &c); err != nil {
		return tally.Result{}, err
	}
	return tally.Count(e.countingRule(), c)
}

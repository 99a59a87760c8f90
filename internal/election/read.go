package election

import (
	"context"
	"slices"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
)

// ForBody lists the elections of a body's offices that are under way, and the last few that are over, the
// newest first.
func (s *Service) ForBody(ctx context.Context, body id.ID) ([]Election, error) {
	list, err := listForBody.All(ctx, s.db, body)
	over := 0
	return slices.DeleteFunc(list, func(e Election) bool {
		if !e.Over() {
			return false
		}
		over++
		return over > 3
	}), err
}

// Entry tells whether the actor is on the roll of an election's vote, and has voted, or taken the paper of a
// secret ballot.
func (s *Service) Entry(ctx context.Context, a authz.Actor, e *Election) (entitled, voted bool, err error) {
	if a.Member == 0 {
		return false, false, nil
	}
	if e.Mode == Secret {
		v, ok, err := s.ballot.Of(ctx, s.db, e.Ref())
		if err != nil || !ok {
			return false, false, err
		}
		return s.ballot.Entry(ctx, a, v.ID)
	}
	n, err := onRoll.One(ctx, s.db, e.ID, a.Member)
	if err != nil {
		return false, false, err
	}
	_, voted, err = getNamed.Find(ctx, s.db, e.ID, a.Member)
	return n > 0, voted, err
}

// Words is where the election stands, in a word or two.
func (e *Election) Words(ctx context.Context) string { return stateWords(ctx, e.State) }

// Hue is the colour of that.
func (e *Election) Hue() string { return stateHue(e.State) }

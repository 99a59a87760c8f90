package member

import (
	"context"
	"slices"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

// Standing is how somebody stands with the co-op at an instant. It is computed from facts, never
// edited.
type Standing string

// The standings of members, which the dues decide, and those of everybody else.
const (
	Current Standing = "current"
	DueSoon Standing = "due soon"
	Grace   Standing = "grace"
	Arrears Standing = "arrears"
	Waived  Standing = "waived"
	Paused  Standing = "paused"

	NoMember     Standing = ""          // not on the register yet
	FormerMember Standing = "ended"     // not on the register any more
	NoRights     Standing = "suspended" // on the register, with the rights suspended
)

// The kinds of facts.
const (
	Joined        = "joined"
	EndedThen     = "ended"
	ReinstatedAt  = "reinstated"
	SuspendedFrom = "suspended"
	RestoredAt    = "restored"
)

// Fact is one thing that happened to a membership. Facts are only ever added.
type Fact struct {
	Kind  string    `db:"kind" json:"kind"`
	At    time.Time `db:"at" json:"at"`
	Until time.Time `db:"until_at" json:"until,omitzero"` // when a suspension runs out by itself
	How   string    `db:"how" json:"how,omitempty"`       // of an end: Resigned, Lapsed, Expelled or Died
}

// History is what happened to a membership, in order.
func (s *Service) History(ctx context.Context, h db.Handle, member id.ID) ([]Fact, error) {
	return listFacts.All(ctx, h, member)
}

// StandingOn is how a person stood with the co-op at an instant, past or present. The day begins at
// midnight UTC; whoever asks about a whole day asks about the end of it.
func (s *Service) StandingOn(ctx context.Context, h db.Handle, member id.ID, day time.Time) (Standing, error) {
	facts, err := s.History(ctx, h, member)
	if err != nil {
		return NoMember, err
	}
	standing := standingOf(facts, day)
	if standing != Current || s.Dues == nil {
		return standing, nil
	}
	return s.Dues(ctx, h, member, day)
}

// standingOf leaves the dues out of account.
func standingOf(facts []Fact, at time.Time) Standing {
	standing, suspended := NoMember, false
	for _, f := range facts {
		if f.At.After(at) {
			break
		}
		switch f.Kind {
		case Joined, ReinstatedAt:
			standing = Current
		case EndedThen:
			standing = FormerMember
		case SuspendedFrom:
			suspended = f.Until.IsZero() || at.Before(f.Until)
		case RestoredAt:
			suspended = false
		}
	}
	if standing == Current && suspended {
		return NoRights
	}
	return standing
}

// InGoodStanding lists the members in good standing at an instant by number: on the register, with
// their rights, and not barred for arrears where the rule says so.
func (s *Service) InGoodStanding(ctx context.Context, h db.Handle, at time.Time) ([]id.ID, error) {
	return s.roll(ctx, h, at, at)
}

// Roll lists who may vote when the voting opens at an instant: the members in good standing then whose
// membership began the waiting period before or earlier. Founders do not wait; whoever was reinstated
// waits from then on.
func (s *Service) Roll(ctx context.Context, h db.Handle, at time.Time, waiting time.Duration) ([]id.ID, error) {
	return s.roll(ctx, h, at, at.Add(-max(waiting, 0)))
}

func (s *Service) roll(ctx context.Context, h db.Handle, at, since time.Time) ([]id.ID, error) {
	all, err := listGood.All(ctx, h, at, since)
	if err != nil || s.Barred == nil {
		return all, err
	}
	barred, err := s.Barred(ctx, h, at)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]bool{}
	for _, m := range barred {
		out[m] = true
	}
	return slices.DeleteFunc(all, func(m id.ID) bool { return out[m] }), nil
}

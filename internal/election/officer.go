package election

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
)

// What a returning officer may do. Everything else is done by the calendar and the count.
const (
	Strike  = "election.strike"
	Restore = "election.restore"
	Prolong = "election.prolong"
)

// ruling is the effect of striking a nomination, or of restoring it.
type ruling struct {
	s         *Service
	Candidate id.ID `json:"candidate"`
	restore   bool
}

func (e *ruling) Target() authz.Target { return authz.Target{Kind: "candidate", ID: e.Candidate} }

func (e *ruling) find(ctx context.Context, h db.Handle) (Election, Candidate, error) {
	c, ok, err := getCandidate.Find(ctx, h, e.Candidate)
	if err != nil || !ok {
		return Election{}, c, orNone(err, "There is no such nomination.")
	}
	x, err := e.s.Get(ctx, h, c.Election)
	switch {
	case err != nil:
		return x, c, err
	case x.State != Nominations && x.State != Final:
		return x, c, fault.New(fault.Conflict, "The ballot papers are out: there is nothing to rule on.")
	case e.restore && c.State != Struck:
		return x, c, fault.New(fault.Conflict, "This nomination was not ruled out.")
	case !e.restore && c.State != Standing: // who was asked has not answered: restored, they would stand unasked
		return x, c, fault.New(fault.Conflict, "This member does not stand.")
	}
	return x, c, nil
}

func (e *ruling) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	x, c, err := e.find(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	title, after := i18n.T(ctx, "Rule a nomination out: %s", x.Title), Struck
	if e.restore {
		title, after = i18n.T(ctx, "Restore a nomination: %s", x.Title), Standing
	}
	return effect.Change{Base: fmt.Sprintf("candidate:%s/%s", c.ID, c.State), Title: title,
		Before: []effect.Line{{Name: i18n.T(ctx, "Nomination"), Text: c.State}}, After: []effect.Line{{Name: i18n.T(ctx, "Nomination"), Text: after}}}, nil
}

func (e *ruling) Apply(ctx context.Context, tx *db.Tx, actor authz.Actor, reason string) (effect.Stored, error) {
	x, c, err := e.find(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	power, opposite, kind := Strike, Restore, "struck"
	if e.restore {
		power, opposite, kind = Restore, Strike, "restored"
	}
	inverse, err := effect.Store(opposite, &ruling{Candidate: c.ID})
	if err != nil {
		return inverse, err
	}
	authority, err := e.s.mandate.Perform(ctx, tx, actor, authz.Act{Power: power, Target: e.Target(), Args: e, Inverse: inverse, Reason: reason})
	if err != nil {
		return inverse, err
	}
	c.State, c.Cause = Struck, reason
	if e.restore {
		c.State, c.Cause = Standing, ""
	}
	if _, err := updateCandidate.Run(ctx, tx, c.ID, c.State, c.Cause, c.Statement, c.Affiliation, c.Reserved, c.Place, c.Mandate, c.Vacated, c.Name); err != nil {
		return inverse, err
	}
	entry := by(kind, actor)
	entry.Authority, entry.Reason, entry.Data = authority, reason, map[string]any{"candidate": c.ID}
	return inverse, e.s.note(ctx, tx, &x, entry)
}

// officerEffects are the rulings, as decisions can carry them too: they are what undoes a ruling.
func (s *Service) officerEffects() effect.Registry {
	field := []effect.Field{{Name: "candidate", Label: i18n.Key("Number of the nomination"), Kind: "text"}}
	return effect.Registry{
		{Name: Strike, What: i18n.Key("Rule a nomination out"), New: func() effect.Effect { return &ruling{s: s} }, Fields: field},
		{Name: Restore, What: i18n.Key("Restore a nomination"), New: func() effect.Effect { return &ruling{s: s, restore: true} }, Fields: field},
	}
}

// Rule strikes a nomination, or restores one. Whoever holds the power may, unless they stand in the election
// themselves; until a day before the list is final, so that members can object (Object).
func (s *Service) Rule(ctx context.Context, a authz.Actor, candidate id.ID, restore bool, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return fault.Field("reason", "Please say why: everybody can read it.")
	}
	c, ok, err := getCandidate.Find(ctx, s.db, candidate)
	if err != nil || !ok {
		return orNone(err, "There is no such nomination.")
	}
	return s.step(ctx, c.Election, func(tx *db.Tx, e *Election) error {
		if err := s.disinterested(ctx, tx, a, e); err != nil {
			return err
		}
		if !restore && tx.Now().After(e.FinalAt.Add(-day)) {
			return fault.New(fault.Conflict, "Nominations are ruled on until a day before the list is final, so that members can object.")
		}
		if !restore {
			if upheld, err := s.upheld(ctx, tx, e, candidate); err != nil || upheld {
				return errors.Join(err, fault.New(fault.Conflict, "Members have objected to such a ruling, and they have the last word."))
			}
		}
		_, err := (&ruling{s: s, Candidate: candidate, restore: restore}).Apply(ctx, tx, a, reason)
		return err
	})
}

func (s *Service) disinterested(ctx context.Context, h db.Handle, a authz.Actor, e *Election) error {
	list, err := listCandidates.All(ctx, h, e.ID)
	if err == nil && a.Member != 0 && slices.ContainsFunc(list, func(c Candidate) bool { return c.Member == a.Member && (c.State == Standing || c.State == Asked) }) {
		err = fault.New(fault.Forbidden, "You stand in this election: somebody else must run it.")
	}
	return err
}

// Object puts the actor's name against a ruling. When as many object as could call a motion in, the
// nomination stands again: the members have the last word, not the officer.
func (s *Service) Object(ctx context.Context, a authz.Actor, candidate id.ID) error {
	return s.name(ctx, a, candidate, "object", func(tx *db.Tx, e *Election, x *Candidate) error {
		if x.State != Struck {
			return fault.New(fault.Conflict, "This nomination was not ruled out.")
		}
		upheld, err := s.upheld(ctx, tx, e, x.ID)
		if err != nil {
			return err
		}
		if !upheld {
			entry := by("objected", a)
			entry.Data = map[string]any{"candidate": x.ID}
			return s.note(ctx, tx, e, entry)
		}
		x.State, x.Cause = Standing, ""
		return s.answered(ctx, tx, a, e, x, "restored")
	})
}

// upheld reports whether enough members have objected to the striking of a nomination.
func (s *Service) upheld(ctx context.Context, tx *db.Tx, e *Election, candidate id.ID) (bool, error) {
	names, err := listNames.All(ctx, tx, e.ID, "object")
	if err != nil {
		return false, err
	}
	n := 0
	for _, r := range names {
		if r.Candidate == candidate {
			n++
		}
	}
	rule, err := s.rules.Get(ctx, tx, e.RuleID)
	if err != nil {
		return false, err
	}
	good, err := s.member.InGoodStanding(ctx, tx, tx.Now())
	return n >= max(rule.Rule.CallInNeeded(len(good)), 1), err
}

// Objections counts the names against each ruling.
func (s *Service) Objections(ctx context.Context, election id.ID) (map[id.ID]int, error) {
	rows, err := listNames.All(ctx, s.db, election, "object")
	out := map[id.ID]int{}
	for _, r := range rows {
		out[r.Candidate]++
	}
	return out, err
}

// MayBeProlonged reports whether the returning officer can prolong what is open now: nominations once, and the
// vote once. What the calendar adds where too few stand does not count.
func (e *Election) MayBeProlonged() bool {
	return e.State == Nominations && !e.Prolonged || e.State == Open && !e.ProlongedVote
}

// Extend prolongs nominations, or an open vote, by days, once: after an outage, or for want of candidates.
// Whoever holds the power may, with a reason, unless they stand themselves.
func (s *Service) Extend(ctx context.Context, a authz.Actor, election id.ID, days int, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return fault.Field("reason", "Please say why: everybody can read it.")
	}
	return s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		if err := s.disinterested(ctx, tx, a, e); err != nil {
			return err
		}
		r := e.Rules()
		switch {
		case e.State != Nominations && e.State != Open:
			return fault.New(fault.Conflict, "Nominations and open votes can be prolonged.")
		case e.State == Nominations && !s.db.Now().Before(e.FinalAt), e.State == Open && !s.db.Now().Before(e.ClosesAt):
			return fault.New(fault.Conflict, "Its time is over: nothing opens what has closed.")
		case !e.MayBeProlonged():
			return fault.New(fault.Conflict, "It has been prolonged once already.")
		case days < 1 || days > map[State]int{Nominations: r.Nominations, Open: r.Open}[e.State]:
			return fault.Field("days", "It can be prolonged by 1 day or more, and no more than the rule gives at first.")
		}
		more := time.Duration(days) * day
		if e.State == Nominations {
			e.Prolonged, e.FinalAt = true, e.FinalAt.Add(more)
			e.schedule(r)
			e.DueAt = e.FinalAt
		} else {
			e.ProlongedVote, e.ClosesAt = true, e.ClosesAt.Add(more)
			e.DueAt = e.ClosesAt
			if err := s.extendBallot(ctx, tx, e); err != nil {
				return err
			}
		}
		if _, err := setProlonged.Run(ctx, tx, e.ID, e.Prolonged, e.ProlongedVote); err != nil {
			return err
		}
		authority, err := s.mandate.Perform(ctx, tx, a, authz.Act{Power: Prolong, Target: authz.Target{Kind: "election", ID: e.ID}, Args: map[string]any{"election": e.Number, "days": days}, Reason: reason})
		if err != nil {
			return err
		}
		entry := by("prolonged", a)
		entry.Authority, entry.Reason = authority, reason
		if err := s.save(ctx, tx, e, entry); err != nil {
			return err
		}
		return s.Prolonged.Emit(ctx, tx, *e)
	})
}

func (s *Service) extendBallot(ctx context.Context, tx *db.Tx, e *Election) error {
	v, ok, err := s.ballot.Of(ctx, tx, e.Ref())
	if err != nil || !ok {
		return err
	}
	return s.ballot.Extend(ctx, tx, v.ID, e.ClosesAt)
}

// Observe puts the actor's name on the list of those who watch the election. Any member may.
func (s *Service) Observe(ctx context.Context, a authz.Actor, election id.ID) error {
	return s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		if a.Member == 0 {
			return fault.New(fault.Forbidden, "This is for members.")
		}
		if e.Over() {
			return fault.New(fault.Conflict, "This election is over.")
		}
		if _, err := insertObserver.Run(ctx, tx, e.ID, a.Member, tx.Now()); err != nil {
			return err
		}
		return s.note(ctx, tx, e, by("observed", a))
	})
}

// Observers lists who watches.
func (s *Service) Observers(ctx context.Context, election id.ID) ([]id.ID, error) {
	return listObservers.All(ctx, s.db, election)
}

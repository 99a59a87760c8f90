package decision

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/tally"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// Advance does everything whose time has come: it opens scheduled votes, closes and counts, ends
// windows, applies effects. It may run at any time, on several nodes; each step of a motion is one
// transaction that happens once.
func (s *Service) Advance(ctx context.Context) error {
	var failed []error
	for range 1000 {
		due, err := listDue.All(ctx, s.db, s.db.Now())
		if err != nil {
			return err
		}
		moved := false
		for _, m := range due {
			if err := s.advance(ctx, m.ID); err != nil {
				failed = append(failed, err) // others must not wait for it; the job will be tried again
				continue
			}
			moved = true
		}
		if len(due) == 0 || !moved {
			break
		}
		failed = nil
	}
	return errors.Join(append(failed, s.remind(ctx))...)
}

func (s *Service) advance(ctx context.Context, motion id.ID) error {
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		m, ok, err := lockOpen.Find(ctx, tx, motion)
		if err != nil || !ok || m.DueAt.IsZero() || m.DueAt.After(tx.Now()) {
			return err // another node was first
		}
		return s.advanceOne(ctx, tx, &m)
	})
	var stuck *stuck
	if errors.As(err, &stuck) {
		err = s.db.InDurableTx(ctx, func(tx *db.Tx) error { return s.returned(ctx, tx, motion, stuck) })
	}
	return err
}

func (s *Service) advanceOne(ctx context.Context, tx *db.Tx, m *Motion) error {
	switch {
	case m.State == Called:
		rule, err := s.rules.Get(ctx, tx, m.RuleID)
		if err != nil {
			return err
		}
		return s.open(ctx, tx, m, &rule)
	case m.State == Open:
		return s.close(ctx, tx, m)
	case m.State == Window:
		return s.enterForce(ctx, tx, m, Window)
	case m.State == InForce && m.Execution == "":
		return s.execute(ctx, tx, m)
	case m.State == InForce && !m.ReviewAt.IsZero() && m.ReviewedAt.IsZero():
		m.DueAt = time.Time{}
		if err := s.save(ctx, tx, m, InForce, record.Entry{Kind: "decision.review-due", Via: authz.Job}); err != nil {
			return err
		}
		return s.Changed.Emit(ctx, tx, *m)
	}
	m.DueAt = time.Time{}
	return s.save(ctx, tx, m, m.State, record.Entry{Kind: "decision.settled", Via: authz.Job})
}

// close counts an open vote, as of the instant at which it was to close.
func (s *Service) close(ctx context.Context, tx *db.Tx, m *Motion) error {
	rule, err := s.rules.Get(ctx, tx, m.RuleID)
	if err != nil {
		return err
	}
	result, papers, err := s.counted(ctx, tx, m)
	if err != nil {
		return err
	}
	m.ResultJSON, m.Outcome, m.CountedAt, m.DueAt = string(result.JSON()), outcomeOf(m, result), tx.Now(), time.Time{}
	switch {
	case m.Outcome != tally.Carried && m.Outcome != Answered:
		m.State = Closed
	case !m.Binding() || rule.Rule.Window == 0 || m.OriginKind == FromCallIn: // what all members voted on again is not called in for ever
		m.State, m.InForceAt, m.DueAt = InForce, tx.Now(), tx.Now()
	default:
		m.State, m.WindowEndsAt = Window, tx.Now().Add(time.Duration(rule.Rule.Window)*day) // nobody calls in what is not counted
		m.DueAt = m.WindowEndsAt
	}
	published, err := ballots(papers)
	if err != nil {
		return err
	}
	data := map[string]any{"outcome": m.Outcome, "rule": rule.String(), "result": json.RawMessage(m.ResultJSON)}
	if m.Method != rulebook.Questions && !m.Secret() { // secret ballots are published by themselves
		data["votes"] = published
	}
	if err := s.save(ctx, tx, m, Open, record.Entry{Kind: "decision.counted", Via: authz.Job, Data: data}); err != nil {
		return err
	}
	urgent, err := s.ratifies(ctx, tx, *m)
	if err != nil {
		return err
	}
	if err := s.await(ctx, tx, m, &rule.Rule); err != nil {
		return err
	}
	if m.Mover == 0 && m.Votes > 0 && (m.Outcome == tally.Lost || m.Outcome == tally.Blocked) {
		if err := s.mandate.Refuse(ctx, tx, m.ID); err != nil {
			return err
		}
	}
	if m.Outcome == tally.NoQuorum && rule.Rule.Again > 0 && !m.Again && urgent == 0 {
		if _, err := s.putAgain(ctx, tx, m, m.Body, SecondCall, tx.Now().Add(time.Duration(rule.Rule.Again)*day)); err != nil && fault.KindOf(err) == fault.Internal {
			return err
		}
	}
	if m.State == Closed && urgent != 0 {
		if err := s.lapse(ctx, tx, urgent); err != nil {
			return err
		}
	}
	return s.Counted.Emit(ctx, tx, *m)
}

// outcomeOf is carried for a ranking only if something else than the status quo won.
func outcomeOf(m *Motion, r tally.Result) tally.Outcome {
	if m.Method == rulebook.Ranking && r.Outcome == tally.Carried && len(r.Elected) > 0 && r.Elected[0] == StatusQuo {
		return tally.Lost
	}
	return r.Outcome
}

func (s *Service) enterForce(ctx context.Context, tx *db.Tx, m *Motion, from State) error {
	m.State, m.InForceAt, m.DueAt = InForce, tx.Now(), tx.Now()
	if err := s.save(ctx, tx, m, from, record.Entry{Kind: "decision.in-force", Via: authz.Job}); err != nil {
		return err
	}
	return s.Changed.Emit(ctx, tx, *m)
}

// stuck is why the effects of a motion could not be applied; nothing of them was.
type stuck struct {
	how   string // Stale or Failed
	cause string
}

func (e *stuck) Error() string { return e.how + ": " + e.cause }

// winning reports whether an effect is part of what was carried.
func winning(m *Motion, row effectRow) bool {
	if row.Option < 0 {
		return true
	}
	options := m.Options()
	return row.Option < len(options) && len(m.Result().Elected) > 0 && m.Result().Elected[0] == options[row.Option]
}

// execute applies the effects of a motion in force: all of them or none, each on its base, in one
// transaction with their acts (invariant 6).
func (s *Service) execute(ctx context.Context, tx *db.Tx, m *Motion) error {
	rows, err := listEffects.All(ctx, tx, m.ID)
	if err != nil {
		return err
	}
	var todo []effect.Effect
	var at []int
	for _, r := range rows {
		if !winning(m, r) {
			continue
		}
		e, err := s.effects.Load(r.stored())
		if err != nil {
			return asStuck(Failed, err)
		}
		ch, err := e.Check(ctx, tx)
		if err != nil {
			return asStuck(Failed, err)
		}
		if ch.Base != r.Base {
			return &stuck{Stale, "what it was to change has changed since the motion was called: " + ch.Title}
		}
		todo, at = append(todo, e), append(at, r.Position)
	}
	by := authz.Actor{Via: authz.Job, Decision: m.ID}
	for i, e := range todo {
		inverse, err := e.Apply(ctx, tx, by, m.Title)
		if err != nil {
			return asStuck(Failed, err)
		}
		b, err := json.Marshal(inverse)
		if err != nil {
			return err
		}
		if _, err := setInverse.Run(ctx, tx, m.ID, at[i], string(b)); err != nil {
			return err
		}
	}
	m.Execution, m.DueAt = Done, m.ReviewAt
	if err := s.save(ctx, tx, m, InForce, record.Entry{Kind: "decision.executed", Via: authz.Job, Authority: authz.Authority{Kind: authz.Decision, ID: m.ID},
		Data: map[string]any{"effects": len(todo)}}); err != nil {
		return err
	}
	if m.OriginKind == Rescinds {
		if err := s.rescind(ctx, tx, m.OriginID); err != nil {
			return err
		}
	}
	if m.Urgent != "" {
		if err := s.askToRatify(ctx, tx, m); err != nil {
			return err
		}
	}
	return s.Changed.Emit(ctx, tx, *m)
}

// asStuck turns a refusal into a cause that the mover can read; other errors are tried again.
func asStuck(how string, err error) error {
	if words, ok := fault.Words(err); ok {
		return &stuck{how, words}
	}
	return err
}

// returned notes that the effects were not applied, and gives the motion back to its mover.
func (s *Service) returned(ctx context.Context, tx *db.Tx, motion id.ID, why *stuck) error {
	m, ok, err := lockOpen.Find(ctx, tx, motion)
	if err != nil || !ok || m.State != InForce || m.Execution != "" {
		return err
	}
	m.Execution, m.Cause, m.DueAt = why.how, why.cause, time.Time{}
	if err := s.save(ctx, tx, &m, InForce, record.Entry{Kind: "decision." + why.how, Via: authz.Job, Reason: why.cause}); err != nil {
		return err
	}
	return s.Returned.Emit(ctx, tx, m)
}

func (s *Service) rescind(ctx context.Context, tx *db.Tx, motion id.ID) error {
	old, ok, err := lockOpen.Find(ctx, tx, motion)
	if err != nil || !ok || old.State != InForce {
		return err
	}
	old.State, old.DueAt = Rescinded, time.Time{}
	if err := s.save(ctx, tx, &old, InForce, record.Entry{Kind: "decision.rescinded", Via: authz.Job}); err != nil {
		return err
	}
	return s.Changed.Emit(ctx, tx, old)
}

// Decided answers the judge: whether a decision is being carried out now and carries an act of the
// power, and which body took it. With the power "" it only says whose decision it is.
func (s *Service) Decided(ctx context.Context, h db.Handle, decision id.ID, power string, _ authz.Target) (id.ID, bool, error) {
	m, ok, err := getMotion.Find(ctx, h, decision)
	if err != nil || !ok || power == "" {
		return m.Body, false, err
	}
	rows, err := listEffects.All(ctx, h, decision)
	if err != nil {
		return m.Body, false, err
	}
	for _, r := range rows {
		switch {
		case m.State == InForce && m.Execution == "" && r.Kind == power && winning(&m, r):
			return m.Body, true, nil
		case m.State == lapsing && r.inverse().Kind == power:
			return m.Body, true, nil
		}
	}
	return m.Body, false, nil
}

package decision

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// askToRatify puts an urgent decision that has been carried out to an ordinary vote: it is undone by
// itself unless the members ratify it.
func (s *Service) askToRatify(ctx context.Context, tx *db.Tx, m *Motion) error {
	n, err := s.draft(ctx, tx, authz.Actor{Via: authz.Job}, Drafting{Body: m.Body, Title: cut(fmt.Sprintf("Ratify the urgent decision %d: %s", m.Number, m.Title), MaxTitle),
		Text: "It was decided by the urgent procedure, because: " + m.Urgent + "\n\nIf this motion is not carried, the decision is undone by itself."}, Ratifies, m.ID)
	if err != nil {
		return err
	}
	return s.putByRule(ctx, tx, &n, time.Time{})
}

// ratifies is the urgent decision that a vote is about, also if the vote was called in and all members
// were asked again; 0 if it is about something else.
func (s *Service) ratifies(ctx context.Context, h db.Handle, vote Motion) (id.ID, error) {
	for vote.OriginKind == FromCallIn {
		old, ok, err := getMotion.Find(ctx, h, vote.OriginID)
		if err != nil || !ok {
			return 0, err
		}
		vote = old
	}
	if vote.OriginKind != Ratifies {
		return 0, nil
	}
	return vote.OriginID, nil
}

// lapse undoes an urgent decision whose ratification was not carried.
func (s *Service) lapse(ctx context.Context, tx *db.Tx, urgent id.ID) error {
	m, ok, err := lockOpen.Find(ctx, tx, urgent)
	if err != nil || !ok || m.State != InForce || m.Execution != Done {
		return err
	}
	rows, err := listEffects.All(ctx, tx, m.ID)
	if err != nil {
		return err
	}
	m.State = lapsing
	if err := s.save(ctx, tx, &m, InForce, record.Entry{}); err != nil {
		return err
	}
	left := ""
	for _, r := range slices.Backward(rows) {
		inverse := r.inverse()
		if inverse.Kind == "" {
			continue
		}
		if words, err := s.undo(ctx, tx, m.ID, inverse); err != nil {
			return err
		} else if words != "" {
			left = words
		}
	}
	m.State, m.DueAt, m.Cause = Rescinded, time.Time{}, left
	if err := s.save(ctx, tx, &m, lapsing, record.Entry{Kind: "decision.rescinded", Via: authz.Job, Reason: "it was urgent and not ratified"}); err != nil {
		return err
	}
	return s.Changed.Emit(ctx, tx, m)
}

// undo applies an inverse; what has moved on stays, and the words say why.
func (s *Service) undo(ctx context.Context, tx *db.Tx, decision id.ID, inverse effect.Stored) (left string, err error) {
	e, err := s.effects.Load(inverse)
	if err == nil {
		_, err = e.Check(ctx, tx)
	}
	if err == nil {
		_, err = e.Apply(ctx, tx, authz.Actor{Via: authz.Job, Decision: decision}, "not ratified")
	}
	if words, ok := fault.Words(err); ok {
		return words, nil
	}
	return "", err
}

// AskAboutEmergencies puts a motion to the members for the acts that were done before a decision, all
// that are new in one motion.
func (s *Service) AskAboutEmergencies(ctx context.Context) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		acts, err := s.mandate.Unasked(ctx, tx)
		if err != nil || len(acts) == 0 {
			return err
		}
		var ids []string
		text := "These acts were done before a decision. They are undone by themselves unless the members ratify them, or, where nothing can undo them, the members look at them here.\n"
		for _, a := range acts {
			ids = append(ids, `"`+a.Act.String()+`"`)
			reason := orNoReason(a.Reason)
			if !a.Until.IsZero() {
				reason = fmt.Sprintf("of the class %s. What was done, to whom and why is published on %s at the latest.", a.Class, a.Until.Format(time.DateOnly))
			}
			text += fmt.Sprintf("\n%s, entry %d of the record, on %s. Reason: %s", a.Power, a.Seq, a.At.Format(time.DateOnly), reason)
		}
		title := "Ratify what was done in an emergency"
		if !slices.ContainsFunc(acts, func(e mandate.Emergency) bool { return authz.AuthorityKind(e.AuthorityKind) != authz.Operate }) {
			title = "Ratify what the operator did"
		}
		n, err := s.draft(ctx, tx, authz.Actor{Via: authz.Job}, Drafting{Title: title, Text: cut(text, MaxText),
			Effects: []Proposed{{-1, effect.Stored{Kind: mandate.RatifyAct, Args: []byte(`{"acts":[` + strings.Join(ids, ",") + `]}`)}}}}, Emergency, acts[0].Act)
		if err != nil {
			return err
		}
		for _, a := range acts {
			if err := s.mandate.Ask(ctx, tx, a.Act, n.ID); err != nil {
				return err
			}
		}
		return s.putByRule(ctx, tx, &n, time.Time{})
	})
}

// mostCalls is how many votes after the first, a second call and a vote after a call-in, an emergency act
// waits for. A question that goes round further is answered too late, so that nobody keeps an act alive by
// calling in and staying away.
const mostCalls = 2

// await lets emergency acts stand until the motion that asks about them can have been answered.
func (s *Service) await(ctx context.Context, tx *db.Tx, m *Motion, r *rulebook.Rule) error {
	if m.Mover != 0 {
		return nil
	}
	calls := 0
	for at := *m; at.OriginKind == SecondCall || at.OriginKind == FromCallIn; calls++ {
		before, ok, err := getMotion.Find(ctx, tx, at.OriginID)
		if err != nil || !ok {
			return err
		}
		at = before
	}
	switch {
	case calls > mostCalls:
		return nil
	case m.State == Window:
		return s.mandate.Await(ctx, tx, m.ID, m.WindowEndsAt)
	case m.State != Called && m.State != Open:
		return nil
	}
	answered := m.ClosesAt
	if m.OriginKind != FromCallIn {
		answered = answered.Add(time.Duration(r.Window) * day)
	}
	return s.mandate.Await(ctx, tx, m.ID, answered)
}

func orNoReason(s string) string {
	if s == "" {
		return "none was given."
	}
	return s
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// State puts the outcome in the mover's words.
func (s *Service) State(ctx context.Context, by authz.Actor, motion id.ID, text string) (Motion, error) {
	text = strings.TrimSpace(text)
	return s.step(ctx, by, motion, func(tx *db.Tx, m *Motion) error {
		if m.CountedAt.IsZero() {
			return fault.New(fault.Conflict, "The outcome can be stated once the votes are counted.")
		}
		if text == "" || utf8.RuneCountInString(text) > 5000 {
			return fault.Field("text", "The statement has 1 to 5000 characters.")
		}
		m.Statement = text
		e := entry("stated", by)
		e.Private = map[string]string{"text": text}
		if err := s.save(ctx, tx, m, m.State, e); err != nil {
			return err
		}
		return s.Changed.Emit(ctx, tx, *m)
	})
}

// Review notes what a look back at a decision in force found, and when to look again. Members of the
// body may.
func (s *Service) Review(ctx context.Context, by authz.Actor, motion id.ID, finding string, next time.Time) (Motion, error) {
	finding, next = strings.TrimSpace(finding), instant(next)
	var m Motion
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		var ok bool
		var err error
		if m, ok, err = lockOpen.Find(ctx, tx, motion); err != nil || !ok || m.State == Draft {
			return orNone(err)
		}
		if err := s.mayMove(ctx, tx, by, m.Body); err != nil {
			return err
		}
		if m.State != InForce {
			return fault.New(fault.Conflict, "Decisions in force are reviewed.")
		}
		if finding == "" || utf8.RuneCountInString(finding) > 2000 {
			return fault.Field("finding", "Please say in 1 to 2000 characters what you found.")
		}
		if !next.IsZero() && !next.After(tx.Now()) {
			return fault.Field("next", "The next review lies in the future.")
		}
		m.ReviewedAt, m.ReviewAt, m.DueAt = tx.Now(), next, next
		e := entry("reviewed", by)
		e.Private = map[string]string{"finding": finding}
		if !next.IsZero() {
			m.ReviewedAt = time.Time{}
		}
		if err := s.save(ctx, tx, &m, InForce, e); err != nil {
			return err
		}
		return s.Changed.Emit(ctx, tx, m)
	})
	return m, err
}

// remind tells those who have not voted on motions that close within a day, once.
func (s *Service) remind(ctx context.Context) error {
	open, err := listInStates.All(ctx, s.db, []string{string(Open)}, int64(1)<<62, 500)
	if err != nil {
		return err
	}
	for _, m := range open {
		before := min(day, m.ClosesAt.Sub(m.OpensAt)/2)
		if !m.RemindedAt.IsZero() || s.db.Now().Before(m.ClosesAt.Add(-before)) || !s.db.Now().Before(m.ClosesAt) {
			continue
		}
		if err := s.db.InTx(ctx, func(tx *db.Tx) error {
			m, ok, err := lockOpen.Find(ctx, tx, m.ID)
			if err != nil || !ok || m.State != Open || !m.RemindedAt.IsZero() {
				return err
			}
			m.RemindedAt = tx.Now()
			if err := s.save(ctx, tx, &m, Open, record.Entry{Kind: "decision.reminded", Via: authz.Job}); err != nil {
				return err
			}
			list, err := s.unvoted(ctx, tx, m.ID)
			if err != nil || len(list) == 0 {
				return err
			}
			return s.Reminded.Emit(ctx, tx, Unvoted{m, list})
		}); err != nil {
			return err
		}
	}
	return nil
}

// Carried reports whether a motion was.
func (m *Motion) Carried() bool { return m.Outcome == tally.Carried }

package mandate

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
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

// OperatorDays is how long an act from the shell stands without being ratified.
const OperatorDays = 14

// Emergency is an act done before a decision: by a body that a rule lets act at once, or by the
// operator. It is reported to all members and ends by itself unless it is ratified before Due: it is
// undone, or, where nothing can undo it, put to the members as a review (DESIGN §3, invariant 9).
type Emergency struct {
	Act           id.ID     `db:"act_id"`
	Due           time.Time `db:"due_at"`
	RatifiedAt    time.Time `db:"ratified_at"`
	EndedAt       time.Time `db:"ended_at"`
	Outcome       string    `db:"outcome"`
	Decision      id.ID     `db:"decision_id"` // the motion that asks the members
	Power         string    `db:"power"`
	TargetKind    string    `db:"target_kind"`
	TargetID      id.ID     `db:"target_id"`
	Inverse       string    `db:"inverse"`
	Reason        string    `db:"reason"`
	MemberID      id.ID     `db:"member_id"`
	Via           string    `db:"via"`
	AuthorityKind string    `db:"authority_kind"`
	AuthorityID   id.ID     `db:"authority_id"`
	Seq           int64     `db:"record_seq"`
	At            time.Time `db:"at"`
}

// Outcomes of an emergency act.
const (
	Ratified = "ratified"
	Undone   = "undone"
	Review   = "review" // nothing undoes it: the members look at it
)

type emergencyState struct {
	Due     time.Time  `json:"due"`
	Outcome string     `json:"outcome,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
}

func (e *Emergency) state() emergencyState {
	return emergencyState{e.Due, e.Outcome, timeOrNil(e.EndedAt)}
}

// Undoes is the effect that would undo the act; its kind is "" if nothing does.
func (e *Emergency) Undoes() effect.Stored {
	var out effect.Stored
	_ = json.Unmarshal([]byte(e.Inverse), &out) // an inverse of another form is none
	return out
}

func (s *Service) byEmergency(ctx context.Context, h db.Handle, by authz.Actor, power string) (authz.Authority, error) {
	if s.EmergencyRule == nil {
		return authz.Authority{}, refused(power)
	}
	allowed, err := s.EmergencyRule(ctx, h, power)
	if err != nil {
		return authz.Authority{}, err
	}
	if allowed.Rule == 0 {
		return authz.Authority{}, refused(power)
	}
	b, ok, err := getBodyByHandle.Find(ctx, h, allowed.Body)
	if err != nil {
		return authz.Authority{}, err
	}
	if ok && b.DissolvedAt.IsZero() {
		if ok, err = s.Sits(ctx, h, b.ID, by.Member); err != nil {
			return authz.Authority{}, err
		}
	}
	if ok && s.MayHold != nil {
		if ok, err = s.MayHold(ctx, h, by.Member); err != nil {
			return authz.Authority{}, err
		}
	}
	if !ok || !b.DissolvedAt.IsZero() {
		return authz.Authority{}, refused(power)
	}
	return authz.Authority{Kind: authz.Emergency, ID: allowed.Rule}, nil
}

// emerge starts the clock of an act that was done before a decision.
func (s *Service) emerge(ctx context.Context, tx *db.Tx, act id.ID, power string, a authz.Authority) error {
	days := OperatorDays
	if a.Kind == authz.Emergency {
		allowed, err := s.EmergencyRule(ctx, tx, power)
		if err != nil {
			return err
		}
		days = allowed.Days
	}
	if _, err := insertEmergency.Run(ctx, tx, act, tx.Now().Add(time.Duration(days)*day)); err != nil {
		return err
	}
	e, err := getEmergency.One(ctx, tx, act)
	if err != nil {
		return err
	}
	if _, err := s.record.Append(ctx, tx, record.Entry{Kind: "emergency.done", Subject: ref.Ref{Kind: "emergency", ID: act}, Authority: a,
		Data: map[string]any{"power": power, "entry": e.Seq}, State: e.state()}); err != nil {
		return err
	}
	return s.Emerged.Emit(ctx, tx, e)
}

// Emergencies lists the acts that still wait to be ratified.
func (s *Service) Emergencies(ctx context.Context, h db.Handle) ([]Emergency, error) {
	return listEmergencies.All(ctx, h)
}

// Unasked lists those that no motion asks the members about yet; Ask connects them with one.
func (s *Service) Unasked(ctx context.Context, h db.Handle) ([]Emergency, error) {
	return listUnreported.All(ctx, h)
}

// Ask notes which motion asks the members about an act.
func (s *Service) Ask(ctx context.Context, tx *db.Tx, act, decision id.ID) error {
	_, err := setEmergency.Run(ctx, tx, act, decision)
	return err
}

func (s *Service) conclude(ctx context.Context, tx *db.Tx, e Emergency, outcome string, entry record.Entry) error {
	var ratified time.Time
	if outcome == Ratified {
		ratified = tx.Now()
	}
	n, err := endEmergency.Run(ctx, tx, e.Act, tx.Now(), outcome, ratified)
	if err != nil || n == 0 {
		return orConflict(err, "This act has been ratified or undone already.")
	}
	e.EndedAt, e.Outcome, e.RatifiedAt = tx.Now(), outcome, ratified
	entry.Kind, entry.Subject, entry.State = "emergency."+outcome, ref.Ref{Kind: "emergency", ID: e.Act}, e.state()
	entry.Data = map[string]any{"power": e.Power, "entry": e.Seq}
	if _, err := s.record.Append(ctx, tx, entry); err != nil {
		return err
	}
	if outcome == Ratified {
		return nil
	}
	return s.Lapsed.Emit(ctx, tx, e)
}

// byLapse lets the clock, and nobody else, undo an emergency act whose time is over.
func (s *Service) byLapse(ctx context.Context, h db.Handle, act id.ID, power string) (authz.Authority, error) {
	e, ok, err := getEmergency.Find(ctx, h, act)
	if err != nil {
		return authz.Authority{}, err
	}
	if !ok || !e.EndedAt.IsZero() || h.Now().Before(e.Due) || e.Undoes().Kind != power {
		return authz.Authority{}, fault.New(fault.Forbidden, "This act is not due to be undone.")
	}
	return authz.Authority{Kind: authz.Lapse, ID: act}, nil
}

// Lapse ends what was not ratified in time.
func (s *Service) Lapse(ctx context.Context) error {
	due, err := listDue.All(ctx, s.db, s.db.Now())
	if err != nil {
		return err
	}
	for _, e := range due {
		err := s.db.InDurableTx(ctx, func(tx *db.Tx) error { return s.undo(ctx, tx, e) })
		var f *fault.Error
		if errors.As(err, &f) { // what it would undo has moved on: the members look at it
			err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
				return s.conclude(ctx, tx, e, Review, record.Entry{Via: authz.Job, Reason: f.Error()})
			})
		}
		if err != nil && !fault.Is(err, fault.Conflict) { // Conflict: another node was first
			return err
		}
	}
	return nil
}

func (s *Service) undo(ctx context.Context, tx *db.Tx, e Emergency) error {
	stored := e.Undoes()
	if p, _ := s.power(e.Power); stored.Kind == "" || p.Irreversible {
		return s.conclude(ctx, tx, e, Review, record.Entry{Via: authz.Job, Reason: "nothing undoes it"})
	}
	undoing, err := s.effects.Load(stored)
	if err != nil {
		return err
	}
	if _, err := undoing.Apply(ctx, tx, authz.Actor{Via: authz.Job, Lapse: e.Act}, "not ratified in time"); err != nil {
		return err
	}
	return s.conclude(ctx, tx, e, Undone, record.Entry{Via: authz.Job})
}

// Ratify confirms an act of the operator: whoever holds the act's power by a mandate may, so that a
// co-op in its first days need not vote about every account. What a body did under an emergency rule
// is ratified by a decision.
func (s *Service) Ratify(ctx context.Context, by authz.Actor, act id.ID, reason string) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		e, ok, err := getEmergency.Find(ctx, tx, act)
		if err != nil || !ok {
			return orNone(err, "There is no such act waiting.")
		}
		if authz.AuthorityKind(e.AuthorityKind) != authz.Operate {
			return fault.New(fault.Forbidden, "The members ratify this by a motion.")
		}
		a, err := s.Authorise(ctx, tx, by, e.Power, authz.Target{Kind: e.TargetKind, ID: e.TargetID})
		if err != nil {
			return err
		}
		if a.Kind != authz.Mandate {
			return refused(e.Power)
		}
		return s.conclude(ctx, tx, e, Ratified, record.Entry{Member: ref.Ref{Kind: "member", ID: by.Member}, Via: by.Via, Authority: a, Reason: reason})
	})
}

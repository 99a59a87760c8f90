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

// OperatorDays is how long an act from the shell stands without being ratified, or longer where the
// rules give the members longer to answer (Service.RatifyDays).
const OperatorDays = 14

// RepeatAfter is how long what the members did not let stand cannot be done again before a decision. A
// month is longer than a motion takes under every preset, so that whoever still thinks it right asks
// first; and without it an act that lapses is done again the next minute, and no emergency ever ends.
const RepeatAfter = 30 * day

// Emergency is an act done before a decision: by a body that a rule lets act at once, or by the
// operator. It is reported to all members and ends by itself unless it is ratified before Due: it is
// undone, or, where nothing can undo it, put to the members as a review (DESIGN §3, invariant 9).
type Emergency struct {
	Act           id.ID     `db:"act_id"`
	Due           time.Time `db:"due_at"`
	RatifiedAt    time.Time `db:"ratified_at"`
	EndedAt       time.Time `db:"ended_at"`
	RefusedAt     time.Time `db:"refused_at"` // when the members voted it down
	Outcome       string    `db:"outcome"`
	Decision      id.ID     `db:"decision_id"` // the motion that asks the members
	Power         string    `db:"power"`
	TargetKind    string    `db:"target_kind"`
	TargetID      id.ID     `db:"target_id"`
	Inverse       string    `db:"inverse"`
	Reason        string    `db:"reason"`   // "" while it is kept back
	Class         string    `db:"class"`    // of the reason, while it is kept back; and
	Until         time.Time `db:"until_at"` // when it is published at the latest
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
	Refused *time.Time `json:"refused,omitempty"`
}

func (e *Emergency) state() emergencyState {
	return emergencyState{e.Due, e.Outcome, timeOrNil(e.EndedAt), timeOrNil(e.RefusedAt)}
}

// Undoes is the effect that would undo the act; its kind is "" if nothing does.
func (e *Emergency) Undoes() effect.Stored {
	var out effect.Stored
	_ = json.Unmarshal([]byte(e.Inverse), &out) // an inverse of another form is none
	return out
}

func (s *Service) byEmergency(ctx context.Context, h db.Handle, by authz.Actor, power string, target authz.Target) (authz.Authority, error) {
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
	return authz.Authority{Kind: authz.Emergency, ID: allowed.Rule}, s.mayRepeat(ctx, h, power, target)
}

// mayRepeat refuses an emergency act that was undone for want of a ratification, or that the members
// voted down, not long ago. A decision or a mandate may do it all the same.
func (s *Service) mayRepeat(ctx context.Context, h db.Handle, power string, target authz.Target) error {
	if target.ID == 0 {
		return nil // nothing in particular: a page asks whether to show a door
	}
	e, ok, err := getFallen.Find(ctx, h, power, target.Kind, target.ID, h.Now().Add(-RepeatAfter))
	if err != nil || !ok {
		return err
	}
	since := e.EndedAt
	if !e.RefusedAt.IsZero() {
		since = e.RefusedAt
	}
	return fault.New(fault.Forbidden, "The members did not let this stand when it was last done before a decision (entry %d of the record). Until %s it takes a decision of theirs, or a mandate.",
		e.Seq, since.Add(RepeatAfter).Format("2 January 2006"))
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
	if s.RatifyDays != nil { // an act must not end before the members could have answered
		least, err := s.RatifyDays(ctx, tx)
		if err != nil {
			return err
		}
		days = max(days, least)
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

// Await lets the acts that a motion asks about stand until the members can have answered it: where the
// vote or its window ends later than expected, since the machine slept, a quorum was missing or the
// motion was called in, the acts end later too. That is written into the record.
func (s *Service) Await(ctx context.Context, tx *db.Tx, decision id.ID, answered time.Time) error {
	list, err := listAsked.All(ctx, tx, decision)
	if err != nil {
		return err
	}
	for _, e := range list {
		if answered.Add(time.Hour).Before(e.Due) {
			continue // in time, as it usually is
		}
		if err := s.move(ctx, tx, &e, answered.Add(day), record.Entry{Kind: "emergency.moved", Via: authz.Job}); err != nil {
			return err
		}
	}
	return nil
}

// Refuse ends at once what the members have voted down by a motion that asked about it.
func (s *Service) Refuse(ctx context.Context, tx *db.Tx, decision id.ID) error {
	list, err := listAsked.All(ctx, tx, decision)
	if err != nil {
		return err
	}
	for _, e := range list {
		e.RefusedAt = tx.Now()
		if err := s.move(ctx, tx, &e, tx.Now(), record.Entry{Kind: "emergency.refused", Via: authz.Job}); err != nil {
			return err
		}
	}
	return nil
}

// AskAgain notes that another motion asks about the acts of one: its second call, or the vote of all
// members that called it in.
func (s *Service) AskAgain(ctx context.Context, tx *db.Tx, before, now id.ID) error {
	list, err := listAsked.All(ctx, tx, before)
	for i := 0; err == nil && i < len(list); i++ {
		err = s.Ask(ctx, tx, list[i].Act, now)
	}
	return err
}

func (s *Service) move(ctx context.Context, tx *db.Tx, e *Emergency, due time.Time, entry record.Entry) error {
	e.Due = due.UTC().Truncate(time.Millisecond) // as the tables keep it
	if n, err := moveEmergency.Run(ctx, tx, e.Act, e.Due, e.RefusedAt); err != nil || n == 0 {
		return orConflict(err, "This act has been ratified or undone already.")
	}
	entry.Subject, entry.State, entry.Data = ref.Ref{Kind: "emergency", ID: e.Act}, e.state(), map[string]any{"power": e.Power, "entry": e.Seq}
	_, err := s.record.Append(ctx, tx, entry)
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
	if err := s.fell(ctx, tx, &e, stored.Kind); err != nil {
		return err
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

// laterAct is an act that came after another; the ended_at of one that was no emergency is not zero.
type laterAct struct {
	ID            id.ID     `db:"id"`
	AuthorityKind string    `db:"authority_kind"`
	Seq           int64     `db:"record_seq"`
	EndedAt       time.Time `db:"ended_at"`
	Outcome       string    `db:"outcome"`
}

// fell clears the way for what undoes an act. What was done to the same thing later, and waits to be
// ratified itself, stands on it and falls with it, the newest first: otherwise its own undoing would put
// back later what is undone now. Where a decision, a mandate or a ratification has the last word about the
// thing, nothing is undone.
func (s *Service) fell(ctx context.Context, tx *db.Tx, e *Emergency, inverse string) error {
	later, err := listLater.All(ctx, tx, e.TargetKind, e.TargetID, e.Act, []string{e.Power, inverse})
	if err != nil {
		return err
	}
	for _, x := range later {
		switch {
		case x.EndedAt.IsZero():
			up, err := getEmergency.One(ctx, tx, x.ID)
			if err != nil {
				return err
			}
			if err := s.move(ctx, tx, &up, tx.Now(), record.Entry{Kind: "emergency.moved", Via: authz.Job, Reason: "what it stands on is undone"}); err != nil {
				return err
			}
			if err := s.undo(ctx, tx, up); err != nil {
				return err
			}
		case x.Outcome == Undone || authz.AuthorityKind(x.AuthorityKind) == authz.Lapse:
		default:
			return fault.New(fault.Conflict, "it was changed since, by entry %d of the record", x.Seq)
		}
	}
	return nil
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

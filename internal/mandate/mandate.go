package mandate

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/event"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "mandate", Files: migrations} }

const day = 24 * time.Hour

// FoundingTerm is how long the founders' mandates last unless the members ratify them (DESIGN §3);
// MaxTerm is the longest term of any mandate.
const (
	FoundingTerm = 90 * day
	MaxTerm      = 4 * 366 * day
)

// Service keeps bodies, mandates and acts. It implements authz.Judge.
type Service struct {
	db      *db.DB
	record  *record.Service
	powers  []authz.Power
	effects effect.Registry

	// Decided asks whether a decision is in force at the transaction's time and carries an act of the
	// power to the target, and which body took it. The decision feature answers; app connects them.
	Decided func(ctx context.Context, h db.Handle, decision id.ID, power string, target authz.Target) (body id.ID, ok bool, err error)
	// Elected asks whether an election has been counted and elects to offices of the target at the
	// transaction's time, and which body voted. The election feature answers; app connects them.
	Elected func(ctx context.Context, h db.Handle, election id.ID, target authz.Target) (body id.ID, ok bool, err error)
	// EmergencyRule is the rule in force that lets the members of a body do an act of the power at
	// once, and within how many days it must be ratified; app asks the rulebook.
	EmergencyRule func(ctx context.Context, h db.Handle, power string) (Allowance, error)
	// RatifyDays is how long the members need, by the rules in force, to ratify an emergency act: no act
	// ends before they could have. App asks the rulebook; nil is no time.
	RatifyDays func(ctx context.Context, h db.Handle) (int, error)

	// MayHold reports whether a member may use an office now: not while the member's rights are
	// suspended. The register answers; nil lets every holder.
	MayHold func(ctx context.Context, h db.Handle, member id.ID) (bool, error)

	Formed    event.Event[Body]
	Dissolved event.Event[Body]
	Offered   event.Event[Mandate]
	Accepted  event.Event[Mandate]
	Ending    event.Event[Reminder]
	Ended     event.Event[Mandate]
	Emerged   event.Event[Emergency] // an act was done before a decision
	Lapsed    event.Event[Emergency] // it was not ratified in time: undone, or to be reviewed
}

// Allowance is a rule that allows emergency acts; the zero Allowance allows none.
type Allowance struct {
	Rule id.ID
	Body string
	Days int
	Veil int // days after which an act of the classes Legal and Safety is published; 0: at once
}

var _ authz.Judge = (*Service)(nil)

// New makes the service.
func New(d *db.DB, r *record.Service) *Service { return &Service{db: d, record: r} }

// Declare tells which powers and effects exist in this program; app collects them from the features.
// An act of a power that nobody declared is refused.
func (s *Service) Declare(powers []authz.Power, effects effect.Registry) {
	s.powers, s.effects = powers, effects
}

// Powers are all powers of the program, in the order of the features.
func (s *Service) Powers() []authz.Power { return s.powers }

func (s *Service) power(name string) (authz.Power, bool) {
	i := slices.IndexFunc(s.powers, func(p authz.Power) bool { return p.Name == name })
	if i < 0 {
		return authz.Power{}, false
	}
	return s.powers[i], true
}

// Mandate is an office held by a member in a body: it gives its powers from From until To, once the
// member has accepted it.
type Mandate struct {
	ID            id.ID     `db:"id"`
	MemberID      id.ID     `db:"member_id"`
	BodyID        id.ID     `db:"body_id"`
	BodyName      string    `db:"body_name"`
	BodyHandle    string    `db:"body_handle"`
	BodyDomain    string    `db:"body_domain"`
	BodyDissolved time.Time `db:"body_dissolved"`
	Office        string    `db:"office"`
	PowersJSON    string    `db:"powers"`
	From          time.Time `db:"from_at"`
	To            time.Time `db:"to_at"`
	SourceKind    string    `db:"source_kind"`
	SourceID      id.ID     `db:"source_id"`
	AcceptedAt    time.Time `db:"accepted_at"`
	Reminded      int       `db:"reminded"`
	EndedAt       time.Time `db:"ended_at"`
	EndedBy       string    `db:"ended_by"`
}

// Powers are the names of the powers the mandate gives.
func (m *Mandate) Powers() []string { return parseList(m.PowersJSON) }

func parseList(s string) []string {
	var out []string
	_ = json.Unmarshal([]byte(s), &out) // written by us; no powers is the worst case
	return out
}

// InForce reports whether the mandate gives power at an instant: accepted, in [From, To), unless ended
// before, in a body that stands.
func (m *Mandate) InForce(at time.Time) bool {
	return !at.Before(m.From) && at.Before(m.To) && (m.EndedAt.IsZero() || at.Before(m.EndedAt)) &&
		!m.AcceptedAt.IsZero() && !at.Before(m.AcceptedAt) && (m.BodyDissolved.IsZero() || at.Before(m.BodyDissolved))
}

// Gives reports whether the mandate gives a power at an instant: it must be in force, name the power,
// and its body's domain must hold it.
func (m *Mandate) Gives(power string, at time.Time) bool {
	return m.InForce(at) && slices.Contains(m.Powers(), power) && covers(parseList(m.BodyDomain), power)
}

// covers reports whether patterns such as "*", "moderation.*" or "member.admit" hold a power.
func covers(patterns []string, power string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return p == "*" || p == power || strings.HasSuffix(p, ".*") && strings.HasPrefix(power, p[:len(p)-1])
	})
}

// Authorise is the only judge of power in the program (DESIGN §3).
func (s *Service) Authorise(ctx context.Context, h db.Handle, by authz.Actor, power string, target authz.Target) (authz.Authority, error) {
	p, ok := s.power(power)
	if !ok {
		return authz.Authority{}, fmt.Errorf("authorise: nobody declared the power %q", power)
	}
	switch {
	case by.Decision != 0:
		return s.byDecision(ctx, h, by.Decision, power, target)
	case by.Election != 0:
		return s.byElection(ctx, h, by.Election, power, target)
	case by.Lapse != 0:
		return s.byLapse(ctx, h, by.Lapse, power)
	case by.Via == authz.Operator:
		if p.Reserved {
			return authz.Authority{}, fault.New(fault.Forbidden, "Only a decision of the members can do this (%s).", power)
		}
		return authz.Authority{Kind: authz.Operate}, s.mayRepeat(ctx, h, power, target)
	case by.Member == 0:
		return authz.Authority{}, refused(power)
	}
	mandates, err := listMandatesOf.All(ctx, h, by.Member, h.Now())
	if err != nil {
		return authz.Authority{}, err
	}
	for i := range mandates {
		m := &mandates[i]
		if p.Reserved || !m.Gives(power, h.Now()) {
			continue
		}
		if target.Kind == "body" && target.ID != 0 {
			if within, err := s.within(ctx, h, target.ID, m.BodyID); err != nil || !within {
				if err != nil {
					return authz.Authority{}, err
				}
				continue
			}
		}
		if s.MayHold != nil {
			if ok, err := s.MayHold(ctx, h, by.Member); err != nil || !ok {
				return authz.Authority{}, errors.Join(err, refused(power))
			}
		}
		return authz.Authority{Kind: authz.Mandate, ID: m.ID}, nil
	}
	if p.Reserved {
		return authz.Authority{}, fault.New(fault.Forbidden, "Only a decision of the members can do this (%s).", power)
	}
	return s.byEmergency(ctx, h, by, power, target)
}

func refused(power string) error {
	return fault.New(fault.Forbidden, "This needs a mandate with the power %s, and you hold none at present.", power)
}

func (s *Service) byDecision(ctx context.Context, h db.Handle, decision id.ID, power string, target authz.Target) (authz.Authority, error) {
	if s.Decided == nil {
		return authz.Authority{}, refused(power)
	}
	body, ok, err := s.Decided(ctx, h, decision, power, target)
	if err != nil {
		return authz.Authority{}, err
	}
	if ok {
		ok, err = s.inDomain(ctx, h, body, power, target)
	}
	if err != nil || !ok {
		if err == nil {
			err = fault.New(fault.Forbidden, "No decision in force carries this (%s).", power)
		}
		return authz.Authority{}, err
	}
	return authz.Authority{Kind: authz.Decision, ID: decision}, nil
}

// inDomain reports whether a body may decide an act: its domain holds the power, and it reaches a
// target body only if that lies below it.
func (s *Service) inDomain(ctx context.Context, h db.Handle, body id.ID, power string, target authz.Target) (bool, error) {
	b, err := s.Body(ctx, h, body)
	if err != nil || !b.DissolvedAt.IsZero() || !covers(b.Domain(), power) {
		return false, err
	}
	if p, _ := s.power(power); p.Meeting && !b.Root() {
		return false, nil
	}
	if target.Kind == "mandate" && target.ID != 0 {
		m, err := s.Get(ctx, h, target.ID)
		if err != nil {
			return false, err
		}
		target = authz.Target{Kind: "body", ID: m.BodyID}
	}
	if target.Kind == "body" && target.ID != 0 {
		return s.within(ctx, h, target.ID, body)
	}
	return true, nil
}

// MayDecide reports whether a body could decide an act of a power to a target; motions are refused by
// it before anybody votes.
func (s *Service) MayDecide(ctx context.Context, h db.Handle, body id.ID, power string, target authz.Target) (bool, error) {
	return s.inDomain(ctx, h, body, power, target)
}

// Perform authorises an act and records it in the transaction of the change.
func (s *Service) Perform(ctx context.Context, tx *db.Tx, by authz.Actor, a authz.Act) (authz.Authority, error) {
	authority, err := s.Authorise(ctx, tx, by, a.Power, a.Target)
	if err != nil {
		return authority, err
	}
	args, err := json.Marshal(a.Args)
	if err != nil {
		return authority, fmt.Errorf("record act %s: %w", a.Power, err)
	}
	inverse, err := json.Marshal(a.Inverse)
	if err != nil {
		return authority, fmt.Errorf("record act %s: %w", a.Power, err)
	}
	if err := s.checkInverse(a.Power, inverse); err != nil {
		return authority, err
	}
	e := record.Entry{Kind: "act." + a.Power, Subject: ref.Ref{Kind: a.Target.Kind, ID: a.Target.ID}, Via: by.Via,
		Authority: authority, Reason: a.Reason, Data: json.RawMessage(args), Private: a.Private, State: a.State}
	if by.Member != 0 {
		e.Member = ref.Ref{Kind: "member", ID: by.Member}
	}
	if err := s.unveilOf(ctx, tx, a.Target); err != nil {
		return authority, err
	}
	if e.Veil, err = s.veilFor(ctx, tx, authority, &a); err != nil {
		return authority, err
	}
	if e.Veil != nil {
		e.Private = nil // it goes with what is published
	}
	ev, err := s.record.Append(ctx, tx, e)
	if err != nil {
		return authority, err
	}
	// Entries wait for each other: what permitted the act may have ended while this one waited its turn.
	if now, err := s.Authorise(ctx, tx, by, a.Power, a.Target); err != nil {
		return authority, err
	} else if now != authority {
		return authority, fmt.Errorf("perform %s: %w", a.Power, db.ErrRetry)
	}
	act := id.New(tx.Now())
	if _, err := insertAct.Run(ctx, tx, act, a.Power, a.Target.Kind, a.Target.ID, string(args), string(inverse), a.Reason,
		by.Member, by.Via, authority.Kind, authority.ID, ev.Seq, tx.Now()); err != nil {
		return authority, err
	}
	if e.Veil != nil {
		if err := s.keepVeil(ctx, tx, act, ev.Seq, e.Veil, &a); err != nil {
			return authority, err
		}
	}
	if authority.Kind == authz.Operate || authority.Kind == authz.Emergency {
		err = s.emerge(ctx, tx, act, a.Power, authority)
	}
	return authority, err
}

// checkInverse refuses an act that nothing undoes, unless its power is said to be irreversible, and then the
// other way round: every act has an inverse that can be loaded and applied, or is on the short list
// (invariant 8). A violation is a mistake in the feature.
func (s *Service) checkInverse(power string, inverse []byte) error {
	var undo effect.Stored
	if err := json.Unmarshal(inverse, &undo); err != nil {
		return fmt.Errorf("perform %s: its inverse is no effect: %w", power, err)
	}
	p, _ := s.power(power)
	switch {
	case p.Irreversible && undo.Kind != "":
		return fmt.Errorf("perform %s: it is said to be irreversible, and %s undoes it", power, undo.Kind)
	case p.Irreversible:
		return nil
	case undo.Kind == "":
		return fmt.Errorf("perform %s: nothing undoes it", power)
	}
	if _, err := s.effects.Load(undo); err != nil {
		return fmt.Errorf("perform %s: what undoes it cannot be loaded: %w", power, err)
	}
	return nil
}

// Done is an act as it was kept.
type Done struct {
	ID            id.ID     `db:"id"`
	Power         string    `db:"power"`
	TargetKind    string    `db:"target_kind"`
	TargetID      id.ID     `db:"target_id"`
	Args          string    `db:"args"`
	Inverse       string    `db:"inverse"`
	Reason        string    `db:"reason"`
	MemberID      id.ID     `db:"member_id"`
	Via           string    `db:"via"`
	AuthorityKind string    `db:"authority_kind"`
	AuthorityID   id.ID     `db:"authority_id"`
	Seq           int64     `db:"record_seq"`
	At            time.Time `db:"at"`
}

// Acts lists what was done under mandates or decisions, the newest first.
func (s *Service) Acts(ctx context.Context, kind authz.AuthorityKind, sources []id.ID, limit int) ([]Done, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	return listActs.All(ctx, s.db, kind, sources, limit)
}

// InForce lists the mandates in force now, for the page that says who may do what until when.
func (s *Service) InForce(ctx context.Context) ([]Mandate, error) {
	all, err := listMandates.All(ctx, s.db, s.db.Now())
	return slices.DeleteFunc(all, func(m Mandate) bool { return !m.InForce(s.db.Now()) }), err
}

// Holds reports whether the actor could do acts of a power now: pages show or hide a door by it, the
// act itself is judged again.
func (s *Service) Holds(ctx context.Context, by authz.Actor, power string) bool {
	_, err := s.Authorise(ctx, s.db, by, power, authz.Target{})
	return err == nil
}

// Holders lists the members who hold a power now.
func (s *Service) Holders(ctx context.Context, h db.Handle, power string) ([]id.ID, error) {
	all, err := listMandates.All(ctx, h, h.Now())
	var out []id.ID
	for _, m := range all {
		if m.Gives(power, h.Now()) && !slices.Contains(out, m.MemberID) {
			out = append(out, m.MemberID)
		}
	}
	return out, err
}

// Get is one mandate.
func (s *Service) Get(ctx context.Context, h db.Handle, i id.ID) (Mandate, error) {
	m, ok, err := getMandate.Find(ctx, h, i)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no mandate with this number.")
	}
	return m, err
}

// States are bodies, seats, mandates and emergencies as the record should have them.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	out := map[ref.Ref]any{}
	bodies, err := listBodies.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for i := range bodies {
		out[ref.Ref{Kind: "body", ID: bodies[i].ID}] = bodies[i].state()
	}
	seats, err := allSeats.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for _, x := range seats {
		out[ref.Ref{Kind: "seat", ID: x.ID}] = x.state()
	}
	mandates, err := allMandates.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for i := range mandates {
		out[ref.Ref{Kind: "mandate", ID: mandates[i].ID}] = mandates[i].state()
	}
	emergencies, err := allEmergencies.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for i := range emergencies {
		out[ref.Ref{Kind: "emergency", ID: emergencies[i].Act}] = emergencies[i].state()
	}
	return out, nil
}

package mandate

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "mandate", Files: migrations} }

// FoundingTerm is how long the founders' mandates last unless the members ratify them (DESIGN §3).
const FoundingTerm = 90 * 24 * time.Hour

// Service keeps bodies, mandates and acts. It implements authz.Judge.
type Service struct {
	db     *db.DB
	record *record.Service
	powers []authz.Power
}

var _ authz.Judge = (*Service)(nil)

// New makes the service.
func New(d *db.DB, r *record.Service) *Service { return &Service{db: d, record: r} }

// Declare tells which powers exist in this program; app collects them from the features. An act of a
// power that nobody declared is refused.
func (s *Service) Declare(powers []authz.Power) { s.powers = powers }

// Powers are all powers of the program, in the order of the features.
func (s *Service) Powers() []authz.Power { return s.powers }

// Body is an organ of the co-op.
type Body struct {
	ID          id.ID     `db:"id"`
	ParentID    id.ID     `db:"parent_id"`
	Kind        string    `db:"kind"`
	Handle      string    `db:"handle"`
	Name        string    `db:"name"`
	Aim         string    `db:"aim"`
	AccountID   id.ID     `db:"account_id"`
	CreatedAt   time.Time `db:"created_at"`
	DissolvedAt time.Time `db:"dissolved_at"`
}

// GeneralMeeting is the kind of the one root body: all members.
const GeneralMeeting = "general meeting"

// Mandate is an office held by a member in a body: it gives its powers from From until To.
type Mandate struct {
	ID         id.ID     `db:"id"`
	MemberID   id.ID     `db:"member_id"`
	BodyID     id.ID     `db:"body_id"`
	BodyName   string    `db:"body_name"`
	Office     string    `db:"office"`
	PowersJSON string    `db:"powers"`
	From       time.Time `db:"from_at"`
	To         time.Time `db:"to_at"`
	SourceKind string    `db:"source_kind"`
	SourceID   id.ID     `db:"source_id"`
	EndedAt    time.Time `db:"ended_at"`
	EndedBy    string    `db:"ended_by"`
}

// Powers are the names of the powers the mandate gives.
func (m *Mandate) Powers() []string {
	var out []string
	_ = json.Unmarshal([]byte(m.PowersJSON), &out) // written by us; no powers is the worst case
	return out
}

// InForce reports whether the mandate gives power at an instant: [From, To), unless ended before.
func (m *Mandate) InForce(at time.Time) bool {
	return !at.Before(m.From) && at.Before(m.To) && (m.EndedAt.IsZero() || at.Before(m.EndedAt))
}

// Authorise is the only judge of power in the program (DESIGN §3).
func (s *Service) Authorise(ctx context.Context, h db.Handle, by authz.Actor, power string, target authz.Target) (authz.Authority, error) {
	if !slices.ContainsFunc(s.powers, func(p authz.Power) bool { return p.Name == power }) {
		return authz.Authority{}, fmt.Errorf("authorise: nobody declared the power %q", power)
	}
	if by.Via == authz.Operator {
		return authz.Authority{Kind: authz.Operate}, nil
	}
	if by.Member != 0 {
		mandates, err := listMandatesOf.All(ctx, h, by.Member, h.Now())
		if err != nil {
			return authz.Authority{}, err
		}
		for _, m := range mandates {
			if m.InForce(h.Now()) && slices.Contains(m.Powers(), power) {
				return authz.Authority{Kind: authz.Mandate, ID: m.ID}, nil
			}
		}
	}
	return authz.Authority{}, fault.New(fault.Forbidden, "This needs a mandate with the power %s, and you hold none at present.", power)
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
	e := record.Entry{Kind: "act." + a.Power, Subject: ref.Ref{Kind: a.Target.Kind, ID: a.Target.ID}, Via: by.Via,
		Authority: authority, Reason: a.Reason, Data: json.RawMessage(args), Private: a.Private, State: a.State}
	if by.Member != 0 {
		e.Member = ref.Ref{Kind: "member", ID: by.Member}
	}
	ev, err := s.record.Append(ctx, tx, e)
	if err != nil {
		return authority, err
	}
	_, err = insertAct.Run(ctx, tx, id.New(tx.Now()), a.Power, a.Target.Kind, a.Target.ID, string(args), string(inverse), a.Reason,
		by.Member, by.Via, authority.Kind, authority.ID, ev.Seq, tx.Now())
	return authority, err
}

// FormRoot makes the general meeting. It is part of the founding and happens once.
func (s *Service) FormRoot(ctx context.Context, tx *db.Tx, name string) (Body, error) {
	b := Body{ID: id.New(tx.Now()), Kind: GeneralMeeting, Handle: "general-meeting", Name: name,
		Aim: "Everything that the members have not given to another body.", CreatedAt: tx.Now()}
	if _, err := insertBody.Run(ctx, tx, b.ID, b.ParentID, b.Kind, b.Handle, b.Name, b.Aim, b.AccountID, b.CreatedAt); err != nil {
		return b, err
	}
	_, err := s.record.Append(ctx, tx, record.Entry{Kind: "body.formed", Subject: ref.Ref{Kind: "body", ID: b.ID},
		Authority: authz.Authority{Kind: authz.Genesis}, Data: map[string]any{"kind": b.Kind, "handle": b.Handle, "name": b.Name, "aim": b.Aim}})
	return b, err
}

// GrantFounding gives a founder every power the program has, for FoundingTerm from now.
func (s *Service) GrantFounding(ctx context.Context, tx *db.Tx, member id.ID, body Body) (Mandate, error) {
	names := []string{}
	for _, p := range s.powers {
		names = append(names, p.Name)
	}
	powers, err := json.Marshal(names)
	if err != nil {
		return Mandate{}, err
	}
	m := Mandate{ID: id.New(tx.Now()), MemberID: member, BodyID: body.ID, BodyName: body.Name, Office: "Founder", PowersJSON: string(powers),
		From: tx.Now(), To: tx.Now().Add(FoundingTerm), SourceKind: string(authz.Genesis)}
	if _, err := insertMandate.Run(ctx, tx, m.ID, m.MemberID, m.BodyID, m.Office, m.PowersJSON, m.From, m.To, m.SourceKind, m.SourceID); err != nil {
		return m, err
	}
	_, err = s.record.Append(ctx, tx, record.Entry{Kind: "mandate.given", Subject: ref.Ref{Kind: "mandate", ID: m.ID},
		Member: ref.Ref{Kind: "member", ID: member}, Authority: authz.Authority{Kind: authz.Genesis},
		Data: map[string]any{"office": m.Office, "body": body.Handle, "powers": names, "from": m.From, "to": m.To}})
	return m, err
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
		if m.InForce(h.Now()) && slices.Contains(m.Powers(), power) && !slices.Contains(out, m.MemberID) {
			out = append(out, m.MemberID)
		}
	}
	return out, err
}

// Get is one mandate.
func (s *Service) Get(ctx context.Context, i id.ID) (Mandate, error) {
	m, ok, err := getMandate.Find(ctx, s.db, i)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no mandate with this number.")
	}
	return m, err
}

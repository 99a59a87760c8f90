package coopapi

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/mandate"
)

const tagBodies = "Bodies and powers"

// Why these need no power.
const (
	ownSeat   = "none: members join and leave open bodies themselves"
	ownOffice = "none: an office is taken up and given back by who holds it"
	ratifier  = "none: who may is judged by the power of the act that is ratified"
)

func declareBodies(s *Service) {
	add(s, operation{id: "listBodies", method: http.MethodGet, path: "/bodies", tag: tagBodies, summary: "The bodies of the co-op",
		about: "Those that stand: the general meeting first, each below its parent."}, s.listBodies)
	add(s, operation{id: "getBody", method: http.MethodGet, path: "/bodies/{handle}", tag: tagBodies, summary: "One body",
		about: "With its members and its offices, present and past. The general meeting is all members and lists none."}, s.getBody)
	add(s, operation{id: "joinBody", method: http.MethodPost, path: "/bodies/{handle}/join", tag: tagBodies, summary: "Join a body that is open", needs: writes, act: ownSeat}, s.joinBody)
	add(s, operation{id: "leaveBody", method: http.MethodPost, path: "/bodies/{handle}/leave", tag: tagBodies, summary: "Leave a body", needs: writes, act: ownSeat}, s.leaveBody)
	add(s, operation{id: "listMandates", method: http.MethodGet, path: "/mandates", tag: tagBodies, summary: "The mandates in force",
		about: "Who may do what, in which body, since when and until when, and what gave it."}, s.listMandates)
	add(s, operation{id: "acceptMandate", method: http.MethodPost, path: "/mandates/{id}/accept", tag: tagBodies, summary: "Take up an office that is offered", needs: writes, act: ownOffice,
		about: "Only the member it is offered to can. It gives its powers from then on."}, s.acceptMandate)
	add(s, operation{id: "resignMandate", method: http.MethodPost, path: "/mandates/{id}/resign", tag: tagBodies, summary: "Give an office back, or decline it", needs: writes, act: ownOffice}, s.resignMandate)
	add(s, operation{id: "listPowers", method: http.MethodGet, path: "/powers", tag: tagBodies, summary: "All powers and who holds them until when"}, s.listPowers)
	add(s, operation{id: "listEmergencies", method: http.MethodGet, path: "/emergencies", tag: tagBodies, summary: "Acts done before a decision that wait for the members",
		about: "Each is undone by itself, or put to the members, unless it is ratified in time."}, s.listEmergencies)
	add(s, operation{id: "ratifyEmergency", method: http.MethodPost, path: "/emergencies/{id}/ratify", tag: tagBodies, summary: "Ratify an act of the operator", needs: writes, act: ratifier,
		about: "Who holds the power of the act by a mandate can. What a body did under an emergency rule is ratified by a decision."}, s.ratifyEmergency)
}

// Body is an organ of the co-op.
type Body struct {
	BodyRef
	Kind      string    `json:"kind" enum:"general meeting,working group,circle,board"`
	Aim       string    `json:"aim"`
	Parent    string    `json:"parent,omitempty" doc:"The handle of the body above."`
	Domain    []string  `json:"domain" doc:"The powers it may use and give, as patterns: *, moderation.*, member.admit."`
	Seats     int       `json:"seats,omitempty" doc:"Most members; without it, as many as want."`
	Joining   string    `json:"joining" enum:"open,closed"`
	Account   id.ID     `json:"account_id,omitempty" doc:"Its account, as Mastodon's API knows it."`
	CreatedAt time.Time `json:"created_at"`
	Dissolved bool      `json:"dissolved,omitempty"`
}

// BodyDetail is a body with who is in it.
type BodyDetail struct {
	Body
	Members  []BodyMember `json:"members"`
	Mandates []Mandate    `json:"mandates"`
}

// BodyMember is somebody who sits in a body.
type BodyMember struct {
	Person
	Since time.Time `json:"since"`
}

// Mandate is an office held by a member in a body.
type Mandate struct {
	ID         id.ID      `json:"id"`
	Office     string     `json:"office"`
	Member     Person     `json:"member"`
	Body       BodyRef    `json:"body"`
	Powers     []string   `json:"powers"`
	State      string     `json:"state" enum:"offered,in force,to come,ended"`
	From       time.Time  `json:"from"`
	To         time.Time  `json:"to"`
	AcceptedAt *time.Time `json:"accepted_at,omitempty"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	EndedBy    string     `json:"ended_by,omitempty" enum:"term over,resigned,recalled,declined,body dissolved,membership ended"`
	Source     Authority  `json:"source"`
}

func (n *names) showBody(ctx context.Context, b *mandate.Body) (Body, error) {
	out := Body{BodyRef: bodyRef(b), Kind: b.Kind, Aim: b.Aim, Domain: append([]string{}, b.Domain()...), Seats: b.Seats, Joining: b.Joining, Account: b.AccountID,
		CreatedAt: b.CreatedAt.UTC(), Dissolved: !b.DissolvedAt.IsZero()}
	if parent, err := n.body(ctx, b.ParentID); err != nil {
		return out, err
	} else if parent != nil {
		out.Parent = parent.Handle
	}
	return out, nil
}

func (n *names) mandate(ctx context.Context, m *mandate.Mandate) (Mandate, error) {
	out := Mandate{ID: m.ID, Office: m.Office, Body: BodyRef{m.BodyID, m.BodyHandle, m.BodyName}, Powers: append([]string{}, m.Powers()...), From: m.From.UTC(), To: m.To.UTC(),
		AcceptedAt: instant(m.AcceptedAt), EndedAt: instant(m.EndedAt), EndedBy: m.EndedBy, State: "to come"}
	now := n.DB.Now()
	switch {
	case !m.EndedAt.IsZero(), !now.Before(m.To):
		out.State = "ended"
	case m.AcceptedAt.IsZero():
		out.State = "offered"
	case m.InForce(now):
		out.State = "in force"
	}
	who, err := n.person(ctx, m.MemberID)
	if err != nil {
		return out, err
	}
	if who != nil {
		out.Member = *who
	}
	out.Source, err = n.authority(ctx, m.SourceKind, m.SourceID)
	return out, err
}

func (s *Service) listBodies(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[Body], error) {
	list, err := s.Mandate.Bodies(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(in, list, rising, func(b *mandate.Body) place { return place{int64(b.ID)} }, func(b *mandate.Body) (Body, error) { return n.showBody(ctx, b) })
}

// Handled names a body in an address.
type Handled struct {
	Handle string `path:"handle" maxLength:"60" doc:"The body's name in addresses, such as general-meeting."`
}

func (s *Service) getBody(ctx context.Context, _ authz.Actor, in *Handled) (*Of[BodyDetail], error) {
	b, err := s.Mandate.BodyByHandle(ctx, s.DB, in.Handle)
	if err != nil {
		return nil, err
	}
	n := s.names()
	out := BodyDetail{Members: []BodyMember{}, Mandates: []Mandate{}}
	if out.Body, err = n.showBody(ctx, &b); err != nil {
		return nil, err
	}
	seats, err := s.Mandate.SeatsIn(ctx, s.DB, b.ID, s.DB.Now())
	if err != nil {
		return nil, err
	}
	for _, x := range seats {
		p, err := n.person(ctx, x.Member)
		if err != nil {
			return nil, err
		}
		if p != nil {
			out.Members = append(out.Members, BodyMember{*p, x.From.UTC()})
		}
	}
	mandates, err := s.Mandate.InBody(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	for i := range mandates {
		m, err := n.mandate(ctx, &mandates[i])
		if err != nil {
			return nil, err
		}
		out.Mandates = append(out.Mandates, m)
	}
	return one(out), nil
}

// Handling is an act on a body.
type Handling struct {
	Handled
	Once
}

func (s *Service) joinBody(ctx context.Context, by authz.Actor, in *Handling) (*Of[BodyDetail], error) {
	return s.onBody(ctx, by, in, s.Mandate.Join)
}

func (s *Service) leaveBody(ctx context.Context, by authz.Actor, in *Handling) (*Of[BodyDetail], error) {
	return s.onBody(ctx, by, in, s.Mandate.Leave)
}

func (s *Service) onBody(ctx context.Context, by authz.Actor, in *Handling, do func(context.Context, authz.Actor, id.ID) error) (*Of[BodyDetail], error) {
	b, err := s.Mandate.BodyByHandle(ctx, s.DB, in.Handle)
	if err != nil {
		return nil, err
	}
	if err := do(ctx, by, b.ID); err != nil {
		return nil, err
	}
	return s.getBody(ctx, by, &in.Handled)
}

func (s *Service) listMandates(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[Mandate], error) {
	list, err := s.Mandate.InForce(ctx)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(in, list, rising, func(m *mandate.Mandate) place { return place{int64(m.ID)} }, func(m *mandate.Mandate) (Mandate, error) { return n.mandate(ctx, m) })
}

func (s *Service) acceptMandate(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Once
}) (*Of[Mandate], error) {
	if err := s.Mandate.Accept(ctx, by, in.id()); err != nil {
		return nil, err
	}
	return s.getMandate(ctx, in.id())
}

func (s *Service) resignMandate(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Once
	Body *Reason `required:"false"`
}) (*Of[Mandate], error) {
	if err := s.Mandate.Resign(ctx, by, in.id(), in.Body.text()); err != nil {
		return nil, err
	}
	return s.getMandate(ctx, in.id())
}

func (s *Service) getMandate(ctx context.Context, i id.ID) (*Of[Mandate], error) {
	m, err := s.Mandate.Get(ctx, s.DB, i)
	if err != nil {
		return nil, err
	}
	out, err := s.names().mandate(ctx, &m)
	return one(out), err
}

// Reason is why, in the member's words.
type Reason struct {
	Reason string `json:"reason,omitempty" maxLength:"5000" doc:"Why, in the member's own words."`
}

func (r *Reason) text() string {
	if r == nil {
		return ""
	}
	return r.Reason
}

// Power is a kind of act that needs authority.
type Power struct {
	Name         string   `json:"name"`
	What         string   `json:"what" doc:"What it lets one do, in a sentence."`
	Irreversible bool     `json:"irreversible,omitempty" doc:"Nothing undoes its acts."`
	Reserved     bool     `json:"reserved,omitempty" doc:"No mandate can hold it: only a decision carries it."`
	Holders      []Holder `json:"holders"`
}

// Holder is who holds a power, and by which office.
type Holder struct {
	Member Person `json:"member"`
	Office
}

func (s *Service) listPowers(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[Power], error) {
	held, err := s.Mandate.InForce(ctx)
	if err != nil {
		return nil, err
	}
	type numbered struct {
		authz.Power
		at int64
	}
	var list []numbered
	for i, p := range s.Mandate.Powers() {
		list = append(list, numbered{p, int64(i) + 1})
	}
	n, now := s.names(), s.DB.Now()
	return cut(in, list, rising, func(p *numbered) place { return place{p.at} }, func(p *numbered) (Power, error) {
		out := Power{Name: p.Name, What: i18n.T(ctx, p.What), Irreversible: p.Irreversible, Reserved: p.Reserved, Holders: []Holder{}}
		for i := range held {
			if p.Reserved || !held[i].Gives(p.Name, now) {
				continue
			}
			who, err := n.person(ctx, held[i].MemberID)
			if err != nil {
				return out, err
			}
			if who != nil {
				out.Holders = append(out.Holders, Holder{*who, officeOf(&held[i])})
			}
		}
		return out, nil
	})
}

// EmergencyAct is an act that was done before a decision.
type EmergencyAct struct {
	ID        id.ID     `json:"id" doc:"Of the act."`
	Power     string    `json:"power"`
	Target    string    `json:"target,omitempty" doc:"What it bears on, such as member:115."`
	Reason    string    `json:"reason,omitempty"`
	Member    *Person   `json:"member,omitempty" doc:"Who did it, if a member did."`
	Authority Authority `json:"authority"`
	At        time.Time `json:"at"`
	Due       time.Time `json:"due" doc:"It ends by itself then unless it is ratified before."`
	Undoable  bool      `json:"undoable" doc:"Whether something undoes it; otherwise the members look at it."`
	Record    int64     `json:"record" doc:"Its entry in the public record."`
	Decision  int64     `json:"decision,omitempty" doc:"The number of the motion that asks the members."`
}

func (s *Service) listEmergencies(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[EmergencyAct], error) {
	list, err := s.Mandate.Emergencies(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(in, list, rising, func(e *mandate.Emergency) place { return place{int64(e.Act)} }, func(e *mandate.Emergency) (EmergencyAct, error) {
		out := EmergencyAct{ID: e.Act, Power: e.Power, Target: e.TargetKind, Reason: e.Reason, At: e.At.UTC(), Due: e.Due.UTC(), Undoable: e.Undoes().Kind != "", Record: e.Seq}
		if e.TargetID != 0 {
			out.Target += ":" + e.TargetID.String()
		}
		var err error
		if out.Member, err = n.person(ctx, e.MemberID); err != nil {
			return out, err
		}
		if out.Authority, err = n.authority(ctx, e.AuthorityKind, e.AuthorityID); err != nil {
			return out, err
		}
		out.Decision, err = n.decisionNumber(ctx, e.Decision)
		return out, err
	})
}

func (s *Service) ratifyEmergency(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Once
	Body *Reason `required:"false"`
}) (*None, error) {
	return &None{}, s.Mandate.Ratify(ctx, by, in.id(), in.Body.text())
}

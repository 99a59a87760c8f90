package coopapi

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
)

const tagMembers = "Members"

func declareMembers(s *Service) {
	add(s, operation{id: "listMembers", method: http.MethodGet, path: "/members", tag: tagMembers, summary: "The register",
		about: "Everybody who is a member now, by number."}, s.listMembers)
	add(s, operation{id: "getMe", method: http.MethodGet, path: "/members/me", tag: tagMembers, summary: "The member's own entry", needs: reads,
		about: "With the standing, what happened to the membership, the bodies one sits in, and the offices one holds or is offered."}, s.getMe)
	add(s, operation{id: "getMember", method: http.MethodGet, path: "/members/{number}", tag: tagMembers, summary: "One entry of the register",
		about: "Who has left is shown to members only."}, s.getMember)
}

// Member is an entry of the register as everybody may read it.
type Member struct {
	Person
	Since     time.Time  `json:"since"`
	Until     *time.Time `json:"until,omitempty"`
	Ended     string     `json:"ended,omitempty" enum:"resigned,lapsed,expelled,died" doc:"How the membership ended."`
	Suspended bool       `json:"suspended,omitempty" doc:"The rights of the member are suspended."`
	Offices   []Office   `json:"offices" doc:"The offices in force."`
}

// Office is an office in a few words.
type Office struct {
	Mandate id.ID     `json:"mandate"`
	Office  string    `json:"office"`
	Body    BodyRef   `json:"body"`
	Until   time.Time `json:"until"`
}

func personOf(m *member.Member) Person {
	p := Person{ID: m.ID, Number: m.Number, Former: !m.Present()}
	if m.ErasedAt.IsZero() {
		p.Name, p.Username, p.Account = m.Name, m.Username, m.AccountID
	}
	return p
}

func (s *Service) showMember(m *member.Member, held []mandate.Mandate) Member {
	out := Member{Person: personOf(m), Since: m.Since.UTC(), Until: instant(m.Until), Ended: m.Ended, Suspended: m.Present() && m.Suspended(s.DB.Now()), Offices: []Office{}}
	for i := range held {
		if held[i].MemberID == m.ID {
			out.Offices = append(out.Offices, officeOf(&held[i]))
		}
	}
	return out
}

func officeOf(m *mandate.Mandate) Office {
	return Office{m.ID, m.Office, BodyRef{m.BodyID, m.BodyHandle, m.BodyName}, m.To.UTC()}
}

func (s *Service) listMembers(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[Member], error) {
	after, err := in.number()
	if err != nil {
		return nil, err
	}
	list, err := s.Member.List(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	held, err := s.Mandate.InForce(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(in, list, func(m *member.Member) int64 { return m.Number }, func(m *member.Member) (Member, error) { return s.showMember(m, held), nil })
}

func (s *Service) getMember(ctx context.Context, by authz.Actor, in *struct {
	Number int64 `path:"number" minimum:"1" doc:"The number on the register."`
}) (*Of[Member], error) {
	m, err := s.Member.ByNumber(ctx, s.DB, in.Number)
	if err == nil && !m.Present() && by.Member == 0 {
		err = fault.New(fault.NotFound, "There is no member with this number.")
	}
	if err != nil {
		return nil, err
	}
	held, err := s.Mandate.InForce(ctx)
	if err != nil {
		return nil, err
	}
	return one(s.showMember(&m, held)), nil
}

// Me is what a member sees of the own entry.
type Me struct {
	Member
	Standing string    `json:"standing" enum:"current,due soon,grace,arrears,waived,paused,suspended,ended" doc:"How one stands with the co-op now."`
	History  []Fact    `json:"history" doc:"What happened to the membership, in order."`
	Seats    []Seat    `json:"seats" doc:"The bodies one sits in. Every member belongs to the general meeting, which has no list."`
	Mandates []Mandate `json:"mandates" doc:"Offices one holds, and those that one is offered."`
}

// Fact is one thing that happened to a membership.
type Fact struct {
	Kind  string     `json:"kind" enum:"joined,ended,reinstated,suspended,restored"`
	At    time.Time  `json:"at"`
	Until *time.Time `json:"until,omitempty" doc:"When a suspension runs out by itself."`
	How   string     `json:"how,omitempty" enum:"resigned,lapsed,expelled,died"`
}

// Seat is a member's place in a body.
type Seat struct {
	Body  BodyRef   `json:"body"`
	Since time.Time `json:"since"`
}

func (s *Service) getMe(ctx context.Context, by authz.Actor, _ *struct{}) (*Of[Me], error) {
	m, err := s.Member.Get(ctx, s.DB, by.Member)
	if err != nil {
		return nil, err
	}
	held, err := s.Mandate.InForce(ctx)
	if err != nil {
		return nil, err
	}
	out := Me{Member: s.showMember(&m, held), History: []Fact{}, Seats: []Seat{}, Mandates: []Mandate{}}
	standing, err := s.Member.StandingOn(ctx, s.DB, m.ID, s.DB.Now())
	if err != nil {
		return nil, err
	}
	out.Standing = string(standing)
	facts, err := s.Member.History(ctx, s.DB, m.ID)
	if err != nil {
		return nil, err
	}
	for _, f := range facts {
		out.History = append(out.History, Fact{f.Kind, f.At.UTC(), instant(f.Until), f.How})
	}
	n := s.names()
	seats, err := s.Mandate.SeatsOf(ctx, s.DB, m.ID)
	if err != nil {
		return nil, err
	}
	for _, x := range seats {
		b, err := n.body(ctx, x.Body)
		if err != nil {
			return nil, err
		}
		out.Seats = append(out.Seats, Seat{*b, x.From.UTC()})
	}
	coming, err := s.Mandate.Coming(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	for i := range coming {
		if coming[i].MemberID != m.ID {
			continue
		}
		x, err := n.mandate(ctx, &coming[i])
		if err != nil {
			return nil, err
		}
		out.Mandates = append(out.Mandates, x)
	}
	return one(out), nil
}

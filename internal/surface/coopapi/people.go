package coopapi

import (
	"context"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/mandate"
)

// Person is a member as others name them.
type Person struct {
	ID       id.ID  `json:"id"`
	Number   int64  `json:"number" doc:"On the register; nobody else ever gets it."`
	Name     string `json:"name,omitempty" doc:"Empty once a former member had it deleted."`
	Username string `json:"username,omitempty" doc:"Of the member's account here."`
	Account  id.ID  `json:"account_id,omitempty" doc:"The account, as Mastodon's API knows it."`
	Former   bool   `json:"former,omitempty" doc:"The membership has ended."`
}

// BodyRef names a body.
type BodyRef struct {
	ID     id.ID  `json:"id"`
	Handle string `json:"handle" doc:"Its name in addresses."`
	Name   string `json:"name"`
}

// Authority is what permitted something, or where an office comes from.
type Authority struct {
	Kind     string `json:"kind" enum:"mandate,decision,election,genesis,operator,emergency,lapse"`
	ID       id.ID  `json:"id,omitempty" doc:"Of the mandate, the decision, the rule or the act that lapsed."`
	Decision int64  `json:"decision,omitempty" doc:"The number of the decision."`
}

// Line is a named part of something, in the language of the reader.
type Line struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// names finds people and bodies for one answer, each once.
type names struct {
	*Service
	people map[id.ID]*Person
	bodies map[id.ID]*BodyRef
}

func (s *Service) names() *names {
	return &names{Service: s, people: map[id.ID]*Person{}, bodies: map[id.ID]*BodyRef{}}
}

// person is the member with an id; nil for 0.
func (n *names) person(ctx context.Context, i id.ID) (*Person, error) {
	if p, ok := n.people[i]; ok || i == 0 {
		return p, nil
	}
	m, err := n.Member.Get(ctx, n.DB, i)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := personOf(&m)
	n.people[i] = &p
	return &p, nil
}

func (n *names) persons(ctx context.Context, list []id.ID) ([]Person, error) {
	out := make([]Person, 0, len(list))
	for _, i := range list {
		p, err := n.person(ctx, i)
		if err != nil {
			return nil, err
		}
		if p != nil {
			out = append(out, *p)
		}
	}
	return out, nil
}

func (n *names) body(ctx context.Context, i id.ID) (*BodyRef, error) {
	if b, ok := n.bodies[i]; ok || i == 0 {
		return b, nil
	}
	b, err := n.Mandate.Body(ctx, n.DB, i)
	if err != nil {
		return nil, err
	}
	out := bodyRef(&b)
	n.bodies[i] = &out
	return &out, nil
}

func bodyRef(b *mandate.Body) BodyRef { return BodyRef{b.ID, b.Handle, b.Name} }

// authority adds the number of a decision to a source of power.
func (n *names) authority(ctx context.Context, kind string, i id.ID) (Authority, error) {
	a := Authority{Kind: kind, ID: i}
	if kind != string(authz.Decision) || i == 0 {
		return a, nil
	}
	number, err := n.decisionNumber(ctx, i)
	a.Decision = number
	return a, err
}

// decisionNumber is 0 for what is no decision, or none for everybody to see.
func (n *names) decisionNumber(ctx context.Context, i id.ID) (int64, error) {
	if i == 0 {
		return 0, nil
	}
	m, err := n.Decision.ByID(ctx, authz.Actor{}, i)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	return m.Number, err
}

// instant is a time that may not have come yet.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// bodyNamed finds the body that an app names; "" is the general meeting.
func (s *Service) bodyNamed(ctx context.Context, handle string) (mandate.Body, error) {
	if handle == "" {
		return s.Mandate.Root(ctx, s.DB)
	}
	b, err := s.Mandate.BodyByHandle(ctx, s.DB, handle)
	if fault.Is(err, fault.NotFound) {
		err = fault.Field("body", "There is no body called %s.", handle)
	}
	return b, err
}

// Numbered names a decision in an address.
type Numbered struct {
	Number int64 `path:"number" minimum:"1" doc:"The number of the decision."`
}

// Identified names something by its id in an address.
type Identified struct {
	ID string `path:"id" pattern:"^[0-9]{1,19}$"`
}

func (i *Identified) id() id.ID { return id.Parse(i.ID) }

// motion is the decision of an address, for those who may see it.
func (s *Service) motion(ctx context.Context, by authz.Actor, in *Numbered) (decision.Motion, error) {
	return s.Decision.Get(ctx, by, in.Number)
}

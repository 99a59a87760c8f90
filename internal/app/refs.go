package app

import (
	"context"
	"fmt"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
)

// refs find the title and the address of what the record and other weak links point to, one resolver
// a kind.
func (a *App) refs() ref.Registry {
	return ref.Registry{
		"member": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			m, err := a.Member.Get(ctx, a.DB, i)
			if err == nil && m.Name == "" { // erased
				err = fault.New(fault.Gone, "This member's data has been erased.")
			}
			return ref.Target{Title: m.Name, URL: fmt.Sprintf("/members/%d", m.Number)}, err
		},
		"decision": func(ctx context.Context, by authz.Actor, i id.ID) (ref.Target, error) {
			m, err := a.Decision.ByID(ctx, by, i)
			return ref.Target{Title: m.Title, URL: fmt.Sprintf("/decisions/%d", m.Number)}, err
		},
		"election": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			e, err := a.Election.Get(ctx, a.DB, i)
			return ref.Target{Title: e.Title, URL: fmt.Sprintf("/elections/%d", e.Number)}, err
		},
		"ballot": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			v, err := a.Ballot.Get(ctx, a.DB, i)
			if err != nil {
				return ref.Target{}, err
			}
			q, err := v.Question()
			if err != nil {
				return ref.Target{}, err
			}
			return ref.Target{Title: q.Title, URL: "/ballots/" + v.ID.String()}, nil
		},
		"body": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			b, err := a.Mandate.Body(ctx, a.DB, i)
			return ref.Target{Title: b.Name, URL: "/groups/" + b.Handle}, err
		},
		"mandate": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			m, err := a.Mandate.Get(ctx, a.DB, i)
			return ref.Target{Title: m.Office + ", " + m.BodyName, URL: "/groups/" + m.BodyHandle}, err
		},
		"rule": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			v, err := a.Rulebook.Get(ctx, a.DB, i)
			return ref.Target{Title: v.Rule.Title, URL: "/rules/" + v.Rule.Line}, err
		},
		"coop": func(ctx context.Context, _ authz.Actor, _ id.ID) (ref.Target, error) {
			c, err := a.Coop.Get(ctx)
			if err != nil {
				return ref.Target{}, err
			}
			return ref.Target{Title: c.Name, URL: "/about"}, nil
		},
		"account": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			list, err := a.Social.Accounts(ctx, a.DB, []id.ID{i})
			if err != nil {
				return ref.Target{}, err
			}
			if len(list) == 0 {
				return ref.Target{}, fault.New(fault.NotFound, "There is no such account.")
			}
			return ref.Target{Title: "@" + list[0].Acct(), URL: "/@" + list[0].Acct()}, nil
		},
		"witness": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			return a.Witness.Target(ctx, a.DB, i)
		},
		"emergency": func(_ context.Context, _ authz.Actor, _ id.ID) (ref.Target, error) {
			return ref.Target{Title: "what was done before a decision", URL: "/groups"}, nil
		},
	}
}

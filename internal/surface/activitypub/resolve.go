package activitypub

import (
	"context"
	"strings"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/social"
)

// Resolved is what an address leads to: an account, or a post if Account is nil.
type Resolved struct {
	Account *social.Account
	Post    id.ID
}

// Resolve finds what the address of a page, actor or post leads to, asking its server if it is not
// known here: a member who searches for an address wants to see it. fault.NotFound if there is
// nothing. Who may see the post is still to be decided.
func (s *Service) Resolve(ctx context.Context, address string) (Resolved, error) {
	if _, ok := activitystreams.Origin(address); !ok {
		return Resolved{}, errNotFound
	}
	if s.local(address) {
		return s.resolveLocal(ctx, address)
	}
	if a, err := s.Social.ByURI(ctx, s.DB, address); err == nil && a.GoneAt.IsZero() {
		if hidden, err := s.Social.Hidden(ctx, s.DB, a); err != nil || hidden {
			return Resolved{}, orNotFound(err)
		}
		return Resolved{Account: a}, nil
	} else if err != nil && !fault.Is(err, fault.NotFound) {
		return Resolved{}, err
	}
	if p, err := s.Social.PostByURI(ctx, s.DB, address); err == nil {
		return Resolved{Post: p.ID}, nil
	} else if !fault.Is(err, fault.NotFound) {
		return Resolved{}, err
	}
	o, err := s.get(ctx, address)
	if err != nil {
		return Resolved{}, notThere(err)
	}
	if o.IsActor() {
		a, err := s.saveAccount(ctx, &o)
		if err == nil { // its page has another address than the actor, who may be suspended
			if hidden, e := s.Social.Hidden(ctx, s.DB, a); e != nil || hidden {
				return Resolved{}, orNotFound(e)
			}
		}
		return Resolved{Account: a}, notThere(err)
	}
	if p, err := s.Social.PostByURI(ctx, s.DB, o.ID); err == nil {
		return Resolved{Post: p.ID}, nil
	} else if !fault.Is(err, fault.NotFound) {
		return Resolved{}, err
	}
	p, err := s.store(ctx, &o, maxThread)
	return Resolved{Post: p.ID}, notThere(err)
}

func (s *Service) resolveLocal(ctx context.Context, address string) (Resolved, error) {
	path := strings.Trim(strings.TrimPrefix(address, s.Site.URL), "/")
	path = strings.Replace(strings.TrimPrefix(strings.TrimPrefix(path, "users/"), "@"), "/statuses/", "/", 1)
	name, rest, isPost := strings.Cut(path, "/")
	a, err := s.owner(ctx, name)
	if fault.Is(err, fault.Forbidden) {
		return Resolved{}, errNotFound
	}
	if err != nil {
		return Resolved{}, errNotFoundOr(err)
	}
	if !isPost {
		return Resolved{Account: a}, nil
	}
	p, err := s.Social.PostByURI(ctx, s.DB, postURI(a, id.Parse(rest)))
	return Resolved{Post: p.ID}, err
}

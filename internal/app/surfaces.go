package app

import (
	"context"
	"html"
	"net/http"
	"strconv"
	"strings"

	"rochdale/internal/coop"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/search"
	"rochdale/internal/social"
	"rochdale/internal/surface/mastodon"
	"rochdale/internal/surface/site"
)

// Surfaces do not know each other; where one needs what another can do, it is handed over here.

// SourceURL is where the source of the running program can be had, as its licence asks of whoever changes
// it; set when a release is built. Without it the page about the co-op names the licence alone.
var SourceURL = ""

func (a *App) newMastodon() *mastodon.Service {
	return mastodon.New(mastodon.Deps{DB: a.DB, Bus: a.Bus, Site: a.Config.site(), Log: a.Log, Version: Version, Social: a.Social, Media: a.Media,
		Identity: a.Identity, Notice: a.Notice, Instance: a.instance, Find: a.ActivityPub.Find, Resolve: a.resolve, Peers: a.Social.Domains,
		SearchPosts: func(ctx context.Context, by authz.Actor, q mastodon.PostQuery) ([]id.ID, error) {
			ids, err := a.Search.Posts(ctx, by, search.Question{Words: q.Words, Account: q.Account, Page: social.Page{MaxID: q.MaxID, MinID: q.MinID, Limit: q.Offset + q.Limit}})
			return ids[min(len(ids), q.Offset):], err
		}})
}

func (a *App) newSite() *site.Service {
	return site.New(site.Deps{DB: a.DB, Bus: a.Bus, Site: a.Config.site(), Log: a.Log, Version: Version, Source: SourceURL, Record: a.Record, Identity: a.Identity,
		Mandate: a.Mandate, Member: a.Member, Media: a.Media, Social: a.Social, Notice: a.Notice, Coop: a.Coop, Rulebook: a.Rulebook, Decision: a.Decision, Election: a.Election, Ballot: a.Ballot, Refs: a.refs(), Find: a.ActivityPub.Find,
		SearchPosts: func(ctx context.Context, by authz.Actor, words string, p social.Page) ([]id.ID, error) {
			return a.Search.Posts(ctx, by, search.Question{Words: words, Page: p})
		},
		ResolveURL: func(ctx context.Context, address string) (ref.Ref, error) {
			account, post, err := a.resolve(ctx, address)
			switch {
			case err != nil:
				return ref.Ref{}, err
			case post != 0:
				return ref.Ref{Kind: "post", ID: post}, nil
			case account != 0:
				return ref.Ref{Kind: "account", ID: account}, nil
			}
			return ref.Ref{}, nil
		}})
}

func (a *App) resolve(ctx context.Context, address string) (account, post id.ID, err error) {
	r, err := a.ActivityPub.Resolve(ctx, address)
	if err != nil {
		return 0, 0, err
	}
	if r.Account != nil {
		return r.Account.ID, 0, nil
	}
	return 0, r.Post, nil
}

// instance describes the co-op to apps.
func (a *App) instance(ctx context.Context) (mastodon.InstanceInfo, error) {
	c, err := a.Coop.Get(ctx)
	if err != nil {
		return mastodon.InstanceInfo{}, err
	}
	short, _, _ := strings.Cut(c.Description, "\n")
	info := mastodon.InstanceInfo{Name: c.Name, Short: short, Description: "<p>" + html.EscapeString(c.Description) + "</p>", Extended: "<p>" + html.EscapeString(c.Description) + "</p>",
		UpdatedAt: c.FoundedAt, Email: c.Contact, SourceURL: or(SourceURL, a.Config.URL+"/about"), Languages: []string{"en"}, Contact: c.AccountID,
		Registrations: c.Joining == coop.ByApplication, JoinURL: a.Config.URL + "/join"}
	if !info.Registrations {
		info.Message = "One joins this co-op by the invitation of a member."
	}
	for i, text := range c.Rules() {
		info.Rules = append(info.Rules, mastodon.Rule{ID: strconv.Itoa(i + 1), Text: text})
	}
	return info, nil
}

// siteRoutes are the site's, with the pages of accounts and posts answering other servers too.
func (a *App) siteRoutes() []web.Route {
	routes := a.Site.Routes()
	for i, r := range routes {
		if strings.HasPrefix(r.Pattern, http.MethodGet+" /{") {
			routes[i].Handler = a.ActivityPub.Negotiate(r.Handler)
		}
	}
	return routes
}

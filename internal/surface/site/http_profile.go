package site

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/social"
)

// at shows what lives under /@name and /@name@domain: a profile and its lists, a post and what can be
// done with it. Everything else is nothing.
func (s *Service) at(w http.ResponseWriter, r *http.Request) error {
	parts := strings.Split(r.PathValue("path"), "/")
	handle, ok := strings.CutPrefix(parts[0], "@")
	if !ok || handle == "" || len(parts) > 3 {
		return errNothing
	}
	name, domain, _ := strings.Cut(handle, "@")
	a, err := s.Social.ByName(r.Context(), s.DB, name, domain)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "Nobody is known here by the name @%s.", handle)
	}
	if err != nil {
		return err
	}
	if !a.GoneAt.IsZero() {
		return fault.New(fault.Gone, "This account is no longer here.")
	}
	if len(parts) == 1 {
		return s.profile(w, r, a, "")
	}
	if len(parts) == 2 {
		switch parts[1] {
		case "with_replies", "media":
			return s.profile(w, r, a, parts[1])
		case "followers", "following":
			return s.ties(w, r, a, parts[1] == "followers")
		}
	}
	i := id.Parse(parts[1])
	if i == 0 {
		return errNothing
	}
	v, err := s.Social.Post(r.Context(), web.Actor(r), i)
	if fault.Is(err, fault.NotFound) || err == nil && v.AccountID != a.ID {
		return fault.New(fault.NotFound, "This post is not here, or it is not for everybody to see.")
	}
	if err != nil {
		return err
	}
	if v.Boost != nil {
		return web.Redirect(w, r, postPath(v.Boost))
	}
	if len(parts) == 2 {
		return s.thread(w, r, v)
	}
	switch parts[2] {
	case "edit":
		return s.editForm(w, r, v)
	case "delete":
		return s.deleteForm(w, r, v)
	case "history":
		return s.history(w, r, v)
	case "boosts", "favourites":
		return s.markers(w, r, v, parts[2] == "boosts")
	}
	return errNothing
}

type profileView struct {
	Frame    ui.PageProps
	Who      accountView
	Header   string
	Relation relationView
	Offices  []officeView
	Number   int64 // on the register, 0 for whoever is not a member
	Since    time.Time
	Tabs     []ui.NavItem
	Empty    string
	Pins     []*postView
	timeline
}

// relationView is what stands between the reader and an account, with the buttons that change it.
type relationView struct {
	Who      accountView
	SignedIn bool
	Me       bool
	Small    bool // one button only, as lists have it
	social.Relation
}

func (s *Service) relation(ctx context.Context, by authz.Actor, a *social.Account) (relationView, error) {
	v := relationView{Who: s.account(a), SignedIn: !by.Visitor(), Me: by.Account != 0 && by.Account == a.ID}
	m, err := s.Social.Relations(ctx, s.DB, by.Account, []id.ID{a.ID})
	v.Relation = m[a.ID]
	return v, err
}

func (s *Service) profile(w http.ResponseWriter, r *http.Request, a *social.Account, tab string) error {
	ctx, by := r.Context(), web.Actor(r)
	v := profileView{Who: s.account(a), Header: s.picture(a.Header, "header"), Empty: t(ctx, "Nothing here yet.")}
	var err error
	if v.Relation, err = s.relation(ctx, by, a); err != nil {
		return err
	}
	f := social.AccountFilter{ExcludeReplies: tab == "", OnlyMedia: tab == "media", ExcludeBoosts: tab == "media"}
	at := window(r, pageSize)
	list, err := s.Social.OfAccount(ctx, by, a.ID, f, at)
	if err != nil {
		return err
	}
	if tab == "" && at.MaxID == 0 && at.MinID == 0 {
		pins, err := s.Social.Pins(ctx, by, a.ID)
		if err != nil {
			return err
		}
		v.Pins = s.posts(by, pins)
		for _, p := range v.Pins {
			p.Pinned = true
		}
	}
	v.timeline = s.timeline(r, list, false)
	v.Posts = slices.DeleteFunc(v.Posts, func(p *postView) bool { // what stands on top is not said again below
		return slices.ContainsFunc(v.Pins, func(pin *postView) bool { return pin.Key == p.Key })
	})
	v.Tabs = []ui.NavItem{
		{Label: t(ctx, "Posts"), Href: v.Who.Href, Current: tab == ""},
		{Label: t(ctx, "Posts and replies"), Href: v.Who.Href + "/with_replies", Current: tab == "with_replies"},
		{Label: t(ctx, "Media"), Href: v.Who.Href + "/media", Current: tab == "media"},
	}
	if a.MemberID != 0 {
		m, err := s.Member.Get(ctx, s.DB, a.MemberID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		v.Number, v.Since = m.Number, m.Since
		if v.Offices, err = s.officesOf(ctx, a.MemberID); err != nil {
			return err
		}
	}
	if v.Frame, err = s.frame(w, r, v.Who.Name+" ("+v.Who.Handle+")"); err != nil {
		return err
	}
	v.Frame.NoIndex = !a.Local() || !a.Indexable
	if a.Local() {
		text := firstLine(posttext.PlainText(a.Note))
		v.Frame.Description = text
		og := &openGraph{Type: "profile", Title: v.Frame.Title, Text: text, URL: a.URL}
		if v.Who.Picture != "" {
			og.Image = s.Site.Join(v.Who.Picture)
		}
		v.Frame.Head = headLinks(a.URI, og)
	}
	return web.Render(w, r, http.StatusOK, profilePage(v))
}

// personView is one account in a list of people.
type personView struct {
	accountView
	Line     string // what is said beside the address
	Relation relationView
}

// people makes a list of accounts ready to draw.
func (s *Service) people(ctx context.Context, by authz.Actor, accounts []*social.Account) ([]personView, error) {
	ids := make([]id.ID, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	relations, err := s.Social.Relations(ctx, s.DB, by.Account, ids)
	out := make([]personView, len(accounts))
	for i, a := range accounts {
		out[i] = personView{accountView: s.account(a), Relation: relationView{s.account(a), !by.Visitor(), a.ID == by.Account, true, relations[a.ID]}}
	}
	return out, err
}

// listed makes a page of a list of accounts ready to draw.
func (s *Service) listed(r *http.Request, list []social.Listed) ([]personView, pager, error) {
	accounts := make([]*social.Account, len(list))
	for i, l := range list {
		accounts[i] = l.Account
	}
	out, err := s.people(r.Context(), web.Actor(r), accounts)
	if err != nil || len(list) == 0 {
		return out, pager{}, err
	}
	return out, pages(r, list[0].Cursor, list[len(list)-1].Cursor, len(list) >= 40), nil
}

type peopleView struct {
	Frame  ui.PageProps
	Who    accountView
	Crumbs []ui.Crumb
	Empty  string
	People []personView
	pager
}

// ties lists who follows an account, or whom it follows.
func (s *Service) ties(w http.ResponseWriter, r *http.Request, a *social.Account, followers bool) error {
	ctx := r.Context()
	list, title, empty := s.Social.FollowingOf, t(ctx, "Following"), t(ctx, "Nobody is followed yet.")
	if followers {
		list, title, empty = s.Social.FollowersOf, t(ctx, "Followers"), t(ctx, "Nobody follows this account yet.")
	}
	accounts, err := list(ctx, a.ID, window(r, 40))
	if err != nil {
		return err
	}
	v := peopleView{Who: s.account(a), Empty: empty, Crumbs: []ui.Crumb{{Label: a.Name(), Href: "/@" + a.Acct()}, {Label: title}}}
	if v.People, v.pager, err = s.listed(r, accounts); err != nil {
		return err
	}
	if v.Frame, err = s.frame(w, r, title); err != nil {
		return err
	}
	v.Frame.NoIndex = true
	return web.Render(w, r, http.StatusOK, peoplePage(v))
}

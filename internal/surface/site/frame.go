package site

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/member"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

func t(ctx context.Context, msgid string, args ...any) string { return i18n.T(ctx, msgid, args...) }

func n(ctx context.Context, singular, plural string, count int, args ...any) string {
	return i18n.N(ctx, singular, plural, count, args...)
}

// languageCookie keeps a browser's choice of language; ui.ThemeCookie that of light or dark.
const languageCookie = "language"

// Enrich adds the reader's language to the context of every page: what the browser's cookie says, or
// else the login, or else the browser itself.
func (s *Service) Enrich(ctx context.Context, r *http.Request, by authz.Actor) context.Context {
	chosen := cookieValue(r, languageCookie)
	if chosen == "" && by.Login != 0 {
		// A page in the browser's language is better than none, so an error here is no matter: the
		// handler meets the same database and reports it.
		if me, err := s.Identity.Me(ctx, by); err == nil {
			chosen = me.Language
		}
	}
	ctx = context.WithValue(ctx, memoKey{}, &memo{})
	return i18n.WithLocale(ctx, i18n.Negotiate(r.Header.Get("Accept-Language"), chosen))
}

// memo keeps for the length of one request what several parts of a page show.
type memo struct{ waiting *waiting }

type memoKey struct{}

func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// frame is what stands around a page: the co-op's name, navigation, what waits for the reader.
func (s *Service) frame(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error) {
	ctx, by := r.Context(), web.Actor(r)
	p := ui.PageProps{Title: title, Site: "Rochdale", Theme: ui.Theme(cookieValue(r, ui.ThemeCookie)), Head: headLinks("", nil)}
	c, err := s.Coop.Get(ctx)
	if errors.Is(err, coop.ErrNotFounded) {
		p.Bare = true
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.Site, p.Description = c.Name, firstLine(c.Description)
	if words := web.TakeFlash(w, r); words != "" {
		p.Flash = words
	}
	at, err := s.whereabouts(ctx, r.URL.Path)
	if err != nil {
		return p, err
	}
	if by.Visitor() {
		p.Nav, p.Tabs = visitorNav(ctx, at), visitorTabs(ctx, at)
		p.RailFoot, p.TopEnd = visitorFoot(c.Joining != coop.Closed), visitorTop()
		p.Side = visitorSide(c, s.Version)
		return p, nil
	}
	me, err := s.Social.Account(ctx, s.DB, by.Account)
	if err != nil {
		return p, err
	}
	wait, err := s.waiting(ctx, by)
	if err != nil {
		return p, err
	}
	p.Home = "/home"
	p.Nav, p.Tabs = memberNav(ctx, at, wait), memberTabs(ctx, at, wait)
	p.RailFoot, p.TopEnd, p.Side = memberFoot(s.account(me)), memberTop(wait.Notices), memberSide(s.Version)
	return p, nil
}

// whereabouts is the path by which the navigation knows a page: its own, or where the page of a secret vote, or
// of witnesses, belongs, the elections or the decisions.
func (s *Service) whereabouts(ctx context.Context, path string) (string, error) {
	if path == "/witness" || strings.HasPrefix(path, "/witness/") {
		return "/elections", nil
	}
	rest, ok := strings.CutPrefix(path, "/ballots/")
	if !ok || s.Ballot == nil {
		return path, nil
	}
	number, _, _ := strings.Cut(rest, "/")
	v, err := s.Ballot.Get(ctx, s.DB, id.Parse(number))
	switch {
	case fault.Is(err, fault.NotFound): // the page says so
		return path, nil
	case err != nil:
		return path, err
	case v.SubjectKind == "election":
		return "/elections", nil
	}
	return "/decisions", nil
}

// bare is the frame of a page without navigation: signing in, joining, letting an app in.
func (s *Service) bare(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error) {
	p, err := s.frame(w, r, title)
	p.Bare, p.NoIndex, p.Side = true, true, nil
	return p, err
}

// waiting is what wants the reader's attention.
type waiting struct {
	Notices      int
	Applications int
	Admits       bool                // whether the reader may answer applications
	Votes        []decision.Motion   // open motions without the reader's vote
	Elections    []election.Election // open elections without the reader's ballot
	Keys         []election.Election // sealed elections that wait for the reader's key
}

func (s *Service) waiting(ctx context.Context, by authz.Actor) (waiting, error) {
	m, _ := ctx.Value(memoKey{}).(*memo)
	if m != nil && m.waiting != nil {
		return *m.waiting, nil
	}
	out, err := s.countWaiting(ctx, by)
	if m != nil && err == nil {
		m.waiting = &out
	}
	return out, err
}

func (s *Service) countWaiting(ctx context.Context, by authz.Actor) (waiting, error) {
	var out waiting
	var err error
	if out.Notices, err = s.Notice.Unread(ctx, by, 100, notice.Kinds); err != nil {
		return out, err
	}
	if out.Votes, err = s.Decision.ToVote(ctx, by); err != nil {
		return out, err
	}
	if out.Keys, err = s.Election.ToReveal(ctx, by); err != nil {
		return out, err
	}
	if out.Elections, err = s.Election.ToVote(ctx, by); err != nil {
		return out, err
	}
	if out.Admits = s.Mandate.Holds(ctx, by, member.Admit); out.Admits {
		out.Applications, err = s.Member.CountWaiting(ctx)
	}
	return out, err
}

func item(path, href, label, icon, hue string) ui.NavItem {
	return ui.NavItem{Label: label, Href: href, Icon: icon, Hue: hue, Current: path == href || strings.HasPrefix(path, href+"/") && href != "/"}
}

func coopNav(ctx context.Context, path string, wait waiting) []ui.NavItem {
	out := []ui.NavItem{
		item(path, "/decisions", t(ctx, "Decisions"), "vote", "violet"), item(path, "/elections", t(ctx, "Elections"), "vote", "violet"), item(path, "/groups", t(ctx, "Groups"), "people", "blue"),
		item(path, "/rules", t(ctx, "Rules"), "list", "gold"), item(path, "/members", t(ctx, "Members"), "people", "red"),
		item(path, "/powers", t(ctx, "Powers"), "key", "cyan"), item(path, "/record", t(ctx, "Public record"), "list", "green"),
		item(path, "/about", t(ctx, "About"), "info", "orange"),
	}
	out[0].Badge, out[0].BadgeLabel = len(wait.Votes), t(ctx, "waiting for your vote")
	out[1].Badge, out[1].BadgeLabel = len(wait.Elections)+len(wait.Keys), t(ctx, "waiting for you")
	for i := range out {
		out[i].Section, out[i].Icon = t(ctx, "The co-op"), ""
	}
	return out
}

// Frame is frame for the pages of the institutions, which are not this package's.
func (s *Service) Frame(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error) {
	return s.frame(w, r, title)
}

func memberNav(ctx context.Context, path string, wait waiting) []ui.NavItem {
	out := []ui.NavItem{
		item(path, "/home", t(ctx, "Home"), "home", ""), item(path, "/explore", t(ctx, "Explore"), "compass", ""),
		item(path, "/notifications", t(ctx, "Notifications"), "bell", ""), item(path, "/messages", t(ctx, "Messages"), "mail", ""),
	}
	switch {
	case path == "/local", path == "/federated", path == "/search", strings.HasPrefix(path, "/tags/"):
		out[1].Current = true
	}
	out[2].Badge, out[2].BadgeLabel = wait.Notices, t(ctx, "unread")
	coop := coopNav(ctx, path, wait)
	coop[4].Badge, coop[4].BadgeLabel = wait.Applications, t(ctx, "applications waiting")
	return append(out, coop...)
}

func memberTabs(ctx context.Context, path string, wait waiting) []ui.NavItem {
	out := []ui.NavItem{
		item(path, "/home", t(ctx, "Home"), "home", ""), item(path, "/explore", t(ctx, "Explore"), "compass", ""),
		item(path, "/write", t(ctx, "Write"), "pencil", ""), item(path, "/coop", t(ctx, "The co-op"), "circles", ""), item(path, "/you", t(ctx, "You"), "person", ""),
	}
	out[2].Strong = true
	out[3].Badge, out[3].BadgeLabel = wait.Applications+len(wait.Votes)+len(wait.Elections)+len(wait.Keys), t(ctx, "waiting for you")
	for _, i := range coopNav(ctx, path, wait) {
		out[3].Current = out[3].Current || i.Current
	}
	return out
}

func visitorNav(ctx context.Context, path string) []ui.NavItem {
	out := []ui.NavItem{
		item(path, "/", t(ctx, "Welcome"), "home", ""), item(path, "/explore", t(ctx, "Explore"), "compass", ""),
	}
	return append(out, coopNav(ctx, path, waiting{})...)
}

func visitorTabs(ctx context.Context, path string) []ui.NavItem {
	return []ui.NavItem{
		item(path, "/", t(ctx, "Welcome"), "home", ""), item(path, "/explore", t(ctx, "Explore"), "compass", ""),
		item(path, "/coop", t(ctx, "The co-op"), "circles", ""), item(path, "/sign-in", t(ctx, "Sign in"), "person", ""),
	}
}

// ErrorPage draws what a reader sees when a request failed.
func (s *Service) ErrorPage(w http.ResponseWriter, r *http.Request, p web.Problem) error {
	if web.Fragment(r) {
		// The part of the page that was asked for stays; what went wrong is said at the top of it.
		h := w.Header()
		h.Set("HX-Retarget", "#main")
		h.Set("HX-Reswap", "afterbegin show:top")
		return web.Render(w, r, p.Status, problemNotice(p.Words))
	}
	f, err := s.frame(w, r, "")
	if err != nil {
		return err
	}
	f.NoIndex, f.Side = true, nil
	return web.Render(w, r, p.Status, ui.ErrorPage(f, p.Status, p.Words, p.ID))
}

// account makes the picture, name and address of an account ready to draw.
func (s *Service) account(a *social.Account) accountView {
	return accountView{ID: a.ID, Name: a.Name(), Handle: "@" + a.Acct(), Href: "/@" + a.Acct(), Picture: s.picture(a.Avatar, "avatar"), Hue: ui.HueOf("@" + a.Acct()), Bot: a.Bot, Account: a}
}

// picture is the address of an avatar or header, on this server whatever it is.
func (s *Service) picture(key, size string) string {
	return s.here(s.Media.PictureURL(key, size, ""))
}

// here shortens an address of this server to its path: pages are then the same under every name.
func (s *Service) here(url string) string { return strings.TrimPrefix(url, s.Site.URL) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if r := []rune(line); len(r) > 200 {
		return string(r[:199]) + "…"
	}
	return line
}

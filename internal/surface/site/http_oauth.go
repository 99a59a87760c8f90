package site

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"rochdale/internal/identity"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
)

// grantParams are carried from the app's request through the page to the answer.
var grantParams = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}

type consentView struct {
	Frame  ui.PageProps
	Grant  identity.Grant
	Me     accountView
	Scopes []string // in words
	Where  string   // the address that the member is sent back to
	Params [][2]string
}

// consentForm asks a member whether to let an app in.
// spec: mastodon/methods/oauth#authorize, rfc6749#4.1.1
func (s *Service) consentForm(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	q := r.URL.Query()
	g, err := s.Identity.Asked(ctx, q.Get)
	if err != nil {
		return err // the address to go back to cannot be trusted: the member is told here
	}
	if by.Visitor() {
		return web.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()))
	}
	me, err := s.Social.Account(ctx, s.DB, by.Account)
	if err != nil {
		return err
	}
	v := consentView{Grant: g, Me: s.account(me), Scopes: scopesInWords(ctx, g.Scopes)}
	for _, name := range grantParams {
		if q.Has(name) {
			v.Params = append(v.Params, [2]string{name, q.Get(name)})
		}
	}
	if u, err := url.Parse(g.Redirect); err == nil && g.Redirect != identity.OutOfBand {
		v.Where = u.Scheme + "://" + u.Host
	}
	if v.Frame, err = s.bare(w, r, t(ctx, "Let an app in?")); err != nil {
		return err
	}
	if g.Redirect != identity.OutOfBand {
		web.AllowFormTo(w, g.Redirect)
	}
	return web.Render(w, r, http.StatusOK, consentPage(v))
}

// consent answers the app.
// spec: rfc6749#4.1.2
func (s *Service) consent(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	g, err := s.Identity.Asked(ctx, in.String)
	if err != nil {
		return err
	}
	if in.String("answer") != "allow" {
		if g.Redirect == identity.OutOfBand {
			web.SetFlash(w, r, t(ctx, "The app was not let in."))
			return web.Redirect(w, r, "/home")
		}
		return web.Redirect(w, r, g.CallBack(url.Values{"error": {"access_denied"}, "error_description": {"The resource owner or authorization server denied the request."}}))
	}
	code, err := s.Identity.Approve(ctx, by, g)
	if err != nil {
		return err
	}
	if g.Redirect == identity.OutOfBand {
		return web.Redirect(w, r, "/oauth/authorize/native?"+url.Values{"code": {code}}.Encode())
	}
	return web.Redirect(w, r, g.CallBack(url.Values{"code": {code}}))
}

type codeView struct {
	Frame ui.PageProps
	Code  string
}

// nativeCode shows the code to a member whose app cannot be called back.
func (s *Service) nativeCode(w http.ResponseWriter, r *http.Request) error {
	if err := web.Actor(r).RequireAccount(); err != nil {
		return err
	}
	f, err := s.bare(w, r, t(r.Context(), "Your code"))
	if err != nil {
		return err
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	return web.Render(w, r, http.StatusOK, codePage(codeView{f, r.URL.Query().Get("code")}))
}

// scopesInWords says what an app wants to do, the broad before the narrow.
func scopesInWords(ctx context.Context, scopes string) []string {
	var out []string
	for _, scope := range strings.Fields(scopes) {
		out = append(out, scopeWords(ctx, scope))
	}
	return out
}

func scopeWords(ctx context.Context, scope string) string {
	switch scope {
	case "profile":
		return t(ctx, "See your name and address")
	case "read":
		return t(ctx, "Read everything that you can read, your messages included")
	case "write":
		return t(ctx, "Post in your name, and change your posts, profile and lists")
	case "follow":
		return t(ctx, "Follow, mute and block in your name")
	case "coop":
		return t(ctx, "Read the co-op's affairs as you can, put motions and vote in your name")
	case "coop:read":
		return t(ctx, "Read the co-op's affairs as you can")
	case "coop:write":
		return t(ctx, "Put motions and vote in your name")
	case "push":
		return t(ctx, "Send you notifications")
	}
	verb, what, _ := strings.Cut(scope, ":")
	thing := map[string]string{
		"accounts": t(ctx, "profiles"), "blocks": t(ctx, "blocks"), "bookmarks": t(ctx, "bookmarks"), "conversations": t(ctx, "messages"),
		"favourites": t(ctx, "favourites"), "filters": t(ctx, "filters"), "follows": t(ctx, "follows"), "lists": t(ctx, "lists"), "media": t(ctx, "pictures"),
		"mutes": t(ctx, "mutes"), "notifications": t(ctx, "notifications"), "reports": t(ctx, "reports"), "search": t(ctx, "search results"), "statuses": t(ctx, "posts"),
	}[what]
	switch {
	case thing == "":
		return scope
	case verb == "write":
		return t(ctx, "Change your %s", thing)
	}
	return t(ctx, "Read your %s", thing)
}

package activitypub

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
	"rochdale/internal/social"
)

// reason is why no route here needs a power.
const reason = "none: a signed activity of another server acts with its author's own rights"

// Routes are the addresses that other servers use. The pages at /@name belong to the site: see Negotiate.
func (s *Service) Routes() []web.Route {
	get := func(pattern string, h web.Handler) web.Route {
		return web.Route{Pattern: "GET " + pattern, Handler: h, Style: web.Federation}
	}
	inbox := func(pattern string) web.Route {
		return web.Route{Pattern: "POST " + pattern, Handler: s.receiveActivity, Style: web.Federation, Act: reason, MaxBody: activitystreams.MaxBytes}
	}
	return []web.Route{
		get("/.well-known/webfinger", s.webfinger),
		get("/.well-known/host-meta", s.hostMeta),
		get("/.well-known/nodeinfo", s.nodeinfoLinks),
		get("/nodeinfo/2.0", s.nodeinfo("2.0")),
		get("/nodeinfo/2.1", s.nodeinfo("2.1")),
		get("/actor", s.getInstance),
		get("/actor/outbox", s.getEmpty("/actor/outbox")),
		get("/users/{name}", s.getActor),
		get("/users/{name}/outbox", s.getOutbox),
		get("/users/{name}/followers", s.getFollows((*social.Service).FollowersOf, "followers")),
		get("/users/{name}/following", s.getFollows((*social.Service).FollowingOf, "following")),
		get("/users/{name}/collections/featured", s.getFeatured),
		get("/users/{name}/collections/tags", s.getTags),
		get("/users/{name}/statuses/{id}", s.getNote),
		get("/users/{name}/statuses/{id}/activity", s.getActivity),
		get("/users/{name}/statuses/{id}/replies", s.getReplies),
		inbox("/inbox"),
		inbox("/actor/inbox"),
		inbox("/users/{name}/inbox"),
	}
}

// Negotiate stands in front of the site's pages at /@name and /@name/ID and answers with the
// ActivityStreams document where a request prefers that to a page: people paste the address of a page
// into the search of their own server. Everything else goes to next. app wraps those two handlers.
func (s *Service) Negotiate(next web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Add("Vary", "Accept")
		handle, post, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		name, isHandle := strings.CutPrefix(handle, "@")
		if !isHandle || strings.Contains(name, "@") || strings.Contains(post, "/") || !web.WantsJSON(r) {
			return next(w, r)
		}
		w.Header().Del("Content-Security-Policy")
		if post == "" {
			return s.showActor(w, r, name)
		}
		return s.showNote(w, r, name, id.Parse(post))
	}
}

// wantsPage reports whether the request comes from a browser.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") && !web.WantsJSON(r)
}

func document(w http.ResponseWriter, b []byte) error {
	h := w.Header()
	h.Set("Vary", "Accept")
	h.Set("Cache-Control", "public, max-age=60")
	return web.Bytes(w, http.StatusOK, activitystreams.MediaType+"; charset=utf-8", b)
}

func private(w http.ResponseWriter, b []byte) error {
	h := w.Header()
	h.Set("Vary", "Accept, Signature")
	h.Set("Cache-Control", "private, no-store")
	return web.Bytes(w, http.StatusOK, activitystreams.MediaType+"; charset=utf-8", b)
}

// show writes a document that is made anew for each request.
func show(w http.ResponseWriter, v any) error {
	b, err := activitystreams.Marshal(v)
	if err != nil {
		return err
	}
	return document(w, b)
}

var errNotFound = fault.New(fault.NotFound, "not found")

// owner is our account of this name as others may read it; an account that was closed is fault.Gone,
// one that is suspended fault.Forbidden.
func (s *Service) owner(ctx context.Context, name string) (*social.Account, error) {
	a, err := s.named(ctx, name)
	if err == nil && !a.SuspendedAt.IsZero() {
		return nil, fault.New(fault.Forbidden, "this account is suspended")
	}
	return a, err
}

// named is owner for what is also told of a suspended account: who it is, and that it is suspended.
func (s *Service) named(ctx context.Context, name string) (*social.Account, error) {
	i, ok := s.names.Load(name)
	if !ok {
		a, err := s.Social.KnownByName(ctx, s.DB, name, "")
		if err != nil || !a.Local() {
			return nil, errNotFoundOr(err)
		}
		i = a.ID
		if a.Username == name { // other spellings are found, too, but would fill the memory
			s.names.Store(name, i)
		}
	}
	a, err := s.Social.Account(ctx, s.DB, i.(id.ID))
	if err != nil {
		return nil, errNotFoundOr(err)
	}
	if !a.GoneAt.IsZero() {
		return nil, fault.New(fault.Gone, "gone")
	}
	return a, nil
}

func errNotFoundOr(err error) error {
	if err == nil || fault.Is(err, fault.NotFound) {
		return errNotFound
	}
	return err
}

func (s *Service) getActor(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if wantsPage(r) {
		w.Header().Set("Vary", "Accept")
		http.Redirect(w, r, "/@"+url.PathEscape(name), http.StatusSeeOther)
		return nil
	}
	return s.showActor(w, r, name)
}

func (s *Service) showActor(w http.ResponseWriter, r *http.Request, name string) error {
	a, err := s.named(r.Context(), name)
	if err != nil {
		return err
	}
	b, err := s.actorJSON(r.Context(), a)
	if err != nil {
		return err
	}
	return document(w, b)
}

// getInstance shows the instance actor, also to unsigned requests: who cannot read its key cannot
// check what we sign with it.
func (s *Service) getInstance(w http.ResponseWriter, r *http.Request) error {
	k, err := s.keyOf(r.Context(), instance)
	if err != nil {
		return err
	}
	doc := s.instanceActor(k)
	doc.Context = true
	return show(w, doc)
}

// viewer is the account in whose name a GET is signed, if it is one we know: the zero Actor for
// anybody else. Nothing is fetched for it.
func (s *Service) viewer(r *http.Request) (authz.Actor, error) {
	sig, err := httpsig.Parse(r)
	if err != nil || !s.ours(r.Host) {
		return authz.Actor{}, nil //nolint:nilerr // unsigned or badly signed: a visitor
	}
	sig.URLScheme = s.scheme
	if refused, err := s.refuses(r.Context(), sig.KeyID()); err != nil || refused {
		return authz.Actor{}, err
	}
	k, err := s.knownKey(r.Context(), sig.KeyID())
	if err != nil || k == nil || sig.Verify(r, nil, k.public, s.DB.Now()) != nil {
		return authz.Actor{}, err
	}
	if suspended, err := s.Social.Suspended(r.Context(), k.accountID); err != nil || suspended {
		return authz.Actor{}, err
	}
	return authz.Actor{Account: k.accountID, Via: authz.Federation}, nil
}

// post is the post of ours that a request names, as its sender may see it. public tells whether
// everybody may. One that was deleted is fault.Gone.
func (s *Service) postOf(r *http.Request, name string, post id.ID) (v *social.View, public bool, err error) {
	ctx := r.Context()
	author, err := s.owner(ctx, name)
	if err != nil {
		return nil, false, err
	}
	v, err = s.Social.Post(ctx, authz.Actor{}, post)
	public = err == nil
	if fault.Is(err, fault.NotFound) {
		var by authz.Actor
		if by, err = s.viewer(r); err != nil {
			return nil, false, err
		}
		if by.Account == 0 {
			return nil, false, s.missing(ctx, author, post)
		}
		v, err = s.Social.Post(ctx, by, post)
	}
	if fault.Is(err, fault.NotFound) {
		return nil, false, s.missing(ctx, author, post)
	}
	if err != nil {
		return nil, false, err
	}
	if v.AccountID != author.ID || !v.Local {
		return nil, false, errNotFound
	}
	return v, public, nil
}

func postURI(author *social.Account, post id.ID) string {
	return author.URI + "/statuses/" + post.String()
}

// missing tells what was deleted from what never was, or is not for this reader.
func (s *Service) missing(ctx context.Context, author *social.Account, post id.ID) error {
	_, gone, err := s.Social.Tombstone(ctx, s.DB, postURI(author, post))
	if err != nil || !gone {
		return errNotFoundOr(err)
	}
	return fault.New(fault.Gone, "gone")
}

func (s *Service) getNote(w http.ResponseWriter, r *http.Request) error {
	name, post := r.PathValue("name"), id.Parse(r.PathValue("id"))
	if wantsPage(r) {
		w.Header().Set("Vary", "Accept")
		http.Redirect(w, r, "/@"+url.PathEscape(name)+"/"+post.String(), http.StatusSeeOther) //nolint:gosec // it stays on this site
		return nil
	}
	return s.showNote(w, r, name, post)
}

func (s *Service) showNote(w http.ResponseWriter, r *http.Request, name string, post id.ID) error {
	v, public, err := s.postOf(r, name, post)
	if fault.Is(err, fault.Gone) {
		return s.showTombstone(w, name, post)
	}
	if err != nil {
		return err
	}
	if v.BoostOfID != 0 {
		return errNotFound
	}
	b, err := s.noteJSON(v)
	if err != nil {
		return err
	}
	if public {
		return document(w, b)
	}
	return private(w, b)
}

// showTombstone says that there was a post here. spec: activitypub#6.4
func (s *Service) showTombstone(w http.ResponseWriter, name string, post id.ID) error {
	t := activitystreams.NewTombstone(s.Site.Join("/users/" + name + "/statuses/" + post.String()))
	t.Context = true
	b, err := activitystreams.Marshal(t)
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	return web.Bytes(w, http.StatusGone, activitystreams.MediaType+"; charset=utf-8", b)
}

// getActivity shows the Create of a post or the Announce that a boost is.
func (s *Service) getActivity(w http.ResponseWriter, r *http.Request) error {
	v, public, err := s.postOf(r, r.PathValue("name"), id.Parse(r.PathValue("id")))
	if err != nil {
		return err
	}
	b, err := activitystreams.Marshal(s.activityOf(v))
	if err != nil {
		return err
	}
	if public {
		return document(w, b)
	}
	return private(w, b)
}

func (s *Service) activityOf(v *social.View) activitystreams.Activity {
	if v.Boost != nil {
		return s.announceOf(&v.Post, v.Author, v.Boost.URI, v.Boost.Author.URI)
	}
	return s.createOf(s.noteOf(&v.Post, v.Author, partMentions(v.Part), v.Media))
}

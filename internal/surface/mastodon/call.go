package mastodon

import (
	"net/http"
	"strconv"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/social"
)

// call is one request in hand: its parameters, who makes it, and where the answer goes.
type call struct {
	web.Params
	*Service
	w  http.ResponseWriter
	r  *http.Request
	by authz.Actor
}

type handler func(c *call) error

// Scopes that are not names of scopes.
const (
	anybody  = ""       // no token needed, any will do
	anApp    = "an app" // any token, an app's own as well
	optional = "?"      // before a scope: no token needed, but a token must have it
)

var (
	errScope = fault.New(fault.Forbidden, "This action is outside the authorized scopes")
	errNoOne = fault.New(fault.Invalid, "This method requires an authenticated user")
	errNone  = fault.New(fault.NotFound, "Record not found")
)

// require lets a request through if its token carries one of the scopes ("profile|read:accounts").
// spec: mastodon/api/oauth-scopes
func (s *Service) require(scope string, h handler) web.Handler {
	needed := strings.TrimPrefix(scope, optional)
	open := scope == anybody || needed != scope
	scopes := strings.Split(needed, "|")
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		by := web.Actor(r)
		switch token := by.Session != 0; {
		case !token && !open:
			return web.ErrToken
		case scope == anybody, !token, scope == anApp:
		case !allows(by, scopes):
			return errScope
		case by.Account == 0 && !open:
			return errNoOne
		}
		c := &call{Service: s, w: w, r: r, by: by}
		if c.Params, err = web.Read(r); err != nil {
			return err
		}
		if r.MultipartForm != nil {
			// What a client sent as files must not stay on the disk; a failure to remove it is the
			// temporary folder's trouble, not the client's.
			defer func() { _ = r.MultipartForm.RemoveAll() }()
		}
		return h(c)
	}
}

func allows(by authz.Actor, scopes []string) bool {
	for _, sc := range scopes {
		if by.Allows(sc) {
			return true
		}
	}
	return false
}

// id is the path's {id}.
func (c *call) id() (id.ID, error) { return web.PathID(c.r, "id") }

// json answers with an entity.
func (c *call) json(v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	return c.bytes(b)
}

// bytes answers with finished JSON. Its length is told, so that it goes out in one piece.
func (c *call) bytes(b []byte) error {
	c.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	return web.Bytes(c.w, http.StatusOK, "application/json; charset=utf-8", b)
}

// page reads the window of a list. spec: mastodon/api/guidelines#pagination
func (c *call) page(def, most int) social.Page {
	return social.Page{MaxID: c.ID("max_id"), SinceID: c.ID("since_id"), MinID: c.ID("min_id"), Limit: c.Int("limit", def, 1, most)}
}

// link adds the Link header of a list whose first and last entries have these cursors.
func (c *call) link(first, last id.ID) {
	if first == 0 || last == 0 {
		return
	}
	q := c.r.URL.Query()
	for _, k := range []string{"max_id", "min_id", "since_id", "access_token"} {
		q.Del(k)
	}
	base := c.Site.URL + c.r.URL.Path + "?"
	if rest := q.Encode(); rest != "" {
		base += rest + "&"
	}
	c.w.Header().Set("Link", "<"+base+"max_id="+last.String()+`>; rel="next", <`+base+"min_id="+first.String()+`>; rel="prev"`)
}

// statuses answers with a page of posts.
func (c *call) statuses(views []*social.View, err error) error {
	if err != nil {
		return err
	}
	if n := len(views); n > 0 {
		c.link(views[0].ID, views[n-1].ID)
	}
	return c.posts(views)
}

const keepBuffer = 256 << 10 // larger ones are let go

// posts answers with posts, through a buffer that is kept from one page to the next: fifty kilobytes
// for each request would keep the collector busy.
func (c *call) posts(views []*social.View) error {
	p, ok := c.buffers.Get().(*[]byte)
	if !ok {
		p = new([]byte)
	}
	*p = c.appendStatuses((*p)[:0], views, c.by.Account != 0)
	err := c.bytes(*p)
	if cap(*p) <= keepBuffer {
		c.buffers.Put(p)
	}
	return err
}

// status answers with one post.
func (c *call) status(i id.ID) error {
	v, err := c.Social.Post(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	return c.bytes(c.appendStatus(nil, v, c.by.Account != 0))
}

// listed answers with a page of accounts.
func (c *call) listed(list []social.Listed, err error) error {
	if err != nil {
		return err
	}
	accounts := make([]*social.Account, len(list))
	for i, l := range list {
		accounts[i] = l.Account
	}
	if n := len(list); n > 0 {
		c.link(list[0].Cursor, list[n-1].Cursor)
	}
	return c.accounts(accounts)
}

func (c *call) accounts(list []*social.Account) error {
	return c.bytes(c.appendAccounts(nil, list))
}

// empty answers with an empty list or object.
func emptyList(c *call) error   { return c.bytes([]byte("[]")) }
func emptyObject(c *call) error { return c.bytes([]byte("{}")) }

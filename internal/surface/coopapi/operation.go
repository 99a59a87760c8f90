package coopapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/web"
)

// scope is what a token must allow.
type scope string

// The scopes. What needs none is for everybody; who shows a token that allows coop:read is answered as
// the member.
const (
	open   scope = ""
	reads  scope = "coop:read"
	writes scope = "coop:write"
)

const (
	maxBody     = 256 << 10 // bytes: the longest text of a motion with its options, four times over
	readTimeout = 30 * time.Second
)

// operation is one line of the API.
type operation struct {
	id, method, path string
	tag              string
	summary, about   string
	needs            scope
	act              string // of one that can change something: the power, or why it needs none
	status           int    // of success; 0 is 200, or 204 without a body
}

func (o *operation) mutates() bool { return o.method != http.MethodGet }

// once reports whether the operation heeds an Idempotency-Key.
func (o *operation) once() bool { return o.method == http.MethodPost && o.needs == writes }

// security says in the document what a token must allow; the empty requirement is "no token".
func (o *operation) security() []map[string][]string {
	if o.needs == open {
		return []map[string][]string{{}, {securityScheme: {string(reads)}}}
	}
	return []map[string][]string{{securityScheme: {string(o.needs)}}}
}

// call is one request in hand.
type call struct {
	by     authz.Actor // who is answered: nobody, where a token does not allow to read
	token  bool        // whether a token was shown
	header http.Header // of the answer
	err    error       // what went wrong on our side, for the log
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	if c == nil {
		return &call{header: http.Header{}}
	}
	return c
}

// add declares an operation and what does it.
func add[I, O any](s *Service, o operation, do func(ctx context.Context, by authz.Actor, in *I) (*O, error)) {
	huma.Register(s.api, huma.Operation{OperationID: o.id, Method: o.method, Path: o.path, Tags: []string{o.tag}, Summary: o.summary, Description: o.about,
		DefaultStatus: o.status, Security: o.security(), Responses: refusals(&o), MaxBodyBytes: maxBody, BodyReadTimeout: readTimeout, Metadata: map[string]any{metaKey: o}},
		func(ctx context.Context, in *I) (*O, error) {
			c := callOf(ctx)
			out, err := do(ctx, c.by, in)
			if err != nil {
				return nil, c.problem(err)
			}
			return out, nil
		})
}

const metaKey = "operation"

// collector takes the operations from huma as routes of the program, so that each stands under its
// rules: rate limits, tokens, CORS, and the power that a change needs.
type collector struct{ s *Service }

// Handle implements huma.Adapter.
func (c collector) Handle(op *huma.Operation, h func(huma.Context)) {
	o, _ := op.Metadata[metaKey].(operation) // only add registers operations
	r := web.Route{Pattern: o.method + " " + Base + o.path, Style: web.API, Problem: early, Handler: c.s.serve(o, op, h), MaxBody: maxBody + 1}
	if o.mutates() {
		r.Act = o.act
	}
	c.s.routes = append(c.s.routes, r)
}

// ServeHTTP implements huma.Adapter; the program's own server serves the routes.
func (c collector) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// serve answers a request for an operation. The answer is held back until it is whole.
func (s *Service) serve(o operation, op *huma.Operation, h func(huma.Context)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		by := web.Actor(r)
		c := &call{by: by, token: by.Session != 0, header: w.Header()}
		ctx := context.WithValue(r.Context(), callKey{}, c)
		r = r.WithContext(i18n.WithLocale(ctx, i18n.Negotiate(r.Header.Get("Accept-Language"), "")))
		a := newAnswer(w)
		err := c.admit(o.needs)
		if err == nil {
			err = s.once(&o, c, a, r, func(r *http.Request) { h(humago.NewContext(op, r, a)) })
		}
		if err != nil {
			a.problem(c.problem(err))
		}
		if err := a.send(); err != nil {
			return err
		}
		return c.err
	}
}

// admit refuses a request whose token does not allow what it asks for.
// spec: rfc6750#3.1
func (c *call) admit(needs scope) error {
	switch {
	case needs == open:
		if !c.by.Allows(string(reads)) {
			c.by = authz.Actor{}
		}
		return nil
	case !c.token:
		return errSignIn
	case !c.by.Allows(string(needs)):
		c.header.Set("WWW-Authenticate", `Bearer realm="Rochdale", error="insufficient_scope", scope="`+string(needs)+`"`)
		return errScope
	case c.by.Member == 0:
		return errNoMember
	}
	return nil
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	w      http.ResponseWriter
	status int
	body   strings.Builder
}

func newAnswer(w http.ResponseWriter) *answer { return &answer{w: w} }

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.w.Header() }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// Unwrap lets http.ResponseController reach through.
func (a *answer) Unwrap() http.ResponseWriter { return a.w }

// done reports whether something was done, rather than refused.
func (a *answer) done() bool { return a.status >= 200 && a.status < 300 }

func (a *answer) send() error {
	if a.status == http.StatusNoContent {
		a.w.WriteHeader(a.status)
		return nil
	}
	return web.Bytes(a.w, max(a.status, http.StatusOK), a.Header().Get("Content-Type"), []byte(a.body.String()))
}

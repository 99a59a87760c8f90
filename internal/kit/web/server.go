package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// Options are what a Server needs from the rest of the program.
type Options struct {
	Log   *slog.Logger
	Clock clock.Clock

	// Session finds who is behind a session cookie, Bearer who is behind an access token. Both
	// return the zero Actor for one that is not (or no longer) good.
	Session func(ctx context.Context, cookie string) (authz.Actor, error)
	Bearer  func(ctx context.Context, token string) (authz.Actor, error)

	// Enrich may add to the context of every page (language, theme) before the handler runs.
	Enrich func(ctx context.Context, r *http.Request, by authz.Actor) context.Context
	// ErrorPage draws a page for an error.
	ErrorPage func(w http.ResponseWriter, r *http.Request, p Problem) error
	// Observe is told about every answered request.
	Observe func(pattern, method string, status int, took time.Duration)

	Secure         bool // behind https: Secure cookies, HSTS
	TrustedProxies []netip.Prefix
	RateLimits     bool
}

// Server is the program's http.Handler.
type Server struct {
	opt     Options
	mux     *http.ServeMux
	csrf    *http.CrossOriginProtection
	limiter *limiter
	zip     sync.Pool // of *gzip.Writer, each of which weighs a megabyte
}

// New mounts the routes; a route that does not declare its act is an error.
func New(opt Options, routes []Route) (*Server, error) {
	s := &Server{opt: opt, mux: http.NewServeMux(), csrf: http.NewCrossOriginProtection(), limiter: newLimiter(opt.Clock)}
	cors := map[string]bool{}
	for _, r := range routes {
		if err := r.Check(); err != nil {
			return nil, err
		}
		if r.MaxBody == 0 {
			r.MaxBody = 1 << 20
		}
		s.mux.Handle(r.Pattern, s.wrap(r))
		if r.Style == API {
			cors[pathOf(r.Pattern)] = true
		}
	}
	for path := range cors {
		s.mux.HandleFunc("OPTIONS "+path, preflight)
	}
	s.mux.Handle("/", s.wrap(Route{Pattern: "/", Style: Page, Act: "none: nothing lives here", MaxBody: 1 << 20,
		Handler: func(http.ResponseWriter, *http.Request) error {
			return fault.New(fault.NotFound, "There is no page at this address.")
		}}))
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// request is what the middleware knows about a request in hand.
type request struct {
	server *Server
	id     id.ID
	style  Style
	actor  authz.Actor
	client netip.Addr

	problem func(w http.ResponseWriter, p Problem) error
}

type requestKey struct{}

func of(r *http.Request) *request {
	q, _ := r.Context().Value(requestKey{}).(*request)
	if q == nil {
		return &request{}
	}
	return q
}

// Actor is who makes the request; the zero Actor for a visitor.
func Actor(r *http.Request) authz.Actor { return of(r).actor }

// Client is the network address the request came from, as far as the trusted proxies say.
func Client(r *http.Request) netip.Addr { return of(r).client }

func (s *Server) wrap(rt Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.opt.Clock.Now()
		q := &request{server: s, id: id.New(start), style: rt.Style, client: s.clientOf(r), problem: rt.Problem}
		sw := &statusWriter{ResponseWriter: w}
		ctx := context.WithValue(r.Context(), requestKey{}, q)
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(sw, r.Body, rt.MaxBody)
		sw.Header().Set("X-Request-Id", q.id.String())
		s.secure(sw.Header(), rt.Style)
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p) // the way net/http offers to drop a connection
				}
				s.fail(sw, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
			if r.MultipartForm != nil { // net/http cleans up after its own request, not after this copy
				_ = r.MultipartForm.RemoveAll()
			}
			if s.opt.Observe != nil {
				s.opt.Observe(rt.Pattern, r.Method, sw.code(), s.opt.Clock.Now().Sub(start))
			}
		}()
		if err := s.handle(sw, r, q, rt); err != nil {
			s.fail(sw, r, err)
		}
	})
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request, q *request, rt Route) error {
	var err error
	switch rt.Style {
	case Page:
		if err := s.csrf.Check(r); err != nil {
			return fault.New(fault.Forbidden, "This request came from another website. Open the page here and try again.")
		}
		if c, e := r.Cookie(SessionCookie); e == nil && s.opt.Session != nil {
			q.actor, err = s.opt.Session(r.Context(), c.Value)
		}
	case API:
		if token := bearer(r); token != "" && s.opt.Bearer != nil {
			if q.actor, err = s.opt.Bearer(r.Context(), token); err == nil && q.actor.Visitor() && q.actor.Session == 0 {
				err = ErrToken
			}
		}
	}
	if err != nil {
		return err
	}
	if err := s.limit(w, q, rt); err != nil {
		return err
	}
	if s.opt.Enrich != nil && rt.Style == Page {
		*r = *r.WithContext(s.opt.Enrich(r.Context(), r, q.actor))
	}
	return rt.Handler(w, r)
}

// statusWriter remembers the status for the log and lets ResponseController reach through.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(code int) {
	if w.status == 0 {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

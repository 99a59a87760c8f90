package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
)

const none = "none: a test needs no authority"

// site is a server with routes, a clock that stands, and its log.
type site struct {
	*web.Server
	t     testing.TB
	clock *clock.Fake
	log   *bytes.Buffer
}

var ann = authz.Actor{Login: 1, Member: 2, Account: 3, Session: 4}

func newSite(tb testing.TB, change func(*web.Options), routes ...web.Route) *site {
	tb.Helper()
	s := &site{t: tb, clock: clock.NewFake(testkit.Start), log: &bytes.Buffer{}}
	opt := web.Options{Log: slog.New(slog.NewTextHandler(s.log, nil)), Clock: s.clock,
		Session: func(_ context.Context, cookie string) (authz.Actor, error) {
			if cookie == "good" {
				return ann, nil
			}
			return authz.Actor{}, nil
		},
		Bearer: func(_ context.Context, token string) (authz.Actor, error) {
			switch token {
			case "good":
				return ann, nil
			case "app":
				return authz.Actor{Session: 9}, nil
			}
			return authz.Actor{}, nil
		}}
	if change != nil {
		change(&opt)
	}
	var err error
	if s.Server, err = web.New(opt, routes); err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s *site) do(method, target, body string, headers ...string) reply {
	s.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "From" {
			r.RemoteAddr = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	res := w.Result()
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, res.Cookies(), string(b)}
}

// reply is an answer that was read to its end.
type reply struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	body    string
}

func says(words string) web.Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		return web.Bytes(w, http.StatusOK, "text/plain", []byte(words))
	}
}

func fails(err error) web.Handler {
	return func(http.ResponseWriter, *http.Request) error { return err }
}

func TestARouteThatChangesSomethingSaysWhatPermitsIt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern string
		style   web.Style
		act     string
		ok      bool
	}{
		{"GET /x", web.Page, "", true}, {"HEAD /x", web.API, "", true}, {"OPTIONS /x", web.Federation, "", true},
		{"POST /x", web.Page, "", false}, {"PUT /x", web.API, "", false}, {"PATCH /x", web.API, "", false}, {"DELETE /x", web.Page, "", false},
		{"POST /x", web.Federation, "", false}, {"/x", web.Page, "", false}, {"POST /x", web.Page, "none:", false}, {"POST /x", web.Page, "none: because", false},
		{"POST /x", web.Page, "none:             ", false}, {"POST /x", web.Page, none, true}, {"POST /x", web.Page, "member.admit", true}, {"POST /x", web.Plain, "", true},
	} {
		r := web.Route{Pattern: tc.pattern, Style: tc.style, Act: tc.act, Handler: says("x")}
		_, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Clock: clock.NewFake(testkit.Start)}, []web.Route{r})
		if (err == nil) != tc.ok {
			t.Errorf("%s %d %q: %v", tc.pattern, tc.style, tc.act, err)
		}
		if err != nil && !strings.Contains(err.Error(), tc.pattern) {
			t.Errorf("the error does not name the route: %v", err)
		}
	}
}

func TestKindsOfErrorBecomeStatuses(t *testing.T) {
	t.Parallel()
	secret := errors.New("password of the database is hunter2")
	cases := []struct {
		name                  string
		err                   error
		page, api, federation int
		words                 string
	}{
		{"internal", secret, 500, 500, 500, ""},
		{"invalid", fault.Field("name", "Too long."), 422, 422, 400, "Too long."},
		{"not found", fault.New(fault.NotFound, "Not here."), 404, 404, 404, "Not here."},
		{"forbidden", fault.New(fault.Forbidden, "Not yours."), 403, 403, 403, "Not yours."},
		{"conflict", fault.New(fault.Conflict, "Too late."), 409, 409, 409, "Too late."},
		{"gone", fault.New(fault.Gone, "It was here."), 410, 410, 410, "It was here."},
		{"wrapped", fmt.Errorf("read x: %w", fault.New(fault.NotFound, "Not here: %w", secret)), 404, 404, 404, "Not here"},
		{"token", fmt.Errorf("x: %w", web.ErrToken), 401, 401, 401, "The access token is invalid"},
		{"signature", fmt.Errorf("x: %w", web.ErrSignature), 401, 401, 401, "the signature does not hold"},
		{"too much", &http.MaxBytesError{Limit: 1}, 413, 413, 413, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, web.Route{Pattern: "POST /page", Act: none, Handler: fails(tc.err)}, web.Route{Pattern: "POST /api", Act: none, Style: web.API, Handler: fails(tc.err)},
				web.Route{Pattern: "POST /inbox", Act: none, Style: web.Federation, Handler: fails(tc.err)})
			for _, x := range []struct {
				path   string
				status int
				head   []string
			}{{"/page", tc.page, []string{"Cookie", web.SessionCookie + "=good"}}, {"/api", tc.api, []string{"Authorization", "Bearer good"}}, {"/inbox", tc.federation, nil}} {
				r := s.do("POST", x.path, "", x.head...)
				body := r.body
				if r.status != x.status || !strings.Contains(body, tc.words) || strings.Contains(body, "hunter2") && tc.name == "internal" {
					t.Errorf("%s: %d %q, want %d %q", x.path, r.status, body, x.status, tc.words)
				}
				if r.header.Get("Cache-Control") != "no-store" || r.header.Get("X-Request-Id") == "" {
					t.Errorf("%s: headers %v", x.path, r.header)
				}
				if x.path == "/api" {
					var e map[string]string
					if err := json.Unmarshal([]byte(body), &e); err != nil || e["error"] == "" {
						t.Errorf("the API says %q", body)
					}
				}
			}
			if n := strings.Count(s.log.String(), "request failed"); tc.name == "internal" && n != 3 || tc.name != "internal" && n != 0 {
				t.Errorf("%d lines in the log: %s", n, s.log)
			}
		})
	}
}

func TestVisitorsAreAskedToSignIn(t *testing.T) {
	t.Parallel()
	no := fails(fault.New(fault.Forbidden, "Please sign in first."))
	s := newSite(t, nil, web.Route{Pattern: "GET /page", Handler: no}, web.Route{Pattern: "POST /page", Act: none, Handler: no},
		web.Route{Pattern: "GET /api/x", Style: web.API, Handler: no}, web.Route{Pattern: "GET /inbox", Style: web.Federation, Handler: no})
	r := s.do("GET", "/page?a=1&b=2", "")
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/sign-in?next=%2Fpage%3Fa%3D1%26b%3D2" {
		t.Errorf("a page: %d to %s", r.status, r.header.Get("Location"))
	}
	if r := s.do("POST", "/page", ""); r.status != http.StatusUnauthorized {
		t.Errorf("a form: %d", r.status)
	}
	if r := s.do("GET", "/api/x", ""); r.status != http.StatusUnauthorized || !strings.Contains(r.header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("the API: %d %v", r.status, r.header)
	}
	if r := s.do("GET", "/inbox", ""); r.status != http.StatusForbidden {
		t.Errorf("a peer: %d", r.status)
	}
	if r := s.do("GET", "/nowhere", ""); r.status != http.StatusNotFound {
		t.Errorf("nowhere: %d", r.status)
	}
	if r := s.do("POST", "/nowhere", ""); r.status != http.StatusNotFound {
		t.Errorf("nowhere: %d", r.status)
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	var broken bool
	s := newSite(t, func(o *web.Options) {
		o.ErrorPage = func(w http.ResponseWriter, _ *http.Request, p web.Problem) error {
			if broken {
				return errors.New("cannot draw")
			}
			return web.Bytes(w, p.Status, "text/html", fmt.Appendf(nil, "<h1>%s</h1>%s", p.Words, p.Field))
		}
	}, web.Route{Pattern: "GET /page", Handler: fails(fault.Field("name", "Too long."))})
	if r := s.do("GET", "/page", ""); r.status != http.StatusUnprocessableEntity || r.body != "<h1>Too long.</h1>name" {
		t.Errorf("%d", r.status)
	}
	broken = true
	if r := s.do("GET", "/page", ""); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "Too long.") {
		t.Errorf("where the page cannot be drawn: %d", r.status)
	}
}

func TestAPanicIsOneLineAndAPage(t *testing.T) {
	t.Parallel()
	var seen []int
	s := newSite(t, func(o *web.Options) {
		o.Observe = func(_, _ string, status int, _ time.Duration) { seen = append(seen, status) }
	},
		web.Route{Pattern: "GET /panic", Handler: func(http.ResponseWriter, *http.Request) error { panic("hunter2") }},
		web.Route{Pattern: "GET /late", Handler: func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusAccepted)
			panic("too late")
		}},
		web.Route{Pattern: "GET /abort", Handler: func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }})
	r := s.do("GET", "/panic", "")
	if body := r.body; r.status != http.StatusInternalServerError || strings.Contains(body, "hunter2") || body == "" {
		t.Errorf("%d %q", r.status, body)
	}
	if n := strings.Count(strings.TrimSpace(s.log.String()), "\n") + 1; n != 1 || !strings.Contains(s.log.String(), "hunter2") || !strings.Contains(s.log.String(), r.header.Get("X-Request-Id")) {
		t.Errorf("%d lines: %s", n, s.log)
	}
	if r := s.do("GET", "/late", ""); r.status != http.StatusAccepted || strings.Count(s.log.String(), "request failed") != 2 {
		t.Errorf("%d; %s", r.status, s.log)
	}
	if len(seen) != 2 || seen[0] != 500 || seen[1] != http.StatusAccepted {
		t.Errorf("observed %v", seen)
	}
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // a panic's value
			t.Error("a dropped connection was answered")
		}
	}()
	s.do("GET", "/abort", "")
}

func TestCrossOriginWrites(t *testing.T) {
	t.Parallel()
	who := func(w http.ResponseWriter, r *http.Request) error {
		return web.Bytes(w, 200, "text/plain", []byte(web.Actor(r).Account.String()))
	}
	s := newSite(t, nil, web.Route{Pattern: "POST /page", Act: none, Handler: who}, web.Route{Pattern: "GET /page", Handler: who},
		web.Route{Pattern: "POST /api/x", Act: none, Style: web.API, Handler: who}, web.Route{Pattern: "POST /inbox", Act: none, Style: web.Federation, Handler: who})
	cookie, token := []string{"Cookie", web.SessionCookie + "=good"}, []string{"Authorization", "Bearer good"}
	for _, tc := range []struct {
		name, method, path string
		head               []string
		status             int
		account            string
	}{
		{"own form", "POST", "/page", append([]string{"Origin", "http://example.com", "Sec-Fetch-Site", "same-origin"}, cookie...), 200, "3"},
		{"no browser", "POST", "/page", cookie, 200, "3"},
		{"another site's form", "POST", "/page", append([]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, cookie...), 403, ""},
		{"another site, old browser", "POST", "/page", append([]string{"Origin", "https://evil.example"}, cookie...), 403, ""},
		{"a sandboxed frame", "POST", "/page", append([]string{"Origin", "null"}, cookie...), 403, ""},
		{"a sister site", "POST", "/page", append([]string{"Origin", "http://sub.example.com", "Sec-Fetch-Site", "same-site"}, cookie...), 403, ""},
		{"a link", "GET", "/page", append([]string{"Sec-Fetch-Site", "cross-site"}, cookie...), 200, "3"},
		{"an app in a browser", "POST", "/api/x", append([]string{"Origin", "https://app.example", "Sec-Fetch-Site", "cross-site"}, token...), 200, "3"},
		{"the API knows no cookie", "POST", "/api/x", append([]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, cookie...), 200, "0"},
		{"pages know no token", "POST", "/page", token, 200, "0"},
		{"peers are nobody", "POST", "/inbox", append(token, cookie...), 200, "0"},
		{"a bad token", "POST", "/api/x", []string{"Authorization", "Bearer bad"}, 401, ""},
		{"an app's own token", "POST", "/api/x", []string{"Authorization", "bearer app"}, 200, "0"},
		{"another scheme", "POST", "/api/x", []string{"Authorization", "Basic good"}, 200, "0"},
	} {
		r := s.do(tc.method, tc.path, "", tc.head...)
		if body := r.body; r.status != tc.status && !(r.status == http.StatusUnauthorized && tc.status == 403) || tc.account != "" && body != tc.account {
			t.Errorf("%s: %d %q, want %d %q", tc.name, r.status, body, tc.status, tc.account)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.Secure = true }, web.Route{Pattern: "GET /page", Handler: says("x")},
		web.Route{Pattern: "GET /api/x", Style: web.API, Handler: says("x")}, web.Route{Pattern: "GET /form", Handler: func(w http.ResponseWriter, r *http.Request) error {
			web.AllowFormTo(w, r.URL.Query().Get("to"))
			web.SetSession(w, r, "secret", testkit.Start.Add(time.Hour))
			return nil
		}})
	for _, path := range []string{"/page", "/nowhere"} {
		h := s.do("GET", path, "").header
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'self'", "script-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
			if !strings.Contains(csp+";", part+";") {
				t.Errorf("%s: no %s in %q", path, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Strict-Transport-Security"), "max-age") {
			t.Errorf("%s: %v", path, h)
		}
	}
	h := s.do("GET", "/api/x", "").header
	if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("API: %v", h)
	}
	if r := s.do("OPTIONS", "/api/x", "", "Origin", "https://app.example"); r.status != http.StatusNoContent || !strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("before it: %d %v", r.status, r.header)
	}
	for to, want := range map[string]string{"tusk://back": "form-action 'self' tusk:", "https://app.example/x": "form-action 'self' https:",
		"x; script-src *:y": "form-action 'self'", "back": "form-action 'self'", "a'b:c": "form-action 'self'"} {
		r := s.do("GET", "/form?to="+url.QueryEscape(to), "")
		if csp := r.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, want) || strings.Contains(csp, "*") {
			t.Errorf("form to %q: %q", to, csp)
		}
		if c := r.cookies[0]; !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Name != web.SessionCookie || c.Path != "/" {
			t.Errorf("cookie %v", c)
		}
	}
}

func limited(o *web.Options) {
	o.RateLimits = true
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t, limited, web.Route{Pattern: "POST /try", Act: none, Limit: web.Limit{Events: 3, Per: time.Minute}, Handler: says("x")},
		web.Route{Pattern: "GET /api/x", Style: web.API, Handler: says("x")}, web.Route{Pattern: "GET /page", Handler: says("x")},
		web.Route{Pattern: "GET /healthz", Style: web.Plain, Handler: says("x")})
	try := func(from string) reply { return s.do("POST", "/try", "", "From", from) }
	for range 3 {
		if r := try("192.0.2.1:99"); r.status != http.StatusOK {
			t.Fatalf("within the limit: %d", r.status)
		}
	}
	r := try("192.0.2.1:98")
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "20" || !strings.Contains(r.body, "20 seconds") {
		t.Errorf("over it: %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	if strings.Contains(s.log.String(), "failed") {
		t.Errorf("logged: %s", s.log)
	}
	if r := try("192.0.2.2:99"); r.status != http.StatusOK {
		t.Errorf("another address: %d", r.status)
	}
	if r := s.do("GET", "/page", "", "From", "192.0.2.1:99"); r.status != http.StatusOK {
		t.Errorf("another route: %d", r.status)
	}
	s.clock.Advance(19 * time.Second)
	if r := try("192.0.2.1:99"); r.status != http.StatusTooManyRequests {
		t.Errorf("too soon: %d", r.status)
	}
	s.clock.Advance(time.Second)
	if r := try("192.0.2.1:99"); r.status != http.StatusOK {
		t.Errorf("after the wait: %d", r.status)
	}
	// An IPv6 subscriber has a /64 and counts once; the next one counts on its own.
	for i := range 3 {
		if r := try(fmt.Sprintf("[2001:db8:0:1::%d]:99", i)); r.status != http.StatusOK {
			t.Errorf("IPv6: %d", r.status)
		}
	}
	if r := try("[2001:db8:0:1:ffff::1]:99"); r.status != http.StatusTooManyRequests {
		t.Errorf("the same /64: %d", r.status)
	}
	if r := try("[2001:db8:0:2::1]:99"); r.status != http.StatusOK {
		t.Errorf("the next /64: %d", r.status)
	}
	for range 3 {
		try("[::ffff:198.51.100.1]:99")
	}
	if r := try("198.51.100.1:99"); r.status != http.StatusTooManyRequests {
		t.Errorf("IPv4 written as IPv6 counts on its own: %d", r.status)
	}
	// A member has a budget of 300 for the API, whatever the address, and is told what is left.
	for i := range 300 {
		r := s.do("GET", "/api/x", "", "Authorization", "Bearer good", "From", fmt.Sprintf("203.0.113.%d:9", i%250))
		if r.status != http.StatusOK || r.header.Get("X-RateLimit-Remaining") != fmt.Sprint(299-i) || r.header.Get("X-RateLimit-Limit") != "300" {
			t.Fatalf("%d: %d %v", i, r.status, r.header)
		}
	}
	if r := s.do("GET", "/api/x", "", "Authorization", "Bearer good"); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "1" || r.header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("over the member's budget: %d %v", r.status, r.header)
	}
	if r := s.do("GET", "/healthz", "", "Authorization", "Bearer good"); r.status != http.StatusOK {
		t.Errorf("health: %d", r.status)
	}
	off := newSite(t, nil, web.Route{Pattern: "POST /try", Act: none, Limit: web.Limit{Events: 1, Per: time.Hour}, Handler: says("x")})
	for range 5 {
		if r := off.do("POST", "/try", ""); r.status != http.StatusOK {
			t.Errorf("switched off: %d", r.status)
		}
	}
}

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	t.Parallel()
	s := newSite(t, limited, web.Route{Pattern: "GET /who", Handler: func(w http.ResponseWriter, r *http.Request) error {
		return web.Bytes(w, 200, "text/plain", []byte(web.Client(r).String()))
	}})
	for _, tc := range []struct {
		name, from string
		hops       []string
		want       string
	}{
		{"no proxy", "192.0.2.1:9", nil, "192.0.2.1"},
		{"a stranger says so", "192.0.2.1:9", []string{"198.51.100.7"}, "192.0.2.1"},
		{"a proxy says so", "10.0.0.1:9", []string{"198.51.100.7"}, "198.51.100.7"},
		{"a chain of proxies", "10.0.0.1:9", []string{"198.51.100.7, 10.0.0.3,10.0.0.2"}, "198.51.100.7"},
		{"spoofed before", "10.0.0.1:9", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{"spoofed as a proxy", "10.0.0.1:9", []string{"10.9.9.9, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"spoofed in a header of its own", "10.0.0.1:9", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		{"nonsense before", "10.0.0.1:9", []string{"nonsense, 198.51.100.7"}, "198.51.100.7"},
		{"nonsense last", "10.0.0.1:9", []string{"198.51.100.7, nonsense"}, "10.0.0.1"},
		{"only proxies", "10.0.0.1:9", []string{"10.0.0.2"}, "10.0.0.2"},
		{"a proxy alone", "10.0.0.1:9", nil, "10.0.0.1"},
		{"IPv6", "[2001:db8:ffff::1]:9", []string{"2001:db8:1::5"}, "2001:db8:1::5"},
		{"IPv4 as IPv6", "[::ffff:10.0.0.1]:9", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"no address", "@", []string{"198.51.100.7"}, "invalid IP"},
	} {
		head := []string{"From", tc.from}
		for _, h := range tc.hops {
			head = append(head, "X-Forwarded-For", h)
		}
		if got := s.do("GET", "/who", "", head...).body; got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestFlashIsShownOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, web.Route{Pattern: "POST /set", Act: none, Handler: func(w http.ResponseWriter, r *http.Request) error {
		web.SetFlash(w, r, "Saved; \"ö\"\r\nX: y")
		return web.Redirect(w, r, "/take")
	}}, web.Route{Pattern: "GET /take", Handler: func(w http.ResponseWriter, r *http.Request) error {
		return web.Bytes(w, 200, "text/plain", []byte(web.TakeFlash(w, r)))
	}})
	r := s.do("POST", "/set", "")
	if r.status != http.StatusSeeOther || len(r.cookies) != 1 || r.header.Get("X") != "" {
		t.Fatalf("%d %v", r.status, r.header)
	}
	c := r.cookies[0]
	r = s.do("GET", "/take", "", "Cookie", c.Name+"="+c.Value)
	if got := r.body; got != "Saved; \"ö\"\r\nX: y" || len(r.cookies) != 1 || r.cookies[0].MaxAge >= 0 {
		t.Errorf("%q, %v", got, r.cookies)
	}
	for _, bad := range []string{"", c.Name + "=", c.Name + "=%%%", c.Name + "=" + strings.Repeat("AAAA", 400)} {
		if got := s.do("GET", "/take", "", "Cookie", bad).body; got != "" {
			t.Errorf("cookie %q shows %q", bad, got)
		}
	}
}

// A route can have a form of its own for errors, also for those that come before its handler.
func TestProblemsInTheRoutesOwnForm(t *testing.T) {
	t.Parallel()
	own := func(w http.ResponseWriter, p web.Problem) error {
		return web.Bytes(w, p.Status, "application/problem+json", fmt.Appendf(nil, "%d %s %s", p.Status, p.Field, p.Words))
	}
	bad := func(http.ResponseWriter, *http.Request) error { return fault.Field("name", "Say who you are.") }
	s := newSite(t, nil, web.Route{Pattern: "GET /api/own", Style: web.API, Problem: own, Handler: bad}, web.Route{Pattern: "GET /api/x", Style: web.API, Handler: bad})
	for _, tc := range []struct{ path, token, form, body string }{
		{"/api/own", "", "application/problem+json", "422 name Say who you are."},
		{"/api/own", "Bearer bad", "application/problem+json", "401  The access token is invalid"},
		{"/api/x", "", "application/json; charset=utf-8", `{"error":"Say who you are."}`},
		{"/api/x", "Bearer bad", "application/json; charset=utf-8", `{"error":"The access token is invalid"}`},
	} {
		r := s.do("GET", tc.path, "", "Authorization", tc.token)
		if r.header.Get("Content-Type") != tc.form || r.body != tc.body {
			t.Errorf("%s with %q: %s %s", tc.path, tc.token, r.header.Get("Content-Type"), r.body)
		}
		if challenge := r.header.Get("WWW-Authenticate"); (challenge != "") != (r.status == http.StatusUnauthorized) {
			t.Errorf("%s with %q challenges with %q", tc.path, tc.token, challenge)
		}
	}
}

// What is asked for without a sign-in is in the style of other servers; where a script reads the answer, it is JSON
// whatever went wrong: too many requests, too large a body, an error of ours.
func TestAFederationRouteCanAnswerItsErrorsInJSON(t *testing.T) {
	t.Parallel()
	route := func(pattern string, problem func(http.ResponseWriter, web.Problem) error) web.Route {
		return web.Route{Pattern: "POST " + pattern, Style: web.Federation, Act: none, Limit: web.Limit{Events: 3, Per: time.Minute}, MaxBody: 4, Problem: problem,
			Handler: func(_ http.ResponseWriter, r *http.Request) error {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return err
				}
				if string(body) == "bad" {
					return fault.New(fault.Invalid, "That is nonsense.")
				}
				return errors.New("the disk is full")
			}}
	}
	s := newSite(t, limited, route("/box", web.JSONProblem), route("/inbox", nil))
	for _, tc := range []struct {
		body   string
		status int
		words  string
	}{
		{"bad", http.StatusBadRequest, "That is nonsense."},
		{"x", http.StatusInternalServerError, "Something went wrong on our side. It has been noted; please try again in a minute."},
		{"much too long", http.StatusRequestEntityTooLarge, "That is more than this server takes at once."},
		{"x", http.StatusTooManyRequests, "Too many requests at once. Please wait 20 seconds and try again."},
	} {
		r := s.do("POST", "/box", tc.body)
		var got map[string]string
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != tc.status || len(got) != 1 || got["error"] != tc.words ||
			r.header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("the box on %q: %d %s %s", tc.body, r.status, r.header.Get("Content-Type"), r.body)
		}
		if (r.header.Get("Retry-After") != "") != (tc.status == http.StatusTooManyRequests) {
			t.Errorf("the box on %q: Retry-After %q", tc.body, r.header.Get("Retry-After"))
		}
		if r := s.do("POST", "/inbox", tc.body); r.status != tc.status || r.body != tc.words+"\n" || r.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("the inbox on %q: %d %s %s", tc.body, r.status, r.header.Get("Content-Type"), r.body)
		}
	}
}

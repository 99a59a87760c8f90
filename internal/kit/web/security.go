package web

import (
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// SessionCookie names the cookie that carries a browser's session.
const SessionCookie = "rochdale_session"

// csp lets pages load what this server itself serves and nothing else.
const csp = "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

func (s *Server) secure(h http.Header, style Style) {
	h.Set("X-Content-Type-Options", "nosniff")
	switch style {
	case Page:
		h.Set("Content-Security-Policy", csp)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()")
		h.Set("Cache-Control", "private, no-cache")
		h.Add("Vary", "Cookie, Accept-Language, Accept-Encoding, HX-Request")
	case API:
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Link, Retry-After, X-Request-Id, X-RateLimit-Reset, X-RateLimit-Limit, X-RateLimit-Remaining, Mastodon-Async-Refresh")
		h.Set("Cache-Control", "private, no-store")
	}
	if s.opt.Secure {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
}

// AllowFormTo lets the form of this page lead to another address: browsers apply form-action to the
// redirects that follow a submitted form, and the consent page of OAuth ends at the app.
func AllowFormTo(w http.ResponseWriter, target string) {
	scheme, _, ok := strings.Cut(target, ":")
	if !ok || strings.ContainsAny(scheme, " ;,'\"") {
		return
	}
	w.Header().Set("Content-Security-Policy", strings.Replace(csp, "form-action 'self'", "form-action 'self' "+scheme+":", 1))
}

func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST, PUT, DELETE, GET, PATCH, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// bearer finds the access token: the header, or for streaming the query.
// spec: rfc6750#2.1
func bearer(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if strings.HasPrefix(r.URL.Path, "/api/v1/streaming") {
		if t := r.URL.Query().Get("access_token"); t != "" {
			return t
		}
		return r.Header.Get("Sec-WebSocket-Protocol")
	}
	return ""
}

// clientOf is the peer's address, or what trusted proxies say it is: the last address in
// X-Forwarded-For that is not itself a trusted proxy.
func (s *Server) clientOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := ap.Addr().Unmap()
	if !s.trusted(addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			withPort, e := netip.ParseAddrPort(strings.TrimSpace(hops[i])) // as some proxies write it
			if e != nil {
				break
			}
			a = withPort.Addr()
		}
		if addr = a.Unmap(); !s.trusted(addr) {
			break
		}
	}
	return addr
}

func (s *Server) trusted(a netip.Addr) bool {
	for _, p := range s.opt.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// SetSession puts the session into the browser until it ends.
func SetSession(w http.ResponseWriter, r *http.Request, secret string, until time.Time) {
	http.SetCookie(w, cookie(r, SessionCookie, secret, until))
}

// ClearSession takes the session out of the browser.
func ClearSession(w http.ResponseWriter, r *http.Request) {
	c := cookie(r, SessionCookie, "", time.Time{}) //nolint:gosec // cookie sets the three attributes
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func cookie(r *http.Request, name, value string, until time.Time) *http.Cookie {
	s := of(r).server
	return &http.Cookie{Name: name, Value: value, Path: "/", Expires: until, HttpOnly: true, SameSite: http.SameSiteLaxMode, //nolint:gosec // Secure wherever the address is https
		Secure: s != nil && s.opt.Secure}
}

package web

import (
	"fmt"
	"net/http"
	"strings"
)

// Handler answers a request or returns an error, which the route's Style writes.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Style says who reads the answers of a route: it decides how errors look and how the actor is found.
type Style int

// The styles.
const (
	Page       Style = iota // a person in a browser; session cookie, cross-origin writes refused
	API                     // an app; bearer token, CORS open, errors as {"error": words} unless the route has a form of its own
	Federation              // another server; no actor, plain-text errors unless the route has a form of its own
	Plain                   // assets, health: no actor, no rate limit
)

// Route is one address of the program.
type Route struct {
	Pattern string // as http.ServeMux takes it: "POST /join"
	Handler Handler
	Style   Style

	// Act is, for every route that changes something, the power it needs ("member.admit") or the
	// reason why it needs none ("none: a member's own post").
	Act string

	// Problem writes errors where Style is API or Federation and the form is not that of the style: those
	// of the handler, and those that come before it, an unknown token or too many requests.
	Problem func(w http.ResponseWriter, p Problem) error

	MaxBody int64 // bytes; 0 means 1 MiB
	Limit   Limit // a tighter rate limit of its own, per address (and for members per account)
}

// Mutates reports whether the method may change something.
func (r Route) Mutates() bool {
	method, _, ok := strings.Cut(r.Pattern, " ")
	return !ok || method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// Check reports what is wrong with the route's declaration.
func (r Route) Check() error {
	if !r.Mutates() || r.Style == Plain {
		return nil
	}
	if r.Act == "" || strings.HasPrefix(r.Act, "none:") && len(strings.TrimSpace(r.Act[5:])) < 8 {
		return fmt.Errorf("route %q can change something: name the power it needs, or \"none: \" and why it needs none", r.Pattern)
	}
	return nil
}

// Package ref is the weak link between institutions: a kind and an id, such as "post:115". Whoever
// holds one can show a title and an address for it without importing the feature it points to; the
// composition root registers one Resolver per kind.
package ref

import (
	"context"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
)

// Ref points at one thing of another feature.
type Ref struct {
	Kind string
	ID   id.ID
}

// String is "kind:id".
func (r Ref) String() string {
	if r.Kind == "" {
		return ""
	}
	return r.Kind + ":" + r.ID.String()
}

// Parse reads "kind:id"; what does not fit gives the zero Ref.
func Parse(s string) Ref {
	kind, rest, ok := strings.Cut(s, ":")
	if !ok || kind == "" {
		return Ref{}
	}
	return Ref{kind, id.Parse(rest)}
}

// Target is what a Ref resolves to.
type Target struct {
	Title string
	URL   string
}

// Resolver finds the thing behind an id as far as the actor may see it; otherwise fault.NotFound.
type Resolver func(ctx context.Context, by authz.Actor, i id.ID) (Target, error)

// Registry maps each kind to its resolver.
type Registry map[string]Resolver

// Resolve gives the title and address of r, or false if it cannot be shown to the actor.
func (g Registry) Resolve(ctx context.Context, by authz.Actor, r Ref) (Target, bool) {
	f := g[r.Kind]
	if f == nil {
		return Target{}, false
	}
	t, err := f(ctx, by, r.ID)
	return t, err == nil
}

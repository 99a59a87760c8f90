// Package kit holds what one feature hands to the composition root, so that adding a feature is one
// folder and one line in app. The packages below it know no feature.
package kit

import (
	"context"
	"io/fs"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
)

// Feature is everything a feature plugs in.
type Feature struct {
	Name       string
	Migrations fs.FS // nil if it has no tables
	Routes     []web.Route
	Workers    []jobs.Worker
	Periodic   []jobs.Periodic
	Powers     []authz.Power
	Effects    effect.Registry
	// States tells what the tables say about the subjects whose states the record carries, so that
	// replaying the record can be compared with them.
	States  func(ctx context.Context, h db.Handle) (map[ref.Ref]any, error)
	Resolve ref.Registry
}

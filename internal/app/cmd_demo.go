package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"rochdale/internal/app/demo"
	"rochdale/internal/coop"
	"rochdale/internal/kit/clock"
)

type demoCmd struct {
	Seed uint64 `default:"1844" help:"Another number gives another co-op."`
	Only bool   `help:"Fill the data folder and stop, without serving."`
}

// Run implements the command.
func (c *demoCmd) Run(r *run) error {
	if r.config.Data == "./data" { // the demo leaves nothing behind unless it is told where
		dir, err := os.MkdirTemp("", "rochdale-demo-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		r.config.Data = dir
		if !strings.HasPrefix(r.config.Database, "postgres") {
			r.config.Database = filepath.Join(dir, "rochdale.db")
		}
		r.config.Blobs = filepath.Join(dir, "media")
	}
	now, past := demo.NewClock(r.clock)
	a, err := Build(r.ctx, r.config, now, r.log, true)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.fillDemo(r.ctx, c.Seed, now, past, r.clock); err != nil {
		return err
	}
	if c.Only {
		return nil
	}
	return a.Serve(r.ctx, Everything, r.out, func(net.Addr) {
		_, _ = fmt.Fprintf(r.out, "\nTideline Co-op is at %s\n\nSign in as any of its members, for example\n\n    mara@tideline.example (founder, with every power for now)\n    finn@tideline.example (newest member)\n\nwith the password %s\n\n", a.Config.URL, demo.Password)
	})
}

// fillDemo lets the fictional co-op live through its past, unless it has done so already.
func (a *App) fillDemo(ctx context.Context, seed uint64, now *demo.Clock, past *clock.Fake, machine clock.Clock) error {
	_, err := a.Coop.Get(ctx)
	if err != nil && !errors.Is(err, coop.ErrNotFounded) {
		return err
	}
	if err != nil {
		a.quiet = true // nobody gets letters about what happened before they came
		defer func() { a.quiet = false }()
		if _, err := demo.Fill(ctx, demo.Deps{DB: a.DB, Coop: a.Coop, Member: a.Member, Mandate: a.Mandate, Identity: a.Identity, Media: a.Media,
			Social: a.Social, Rulebook: a.Rulebook, Decision: a.Decision, Ballot: a.Ballot, Election: a.Election, Moderate: a.Moderation, Past: past, Until: machine.Now(), Seed: seed}); err != nil {
			return err
		}
	}
	now.Arrive(machine)
	return nil
}

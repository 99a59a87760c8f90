package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/alecthomas/kong"

	"rochdale/internal/kit/clock"
)

// cli is the program's face to its operator.
type cli struct {
	Config     `embed:""`
	ConfigFile kong.ConfigFlag `name:"config" placeholder:"FILE" help:"Read settings from this TOML file."`

	Serve      serveCmd      `cmd:"" help:"Run the co-op."`
	Demo       demoCmd       `cmd:"" help:"Run a fictional co-op full of life; its logins are printed."`
	Found      foundCmd      `cmd:"" help:"Found the co-op: the first event of its record."`
	Account    accountCmd    `cmd:"" help:"Accounts of members. What changes something is on the record as the operator's act."`
	Token      tokenCmd      `cmd:"" help:"Access tokens for apps."`
	Verify     verifyCmd     `cmd:"" help:"Walk the record and name the first event that does not fit."`
	Tally      tallyCmd      `cmd:"" help:"Count a file of ballots by any rule, on any machine."`
	Scrutineer scrutineerCmd `cmd:"" help:"Keys of a scrutineer, made on any machine."`
	Backup     backupCmd     `cmd:"" help:"Write a consistent copy of everything while the server runs."`
	Restore    restoreCmd    `cmd:"" help:"Put a backup into an empty data folder and verify it."`
	Import     importCmd     `cmd:"" help:"Take over what was kept elsewhere."`
	Export     exportCmd     `cmd:"" help:"Print what can be taken away."`
	Migrate    migrateCmd    `cmd:"" help:"Bring the database up to date without serving."`
	Show       configCmd     `cmd:"" name:"config" help:"Print the configuration in effect."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Docs       docsCmd       `cmd:"" hidden:"" help:"Write a page of docs/ from the program itself."`
}

// run is what commands are given.
type run struct {
	in       io.Reader
	out, err io.Writer
	config   Config
	log      *slog.Logger
	clock    clock.Clock
	ctx      context.Context
}

// usageError makes the program exit with 2.
type usageError struct{ error }

// Main runs the program with the arguments and returns its exit status: 0 done, 1 failed, 2 wrong usage.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("rochdale"), kong.Description("A social co-operative in one program."),
		kong.Writers(out, errOut), kong.Exit(func(code int) { exit = code; panic(exitPanic{}) }), kong.UsageOnError(),
		kong.Configuration(tomlFile), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return fail(errOut, err)
	}
	k, err := parse(parser, args)
	if exit >= 0 { // --help has been printed
		return exit
	}
	if err != nil {
		_, _ = fmt.Fprintf(errOut, "rochdale: %v\n(rochdale --help says what there is)\n", err)
		return 2
	}
	if err := c.Config.settle(); err != nil {
		_, _ = fmt.Fprintf(errOut, "rochdale: %v\n", err)
		return 2
	}
	ctx, cancel := untilSignal()
	defer cancel()
	r := &run{in: in, out: out, err: errOut, config: c.Config, log: logger(c.Config, errOut), ctx: ctx}
	if r.clock, err = clockFrom(c.Config); err != nil {
		return fail(errOut, usageError{err})
	}
	return fail(errOut, k.Run(r))
}

type exitPanic struct{}

// parse turns kong's way to leave after --help into a return.
func parse(p *kong.Kong, args []string) (k *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exitPanic); !ok {
				panic(r)
			}
		}
	}()
	return p.Parse(args)
}

func fail(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(w, "rochdale: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

func logger(c Config, w io.Writer) *slog.Logger {
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// clockFrom is the machine's clock, or one that began at the time asked for and runs on.
func clockFrom(c Config) (clock.Clock, error) {
	system := clock.NewSystem()
	if c.At == "" {
		return system, nil
	}
	at, err := time.Parse(time.RFC3339, c.At)
	if err != nil {
		return nil, fmt.Errorf("time %q is not of the form 2027-01-04T09:00:00Z", c.At)
	}
	return clock.Offset{Base: system, By: at.Sub(system.Now())}, nil
}

// build puts the program together for a command that does not serve.
func (r *run) build() (*App, error) { return Build(r.ctx, r.config, r.clock, r.log, false) }

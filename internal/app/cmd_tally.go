package app

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"rochdale/internal/lib/tally"
)

// tallyCmd counts a file of ballots. It opens no database and knows no co-op: anybody can recount.
type tallyCmd struct {
	File    string `arg:"" help:"Ballots: .blt, .csv (ranks), .soc .soi .toc .toi (PrefLib) or .pb (pabulib)."`
	Rule    string `required:"" placeholder:"RULE" help:"How to count: irv/v1, stv/scottish2007, stv/meek, schulze/wv, approval/v1, pb/equal-shares, pb/greedy or sortition/v1. A reading may follow a plus sign: schulze/wv+abstain."`
	Seats   int    `help:"Seats to fill; without it, what the file says."`
	Seed    string `placeholder:"HEX" help:"Seed of the lots, as it was published."`
	JSON    bool   `xor:"form" help:"Print the whole count as JSON."`
	Explain bool   `xor:"form" help:"Tell the count in sentences."`
}

// maxTallyFile bounds what is read into memory; the largest known participatory budget has 40 MB.
const maxTallyFile = 256 << 20

// Run implements the command.
func (c *tallyCmd) Run(r *run) error {
	if rule, _, _ := strings.Cut(c.Rule, "+"); !slices.Contains(tally.Rules(), rule) {
		return usageError{fmt.Errorf("there is no rule %q: the rules are %s", c.Rule, strings.Join(tally.Rules(), ", "))}
	}
	e, err := readBallots(c.File)
	if err != nil {
		return err
	}
	if c.Seats < 0 {
		return usageError{errors.New("--seats is a number from 1 on")}
	}
	if c.Seats > 0 {
		e.Seats = c.Seats
	}
	if e.Seats == 0 {
		e.Seats = 1
	}
	if e.Seed, err = hex.DecodeString(c.Seed); err != nil {
		return usageError{errors.New("--seed is in hexadecimal digits")}
	}
	result, err := tally.Count(c.Rule, e)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		_, err = fmt.Fprintf(r.out, "%s\n", result.JSON())
	case c.Explain:
		for _, s := range result.Explain() {
			if _, err = fmt.Fprintln(r.out, s); err != nil {
				break
			}
		}
	default:
		err = printCount(r.out, result)
	}
	return err
}

func readBallots(name string) (tally.Election, error) {
	f, err := os.Open(name)
	if err != nil {
		return tally.Election{}, err
	}
	defer func() { _ = f.Close() }() // read only
	data, err := io.ReadAll(io.LimitReader(f, maxTallyFile+1))
	if err != nil {
		return tally.Election{}, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxTallyFile {
		return tally.Election{}, fmt.Errorf("read %s: it is larger than %d MB", name, maxTallyFile>>20)
	}
	return tally.Read(filepath.Base(name), data)
}

// printCount shows a count as a table: a line an option, a column a stage.
func printCount(w io.Writer, r tally.Result) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) }
	line("rule\t%s", r.Rule)
	line("ballots\t%d, %d of them counted", r.Voted, r.Ballots)
	if r.Quota != "" {
		line("quota\t%s", r.Quota)
	}
	for _, c := range []struct {
		what  string
		names []string
	}{{"elected", r.Elected}, {"order", r.Order}, {"funded", r.Funded}} {
		if len(c.names) > 0 {
			line("%s\t%s", c.what, strings.Join(c.names, ", "))
		}
	}
	if r.Spent != "" {
		line("spent\t%s of %s", r.Spent, r.Budget)
	}
	for _, d := range r.Lots {
		line("lot\t%s: %s", d.For, strings.Join(d.Drawn, ", "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if len(r.Stages) == 0 {
		for _, x := range r.Tallies {
			_, _ = fmt.Fprintf(t, "%s\t%s\n", x.Option, x.Value)
		}
		return t.Flush()
	}
	for _, s := range r.Stages {
		_, _ = fmt.Fprintf(t, "\nstage %d\t%s\t%s\n", s.Number, s.Action, strings.Join(s.Of, ", "))
		for _, v := range s.Votes {
			_, _ = fmt.Fprintf(t, "\t%s\t%s\n", v.Option, v.Value)
		}
		for _, x := range []struct {
			what  string
			names []string
		}{{"elected", s.Elected}, {"elected to the last seats", s.Filled}, {"excluded", s.Excluded}} {
			if len(x.names) > 0 {
				_, _ = fmt.Fprintf(t, "\t%s\t%s\n", x.what, strings.Join(x.names, ", "))
			}
		}
	}
	return t.Flush()
}

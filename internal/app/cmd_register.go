package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"rochdale/internal/kit/fault"
	"rochdale/internal/member"
)

type importCmd struct {
	Members importMembersCmd `cmd:"" help:"Take over a register of members from a CSV file, as an emergency act. Doing it again changes nothing."`
}

type exportCmd struct {
	Members exportMembersCmd `cmd:"" help:"Print the register as CSV."`
}

type importMembersCmd struct {
	File       string            `arg:"" help:"CSV file with a header line, or - for standard input."`
	DryRun     bool              `help:"Show what would become of each row, and write nothing."`
	Map        map[string]string `placeholder:"COLUMN=FIELD" mapsep:"," help:"Which column is which: name, username, email, since, number, until or ignore. Columns with usual names are known."`
	SkipErrors bool              `help:"Leave out the rows that are wrong; without it they keep everything from being written."`
	Reason     string            `default:"an existing register" help:"Why; it is recorded."`
	JSON       bool              `help:"Print as JSON."`
}

// Run implements the command.
func (c *importMembersCmd) Run(r *run) error {
	in := r.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return usageError{err}
		}
		defer func() { _ = f.Close() }() // read only
		in = f
	}
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	if _, err := a.Coop.Get(r.ctx); err != nil {
		return err
	}
	imp, err := member.ReadImport(in, c.Map, r.clock.Now())
	if fault.FieldOf(err) == "map" {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	done, outcome := imp, error(nil)
	if c.DryRun {
		if done, err = a.Member.Preview(r.ctx, imp); err == nil && done.Count(member.Wrong) > 0 && !c.SkipErrors {
			outcome = fmt.Errorf("%d of %d rows are wrong: nothing would be imported", done.Count(member.Wrong), len(done.Rows))
		}
	} else {
		done, err = a.Member.TakeOver(r.ctx, operator, imp, c.SkipErrors, c.Reason, func(added, of int) {
			if added < of || of > 500 { // what takes a while tells how far it is
				_, _ = fmt.Fprintf(r.err, "%d of %d added\n", added, of) // a terminal that is gone is not our error
			}
		})
		if fault.Is(err, fault.Invalid) { // the rows say why
			outcome, err = err, nil
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(c.report(r, done, outcome == nil && !c.DryRun), outcome)
}

func (c *importMembersCmd) report(r *run, done member.Import, written bool) error {
	if c.JSON {
		rows := done.Rows
		if rows == nil {
			rows = []member.ImportRow{}
		}
		return printJSON(r, map[string]any{"columns": done.Columns, "rows": rows, "written": written, "added": done.Count(member.Add),
			"unchanged": done.Count(member.Unchanged), "left": done.Count(member.Left), "wrong": done.Count(member.Wrong)})
	}
	w := tabwriter.NewWriter(r.out, 0, 4, 2, ' ', 0)
	var b strings.Builder
	for _, column := range done.Columns {
		fmt.Fprintf(&b, "column %q\tis the %s\n", column.Heading, column.Field)
	}
	b.WriteString("\n")
	const shown = 5
	for i, row := range done.Rows {
		// The first rows show that the columns are right; of the others, those that have something to say.
		if i >= shown && len(row.Notes) == 0 {
			continue
		}
		number, since := "next", "now"
		if row.Number != 0 {
			number = fmt.Sprint(row.Number)
		}
		if !row.Since.IsZero() {
			since = row.Since.Format(time.DateOnly)
		}
		fmt.Fprintf(&b, "line %d\t%s\t%s\t@%s\t%s\t%s\t%s\t%s\n", row.Line, row.Outcome, number, row.Username, row.Name, row.Email, since, strings.Join(row.Notes, " "))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	verb := "would be added"
	if written {
		verb = "added"
	}
	_, err := fmt.Fprintf(r.out, "\n%d %s, %d unchanged, %d left out because they have left, %d wrong.\n", done.Count(member.Add), verb,
		done.Count(member.Unchanged), done.Count(member.Left), done.Count(member.Wrong))
	if written && err == nil && done.Count(member.Add) > 0 {
		_, err = fmt.Fprintln(r.out, "The new members choose a password by \"Forgotten password?\" on the page where one signs in.")
	}
	return err
}

type exportMembersCmd struct {
	WithMail bool   `help:"With e-mail addresses."`
	On       string `placeholder:"DATE" help:"Only who was a member in good standing at the end of this day, such as 2027-12-31."`
	JSON     bool   `help:"Print as JSON."`
}

// Run implements the command.
func (c *exportMembersCmd) Run(r *run) error {
	var on time.Time
	if c.On != "" {
		day, err := time.Parse(time.DateOnly, c.On)
		if err != nil {
			return usageError{fmt.Errorf("%q is not a date: write it as 2027-12-31", c.On)}
		}
		on = day.AddDate(0, 0, 1).Add(-time.Millisecond)
	}
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	list, err := a.Member.Export(r.ctx, on, c.WithMail)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(r, list)
	}
	return member.WriteCSV(r.out, list, c.WithMail)
}

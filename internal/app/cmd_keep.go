package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"rochdale/internal/record"
)

type verifyCmd struct {
	File     string `arg:"" optional:"" help:"A file of published ballots: it is checked and counted by itself, on any machine."`
	Election int64  `placeholder:"N" help:"Check and count the ballots of this election again."`
	Key      string `placeholder:"KEY" help:"Of a file: the key of the co-op's checkpoints as you know it."`
	JSON     bool   `help:"Print as JSON."`
}

// Run implements the command.
func (c *verifyCmd) Run(r *run) error {
	if c.File != "" {
		return c.file(r)
	}
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	if c.Election != 0 {
		return c.election(r, a)
	}
	report, err := a.Record.Verify(r.ctx)
	var broken *record.Broken
	if c.JSON {
		out := map[string]any{"whole": err == nil, "report": report}
		if errors.As(err, &broken) {
			out["event"], out["why"] = broken.Seq, broken.Why
		}
		return errors.Join(err, printJSON(r, out))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "The record is whole: %d events, %d signed checkpoints.\n", report.Events, report.Checkpoints)
	return err
}

type backupCmd struct {
	File string `arg:"" help:"File to write; it must not exist."`
}

// Run implements the command.
func (c *backupCmd) Run(r *run) error {
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	n, err := a.Backup(r.ctx, c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "%s holds the database and %d pictures.\n", c.File, n)
	return err
}

type restoreCmd struct {
	File string `arg:"" help:"File that backup wrote." type:"existingfile"`
}

// Run implements the command.
func (c *restoreCmd) Run(r *run) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	if err := Restore(r.ctx, r.config, f); err != nil {
		return err
	}
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	report, err := a.Record.Verify(r.ctx)
	if err != nil {
		return fmt.Errorf("the backup is restored but its record is not whole: %w", err)
	}
	_, err = fmt.Fprintf(r.out, "Restored and verified: %d events of the record.\n", report.Events)
	return err
}

// passphrase is 80 random bits in four groups, to be read out.
func passphrase() string {
	t := strings.ToLower(rand.Text())
	return t[:4] + "-" + t[4:8] + "-" + t[8:12] + "-" + t[12:16]
}

func nonEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

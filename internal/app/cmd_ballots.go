package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"rochdale/internal/ballot"
	"rochdale/internal/election"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// file checks a downloaded file of ballots. It opens no database.
func (c *verifyCmd) file(r *run) error {
	f, err := os.Open(c.File)
	if err != nil {
		return usageError{err}
	}
	defer func() { _ = f.Close() }() // read only
	box, err := ballotbox.ReadFile(f)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.Election != 0 && len(box.Record) == 0 {
		return errors.New("the file has no proof from the record")
	}
	return c.check(r, box)
}

// election checks the ballots of an election as the tables have them now.
func (c *verifyCmd) election(r *run, a *App) error {
	e, err := a.Election.ByNumber(r.ctx, c.Election)
	if err != nil {
		return err
	}
	if e.Mode != election.Secret {
		return fault.New(fault.Invalid, "Election %d was held by name: its ballots are part of the record, which verify checks without --election.", e.Number)
	}
	v, ok, err := a.Ballot.Of(r.ctx, a.DB, e.Ref())
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.NotFound, "Election %d has no ballots.", e.Number)
	}
	if _, err := a.Record.Checkpoint(r.ctx); err != nil { // so that the proof is signed
		return err
	}
	box, err := a.Ballot.Published(r.ctx, v.ID)
	if err != nil {
		return err
	}
	return c.check(r, box)
}

// check prints what is wrong with a box of ballots, each ballot by its hash, or its result.
func (c *verifyCmd) check(r *run, box *ballotbox.File) error {
	found, proved, err := ballot.Check(box)
	if err != nil {
		return err
	}
	var closing ballot.Closing
	if len(box.Record) > 0 {
		if err := json.Unmarshal(box.Record, &closing); err != nil {
			return fmt.Errorf("read the proof from the record: %w", err)
		}
	}
	if c.Key != "" && closing.Key != c.Key {
		found = append(found, ballotbox.Finding{Kind: ballotbox.BadResult, Text: "the checkpoint is signed by another key than the one you know: " + closing.Key})
	}
	var failed error
	if len(found) > 0 {
		failed = fmt.Errorf("%d things do not fit", len(found))
	}
	if c.JSON {
		if found == nil {
			found = []ballotbox.Finding{}
		}
		return errors.Join(printJSON(r, map[string]any{"whole": failed == nil, "proved": proved, "findings": found, "papers": box.Papers, "ballots": len(box.Ballots),
			"roll": box.Question.Roll, "reveals": len(box.Reveals), "key": closing.Key, "result": box.Result}), failed)
	}
	if failed != nil {
		for _, f := range found {
			if _, err := fmt.Fprintln(r.out, f); err != nil {
				return err
			}
		}
		return failed
	}
	return tellBox(r, box, proved, closing.Key)
}

func tellBox(r *run, box *ballotbox.File, proved bool, key string) error {
	says := "give the published result by " + box.Question.Rule
	if s := box.Question.Scrutineers; s != nil && len(box.Reveals) < s.Needed {
		says = fmt.Sprintf("are sealed (keys given up by scrutineers: %d of the %d that it takes)", len(box.Reveals), s.Needed)
	}
	if _, err := fmt.Fprintf(r.out, "%s\nAll %d ballots are sound, on %d papers of a roll of %d, and %s.\n", box.Question.Title, len(box.Ballots), box.Papers, box.Question.Roll, says); err != nil {
		return err
	}
	if w := box.Question.Witness; w != nil {
		if _, err := fmt.Fprintf(r.out, "Every paper is signed by the witness too: %s.\n", w.Host); err != nil {
			return err
		}
	}
	if n := len(box.Ballots) - box.Result.Voted; box.Result.Rule != "" && n > 0 {
		if _, err := fmt.Fprintf(r.out, "%d of them are spoilt: no answer was sealed in them.\n", n); err != nil {
			return err
		}
	}
	for _, x := range resultLines(box.Result) {
		if _, err := fmt.Fprintln(r.out, x); err != nil {
			return err
		}
	}
	if !proved {
		_, err := fmt.Fprintln(r.out, "The record's entry of the close is not signed yet: download the file again within the hour.")
		return err
	}
	_, err := fmt.Fprintf(r.out, "The list of ballots is in the signed record. Its key, which you should know from elsewhere:\n%s\n", key)
	return err
}

func resultLines(r tally.Result) []string {
	var out []string
	if len(r.Elected) > 0 {
		out = append(out, "Elected: "+strings.Join(r.Elected, ", "))
	}
	if len(r.Funded) > 0 {
		out = append(out, "Funded: "+strings.Join(r.Funded, ", "))
	}
	return out
}

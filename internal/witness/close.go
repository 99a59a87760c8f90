package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/record"
)

// A vote whose co-op does not close it is closed by itself.
const closesItself = 24 * time.Hour

// close ends a vote, and has the published ballots counted again. A call without them comes first where
// nothing was published, or where the co-op was late and the vote has closed itself.
func (s *Service) close(ctx context.Context, vote id.ID, file string) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		v, ok, err := lockVote.Find(ctx, tx, vote)
		if err := orNone(err, ok); err != nil {
			return err
		}
		switch {
		case file != "" && !within(file, s.base(v.Host)):
			return fault.Field("file", "The published ballots are a file of the co-op that votes.")
		case v.File != "" && file != "" && v.File != file:
			return fault.New(fault.Conflict, "This vote has other published ballots.")
		}
		if err := s.finish(ctx, tx, &v, authz.Federation); err != nil {
			return err
		}
		if file == "" || file == v.File || v.OpenedAt.IsZero() {
			return nil
		}
		if _, err := setFile.Run(ctx, tx, v.ID, file); err != nil {
			return err
		}
		return s.Enqueue(ctx, tx, Recount, recount{Vote: v.ID})
	})
}

// finish erases what is secret of a vote and tells the record, once.
func (s *Service) finish(ctx context.Context, tx *db.Tx, v *Vote, via authz.Via) error {
	if !v.ClosedAt.IsZero() {
		return nil
	}
	v.ClosedAt, v.Private = tx.Now(), ""
	if _, err := closeVote.Run(ctx, tx, v.ID, v.ClosedAt); err != nil {
		return err
	}
	if _, err := clearLines.Run(ctx, tx, v.ID); err != nil {
		return err
	}
	if tx.Dialect() == db.Postgres {
		if _, err := stirRegister.Run(ctx, tx, v.ID); err != nil {
			return err
		}
	}
	if v.OpenedAt.IsZero() {
		return nil
	}
	state, err := s.stateOf(ctx, tx, v)
	if err != nil {
		return err
	}
	_, err = s.record.Append(ctx, tx, record.Entry{Kind: "witness.closed", Subject: about(v.ID), Via: via,
		Data: map[string]any{"coop": v.Host, "vote": v.Name, "papers": v.Papers, "key": "erased"}, State: state})
	return err
}

// Sweep closes the votes that should have been closed a day ago.
func (s *Service) Sweep(ctx context.Context) error {
	over, err := listOver.All(ctx, s.db, s.db.Now().Add(-closesItself))
	if err != nil {
		return err
	}
	for _, vote := range over {
		if err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
			v, ok, err := lockVote.Find(ctx, tx, vote)
			if err != nil || !ok || tx.Now().Before(v.ClosesAt.Add(closesItself)) { // prolonged meanwhile
				return err
			}
			return s.finish(ctx, tx, &v, authz.Job)
		}); err != nil {
			return err
		}
	}
	return nil
}

const (
	maxFile     = 64 << 20 // more than ten thousand ballots
	maxFindings = 20
	sealedFor   = 60 * 24 * time.Hour // how long we ask again for ballots that the scrutineers have not opened
)

// Found is what we found in the published ballots.
type Found struct {
	At       time.Time `json:"at"`
	Ballots  int       `json:"ballots"`
	Sealed   bool      `json:"sealed,omitempty"`   // the scrutineers have not opened them yet: all but the count is checked
	Findings []string  `json:"findings,omitempty"` // what is wrong: the first ones
	Wrong    int       `json:"wrong,omitempty"`    // how many findings there are
}

// Found is what we found in the published ballots; ok is false before we have looked.
func (v *Vote) Found() (f Found, ok bool) {
	if v.FoundJSON == "" {
		return f, false
	}
	return f, json.Unmarshal([]byte(v.FoundJSON), &f) == nil // written by us
}

// recount is the job of counting the published ballots of a vote again.
type recount struct {
	Vote id.ID `json:"vote"`
}

// countAgain takes the published ballots of a closed vote and checks all that can be checked of them: every
// signature, that there are no more than we signed papers, and the count.
func (s *Service) countAgain(ctx context.Context, j recount) error {
	v, err := s.Get(ctx, s.db, j.Vote)
	if err != nil || v.File == "" || v.ClosedAt.IsZero() {
		return err
	}
	if f, ok := v.Found(); ok && !f.Sealed {
		return nil
	}
	answer, err := s.client.Get(ctx, v.File, maxFile)
	if err != nil {
		return fmt.Errorf("recount %s of %s: %w", v.Name, v.Host, err)
	}
	if answer.Status != statusOK {
		return fmt.Errorf("recount %s of %s: the answer was %d", v.Name, v.Host, answer.Status)
	}
	f := v.judge(answer.Body)
	f.At = s.db.Now().UTC().Truncate(time.Second)
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("recount %s of %s: %w", v.Name, v.Host, err)
	}
	if err := s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := setFound.Run(ctx, tx, v.ID, string(text))
		return err
	}); err != nil {
		return err
	}
	if f.Sealed && f.At.Before(v.ClosedAt.Add(sealedFor)) {
		return jobs.Later(time.Hour)
	}
	return nil
}

const statusOK = 200

// judge says what is wrong with published ballots.
func (v *Vote) judge(text []byte) Found {
	var f Found
	say := func(words string) {
		if f.Wrong++; len(f.Findings) < maxFindings {
			f.Findings = append(f.Findings, words)
		}
	}
	file, err := ballotbox.ReadFile(bytes.NewReader(text))
	if err != nil {
		say(fmt.Sprintf("The file cannot be read: %.300s", err))
		return f
	}
	f.Ballots = len(file.Ballots)
	hash, err := file.Question.Hash()
	if err != nil || hash.String() != v.Question {
		say("The question is another than the one for which we signed papers.")
		return f
	}
	if f.Ballots > v.Papers {
		say(fmt.Sprintf("There are %d ballots, and we signed %d papers.", f.Ballots, v.Papers))
	}
	for _, x := range ballotbox.Verify(file) {
		say(fmt.Sprintf("%.500s", x))
	}
	if c := file.Question.Scrutineers; c != nil {
		f.Sealed = len(file.Reveals) < c.Needed
	}
	return f
}

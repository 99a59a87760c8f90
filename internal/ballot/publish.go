package ballot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/record"
)

// Closing is what the record says of the close of a vote, with the proof that it does: who has the published
// file needs nothing else.
type Closing struct {
	Entry      record.Inclusion `json:"entry"`
	Checkpoint string           `json:"checkpoint,omitempty"` // signed note
	Key        string           `json:"key,omitempty"`        // of the checkpoints
}

// Entries are the ballots that the record names.
func (c *Closing) Entries() ([]ballotbox.Entry, error) {
	lines := strings.SplitN(c.Entry.Leaf, "\n", 6)
	if len(lines) != 6 || lines[3] != "ballot.closed" {
		return nil, fault.New(fault.Invalid, "The record's entry is not the close of a vote.")
	}
	var body record.Body
	var data struct {
		Ballots []ballotbox.Entry `json:"ballots"`
	}
	if err := json.Unmarshal([]byte(lines[5]), &body); err != nil {
		return nil, fmt.Errorf("read the record's entry: %w", err)
	}
	if err := json.Unmarshal(body.Data, &data); err != nil {
		return nil, fmt.Errorf("read the record's entry: %w", err)
	}
	return data.Ballots, nil
}

// Vote names the vote and the question that the entry closes.
func (c *Closing) closes(f *ballotbox.File) error {
	var body record.Body
	lines := strings.SplitN(c.Entry.Leaf, "\n", 6)
	var s state
	if len(lines) != 6 || json.Unmarshal([]byte(lines[5]), &body) != nil || json.Unmarshal(body.State, &s) != nil {
		return fault.New(fault.Invalid, "The record's entry is not the close of a vote.")
	}
	hash, err := f.Question.Hash()
	if err != nil {
		return err
	}
	switch {
	case s.Question != hash.String() || s.Vote != f.Question.Vote:
		return fault.New(fault.Invalid, "The record's entry closes another vote: the question was changed.")
	case s.Papers != f.Papers:
		return fault.New(fault.Invalid, "The record says that %d papers were given out, and the file says %d.", s.Papers, f.Papers)
	case s.Result != digest(string(f.Result.JSON())):
		return fault.New(fault.Invalid, "The record has another result.")
	}
	return nil
}

// Published is the file of a closed vote as it is now in the tables, with the record's entry of the close
// and its proof. Anybody may have it.
func (s *Service) Published(ctx context.Context, vote id.ID) (*ballotbox.File, error) {
	f, err := s.Counted(ctx, s.db, vote)
	if err != nil {
		return nil, err
	}
	closing, err := s.closing(ctx, vote)
	if err != nil {
		return nil, err
	}
	if f.Record, err = json.Marshal(closing); err != nil {
		return nil, fmt.Errorf("publish ballots: %w", err)
	}
	return f, nil
}

// Counted is the file of a closed vote without the proof.
func (s *Service) Counted(ctx context.Context, h db.Handle, vote id.ID) (*ballotbox.File, error) {
	v, err := s.Get(ctx, h, vote)
	if err != nil {
		return nil, err
	}
	if v.ClosedAt.IsZero() {
		return nil, fault.New(fault.Conflict, "The ballots are published when the vote is closed.")
	}
	q, err := v.Question()
	if err != nil {
		return nil, err
	}
	ballots, err := s.box(ctx, h, v.ID)
	if err != nil {
		return nil, err
	}
	f, err := ballotbox.Publish(q, v.Papers, ballots, nil)
	if err != nil { // a damaged ballot: published as it is, for Verify to name it
		f = &ballotbox.File{Question: *q, Papers: v.Papers, Ballots: ballots}
	}
	f.Result = v.Result()
	return f, nil
}

func (s *Service) closing(ctx context.Context, vote id.ID) (Closing, error) {
	events, err := s.record.Find(ctx, record.Filter{Kinds: []string{"ballot.closed"}, Subject: ref.Ref{Kind: "ballot", ID: vote}, Limit: 1})
	if err != nil {
		return Closing{}, err
	}
	if len(events) == 0 {
		return Closing{}, fault.New(fault.NotFound, "The record has no close of this vote.")
	}
	var c Closing
	if c.Entry, err = s.record.Inclusion(ctx, events[0].Seq, 0); err != nil {
		return c, err
	}
	cp, err := s.record.LatestCheckpoint(ctx)
	if fault.Is(err, fault.NotFound) || err == nil && cp.Size != c.Entry.Size {
		return c, nil // not signed yet: within the hour it is
	}
	if err != nil {
		return c, err
	}
	c.Checkpoint = cp.Note
	c.Key, err = s.record.VerifierKey(ctx)
	return c, err
}

// Check finds everything that is wrong with a published file: by itself, against the record's entry of the
// close that it carries, and that entry against the signed checkpoint. proved is false where the checkpoint
// was not signed yet. It needs no database.
func Check(f *ballotbox.File) (found []ballotbox.Finding, proved bool, err error) {
	found = ballotbox.Verify(f)
	if len(f.Record) == 0 {
		return found, false, nil
	}
	var c Closing
	if err := json.Unmarshal(f.Record, &c); err != nil {
		return found, false, fault.New(fault.Invalid, "The file's proof from the record cannot be read: %s", err)
	}
	entries, err := c.Entries()
	if err != nil {
		return found, false, err
	}
	differ, err := ballotbox.Compare(f, entries)
	if err != nil {
		return found, false, err
	}
	found = append(found, differ...)
	if err := c.closes(f); err != nil {
		found = append(found, ballotbox.Finding{Kind: ballotbox.BadResult, Text: err.Error()})
	}
	if c.Checkpoint == "" {
		return found, false, nil
	}
	if err := record.CheckInclusion(c.Entry, c.Checkpoint, c.Key); err != nil {
		return append(found, ballotbox.Finding{Kind: ballotbox.BadResult, Text: err.Error()}), false, nil //nolint:nilerr // it is what was found
	}
	return found, true, nil
}

// ToVote lists the open votes in which the actor has not taken a paper.
func (s *Service) ToVote(ctx context.Context, by authz.Actor) ([]Vote, error) {
	if by.Member == 0 {
		return nil, nil
	}
	return toVote.All(ctx, s.db, by.Member, s.db.Now())
}

// Extend moves the close of an open vote. The feature whose vote it is has decided that it may.
func (s *Service) Extend(ctx context.Context, tx *db.Tx, vote id.ID, closes time.Time) error {
	_, err := moveClose.Run(ctx, tx, vote, closes)
	return err
}

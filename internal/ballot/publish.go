package ballot

import (
	"context"
	"encoding/json"
	"errors"
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
	Entry      record.Inclusion  `json:"entry"`
	Opened     *record.Inclusion `json:"opened,omitempty"`     // of sealed ballots: the scrutineers opened them
	Checkpoint string            `json:"checkpoint,omitempty"` // signed note
	Key        string            `json:"key,omitempty"`        // of the checkpoints
}

// readEntry reads what an entry of the record with this kind says of a vote.
func readEntry(e *record.Inclusion, kind string) (data struct {
	Ballots []ballotbox.Entry `json:"ballots"`
}, of state, err error) {
	lines := strings.SplitN(e.Leaf, "\n", 6)
	if len(lines) != 6 || lines[3] != kind {
		return data, of, fault.New(fault.Invalid, "The record's entry is not the close of a vote.")
	}
	var body record.Body
	if err = json.Unmarshal([]byte(lines[5]), &body); err == nil {
		err = errors.Join(json.Unmarshal(body.Data, &data), json.Unmarshal(body.State, &of))
	}
	if err != nil {
		err = fault.New(fault.Invalid, "The record's entry cannot be read: %s", err)
	}
	return data, of, err
}

// Entries are the ballots that the record names.
func (c *Closing) Entries() ([]ballotbox.Entry, error) {
	data, _, err := readEntry(&c.Entry, "ballot.closed")
	return data.Ballots, err
}

// closes says why the entries are not those of a file.
func (c *Closing) closes(f *ballotbox.File) error {
	_, s, err := readEntry(&c.Entry, "ballot.closed")
	if err != nil {
		return err
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
	}
	if f.Question.Scrutineers != nil {
		if c.Opened == nil {
			if f.Result.Rule != "" {
				return fault.New(fault.Invalid, "The file has a result, and the record does not say that the ballots were opened.")
			}
			return nil
		}
		_, opened, err := readEntry(c.Opened, "ballot.unsealed")
		if err != nil {
			return err
		}
		if opened.Question != s.Question || opened.Box != s.Box {
			return fault.New(fault.Invalid, "The record opened other ballots.")
		}
		s = opened
	}
	if s.Result != digest(string(f.Result.JSON())) {
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

// Counted is the file of a closed vote without the proof. It counts nothing: what is in it is what was counted.
func (s *Service) Counted(ctx context.Context, h db.Handle, vote id.ID) (*ballotbox.File, error) {
	v, err := s.Get(ctx, h, vote)
	switch {
	case err != nil:
		return nil, err
	case v.ClosedAt.IsZero():
		return nil, fault.New(fault.Conflict, "The ballots are published when the vote is closed.")
	case v.Voided:
		return nil, fault.New(fault.Gone, "This vote was not counted: its ballots were destroyed, and nobody has read them.")
	}
	q, err := v.Question()
	if err != nil {
		return nil, err
	}
	ballots, err := s.box(ctx, h, v.ID)
	if err != nil {
		return nil, err
	}
	scrutineers, err := listScrutineers.All(ctx, h, vote)
	if err != nil {
		return nil, err
	}
	keys := reveals(scrutineers)
	if q.Scrutineers != nil && !v.Counted() { // until the count is done the file says that it is not
		keys = keys[:min(len(keys), q.Scrutineers.Needed-1)]
	}
	f, err := ballotbox.Arrange(q, v.Papers, ballots, keys)
	if err != nil || !v.Counted() {
		return f, err
	}
	f.Result = v.Result()
	if f.Seed, err = ballotbox.ParseHash(v.Seed); err != nil { // counted before the seed was kept
		box, err := f.Read()
		if err != nil {
			return f, err
		}
		f.Seed = box.Seed
	}
	return f, nil
}

func (s *Service) closing(ctx context.Context, vote id.ID) (Closing, error) {
	var c Closing
	entry, err := s.entry(ctx, vote, "ballot.closed")
	if err != nil {
		return c, err
	}
	if entry == nil {
		return c, fault.New(fault.NotFound, "The record has no close of this vote.")
	}
	c.Entry = *entry
	if c.Opened, err = s.entry(ctx, vote, "ballot.unsealed"); err != nil {
		return c, err
	}
	cp, err := s.record.LatestCheckpoint(ctx)
	if fault.Is(err, fault.NotFound) || err == nil && (cp.Size != c.Entry.Size || c.Opened != nil && cp.Size != c.Opened.Size) {
		return c, nil // not signed yet: within the hour it is
	}
	if err != nil {
		return c, err
	}
	c.Checkpoint = cp.Note
	c.Key, err = s.record.VerifierKey(ctx)
	return c, err
}

// entry is the last entry of a kind about a vote, nil where there is none.
func (s *Service) entry(ctx context.Context, vote id.ID, kind string) (*record.Inclusion, error) {
	events, err := s.record.Find(ctx, record.Filter{Kinds: []string{kind}, Subject: ref.Ref{Kind: "ballot", ID: vote}, Limit: 1})
	if err != nil || len(events) == 0 {
		return nil, err
	}
	in, err := s.record.Inclusion(ctx, events[0].Seq, 0)
	return &in, err
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
	proofs := []record.Inclusion{c.Entry}
	if c.Opened != nil {
		proofs = append(proofs, *c.Opened)
	}
	for _, p := range proofs {
		if err := record.CheckInclusion(p, c.Checkpoint, c.Key); err != nil {
			return append(found, ballotbox.Finding{Kind: ballotbox.BadResult, Text: err.Error()}), false, nil //nolint:nilerr // it is what was found
		}
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

package record

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"rochdale/internal/kit/db"
)

// Broken names the first event that does not fit.
type Broken struct {
	Seq int64
	Why string
}

func (b *Broken) Error() string { return fmt.Sprintf("event %d does not fit: %s", b.Seq, b.Why) }

// Report is what Verify found in a record that is whole.
type Report struct {
	Events      int64  `json:"events"`
	Checkpoints int    `json:"checkpoints"`
	Erased      int    `json:"erased"` // events whose personal data is gone, as it may be
	Head        string `json:"head"`
}

// Verify walks the record from the first event: numbers without a gap, times that do not run back,
// hashes, the Merkle tree, every signed checkpoint, and personal data against its salted hash. The
// error is a *Broken if the record itself is at fault.
func (s *Service) Verify(ctx context.Context) (Report, error) {
	var rep Report
	var verifier note.Verifier
	if k, ok, err := getKey.Find(ctx, s.db); err != nil {
		return rep, err
	} else if ok {
		if verifier, err = note.NewVerifier(k.Verifier); err != nil {
			return rep, fmt.Errorf("the key of the checkpoints: %w", err)
		}
	}
	checkpoints, err := listCheckpoints.All(ctx, s.db)
	if err != nil {
		return rep, err
	}
	w := walker{tree: map[int64]tlog.Hash{}}
	for after := int64(0); ; {
		page, err := listFrom.All(ctx, s.db, after, 500)
		if err != nil {
			return rep, err
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if err := w.step(ctx, s.db, e); err != nil {
				return rep, err
			}
			for len(checkpoints) > 0 && checkpoints[0].Size == e.Seq {
				if err := w.checkpoint(s, verifier, checkpoints[0]); err != nil {
					return rep, err
				}
				rep.Checkpoints++
				checkpoints = checkpoints[1:]
			}
		}
		after = page[len(page)-1].Seq
	}
	if len(checkpoints) > 0 {
		return rep, &Broken{checkpoints[0].Size, "a signed checkpoint speaks of an event that is not there"}
	}
	head, err := getHead.One(ctx, s.db)
	if err != nil {
		return rep, err
	}
	if head.Seq != w.last.Seq || head.Hash != w.last.Hash {
		return rep, &Broken{w.last.Seq + 1, fmt.Sprintf("the record should go on to event %d", head.Seq)}
	}
	if n, err := countPrivateBeyond.One(ctx, s.db, w.last.Seq); err != nil || n > 0 {
		return rep, &Broken{w.last.Seq + 1, "personal data without an event"}
	}
	rep.Events, rep.Head, rep.Erased = w.last.Seq, w.last.Hash, w.erased
	return rep, nil
}

type walker struct {
	last   Event
	tree   map[int64]tlog.Hash
	erased int
}

func (w *walker) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		h, ok := w.tree[x]
		if !ok {
			return nil, fmt.Errorf("tree hash %d is missing", x)
		}
		out[i] = h
	}
	return out, nil
}

func (w *walker) step(ctx context.Context, h db.Handle, e Event) error {
	seq := w.last.Seq + 1
	switch {
	case e.Seq != seq:
		return &Broken{seq, fmt.Sprintf("it is missing; event %d follows", e.Seq)}
	case e.Prev != w.last.Hash:
		return &Broken{seq, "it does not carry the hash of the event before"}
	case e.Hash != hashOf(e.hashed()):
		return &Broken{seq, "its content does not have its hash"}
	case e.At.Before(w.last.At):
		return &Broken{seq, "it is older than the event before"}
	case !json.Valid([]byte(e.Body)):
		return &Broken{seq, "its body is not JSON"}
	}
	hashes, err := tlog.StoredHashes(seq-1, e.hashed(), w)
	if err != nil {
		return err
	}
	at := tlog.StoredHashIndex(0, seq-1)
	stored, err := listTreeRange.All(ctx, h, at, at+int64(len(hashes)))
	if err != nil {
		return err
	}
	for i, x := range hashes {
		w.tree[at+int64(i)] = x
		if i >= len(stored) || stored[i].Hash != x.String() {
			return &Broken{seq, "the tree of hashes does not hold it"}
		}
	}
	if err := w.private(ctx, h, e); err != nil {
		return err
	}
	w.last = e
	return nil
}

func (w *walker) private(ctx context.Context, h db.Handle, e Event) error {
	b, err := e.Read()
	if err != nil {
		return &Broken{e.Seq, "its body cannot be read"}
	}
	p, ok, err := getPrivate.Find(ctx, h, e.Seq)
	switch {
	case err != nil:
		return err
	case !ok && b.Private != "":
		w.erased++
	case ok && b.Private != hashOf([]byte(p.Salt+p.Data)):
		return &Broken{e.Seq, "its personal data is not what was recorded"}
	}
	return nil
}

func (w *walker) checkpoint(s *Service, v note.Verifier, cp checkpointRow) error {
	if v == nil {
		return &Broken{cp.Size, "a checkpoint is there but the key that signed it is not"}
	}
	n, err := note.Open([]byte(cp.Note), note.VerifierList(v))
	if err != nil {
		return &Broken{cp.Size, "the signature of its checkpoint does not hold"}
	}
	root, err := tlog.TreeHash(cp.Size, w)
	if err != nil {
		return err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 3 || lines[1] != strconv.FormatInt(cp.Size, 10) || lines[2] != root.String() {
		return &Broken{cp.Size, "the events up to it are not those that were signed"}
	}
	return nil
}

package record

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"rochdale/internal/kit/fault"
)

// Signed is a checkpoint: the size of the log and the root of its tree at an instant, signed by the
// co-op. Whoever keeps one can prove that the log they knew is the beginning of the log of today.
type Signed struct {
	Size int64
	Root string // base64, as everywhere in proofs
	Note string // in the format of golang.org/x/mod/sumdb/note
	At   time.Time
}

func (c checkpointRow) signed() Signed {
	out := Signed{Size: c.Size, Note: c.Note, At: c.At}
	if lines := strings.SplitN(c.Note, "\n", 4); len(lines) == 4 {
		out.Root = lines[2]
	}
	return out
}

// LatestCheckpoint is the newest checkpoint; there is none in the first hour of a co-op.
func (s *Service) LatestCheckpoint(ctx context.Context) (Signed, error) {
	c, ok, err := lastCheckpoint.Find(ctx, s.db)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "No checkpoint has been signed yet.")
	}
	return c.signed(), err
}

// CheckpointAt is the checkpoint of a log of this size.
func (s *Service) CheckpointAt(ctx context.Context, size int64) (Signed, error) {
	c, ok, err := getCheckpoint.Find(ctx, s.db, size)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "No checkpoint was signed at this size.")
	}
	return c.signed(), err
}

// VerifierKey is the public key of the checkpoints, in the text form of golang.org/x/mod/sumdb/note.
func (s *Service) VerifierKey(ctx context.Context) (string, error) {
	k, ok, err := getKey.Find(ctx, s.db)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "No checkpoint has been signed yet.")
	}
	return k.Verifier, err
}

// Size is the number of events in the log.
func (s *Service) Size(ctx context.Context) (int64, error) { return headSeq.One(ctx, s.db) }

// Inclusion proves that an event is in the log of a size. Hashes are SHA-256 in base64; the leaf hash is
// that of a zero byte and the leaf, an inner one that of a one byte and its two children.
// spec: rfc6962#2.1.1
type Inclusion struct {
	Seq      int64    `json:"seq"`
	Size     int64    `json:"size"`
	Leaf     string   `json:"leaf"`
	LeafHash string   `json:"leaf_hash"`
	Path     []string `json:"path"` // from the leaf to the root
	Root     string   `json:"root"`
}

// Inclusion proves that event seq is in the log of the given size; with size 0, in the log of the newest
// checkpoint that holds it, or else in the log as it is now.
func (s *Service) Inclusion(ctx context.Context, seq, size int64) (Inclusion, error) {
	e, err := s.Get(ctx, seq)
	if err != nil {
		return Inclusion{}, err
	}
	now, err := s.Size(ctx)
	if err != nil {
		return Inclusion{}, err
	}
	if size == 0 {
		size = now
		if c, ok, err := lastCheckpoint.Find(ctx, s.db); err != nil {
			return Inclusion{}, err
		} else if ok && c.Size >= seq {
			size = c.Size
		}
	}
	if size < seq || size > now {
		return Inclusion{}, fault.Field("size", "Entry %d is in logs of the sizes %d to %d.", seq, seq, now)
	}
	h := reader(ctx, s.db)
	path, err := tlog.ProveRecord(size, seq-1, h)
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove event %d: %w", seq, err)
	}
	root, err := tlog.TreeHash(size, h)
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove event %d: %w", seq, err)
	}
	leaf := e.Leaf()
	return Inclusion{Seq: seq, Size: size, Leaf: string(leaf), LeafHash: tlog.RecordHash(leaf).String(), Path: texts(path), Root: root.String()}, nil
}

// Consistency proves that the log of one size is the beginning of the log of another.
// spec: rfc6962#2.1.2
type Consistency struct {
	From     int64    `json:"from"`
	To       int64    `json:"to"`
	FromRoot string   `json:"from_root"`
	ToRoot   string   `json:"to_root"`
	Path     []string `json:"path"`
}

// Consistency proves that nothing changed in the log of size from until it had the size to.
func (s *Service) Consistency(ctx context.Context, from, to int64) (Consistency, error) {
	now, err := s.Size(ctx)
	if err != nil {
		return Consistency{}, err
	}
	if from < 1 || to < from || to > now {
		return Consistency{}, fault.Field("from", "The sizes run from 1 to %d, the smaller one first.", now)
	}
	out := Consistency{From: from, To: to, Path: []string{}}
	h := reader(ctx, s.db)
	if from < to {
		path, err := tlog.ProveTree(to, from, h)
		if err != nil {
			return out, fmt.Errorf("prove growth: %w", err)
		}
		out.Path = texts(path)
	}
	for _, x := range []struct {
		size int64
		root *string
	}{{from, &out.FromRoot}, {to, &out.ToRoot}} {
		hash, err := tlog.TreeHash(x.size, h)
		if err != nil {
			return out, fmt.Errorf("prove growth: %w", err)
		}
		*x.root = hash.String()
	}
	return out, nil
}

func texts(hashes []tlog.Hash) []string {
	out := make([]string, len(hashes))
	for i, h := range hashes {
		out[i] = h.String()
	}
	return out
}

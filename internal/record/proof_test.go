package record_test

import (
	"context"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/record"
)

func hashes(t *testing.T, texts []string) []tlog.Hash {
	t.Helper()
	out := make([]tlog.Hash, len(texts))
	for i, x := range texts {
		out[i] = must(tlog.ParseHash(x))
	}
	return out
}

// Somebody else's code checks every proof there can be: that each entry is in each log that holds it, and
// that each log is the beginning of each later one.
func TestProofsHold(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		ctx := context.Background()
		s := record.New(d, "coop.example")
		const n = 13
		fill(t, s, d, c, n)
		for size := int64(1); size <= n; size++ {
			for seq := int64(1); seq <= size; seq++ {
				p, err := s.Inclusion(ctx, seq, size)
				if err != nil {
					t.Fatal(err)
				}
				leaf := tlog.RecordHash([]byte(p.Leaf))
				if err := tlog.CheckRecord(hashes(t, p.Path), size, must(tlog.ParseHash(p.Root)), seq-1, leaf); err != nil || leaf.String() != p.LeafHash {
					t.Errorf("entry %d of %d: %v", seq, size, err)
				}
				g, err := s.Consistency(ctx, seq, size)
				if err != nil {
					t.Fatal(err)
				}
				if g.ToRoot != p.Root {
					t.Errorf("the root at %d is %s or %s", size, g.ToRoot, p.Root)
				}
				if err := tlog.CheckTree(hashes(t, g.Path), size, must(tlog.ParseHash(g.ToRoot)), seq, must(tlog.ParseHash(g.FromRoot))); seq < size && err != nil {
					t.Errorf("from %d to %d: %v", seq, size, err)
				}
			}
		}
	})
}

func TestProofsOfNothingAreRefused(t *testing.T) {
	t.Parallel()
	d := testkit.SQLite(t, schema, clock.NewFake(testkit.Start))
	ctx := context.Background()
	s := record.New(d, "coop.example")
	if _, err := s.LatestCheckpoint(ctx); !fault.Is(err, fault.NotFound) {
		t.Errorf("a checkpoint of nothing: %v", err)
	}
	if _, err := s.VerifierKey(ctx); !fault.Is(err, fault.NotFound) {
		t.Errorf("a key that nobody made: %v", err)
	}
	fill(t, s, d, clock.NewFake(testkit.Start), 4)
	for _, x := range [][2]int64{{0, 1}, {-1, 2}, {3, 2}, {1, 5}, {5, 5}, {1, 1 << 60}} {
		if _, err := s.Consistency(ctx, x[0], x[1]); !fault.Is(err, fault.Invalid) {
			t.Errorf("from %d to %d: %v", x[0], x[1], err)
		}
		if _, err := s.Inclusion(ctx, x[0], x[1]); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.NotFound) && x != [2]int64{1, 1} {
			t.Errorf("entry %d in %d: %v", x[0], x[1], err)
		}
	}
}

// Without a size the proof leads to the newest checkpoint that holds the entry, and to the log of now for what came after it.
func TestProofsLeadToACheckpoint(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	d := testkit.SQLite(t, schema, c)
	ctx := context.Background()
	s := record.New(d, "coop.example")
	fill(t, s, d, c, 9) // signs one at 5
	signed, err := s.LatestCheckpoint(ctx)
	if err != nil || signed.Size != 5 || must(s.CheckpointAt(ctx, 5)) != signed {
		t.Fatalf("%+v %v", signed, err)
	}
	if p := must(s.Inclusion(ctx, 3, 0)); p.Size != 5 || p.Root != signed.Root {
		t.Errorf("%+v", p)
	}
	if p := must(s.Inclusion(ctx, 8, 0)); p.Size != 9 {
		t.Errorf("%+v", p)
	}
	v, err := note.NewVerifier(must(s.VerifierKey(ctx)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(signed.Note), note.VerifierList(v))
	if err != nil || !strings.HasPrefix(n.Text, "coop.example/record\n5\n"+signed.Root+"\n") {
		t.Errorf("%+v %v", n, err)
	}
}

package record_test

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/record"
)

// benchEvents is how long the record of a benchmark is: 20,000 events, or what RECORD_EVENTS says.
func benchEvents(b *testing.B) int {
	b.Helper()
	text := os.Getenv("RECORD_EVENTS")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("RECORD_EVENTS is %q", text)
	}
	return n
}

// long fills a record with what a co-op mostly does: votes, of which a tenth has a reason, and acts.
func long(b *testing.B, s *record.Service, d *db.DB, n int) {
	b.Helper()
	ctx := context.Background()
	began := time.Now()
	for done := 0; done < n; {
		err := d.InDurableTx(ctx, func(tx *db.Tx) error {
			for range min(2000, n-done) {
				vote := id.ID(1_000_000 + done)
				e := record.Entry{Kind: "decision.voted", Subject: ref.Ref{Kind: "vote", ID: vote}, Member: ref.Ref{Kind: "member", ID: vote % 900}, Via: "web",
					Data:  map[string]any{"decision": vote / 500, "version": 1},
					State: map[string]any{"decision": vote / 500, "member": vote % 900, "version": 1, "digest": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"}}
				if done%10 == 0 {
					e.Private = map[string]string{"choice": "agree", "reason": "It is time."}
				}
				if _, err := s.Append(ctx, tx, e); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		if done%100_000 == 0 {
			if _, err := s.Checkpoint(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Logf("appending took %.1f µs an event", float64(time.Since(began).Microseconds())/float64(n))
}

func BenchmarkVerify(b *testing.B) {
	n := benchEvents(b)
	d := testkit.SQLite(b, schema, clock.NewSystem())
	s := record.New(d, "coop.example")
	long(b, s, d, n)
	b.ResetTimer()
	for range b.N {
		rep, err := s.Verify(context.Background())
		if err != nil || rep.Events != int64(n) {
			b.Fatal(rep, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys>>20), "MiB")
}

// What readers and checkers ask for, in a record of some length.
func BenchmarkRead(b *testing.B) {
	n := benchEvents(b)
	d := testkit.SQLite(b, schema, clock.NewSystem())
	s := record.New(d, "coop.example")
	long(b, s, d, n)
	ctx := context.Background()
	for name, f := range map[string]func() error{
		"newest": func() error { _, err := s.Find(ctx, record.Filter{Limit: 50}); return err },
		"kind": func() error {
			_, err := s.Find(ctx, record.Filter{Kinds: []string{"decision."}, Limit: 50})
			return err
		},
		"member": func() error { _, err := s.Find(ctx, record.Filter{Member: at("member", 7), Limit: 50}); return err },
		"subject": func() error {
			_, err := s.Find(ctx, record.Filter{Subject: at("vote", 1_000_100), Limit: 50})
			return err
		},
		"from": func() error {
			_, err := s.Find(ctx, record.Filter{From: d.Now().Add(-time.Second), Limit: 50})
			return err
		},
		"proof":  func() error { _, err := s.Inclusion(ctx, int64(n/3), int64(n)); return err },
		"growth": func() error { _, err := s.Consistency(ctx, int64(n/3), int64(n)); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

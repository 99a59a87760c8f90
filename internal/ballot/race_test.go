package ballot_test

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
)

// asked is a blinded paper, with the code that finishes it.
type asked struct {
	code    ballotbox.Code
	request *ballotbox.Request
}

func (b *booth) ask() asked {
	b.t.Helper()
	code, err := ballotbox.NewCode(rand.Reader)
	b.must(err)
	request, err := code.Blind(b.q)
	b.must(err)
	return asked{code, request}
}

func TestTwoTabsWithTwoCodesHaveOnePaper(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		b := newBooth(t, d, c, 6)
		for voterNumber := range 5 {
			tabs := []asked{b.ask(), b.ask(), b.ask(), b.ask()}
			got, errs := make([][]byte, len(tabs)), make([]error, len(tabs))
			var race sync.WaitGroup
			for i, x := range tabs {
				race.Go(func() { got[i], errs[i] = b.Take(b.ctx, voter(voterNumber), b.vote.ID, x.request.Blinded) })
			}
			race.Wait()
			papers := 0
			for i, err := range errs {
				if err == nil {
					papers++
					if _, err := tabs[i].request.Finish(got[i], nil); err != nil {
						t.Errorf("the paper of tab %d: %v", i, err)
					}
				} else if !fault.Is(err, fault.Conflict) {
					t.Errorf("tab %d: %v", i, err)
				}
			}
			if papers != 1 {
				t.Errorf("a voter had %d papers", papers)
			}
		}
		if f := b.close(); f.Papers != 5 {
			t.Errorf("%d papers", f.Papers)
		}
	})
}

func TestPapersRaceTheClose(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		const n = 60
		b := newBooth(t, d, c, n)
		tabs := make([]asked, n)
		for i := range tabs {
			tabs[i] = b.ask()
		}
		errs := make([]error, n)
		var race sync.WaitGroup
		some := make(chan struct{}, n)
		for i, x := range tabs {
			race.Go(func() {
				_, errs[i] = b.Take(b.ctx, voter(i), b.vote.ID, x.request.Blinded)
				some <- struct{}{}
			})
		}
		for range n / 5 {
			<-some
		}
		f := b.close()
		race.Wait()
		given := 0
		for i, err := range errs {
			if err == nil {
				given++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("paper %d: %v", i, err)
			}
		}
		if given != f.Papers {
			t.Errorf("%d papers were given out, and %d are said", given, f.Papers)
		}
		if _, err := b.record.Verify(b.ctx); err != nil {
			t.Errorf("verify: %v", err)
		}
		t.Logf("%d given, %d refused", given, n-given)
	})
}

func TestAVoteIsOnlyEverMadeLonger(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		b := newBooth(t, d, c, 6)
		b.must(d.InDurableTx(b.ctx, func(tx *db.Tx) error { return b.Extend(b.ctx, tx, b.vote.ID, b.vote.ClosesAt.Add(-time.Hour)) }))
		v, err := b.Get(b.ctx, d, b.vote.ID)
		b.must(err)
		if !v.ClosesAt.Equal(b.vote.ClosesAt) {
			t.Errorf("it closes at %s now", v.ClosesAt)
		}
	})
}

func BenchmarkStart(b *testing.B) {
	d := testkit.SQLite(b, schema, clock.NewFake(testkit.Start))
	for b.Loop() {
		_, _ = d.Writer().Exec(`DELETE FROM ballot_register; DELETE FROM ballot_votes`)
		newBooth(b, d, clock.NewFake(testkit.Start), 10_000)
	}
}

func BenchmarkTake(b *testing.B) {
	d := testkit.SQLite(b, schema, clock.NewFake(testkit.Start))
	x := newBooth(b, d, clock.NewFake(testkit.Start), 100_000)
	request := x.ask().request
	i := 0
	for b.Loop() {
		if _, err := x.Take(x.ctx, voter(i), x.vote.ID, request.Blinded); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkCast(b *testing.B) {
	d := testkit.SQLite(b, schema, clock.NewFake(testkit.Start))
	x := newBooth(b, d, clock.NewFake(testkit.Start), 10)
	v := x.take(0)
	sequence := uint64(0)
	for b.Loop() {
		b.StopTimer()
		sequence++
		sealed := x.fill(v, sequence, 1, 2, 3)
		b.StartTimer()
		if _, err := x.Cast(x.ctx, x.vote.ID, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFinish(b *testing.B) {
	const n = 1000
	d := testkit.SQLite(b, schema, clock.NewFake(testkit.Start))
	x := newBooth(b, d, clock.NewFake(testkit.Start), n)
	for i := range n {
		if _, err := x.Cast(x.ctx, x.vote.ID, x.fill(x.take(i), 1, 1, 2, 3)); err != nil {
			b.Fatal(err)
		}
	}
	undo := context.Canceled
	for b.Loop() {
		err := d.InDurableTx(x.ctx, func(tx *db.Tx) error {
			if _, err := x.Finish(x.ctx, tx, x.vote.ID); err != nil {
				return err
			}
			return undo // so that it can be done again
		})
		if err != undo { //nolint:errorlint // it is this one
			b.Fatal(err)
		}
	}
}

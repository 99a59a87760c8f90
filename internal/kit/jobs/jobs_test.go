package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/kit/testkit"
)

type note struct {
	Text string `json:"text"`
	N    int    `json:"n"`
}

// eachQueue runs the test on both engines with a migrated database.
func eachQueue(t *testing.T, f func(t *testing.T, d *db.DB)) {
	t.Helper()
	testkit.EachDB(t, nil, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		t.Parallel()
		for range 2 { // the second time there is nothing to do
			if err := jobs.Migrate(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		f(t, d)
	})
}

// start opens a working queue on the machine's clock, and stops it at the end of the test.
func start(t *testing.T, d *db.DB, workers []jobs.Worker, periodic []jobs.Periodic, logs *logged) *jobs.Queue {
	t.Helper()
	q, err := jobs.New(d, workers, periodic, jobs.Options{Logger: slog.New(logs), Work: true, Clock: clock.NewSystem()})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return q
}

// logged keeps what was logged.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logged) WithGroup(string) slog.Handler            { return l }
func (l *logged) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func within[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatal("nothing happened for 30 s")
	}
	panic("unreachable")
}

func quiet[T any](t *testing.T, c <-chan T) {
	t.Helper()
	select {
	case v := <-c:
		t.Fatalf("unexpected %v", v)
	default:
	}
}

func inTx(t *testing.T, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.InTx(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func TestRunsAfterCommitAndNotAfterRollback(t *testing.T) {
	t.Parallel()
	eachQueue(t, func(t *testing.T, d *db.DB) {
		got := make(chan note, 10)
		logs := &logged{}
		q := start(t, d, []jobs.Worker{jobs.Handle("test.note", jobs.WorkerOptions{}, func(_ context.Context, n note) error { got <- n; return nil })}, nil, logs)
		undo := errors.New("undo")
		if err := d.InTx(t.Context(), func(tx *db.Tx) error {
			return errors.Join(q.Enqueue(t.Context(), tx, "test.note", note{"never", 0}), undo)
		}); !errors.Is(err, undo) {
			t.Fatal(err)
		}
		inTx(t, d, func(tx *db.Tx) error { return q.Enqueue(t.Context(), tx, "test.note", note{"ü \"x\"", 1 << 40}) })
		if diff := cmp.Diff(note{"ü \"x\"", 1 << 40}, within(t, got)); diff != "" {
			t.Error(diff)
		}
		many := make([]any, 500)
		for i := range many {
			many[i] = note{"many", i}
		}
		inTx(t, d, func(tx *db.Tx) error {
			return errors.Join(q.EnqueueMany(t.Context(), tx, "test.note", many), q.EnqueueMany(t.Context(), tx, "test.note", nil))
		})
		seen := map[int]bool{}
		for range many {
			n := within(t, got)
			if n.Text != "many" || seen[n.N] {
				t.Fatalf("got %v", n)
			}
			seen[n.N] = true
		}
		quiet(t, got)
		if logs.text() != "" {
			t.Errorf("logged %s", logs.text())
		}
		inTx(t, d, func(tx *db.Tx) error {
			if err := q.Enqueue(t.Context(), tx, "test.unknown", nil); err == nil {
				t.Error("an unknown kind was accepted")
			}
			if err := q.Enqueue(t.Context(), tx, "test.note", func() {}); err == nil {
				t.Error("arguments that are no JSON were accepted")
			}
			if err := q.Enqueue(t.Context(), tx, "test.note", "text"); err == nil {
				t.Error("arguments that are no object were accepted")
			}
			return q.Enqueue(t.Context(), tx, "test.note", nil)
		})
		if n := within(t, got); n != (note{}) {
			t.Errorf("got %v", n)
		}
	})
}

func TestRetriesWithBackOffUntilItGivesUp(t *testing.T) {
	t.Parallel()
	eachQueue(t, func(t *testing.T, d *db.DB) {
		logs := &logged{}
		started := make(chan time.Time, 10)
		done := make(chan string, 10)
		var later atomic.Bool
		q := start(t, d, []jobs.Worker{
			jobs.Handle("test.flaky", jobs.WorkerOptions{}, func(_ context.Context, n note) error {
				started <- time.Now()
				if len(started) < 2 {
					return errors.New("peer is away")
				}
				done <- "flaky"
				return nil
			}),
			jobs.Handle("test.panic", jobs.WorkerOptions{Attempts: 1}, func(context.Context, note) error { defer func() { done <- "panic" }(); panic("oops") }),
			jobs.Handle("test.gone", jobs.WorkerOptions{}, func(context.Context, note) error { done <- "gone"; return jobs.GiveUp(errors.New("410 Gone")) }),
			jobs.Handle("test.last", jobs.WorkerOptions{}, func(context.Context, note) error { done <- "last"; return errors.New("no luck") }),
			jobs.Handle("test.later", jobs.WorkerOptions{Attempts: 1}, func(context.Context, note) error {
				if later.CompareAndSwap(false, true) {
					return jobs.Later(10 * time.Millisecond)
				}
				done <- "later"
				return nil
			}),
			jobs.Handle("test.number", jobs.WorkerOptions{}, func(context.Context, struct {
				Text int `json:"text"`
			}) error {
				done <- "never"
				return nil
			}),
		}, nil, logs)
		inTx(t, d, func(tx *db.Tx) error {
			ctx := t.Context()
			return errors.Join(
				q.Enqueue(ctx, tx, "test.flaky", note{}), q.Enqueue(ctx, tx, "test.panic", note{}), q.Enqueue(ctx, tx, "test.gone", note{}),
				q.Enqueue(ctx, tx, "test.last", note{}, jobs.Attempts(1)), q.Enqueue(ctx, tx, "test.later", note{}), q.Enqueue(ctx, tx, "test.number", note{Text: "words"}))
		})
		got := map[string]int{}
		for range 5 {
			got[within(t, done)]++
		}
		if diff := cmp.Diff(map[string]int{"flaky": 1, "panic": 1, "gone": 1, "last": 1, "later": 1}, got); diff != "" {
			t.Error(diff)
		}
		if first, second := <-started, <-started; second.Sub(first) < 800*time.Millisecond {
			t.Errorf("ran again after %v", second.Sub(first))
		}
		eventually(t, q, []jobs.Stat{{Kind: "test.flaky", Done: 1}, {Kind: "test.gone", Failed: 1}, {Kind: "test.last", Failed: 1},
			{Kind: "test.later", Done: 1}, {Kind: "test.number", Failed: 1}, {Kind: "test.panic", Failed: 1}})
		for _, want := range []string{"WARN job failed, will run again kind=test.flaky", "ERROR job failed for the last time kind=test.last", "ERROR job panicked kind=test.panic", "WARN job given up kind=test.gone", "410 Gone", "WARN job given up kind=test.number"} {
			if !strings.Contains(logs.text(), want) {
				t.Errorf("log lacks %q:\n%s", want, logs.text())
			}
		}
	})
}

// eventually waits until the counts are as wanted.
func eventually(t *testing.T, q *jobs.Queue, want []jobs.Stat) {
	t.Helper()
	var got []jobs.Stat
	for range 600 {
		var err error
		if got, err = q.Stats(t.Context()); err != nil {
			t.Fatal(err)
		}
		if cmp.Equal(want, got) {
			return
		}
		time.Sleep(50 * time.Millisecond) // nothing tells when the queue has written a state
	}
	t.Error(cmp.Diff(want, got))
}

func TestUniqueDelayAndCancel(t *testing.T) {
	t.Parallel()
	eachQueue(t, func(t *testing.T, d *db.DB) {
		got := make(chan note, 10)
		q := start(t, d, []jobs.Worker{jobs.Handle("test.note", jobs.WorkerOptions{Queue: "slow"}, func(_ context.Context, n note) error { got <- n; return nil })}, nil, &logged{})
		ctx := t.Context()
		began := time.Now()
		inTx(t, d, func(tx *db.Tx) error {
			return errors.Join(
				q.Enqueue(ctx, tx, "test.note", note{"twice", 0}, jobs.Unique(), jobs.In(1500*time.Millisecond)),
				q.Enqueue(ctx, tx, "test.note", note{"twice", 0}, jobs.Unique()),
				q.Enqueue(ctx, tx, "test.note", note{"cancelled", 1}, jobs.In(time.Second)),
				q.Enqueue(ctx, tx, "test.note", note{"far", 1}, jobs.At(time.Now().Add(time.Hour))))
		})
		inTx(t, d, func(tx *db.Tx) error {
			return errors.Join(
				q.EnqueueMany(ctx, tx, "test.note", []any{note{"twice", 0}}, jobs.Unique()),
				q.Cancel(ctx, tx, "test.note", note{"cancelled", 1}),
				q.Cancel(ctx, tx, "test.note", note{"no such", 1}))
		})
		if n := within(t, got); n.Text != "twice" || time.Since(began) < 1400*time.Millisecond {
			t.Errorf("got %v after %v", n, time.Since(began))
		}
		eventually(t, q, []jobs.Stat{{Kind: "test.note", Done: 1, Failed: 1, Scheduled: 1}})
		inTx(t, d, func(tx *db.Tx) error { return q.Enqueue(ctx, tx, "test.note", note{"twice", 0}, jobs.Unique()) })
		if n := within(t, got); n.Text != "twice" {
			t.Errorf("got %v", n)
		}
		quiet(t, got)
	})
}

func TestPeriodic(t *testing.T) {
	t.Parallel()
	eachQueue(t, func(t *testing.T, d *db.DB) {
		ran := make(chan time.Time, 100)
		var atOnce, most atomic.Int32
		every := jobs.Every("test.tick", time.Second, func(context.Context) error {
			most.Store(max(most.Load(), atOnce.Add(1)))
			defer atOnce.Add(-1)
			ran <- time.Now()
			return errors.New("an error does not end it")
		}).In("ticks", 5*time.Second)
		// Two processes on one database: only one of them ticks.
		for range 2 {
			start(t, d, nil, []jobs.Periodic{every}, &logged{})
		}
		first := within(t, ran)
		for range 3 {
			within(t, ran)
		}
		if took := time.Since(first); took < 1500*time.Millisecond || most.Load() > 1 {
			t.Errorf("three more turns after %v, %d at once", took, most.Load())
		}
	})
}

func TestStopFinishesTheJobInHand(t *testing.T) {
	t.Parallel()
	eachQueue(t, func(t *testing.T, d *db.DB) {
		begun, finish := make(chan bool), make(chan bool)
		var finished atomic.Bool
		q := start(t, d, []jobs.Worker{jobs.Handle("test.long", jobs.WorkerOptions{}, func(ctx context.Context, _ note) error {
			begun <- true
			select {
			case <-finish:
				finished.Store(true)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})}, nil, &logged{})
		inTx(t, d, func(tx *db.Tx) error { return q.Enqueue(t.Context(), tx, "test.long", note{}) })
		within(t, begun)
		stopped := make(chan error)
		go func() { stopped <- q.Stop(context.Background()) }()
		select {
		case err := <-stopped:
			t.Fatalf("stopped while a job was in hand: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
		close(finish)
		if err := within(t, stopped); err != nil || !finished.Load() {
			t.Errorf("%v, finished: %v", err, finished.Load())
		}
		if diff := cmp.Diff([]jobs.Stat{{Kind: "test.long", Done: 1}}, stats(t, q)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnImpatientStopLeavesTheJobToTheNextStart(t *testing.T) {
	t.Parallel()
	eachQueue(t, func(t *testing.T, d *db.DB) {
		begun := make(chan bool, 2)
		worker := jobs.Handle("test.long", jobs.WorkerOptions{}, func(ctx context.Context, _ note) error {
			begun <- true
			<-ctx.Done()
			return ctx.Err()
		})
		q, err := jobs.New(d, []jobs.Worker{worker}, nil, jobs.Options{Logger: slog.New(&logged{}), Work: true, Clock: clock.NewSystem()})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		inTx(t, d, func(tx *db.Tx) error { return q.Enqueue(t.Context(), tx, "test.long", note{}) })
		within(t, begun)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := q.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		done := make(chan bool, 1)
		q = start(t, d, []jobs.Worker{jobs.Handle("test.long", jobs.WorkerOptions{}, func(context.Context, note) error { done <- true; return nil })}, nil, &logged{})
		within(t, done)
	})
}

func stats(t *testing.T, q *jobs.Queue) []jobs.Stat {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDrain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, nil, func(t *testing.T, d *db.DB, c *clock.Fake) {
		t.Parallel()
		if err := jobs.Migrate(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		var q *jobs.Queue
		var got []string
		fail := errors.New("no")
		q, err := jobs.New(d, []jobs.Worker{
			jobs.Handle("test.first", jobs.WorkerOptions{}, func(ctx context.Context, n note) error {
				got = append(got, fmt.Sprint("first ", n.N))
				return d.InTx(ctx, func(tx *db.Tx) error {
					return q.Enqueue(ctx, tx, "test.second", n, jobs.In(time.Hour))
				})
			}),
			jobs.HandleTx("test.second", jobs.WorkerOptions{}, func(ctx context.Context, tx *db.Tx, n note) error {
				got = append(got, fmt.Sprint("second ", n.N))
				return fail
			}),
		}, nil, jobs.Options{Clock: c})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(q.Start(t.Context()), q.Stop(t.Context())); err != nil { // a queue that does not work
			t.Error(err)
		}
		inTx(t, d, func(tx *db.Tx) error {
			return q.EnqueueMany(t.Context(), tx, "test.first", []any{note{N: 1}, note{N: 2}})
		})
		if n, err := q.Drain(t.Context()); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		c.Advance(time.Hour)
		if n, err := q.Drain(t.Context()); n != 0 || !errors.Is(err, fail) {
			t.Errorf("%d, %v", n, err)
		}
		fail = nil
		if n, err := q.Drain(t.Context()); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if diff := cmp.Diff([]string{"first 1", "first 2", "second 1", "second 1", "second 2"}, got); diff != "" {
			t.Error(diff)
		}
		if s := stats(t, q); len(s) != 0 {
			t.Errorf("left: %v", s)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	eachQueue(t, func(t *testing.T, d *db.DB) {
		w := jobs.Handle("test.note", jobs.WorkerOptions{}, func(context.Context, note) error { return nil })
		for name, workers := range map[string][]jobs.Worker{"twice": {w, w}, "no kind": {jobs.Handle("", jobs.WorkerOptions{}, func(context.Context, note) error { return nil })}} {
			if _, err := jobs.New(d, workers, nil, jobs.Options{}); err == nil {
				t.Errorf("%s was accepted", name)
			}
		}
		if _, err := jobs.New(d, []jobs.Worker{w}, []jobs.Periodic{jobs.Every("test.note", time.Hour, func(context.Context) error { return nil })}, jobs.Options{}); err == nil {
			t.Error("a kind that is both was accepted")
		}
		if _, err := jobs.New(d, []jobs.Worker{jobs.Handle("test.long", jobs.WorkerOptions{Timeout: time.Hour}, func(context.Context, note) error { return nil })}, nil, jobs.Options{RescueAfter: time.Hour}); err == nil {
			t.Error("a timeout beyond the rescue was accepted")
		}
	})
}

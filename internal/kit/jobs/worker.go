package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"rochdale/internal/kit/db"
)

// WorkerOptions are the settings of one kind of job. The zero value is a good start.
type WorkerOptions struct {
	Queue    string        // jobs of different queues do not wait for each other; "default" if empty
	Attempts int           // how often it is tried; 12 if zero, which takes eleven hours (16 take two days)
	Timeout  time.Duration // for one try; a minute if zero
}

const defaultAttempts = 12

// Worker does the jobs of one kind. Handle and HandleTx make it.
type Worker struct {
	kind    string
	options WorkerOptions
	run     func(ctx context.Context, q *Queue, args []byte) error
}

// Kind is the kind of job.
func (w Worker) Kind() string { return w.kind }

func (w Worker) queue() string {
	if w.options.Queue == "" {
		return defaultQueue
	}
	return w.options.Queue
}

// Handle makes a worker from a function that bears to be repeated. An error makes the job run again later, unless it is GiveUp's or Later's.
func Handle[A any](kind string, o WorkerOptions, f func(ctx context.Context, args A) error) Worker {
	return Worker{kind, o, func(ctx context.Context, _ *Queue, raw []byte) error {
		args, err := decode[A](raw)
		if err != nil {
			return err
		}
		return f(ctx, args)
	}}
}

// HandleTx makes a worker whose effect is in the database: the function's transaction also completes the job, so that it takes effect exactly
// once. The transaction may be tried more than once; keep it short.
func HandleTx[A any](kind string, o WorkerOptions, f func(ctx context.Context, tx *db.Tx, args A) error) Worker {
	return Worker{kind, o, func(ctx context.Context, q *Queue, raw []byte) error {
		args, err := decode[A](raw)
		if err != nil {
			return err
		}
		return q.db.InTx(ctx, func(tx *db.Tx) error {
			if err := f(ctx, tx, args); err != nil {
				return err
			}
			return Complete(ctx, tx)
		})
	}}
}

// decode gives up on arguments that do not fit, since they never will.
func decode[A any](raw []byte) (args A, err error) {
	if err := json.Unmarshal(raw, &args); err != nil {
		return args, GiveUp(fmt.Errorf("decode arguments: %w", err))
	}
	return args, nil
}

// Periodic is work that returns at an interval. Every makes it.
type Periodic struct {
	worker   Worker
	interval time.Duration
}

// Every makes the function run at each multiple of the interval since the epoch, on one of the processes, and also a moment after a start, so
// that a machine which sleeps at the hour misses nothing. So it must find out itself whether there is something to do. It never runs twice at
// the same time. The interval is a second or more.
func Every(kind string, interval time.Duration, f func(ctx context.Context) error) Periodic {
	// One attempt: the next turn is the retry.
	return Periodic{Worker{kind, WorkerOptions{Attempts: 1}, func(ctx context.Context, _ *Queue, _ []byte) error { return f(ctx) }}, interval}
}

// In puts the work into a queue of its own, or lets it take longer.
func (p Periodic) In(queue string, timeout time.Duration) Periodic {
	p.worker.options.Queue, p.worker.options.Timeout = queue, timeout
	return p
}

// Kind is the kind of job.
func (p Periodic) Kind() string { return p.worker.kind }

// Next implements river.PeriodicSchedule.
func (p Periodic) Next(now time.Time) time.Time { return now.Truncate(p.interval).Add(p.interval) }

func (p Periodic) river() *river.PeriodicJob {
	return river.NewPeriodicJob(p, func() (river.JobArgs, *river.InsertOpts) {
		return payload{p.worker.kind, []byte("{}")}, &river.InsertOpts{Queue: p.worker.queue(), MaxAttempts: 1, UniqueOpts: unfinished()}
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

// GiveUp marks an error after which trying again will not help.
func GiveUp(err error) error { return river.JobCancel(err) }

// Later ends this try without blame: the job runs again after the delay, and the try is not counted.
func Later(delay time.Duration) error { return river.JobSnooze(delay) }

type runningKey struct{}

// Complete marks the job that runs in the context as done, in the transaction. Outside a job it does nothing, so that a test may call a
// handler directly.
func Complete(ctx context.Context, tx *db.Tx) error {
	job, ok := ctx.Value(runningKey{}).(*river.Job[payload])
	if !ok {
		return nil
	}
	if job.State != rivertype.JobStateRunning { // Drain runs it
		return remove(ctx, tx, job.ID)
	}
	if _, err := river.JobCompleteTx[riverdriver.Driver[*sql.Tx]](ctx, tx.SQL(), job); err != nil {
		return fmt.Errorf("complete job: %w", err)
	}
	return nil
}

// payload is any kind's arguments: the queue stores them as they are.
type payload struct {
	kind string
	raw  json.RawMessage
}

func (p payload) Kind() string                 { return p.kind }
func (p payload) MarshalJSON() ([]byte, error) { return p.raw.MarshalJSON() }
func (p *payload) UnmarshalJSON(b []byte) error {
	return p.raw.UnmarshalJSON(b)
}

// runner fits a Worker into the queue's library.
type runner struct {
	river.WorkerDefaults[payload]
	queue  *Queue
	worker Worker
}

func (r *runner) Timeout(*river.Job[payload]) time.Duration { return r.worker.options.Timeout }

func (r *runner) Work(ctx context.Context, job *river.Job[payload]) error {
	err := r.worker.run(context.WithValue(ctx, runningKey{}, job), r.queue, job.Args.raw)
	var gaveUp *river.JobCancelError
	if errors.As(err, &gaveUp) { // the library does not report these
		r.queue.logger.WarnContext(ctx, "job given up", attributes(job.JobRow, err)...)
	}
	return err
}

func (q *Queue) add(w Worker, to *river.Workers) error {
	if _, ok := q.workers[w.kind]; ok {
		return errors.New("kind is registered twice")
	}
	if len(w.kind) < 2 { // the library refuses these too, but by a panic
		return errors.New("kind is too short")
	}
	q.workers[w.kind] = w
	river.AddWorkerArgs(to, payload{kind: w.kind}, &runner{queue: q, worker: w})
	return nil
}

// NextRetry implements river.ClientRetryPolicy: the fourth power of the failures in seconds, as 1 s, 16 s, 81 s ... 4 h after the eleventh, with a tenth more or less, so that
// what failed together does not return together.
func (q *Queue) NextRetry(job *rivertype.JobRow) time.Time {
	n := float64(len(job.Errors) + 1)
	delay := min(time.Duration(n*n*n*n)*time.Second, 24*time.Hour)
	jitter := time.Duration((rand.Float64() - 0.5) * 0.2 * float64(delay)) //nolint:gosec // jitter
	now := q.clock.Now()
	return now.Add(delay + jitter)
}

// HandleError implements river.ErrorHandler.
func (q *Queue) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if job.Attempt >= job.MaxAttempts {
		q.logger.ErrorContext(ctx, "job failed for the last time", attributes(job, err)...)
	} else {
		q.logger.WarnContext(ctx, "job failed, will run again", attributes(job, err)...)
	}
	return nil
}

// HandlePanic implements river.ErrorHandler. A panic counts as a failed try.
func (q *Queue) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	q.logger.ErrorContext(ctx, "job panicked", append(attributes(job, fmt.Errorf("panic: %v", value)), slog.String("trace", trace))...)
	return nil
}

func attributes(job *rivertype.JobRow, err error) []any {
	return []any{slog.String("kind", job.Kind), slog.Int64("job", job.ID), slog.Int("attempt", job.Attempt), slog.Int("attempts", job.MaxAttempts), slog.Any("error", err)}
}

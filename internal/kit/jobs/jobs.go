// Package jobs does work later, and surely: deliveries, mail, pictures, clocks of the bylaws.
//
// A job is a kind ("social.deliver"), arguments as JSON and a row in the database. It is enqueued in the transaction of the change that
// calls for it, so that either both happen or neither. It runs soon after the commit, on whichever process works; if it fails it runs
// again, later each time; if the process dies another takes it up after a while.
//
// So a job runs at least once, and it may run twice: at a crash between its effect and its completion. A job whose effect is in our own
// database uses HandleTx, where effect and completion are one transaction and happen exactly once. Any other must bear to be
// repeated.
//
// This package is the only one that knows the queue behind it (River), on SQLite and PostgreSQL alike.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
)

// Migrate makes or brings up to date the tables of the queue. Several processes may call it at the same time.
func Migrate(ctx context.Context, d *db.DB) (err error) {
	m, err := rivermigrate.New(driver(d), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	if d.Dialect() == db.Postgres {
		const lock = 0x726f6368646a6f62 // any number that nobody else uses
		conn, err := d.Writer().Conn(ctx)
		if err != nil {
			return fmt.Errorf("migrate jobs: %w", err)
		}
		// Closing gives back the lock too, should the unlock below have failed.
		defer func() { err = errors.Join(err, conn.Close()) }()
		if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(lock)); err != nil {
			return fmt.Errorf("migrate jobs: %w", err)
		}
		defer func() {
			_, e := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(lock))
			err = errors.Join(err, e)
		}()
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	return nil
}

func driver(d *db.DB) riverdriver.Driver[*sql.Tx] {
	if d.Dialect() == db.Postgres {
		return riverdatabasesql.NewWithPgxListener(d.Writer(), d.Pool())
	}
	return riversqlite.New(d.Writer())
}

// Options are the settings of a Queue.
type Options struct {
	Logger *slog.Logger // gets failures of jobs, and warnings and errors of the queue itself
	Work   bool         // whether Start runs jobs here; without it the queue only takes them

	// AtOnce is how many jobs of a queue run at the same time in this process; defaultAtOnce where it says nothing.
	AtOnce map[string]int
	// RescueAfter is how long after its start a job is taken to be lost with its process and run again. It must be longer than every
	// timeout that a worker names, and halves the default one where that is longer; zero means a minute more than the longest.
	RescueAfter time.Duration
	// Clock replaces the machine's time, for tests. nil in production: the queue measures leases by the monotonic clock.
	Clock clock.Clock
}

const (
	defaultQueue   = "default"
	defaultAtOnce  = 20
	defaultTimeout = time.Minute
	// Finished jobs are of no use but to a person who looks; failed ones wait for the operator.
	keepDone, keepFailed = time.Hour, 30 * 24 * time.Hour
)

// Queue takes jobs and, if it is to work, runs them. It is safe for use by many goroutines.
type Queue struct {
	db      *db.DB
	client  *river.Client[*sql.Tx]
	workers map[string]Worker
	clock   clock.Clock
	logger  *slog.Logger
	work    bool
}

// New makes a queue for the kinds of the workers. Every process must know all kinds, also one that does not work, so that none can
// enqueue a job that nobody does.
func New(d *db.DB, workers []Worker, periodic []Periodic, o Options) (*Queue, error) {
	q := &Queue{db: d, workers: map[string]Worker{}, clock: o.Clock, logger: o.Logger, work: o.Work}
	if q.logger == nil {
		q.logger = slog.Default()
	}
	config := &river.Config{
		Logger:                      slog.New(atLeastWarn{q.logger.Handler()}),
		ErrorHandler:                q,
		RetryPolicy:                 q,
		FetchCooldown:               10 * time.Millisecond, // the default bounds a queue to AtOnce jobs each 100 ms
		MaxAttempts:                 defaultAttempts,
		CompletedJobRetentionPeriod: keepDone,
		CancelledJobRetentionPeriod: keepFailed,
		DiscardedJobRetentionPeriod: keepFailed,
		Workers:                     river.NewWorkers(),
	}
	if o.Clock != nil {
		config.Test.Time = timeSource{o.Clock}
	} else {
		q.clock = d.Clock()
	}
	queues, longest := map[string]river.QueueConfig{}, defaultTimeout
	for _, p := range periodic {
		workers = append(workers, p.worker)
	}
	for _, w := range workers {
		if err := q.add(w, config.Workers); err != nil {
			return nil, fmt.Errorf("register job %s: %w", w.kind, err)
		}
		n := o.AtOnce[w.queue()]
		if n <= 0 {
			n = defaultAtOnce
		}
		queues[w.queue()] = river.QueueConfig{MaxWorkers: n}
		longest = max(longest, w.options.Timeout)
		if o.RescueAfter != 0 && w.options.Timeout >= o.RescueAfter {
			return nil, fmt.Errorf("register job %s: its timeout of %v is not below RescueAfter", w.kind, w.options.Timeout)
		}
	}
	rescue := o.RescueAfter
	if rescue == 0 {
		rescue = longest + time.Minute
	}
	config.RescueStuckJobsAfter, config.JobTimeout = rescue, min(defaultTimeout, rescue/2)
	if q.work {
		config.Queues = queues
		for _, p := range periodic {
			config.PeriodicJobs = append(config.PeriodicJobs, p.river())
		}
	}
	var err error
	if q.client, err = river.NewClient(driver(d), config); err != nil {
		return nil, fmt.Errorf("open job queue: %w", err)
	}
	return q, nil
}

// Start runs jobs until Stop, if the queue is to work. The end of the context does not stop it, since that would cut jobs short.
func (q *Queue) Start(ctx context.Context) error {
	if !q.work {
		return nil
	}
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start job queue: %w", err)
	}
	return nil
}

// Stop takes no new jobs and returns when those in hand are done. When the context ends first, it cancels theirs, waits a moment longer and
// returns the context's error; what was cut short runs again after the next start.
func (q *Queue) Stop(ctx context.Context) error {
	if !q.work {
		return nil
	}
	err := q.client.Stop(ctx)
	if err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return fmt.Errorf("stop job queue: %w", errors.Join(err, q.client.StopAndCancel(hard)))
}

// timeSource is a clock for the queue.
type timeSource struct{ clock.Clock }

func (t timeSource) NowOrNil() *time.Time {
	now := t.Now()
	return &now
}

// atLeastWarn drops what the queue has to say about its daily work.
type atLeastWarn struct{ slog.Handler }

func (h atLeastWarn) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}
func (h atLeastWarn) WithAttrs(a []slog.Attr) slog.Handler {
	return atLeastWarn{h.Handler.WithAttrs(a)}
}
func (h atLeastWarn) WithGroup(n string) slog.Handler { return atLeastWarn{h.Handler.WithGroup(n)} }

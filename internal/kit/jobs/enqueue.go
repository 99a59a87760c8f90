package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"rochdale/internal/kit/db"
)

// Opt changes how a job is enqueued.
type Opt func(*enqueue)

type enqueue struct {
	delay    time.Duration
	at       time.Time
	unique   bool
	attempts int
}

// In lets the job wait.
func In(delay time.Duration) Opt { return func(e *enqueue) { e.delay = delay } }

// At lets the job wait for an instant.
func At(t time.Time) Opt { return func(e *enqueue) { e.at = t } }

// Unique drops the job if one of the same kind and arguments is waiting or running. So a job that must see every change reads the state
// when it ends its work, or is not unique.
func Unique() Opt { return func(e *enqueue) { e.unique = true } }

// Attempts bounds how often the job is tried, in place of its worker's option.
func Attempts(n int) Opt { return func(e *enqueue) { e.attempts = n } }

// Enqueue adds a job in the transaction. args is a struct or map that JSON can carry, of the type that the
// kind's handler takes, or nil for none.
func (q *Queue) Enqueue(ctx context.Context, tx *db.Tx, kind string, args any, opts ...Opt) error {
	p, err := q.params(kind, args, opts)
	if err != nil {
		return err
	}
	if _, err := q.client.InsertTx(ctx, tx.SQL(), p.Args, p.InsertOpts); err != nil {
		return fmt.Errorf("enqueue %s: %w", kind, err)
	}
	return nil
}

// EnqueueMany adds one job for each of the arguments, much faster than one by one.
func (q *Queue) EnqueueMany(ctx context.Context, tx *db.Tx, kind string, args []any, opts ...Opt) error {
	if len(args) == 0 {
		return nil
	}
	many := make([]river.InsertManyParams, len(args))
	for i, a := range args {
		var err error
		if many[i], err = q.params(kind, a, opts); err != nil {
			return err
		}
	}
	if _, err := q.client.InsertManyFastTx(ctx, tx.SQL(), many); err != nil {
		return fmt.Errorf("enqueue %d of %s: %w", len(args), kind, err)
	}
	return nil
}

func (q *Queue) params(kind string, args any, opts []Opt) (river.InsertManyParams, error) {
	w, ok := q.workers[kind]
	if !ok {
		return river.InsertManyParams{}, fmt.Errorf("enqueue %s: no such kind of job", kind)
	}
	raw, err := encode(args)
	if err != nil {
		return river.InsertManyParams{}, fmt.Errorf("enqueue %s: %w", kind, err)
	}
	var e enqueue
	for _, o := range opts {
		o(&e)
	}
	o := &river.InsertOpts{Queue: w.queue(), MaxAttempts: w.options.Attempts, ScheduledAt: e.at}
	if e.attempts > 0 {
		o.MaxAttempts = e.attempts
	}
	if e.delay > 0 {
		o.ScheduledAt = q.clock.Now().Add(e.delay)
	}
	if e.unique {
		o.UniqueOpts = unfinished()
	}
	return river.InsertManyParams{Args: payload{kind, raw}, InsertOpts: o}, nil
}

// encode marshals arguments. The queue stores objects only; nil is an empty one.
func encode(args any) ([]byte, error) {
	if args == nil {
		return []byte("{}"), nil
	}
	raw, err := json.Marshal(args)
	if err == nil && raw[0] != '{' {
		err = fmt.Errorf("arguments of type %T are not a JSON object", args)
	}
	return raw, err
}

// unfinished makes a job unique among those of its kind and arguments that have not ended.
func unfinished() river.UniqueOpts {
	return river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}
}

// Cancel takes back the waiting jobs of the kind that have exactly these arguments. One that runs already is left to end.
func (q *Queue) Cancel(ctx context.Context, tx *db.Tx, kind string, args any) error {
	raw, err := encode(args)
	if err != nil {
		return fmt.Errorf("cancel %s: %w", kind, err)
	}
	// The column is JSONB on both, but only PostgreSQL compares it by meaning.
	text := `SELECT id FROM river_job WHERE kind = ?1 AND state IN ('available', 'pending', 'retryable', 'scheduled') AND json(args) = json(?2)`
	if tx.Dialect() == db.Postgres {
		text = `SELECT id FROM river_job WHERE kind = $1 AND state IN ('available', 'pending', 'retryable', 'scheduled') AND args = CAST($2 AS JSONB)`
	}
	ids, err := column[int64](ctx, tx.SQL(), text, kind, string(raw))
	if err != nil {
		return fmt.Errorf("cancel %s: %w", kind, err)
	}
	for _, id := range ids {
		if _, err := q.client.JobCancelTx(ctx, tx.SQL(), id); err != nil {
			return fmt.Errorf("cancel %s: %w", kind, err)
		}
	}
	return nil
}

func column[T any](ctx context.Context, tx *sql.Tx, text string, args ...any) (out []T, err error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Errors that callers act on. They wrap the driver's.
var (
	ErrNone    = errors.New("no such row")
	ErrExists  = errors.New("exists already")
	ErrMissing = errors.New("refers to a row that is not there")
	ErrRetry   = errors.New("another transaction was in the way")
)

// Tx is a transaction with its time. It is used by one goroutine.
type Tx struct {
	db    *DB
	tx    *sql.Tx
	now   time.Time
	after []func()

	unprepared []*text
}

// Now is the time at which the transaction began; all rows of one act carry it.
func (t *Tx) Now() time.Time { return t.now }

// Dialect is the engine in use.
func (t *Tx) Dialect() Dialect { return t.db.dialect }

// SQL is the transaction for libraries that bring their own SQL (the job queue).
func (t *Tx) SQL() *sql.Tx { return t.tx }

// AfterCommit runs f once the transaction is durable, and never if it is rolled back. Use it to wake
// a worker or a stream; what must not be lost belongs into the transaction itself.
func (t *Tx) AfterCommit(f func()) { t.after = append(t.after, f) }

// InTx runs f in one transaction, commits if it returns nil and rolls back otherwise. Losing a race
// with another transaction (serialization failure, deadlock, busy) runs f again, so f must have no
// effect outside tx. On SQLite a commit survives the death of the process; InDurableTx also survives
// a power cut.
func (d *DB) InTx(ctx context.Context, f func(tx *Tx) error) error { return d.inTx(ctx, false, f) }

// InDurableTx is InTx for what must survive a power cut as well: the record, ballots, the ledger.
// On SQLite it waits for the disk before it returns (docs/adr/0004); PostgreSQL always does.
func (d *DB) InDurableTx(ctx context.Context, f func(tx *Tx) error) error {
	return d.inTx(ctx, true, f)
}

const attempts = 6

func (d *DB) inTx(ctx context.Context, durable bool, f func(tx *Tx) error) error {
	for n := 1; ; n++ {
		tx, err := d.attempt(ctx, durable, f)
		if err == nil {
			for _, g := range tx.after {
				g()
			}
			// What was acknowledged is committed: a failure to prepare costs speed only, and shows
			// itself again when the statement is next run.
			_ = d.prepareWrites(ctx, tx.unprepared)
			return nil
		}
		if n == attempts || !errors.Is(err, ErrRetry) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(rand.IntN(n*20)+1) * time.Millisecond): //nolint:gosec // jitter
		}
	}
}

// attempt runs f once, on SQLite together with others who wait.
func (d *DB) attempt(ctx context.Context, durable bool, f func(tx *Tx) error) (*Tx, error) {
	if d.dialect == SQLite && !durable {
		return d.grouped(ctx, f)
	}
	return d.once(ctx, durable, f)
}

func (d *DB) once(ctx context.Context, durable bool, f func(tx *Tx) error) (_ *Tx, err error) {
	begin := d.writer.BeginTx
	if durable && d.dialect == SQLite {
		conn, err := d.writer.Conn(ctx)
		if err != nil {
			return nil, wrap("begin", err)
		}
		defer func() { _ = conn.Close() }() // back to the pool; the pool reports a broken one itself
		if _, err := conn.ExecContext(ctx, `PRAGMA synchronous=FULL`); err != nil {
			return nil, wrap("begin", err)
		}
		defer func() {
			if _, e := conn.ExecContext(context.WithoutCancel(ctx), `PRAGMA synchronous=NORMAL`); e != nil && err == nil {
				err = wrap("end", e)
			}
		}()
		begin = conn.BeginTx
	}
	sqlTx, err := begin(ctx, nil)
	if err != nil {
		return nil, wrap("begin", err)
	}
	tx := &Tx{db: d, tx: sqlTx, now: d.clock.Now()}
	done := false
	defer func() { // also when f panics: the one writer must come back
		if !done {
			_ = sqlTx.Rollback() // after a failed f its error is the one that matters
		}
	}()
	if err := f(tx); err != nil {
		return nil, err
	}
	done = true
	if err := sqlTx.Commit(); err != nil {
		return nil, wrap("commit", err)
	}
	return tx, nil
}

// wrap adds what was done and, for the errors that callers act on, their kind.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNone
	}
	kind := sqliteKind(err)
	if kind == nil {
		kind = postgresKind(err)
	}
	if kind != nil {
		return fmt.Errorf("%s: %w: %w", doing, kind, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

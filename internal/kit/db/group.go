package db

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Group commit. SQLite has one writer, and a commit costs as much as a short transaction: it writes
// every page that was touched. Transactions that wait for the writer at the same time are therefore
// done as one, each behind a savepoint of its own, so that one that fails takes nothing with it. If the
// common transaction itself fails, every one of them is run again alone, as InTx may do at any time.

// Bounds of a group: nobody waits long for others.
const (
	groupMost = 32
	groupTime = 8 * time.Millisecond
)

type waiting struct {
	ctx   context.Context
	run   func(*Tx) error
	tx    *Tx
	err   error
	alone bool // the group failed: run it by itself
	done  chan struct{}
}

// grouped waits for its turn in a group and returns what happened. Whoever finds nobody leading leads.
func (d *DB) grouped(ctx context.Context, f func(*Tx) error) (*Tx, error) {
	w := &waiting{ctx: ctx, run: f, done: make(chan struct{})}
	d.groupMu.Lock()
	d.group = append(d.group, w)
	lead := !d.leading
	d.leading = true
	d.groupMu.Unlock()
	if lead {
		d.lead(w) //nolint:contextcheck // the group outlives any one caller, whose own context each member gets
	}
	<-w.done
	if w.alone {
		return d.once(ctx, false, f)
	}
	if p, ok := w.err.(*panicked); ok { //nolint:errorlint // it is never wrapped
		panic(p.value)
	}
	return w.tx, w.err
}

// lead works off whoever waits until its own turn is done, then hands the lead on. The writer comes
// first: while it is busy, the group grows.
func (d *DB) lead(own *waiting) {
	for {
		conn, err := d.writer.Conn(context.Background())
		d.groupMu.Lock()
		n := min(len(d.group), groupMost)
		batch := d.group[:n:n]
		d.group = d.group[n:]
		d.groupMu.Unlock()
		if err != nil {
			finish(batch, true)
		} else {
			rest := d.together(conn, batch)
			_ = conn.Close() // back to the pool, which reports a broken one itself
			if len(rest) > 0 {
				d.groupMu.Lock()
				d.group = append(rest, d.group...)
				d.groupMu.Unlock()
			}
		}
		d.groupMu.Lock()
		if len(d.group) == 0 {
			d.leading = false
			d.groupMu.Unlock()
			return
		}
		next := d.group[0]
		d.groupMu.Unlock()
		select {
		case <-own.done: // our caller wants to go on; another leads
			go d.lead(next)
			return
		default:
		}
	}
}

// finish lets members go on; alone tells them to run by themselves.
func finish(members []*waiting, alone bool) {
	for _, w := range members {
		if alone {
			w.tx, w.err, w.alone = nil, nil, true
		}
		close(w.done)
	}
}

// together runs a batch in one transaction and returns those it had no time for.
func (d *DB) together(conn *sql.Conn, batch []*waiting) (rest []*waiting) {
	ctx := context.Background() // no member's deadline ends the others' transaction
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		finish(batch, true)
		return nil
	}
	begin, done := d.clock.Now(), 0
	for _, w := range batch {
		if done > 0 && d.clock.Now().Sub(begin) > groupTime {
			break
		}
		done++
		if err := d.member(tx, w, len(batch) > 1); err != nil {
			_ = tx.Rollback() // everything is done again in any case
			finish(batch[:done], true)
			return batch[done:]
		}
		if len(batch) == 1 && w.err != nil { // there was no savepoint, and nobody else to keep
			_ = tx.Rollback() // its own error is the one that matters
			finish(batch, false)
			return nil
		}
	}
	if err := tx.Commit(); err != nil {
		finish(batch[:done], true)
		return batch[done:]
	}
	finish(batch[:done], false)
	return batch[done:]
}

// member runs one member of a group. The error is the group's, not the member's.
func (d *DB) member(tx *sql.Tx, w *waiting, savepoint bool) error {
	select {
	case <-w.ctx.Done():
		w.err = w.ctx.Err()
		return nil
	default:
	}
	ctx := context.Background()
	if savepoint {
		if _, err := tx.ExecContext(ctx, `SAVEPOINT member`); err != nil {
			return err
		}
	}
	w.tx = &Tx{db: d, tx: tx, now: d.clock.Now()}
	w.err = guarded(w)
	switch {
	case savepoint && w.err != nil:
		// An interrupted statement has ended the whole transaction: then there is no savepoint either.
		_, err := tx.ExecContext(ctx, `ROLLBACK TO member; RELEASE member`)
		return err
	case savepoint:
		_, err := tx.ExecContext(ctx, `RELEASE member`)
		return err
	}
	return nil
}

// guarded turns a panic of a member into an error that its caller raises again.
func guarded(w *waiting) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p}
		}
	}()
	return w.run(w.tx)
}

type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/stdlib"
)

// Parsing and planning a statement costs SQLite as much as running a short one, so each text is
// prepared once per pool and kept; pgx keeps such a cache by itself.

func (d *DB) query(ctx context.Context, t *text, args []any) (*sql.Rows, error) {
	if d.dialect == Postgres {
		return d.reader.QueryContext(ctx, t.engine[Postgres], args...)
	}
	s, ok := d.readStmts.Load(t)
	if !ok {
		fresh, err := d.reader.PrepareContext(ctx, t.engine[SQLite])
		if err != nil {
			return nil, err
		}
		if s, err = keep(&d.readStmts, t, fresh); err != nil {
			return nil, err
		}
	}
	return s.(*sql.Stmt).QueryContext(ctx, args...)
}

// keep stores a fresh statement for good, unless another was stored meanwhile, which is kept instead.
func keep(stmts *sync.Map, t *text, fresh *sql.Stmt) (kept any, err error) {
	kept, lost := stmts.LoadOrStore(t, fresh)
	if lost {
		err = fresh.Close()
	}
	return kept, err
}

func (t *Tx) query(ctx context.Context, q *text, args []any) (*sql.Rows, error) {
	if s := t.stmt(ctx, q); s != nil { //nolint:sqlclosecheck // the end of the transaction closes it
		return s.QueryContext(ctx, args...)
	}
	return t.tx.QueryContext(ctx, q.engine[t.db.dialect], args...)
}

func (t *Tx) exec(ctx context.Context, q *text, args []any) (sql.Result, error) {
	if s := t.stmt(ctx, q); s != nil { //nolint:sqlclosecheck // the end of the transaction closes it
		return s.ExecContext(ctx, args...)
	}
	return t.tx.ExecContext(ctx, q.engine[t.db.dialect], args...)
}

// stmt is the prepared form of q on the writer, or nil. The one writer connection is busy with this
// very transaction, so a text seen for the first time runs unprepared and is prepared afterwards.
func (t *Tx) stmt(ctx context.Context, q *text) *sql.Stmt {
	if t.db.dialect == Postgres {
		return nil
	}
	s, ok := t.db.writeStmts.Load(q)
	if !ok {
		t.unprepared = append(t.unprepared, q)
		return nil
	}
	return t.tx.StmtContext(ctx, s.(*sql.Stmt))
}

func (d *DB) prepareWrites(ctx context.Context, texts []*text) error {
	for _, q := range texts {
		if _, ok := d.writeStmts.Load(q); ok {
			continue
		}
		s, err := d.writer.PrepareContext(ctx, q.engine[SQLite])
		if err != nil {
			return err
		}
		if _, err := keep(&d.writeStmts, q, s); err != nil {
			return err
		}
	}
	return nil
}

// columns prepares a text without running it and names its result columns.
func (d *DB) columns(ctx context.Context, t *text) (cols []string, err error) {
	conn, err := d.writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if d.dialect == Postgres {
		err = conn.Raw(func(c any) error {
			desc, err := c.(*stdlib.Conn).Conn().Prepare(ctx, "", t.engine[Postgres])
			if err != nil {
				return err
			}
			for _, f := range desc.Fields {
				cols = append(cols, f.Name)
			}
			return nil
		})
		return cols, err
	}
	err = conn.Raw(func(c any) error { cols, err = sqliteColumns(c, t.engine[SQLite]); return err })
	return cols, err
}

// CheckRegistered prepares every query and statement of the program on d and compares result columns
// with row types. It is for tests: a misspelt column or tag is named here before anybody runs it.
func CheckRegistered(ctx context.Context, d *DB) error {
	registry.Lock()
	texts := append([]*text{}, registry.texts...)
	registry.Unlock()
	var errs []error
	for _, t := range texts {
		if err := t.check(ctx, d, t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w\n%s", d.dialect, err, t.engine[d.dialect]))
		}
	}
	return errors.Join(errs...)
}

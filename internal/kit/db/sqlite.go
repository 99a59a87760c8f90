package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
)

// openSQLitePool is the one place that knows the SQLite driver.
func openSQLitePool(path string, readOnly bool, conns int) (*sql.DB, error) {
	q := url.Values{}
	q.Add("_txlock", "immediate")
	q.Add("_pragma", "busy_timeout(10000)")
	if readOnly {
		q.Add("_pragma", "query_only(1)")
		q.Add("_pragma", "cache_size(-4000)")
	} else {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(NORMAL)") // see Durable
		q.Add("_pragma", "cache_size(-16000)")
		q.Add("_pragma", "journal_size_limit(16777216)")
		q.Add("_pragma", "foreign_keys(1)")
	}
	q.Add("_pragma", "temp_store(memory)")
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
	pool, err := driver.Open(dsn, func(c *sqlite3.Conn) error {
		// Plans must not depend on the values of parameters: SQLite would otherwise prepare a statement
		// again each time it is run with others.
		if _, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true); err != nil {
			return err
		}
		return fts5.Register(c)
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, nil
}

// Checkpoint folds the write-ahead log back into the file. Under constant readers the log would
// otherwise grow without bound; serve calls it from time to time.
func (d *DB) Checkpoint(ctx context.Context) error {
	if d.dialect != SQLite {
		return nil
	}
	_, err := d.writer.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	if errors.Is(err, sqlite3.BUSY) {
		return nil // a reader is still in it; the next call will do
	}
	return err
}

// Snapshot writes a consistent copy of a SQLite database to path while the server runs.
func (d *DB) Snapshot(ctx context.Context, path string) error {
	if d.dialect != SQLite {
		return errors.New("snapshot: PostgreSQL is backed up with pg_dump")
	}
	if _, err := d.writer.ExecContext(ctx, `VACUUM INTO ?1`, path); err != nil {
		return fmt.Errorf("snapshot database: %w", err)
	}
	return nil
}

func sqliteKind(err error) error {
	switch {
	case errors.Is(err, sqlite3.CONSTRAINT_UNIQUE), errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY):
		return ErrExists
	case errors.Is(err, sqlite3.CONSTRAINT_FOREIGNKEY):
		return ErrMissing
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		return ErrRetry
	}
	return nil
}

// sqliteColumns names the result columns of a text on a driver connection.
func sqliteColumns(driverConn any, q string) (cols []string, err error) {
	stmt, _, err := driverConn.(driver.Conn).Raw().Prepare(q)
	if err != nil {
		return nil, err
	}
	for i := range stmt.ColumnCount() {
		cols = append(cols, stmt.ColumnName(i))
	}
	return cols, stmt.Close()
}

// IntegrityCheck asks SQLite to look through the whole file.
func (d *DB) IntegrityCheck(ctx context.Context) error {
	if d.dialect != SQLite {
		return nil
	}
	var answer string
	if err := d.writer.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&answer); err != nil {
		return fmt.Errorf("check database: %w", err)
	}
	if answer != "ok" {
		return fmt.Errorf("check database: %s", answer)
	}
	return nil
}

// Package db is the one handle to the database: SQLite in a file by default, PostgreSQL when the
// co-op grows. Features write portable SQL with $N parameters as package-level Query and Statement
// values; the handle translates, prepares and caches them, converts times and booleans, and says
// which errors mean "exists already" or "refers to nothing".
//
// Reads take a Handle, which is either the DB (a pool of readers) or a Tx. Writes take a *Tx. A
// function with a tx parameter joins its caller's transaction. On SQLite there is one writer
// connection, so code inside InTx must pass its tx down and never open a second one.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rochdale/internal/kit/clock"
)

// Dialect names the engine behind a DB.
type Dialect int

// The two engines.
const (
	SQLite Dialect = iota
	Postgres
)

func (d Dialect) String() string { return [...]string{"sqlite", "postgres"}[d] }

// DB is an open database. It is safe for use by many goroutines.
type DB struct {
	dialect Dialect
	clock   clock.Clock
	writer  *sql.DB // SQLite: exactly one connection
	reader  *sql.DB // SQLite: query_only connections; PostgreSQL: the writer again
	pool    *pgxpool.Pool
	path    string

	groupMu sync.Mutex // guards the next two; see group.go
	group   []*waiting
	leading bool

	readStmts, writeStmts sync.Map // *text -> *sql.Stmt; SQLite only, see prepare.go
}

// Open opens the database named by target, a "postgres://" address or the path of a SQLite file,
// which is created with its folder if it is not there, and proves that parameters arrive in order.
func Open(ctx context.Context, target string, c clock.Clock) (*DB, error) {
	d := &DB{clock: c}
	var err error
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		err = d.openPostgres(ctx, target)
	} else {
		err = d.openSQLite(ctx, target)
	}
	if err != nil {
		return nil, err
	}
	if err := d.selfTest(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) openSQLite(ctx context.Context, path string) (err error) {
	d.dialect, d.path = SQLite, path
	if dir := filepath.Dir(path); dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make data folder: %w", err)
		}
	}
	if d.writer, err = openSQLitePool(path, false, 1); err != nil {
		return err
	}
	// The file must exist with its journal mode before readers, which may not write, open it.
	if err := d.writer.PingContext(ctx); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	d.reader, err = openSQLitePool(path, true, max(4, 2*runtime.GOMAXPROCS(0)))
	return err
}

// selfTest catches the trap that SQLite numbers $2 by first use: see translate.
func (d *DB) selfTest(ctx context.Context) error {
	got, err := paramOrder.One(ctx, d, 10, 20)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	if got.First != 20 || got.Second != 10 || got.Third != 20 {
		return fmt.Errorf("open database: the driver mixes up parameters: $2,$1,$2 gave %v", got)
	}
	return nil
}

var paramOrder = Def[struct {
	First  int64 `db:"first"`
	Second int64 `db:"second"`
	Third  int64 `db:"third"`
}](`SELECT CAST($2 AS BIGINT) AS first, CAST($1 AS BIGINT) AS second, CAST($2 AS BIGINT) AS third`)

// Dialect is the engine in use.
func (d *DB) Dialect() Dialect { return d.dialect }

// Now is the clock's time; inside a transaction use Tx.Now.
func (d *DB) Now() time.Time { return d.clock.Now() }

// Clock is the clock the handle was opened with.
func (d *DB) Clock() clock.Clock { return d.clock }

// Writer is the pool that writes: for libraries that bring their own SQL (migrations, the job queue).
func (d *DB) Writer() *sql.DB { return d.writer }

// Reader is the pool that only reads.
func (d *DB) Reader() *sql.DB { return d.reader }

// Pool is the PostgreSQL pool for LISTEN, nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Path is the file of a SQLite database, "" on PostgreSQL.
func (d *DB) Path() string { return d.path }

// Close closes all connections. On SQLite the last one folds the write-ahead log into the file.
func (d *DB) Close() error {
	var errs []error
	for _, m := range []*sync.Map{&d.readStmts, &d.writeStmts} {
		m.Range(func(_, v any) bool {
			errs = append(errs, v.(*sql.Stmt).Close())
			return true
		})
	}
	if d.reader != nil && d.reader != d.writer {
		errs = append(errs, d.reader.Close())
	}
	if d.writer != nil {
		errs = append(errs, d.writer.Close())
	}
	if d.pool != nil {
		d.pool.Close()
	}
	return errors.Join(errs...)
}

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.reader.PingContext(ctx) }

// Package testkit gives tests real databases: a fresh SQLite file always, and a fresh PostgreSQL
// schema where ROCHDALE_TEST_POSTGRES names a server. With REQUIRE_ALL=1 a missing part is a failure
// instead of a skip.
package testkit

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx" for the schema maker

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
)

// Start is the instant at which test clocks stand.
var Start = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

// EachDB runs f as a subtest on each engine with an empty, migrated database and a clock at Start.
func EachDB(t *testing.T, migrations []db.Source, f func(t *testing.T, d *db.DB, c *clock.Fake)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		c := clock.NewFake(Start)
		f(t, SQLite(t, migrations, c), c)
	})
	t.Run("postgres", func(t *testing.T) {
		c := clock.NewFake(Start)
		f(t, Postgres(t, migrations, c), c)
	})
}

// SQLite opens a fresh database in a temporary folder.
func SQLite(tb testing.TB, migrations []db.Source, c clock.Clock) *db.DB {
	tb.Helper()
	return open(tb, filepath.Join(tb.TempDir(), "test.db"), migrations, c)
}

// Postgres opens a fresh schema, or skips the test.
func Postgres(tb testing.TB, migrations []db.Source, c clock.Clock) *db.DB {
	tb.Helper()
	return open(tb, PostgresAddress(tb), migrations, c)
}

var schemas atomic.Int64

// PostgresAddress makes a fresh schema that is dropped after the test, and returns the address of it.
func PostgresAddress(tb testing.TB) string {
	tb.Helper()
	u, name := postgres(tb, "CREATE SCHEMA %s", "DROP SCHEMA %s CASCADE")
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// PostgresDatabase makes a fresh database of its own, for what looks at the whole of one (a dump).
func PostgresDatabase(tb testing.TB) string {
	tb.Helper()
	u, name := postgres(tb, "CREATE DATABASE %s", "DROP DATABASE %s WITH (FORCE)")
	u.Path = "/" + name
	return u.String()
}

// postgres makes something with a name of its own on the test server, or skips the test.
func postgres(tb testing.TB, create, drop string) (server *url.URL, name string) {
	tb.Helper()
	address := os.Getenv("ROCHDALE_TEST_POSTGRES")
	if address == "" {
		Missing(tb, "PostgreSQL", "ROCHDALE_TEST_POSTGRES is not set")
	}
	server, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	pool, err := sql.Open("pgx", address)
	if err != nil {
		tb.Fatal(err)
	}
	name = fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := pool.ExecContext(context.Background(), fmt.Sprintf(create, name)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if _, err := pool.ExecContext(context.Background(), fmt.Sprintf(drop, name)); err != nil {
			tb.Error(err)
		}
		if err := pool.Close(); err != nil {
			tb.Error(err)
		}
	})
	return server, name
}

// Missing skips a test because something outside Go is not installed; where REQUIRE_ALL is set it
// fails instead, so that continuous integration cannot skip anything.
func Missing(tb testing.TB, what, why string) {
	tb.Helper()
	if os.Getenv("REQUIRE_ALL") != "" {
		tb.Fatalf("%s is required here: %s", what, why)
	}
	tb.Skipf("skipped without %s: %s", what, why)
}

func open(tb testing.TB, target string, migrations []db.Source, c clock.Clock) *db.DB {
	tb.Helper()
	d, err := db.Open(context.Background(), target, c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := d.Migrate(context.Background(), migrations); err != nil {
		tb.Fatal(err)
	}
	return d
}

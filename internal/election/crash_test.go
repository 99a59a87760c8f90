package election_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"rochdale/internal/kit/db"
)

// crasher lets the machine die between two writes: every table has triggers that let so many writes
// through and fail all others, as if there were no machine any more. The count is not part of any
// transaction, so that whatever a program does after its death fails as well.
type crasher struct {
	h    *hall
	left atomic.Int64 // SQLite's count; PostgreSQL has a sequence
	dead atomic.Bool
}

const never = int64(math.MaxInt64)

func newCrasher(h *hall) *crasher {
	h.t.Helper()
	c := &crasher{h: h}
	c.left.Store(never)
	if h.db.Dialect() == db.Postgres {
		h.exec(fmt.Sprintf(`CREATE TABLE crash (most BIGINT NOT NULL); INSERT INTO crash VALUES (%d); CREATE SEQUENCE crash_writes;
			CREATE FUNCTION crash_point() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF (SELECT most FROM crash) < %d AND nextval('crash_writes') > (SELECT most FROM crash) THEN RAISE EXCEPTION 'the machine died'; END IF;
				RETURN NULL; END $$`, never, never))
		for _, t := range h.tables() {
			h.exec(fmt.Sprintf(`CREATE TRIGGER crash BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION crash_point()`, t))
		}
		return c
	}
	conn, err := h.db.Writer().Conn(h.ctx)
	h.ok(err)
	h.ok(conn.Raw(func(raw any) error {
		return raw.(driver.Conn).Raw().CreateFunction("crash_point", 0, 0, func(ctx sqlite3.Context, _ ...sqlite3.Value) {
			if c.left.Load() != never && c.left.Add(-1) < 0 {
				c.dead.Store(true)
				ctx.ResultError(errors.New("the machine died"))
			}
		})
	}))
	h.ok(conn.Close())
	for _, t := range h.tables() {
		for _, verb := range []string{"INSERT", "UPDATE", "DELETE"} {
			h.exec(fmt.Sprintf(`CREATE TEMP TRIGGER crash_%s_%s BEFORE %s ON main.%s BEGIN SELECT crash_point(); END`, verb, t, verb, t))
		}
	}
	return c
}

// arm lets so many more writes through.
func (c *crasher) arm(writes int64) {
	c.dead.Store(false)
	if c.h.db.Dialect() == db.Postgres {
		c.h.exec(fmt.Sprintf(`SELECT setval('crash_writes', 1, false); UPDATE crash SET most = %d`, writes))
		return
	}
	c.left.Store(writes)
}

// disarm ends it, and reports whether the machine died.
func (c *crasher) disarm() bool {
	c.h.t.Helper()
	if c.h.db.Dialect() == db.Postgres {
		var most, last int64
		var called bool
		c.h.ok(c.h.db.Writer().QueryRowContext(c.h.ctx, `SELECT most, last_value, is_called FROM crash, crash_writes`).Scan(&most, &last, &called))
		// The guard of the table of limits itself is not counted: it has no trigger.
		c.h.exec(fmt.Sprintf(`UPDATE crash SET most = %d`, never))
		return called && last > most
	}
	c.left.Store(never)
	return c.dead.Load()
}

// exec runs SQL of the test's own.
func (h *hall) exec(query string, args ...any) {
	h.t.Helper()
	if h.db.Dialect() == db.SQLite && len(args) > 0 {
		query = strings.ReplaceAll(query, "$", "?") // which would number $2 by its first use
	}
	if _, err := h.db.Writer().ExecContext(h.ctx, query, args...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

// tables are all tables of the features, those that others refer to first.
func (h *hall) tables() []string {
	h.t.Helper()
	if h.tableNames != nil {
		return h.tableNames
	}
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%migrations%' AND name NOT LIKE '%goose%' ORDER BY rowid`
	if h.db.Dialect() == db.Postgres {
		query = `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname NOT LIKE '%migrations%'
			AND relname NOT LIKE '%goose%' AND relname <> 'crash' ORDER BY oid`
	}
	rows, err := h.db.Writer().QueryContext(h.ctx, query)
	h.ok(err)
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var name string
		h.ok(rows.Scan(&name))
		out = append(out, name)
	}
	h.ok(rows.Err())
	h.tableNames = out
	return out
}

// table is the content of one.
type table struct {
	name    string
	columns []string
	rows    [][]any
}

// dump reads every table.
func (h *hall) dump() []table {
	h.t.Helper()
	var out []table
	for _, name := range h.tables() {
		t := table{name: name}
		h.ok(func() error {
			rows, err := h.db.Reader().QueryContext(h.ctx, `SELECT * FROM `+name)
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			if t.columns, err = rows.Columns(); err != nil {
				return err
			}
			for rows.Next() {
				row := make([]any, len(t.columns))
				at := make([]any, len(row))
				for i := range row {
					at[i] = &row[i]
				}
				if err := rows.Scan(at...); err != nil {
					return err
				}
				t.rows = append(t.rows, row)
			}
			return rows.Err()
		}())
		out = append(out, t)
	}
	return out
}

// differs names the tables that are not the same in two dumps, with a row that tells them apart.
func differs(before, after []table) []string {
	var out []string
	for i := range before {
		a, b := lines(before[i]), lines(after[i])
		if slices.Equal(a, b) {
			continue
		}
		for _, l := range append(slices.Clone(a), b...) {
			if !slices.Contains(a, l) || !slices.Contains(b, l) {
				out = append(out, before[i].name+": "+l)
				break
			}
		}
	}
	return out
}

func lines(t table) []string {
	out := make([]string, len(t.rows))
	for i, r := range t.rows {
		out[i] = fmt.Sprint(r...)
	}
	slices.Sort(out)
	return out
}

// restore puts the tables back to what a dump says.
func (h *hall) restore(to []table) {
	h.t.Helper()
	tx, err := h.db.Writer().BeginTx(h.ctx, nil)
	h.ok(err)
	defer func() { _ = tx.Rollback() }()
	run := func(query string, args ...any) {
		if _, err := tx.ExecContext(h.ctx, query, args...); err != nil {
			h.t.Fatalf("%s: %v", query, err)
		}
	}
	for _, t := range slices.Backward(to) {
		run(`DELETE FROM ` + t.name)
	}
	for _, t := range to {
		h.insert(run, t)
	}
	h.ok(tx.Commit())
}

func (h *hall) insert(run func(query string, args ...any), t table) {
	for part := range slices.Chunk(t.rows, 20) {
		var values []string
		var args []any
		for _, row := range part {
			var marks []string
			for _, v := range row {
				args = append(args, v)
				marks = append(marks, fmt.Sprintf("$%d", len(args)))
			}
			values = append(values, "("+strings.Join(marks, ", ")+")")
		}
		query := fmt.Sprintf(`INSERT INTO %s (%s) VALUES %s`, t.name, strings.Join(t.columns, ", "), strings.Join(values, ", "))
		if h.db.Dialect() == db.SQLite {
			query = strings.ReplaceAll(query, "$", "?")
		}
		run(query, args...)
	}
}

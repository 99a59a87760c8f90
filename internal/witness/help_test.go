package witness_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
)

// rows are all rows of a table as text.
func (x *house) rows(table string) string {
	x.t.Helper()
	rows, err := x.db.Writer().QueryContext(x.ctx, `SELECT * FROM `+table)
	x.must(err)
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	x.must(err)
	var out strings.Builder
	for rows.Next() {
		cells := make([]any, len(cols))
		for i := range cells {
			cells[i] = new(any)
		}
		x.must(rows.Scan(cells...))
		for _, c := range cells {
			v := *c.(*any)
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			_, _ = fmt.Fprintf(&out, "%v|", v)
		}
		out.WriteByte('\n')
	}
	x.must(rows.Err())
	return out.String()
}

// dump is everything that the database holds.
func (x *house) dump() string {
	x.t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if x.db.Dialect() == db.Postgres {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	rows, err := x.db.Writer().QueryContext(x.ctx, query)
	x.must(err)
	var tables []string
	for rows.Next() {
		var name string
		x.must(rows.Scan(&name))
		tables = append(tables, name)
	}
	x.must(rows.Err())
	x.must(rows.Close())
	if !slices.Contains(tables, "witness_register") || !slices.Contains(tables, "river_job") {
		x.t.Fatalf("the tables are %v", tables)
	}
	var out strings.Builder
	for _, name := range tables {
		out.WriteString(x.rows(name))
	}
	return out.String()
}

func TestEveryQueryFits(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		if err := db.CheckRegistered(t.Context(), d); err != nil {
			t.Error(err)
		}
	})
}

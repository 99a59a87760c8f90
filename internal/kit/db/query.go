package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Handle is something to read with: a DB or a Tx.
type Handle interface {
	query(ctx context.Context, t *text, args []any) (*sql.Rows, error)
	Now() time.Time
	Dialect() Dialect
}

// text is one SQL statement in the words of both engines.
type text struct {
	source string
	engine [2]string
	check  func(ctx context.Context, d *DB, t *text) error
}

var registry struct {
	sync.Mutex
	texts []*text
}

func register(sqlite, postgres string, check func(context.Context, *DB, *text) error) *text {
	t := &text{source: sqlite, engine: [2]string{translate(SQLite, sqlite), translate(Postgres, postgres)}, check: check}
	registry.Lock()
	registry.texts = append(registry.texts, t)
	registry.Unlock()
	return t
}

var (
	listParam = regexp.MustCompile(`(?i)(NOT )?IN \$(\d+)\[\]`)
	fromParam = regexp.MustCompile(`(?i)FROM \$(\d+)\[\] AS (\w+)`)
	param     = regexp.MustCompile(`\$(\d+)`)
)

// translate puts a text into an engine's words: $N is ?N on SQLite, which would otherwise number
// parameters by first use, and "x IN $N[]" takes a whole slice as one parameter on both.
// "FROM $N[] AS v" reads a slice of ids as rows with one column, v.
func translate(d Dialect, s string) string {
	if d == SQLite {
		s = fromParam.ReplaceAllString(s, `FROM (SELECT value AS $2 FROM json_each($$$1)) AS $2`)
		s = listParam.ReplaceAllString(s, `${1}IN (SELECT value FROM json_each($$$2))`)
		return param.ReplaceAllString(s, `?$1`)
	}
	s = fromParam.ReplaceAllString(s, `FROM unnest(CAST($$$1 AS BIGINT[])) AS $2`)
	return listParam.ReplaceAllStringFunc(s, func(m string) string {
		p := listParam.FindStringSubmatch(m)
		if p[1] != "" {
			return "<> ALL($" + p[2] + ")"
		}
		return "= ANY($" + p[2] + ")"
	})
}

// Query is a statement that returns rows of T: a struct whose fields carry `db:"column"` tags (a
// struct field tagged `db:"prefix_"` takes the columns with that prefix), or a single value.
type Query[T any] struct {
	text *text
	plan atomic.Pointer[plan]
}

// Def makes a query from one portable text. Call it at package level in store.go: a test prepares
// every query on both engines.
func Def[T any](portable string) *Query[T] { return DefTwin[T](portable, portable) }

// DefTwin makes a query where the engines truly differ; the two texts stand side by side.
func DefTwin[T any](sqlite, postgres string) *Query[T] {
	q := &Query[T]{}
	q.text = register(sqlite, postgres, func(ctx context.Context, d *DB, t *text) error {
		cols, err := d.columns(ctx, t)
		if err != nil {
			return err
		}
		_, err = newPlan(reflect.TypeFor[T](), cols)
		return err
	})
	return q
}

// All returns every row.
func (q *Query[T]) All(ctx context.Context, h Handle, args ...any) ([]T, error) {
	return q.read(ctx, h, args, 0)
}

// One returns the first row, or ErrNone.
func (q *Query[T]) One(ctx context.Context, h Handle, args ...any) (T, error) {
	rows, err := q.read(ctx, h, args, 1)
	if err != nil || len(rows) == 0 {
		var zero T
		if err == nil {
			err = ErrNone
		}
		return zero, err
	}
	return rows[0], nil
}

// Find is One for rows that may be missing without that being an error.
func (q *Query[T]) Find(ctx context.Context, h Handle, args ...any) (row T, ok bool, err error) {
	row, err = q.One(ctx, h, args...)
	if errors.Is(err, ErrNone) {
		return row, false, nil
	}
	return row, err == nil, err
}

func (q *Query[T]) read(ctx context.Context, h Handle, args []any, limit int) (out []T, err error) {
	rows, err := h.query(ctx, q.text, encode(h.Dialect(), args))
	if err != nil {
		return nil, wrap("query", err)
	}
	defer func() {
		if e := rows.Close(); e != nil && err == nil {
			err = wrap("query", e)
		}
	}()
	p := q.plan.Load()
	if p == nil {
		cols, err := rows.Columns()
		if err != nil {
			return nil, wrap("query", err)
		}
		if p, err = newPlan(reflect.TypeFor[T](), cols); err != nil {
			return nil, fmt.Errorf("%w in %s", err, q.text.source)
		}
		q.plan.Store(p)
	}
	cells, dest := p.scratch()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, wrap("scan", err)
		}
		var row T
		if err := p.fill(reflect.ValueOf(&row).Elem(), cells); err != nil {
			return nil, fmt.Errorf("%w in %s", err, q.text.source)
		}
		if out = append(out, row); limit > 0 && len(out) == limit {
			return out, nil
		}
	}
	return out, wrap("query", rows.Err())
}

// Statement is an insert, update or delete without result rows.
type Statement struct{ text *text }

// Stmt makes a statement from one portable text; like Def, at package level in store.go.
func Stmt(portable string) *Statement { return StmtTwin(portable, portable) }

// StmtTwin makes a statement where the engines truly differ.
func StmtTwin(sqlite, postgres string) *Statement {
	return &Statement{register(sqlite, postgres, func(ctx context.Context, d *DB, t *text) error {
		_, err := d.columns(ctx, t)
		return err
	})}
}

// Run executes the statement and returns how many rows it touched.
func (s *Statement) Run(ctx context.Context, tx *Tx, args ...any) (int64, error) {
	res, err := tx.exec(ctx, s.text, encode(tx.Dialect(), args))
	if err != nil {
		return 0, wrap("execute", err)
	}
	n, err := res.RowsAffected()
	return n, wrap("execute", err)
}

// encode turns arguments into what both drivers take: times become milliseconds (zero time: 0),
// named integers int64, slices one list parameter.
func encode(d Dialect, args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case int64, string, bool, []byte, nil:
			out[i] = v
		case time.Time:
			out[i] = millis(v)
		default:
			out[i] = encodeReflect(d, v)
		}
	}
	return out
}

func encodeReflect(d Dialect, a any) any {
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.String:
		return v.String()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes()
		}
		return encodeList(d, v)
	}
	return a
}

func encodeList(d Dialect, v reflect.Value) any {
	if v.Type().Elem().Kind() == reflect.String {
		list := make([]string, v.Len())
		for i := range list {
			list[i] = v.Index(i).String()
		}
		if d == Postgres {
			return list
		}
		b, _ := json.Marshal(list) // strings always marshal
		return string(b)
	}
	list := make([]int64, v.Len())
	for i := range list {
		list[i] = v.Index(i).Int()
	}
	if d == Postgres {
		return list
	}
	var b strings.Builder
	b.WriteByte('[')
	for i, n := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d", n)
	}
	b.WriteByte(']')
	return b.String()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

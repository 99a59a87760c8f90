package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
)

var schema = []db.Source{{Feature: "test", Files: fstest.MapFS{
	"202601010000_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, done BOOLEAN NOT NULL, made_at BIGINT NOT NULL, body BYTEA NOT NULL);
CREATE TABLE parts (id BIGINT PRIMARY KEY, thing_id BIGINT NOT NULL REFERENCES things(id));
`)},
	"202601010001_twin.sqlite.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE twin (s TEXT);")},
	"202601010001_twin.postgres.sql": {Data: []byte("-- +goose Up\nCREATE TABLE twin (p TEXT);")},
}}}

type thing struct {
	ID     int64     `db:"id"`
	Name   string    `db:"name"`
	Done   bool      `db:"done"`
	MadeAt time.Time `db:"made_at"`
	Body   []byte    `db:"body"`
}

type part struct {
	ID    int64 `db:"id"`
	Thing thing `db:"thing_"`
}

var (
	insertThing = db.Stmt(`INSERT INTO things (id, name, done, made_at, body) VALUES ($1, $2, $3, $4, $5)`)
	insertPart  = db.Stmt(`INSERT INTO parts (id, thing_id) VALUES ($1, $2)`)
	getThing    = db.Def[thing](`SELECT id, name, done, made_at, body FROM things WHERE id = $1`)
	listThings  = db.Def[string](`SELECT name FROM things WHERE id IN $1[] AND NOT done ORDER BY id`)
	namedThings = db.Def[int64](`SELECT id FROM things WHERE name NOT IN $1[] ORDER BY id`)
	listParts   = db.Def[part](`SELECT p.id, t.id AS thing_id, t.name AS thing_name FROM parts p LEFT JOIN things t ON t.id = p.thing_id ORDER BY p.id`)
	newest      = db.Def[time.Time](`SELECT MAX(made_at) FROM things`)
	spread      = db.Stmt(`INSERT INTO parts (id, thing_id) SELECT v.v, $2 FROM $1[] AS v`)
)

func TestQueriesOnBothEngines(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		ctx := context.Background()
		if err := db.CheckRegistered(ctx, d); err != nil {
			t.Fatal(err)
		}
		want := thing{1, "one", true, c.Now(), []byte{0, 1, 255}}
		err := d.InTx(ctx, func(tx *db.Tx) error {
			for i, n := range []string{"one", "two", "three"} {
				if _, err := insertThing.Run(ctx, tx, int64(i+1), n, i == 0, tx.Now(), []byte{0, 1, 255}); err != nil {
					return err
				}
			}
			if _, err := spread.Run(ctx, tx, []int64{7, 8}, 2); err != nil {
				return err
			}
			got, err := getThing.One(ctx, tx, 1) // a transaction sees its own writes
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("inside the transaction: %s", diff)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := getThing.One(ctx, d, 1)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		if names, err := listThings.All(ctx, d, []int64{1, 3, 2, 99}); err != nil || strings.Join(names, " ") != "two three" {
			t.Errorf("list parameter: %v %v", names, err)
		}
		if ids, err := namedThings.All(ctx, d, []string{"one", "two"}); err != nil || len(ids) != 1 || ids[0] != 3 {
			t.Errorf("negated list of strings: %v %v", ids, err)
		}
		if ids, err := listThings.All(ctx, d, []int64{}); err != nil || len(ids) != 0 {
			t.Errorf("empty list: %v %v", ids, err)
		}
		parts, err := listParts.All(ctx, d)
		if err != nil || len(parts) != 2 || parts[1].Thing.Name != "two" {
			t.Errorf("nested rows: %+v %v", parts, err)
		}
		if at, err := newest.One(ctx, d); err != nil || !at.Equal(c.Now()) {
			t.Errorf("MAX of a time: %v %v", at, err)
		}
		if _, err := getThing.One(ctx, d, 99); !errors.Is(err, db.ErrNone) {
			t.Errorf("missing row: %v", err)
		}
	})
}

func TestErrorKinds(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		ctx := context.Background()
		add := func(id int, name string) error {
			return d.InTx(ctx, func(tx *db.Tx) error {
				_, err := insertThing.Run(ctx, tx, id, name, false, tx.Now(), []byte{})
				return err
			})
		}
		if err := add(1, "one"); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{"unique": add(2, "one"), "primary key": add(1, "two")} {
			if !errors.Is(err, db.ErrExists) {
				t.Errorf("%s: %v", name, err)
			}
		}
		err := d.InTx(ctx, func(tx *db.Tx) error { _, err := insertPart.Run(ctx, tx, 1, 77); return err })
		if !errors.Is(err, db.ErrMissing) {
			t.Errorf("foreign key: %v", err)
		}
	})
}

func TestRollbackAndAfterCommit(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		ctx := context.Background()
		ran := 0
		boom := errors.New("boom")
		err := d.InTx(ctx, func(tx *db.Tx) error {
			tx.AfterCommit(func() { ran++ })
			if _, err := insertThing.Run(ctx, tx, 1, "one", false, tx.Now(), []byte{}); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) || ran != 0 {
			t.Errorf("err %v, hooks run %d", err, ran)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.InTx(ctx, func(*db.Tx) error { panic("in a handler") })
		}()
		// The writer must be free again, the durable way too.
		err = d.InDurableTx(ctx, func(tx *db.Tx) error {
			tx.AfterCommit(func() { ran++ })
			_, err := insertThing.Run(ctx, tx, 1, "one", false, tx.Now(), []byte{})
			return err
		})
		if err != nil || ran != 1 {
			t.Errorf("err %v, hooks run %d", err, ran)
		}
	})
}

// Two transactions that each read a counter and write it back must not lose one of the steps.
func TestConcurrentWritersLoseNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		ctx := context.Background()
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 20 {
					err := d.InTx(ctx, func(tx *db.Tx) error {
						_, err := insertThing.Run(ctx, tx, i*100+j+1, strings.Repeat("x", i*100+j+1), false, tx.Now(), []byte{})
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if ids, err := namedThings.All(ctx, d, []string{}); err != nil || len(ids) != 160 {
			t.Errorf("%d rows, %v", len(ids), err)
		}
	})
}

// Members of a group commit do not feel each other: whatever fails, panics or gives up, the others are
// there, and what failed is not.
func TestGroupsShareACommitAndNothingElse(t *testing.T) {
	t.Parallel()
	d := testkit.SQLite(t, schema, clock.NewSystem())
	ctx := context.Background()
	boom := errors.New("boom")
	var wg sync.WaitGroup
	var hooks atomic.Int64
	for i := 1; i <= 400; i++ {
		wg.Go(func() {
			ctx := ctx
			if i%7 == 0 {
				gone, cancel := context.WithCancel(ctx)
				cancel()
				ctx = gone
			}
			defer func() {
				if p := recover(); (p != nil) != (i%5 == 0 && i%3 != 0 && i%7 != 0) {
					t.Errorf("%d panicked with %v", i, p)
				}
			}()
			err := d.InTx(ctx, func(tx *db.Tx) error {
				tx.AfterCommit(func() { hooks.Add(1) })
				if _, err := insertThing.Run(ctx, tx, i, strings.Repeat("x", i), false, tx.Now(), []byte{}); err != nil {
					return err
				}
				switch {
				case i%3 == 0:
					return boom
				case i%5 == 0:
					panic(i)
				case i%11 == 0: // a statement that fails after one that did not
					_, err := insertThing.Run(ctx, tx, i, strings.Repeat("x", i), false, tx.Now(), []byte{})
					return err
				}
				return nil
			})
			if want := i%3 == 0 || i%7 == 0 || i%11 == 0; (err != nil) != want {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	want := int64(0)
	for i := int64(1); i <= 400; i++ {
		there := i%3 != 0 && i%5 != 0 && i%7 != 0 && i%11 != 0
		if there {
			want++
		}
		if _, found, err := getThing.Find(ctx, d, i); err != nil || found != there {
			t.Errorf("%d is there: %v (%v)", i, found, err)
		}
	}
	if hooks.Load() != want {
		t.Errorf("%d hooks for %d commits", hooks.Load(), want)
	}
}

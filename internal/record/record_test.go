package record_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/record"
)

var schema = []db.Source{record.Migrations()}

func fill(t *testing.T, s *record.Service, d *db.DB, c *clock.Fake, n int) {
	t.Helper()
	ctx := context.Background()
	for i := range n {
		c.Advance(time.Minute)
		err := d.InDurableTx(ctx, func(tx *db.Tx) error {
			e := record.Entry{Kind: "member.admitted", Subject: ref.Ref{Kind: "member", ID: 7}, Data: map[string]int{"number": i}}
			if i%2 == 0 {
				e.Private = map[string]string{"email": fmt.Sprintf("m%d@example.org", i)}
			}
			_, err := s.Append(ctx, tx, e)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if i == n/2 {
			if _, err := s.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRecordIsWholeAndErasable(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		ctx := context.Background()
		s := record.New(d, "coop.example")
		fill(t, s, d, c, 9)
		note, err := s.Checkpoint(ctx)
		if err != nil || !strings.HasPrefix(note, "coop.example/record\n9\n") {
			t.Fatalf("checkpoint %q, %v", note, err)
		}
		if again, err := s.Checkpoint(ctx); err != nil || again != note {
			t.Errorf("a checkpoint changed: %q, %v", again, err)
		}
		if err := d.InTx(ctx, func(tx *db.Tx) error { return s.ErasePrivate(ctx, tx, 3) }); err != nil {
			t.Fatal(err)
		}
		rep, err := s.Verify(ctx)
		if err != nil || rep.Events != 9 || rep.Checkpoints != 2 || rep.Erased != 1 {
			t.Errorf("%+v %v", rep, err)
		}
		for _, e := range must(s.List(ctx, 0, "", 100)) {
			if strings.Contains(e.Body, "example.org") {
				t.Errorf("personal data in the hashed body: %s", e.Body)
			}
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Every way to tamper with the rows is found, and the right event is named.
func TestVerifyNamesTheFirstEventThatDoesNotFit(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		sql  string
		want int64
	}{
		"body":       {`UPDATE record_events SET body = replace(body, '"number":3', '"number":4') WHERE seq = 4`, 4},
		"kind":       {`UPDATE record_events SET kind = 'member.expelled' WHERE seq = 2`, 2},
		"time":       {`UPDATE record_events SET at = at + 1 WHERE seq = 5`, 5},
		"hash":       {`UPDATE record_events SET hash = 'x' || substr(hash, 2) WHERE seq = 6`, 6},
		"link":       {`UPDATE record_events SET prev = 'x' || substr(prev, 2) WHERE seq = 6`, 6},
		"left out":   {`DELETE FROM record_events WHERE seq = 4`, 4},
		"cut off":    {`DELETE FROM record_events WHERE seq = 9`, 9},
		"tree":       {`UPDATE record_tree SET hash = (SELECT hash FROM record_tree WHERE idx = 0) WHERE idx = 7`, 5},
		"subject":    {`UPDATE record_events SET subject = 'member:8' WHERE seq = 3`, 3},
		"member":     {`UPDATE record_events SET member = 'member:8' WHERE seq = 8`, 8},
		"authority":  {`UPDATE record_events SET authority = 'mandate:1' WHERE seq = 7`, 7},
		"inner tree": {`UPDATE record_tree SET hash = (SELECT hash FROM record_tree WHERE idx = 0) WHERE idx = 14`, 8},
		"tree short": {`DELETE FROM record_tree WHERE idx = 6`, 4},
		"personal":   {`UPDATE record_private SET data = '{"email":"other"}' WHERE seq = 3`, 3},
		"salt":       {`UPDATE record_private SET salt = 'x' WHERE seq = 1`, 1},
		"checkpoint": {`UPDATE record_checkpoints SET note = replace(note, 'coop', 'kopf')`, 5},
		"forged":     {`INSERT INTO record_checkpoints (size, note, at) VALUES (7, 'coop.example/record', 0)`, 7},
	}
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		ctx := context.Background()
		s := record.New(d, "coop.example")
		fill(t, s, d, c, 9)
		for name, tc := range cases {
			t.Run(name, func(t *testing.T) {
				undo := snapshot(t, d.Writer())
				defer undo()
				if d.Dialect() == db.Postgres && name == "left out" || name == "cut off" {
					if _, err := d.Writer().ExecContext(ctx, `DELETE FROM record_private WHERE seq IN (4, 9)`); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := d.Writer().ExecContext(ctx, tc.sql); err != nil {
					t.Fatal(err)
				}
				_, err := s.Verify(ctx)
				var broken *record.Broken
				if !errors.As(err, &broken) || broken.Seq != tc.want {
					t.Errorf("got %v, want event %d named", err, tc.want)
				}
			})
		}
		if _, err := s.Verify(ctx); err != nil {
			t.Errorf("after undoing everything: %v", err)
		}
	})
}

// snapshot keeps copies of the record's tables and gives a function that puts them back.
func snapshot(t *testing.T, pool *sql.DB) func() {
	t.Helper()
	run := func(q string) {
		if _, err := pool.ExecContext(context.Background(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	tables := []string{"record_events", "record_private", "record_tree", "record_checkpoints"}
	for _, name := range tables {
		run("CREATE TABLE keep_" + name + " AS SELECT * FROM " + name)
	}
	return func() {
		run("DELETE FROM record_private")
		for _, name := range tables {
			run("DELETE FROM " + name)
			run("INSERT INTO " + name + " SELECT * FROM keep_" + name)
			run("DROP TABLE keep_" + name)
		}
	}
}

func TestAppendsFromManySidesMakeOneChain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		ctx := context.Background()
		s := record.New(d, "coop.example")
		done := make(chan error)
		for range 6 {
			go func() {
				for range 10 {
					if err := d.InDurableTx(ctx, func(tx *db.Tx) error {
						_, err := s.Append(ctx, tx, record.Entry{Kind: "test.happened"})
						return err
					}); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 6 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if rep, err := s.Verify(ctx); err != nil || rep.Events != 60 {
			t.Errorf("%+v %v", rep, err)
		}
	})
}

// A walk that is stopped says so, and not that something is missing.
func TestVerifyThatIsStoppedBlamesNobody(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	d := testkit.SQLite(t, schema, c)
	s := record.New(d, "coop.example")
	fill(t, s, d, c, 9)
	ctx, stop := context.WithCancel(context.Background())
	s.Sources = []record.Source{func(context.Context, db.Handle) (map[ref.Ref]any, error) { return nil, nil }}
	stop()
	_, err := s.Verify(ctx)
	var broken *record.Broken
	if err == nil || errors.As(err, &broken) {
		t.Errorf("got %v", err)
	}
}

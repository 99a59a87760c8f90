package record_test

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/record"
)

func at(kind string, i id.ID) ref.Ref { return ref.Ref{Kind: kind, ID: i} }

// written are the events of a short history, one a day.
func written(t *testing.T, s *record.Service, d *db.DB, c *clock.Fake) {
	t.Helper()
	under := authz.Authority{Kind: authz.Mandate, ID: 5}
	for _, e := range []record.Entry{
		{Kind: "coop.founded", Subject: at("coop", 1)},
		{Kind: "member.joined", Subject: at("member", 7), State: map[string]int{"number": 1}},
		{Kind: "decision.called", Subject: at("decision", 3), Member: at("member", 7), State: map[string]string{"state": "called"}},
		{Kind: "decision.seconded", Subject: at("decision", 3), Member: at("member", 8)},
		{Kind: "decision.counted", Subject: at("decision", 3), State: map[string]string{"state": "carried"}},
		{Kind: "act.member.admit", Subject: at("member", 9), Member: at("member", 7), Authority: under},
		{Kind: "act.member.suspend", Subject: at("member", 8), Member: at("member", 7), Authority: under},
		{Kind: "decisions.other", Subject: at("decision", 33)},
	} {
		c.Advance(24 * time.Hour)
		err := d.InDurableTx(context.Background(), func(tx *db.Tx) error {
			_, err := s.Append(context.Background(), tx, e)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return testkit.Start.AddDate(0, 0, n) }
	cases := map[string]struct {
		f    record.Filter
		want []int64
	}{
		"all":              {record.Filter{}, []int64{8, 7, 6, 5, 4, 3, 2, 1}},
		"page":             {record.Filter{Before: 7, Limit: 2}, []int64{6, 5}},
		"kind":             {record.Filter{Kinds: []string{"decision."}}, []int64{5, 4, 3}},
		"one kind":         {record.Filter{Kinds: []string{"decision.counted"}}, []int64{5}},
		"kinds":            {record.Filter{Kinds: []string{"coop.", "act."}}, []int64{7, 6, 1}},
		"kinds, page":      {record.Filter{Kinds: []string{"coop.", "act."}, Before: 7, Limit: 1}, []int64{6}},
		"no such kind":     {record.Filter{Kinds: []string{"rule."}}, nil},
		"subject":          {record.Filter{Subject: at("decision", 3)}, []int64{5, 4, 3}},
		"subject, member":  {record.Filter{Subject: at("decision", 3), Member: at("member", 8)}, []int64{4}},
		"subject, kind":    {record.Filter{Subject: at("decision", 3), Kinds: []string{"decision.co", "act."}}, []int64{5}},
		"member":           {record.Filter{Member: at("member", 7)}, []int64{7, 6, 3}},
		"member, kind":     {record.Filter{Member: at("member", 7), Kinds: []string{"act."}}, []int64{7, 6}},
		"authority":        {record.Filter{Authority: at("mandate", 5)}, []int64{7, 6}},
		"authority, dates": {record.Filter{Authority: at("mandate", 5), From: day(7)}, []int64{7}},
		"from":             {record.Filter{From: day(6)}, []int64{8, 7, 6}},
		"between":          {record.Filter{From: day(2), Until: day(4)}, []int64{3, 2}},
		"just after":       {record.Filter{From: day(2).Add(time.Millisecond), Until: day(3).Add(time.Millisecond)}, []int64{3}},
		"later":            {record.Filter{From: day(20)}, nil},
		"earlier":          {record.Filter{Until: day(1)}, nil},
		"turned around":    {record.Filter{From: day(5), Until: day(2)}, nil},
		"kinds, dates":     {record.Filter{Kinds: []string{"decision."}, Until: day(5)}, []int64{4, 3}},
		"nobody":           {record.Filter{Member: at("member", 70)}, nil},
	}
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		s := record.New(d, "coop.example")
		if list, err := s.Find(context.Background(), record.Filter{From: day(1)}); err != nil || list != nil {
			t.Errorf("an empty record: %v %v", list, err)
		}
		written(t, s, d, c)
		for name, tc := range cases {
			if tc.f.Limit == 0 {
				tc.f.Limit = 50
			}
			list, err := s.Find(context.Background(), tc.f)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			var got []int64
			for _, e := range list {
				got = append(got, e.Seq)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}

func TestBeforeIsTheLastStateOfTheSubject(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		ctx := context.Background()
		s := record.New(d, "coop.example")
		written(t, s, d, c)
		for seq, want := range map[int64]int64{1: 0, 3: 0, 5: 3, 6: 0, 4: 3} {
			e, b, err := s.Before(ctx, must(s.Get(ctx, seq)))
			if err != nil || e.Seq != want || (want != 0) != (b.State != nil) {
				t.Errorf("before %d comes %d with %s, %v", seq, e.Seq, b.State, err)
			}
		}
	})
}

// A search reads from an index, so that it costs the same in a long record.
func TestFindUsesTheIndexes(t *testing.T) {
	t.Parallel()
	d := testkit.SQLite(t, schema, clock.NewFake(testkit.Start))
	for _, column := range []string{"subject", "member", "authority", "kind"} {
		plan := explain(t, d, `SELECT seq FROM record_events WHERE `+column+` = 'x:1' AND seq < 9 AND seq >= 0 AND ('' = '' OR member = 'y')
			AND (1 = 0 OR kind IN (SELECT value FROM json_each('["a"]'))) ORDER BY seq DESC LIMIT 50`)
		if !strings.Contains(plan, "record_events_"+column) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: %s", column, plan)
		}
	}
}

func explain(t *testing.T, d *db.DB, query string) (plan string) {
	t.Helper()
	rows, err := d.Writer().QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var a, b, c int
		var words string
		if err := rows.Scan(&a, &b, &c, &words); err != nil {
			t.Fatal(err)
		}
		plan += words + "\n"
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}

// A record that was begun before entries could be found by their subject can be searched afterwards, and is whole.
func TestOldEntriesAreFound(t *testing.T) {
	t.Parallel()
	files := record.Migrations().Files
	first := fstest.MapFS{}
	names, err := fs.Glob(files, "migrations/*_record.sql")
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	b, err := fs.ReadFile(files, names[0])
	if err != nil {
		t.Fatal(err)
	}
	first[names[0]] = &fstest.MapFile{Data: b}
	testkit.EachDB(t, []db.Source{{Feature: "record", Files: first}}, func(t *testing.T, d *db.DB, c *clock.Fake) {
		ctx := context.Background()
		for i, body := range []string{`{"subject":"member:7","member":"member:8","authority":"mandate:5"}`, `{"data":{"subject":"member:7"}}`} {
			if _, err := d.Writer().ExecContext(ctx, fmt.Sprintf(`INSERT INTO record_events (seq, at, kind, body, prev, hash) VALUES (%d, 0, 'a.b', '%s', '', '')`, i+1, body)); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Migrate(ctx, schema); err != nil {
			t.Fatal(err)
		}
		s := record.New(d, "coop.example")
		for _, f := range []record.Filter{{Subject: at("member", 7)}, {Member: at("member", 8)}, {Authority: at("mandate", 5)}} {
			f.Limit = 10
			if list := must(s.Find(ctx, f)); len(list) != 1 || list[0].Seq != 1 {
				t.Errorf("%+v finds %v", f, list)
			}
		}
	})
}

func TestEveryQueryFits(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, slices.Clone(schema), func(t *testing.T, d *db.DB, _ *clock.Fake) {
		if err := db.CheckRegistered(context.Background(), d); err != nil {
			t.Error(err)
		}
	})
}

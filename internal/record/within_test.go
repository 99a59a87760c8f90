package record_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/record"
)

type said map[string]any

// institutions are the events of two bodies: 1 is the general meeting, 2 a group below it. Decision 3
// is of the meeting and makes the group, mandate 4 is an office of the group.
func institutions() []record.Entry {
	decided, held := authz.Authority{Kind: authz.Decision, ID: 3}, authz.Authority{Kind: authz.Mandate, ID: 4}
	return []record.Entry{
		1:  {Kind: "body.formed", Subject: at("body", 1), State: said{"handle": "general-meeting"}},
		2:  {Kind: "decision.published", Subject: at("decision", 3), Member: at("member", 7), State: said{"body": id.ID(1), "text": "Form a group"}},
		3:  {Kind: "decision.commented", Subject: at("comment", 30), Member: at("member", 8), Data: said{"decision": id.ID(3)}},
		4:  {Kind: "decision.seconded", Subject: at("decision", 3), Member: at("member", 8)},
		5:  {Kind: "decision.voted", Subject: at("vote", 31), Member: at("member", 8), Data: said{"decision": id.ID(3)}, State: said{"decision": id.ID(3)}},
		6:  {Kind: "act.body.create", Subject: at("body", 1), Authority: decided, Data: said{"handle": "tech"}},
		7:  {Kind: "body.formed", Subject: at("body", 2), Authority: decided, State: said{"handle": "tech", "parent": id.ID(1)}},
		8:  {Kind: "mandate.given", Subject: at("mandate", 4), Data: said{"body": "tech"}, State: said{"body": id.ID(2)}},
		9:  {Kind: "seat.taken", Subject: at("seat", 5), Member: at("member", 7), State: said{"body": id.ID(2)}},
		10: {Kind: "act.member.suspend", Subject: at("member", 9), Member: at("member", 7), Authority: held},
		11: {Kind: "act.mandate.recall", Subject: at("mandate", 4), Authority: decided},
		12: {Kind: "decision.published", Subject: at("decision", 33), State: said{"body": id.ID(2)}},
		13: {Kind: "member.resigned", Subject: at("member", 9), Data: said{"body": []int{1}, "decision": "03", "election": 2}},
		14: {Kind: "election.announced", Subject: at("election", 40), State: said{"body": id.ID(2)}},
		15: {Kind: "mandate.given", Subject: at("mandate", 44), Authority: authz.Authority{Kind: authz.Election, ID: 40}, State: said{"body": id.ID(1)}},
		16: {Kind: "ballot.marked", Subject: at("mark", 45), Data: said{"election": id.ID(40)}},
	}[1:]
}

func chronicle(t *testing.T, s *record.Service, d *db.DB) {
	t.Helper()
	for _, e := range institutions() {
		if err := d.InDurableTx(context.Background(), func(tx *db.Tx) error {
			_, err := s.Append(context.Background(), tx, e)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

var belongs = map[string]struct {
	f    record.Filter
	want []int64
}{
	"the meeting":            {record.Filter{Within: at("body", 1)}, []int64{15, 11, 7, 6, 4, 2, 1}},
	"the group":              {record.Filter{Within: at("body", 2)}, []int64{15, 14, 12, 11, 10, 9, 8, 7}},
	"an election":            {record.Filter{Within: at("election", 40)}, []int64{16, 15, 14}},
	"a motion":               {record.Filter{Within: at("decision", 3)}, []int64{11, 7, 6, 5, 4, 3, 2}},
	"another motion":         {record.Filter{Within: at("decision", 33)}, []int64{12}},
	"no such motion":         {record.Filter{Within: at("decision", 34)}, nil},
	"a page":                 {record.Filter{Within: at("decision", 3), Before: 7, Limit: 2}, []int64{6, 5}},
	"the acts of a body":     {record.Filter{Within: at("body", 2), Kinds: []string{"act."}}, []int64{11, 10}},
	"by a member":            {record.Filter{Within: at("decision", 3), Member: at("member", 8)}, []int64{5, 4, 3}},
	"about one thing":        {record.Filter{Within: at("body", 2), Subject: at("mandate", 4)}, []int64{11, 8}},
	"about nothing of it":    {record.Filter{Within: at("body", 1), Subject: at("seat", 5)}, nil},
	"under a decision":       {record.Filter{Within: at("body", 2), Authority: at("decision", 3)}, []int64{11, 7}},
	"the subject alone":      {record.Filter{Subject: at("decision", 3)}, []int64{4, 2}},
	"days and what it is of": {record.Filter{Within: at("body", 2), Until: testkit.Start.AddDate(-1, 0, 0)}, nil},
}

// TestWithin: of a body one finds what it decided, what was done under its mandates and what concerns
// it; of a motion its whole life, with votes, comments and what its effects changed.
func TestWithin(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		s := record.New(d, "coop.example")
		chronicle(t, s, d)
		findsWithin(t, s)
		if _, err := s.Verify(context.Background()); err != nil {
			t.Errorf("verify: %v", err)
		}
		for _, change := range []string{`DELETE FROM record_within WHERE seq = 10`, `INSERT INTO record_within (thing, seq) VALUES ('body:1', 10)`} {
			if _, err := d.Writer().ExecContext(context.Background(), change); err != nil {
				t.Fatal(err)
			}
			var broken *record.Broken
			if _, err := s.Verify(context.Background()); !errors.As(err, &broken) || broken.Seq != 10 {
				t.Errorf("after %s: %v", change, err)
			}
		}
	})
}

func findsWithin(t *testing.T, s *record.Service) {
	t.Helper()
	for name, tc := range belongs {
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
}

func TestAbout(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		about ref.Ref
		f     record.Filter
		want  record.Filter
	}{
		{at("decision", 3), record.Filter{}, record.Filter{Within: at("decision", 3)}},
		{at("election", 3), record.Filter{}, record.Filter{Within: at("election", 3)}},
		{at("body", 3), record.Filter{}, record.Filter{Within: at("body", 3)}},
		{at("member", 3), record.Filter{}, record.Filter{Subject: at("member", 3)}},
		{at("decision", 3), record.Filter{Within: at("body", 1)}, record.Filter{Within: at("body", 1), Subject: at("decision", 3)}},
		{ref.Ref{}, record.Filter{}, record.Filter{}},
	} {
		tc.f.About(tc.about)
		if diff := cmp.Diff(tc.want, tc.f); diff != "" {
			t.Errorf("about %s: %s", tc.about, diff)
		}
	}
}

// A record that was written before knew nothing of what belongs to what: the migration finds it out, as
// verifying confirms.
func TestOldEntriesBelong(t *testing.T) {
	t.Parallel()
	files := record.Migrations().Files
	old := fstest.MapFS{}
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if b, err := fs.ReadFile(files, name); err != nil {
			t.Fatal(err)
		} else if !strings.Contains(name, "_within.") {
			old[name] = &fstest.MapFile{Data: b}
		}
	}
	testkit.EachDB(t, schema, func(t *testing.T, from *db.DB, _ *clock.Fake) {
		chronicle(t, record.New(from, "coop.example"), from)
		list, err := record.New(from, "coop.example").Find(t.Context(), record.Filter{Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		testkit.EachDB(t, []db.Source{{Feature: "record", Files: old}}, func(t *testing.T, d *db.DB, _ *clock.Fake) {
			for _, e := range list {
				if err := d.InTx(t.Context(), func(tx *db.Tx) error { return record.InsertOld(t.Context(), tx, e) }); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Migrate(t.Context(), schema); err != nil {
				t.Fatal(err)
			}
			findsWithin(t, record.New(d, "coop.example"))
		})
	})
}

// What belongs to a thing is read from an index, in the order in which it is shown.
func TestWithinUsesTheIndex(t *testing.T) {
	t.Parallel()
	d := testkit.SQLite(t, schema, clock.NewFake(testkit.Start))
	plan := explain(t, d, `SELECT seq FROM (SELECT w.seq AS n FROM record_within w WHERE w.thing = 'body:1' AND w.seq < 9 AND w.seq >= 0) AS own
		JOIN record_events ON seq = n WHERE ('' = '' OR member = 'y') ORDER BY n DESC LIMIT 50`)
	if !strings.Contains(plan, "w USING") || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
		t.Error(plan)
	}
}

package decision_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/mandate"
	"rochdale/internal/rulebook"
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

// A step of the story below: what happens, by how many transactions at most.
type step struct {
	name string
	many bool // several transactions, of which the first may be done
	do   func() error
}

// The machine dies between any two writes of anything that the binding core does: nothing of it is
// there afterwards, the record is whole, and doing it again does it once.
func TestACrashBetweenAnyTwoWrites(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		h := newHall(t, d, c)
		h.found("social-coop", 4)
		crash := newCrasher(h)
		died := 0
		try := func(s step) {
			before := h.dump()
			for writes := int64(0); ; writes++ {
				crash.arm(writes)
				err := s.do()
				if !crash.disarm() {
					h.ok(err)
					return
				}
				died++
				if err == nil {
					t.Fatalf("%s: died at write %d and said it was done", s.name, writes)
				}
				h.reopen()
				if s.many {
					h.whole()
				} else if lost := differs(before, h.dump()); len(lost) > 0 {
					t.Fatalf("%s: died at write %d and left %v", s.name, writes, lost)
				}
				if t.Failed() {
					t.Fatalf("%s: died at write %d", s.name, writes)
				}
				if writes > 400 {
					t.Fatalf("%s never ends", s.name)
				}
			}
		}
		h.crashStory(try)
		h.whole()
		h.audit().report(t)
		if died < 300 {
			t.Errorf("the machine died %d times only", died)
		}
	})
}

// crashStory is a life of the co-op in which everything happens once.
func (h *hall) crashStory(try func(step)) {
	ann, ben := h.people[1], h.people[2]
	var m decision.Motion
	var group mandate.Body
	one := func(name string, f func() error) { try(step{name: name, do: f}) }
	pass := func(d time.Duration) {
		h.clock.Advance(d)
		try(step{name: "advance", many: true, do: func() error { return h.Advance(h.ctx) }})
	}
	vote := func(word string, who ...authz.Actor) {
		for i, by := range who {
			cast := func() error {
				_, err := h.Cast(h.ctx, by, m.ID, decision.Choice{Choice: word}, "because")
				return err
			}
			if i == 0 {
				one("cast", cast)
			} else {
				h.ok(cast())
			}
		}
	}
	put := func(d decision.Drafting, c decision.Calling) {
		d.Title = "A motion"
		var err error
		one("draft", func() error { m, err = h.Draft(h.ctx, ann, d); return err })
		one("publish", func() error { _, err := h.Publish(h.ctx, ann, m.ID); return err })
		one("call", func() error { _, err := h.Call(h.ctx, ann, m.ID, c); return err })
		m = h.get(m.ID)
	}
	force := func(who ...authz.Actor) {
		vote(decision.Agree, who...)
		pass(6 * day)
		pass(2 * day)
	}

	put(decision.Drafting{Effects: []decision.Proposed{carry(mandate.CreateBody, args{"parent": h.root().ID, "kind": mandate.WorkingGroup, "handle": "care", "name": "Care",
		"aim": "", "domain": []string{coop.Power, "moderation.block"}, "seats": 0, "joining": mandate.Open})}}, decision.Calling{Opens: h.clock.Now().Add(time.Hour)})
	pass(time.Hour)
	vote(decision.Agree, ben)
	vote(decision.Disagree, ben)
	one("extend", func() error {
		_, err := h.Extend(h.ctx, ann, m.ID, m.ClosesAt.Add(day), "holidays")
		return err
	})
	h.clock.Advance(day)
	force(h.people...)
	h.is(m.ID, decision.InForce, "carried", decision.Done)
	var err error
	group, err = h.mandate.BodyByHandle(h.ctx, h.db, "care")
	h.ok(err)
	one("join", func() error { return h.mandate.Join(h.ctx, ben, group.ID) })

	put(decision.Drafting{Effects: []decision.Proposed{carry(mandate.Appoint, args{"body": group.ID, "member": ben.Member, "office": "Steward", "powers": []string{coop.Power}, "days": 30})}}, decision.Calling{})
	force(h.founder, ann)
	offers, err := h.mandate.InBody(h.ctx, group.ID)
	h.ok(err)
	one("accept", func() error { return h.mandate.Accept(h.ctx, ben, offers[0].ID) })
	one("an act", func() error {
		return h.coop.Describe(h.ctx, ben, coop.Description{Name: "By Ben", Joining: coop.ByApplication}, "why not")
	})
	one("resign the office", func() error { return h.mandate.Resign(h.ctx, ben, offers[0].ID, "tired") })

	// Urgent, and not ratified.
	put(decision.Drafting{Effects: []decision.Proposed{h.describe("In a hurry")}}, decision.Calling{For: day, Urgent: "the printer waits"})
	vote(decision.Agree, ann, ben)
	pass(day)
	pass(2 * day)
	next, err := h.Followers(h.ctx, ann, m.ID)
	h.ok(err)
	urgent := m.ID
	m = next[0]
	vote(decision.Disagree, ann)
	pass(6 * day)
	h.is(urgent, decision.Rescinded, "carried", decision.Done)

	// A petition, and a call-in.
	one("draft", func() error {
		m, err = h.Draft(h.ctx, ben, decision.Drafting{Title: "A petition", Petition: true, Effects: []decision.Proposed{h.describe("Called In")}})
		return err
	})
	one("publish", func() error { _, err := h.Publish(h.ctx, ben, m.ID); return err })
	amendment := decision.Amendment{}
	one("amend", func() error { amendment, err = h.Amend(h.ctx, ann, m.ID, "Better words.", "style"); return err })
	one("answer", func() error { return h.Answer(h.ctx, ben, amendment.ID, decision.AmendmentAccepted, "yes") })
	one("comment", func() error { _, err := h.Comment(h.ctx, ann, m.ID, 0, "I like it."); return err })
	one("petition", func() error { _, err := h.Support(h.ctx, ann, m.ID, decision.Petition, "let us"); return err })
	vote(decision.Agree, ann)
	pass(6 * day)
	for i, by := range h.people[:3] {
		sign := func() error { _, err := h.Support(h.ctx, by, m.ID, decision.CallIn, "all"); return err }
		if i == 2 {
			one("call in", sign)
		} else {
			h.ok(sign())
		}
	}
	h.is(m.ID, decision.CalledIn, "carried", "")
	next, err = h.Followers(h.ctx, ann, m.ID)
	h.ok(err)
	m = next[0]
	force(h.people...)
	h.is(m.ID, decision.InForce, "carried", decision.Done)

	// A change of rules, its rescission, and an expulsion.
	r := h.rule(rulebook.Group)
	r.Window = 9
	put(decision.Drafting{Effects: []decision.Proposed{carry(rulebook.Adopt, args{"rule": r})}}, decision.Calling{})
	vote(decision.Agree, h.people...)
	pass(10 * day)
	pass(2 * day)
	one("undo", func() error { _, err := h.Undo(h.ctx, ann, m.ID); return err })
	put(decision.Drafting{Effects: []decision.Proposed{carry("member.expel", args{"member": ben.Member})}}, decision.Calling{})
	vote(decision.Agree, h.people[0], ann)
	pass(6 * day)
	pass(2 * day)
	h.is(m.ID, decision.InForce, "carried", decision.Done)

	// An emergency act of the operator's, asked about and undone.
	one("the operator", func() error {
		return h.coop.Describe(h.ctx, authz.Actor{Via: authz.Operator}, coop.Description{Name: "By the operator", Joining: coop.Closed}, "")
	})
	one("ask", func() error { return h.AskAboutEmergencies(h.ctx) })
	pass(mandate.OperatorDays * day)
	one("lapse", func() error { return h.mandate.Lapse(h.ctx) })
	if h.name() != "Called In" {
		h.t.Errorf("after all the co-op is called %s", h.name())
	}
	h.clock.Advance(60 * day)
	try(step{name: "sweep", many: true, do: func() error { return h.mandate.Sweep(h.ctx) }})
	one("leave", func() error { return h.member.Resign(h.ctx, h.people[3], password, local) })
	one("checkpoint", func() error { _, err := h.record.Checkpoint(h.ctx); return err })
}

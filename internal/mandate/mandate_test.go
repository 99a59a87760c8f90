package mandate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
)

var schema = []db.Source{record.Migrations(), mandate.Migrations()}

var powers = []authz.Power{{Name: "member.admit"}, {Name: "coop.describe"}, {Name: "page.edit"}}

// undoing is what undoes the acts of these tests, if it were ever applied.
var undoing = effect.Registry{{Name: "nothing", New: func() effect.Effect { return &nothing{} }}}

type nothing struct {
	effect.Effect
	N int `json:"n"`
}

var admitting = authz.Target{Kind: "application", ID: 9}

// office is the feature with one body, and mandates that tests put in by hand.
type office struct {
	*mandate.Service
	t      testing.TB
	db     *db.DB
	clock  *clock.Fake
	ctx    context.Context
	record *record.Service
	body   mandate.Body
}

func newOffice(tb testing.TB, d *db.DB, c *clock.Fake) *office {
	tb.Helper()
	o := &office{t: tb, db: d, clock: c, ctx: context.Background(), record: record.New(d, "coop.example")}
	o.Service = mandate.New(d, o.record)
	o.Declare(powers, undoing)
	o.ok(d.InDurableTx(o.ctx, func(tx *db.Tx) (err error) {
		o.body, err = o.FormRoot(o.ctx, tx, "General meeting")
		return err
	}))
	return o
}

func each(t *testing.T, f func(t *testing.T, o *office)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) { f(t, newOffice(t, d, c)) })
}

func (o *office) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func want(tb testing.TB, err error, kind fault.Kind, what string) {
	tb.Helper()
	if !fault.Is(err, kind) {
		tb.Errorf("%s: got %v, want a fault of kind %q", what, err, kind)
	}
}

// give puts a mandate in, as an election will; ended is zero for one that runs to its end.
func (o *office) give(i, member id.ID, from, to, ended time.Time, names ...string) {
	o.t.Helper()
	list, err := json.Marshal(append([]string{}, names...))
	o.ok(err)
	var end int64
	if !ended.IsZero() {
		end = ended.UnixMilli()
	}
	_, err = o.db.Writer().ExecContext(o.ctx, fmt.Sprintf(`INSERT INTO mandates (id, member_id, body_id, office, powers, from_at, to_at, source_kind, source_id, ended_at, accepted_at)
		VALUES (%d, %d, %d, 'Secretary', '%s', %d, %d, 'decision', 1, %d, %d)`, i, member, o.body.ID, list, from.UnixMilli(), to.UnixMilli(), end, from.UnixMilli()))
	o.ok(err)
}

func (o *office) perform(by authz.Actor, power string) (authz.Authority, error) {
	var a authz.Authority
	err := o.db.InDurableTx(o.ctx, func(tx *db.Tx) (err error) {
		a, err = o.Perform(o.ctx, tx, by, authz.Act{Power: power, Target: admitting, Args: map[string]int{"n": 1}, Inverse: effect.Stored{Kind: "nothing", Args: json.RawMessage(`{"n":0}`)}, Reason: "because",
			Private: map[string]string{"name": "Ann Person"}})
		return err
	})
	return a, err
}

func (o *office) count(table string) (n int) {
	o.t.Helper()
	o.ok(o.db.Writer().QueryRowContext(o.ctx, "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

func TestQueriesArePreparedOnBothEngines(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		if err := db.CheckRegistered(o.ctx, o.db); err != nil {
			t.Error(err)
		}
	})
}

// Invariant 7: a mandate gives its powers in [from, to), to the millisecond, unless it ended before.
func TestATermIsExact(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		from, to, ended := testkit.Start.Add(time.Hour), testkit.Start.Add(3*time.Hour), testkit.Start.Add(2*time.Hour)
		o.give(1, 11, from, to, time.Time{}, "member.admit", "page.edit")
		o.give(2, 12, from, to, ended, "member.admit")
		const ms = time.Millisecond
		for _, tc := range []struct {
			at       time.Time
			term     bool
			endEarly bool
		}{{from.Add(-ms), false, false}, {from, true, true}, {ended.Add(-ms), true, true}, {ended, true, false}, {to.Add(-ms), true, false}, {to, false, false}} {
			o.clock.Set(tc.at)
			for member, may := range map[id.ID]bool{11: tc.term, 12: tc.endEarly, 13: false, 0: false} {
				by := authz.Actor{Member: member, Via: authz.Web}
				a, err := o.Authorise(o.ctx, o.db, by, "member.admit", admitting)
				if may != (err == nil) || !may && !fault.Is(err, fault.Forbidden) {
					t.Errorf("%s, member %d: %v", tc.at.Format(time.StampMilli), member, err)
				}
				if may && a != (authz.Authority{Kind: authz.Mandate, ID: member - 10}) {
					t.Errorf("cites %+v", a)
				}
				if o.Holds(o.ctx, by, "member.admit") != may {
					t.Errorf("%s: the door of member %d shows otherwise", tc.at.Format(time.StampMilli), member)
				}
				_, err = o.Authorise(o.ctx, o.db, by, "coop.describe", admitting)
				want(t, err, fault.Forbidden, "a power the mandate does not give")
			}
			var holders []id.ID
			if tc.term {
				holders = append(holders, 11)
			}
			if tc.endEarly {
				holders = append(holders, 12)
			}
			if got, err := o.Holders(o.ctx, o.db, "member.admit"); err != nil || !slices.Equal(got, holders) {
				t.Errorf("%s: holders %v, want %v (%v)", tc.at.Format(time.StampMilli), got, holders, err)
			}
			if got, err := o.InForce(o.ctx); err != nil || len(got) != len(holders) {
				t.Errorf("%s: %d in force (%v)", tc.at.Format(time.StampMilli), len(got), err)
			}
		}
	})
}

func TestAnUnknownPowerIsAnError(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.give(1, 11, testkit.Start, testkit.Start.Add(time.Hour), time.Time{}, "member.expel")
		for _, by := range []authz.Actor{{Member: 11}, {Via: authz.Operator}, {}} {
			for _, power := range []string{"member.expel", "", "member"} {
				if _, err := o.perform(by, power); err == nil || fault.KindOf(err) != fault.Internal {
					t.Errorf("%q by %+v: %v", power, by, err)
				}
			}
		}
		if o.count("acts") != 0 {
			t.Error("it was done")
		}
	})
}

func TestActsCiteWhatPermitsThem(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.give(1, 11, testkit.Start, testkit.Start.Add(time.Hour), time.Time{}, "member.admit")
		for _, tc := range []struct {
			by                authz.Actor
			authority, member string
		}{
			{authz.Actor{Member: 11, Via: authz.Web}, "mandate:1", "member:11"},
			{authz.Actor{Via: authz.Operator}, "operator:0", ""},
			{authz.Actor{Member: 99, Via: authz.Operator}, "operator:0", "member:99"},
		} {
			a, err := o.perform(tc.by, "member.admit")
			o.ok(err)
			events, err := o.record.List(o.ctx, 0, "act.member.admit", 1)
			o.ok(err)
			b, err := events[0].Read()
			o.ok(err)
			if got := fmt.Sprintf("%s:%d", a.Kind, a.ID); got != tc.authority || !strings.HasPrefix(b.Authority, string(a.Kind)) || b.Member != tc.member ||
				b.Via != tc.by.Via || b.Subject != "application:9" || b.Reason != "because" || string(b.Data) != `{"n":1}` || strings.Contains(events[0].Body, "Ann") {
				t.Errorf("%+v: authority %s, recorded %s", tc.by, got, events[0].Body)
			}
			var kind, inverse, reason, via string
			var authority, member, seq, at int64
			o.ok(o.db.Writer().QueryRowContext(o.ctx, `SELECT authority_kind, inverse, reason, via, authority_id, member_id, record_seq, at FROM acts ORDER BY id DESC LIMIT 1`).
				Scan(&kind, &inverse, &reason, &via, &authority, &member, &seq, &at))
			if kind != string(a.Kind) || authority != int64(a.ID) || inverse != `{"kind":"nothing","args":{"n":0}}` || reason != "because" || via != string(tc.by.Via) || member != int64(tc.by.Member) ||
				seq != events[0].Seq || at != o.clock.Now().UnixMilli() {
				t.Errorf("kept act: %s:%d by %d via %s, seq %d, inverse %s", kind, authority, member, via, seq, inverse)
			}
			o.clock.Advance(time.Second)
		}
		if _, err := o.record.Verify(o.ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutAuthorityNothingChanges(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.give(1, 11, testkit.Start.Add(-time.Hour), testkit.Start, time.Time{}, "member.admit")
		before := [...]int{o.count("acts"), o.count("record_events"), o.count("record_private"), o.count("bodies")}
		for _, by := range []authz.Actor{{}, {Member: 11, Via: authz.Web}, {Member: 12, Via: authz.API}, {Via: authz.Job}, {Via: authz.Federation, Account: 11}} {
			err := o.db.InDurableTx(o.ctx, func(tx *db.Tx) error {
				if _, err := tx.SQL().ExecContext(o.ctx, `UPDATE bodies SET name = 'Mine'`); err != nil {
					return err
				}
				_, err := o.Perform(o.ctx, tx, by, authz.Act{Power: "member.admit", Target: admitting})
				return err
			})
			want(t, err, fault.Forbidden, fmt.Sprintf("%+v", by))
		}
		// An act whose change fails afterwards is not on the record either.
		broken := errors.New("broken")
		err := o.db.InDurableTx(o.ctx, func(tx *db.Tx) error {
			_, err := o.Perform(o.ctx, tx, authz.Actor{Via: authz.Operator}, authz.Act{Power: "member.admit", Target: admitting})
			return errors.Join(err, broken)
		})
		if !errors.Is(err, broken) {
			t.Error(err)
		}
		var name string
		o.ok(o.db.Writer().QueryRowContext(o.ctx, "SELECT name FROM bodies").Scan(&name))
		if after := [...]int{o.count("acts"), o.count("record_events"), o.count("record_private"), o.count("bodies")}; after != before || name != "General meeting" {
			t.Errorf("before %v, after %v, named %q", before, after, name)
		}
	})
}

func TestFoundingMandatesEndByThemselves(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		var m mandate.Mandate
		o.ok(o.db.InDurableTx(o.ctx, func(tx *db.Tx) (err error) {
			m, err = o.GrantFounding(o.ctx, tx, 11, o.body)
			return err
		}))
		founder := authz.Actor{Member: 11, Via: authz.Web}
		got, err := o.Get(o.ctx, o.db, m.ID)
		o.ok(err)
		if !slices.Equal(got.Powers(), []string{"member.admit", "coop.describe", "page.edit"}) || got.BodyName != "General meeting" || got.SourceKind != "genesis" {
			t.Errorf("founder's mandate %+v", got)
		}
		o.clock.Set(testkit.Start.AddDate(0, 0, 90).Add(-time.Millisecond))
		for _, p := range powers {
			if _, err := o.perform(founder, p.Name); err != nil {
				t.Errorf("on the last day: %v", err)
			}
		}
		o.clock.Advance(time.Millisecond)
		for _, p := range powers {
			_, err := o.perform(founder, p.Name)
			want(t, err, fault.Forbidden, "after 90 days "+p.Name)
		}
		if list, err := o.InForce(o.ctx); err != nil || len(list) != 0 {
			t.Errorf("in force %+v, %v", list, err)
		}
		_, err = o.Get(o.ctx, o.db, 1)
		want(t, err, fault.NotFound, "no mandate")
	})
}

func TestThereIsOneGeneralMeeting(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		err := o.db.InDurableTx(o.ctx, func(tx *db.Tx) error {
			_, err := o.FormRoot(o.ctx, tx, "Another")
			return err
		})
		if !errors.Is(err, db.ErrExists) || o.count("bodies") != 1 || o.count("record_events") != 1 {
			t.Errorf("a second one: %v", err)
		}
	})
}

// Invariant 7 on random histories: whoever is let through holds the power by a mandate in force at that
// instant, says a model that knows nothing but the list of mandates; and the mandate cited is one of those.
func TestPowersAgreeWithAModel(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		o := newOffice(t, d, c)
		type held struct {
			id, member      id.ID
			from, to, ended int // milliseconds after the start; ended -1 if it was not
			power           string
		}
		names := []string{"member.admit", "coop.describe", "page.edit"}
		rapid.Check(t, func(r *rapid.T) {
			_, err := d.Writer().ExecContext(o.ctx, "DELETE FROM mandates")
			o.ok(err)
			at := func(n int) time.Time { return testkit.Start.Add(time.Duration(n) * time.Millisecond) }
			var all []held
			instant := rapid.IntRange(0, 6)
			for i := range rapid.IntRange(0, 6).Draw(r, "mandates") {
				h := held{id: id.ID(i + 1), member: id.ID(rapid.IntRange(1, 3).Draw(r, "member")), from: instant.Draw(r, "from"), to: instant.Draw(r, "to"),
					ended: rapid.IntRange(-1, 6).Draw(r, "ended"), power: rapid.SampledFrom(names).Draw(r, "power")}
				all = append(all, h)
				var ended time.Time
				if h.ended >= 0 {
					ended = at(h.ended)
				}
				o.give(h.id, h.member, at(h.from), at(h.to), ended, h.power)
			}
			for range 12 {
				now := instant.Draw(r, "now")
				by := authz.Actor{Member: id.ID(rapid.IntRange(0, 3).Draw(r, "by")), Via: rapid.SampledFrom([]authz.Via{authz.Web, authz.API, authz.Job, authz.Federation}).Draw(r, "via")}
				power := rapid.SampledFrom(names).Draw(r, "asked")
				c.Set(at(now))
				var model []id.ID
				for _, h := range all {
					if h.member == by.Member && h.power == power && h.from <= now && now < h.to && (h.ended < 0 || now < h.ended) {
						model = append(model, h.id)
					}
				}
				a, err := o.Authorise(o.ctx, d, by, power, admitting)
				switch {
				case err == nil && (a.Kind != authz.Mandate || !slices.Contains(model, a.ID)):
					r.Errorf("at %d member %d is let through by %+v; %s is held by %v", now, by.Member, a, power, model)
				case err != nil && (len(model) > 0 || !fault.Is(err, fault.Forbidden)):
					r.Errorf("at %d member %d is refused (%v); %s is held by %v", now, by.Member, err, power, model)
				}
			}
		})
	})
}

package member_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/member"
)

const day = 24 * time.Hour

var shell = authz.Actor{Via: authz.Operator}

// enrol puts somebody on the register without the work of hashing a password.
func (r *register) enrol(name string) member.Member {
	r.t.Helper()
	var m member.Member
	r.ok(r.db.InDurableTx(r.ctx, func(tx *db.Tx) (err error) {
		check := r.CheckUsername
		r.CheckUsername = nil // the stand-in reads outside the transaction
		m, err = r.TakeIn(r.ctx, tx, shell, member.Joining{Name: "Person " + name, Username: name, Email: name + "@mail.example"}, "", "a test")
		r.CheckUsername = check
		return err
	}))
	return m
}

// what a naive clerk notes down about one member, to be read from the start for every question.
type happening struct {
	at    time.Time
	what  string
	until time.Time
}

type clerk map[id.ID][]happening

func (c clerk) standing(m id.ID, at time.Time) (s member.Standing, began time.Time) {
	var on, was bool
	var barred, until time.Time
	for _, h := range c[m] {
		if h.at.After(at) {
			continue
		}
		switch h.what {
		case "joined", "reinstated":
			on, began = true, h.at
		case "ended":
			on, was = false, true
		case "suspended":
			barred, until = h.at, h.until
		case "restored":
			barred = time.Time{}
		}
	}
	switch {
	case !on && was:
		return member.FormerMember, began
	case !on:
		return member.NoMember, began
	case !barred.IsZero() && (until.IsZero() || until.After(at)):
		return member.NoRights, began
	}
	return member.Current, began
}

// Invariant 2 rests on this: whatever happened, in whatever order and with whatever clock, the register
// says of every past instant who was in good standing then, exactly as a clerk with a notebook would.
func TestThePastIsAnswered(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		people := 0
		rapid.Check(t, func(q *rapid.T) {
			c := clerk{}
			var all []id.ID
			var moments []time.Time
			for range rapid.IntRange(1, 4).Draw(q, "people") {
				people++
				m := r.enrol(fmt.Sprintf("p%d", people))
				all, c[m.ID] = append(all, m.ID), []happening{{at: m.Since, what: "joined"}}
				moments = append(moments, m.Since)
				r.clock.Advance(time.Duration(rapid.IntRange(0, 3).Draw(q, "pause")) * 36 * time.Hour)
			}
			for range rapid.IntRange(0, 14).Draw(q, "steps") {
				who := rapid.SampledFrom(all).Draw(q, "who")
				r.clock.Advance(time.Duration(rapid.SampledFrom([]int64{0, 1, 3_600_000, 86_400_000, 40 * 86_400_000, -7_200_000}).Draw(q, "later")) * time.Millisecond)
				now := r.db.Now()
				h := happening{at: now}
				if last := c[who][len(c[who])-1].at; last.After(now) {
					h.at = last // the clock went back, the register does not
				}
				standing, _ := c.standing(who, now)
				if h.at.After(now) {
					standing, _ = c.standing(who, h.at)
				}
				var err error
				var possible bool
				switch h.what = rapid.SampledFrom([]string{"suspended", "restored", "ended", "died", "reinstated"}).Draw(q, "what"); h.what {
				case "suspended":
					if days := rapid.IntRange(0, 20).Draw(q, "days"); days > 0 {
						h.until = now.Add(time.Duration(days) * 24 * time.Hour)
					}
					err, possible = r.Suspend(r.ctx, shell, who, h.until, "because"), standing == member.Current
				case "ended":
					err, possible = r.Expel(r.ctx, shell, who, "because"), standing == member.Current || standing == member.NoRights
				case "died":
					h.what = "ended"
					err, possible = r.RecordDeath(r.ctx, shell, who, ""), standing == member.Current || standing == member.NoRights
				case "restored":
					if standing == member.FormerMember {
						h.what = "reinstated"
					}
					err, possible = r.Reinstate(r.ctx, shell, who, "because"), standing != member.Current
				case "reinstated":
					if standing == member.NoRights {
						h.what = "restored"
					}
					err, possible = r.Reinstate(r.ctx, shell, who, "because"), standing != member.Current
				}
				// A suspension that has run out by the clock but not yet by a fact of the future may be either.
				if h.at.After(now) && err != nil != !possible {
					possible = err == nil
				}
				if possible != (err == nil) || err != nil && !fault.Is(err, fault.Conflict) {
					q.Fatalf("%s at standing %q: %v", h.what, standing, err)
				}
				if err == nil {
					c[who] = append(c[who], h)
					moments = append(moments, h.at)
					if !h.until.IsZero() {
						moments = append(moments, h.until)
					}
				}
			}
			for _, at := range moments {
				aside := rapid.SampledFrom([]time.Duration{-time.Millisecond, 0, 0, time.Millisecond, -90 * day, -13 * day, 5 * day, 41 * day}).Draw(q, "aside")
				c.compare(q, r, all, at.Add(aside), time.Duration(rapid.IntRange(0, 40).Draw(q, "waiting"))*day)
			}
		})
		if rep, err := r.record.Verify(r.ctx); err != nil || rep.Events < 100 {
			t.Errorf("replaying the record: %+v, %v", rep, err)
		}
	})
}

func (c clerk) compare(q *rapid.T, r *register, all []id.ID, at time.Time, waiting time.Duration) {
	var good, roll []id.ID
	for _, m := range all {
		want, began := c.standing(m, at)
		got, err := r.StandingOn(r.ctx, r.db, m, at)
		if err != nil || got != want {
			q.Fatalf("standing at %s: %q, want %q (%v); %+v", at, got, want, err, c[m])
		}
		if want == member.Current {
			good = append(good, m)
			if !began.After(at.Add(-waiting)) {
				roll = append(roll, m)
			}
		}
	}
	ours := func(list []id.ID, err error) []id.ID {
		if err != nil {
			q.Fatal(err)
		}
		return slices.DeleteFunc(list, func(m id.ID) bool { return !slices.Contains(all, m) })
	}
	if d := cmp.Diff(good, ours(r.InGoodStanding(r.ctx, r.db, at)), cmp.Transformer("empty", func(l []id.ID) []id.ID { return append([]id.ID{}, l...) })); d != "" {
		q.Fatalf("in good standing at %s: %s", at, d)
	}
	if got := ours(r.Roll(r.ctx, r.db, at, waiting)); !slices.Equal(got, roll) {
		q.Fatalf("roll at %s after %s: %v, want %v", at, waiting, got, roll)
	}
}

func TestTheWaitingPeriod(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		const month = 30 * 24 * time.Hour
		r.clock.Set(testkit.Start.Add(time.Hour))
		ann := r.enrol("ann")
		roll := func(at time.Time) []id.ID {
			t.Helper()
			list, err := r.Roll(r.ctx, r.db, at, month)
			r.ok(err)
			return list
		}
		founder := r.founder.Member
		for _, tc := range []struct {
			at   time.Time
			want []id.ID
		}{
			{testkit.Start.Add(-time.Millisecond), nil},
			{testkit.Start, []id.ID{founder}}, // who founds need not wait
			{ann.Since.Add(month - time.Millisecond), []id.ID{founder}},
			{ann.Since.Add(month), []id.ID{founder, ann.ID}},
		} {
			if got := roll(tc.at); !slices.Equal(got, tc.want) {
				t.Errorf("at %s: %v, want %v", tc.at, got, tc.want)
			}
		}
		// Who comes back waits anew, and so does a founder then.
		r.clock.Set(ann.Since.Add(2 * month))
		for _, m := range []id.ID{ann.ID, founder} {
			r.ok(r.Expel(r.ctx, shell, m, "because"))
			r.clock.Advance(time.Hour)
			r.ok(r.Reinstate(r.ctx, shell, m, "a mistake"))
		}
		back := r.db.Now()
		if got := roll(back.Add(month - 2*time.Hour)); len(got) != 0 {
			t.Errorf("too early: %v", got)
		}
		if got := roll(back.Add(month)); !slices.Equal(got, []id.ID{founder, ann.ID}) {
			t.Errorf("after a month: %v", got)
		}
		// A suspension does not start the waiting anew.
		r.clock.Set(back.Add(2 * month))
		r.ok(r.Suspend(r.ctx, shell, ann.ID, r.db.Now().Add(time.Hour), "because"))
		if got := roll(r.db.Now()); !slices.Equal(got, []id.ID{founder}) {
			t.Errorf("suspended: %v", got)
		}
		if got := roll(r.db.Now().Add(time.Hour)); !slices.Equal(got, []id.ID{founder, ann.ID}) {
			t.Errorf("the suspension has run out: %v", got)
		}
	})
}

func TestDuesDecideAmongMembers(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann, bob := r.enrol("ann"), r.enrol("bob")
		r.ok(r.Expel(r.ctx, shell, bob.ID, "because"))
		r.Dues = func(_ ctxType, _ db.Handle, m id.ID, _ time.Time) (member.Standing, error) {
			if m == ann.ID {
				return member.Arrears, nil
			}
			return member.Waived, nil
		}
		r.Barred = func(_ ctxType, _ db.Handle, _ time.Time) ([]id.ID, error) { return []id.ID{ann.ID}, nil }
		for m, want := range map[id.ID]member.Standing{ann.ID: member.Arrears, bob.ID: member.FormerMember, r.founder.Member: member.Waived, 99: member.NoMember} {
			if got, err := r.StandingOn(r.ctx, r.db, m, r.db.Now()); err != nil || got != want {
				t.Errorf("member %d: %q, want %q (%v)", m, got, want, err)
			}
		}
		if got, err := r.InGoodStanding(r.ctx, r.db, r.db.Now()); err != nil || !slices.Equal(got, []id.ID{r.founder.Member}) {
			t.Errorf("in good standing: %v, %v", got, err)
		}
	})
}

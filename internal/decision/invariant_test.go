package decision_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/rulebook"
)

// The invariants of DESIGN §3. Each test lives some random lives with the auditor's check of the invariant,
// then tries its edges, and then shows that the check is not blind: it finds what is wrong where the
// tables were tampered with.

const ms = time.Millisecond

// byHand applies an effect by an actor's own authority, as an officer's form does.
func (h *hall) byHand(by authz.Actor, p decision.Proposed) error {
	e, err := h.effects.Load(p.Stored)
	if err != nil {
		return err
	}
	return h.db.InDurableTx(h.ctx, func(tx *db.Tx) error {
		if _, err := e.Check(h.ctx, tx); err != nil {
			return err
		}
		_, err := e.Apply(h.ctx, tx, by, "by hand")
		return err
	})
}

// changed rebuilds a body's line with another domain.
func (h *hall) domain(b mandate.Body, patterns ...string) decision.Proposed {
	return carry(mandate.ChangeBody, args{"body": b.ID, "name": b.Name, "aim": b.Aim, "domain": append([]string{}, patterns...), "seats": b.Seats, "joining": b.Joining})
}

// passes carries a motion of any body by the votes of its roll.
func (h *hall) passes(by authz.Actor, d decision.Drafting) decision.Motion {
	h.t.Helper()
	m := h.put(by, d)
	h.agree(m)
	h.wait(m.ClosesAt.Sub(h.clock.Now()))
	if m = h.get(m.ID); m.State == decision.Window {
		h.wait(m.WindowEndsAt.Sub(h.clock.Now()))
	}
	return h.get(m.ID)
}

// agree lets everybody on the roll agree.
func (h *hall) agree(m decision.Motion) {
	h.t.Helper()
	roll, err := h.Electorate(h.ctx, h.db, m.ID)
	h.ok(err)
	for _, who := range roll {
		_, err := h.Cast(h.ctx, authz.Actor{Member: who, Via: authz.Web}, m.ID, decision.Choice{Choice: yes(m)}, "")
		h.ok(err)
	}
}

func (h *hall) adopts(line string, change func(r *rulebook.Rule)) decision.Proposed {
	h.t.Helper()
	r := h.rule(line)
	change(&r)
	return carry(rulebook.Adopt, args{"rule": r})
}

// sameAfter refuses that something which must be refused leaves a trace.
func (h *hall) sameAfter(what string, kind fault.Kind, f func() error) {
	h.t.Helper()
	before := h.dump()
	h.want(f(), kind, what)
	if left := differs(before, h.dump()); len(left) > 0 {
		h.t.Errorf("%s was refused, and left %v", what, left)
	}
}

func TestInvariant01NoPowerWithoutAuthority(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 1) })
	t.Run("edges", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			ann, ben := h.people[1], h.people[2]
			g, other := h.group("care", "body.*", coop.Power), h.group("other", coop.Power)
			m := h.office(g, ann, 30, coop.Power, mandate.SeatMember)
			h.wait(31 * day) // the founder's mandate is over
			h.enact(decision.Drafting{Title: "Prolong", Effects: []decision.Proposed{carry(mandate.RatifyTerm, args{"mandate": h.office(g, ben, 30, coop.Power, mandate.SeatMember).ID, "days": 100})}})
			name := h.describe("Taken")
			open := h.put(h.founder, decision.Drafting{Title: "Open", Effects: []decision.Proposed{name}})
			old := h.passes(h.founder, decision.Drafting{Title: "Done", Effects: []decision.Proposed{h.describe("Given")}})
			for who, by := range map[string]authz.Actor{
				"a visitor": {}, "a member": h.people[3], "a former officer": ann, "a job": {Via: authz.Job}, "another server": {Via: authz.Federation, Account: 7},
				"an open decision": {Via: authz.Job, Decision: open.ID}, "a decision that was carried out": {Via: authz.Job, Decision: old.ID},
				"no decision": {Via: authz.Job, Decision: 5}, "no emergency": {Via: authz.Job, Lapse: 5}, "a mandate of nobody": {Member: m.ID, Via: authz.Web},
			} {
				h.sameAfter(who, fault.Forbidden, func() error { return h.byHand(by, name) })
			}
			h.sameAfter("a body elsewhere", fault.Forbidden, func() error {
				return h.byHand(ben, carry(mandate.SeatMember, args{"body": other.ID, "member": h.people[3].Member}))
			})
			h.ok(h.byHand(ben, carry(mandate.SeatMember, args{"body": g.ID, "member": h.people[3].Member})))
			h.ok(h.byHand(ben, name))

			a := h.audit()
			a.report(t)
			if a.seen["act by mandate"] == 0 || a.seen["act by decision"] == 0 {
				t.Errorf("the auditor saw %v", a.seen)
			}
			last := "(SELECT MAX(record_seq) FROM acts)"
			h.caught(t, 1, "another's act", "UPDATE acts SET member_id = member_id + 1 WHERE record_seq = "+last)
			h.caught(t, 1, "another mandate", "UPDATE acts SET authority_id = authority_id + 1 WHERE record_seq = "+last)
			h.caught(t, 1, "another power", "UPDATE acts SET power = 'rule.adopt' WHERE record_seq = "+last)
			h.caught(t, 1, "another day", "UPDATE acts SET at = at + 999999999999 WHERE record_seq = "+last)
			h.caught(t, 1, "another target", "UPDATE acts SET target_id = 3 WHERE record_seq = "+last)
			h.caught(t, 1, "no act", "DELETE FROM acts WHERE record_seq = "+last)
		})
	})
}

func TestInvariant02OneMemberOneVote(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 2) })
	t.Run("the roll", func(t *testing.T) {
		each(t, "social-coop", 4, func(t *testing.T, h *hall) {
			// Thirty days on the register, to the millisecond, on the day of the call.
			eve := h.join()
			h.clock.Advance(30*day - ms)
			early := h.put(h.founder, decision.Drafting{Title: "A moment too early"})
			h.clock.Advance(ms)
			just := h.put(h.founder, decision.Drafting{Title: "Just in time"})
			for m, on := range map[id.ID]bool{early.ID: false, just.ID: true} {
				roll, err := h.Electorate(h.ctx, h.db, m)
				h.ok(err)
				if slices.Contains(roll, eve.Member) != on {
					t.Errorf("of %s: %v is on the roll: %t", m, roll, !on)
				}
			}

			// Called for later: who leaves or loses the rights meanwhile is not on it, nor who comes.
			d := h.discuss(h.founder, decision.Drafting{Title: "Scheduled"})
			_, err := h.Call(h.ctx, h.founder, d.ID, decision.Calling{Opens: h.clock.Now().Add(40 * day)})
			h.ok(err)
			h.clock.Advance(ms)
			late, err := h.admit(authz.Actor{Via: authz.Operator})
			h.ok(err)
			h.ok(h.member.Resign(h.ctx, h.people[1], password, local))
			suspend := h.put(h.people[3], decision.Drafting{Title: "Suspend", Effects: []decision.Proposed{carry(member.Suspension, args{"member": h.people[2].Member})}})
			h.agree(suspend)
			h.wait(6 * day)
			h.wait(2 * day)
			h.is(suspend.ID, decision.InForce, "carried", decision.Done)
			h.wait(32*day - ms)
			m := h.get(d.ID)
			roll, err := h.Electorate(h.ctx, h.db, d.ID)
			h.ok(err)
			if want := []id.ID{h.people[0].Member, h.people[3].Member, eve.Member}; m.State != decision.Open || !slices.Equal(roll, want) || m.RollSize != 3 {
				t.Errorf("%s: on the roll are %v, want %v", m.State, roll, want)
			}

			// What happens after the opening changes it no more.
			h.ok(h.member.Resign(h.ctx, eve, password, local))
			_, err = h.Cast(h.ctx, late, d.ID, decision.Choice{Choice: decision.Agree}, "")
			h.want(err, fault.Forbidden, "joined after the call")
			h.vote(m, decision.Agree, "", "", decision.Agree)
			h.wait(6 * day)
			done := h.get(d.ID)
			if r := done.Result(); r.Roll != 3 || r.Voted != 2 {
				t.Errorf("counted %+v", r)
			}
			h.audit().report(t)
			h.caught(t, 2, "a name more on the roll", `INSERT INTO decision_roll (decision_id, member_id) VALUES ($1, $2)`, d.ID, late.Member)
			h.caught(t, 2, "a name less", `DELETE FROM decision_roll WHERE decision_id = $1 AND member_id = $2`, d.ID, h.founder.Member)
			h.caught(t, 2, "another's vote", `UPDATE decision_votes SET member_id = $2 WHERE decision_id = $1 AND member_id = $3`, d.ID, late.Member, h.founder.Member)
			h.caught(t, 2, "a vote more", `UPDATE decisions SET votes_count = votes_count + 1 WHERE id = $1`, d.ID)
		})
	})
	t.Run("at once", func(t *testing.T) {
		each(t, "social-coop", 3, func(t *testing.T, h *hall) {
			m := h.put(h.founder, decision.Drafting{Title: "Quick fingers"})
			var wg sync.WaitGroup
			got := make([]error, 20)
			for i := range got {
				wg.Go(func() {
					word := []string{decision.Agree, decision.Disagree}[i%2]
					_, got[i] = h.Cast(h.ctx, h.people[1], m.ID, decision.Choice{Choice: word}, "")
				})
			}
			wg.Wait()
			in := 0
			for _, err := range got {
				if err == nil {
					in++
				} else if !errors.Is(err, db.ErrRetry) { // it gave up waiting, and says so
					t.Error(err)
				}
			}
			list, err := h.Votes(h.ctx, m.ID, 10)
			h.ok(err)
			if len(list) != 1 || list[0].Version != in || h.get(m.ID).Votes != 1 {
				t.Errorf("%d times at once: %d votes, version %d of %d", len(got), len(list), list[0].Version, in)
			}
			h.audit().report(t)
		})
	})
}

func TestInvariant03NoBallotAfterTheClose(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 3) })
	t.Run("edges", func(t *testing.T) {
		each(t, "social-coop", 4, func(t *testing.T, h *hall) {
			cast := func(m decision.Motion, by authz.Actor, word string) error {
				_, err := h.Cast(h.ctx, by, m.ID, decision.Choice{Choice: word}, "")
				return err
			}
			scheduled := h.discuss(h.founder, decision.Drafting{Title: "Scheduled"})
			scheduled, err := h.Call(h.ctx, h.founder, scheduled.ID, decision.Calling{Opens: h.clock.Now().Add(day)})
			h.ok(err)
			h.want(cast(scheduled, h.founder, decision.Agree), fault.Conflict, "before the opening")

			m := h.put(h.founder, decision.Drafting{Title: "To the last moment"})
			h.ok(cast(m, h.people[1], decision.Disagree))
			h.clock.Set(m.ClosesAt.Add(-ms))
			h.ok(cast(m, h.founder, decision.Agree))
			h.clock.Set(m.ClosesAt)
			h.sameAfter("at the close, before the count", fault.Conflict, func() error { return cast(m, h.people[2], decision.Disagree) })
			h.sameAfter("a change at the close", fault.Conflict, func() error { return cast(m, h.founder, decision.Disagree) })
			_, err = h.Extend(h.ctx, h.founder, m.ID, m.ClosesAt.Add(day), "too late")
			h.want(err, fault.Conflict, "extended at the close")
			_, err = h.Withdraw(h.ctx, h.founder, m.ID, "")
			h.want(err, fault.Conflict, "withdrawn at the close")
			h.tick()
			h.sameAfter("after the count", fault.Conflict, func() error { return cast(m, h.people[2], decision.Disagree) })
			done := h.get(m.ID)
			if r := done.Result(); r.Voted != 2 || r.Outcome != tally.Carried {
				t.Errorf("counted %+v", r)
			}

			// Extended while it is open, it closes later, and not before.
			x := h.put(h.founder, decision.Drafting{Title: "Longer"})
			later := x.ClosesAt.Add(day)
			_, err = h.Extend(h.ctx, h.people[1], x.ID, later, "not the mover")
			h.want(err, fault.Forbidden, "by another")
			_, err = h.Extend(h.ctx, h.founder, x.ID, later, "holidays")
			h.ok(err)
			h.wait(x.ClosesAt.Sub(h.clock.Now()))
			h.clock.Set(later.Add(-ms))
			h.ok(cast(x, h.people[1], decision.Disagree))
			h.wait(ms)
			h.is(x.ID, decision.Closed, "lost", "")

			// To decide again is another decision.
			again, err := h.Reopen(h.ctx, h.founder, x.ID)
			h.ok(err)
			if again.ID == x.ID || again.Number == x.Number || again.Votes != 0 {
				t.Errorf("reopened as %+v", again)
			}
			h.want(cast(x, h.people[2], decision.Agree), fault.Conflict, "the old one stays closed")
			gone := h.put(h.founder, decision.Drafting{Title: "Taken back"})
			_, err = h.Withdraw(h.ctx, h.founder, gone.ID, "private words")
			h.ok(err)
			h.want(cast(gone, h.people[1], decision.Agree), fault.Conflict, "withdrawn")

			h.audit().report(t)
			h.caught(t, 3, "a vote put in afterwards", `INSERT INTO decision_votes (id, decision_id, member_id, choice, reason, salt, digest, version, at) VALUES (9, $1, $2, '{"choice":"agree"}', '', '', '', 1, $3)`,
				m.ID, h.people[2].Member, m.ClosesAt.UnixMilli()-1)
			h.caught(t, 3, "a vote changed afterwards", `UPDATE decision_votes SET choice = '{"choice":"disagree"}' WHERE decision_id = $1 AND member_id = $2`, m.ID, h.founder.Member)
			h.caught(t, 3, "a vote moved behind the close", `UPDATE decision_votes SET at = $2 WHERE decision_id = $1`, m.ID, m.ClosesAt.UnixMilli())
			h.caught(t, 3, "a vote taken out", `DELETE FROM decision_votes WHERE decision_id = $1 AND member_id = $2`, m.ID, h.founder.Member)
		})
	})
}

// The same votes in any order, on any engine and whatever it thinks of the alphabet, give the same bytes;
// whoever has the published votes gets them too.
func TestInvariant04AResultIsAPureFunction(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 4) })
	t.Run("edges", func(t *testing.T) {
		each(t, "social-coop", 6, func(t *testing.T, h *hall) {
			if h.db.Dialect() == db.Postgres {
				h.exec(`ALTER TABLE decision_votes ALTER COLUMN choice TYPE TEXT COLLATE "en-x-icu"`) // where _ and { come elsewhere
			}
			options := []decision.Option{{Title: "One"}, {Title: "Two <2> & more"}, {Title: "Drei"}}
			// The two halves of the ranking are a tie, which goes by lot; a number ends in one place by its
			// bytes and in another by the alphabet.
			tie := []decision.Choice{{Ranks: []int{1, 2, 3, 4}}, {Ranks: []int{1, 2, 3, 40}}, {Ranks: []int{2, 1, 3, 4}}, {Ranks: []int{2, 1, 3, 40}}}
			for _, x := range []struct {
				method string
				votes  []decision.Choice
			}{
				{rulebook.Ranking, tie}, {rulebook.Ranking, tie}, {rulebook.Ranking, tie}, {rulebook.Ranking, tie}, {rulebook.Ranking, tie}, {rulebook.Ranking, tie}, {rulebook.Ranking, tie},
				{rulebook.Proposal, []decision.Choice{{Choice: decision.Agree}, {Choice: decision.Block}, {Choice: decision.Abstain}, {Choice: decision.Agree}}},
				{rulebook.Choose, []decision.Choice{{Marks: []int{1}}, {Marks: []int{0}}, {Marks: []int{2}}, {}}},
				{rulebook.Score, []decision.Choice{{Points: []int64{5, 0, 1}}, {Points: []int64{0, 5, 1}}, {Points: []int64{1, 1, 1}}}},
				{rulebook.Dots, []decision.Choice{{Points: []int64{10, 0, 0}}, {Points: []int64{0, 10, 0}}}},
				{rulebook.Times, []decision.Choice{{Answer: []int{0, 1, -1}}, {Answer: []int{2, 1, 0}}}},
			} {
				method, votes := x.method, x.votes
				m := h.put(h.founder, decision.Drafting{Title: "By " + method, Method: method, Settings: decision.Settings{Options: options}})
				for i, c := range votes {
					_, err := h.Cast(h.ctx, h.people[i], m.ID, c, "because")
					h.ok(err)
				}
				h.wait(6 * day)
				m = h.get(m.ID)
				if m.ResultJSON == "" || m.CountedAt.IsZero() {
					t.Errorf("%s was not counted", method)
				}
				if method == rulebook.Ranking && len(m.Result().Lots) == 0 {
					t.Errorf("no lot was drawn: %s", m.ResultJSON)
				}
				c, err := h.Standing(h.ctx, h.db, &m)
				h.ok(err)
				for range 5 {
					slices.Reverse(c.Papers)
					c.Papers = append(c.Papers[1:], c.Papers[0])
					if r, err := decision.Count(c); err != nil || string(r.JSON()) != m.ResultJSON {
						t.Errorf("%s: counted again %s, %v", method, r.JSON(), err)
					}
				}
			}
			a := h.audit()
			a.report(t)
			if a.seen["count"] != 12 {
				t.Errorf("the auditor counted %d times", a.seen["count"])
			}
			h.caught(t, 4, "another result", `UPDATE decisions SET result = REPLACE(result, '"voted":4', '"voted":3')`)
			h.caught(t, 4, "another outcome", `UPDATE decisions SET outcome = 'carried' WHERE method = 'proposal'`)
			h.caught(t, 4, "another rule", `UPDATE record_events SET body = REPLACE(body, '"block":true', '"block":false') WHERE kind = 'rule.adopted'`)
		})
	})
}

func TestInvariant05ADecisionRunsUnderTheRuleOfItsCall(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 5) })
	t.Run("edges", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			change := h.put(h.founder, decision.Drafting{Title: "Stricter", Effects: []decision.Proposed{h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) {
				r.Threshold, r.Window, r.Block = tally.Ratio{Num: 9, Den: 10}, 9, false
				r.Quorum = tally.Ratio{Num: 1, Den: 2}
			})}})
			itself := h.put(h.founder, decision.Drafting{Title: "The rule about rules", Effects: []decision.Proposed{h.adopts(rulebook.Rules, func(r *rulebook.Rule) {
				r.Open, r.Threshold = 1, tally.Ratio{Num: 1, Den: 10}
			})}})
			h.agree(change)
			h.vote(itself, decision.Agree, decision.Disagree) // half: enough for the new rule, not for the present one
			talked := h.discuss(h.founder, decision.Drafting{Title: "Still in discussion"})
			amendment, err := h.Amend(h.ctx, h.people[1], talked.ID, "Another text.", "")
			h.ok(err)
			h.wait(9 * day)
			open := h.put(h.founder, decision.Drafting{Title: "Open when the rule changes"})
			h.vote(open, decision.Agree, decision.Disagree)
			h.wait(day)
			h.is(itself.ID, decision.Closed, "lost", "")
			h.wait(2 * day)
			h.is(change.ID, decision.InForce, "carried", decision.Done)
			rule, err := h.Rule(h.ctx, h.db, &open)
			h.ok(err)
			if rule.Number != 1 || rule.Rule.Quorum.Num != 0 {
				t.Errorf("the open vote is under %s", rule.String())
			}
			h.wait(3 * day)
			open = h.is(open.ID, decision.Window, "carried", "")
			if got := open.WindowEndsAt.Sub(open.ClosesAt); got != 2*day {
				t.Errorf("it can be called in for %s", got)
			}
			talked, err = h.Call(h.ctx, h.founder, talked.ID, decision.Calling{})
			h.ok(err)
			h.want(h.Answer(h.ctx, h.founder, amendment.ID, decision.AmendmentAccepted, ""), fault.Conflict, "amended after the call")
			_, err = h.Edit(h.ctx, h.founder, talked.ID, decision.Drafting{Title: "Another"})
			h.want(err, fault.Conflict, "edited after the call")
			h.vote(talked, decision.Agree, decision.Disagree)
			h.wait(6 * day)
			h.is(talked.ID, decision.Closed, "no quorum", "")
			h.audit().report(t)
			h.caught(t, 5, "under the newer rule", `UPDATE record_events SET body = REPLACE(body, '"rule":"ordinary/1"', '"rule":"ordinary/2"') WHERE kind = 'decision.counted'`)
			h.caught(t, 5, "in no time", `UPDATE record_events SET body = REPLACE(body, '"rule":"', '"rule":"1') WHERE kind = 'decision.opened'`)
		})
	})
}

// A call that waits for its turn while the rule changes is made under the new one.
func TestInvariant05TheRuleChangesDuringTheCall(t *testing.T) {
	each(t, "social-coop", 3, func(t *testing.T, h *hall) {
		change := h.put(h.founder, decision.Drafting{Title: "Longer", Effects: []decision.Proposed{h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) { r.Open = 9 })}})
		h.agree(change)
		h.wait(10 * day)
		m := h.discuss(h.people[1], decision.Drafting{Title: "Meanwhile"})
		changing, waits := make(chan struct{}), make(chan struct{})
		h.Changed.On(func(_ context.Context, _ *db.Tx, x decision.Motion) error {
			if x.Execution == decision.Done { // the new rule, before its commit
				close(changing)
				<-waits
			}
			return nil
		})
		h.clock.Advance(2 * day)
		done, called := make(chan error), make(chan error)
		go func() { done <- h.Advance(h.ctx) }()
		<-changing
		go func() { _, err := h.Call(h.ctx, h.people[1], m.ID, decision.Calling{}); called <- err }()
		h.blocked()
		close(waits)
		h.ok(<-done)
		h.ok(<-called)
		m = h.get(m.ID)
		if rule, err := h.Rule(h.ctx, h.db, &m); err != nil || rule.Number != 2 || m.ClosesAt.Sub(m.OpensAt) != 9*day {
			t.Errorf("called under %s, open for %s, %v", rule.String(), m.ClosesAt.Sub(m.OpensAt), err)
		}
		h.audit().report(t)
	})
}

// blocked waits until somebody waits for the turn of an entry in the record. On SQLite they wait to begin.
func (h *hall) blocked() {
	h.t.Helper()
	for n := 0; n == 0 && h.db.Dialect() == db.Postgres; {
		h.ok(h.db.Writer().QueryRowContext(h.ctx, `SELECT COUNT(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE NOT l.granted AND a.query LIKE '%record_head%'`).Scan(&n))
	}
}

func TestInvariant06AnEffectAppliesOnceOrNotAtAll(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 6) })
	t.Run("four at once", func(t *testing.T) {
		each(t, "social-coop", 3, func(t *testing.T, h *hall) {
			for i := range 5 {
				m := h.put(h.founder, decision.Drafting{Title: "Once", Effects: []decision.Proposed{h.describe(fmt.Sprintf("Name %d", i))}})
				h.vote(m, decision.Agree)
				for _, at := range []time.Time{m.ClosesAt, m.ClosesAt.Add(2 * day)} {
					h.clock.Set(at)
					h.atOnce(4, func(int) error { return h.Advance(h.ctx) })
				}
				h.is(m.ID, decision.InForce, "carried", decision.Done)
				acts, err := h.mandate.Acts(h.ctx, authz.Decision, ids(m), 10)
				if err != nil || len(acts) != 1 {
					t.Errorf("%d acts, %v", len(acts), err)
				}
			}
			h.audit().report(t)
		})
	})
	t.Run("all or none", func(t *testing.T) {
		each(t, "social-coop", 4, func(t *testing.T, h *hall) {
			g := h.group("care")
			ann := h.people[1]
			// The second of three effects cannot be applied: none is.
			gone := h.put(h.founder, decision.Drafting{Title: "One", Effects: []decision.Proposed{carry(mandate.DissolveBody, args{"body": g.ID})}})
			h.clock.Advance(ms) // the other comes into force later
			m := h.put(h.founder, decision.Drafting{Title: "Three", Effects: []decision.Proposed{h.describe("Half done"), carry(mandate.DissolveBody, args{"body": g.ID}), h.describe("Wholly done")}})
			h.vote(gone, decision.Agree)
			h.vote(m, decision.Agree)
			h.ok(h.mandate.Join(h.ctx, ann, g.ID)) // that is no change of the body
			h.wait(6*day - ms)
			h.wait(ms)
			h.wait(2*day - ms)
			h.wait(ms)
			h.is(gone.ID, decision.InForce, "carried", decision.Done)
			m = h.is(m.ID, decision.InForce, "carried", decision.Failed)
			if h.name() != "Garden Co-op" || m.Cause == "" {
				t.Errorf("the co-op is called %s; the cause is %q", h.name(), m.Cause)
			}
			mend, err := h.ToMend(h.ctx, h.founder)
			if err != nil || len(mend) != 1 || mend[0].ID != m.ID {
				t.Errorf("to mend: %v, %v", ids(mend...), err)
			}
			h.wait(60 * day)
			h.is(m.ID, decision.InForce, "carried", decision.Failed)

			// A base that moved and came back is the base again; one that moved is not.
			back := h.put(h.founder, decision.Drafting{Title: "There and back", Effects: []decision.Proposed{h.describe("Elsewhere")}})
			h.clock.Advance(ms)
			moved := h.put(h.founder, decision.Drafting{Title: "Too late", Effects: []decision.Proposed{h.describe("Too late")}})
			h.vote(back, decision.Agree)
			h.vote(moved, decision.Agree)
			h.wait(6*day - ms)
			h.wait(ms)
			h.wait(2*day - ms)
			h.wait(ms)
			h.is(back.ID, decision.InForce, "carried", decision.Done)
			moved = h.is(moved.ID, decision.InForce, "carried", decision.Stale)
			if moved.Cause == "" || h.name() != "Elsewhere" {
				t.Errorf("stale because %q; the co-op is called %s", moved.Cause, h.name())
			}
			h.audit().report(t)
			h.caught(t, 6, "done twice", `UPDATE decisions SET execution = 'stale' WHERE id = $1`, back.ID)
			h.caught(t, 6, "done at all", `UPDATE decisions SET execution = 'done' WHERE id = $1`, moved.ID)
			h.caught(t, 6, "in force too early", `UPDATE record_events SET at = at - 86400000 WHERE kind = 'decision.in-force'`)
		})
	})
	// What decides nothing changes nothing: a count of hands, a poll of times, a question round, and
	// choices in which nobody can say no.
	t.Run("methods", func(t *testing.T) {
		each(t, "social-coop", 3, func(t *testing.T, h *hall) {
			for _, method := range rulebook.Methods {
				if method == rulebook.Proposal || method == rulebook.Ranking || method == rulebook.Consent {
					continue
				}
				for option := -1; option < 2; option++ {
					e := h.describe("By a trick")
					e.Option = option
					_, err := h.Draft(h.ctx, h.founder, decision.Drafting{Title: "Who likes it?", Method: method, Effects: []decision.Proposed{e},
						Settings: decision.Settings{Options: []decision.Option{{Title: "I do"}, {Title: "I do, too"}}}})
					h.want(err, fault.Invalid, "an effect carried by "+method)
				}
			}
		})
	})
}

// atOnce runs f so many times at the same time.
func (h *hall) atOnce(n int, f func(i int) error) {
	h.t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, db.ErrRetry) {
			h.t.Error(err)
		}
	}
}

func TestInvariant07PowersEndWithTheirMandate(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 7) })
	t.Run("time and domain", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			ann := h.people[1]
			may := func(want bool, what string) {
				t.Helper()
				if h.mandate.Holds(h.ctx, ann, coop.Power) != want {
					t.Errorf("%s: in power: %t", what, !want)
				}
			}
			g := h.group("care", coop.Power)
			h.enact(decision.Drafting{Title: "Appoint", Effects: []decision.Proposed{carry(mandate.Appoint, args{"body": g.ID, "member": ann.Member, "office": "Officer", "powers": []string{coop.Power}, "days": 30})}})
			list, err := h.mandate.InBody(h.ctx, g.ID)
			h.ok(err)
			may(false, "before it was accepted")
			h.want(h.mandate.Accept(h.ctx, h.people[2], list[0].ID), fault.Forbidden, "accepted by another")
			h.ok(h.mandate.Accept(h.ctx, ann, list[0].ID))
			may(true, "accepted")

			h.enact(decision.Drafting{Title: "Narrower", Effects: []decision.Proposed{h.domain(g, "body.*")}})
			may(false, "the domain was taken away")
			g, err = h.mandate.Body(h.ctx, h.db, g.ID)
			h.ok(err)
			h.enact(decision.Drafting{Title: "As before", Effects: []decision.Proposed{h.domain(g, coop.Power)}})
			may(true, "the domain was given back")

			h.enact(decision.Drafting{Title: "Suspend", Effects: []decision.Proposed{carry(member.Suspension, args{"member": ann.Member, "until": h.clock.Now().Add(9 * day).Format(time.DateOnly)})}})
			may(false, "the rights are suspended")
			h.clock.Set(list[0].To.Add(-ms))
			may(true, "in the last millisecond")
			h.clock.Advance(ms)
			may(false, "at the end")
			h.want(h.mandate.Resign(h.ctx, ann, list[0].ID, ""), fault.Conflict, "resigned when it was over")
			h.tick()
			h.audit().report(t)
			h.caught(t, 7, "a power from nowhere", `UPDATE record_events SET body = REPLACE(body, '"powers":["coop.describe"]', '"powers":["coop.describe","member.admit"]') WHERE kind = 'mandate.given'`)
			h.caught(t, 7, "for ever", `UPDATE record_events SET body = REPLACE(body, '"to":"2027', '"to":"2097') WHERE kind = 'mandate.given'`)
		})
	})
	t.Run("nobody gives what they lack", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			ann, ben := h.people[1], h.people[2]
			g := h.group("care", coop.Power, member.Admit, "body.*", "mandate.*")
			h.ok(h.mandate.Join(h.ctx, ann, g.ID))
			m := h.office(g, ann, 60, coop.Power, member.Admit, mandate.ChangeBody, mandate.CreateBody, mandate.Appoint)
			form := func(domain ...string) decision.Proposed {
				return carry(mandate.CreateBody, args{"parent": g.ID, "kind": "circle", "handle": "inner", "name": "Inner", "aim": "", "domain": append([]string{}, domain...), "seats": 0, "joining": "open"})
			}
			office := func(days int, powers ...string) decision.Proposed {
				return carry(mandate.Appoint, args{"body": g.ID, "member": ben.Member, "office": "Deputy", "powers": append([]string{}, powers...), "days": days})
			}
			for what, e := range map[string]decision.Proposed{
				"all":                           h.domain(g, "*"),
				"a power the body lacks":        h.domain(g, coop.Power, member.Suspension),
				"a pattern":                     h.domain(g, "member.*"),
				"rules":                         h.domain(g, coop.Power, "rule.*"),
				"a body below that has more":    form("member.*"),
				"a body below that has it all":  form("*"),
				"the power to recall":           h.domain(g, coop.Power, "moderation.*"),
				"one that the officer lacks":    form(mandate.SeatMember),
				"a domain with a reserved part": form("mandate.*"),
			} {
				h.sameAfter(what+", by hand", fault.Forbidden, func() error { return h.byHand(ann, e) })
			}
			h.want(h.byHand(ann, office(10, member.Suspension)), fault.Invalid, "an office outside the domain")
			h.want(h.byHand(ann, office(10, mandate.SeatMember)), fault.Forbidden, "an office with more than the officer has")

			// By a motion of the body itself it does not go either.
			for what, e := range map[string]decision.Proposed{"all": h.domain(g, "*"), "more": h.domain(g, coop.Power, member.Admit, "body.*", "mandate.*", "moderation.*"), "below": form("rule.*")} {
				if got := h.passes(ann, decision.Drafting{Body: g.ID, Title: what, Effects: []decision.Proposed{e}}); got.Execution != decision.Failed {
					t.Errorf("a body gave itself %s: %s/%s %s", what, got.State, got.Execution, got.Cause)
				}
			}

			// What an officer hands on ends with the officer's own term.
			h.ok(h.byHand(ann, office(400, coop.Power)))
			list, err := h.mandate.InBody(h.ctx, g.ID)
			h.ok(err)
			if !list[0].To.Equal(m.To) {
				t.Errorf("the deputy's term ends on %s, the officer's on %s", list[0].To, m.To)
			}

			// A power that the members took away from the body is not the officer's to give back.
			g, err = h.mandate.Body(h.ctx, h.db, g.ID)
			h.ok(err)
			h.enact(decision.Drafting{Title: "No more admissions", Effects: []decision.Proposed{h.domain(g, coop.Power, "body.*", "mandate.*")}})
			g, err = h.mandate.Body(h.ctx, h.db, g.ID)
			h.ok(err)
			h.sameAfter("what was taken away", fault.Forbidden, func() error { return h.byHand(ann, h.domain(g, coop.Power, "body.*", "mandate.*", member.Admit)) })

			// Nor does the body above give back a domain that the members dissolved with its body.
			h.enact(decision.Drafting{Title: "With a power of its own", Effects: []decision.Proposed{form("moderation.*")}})
			inner, err := h.mandate.BodyByHandle(h.ctx, h.db, "inner")
			h.ok(err)
			h.enact(decision.Drafting{Title: "Enough", Effects: []decision.Proposed{carry(mandate.DissolveBody, args{"body": inner.ID})}})
			again := carry(mandate.ChangeBody, args{"body": inner.ID, "name": "Inner", "aim": "", "domain": []string{"moderation.*"}, "seats": 0, "joining": "open", "restore": true})
			h.sameAfter("a dissolved body", fault.Forbidden, func() error { return h.byHand(ann, again) })
			h.audit().report(t)
		})
	})
}

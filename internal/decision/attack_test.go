package decision_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// The failures and attacks that governance research lists (§6.6), in its order and its words. Case 15,
// lost keys or code for a ballot paper, comes with elections and their ballots, which are not built yet.

// Operator edits the database: chain and replay disagree. An operator who also writes the whole chain anew
// cannot take back a checkpoint that members have kept.
func TestAttack01OperatorEditsTheDatabase(t *testing.T) {
	each(t, "social-coop", 3, func(t *testing.T, h *hall) {
		h.enact(decision.Drafting{Title: "Once", Effects: []decision.Proposed{h.describe("Orchard Co-op")}})
		_, err := h.record.Checkpoint(h.ctx)
		h.ok(err)
		kept, err := h.record.LatestCheckpoint(h.ctx)
		h.ok(err)
		lost := h.put(h.founder, decision.Drafting{Title: "Lost"})
		h.vote(lost, decision.Disagree)
		h.wait(6 * day)
		clean := h.dump()

		// A result is turned round in the table: the event of its count is named.
		h.exec(`UPDATE decisions SET outcome = 'carried', state = 'in force' WHERE id = $1`, lost.ID)
		counted := all(h, auditEvents)
		at := slices.IndexFunc(counted, func(e record.Event) bool {
			return e.Kind == "decision.counted" && strings.Contains(e.Subject, lost.ID.String())
		})
		if b := h.broken(); b == nil || b.Seq != counted[at].Seq {
			t.Errorf("a result was turned round, and %v", b)
		}
		h.restore(clean)

		// The vote itself is changed, where all see it.
		h.exec(`UPDATE decision_votes SET choice = '{"choice":"agree"}' WHERE decision_id = $1`, lost.ID)
		if b := h.broken(); b == nil || counted[b.Seq-1].Kind != "decision.voted" {
			t.Errorf("a vote was changed, and %v", b)
		}
		h.restore(clean)

		// An entry is changed, and all after it hashed anew, with the tree: the signed checkpoint is named.
		events := all(h, auditEvents)
		events[4].Body = strings.Replace(events[4].Body, `"line"`, `"lime"`, 1)
		h.forge(events)
		if b := h.broken(); b == nil || b.Seq != kept.Size {
			t.Errorf("the record was written anew, and %v", b)
		}
		// Without the stored checkpoint the record is whole in itself; who kept it knows better.
		h.exec(`DELETE FROM record_checkpoints`)
		if b := h.broken(); b != nil {
			t.Errorf("the forgery is not perfect: %v", b)
		}
		p, err := h.record.Consistency(h.ctx, kept.Size, int64(len(events)))
		h.ok(err)
		if p.FromRoot == kept.Root {
			t.Error("the forged record begins like the true one")
		}
		h.restore(clean)
		h.whole()
	})
}

// forge writes the record anew with changed events.
func (h *hall) forge(events []record.Event) {
	h.t.Helper()
	before := h.dump()
	forged := slices.Clone(before)
	prev := ""
	stored := map[int64]tlog.Hash{}
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	tree := table{name: "record_tree", columns: []string{"idx", "hash"}}
	log := table{name: "record_events", columns: []string{"seq", "at", "kind", "body", "prev", "hash", "subject", "member", "authority"}}
	for _, e := range events {
		e.Prev = prev
		sum := sha256.Sum256(e.Leaf())
		prev = hex.EncodeToString(sum[:])
		log.rows = append(log.rows, []any{e.Seq, e.At.UnixMilli(), e.Kind, e.Body, e.Prev, prev, e.Subject, e.Member, e.Authority})
		hashes, err := tlog.StoredHashes(e.Seq-1, e.Leaf(), read)
		h.ok(err)
		for i, x := range hashes {
			at := tlog.StoredHashIndex(0, e.Seq-1) + int64(i)
			stored[at] = x
			tree.rows = append(tree.rows, []any{at, x.String()})
		}
	}
	for i := range forged {
		switch forged[i].name {
		case "record_tree":
			forged[i] = tree
		case "record_events":
			forged[i] = log
		}
	}
	h.restore(forged)
	h.exec(`UPDATE record_head SET hash = $1`, prev)
}

// Operator acts from the shell: it is an emergency act first. Each leaves an act, is told of, is asked
// about in one motion, and ends by itself: undone where something undoes it, reviewed where nothing does.
// (That each command of the program does so is looked at where the commands are.)
func TestAttack02OperatorActsFromTheShell(t *testing.T) {
	each(t, "social-coop", 4, func(t *testing.T, h *hall) {
		shell := authz.Actor{Via: authz.Operator}
		var told, lapsed []mandate.Emergency
		h.mandate.Emerged.On(func(_ context.Context, _ *db.Tx, e mandate.Emergency) error { told = append(told, e); return nil })
		h.mandate.Lapsed.On(func(_ context.Context, _ *db.Tx, e mandate.Emergency) error { lapsed = append(lapsed, e); return nil })
		h.ok(h.byHand(shell, h.describe("By the operator")))
		h.ok(h.byHand(shell, carry("moderation.block", args{"domain": "bad.example", "level": "block"})))
		_, err := h.admit(shell)
		h.ok(err)
		h.ok(h.byHand(shell, carry(coop.Publish, args{"text": "We are moving."})))
		for _, p := range allPowers() {
			if p.Reserved {
				_, err := h.mandate.Authorise(h.ctx, h.db, shell, p.Name, authz.Target{})
				h.want(err, fault.Forbidden, "the operator does "+p.Name)
			}
		}
		h.want(h.byHand(shell, carry(mandate.Appoint, args{"body": h.root().ID, "member": h.people[1].Member, "office": "King", "powers": []string{coop.Power}, "days": 9})), fault.Forbidden, "the operator gives powers")
		h.tick()
		if len(told) != 4 {
			t.Errorf("told of %d acts", len(told))
		}
		list, err := h.mandate.Emergencies(h.ctx, h.db)
		h.ok(err)
		for _, e := range list {
			if e.Decision == 0 || e.Decision != list[0].Decision {
				t.Errorf("%s is asked about in motion %s", e.Power, e.Decision)
			}
		}
		m := h.get(list[0].Decision)
		if m.Body != h.root().ID || m.State != decision.Open || m.RollSize != 4 || !strings.Contains(m.Text, coop.Power) {
			t.Errorf("the question is %+v", m)
		}
		// Whoever holds the power may ratify one of them; the others wait for the members, who say no.
		h.want(h.mandate.Ratify(h.ctx, h.people[1], list[1].Act, ""), fault.Forbidden, "ratified by anybody")
		h.want(h.mandate.Ratify(h.ctx, shell, list[1].Act, ""), fault.Forbidden, "ratified by the operator")
		h.ok(h.mandate.Ratify(h.ctx, h.founder, list[1].Act, "spam"))
		h.vote(m, decision.Disagree, decision.Disagree)
		h.wait(6 * day)
		h.wait(8 * day)
		for power, want := range map[string]string{coop.Power: mandate.Undone, "moderation.block": mandate.Ratified, member.Enrol: mandate.Review, coop.Publish: mandate.Review} {
			i := slices.IndexFunc(list, func(e mandate.Emergency) bool { return e.Power == power })
			got := all(h, auditUrgent)
			j := slices.IndexFunc(got, func(e auditedEmergency) bool { return e.Act == list[i].Act })
			if got[j].Outcome != want {
				t.Errorf("%s is %s, want %s", power, got[j].Outcome, want)
			}
		}
		if h.name() != "Garden Co-op" || len(lapsed) != 3 {
			t.Errorf("the co-op is called %s; %d acts lapsed", h.name(), len(lapsed))
		}
		h.audit().report(t)
	})
}

// No mandate left (all terms over): general meeting powers remain. Five years pass and nobody does
// anything; then members petition, the motion carries and gives an office. (The election that opens by
// itself comes with elections.)
func TestAttack03NoMandateLeft(t *testing.T) {
	each(t, "social-coop", 10, func(t *testing.T, h *hall) {
		g := h.group("care", coop.Power)
		h.office(g, h.people[1], 400, coop.Power)
		reminded := map[int]int{}
		h.mandate.Ending.On(func(_ context.Context, _ *db.Tx, r mandate.Reminder) error { reminded[r.Days]++; return nil })
		for range 5 * 52 {
			h.wait(7 * day)
		}
		if list, err := h.mandate.InForce(h.ctx); err != nil || len(list) != 0 {
			t.Fatalf("in force after five years: %+v, %v", list, err)
		}
		if len(reminded) == 0 {
			t.Error("nobody was reminded of the ends")
		}
		p := h.discuss(h.people[7], decision.Drafting{Title: "Is anybody there?", Petition: true,
			Effects: []decision.Proposed{carry(mandate.Appoint, args{"body": g.ID, "member": h.people[8].Member, "office": "Steward", "powers": []string{coop.Power}, "days": 365})}})
		p, err := h.Support(h.ctx, h.people[6], p.ID, decision.Petition, "")
		h.ok(err)
		if p.State != decision.Open || p.RollSize != 9 {
			t.Fatalf("one of ten signed: %s, roll %d", p.State, p.RollSize)
		}
		h.vote(p, "", "", "", "", "", "", decision.Agree, decision.Agree)
		h.wait(6 * day)
		h.wait(2 * day)
		h.is(p.ID, decision.InForce, "carried", decision.Done)
		list, err := h.mandate.InBody(h.ctx, g.ID)
		h.ok(err)
		i := slices.IndexFunc(list, func(m mandate.Mandate) bool { return m.Office == "Steward" })
		h.ok(h.mandate.Accept(h.ctx, h.people[8], list[i].ID))
		h.ok(h.byHand(h.people[8], h.describe("Alive")))
		h.audit().report(t)
	})
}

// Turnout collapse, quorum deadlock: a second call after n days with a lower quorum, only if the rule
// allows it, and only once.
func TestAttack04TurnoutCollapse(t *testing.T) {
	each(t, "social-coop", 10, func(t *testing.T, h *hall) {
		h.enact(decision.Drafting{Title: "A quorum", Effects: []decision.Proposed{h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) { r.Quorum = tally.Ratio{Num: 1, Den: 2} })}})
		m := h.put(h.founder, decision.Drafting{Title: "Nobody came"})
		h.vote(m, decision.Agree, decision.Agree, decision.Agree, decision.Agree)
		h.wait(6 * day)
		h.is(m.ID, decision.Closed, "no quorum", "")
		if next, err := h.Followers(h.ctx, h.founder, m.ID); err != nil || len(next) != 0 {
			t.Errorf("called again without a rule: %v, %v", ids(next...), err)
		}
		h.enact(decision.Drafting{Title: "A second call", Effects: []decision.Proposed{h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) { r.Again, r.AgainQuorum = 5, tally.Ratio{Num: 1, Den: 5} })}})
		for votes, want := range map[int]string{2: "carried", 1: "no quorum"} {
			m := h.put(h.founder, decision.Drafting{Title: "Nobody came", Effects: []decision.Proposed{h.describe(fmt.Sprint("Name ", votes))}})
			h.vote(m, decision.Agree, decision.Agree, decision.Agree, decision.Agree)
			h.wait(6 * day)
			h.is(m.ID, decision.Closed, "no quorum", "")
			next, err := h.Followers(h.ctx, h.founder, m.ID)
			h.ok(err)
			if len(next) != 1 || next[0].OriginKind != decision.SecondCall || next[0].State != decision.Called || !next[0].OpensAt.Equal(m.ClosesAt.Add(5*day)) {
				t.Fatalf("called again as %+v", next)
			}
			h.wait(5 * day)
			h.vote(next[0], slices.Repeat([]string{decision.Agree}, votes)...)
			h.wait(6 * day)
			h.wait(2 * day)
			if got := h.get(next[0].ID); string(got.Outcome) != want {
				t.Errorf("the second call with %d of 10 votes is %s", votes, got.Outcome)
			}
			if third, err := h.Followers(h.ctx, h.founder, next[0].ID); err != nil || len(third) != 0 {
				t.Errorf("a third call: %v, %v", ids(third...), err)
			}
		}
		if h.name() != "Name 2" {
			t.Errorf("the co-op is called %s", h.name())
		}
		h.audit().report(t)
	})
}

// Capture by mass joining: roll date before notice, a waiting period before the first vote, a member on
// the day of the notice and on the day of the vote. Whoever joins less than the waiting period before the
// call, or after it, has no vote, whenever voting opens and whatever the crowd does.
func TestAttack05CaptureByMassJoining(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		h := newHall(t, d, c)
		h.found("social-coop", 3)
		start, at, people := h.dump(), c.Now(), slices.Clone(h.people)
		shell := authz.Actor{Via: authz.Operator} // the founder's office would be over
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			if n++; n > 25 {
				return
			}
			h.t = r
			defer func() { h.t = t }()
			h.restore(start)
			c.Set(at)
			h.reopen()
			h.people = slices.Clone(people)
			joined := map[id.ID]time.Time{}
			days := rapid.SliceOfN(rapid.IntRange(0, 90*24), 1, 4)
			crowd := func() {
				for _, hours := range days.Draw(r, "arrivals") {
					h.clock.Advance(time.Duration(hours)*time.Hour/4 + time.Duration(rapid.IntRange(-1, 1).Draw(r, "ms"))*ms + ms)
					by, err := h.admit(shell)
					h.ok(err)
					joined[by.Member] = h.clock.Now()
				}
			}
			crowd()
			h.clock.Advance(time.Duration(rapid.SampledFrom([]int{0, 29, 30, 31}).Draw(r, "days")) * day)
			m := h.discuss(h.people[0], decision.Drafting{Title: "Take over", Effects: []decision.Proposed{h.describe("Taken over")}})
			m, err := h.Call(h.ctx, h.people[0], m.ID, decision.Calling{Opens: h.clock.Now().Add(time.Duration(rapid.IntRange(0, 60).Draw(r, "opens in")) * day)})
			h.ok(err)
			called := h.clock.Now()
			if m.State != decision.Open {
				crowd()
			}
			if h.clock.Now().Before(m.OpensAt) {
				h.clock.Set(m.OpensAt)
			}
			h.ok(h.Advance(h.ctx))
			for who, since := range joined {
				_, err := h.Cast(h.ctx, authz.Actor{Member: who, Via: authz.Web}, m.ID, decision.Choice{Choice: decision.Agree}, "")
				if may := !since.After(called.Add(-30 * day)); may != (err == nil) {
					r.Errorf("joined %s before the call: %v", called.Sub(since), err)
				}
			}
		})
	})
}

// Capture by few (quiet vote in August): minimum days, notice, call-in. Nobody gets a motion through in
// less time than its rule gives the others to notice, by any of the ways there are.
func TestAttack06CaptureByFew(t *testing.T) {
	t.Parallel()
	t.Run("minimum days", func(t *testing.T) {
		each(t, "assembly", 5, func(t *testing.T, h *hall) { // fourteen days of discussion, six of voting
			m := h.discuss(h.founder, decision.Drafting{Title: "In August", Effects: []decision.Proposed{h.describe("Quietly")}})
			for what, c := range map[string]decision.Calling{"at once": {}, "a blank for a reason": {Urgent: " \t "}, "later, but now": {Opens: h.clock.Now().Add(80 * day)}} {
				_, err := h.Call(h.ctx, h.founder, m.ID, c)
				h.want(err, fault.Conflict, what)
			}
			h.clock.Advance(14*day - ms)
			_, err := h.Call(h.ctx, h.founder, m.ID, decision.Calling{})
			h.want(err, fault.Conflict, "a millisecond too early")
			h.clock.Advance(ms)
			for _, length := range []time.Duration{time.Hour, 6*day - ms, 61 * day, -day} {
				_, err := h.Call(h.ctx, h.founder, m.ID, decision.Calling{For: length})
				h.want(err, fault.Invalid, "open for "+length.String())
			}
			// The urgent way is shorter, needs a reason, and is undone by itself; a rule can do without it.
			rules := h.discuss(h.founder, decision.Drafting{Title: "Rules", Effects: []decision.Proposed{h.adopts(rulebook.Group, func(r *rulebook.Rule) { r.Open = 1 })}})
			_, err = h.Call(h.ctx, h.founder, rules.ID, decision.Calling{Urgent: "quick, before they come back"})
			h.want(err, fault.Invalid, "the rules, urgently")
			_, err = h.Call(h.ctx, h.founder, m.ID, decision.Calling{Urgent: "quick", For: time.Hour})
			h.want(err, fault.Invalid, "in an hour")
		})
	})
	// Everybody sleeps, also the computer: the time to vote and the time to call in begin when it wakes.
	t.Run("the computer sleeps", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			m := h.discuss(h.founder, decision.Drafting{Title: "In August", Effects: []decision.Proposed{h.describe("Quietly")}})
			m, err := h.Call(h.ctx, h.founder, m.ID, decision.Calling{Opens: h.clock.Now().Add(day)})
			h.ok(err)
			h.wait(20 * day)
			m = h.is(m.ID, decision.Open, "", "")
			if left := m.ClosesAt.Sub(h.clock.Now()); left != 6*day {
				t.Errorf("voting is open for %s", left)
			}
			h.vote(m, decision.Agree)
			h.wait(20 * day)
			m = h.is(m.ID, decision.Window, "carried", "")
			if left := m.WindowEndsAt.Sub(h.clock.Now()); left != 2*day {
				t.Errorf("it can be called in for %s", left)
			}
			for _, by := range h.people[1:4] {
				_, err := h.Support(h.ctx, by, m.ID, decision.CallIn, "we were away")
				h.ok(err)
			}
			h.is(m.ID, decision.CalledIn, "carried", "")
			h.audit().report(t)
		})
	})
	// A body's motion goes to all members if enough of them call it in, also if its effects could not be
	// one motion of theirs; and it does not go round and round for ever.
	t.Run("call-in", func(t *testing.T) {
		each(t, "social-coop", 6, func(t *testing.T, h *hall) {
			g := h.group("care", coop.Power, mandate.Appoint)
			h.ok(h.mandate.Join(h.ctx, h.people[1], g.ID))
			m := h.put(h.people[1], decision.Drafting{Body: g.ID, Title: "Two in one", Effects: []decision.Proposed{h.describe("Quietly"),
				carry(mandate.Appoint, args{"body": g.ID, "member": h.people[5].Member, "office": "Clerk", "powers": []string{coop.Power}, "days": 9})}})
			h.agree(m)
			h.wait(3 * day)
			m = h.is(m.ID, decision.Window, "carried", "")
			h.clock.Set(m.WindowEndsAt.Add(-ms))
			for _, by := range h.people[2:5] {
				_, err := h.Support(h.ctx, by, m.ID, decision.CallIn, "not so fast")
				h.ok(err)
			}
			h.is(m.ID, decision.CalledIn, "carried", "")
			h.wait(30 * day)
			if h.name() != "Garden Co-op" {
				t.Error("it came into force although it was called in")
			}

			again := h.put(h.founder, decision.Drafting{Title: "Everybody's", Effects: []decision.Proposed{h.describe("Ours")}})
			h.vote(again, decision.Agree, decision.Agree)
			h.wait(6 * day)
			again = h.get(again.ID)
			for _, by := range h.people[2:5] {
				_, err := h.Support(h.ctx, by, again.ID, decision.CallIn, "never")
				h.ok(err)
			}
			_, err := h.Support(h.ctx, h.people[5], again.ID, decision.CallIn, "")
			h.want(err, fault.Conflict, "called in twice")
			next, err := h.Followers(h.ctx, h.founder, again.ID)
			h.ok(err)
			h.vote(next[0], decision.Agree, decision.Agree, decision.Disagree)
			h.wait(6 * day)
			for _, by := range h.people[2:5] {
				_, err := h.Support(h.ctx, by, next[0].ID, decision.CallIn, "never")
				h.want(err, fault.Conflict, "the same three, again")
			}
			h.wait(2 * day)
			h.is(next[0].ID, decision.InForce, "carried", decision.Done)

			late := h.put(h.founder, decision.Drafting{Title: "Too late", Effects: []decision.Proposed{h.describe("Later")}})
			h.vote(late, decision.Agree)
			h.wait(6 * day)
			h.clock.Set(h.get(late.ID).WindowEndsAt)
			_, err = h.Support(h.ctx, h.people[2], late.ID, decision.CallIn, "")
			h.want(err, fault.Conflict, "called in at the end of the window")
			h.tick()
			h.audit().report(t)
		})
	})
}

// Rule change that entrenches (invariants 5, 7, 13): each is tried as a motion, and refused before
// anybody votes.
func TestAttack07RulesThatEntrench(t *testing.T) {
	each(t, "social-coop", 4, func(t *testing.T, h *hall) {
		share := func(n, d int64) tally.Ratio { return tally.Ratio{Num: n, Den: d} }
		change := func(f func(r *rulebook.Rule)) func(line string) decision.Proposed {
			return func(line string) decision.Proposed { return h.adopts(line, f) }
		}
		for what, e := range map[string]func(line string) decision.Proposed{
			"a threshold over 90 %":        change(func(r *rulebook.Rule) { r.Threshold = share(91, 100) }),
			"a threshold of all":           change(func(r *rulebook.Rule) { r.Threshold = share(1, 1) }),
			"a threshold that overflows":   change(func(r *rulebook.Rule) { r.Threshold = share(1844674407370955162, 1) }),
			"another that overflows":       change(func(r *rulebook.Rule) { r.Threshold = share(math.MaxInt64/10*2+1, 999_999) }),
			"a quorum over 50 %":           change(func(r *rulebook.Rule) { r.Quorum = share(51, 100) }),
			"a quorum that overflows":      change(func(r *rulebook.Rule) { r.Quorum = share(math.MaxInt64/2+2, 1) }),
			"a second quorum over 50 %":    change(func(r *rulebook.Rule) { r.AgainQuorum = share(51, 100) }),
			"no petition":                  change(func(r *rulebook.Rule) { r.Petition = share(0, 1) }),
			"a petition of over 20 %":      change(func(r *rulebook.Rule) { r.Petition = share(21, 100) }),
			"a petition of under 1 %":      change(func(r *rulebook.Rule) { r.Petition = share(9, 1000) }),
			"a petition that overflows":    change(func(r *rulebook.Rule) { r.Petition = share(184467440737095517, 1) }),
			"voting in no time":            change(func(r *rulebook.Rule) { r.Open = 0 }),
			"voting for ever":              change(func(r *rulebook.Rule) { r.Open = 61 }),
			"discussion for ever":          change(func(r *rulebook.Rule) { r.Discussion = 61 }),
			"a crowd to second":            change(func(r *rulebook.Rule) { r.Seconds = 21 }),
			"nobody new votes":             change(func(r *rulebook.Rule) { r.Waiting = 366 }),
			"a call-in nobody can manage":  change(func(r *rulebook.Rule) { r.CallIn = 51 }),
			"a call-in of half":            change(func(r *rulebook.Rule) { r.CallInShare = share(1, 2) }),
			"a window that nobody can use": change(func(r *rulebook.Rule) { r.Window, r.CallIn = 5, 0 }),
			"an urgency of an hour":        change(func(r *rulebook.Rule) { r.Urgent = &rulebook.Urgent{Hours: 1, Ratify: 60} }),
			"moved to the bodies":          change(func(r *rulebook.Rule) { r.Scope = rulebook.Bodies }),
			"no methods":                   change(func(r *rulebook.Rule) { r.Methods = nil }),
			"only asking":                  change(func(r *rulebook.Rule) { r.Methods = []string{rulebook.Questions} }),
			"emergency powers over rules": change(func(r *rulebook.Rule) {
				r.Emergency = &rulebook.Emergency{Body: "us", Acts: []string{"rule.*"}, Days: 9}
			}),
			"emergency powers for a year": change(func(r *rulebook.Rule) {
				r.Emergency = &rulebook.Emergency{Body: "us", Acts: []string{coop.Power}, Days: 365}
			}),
			"repealed": func(line string) decision.Proposed { return carry(rulebook.Repeal, args{"line": line}) },
		} {
			for _, line := range []string{rulebook.Ordinary, rulebook.Rules} {
				h.refusedMotion(what+" in "+line, decision.Drafting{Effects: []decision.Proposed{e(line)}})
			}
		}
		for what, e := range map[string]decision.Proposed{
			"blocks that nothing overrides":        h.adopts(rulebook.Rules, func(r *rulebook.Rule) { r.Block, r.Override = true, share(0, 1) }),
			"blocks that only all override":        h.adopts(rulebook.Rules, func(r *rulebook.Rule) { r.Block, r.Override = true, share(1, 1) }),
			"blocks that 99 in 100 override":       h.adopts(rulebook.Rules, func(r *rulebook.Rule) { r.Block, r.Override = true, share(99, 100) }),
			"objections that nothing overrides":    h.adopts(rulebook.Rules, func(r *rulebook.Rule) { r.Methods, r.Override = []string{rulebook.Consent}, share(0, 1) }),
			"the rules about rules let go":         h.adopts(rulebook.Rules, func(r *rulebook.Rule) { r.Acts = []string{"rule.adopt"} }),
			"the rules about rules under another":  h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) { r.Acts = []string{"*", "rule.adopt"} }),
			"an easier line for rules":             h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) { r.Line, r.Acts = "easy", []string{"rule.*"} }),
			"a line of the bodies for rules":       h.adopts(rulebook.Group, func(r *rulebook.Rule) { r.Line, r.Acts = "ours", []string{"rule.repeal"} }),
			"an ordinary line that is not for all": h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) { r.Acts = []string{coop.Power} }),
		} {
			h.refusedMotion(what, decision.Drafting{Effects: []decision.Proposed{e}})
		}

		// A body cannot widen its own domain, nor make rules, whatever domain it was given.
		g := h.group("us", "*")
		for _, by := range h.people[:2] {
			h.ok(h.mandate.Join(h.ctx, by, g.ID))
		}
		h.refusedMotion("rules by a body", decision.Drafting{Body: g.ID, Effects: []decision.Proposed{h.adopts(rulebook.Group, func(r *rulebook.Rule) { r.Open = 2 })}})
		h.refusedMotion("a repeal by a body", decision.Drafting{Body: g.ID, Effects: []decision.Proposed{carry(rulebook.Repeal, args{"line": "persons"})}})
		h.refusedMotion("the general meeting changed by a body below", decision.Drafting{Body: g.ID, Effects: []decision.Proposed{h.domain(h.root(), "coop.*")}})
		small := h.group("small", "body.*", coop.Power)
		h.ok(h.mandate.Join(h.ctx, h.founder, small.ID))
		if m := h.passes(h.founder, decision.Drafting{Body: small.ID, Title: "More", Effects: []decision.Proposed{h.domain(small, "*")}}); m.Execution != decision.Failed {
			t.Errorf("a body has widened itself: %s", m.Execution)
		}
		// Nor can the general meeting give itself up.
		root := h.root()
		for what, e := range map[string]decision.Proposed{
			"dissolved": carry(mandate.DissolveBody, args{"body": root.ID}), "without its domain": h.domain(root, "coop.*"),
			"with seats":                    carry(mandate.ChangeBody, args{"body": root.ID, "name": "GM", "aim": "", "domain": []string{"*"}, "seats": 3, "joining": "closed"}),
			"open to all":                   carry(mandate.ChangeBody, args{"body": root.ID, "name": "GM", "aim": "", "domain": []string{"*"}, "seats": 0, "joining": "open"}),
			"without one":                   carry(mandate.SeatMember, args{"body": root.ID, "member": h.founder.Member, "out": true}),
			"a reserved power in an office": carry(mandate.Appoint, args{"body": root.ID, "member": h.founder.Member, "office": "Judge", "powers": []string{rulebook.Adopt}, "days": 9}),
			"an office for life":            carry(mandate.Appoint, args{"body": root.ID, "member": h.founder.Member, "office": "King", "powers": []string{coop.Power}, "days": 36500}),
		} {
			h.refusedMotion("the general meeting "+what, decision.Drafting{Effects: []decision.Proposed{e}})
		}
		h.audit().report(t)
	})
}

func (h *hall) refusedMotion(what string, d decision.Drafting) {
	h.t.Helper()
	d.Title = "A motion"
	_, err := h.Draft(h.ctx, h.founder, d)
	if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Conflict) {
		h.t.Errorf("%s: %v", what, err)
	}
}

// Conflicting motions carried together: the base is checked, the second becomes stale and returns to its
// mover, also if both are carried out at the same instant.
func TestAttack08ConflictingMotions(t *testing.T) {
	each(t, "social-coop", 4, func(t *testing.T, h *hall) {
		returned := map[id.ID]int{}
		var mu sync.Mutex
		h.Returned.On(func(_ context.Context, _ *db.Tx, m decision.Motion) error {
			mu.Lock()
			defer mu.Unlock()
			returned[m.ID]++
			return nil
		})
		var both []decision.Motion
		for i, by := range h.people[:3] {
			m := h.put(by, decision.Drafting{Title: "A name", Effects: []decision.Proposed{h.describe(fmt.Sprintf("Name %d", i))}})
			h.agree(m)
			both = append(both, m)
		}
		for _, wait := range []time.Duration{6 * day, 2 * day} {
			h.clock.Advance(wait)
			h.atOnce(4, func(int) error { return h.Advance(h.ctx) })
		}
		how := map[string][]decision.Motion{}
		for _, m := range both {
			m = h.get(m.ID)
			how[m.Execution] = append(how[m.Execution], m)
		}
		if len(how[decision.Done]) != 1 || len(how[decision.Stale]) != 2 {
			t.Fatalf("of three %d were done, %d are stale", len(how[decision.Done]), len(how[decision.Stale]))
		}
		for _, m := range how[decision.Stale] {
			by := authz.Actor{Member: m.Mover, Via: authz.Web}
			mend, err := h.ToMend(h.ctx, by)
			if err != nil || len(mend) != 1 || mend[0].ID != m.ID || m.Cause == "" {
				t.Errorf("to mend: %v, %v; the cause is %q", ids(mend...), err, m.Cause)
			}
			again, err := h.Reopen(h.ctx, by, m.ID)
			if err != nil || again.State != decision.Draft {
				t.Errorf("moved again as %s, %v", again.State, err)
			}
		}
		if got := h.name(); !strings.HasPrefix(got, "Name ") {
			t.Errorf("the co-op is called %s", got)
		}
		h.tick()
		h.audit().report(t)
	})
}

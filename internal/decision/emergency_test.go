package decision_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/moderation"
	"rochdale/internal/rulebook"
)

var shell = authz.Actor{Via: authz.Operator}

// hurried lets one member act at once under the rule for ordinary motions.
func (h *hall) hurried(days int, change func(r *rulebook.Rule), acts ...string) authz.Actor {
	h.t.Helper()
	ann := h.people[1]
	g := h.group("care")
	h.ok(h.mandate.Join(h.ctx, ann, g.ID))
	h.enact(decision.Drafting{Title: "For emergencies", Effects: []decision.Proposed{h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) {
		r.Discussion, r.Emergency = 0, &rulebook.Emergency{Body: "care", Acts: acts, Days: days}
		if change != nil {
			change(r)
		}
	})}})
	return ann
}

// waiting is the one emergency act that waits to be ratified.
func (h *hall) waiting() mandate.Emergency {
	h.t.Helper()
	list, err := h.mandate.Emergencies(h.ctx, h.db)
	h.ok(err)
	if len(list) != 1 {
		h.t.Fatalf("%d acts wait: %+v", len(list), list)
	}
	return list[0]
}

func (h *hall) block(domain, level string) decision.Proposed {
	return carry(moderation.Block, args{"domain": domain, "level": level})
}

func (h *hall) level(domain string) string {
	h.t.Helper()
	d, err := h.social.FindDomain(h.ctx, h.db, domain)
	h.ok(err)
	return string(d.Level)
}

// A vote that uses all its days and its window ratifies in time, under every preset, whoever acted and
// however few days the rule gives; and what is not ratified ends.
func TestEveryEmergencyActCanBeRatifiedInTime(t *testing.T) {
	t.Parallel()
	for _, p := range rulebook.Presets() {
		for _, days := range []int{0, 1, 20} { // 0: the operator
			t.Run(fmt.Sprintf("%s %d", p.Name, days), func(t *testing.T) {
				each(t, p.Name, 4, func(t *testing.T, h *hall) {
					by := shell
					if days > 0 {
						for _, line := range []string{rulebook.Ordinary, rulebook.Rules, "persons"} {
							if h.rule(line).Discussion > 0 {
								h.patient(line)
							}
						}
						by = h.hurried(days, nil, coop.Power)
					} else if h.rule(rulebook.Ordinary).Discussion > 0 {
						h.patient(rulebook.Ordinary)
					}
					h.ok(h.byHand(by, h.describe("In a hurry")))
					h.wait(time.Hour) // it is asked about a little later
					act := h.waiting()
					m := h.get(act.Decision)
					h.agree(m)
					h.wait(m.ClosesAt.Sub(h.clock.Now()))
					if m = h.get(m.ID); m.State == decision.Window {
						h.wait(m.WindowEndsAt.Sub(h.clock.Now()) - ms)
						if h.name() != "In a hurry" {
							t.Fatalf("undone on %s, within the window of the vote about it", h.clock.Now())
						}
						h.wait(ms)
					}
					h.is(m.ID, decision.InForce, "carried", decision.Done)
					h.wait(90 * day)
					if h.name() != "In a hurry" {
						t.Errorf("it was ratified, and the co-op is called %s", h.name())
					}
					h.ok(h.byHand(by, h.describe("Once more")))
					h.tick()
					m = h.get(h.waiting().Decision)
					h.vote(m, no(m), no(m))
					h.wait(m.ClosesAt.Sub(h.clock.Now()))
					if h.name() != "In a hurry" {
						t.Errorf("it was voted down, and the co-op is called %s", h.name())
					}
					h.audit().report(t)
				})
			})
		}
	}
}

// patient takes the discussion out of a rule, which puts these stories off and changes nothing in them.
func (h *hall) patient(line string) {
	h.t.Helper()
	m := h.discuss(h.founder, decision.Drafting{Title: "At once", Effects: []decision.Proposed{h.adopts(line, func(r *rulebook.Rule) { r.Discussion = 0 })}})
	h.clock.Advance(30 * day)
	h.carryOut(m)
}

func (h *hall) carryOut(m decision.Motion) {
	h.t.Helper()
	m, err := h.Call(h.ctx, h.founder, m.ID, decision.Calling{})
	h.ok(err)
	h.agree(m)
	h.wait(m.ClosesAt.Sub(h.clock.Now()))
	if now := h.get(m.ID); now.State == decision.Window {
		h.wait(now.WindowEndsAt.Sub(h.clock.Now()))
	}
	h.is(m.ID, decision.InForce, "carried", decision.Done)
}

// The vote about an act can end later than was thought: the act waits for it, and for no more than a second
// call and one call-in.
func TestAnEmergencyActWaitsForItsVote(t *testing.T) {
	t.Parallel()
	t.Run("the machine sleeps", func(t *testing.T) {
		each(t, "social-coop", 4, func(t *testing.T, h *hall) {
			h.ok(h.byHand(shell, h.describe("In a hurry")))
			h.wait(40 * day) // and asks only then
			act := h.waiting()
			m := h.get(act.Decision)
			if m.State != decision.Open || act.Due.Before(m.ClosesAt.Add(2*day)) {
				t.Fatalf("the act ends on %s, motion %d is %s until %s", act.Due, m.Number, m.State, m.ClosesAt)
			}
			h.agree(m)
			h.wait(30 * day) // it sleeps on, over the close
			if m = h.get(m.ID); m.State != decision.Window || h.waiting().Due.Before(m.WindowEndsAt) {
				t.Fatalf("the act ends on %s, motion %d is %s until %s", h.waiting().Due, m.Number, m.State, m.WindowEndsAt)
			}
			h.wait(30 * day) // and over the end of the window
			h.is(m.ID, decision.InForce, "carried", decision.Done)
			if h.name() != "In a hurry" {
				t.Errorf("it was ratified, and the co-op is called %s", h.name())
			}
			h.audit().report(t)
		})
	})
	t.Run("second call and call-in", func(t *testing.T) {
		each(t, "social-coop", 6, func(t *testing.T, h *hall) {
			ann := h.hurried(1, func(r *rulebook.Rule) { r.Quorum, r.Again = tally.Ratio{Num: 1, Den: 2}, 20 }, coop.Power)
			h.ok(h.byHand(ann, h.describe("In a hurry")))
			h.tick()
			first := h.get(h.waiting().Decision)
			for who, by := range map[string]authz.Actor{"a member": h.people[2], "who acted": ann, "nobody": {}} {
				_, err := h.Extend(h.ctx, by, first.ID, first.ClosesAt.Add(day), "more time")
				h.want(err, fault.Forbidden, "the question is extended by "+who)
			}
			h.vote(first, decision.Agree)
			h.wait(6 * day)
			h.is(first.ID, decision.Closed, "no quorum", "")
			second := h.get(h.waiting().Decision)
			if second.ID == first.ID || second.State != decision.Called {
				t.Fatalf("asked again by %d, %s", second.Number, second.State)
			}
			h.wait(20 * day)
			h.agree(second)
			h.wait(6 * day)
			second = h.get(second.ID)
			for _, by := range h.people[2:5] {
				_, err := h.Support(h.ctx, by, second.ID, decision.CallIn, "let us see")
				h.ok(err)
			}
			third := h.get(h.waiting().Decision)
			if third.OriginKind != decision.FromCallIn || h.name() != "In a hurry" {
				t.Fatalf("called in, and %q asks; the co-op is called %s", third.OriginKind, h.name())
			}
			end := h.waiting().Due
			h.wait(6 * day) // without a quorum, so it is called a second time, for which the act does not wait
			if fourth := h.get(h.waiting().Decision); fourth.OriginKind != decision.SecondCall || !h.waiting().Due.Equal(end) {
				t.Fatalf("%q asks, and the act ends on %s instead of %s", fourth.OriginKind, h.waiting().Due, end)
			}
			h.wait(day)
			if h.name() != "Garden Co-op" {
				t.Errorf("not ratified, and the co-op is called %s", h.name())
			}
			h.audit().report(t)
		})
	})
}

// What the members did not let stand is not done again at once: not by the operator, not by whoever may act
// at once, for a month. A decision may, and a mandate; and what was only reviewed is not refused.
func TestALapsedActIsNotRepeated(t *testing.T) {
	each(t, "social-coop", 5, func(t *testing.T, h *hall) {
		ann := h.hurried(10, nil, moderation.Block)
		office := h.people[2]
		h.office(h.group("moderators", moderation.Block), office, 300, moderation.Block)
		for what, ends := range map[string]func(m decision.Motion){
			"nobody answers": func(decision.Motion) { h.wait(14 * day) },
			"voted down":     func(m decision.Motion) { h.vote(m, decision.Disagree); h.wait(6 * day) },
		} {
			h.ok(h.byHand(shell, h.block("bad.example", "block")))
			h.tick()
			ends(h.get(h.waiting().Decision))
			ended := h.clock.Now()
			if got := h.level("bad.example"); got != "" {
				t.Fatalf("%s: the server is at the level %q", what, got)
			}
			for who, by := range map[string]authz.Actor{"the operator": shell, "who may act at once": ann} {
				for _, level := range []string{"block", "limit"} {
					h.sameAfter(what+", and again by "+who, fault.Forbidden, func() error { return h.byHand(by, h.block("bad.example", level)) })
				}
			}
			h.ok(h.byHand(ann, h.block("another.example", "block"))) // another target
			h.tick()
			h.agree(h.get(h.waiting().Decision))
			h.ok(h.byHand(office, h.block("bad.example", "block")))
			h.ok(h.byHand(office, h.block("bad.example", "none")))
			h.enact(decision.Drafting{Title: "Limit it", Effects: []decision.Proposed{h.block("bad.example", "limit")}})
			h.clock.Set(ended.Add(mandate.RepeatAfter - ms))
			h.sameAfter(what+", too early", fault.Forbidden, func() error { return h.byHand(shell, h.block("bad.example", "none")) })
			h.clock.Advance(ms)
			h.ok(h.byHand(shell, h.block("bad.example", "none")))
			h.tick()
			h.agree(h.get(h.waiting().Decision))
			h.wait(6 * day)
			h.wait(2 * day)
			h.ok(h.byHand(office, h.block("another.example", "none")))
			h.clock.Advance(60 * day)
		}
		// Nothing undoes a statement. Not ratified, it can be followed by another; voted down, it cannot.
		say := carry(coop.Publish, args{"text": "We are moving."})
		h.ok(h.byHand(shell, say))
		h.tick()
		h.wait(14 * day)
		h.ok(h.byHand(shell, say))
		h.tick()
		h.vote(h.get(h.waiting().Decision), decision.Disagree)
		h.wait(6 * day)
		h.sameAfter("what the members voted down", fault.Forbidden, func() error { return h.byHand(shell, say) })
		h.audit().report(t)
	})
}

// Acts on the same thing do not carry each other on: what stands on an act that is undone falls with it,
// and what a decision or a mandate has made of the thing since is not undone.
func TestEmergencyActsDoNotCarryEachOtherOn(t *testing.T) {
	each(t, "social-coop", 5, func(t *testing.T, h *hall) {
		ann := h.hurried(12, nil, moderation.Block)
		var ended []string
		h.mandate.Lapsed.On(func(_ context.Context, _ *db.Tx, e mandate.Emergency) error {
			ended = append(ended, e.Outcome)
			return nil
		})
		h.ok(h.byHand(shell, h.block("bad.example", "block")))
		for _, level := range []string{"limit", "block", "limit"} {
			h.wait(4 * day)
			h.ok(h.byHand(ann, h.block("bad.example", level)))
		}
		h.wait(2 * day)
		if got := h.level("bad.example"); got != "" || len(ended) != 4 {
			t.Errorf("the first was not ratified, and the server is at the level %q; ended are %v", got, ended)
		}
		h.wait(60 * day)
		if got := h.level("bad.example"); got != "" {
			t.Errorf("two months later it is at the level %q", got)
		}
		ended = nil
		h.ok(h.byHand(shell, h.block("worse.example", "block")))
		h.enact(decision.Drafting{Title: "Only a limit", Effects: []decision.Proposed{h.block("worse.example", "limit")}})
		h.wait(30 * day)
		if got := h.level("worse.example"); got != "limit" || len(ended) != 1 || ended[0] != mandate.Review {
			t.Errorf("decided was a limit, and it is at the level %q; ended are %v", got, ended)
		}
		h.audit().report(t)
	})
}

// An officer, the operator or who may act at once takes the rights of everybody else away and carries a
// change of rules alone: none of them can begin.
func TestAttack17TheRollIsNotForOfficers(t *testing.T) {
	each(t, "social-coop", 5, func(t *testing.T, h *hall) {
		others := h.people[1:]
		for _, p := range []string{member.Suspension, member.Reinstatement, member.Expulsion} {
			h.refusedMotion("an office with "+p, decision.Drafting{Effects: []decision.Proposed{carry(mandate.Appoint, args{"body": h.root().ID, "member": others[0].Member,
				"office": "Warden", "powers": []string{p}, "days": 99})}})
			r := h.rule(rulebook.Ordinary)
			r.Emergency = &rulebook.Emergency{Body: "care", Acts: []string{p}, Days: 10}
			h.want(r.Check(), fault.Invalid, "an emergency rule with "+p)
			r.Emergency.Acts = []string{"member.*"}
			h.want(r.Check(), fault.Invalid, "an emergency rule with member.*")
		}
		for who, by := range map[string]authz.Actor{"who holds every power there is": h.founder, "the operator": shell} {
			for _, of := range others {
				h.sameAfter(who+" suspends", fault.Forbidden, func() error { return h.byHand(by, carry(member.Suspension, args{"member": of.Member})) })
				h.sameAfter(who+" suspends by hand", fault.Forbidden, func() error { return h.member.Suspend(h.ctx, by, of.Member, time.Time{}, "mine") })
			}
		}
		// Nor by recording that they have died, who are there.
		for _, of := range others {
			login, err := h.identity.Get(h.ctx, h.db, of.Login)
			h.ok(err)
			_, _, err = h.identity.SignIn(h.ctx, login.Email, password, "a browser", local)
			h.ok(err)
		}
		h.clock.Advance(member.SignOfLife - ms)
		for _, of := range others {
			h.sameAfter("the dead vote", fault.Conflict, func() error { return h.member.RecordDeath(h.ctx, h.founder, of.Member, "mine") })
		}
		// A body cannot either, whatever its domain says.
		g := h.group("wardens", "member.*", coop.Power)
		h.ok(h.mandate.Join(h.ctx, others[0], g.ID))
		_, err := h.Draft(h.ctx, others[0], decision.Drafting{Body: g.ID, Title: "Suspend", Effects: []decision.Proposed{carry(member.Suspension, args{"member": others[1].Member})}})
		h.want(err, fault.Forbidden, "a body suspends")
		good, err := h.member.InGoodStanding(h.ctx, h.db, h.clock.Now())
		h.ok(err)
		if len(good) != len(h.people) {
			t.Errorf("%d of %d are left", len(good), len(h.people))
		}
		h.enact(decision.Drafting{Title: "The meeting may", Effects: []decision.Proposed{carry(member.Suspension, args{"member": others[3].Member})}})
		h.audit().report(t)
	})
}

// A vote is extended once, by no more than its rule gives a vote, and not in its last hour.
func TestExtension(t *testing.T) {
	each(t, "social-coop", 4, func(t *testing.T, h *hall) {
		longer := func(m decision.Motion, by time.Duration) error {
			_, err := h.Extend(h.ctx, h.founder, m.ID, m.ClosesAt.Add(by), "holidays")
			return err
		}
		m := h.put(h.founder, decision.Drafting{Title: "Once"})
		_, err := h.Extend(h.ctx, h.people[1], m.ID, m.ClosesAt.Add(day), "holidays")
		h.want(err, fault.Forbidden, "by another member")
		_, err = h.Extend(h.ctx, h.founder, m.ID, m.ClosesAt.Add(day), " ")
		h.want(err, fault.Invalid, "without a reason")
		for _, by := range []time.Duration{0, -day, 6*day + ms, 60 * day} {
			h.want(longer(m, by), fault.Invalid, "by "+by.String())
		}
		h.ok(longer(m, 6*day))
		now := h.get(m.ID)
		if !now.ClosesAt.Equal(m.ClosesAt.Add(6 * day)) {
			t.Errorf("it closes on %s", now.ClosesAt)
		}
		h.want(longer(now, ms), fault.Conflict, "a second time")
		last := all(h, auditEvents)
		b, err := last[len(last)-1].Read()
		h.ok(err)
		if b.Reason != "holidays" {
			t.Errorf("recorded with the reason %q", b.Reason)
		}

		late := h.put(h.founder, decision.Drafting{Title: "Late"})
		h.clock.Set(late.ClosesAt.Add(-time.Hour + ms))
		h.want(longer(late, day), fault.Conflict, "in the last hour")
		h.clock.Set(late.ClosesAt.Add(-time.Hour))
		h.ok(longer(late, day))

		urgent := h.discuss(h.founder, decision.Drafting{Title: "Urgent", Effects: []decision.Proposed{h.describe("Quick")}})
		urgent, err = h.Call(h.ctx, h.founder, urgent.ID, decision.Calling{Urgent: "it burns"})
		h.ok(err)
		h.want(longer(urgent, day+ms), fault.Invalid, "an urgent one by more than its hours")
		h.ok(longer(urgent, day))
		h.audit().report(t)
	})
}

// Every act has an inverse that the program can load, or its power is said to be irreversible: whoever
// performs another is refused, whichever feature it is.
func TestInvariant08NoActWithoutInverse(t *testing.T) {
	each(t, "social-coop", 3, func(t *testing.T, h *hall) {
		perform := func(power string, inverse any) error {
			return h.db.InDurableTx(h.ctx, func(tx *db.Tx) error {
				_, err := h.mandate.Perform(h.ctx, tx, h.founder, authz.Act{Power: power, Target: authz.Target{Kind: "thing", ID: 5}, Inverse: inverse})
				return err
			})
		}
		before := h.dump()
		for _, p := range allPowers() {
			if p.Reserved {
				continue
			}
			good := h.describe("Back").Stored
			for what, inverse := range map[string]any{"nothing": nil, "something else": map[string]string{"change": "removed"}, "no kind": args{"kind": "coop.explode", "args": args{}},
				"no such field": args{"kind": coop.Power, "args": args{"colour": "red"}}} {
				if err := perform(p.Name, inverse); (err == nil) != (p.Irreversible && (what == "nothing" || what == "something else")) {
					t.Errorf("%s, undone by %s: %v", p.Name, what, err)
				}
			}
			if err := perform(p.Name, good); (err == nil) == p.Irreversible {
				t.Errorf("%s, undone by an effect: %v", p.Name, err)
			}
		}
		if len(differs(before, h.dump())) == 0 {
			t.Error("no act was kept: the test is blind")
		}
	})
}

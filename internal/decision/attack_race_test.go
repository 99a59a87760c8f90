package decision_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/rulebook"
)

// The attacks of research §6.6 from the close race on; the others are in attack_test.go.

// Close race: vote and close at one instant; one transaction decides, and the receipt says in or out. A
// thousand members vote at once while the vote is closed: who has a receipt is counted, and nobody else.
func TestAttack09CloseRace(t *testing.T) {
	t.Parallel()
	voters := 1000
	if testing.Short() {
		voters = 100
	}
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		h := newHall(t, d, c)
		h.found("social-coop", 1)
		h.crowd(voters)
		h.clock.Advance(31 * day)
		m := h.put(h.founder, decision.Drafting{Title: "At the last moment"})
		if m.RollSize != voters+1 {
			t.Fatalf("the roll has %d names", m.RollSize)
		}
		c.Set(m.ClosesAt.Add(-ms))
		var in, out, tired atomic.Int64
		receipts := make([]*decision.Receipt, voters)
		half := make(chan struct{})
		var wg sync.WaitGroup
		for i := range voters {
			wg.Go(func() {
				r, err := h.Cast(h.ctx, h.people[i+1], m.ID, decision.Choice{Choice: decision.Agree}, "")
				switch {
				case err == nil:
					receipts[i] = &r
					if in.Add(1) == int64(voters/2) {
						close(half)
					}
				case fault.Is(err, fault.Conflict):
					out.Add(1)
				case errors.Is(err, db.ErrRetry): // it gave up waiting: not in, and it says so
					tired.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		<-half
		c.Set(m.ClosesAt)
		h.atOnce(2, func(int) error { return h.Advance(h.ctx) })
		wg.Wait()
		h.tick()
		m = h.get(m.ID)
		votes, err := h.Votes(h.ctx, m.ID, voters+1)
		h.ok(err)
		if m.CountedAt.IsZero() || int64(m.Result().Voted) != in.Load() || int64(len(votes)) != in.Load() || int64(m.Votes) != in.Load() || out.Load() == 0 {
			t.Errorf("%d receipts, %d refused, %d tired; %d votes, %d counted", in.Load(), out.Load(), tired.Load(), len(votes), m.Result().Voted)
		}
		for i, r := range receipts {
			there := slices.ContainsFunc(votes, func(v decision.Vote) bool { return v.Member == h.people[i+1].Member })
			if there != (r != nil) {
				t.Errorf("voter %d has a receipt: %t; the vote is there: %t", i, r != nil, there)
			}
		}
		t.Logf("%d in, %d out, %d gave up", in.Load(), out.Load(), tired.Load())
		h.audit().report(t)
	})
}

// crowd admits many members at once.
func (h *hall) crowd(n int) {
	h.t.Helper()
	h.ok(h.db.InDurableTx(h.ctx, func(tx *db.Tx) error {
		h.people = h.people[:1]
		for i := range n {
			name := fmt.Sprintf("c%d", i)
			m, err := h.member.TakeIn(h.ctx, tx, h.founder, member.Joining{Name: name, Username: name, Email: name + "@mail.example"}, hashed(), "welcome")
			if err != nil {
				return err
			}
			h.people = append(h.people, authz.Actor{Member: m.ID, Login: m.LoginID, Via: authz.Web})
		}
		return nil
	}))
}

// Effect target gone (domain unblocked by hand, member left): failed or stale with its cause, shown, and
// it counts as not executed.
func TestAttack10EffectTargetGone(t *testing.T) {
	each(t, "social-coop", 6, func(t *testing.T, h *hall) {
		block := func(level string) decision.Proposed {
			return carry("moderation.block", args{"domain": "bad.example", "level": level})
		}
		h.enact(decision.Drafting{Title: "Block", Effects: []decision.Proposed{block("block")}})
		g := h.group("care", coop.Power)
		ann, ben, cem := h.people[1], h.people[2], h.people[3]
		office := h.office(g, ann, 300, coop.Power)
		h.office(g, h.founder, 300, "coop.describe")
		var put []decision.Motion
		for _, e := range []decision.Proposed{
			block("none"), carry(member.Suspension, args{"member": ben.Member}), carry(mandate.Recall, args{"mandate": office.ID}),
			carry(mandate.Appoint, args{"body": g.ID, "member": ben.Member, "office": "Clerk", "powers": []string{coop.Power}, "days": 9}),
			carry(mandate.SeatMember, args{"body": g.ID, "member": ben.Member}),
		} {
			m := h.put(cem, decision.Drafting{Title: e.Kind, Effects: []decision.Proposed{e}})
			h.agree(m)
			put = append(put, m)
		}
		h.ok(h.byHand(authz.Actor{Via: authz.Operator}, block("none")))
		h.ok(h.member.Resign(h.ctx, ben, password, local))
		h.ok(h.mandate.Resign(h.ctx, ann, office.ID, "tired"))
		h.wait(6 * day)
		h.wait(2 * day)
		for _, m := range put {
			got := h.get(m.ID)
			if got.State != decision.InForce || got.Execution != decision.Failed && got.Execution != decision.Stale || got.Cause == "" {
				t.Errorf("%s is %s/%s because %q", m.Title, got.State, got.Execution, got.Cause)
			}
			acts, err := h.mandate.Acts(h.ctx, authz.Decision, ids(m), 9)
			if err != nil || len(acts) != 0 {
				t.Errorf("%s: acts %v, %v", m.Title, acts, err)
			}
		}
		if mend, err := h.ToMend(h.ctx, cem); err != nil || len(mend) != len(put) {
			t.Errorf("to mend: %v, %v", ids(mend...), err)
		}
		h.audit().report(t)
	})
}

// Moderator recalled while acting: authority is checked at commit time. The officer's act begins while
// the office ends in another transaction, and has to wait for it: it is refused.
func TestAttack11RecalledWhileActing(t *testing.T) {
	each(t, "social-coop", 4, func(t *testing.T, h *hall) {
		ann := h.people[1]
		g := h.group("care", coop.Power)
		m := h.office(g, ann, 300, coop.Power)
		recalled, waits := make(chan struct{}), make(chan struct{})
		h.mandate.Ended.On(func(context.Context, *db.Tx, mandate.Mandate) error { // the recall, before its commit
			close(recalled)
			<-waits
			return nil
		})
		motion := h.put(h.founder, decision.Drafting{Title: "Recall", Effects: []decision.Proposed{carry(mandate.Recall, args{"mandate": m.ID})}})
		h.agree(motion)
		h.wait(6 * day)
		h.clock.Advance(2 * day)
		done := make(chan error)
		go func() { done <- h.Advance(h.ctx) }()
		<-recalled
		acted := make(chan error)
		go func() { acted <- h.byHand(ann, h.describe("Once more")) }()
		h.blocked()
		close(waits)
		h.ok(<-done)
		h.want(<-acted, fault.Forbidden, "an act after the recall")
		h.is(motion.ID, decision.InForce, "carried", decision.Done)
		if h.name() != "Garden Co-op" {
			t.Errorf("after the recall the co-op is called %s", h.name())
		}
		h.audit().report(t)
	})
}

// Interest: voting on one's own expulsion or office. The member whom it concerns may speak and may not
// vote, where the rule says so; without that rule it is as any other vote.
func TestAttack12Interest(t *testing.T) {
	each(t, "social-coop", 4, func(t *testing.T, h *hall) {
		ann, ben := h.people[1], h.people[2]
		g := h.group("care", coop.Power)
		office := h.office(g, ann, 300, coop.Power)
		for what, e := range map[string]decision.Proposed{
			"expulsion": carry(member.Expulsion, args{"member": ann.Member}), "suspension": carry(member.Suspension, args{"member": ann.Member}),
			"recall": carry(mandate.Recall, args{"mandate": office.ID}), "term": carry(mandate.RatifyTerm, args{"mandate": office.ID, "days": 99}),
			"another office": carry(mandate.Appoint, args{"body": g.ID, "member": ann.Member, "office": "Clerk", "powers": []string{coop.Power}, "days": 9}),
		} {
			m := h.put(ben, decision.Drafting{Title: what, Effects: []decision.Proposed{e}})
			_, err := h.Comment(h.ctx, ann, m.ID, 0, "Let me say something.")
			h.ok(err)
			_, err = h.Cast(h.ctx, ann, m.ID, decision.Choice{Choice: decision.Block}, "no")
			h.want(err, fault.Forbidden, "a vote on one's own "+what)
			if m.RollSize != 3 {
				t.Errorf("on the roll about the %s are %d of 4", what, m.RollSize)
			}
			_, err = h.Withdraw(h.ctx, ben, m.ID, "")
			h.ok(err)
		}
		h.enact(decision.Drafting{Title: "All vote", Effects: []decision.Proposed{h.adopts("removals", func(r *rulebook.Rule) { r.Interest = false })}})
		m := h.put(ben, decision.Drafting{Title: "Recall", Effects: []decision.Proposed{carry(mandate.Recall, args{"mandate": office.ID})}})
		_, err := h.Cast(h.ctx, ann, m.ID, decision.Choice{Choice: decision.Disagree}, "")
		h.ok(err)
		h.audit().report(t)
	})
}

// Report privacy against open record: the act is public with its reason; what is personal lies outside it.
// (Reports and case files are the moderation's own; what the binding core keeps is looked at here.)
func TestAttack13ReportPrivacy(t *testing.T) {
	each(t, "social-coop", 4, func(t *testing.T, h *hall) {
		applied, err := h.member.Apply(h.ctx, member.Joining{Name: "Surname99", Username: "applicant", Email: "a@mail.example", Password: password, Answer: "private words"})
		h.ok(err)
		for who, by := range map[string]authz.Actor{"a member": h.people[1], "a visitor": {}, "another server": {Via: authz.Federation, Account: 5}} {
			_, err := h.member.Waiting(h.ctx, by)
			h.want(err, fault.Forbidden, "an application is read by "+who)
		}
		if list, err := h.member.Waiting(h.ctx, h.founder); err != nil || len(list) != 1 {
			t.Errorf("who may admit sees %d applications, %v", len(list), err)
		}
		h.ok(h.member.Decline(h.ctx, h.founder, applied.ID, "private words"))
		h.enact(decision.Drafting{Title: "For harassment", Effects: []decision.Proposed{carry(member.Suspension, args{"member": h.people[2].Member})}})
		// Nor does a draft that was never published become public when it is withdrawn.
		told := 0
		h.Changed.On(func(context.Context, *db.Tx, decision.Motion) error { told++; return nil })
		draft, err := h.Draft(h.ctx, h.people[1], decision.Drafting{Title: "Private words", Body: h.root().ID})
		h.ok(err)
		_, err = h.Withdraw(h.ctx, h.people[1], draft.ID, "private words")
		h.ok(err)
		for _, f := range []decision.Filter{{Limit: 50}, {Limit: 50, Phase: "closed"}, {Limit: 50, Body: h.root().ID}} {
			list, err := h.List(h.ctx, f)
			h.ok(err)
			if told > 0 || slices.ContainsFunc(list, func(m decision.Motion) bool { return m.ID == draft.ID }) {
				t.Errorf("a withdrawn draft is told of %d times, and in the list %+v", told, f)
			}
		}
		public := 0
		for _, e := range all(h, auditEvents) {
			if strings.HasPrefix(e.Kind, "act.member.") {
				public++
				if personal.MatchString(e.Body) {
					t.Errorf("entry %d, %s, is for all to read: %s", e.Seq, e.Kind, e.Body)
				}
			}
			if e.Kind == "act.member.suspend" && !strings.Contains(e.Body, "harassment") {
				t.Errorf("the reason is not there: %s", e.Body)
			}
		}
		if public < 5 {
			t.Errorf("only %d acts about members are public", public)
		}
		acts, err := h.mandate.Acts(h.ctx, authz.Mandate, h.offices(), 50)
		h.ok(err)
		for _, x := range acts {
			if personal.MatchString(x.Args + x.Inverse) {
				t.Errorf("the act %s tells %s", x.Power, x.Args)
			}
		}
		h.audit().report(t)
	})
}

func (h *hall) offices() []id.ID {
	list, err := h.mandate.Coming(h.ctx, h.db)
	h.ok(err)
	var out []id.ID
	for _, m := range list {
		out = append(out, m.ID)
	}
	return out
}

// Legal order, immediate harm: a body that a rule lets act at once does so. What can be undone is undone
// unless the members ratify it; what cannot be is asked about all the same, and ends as a review. (That
// the reason may be published later is not built yet.)
func TestAttack14LegalOrder(t *testing.T) {
	each(t, "social-coop", 5, func(t *testing.T, h *hall) {
		g := h.group("care")
		ann := h.people[1]
		h.ok(h.mandate.Join(h.ctx, ann, g.ID))
		h.enact(decision.Drafting{Title: "For emergencies", Effects: []decision.Proposed{h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) {
			r.Emergency = &rulebook.Emergency{Body: "care", Acts: []string{coop.Publish, "moderation.block"}, Days: 10}
		})}})
		h.want(h.byHand(h.people[2], carry(coop.Publish, args{"text": "By anybody"})), fault.Forbidden, "who is not in the body")
		h.want(h.byHand(ann, h.describe("Another power")), fault.Forbidden, "what the rule does not name")
		h.ok(h.byHand(ann, carry(coop.Publish, args{"text": "By order of the court."})))
		h.ok(h.byHand(ann, carry("moderation.block", args{"domain": "bad.example", "level": "block"})))
		var lapsed []mandate.Emergency
		h.mandate.Lapsed.On(func(_ context.Context, _ *db.Tx, e mandate.Emergency) error { lapsed = append(lapsed, e); return nil })
		h.tick()
		list, err := h.mandate.Emergencies(h.ctx, h.db)
		h.ok(err)
		if len(list) != 2 || list[0].Decision == 0 || list[0].Decision != list[1].Decision {
			t.Fatalf("asked about %+v", list)
		}
		m := h.get(list[0].Decision)
		if m.State != decision.Open || m.Body != h.root().ID || m.OriginKind != decision.Emergency || m.Mover != 0 {
			t.Errorf("the question is %+v", m)
		}
		h.vote(m, decision.Disagree)
		h.wait(6 * day)
		h.wait(4 * day)
		h.tick()
		outcomes := map[string]string{}
		for _, e := range lapsed {
			outcomes[e.Power] = e.Outcome
		}
		if outcomes[coop.Publish] != mandate.Review || outcomes["moderation.block"] != mandate.Undone {
			t.Errorf("they ended as %v", outcomes)
		}
		levels, err := h.moderation.States(h.ctx, h.db)
		h.ok(err)
		for r := range levels {
			if r.Kind == "domain" {
				t.Errorf("the server has still a level: %v", levels)
			}
		}
		h.audit().report(t)
	})
}

// Federation, remote "votes": only local members vote. An actor of another server is refused at every
// door of the decisions, and so is whoever is no member.
func TestAttack16RemoteVotes(t *testing.T) {
	each(t, "social-coop", 3, func(t *testing.T, h *hall) {
		m := h.put(h.founder, decision.Drafting{Title: "Vote here", Effects: []decision.Proposed{h.describe("From afar")}})
		talk := h.discuss(h.founder, decision.Drafting{Title: "Talk here", Petition: true})
		comment, err := h.Comment(h.ctx, h.people[1], talk.ID, 0, "Hello")
		h.ok(err)
		account, err := h.coop.Get(h.ctx)
		h.ok(err)
		for who, by := range map[string]authz.Actor{
			"another server": {Via: authz.Federation, Account: 99}, "another server as one of us": {Via: authz.Federation, Account: account.AccountID},
			"a visitor": {}, "an account without a member": {Via: authz.API, Account: 99, Login: 5}, "a job": {Via: authz.Job}, "the operator": {Via: authz.Operator}, "no such member": {Via: authz.Web, Member: 99},
		} {
			before := h.dump()
			for door, f := range map[string]func() error{
				"cast": func() error {
					_, err := h.Cast(h.ctx, by, m.ID, decision.Choice{Choice: decision.Agree}, "")
					return err
				},
				"draft": func() error {
					_, err := h.Draft(h.ctx, by, decision.Drafting{Title: "From afar", Petition: true})
					return err
				},
				"sign":     func() error { _, err := h.Support(h.ctx, by, talk.ID, decision.Petition, ""); return err },
				"amend":    func() error { _, err := h.Amend(h.ctx, by, talk.ID, "From afar", ""); return err },
				"call":     func() error { _, err := h.Call(h.ctx, by, talk.ID, decision.Calling{}); return err },
				"edit":     func() error { _, err := h.Edit(h.ctx, by, talk.ID, decision.Drafting{Title: "From afar"}); return err },
				"extend":   func() error { _, err := h.Extend(h.ctx, by, m.ID, m.ClosesAt.Add(day), "more time"); return err },
				"withdraw": func() error { _, err := h.Withdraw(h.ctx, by, m.ID, ""); return err },
				"join":     func() error { return h.mandate.Join(h.ctx, authz.Actor{Via: by.Via, Account: by.Account}, h.root().ID) },
			} {
				if door == "draft" && by.Via == authz.Job {
					continue // rules put motions by themselves: that is how second calls and ratifications come
				}
				if err := f(); fault.KindOf(err) != fault.Forbidden {
					t.Errorf("%s of %s: %v", door, who, err)
				}
			}
			if by.Member == 0 {
				_, err := h.Comment(h.ctx, by, talk.ID, 0, "From afar")
				h.want(err, fault.Forbidden, "a comment of "+who)
				h.want(h.React(h.ctx, by, comment.ID, decision.Emojis[0], true), fault.Forbidden, "a reaction of "+who)
			}
			if left := differs(before, h.dump()); len(left) > 0 {
				t.Errorf("%s left %v", who, left)
			}
		}
		h.wait(6 * day)
		if got := h.is(m.ID, decision.Closed, "lost", ""); got.Votes != 0 {
			t.Errorf("%d votes from nowhere", got.Votes)
		}
		h.audit().report(t)
	})
}

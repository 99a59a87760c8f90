package decision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
)

// shape is what can be seen of the co-op: an act and what undoes it leave it as it was.
func (h *hall) shape() string {
	h.t.Helper()
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	c, err := h.coop.Get(h.ctx)
	h.ok(err)
	add("co-op %s %s %s %s", c.Name, c.Description, c.Joining, c.Conduct)
	bodies, err := h.mandate.Bodies(h.ctx, h.db)
	h.ok(err)
	for _, b := range bodies {
		add("body %s %s %s %v %d %s", b.Handle, b.Name, b.Aim, b.Domain(), b.Seats, b.Joining)
		seats, err := h.mandate.SeatsIn(h.ctx, h.db, b.ID, h.clock.Now())
		h.ok(err)
		for _, s := range seats {
			add("seat %s in %s", s.Member, b.Handle)
		}
	}
	offices, err := h.mandate.Coming(h.ctx, h.db)
	h.ok(err)
	for _, m := range offices {
		add("office %s of %s %v", m.Office, m.MemberID, m.Powers())
	}
	rules, err := h.rules.Current(h.ctx, h.db)
	h.ok(err)
	for _, r := range rules {
		b, err := json.Marshal(r.Rule)
		h.ok(err)
		add("rule %s", b)
	}
	people, err := h.member.List(h.ctx, 0, 500)
	h.ok(err)
	for _, m := range people {
		add("member %d %t", m.Number, m.Suspended(h.clock.Now()))
	}
	questions, err := h.member.Questions(h.ctx)
	h.ok(err)
	for _, q := range questions {
		add("question %s", q.Text)
	}
	limits, err := h.moderation.States(h.ctx, h.db)
	h.ok(err)
	for r, s := range limits {
		if said := jsonText(s); !strings.Contains(said, `"none"`) {
			add("limit %s %s", r, said)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// Every power either has acts with an inverse, which a later decision applies and all is as before, or it
// is on the short list of what nothing undoes.
func TestInvariant08EveryActHasAnInverse(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 8) })
	t.Run("there and back", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			ann, ben := h.people[1], h.people[2]
			g, empty := h.group("care", "coop.*", "member.*", "mandate.*"), h.group("empty", coop.Power)
			office := h.office(g, ann, 900, coop.Power)
			applied, err := h.member.Apply(h.ctx, member.Joining{Name: "Surname99", Username: "applicant", Email: "a@mail.example", Password: password, Answer: "private words"})
			h.ok(err)
			var account social.Account
			h.ok(h.db.InDurableTx(h.ctx, func(tx *db.Tx) error {
				a, err := h.social.Open(h.ctx, tx, social.NewAccount{Username: "loud", Kind: social.Person, Member: ben.Member})
				account = *a
				return err
			}))
			h.wait(31 * day) // the founder's office is over
			tried := map[string]bool{}
			for _, e := range []decision.Proposed{
				h.describe("Orchard Co-op"),
				carry(mandate.CreateBody, args{"parent": g.ID, "kind": "circle", "handle": "inner", "name": "Inner", "aim": "", "domain": []string{coop.Power}, "seats": 3, "joining": "closed"}),
				carry(mandate.ChangeBody, args{"body": g.ID, "name": "Caring", "aim": "To care", "domain": []string{"member.*"}, "seats": 9, "joining": "closed"}),
				carry(mandate.DissolveBody, args{"body": empty.ID}),
				carry(mandate.SeatMember, args{"body": g.ID, "member": ben.Member}),
				carry(mandate.Appoint, args{"body": g.ID, "member": ben.Member, "office": "Clerk", "powers": []string{member.Admit}, "days": 99}),
				carry(mandate.Recall, args{"mandate": office.ID}),
				h.adopts(rulebook.Group, func(r *rulebook.Rule) { r.Open = 5 }),
				h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) { r.Line, r.Title, r.Acts = "names", "Names", []string{coop.Power} }),
				carry(rulebook.Repeal, args{"line": "persons"}),
				carry(member.Suspension, args{"member": ben.Member}),
				carry(member.Expulsion, args{"member": ben.Member}),
				carry("moderation.block", args{"domain": "bad.example", "level": "block"}),
				carry("moderation.suspend", args{"account": "@loud", "id": account.ID, "level": "limit"}),
				carry(member.Ask, args{"questions": "Who are you?\nWhat can you do?"}),
				carry(member.Admit, args{"application": applied.ID}),
			} {
				before := h.shape()
				m := h.passes(h.founder, decision.Drafting{Title: e.Kind, Effects: []decision.Proposed{e}})
				if m.Execution != decision.Done {
					t.Errorf("%s is %s: %s", e.Kind, m.Execution, m.Cause)
					continue
				}
				if h.shape() == before {
					t.Errorf("%s changed nothing", e.Kind)
				}
				tried[e.Kind] = true
				undo, err := h.Undo(h.ctx, h.founder, m.ID)
				h.ok(err)
				d, err := h.Proposal(h.ctx, &undo)
				h.ok(err)
				tried[d.Effects[0].Kind] = true
				undo = h.carries(undo)
				if undo.Execution != decision.Done || h.get(m.ID).State != decision.Rescinded {
					t.Errorf("%s, undone by %s: %s %s", e.Kind, d.Effects[0].Kind, undo.Execution, undo.Cause)
				}
				if after := h.shape(); after != before {
					t.Errorf("%s and its inverse, from\n%s\nto\n%s", e.Kind, before, after)
				}
			}
			// A declined application is taken up again, by the same member's hand or by a decision.
			second, err := h.member.Apply(h.ctx, member.Joining{Name: "Surname98", Username: "another", Email: "b@mail.example", Password: password, Answer: "private words"})
			h.ok(err)
			waits := func(want int, what string) {
				t.Helper()
				if n, err := h.member.CountWaiting(h.ctx); err != nil || n != want {
					t.Errorf("%s: %d applications wait, %v", what, n, err)
				}
			}
			no := h.passes(h.founder, decision.Drafting{Title: "No room", Effects: []decision.Proposed{carry(member.Admit, args{"application": second.ID, "answer": member.Declined})}})
			waits(0, "declined")
			again, err := h.Undo(h.ctx, h.founder, no.ID)
			h.ok(err)
			h.carries(again)
			waits(1, "taken up again")
			admitted := h.passes(h.founder, decision.Drafting{Title: "Room", Effects: []decision.Proposed{carry(member.Admit, args{"application": second.ID})}})
			h.is(admitted.ID, decision.InForce, "carried", decision.Done)
			waits(0, "accepted")

			// A term that was prolonged has nothing to go back to once the old end is over: it is ended.
			m := h.enact(decision.Drafting{Title: "Longer", Effects: []decision.Proposed{carry(mandate.RatifyTerm, args{"mandate": h.office(g, ben, 30, coop.Power).ID, "days": 200})}})
			undo, err := h.Undo(h.ctx, h.founder, m.ID)
			h.ok(err)
			if undo = h.carries(undo); undo.Execution != decision.Done || h.mandate.Holds(h.ctx, ben, coop.Power) {
				t.Errorf("a prolonged term cannot be taken back: %s", undo.Cause)
			}
			tried[mandate.RatifyTerm] = true

			for _, p := range allPowers() {
				if tried[p.Name] == p.Irreversible {
					t.Errorf("%s has an inverse: %t; it is said to be irreversible: %t", p.Name, tried[p.Name], p.Irreversible)
				}
			}
			a := h.audit()
			a.report(t)
			h.caught(t, 8, "an act that nothing undoes", `UPDATE acts SET inverse = '{}' WHERE power = 'coop.describe'`)
			h.caught(t, 8, "an inverse of no kind", `UPDATE acts SET inverse = '{"kind":"coop.explode","args":{}}' WHERE power = 'coop.describe'`)
		})
	})
}

// carries publishes, calls and carries a draft of the founder's.
func (h *hall) carries(m decision.Motion) decision.Motion {
	h.t.Helper()
	_, err := h.Publish(h.ctx, h.founder, m.ID)
	h.ok(err)
	m, err = h.Call(h.ctx, h.founder, m.ID, decision.Calling{})
	h.ok(err)
	h.agree(m)
	h.wait(m.ClosesAt.Sub(h.clock.Now()))
	if m = h.get(m.ID); m.State == decision.Window {
		h.wait(m.WindowEndsAt.Sub(h.clock.Now()))
	}
	return h.get(m.ID)
}

func TestInvariant09EmergencyPowersEndByThemselves(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 4, 9) })
	operator := authz.Actor{Via: authz.Operator}
	emergency := func(h *hall, days int, acts ...string) (authz.Actor, mandate.Body) {
		g := h.group("care")
		h.ok(h.mandate.Join(h.ctx, h.people[1], g.ID))
		h.enact(decision.Drafting{Title: "For emergencies", Effects: []decision.Proposed{h.adopts(rulebook.Ordinary, func(r *rulebook.Rule) {
			r.Emergency = &rulebook.Emergency{Body: "care", Acts: acts, Days: days}
		})}})
		return h.people[1], g
	}
	t.Run("to the millisecond", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			ann, _ := emergency(h, 10, coop.Power)
			for _, tc := range []struct {
				by   authz.Actor
				days int
			}{{operator, mandate.OperatorDays}, {ann, 10}} {
				told := 0
				h.mandate.Emerged.On(func(context.Context, *db.Tx, mandate.Emergency) error { told++; return nil })
				h.ok(h.byHand(tc.by, h.describe("In a hurry")))
				h.want(h.byHand(h.people[2], h.describe("By anybody")), fault.Forbidden, "who is not in the body")
				if told != 1 {
					t.Errorf("told %d times", told)
				}
				h.tick()
				list, err := h.mandate.Emergencies(h.ctx, h.db)
				h.ok(err)
				if len(list) != 1 || h.get(list[0].Decision).State != decision.Open {
					t.Fatalf("waiting %+v", list)
				}
				h.clock.Set(list[0].At.Add(time.Duration(tc.days) * day).Add(-ms))
				h.ok(h.mandate.Lapse(h.ctx))
				h.sameAfter("undone too early", fault.Forbidden, func() error {
					return h.byHand(authz.Actor{Via: authz.Job, Lapse: list[0].Act}, h.describe("Garden Co-op"))
				})
				if h.name() != "In a hurry" {
					t.Error("undone before its time")
				}
				h.clock.Advance(ms)
				h.tick()
				if h.name() != "Garden Co-op" {
					t.Errorf("after %d days the co-op is called %s", tc.days, h.name())
				}
				// The motion comes too late, and says so; and for a month nobody does it again without a decision.
				h.wait(10 * day)
				lapsed := list[0].At.Add(time.Duration(tc.days) * day)
				h.clock.Set(lapsed.Add(mandate.RepeatAfter - ms))
				for who, by := range map[string]authz.Actor{"the operator": operator, "who may act at once": ann} {
					h.sameAfter("again, by "+who, fault.Forbidden, func() error { return h.byHand(by, h.describe("Once more")) })
				}
				h.clock.Advance(ms)
			}
			a := h.audit()
			a.report(t)
			if a.seen["act by lapse"] != 2 || a.seen["act by emergency"] != 1 {
				t.Errorf("the auditor saw %v", a.seen)
			}
			h.caught(t, 9, "it stands", `UPDATE emergencies SET ended_at = 0, outcome = ''`)
			h.caught(t, 9, "it is not listed", `DELETE FROM emergencies`)
			h.caught(t, 9, "it was never undone", `UPDATE emergencies SET outcome = 'review'`)
			h.caught(t, 9, "it was undone too early", `UPDATE record_events SET at = at - 86400000 * 20 WHERE kind = 'emergency.undone'`)
		})
	})
	t.Run("ratified", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			ann, _ := emergency(h, 10, coop.Power)
			h.ok(h.byHand(ann, h.describe("For good")))
			h.tick()
			list, err := h.mandate.Emergencies(h.ctx, h.db)
			h.ok(err)
			h.want(h.mandate.Ratify(h.ctx, h.founder, list[0].Act, "I say so"), fault.Forbidden, "an officer ratifies what a body did")
			h.agree(h.get(list[0].Decision))
			h.wait(6 * day)
			h.wait(2 * day)
			h.is(list[0].Decision, decision.InForce, "carried", decision.Done)
			h.wait(60 * day)
			if h.name() != "For good" {
				t.Errorf("ratified, and the co-op is called %s", h.name())
			}
			h.audit().report(t)
		})
	})
	// Nobody in a hurry has what only a decision can do, nor anything while the rights are suspended.
	t.Run("bounds", func(t *testing.T) {
		each(t, "social-coop", 5, func(t *testing.T, h *hall) {
			ann, g := emergency(h, 10, coop.Power)
			for _, p := range allPowers() {
				r := h.rule(rulebook.Ordinary)
				r.Emergency = &rulebook.Emergency{Body: "care", Acts: []string{p.Name}, Days: 10}
				if err := r.Check(); p.Reserved && err == nil {
					t.Errorf("an emergency rule hands out %s, which is reserved to decisions", p.Name)
				}
			}
			h.enact(decision.Drafting{Title: "Suspend", Effects: []decision.Proposed{carry(member.Suspension, args{"member": ann.Member})}})
			h.sameAfter("by a suspended member", fault.Forbidden, func() error { return h.byHand(ann, h.describe("Mine")) })
			h.enact(decision.Drafting{Title: "Reinstate", Effects: []decision.Proposed{carry(member.Reinstatement, args{"member": ann.Member})}})
			h.ok(h.byHand(ann, h.describe("Mine")))
			h.enact(decision.Drafting{Title: "Dissolve", Effects: []decision.Proposed{carry(mandate.DissolveBody, args{"body": g.ID})}})
			h.sameAfter("by a member of a dissolved body", fault.Forbidden, func() error { return h.byHand(ann, h.describe("Ours")) })
			h.wait(30 * day)
			h.audit().report(t)
		})
	})
	// An urgent decision stands only if it is ratified, in however many votes; and one whose ratification
	// is called in and then lost does not.
	t.Run("urgent", func(t *testing.T) {
		each(t, "social-coop", 6, func(t *testing.T, h *hall) {
			for _, called := range []bool{false, true} {
				m := h.discuss(h.founder, decision.Drafting{Title: "Quick", Effects: []decision.Proposed{h.describe("In a hurry")}})
				m, err := h.Call(h.ctx, h.founder, m.ID, decision.Calling{Urgent: "it burns"})
				h.ok(err)
				h.agree(m)
				h.wait(day)
				h.wait(2 * day)
				h.is(m.ID, decision.InForce, "carried", decision.Done)
				next, err := h.Followers(h.ctx, h.founder, m.ID)
				h.ok(err)
				_, err = h.Withdraw(h.ctx, h.founder, next[0].ID, "")
				h.want(err, fault.Forbidden, "the question is taken back")
				vote := next[0]
				if called {
					h.agree(vote)
					h.wait(6 * day)
					for _, by := range h.people[:3] {
						_, err := h.Support(h.ctx, by, vote.ID, decision.CallIn, "let us see")
						h.ok(err)
					}
					again, err := h.Followers(h.ctx, h.founder, vote.ID)
					h.ok(err)
					vote = again[0]
				}
				h.vote(vote, decision.Disagree, decision.Disagree)
				h.wait(6 * day)
				h.is(m.ID, decision.Rescinded, "carried", decision.Done)
				if h.name() != "Garden Co-op" {
					t.Errorf("called in: %t. Not ratified, and the co-op is called %s", called, h.name())
				}
			}
			h.audit().report(t)
		})
	})
}

// broken asks the record for its first event that does not fit.
func (h *hall) broken() *record.Broken {
	h.t.Helper()
	_, err := h.record.Verify(h.ctx)
	var b *record.Broken
	if err != nil && !errors.As(err, &b) {
		h.t.Fatalf("verify: %v", err)
	}
	return b
}

func TestInvariant10TheRecordIsTheState(t *testing.T) {
	t.Parallel()
	t.Run("lives", func(t *testing.T) { t.Parallel(); lives(t, 3, 10) })
	// One flipped byte anywhere is found, and named: in what was written down, in what is kept beside it,
	// in the tree, in a signed checkpoint.
	t.Run("one byte", func(t *testing.T) {
		each(t, "social-coop", 3, func(t *testing.T, h *hall) {
			m := h.enact(decision.Drafting{Title: "Once", Effects: []decision.Proposed{h.describe("Orchard Co-op")}})
			_, err := h.Comment(h.ctx, h.people[1], m.ID, 0, "private words")
			h.ok(err)
			_, err = h.record.Checkpoint(h.ctx)
			h.ok(err)
			if b := h.broken(); b != nil {
				t.Fatal(b)
			}
			flips := 0
			for _, tab := range h.dump() {
				if !strings.HasPrefix(tab.name, "record_") || tab.name == "record_keys" || tab.name == "record_head" {
					continue
				}
				for n, row := range tab.rows {
					for i, column := range tab.columns {
						if tab.name == "record_checkpoints" && column == "at" {
							continue // when it was signed is no part of what is signed
						}
						flipped := h.flip(tab, row, i, n)
						flips++
						seq := h.eventOf(tab, row)
						b := h.broken()
						switch {
						case b == nil:
							t.Errorf("%s.%s of %d: a flipped byte was not found", tab.name, column, seq)
						case b.Seq != seq && (i > 0 || tab.name == "record_events" || tab.name == "record_tree"): // with another number it is about another event
							t.Errorf("%s.%s: flipped in event %d, and %v", tab.name, column, seq, b)
						}
						h.set(tab, flipped, i, row[i])
					}
				}
			}
			if b := h.broken(); b != nil || flips < 200 {
				t.Errorf("%d flips, in the end %v", flips, b)
			}
			for _, query := range []string{
				`UPDATE record_head SET hash = 'x'`, `UPDATE record_head SET seq = seq + 1`, `DELETE FROM record_checkpoints`,
			} {
				before := h.dump()
				h.exec(query)
				if found := h.broken(); (found == nil) != (query[0] == 'D') { // a checkpoint less proves less, and breaks nothing
					t.Errorf("%s: %v", query, found)
				}
				h.restore(before)
			}
		})
	})
	// What stands in the tables is what the record says, or the event is named that says otherwise.
	t.Run("the tables", func(t *testing.T) {
		each(t, "social-coop", 3, func(t *testing.T, h *hall) {
			g := h.group("care", coop.Power)
			h.ok(h.mandate.Join(h.ctx, h.people[1], g.ID))
			h.office(g, h.people[1], 90, coop.Power)
			h.enact(decision.Drafting{Title: "Suspend", Effects: []decision.Proposed{carry(member.Suspension, args{"member": h.people[2].Member})}})
			h.ok(h.byHand(authz.Actor{Via: authz.Operator}, h.describe("By the operator")))
			h.tick()
			for _, query := range []string{
				`UPDATE mandates SET to_at = to_at + 1`, `UPDATE mandates SET powers = '["*"]'`, `UPDATE mandates SET member_id = 1`, `UPDATE mandates SET accepted_at = accepted_at + 1 WHERE accepted_at > 0`,
				`DELETE FROM mandates WHERE source_kind = 'genesis'`, `UPDATE bodies SET domain = '["*","x"]'`, `UPDATE bodies SET name = 'Mine'`, `UPDATE seats SET until_at = 0, member_id = 5`,
				`UPDATE rules SET data = REPLACE(data, '"open_days":6', '"open_days":1')`, `UPDATE rules SET until_at = 5 WHERE line = 'persons'`, `DELETE FROM rules WHERE line = 'persons'`,
				`UPDATE decisions SET outcome = 'lost'`, `UPDATE decisions SET title = 'Another'`, `UPDATE decisions SET text = text || '!'`, `UPDATE decisions SET roll_size = 99`, `UPDATE decisions SET closes_at = closes_at + 1`,
				`UPDATE decision_effects SET args = REPLACE(args, 'care', 'cure')`, `UPDATE decision_votes SET choice = '{"choice":"abstain"}'`, `UPDATE decision_votes SET member_id = member_id + 1`,
				`UPDATE members SET suspended_at = 0`, `UPDATE members SET number = number + 100`, `UPDATE members SET until_at = 0, ended = '', since_at = since_at - 1`,
				`UPDATE emergencies SET due_at = due_at + 86400000`, `UPDATE coop SET name = 'Mine'`,
			} {
				before := h.dump()
				h.exec(query)
				if len(differs(before, h.dump())) == 0 {
					t.Errorf("%s changes nothing", query)
				}
				if b := h.broken(); b == nil {
					t.Errorf("%s was not found", query)
				}
				h.restore(before)
			}
			h.whole()
		})
	})
	// A checkpoint that somebody kept proves that the beginning of the record is still the same.
	t.Run("checkpoints", func(t *testing.T) {
		each(t, "social-coop", 3, func(t *testing.T, h *hall) {
			var sizes []int64
			var roots []tlog.Hash
			for range 4 {
				note, err := h.record.Checkpoint(h.ctx)
				h.ok(err)
				again, err := h.record.Checkpoint(h.ctx)
				h.ok(err)
				if again != note {
					t.Error("two checkpoints of the same record")
				}
				c, err := h.record.LatestCheckpoint(h.ctx)
				h.ok(err)
				root, err := tlog.ParseHash(c.Root)
				h.ok(err)
				sizes, roots = append(sizes, c.Size), append(roots, root)
				h.put(h.founder, decision.Drafting{Title: "Another"})
			}
			for i := range sizes {
				kept, err := h.record.CheckpointAt(h.ctx, sizes[i])
				if err != nil || kept.Root != roots[i].String() {
					t.Errorf("the checkpoint at %d is now %s, %v", sizes[i], kept.Root, err)
				}
				for j := i + 1; j < len(sizes); j++ {
					p, err := h.record.Consistency(h.ctx, sizes[i], sizes[j])
					h.ok(err)
					var path []tlog.Hash
					for _, x := range p.Path {
						hash, err := tlog.ParseHash(x)
						h.ok(err)
						path = append(path, hash)
					}
					h.ok(tlog.CheckTree(path, sizes[j], roots[j], sizes[i], roots[i]))
				}
			}
		})
	})
}

// flip changes one byte, or one number, of a cell; which byte differs from row to row. It returns the row
// as it is then.
func (h *hall) flip(t table, row []any, column, n int) []any {
	h.t.Helper()
	value := row[column]
	switch v := value.(type) {
	case int64:
		value = v + 1_000_000_007
	case string:
		b := []byte(v)
		if len(b) == 0 {
			value = "x"
			break
		}
		at := (n*31 + 7) % len(b)
		b[at] ^= 1
		if b[at] < ' ' || b[at] > '~' {
			b[at] = '~'
		}
		value = string(b)
	default:
		h.t.Fatalf("%s.%s is a %T", t.name, t.columns[column], v)
	}
	h.set(t, row, column, value)
	flipped := slices.Clone(row)
	flipped[column] = value
	return flipped
}

// set changes a cell of the row that is there now.
func (h *hall) set(t table, row []any, column int, value any) {
	h.t.Helper()
	query, args := fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE %s = $2`, t.name, t.columns[column], t.columns[0]), []any{value, row[0]}
	if _, number := row[0].(int64); !number { // what things are found under has a row for each of both
		query, args = query+fmt.Sprintf(` AND %s = $3`, t.columns[1]), append(args, row[1])
	}
	if h.db.Dialect() == db.SQLite {
		query = strings.ReplaceAll(query, "$", "?")
	}
	conn, err := h.db.Writer().Conn(h.ctx)
	h.ok(err)
	off, on := `PRAGMA foreign_keys = 0`, `PRAGMA foreign_keys = 1`
	if h.db.Dialect() == db.Postgres {
		off, on = `SET session_replication_role = replica`, `SET session_replication_role = DEFAULT`
	}
	_, err = conn.ExecContext(h.ctx, off)
	h.ok(err)
	_, err = conn.ExecContext(h.ctx, query, args...)
	h.ok(err)
	_, err = conn.ExecContext(h.ctx, on)
	h.ok(err)
	h.ok(conn.Close())
}

// eventOf is the number of the event that a row belongs to.
func (h *hall) eventOf(t table, row []any) int64 {
	if i := slices.Index(t.columns, "seq"); i >= 0 {
		return row[i].(int64)
	}
	if t.name != "record_tree" {
		return row[0].(int64)
	}
	// A stored hash is written with the leaf that completes it.
	for seq := int64(1); ; seq++ {
		if tlog.StoredHashIndex(0, seq) > row[0].(int64) {
			return seq
		}
	}
}

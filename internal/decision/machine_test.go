package decision_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

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
	"rochdale/internal/moderation"
	"rochdale/internal/rulebook"
)

// machine lives random lives of a co-op: members come and go, motions are put, amended, called, voted on,
// called in, carried out and undone, offices are given and used, rules change, the clock jumps, and the
// computer dies between any two writes. Whatever it does, the auditor must find nothing afterwards.
type machine struct {
	*hall
	crash *crasher
	acked map[id.ID]map[id.ID]string // votes that were acknowledged: motion, member, choice
	names int
	died  int
}

// seedbed is a co-op in which everything can happen: a working group with a domain and an officer, an
// emergency rule, and members who have waited long enough to vote.
func seedbed(h *hall) {
	h.found("social-coop", 6)
	r := h.rule(rulebook.Ordinary)
	r.Emergency = &rulebook.Emergency{Body: "care", Acts: []string{coop.Power, "moderation.*"}, Days: 12, Veil: 5}
	h.loud = h.account("loud").ID
	h.enact(decision.Drafting{Title: "For emergencies", Effects: []decision.Proposed{carry(rulebook.Adopt, args{"rule": r})}})
	g := h.group("care", coop.Power, member.Admit, member.Enrol, mandate.SeatMember, mandate.ChangeBody, mandate.CreateBody, mandate.Appoint, "moderation.*")
	for _, by := range h.people[1:4] {
		h.ok(h.mandate.Join(h.ctx, by, g.ID))
	}
	h.office(g, h.people[1], 400, coop.Power, member.Admit, member.Enrol, mandate.ChangeBody, mandate.Appoint)
	h.whole()
}

// lives runs histories on both engines and lets the auditor look at each of them. Of the invariants
// that are named it reports what it finds, of none all.
func lives(t *testing.T, histories int, only ...int) {
	t.Helper()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		h := newHall(t, d, c)
		seedbed(h)
		crash := newCrasher(h)
		start, people, at := h.dump(), slices.Clone(h.people), c.Now()
		seen, died, failed := map[string]int{}, 0, false
		if f := flag.Lookup("rapid.checks"); f.Value.String() != f.DefValue {
			histories = int(^uint(0) >> 1) // as many as were asked for
		} else if testing.Short() {
			histories = (histories + 3) / 4
		}
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			if n++; n > histories && !failed { // a failure is lived again until it is small
				return
			}
			whole := false
			defer func() {
				failed = failed || r.Failed() || !whole
				h.t = t
			}()
			h.t = r
			c.Set(at)
			h.restore(start)
			h.people = slices.Clone(people)
			h.reopen()
			m := &machine{hall: h, crash: crash, acked: map[id.ID]map[id.ID]string{}}
			r.Repeat(m.actions())
			m.end(r, only, seen)
			died += m.died
			whole = true
		})
		t.Logf("%d deaths; looked at %v", died, seen)
		if !failed && len(only) == 0 && !testing.Short() {
			for _, what := range []string{"act by mandate", "act by decision", "act by operator", "act by emergency", "vote", "roll", "count", "executed", "emergency", "mandate", "call",
				"decision.called-in"} {
				if seen[what] == 0 {
					t.Errorf("in all histories there was no %s: the machine has gone blind", what)
				}
			}
		}
	})
}

func TestRandomLives(t *testing.T) {
	t.Parallel()
	lives(t, 50)
}

// end lets what is due happen, and asks the auditor.
func (m *machine) end(r *rapid.T, only []int, seen map[string]int) {
	m.clock.Advance(time.Hour)
	m.tick()
	m.tick() // what the first one brought about
	a := m.audit()
	for k, n := range a.seen {
		seen[k] += n
	}
	for motion, votes := range m.acked {
		c := a.courses[motion]
		if c.m.Secret() {
			if v, _, err := m.ballots.Of(m.ctx, m.db, c.m.Ref()); err != nil || v.Ballots < len(votes) {
				a.fail(3, "motion %d: %d members were told that their ballots are in, and %d are (%v)", c.m.Number, len(votes), v.Ballots, err)
			}
			continue
		}
		for who, choice := range votes {
			if !slices.ContainsFunc(c.votes, func(v auditedVote) bool { return v.Member == who && v.Choice == choice }) {
				a.fail(3, "motion %d: the vote %s of member %s was acknowledged and is not there", c.m.Number, choice, who)
			}
		}
	}
	a.report(r, only...)
	if len(only) == 0 || slices.Contains(only, 13) {
		if err := m.petitionWorks(); err != nil {
			r.Errorf("invariant 13: %v", err)
		}
		m.whole()
	}
}

// petitionWorks lets a share of the members put a motion to the general meeting.
func (h *hall) petitionWorks() error {
	good, err := h.member.InGoodStanding(h.ctx, h.db, h.clock.Now())
	if err != nil || len(good) == 0 {
		return err
	}
	as := func(m id.ID) authz.Actor { return authz.Actor{Member: m, Via: authz.Web} }
	p, err := h.Draft(h.ctx, as(good[0]), decision.Drafting{Title: "Back to the members", Petition: true, Effects: []decision.Proposed{h.describe("Back to the members")}})
	if err != nil {
		return fmt.Errorf("a petition cannot be drafted: %w", err)
	}
	if p, err = h.Publish(h.ctx, as(good[0]), p.ID); err != nil {
		return fmt.Errorf("a petition cannot be published: %w", err)
	}
	for i, m := range good {
		if p, err = h.Support(h.ctx, as(m), p.ID, decision.Petition, ""); err != nil {
			return fmt.Errorf("a petition cannot be signed: %w", err)
		}
		if p.State == decision.Open {
			if share := 20; i > 0 && i*100 > len(good)*share {
				return fmt.Errorf("it took %d of %d members", i+1, len(good))
			}
			return nil
		}
	}
	return fmt.Errorf("all %d members signed, and it is %s", len(good), p.State)
}

// do is one change. Now and then the computer dies within it; then it is as if it had not been, and it is
// tried again.
func (m *machine) do(r *rapid.T, several bool, f func() error) error {
	m.clock.Advance(time.Millisecond)
	if rapid.IntRange(0, 9).Draw(r, "fate") < 9 {
		return m.sane(r, f())
	}
	before := m.dump()
	m.crash.arm(int64(rapid.IntRange(0, 25).Draw(r, "writes")))
	err := f()
	dead := m.crash.disarm()
	m.reopen()
	if !dead {
		return m.sane(r, err)
	}
	m.died++
	if err == nil {
		r.Fatal("the computer died, and it was said to be done")
	}
	if lost := differs(before, m.dump()); !several && len(lost) > 0 {
		r.Fatalf("the computer died and left %v", lost)
	}
	m.whole()
	return m.sane(r, f())
}

// sane lets refusals pass, which have words for a person.
func (m *machine) sane(r *rapid.T, err error) error {
	if err != nil && fault.KindOf(err) == fault.Internal {
		r.Fatalf("%v", err)
	}
	return err
}

func pick[T any](r *rapid.T, name string, list []T) (T, bool) {
	if len(list) == 0 {
		var none T
		return none, false
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(r, name)], true
}

func (m *machine) somebody(r *rapid.T) authz.Actor {
	by, _ := pick(r, "who", m.people)
	return by
}

func (m *machine) motion(r *rapid.T, states ...decision.State) (decision.Motion, bool) {
	list := all(m.hall, auditMotion)
	slices.SortFunc(list, func(a, b decision.Motion) int { return int(a.Number - b.Number) })
	return pick(r, "motion", slices.DeleteFunc(list, func(x decision.Motion) bool { return !slices.Contains(states, x.State) }))
}

// mover is who moved a motion, or anybody.
func (m *machine) mover(r *rapid.T, x decision.Motion) authz.Actor {
	i := slices.IndexFunc(m.people, func(p authz.Actor) bool { return p.Member == x.Mover })
	if i < 0 || rapid.IntRange(0, 9).Draw(r, "another") == 9 {
		return m.somebody(r)
	}
	return m.people[i]
}

// on is an action on a motion in one of the states.
func (m *machine) on(f func(r *rapid.T, x decision.Motion) error, states ...decision.State) func(*rapid.T) {
	return func(r *rapid.T) {
		if x, ok := m.motion(r, states...); ok {
			_ = m.do(r, false, func() error { return f(r, x) })
		}
	}
}

func (m *machine) actions() map[string]func(*rapid.T) {
	a := map[string]func(*rapid.T){
		"answer": m.answer,
		"bodies": m.bodies,
		"checkpoint": func(r *rapid.T) {
			_ = m.do(r, false, func() error { _, err := m.record.Checkpoint(m.ctx); return err })
		},
		"days": func(r *rapid.T) { m.clock.Advance(time.Duration(rapid.IntRange(1, 40).Draw(r, "days")) * day) },
		"hours": func(r *rapid.T) {
			m.clock.Advance(time.Duration(rapid.IntRange(1, 72*60).Draw(r, "minutes")) * time.Minute)
		},
		"emergency": m.emergency,
		"join":      m.admission,
		"leave":     m.leave,
		"offices":   m.offices,
		"operator":  m.operator,
		"power":     m.power,
		"power 2":   m.power,
		"rights":    m.rights,
	}
	for _, n := range []string{"", " 2", " 3"} {
		a["move"+n], a["pass"+n], a["vote"+n], a["tick"+n] = m.move, m.pass, m.votes, m.time
		a["call"+n] = m.call
		a["support"+n] = m.support
	}
	a["amend"] = m.on(func(r *rapid.T, x decision.Motion) error {
		_, err := m.Amend(m.ctx, m.somebody(r), x.ID, fmt.Sprint("Text ", rapid.Int().Draw(r, "text")), "private words")
		return err
	}, decision.Discussion)
	a["edit"] = m.on(func(r *rapid.T, x decision.Motion) error {
		d, err := m.Proposal(m.ctx, &x)
		m.ok(err)
		d.Effects = m.some(r)
		_, err = m.Edit(m.ctx, m.mover(r, x), x.ID, d)
		return err
	}, decision.Draft, decision.Discussion)
	a["extend"] = m.on(func(r *rapid.T, x decision.Motion) error {
		_, err := m.Extend(m.ctx, m.mover(r, x), x.ID, x.ClosesAt.Add(m.odd(r)), "holidays")
		return err
	}, decision.Open)
	a["publish"] = m.on(func(r *rapid.T, x decision.Motion) error { _, err := m.Publish(m.ctx, m.mover(r, x), x.ID); return err }, decision.Draft)
	a["review"] = m.on(func(r *rapid.T, x decision.Motion) error {
		_, err := m.Review(m.ctx, m.somebody(r), x.ID, "private words", m.clock.Now().Add(m.odd(r)).In(time.FixedZone("", 3600)))
		return err
	}, decision.InForce)
	a["state"] = m.on(func(r *rapid.T, x decision.Motion) error {
		_, err := m.State(m.ctx, m.mover(r, x), x.ID, "private words")
		return err
	}, decision.Closed, decision.Window, decision.InForce)
	a["undo"] = m.on(func(r *rapid.T, x decision.Motion) error { _, err := m.Undo(m.ctx, m.somebody(r), x.ID); return err }, decision.InForce)
	a["reopen"] = m.on(func(r *rapid.T, x decision.Motion) error { _, err := m.Reopen(m.ctx, m.somebody(r), x.ID); return err }, decision.Closed, decision.Withdrawn, decision.InForce)
	a["withdraw"] = m.on(func(r *rapid.T, x decision.Motion) error {
		_, err := m.Withdraw(m.ctx, m.mover(r, x), x.ID, "private words")
		return err
	}, decision.Draft, decision.Discussion, decision.Called, decision.Open, decision.Window)
	a["comment"] = m.on(func(r *rapid.T, x decision.Motion) error {
		_, err := m.Comment(m.ctx, m.somebody(r), x.ID, 0, "private words")
		return err
	}, decision.Discussion, decision.Open)
	return a
}

// odd is a length of time that no clock here can keep to the last digit.
func (m *machine) odd(r *rapid.T) time.Duration {
	return time.Duration(rapid.IntRange(1, 20).Draw(r, "days"))*day + 123456*time.Nanosecond
}

// time lets what is due happen, or only a part of it.
func (m *machine) time(r *rapid.T) {
	for i, f := range []func() error{
		func() error { return m.Advance(m.ctx) }, func() error { return m.mandate.Sweep(m.ctx) },
		m.lapse, func() error { return m.AskAboutEmergencies(m.ctx) }, func() error { return m.mandate.Unveil(m.ctx) },
	} {
		if rapid.IntRange(0, 3).Draw(r, fmt.Sprint("part ", i)) > 0 {
			_ = m.do(r, true, f)
		}
	}
}

func (m *machine) move(r *rapid.T) {
	d := decision.Drafting{Title: "A motion", Text: "As it says.", Effects: m.some(r), Petition: rapid.IntRange(0, 5).Draw(r, "petition") == 5}
	if method := rapid.SampledFrom(append([]string{"", "", "", ""}, rulebook.Methods...)).Draw(r, "method"); method != "" {
		d.Method = method
		d.Settings.Options = []decision.Option{{Title: "One"}, {Title: "Two"}, {Title: "Three"}}
		for i := range d.Effects {
			d.Effects[i].Option = rapid.IntRange(-1, 2).Draw(r, "option")
		}
	}
	by := m.somebody(r)
	if !d.Petition {
		if b, ok := pick(r, "body", m.standing()); ok {
			d.Body = b.ID
		}
	}
	var x decision.Motion
	if m.do(r, false, func() (err error) { x, err = m.Draft(m.ctx, by, d); return err }) != nil {
		return
	}
	if rapid.IntRange(0, 4).Draw(r, "publish") < 4 {
		_ = m.do(r, false, func() error { _, err := m.Publish(m.ctx, by, x.ID); return err })
	}
}

// standing are the bodies, the general meeting more often than the others.
func (m *machine) standing() []mandate.Body {
	list, err := m.mandate.Bodies(m.ctx, m.db)
	m.ok(err)
	return append([]mandate.Body{list[0], list[0]}, list...)
}

func (m *machine) call(r *rapid.T) {
	m.on(func(r *rapid.T, x decision.Motion) error {
		var c decision.Calling
		switch rapid.IntRange(0, 5).Draw(r, "how") {
		case 3:
			c.Opens = m.clock.Now().Add(m.odd(r)).In(time.FixedZone("", 7200))
		case 4:
			c.Urgent = rapid.SampledFrom([]string{"it burns", " "}).Draw(r, "why")
			c.For = time.Duration(rapid.IntRange(0, 100).Draw(r, "hours")) * time.Hour
		case 5:
			c.For = m.odd(r)
		}
		_, err := m.Call(m.ctx, m.mover(r, x), x.ID, c)
		return err
	}, decision.Discussion)(r)
}

func (m *machine) support(r *rapid.T) {
	x, ok := m.motion(r, decision.Discussion, decision.Window)
	if !ok {
		return
	}
	kind := decision.CallIn
	if x.State == decision.Discussion {
		kind = decision.Second
		if x.Petition {
			kind = decision.Petition
		}
	}
	for range rapid.IntRange(1, 4).Draw(r, "names") {
		by := m.somebody(r)
		_ = m.do(r, false, func() error { _, err := m.Support(m.ctx, by, x.ID, kind, "private words"); return err })
	}
}

func (m *machine) choice(r *rapid.T, x *decision.Motion) decision.Choice {
	n := len(x.Options())
	numbers := func(from, to int) (out []int) {
		for range n {
			out = append(out, rapid.IntRange(from, to).Draw(r, "number"))
		}
		return out
	}
	switch x.Method {
	case rulebook.Proposal:
		return decision.Choice{Choice: rapid.SampledFrom([]string{decision.Agree, decision.Agree, decision.Agree, decision.Agree, decision.Disagree, decision.Abstain, decision.Block}).Draw(r, "word")}
	case rulebook.Consent:
		return decision.Choice{Choice: rapid.SampledFrom([]string{decision.Consents, decision.Consents, decision.Abstain, decision.Object, decision.Integrate}).Draw(r, "word")}
	case rulebook.Choose:
		return decision.Choice{Marks: []int{rapid.IntRange(0, n-1).Draw(r, "mark")}}
	case rulebook.Ranking:
		return decision.Choice{Ranks: numbers(0, 3)}
	case rulebook.Score, rulebook.Dots:
		var c decision.Choice
		for _, p := range numbers(0, 3) {
			c.Points = append(c.Points, int64(p))
		}
		return c
	case rulebook.Count, rulebook.Times:
		return decision.Choice{Answer: numbers(-1, 2)}
	}
	return decision.Choice{Words: make([]string, n)}
}

func (m *machine) votes(r *rapid.T) {
	x, ok := m.motion(r, decision.Open, decision.Called, decision.Window)
	if !ok {
		return
	}
	for range rapid.IntRange(1, 6).Draw(r, "votes") {
		m.cast(r, x, m.somebody(r), m.choice(r, &x))
	}
}

func (m *machine) cast(r *rapid.T, x decision.Motion, by authz.Actor, c decision.Choice) {
	now, err := m.ByID(m.ctx, by, x.ID)
	m.ok(err)
	var v decision.Receipt
	// The paper of a secret ballot and the ballot are two transactions, so that nothing joins them.
	if m.do(r, now.Secret(), func() (err error) { v, err = m.Cast(m.ctx, by, x.ID, c, "private words"); return err }) != nil {
		return
	}
	if m.acked[x.ID] == nil {
		m.acked[x.ID] = map[id.ID]string{}
	}
	m.acked[x.ID][by.Member] = v.Vote.ChoiceJSON
}

// pass carries a motion through, if the rules let it, or two at once that are in each other's way. Some are
// called in on the way, and what follows from them is voted on too.
func (m *machine) pass(r *rapid.T) {
	by := m.somebody(r)
	d := decision.Drafting{Title: "To be carried", Effects: m.some(r)}
	if rapid.IntRange(0, 3).Draw(r, "of a body") == 3 {
		b, _ := pick(r, "body", m.standing())
		d.Body = b.ID
	}
	var c decision.Calling
	if rapid.IntRange(0, 4).Draw(r, "urgent") == 4 {
		c = decision.Calling{Urgent: "it burns"}
	}
	var closes time.Time
	var put []id.ID
	for n := range rapid.IntRange(1, 2).Draw(r, "motions") {
		if n > 0 {
			d.Effects = []decision.Proposed{m.describe(fmt.Sprintf("Other %d", m.names))}
		}
		if x, ok := m.through(r, by, d, c); ok {
			closes, put = x.ClosesAt, append(put, x.ID)
			m.everybody(r, x.ID, decision.Agree)
		}
	}
	if len(put) == 0 {
		return
	}
	m.until(r, closes.Sub(m.clock.Now()))
	if rapid.IntRange(0, 3).Draw(r, "called in") == 3 {
		for _, p := range m.people {
			_ = m.do(r, false, func() error { _, err := m.Support(m.ctx, p, put[0], decision.CallIn, "private words"); return err })
		}
	}
	m.until(r, 2*day)
	m.until(r, 3*day)
	word := rapid.SampledFrom([]string{decision.Agree, decision.Disagree}).Draw(r, "afterwards")
	for _, x := range put {
		next, err := m.Followers(m.ctx, m.founder, x)
		m.ok(err)
		for _, f := range next {
			m.everybody(r, f.ID, word)
		}
	}
	_ = m.do(r, true, m.lapse)
}

// lapse lets the answers of the members come before what happens without them, as the program does.
func (m *machine) lapse() error {
	if err := m.Advance(m.ctx); err != nil {
		return err
	}
	return m.mandate.Lapse(m.ctx)
}

func (m *machine) until(r *rapid.T, wait time.Duration) {
	m.clock.Advance(wait)
	_ = m.do(r, true, func() error { return m.Advance(m.ctx) })
}

// through drafts, publishes and calls.
func (m *machine) through(r *rapid.T, by authz.Actor, d decision.Drafting, c decision.Calling) (x decision.Motion, ok bool) {
	for _, f := range []func() error{
		func() (err error) { x, err = m.Draft(m.ctx, by, d); return err },
		func() (err error) { _, err = m.Publish(m.ctx, by, x.ID); return err },
		func() (err error) { y, err := m.Call(m.ctx, by, x.ID, c); x.ClosesAt = y.ClosesAt; return err },
	} {
		if m.do(r, false, f) != nil {
			return x, false
		}
	}
	return x, true
}

// everybody on the roll votes, but for some who forget it.
func (m *machine) everybody(r *rapid.T, motion id.ID, word string) {
	roll, err := m.Electorate(m.ctx, m.db, motion)
	m.ok(err)
	for _, p := range m.people {
		if slices.Contains(roll, p.Member) && rapid.IntRange(0, 9).Draw(r, "votes") > 0 {
			m.cast(r, decision.Motion{ID: motion}, p, decision.Choice{Choice: word})
		}
	}
}

func (m *machine) answer(r *rapid.T) {
	m.on(func(r *rapid.T, x decision.Motion) error {
		list, err := m.Amendments(m.ctx, x.ID)
		m.ok(err)
		if a, ok := pick(r, "amendment", list); ok {
			return m.Answer(m.ctx, m.mover(r, x), a.ID, rapid.SampledFrom([]string{decision.AmendmentAccepted, decision.AmendmentDeclined, decision.AmendmentWithdrawn}).Draw(r, "answer"), "private words")
		}
		return nil
	}, decision.Discussion)(r)
}

func (m *machine) admission(r *rapid.T) {
	if len(m.people) > 12 {
		return
	}
	by := authz.Actor{Via: authz.Operator}
	if rapid.Bool().Draw(r, "by an officer") {
		by = m.somebody(r)
	}
	_ = m.do(r, false, func() error { _, err := m.admit(by); return err })
}

func (m *machine) leave(r *rapid.T) {
	good, err := m.member.InGoodStanding(m.ctx, m.db, m.clock.Now())
	m.ok(err)
	if len(good) < 4 {
		return
	}
	by := m.somebody(r)
	_ = m.do(r, false, func() error { return m.member.Resign(m.ctx, by, password, local) })
}

// rights are suspended and given back by decisions alone, whoever tries.
func (m *machine) rights(r *rapid.T) {
	by, of := m.somebody(r), m.somebody(r)
	if rapid.IntRange(0, 3).Draw(r, "operator") == 3 {
		by = authz.Actor{Via: authz.Operator}
	}
	var until time.Time
	if rapid.Bool().Draw(r, "for a time") {
		until = m.clock.Now().Add(m.odd(r))
	}
	_ = m.do(r, false, func() error {
		if rapid.IntRange(0, 2).Draw(r, "back") == 2 {
			return m.member.Reinstate(m.ctx, by, of.Member, "to be fair")
		}
		return m.member.Suspend(m.ctx, by, of.Member, until, "for a reason")
	})
}

func (m *machine) bodies(r *rapid.T) {
	by := m.somebody(r)
	b, _ := pick(r, "body", m.standing())
	_ = m.do(r, false, func() error {
		if rapid.IntRange(0, 3).Draw(r, "leave") == 3 {
			return m.mandate.Leave(m.ctx, by, b.ID)
		}
		return m.mandate.Join(m.ctx, by, b.ID)
	})
}

func (m *machine) offices(r *rapid.T) {
	list, err := m.mandate.Coming(m.ctx, m.db)
	m.ok(err)
	x, ok := pick(r, "office", list)
	if !ok {
		return
	}
	by := m.mover(r, decision.Motion{Mover: x.MemberID})
	_ = m.do(r, false, func() error {
		if rapid.IntRange(0, 4).Draw(r, "resign") == 4 {
			return m.mandate.Resign(m.ctx, by, x.ID, "private words")
		}
		return m.mandate.Accept(m.ctx, by, x.ID)
	})
}

// power is used, or tried: any effect by any member's own authority, and the ratification of what the
// operator did.
func (m *machine) power(r *rapid.T) {
	m.act(r, m.somebody(r))
}

func (m *machine) operator(r *rapid.T) { m.act(r, authz.Actor{Via: authz.Operator}) }

// emergency is an act of those who sit in the body that may act at once, as long as it may.
func (m *machine) emergency(r *rapid.T) {
	m.names++
	name := m.describe(fmt.Sprintf("Hasty %d", m.names))
	if rapid.Bool().Draw(r, "by order") {
		name = carry(moderation.Suspend, args{"account": "@loud", "id": m.loud, "level": rapid.SampledFrom([]string{"suspend", "limit", "none"}).Draw(r, "level"), "class": mandate.Legal})
	}
	by := m.people[rapid.IntRange(2, 3).Draw(r, "who")]
	_ = m.do(r, false, func() error { return m.byHand(by, name) })
}

func (m *machine) act(r *rapid.T, by authz.Actor) {
	if rapid.IntRange(0, 5).Draw(r, "ratify") == 5 {
		list, err := m.mandate.Emergencies(m.ctx, m.db)
		m.ok(err)
		if x, ok := pick(r, "emergency", list); ok {
			_ = m.do(r, false, func() error { return m.mandate.Ratify(m.ctx, by, x.Act, "it was right") })
		}
		return
	}
	p := m.effect(r)
	_ = m.do(r, false, func() error { return m.byHand(by, p) })
}

// some are the effects of a motion.
func (m *machine) some(r *rapid.T) []decision.Proposed {
	var out []decision.Proposed
	for range rapid.SampledFrom([]int{0, 1, 1, 1, 2}).Draw(r, "effects") {
		out = append(out, m.effect(r))
	}
	return out
}

// effect is any change that there is.
func (m *machine) effect(r *rapid.T) decision.Proposed {
	list, err := m.mandate.Bodies(m.ctx, m.db)
	m.ok(err)
	b, _ := pick(r, "of body", list)
	who := m.somebody(r).Member
	domain := m.powers(r)
	m.names++
	name := fmt.Sprintf("Name %d", m.names)
	switch k := rapid.SampledFrom([]string{coop.Power, coop.Power, coop.Power, mandate.CreateBody, mandate.ChangeBody, mandate.DissolveBody, mandate.SeatMember, mandate.Appoint, mandate.Appoint,
		mandate.Recall, mandate.RatifyTerm, member.Suspension, member.Expulsion, member.Reinstatement, rulebook.Adopt, rulebook.Adopt, rulebook.Repeal, moderation.Block, moderation.Suspend}).Draw(r, "kind"); k {
	case mandate.CreateBody:
		return carry(k, args{"parent": b.ID, "kind": "circle", "handle": fmt.Sprintf("b%d", m.names), "name": name, "aim": "", "domain": domain, "seats": rapid.IntRange(0, 3).Draw(r, "seats"), "joining": "open"})
	case mandate.ChangeBody:
		if b.Root() {
			return carry(k, args{"body": b.ID, "name": name, "aim": "", "domain": []string{"*"}, "seats": 0, "joining": "closed"})
		}
		return carry(k, args{"body": b.ID, "name": name, "aim": "", "domain": domain, "seats": 0, "joining": "open", "restore": rapid.Bool().Draw(r, "restore")})
	case mandate.DissolveBody:
		return carry(k, args{"body": b.ID})
	case mandate.SeatMember:
		return carry(k, args{"body": b.ID, "member": who, "out": rapid.Bool().Draw(r, "out")})
	case mandate.Appoint:
		return carry(k, args{"body": b.ID, "member": who, "office": "Office " + name, "powers": domain, "days": rapid.IntRange(1, 500).Draw(r, "days")})
	case mandate.Recall, mandate.RatifyTerm:
		held, err := m.mandate.Coming(m.ctx, m.db)
		m.ok(err)
		if x, ok := pick(r, "mandate", held); ok && k == mandate.Recall {
			return carry(k, args{"mandate": x.ID})
		} else if ok {
			return carry(k, args{"mandate": x.ID, "days": rapid.IntRange(1, 500).Draw(r, "days")})
		}
	case member.Suspension, member.Expulsion, member.Reinstatement:
		return carry(k, args{"member": who})
	case rulebook.Adopt:
		return carry(k, args{"rule": m.newRule(r)})
	case rulebook.Repeal:
		return carry(k, args{"line": "persons"})
	case moderation.Suspend:
		return carry(k, args{"account": "@loud", "id": m.loud, "level": rapid.SampledFrom([]string{"suspend", "limit", "none"}).Draw(r, "level"),
			"class": rapid.SampledFrom([]string{mandate.Legal, "spam"}).Draw(r, "class")})
	case moderation.Block:
		return carry(k, args{"domain": rapid.SampledFrom([]string{"bad.example", "worse.example"}).Draw(r, "domain"), "level": rapid.SampledFrom([]string{"block", "limit", "none"}).Draw(r, "level")})
	}
	return m.describe(name)
}

// powers are a domain, or what an office may do; too much as often as not.
func (m *machine) powers(r *rapid.T) []string {
	return slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(rapid.SampledFrom([]string{coop.Power, member.Suspension, member.Admit, "member.*", mandate.ChangeBody, mandate.Appoint,
		"moderation.block", "mandate.*", "rule.*", "*"}), 0, 3).Draw(r, "powers"))))
}

// newRule changes a line, within what the rulebook can say and sometimes beyond.
func (m *machine) newRule(r *rapid.T) rulebook.Rule {
	lines, err := m.rules.Current(m.ctx, m.db)
	m.ok(err)
	v, _ := pick(r, "line", lines)
	x := v.Rule
	n := func(name string, from, to int) int { return rapid.IntRange(from, to).Draw(r, name) }
	share := func(name string, of ...tally.Ratio) tally.Ratio { return rapid.SampledFrom(of).Draw(r, name) }
	switch n("what", 0, 11) {
	case 0:
		x.Open, x.Discussion = n("open", 1, 10), n("discussion", 0, 3)
	case 1:
		x.Window, x.CallIn = n("window", 0, 4), n("call in", 1, 3)
	case 2:
		x.Quorum, x.Again = share("quorum", tally.Ratio{}, tally.Ratio{Num: 1, Den: 3}, tally.Ratio{Num: 1, Den: 2}), n("again", 0, 5)
		x.AgainQuorum, x.ActiveRoll = share("again", tally.Ratio{}, tally.Ratio{Num: 1, Den: 10}), rapid.Bool().Draw(r, "active")
	case 3:
		x.Block, x.Override = rapid.Bool().Draw(r, "block"), share("override", tally.Ratio{}, tally.Ratio{Num: 1, Den: 2}, tally.Ratio{Num: 1, Den: 1})
	case 4:
		x.Threshold, x.Strict = share("threshold", tally.Ratio{}, tally.Ratio{Num: 1, Den: 2}, tally.Ratio{Num: 9, Den: 10}), rapid.Bool().Draw(r, "strict")
	case 5:
		x.Waiting, x.Interest = n("waiting", 0, 90), rapid.Bool().Draw(r, "interest")
	case 6:
		x.Seconds, x.Results = n("seconds", 0, 2), rapid.SampledFrom([]string{rulebook.Always, rulebook.AfterVote, rulebook.AfterClose}).Draw(r, "results")
	case 7:
		x.Urgent = &rulebook.Urgent{Hours: n("hours", 12, 48), Ratify: 5}
	case 8:
		x.Methods = rapid.SliceOfN(rapid.SampledFrom(rulebook.Methods), 1, 4).Draw(r, "methods")
	case 9:
		x.Emergency = &rulebook.Emergency{Body: "care", Acts: m.powers(r), Days: n("days", 1, 30)}
	case 10:
		x.Line, x.Title, x.Acts = fmt.Sprintf("line-%d", m.names), "Another line", m.powers(r)
	case 11:
		x.Petition, x.Review = share("petition", tally.Ratio{Num: 1, Den: 100}, tally.Ratio{Num: 1, Den: 5}, tally.Ratio{Num: 1, Den: 2}), n("review", 0, 100)
	}
	return x
}

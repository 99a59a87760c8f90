package election_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rochdale/internal/ballot"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
)

// machine lives random lives of a co-op that elects: members come and go, stand, withdraw, are ruled out and
// restored, take papers and change their ballots, accept, decline and are recalled; the clock jumps, and the
// computer dies between any two writes. Whatever it does, the checks must hold after each step.
type machine struct {
	*hall
	crash    *crasher
	browsers map[id.ID]map[id.ID]*browser // vote, member
	rolls    map[id.ID]string             // as they were when they were first seen
	boxes    map[id.ID]string             // as they were when they were first seen closed
	care     id.ID
	names    int
	died     int
	seen     map[string]int
}

// browser is what a voter holds: the code, and the last ballot that was acknowledged.
type browser struct {
	code   ballotbox.Code
	key    string
	choice string
}

// seedbed is a co-op with a group, and elections that have been announced.
func (h *hall) seedbed() (care id.ID) {
	h.decide(mandate.CreateBody, map[string]any{"parent": h.root, "kind": "circle", "handle": "care", "name": "Care", "aim": "", "domain": []string{"member.*", "mandate.*"}, "seats": 0, "joining": "open"})
	b, err := h.mandate.BodyByHandle(h.ctx, h.db, "care")
	h.ok(err)
	for _, p := range h.people[1:5] {
		h.ok(h.mandate.Join(h.ctx, p, b.ID))
	}
	h.adopts(sealed) // where nobody offers to be a scrutineer, ballots are not sealed
	steward := h.announce("Steward", 2)
	for _, p := range []int{5, 6, 7} {
		h.ok(h.offer(steward, p))
	}
	h.decide(election.Hold, map[string]any{"body": b.ID, "voters": b.ID, "office": "Chair", "seats": 1, "powers": []string{member.Admit}, "days": 100})
	h.decide(election.Hold, map[string]any{"body": b.ID, "kind": election.Panel, "office": "Juror", "seats": 2, "days": 200})
	h.decide(election.Hold, map[string]any{"body": h.root, "office": "Auditor", "seats": 3, "days": 730, "terms": []election.Term{{Days: 730, Seats: 1}, {Days: 365, Seats: 2}},
		"reserved": []election.Seat{{For: "the young", Seats: 1}}})
	list, err := h.List(h.ctx, 0, 10)
	h.ok(err)
	for _, e := range list {
		for _, p := range h.people[1:5] {
			_, err := h.Nominate(h.ctx, p, e.ID, p.Member, election.Candidacy{Statement: "I care."})
			h.ok(err)
		}
	}
	return b.ID
}

// start is a state of the co-op in which lives begin.
type start struct {
	tables []table
	at     time.Time
}

// starts are four: nominations are open, votes are open, ballots are sealed, offices are offered.
func (h *hall) starts() []start {
	out := []start{{h.dump(), h.clock.Now()}}
	list, err := h.List(h.ctx, 0, 10)
	h.ok(err)
	first := list[len(list)-1]
	h.until(list[0].FinalAt)
	h.until(list[0].OpensAt)
	first = h.is(first, election.Open)
	out = append(out, start{h.dump(), h.clock.Now()})
	for i := range h.people {
		h.vote(first, i, 1, 2, 3, 4)
	}
	h.until(first.ClosesAt)
	first = h.is(first, election.Sealed)
	out = append(out, start{h.dump(), h.clock.Now()})
	for _, p := range h.drawn(first)[1:] {
		h.ok(h.reveal(first, h.people[p]))
	}
	h.tick()
	h.is(first, election.Counted)
	return append(out, start{h.dump(), h.clock.Now()})
}

func TestRandomLives(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		histories := 10
		h := newHall(t, d, c, 9)
		care := h.seedbed()
		crash := newCrasher(h)
		starts, people := h.starts(), slices.Clone(h.people)
		seen, died, failed, n := map[string]int{}, 0, false, 0
		if f := flag.Lookup("rapid.checks"); f.Value.String() != f.DefValue {
			histories = int(^uint(0) >> 1) // as many as were asked for
		} else if testing.Short() {
			histories = 3
		}
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
			begin, _ := pick(r, "start", starts)
			c.Set(begin.at)
			h.restore(begin.tables)
			h.people = slices.Clone(people)
			h.reopen()
			m := &machine{hall: h, crash: crash, care: care, browsers: map[id.ID]map[id.ID]*browser{}, rolls: map[id.ID]string{}, boxes: map[id.ID]string{}, seen: seen}
			r.Repeat(m.actions())
			m.end(r)
			died += m.died
			whole = true
		})
		t.Logf("%d deaths; saw %v", died, seen)
		if !failed && !testing.Short() {
			for _, what := range []string{"secret ballot", "vote by name", "paper", "accepted", "checked file", "opened box", "revealed key", "state filled", "state failed"} {
				if seen[what] == 0 {
					t.Errorf("in all histories there was no %s: the machine has gone blind", what)
				}
			}
		}
	})
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

func (h *hall) whole() {
	h.t.Helper()
	if _, err := h.record.Verify(h.ctx); err != nil {
		h.t.Fatalf("the record: %v", err)
	}
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

func (m *machine) as(who id.ID) authz.Actor { return authz.Actor{Member: who, Via: authz.Web} }

func (m *machine) all() []election.Election {
	list, err := m.List(m.ctx, 0, 200)
	m.ok(err)
	return list
}

func (m *machine) in(r *rapid.T, states ...election.State) (election.Election, bool) {
	return pick(r, "election", slices.DeleteFunc(m.all(), func(e election.Election) bool { return !slices.Contains(states, e.State) }))
}

// on is an action on a nomination of an election in one of the states.
func (m *machine) on(f func(r *rapid.T, e election.Election, c election.Candidate) error, states ...election.State) func(*rapid.T) {
	return func(r *rapid.T) {
		e, ok := m.in(r, states...)
		if !ok {
			return
		}
		list, err := m.Candidates(m.ctx, m.db, e.ID)
		m.ok(err)
		if c, ok := pick(r, "candidate", list); ok {
			_ = m.do(r, false, func() error { return f(r, e, c) })
		}
	}
}

func (m *machine) candidacy(r *rapid.T, e *election.Election) election.Candidacy {
	c := election.Candidacy{Statement: rapid.SampledFrom([]string{"", "I care.", "I \u202etoo\x07."}).Draw(r, "words")}
	if plan := e.Plan(); len(plan.Reserved) > 0 && rapid.Bool().Draw(r, "declares") {
		c.Reserved = plan.Reserved[0].For
	}
	return c
}

func (m *machine) actions() map[string]func(*rapid.T) {
	a := map[string]func(*rapid.T){
		"": m.check,
		"body": func(r *rapid.T) {
			by, leave := m.somebody(r), rapid.Bool().Draw(r, "leave")
			_ = m.do(r, false, func() error {
				if leave {
					return m.mandate.Leave(m.ctx, by, m.care)
				}
				return m.mandate.Join(m.ctx, by, m.care)
			})
		},
		"days": func(r *rapid.T) {
			m.clock.Advance(time.Duration(rapid.SampledFrom([]int{1, 1, 2, 3, 70}).Draw(r, "days")) * day)
		},
		"decide":  m.motion,
		"join":    m.admission,
		"leave":   m.leave,
		"prolong": m.prolong,
	}
	for _, n := range []string{"", " 2", " 3"} {
		a["due"+n], a["tick"+n], a["vote"+n], a["nominate"+n], a["office"+n] = m.due, m.time, m.votes, m.nominate, m.office
		a["and vote"+n] = m.votes
	}
	a["answer"] = m.on(func(r *rapid.T, e election.Election, c election.Candidate) error {
		return m.Answer(m.ctx, m.as(c.Member), c.ID, rapid.IntRange(0, 2).Draw(r, "accept") > 0, m.candidacy(r, &e))
	}, election.Nominations)
	a["withdraw"] = m.on(func(_ *rapid.T, _ election.Election, c election.Candidate) error {
		return m.Withdraw(m.ctx, m.as(c.Member), c.ID)
	}, election.Nominations, election.Final, election.Open)
	a["rule"] = m.on(func(r *rapid.T, _ election.Election, c election.Candidate) error {
		return m.Rule(m.ctx, m.people[rapid.IntRange(0, 2).Draw(r, "officer")], c.ID, rapid.Bool().Draw(r, "restore"), "a reason")
	}, election.Nominations, election.Final)
	a["object"] = func(r *rapid.T) {
		e, ok := m.in(r, election.Nominations)
		if !ok {
			return
		}
		list, err := m.Candidates(m.ctx, m.db, e.ID)
		m.ok(err)
		for _, c := range list {
			if c.State == election.Struck {
				for range 3 {
					by := m.somebody(r)
					_ = m.do(r, false, func() error { return m.Object(m.ctx, by, c.ID) })
				}
			}
		}
	}
	a["scrutiny"] = func(r *rapid.T) {
		by := m.somebody(r)
		e, ok := m.in(r, election.Nominations, election.Final)
		if !ok {
			return
		}
		if rapid.IntRange(0, 3).Draw(r, "withdraws") == 0 {
			_ = m.do(r, false, func() error { return m.WithdrawScrutiny(m.ctx, by, e.ID) })
			return
		}
		_, public, err := ballotbox.ScrutineerKey(scrutineerCode(by), e.Ref().String())
		m.ok(err)
		if m.do(r, false, func() error { return m.OfferScrutiny(m.ctx, by, e.ID, public) }) == nil {
			m.seen["offer of a scrutineer"]++
		}
	}
	for _, n := range []string{"", " 2", " 3"} {
		a["reveal"+n] = m.reveals
	}
	a["ask"] = func(r *rapid.T) {
		if e, ok := m.in(r, election.Nominations, election.Final, election.Open, election.Counted); ok {
			by, to := m.somebody(r), m.somebody(r)
			var q election.Question
			if m.do(r, false, func() (err error) { q, err = m.Ask(m.ctx, by, e.ID, "private words"); return err }) == nil {
				_ = m.do(r, false, func() error { return m.Reply(m.ctx, to, q.ID, "private words") })
			}
			_ = m.do(r, false, func() error { return m.Observe(m.ctx, to, e.ID) })
		}
	}
	return a
}

// reveals has scrutineers reveal their keys, now and then before the close.
func (m *machine) reveals(r *rapid.T) {
	e, ok := m.in(r, election.Sealed)
	if !ok {
		if e, ok = m.in(r, election.Open); !ok || e.Mode != election.Secret {
			return
		}
	}
	for _, p := range m.drawn(e) {
		if p >= 0 && rapid.IntRange(0, 3).Draw(r, "reveals") > 0 && m.do(r, false, func() error { return m.reveal(e, m.people[p]) }) == nil {
			m.seen["revealed key"]++
		}
	}
}

func (m *machine) nominate(r *rapid.T) {
	e, ok := m.in(r, election.Nominations)
	if !ok {
		return
	}
	for range rapid.IntRange(1, 5).Draw(r, "how many") {
		by := m.somebody(r)
		whom, c := by, m.candidacy(r, &e)
		if rapid.IntRange(0, 3).Draw(r, "another") == 0 {
			whom, c.Reserved = m.somebody(r), ""
		}
		_ = m.do(r, false, func() error { _, err := m.Nominate(m.ctx, by, e.ID, whom.Member, c); return err })
	}
}

// due lets the clock go to the next thing that is due, or shortly before or after it.
func (m *machine) due(r *rapid.T) {
	var next time.Time
	for _, e := range m.all() {
		if !e.DueAt.IsZero() && (next.IsZero() || e.DueAt.Before(next)) {
			next = e.DueAt
		}
	}
	if next.After(m.clock.Now()) {
		m.clock.Set(next.Add(time.Duration(rapid.IntRange(-1, 3).Draw(r, "hours")) * time.Hour))
	}
	m.time(r)
}

// time lets what is due happen, or only a part of it.
func (m *machine) time(r *rapid.T) {
	part := rapid.IntRange(0, 5).Draw(r, "part")
	for i, f := range []func() error{func() error { return m.mandate.Sweep(m.ctx) }, func() error { return m.decision.Advance(m.ctx) }, func() error { return m.Advance(m.ctx) }} {
		if part != i {
			_ = m.do(r, true, f)
		}
	}
	if part > 2 {
		for _, e := range m.all() {
			if e.DueAt.IsZero() != e.Over() || !e.DueAt.IsZero() && !e.DueAt.After(m.clock.Now()) {
				r.Fatalf("election %d is %s and stuck: due %s", e.Number, e.State, e.DueAt)
			}
		}
	}
}

func (m *machine) prolong(r *rapid.T) {
	if e, ok := m.in(r, election.Nominations, election.Open); ok {
		_ = m.do(r, false, func() error {
			return m.Extend(m.ctx, m.people[rapid.IntRange(0, 2).Draw(r, "officer")], e.ID, rapid.IntRange(1, 8).Draw(r, "days"), "an outage")
		})
	}
}

func (m *machine) votes(r *rapid.T) {
	e, ok := m.in(r, election.Open)
	if !ok {
		m.due(r)
		return
	}
	list, err := m.Candidates(m.ctx, m.db, e.ID)
	m.ok(err)
	n := len(slices.DeleteFunc(list, func(c election.Candidate) bool { return c.Place == 0 }))
	for range rapid.IntRange(1, 9).Draw(r, "votes") {
		by := m.somebody(r)
		choice := ballotbox.Choice{Rank: make([]int, n)}
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		for place, at := range rapid.Permutation(order).Draw(r, "order")[:rapid.IntRange(0, n).Draw(r, "ranked")] {
			choice.Rank[at] = place + 1
		}
		if e.Mode == election.ByName {
			if m.do(r, false, func() error { return m.Vote(m.ctx, by, e.ID, choice, "private words") }) == nil {
				m.seen["vote by name"]++
			}
			continue
		}
		m.secret(r, &e, by, choice)
	}
}

// secret takes a paper and casts a ballot, or one of the two, or takes another paper, or votes without script.
func (m *machine) secret(r *rapid.T, e *election.Election, by authz.Actor, choice ballotbox.Choice) {
	v, _, err := m.ballots.Of(m.ctx, m.db, e.Ref())
	m.ok(err)
	q, err := v.Question()
	m.ok(err)
	if m.browsers[v.ID] == nil {
		m.browsers[v.ID] = map[id.ID]*browser{}
	}
	had := m.browsers[v.ID][by.Member]
	fresh := had == nil || rapid.IntRange(0, 9).Draw(r, "lost the code") == 0
	b := had
	if fresh {
		b = &browser{}
		b.code, err = ballotbox.NewCode(rand.Reader)
		m.ok(err)
	}
	key, err := b.code.Key(q)
	m.ok(err)
	b.key = string(key)
	request, err := b.code.Blind(q)
	m.ok(err)
	var signature []byte
	if m.do(r, false, func() (err error) { signature, err = m.ballots.Take(m.ctx, by, v.ID, request.Blinded); return err }) != nil {
		return
	}
	if fresh && had != nil {
		r.Fatal("a voter had two papers")
	}
	m.seen["paper"]++
	m.browsers[v.ID][by.Member] = b
	paper, err := request.Finish(signature, nil)
	m.ok(err)
	if rapid.IntRange(0, 5).Draw(r, "waits") == 0 {
		return
	}
	if m.do(r, false, func() error {
		next, err := m.ballots.Sequence(m.ctx, v.ID, key)
		m.ok(err)
		sealed, err := b.code.Seal(q, paper, next, choice)
		m.ok(err)
		_, err = m.ballots.Cast(m.ctx, v.ID, sealed)
		return err
	}) == nil {
		b.choice = choice.String()
	}
}

// office is accepted, declined or given back.
func (m *machine) office(r *rapid.T) {
	list, err := m.mandate.Coming(m.ctx, m.db)
	m.ok(err)
	x, ok := pick(r, "office", slices.DeleteFunc(list, func(x mandate.Mandate) bool { return x.SourceKind != string(authz.Election) }))
	if !ok {
		return
	}
	if x.AcceptedAt.IsZero() && slices.Contains(x.Powers(), member.Admit) {
		if a, err := m.mandate.Authorise(m.ctx, m.db, m.as(x.MemberID), member.Admit, target()); err == nil && a.ID == x.ID {
			r.Fatal("an office that nobody accepted gives power")
		}
	}
	resign := rapid.IntRange(0, 2).Draw(r, "resign") == 0
	if m.do(r, false, func() error {
		if resign {
			return m.mandate.Resign(m.ctx, m.as(x.MemberID), x.ID, "private words")
		}
		return m.mandate.Accept(m.ctx, m.as(x.MemberID), x.ID)
	}) == nil && !resign {
		m.seen["accepted"]++
	}
}

func (m *machine) admission(r *rapid.T) {
	if len(m.people) > 13 {
		return
	}
	m.names++
	var x member.Member
	j := member.Joining{Name: rapid.SampledFrom([]string{"Ann", "ann", "A\u200bnn", "Bo\u202e"}).Draw(r, "name"), Username: fmt.Sprintf("n%d", m.names), Email: fmt.Sprintf("n%d@mail.example", m.names)}
	if m.do(r, false, func() error {
		return m.db.InDurableTx(m.ctx, func(tx *db.Tx) (err error) {
			x, err = m.member.TakeIn(m.ctx, tx, m.people[0], j, hashed(), "welcome")
			return err
		})
	}) == nil {
		m.people = append(m.people, authz.Actor{Member: x.ID, Login: x.LoginID, Via: authz.Web})
	}
}

func (m *machine) leave(r *rapid.T) {
	good, err := m.member.InGoodStanding(m.ctx, m.db, m.clock.Now())
	m.ok(err)
	if by := m.somebody(r); len(good) > 4 {
		_ = m.do(r, false, func() error {
			return m.member.Resign(m.ctx, by, "everybody in the garden", netip.MustParseAddr("127.0.0.1"))
		})
	}
}

// motion carries a motion about elections, offices, members or bodies, if the rules let it.
func (m *machine) motion(r *rapid.T) {
	m.names++
	var kind string
	var args any
	switch rapid.IntRange(0, 7).Draw(r, "motion") {
	case 0, 1, 2:
		kind, args = election.Hold, map[string]any{"body": m.root, "office": rapid.SampledFrom([]string{"Steward", "Clerk"}).Draw(r, "office"), "seats": rapid.IntRange(1, 3).Draw(r, "seats"),
			"powers": []string{member.Admit, election.Strike, election.Restore, election.Prolong}, "days": rapid.IntRange(30, 200).Draw(r, "days")}
	case 3:
		if e, ok := m.in(r, election.Nominations, election.Final, election.Open); ok {
			kind, args = election.CallOff, map[string]any{"election": e.Number}
		}
	case 4:
		list, err := m.mandate.Coming(m.ctx, m.db)
		m.ok(err)
		if x, ok := pick(r, "mandate", list); ok {
			kind, args = mandate.Recall, map[string]any{"mandate": x.ID}
		}
	case 5:
		kind, args = member.Expulsion, map[string]any{"member": m.somebody(r).Member}
	case 6:
		kind, args = mandate.ChangeBody, map[string]any{"body": m.care, "name": "Care", "aim": "", "domain": []string{rapid.SampledFrom([]string{"member.*", "mandate.*"}).Draw(r, "domain")}, "seats": 0, "joining": "open"}
	case 7:
		kind, args = mandate.DissolveBody, map[string]any{"body": m.care}
	}
	if kind != "" {
		m.carried(kind, args)
	}
}

// carried puts a motion and votes for it with everybody; what it cannot do is for the motion to say.
func (m *machine) carried(kind string, args any) {
	b, err := json.Marshal(args)
	m.ok(err)
	good, err := m.member.InGoodStanding(m.ctx, m.db, m.clock.Now())
	m.ok(err)
	by := m.as(good[0])
	x, err := m.decision.Draft(m.ctx, by, decision.Drafting{Title: "A motion", Effects: []decision.Proposed{{Option: -1, Stored: effect.Stored{Kind: kind, Args: b}}}})
	if err == nil {
		_, err = m.decision.Publish(m.ctx, by, x.ID)
	}
	if err == nil {
		x, err = m.decision.Call(m.ctx, by, x.ID, decision.Calling{})
	}
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			m.t.Fatal(err)
		}
		return
	}
	secret, ok, err := m.ballots.Of(m.ctx, m.db, x.Ref())
	m.ok(err)
	for _, p := range m.people {
		if ok {
			_, err = m.ballots.VoteFor(m.ctx, p, secret.ID, newCode(m.t), "", ballotbox.Choice{Vote: decision.Agree})
		} else {
			_, err = m.decision.Cast(m.ctx, p, x.ID, decision.Choice{Choice: decision.Agree}, "")
		}
		if err != nil && fault.KindOf(err) == fault.Internal {
			m.t.Fatal(err)
		}
	}
	m.clock.Set(x.ClosesAt)
	m.ok(m.decision.Advance(m.ctx))
	m.clock.Advance(3 * day)
	m.ok(m.decision.Advance(m.ctx))
}

// check is what holds after every step.
func (m *machine) check(r *rapid.T) {
	elections := map[id.ID]election.Election{}
	for _, e := range m.all() {
		elections[e.ID] = e
		if e.Over() != e.DueAt.IsZero() {
			r.Fatalf("election %d is %s and due at %s", e.Number, e.State, e.DueAt)
		}
		m.checkVotes(r, &e)
	}
	for _, e := range elections { // an office that nobody wants is not put up for ever
		for n, x := 0, e; x.OriginKind == election.Vacancy && x.State == election.Failed; x = elections[x.OriginID] {
			if n++; n > 2 {
				r.Fatalf("election %d is the third by-election in a row that failed", e.Number)
			}
		}
	}
	list, err := m.mandate.Coming(m.ctx, m.db)
	m.ok(err)
	held := map[id.ID][]id.ID{}
	for _, x := range list {
		if x.SourceKind != string(authz.Election) {
			continue
		}
		e, ok := elections[x.SourceID]
		if !ok || e.State != election.Counted && e.State != election.Filled {
			r.Fatalf("mandate %s comes from election %s, which is %s", x.ID, x.SourceID, e.State)
		}
		candidates, err := m.Candidates(m.ctx, m.db, e.ID)
		m.ok(err)
		if !slices.ContainsFunc(candidates, func(c election.Candidate) bool {
			return c.Mandate == x.ID && c.Member == x.MemberID && c.Place > 0 && !c.Vacated
		}) {
			r.Fatalf("mandate %s of election %d belongs to no candidate", x.ID, e.Number)
		}
		if x.InForce(m.clock.Now()) && x.AcceptedAt.IsZero() {
			r.Fatalf("mandate %s is in force and nobody accepted it", x.ID)
		}
		if slices.Contains(held[e.ID], x.MemberID) {
			r.Fatalf("member %s holds two seats of election %d", x.MemberID, e.Number)
		}
		if held[e.ID] = append(held[e.ID], x.MemberID); len(held[e.ID]) > e.Plan().Seats {
			r.Fatalf("%d hold the %d seats of election %d", len(held[e.ID]), e.Plan().Seats, e.Number)
		}
	}
}

// checkVotes looks at the roll and the box of an election.
func (m *machine) checkVotes(r *rapid.T, e *election.Election) {
	v, ok, err := m.ballots.Of(m.ctx, m.db, e.Ref())
	m.ok(err)
	if e.Mode == election.Secret && !ok || e.RollHash == "" {
		return
	}
	roll, err := m.Electorate(m.ctx, m.db, e)
	m.ok(err)
	if was, now := m.rolls[e.ID], fmt.Sprint(roll); was == "" {
		m.rolls[e.ID] = now
	} else if was != now {
		r.Fatalf("the roll of election %d was %s and is %s", e.Number, was, now)
	}
	if e.Mode == election.ByName {
		all, err := m.NamedBallots(m.ctx, m.people[0], e)
		m.ok(err)
		if e.State != election.Open {
			m.same(r, e, fmt.Sprint(all))
		}
		return
	}
	ticks, err := m.ballots.Register(m.ctx, m.people[0], v.ID)
	m.ok(err)
	taken := 0
	for _, x := range ticks {
		if x.Taken {
			taken++
		}
	}
	var box []string
	for _, tab := range m.dump() {
		for _, row := range tab.rows {
			line := fmt.Sprint(row...)
			if tab.name == "ballot_box" && row[0] == any(int64(v.ID)) {
				box = append(box, line)
			}
		}
	}
	slices.Sort(box)
	boxed := v.Ballots
	if v.Voided {
		boxed = 0
	}
	if len(box) != boxed || v.Ballots > v.Papers || v.Papers != taken || taken > v.Roll || v.Roll != len(ticks) {
		r.Fatalf("election %d: %d ballots (%d said), %d papers, %d ticks, %d on the roll (%d said)", e.Number, len(box), v.Ballots, v.Papers, taken, len(ticks), v.Roll)
	}
	if closed := !v.ClosedAt.IsZero(); closed != (e.State != election.Open) || closed != (v.Key == "" && v.ReceiptKey == "") {
		r.Fatalf("election %d is %s; the vote closed at %s; keys of %d bytes", e.Number, e.State, v.ClosedAt, len(v.Key)+len(v.ReceiptKey))
	} else if closed && !v.Voided {
		m.same(r, e, fmt.Sprint(box))
		if sealed := e.State == election.Sealed; sealed && !v.Sealed() || v.Counted() && (sealed || e.State == election.Cancelled) {
			r.Fatalf("election %d is %s, and its ballots are sealed: %v", e.Number, e.State, v.Sealed())
		}
	}
}

// same remembers what is in a closed box.
func (m *machine) same(r *rapid.T, e *election.Election, box string) {
	if was := m.boxes[e.ID]; was == "" {
		m.boxes[e.ID] = box
	} else if was != box {
		r.Fatalf("a ballot of election %d changed after the close:\n%s\n%s", e.Number, was, box)
	}
}

// end lets all that is under way come to its end, and looks at the record and at every published file.
func (m *machine) end(r *rapid.T) {
	m.check(r)
	for n := 0; ; n++ {
		var next time.Time
		for _, e := range m.all() {
			if !e.Over() && (next.IsZero() || e.DueAt.Before(next)) {
				next = e.DueAt
			}
		}
		if next.IsZero() {
			break
		}
		if n > 300 {
			r.Fatal("there are elections without end")
		}
		m.reveals(r)
		if next.After(m.clock.Now()) {
			m.clock.Set(next)
		}
		m.tick()
		m.check(r)
	}
	_, err := m.record.Checkpoint(m.ctx)
	m.ok(err)
	m.whole()
	for _, e := range m.all() {
		m.seen["state "+string(e.State)]++
		v, ok, err := m.ballots.Of(m.ctx, m.db, e.Ref())
		m.ok(err)
		if !ok {
			continue
		}
		m.seen["secret ballot"]++
		f, err := m.ballots.Published(m.ctx, v.ID)
		if v.Voided {
			m.want(err, fault.Gone, "the file of a vote that was called off")
			m.seen["void ballot"]++
			continue
		}
		m.ok(err)
		again, err := m.ballots.Published(m.ctx, v.ID)
		m.ok(err)
		one, err := json.Marshal(f)
		m.ok(err)
		two, err := json.Marshal(again)
		m.ok(err)
		if !bytes.Equal(one, two) || e.State != election.Cancelled && e.ResultJSON != "" && string(f.Result.JSON()) != e.ResultJSON {
			r.Fatalf("election %d has more than one result", e.Number)
		}
		found, proved, err := ballot.Check(f)
		if err != nil || len(found) > 0 || !proved {
			r.Fatalf("the file of election %d: %v %v %v", e.Number, found, proved, err)
		}
		m.seen["checked file"]++
		in := map[string]string{}
		box, err := f.Read()
		m.ok(err)
		if f.Question.Scrutineers != nil {
			m.seen[map[bool]string{true: "sealed for ever", false: "opened box"}[box.Sealed]]++
		}
		for i, b := range f.Ballots {
			if in[string(b.Key)] = "sealed"; !box.Sealed {
				in[string(b.Key)] = box.Choices[i].String()
			}
		}
		if len(m.browsers[v.ID]) == 0 {
			continue // cast before this life began
		}
		for _, b := range m.browsers[v.ID] {
			if was := in[b.key]; b.choice != "" && was != b.choice && !(box.Sealed && was == "sealed") {
				r.Fatalf("election %d: the ballot %s was acknowledged, and in the box is %q", e.Number, b.choice, in[b.key])
			}
			delete(in, b.key)
		}
		if len(in) > 0 {
			r.Fatalf("election %d has %d ballots that nobody cast", e.Number, len(in))
		}
	}
}

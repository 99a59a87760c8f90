package election_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"pgregory.net/rapid"

	"rochdale/internal/ballot"
	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/mandate"
	"rochdale/internal/media"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
	"rochdale/internal/witness"
)

var schema = []db.Source{record.Migrations(), identity.Migrations(), mandate.Migrations(), rulebook.Migrations(), member.Migrations(), ballot.Migrations(),
	decision.Migrations(), election.Migrations(), witness.Migrations(), media.Migrations(), social.Migrations(), coop.Migrations()}

const day = 24 * time.Hour

var site = config.Site{Host: "coop.example", URL: "https://coop.example"}

// hall is a co-op with what elections need.
type hall struct {
	*election.Service
	t        rapid.TB
	ctx      context.Context
	db       *db.DB
	clock    *clock.Fake
	record   *record.Service
	mandate  *mandate.Service
	rules    *rulebook.Service
	member   *member.Service
	decision *decision.Service
	ballots  *ballot.Service
	people   []authz.Actor
	root     id.ID
	codes    map[id.ID]ballotbox.Code

	bus        *bus.Bus
	identity   *identity.Service
	social     *social.Service
	coop       *coop.Service
	effects    effect.Registry
	tableNames []string
}

// each runs a story on both engines, in a co-op with so many members who have been there for two months.
func each(t *testing.T, members int, f func(t *testing.T, h *hall)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		h := newHall(t, d, c, members)
		f(t, h)
		if _, err := h.record.Verify(h.ctx); err != nil {
			t.Errorf("the record: %v", err)
		}
	})
}

// lone does so for what breaks the record on purpose.
func lone(t *testing.T, members int, f func(t *testing.T, h *hall)) {
	t.Helper()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) { f(t, newHall(t, d, c, members)) })
}

// checks asks whether a change could be made.
func (h *hall) checks(kind string, args any) error {
	h.t.Helper()
	b, err := json.Marshal(args)
	h.ok(err)
	e, err := h.effects.Load(effect.Stored{Kind: kind, Args: b})
	h.ok(err)
	_, err = e.Check(h.ctx, h.db)
	return err
}

func newHall(tb testing.TB, d *db.DB, c *clock.Fake, members int) *hall {
	tb.Helper()
	store, err := blob.OpenFolder(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	b := bus.New(d)
	i, err := identity.New(d, b)
	if err != nil {
		tb.Fatal(err)
	}
	h := &hall{t: tb, ctx: context.Background(), db: d, clock: c, codes: map[id.ID]ballotbox.Code{}, bus: b, identity: i, social: social.New(d, b, site, media.New(d, store, nil, site, nil))}
	h.reopen()

	m, err := h.coop.Found(h.ctx, authz.Actor{Via: authz.Web}, coop.Founding{Name: "Garden Co-op", Preset: "social-coop",
		Founder: member.Joining{Name: "Fay Founder", Username: "fay", Email: "fay@mail.example", Password: "correct horse battery staple"}})
	h.ok(err)
	h.people = []authz.Actor{{Member: m.ID, Login: m.LoginID, Via: authz.Web}}
	for len(h.people) < members {
		h.join()
	}
	root, err := h.mandate.Root(h.ctx, d)
	h.ok(err)
	h.root = root.ID
	c.Advance(60 * day)
	return h
}

// reopen makes the services anew, as after a start of the program.
func (h *hall) reopen() {
	d := h.db
	h.record = record.New(d, site.Host)
	h.mandate = mandate.New(d, h.record)
	h.rules = rulebook.New(d, h.record, h.mandate)
	h.member = member.New(d, h.identity, h.record, h.mandate)
	h.ballots = ballot.New(d, h.record, site.Host)
	h.decision = decision.New(decision.Deps{DB: d, Record: h.record, Rules: h.rules, Mandate: h.mandate, Member: h.member, Ballot: h.ballots})
	h.Service = election.New(election.Deps{DB: d, Record: h.record, Rules: h.rules, Mandate: h.mandate, Member: h.member, Ballot: h.ballots})
	h.coop = coop.New(coop.Deps{DB: d, Bus: h.bus, Site: site, Record: h.record, Identity: h.identity, Member: h.member, Mandate: h.mandate, Rulebook: h.rules,
		Social: h.social})
	var powers []authz.Power
	for _, p := range [][]authz.Power{mandate.Powers(), rulebook.Powers(), member.Powers(), election.Powers(), coop.Powers()} {
		powers = append(powers, p...)
	}
	var effects effect.Registry
	for _, r := range []effect.Registry{h.mandate.Effects(), h.rules.Effects(), h.member.Effects(), h.Effects(), h.coop.Effects()} {
		effects = append(effects, r...)
	}
	h.effects = effects
	h.mandate.Declare(powers, effects)
	h.decision.Declare(effects)
	h.mandate.Decided, h.mandate.Elected = h.decision.Decided, h.Elected
	h.mandate.MayHold = func(ctx context.Context, x db.Handle, who id.ID) (bool, error) {
		standing, err := h.member.StandingOn(ctx, x, who, x.Now())
		return standing != member.NoRights && standing != member.FormerMember && standing != member.NoMember, err
	}
	h.mandate.Accepted.On(h.OnAccepted)
	h.mandate.Ended.On(h.OnEnded)
	h.member.Ended.On(func(ctx context.Context, tx *db.Tx, e member.Ended) error {
		return h.mandate.CloseMember(ctx, tx, e.Member.ID)
	})
	h.record.Sources = []record.Source{h.mandate.States, h.rules.States, h.member.States, h.decision.States, h.ballots.States, h.States, h.coop.States}
}

var hashed = sync.OnceValue(func() string {
	hash, err := argon2id.CreateHash("everybody in the garden", &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 16})
	if err != nil {
		panic(err)
	}
	return hash
})

func (h *hall) join() authz.Actor {
	h.t.Helper()
	var m member.Member
	n := len(h.people) + 1
	h.ok(h.db.InDurableTx(h.ctx, func(tx *db.Tx) (err error) {
		m, err = h.member.TakeIn(h.ctx, tx, h.people[0], member.Joining{Name: fmt.Sprintf("Member %d", n), Username: fmt.Sprintf("m%d", n), Email: fmt.Sprintf("m%d@mail.example", n)}, hashed(), "welcome")
		return err
	}))
	fresh := authz.Actor{Member: m.ID, Login: m.LoginID, Via: authz.Web}
	h.people = append(h.people, fresh)
	return fresh
}

func (h *hall) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hall) want(err error, kind fault.Kind, what string) {
	h.t.Helper()
	if !fault.Is(err, kind) {
		h.t.Errorf("%s: got %v, want a fault of kind %q", what, err, kind)
	}
}

// until lets time pass and does what it calls for.
func (h *hall) until(at time.Time) {
	h.t.Helper()
	h.clock.Set(at)
	h.tick()
}

func (h *hall) tick() {
	h.t.Helper()
	h.ok(h.mandate.Sweep(h.ctx))
	h.ok(h.decision.Advance(h.ctx))
	h.ok(h.Advance(h.ctx))
}

// decide carries a motion with everybody's agreement.
func (h *hall) decide(kind string, args any) decision.Motion {
	h.t.Helper()
	b, err := json.Marshal(args)
	h.ok(err)
	m, err := h.decision.Draft(h.ctx, h.people[0], decision.Drafting{Title: "A motion", Effects: []decision.Proposed{{Option: -1, Stored: effect.Stored{Kind: kind, Args: b}}}})
	h.ok(err)
	_, err = h.decision.Publish(h.ctx, h.people[0], m.ID)
	h.ok(err)
	m, err = h.decision.Call(h.ctx, h.people[0], m.ID, decision.Calling{})
	h.ok(err)
	secret, isSecret, err := h.ballots.Of(h.ctx, h.db, m.Ref())
	h.ok(err)
	for _, p := range h.people {
		var err error
		if isSecret {
			_, err = h.ballots.VoteFor(h.ctx, p, secret.ID, newCode(h.t), "", ballotbox.Choice{Vote: decision.Agree})
		} else {
			_, err = h.decision.Cast(h.ctx, p, m.ID, decision.Choice{Choice: decision.Agree}, "")
		}
		if err != nil && !fault.Is(err, fault.Forbidden) {
			h.t.Fatal(err)
		}
	}
	h.until(m.ClosesAt)
	m, err = h.decision.ByID(h.ctx, h.people[0], m.ID)
	h.ok(err)
	if m.State == decision.Window {
		h.until(m.WindowEndsAt)
		m, err = h.decision.ByID(h.ctx, h.people[0], m.ID)
		h.ok(err)
	}
	if m.Execution != decision.Done {
		h.t.Fatalf("the motion is %s, %s: %s", m.State, m.Execution, m.Cause)
	}
	return m
}

// announce decides to hold an election of an office with one power.
func (h *hall) announce(office string, seats int) election.Election {
	h.t.Helper()
	h.decide(election.Hold, map[string]any{"body": h.root, "office": office, "seats": seats, "powers": []string{member.Admit}, "days": 365})
	return h.newest()
}

func (h *hall) newest() election.Election {
	h.t.Helper()
	list, err := h.List(h.ctx, 0, 1)
	h.ok(err)
	if len(list) == 0 {
		h.t.Fatal("there is no election")
	}
	return list[0]
}

func (h *hall) is(e election.Election, state election.State) election.Election {
	h.t.Helper()
	now, err := h.Get(h.ctx, h.db, e.ID)
	h.ok(err)
	if now.State != state {
		h.t.Fatalf("election %d is %s (%s), want %s", now.Number, now.State, now.Cause, state)
	}
	return now
}

// stand lets people nominate themselves.
func (h *hall) stand(e election.Election, people ...int) []election.Candidate {
	h.t.Helper()
	var out []election.Candidate
	for _, p := range people {
		c, err := h.Nominate(h.ctx, h.people[p], e.ID, h.people[p].Member, election.Candidacy{Statement: "I care."})
		h.ok(err)
		out = append(out, c)
	}
	return out
}

// open takes an election to its vote.
func (h *hall) open(e election.Election) election.Election {
	h.t.Helper()
	h.until(e.FinalAt)
	e = h.is(e, election.Final)
	h.until(e.OpensAt)
	return h.is(e, election.Open)
}

// vote casts a secret ballot as a browser would, without the sign-in in the second step.
func (h *hall) vote(e election.Election, person int, ranks ...int) {
	h.t.Helper()
	v, ok, err := h.ballots.Of(h.ctx, h.db, e.Ref())
	h.ok(err)
	if !ok {
		h.t.Fatal("the election has no ballot")
	}
	q, err := v.Question()
	h.ok(err)
	who := h.people[person]
	code, again := h.codes[who.Member]
	if !again {
		code, err = ballotbox.NewCode(rand.Reader)
		h.ok(err)
		h.codes[who.Member] = code
	}
	request, err := code.Blind(q)
	h.ok(err)
	signature, err := h.ballots.Take(h.ctx, who, v.ID, request.Blinded)
	h.ok(err)
	paper, err := request.Finish(signature, nil)
	h.ok(err)
	key, err := code.Key(q)
	h.ok(err)
	sequence, err := h.ballots.Sequence(h.ctx, v.ID, key)
	h.ok(err)
	b, err := code.Seal(q, paper, sequence, ballotbox.Choice{Rank: ranks})
	h.ok(err)
	_, err = h.ballots.Cast(h.ctx, v.ID, b)
	h.ok(err)
}

// holders are those who hold an office of an election or are offered it, as numbers of people.
func (h *hall) holders(e election.Election) []int {
	h.t.Helper()
	coming, err := h.mandate.Coming(h.ctx, h.db)
	h.ok(err)
	var out []int
	for i, p := range h.people {
		for _, m := range coming {
			if m.MemberID == p.Member && m.SourceID == e.ID {
				out = append(out, i)
			}
		}
	}
	return out
}

func (h *hall) mandateOf(e election.Election, person int) mandate.Mandate {
	h.t.Helper()
	coming, err := h.mandate.Coming(h.ctx, h.db)
	h.ok(err)
	for _, m := range coming {
		if m.MemberID == h.people[person].Member && m.SourceID == e.ID {
			return m
		}
	}
	h.t.Fatalf("person %d holds no office of election %d", person, e.Number)
	return mandate.Mandate{}
}

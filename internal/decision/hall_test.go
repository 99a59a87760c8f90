package decision_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"rochdale/internal/ballot"
	"rochdale/internal/coop"
	"rochdale/internal/decision"
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
	"rochdale/internal/moderation"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
)

var schema = []db.Source{record.Migrations(), identity.Migrations(), mandate.Migrations(), rulebook.Migrations(), member.Migrations(),
	ballot.Migrations(), decision.Migrations(), media.Migrations(), social.Migrations(), coop.Migrations()}

const day = 24 * time.Hour

// reporter is what a hall tells of failures: a test, or one history of a property.
type reporter interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// hall is a co-op with its institutions, put together as the program does, without its place.
type hall struct {
	*decision.Service
	t        reporter
	db       *db.DB
	clock    *clock.Fake
	ctx      context.Context
	identity *identity.Service
	social   *social.Service

	record     *record.Service
	mandate    *mandate.Service
	rules      *rulebook.Service
	member     *member.Service
	moderation *moderation.Service
	coop       *coop.Service
	ballots    *ballot.Service
	effects    effect.Registry

	founder authz.Actor
	people  []authz.Actor // the founder first

	loud id.ID // an account, where a story needs one

	tableNames []string

	codesMu sync.Mutex
	codes   map[voterOf]ballotbox.Code // of secret ballots
}

var local = netip.MustParseAddr("127.0.0.1")

var site = config.Site{Host: "coop.example", URL: "https://coop.example"}

func newHall(tb testing.TB, d *db.DB, c *clock.Fake) *hall {
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
	h := &hall{t: tb, db: d, clock: c, ctx: context.Background(), identity: i, social: social.New(d, b, site, media.New(d, store, nil, site, nil))}
	h.reopen()
	return h
}

// reopen puts the institutions together on the tables as they are, which is what a start after a crash does.
func (h *hall) reopen() {
	d := h.db
	h.record = record.New(d, site.Host)
	h.mandate = mandate.New(d, h.record)
	h.rules = rulebook.New(d, h.record, h.mandate)
	h.member = member.New(d, h.identity, h.record, h.mandate)
	h.moderation = moderation.New(moderation.Deps{DB: d, Social: h.social, Judge: h.mandate})
	h.ballots = ballot.New(d, h.record, site.Host)
	h.Service = decision.New(decision.Deps{DB: d, Record: h.record, Rules: h.rules, Mandate: h.mandate, Member: h.member, Ballot: h.ballots})
	h.coop = coop.New(coop.Deps{DB: d, Bus: bus.New(d), Site: site, Record: h.record, Identity: h.identity, Member: h.member, Mandate: h.mandate,
		Rulebook: h.rules, Social: h.social})
	h.effects = nil
	for _, r := range []effect.Registry{h.mandate.Effects(), h.rules.Effects(), h.member.Effects(), h.moderation.Effects(), h.coop.Effects()} {
		h.effects = append(h.effects, r...)
	}
	h.mandate.Declare(allPowers(), h.effects)
	h.Declare(h.effects)
	h.mandate.Decided = h.Decided
	h.mandate.MayHold = func(ctx context.Context, q db.Handle, who id.ID) (bool, error) {
		standing, err := h.member.StandingOn(ctx, q, who, q.Now())
		return standing != member.NoRights && standing != member.FormerMember && standing != member.NoMember, err
	}
	h.mandate.EmergencyRule = func(ctx context.Context, q db.Handle, power string) (mandate.Allowance, error) {
		v, ok, err := h.rules.EmergencyFor(ctx, q, power)
		if err != nil || !ok {
			return mandate.Allowance{}, err
		}
		return mandate.Allowance{Rule: v.ID, Body: v.Rule.Emergency.Body, Days: v.Rule.Emergency.Days, Veil: v.Rule.Emergency.Veil}, nil
	}
	h.mandate.RatifyDays = func(ctx context.Context, q db.Handle) (int, error) {
		return h.rules.RatifyDays(ctx, q, mandate.RatifyAct)
	}
	h.member.Ended.On(func(ctx context.Context, tx *db.Tx, e member.Ended) error {
		return h.mandate.CloseMember(ctx, tx, e.Member.ID)
	})
	h.record.Sources = []record.Source{h.mandate.States, h.rules.States, h.member.States, h.moderation.States, h.coop.States, h.ballots.States, h.States}
}

// allPowers are the powers of the program.
func allPowers() []authz.Power {
	var powers []authz.Power
	for _, p := range [][]authz.Power{mandate.Powers(), rulebook.Powers(), member.Powers(), moderation.Powers(), coop.Powers()} {
		powers = append(powers, p...)
	}
	return powers
}

// each runs a story on both engines, in a co-op on a preset with so many members who have been there
// for two months.
func each(t *testing.T, preset string, members int, f func(t *testing.T, h *hall)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		h := newHall(t, d, c)
		h.found(preset, members)
		f(t, h)
		h.whole()
	})
}

func (h *hall) found(preset string, members int) {
	h.t.Helper()
	m, err := h.coop.Found(h.ctx, authz.Actor{Via: authz.Web}, coop.Founding{Name: "Garden Co-op", Preset: preset,
		Founder: member.Joining{Name: "Fay Founder", Username: "fay", Email: "fay@mail.example", Password: "correct horse battery staple"}})
	h.ok(err)
	h.founder = authz.Actor{Member: m.ID, Login: m.LoginID, Via: authz.Web}
	h.people = []authz.Actor{h.founder}
	for len(h.people) < members {
		h.join()
	}
	h.clock.Advance(60 * day)
}

// join makes somebody a member, without the cost of a password.
func (h *hall) join() authz.Actor {
	h.t.Helper()
	by, err := h.admit(h.founder)
	h.ok(err)
	return by
}

// password is everybody's, hashed at no cost: what it protects is tested elsewhere.
const password = "everybody in the garden"

var hashed = sync.OnceValue(func() string {
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 16})
	if err != nil {
		panic(err)
	}
	return hash
})

// admit makes somebody a member by an act of another's.
func (h *hall) admit(by authz.Actor) (authz.Actor, error) {
	var m member.Member
	n := len(h.people) + 1
	err := h.db.InDurableTx(h.ctx, func(tx *db.Tx) (err error) {
		m, err = h.member.TakeIn(h.ctx, tx, by, member.Joining{Name: fmt.Sprintf("Surname%d", n), Username: fmt.Sprintf("m%d", n), Email: fmt.Sprintf("m%d@mail.example", n)}, hashed(), "welcome")
		return err
	})
	if err != nil {
		return authz.Actor{}, err
	}
	fresh := authz.Actor{Member: m.ID, Login: m.LoginID, Via: authz.Web}
	h.people = append(h.people, fresh)
	return fresh, nil
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

// whole asks the record whether it can be replayed to what the tables say.
func (h *hall) whole() {
	h.t.Helper()
	if _, err := h.record.Verify(h.ctx); err != nil {
		h.t.Errorf("the record: %v", err)
	}
}

// wait lets time pass and does what it calls for.
func (h *hall) wait(d time.Duration) {
	h.t.Helper()
	h.clock.Advance(d)
	h.tick()
}

func (h *hall) tick() {
	h.t.Helper()
	h.ok(h.mandate.Sweep(h.ctx))
	h.ok(h.AskAboutEmergencies(h.ctx))
	h.ok(h.Advance(h.ctx))
	h.ok(h.mandate.Lapse(h.ctx))
	h.ok(h.mandate.Unveil(h.ctx))
}

func carry(kind string, args any) decision.Proposed {
	b, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	return decision.Proposed{Option: -1, Stored: effect.Stored{Kind: kind, Args: b}}
}

// put drafts, publishes and calls a motion of a member's.
func (h *hall) put(by authz.Actor, d decision.Drafting) decision.Motion {
	h.t.Helper()
	m := h.discuss(by, d)
	m, err := h.Call(h.ctx, by, m.ID, decision.Calling{})
	h.ok(err)
	return m
}

func (h *hall) discuss(by authz.Actor, d decision.Drafting) decision.Motion {
	h.t.Helper()
	if d.Title == "" {
		d.Title = "A motion"
	}
	if usual := h.rule(rulebook.Ordinary).Methods[0]; d.Method == "" && usual == rulebook.Consent {
		d.Method = usual
	}
	m, err := h.Draft(h.ctx, by, d)
	h.ok(err)
	m, err = h.Publish(h.ctx, by, m.ID)
	h.ok(err)
	return m
}

// vote casts one word a member, in the order of the register; "" stays away.
func (h *hall) vote(m decision.Motion, words ...string) {
	h.t.Helper()
	for i, w := range words {
		if w == "" {
			continue
		}
		_, err := h.Cast(h.ctx, h.people[i], m.ID, decision.Choice{Choice: w}, "because")
		h.ok(err)
	}
}

func (h *hall) get(motion id.ID) decision.Motion {
	h.t.Helper()
	m, err := h.ByID(h.ctx, h.founder, motion)
	h.ok(err)
	return m
}

// is compares where a motion stands.
func (h *hall) is(motion id.ID, state decision.State, outcome, execution string) decision.Motion {
	h.t.Helper()
	m := h.get(motion)
	if m.State != state || string(m.Outcome) != outcome || m.Execution != execution {
		h.t.Errorf("motion %d is %s/%s/%s (%s), want %s/%s/%s", m.Number, m.State, m.Outcome, m.Execution, m.Cause, state, outcome, execution)
	}
	return m
}

// yes and no are the words of a vote for and against a motion.
func yes(m decision.Motion) string {
	if m.Method == rulebook.Consent {
		return decision.Consents
	}
	return decision.Agree
}

func no(m decision.Motion) string {
	if m.Method == rulebook.Consent {
		return decision.Object
	}
	return decision.Disagree
}

// enact carries a motion with everybody's agreement, to its execution.
func (h *hall) enact(d decision.Drafting) decision.Motion {
	h.t.Helper()
	m := h.put(h.people[0], d)
	for _, by := range h.people {
		if _, err := h.Cast(h.ctx, by, m.ID, decision.Choice{Choice: yes(m)}, ""); err != nil && !fault.Is(err, fault.Forbidden) {
			h.t.Fatal(err)
		}
	}
	h.wait(m.ClosesAt.Sub(h.clock.Now()))
	if now := h.get(m.ID); now.State == decision.Window {
		h.wait(now.WindowEndsAt.Sub(h.clock.Now()))
	}
	return h.is(m.ID, decision.InForce, "carried", decision.Done)
}

func (h *hall) root() mandate.Body {
	h.t.Helper()
	b, err := h.mandate.Root(h.ctx, h.db)
	h.ok(err)
	return b
}

func (h *hall) rule(line string) rulebook.Rule {
	h.t.Helper()
	list, err := h.rules.History(h.ctx, line)
	h.ok(err)
	return list[0].Rule
}

type args = map[string]any

// group forms a working group with a domain by a motion.
func (h *hall) group(handle string, domain ...string) mandate.Body {
	h.t.Helper()
	h.enact(decision.Drafting{Title: "Form " + handle, Effects: []decision.Proposed{carry(mandate.CreateBody, args{"parent": h.root().ID, "kind": "working group",
		"handle": handle, "name": handle, "aim": "", "domain": append([]string{}, domain...), "seats": 0, "joining": "open"})}})
	b, err := h.mandate.BodyByHandle(h.ctx, h.db, handle)
	h.ok(err)
	return b
}

// office appoints a member by a motion, and lets the member accept.
func (h *hall) office(b mandate.Body, who authz.Actor, days int, powers ...string) mandate.Mandate {
	h.t.Helper()
	h.enact(decision.Drafting{Title: "Appoint", Effects: []decision.Proposed{carry(mandate.Appoint, args{"body": b.ID, "member": who.Member, "office": "Officer",
		"powers": append([]string{}, powers...), "days": days})}})
	list, err := h.mandate.InBody(h.ctx, b.ID)
	h.ok(err)
	h.ok(h.mandate.Accept(h.ctx, who, list[0].ID))
	m, err := h.mandate.Get(h.ctx, h.db, list[0].ID)
	h.ok(err)
	return m
}

func (h *hall) describe(name string) decision.Proposed {
	return carry(coop.Power, args{"name": name, "description": "", "joining": "application", "conduct": ""})
}

func (h *hall) name() string {
	h.t.Helper()
	c, err := h.coop.Get(h.ctx)
	h.ok(err)
	return c.Name
}

func ids(motions ...decision.Motion) []id.ID {
	var out []id.ID
	for _, m := range motions {
		out = append(out, m.ID)
	}
	return out
}

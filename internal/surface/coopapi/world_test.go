package coopapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/mandate"
	"rochdale/internal/media"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
	"rochdale/internal/surface/coopapi"
	"rochdale/internal/witness"
)

var schema = []db.Source{record.Migrations(), identity.Migrations(), mandate.Migrations(), rulebook.Migrations(), member.Migrations(),
	ballot.Migrations(), decision.Migrations(), election.Migrations(), witness.Migrations(), media.Migrations(), social.Migrations(), coop.Migrations(), coopapi.Migrations()}

const day = 24 * time.Hour

// world is a co-op with its institutions, put together as the program does, behind its own API.
type world struct {
	testing.TB
	*coopapi.Service
	ctx      context.Context
	clock    *clock.Fake
	identity *identity.Service
	front    *httptest.Server
	spec     *spec
	people   []*person // the founder first
}

// person is a member with a token.
type person struct {
	*world
	by     authz.Actor
	number int64
	token  string
}

// inWorld runs a story on SQLite, in a co-op on the Social.coop preset with so many members who have
// been there for a month, which is long enough to vote.
func inWorld(t *testing.T, members int, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	f(t, newWorld(t, testkit.SQLite(t, schema, c), c, members))
}

func newWorld(tb testing.TB, d *db.DB, c *clock.Fake, members int) *world {
	tb.Helper()
	site, b := config.Site{Host: "coop.example", URL: "https://coop.example"}, bus.New(d)
	store, err := blob.OpenFolder(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{TB: tb, clock: c, ctx: context.Background()}
	if w.identity, err = identity.New(d, b); err != nil {
		tb.Fatal(err)
	}
	deps := coopapi.Deps{DB: d, Site: site, Version: "test", Record: record.New(d, site.Host)}
	place := social.New(d, b, site, media.New(d, store, nil, site, nil))
	deps.Mandate = mandate.New(d, deps.Record)
	deps.Rulebook = rulebook.New(d, deps.Record, deps.Mandate)
	deps.Member = member.New(d, w.identity, deps.Record, deps.Mandate)
	deps.Ballot = ballot.New(d, deps.Record, site.Host)
	deps.Decision = decision.New(decision.Deps{DB: d, Record: deps.Record, Rules: deps.Rulebook, Mandate: deps.Mandate, Member: deps.Member, Ballot: deps.Ballot})
	deps.Coop = coop.New(coop.Deps{DB: d, Bus: b, Site: site, Record: deps.Record, Identity: w.identity, Member: deps.Member, Mandate: deps.Mandate, Rulebook: deps.Rulebook, Social: place})
	var effects effect.Registry
	deps.Election = election.New(election.Deps{DB: d, Record: deps.Record, Rules: deps.Rulebook, Mandate: deps.Mandate, Member: deps.Member, Ballot: deps.Ballot})
	deps.Mandate.Elected = deps.Election.Elected
	deps.Mandate.Accepted.On(deps.Election.OnAccepted)
	deps.Mandate.Ended.On(deps.Election.OnEnded)
	for _, r := range []effect.Registry{deps.Mandate.Effects(), deps.Rulebook.Effects(), deps.Member.Effects(), deps.Election.Effects(), deps.Coop.Effects()} {
		effects = append(effects, r...)
	}
	var powers []authz.Power
	for _, p := range [][]authz.Power{mandate.Powers(), rulebook.Powers(), member.Powers(), election.Powers(), coop.Powers()} {
		powers = append(powers, p...)
	}
	deps.Mandate.Declare(powers, effects)
	deps.Decision.Declare(effects)
	deps.Mandate.Decided = deps.Decision.Decided
	deps.Member.CheckUsername = place.CheckUsername
	deps.Member.Admitted.On(func(ctx context.Context, tx *db.Tx, e member.Admitted) error {
		a, err := place.Open(ctx, tx, social.NewAccount{Username: e.Member.Username, DisplayName: e.Member.Name, Kind: social.Person, Member: e.Member.ID})
		if err != nil {
			return err
		}
		if err := w.identity.SetAccount(ctx, tx, e.Login.ID, a.ID); err != nil {
			return err
		}
		return deps.Member.SetAccount(ctx, tx, e.Member.ID, a.ID)
	})
	deps.Member.Ended.On(func(ctx context.Context, tx *db.Tx, e member.Ended) error {
		return deps.Mandate.CloseMember(ctx, tx, e.Member.ID)
	})
	w.Service = coopapi.New(deps)
	srv, err := web.New(web.Options{Log: slog.New(slog.NewTextHandler(testLog{tb}, nil)), Clock: c, Bearer: w.identity.ByToken}, w.Routes())
	if err != nil {
		tb.Fatal(err)
	}
	w.front = httptest.NewServer(srv)
	tb.Cleanup(w.front.Close)
	w.found(members)
	w.spec = readSpec(tb, w)
	return w
}

// testLog shows what the server logs beside the test that made it.
type testLog struct{ testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func (w *world) found(members int) {
	w.Helper()
	m, err := w.Coop.Found(w.ctx, authz.Actor{Via: authz.Web}, coop.Founding{Name: "Garden Co-op", Description: "We grow together.",
		Founder: member.Joining{Name: "Fay Founder", Username: "fay", Email: "fay@mail.example", Password: "correct horse battery staple"}})
	w.ok(err)
	w.enter(m)
	for len(w.people) < members {
		w.join()
	}
	w.clock.Advance(31 * day)
}

// join makes somebody a member, without the cost of a password.
func (w *world) join() *person {
	w.Helper()
	n := len(w.people) + 1
	var m member.Member
	w.ok(w.DB.InDurableTx(w.ctx, func(tx *db.Tx) (err error) {
		m, err = w.Member.TakeIn(w.ctx, tx, w.people[0].by, member.Joining{Name: fmt.Sprintf("Member %d", n), Username: fmt.Sprintf("m%d", n), Email: fmt.Sprintf("m%d@mail.example", n)}, "x", "")
		return err
	}))
	return w.enter(m)
}

// enter lets an app in for a new member.
func (w *world) enter(m member.Member) *person {
	w.Helper()
	p := &person{world: w, number: m.Number, token: w.tokenOf(m, "coop")}
	by, err := w.identity.ByToken(w.ctx, p.token)
	w.ok(err)
	p.by = by
	w.people = append(w.people, p)
	return p
}

func (w *world) tokenOf(m member.Member, scopes string) (plain string) {
	w.Helper()
	w.ok(w.DB.InTx(w.ctx, func(tx *db.Tx) error {
		t, err := w.identity.MakeToken(w.ctx, tx, m.LoginID, scopes)
		plain = t.Plain
		return err
	}))
	return plain
}

// as is the same person behind a token with other scopes.
func (p *person) as(scopes string) *person {
	p.Helper()
	m, err := p.Member.Get(p.ctx, p.DB, p.by.Member)
	p.ok(err)
	out := *p
	out.token = p.tokenOf(m, scopes)
	return &out
}

func (w *world) visitor() *person { return &person{world: w} }

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// wait lets time pass and does what it calls for.
func (w *world) wait(d time.Duration) {
	w.Helper()
	w.clock.Advance(d)
	w.ok(w.Decision.Advance(w.ctx))
	w.ok(w.Election.Advance(w.ctx))
	w.ok(w.Mandate.Sweep(w.ctx))
	w.ok(w.Mandate.Lapse(w.ctx))
	w.ok(w.Decision.AskAboutEmergencies(w.ctx))
}

type object = map[string]any

// answer is what came back, read to its end.
type answer struct {
	w      *world
	status int
	header http.Header
	body   []byte
}

// do makes a request to an operation, given as the document writes it with the parts of its path, and
// holds the answer against the document. A body that is no string is sent as JSON; headers come in
// pairs.
func (p *person) do(operation string, parts []any, query string, body any, header ...string) answer {
	p.Helper()
	method, template, _ := strings.Cut(operation, " ")
	path := template
	for _, part := range parts {
		from, to := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:from] + strings.ReplaceAll(fmt.Sprint(part), "/", "%2F") + path[to+1:]
	}
	if query != "" {
		path += "?" + query
	}
	a := p.send(method, coopapi.Base+path, body, header...)
	p.spec.check(p, method, template, a)
	return a
}

func (p *person) send(method, path string, body any, header ...string) answer {
	p.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		p.ok(err)
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, p.front.URL+path, r)
	p.ok(err)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := p.front.Client().Do(req)
	p.ok(err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	p.ok(err)
	return answer{p.world, res.StatusCode, res.Header, b}
}

func at(parts ...any) []any { return parts }

// want fails the test unless the status is the given one.
func (a answer) want(status int) answer {
	a.w.Helper()
	if a.status != status {
		a.w.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// refused wants a problem of a kind.
func (a answer) refused(status int, kind string) answer {
	a.w.Helper()
	a.want(status)
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.w.Errorf("a problem comes as %s", got)
	}
	return a.is("kind", kind).is("status", fmt.Sprint(status)).is("type", "about:blank")
}

// at is a value inside the JSON answer: at("items.0.title").
func (a answer) at(path string) any {
	a.w.Helper()
	v := a.json()
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case object:
			v = x[key]
		case []any:
			var n int
			if _, err := fmt.Sscan(key, &n); err != nil || n >= len(x) {
				a.w.Fatalf("nothing at %s in %s", path, a.body)
			}
			v = x[n]
		default:
			a.w.Fatalf("nothing at %s in %s", path, a.body)
		}
	}
	return v
}

func (a answer) json() (v any) {
	a.w.Helper()
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		a.w.Fatalf("%v in %q", err, a.body)
	}
	return v
}

func (a answer) text(path string) string { a.w.Helper(); return fmt.Sprint(a.at(path)) }

// has reports whether there is a value.
func (a answer) has(path string) bool { a.w.Helper(); return a.at(path) != nil }

func (a answer) len(path string) int {
	a.w.Helper()
	l, ok := a.at(path).([]any)
	if !ok {
		a.w.Fatalf("no list at %q in %s", path, a.body)
	}
	return len(l)
}

// is compares a value in the answer.
func (a answer) is(path, want string) answer {
	a.w.Helper()
	if got := a.text(path); got != want {
		a.w.Errorf("%s is %q, want %q in %s", path, got, want, a.body)
	}
	return a
}

func (a answer) number(path string) int64 {
	a.w.Helper()
	var n int64
	if _, err := fmt.Sscan(a.text(path), &n); err != nil {
		a.w.Fatalf("%s is no number in %s", path, a.body)
	}
	return n
}

package coop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/coop"
	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/mandate"
	"rochdale/internal/media"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
)

var schema = []db.Source{record.Migrations(), identity.Migrations(), mandate.Migrations(), rulebook.Migrations(), member.Migrations(), media.Migrations(), social.Migrations(), coop.Migrations()}

const password = "correct horse battery"

// hall is a co-op that is not founded yet, with everything below it.
type hall struct {
	*coop.Service
	t       testing.TB
	db      *db.DB
	clock   *clock.Fake
	ctx     context.Context
	record  *record.Service
	mandate *mandate.Service
	member  *member.Service
	social  *social.Service
}

func newHall(tb testing.TB, d *db.DB, c *clock.Fake) *hall {
	tb.Helper()
	b := bus.New(d)
	site := config.Site{Host: "coop.example", URL: "https://coop.example"}
	store, err := blob.OpenFolder(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	i, err := identity.New(d, b)
	if err != nil {
		tb.Fatal(err)
	}
	h := &hall{t: tb, db: d, clock: c, ctx: context.Background(), record: record.New(d, site.Host), social: social.New(d, b, site, media.New(d, store, nil, site, nil))}
	h.mandate = mandate.New(d, h.record)
	h.member = member.New(d, i, h.record, h.mandate)
	h.member.CheckUsername = h.social.CheckUsername
	h.member.Admitted.On(func(ctx context.Context, tx *db.Tx, e member.Admitted) error {
		_, err := h.social.Open(ctx, tx, social.NewAccount{Username: e.Member.Username, Kind: social.Person, Member: e.Member.ID})
		return err
	})
	h.Service = coop.New(coop.Deps{DB: d, Bus: b, Site: site, Record: h.record, Identity: i, Member: h.member, Mandate: h.mandate, Rulebook: rulebook.New(d, h.record, h.mandate), Social: h.social})
	h.mandate.Declare(slices.Concat(member.Powers(), coop.Powers()), slices.Concat(h.member.Effects(), h.Effects()))
	return h
}

func each(t *testing.T, f func(t *testing.T, h *hall)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) { f(t, newHall(t, d, c)) })
}

func (h *hall) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func want(tb testing.TB, err error, kind fault.Kind, what string) {
	tb.Helper()
	if !fault.Is(err, kind) {
		tb.Errorf("%s: got %v, want a fault of kind %q", what, err, kind)
	}
}

func founding(username string) coop.Founding {
	return coop.Founding{Name: "  Garden   Co-op ", Description: "We garden.", Preset: "assembly",
		Founder: member.Joining{Name: "Fay Founder", Username: username, Email: username + "@mail.example", Password: password}}
}

func (h *hall) found() authz.Actor {
	h.t.Helper()
	m, err := h.Found(h.ctx, authz.Actor{Via: authz.Web}, founding("fay"))
	h.ok(err)
	return authz.Actor{Member: m.ID, Login: m.LoginID, Via: authz.Web}
}

func (h *hall) events() []record.Event {
	h.t.Helper()
	e, err := h.record.List(h.ctx, 0, "", 1000)
	h.ok(err)
	slices.Reverse(e)
	return e
}

func (h *hall) count(table string) (n int) {
	h.t.Helper()
	h.ok(h.db.Writer().QueryRowContext(h.ctx, "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

func TestQueriesArePreparedOnBothEngines(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		if err := db.CheckRegistered(h.ctx, h.db); err != nil {
			t.Error(err)
		}
	})
}

func TestTheGenesis(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		_, err := h.Get(h.ctx)
		if !errors.Is(err, coop.ErrNotFounded) {
			t.Errorf("before the founding: %v", err)
		}
		founder := h.found()
		var got [][3]string
		for _, e := range h.events() {
			b, err := e.Read()
			h.ok(err)
			subject, _, _ := strings.Cut(b.Subject, ":")
			authority, _, _ := strings.Cut(b.Authority, ":")
			got = append(got, [3]string{e.Kind, subject, authority})
			if strings.Contains(e.Body, "mail.example") || strings.Contains(e.Body, "Fay") {
				t.Errorf("personal data in the hashed body of %s: %s", e.Kind, e.Body)
			}
		}
		if d := cmp.Diff([][3]string{{"coop.founded", "coop", "genesis"}, {"body.formed", "body", "genesis"}, {"rule.adopted", "rule", "genesis"},
			{"rule.adopted", "rule", "genesis"}, {"rule.adopted", "rule", "genesis"}, {"rule.adopted", "rule", "genesis"}, {"rule.adopted", "rule", "genesis"}, {"member.joined", "member", "genesis"},
			{"mandate.given", "mandate", "genesis"}}, got); d != "" {
			t.Error(d)
		}
		var data map[string]string
		b, err := h.events()[0].Read()
		h.ok(err)
		h.ok(json.Unmarshal(b.Data, &data))
		if d := cmp.Diff(map[string]string{"name": "Garden Co-op", "host": "coop.example", "preset": "assembly", "description": "We garden."}, data); d != "" {
			t.Error(d)
		}
		c, err := h.Get(h.ctx)
		h.ok(err)
		if c.Name != "Garden Co-op" || c.Preset != "assembly" || c.Joining != coop.ByApplication || !c.FoundedAt.Equal(testkit.Start) || len(c.Rules()) != 4 {
			t.Errorf("the co-op is %+v", c)
		}
		account, err := h.social.ByName(h.ctx, h.db, "coop", "")
		h.ok(err)
		if account.ID != c.AccountID || account.Kind != social.Organization || account.DisplayName != "Garden Co-op" {
			t.Errorf("its account is %+v", account)
		}
		for _, p := range append(member.Powers(), coop.Powers()...) {
			if h.mandate.Holds(h.ctx, founder, p.Name) == p.Reserved {
				t.Errorf("the founder and %s: held %t", p.Name, !p.Reserved)
			}
		}
		m, err := h.member.Get(h.ctx, h.db, founder.Member)
		if err != nil || m.Number != 1 {
			t.Errorf("the founder is %+v, %v", m, err)
		}
		_, err = h.Found(h.ctx, authz.Actor{Via: authz.Web}, founding("eve"))
		want(t, err, fault.Conflict, "founding it again")
		if rep, err := h.record.Verify(h.ctx); err != nil || rep.Events != 9 || h.count("members") != 1 {
			t.Errorf("after it %+v, %v", rep, err)
		}
	})
}

func TestAFoundingThatFailsLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		for field, change := range map[string]func(*coop.Founding){
			"coop_name":   func(f *coop.Founding) { f.Name = " " },
			"coop_name ":  func(f *coop.Founding) { f.Name = strings.Repeat("é", 81) },
			"description": func(f *coop.Founding) { f.Description = strings.Repeat("é", 1001) },
			"preset":      func(f *coop.Founding) { f.Preset = "monarchy" },
			"email":       func(f *coop.Founding) { f.Founder.Email = "fay" },
			"password":    func(f *coop.Founding) { f.Founder.Password = "short" },
			"name":        func(f *coop.Founding) { f.Founder.Name = "" },
			"username":    func(f *coop.Founding) { f.Founder.Username = "coop" },
			"username ":   func(f *coop.Founding) { f.Founder.Username = "../x" },
		} {
			f := founding("fay")
			change(&f)
			_, err := h.Found(h.ctx, authz.Actor{Via: authz.Web}, f)
			want(t, err, fault.Invalid, field)
			if fault.FieldOf(err) != strings.TrimSpace(field) {
				t.Errorf("%s: at field %q", field, fault.FieldOf(err))
			}
		}
		for _, table := range []string{"coop", "record_events", "members", "logins", "bodies", "mandates", "accounts"} {
			if n := h.count(table); n != 0 {
				t.Errorf("%d rows left in %s", n, table)
			}
		}
		f := founding("fay")
		f.Preset = ""
		_, err := h.Found(h.ctx, authz.Actor{Via: authz.Web}, f)
		h.ok(err)
		if c, err := h.Get(h.ctx); err != nil || c.Preset != rulebook.Presets()[0].Name {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestFoundedOnce(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		errs := make(chan error)
		for i := range 4 {
			go func() {
				_, err := h.Found(h.ctx, authz.Actor{Via: authz.Web}, founding(fmt.Sprintf("f%d", i)))
				errs <- err
			}()
		}
		founded := 0
		for range 4 {
			if err := <-errs; err == nil {
				founded++
			} else {
				want(t, err, fault.Conflict, "the others")
			}
		}
		rep, err := h.record.Verify(h.ctx)
		if founded != 1 || h.count("members") != 1 || h.count("mandates") != 1 || err != nil || rep.Events != 9 {
			t.Errorf("founded %d times, %d members, %+v, %v", founded, h.count("members"), rep, err)
		}
	})
}

func TestTheFoundingCode(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		want(t, h.CheckFoundingCode(h.ctx, ""), fault.Invalid, "no code was made")
		first, err := h.FoundingCode(h.ctx)
		h.ok(err)
		h.ok(h.CheckFoundingCode(h.ctx, first))
		code, err := h.FoundingCode(h.ctx) // the program was started again
		h.ok(err)
		for _, wrong := range []string{first, "", "AAAAA-AAAAA", code + "A", code[:10]} {
			err := h.CheckFoundingCode(h.ctx, wrong)
			want(t, err, fault.Invalid, "code "+wrong)
			if fault.FieldOf(err) != "code" {
				t.Errorf("at field %q", fault.FieldOf(err))
			}
		}
		h.ok(h.CheckFoundingCode(h.ctx, " "+strings.ToLower(code)+"\n"))
		var kept string
		h.ok(h.db.Writer().QueryRowContext(h.ctx, "SELECT code_hash FROM founding_code").Scan(&kept))
		if strings.Contains(kept, code) || len(kept) != 64 {
			t.Errorf("kept as %q", kept)
		}
		h.found()
		want(t, h.CheckFoundingCode(h.ctx, code), fault.Invalid, "the code after the founding")
		if again, err := h.FoundingCode(h.ctx); err != nil || again != "" || h.count("founding_code") != 0 {
			t.Errorf("a code after the founding: %q, %v", again, err)
		}
	})
}

func TestDescribingIsAnActThatCanBeUndone(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		d := coop.Description{Name: "Garden  Co-op", Description: "We still garden.", Joining: coop.ByInvitation, Conduct: "Be kind.\n\nNo spam.", Contact: "office@coop.example"}
		if err := h.Describe(h.ctx, authz.Actor{Via: authz.Operator}, d, ""); !errors.Is(err, coop.ErrNotFounded) {
			t.Errorf("before the founding: %v", err)
		}
		founder := h.found()
		old, err := h.Get(h.ctx)
		h.ok(err)
		for _, by := range []authz.Actor{{}, {Member: founder.Member + 1, Via: authz.Web}} {
			want(t, h.Describe(h.ctx, by, d, ""), fault.Forbidden, "without the power")
		}
		for field, change := range map[string]func(*coop.Description){
			"name":         func(d *coop.Description) { d.Name = "" },
			"description":  func(d *coop.Description) { d.Description = strings.Repeat("x", 1001) },
			"description ": func(d *coop.Description) { d.Conduct = strings.Repeat("x", 5001) },
			"joining":      func(d *coop.Description) { d.Joining = "anybody" },
		} {
			bad := d
			change(&bad)
			err := h.Describe(h.ctx, founder, bad, "")
			want(t, err, fault.Invalid, field)
			if fault.FieldOf(err) != strings.TrimSpace(field) {
				t.Errorf("%s: at field %q", field, fault.FieldOf(err))
			}
		}
		if now, err := h.Get(h.ctx); err != nil || *now != *old {
			t.Fatalf("refusals changed it to %+v, %v", now, err)
		}
		h.ok(h.Describe(h.ctx, founder, d, "we decided so"))
		now, err := h.Get(h.ctx)
		h.ok(err)
		if now.Name != "Garden Co-op" || now.Description != d.Description || now.Joining != d.Joining || now.Contact != d.Contact || len(now.Rules()) != 2 ||
			now.AccountID != old.AccountID || now.Preset != old.Preset {
			t.Errorf("described as %+v", now)
		}
		var inverse string
		h.ok(h.db.Writer().QueryRowContext(h.ctx, "SELECT inverse FROM acts WHERE power = 'coop.describe'").Scan(&inverse))
		var stored effect.Stored
		h.ok(json.Unmarshal([]byte(inverse), &stored))
		back, err := h.Effects().Load(stored)
		h.ok(err)
		h.ok(h.db.InDurableTx(h.ctx, func(tx *db.Tx) error {
			_, err := back.Apply(h.ctx, tx, founder, "undone")
			return err
		}))
		// The contact, which may be a person's address, is not part of what anyone can read and undo.
		was := *old
		was.Contact = d.Contact
		if now, err := h.Get(h.ctx); err != nil || *now != was {
			t.Errorf("undone it is %+v, %v; it was %+v", now, err, old)
		}
		events := h.events()
		last := events[len(events)-1]
		if b, err := last.Read(); err != nil || last.Kind != "act.coop.describe" || b.Reason != "undone" || b.Subject != "coop:1" || !strings.HasPrefix(b.Authority, "mandate:") {
			t.Errorf("recorded %s %s, %v", last.Kind, last.Body, err)
		}
		for _, e := range events { // the founder's own address is the first contact
			if strings.Contains(e.Body, "fay@mail.example") {
				t.Errorf("an address in the hashed body of %s: %s", e.Kind, e.Body)
			}
		}
		h.clock.Advance(mandate.FoundingTerm)
		want(t, h.Describe(h.ctx, founder, d, ""), fault.Forbidden, "after 90 days")
		if _, err := h.record.Checkpoint(h.ctx); err != nil {
			t.Error(err)
		}
		if rep, err := h.record.Verify(h.ctx); err != nil || rep.Events != 11 || rep.Checkpoints != 1 {
			t.Errorf("%+v, %v", rep, err)
		}
	})
}

// What is read while the co-op is described anew is not kept for longer than that.
func TestReadersSeeTheLastDescription(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	h := newHall(t, testkit.SQLite(t, schema, c), c)
	founder := h.found()
	stop := make(chan struct{})
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			var err error
			for err == nil {
				select {
				case <-stop:
					done <- nil
					return
				default:
					_, err = h.Get(h.ctx)
				}
			}
			done <- err
		}()
	}
	for i := range 60 {
		name := fmt.Sprintf("Co-op %d", i)
		h.ok(h.Describe(h.ctx, founder, coop.Description{Name: name, Joining: coop.Closed}, ""))
		if now, err := h.Get(h.ctx); err != nil || now.Name != name {
			t.Errorf("described as %q, read as %q (%v)", name, now.Name, err)
		}
	}
	close(stop)
	for range cap(done) {
		h.ok(<-done)
	}
}

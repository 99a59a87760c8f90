package identity_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
)

var schema = []db.Source{identity.Migrations()}

const password = "correct horse battery"

var here = netip.MustParseAddr("192.0.2.7")

// house is an identity service with logins, and the mail it would have sent.
type house struct {
	*identity.Service
	t     testing.TB
	db    *db.DB
	bus   *bus.Bus
	clock *clock.Fake
	ctx   context.Context
	mail  map[string][]string // address to the reset secrets mailed
	made  int
}

func newHouse(tb testing.TB, d *db.DB, c *clock.Fake) *house {
	tb.Helper()
	b := bus.New(d)
	s, err := identity.New(d, b)
	if err != nil {
		tb.Fatal(err)
	}
	h := &house{Service: s, t: tb, db: d, bus: b, clock: c, ctx: context.Background(), mail: map[string][]string{}}
	s.SendReset = func(_ context.Context, _ *db.Tx, email, secret string) error {
		h.mail[email] = append(h.mail[email], secret)
		return nil
	}
	return h
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) { f(t, newHouse(t, d, c)) })
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) register(email string) identity.Login {
	h.t.Helper()
	hash, err := h.HashPassword(h.ctx, password)
	h.ok(err)
	h.made++
	var l identity.Login
	h.ok(h.db.InTx(h.ctx, func(tx *db.Tx) (err error) {
		if l, err = h.Register(h.ctx, tx, email, hash, id.ID(100+h.made)); err != nil {
			return err
		}
		l.AccountID = id.ID(200 + h.made)
		return h.SetAccount(h.ctx, tx, l.ID, l.AccountID)
	}))
	return l
}

func (h *house) signIn(email, with string) (string, error) {
	secret, _, err := h.SignIn(h.ctx, email, with, "Browser", here)
	return secret, err
}

func (h *house) enter(l identity.Login) string {
	h.t.Helper()
	h.clock.Advance(time.Millisecond)
	secret, _, err := h.Enter(h.ctx, l.ID, "Browser", here)
	h.ok(err)
	return secret
}

func (h *house) by(cookie string) authz.Actor {
	h.t.Helper()
	a, err := h.BySession(h.ctx, cookie)
	h.ok(err)
	return a
}

func (h *house) exec(sql string) {
	h.t.Helper()
	_, err := h.db.Writer().ExecContext(h.ctx, sql)
	h.ok(err)
}

func want(tb testing.TB, err error, kind fault.Kind, what string) {
	tb.Helper()
	if !fault.Is(err, kind) {
		tb.Errorf("%s: got %v, want a fault of kind %q", what, err, kind)
	}
}

func TestQueriesArePreparedOnBothEngines(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if err := db.CheckRegistered(h.ctx, h.db); err != nil {
			t.Error(err)
		}
	})
}

func TestSignInTellsNothingToAStranger(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		l := h.register("Ann@Example.org")
		closed := h.register("closed@example.org")
		h.exec(fmt.Sprintf("UPDATE logins SET closed_at = 1 WHERE id = %d", closed.ID))
		words := map[string]bool{}
		for _, try := range []struct{ email, password string }{
			{"nobody@example.org", password}, {"ann@example.org", "wrong password"}, {"closed@example.org", password},
			{"", ""}, {"ann@example.org", strings.Repeat("x", 1000)},
		} {
			_, err := h.signIn(try.email, try.password)
			want(t, err, fault.Invalid, try.email)
			w, _ := fault.Words(err)
			words[w+fault.FieldOf(err)] = true
		}
		if len(words) != 1 {
			t.Errorf("the answers differ: %v", words)
		}
		for _, email := range []string{"Ann@Example.org", " ann@example.ORG "} {
			secret, err := h.signIn(email, password)
			h.ok(err)
			if a := h.by(secret); a.Login != l.ID || a.Member != l.MemberID || a.Account != l.AccountID || a.Via != authz.Web || a.Session == 0 || a.Scopes != nil {
				t.Errorf("signed in as %+v", a)
			}
		}
		for _, cookie := range []string{"", "x", "' OR 1=1 --"} {
			if a := h.by(cookie); !a.Visitor() {
				t.Errorf("cookie %q is %+v", cookie, a)
			}
		}
	})
}

func TestWrongTriesHaveToWait(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.register("ann@example.org")
		h.register("bob@example.org")
		for range 9 {
			_, err := h.signIn("ann@example.org", "wrong password")
			want(t, err, fault.Invalid, "wrong")
		}
		if _, err := h.signIn("ann@example.org", password); err != nil {
			t.Fatalf("the tenth try is right and refused: %v", err)
		}
		for range 10 { // a right one starts the count again
			_, err := h.signIn("ANN@example.org", "wrong password")
			want(t, err, fault.Invalid, "wrong")
		}
		_, err := h.signIn("ann@example.org", password)
		if w, _ := fault.Words(err); !strings.Contains(w, "wait 15 minutes") {
			t.Errorf("after ten wrong tries: %v", err)
		}
		if _, err := h.signIn("bob@example.org", password); err != nil {
			t.Errorf("another address waits as well: %v", err)
		}
		h.clock.Advance(14 * time.Minute)
		if _, err := h.signIn("ann@example.org", password); err == nil {
			t.Error("let in before the wait was over")
		}
		h.clock.Advance(time.Minute + time.Second)
		if _, err := h.signIn("ann@example.org", password); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

// An attacker sends all guesses at once; they must count before they are compared, not after.
func TestGuessesAtOnceAreCounted(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	h := newHouse(t, testkit.SQLite(t, schema, c), c)
	h.register("ann@example.org")
	compared := make(chan bool)
	for range 40 {
		go func() {
			_, err := h.signIn("ann@example.org", "wrong password")
			w, _ := fault.Words(err)
			compared <- !strings.Contains(w, "Too many")
		}()
	}
	n := 0
	for range 40 {
		if <-compared {
			n++
		}
	}
	if n > 10 {
		t.Errorf("%d guesses of 40 at once were compared, at most 10 may be", n)
	}
}

func TestOneNetworkTriesManyAddresses(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	h := newHouse(t, testkit.SQLite(t, schema, c), c)
	h.register("ann@example.org")
	at := func(n int) netip.Addr {
		a := netip.MustParseAddr("2001:db8:1:2::").As16()
		a[15] = byte(n)
		return netip.AddrFrom16(a)
	}
	for i := range 30 {
		_, _, err := h.SignIn(h.ctx, fmt.Sprintf("n%d@example.org", i), "wrong password", "", at(i))
		want(t, err, fault.Invalid, "wrong")
	}
	_, _, err := h.SignIn(h.ctx, "ann@example.org", password, "", at(99))
	want(t, err, fault.Invalid, "one IPv6 /64 after thirty wrong tries")
	if _, _, err := h.SignIn(h.ctx, "ann@example.org", password, "", netip.MustParseAddr("2001:db8:1:3::1")); err != nil {
		t.Errorf("the next network waits as well: %v", err)
	}
}

func TestSessionsAreListedEndedAndRunOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, bob := h.register("ann@example.org"), h.register("bob@example.org")
		first, second, other := h.enter(ann), h.enter(ann), h.enter(bob)
		a := h.by(second)
		list, err := h.Sessions(h.ctx, a)
		h.ok(err)
		if len(list) != 2 || list[0].ID != a.Session || !list[0].Current || list[1].Current || list[0].Address != here.String() {
			t.Fatalf("sessions %+v", list)
		}
		want(t, h.EndSession(h.ctx, a, h.by(other).Session), fault.NotFound, "ending another's session")
		h.ok(h.EndSession(h.ctx, a, list[1].ID))
		want(t, h.EndSession(h.ctx, a, list[1].ID), fault.NotFound, "ending it again")
		if !h.by(first).Visitor() || h.by(second).Visitor() || h.by(other).Visitor() {
			t.Error("the wrong session ended")
		}
		// Use renews a session; 60 days without use end it.
		h.clock.Advance(50 * 24 * time.Hour)
		if h.by(second).Visitor() {
			t.Fatal("ended after 50 days")
		}
		h.clock.Advance(50 * 24 * time.Hour)
		if h.by(second).Visitor() {
			t.Error("use did not renew the session")
		}
		if !h.by(other).Visitor() {
			t.Error("a session lasts 100 days without use")
		}
		h.clock.Advance(60*24*time.Hour + time.Minute)
		if !h.by(second).Visitor() {
			t.Error("a session outlives its term")
		}
		h.ok(h.Sweep(h.ctx))
		if n := h.count("sessions"); n != 0 {
			t.Errorf("%d sessions left after the sweep", n)
		}
	})
}

func (h *house) count(table string) (n int) {
	h.t.Helper()
	h.ok(h.db.Writer().QueryRowContext(h.ctx, "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

func TestAClosedLoginIsOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann := h.register("ann@example.org")
		cookie := h.enter(ann)
		if h.by(cookie).Visitor() {
			t.Fatal("not signed in")
		}
		h.exec("UPDATE logins SET closed_at = 1")
		h.clock.Advance(time.Minute) // as long as an actor is cached
		if !h.by(cookie).Visitor() {
			t.Error("a closed login is still in")
		}
		h.ok(h.ForgotPassword(h.ctx, "ann@example.org"))
		if len(h.mail) != 0 {
			t.Error("a closed login can be reset")
		}
	})
}

// What was revoked stays revoked, whenever it is asked for again and however it was cached.
func TestRevocationIsAtOnceAndForGood(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann := h.register("ann@example.org")
		cookie, other := h.enter(ann), h.enter(ann)
		for range 5 { // cached under several minutes
			if h.by(cookie).Visitor() {
				t.Fatal("not signed in")
			}
			h.clock.Advance(time.Minute)
		}
		a := h.by(cookie)
		h.ok(h.EndSession(h.ctx, h.by(other), a.Session))
		for m := range 2 * 24 * 60 {
			if m > 10 && (m+10)%1440 > 30 {
				h.clock.Advance(time.Minute)
				continue
			}
			if !h.by(cookie).Visitor() {
				t.Fatalf("the ended session is good again %d minutes later", m)
			}
			h.clock.Advance(time.Minute)
		}
	})
}

func TestRevocationReachesOtherNodes(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	h := newHouse(t, testkit.SQLite(t, schema, c), c)
	// A second node on the same database: what its bus hears, it is told by hand here.
	far := newHouse(t, h.db, c)
	cookie := h.enter(h.register("ann@example.org"))
	a := h.by(cookie)
	if far.by(cookie).Visitor() {
		t.Fatal("not signed in on the other node")
	}
	heard := h.bus.Subscribe("identity.revoked")
	defer heard.Close()
	h.ok(h.EndSession(h.ctx, a, a.Session))
	m := <-heard.C
	far.bus.Local(m.Topic, m.Payload)
	if !far.by(cookie).Visitor() {
		t.Error("the other node still lets it in")
	}
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, bob := h.register("ann@example.org"), h.register("bob@example.org")
		mine, other, bobs := h.enter(ann), h.enter(ann), h.enter(bob)
		a := h.by(mine)
		_, _ = h.by(other), h.by(bobs)
		err := h.ChangePassword(h.ctx, a, "not the old one", "a new long password")
		want(t, err, fault.Invalid, "wrong old password")
		if fault.FieldOf(err) != "old_password" {
			t.Errorf("at field %q", fault.FieldOf(err))
		}
		for _, bad := range []string{"", "short", strings.Repeat("x", 257)} {
			want(t, h.ChangePassword(h.ctx, a, password, bad), fault.Invalid, "new password "+bad)
		}
		want(t, h.ChangePassword(h.ctx, authz.Actor{}, password, "a new long password"), fault.Forbidden, "a visitor")
		if h.by(other).Visitor() {
			t.Fatal("a refused change ended sessions")
		}
		h.ok(h.ForgotPassword(h.ctx, "ann@example.org"))
		h.ok(h.ChangePassword(h.ctx, a, password, "a new long password"))
		if h.by(mine).Visitor() || !h.by(other).Visitor() || h.by(bobs).Visitor() {
			t.Error("the wrong sessions ended")
		}
		if _, err := h.signIn("ann@example.org", password); err == nil {
			t.Error("the old password still works")
		}
		if _, err := h.signIn("ann@example.org", "a new long password"); err != nil {
			t.Errorf("the new password does not work: %v", err)
		}
		want(t, h.ResetPassword(h.ctx, h.mail["ann@example.org"][0], "another long password"), fault.Gone, "a link mailed before the change")
	})
}

func TestResetWorksOnceWithinTwoHours(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann := h.register("Ann@example.org")
		cookie := h.enter(ann)
		_ = h.by(cookie)
		// Whoever asks gets no hint whether there is a login.
		for _, email := range []string{"nobody@example.org", "", "ann@EXAMPLE.org"} {
			h.ok(h.ForgotPassword(h.ctx, email))
		}
		if len(h.mail) != 1 || len(h.mail["Ann@example.org"]) != 1 {
			t.Fatalf("mailed %v", h.mail)
		}
		h.ok(h.ForgotPassword(h.ctx, "ann@example.org"))
		secrets := h.mail["Ann@example.org"]
		want(t, h.ResetPassword(h.ctx, "guess", "a new long password"), fault.Gone, "a guess")
		want(t, h.ResetPassword(h.ctx, secrets[0], "short"), fault.Invalid, "a short password")
		for range 10 {
			_, _ = h.signIn("ann@example.org", "wrong password")
		}
		h.ok(h.ResetPassword(h.ctx, secrets[0], "a new long password"))
		want(t, h.ResetPassword(h.ctx, secrets[0], "another long password"), fault.Gone, "the second use")
		want(t, h.ResetPassword(h.ctx, secrets[1], "another long password"), fault.Gone, "another link after one was used")
		if !h.by(cookie).Visitor() {
			t.Error("a session survives the reset")
		}
		if _, err := h.signIn("ann@example.org", "a new long password"); err != nil {
			t.Errorf("after a reset, which the words of the wait advise: %v", err)
		}
		h.ok(h.ForgotPassword(h.ctx, "ann@example.org"))
		last := h.mail["Ann@example.org"][2]
		h.clock.Advance(2 * time.Hour)
		want(t, h.ResetPassword(h.ctx, last, "another long password"), fault.Gone, "after two hours")
		h.clock.Advance(time.Millisecond)
		h.ok(h.Sweep(h.ctx))
		if n := h.count("resets"); n != 0 {
			t.Errorf("%d resets left after the sweep", n)
		}
	})
}

func TestAddressesAreTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.register("Ann@Example.org")
		err := h.db.InTx(h.ctx, func(tx *db.Tx) error {
			_, err := h.Register(h.ctx, tx, "aNN@example.ORG", "x", 1)
			return err
		})
		want(t, err, fault.Invalid, "the same address")
		if fault.FieldOf(err) != "email" {
			t.Errorf("at field %q", fault.FieldOf(err))
		}
		if taken, err := h.EmailTaken(h.ctx, h.db, "ANN@example.org"); err != nil || !taken {
			t.Errorf("taken: %v, %v", taken, err)
		}
	})
}

func TestCheckEmail(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a@example.org", "first.last+tag@sub.example.org", "ü@example.org"} {
		if got, err := identity.CheckEmail(" " + good + " "); err != nil || got != good {
			t.Errorf("%q: %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{"", "a", "a@", "@example.org", "Ann <a@example.org>", "a@example.org, b@example.org",
		"a@example.org\r\nBcc: b@example.org", strings.Repeat("a", 250) + "@example.org"} {
		if _, err := identity.CheckEmail(bad); !fault.Is(err, fault.Invalid) || fault.FieldOf(err) != "email" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestLook(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.by(h.enter(h.register("ann@example.org")))
		h.ok(h.SetLook(h.ctx, a, "de", "dark"))
		want(t, h.SetLook(h.ctx, a, "de", "pink"), fault.Invalid, "pink")
		l, err := h.Me(h.ctx, a)
		h.ok(err)
		if l.Language != "de" || l.Theme != "dark" {
			t.Errorf("look %q %q", l.Language, l.Theme)
		}
		_, err = h.Me(h.ctx, authz.Actor{})
		want(t, err, fault.Forbidden, "a visitor")
		of, err := h.LoginOf(h.ctx, h.db, a.Account)
		if err != nil || of.ID != a.Login {
			t.Errorf("login of the account: %+v, %v", of, err)
		}
		_, err = h.LoginOf(h.ctx, h.db, 0)
		want(t, err, fault.NotFound, "no account")
	})
}

// strings gives every text in every table, for searching.
func (h *house) texts() []string {
	h.t.Helper()
	var out []string
	for _, table := range []string{"logins", "sessions", "resets", "apps", "codes", "tokens"} {
		rows, err := h.db.Writer().QueryContext(h.ctx, "SELECT * FROM "+table)
		h.ok(err)
		cols, err := rows.Columns()
		h.ok(err)
		for rows.Next() {
			cells := make([]any, len(cols))
			for i := range cells {
				cells[i] = new(any)
			}
			h.ok(rows.Scan(cells...))
			for _, c := range cells {
				out = append(out, table+": "+fmt.Sprintf("%s", *c.(*any)))
			}
		}
		h.ok(rows.Err())
		h.ok(rows.Close())
	}
	return out
}

func TestNothingThatLetsInIsStored(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann := h.register("ann@example.org")
		cookie := h.enter(ann)
		a := h.by(cookie)
		h.ok(h.ForgotPassword(h.ctx, "ann@example.org"))
		app, appSecret := h.app("read")
		code := h.approve(a, h.asked(app, nil))
		token, err := h.Exchange(h.ctx, app.ClientID, appSecret, code, callback, "")
		h.ok(err)
		unused := h.approve(a, h.asked(app, nil))
		own, err := h.AppToken(h.ctx, app.ClientID, appSecret, "")
		h.ok(err)
		all := h.texts()
		if !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, "ann@example.org") }) || len(all) < 30 {
			t.Fatalf("the dump of the tables does not work: %v", all)
		}
		for what, secret := range map[string]string{"cookie": cookie, "reset": h.mail["ann@example.org"][0], "password": password,
			"client secret": appSecret, "used code": code, "code": unused, "token": token.Plain, "app's token": own.Plain} {
			if len(secret) < 16 {
				t.Errorf("the %s is %q", what, secret)
			}
			for _, s := range all {
				if strings.Contains(s, secret) {
					t.Errorf("the %s stands in %s", what, s)
				}
			}
		}
	})
}

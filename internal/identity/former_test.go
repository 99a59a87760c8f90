package identity_test

import (
	"net/netip"
	"testing"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
)

func TestAFormerLoginOpensItsOwnDoorOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		l, other := h.register("ann@mail.example"), h.register("bob@mail.example")
		cookie, otherCookie := h.enter(l), h.enter(other)
		var token string
		h.ok(h.db.InTx(h.ctx, func(tx *db.Tx) error {
			made, err := h.MakeToken(h.ctx, tx, l.ID, "read")
			token = made.Plain
			return err
		}))
		app, appSecret, err := h.CreateApp(h.ctx, "Reader", []string{identity.OutOfBand}, "read", "")
		h.ok(err)
		code, err := h.Approve(h.ctx, h.by(cookie), identity.Grant{App: app, Redirect: identity.OutOfBand, Scopes: "read"})
		h.ok(err)
		h.ok(h.ForgotPassword(h.ctx, "ann@mail.example"))
		if h.by(cookie).Account != l.AccountID { // now it is cached as well
			t.Fatal("not signed in")
		}
		tx := func(f func(tx *db.Tx) error) { t.Helper(); h.ok(h.db.InTx(h.ctx, f)) }
		tx(func(tx *db.Tx) error { return h.Retire(h.ctx, tx, l.ID) })
		if a := h.by(cookie); a.Login != 0 {
			t.Errorf("the old session goes on as %+v", a)
		}
		if a, err := h.ByToken(h.ctx, token); err != nil || a.Login != 0 {
			t.Errorf("the old token goes on as %+v, %v", a, err)
		}
		if _, err := h.Exchange(h.ctx, app.ClientID, appSecret, code, identity.OutOfBand, ""); err == nil {
			t.Error("a code of before gives a token")
		}
		want(t, h.ResetPassword(h.ctx, h.mail["ann@mail.example"][0], "another long password"), fault.Gone, "a link of before")
		if h.by(otherCookie).Account != other.AccountID {
			t.Error("somebody else was signed out")
		}
		secret, err := h.signIn("ann@mail.example", password)
		h.ok(err)
		a := h.by(secret)
		if a.Login != l.ID || a.Member != 0 || a.Account != 0 || !a.Visitor() {
			t.Errorf("a former login acts as %+v", a)
		}
		_, err = h.Approve(h.ctx, a, identity.Grant{App: app, Redirect: identity.OutOfBand, Scopes: "read"})
		want(t, err, fault.Forbidden, "letting an app in")
		tx(func(tx *db.Tx) error { return h.Restore(h.ctx, tx, l.ID) })
		if a := h.by(secret); a.Login != 0 {
			t.Errorf("the session of the former login goes on as %+v", a)
		}
		secret, err = h.signIn("ann@mail.example", password)
		h.ok(err)
		if a := h.by(secret); a.Account != l.AccountID || a.Member != l.MemberID {
			t.Errorf("restored, it acts as %+v", a)
		}
		tx(func(tx *db.Tx) error { return h.Erase(h.ctx, tx, l.ID) })
		if a := h.by(secret); a.Login != 0 {
			t.Errorf("erased, it goes on as %+v", a)
		}
		_, err = h.signIn("ann@mail.example", password)
		want(t, err, fault.Invalid, "signing in after the erasure")
		if kept, err := h.Get(h.ctx, h.db, l.ID); err != nil || kept.Email != "" || kept.PasswordHash != "" {
			t.Errorf("kept: %+v, %v", kept, err)
		}
		if taken, err := h.EmailTaken(h.ctx, h.db, "ann@mail.example"); err != nil || taken {
			t.Errorf("the address is taken: %v, %v", taken, err)
		}
		h.register("ann@mail.example")
	})
}

func TestConfirmingAsksForThePassword(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		by := h.by(h.enter(h.register("ann@mail.example")))
		h.ok(h.Confirm(h.ctx, by, password, here))
		want(t, h.Confirm(h.ctx, by, "", here), fault.Invalid, "no password")
		want(t, h.Confirm(h.ctx, authz.Actor{}, password, here), fault.Forbidden, "nobody")
		for range 20 {
			want(t, h.Confirm(h.ctx, by, "guess", netip.Addr{}), fault.Invalid, "guessing")
		}
		want(t, h.Confirm(h.ctx, by, password, here), fault.Invalid, "after many guesses")
	})
}

func TestWithoutAPasswordNoneIsRight(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var l identity.Login
		h.ok(h.db.InTx(h.ctx, func(tx *db.Tx) (err error) {
			l, err = h.Register(h.ctx, tx, "ann@mail.example", "", 7)
			return err
		}))
		for _, guess := range []string{"", password} {
			_, err := h.signIn("ann@mail.example", guess)
			want(t, err, fault.Invalid, "signing in")
		}
		by := h.by(h.enter(l))
		want(t, h.Confirm(h.ctx, by, "", here), fault.Invalid, "confirming")
		want(t, h.ChangePassword(h.ctx, by, "", "another long password"), fault.Invalid, "changing it")
		h.ok(h.ForgotPassword(h.ctx, "ann@mail.example"))
		h.ok(h.ResetPassword(h.ctx, h.mail["ann@mail.example"][0], password))
		if _, err := h.signIn("ann@mail.example", password); err != nil {
			t.Errorf("with the chosen one: %v", err)
		}
	})
}

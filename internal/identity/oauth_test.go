package identity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/testkit"
)

const callback = "https://app.example/back"

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // spec: rfc7636#B
	proof    = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func (h *house) app(scopes string) (identity.App, string) {
	h.t.Helper()
	app, secret, err := h.CreateApp(h.ctx, "Tusk", []string{callback, identity.OutOfBand}, scopes, "https://app.example")
	h.ok(err)
	return app, secret
}

// ask gives the parameters of a right request, changed by change.
func ask(app identity.App, change url.Values) func(string) string {
	v := url.Values{"client_id": {app.ClientID}, "redirect_uri": {callback}, "response_type": {"code"}, "state": {"xyz"}}
	for k := range change {
		v.Set(k, change.Get(k))
	}
	return v.Get
}

func (h *house) asked(app identity.App, change url.Values) identity.Grant {
	h.t.Helper()
	g, err := h.Asked(h.ctx, ask(app, change))
	h.ok(err)
	return g
}

func (h *house) approve(by authz.Actor, g identity.Grant) string {
	h.t.Helper()
	code, err := h.Approve(h.ctx, by, g)
	h.ok(err)
	return code
}

func (h *house) token(token string) authz.Actor {
	h.t.Helper()
	a, err := h.ByToken(h.ctx, token)
	h.ok(err)
	return a
}

func refused(tb testing.TB, err error, code, what string) {
	tb.Helper()
	var o *identity.OAuthError
	if !errors.As(err, &o) || o.Code != code {
		tb.Errorf("%s: got %v, want %s", what, err, code)
	}
}

func TestWhatAnAppMayAskFor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		app, _ := h.app("read write:statuses follow")
		for name, tc := range map[string]struct {
			change url.Values
			scopes string // "" where it is refused
		}{
			"as registered":      {url.Values{"scope": {"read write:statuses"}}, "read write:statuses"},
			"nothing is read":    {nil, "read"},
			"part of a scope":    {url.Values{"scope": {"read:statuses"}}, "read:statuses"},
			"twice":              {url.Values{"scope": {"read read"}}, "read"},
			"old follow":         {url.Values{"scope": {"follow"}}, "follow"},
			"part of follow":     {url.Values{"scope": {"write:follows read:mutes"}}, "write:follows read:mutes"},
			"not part of follow": {url.Values{"scope": {"write:accounts"}}, ""},
			"the whole of write": {url.Values{"scope": {"write"}}, ""},
			"sibling":            {url.Values{"scope": {"write:media"}}, ""},
			"unknown":            {url.Values{"scope": {"admin:read"}}, ""},
			"made up part":       {url.Values{"scope": {"read:everything"}}, ""},
			"other redirect":     {url.Values{"redirect_uri": {"https://evil.example/"}}, ""},
			"longer redirect":    {url.Values{"redirect_uri": {callback + "/x"}}, ""},
			"redirect and query": {url.Values{"redirect_uri": {callback + "?x"}}, ""},
			"two redirects":      {url.Values{"redirect_uri": {callback + "\n" + identity.OutOfBand}}, ""},
			"no redirect":        {url.Values{"redirect_uri": {""}}, ""},
			"out of band":        {url.Values{"redirect_uri": {identity.OutOfBand}}, "read"},
			"unknown app":        {url.Values{"client_id": {"nobody"}}, ""},
			"implicit grant":     {url.Values{"response_type": {"token"}}, ""},
			"proof":              {url.Values{"code_challenge": {proof}, "code_challenge_method": {"S256"}}, "read"},
			"plain proof":        {url.Values{"code_challenge": {proof}, "code_challenge_method": {"plain"}}, ""},
			"proof of no method": {url.Values{"code_challenge": {proof}}, ""},
			"short proof":        {url.Values{"code_challenge": {"x"}, "code_challenge_method": {"S256"}}, ""},
			"endless state":      {url.Values{"state": {strings.Repeat("x", 2001)}}, ""},
		} {
			g, err := h.Asked(h.ctx, ask(app, tc.change))
			if tc.scopes == "" {
				want(t, err, fault.Invalid, name)
			} else if err != nil || g.Scopes != tc.scopes {
				t.Errorf("%s: %q, %v", name, g.Scopes, err)
			}
		}
		_, err := h.Approve(h.ctx, authz.Actor{}, h.asked(app, nil))
		want(t, err, fault.Forbidden, "a visitor approves")
	})
}

func TestWhatAppsMayRegister(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	h := newHouse(t, testkit.SQLite(t, schema, c), c)
	for _, r := range []string{callback, identity.OutOfBand, "tusk://back", "com.example.app:/back", "http://localhost:3000/cb?x=1"} {
		if _, _, err := h.CreateApp(h.ctx, "Tusk", []string{r}, "read", ""); err != nil {
			t.Errorf("%q: %v", r, err)
		}
	}
	for _, r := range []string{"", "/back", "app.example", "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
		"\x01javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc", "blob:x", "about:blank", "https:back", "https:///back", "http://", callback + "#x",
		callback + "\nhttps://evil.example", callback + "/" + strings.Repeat("x", 2000)} {
		_, _, err := h.CreateApp(h.ctx, "Tusk", []string{callback, r}, "read", "")
		want(t, err, fault.Invalid, r)
	}
	for name, f := range map[string]func() error{
		"no name": func() error { _, _, err := h.CreateApp(h.ctx, "  ", []string{callback}, "", ""); return err },
		"long name": func() error {
			_, _, err := h.CreateApp(h.ctx, strings.Repeat("é", 121), []string{callback}, "", "")
			return err
		},
		"no redirect":   func() error { _, _, err := h.CreateApp(h.ctx, "x", nil, "", ""); return err },
		"unknown scope": func() error { _, _, err := h.CreateApp(h.ctx, "x", []string{callback}, "read all", ""); return err },
		"website":       func() error { _, _, err := h.CreateApp(h.ctx, "x", []string{callback}, "", "javascript:x"); return err },
		"eleven redirects": func() error {
			_, _, err := h.CreateApp(h.ctx, "x", slices.Repeat([]string{callback}, 11), "", "")
			return err
		},
	} {
		want(t, f(), fault.Invalid, name)
	}
}

func TestACodeIsTradedOnceByWhoeverAskedForIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.by(h.enter(h.register("ann@example.org")))
		app, secret := h.app("read write follow")
		other, otherSecret := h.app("read")
		plain := h.approve(a, h.asked(app, url.Values{"scope": {"read follow"}}))
		proved := h.approve(a, h.asked(app, url.Values{"code_challenge": {proof}, "code_challenge_method": {"S256"}}))
		for name, tc := range map[string]struct{ client, secret, code, redirect, verifier, refusal string }{
			"wrong secret":            {app.ClientID, "guess", plain, callback, "", "invalid_client"},
			"no secret":               {app.ClientID, "", plain, callback, "", "invalid_client"},
			"no secret, any verifier": {app.ClientID, "", plain, callback, verifier, "invalid_grant"},
			"secret and verifier":     {app.ClientID, secret, plain, callback, verifier, "invalid_grant"},
			"unknown app":             {"nobody", secret, plain, callback, "", "invalid_client"},
			"other app":               {other.ClientID, otherSecret, plain, callback, "", "invalid_grant"},
			"other redirect":          {app.ClientID, secret, plain, identity.OutOfBand, "", "invalid_grant"},
			"made up code":            {app.ClientID, secret, "guess", callback, "", "invalid_grant"},
			"missing verifier":        {app.ClientID, secret, proved, callback, "", "invalid_grant"},
			"wrong verifier":          {app.ClientID, "", proved, callback, strings.Repeat("x", 43), "invalid_grant"},
			"challenge as verifier":   {app.ClientID, "", proved, callback, proof, "invalid_grant"},
			"verifier, wrong secret":  {app.ClientID, "guess", proved, callback, verifier, "invalid_client"},
		} {
			_, err := h.Exchange(h.ctx, tc.client, tc.secret, tc.code, tc.redirect, tc.verifier)
			refused(t, err, tc.refusal, name)
		}
		if n := h.count("tokens"); n != 0 {
			t.Fatalf("refusals gave %d tokens", n)
		}
		tok, err := h.Exchange(h.ctx, app.ClientID, secret, plain, callback, "")
		h.ok(err)
		b := h.token(tok.Plain)
		if b.Account != a.Account || b.Login != a.Login || b.Member != a.Member || b.Via != authz.API || b.Session != tok.ID {
			t.Errorf("the token is %+v", b)
		}
		for scope, may := range map[string]bool{"read": true, "read:lists": true, "write:follows": true, "write:blocks": true, "write:mutes": true,
			"follow": true, "write:statuses": false, "write": false, "push": false} {
			if b.Allows(scope) != may {
				t.Errorf("%s allowed: %v", scope, !may)
			}
		}
		public, err := h.Exchange(h.ctx, app.ClientID, "", proved, callback, verifier)
		h.ok(err)
		if h.token(public.Plain).Visitor() {
			t.Error("the right verifier gave a token that is not good")
		}
		// A code that is used twice was stolen: its token ends, others go on.
		_, err = h.Exchange(h.ctx, app.ClientID, secret, plain, callback, "")
		refused(t, err, "invalid_grant", "second use")
		if !h.token(tok.Plain).Visitor() || h.token(public.Plain).Visitor() {
			t.Error("the second use ended the wrong token")
		}
		late := h.approve(a, h.asked(app, nil))
		h.clock.Advance(10 * time.Minute)
		_, err = h.Exchange(h.ctx, app.ClientID, secret, late, callback, "")
		refused(t, err, "invalid_grant", "after ten minutes")
		for _, bad := range []string{"", "x", plain, late, secret} {
			if b := h.token(bad); !b.Visitor() || b.Session != 0 {
				t.Errorf("%q is a token of %+v", bad, b)
			}
		}
	})
}

func TestACodeTradedAtOnceGivesOneTokenAtMost(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.by(h.enter(h.register("ann@example.org")))
		app, secret := h.app("read")
		code := h.approve(a, h.asked(app, nil))
		tokens := make(chan string)
		for range 8 {
			go func() {
				tok, err := h.Exchange(h.ctx, app.ClientID, secret, code, callback, "")
				if err != nil {
					refused(t, err, "invalid_grant", "at once")
				}
				tokens <- tok.Plain
			}()
		}
		good := 0
		var all []string
		for range 8 {
			all = append(all, <-tokens)
		}
		for _, plain := range all {
			if plain != "" && !h.token(plain).Visitor() {
				good++
			}
		}
		if n := h.count("tokens"); n != 1 || good > 0 {
			t.Errorf("%d tokens of one code, %d of them good; all but the first trade revoke it", n, good)
		}
	})
}

func TestAnAppsOwnToken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		app, secret := h.app("read write")
		tok, err := h.AppToken(h.ctx, app.ClientID, secret, "")
		h.ok(err)
		a := h.token(tok.Plain)
		if !a.Visitor() || a.Session != tok.ID || a.Login != 0 || a.Member != 0 || !a.Allows("read:statuses") || a.Allows("write") {
			t.Errorf("the app's own token is %+v", a)
		}
		of, err := h.AppOf(h.ctx, a)
		if err != nil || of.ID != app.ID {
			t.Errorf("the token's app: %+v, %v", of, err)
		}
		_, err = h.AppToken(h.ctx, app.ClientID, "guess", "")
		refused(t, err, "invalid_client", "wrong secret")
		_, err = h.AppToken(h.ctx, app.ClientID, "", "")
		refused(t, err, "invalid_client", "no secret")
		_, err = h.AppToken(h.ctx, app.ClientID, secret, "follow")
		refused(t, err, "invalid_scope", "more than registered")
	})
}

func TestTokensAreRevokedByTheirOwnApp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.by(h.enter(h.register("ann@example.org")))
		bob := h.by(h.enter(h.register("bob@example.org")))
		app, secret := h.app("read")
		other, otherSecret := h.app("read")
		give := func() identity.Token {
			h.clock.Advance(time.Second)
			tok, err := h.Exchange(h.ctx, app.ClientID, secret, h.approve(a, h.asked(app, nil)), callback, "")
			h.ok(err)
			return tok
		}
		tok, second := give(), give()
		_, _ = h.token(tok.Plain), h.token(second.Plain)
		refused(t, h.Revoke(h.ctx, other.ClientID, otherSecret, tok.Plain), "unauthorized_client", "another app")
		refused(t, h.Revoke(h.ctx, app.ClientID, "guess", tok.Plain), "invalid_client", "wrong secret")
		h.ok(h.Revoke(h.ctx, app.ClientID, secret, "unknown"))
		if h.token(tok.Plain).Visitor() {
			t.Fatal("refused revocations revoke")
		}
		h.ok(h.Revoke(h.ctx, app.ClientID, secret, tok.Plain))
		if !h.token(tok.Plain).Visitor() {
			t.Error("a revoked token is good")
		}
		h.ok(h.Revoke(h.ctx, app.ClientID, secret, tok.Plain))

		list, err := h.Apps(h.ctx, a)
		h.ok(err)
		if len(list) != 1 || list[0].TokenID != second.ID || list[0].App != "Tusk" || list[0].Scopes != "read" {
			t.Errorf("apps let in: %+v", list)
		}
		want(t, h.EndApp(h.ctx, bob, second.ID), fault.NotFound, "ending another's app")
		h.ok(h.EndApp(h.ctx, a, second.ID))
		want(t, h.EndApp(h.ctx, a, second.ID), fault.NotFound, "ending it again")
		if !h.token(second.Plain).Visitor() {
			t.Error("an app that was put out is still in")
		}
		_, err = h.AppOf(h.ctx, authz.Actor{Session: second.ID})
		want(t, err, fault.Forbidden, "the app of a revoked token")
	})
}

func TestTheOperatorsTokens(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		l := h.register("ann@example.org")
		for range 2 {
			var tok identity.Token
			h.ok(h.db.InTx(h.ctx, func(tx *db.Tx) (err error) {
				tok, err = h.MakeToken(h.ctx, tx, l.ID, "read write")
				return err
			}))
			if a := h.token(tok.Plain); a.Account != l.AccountID || !a.Allows("write:statuses") || a.Allows("push") {
				t.Errorf("token of %+v", a)
			}
		}
		for _, secret := range []string{"", "none"} {
			_, err := h.AppToken(h.ctx, "operator", secret, "read")
			refused(t, err, "invalid_client", "as the operator's app")
		}
	})
}

func TestCallBack(t *testing.T) {
	t.Parallel()
	g := identity.Grant{Redirect: "tusk://back?keep=1", State: "a&b=c"}
	if got, want := g.CallBack(url.Values{"code": {"x y"}}), "tusk://back?code=x+y&keep=1&state=a%26b%3Dc"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Whatever is asked, an app gets its code sent to an address it registered, for scopes it registered.
func FuzzAsked(f *testing.F) {
	c := clock.NewFake(testkit.Start)
	h := newHouse(f, testkit.SQLite(f, schema, c), c)
	app, _ := h.app("read write:statuses")
	f.Add(app.ClientID, callback, "code", "read", "s", proof, "S256")
	f.Add(app.ClientID, "https://evil.example", "code", "", "", "", "")
	f.Add("operator", identity.OutOfBand, "token", "write", "\x00", "x", "plain")
	f.Fuzz(func(t *testing.T, client, redirect, kind, scope, state, challenge, method string) {
		if client == "" {
			client = app.ClientID
		}
		g, err := h.Asked(h.ctx, ask(app, url.Values{"client_id": {client}, "redirect_uri": {redirect}, "response_type": {kind}, "scope": {scope},
			"state": {state}, "code_challenge": {challenge}, "code_challenge_method": {method}}))
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		if !slices.Contains(g.App.Redirects(), g.Redirect) || g.Challenge != "" && method != "S256" {
			t.Errorf("granted %+v", g)
		}
		for _, s := range strings.Fields(g.Scopes) {
			if s != "write:statuses" && s != "read" && !strings.HasPrefix(s, "read:") {
				t.Errorf("granted %q", s)
			}
		}
		if u, err := url.Parse(g.CallBack(url.Values{"code": {"x"}})); err != nil || u.Query().Get("state") != g.State || g.Redirect == callback && u.Host != "app.example" {
			t.Errorf("called back at %v, %v", u, err)
		}
	})
}

// A redirect address that is taken is never one that a browser runs.
func FuzzRedirect(f *testing.F) {
	c := clock.NewFake(testkit.Start)
	h := newHouse(f, testkit.SQLite(f, schema, c), c)
	for _, s := range []string{callback, identity.OutOfBand, "javascript:alert(1)", "java\nscript:x", " data:x", "JAVASCRIPT://%0aalert(1)", "https://", "a:b#c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, r string) {
		app, _, err := h.CreateApp(h.ctx, "Tusk", []string{r}, "read", "")
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		// As a browser reads an address: spaces and controls around it and tabs and line ends within it are nothing.
		seen := strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.TrimFunc(r, func(c rune) bool { return c <= ' ' }))
		scheme, _, _ := strings.Cut(strings.ToLower(seen), ":")
		if slices.Contains([]string{"javascript", "data", "vbscript", "file", "blob", "about", ""}, scheme) {
			t.Errorf("%q is taken", r)
		}
		if !slices.Equal(app.Redirects(), []string{r}) {
			t.Errorf("%q is read back as %q", r, app.Redirects())
		}
	})
}

func TestProofIsTheVerifiersHash(t *testing.T) {
	t.Parallel()
	s := sha256.Sum256([]byte(verifier))
	if base64.RawURLEncoding.EncodeToString(s[:]) != proof {
		t.Error("the example of the specification does not fit")
	}
}

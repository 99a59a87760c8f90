package mastodon

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"rochdale/internal/identity"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/testkit"
)

// app is a registered app.
type app struct{ id, secret, redirect string }

func (w *world) app(redirect, scopes string) app {
	w.Helper()
	a := w.call("", "POST", "/api/v1/apps", url.Values{"client_name": {"Loom"}, "redirect_uris": {redirect}, "scopes": {scopes}}).want(200)
	return app{a.text("client_id"), a.text("client_secret"), redirect}
}

// code is what the consent page hands to the app once the member has agreed.
func (p *person) code(a app, scopes, verifier string) string {
	p.Helper()
	q := url.Values{"client_id": {a.id}, "redirect_uri": {a.redirect}, "response_type": {"code"}, "scope": {scopes}}
	if verifier != "" {
		h := sha256.Sum256([]byte(verifier))
		q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(h[:]))
		q.Set("code_challenge_method", "S256")
	}
	g, err := p.Identity.Asked(context.Background(), q.Get)
	if err != nil {
		p.Fatal(err)
	}
	code, err := p.Identity.Approve(context.Background(), p.actor(), g)
	if err != nil {
		p.Fatal(err)
	}
	return code
}

func (w *world) trade(a app, secret, code, verifier string) answer {
	v := url.Values{"grant_type": {"authorization_code"}, "client_id": {a.id}, "code": {code}, "redirect_uri": {a.redirect}}
	if secret != "" {
		v.Set("client_secret", secret)
	}
	if verifier != "" {
		v.Set("code_verifier", verifier)
	}
	return w.call("", "POST", "/oauth/token", v)
}

func TestSignInOfAnApp(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		a := w.app("https://loom.example/cb", "read write")
		tok := w.trade(a, a.secret, ada.code(a, "read write:statuses", ""), "").want(200)
		tok.is("token_type", "Bearer").is("scope", "read write:statuses")
		mine := tok.text("access_token")
		w.call(mine, "GET", "/api/v1/accounts/verify_credentials", nil).want(200).is("acct", "ada")
		w.call(mine, "POST", "/api/v1/statuses", map[string]string{"status": "from an app"}).want(200)
		w.call(mine, "POST", "/api/v1/accounts/1/block", nil).want(403)
		w.call(mine, "GET", "/api/v1/apps/verify_credentials", nil).want(200).is("name", "Loom")
		w.call(mine, "GET", "/oauth/userinfo", nil).want(200).is("preferred_username", "ada")

		w.call("", "POST", "/oauth/revoke", url.Values{"client_id": {a.id}, "client_secret": {"wrong"}, "token": {mine}}).want(401)
		w.call(mine, "GET", "/api/v1/timelines/home", nil).want(200)
		w.call("", "POST", "/oauth/revoke", url.Values{"client_id": {a.id}, "client_secret": {a.secret}, "token": {mine}}).want(200)
		w.call(mine, "GET", "/api/v1/timelines/home", nil).want(401).is("error", "The access token is invalid")
	})
}

func TestPKCE(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		a := w.app("loom://cb", "read")
		const verifier = "a-verifier-of-at-least-forty-three-characters-it-is"
		code := ada.code(a, "read", verifier)
		w.trade(a, a.secret, code, "").want(400).is("error", "invalid_grant")
		w.trade(a, a.secret, code, verifier+"x").want(400).is("error", "invalid_grant")
		w.trade(a, "", code, verifier).want(200) // an app on a phone keeps no secret
	})
}

func TestACodeWorksOnceAndItsTheftEndsTheToken(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		a, other := w.app("https://loom.example/cb", "read"), w.app("https://loom.example/cb", "read")
		code := ada.code(a, "read", "")
		w.trade(a, "wrong", code, "").want(401).is("error", "invalid_client")
		w.trade(other, other.secret, code, "").want(400).is("error", "invalid_grant")
		w.trade(app{a.id, a.secret, "https://evil.example"}, a.secret, code, "").want(400).is("error", "invalid_grant")
		mine := w.trade(a, a.secret, code, "").want(200).text("access_token")
		w.call(mine, "GET", "/api/v1/timelines/home", nil).want(200)
		w.trade(a, a.secret, code, "").want(400).is("error", "invalid_grant")
		w.call(mine, "GET", "/api/v1/timelines/home", nil).want(401)
		late := ada.code(a, "read", "")
		w.clock.Advance(11 * 60 * 1e9)
		w.trade(a, a.secret, late, "").want(400).is("error", "invalid_grant")
	})
}

func TestAnAppsOwnTokenActsForNobody(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.app(identity.OutOfBand, "read write")
		tok := w.call("", "POST", "/oauth/token", map[string]string{"grant_type": "client_credentials", "scope": "read write"},
			"Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(a.id+":"+a.secret))).want(200).text("access_token")
		w.call(tok, "GET", "/api/v1/apps/verify_credentials", nil).want(200)
		w.call(tok, "GET", "/api/v1/timelines/public", nil).want(200)
		w.call(tok, "GET", "/api/v1/timelines/home", nil).want(422).is("error", "This method requires an authenticated user")
		w.call(tok, "POST", "/api/v1/statuses", map[string]string{"status": "who am I"}).want(422)
		for body, want := range map[string]int{"grant_type=client_credentials&scope=admin": 401, "": 400, "grant_type=password": 400} {
			v, err := url.ParseQuery(body)
			if err != nil {
				t.Fatal(err)
			}
			w.call("", "POST", "/oauth/token", v).want(want)
		}
		v := url.Values{"grant_type": {"client_credentials"}, "scope": {"write:nothing"}, "client_id": {a.id}, "client_secret": {a.secret}}
		w.call("", "POST", "/oauth/token", v).want(400).is("error", "invalid_scope")
		w.call("", "POST", "/api/v1/apps", url.Values{"client_name": {"x"}, "redirect_uris": {"javascript:alert(1)"}}).want(422)
	})
}

func FuzzOAuth(f *testing.F) {
	w := newWorld(f, testkit.SQLite(f, schema, clock.NewSystem()), clock.NewFake(testkit.Start))
	ada := w.member("ada", allScopes)
	a := w.app("https://loom.example/cb", "read write")
	f.Add("authorization_code", a.id, a.secret, ada.code(a, "read", ""), a.redirect, "", "read")
	f.Add("client_credentials", a.id, a.secret, "", "", "", "read write")
	f.Add("", "", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, grant, client, secret, code, redirect, verifier, scope string) {
		w := &world{w.Service, t, w.clock, w.http}
		v := url.Values{"grant_type": {grant}, "client_id": {client}, "client_secret": {secret}, "code": {code}, "redirect_uri": {redirect},
			"code_verifier": {verifier}, "scope": {scope}, "client_name": {grant}, "redirect_uris": {redirect}, "scopes": {scope}, "token": {code}, "website": {verifier}}
		for _, path := range []string{"/oauth/token", "/oauth/revoke", "/api/v1/apps"} {
			if got := w.call("", "POST", path, v); got.status >= 500 {
				t.Fatalf("%s: %d %s", path, got.status, got.body)
			}
		}
		if _, err := w.Identity.Asked(context.Background(), func(k string) string { return v.Get(k) }); err == nil && client != a.id {
			t.Fatal("an unknown client is let in")
		}
	})
}

// The metadata of the server names the scopes of Mastodon's API and those of the co-op's own.
// spec: rfc8414#2
func TestMetadataNamesEveryScope(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		said := w.call("", "GET", "/.well-known/oauth-authorization-server", nil).want(200)
		for i, scope := range slices.Concat(identity.Scopes, identity.CoopScopes) {
			said.is(fmt.Sprintf("scopes_supported.%d", i), scope)
		}
		for _, scope := range identity.CoopScopes {
			w.app("https://loom.example/cb", scope)
		}
	})
}

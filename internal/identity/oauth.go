package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// OutOfBand is the redirect address of apps that cannot be called back: the code is shown instead.
const OutOfBand = "urn:ietf:wg:oauth:2.0:oob"

// Scopes are the scopes of Mastodon's API that an app may ask for. A broad one covers its parts.
// spec: mastodon/api/oauth-scopes
var Scopes = []string{"profile", "read", "write", "follow", "push",
	"read:accounts", "read:blocks", "read:bookmarks", "read:favourites", "read:filters", "read:follows", "read:lists", "read:mutes",
	"read:notifications", "read:search", "read:statuses", "write:accounts", "write:blocks", "write:bookmarks", "write:conversations",
	"write:favourites", "write:filters", "write:follows", "write:lists", "write:media", "write:mutes", "write:notifications",
	"write:reports", "write:statuses"}

// CoopScopes are those of the co-op's own API, which Mastodon's documents know nothing of.
var CoopScopes = []string{"coop", "coop:read", "coop:write"}

// App is a program that members may let in. Everybody who is asked to may see its name.
type App struct {
	ID           id.ID     `db:"id"`
	ClientID     string    `db:"client_id"`
	SecretHash   string    `db:"secret_hash"`
	Name         string    `db:"name"`
	Website      string    `db:"website"`
	RedirectURIs string    `db:"redirect_uris"`
	Scopes       string    `db:"scopes"`
	CreatedAt    time.Time `db:"created_at"`
}

// Redirects lists the addresses the app may be called back at.
func (a *App) Redirects() []string { return strings.Split(a.RedirectURIs, "\n") }

// CreateApp registers an app; anyone may. The secret is shown this once.
// spec: mastodon/methods/apps#create
func (s *Service) CreateApp(ctx context.Context, name string, redirects []string, scopes, website string) (app App, secretValue string, err error) {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > 120 {
		return app, "", fault.Field("client_name", "Validation failed: Name must have 1 to 120 characters")
	}
	if len(redirects) == 0 || len(redirects) > 10 {
		return app, "", fault.Field("redirect_uris", "Validation failed: Redirect URI must be given")
	}
	for _, r := range redirects {
		if err := checkRedirect(r); err != nil {
			return app, "", err
		}
	}
	if website != "" {
		if u, err := url.Parse(website); err != nil || u.Scheme != "http" && u.Scheme != "https" || len(website) > 500 {
			return app, "", fault.Field("website", "Validation failed: Website is not a web address")
		}
	}
	if scopes == "" {
		scopes = "read"
	}
	if scopes, err = checkScopes(scopes, ""); err != nil {
		return app, "", err
	}
	plain, hash := secret()
	clientID, _ := secret()
	app = App{ClientID: clientID, SecretHash: hash, Name: name, Website: website, RedirectURIs: strings.Join(redirects, "\n"), Scopes: scopes}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		app.ID, app.CreatedAt = id.New(tx.Now()), tx.Now()
		_, err := insertApp.Run(ctx, tx, app.ID, app.ClientID, app.SecretHash, app.Name, app.Website, app.RedirectURIs, app.Scopes, app.CreatedAt)
		return err
	})
	return app, plain, err
}

func checkRedirect(r string) error {
	bad := fault.Field("redirect_uris", "Validation failed: Redirect URI must be an absolute URI.")
	if r == OutOfBand {
		return nil
	}
	u, err := url.Parse(r)
	if err != nil || u.Scheme == "" || u.Fragment != "" || len(r) > 2000 || strings.ContainsAny(r, " \n\r\t") {
		return bad
	}
	switch strings.ToLower(u.Scheme) {
	case "javascript", "data", "vbscript", "file", "blob", "about":
		return bad
	case "http", "https":
		if u.Host == "" {
			return bad
		}
	}
	return nil
}

// checkScopes returns the scopes asked for, each known and covered by what the app registered.
func checkScopes(asked, registered string) (string, error) {
	var out []string
	have := strings.Fields(registered)
	for _, sc := range strings.Fields(asked) {
		known := slices.Contains(Scopes, sc) || slices.Contains(CoopScopes, sc)
		covered := registered == "" || (authz.Actor{Scopes: have}).Allows(sc) ||
			slices.Contains(have, "follow") && slices.Contains([]string{"read:blocks", "write:blocks", "read:follows", "write:follows", "read:mutes", "write:mutes"}, sc)
		if !known || !covered {
			return "", fault.Field("scope", "The requested scope is invalid, unknown, or malformed.")
		}
		if !slices.Contains(out, sc) {
			out = append(out, sc)
		}
	}
	if len(out) == 0 {
		return "", fault.Field("scope", "The requested scope is invalid, unknown, or malformed.")
	}
	return strings.Join(out, " "), nil
}

// Grant is what an app asks a member for.
type Grant struct {
	App       App
	Redirect  string
	Scopes    string
	State     string
	Challenge string // PKCE S256, "" if the app does not use it
}

// Asked reads and checks the parameters of /oauth/authorize.
// spec: rfc6749#4.1.1, rfc7636#4.3
func (s *Service) Asked(ctx context.Context, get func(string) string) (Grant, error) {
	app, ok, err := getApp.Find(ctx, s.db, get("client_id"))
	if err != nil {
		return Grant{}, err
	}
	if !ok {
		return Grant{}, fault.New(fault.Invalid, "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.")
	}
	g := Grant{App: app, Redirect: get("redirect_uri"), State: get("state"), Challenge: get("code_challenge")}
	if !slices.Contains(app.Redirects(), g.Redirect) {
		return Grant{}, fault.New(fault.Invalid, "The redirect uri included is not valid.")
	}
	if get("response_type") != "code" {
		return Grant{}, fault.New(fault.Invalid, "The authorization server does not support this response type.")
	}
	if g.Challenge != "" && (get("code_challenge_method") != "S256" || len(g.Challenge) != 43) {
		return Grant{}, fault.New(fault.Invalid, "The code challenge method must be S256.")
	}
	if len(g.State) > 2000 {
		return Grant{}, fault.New(fault.Invalid, "The state is too long.")
	}
	asked := get("scope")
	if asked == "" {
		asked = "read"
	}
	g.Scopes, err = checkScopes(asked, app.Scopes)
	return g, err
}

// Approve gives the app a code that it can trade for a token within ten minutes, once.
func (s *Service) Approve(ctx context.Context, by authz.Actor, g Grant) (code string, err error) {
	if err := by.RequireAccount(); err != nil {
		return "", err
	}
	plain, hash := secret()
	return plain, s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := insertCode.Run(ctx, tx, hash, g.App.ID, by.Login, g.Redirect, g.Scopes, g.Challenge, tx.Now().Add(codeTerm))
		return err
	})
}

// CallBack is the address that takes the answer back to the app.
func (g Grant) CallBack(params url.Values) string {
	if g.State != "" {
		params.Set("state", g.State)
	}
	u, err := url.Parse(g.Redirect)
	if err != nil {
		return ""
	}
	q := u.Query()
	for k := range params {
		q.Set(k, params.Get(k))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// OAuthError is an error in the form that OAuth clients expect.
// spec: rfc6749#5.2
type OAuthError struct{ Code, Description string }

func (e *OAuthError) Error() string { return e.Code + ": " + e.Description }

var (
	errClient = &OAuthError{"invalid_client", "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."}
	errGrant  = &OAuthError{"invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."}
)

// Token is an access token as it is handed out.
type Token struct {
	ID        id.ID
	Plain     string
	Scopes    string
	CreatedAt time.Time
}

// client authenticates an app. Public apps that use PKCE need no secret.
func (s *Service) client(ctx context.Context, h db.Handle, clientID, secretValue string, secretNeeded bool) (App, error) {
	app, ok, err := getApp.Find(ctx, h, clientID)
	if err != nil {
		return app, err
	}
	if !ok || (secretNeeded || secretValue != "") && subtle.ConstantTimeCompare([]byte(hashOf(secretValue)), []byte(app.SecretHash)) != 1 {
		return app, errClient
	}
	return app, nil
}

// Exchange trades a code for a token. A code that is used twice was stolen: the token it gave is
// revoked as well.
// spec: rfc6749#4.1.3, rfc7636#4.6, rfc6749#10.5
func (s *Service) Exchange(ctx context.Context, clientID, secretValue, code, redirect, verifier string) (Token, error) {
	var t Token
	var refusal error
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		refusal = nil
		app, err := s.client(ctx, tx, clientID, secretValue, verifier == "")
		if err != nil {
			return err
		}
		c, ok, err := getCode.Find(ctx, tx, hashOf(code))
		if err != nil {
			return err
		}
		if !ok || c.AppID != app.ID || c.RedirectURI != redirect || !c.ExpiresAt.After(tx.Now()) || !verifies(c.Challenge, verifier) {
			return errGrant
		}
		if c.UsedTokenID != 0 {
			refusal = errGrant // the revocation must be committed
			return s.revoke(ctx, tx, c.UsedTokenID)
		}
		if t, err = s.issue(ctx, tx, app.ID, c.LoginID, c.Scopes); err != nil {
			return err
		}
		n, err := useCode.Run(ctx, tx, hashOf(code), t.ID)
		if err == nil && n == 0 { // traded at the same moment: look again
			err = fmt.Errorf("exchange code: %w", db.ErrRetry)
		}
		return err
	})
	if err = errors.Join(err, refusal); err != nil {
		return Token{}, err
	}
	return t, nil
}

func verifies(challenge, verifier string) bool {
	if challenge == "" {
		return verifier == "" // a verifier takes the place of the secret only where a challenge asked for it (rfc9700#2.1.1)
	}
	h := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(h[:])), []byte(challenge)) == 1
}

// AppToken gives an app a token of its own, for nobody's account.
// spec: rfc6749#4.4
func (s *Service) AppToken(ctx context.Context, clientID, secretValue, scopes string) (Token, error) {
	if scopes == "" {
		scopes = "read"
	}
	var t Token
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		app, err := s.client(ctx, tx, clientID, secretValue, true)
		if err != nil {
			return err
		}
		granted, err := checkScopes(scopes, app.Scopes)
		if err != nil {
			return &OAuthError{"invalid_scope", "The requested scope is invalid, unknown, or malformed."}
		}
		t, err = s.issue(ctx, tx, app.ID, 0, granted)
		return err
	})
	return t, err
}

// MakeToken gives a login a token of the operator's making; the operator's act is recorded by app.
func (s *Service) MakeToken(ctx context.Context, tx *db.Tx, login id.ID, scopes string) (Token, error) {
	scopes, err := checkScopes(scopes, "")
	if err != nil {
		return Token{}, err
	}
	app, ok, err := getApp.Find(ctx, tx, operatorApp)
	if err != nil {
		return Token{}, err
	}
	if !ok {
		app = App{ID: id.New(tx.Now()), ClientID: operatorApp, Name: "Made by the operator", RedirectURIs: OutOfBand, Scopes: strings.Join(slices.Concat(Scopes, CoopScopes), " ")}
		// The hash of no secret: nobody can authenticate as this app.
		if _, err := insertApp.Run(ctx, tx, app.ID, app.ClientID, "none", app.Name, "", app.RedirectURIs, app.Scopes, tx.Now()); err != nil {
			return Token{}, err
		}
	}
	return s.issue(ctx, tx, app.ID, login, scopes)
}

const operatorApp = "operator"

func (s *Service) issue(ctx context.Context, tx *db.Tx, app, login id.ID, scopes string) (Token, error) {
	plain, hash := secret()
	t := Token{ID: id.New(tx.Now()), Plain: plain, Scopes: scopes, CreatedAt: tx.Now()}
	_, err := insertToken.Run(ctx, tx, t.ID, hash, app, login, scopes, tx.Now(), tx.Now())
	return t, err
}

// Revoke ends a token; whoever holds it, or its app, may. An unknown token is no error.
// spec: rfc7009#2.2
func (s *Service) Revoke(ctx context.Context, clientID, secretValue, token string) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		app, err := s.client(ctx, tx, clientID, secretValue, false) // an app without a secret can give its token back
		if err != nil {
			return err
		}
		row, ok, err := getToken.Find(ctx, tx, hashOf(token))
		if err != nil || !ok {
			return err
		}
		if row.AppID != app.ID {
			return &OAuthError{"unauthorized_client", "You are not authorized to revoke this token"}
		}
		return s.revoke(ctx, tx, row.ID)
	})
}

func (s *Service) revoke(ctx context.Context, tx *db.Tx, token id.ID) error {
	if _, err := revokeToken.Run(ctx, tx, token, tx.Now()); err != nil {
		return err
	}
	return s.bus.Publish(ctx, tx, topicRevoked, token.String())
}

type tokenRow struct {
	ID     id.ID     `db:"id"`
	AppID  id.ID     `db:"app_id"`
	Scopes string    `db:"scopes"`
	UsedAt time.Time `db:"used_at"`
	Login  Login     `db:"login_"`
}

// ByToken is the actor behind an access token, or the zero Actor.
func (s *Service) ByToken(ctx context.Context, token string) (authz.Actor, error) {
	return s.cached(ctx, "t"+hashOf(token), func(hash string) (authz.Actor, error) {
		row, ok, err := getToken.Find(ctx, s.db, hash)
		if err != nil || !ok || !row.Login.ClosedAt.IsZero() {
			return authz.Actor{}, err
		}
		if s.db.Now().Sub(row.UsedAt) > 12*time.Hour {
			err := s.db.InTx(ctx, func(tx *db.Tx) error {
				_, err := touchToken.Run(ctx, tx, row.ID, tx.Now())
				return err
			})
			if err != nil {
				return authz.Actor{}, err
			}
		}
		a := ActorOf(row.Login, authz.API)
		a.Session, a.Scopes = row.ID, strings.Fields(row.Scopes)
		if slices.Contains(a.Scopes, "follow") { // the old name of six scopes
			a.Scopes = append(a.Scopes, "read:blocks", "write:blocks", "read:follows", "write:follows", "read:mutes", "write:mutes")
		}
		return a, nil
	})
}

// Authorised is an app that the actor has let in.
type Authorised struct {
	TokenID   id.ID     `db:"id"`
	App       string    `db:"name"`
	Website   string    `db:"website"`
	Scopes    string    `db:"scopes"`
	CreatedAt time.Time `db:"created_at"`
	UsedAt    time.Time `db:"used_at"`
}

// Apps lists what the actor has let in, the last used first.
func (s *Service) Apps(ctx context.Context, by authz.Actor) ([]Authorised, error) {
	return listTokens.All(ctx, s.db, by.Login)
}

// EndApp revokes one of the actor's own tokens.
func (s *Service) EndApp(ctx context.Context, by authz.Actor, token id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		owner, ok, err := tokenOwner.Find(ctx, tx, token)
		if err != nil || !ok || owner != by.Login {
			return errors.Join(err, fault.New(fault.NotFound, "This app has no access any more."))
		}
		return s.revoke(ctx, tx, token)
	})
}

// AppOf is the app behind the actor's token.
// spec: mastodon/methods/apps#verify_credentials
func (s *Service) AppOf(ctx context.Context, by authz.Actor) (App, error) {
	app, ok, err := getAppOfToken.Find(ctx, s.db, by.Session)
	if err == nil && !ok {
		err = fault.New(fault.Forbidden, "The access token is invalid")
	}
	return app, err
}

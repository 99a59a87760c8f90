package mastodon

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rochdale/internal/identity"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
)

// spec: mastodon/entities/Application
type applicationEntity struct {
	ID           id.ID    `json:"id"`
	Name         string   `json:"name"`
	Website      text     `json:"website"`
	Scopes       []string `json:"scopes"`
	RedirectURIs []string `json:"redirect_uris"`
	RedirectURI  string   `json:"redirect_uri"`
	VAPIDKey     string   `json:"vapid_key"`
}

func application(a identity.App) applicationEntity {
	return applicationEntity{a.ID, a.Name, text(a.Website), strings.Fields(a.Scopes), a.Redirects(), a.RedirectURIs, ""}
}

// createApp registers an app, which anybody may do.
// spec: mastodon/methods/apps#create
func createApp(c *call) error {
	var redirects []string
	for _, s := range c.List("redirect_uris") {
		redirects = append(redirects, strings.Fields(s)...) // old apps separate them by line ends
	}
	app, secret, err := c.Identity.CreateApp(c.r.Context(), c.Text("client_name"), redirects, c.String("scopes"), c.Text("website"))
	if err != nil {
		return err
	}
	return c.json(struct {
		applicationEntity
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Expires      int    `json:"client_secret_expires_at"`
	}{application(app), app.ClientID, secret, 0})
}

// spec: mastodon/methods/apps#verify_credentials
func verifyApp(c *call) error {
	app, err := c.Identity.AppOf(c.r.Context(), c.by)
	if err != nil {
		return err
	}
	return c.json(application(app))
}

// oauth makes a handler whose errors have the form that OAuth clients expect.
// spec: rfc6749#5.2
func (s *Service) oauth(h handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c := &call{Service: s, w: w, r: r}
		var err error
		if c.Params, err = web.Read(r); err == nil {
			err = h(c)
		}
		var refusal *identity.OAuthError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refusal):
		case fault.Is(err, fault.Invalid):
			words, _ := fault.Words(err)
			refusal = &identity.OAuthError{Code: "invalid_request", Description: words}
		default:
			return err
		}
		status := http.StatusBadRequest
		if refusal.Code == "invalid_client" {
			status = http.StatusUnauthorized
			w.Header().Set("WWW-Authenticate", `Basic realm="Rochdale"`)
		}
		if refusal.Code == "unauthorized_client" {
			status = http.StatusForbidden
		}
		w.Header().Set("Cache-Control", "no-store")
		return web.JSON(w, status, map[string]string{"error": refusal.Code, "error_description": refusal.Description})
	}
}

// client reads who the app says it is: in the header or among the parameters.
// spec: rfc6749#2.3.1
func (c *call) client() (clientID, secret string) {
	if user, pass, ok := c.r.BasicAuth(); ok {
		if u, err := url.QueryUnescape(user); err == nil {
			user = u
		}
		if p, err := url.QueryUnescape(pass); err == nil {
			pass = p
		}
		return user, pass
	}
	return c.String("client_id"), c.String("client_secret")
}

// token trades a code, or an app's own credentials, for an access token.
// spec: mastodon/methods/oauth#token, rfc6749#4.1.3
func token(c *call) error {
	clientID, secret := c.client()
	ctx := c.r.Context()
	var t identity.Token
	var err error
	switch grant := c.String("grant_type"); grant {
	case "authorization_code":
		t, err = c.Identity.Exchange(ctx, clientID, secret, c.String("code"), c.String("redirect_uri"), c.String("code_verifier"))
	case "client_credentials":
		t, err = c.Identity.AppToken(ctx, clientID, secret, c.String("scope"))
	case "":
		err = &identity.OAuthError{Code: "invalid_request", Description: "Missing required parameter: grant_type."}
	default:
		err = &identity.OAuthError{Code: "unsupported_grant_type", Description: "The authorization grant type is not supported by the authorization server."}
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-store")
	return c.json(map[string]any{"access_token": t.Plain, "token_type": "Bearer", "scope": t.Scopes, "created_at": t.CreatedAt.Unix()})
}

// spec: mastodon/methods/oauth#revoke, rfc7009#2.1
func revokeToken(c *call) error {
	clientID, secret := c.client()
	if err := c.Identity.Revoke(c.r.Context(), clientID, secret, c.String("token")); err != nil {
		return err
	}
	return emptyObject(c)
}

// spec: mastodon/methods/oauth#userinfo
func userinfo(c *call) error {
	a, err := c.Social.Account(c.r.Context(), c.DB, c.by.Account)
	if err != nil {
		return err
	}
	e := c.accountEntity(a)
	return c.json(map[string]string{"iss": c.Site.URL, "sub": a.URI, "name": a.Name(), "preferred_username": a.Username,
		"profile": a.URL, "picture": e.Avatar})
}

// oauthMetadata tells clients what they may count on. spec: rfc8414#2
func oauthMetadata(c *call) error {
	return c.json(map[string]any{
		"issuer": c.Site.URL, "authorization_endpoint": c.Site.Join("/oauth/authorize"), "token_endpoint": c.Site.Join("/oauth/token"),
		"revocation_endpoint": c.Site.Join("/oauth/revoke"), "userinfo_endpoint": c.Site.Join("/oauth/userinfo"),
		"app_registration_endpoint": c.Site.Join("/api/v1/apps"), "service_documentation": "https://docs.joinmastodon.org/",
		"scopes_supported": slices.Concat(identity.Scopes, identity.CoopScopes), "response_types_supported": []string{"code"}, "response_modes_supported": []string{"query"},
		"grant_types_supported":                 []string{"authorization_code", "client_credentials"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

// slashed sends on who asks for the consent page with a slash at its end, as toot does.
func slashed(w http.ResponseWriter, r *http.Request) error {
	to := "/oauth/authorize"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, to, http.StatusFound) //nolint:gosec // a path of ours, only the query is theirs
	return nil
}

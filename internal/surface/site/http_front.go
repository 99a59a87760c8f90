package site

import (
	"errors"
	"net/http"

	"rochdale/internal/coop"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/assets"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/social"
)

type frontView struct {
	Frame   ui.PageProps
	Coop    *coop.Coop
	Joining string
	Members int
	Numbers social.Numbers
	Offices []officeView
	Posts   []*postView
	Version string
}

// front greets visitors; members are taken home, and a place that is not founded yet to its founding.
func (s *Service) front(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	c, err := s.Coop.Get(ctx)
	if errors.Is(err, coop.ErrNotFounded) {
		return web.Redirect(w, r, "/found")
	}
	if err != nil {
		return err
	}
	if !by.Visitor() {
		return web.Redirect(w, r, "/home")
	}
	v := frontView{Coop: c, Joining: joiningWords(ctx, c.Joining), Version: s.Version}
	if v.Members, err = s.Member.Count(ctx); err != nil {
		return err
	}
	if v.Numbers, err = s.Social.Count(ctx); err != nil {
		return err
	}
	if v.Offices, err = s.offices(ctx); err != nil {
		return err
	}
	list, err := s.Social.Public(ctx, by, social.PublicFilter{Local: true}, social.Page{Limit: 10})
	if err != nil {
		return err
	}
	v.Posts = s.posts(by, list)
	if v.Frame, err = s.frame(w, r, ""); err != nil {
		return err
	}
	v.Frame.Head = headLinks("", &openGraph{Type: "website", Title: c.Name, Text: firstLine(c.Description), URL: s.Site.Join("/")})
	v.Frame.Side = frontSide(v)
	return web.Render(w, r, http.StatusOK, frontPage(v))
}

type aboutView struct {
	Frame   ui.PageProps
	Coop    *coop.Coop
	Joining string
	Host    string
	Version string
	Source  string
	Offices []officeView
	MayEdit bool // the reader holds the power to change it
}

// about says what this place is, which rules hold here, and whom to write to.
func (s *Service) about(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	c, err := s.Coop.Get(ctx)
	if err != nil {
		return err
	}
	v := aboutView{Coop: c, Joining: joiningWords(ctx, c.Joining), Host: s.Site.Host, Version: s.Version, Source: s.Source,
		MayEdit: s.Mandate.Holds(ctx, web.Actor(r), coop.Power)}
	if v.Offices, err = s.offices(ctx); err != nil {
		return err
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "About")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, aboutPage(v))
}

// robots asks search engines to keep to what is meant for everybody.
// spec: rfc9309#2.2
func (s *Service) robots(w http.ResponseWriter, _ *http.Request) error {
	return web.Bytes(w, http.StatusOK, "text/plain; charset=utf-8", []byte(`User-agent: *
Disallow: /api/
Disallow: /oauth/
Disallow: /search
Disallow: /sign-in
Disallow: /media/
`))
}

// favicon is the flag, for browsers that look at the old address.
func (s *Service) favicon(w http.ResponseWriter, r *http.Request) error {
	return web.Redirect(w, r, assets.URL("icon.svg"))
}

// manifest lets a phone keep the site among its apps.
// spec: w3c/appmanifest
func (s *Service) manifest(w http.ResponseWriter, r *http.Request) error {
	name := "Rochdale"
	c, err := s.Coop.Get(r.Context())
	if err == nil {
		name = c.Name
	} else if !errors.Is(err, coop.ErrNotFounded) {
		return err
	}
	type icon struct {
		Src   string `json:"src"`
		Sizes string `json:"sizes"`
		Type  string `json:"type"`
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	return web.JSON(w, http.StatusOK, map[string]any{"name": name, "short_name": name, "start_url": "/home", "scope": "/", "display": "standalone",
		"background_color": "#faf7f1", "theme_color": "#faf7f1", "icons": []icon{{assets.URL("icon.svg"), "any", "image/svg+xml"}}})
}

package site

import (
	"net/http"
	"time"

	"rochdale/internal/identity"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
)

type sessionsView struct {
	Frame ui.PageProps
	Tabs  []ui.NavItem
	List  []identity.Session
	Now   time.Time
}

func (s *Service) sessions(w http.ResponseWriter, r *http.Request) error {
	by := web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	v := sessionsView{Now: s.DB.Now()}
	var err error
	if v.List, err = s.Identity.Sessions(r.Context(), by); err != nil {
		return err
	}
	if v.Frame, v.Tabs, err = s.settings(w, r); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, sessionsPage(v))
}

func (s *Service) endSession(w http.ResponseWriter, r *http.Request) error {
	by := web.Actor(r)
	i, err := web.PathID(r, "id")
	if err != nil {
		return err
	}
	if err := by.RequireAccount(); err != nil {
		return err
	}
	if err := s.Identity.EndSession(r.Context(), by, i); err != nil {
		return err
	}
	web.SetFlash(w, r, t(r.Context(), "This browser is signed out."))
	return web.Redirect(w, r, "/settings/sessions")
}

type appsView struct {
	Frame ui.PageProps
	Tabs  []ui.NavItem
	List  []identity.Authorised
	Now   time.Time
	Hooks bool // whether the reader may say which programs are told of events
}

func (s *Service) apps(w http.ResponseWriter, r *http.Request) error {
	by := web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	v := appsView{Now: s.DB.Now(), Hooks: s.Mandate.Holds(r.Context(), web.Actor(r), "webhook.manage")}
	var err error
	if v.List, err = s.Identity.Apps(r.Context(), by); err != nil {
		return err
	}
	if v.Frame, v.Tabs, err = s.settings(w, r); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, appsPage(v))
}

func (s *Service) endApp(w http.ResponseWriter, r *http.Request) error {
	by := web.Actor(r)
	i, err := web.PathID(r, "id")
	if err != nil {
		return err
	}
	if err := by.RequireAccount(); err != nil {
		return err
	}
	if err := s.Identity.EndApp(r.Context(), by, i); err != nil {
		return err
	}
	web.SetFlash(w, r, t(r.Context(), "The app has no access any more."))
	return web.Redirect(w, r, "/settings/apps")
}

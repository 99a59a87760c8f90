package site

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/member"
)

type applicationsView struct {
	Frame  ui.PageProps
	List   []member.Application
	Now    time.Time
	Asks   bool  // whether the reader may choose what applicants are asked
	Wrong  id.ID // the application whose answer must be corrected
	Reason string
	form
}

// applications are for whoever holds the power to answer them.
func (s *Service) applications(w http.ResponseWriter, r *http.Request) error {
	return s.drawApplications(w, r, applicationsView{})
}

func (s *Service) drawApplications(w http.ResponseWriter, r *http.Request, v applicationsView) error {
	ctx := r.Context()
	var err error
	if v.List, err = s.Member.Waiting(ctx, web.Actor(r)); err != nil {
		return err
	}
	v.Now, v.Asks = s.DB.Now(), s.Mandate.Holds(ctx, web.Actor(r), member.Ask)
	if v.Frame, err = s.frame(w, r, t(ctx, "Applications")); err != nil {
		return err
	}
	return web.Render(w, r, v.form.status(), queuePage(v))
}

func (s *Service) accept(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, func(ctx context.Context, by authz.Actor, i id.ID, reason string) (string, error) {
		m, err := s.Member.Accept(ctx, by, i, reason)
		return t(ctx, "%s is member %s now.", m.Name, digits(ctx, int(m.Number))), err
	})
}

func (s *Service) decline(w http.ResponseWriter, r *http.Request) error {
	return s.decide(w, r, func(ctx context.Context, by authz.Actor, i id.ID, reason string) (string, error) {
		return t(ctx, "The application is declined, and the applicant is told why."), s.Member.Decline(ctx, by, i, reason)
	})
}

func (s *Service) decide(w http.ResponseWriter, r *http.Request, act func(context.Context, authz.Actor, id.ID, string) (string, error)) error {
	i, err := web.PathID(r, "id")
	if err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	done, err := act(r.Context(), web.Actor(r), i, in.Text("reason"))
	if err != nil {
		v := applicationsView{Wrong: i, Reason: in.Text("reason")}
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawApplications(w, r, v)
	}
	web.SetFlash(w, r, done)
	return web.Redirect(w, r, "/members/applications")
}

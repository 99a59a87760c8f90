package site

import (
	"net/http"
	"time"

	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/member"
)

type invitationView struct {
	member.Invitation
	Link string
	Good bool
}

type invitationsView struct {
	Frame ui.PageProps
	List  []invitationView
	Now   time.Time
	Uses  string
	Note  string
	form
}

// invitations are the member's own, and the form to make one.
func (s *Service) invitations(w http.ResponseWriter, r *http.Request) error {
	if err := web.Actor(r).RequireAccount(); err != nil {
		return err
	}
	return s.drawInvitations(w, r, invitationsView{Uses: "1"})
}

func (s *Service) drawInvitations(w http.ResponseWriter, r *http.Request, v invitationsView) error {
	ctx := r.Context()
	list, err := s.Member.Invitations(ctx, web.Actor(r))
	if err != nil {
		return err
	}
	v.Now = s.DB.Now()
	for _, i := range list {
		v.List = append(v.List, invitationView{i, s.Site.Join("/join?code=" + i.Code), i.Good(v.Now)})
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Invitations")); err != nil {
		return err
	}
	return web.Render(w, r, v.form.status(), invitationsPage(v))
}

func (s *Service) invite(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	if _, err := s.Member.Invite(ctx, by, in.Int("uses", 1, 0, 1000), in.Text("note")); err != nil {
		v := invitationsView{Uses: in.String("uses"), Note: in.Text("note")}
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawInvitations(w, r, v)
	}
	web.SetFlash(w, r, t(ctx, "The invitation is ready. Send its link to whoever you have in mind."))
	return web.Redirect(w, r, "/invitations")
}

func (s *Service) withdraw(w http.ResponseWriter, r *http.Request) error {
	i, err := web.PathID(r, "id")
	if err != nil {
		return err
	}
	by := web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	if err := s.Member.Withdraw(r.Context(), by, i); err != nil {
		return err
	}
	web.SetFlash(w, r, t(r.Context(), "The invitation is withdrawn."))
	return web.Redirect(w, r, "/invitations")
}

package site

import (
	"context"
	"errors"
	"net/http"

	"rochdale/internal/coop"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/member"
	"rochdale/internal/rulebook"
)

type foundView struct {
	Frame                    ui.PageProps
	Code, Coop, Text, Preset string
	Name, Username, Email    string
	Host                     string
	form
}

// foundFields are the fields that show their own words when they are wrong.
var foundFields = []string{"code", "coop_name", "description", "preset", "name", "username", "email", "password"}

// notFounded refuses when there is a co-op here already.
func (s *Service) notFounded(ctx context.Context) error {
	_, err := s.Coop.Get(ctx)
	if errors.Is(err, coop.ErrNotFounded) {
		return nil
	}
	if err == nil {
		err = fault.New(fault.NotFound, "This co-op has been founded already.")
	}
	return err
}

func (s *Service) foundForm(w http.ResponseWriter, r *http.Request) error {
	if err := s.notFounded(r.Context()); err != nil {
		return err
	}
	return s.drawFound(w, r, foundView{Code: r.URL.Query().Get("code"), Preset: rulebook.Presets()[0].Name})
}

func (s *Service) drawFound(w http.ResponseWriter, r *http.Request, v foundView) error {
	var err error
	if v.Frame, err = s.bare(w, r, t(r.Context(), "Found a co-op")); err != nil {
		return err
	}
	v.Host = s.Site.Host
	return web.Render(w, r, v.form.status(), foundPage(v))
}

// found is the founding in the browser, by whoever has read the code that the program printed.
func (s *Service) found(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := s.notFounded(ctx); err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := foundView{Code: in.Text("code"), Coop: in.Text("coop_name"), Text: in.Text("description"), Preset: in.String("preset"),
		Name: in.Text("name"), Username: in.Text("username"), Email: in.Text("email")}
	m, err := s.foundBy(ctx, v, in.String("password"))
	if err != nil {
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawFound(w, r, v)
	}
	if err := s.enter(w, r, m.LoginID); err != nil {
		return err
	}
	web.SetFlash(w, r, t(ctx, "%s is founded. Invite the others, and write the first post.", v.Coop))
	return web.Redirect(w, r, "/home")
}

func (s *Service) foundBy(ctx context.Context, v foundView, password string) (member.Member, error) {
	if err := s.Coop.CheckFoundingCode(ctx, v.Code); err != nil {
		return member.Member{}, err
	}
	return s.Coop.Found(ctx, authz.Actor{Via: authz.Web}, coop.Founding{Name: v.Coop, Description: v.Text, Preset: v.Preset,
		Founder: member.Joining{Name: v.Name, Username: v.Username, Email: v.Email, Password: password}})
}

// enter signs the browser in as a login that has just been made.
func (s *Service) enter(w http.ResponseWriter, r *http.Request, login id.ID) error {
	secret, until, err := s.Identity.Enter(r.Context(), login, r.UserAgent(), web.Client(r))
	if err != nil {
		return err
	}
	web.SetSession(w, r, secret, until)
	return nil
}

func presets(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, p := range rulebook.Presets() {
		out = append(out, ui.Option{Value: p.Name, Label: t(ctx, p.Title), Hint: t(ctx, p.What)})
	}
	return out
}

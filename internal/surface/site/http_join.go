package site

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/member"
)

type joinView struct {
	Frame                               ui.PageProps
	Coop                                *coop.Coop
	Host                                string
	Code, InvitedBy, Note               string
	Name, Username, Email, Answer, Gone string
	Questions                           []questionView
	form
}

// questionView is one thing that the co-op asks of applicants, and what was typed.
type questionView struct {
	member.Question
	Value string
}

// fields are those that show their own problem.
func (v *joinView) fields() []string {
	out := []string{"name", "username", "email", "password", "answer"}
	for _, q := range v.Questions {
		out = append(out, q.Field())
	}
	return out
}

// joinForm is the way in: by invitation at once, or by an application that the members answer.
func (s *Service) joinForm(w http.ResponseWriter, r *http.Request) error {
	if !web.Actor(r).Visitor() {
		return web.Redirect(w, r, "/home")
	}
	return s.drawJoin(w, r, joinView{Code: r.URL.Query().Get("code")})
}

func (s *Service) drawJoin(w http.ResponseWriter, r *http.Request, v joinView) error {
	ctx := r.Context()
	var err error
	if v.Coop, err = s.Coop.Get(ctx); err != nil {
		return err
	}
	v.Host = s.Site.Host
	if err := s.ask(ctx, &v, func(string) string { return "" }); err != nil {
		return err
	}
	if v.Code != "" {
		i, by, err := s.Member.Invited(ctx, v.Code)
		switch {
		case fault.Is(err, fault.Gone):
			v.Gone, _ = fault.Words(err)
			v.Code = ""
		case err != nil:
			return err
		}
		v.InvitedBy, v.Note = by.Name, i.Note
	}
	if v.Frame, err = s.bare(w, r, t(ctx, "Join %s", v.Coop.Name)); err != nil {
		return err
	}
	return web.Render(w, r, v.form.status(), joinPage(v))
}

// ask puts the co-op's own questions on the form, with what was typed.
func (s *Service) ask(ctx context.Context, v *joinView, typed func(field string) string) error {
	if v.Questions != nil {
		return nil
	}
	list, err := s.Member.Questions(ctx)
	for _, q := range list {
		v.Questions = append(v.Questions, questionView{q, typed(q.Field())})
	}
	return err
}

// join makes an invited person a member, or takes an application.
func (s *Service) join(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	c, err := s.Coop.Get(ctx)
	if err != nil {
		return err
	}
	v := joinView{Code: in.String("code"), Name: in.Text("name"), Username: in.Text("username"), Email: in.Text("email"), Answer: in.Text("answer")}
	if c.Joining == coop.Closed || c.Joining == coop.ByInvitation && v.Code == "" {
		return s.drawJoin(w, r, v) // the page says why there is no form
	}
	if err := s.ask(ctx, &v, in.Text); err != nil {
		return err
	}
	j := member.Joining{Name: v.Name, Username: v.Username, Email: v.Email, Password: in.String("password"), Answer: v.Answer, Code: v.Code, Answers: map[id.ID]string{}}
	for _, q := range v.Questions {
		j.Answers[q.ID] = q.Value
	}
	if v.Code == "" {
		_, err = s.Member.Apply(ctx, j)
	} else {
		var m member.Member
		if m, err = s.Member.Join(ctx, j); err == nil {
			return s.joined(w, r, c, m)
		}
		if fault.Is(err, fault.Gone) {
			return s.drawJoin(w, r, v)
		}
	}
	if err != nil {
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawJoin(w, r, v)
	}
	return web.Redirect(w, r, "/join/thanks")
}

func (s *Service) joined(w http.ResponseWriter, r *http.Request, c *coop.Coop, m member.Member) error {
	if err := s.enter(w, r, m.LoginID); err != nil {
		return err
	}
	ctx := r.Context()
	web.SetFlash(w, r, t(ctx, "Welcome to %s. You are member %s.", c.Name, digits(ctx, int(m.Number))))
	return web.Redirect(w, r, "/home")
}

type plainView struct {
	Frame ui.PageProps
	Lines []string
	Label string
	Href  string
}

func (s *Service) joinThanks(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	return s.say(w, r, t(ctx, "Thank you"), t(ctx, "To the front page"), "/",
		t(ctx, "Your application is with the members. They read it and answer by e-mail, in most cases within a few days."),
		t(ctx, "Once you are accepted, you sign in with the e-mail address and the password that you have just chosen."))
}

// say draws a page that says something and leads on.
func (s *Service) say(w http.ResponseWriter, r *http.Request, title, label, href string, lines ...string) error {
	f, err := s.bare(w, r, title)
	if err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, plainPage(plainView{f, lines, label, href}))
}

type signInView struct {
	Frame       ui.PageProps
	Next, Email string
	form
}

func (s *Service) signInForm(w http.ResponseWriter, r *http.Request) error {
	next := web.Local(r.URL.Query().Get("next"), "/home")
	if !web.Actor(r).Visitor() {
		return web.Redirect(w, r, next)
	}
	return s.drawSignIn(w, r, signInView{Next: next})
}

func (s *Service) drawSignIn(w http.ResponseWriter, r *http.Request, v signInView) error {
	var err error
	if v.Frame, err = s.bare(w, r, t(r.Context(), "Sign in")); err != nil {
		return err
	}
	return web.Render(w, r, v.form.status(), signInPage(v))
}

func (s *Service) signIn(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := signInView{Next: web.Local(in.String("next"), "/home"), Email: in.Text("email")}
	secret, until, err := s.Identity.SignIn(ctx, v.Email, in.String("password"), r.UserAgent(), web.Client(r))
	if err != nil {
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawSignIn(w, r, v)
	}
	web.SetSession(w, r, secret, until)
	former, err := s.dress(ctx, w, r, secret, until)
	if err != nil {
		return err
	}
	if former { // there is one page for them: their own data
		v.Next = "/settings/membership"
	}
	return web.Redirect(w, r, v.Next)
}

// dress gives the browser the look that the login has chosen, from the first page on. It tells whether
// the membership behind the login has ended.
func (s *Service) dress(ctx context.Context, w http.ResponseWriter, r *http.Request, secret string, until time.Time) (former bool, err error) {
	by, err := s.Identity.BySession(ctx, secret)
	if err != nil {
		return false, err
	}
	me, err := s.Identity.Me(ctx, by)
	if err != nil {
		return false, err
	}
	s.setLook(w, r, me.Language, me.Theme, until)
	return me.Former(), nil
}

func (s *Service) signOut(w http.ResponseWriter, r *http.Request) error {
	by := web.Actor(r)
	if by.Session != 0 {
		if err := s.Identity.EndSession(r.Context(), by, by.Session); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	web.ClearSession(w, r)
	return web.Redirect(w, r, "/")
}

type passwordView struct {
	Frame         ui.PageProps
	Secret, Email string
	form
}

func (s *Service) forgotForm(w http.ResponseWriter, r *http.Request) error {
	f, err := s.bare(w, r, t(r.Context(), "Forgotten password"))
	if err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, forgotPage(passwordView{Frame: f}))
}

// forgot answers the same whether there is such a login or not.
func (s *Service) forgot(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	if err := s.Identity.ForgotPassword(ctx, in.Text("email")); err != nil {
		return err
	}
	return s.say(w, r, t(ctx, "Look into your mailbox"), t(ctx, "Sign in"), "/sign-in",
		t(ctx, "If somebody signs in here with this address, a letter with a link is on its way. The link works once, for two hours."))
}

func (s *Service) resetForm(w http.ResponseWriter, r *http.Request) error {
	return s.drawReset(w, r, passwordView{Secret: r.URL.Query().Get("secret")})
}

func (s *Service) drawReset(w http.ResponseWriter, r *http.Request, v passwordView) error {
	var err error
	if v.Frame, err = s.bare(w, r, t(r.Context(), "A new password")); err != nil {
		return err
	}
	// The secret is in the address: nothing on this page may carry it on.
	w.Header().Set("Referrer-Policy", "no-referrer")
	return web.Render(w, r, v.form.status(), resetPage(v))
}

func (s *Service) reset(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := passwordView{Secret: in.String("secret")}
	if err := s.Identity.ResetPassword(ctx, v.Secret, in.String("password")); err != nil {
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawReset(w, r, v)
	}
	web.SetFlash(w, r, t(ctx, "Your password is changed. Sign in with the new one."))
	return web.Redirect(w, r, "/sign-in")
}

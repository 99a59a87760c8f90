package site

import (
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

func settingsTabs(ctx context.Context, current string) []ui.NavItem {
	out := []ui.NavItem{{Label: t(ctx, "Profile"), Href: "/settings"}, {Label: t(ctx, "Account"), Href: "/settings/account"},
		{Label: t(ctx, "Signed in"), Href: "/settings/sessions"}, {Label: t(ctx, "Apps"), Href: "/settings/apps"}, {Label: t(ctx, "Membership"), Href: "/settings/membership"}}
	for i := range out {
		out[i].Current = out[i].Href == current
	}
	return out
}

// settings is the frame of a page of settings.
func (s *Service) settings(w http.ResponseWriter, r *http.Request) (ui.PageProps, []ui.NavItem, error) {
	f, err := s.frame(w, r, t(r.Context(), "Settings"))
	f.NoIndex = true
	return f, settingsTabs(r.Context(), r.URL.Path), err
}

type profileFormView struct {
	Frame                              ui.PageProps
	Tabs                               []ui.NavItem
	Me                                 accountView
	Header                             string
	Name, Note                         string
	Fields                             [social.MaxFields]social.Field
	Locked, Bot, Discoverable, Indexed bool
	form
}

func (s *Service) me(r *http.Request) (*social.Account, error) {
	by := web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return nil, err
	}
	return s.Social.Account(r.Context(), s.DB, by.Account)
}

func (s *Service) profileForm(w http.ResponseWriter, r *http.Request) error {
	me, err := s.me(r)
	if err != nil {
		return err
	}
	v := profileFormView{Name: me.DisplayName, Note: me.NoteSource, Locked: me.Locked, Bot: me.Bot, Discoverable: me.Discoverable, Indexed: me.Indexable}
	copy(v.Fields[:], me.Fields())
	return s.drawProfileForm(w, r, me, v)
}

func (s *Service) drawProfileForm(w http.ResponseWriter, r *http.Request, me *social.Account, v profileFormView) error {
	v.Me, v.Header = s.account(me), s.picture(me.Header, "header")
	var err error
	if v.Frame, v.Tabs, err = s.settings(w, r); err != nil {
		return err
	}
	return web.Render(w, r, v.form.status(), profileSettingsPage(v))
}

func (s *Service) saveProfile(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	me, err := s.me(r)
	if err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := profileFormView{Name: in.Text("display_name"), Note: in.Text("note"), Locked: in.Bool("locked"), Bot: in.Bool("bot"),
		Discoverable: in.Bool("discoverable"), Indexed: in.Bool("indexable")}
	for i := range v.Fields {
		v.Fields[i] = social.Field{Name: in.Text("field_name_" + str(i)), Source: in.Text("field_value_" + str(i))}
	}
	fields := v.Fields[:]
	c := social.ProfileChange{DisplayName: &v.Name, Note: &v.Note, Locked: &v.Locked, Bot: &v.Bot, Discoverable: &v.Discoverable, Indexable: &v.Indexed, Fields: &fields}
	if err = s.takePictures(ctx, by, in, &c); err == nil {
		_, err = s.Social.UpdateProfile(ctx, by, c)
	}
	if err != nil {
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawProfileForm(w, r, me, v)
	}
	for _, key := range []*string{c.Avatar, c.Header} {
		if key != nil && *key != "" {
			if err := s.Media.Shown(ctx, by, *key); err != nil {
				return err
			}
		}
	}
	web.SetFlash(w, r, t(ctx, "Your profile is saved."))
	return web.Redirect(w, r, "/settings")
}

// takePictures takes in a new avatar and header, or takes the old ones away.
func (s *Service) takePictures(ctx context.Context, by authz.Actor, in web.Params, c *social.ProfileChange) error {
	none := ""
	for _, x := range []struct {
		name string
		take func(context.Context, authz.Actor, io.Reader) (string, error)
		into **string
	}{{"avatar", s.Media.UploadAvatar, &c.Avatar}, {"header", s.Media.UploadHeader, &c.Header}} {
		if in.Bool("remove_" + x.name) {
			*x.into = &none
		}
		file := in.File(x.name)
		if file == nil {
			continue
		}
		var key string
		err := open(file, func(f io.Reader) (err error) { key, err = x.take(ctx, by, f); return err })
		if err != nil {
			return err
		}
		*x.into = &key
	}
	return nil
}

// open hands an uploaded file to f.
func open(file *multipart.FileHeader, f func(io.Reader) error) error {
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // it was only read
	return f(content)
}

// take takes in one picture of a post.
func (s *Service) take(ctx context.Context, by authz.Actor, file *multipart.FileHeader, alt string) (a media.Attachment, err error) {
	err = open(file, func(f io.Reader) (err error) { a, err = s.Media.Upload(ctx, by, f, alt, media.Focus{}); return err })
	return a, err
}

type accountFormView struct {
	Frame           ui.PageProps
	Tabs            []ui.NavItem
	Email           string
	Language, Theme string
	Visibility      social.Visibility
	Sensitive       bool
	Written         string
	Look, Password  form
}

func (s *Service) accountForm(w http.ResponseWriter, r *http.Request) error {
	me, err := s.me(r)
	if err != nil {
		return err
	}
	v := accountFormView{Visibility: me.DefaultVisibility, Sensitive: me.DefaultSensitive, Written: me.DefaultLanguage}
	login, err := s.Identity.Me(r.Context(), web.Actor(r))
	if err != nil {
		return err
	}
	v.Language, v.Theme = login.Language, login.Theme
	return s.drawAccountForm(w, r, v)
}

func (s *Service) drawAccountForm(w http.ResponseWriter, r *http.Request, v accountFormView) error {
	login, err := s.Identity.Me(r.Context(), web.Actor(r))
	if err != nil {
		return err
	}
	v.Email = login.Email
	if v.Frame, v.Tabs, err = s.settings(w, r); err != nil {
		return err
	}
	v.Tabs = settingsTabs(r.Context(), "/settings/account")
	return web.Render(w, r, max(v.Look.status(), v.Password.status()), accountSettingsPage(v))
}

func (s *Service) saveAccount(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := accountFormView{Language: in.String("language"), Theme: in.String("theme"), Sensitive: in.Bool("sensitive"), Written: in.String("written")}
	visible, ok := social.ParseVisibility(in.String("visibility"))
	if !ok {
		visible = social.Public
	}
	v.Visibility = visible
	if err = s.Identity.SetLook(ctx, by, v.Language, v.Theme); err == nil {
		_, err = s.Social.UpdateProfile(ctx, by, social.ProfileChange{DefaultVisibility: &v.Visibility, DefaultSensitive: &v.Sensitive, DefaultLanguage: &v.Written})
	}
	if err != nil {
		if v.Look, err = check(err); err != nil {
			return err
		}
		return s.drawAccountForm(w, r, v)
	}
	s.setLook(w, r, v.Language, v.Theme, s.DB.Now().AddDate(1, 0, 0))
	web.SetFlash(w, r, i18n.T(i18n.WithLocale(ctx, i18n.Negotiate(r.Header.Get("Accept-Language"), v.Language)), "Your settings are saved."))
	return web.Redirect(w, r, "/settings/account")
}

// setLook keeps the choice of language and theme in the browser; an empty one is taken out of it.
func (s *Service) setLook(w http.ResponseWriter, _ *http.Request, language, theme string, until time.Time) {
	for name, value := range map[string]string{languageCookie: language, ui.ThemeCookie: theme} {
		c := &http.Cookie{Name: name, Value: value, Path: "/", Expires: until, SameSite: http.SameSiteLaxMode, //nolint:gosec // no secret: the page's script sets the theme, too
			Secure: strings.HasPrefix(s.Site.URL, "https:")}
		if value == "" {
			c.MaxAge = -1
		}
		http.SetCookie(w, c)
	}
}

func (s *Service) savePassword(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	me, err := s.me(r)
	if err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	if err := s.Identity.ChangePassword(ctx, by, in.String("old_password"), in.String("password")); err != nil {
		v := accountFormView{Visibility: me.DefaultVisibility, Sensitive: me.DefaultSensitive, Written: me.DefaultLanguage}
		if v.Password, err = check(err); err != nil {
			return err
		}
		return s.drawAccountForm(w, r, v)
	}
	web.SetFlash(w, r, t(ctx, "Your password is changed. Other browsers are signed out."))
	return web.Redirect(w, r, "/settings/account")
}

package site

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

var errNothing = fault.New(fault.NotFound, "There is no page at this address.")

// composerView is the form that writes, answers or changes a post.
type composerView struct {
	Action, Back, Key       string
	Text, Warning, Language string
	Sensitive               bool
	Visibility, Widest      social.Visibility
	ReplyTo                 id.ID
	ReplyToName             string
	Pictures                []pictureView // uploaded already
	Edit, Autofocus         bool
	Problem                 form
}

func (c composerView) room() int { return max(0, media.MaxPerPost-len(c.Pictures)) }

func (c composerView) prompt(ctx context.Context) string {
	if c.ReplyTo != 0 {
		return t(ctx, "What is your answer?")
	}
	return t(ctx, "What would you like to tell people?")
}

func (c composerView) verb(ctx context.Context) string {
	switch {
	case c.Edit:
		return t(ctx, "Save")
	case c.ReplyTo != 0:
		return t(ctx, "Answer")
	}
	return t(ctx, "Post")
}

// blank is an empty composer with the member's defaults.
func (s *Service) blank(ctx context.Context, by authz.Actor, back string) (composerView, error) {
	me, err := s.Social.Account(ctx, s.DB, by.Account)
	if err != nil {
		return composerView{}, err
	}
	c := composerView{Action: "/posts", Back: back, Key: rand.Text(), Visibility: me.DefaultVisibility, Sensitive: me.DefaultSensitive, Language: me.DefaultLanguage}
	if c.Language == "" {
		c.Language, _, _ = strings.Cut(i18n.From(ctx).Tag(), "-")
	}
	return c, nil
}

// answer is a composer that answers a post: it greets whom the post speaks of, and is no wider.
func (s *Service) answer(ctx context.Context, by authz.Actor, p *postView) (composerView, error) {
	c, err := s.blank(ctx, by, p.Href)
	if err != nil {
		return c, err
	}
	c.ReplyTo, c.ReplyToName, c.Widest = p.ID, p.Author.Name, p.Visibility
	c.Visibility, c.Warning = max(c.Visibility, p.Visibility), p.Summary
	c.Sensitive = c.Sensitive && p.Summary != ""
	seen := map[id.ID]bool{by.Account: true}
	greet := func(i id.ID, acct string) {
		if !seen[i] {
			seen[i] = true
			c.Text += "@" + acct + " "
		}
	}
	greet(p.Author.ID, p.Author.Account.Acct())
	for _, m := range p.Mentioned {
		greet(m.ID, m.Acct())
	}
	return c, nil
}

type writeView struct {
	Frame    ui.PageProps
	Answered *postView
	Composer composerView
}

// write is a page with nothing but the composer; links elsewhere can fill it in.
func (s *Service) write(w http.ResponseWriter, r *http.Request) error {
	by := web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	c, err := s.blank(r.Context(), by, "/home")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	if v, ok := social.ParseVisibility(q.Get("visibility")); ok {
		c.Visibility = v
	}
	c.Text = q.Get("text")
	return s.drawWrite(w, r, c)
}

func (s *Service) drawWrite(w http.ResponseWriter, r *http.Request, c composerView) error {
	ctx := r.Context()
	title := t(ctx, "Write a post")
	v := writeView{Composer: c}
	switch {
	case c.Edit:
		title = t(ctx, "Edit your post")
	case c.ReplyTo != 0:
		title = t(ctx, "Answer")
		by := web.Actor(r)
		answered, err := s.Social.Post(ctx, by, c.ReplyTo)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err == nil {
			v.Answered = s.post(by, answered, s.DB.Now())
			v.Composer.ReplyToName = v.Answered.Author.Name
		}
	}
	v.Composer.Autofocus = true
	var err error
	if v.Frame, err = s.frame(w, r, title); err != nil {
		return err
	}
	return web.Render(w, r, c.Problem.status(), writePage(v))
}

// typed reads the composer's form and takes the pictures in, so that nothing is lost if the rest
// must be corrected.
func (s *Service) typed(r *http.Request, by authz.Actor) (composerView, social.Draft, error) {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return composerView{}, social.Draft{}, err
	}
	c := composerView{Text: in.Text("text"), Warning: in.Text("warning"), Sensitive: in.Bool("sensitive"), Language: in.String("language"),
		ReplyTo: in.ID("in_reply_to"), Back: web.Local(in.String("back"), "/home"), Key: in.String("key")}
	visible, ok := social.ParseVisibility(in.String("visibility"))
	if !ok {
		visible = social.Public
	}
	c.Visibility = visible
	for _, i := range in.IDs("picture") {
		alt := in.Text("alt_" + i.String())
		if in.Bool("remove_" + i.String()) {
			continue
		}
		a, err := s.Media.Update(ctx, by, i, &alt, nil)
		if err != nil {
			if c.Problem, err = check(err); err != nil {
				return c, social.Draft{}, err
			}
			continue
		}
		c.Pictures = append(c.Pictures, s.attachment(a))
	}
	alts := in.List("alt")
	for n, file := range in.Files("media") {
		if c.room() == 0 {
			c.Problem = form{t(ctx, "A post carries %d pictures at most.", media.MaxPerPost), "file"}
			break
		}
		alt := ""
		if n < len(alts) {
			alt = alts[n]
		}
		a, err := s.take(ctx, by, file, alt)
		if err != nil {
			if c.Problem, err = check(err); err != nil {
				return c, social.Draft{}, err
			}
			c.Problem.Field = "file"
			continue
		}
		c.Pictures = append(c.Pictures, s.attachment(a))
	}
	d := social.Draft{Text: c.Text, Summary: c.Warning, Sensitive: c.Sensitive, Language: c.Language, Visibility: c.Visibility, InReplyTo: c.ReplyTo}
	for _, m := range c.Pictures {
		d.Media = append(d.Media, m.ID)
	}
	if c.Key != "" {
		d.Key = "web " + c.Key
	}
	return c, d, nil
}

// publish writes a post.
func (s *Service) publish(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	c, draft, err := s.typed(r, by)
	if err != nil {
		return err
	}
	c.Action = "/posts"
	if c.Problem.Words != "" {
		return s.drawWrite(w, r, c)
	}
	p, err := s.Social.Publish(ctx, by, draft)
	if err != nil {
		if c.Problem, err = check(err); err != nil {
			return err
		}
		return s.drawWrite(w, r, c)
	}
	if c.ReplyTo != 0 {
		web.SetFlash(w, r, t(ctx, "Your answer is out."))
		return web.Redirect(w, r, c.Back+"#p"+p.ID.String())
	}
	web.SetFlash(w, r, t(ctx, "Your post is out."))
	return web.Redirect(w, r, c.Back)
}

// own is a post of the actor's, to be changed or deleted.
func (s *Service) own(ctx context.Context, by authz.Actor, i id.ID) (*social.View, error) {
	if err := by.RequireAccount(); err != nil {
		return nil, err
	}
	v, err := s.Social.Post(ctx, by, i)
	if err == nil && (v.AccountID != by.Account || v.Boost != nil) {
		err = errNothing
	}
	return v, err
}

func (s *Service) editForm(w http.ResponseWriter, r *http.Request, v *social.View) error {
	by := web.Actor(r)
	if _, err := s.own(r.Context(), by, v.ID); err != nil {
		return err
	}
	c := composerView{Action: "/posts/" + v.ID.String() + "/edit", Text: v.Source, Warning: v.Summary, Sensitive: v.Sensitive, Language: v.Language,
		Visibility: v.Visibility, Edit: true, Back: postPath(v)}
	for _, m := range v.Media {
		c.Pictures = append(c.Pictures, s.attachment(m))
	}
	return s.drawWrite(w, r, c)
}

// edit changes a post.
func (s *Service) edit(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	i, err := web.PathID(r, "id")
	if err != nil {
		return err
	}
	v, err := s.own(ctx, by, i)
	if err != nil {
		return err
	}
	c, draft, err := s.typed(r, by)
	if err != nil {
		return err
	}
	c.Action, c.Edit, c.Back, c.Visibility = "/posts/"+i.String()+"/edit", true, postPath(v), v.Visibility
	draft.Visibility, draft.Key = v.Visibility, ""
	if c.Problem.Words == "" {
		if _, err = s.Social.Edit(ctx, by, i, draft); err != nil {
			if c.Problem, err = check(err); err != nil {
				return err
			}
		}
	}
	if c.Problem.Words != "" {
		return s.drawWrite(w, r, c)
	}
	web.SetFlash(w, r, t(ctx, "Your post is changed. What it said before stays in its history."))
	return web.Redirect(w, r, c.Back)
}

type deleteView struct {
	Frame ui.PageProps
	Post  *postView
}

func (s *Service) deleteForm(w http.ResponseWriter, r *http.Request, v *social.View) error {
	by := web.Actor(r)
	if _, err := s.own(r.Context(), by, v.ID); err != nil {
		return err
	}
	f, err := s.frame(w, r, t(r.Context(), "Delete this post?"))
	if err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, deletePage(deleteView{f, s.post(by, v, s.DB.Now())}))
}

// delete removes a post; the page that leads here has asked whether to.
func (s *Service) delete(w http.ResponseWriter, r *http.Request) error {
	i, err := web.PathID(r, "id")
	if err != nil {
		return err
	}
	by := web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	if _, err := s.Social.Delete(r.Context(), by, i); err != nil {
		return err
	}
	web.SetFlash(w, r, t(r.Context(), "The post is deleted."))
	return web.Redirect(w, r, "/home")
}

package site

import (
	"context"
	"net/http"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

var errNothing = fault.New(fault.NotFound, "There is no page at this address.")

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

package site

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// accountView is an account as lists and posts show it.
type accountView struct {
	ID                               id.ID
	Name, Handle, Href, Picture, Hue string
	Bot                              bool
	Account                          *social.Account
}

// pictureView is one picture of a post or of the composer.
type pictureView struct {
	ID                      id.ID
	Kind, URL, Preview, Alt string
	Width, Height           int
	Removed                 bool
}

// postView is one post in a list or a thread.
type postView struct {
	Key      id.ID // of the row: that of the boost, where this is one
	ID       id.ID
	By       *accountView // who boosted it
	Author   accountView
	Href     string
	Origin   string // where a post of another server lives
	Content  string
	Pictures []pictureView
	Now      time.Time
	Reader   authz.Actor
	Mine     bool
	Reply    bool // answers the post drawn right above
	Current  bool // the one that the page is about
	Pinned   bool // shown on top of the profile
	*social.View
}

func (p *postView) row() string { return "p" + p.Key.String() }

// post makes a post ready to draw.
func (s *Service) post(by authz.Actor, v *social.View, now time.Time) *postView {
	shown := v.Shown()
	p := &postView{Key: v.ID, ID: shown.ID, Author: s.account(shown.Author), View: shown, Now: now, Reader: by, Mine: by.Account != 0 && shown.AccountID == by.Account}
	if v.Boost != nil {
		who := s.account(v.Author)
		p.By = &who
	}
	p.Href = postPath(shown)
	if !shown.Local {
		p.Origin = shown.URL
	}
	p.Content = s.content(shown.Part)
	for _, m := range shown.Media {
		p.Pictures = append(p.Pictures, s.attachment(m))
	}
	return p
}

func (s *Service) posts(by authz.Actor, list []*social.View) []*postView {
	now := s.DB.Now()
	out := make([]*postView, len(list))
	for i, v := range list {
		out[i] = s.post(by, v, now)
	}
	return out
}

func (s *Service) attachment(a media.Attachment) pictureView {
	return pictureView{ID: a.ID, Kind: a.Kind, URL: s.here(s.Media.URL(a)), Preview: s.here(s.Media.PreviewURL(a)), Alt: a.Alt,
		Width: a.PreviewWidth, Height: a.PreviewHeight}
}

// postPath is where a post is read here, wherever it was written.
func postPath(v *social.View) string { return "/@" + v.Author.Acct() + "/" + v.ID.String() }

var tagLink = regexp.MustCompile(`<a href="([^"]*)"([^>]*class="[^"]*\bhashtag\b[^"]*")`)

// content is the post's HTML with mentions and hashtags leading to our own pages.
func (s *Service) content(p *social.Part) string {
	out := p.Content
	for _, m := range p.Mentioned {
		for _, u := range []string{m.URL, m.URI} {
			if u != "" {
				out = strings.ReplaceAll(out, `href="`+html.EscapeString(u)+`"`, `href="/@`+html.EscapeString(m.Acct())+`"`)
			}
		}
	}
	if len(p.Tags) == 0 {
		return out
	}
	return tagLink.ReplaceAllStringFunc(out, func(link string) string {
		m := tagLink.FindStringSubmatch(link)
		u, err := url.Parse(html.UnescapeString(m[1]))
		if err != nil {
			return link
		}
		name := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
		return `<a href="/tags/` + html.EscapeString(url.PathEscape(name)) + `"` + m[2]
	})
}

// window reads the cursor of a list from the query.
func window(r *http.Request, limit int) social.Page {
	q := r.URL.Query()
	return social.Page{MaxID: id.Parse(q.Get("max_id")), MinID: id.Parse(q.Get("min_id")), Limit: limit}
}

// pager holds the addresses of the pages before and after.
type pager struct{ Newer, Older string }

// pages makes the addresses from the first and last cursor of a page; full says whether there may be
// more behind it.
func pages(r *http.Request, first, last id.ID, full bool) pager {
	var out pager
	with := func(key string, i id.ID) string {
		q := r.URL.Query()
		q.Del("max_id")
		q.Del("min_id")
		q.Set(key, i.String())
		return r.URL.Path + "?" + q.Encode()
	}
	newer := r.URL.Query().Get("max_id") != "" || r.URL.Query().Get("min_id") != ""
	if newer && first != 0 {
		out.Newer = with("min_id", first)
	}
	if full && last != 0 {
		out.Older = with("max_id", last)
	}
	return out
}

// timeline is a list of posts and the way to its other pages.
type timeline struct {
	Posts []*postView
	pager
}

// timeline draws a list up. Public lists leave out whom the reader mutes, so that a page may be
// shorter than asked for although there is more: sparse says that this is such a list.
func (s *Service) timeline(r *http.Request, list []*social.View, sparse bool) timeline {
	out := timeline{Posts: s.posts(web.Actor(r), list)}
	if len(list) == 0 {
		return out
	}
	full := len(list) >= pageSize || sparse && len(list) > pageSize/2
	out.pager = pages(r, list[0].ID, list[len(list)-1].ID, full)
	return out
}

// problemIn gives the words of an error that a form can show at its fields: something to correct, or
// a state that has moved on.
func problemIn(err error) (words, field string, ok bool) {
	if k := fault.KindOf(err); k != fault.Invalid && k != fault.Conflict {
		return "", "", false
	}
	words, ok = fault.Words(err)
	return words, fault.FieldOf(err), ok
}

// form is what is wrong with a form that comes back.
type form struct{ Words, Field string }

// at gives the words for a field.
func (f form) at(field string) string {
	if f.Field == field {
		return f.Words
	}
	return ""
}

// top gives the words that belong to none of the fields.
func (f form) top(fields ...string) string {
	for _, name := range fields {
		if f.Field == name {
			return ""
		}
	}
	return f.Words
}

func (f form) status() int {
	if f.Words != "" {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// check turns an error into a form to show again, or passes it on.
func check(err error) (form, error) {
	if words, field, ok := problemIn(err); ok {
		return form{words, field}, nil
	}
	return form{}, err
}

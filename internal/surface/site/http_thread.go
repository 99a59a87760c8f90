package site

import (
	"net/http"
	"slices"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/social"
)

type postPageView struct {
	Frame        ui.PageProps
	Above, Below []*postView
	Post         *postView
	Composer     *composerView
}

// thread shows a post with what it answers and what answers it.
func (s *Service) thread(w http.ResponseWriter, r *http.Request, v *social.View) error {
	ctx, by := r.Context(), web.Actor(r)
	above, below, err := s.Social.Thread(ctx, by, v.ID)
	if err != nil {
		return err
	}
	page := postPageView{Above: s.posts(by, above), Below: s.posts(by, below), Post: s.post(by, v, s.DB.Now())}
	page.Post.Current = true
	tie := func(list []*postView, before id.ID) id.ID {
		for _, p := range list {
			p.Reply = before != 0 && p.InReplyToID == before
			before = p.ID
		}
		return before
	}
	last := tie(page.Above, 0)
	last = tie([]*postView{page.Post}, last)
	if by.Visitor() {
		tie(page.Below, last)
	} else {
		// The form to answer stands between the post and its answers; the line would cross it.
		tie(page.Below, 0)
		c, err := s.answer(ctx, by, page.Post)
		if err != nil {
			return err
		}
		page.Composer = &c
	}
	if page.Frame, err = s.frame(w, r, t(ctx, "Post by %s", page.Post.Author.Name)); err != nil {
		return err
	}
	s.previewPost(&page.Frame, page.Post)
	return web.Render(w, r, http.StatusOK, postPage(page))
}

// previewPost fills in what other places show of a post: for a local one that everybody may see.
func (s *Service) previewPost(f *ui.PageProps, p *postView) {
	f.NoIndex = !p.Local || p.Visibility != social.Public || !p.Author.Account.Indexable
	if !p.Local || p.Visibility > social.Unlisted {
		return
	}
	text := posttext.PlainText(p.Content)
	if p.Summary != "" {
		text = p.Summary
	}
	og := &openGraph{Type: "article", Title: p.Author.Name, Text: firstLine(text), URL: p.URL, Image: p.Author.Picture}
	if len(p.Pictures) > 0 && !p.Sensitive {
		og.Image = p.Pictures[0].Preview
	}
	if og.Image != "" {
		og.Image = s.Site.Join(og.Image)
	}
	f.Description = firstLine(text)
	f.Head = headLinks(p.URI, og)
}

type historyView struct {
	Frame    ui.PageProps
	Author   accountView
	Href     string
	Versions []social.Version // newest first
	Now      time.Time
}

func (s *Service) history(w http.ResponseWriter, r *http.Request, v *social.View) error {
	versions, err := s.Social.History(r.Context(), web.Actor(r), v.ID)
	if err != nil {
		return err
	}
	slices.Reverse(versions)
	f, err := s.frame(w, r, t(r.Context(), "History of a post"))
	if err != nil {
		return err
	}
	f.NoIndex = true
	return web.Render(w, r, http.StatusOK, historyPage(historyView{f, s.account(v.Author), postPath(v), versions, s.DB.Now()}))
}

type markersView struct {
	Frame  ui.PageProps
	Author accountView
	Href   string
	People []personView
	pager
}

// markers lists who boosted a post or has it as a favourite.
func (s *Service) markers(w http.ResponseWriter, r *http.Request, v *social.View, boosts bool) error {
	ctx, by := r.Context(), web.Actor(r)
	list, title := s.Social.FavouritedBy, t(ctx, "Favourites")
	if boosts {
		list, title = s.Social.BoostedBy, t(ctx, "Boosts")
	}
	accounts, err := list(ctx, by, v.ID, window(r, 40))
	if err != nil {
		return err
	}
	page := markersView{Author: s.account(v.Author), Href: postPath(v)}
	if page.People, page.pager, err = s.listed(r, accounts); err != nil {
		return err
	}
	if page.Frame, err = s.frame(w, r, title); err != nil {
		return err
	}
	page.Frame.NoIndex = true
	return web.Render(w, r, http.StatusOK, markersPage(page))
}

// mark is something a member does with a post, by its word in the address.
type mark string

const (
	favourite   mark = "favourite"
	unfavourite mark = "unfavourite"
	boost       mark = "boost"
	unboost     mark = "unboost"
	bookmark    mark = "bookmark"
	unbookmark  mark = "unbookmark"
	pin         mark = "pin"
	unpin       mark = "unpin"
)

// mark does one thing with a post and draws its row of acts anew, or without script the page it was
// on.
func (s *Service) mark(m mark) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, by := r.Context(), web.Actor(r)
		i, err := web.PathID(r, "id")
		if err != nil {
			return err
		}
		if err := by.RequireAccount(); err != nil {
			return err
		}
		switch m {
		case favourite:
			err = s.Social.Favourite(ctx, by, i)
		case unfavourite:
			err = s.Social.Unfavourite(ctx, by, i)
		case boost:
			_, err = s.Social.Boost(ctx, by, i, social.Public)
		case unboost:
			err = s.Social.Unboost(ctx, by, i)
		case bookmark, unbookmark:
			err = s.Social.Bookmark(ctx, by, i, m == bookmark)
		case pin, unpin:
			err = s.Social.Pin(ctx, by, i, m == pin)
		}
		if err != nil {
			return err
		}
		return s.marked(w, r, by, i)
	}
}

func (s *Service) marked(w http.ResponseWriter, r *http.Request, by authz.Actor, i id.ID) error {
	v, err := s.Social.Post(r.Context(), by, i)
	if err != nil {
		return err
	}
	p := s.post(by, v, s.DB.Now())
	if row := id.Parse(r.PostFormValue("row")); row != 0 {
		p.Key = row
	}
	if web.Fragment(r) {
		return web.Render(w, r, http.StatusOK, acts(p))
	}
	return web.Redirect(w, r, web.Back(r, p.Href)+"#"+p.row())
}

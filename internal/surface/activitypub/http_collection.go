package activitypub

import (
	"context"
	"net/http"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/social"
)

const pageSize = 20

// pageOf reads which page of a collection is asked for; ok is false for the collection itself.
func pageOf(r *http.Request) (p social.Page, ok bool) {
	q := r.URL.Query()
	return social.Page{MaxID: id.Parse(q.Get("max_id")), MinID: id.Parse(q.Get("min_id")), Limit: pageSize}, q.Get("page") == "true"
}

// whole shows a collection without its items: they are on pages.
func (s *Service) whole(w http.ResponseWriter, uri string, total int) error {
	c := activitystreams.NewCollection(uri, int64(total), uri+"?page=true")
	c.Context = true
	return show(w, c)
}

// page shows one page; cursor is the id of its last item, 0 where there is no further page.
func (s *Service) page(w http.ResponseWriter, uri string, p social.Page, items []any, cursor id.ID) error {
	self := uri + "?page=true"
	if p.MaxID != 0 {
		self += "&max_id=" + p.MaxID.String()
	}
	if items == nil {
		items = []any{}
	}
	out := activitystreams.CollectionPage{Context: true, ID: self, Type: "OrderedCollectionPage", PartOf: uri, Ordered: items}
	if cursor != 0 && len(items) >= pageSize {
		out.Next = uri + "?page=true&max_id=" + cursor.String()
	}
	return show(w, out)
}

func (s *Service) getOutbox(w http.ResponseWriter, r *http.Request) error {
	a, err := s.owner(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	p, ok := pageOf(r)
	if !ok {
		return s.whole(w, a.Outbox, a.PostsCount)
	}
	views, err := s.Social.Outbox(r.Context(), a.ID, p)
	if err != nil {
		return err
	}
	var items []any
	var last id.ID
	for _, v := range views {
		activity := s.activityOf(v)
		activity.Context = false
		items, last = append(items, activity), v.ID
	}
	return s.page(w, a.Outbox, p, items, last)
}

// getFollows shows who follows an account, or whom it follows, as their addresses.
func (s *Service) getFollows(list func(*social.Service, context.Context, id.ID, social.Page) ([]social.Listed, error), which string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := s.owner(r.Context(), r.PathValue("name"))
		if err != nil {
			return err
		}
		uri, total := a.Followers, a.FollowersCount
		if which == "following" {
			uri, total = a.Following, a.FollowingCount
		}
		p, ok := pageOf(r)
		if !ok {
			return s.whole(w, uri, total)
		}
		found, err := list(s.Social, r.Context(), a.ID, p)
		if err != nil {
			return err
		}
		var items []any
		var last id.ID
		for _, l := range found {
			items, last = append(items, l.URI), l.Cursor
		}
		return s.page(w, uri, p, items, last)
	}
}

// getFeatured shows the pinned posts, all at once as there are few.
func (s *Service) getFeatured(w http.ResponseWriter, r *http.Request) error {
	a, err := s.owner(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	views, err := s.Social.Pins(r.Context(), authz.Actor{}, a.ID)
	if err != nil {
		return err
	}
	items := []any{}
	for _, v := range views {
		items = append(items, s.noteOf(&v.Post, v.Author, partMentions(v.Part), v.Media))
	}
	total := int64(len(items))
	return show(w, activitystreams.Collection{Context: true, ID: a.Featured, Type: "OrderedCollection", TotalItems: &total, Ordered: items})
}

// getTags shows the featured hashtags, of which there are none yet.
func (s *Service) getTags(w http.ResponseWriter, r *http.Request) error {
	a, err := s.owner(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	var none int64
	return show(w, activitystreams.Collection{Context: true, ID: a.URI + "/collections/tags", Type: "Collection", TotalItems: &none, Items: []any{}})
}

func (s *Service) getEmpty(path string) web.Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		var none int64
		return show(w, activitystreams.Collection{Context: true, ID: s.Site.Join(path), Type: "OrderedCollection", TotalItems: &none, Ordered: []any{}})
	}
}

// getReplies shows the public answers to a post, oldest first. spec: fep-7458
func (s *Service) getReplies(w http.ResponseWriter, r *http.Request) error {
	v, public, err := s.postOf(r, r.PathValue("name"), id.Parse(r.PathValue("id")))
	if err != nil {
		return err
	}
	if !public || v.BoostOfID != 0 {
		return errNotFound
	}
	p, _ := pageOf(r)
	uri := v.URI + "/replies"
	posts, err := s.Social.Replies(r.Context(), v.ID, p)
	if err != nil {
		return err
	}
	self := uri + "?page=true"
	if p.MinID != 0 {
		self += "&min_id=" + p.MinID.String()
	}
	page := activitystreams.CollectionPage{ID: self, Type: "CollectionPage", PartOf: uri, Items: []any{}}
	for _, q := range posts {
		page.Items = append(page.Items, q.URI)
	}
	if len(posts) == pageSize {
		page.Next = uri + "?page=true&min_id=" + posts[len(posts)-1].ID.String()
	}
	if r.URL.Query().Get("page") == "true" {
		page.Context = true
		return show(w, page)
	}
	return show(w, activitystreams.Collection{Context: true, ID: uri, Type: "Collection", First: &page})
}

package social

import (
	"context"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/cache"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/media"
)

// Part is what a post looks like to everybody. It is shared between requests and never changed: two
// equal pointers are the same rendering, which surfaces use to keep theirs.
type Part struct {
	Post
	Media     []media.Attachment
	Mentioned []Mention
	Tags      []string
}

// Mention is an account named in a post.
type Mention struct {
	PostID   id.ID  `db:"post_id"`
	ID       id.ID  `db:"id"`
	Username string `db:"username"`
	Domain   string `db:"domain"`
	URL      string `db:"url"`
	URI      string `db:"uri"`
}

// Acct is "name" or "name@domain".
func (m Mention) Acct() string {
	if m.Domain == "" {
		return m.Username
	}
	return m.Username + "@" + m.Domain
}

// Marks are what the viewer has done with a post.
type Marks struct{ Favourited, Boosted, Bookmarked, Muted, Pinned bool }

// View is a post as one viewer sees it.
type View struct {
	*Part
	Author *Account
	Boost  *View // the boosted post, if this is a boost
	Quiet  bool  // the co-op limits its author or their server: only followers meet it in streams
	Marks
}

// Shown is the post itself, or for a boost the boosted one.
func (v *View) Shown() *View {
	if v.Boost != nil {
		return v.Boost
	}
	return v
}

// Post is one post as the actor sees it; fault.NotFound if it is not there or not for the actor.
func (s *Service) Post(ctx context.Context, by authz.Actor, post id.ID) (*View, error) {
	if _, err := s.visible(ctx, s.db, by.Account, post); err != nil {
		return nil, err
	}
	views, err := s.views(ctx, s.db, by.Account, []id.ID{post}, sightEach)
	if err != nil {
		return nil, err
	}
	if len(views) == 0 {
		return nil, errNotFound
	}
	return views[0], nil
}

// Posts are the posts with these ids that the actor may see, in their order.
func (s *Service) Posts(ctx context.Context, by authz.Actor, ids []id.ID) ([]*View, error) {
	return s.views(ctx, s.db, by.Account, ids, sightEach)
}

// sightRule says how much is still to be decided about a list of posts.
type sightRule int

const (
	sightDecided sightRule = iota // the list holds only what the viewer may see and wants (home), but for who is hidden since
	sightEach                     // decide for each post whether the viewer may see it
	sightWanted                   // also leave out whom the viewer blocks or mutes (public lists)
)

// views turns ids into what the viewer sees, keeping their order and leaving out what is gone or not
// for the viewer.
func (s *Service) views(ctx context.Context, h db.Handle, viewer id.ID, ids []id.ID, rule sightRule) ([]*View, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	parts, err := s.load(ctx, h, ids)
	if err != nil {
		return nil, err
	}
	var boosted, authors []id.ID
	for _, i := range ids {
		if p := parts[i]; p != nil && p.BoostOfID != 0 {
			boosted = append(boosted, p.BoostOfID)
		}
	}
	originals, err := s.load(ctx, h, boosted)
	if err != nil {
		return nil, err
	}
	posts := make([]*Post, 0, len(ids)+len(boosted))
	marked := make([]id.ID, 0, len(ids))
	for _, i := range ids {
		p := parts[i]
		if p == nil {
			continue
		}
		posts, authors = append(posts, &p.Post), append(authors, p.AccountID)
		shown := p
		if p.BoostOfID != 0 {
			if shown = originals[p.BoostOfID]; shown == nil {
				continue
			}
			posts, authors = append(posts, &shown.Post), append(authors, shown.AccountID)
		}
		marked = append(marked, shown.ID)
	}
	accounts, err := s.accounts(ctx, h, authors)
	if err != nil {
		return nil, err
	}
	marks, err := s.marks(ctx, h, viewer, marked)
	if err != nil {
		return nil, err
	}
	l, err := s.limits(ctx, h)
	if err != nil {
		return nil, err
	}
	carried := func(p *Part) reach {
		if l.empty() || accounts[p.AccountID] == nil {
			return everywhere
		}
		return l.reach(accounts[p.AccountID])
	}
	allowed := func(p *Part) bool { return !hides(viewer, &p.Post, carried(p)) }
	if rule != sightDecided {
		if allowed, err = s.judge(ctx, h, viewer, posts, authors, rule, carried); err != nil {
			return nil, err
		}
	}
	out := make([]*View, 0, len(ids))
	one := func(p *Part) *View {
		if p == nil || accounts[p.AccountID] == nil || !allowed(p) {
			return nil
		}
		v := &View{Part: p, Author: accounts[p.AccountID], Quiet: carried(p) == followersOnly, Marks: marks[p.ID]}
		v.Pinned = !p.PinnedAt.IsZero() && p.AccountID == viewer
		return v
	}
	for _, i := range ids {
		v := one(parts[i])
		if v == nil {
			continue
		}
		if v.BoostOfID != 0 {
			if v.Boost = one(originals[v.BoostOfID]); v.Boost == nil {
				continue
			}
		}
		out = append(out, v)
	}
	return out, nil
}

func (s *Service) judge(ctx context.Context, h db.Handle, viewer id.ID, posts []*Post, authors []id.ID, rule sightRule,
	carried func(*Part) reach) (func(*Part) bool, error) {
	relations, err := s.Relations(ctx, h, viewer, authors)
	if err != nil {
		return nil, err
	}
	var narrow []id.ID
	for _, p := range posts {
		if p.Visibility > Unlisted {
			narrow = append(narrow, p.ID)
		}
	}
	mentioned, err := s.mentions(ctx, h, viewer, narrow)
	if err != nil {
		return nil, err
	}
	return func(p *Part) bool {
		r := relations[p.AccountID]
		return maySee(viewer, &p.Post, r, mentioned[p.ID], carried(p)) && (rule != sightWanted || p.AccountID == viewer || wants(r, carried(p)))
	}, nil
}

// load reads the shared parts of posts, from the cache where it can. Inside a transaction the cache
// is left alone: it must not see what may be rolled back.
func (s *Service) load(ctx context.Context, h db.Handle, ids []id.ID) (map[id.ID]*Part, error) {
	out := make(map[id.ID]*Part, len(ids))
	_, inTx := h.(*db.Tx)
	var missing []id.ID
	tickets := map[id.ID]cache.Ticket{}
	for _, i := range ids {
		if inTx {
			missing = append(missing, i)
			continue
		}
		p, ok, t := s.parts.Get(i)
		if ok {
			out[i] = p
			continue
		}
		missing = append(missing, i)
		tickets[i] = t
	}
	if len(missing) == 0 {
		return out, nil
	}
	posts, err := listPosts.All(ctx, h, missing)
	if err != nil {
		return nil, err
	}
	files, err := s.media.OfPosts(ctx, h, missing)
	if err != nil {
		return nil, err
	}
	mentions, err := listMentionsOf.All(ctx, h, missing)
	if err != nil {
		return nil, err
	}
	tags, err := listTagsOf.All(ctx, h, missing)
	if err != nil {
		return nil, err
	}
	for _, p := range posts {
		out[p.ID] = &Part{Post: p, Media: files[p.ID]}
	}
	for _, m := range mentions {
		if p := out[m.PostID]; p != nil {
			p.Mentioned = append(p.Mentioned, m)
		}
	}
	for _, t := range tags {
		if p := out[t.PostID]; p != nil {
			p.Tags = append(p.Tags, t.Name)
		}
	}
	if !inTx {
		for _, p := range posts {
			s.parts.Put(p.ID, out[p.ID], tickets[p.ID])
		}
	}
	return out, nil
}

// accounts reads accounts, from the cache where it can.
func (s *Service) accounts(ctx context.Context, h db.Handle, ids []id.ID) (map[id.ID]*Account, error) {
	out := make(map[id.ID]*Account, len(ids))
	_, inTx := h.(*db.Tx)
	var missing []id.ID
	tickets := map[id.ID]cache.Ticket{}
	for _, i := range ids {
		if i == 0 || out[i] != nil {
			continue
		}
		if !inTx {
			a, ok, t := s.accountC.Get(i)
			if ok {
				out[i] = a
				continue
			}
			tickets[i] = t
		}
		missing = append(missing, i)
	}
	if len(missing) == 0 {
		return out, nil
	}
	list, err := listAccounts.All(ctx, h, missing)
	if err != nil {
		return nil, err
	}
	for n := range list {
		a := &list[n]
		out[a.ID] = a
		if !inTx {
			s.accountC.Put(a.ID, a, tickets[a.ID])
		}
	}
	return out, nil
}

func (s *Service) marks(ctx context.Context, h db.Handle, viewer id.ID, posts []id.ID) (map[id.ID]Marks, error) {
	if viewer == 0 || len(posts) == 0 {
		return nil, nil
	}
	rows, err := listMarks.All(ctx, h, viewer, posts)
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID]Marks, len(rows))
	for _, r := range rows {
		m := out[r.PostID]
		switch r.Kind {
		case markFavourite:
			m.Favourited = true
		case markBoost:
			m.Boosted = true
		case markBookmark:
			m.Bookmarked = true
		case markMuted:
			m.Muted = true
		}
		out[r.PostID] = m
	}
	return out, nil
}

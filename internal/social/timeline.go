package social

import (
	"context"
	"slices"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/posttext"
)

// Page is a window of a list that is sorted by id, newest first. MaxID: older than. SinceID: newer
// than, the newest of them. MinID: newer than, the ones right after it.
// spec: mastodon/api/guidelines#pagination
type Page struct {
	MaxID, SinceID, MinID id.ID
	Limit                 int
}

func (p Page) bounds(def, most int) (newest, oldest id.ID, limit int) {
	limit = p.Limit
	if limit <= 0 {
		limit = def
	}
	newest = id.Max
	if p.MaxID > 0 {
		newest = p.MaxID
	}
	return newest, max(p.SinceID, p.MinID), min(limit, most)
}

// pick runs the query that walks down from the newest, or for MinID up from the oldest, and returns
// ids newest first. Both queries take (newest, oldest, limit, args...).
func pick(ctx context.Context, h db.Handle, p Page, down, up *db.Query[id.ID], args ...any) ([]id.ID, error) {
	newest, oldest, limit := p.bounds(20, 80)
	all := append([]any{newest, oldest, limit}, args...)
	if p.MinID == 0 {
		return down.All(ctx, h, all...)
	}
	ids, err := up.All(ctx, h, all...)
	slices.Reverse(ids)
	return ids, err
}

// fill reads a page of posts. What the viewer does not get to see leaves gaps, which are filled from
// further on: an app takes a page that is not full for the last. How far it looks is bounded.
func (s *Service) fill(ctx context.Context, by authz.Actor, rule sightRule, p Page, down, up *db.Query[id.ID], args ...any) ([]*View, error) {
	_, _, limit := p.bounds(20, 80)
	var out []*View
	for range maxGaps {
		ids, err := pick(ctx, s.db, p, down, up, args...)
		if err != nil {
			return nil, err
		}
		views, err := s.views(ctx, s.db, by.Account, ids, rule)
		if err != nil {
			return nil, err
		}
		_, _, asked := p.bounds(20, 80)
		end := len(ids) < asked
		if p.MinID == 0 {
			out = append(out, views...)
		} else {
			out = append(views, out...)
		}
		if end || len(out) >= limit {
			break
		}
		if p.MinID == 0 {
			p.MaxID = ids[len(ids)-1]
		} else {
			p.MinID = ids[0]
		}
		p.Limit = 80
	}
	if p.MinID == 0 {
		return out[:min(limit, len(out))], nil
	}
	return out[max(len(out)-limit, 0):], nil
}

// maxGaps is how often a page is filled up.
const maxGaps = 12

// Home is the actor's home timeline.
func (s *Service) Home(ctx context.Context, by authz.Actor, p Page) ([]*View, error) {
	if err := by.RequireAccount(); err != nil {
		return nil, err
	}
	return s.fill(ctx, by, sightDecided, p, homeDown, homeUp, by.Account)
}

// InHome tells which of the local accounts have the post in their home timeline.
func (s *Service) InHome(ctx context.Context, post id.ID, accounts []id.ID) ([]id.ID, error) {
	return listHomeOwners.All(ctx, s.db, post, accounts)
}

// PublicFilter narrows the public timeline.
type PublicFilter struct{ Local, Remote, OnlyMedia bool }

// Public is the timeline of public posts, of this server only or of all it knows.
func (s *Service) Public(ctx context.Context, by authz.Actor, f PublicFilter, p Page) ([]*View, error) {
	down, up := publicDown, publicUp
	switch {
	case f.Local:
		down, up = localDown, localUp
	case f.Remote:
		down, up = remoteDown, remoteUp
	}
	return s.fill(ctx, by, sightWanted, p, down, up, f.OnlyMedia)
}

// Tagged is the timeline of public posts with a hashtag.
func (s *Service) Tagged(ctx context.Context, by authz.Actor, tag string, f PublicFilter, p Page) ([]*View, error) {
	return s.fill(ctx, by, sightWanted, p, tagDown, tagUp, posttext.FoldTag(tag), f.Local, f.OnlyMedia)
}

// AccountFilter narrows the posts of an account.
type AccountFilter struct {
	ExcludeReplies, ExcludeBoosts, OnlyMedia bool
	Tag                                      string
}

// OfAccount lists the posts of an account that the actor may see.
func (s *Service) OfAccount(ctx context.Context, by authz.Actor, account id.ID, f AccountFilter, p Page) ([]*View, error) {
	// What the viewer may see is decided in the query as far as it can be (follower or not), so that
	// pages are full; sightEach has the last word.
	widest := Unlisted
	if by.Account == account {
		widest = Direct
	} else if m, err := s.reaches(ctx, s.db, []id.ID{account}); err != nil || m[account] == nowhere {
		return nil, err
	} else if r, err := s.relation(ctx, by.Account, account); err != nil {
		return nil, err
	} else if r.Follows {
		widest = Followers
	}
	return s.fill(ctx, by, sightEach, p, accountDown, accountUp, account, widest, by.Account, f.ExcludeReplies, f.ExcludeBoosts, f.OnlyMedia, posttext.FoldTag(f.Tag))
}

// Pins are the posts on top of an account's profile, the last pinned first.
func (s *Service) Pins(ctx context.Context, by authz.Actor, account id.ID) ([]*View, error) {
	ids, err := listPins.All(ctx, s.db, account)
	if err != nil {
		return nil, err
	}
	return s.views(ctx, s.db, by.Account, ids, sightEach)
}

// DirectPosts lists the direct posts that the actor wrote or is mentioned in.
func (s *Service) DirectPosts(ctx context.Context, by authz.Actor, p Page) ([]*View, error) {
	return s.fill(ctx, by, sightEach, p, directDown, directUp, by.Account)
}

// Marked is one entry of a list of favourites or bookmarks; the cursor of such a list is the mark's id.
type Marked struct {
	Cursor id.ID
	*View
}

// Favourites are the actor's, the last marked first.
func (s *Service) Favourites(ctx context.Context, by authz.Actor, p Page) ([]Marked, error) {
	return s.marked(ctx, by, markFavourite, p)
}

// Bookmarks are the actor's, the last marked first.
func (s *Service) Bookmarks(ctx context.Context, by authz.Actor, p Page) ([]Marked, error) {
	return s.marked(ctx, by, markBookmark, p)
}

type cursorRow struct {
	Cursor id.ID `db:"cursor"`
	ID     id.ID `db:"id"`
}

func (s *Service) marked(ctx context.Context, by authz.Actor, kind int, p Page) ([]Marked, error) {
	if err := by.RequireAccount(); err != nil {
		return nil, err
	}
	rows, err := pickCursor(ctx, s.db, p, markedDown, markedUp, by.Account, kind)
	if err != nil {
		return nil, err
	}
	cursor := map[id.ID]id.ID{}
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i], cursor[r.ID] = r.ID, r.Cursor
	}
	views, err := s.views(ctx, s.db, by.Account, ids, sightEach)
	out := make([]Marked, len(views))
	for i, v := range views {
		out[i] = Marked{cursor[v.ID], v}
	}
	return out, err
}

func pickCursor(ctx context.Context, h db.Handle, p Page, down, up *db.Query[cursorRow], args ...any) ([]cursorRow, error) {
	newest, oldest, limit := p.bounds(20, 80)
	all := append([]any{newest, oldest, limit}, args...)
	if p.MinID == 0 {
		return down.All(ctx, h, all...)
	}
	rows, err := up.All(ctx, h, all...)
	slices.Reverse(rows)
	return rows, err
}

// Listed is one account of a list; the cursor of such a list is the id of what put it there.
type Listed struct {
	Cursor id.ID
	*Account
}

func (s *Service) listed(ctx context.Context, p Page, down, up *db.Query[cursorRow], args ...any) ([]Listed, error) {
	rows, err := pickCursor(ctx, s.db, p, down, up, args...)
	if err != nil {
		return nil, err
	}
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	m, err := s.accounts(ctx, s.db, ids)
	if err != nil {
		return nil, err
	}
	l, err := s.limits(ctx, s.db)
	if err != nil {
		return nil, err
	}
	var out []Listed
	for _, r := range rows {
		if a := m[r.ID]; a != nil && l.reach(a) != nowhere {
			out = append(out, Listed{r.Cursor, a})
		}
	}
	return out, nil
}

// FollowersOf lists who follows an account, the newest first.
func (s *Service) FollowersOf(ctx context.Context, account id.ID, p Page) ([]Listed, error) {
	return s.listed(ctx, p, followersDown, followersUp, account, followGranted)
}

// FollowingOf lists whom an account follows, the newest first.
func (s *Service) FollowingOf(ctx context.Context, account id.ID, p Page) ([]Listed, error) {
	return s.listed(ctx, p, followingDown, followingUp, account, followGranted)
}

// FollowRequests lists who asks to follow the actor.
func (s *Service) FollowRequests(ctx context.Context, by authz.Actor, p Page) ([]Listed, error) {
	return s.listed(ctx, p, followersDown, followersUp, by.Account, followAsked)
}

// Blocks lists whom the actor blocks.
func (s *Service) Blocks(ctx context.Context, by authz.Actor, p Page) ([]Listed, error) {
	return s.listed(ctx, p, blocksDown, blocksUp, by.Account)
}

// Mutes lists whom the actor mutes.
func (s *Service) Mutes(ctx context.Context, by authz.Actor, p Page) ([]Listed, error) {
	return s.listed(ctx, p, mutesDown, mutesUp, by.Account)
}

// FavouritedBy lists who favourited a visible post.
func (s *Service) FavouritedBy(ctx context.Context, by authz.Actor, post id.ID, p Page) ([]Listed, error) {
	return s.markers(ctx, by, post, markFavourite, p)
}

// BoostedBy lists who boosted a visible post.
func (s *Service) BoostedBy(ctx context.Context, by authz.Actor, post id.ID, p Page) ([]Listed, error) {
	return s.markers(ctx, by, post, markBoost, p)
}

func (s *Service) markers(ctx context.Context, by authz.Actor, post id.ID, kind int, p Page) ([]Listed, error) {
	if _, err := s.visible(ctx, s.db, by.Account, post); err != nil {
		return nil, err
	}
	return s.listed(ctx, p, markersDown, markersUp, post, kind)
}

// maxThread bounds what is read of one thread; visitors see less of a very long one.
const maxThread = 2000

// Thread is what stands around a visible post: the posts it answers, oldest first, and the answers to
// it, each right after the post it answers.
func (s *Service) Thread(ctx context.Context, by authz.Actor, post id.ID) (ancestors, descendants []*View, err error) {
	p, err := s.visible(ctx, s.db, by.Account, post)
	if err != nil {
		return nil, nil, err
	}
	if p.BoostOfID != 0 {
		return s.Thread(ctx, by, p.BoostOfID)
	}
	rows, err := listThread.All(ctx, s.db, p.ThreadID, maxThread)
	if err != nil {
		return nil, nil, err
	}
	parent := map[id.ID]id.ID{}
	children := map[id.ID][]id.ID{}
	for _, r := range rows {
		parent[r.ID] = r.Parent
		children[r.Parent] = append(children[r.Parent], r.ID)
	}
	var up, down []id.ID
	seen := map[id.ID]bool{post: true}
	for i := p.InReplyToID; i != 0 && !seen[i]; i = parent[i] {
		seen[i] = true
		up = append(up, i)
	}
	slices.Reverse(up)
	var walk func(id.ID)
	walk = func(i id.ID) {
		for _, c := range children[i] {
			if !seen[c] {
				seen[c] = true
				down = append(down, c)
				walk(c)
			}
		}
	}
	walk(post)
	if ancestors, err = s.views(ctx, s.db, by.Account, up, sightEach); err != nil {
		return nil, nil, err
	}
	descendants, err = s.views(ctx, s.db, by.Account, down, sightWanted)
	return ancestors, descendants, err
}

// Replies lists the URIs of public answers to a public post, for its replies collection.
func (s *Service) Replies(ctx context.Context, post id.ID, p Page) ([]Post, error) {
	_, oldest, limit := p.bounds(20, 80)
	list, err := listReplies.All(ctx, s.db, post, oldest, limit)
	if err != nil {
		return nil, err
	}
	authors := make([]id.ID, len(list))
	for i, p := range list {
		authors[i] = p.AccountID
	}
	carried, err := s.reaches(ctx, s.db, authors)
	return slices.DeleteFunc(list, func(p Post) bool { return hides(0, &p, carried[p.AccountID]) }), err
}

// Outbox lists the public posts and boosts of an account with their URIs, newest first.
func (s *Service) Outbox(ctx context.Context, account id.ID, p Page) ([]*View, error) {
	return s.OfAccount(ctx, authz.Actor{}, account, AccountFilter{}, p)
}

// SearchTags finds hashtags that begin with the words.
func (s *Service) SearchTags(ctx context.Context, words string, limit, offset int) ([]string, error) {
	f := posttext.FoldTag(words)
	if f == "" {
		return nil, nil
	}
	return searchTags.All(ctx, s.db, likeEscape(f)+"%", limit, offset)
}

// Numbers are counts for the front page, NodeInfo and the instance document.
type Numbers struct {
	Accounts    int `db:"accounts"` // local members' accounts
	Posts       int `db:"posts"`    // local posts
	ActiveMonth int `db:"active_month"`
	ActiveHalf  int `db:"active_half"`
	Domains     int `db:"domains"`
}

// Count gives the numbers as of now.
func (s *Service) Count(ctx context.Context) (Numbers, error) {
	now := s.db.Now()
	return countAll.One(ctx, s.db, now.AddDate(0, 0, -30), now.AddDate(0, 0, -180))
}

// Domains lists the hosts whose accounts are known here and that are not blocked.
func (s *Service) Domains(ctx context.Context) ([]string, error) {
	list, err := listDomains.All(ctx, s.db)
	if err != nil {
		return nil, err
	}
	l, err := s.limits(ctx, s.db)
	return slices.DeleteFunc(list, func(d string) bool { return l.of(d) == LevelBlock }), err
}

type findable struct {
	ID        id.ID `db:"id"`
	AccountID id.ID `db:"account_id"`
}

// Findable narrows posts to those that the actor may find by their words, newest first: the actor's own,
// those that mention or were marked by the actor, and public ones of accounts that agreed to be found.
// Those of limited accounts only if the actor follows them. Only posts of author, unless that is 0.
func (s *Service) Findable(ctx context.Context, by authz.Actor, posts []id.ID, author id.ID) ([]id.ID, error) {
	if len(posts) == 0 {
		return nil, nil
	}
	found, err := listFindable.All(ctx, s.db, by.Account, posts, author)
	if err != nil {
		return nil, err
	}
	authors := make([]id.ID, len(found))
	for i, f := range found {
		authors[i] = f.AccountID
	}
	carried, err := s.reaches(ctx, s.db, authors)
	if err != nil {
		return nil, err
	}
	var limited []id.ID
	for i, r := range carried {
		if r != everywhere {
			limited = append(limited, i)
		}
	}
	relations, err := s.Relations(ctx, s.db, by.Account, limited)
	if err != nil {
		return nil, err
	}
	out := make([]id.ID, 0, len(found))
	for _, f := range found {
		if f.AccountID == by.Account || wants(Relation{Follows: relations[f.AccountID].Follows}, carried[f.AccountID]) {
			out = append(out, f.ID)
		}
	}
	return out, nil
}

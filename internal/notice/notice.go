package notice

import (
	"context"
	"embed"
	"errors"
	"slices"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "notice", Files: migrations} }

// Kinds of notices; the names are those of Mastodon's API.
const (
	Mention       = "mention"
	Status        = "status" // somebody whose posts the member wants to hear of has posted
	Boost         = "reblog"
	Favourite     = "favourite"
	Follow        = "follow"
	FollowRequest = "follow_request"
	Update        = "update"
)

// Kinds of notices that Mastodon's API has no name for: only the pages here show them.
const (
	Comment  = "comment"  // somebody answered or mentioned the member in a discussion that no post tells of
	Reaction = "reaction" // somebody reacted to a comment of the member's
)

// AppKinds are those that apps know; Kinds are all.
var (
	AppKinds = []string{Mention, Status, Boost, Favourite, Follow, FollowRequest, Update}
	Kinds    = append(slices.Clone(AppKinds), Comment, Reaction)
)

// Topic is the bus topic that carries the id of every new notice of an account: Topic + its id.
const Topic = "notice:"

// Notice is one thing a member should hear of. Only its account may see it.
type Notice struct {
	ID        id.ID     `db:"id"`
	AccountID id.ID     `db:"account_id"`
	Kind      string    `db:"kind"`
	From      id.ID     `db:"from_id"`
	Post      id.ID     `db:"post_id"`
	CreatedAt time.Time `db:"created_at"`
	Comment   id.ID     `db:"comment_id"` // in the discussion of a motion; Post is then the one that tells of the motion, if any
}

// Service keeps notices and reading marks.
type Service struct {
	db     *db.DB
	bus    *bus.Bus
	social *social.Service
}

// New makes the service.
func New(d *db.DB, b *bus.Bus, s *social.Service) *Service { return &Service{db: d, bus: b, social: s} }

// tell adds a notice for a local account unless it does not want to hear from that side. The same
// thing twice (a favourite taken back and given again) is told once.
func (s *Service) tell(ctx context.Context, tx *db.Tx, to *social.Account, kind string, from, post, thread id.ID) error {
	return s.add(ctx, tx, to, Notice{Kind: kind, From: from, Post: post}, thread)
}

func (s *Service) add(ctx context.Context, tx *db.Tx, to *social.Account, n Notice, thread id.ID) error {
	if !to.Local() || to.ID == n.From {
		return nil
	}
	relations, err := s.social.Relations(ctx, tx, to.ID, []id.ID{n.From})
	if err != nil {
		return err
	}
	if ok, err := s.social.Notifies(ctx, tx, n.From, relations[n.From]); err != nil || !ok {
		return err
	}
	if thread != 0 {
		if muted, err := s.social.ThreadMuted(ctx, tx, to.ID, thread); err != nil || muted {
			return err
		}
	}
	n.AccountID = to.ID
	return s.insert(ctx, tx, n)
}

func (s *Service) insert(ctx context.Context, tx *db.Tx, n Notice) error {
	i := id.New(tx.Now())
	rows, err := insertNotice.Run(ctx, tx, i, n.AccountID, n.Kind, n.From, n.Post, tx.Now(), n.Comment)
	if err != nil || rows == 0 {
		return err
	}
	return s.bus.Publish(ctx, tx, Topic+n.AccountID.String(), i.String())
}

// Discussed tells a member that a comment in the discussion of a motion answers or mentions them. To
// apps it is a mention, with the post that tells of the motion; without one they do not hear of it.
func (s *Service) Discussed(ctx context.Context, tx *db.Tx, to *social.Account, from, post, comment id.ID) error {
	kind := Mention
	if post == 0 {
		kind = Comment
	}
	return s.add(ctx, tx, to, Notice{Kind: kind, From: from, Post: post, Comment: comment}, 0)
}

// Reacted tells a member of reactions to a comment: once until it is read, however many there are.
func (s *Service) Reacted(ctx context.Context, tx *db.Tx, to *social.Account, from, comment id.ID) error {
	if n, err := unreadOf.One(ctx, tx, to.ID, Reaction, comment); err != nil || n > 0 {
		return err
	}
	return s.add(ctx, tx, to, Notice{Kind: Reaction, From: from, Comment: comment}, 0)
}

// Announce tells accounts of a post whether they follow its author or not: what waits for a member's
// vote, or was decided. Callers choose to whom it matters; blocks and mutes do not hide the co-op's own
// business, but the notice can be dismissed like any other.
func (s *Service) Announce(ctx context.Context, tx *db.Tx, to []id.ID, from, post id.ID) error {
	for _, account := range to {
		if account == from {
			continue
		}
		if err := s.insert(ctx, tx, Notice{AccountID: account, Kind: Status, From: from, Post: post}); err != nil {
			return err
		}
	}
	return nil
}

// OnPublished tells whoever is mentioned, and followers who asked to hear of each post.
func (s *Service) OnPublished(ctx context.Context, tx *db.Tx, e social.Published) error {
	told := map[id.ID]bool{}
	for _, a := range e.Mentioned {
		told[a.ID] = true
		if err := s.tell(ctx, tx, a, Mention, e.Author.ID, e.Post.ID, e.Post.ThreadID); err != nil {
			return err
		}
	}
	if e.Post.InReplyToURI != "" || e.Post.Visibility == social.Direct {
		return nil
	}
	wanting, err := s.social.WhoWantsNews(ctx, tx, e.Author.ID)
	if err != nil {
		return err
	}
	for _, a := range wanting {
		if !told[a.ID] {
			if err := s.tell(ctx, tx, a, Status, e.Author.ID, e.Post.ID, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// OnEdited tells who is newly mentioned, and who boosted the post that it says something else now.
func (s *Service) OnEdited(ctx context.Context, tx *db.Tx, e social.Edited) error {
	for _, a := range e.NewlyMentioned {
		if err := s.tell(ctx, tx, a, Mention, e.Author.ID, e.Post.ID, e.Post.ThreadID); err != nil {
			return err
		}
	}
	boosters, err := s.social.LocalBoosters(ctx, tx, e.Post.ID)
	if err != nil {
		return err
	}
	for _, a := range boosters {
		if err := s.untell(ctx, tx, a.ID, Update, e.Author.ID, e.Post.ID); err != nil { // the latest edit is the news
			return err
		}
		if err := s.tell(ctx, tx, a, Update, e.Author.ID, e.Post.ID, 0); err != nil {
			return err
		}
	}
	return nil
}

// OnDeleted takes back what was told about a post.
func (s *Service) OnDeleted(ctx context.Context, tx *db.Tx, e social.Deleted) error {
	_, err := deleteOfPost.Run(ctx, tx, e.Post.ID)
	return err
}

// OnBoosted tells the author.
func (s *Service) OnBoosted(ctx context.Context, tx *db.Tx, e social.Boosted) error {
	return s.tell(ctx, tx, e.Author, Boost, e.By.ID, e.Post.ID, e.Post.ThreadID)
}

// OnUnboosted takes it back.
func (s *Service) OnUnboosted(ctx context.Context, tx *db.Tx, e social.Unboosted) error {
	return s.untell(ctx, tx, e.Author.ID, Boost, e.By.ID, e.Post.ID)
}

// OnFavourited tells the author.
func (s *Service) OnFavourited(ctx context.Context, tx *db.Tx, e social.Favourited) error {
	return s.tell(ctx, tx, e.Author, Favourite, e.By.ID, e.Post.ID, e.Post.ThreadID)
}

// OnUnfavourited takes it back.
func (s *Service) OnUnfavourited(ctx context.Context, tx *db.Tx, e social.Favourited) error {
	return s.untell(ctx, tx, e.Author.ID, Favourite, e.By.ID, e.Post.ID)
}

// OnFollowed tells who has a new follower; a request that was told of is done with.
func (s *Service) OnFollowed(ctx context.Context, tx *db.Tx, e social.Followed) error {
	if err := s.untell(ctx, tx, e.Target.ID, FollowRequest, e.By.ID, 0); err != nil {
		return err
	}
	return s.tell(ctx, tx, e.Target, Follow, e.By.ID, 0, 0)
}

// OnFollowRequested tells who is asked.
func (s *Service) OnFollowRequested(ctx context.Context, tx *db.Tx, e social.Followed) error {
	return s.tell(ctx, tx, e.Target, FollowRequest, e.By.ID, 0, 0)
}

// OnUnfollowed takes a request that has not been answered back.
func (s *Service) OnUnfollowed(ctx context.Context, tx *db.Tx, e social.Followed) error {
	return errors.Join(s.untell(ctx, tx, e.Target.ID, FollowRequest, e.By.ID, 0), s.untell(ctx, tx, e.Target.ID, Follow, e.By.ID, 0))
}

// OnFollowAnswered takes the request away.
func (s *Service) OnFollowAnswered(ctx context.Context, tx *db.Tx, e social.FollowAnswered) error {
	return s.untell(ctx, tx, e.Target.ID, FollowRequest, e.By.ID, 0)
}

// OnBlocked takes away what the blocked account was told of.
func (s *Service) OnBlocked(ctx context.Context, tx *db.Tx, e social.Blocked) error {
	if e.Undone || !e.By.Local() {
		return nil
	}
	_, err := deleteFrom.Run(ctx, tx, e.By.ID, e.Target.ID)
	return err
}

func (s *Service) untell(ctx context.Context, tx *db.Tx, to id.ID, kind string, from, post id.ID) error {
	_, err := deleteNotice.Run(ctx, tx, to, kind, from, post)
	return err
}

// Filter narrows a list of notices; without Types it is those that apps know.
type Filter struct {
	Types, Exclude []string
	From           id.ID
}

// List reads the actor's notices, newest first.
func (s *Service) List(ctx context.Context, by authz.Actor, f Filter, p social.Page) ([]Notice, error) {
	if err := by.RequireAccount(); err != nil {
		return nil, err
	}
	newest, oldest, limit := id.Max, max(p.SinceID, p.MinID), min(p.Limit, 80)
	if p.MaxID > 0 {
		newest = p.MaxID
	}
	if limit <= 0 {
		limit = 40
	}
	kinds := f.Types
	if len(kinds) == 0 {
		kinds = AppKinds
	}
	kinds = slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return slices.Contains(f.Exclude, k) })
	if p.MinID == 0 {
		return listDown.All(ctx, s.db, newest, oldest, limit, by.Account, kinds, f.From)
	}
	out, err := listUp.All(ctx, s.db, newest, oldest, limit, by.Account, kinds, f.From)
	slices.Reverse(out)
	return out, err
}

// Get is one notice of the actor's.
func (s *Service) Get(ctx context.Context, by authz.Actor, i id.ID) (Notice, error) {
	n, ok, err := getNotice.Find(ctx, s.db, i, by.Account)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "Record not found")
	}
	return n, err
}

// Clear removes all notices of the actor.
func (s *Service) Clear(ctx context.Context, by authz.Actor) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { _, err := deleteAll.Run(ctx, tx, by.Account); return err })
}

// Dismiss removes one notice of the actor.
func (s *Service) Dismiss(ctx context.Context, by authz.Actor, i id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { _, err := deleteOne.Run(ctx, tx, i, by.Account); return err })
}

// Unread counts the actor's notices of some kinds after the reading mark, up to a limit.
func (s *Service) Unread(ctx context.Context, by authz.Actor, limit int, kinds []string) (int, error) {
	return countUnread.One(ctx, s.db, by.Account, limit, kinds)
}

// Marker says how far a timeline ("home", "notifications") has been read.
type Marker struct {
	Timeline   string    `db:"timeline"`
	LastReadID id.ID     `db:"last_read_id"`
	Version    int       `db:"version"`
	UpdatedAt  time.Time `db:"updated_at"`
}

// Markers are the actor's reading marks.
func (s *Service) Markers(ctx context.Context, by authz.Actor, timelines []string) ([]Marker, error) {
	return listMarkers.All(ctx, s.db, by.Account, timelines)
}

// SetMarkers moves reading marks; they never move back.
func (s *Service) SetMarkers(ctx context.Context, by authz.Actor, marks map[string]id.ID) ([]Marker, error) {
	var names []string
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		names = nil
		for timeline, i := range marks {
			if timeline != "home" && timeline != "notifications" {
				return fault.New(fault.Invalid, "There is no timeline called %q.", timeline)
			}
			names = append(names, timeline)
			if _, err := upsertMarker.Run(ctx, tx, by.Account, timeline, i, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.Markers(ctx, by, names)
}

package social

import (
	"context"
	"errors"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

// Relation is what stands between a viewer and another account, seen from the viewer.
type Relation struct {
	Follows, Requested      bool // the viewer follows, or has asked to
	Boosts, Notify          bool
	FollowedBy, RequestedBy bool
	Blocking, BlockedBy     bool
	Muting, MutingNotices   bool
	MuteUntil               time.Time
	Note                    string
}

type relationRow struct {
	Other       id.ID     `db:"other_id"`
	Outgoing    bool      `db:"outgoing"`
	Follow      int       `db:"follow"`
	Boosts      bool      `db:"boosts"`
	Notify      bool      `db:"notify"`
	Blocking    bool      `db:"blocking"`
	Muting      bool      `db:"muting"`
	MuteNotices bool      `db:"mute_notices"`
	MuteUntil   time.Time `db:"mute_until"`
	Note        string    `db:"note"`
}

const (
	followAsked   = 1
	followGranted = 2
)

// Relations are what stands between the viewer and each of the others. Everybody asked for is in the
// answer; a visitor has no relations.
func (s *Service) Relations(ctx context.Context, h db.Handle, viewer id.ID, others []id.ID) (map[id.ID]Relation, error) {
	out := make(map[id.ID]Relation, len(others))
	for _, o := range others {
		out[o] = Relation{}
	}
	if viewer == 0 || len(others) == 0 {
		return out, nil
	}
	rows, err := listRelations.All(ctx, h, viewer, others)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		v := out[r.Other]
		if r.Outgoing {
			v.Follows, v.Requested = r.Follow == followGranted, r.Follow == followAsked
			v.Boosts, v.Notify, v.Blocking, v.Note = r.Boosts, r.Notify, r.Blocking, r.Note
			v.Muting = r.Muting && (r.MuteUntil.IsZero() || r.MuteUntil.After(h.Now()))
			v.MutingNotices, v.MuteUntil = v.Muting && r.MuteNotices, r.MuteUntil
		} else {
			v.FollowedBy, v.RequestedBy, v.BlockedBy = r.Follow == followGranted, r.Follow == followAsked, r.Blocking
		}
		out[r.Other] = v
	}
	return out, nil
}

// reach is how far what an account posts and does is carried here.
type reach int

const (
	everywhere    reach = iota
	followersOnly       // limited: strangers do not meet it unless they look for it
	nowhere             // suspended, or of a blocked server: nobody else sees it
)

// reach is what the levels of an account and of its server come to.
func (l *limits) reach(a *Account) reach {
	switch own, server := a.Level(), l.domain(a); {
	case own == LevelSuspend, server == LevelBlock:
		return nowhere
	case own == LevelLimit, server == LevelLimit:
		return followersOnly
	}
	return everywhere
}

// reaches tells how far each of the accounts is carried. While nothing is limited at all it asks nobody.
func (s *Service) reaches(ctx context.Context, h db.Handle, accounts []id.ID) (map[id.ID]reach, error) {
	l, err := s.limits(ctx, h)
	if err != nil || l.empty() {
		return nil, err
	}
	m, err := s.accounts(ctx, h, accounts)
	out := make(map[id.ID]reach, len(m))
	for i, a := range m {
		out[i] = l.reach(a)
	}
	return out, err
}

// hides says whether an author is out of the viewer's sight, whatever is said in the post.
func hides(viewer id.ID, p *Post, author reach) bool {
	return author == nowhere && p.AccountID != viewer
}

// maySee is the one place that decides whether a viewer may see a post. mentioned says whether the
// post mentions the viewer, author how far its author is carried.
func maySee(viewer id.ID, p *Post, r Relation, mentioned bool, author reach) bool {
	switch {
	case viewer != 0 && viewer == p.AccountID:
		return true
	case hides(viewer, p, author), r.BlockedBy:
		return false
	case p.Visibility <= Unlisted:
		return true
	case viewer == 0:
		return false
	case p.Visibility == Followers:
		return mentioned || r.Follows
	}
	return mentioned // Direct
}

// wants says whether a viewer meets an account's posts in lists that nobody put together by following.
func wants(r Relation, author reach) bool {
	return !r.Blocking && !r.BlockedBy && !r.Muting && (author == everywhere || author == followersOnly && r.Follows)
}

// Notifies tells whether what another account does may be brought to a member's notice. r is what
// stands between them, seen from the member.
func (s *Service) Notifies(ctx context.Context, h db.Handle, other id.ID, r Relation) (bool, error) {
	if r.Blocking || r.BlockedBy || r.MutingNotices {
		return false, nil
	}
	m, err := s.reaches(ctx, h, []id.ID{other})
	return err == nil && (m[other] == everywhere || m[other] == followersOnly && r.Follows), err
}

// hidesMedia tells whether a picture of another server is not shown: its account is hidden, or the
// server it lies on is blocked. account is 0 for pictures of profiles.
func (s *Service) hidesMedia(ctx context.Context, account id.ID, address string) (bool, error) {
	l, err := s.limits(ctx, s.db)
	if err != nil || l.empty() {
		return false, err
	}
	if l.of(hostOf(address)) == LevelBlock {
		return true, nil
	}
	m, err := s.reaches(ctx, s.db, []id.ID{account})
	return m[account] == nowhere, err
}

// visible is the post if the viewer may see it, and fault.NotFound otherwise.
func (s *Service) visible(ctx context.Context, h db.Handle, viewer, post id.ID) (Post, error) {
	p, err := getPost.One(ctx, h, post)
	if errors.Is(err, db.ErrNone) {
		return Post{}, errNotFound
	}
	if err != nil {
		return Post{}, err
	}
	ok, err := s.sees(ctx, h, viewer, []*Post{&p})
	if err != nil {
		return Post{}, err
	}
	if !ok[p.ID] {
		return Post{}, errNotFound
	}
	return p, nil
}

// sees tells for each post whether the viewer may see it.
func (s *Service) sees(ctx context.Context, h db.Handle, viewer id.ID, posts []*Post) (map[id.ID]bool, error) {
	var authors, narrow []id.ID
	for _, p := range posts {
		authors = append(authors, p.AccountID)
		if p.Visibility > Unlisted {
			narrow = append(narrow, p.ID)
		}
	}
	relations, err := s.Relations(ctx, h, viewer, authors)
	if err != nil {
		return nil, err
	}
	mentioned, err := s.mentions(ctx, h, viewer, narrow)
	if err != nil {
		return nil, err
	}
	carried, err := s.reaches(ctx, h, authors)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]bool{}
	for _, p := range posts {
		out[p.ID] = maySee(viewer, p, relations[p.AccountID], mentioned[p.ID], carried[p.AccountID])
	}
	return out, nil
}

// mentions tells which of the posts mention the viewer.
func (s *Service) mentions(ctx context.Context, h db.Handle, viewer id.ID, posts []id.ID) (map[id.ID]bool, error) {
	if viewer == 0 || len(posts) == 0 {
		return nil, nil
	}
	ids, err := listMentioning.All(ctx, h, viewer, posts)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]bool{}
	for _, i := range ids {
		out[i] = true
	}
	return out, nil
}

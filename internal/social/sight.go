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

// maySee is the one place that decides whether a viewer may see a post. mentioned says whether the
// post mentions the viewer.
func maySee(viewer id.ID, p *Post, r Relation, mentioned bool) bool {
	switch {
	case viewer != 0 && viewer == p.AccountID:
		return true
	case r.BlockedBy:
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

// wants says whether a viewer wants to see an account's posts in lists.
func wants(r Relation) bool { return !r.Blocking && !r.BlockedBy && !r.Muting }

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
	out := map[id.ID]bool{}
	for _, p := range posts {
		out[p.ID] = maySee(viewer, p, relations[p.AccountID], mentioned[p.ID])
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

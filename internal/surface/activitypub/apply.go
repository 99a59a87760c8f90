package activitypub

import (
	"context"
	"fmt"
	"strings"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/social"
)

// Handler is what one kind of activity does here, and why that needs no mandate, or which power it
// needs: an activity of another server never carries power in this co-op.
type Handler struct {
	Type string
	Act  string
	do   func(s *Service, ctx context.Context, tx *db.Tx, j *job) error
}

const (
	ownTheirs = "none: another server speaks for its own accounts; origin and signature are checked"
	ownAnswer = "none: whom a follow was asked of answers it"
)

// Handlers are the kinds of activities that are acted upon.
func Handlers() []Handler {
	return []Handler{
		{"Create", ownTheirs, (*Service).applyNote}, {"Update", ownTheirs, (*Service).applyNote},
		{"Follow", ownTheirs, (*Service).applyFollow}, {"Accept", ownAnswer, (*Service).applyAnswer}, {"Reject", ownAnswer, (*Service).applyAnswer},
		{"Undo", ownTheirs, (*Service).applyUndo}, {"Delete", ownTheirs, (*Service).applyDelete}, {"Announce", ownTheirs, (*Service).applyAnnounce},
		{"Like", ownTheirs, (*Service).applyLike}, {"Block", ownTheirs, (*Service).applyBlock},
		{"Add", ownTheirs, (*Service).applyFeatured}, {"Remove", ownTheirs, (*Service).applyFeatured},
		{"Flag", "none: it is logged and not acted upon", (*Service).logOnly}, {"Move", "none: it is logged and not acted upon", (*Service).logOnly},
	}
}

var handlers = Handlers()

// apply makes a prepared activity happen. errDrop is returned only before anything was written.
func (s *Service) apply(ctx context.Context, tx *db.Tx, j *job) error {
	if j.idle || j.by == nil || j.Type == typeThread {
		return errDrop
	}
	if j.note != nil || j.actor != nil { // also what was fetched because of another activity
		return s.applyNote(ctx, tx, j)
	}
	for _, h := range handlers {
		if j.o.Type.Is(h.Type) {
			return h.do(s, ctx, tx, j)
		}
	}
	return errDrop
}

func (s *Service) applyNote(ctx context.Context, tx *db.Tx, j *job) error {
	switch {
	case j.note != nil:
		_, err := s.receive(ctx, tx, *j.note, maxThread)
		return err
	case j.actor != nil:
		_, err := s.saveAccountIn(ctx, tx, j.actor.account, j.actor.keys)
		return err
	}
	return errDrop
}

func (s *Service) logOnly(ctx context.Context, _ *db.Tx, j *job) error {
	s.Log.InfoContext(ctx, "activity is not acted upon", "type", j.o.Type.String(), "actor", j.by.URI, "id", j.o.ID)
	return errDrop
}

// our is the account of ours with this address, or errDrop.
func (s *Service) our(ctx context.Context, tx *db.Tx, uri string) (*social.Account, error) {
	if s.localName(uri) == "" {
		return nil, errDrop
	}
	a, err := s.Social.ByURI(ctx, tx, uri)
	if fault.Is(err, fault.NotFound) || err == nil && (!a.GoneAt.IsZero() || !a.SuspendedAt.IsZero()) {
		return nil, errDrop
	}
	return a, err
}

func (s *Service) applyFollow(ctx context.Context, tx *db.Tx, j *job) error {
	target, err := s.our(ctx, tx, j.o.Object.First().ID)
	if err != nil {
		return err
	}
	relations, err := s.Social.Relations(ctx, tx, j.by.ID, []id.ID{target.ID})
	if err != nil {
		return err
	}
	if r := relations[target.ID]; r.BlockedBy || r.Blocking {
		return s.answer(ctx, tx, social.Followed{URI: j.o.ID, By: j.by, Target: target}, "Reject")
	}
	return s.Social.FollowIn(ctx, tx, actor(j.by), target.ID, social.FollowOptions{}, j.o.ID)
}

// applyAnswer handles Accept and Reject of a follow that one of ours asked for. The follow is found by
// who asked whom, whatever its id: only the asked account can answer, and only what was asked.
func (s *Service) applyAnswer(ctx context.Context, tx *db.Tx, j *job) error {
	ref := j.o.Object.First()
	asker := ownerOf(ref.ID)
	if ref.Object != nil && ref.Object.Type.Is("Follow") {
		if ref.Object.Object.First().ID != "" && ref.Object.Object.First().ID != j.by.URI {
			return errDrop
		}
		asker = ref.Object.Actor.ID
	}
	follower, err := s.our(ctx, tx, asker)
	if err != nil {
		return err
	}
	relations, err := s.Social.Relations(ctx, tx, follower.ID, []id.ID{j.by.ID})
	if err != nil {
		return err
	}
	if r := relations[j.by.ID]; !r.Requested && !(r.Follows && j.o.Type.Is("Reject")) {
		return errDrop
	}
	return s.Social.AnswerFollowIn(ctx, tx, actor(j.by), follower.ID, j.o.Type.Is("Accept"))
}

// ownerOf is the actor in the address of one of our own activities: they are fragments of it.
func ownerOf(uri string) string {
	owner, _, _ := strings.Cut(uri, "#")
	return owner
}

func (s *Service) applyUndo(ctx context.Context, tx *db.Tx, j *job) error {
	ref := j.o.Object.First()
	o := ref.Object
	if o == nil { // only a boost can be found by its id alone
		return s.undoBoost(ctx, tx, j, ref.ID)
	}
	if o.Actor.ID != "" && o.Actor.ID != j.by.URI {
		return errDrop
	}
	object := o.Object.First().ID
	switch {
	case o.Type.Is("Follow", "Block"):
		target, err := s.our(ctx, tx, object)
		if err != nil {
			return err
		}
		if o.Type.Is("Follow") {
			return s.Social.UnfollowIn(ctx, tx, actor(j.by), target.ID)
		}
		return s.Social.UnblockIn(ctx, tx, actor(j.by), target.ID)
	case o.Type.Is("Like"):
		p, err := s.known(ctx, tx, object)
		if err != nil {
			return err
		}
		return s.Social.UnfavouriteIn(ctx, tx, actor(j.by), p.ID)
	case o.Type.Is("Announce"):
		if object == "" {
			return s.undoBoost(ctx, tx, j, ref.ID)
		}
		p, err := s.known(ctx, tx, object)
		if err != nil {
			return err
		}
		return s.Social.UnboostIn(ctx, tx, actor(j.by), p.ID)
	}
	return errDrop
}

func (s *Service) undoBoost(ctx context.Context, tx *db.Tx, j *job, uri string) error {
	p, err := s.known(ctx, tx, uri)
	if err != nil {
		return err
	}
	if p.AccountID != j.by.ID || p.BoostOfID == 0 {
		return errDrop
	}
	return s.Social.UnboostIn(ctx, tx, actor(j.by), p.ID)
}

// known is the post with this id, or errDrop.
func (s *Service) known(ctx context.Context, tx *db.Tx, uri string) (social.Post, error) {
	p, err := s.Social.PostByURI(ctx, tx, uri)
	if fault.Is(err, fault.NotFound) {
		return p, errDrop
	}
	return p, err
}

func (s *Service) applyDelete(ctx context.Context, tx *db.Tx, j *job) error {
	uri := j.o.Object.First().ID
	switch {
	case uri == "":
		return errDrop
	case uri == j.by.URI:
		if err := s.forgetKeys(ctx, tx, j.by.ID); err != nil {
			return err
		}
		return s.Social.RemoveRemote(ctx, tx, j.by.ID)
	case !activitystreams.SameOrigin(uri, j.by.URI): // spec: fep-fe34
		return errDrop
	}
	p, err := s.Social.PostByURI(ctx, tx, uri)
	if err == nil && p.AccountID != j.by.ID {
		return errDrop
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil && p.BoostOfID != 0 {
		return s.Social.UnboostIn(ctx, tx, actor(j.by), p.ID)
	}
	_, err = s.Social.DeleteIn(ctx, tx, j.by.ID, uri)
	return err
}

func (s *Service) applyAnnounce(ctx context.Context, tx *db.Tx, j *job) error {
	p, err := s.known(ctx, tx, j.post)
	if err != nil {
		return err
	}
	if _, gone, err := s.Social.Tombstone(ctx, tx, j.o.ID); err != nil || gone || j.o.ID == "" {
		if err == nil {
			err = errDrop
		}
		return err
	}
	if p.Visibility > social.Unlisted && !(p.Visibility == social.Followers && p.AccountID == j.by.ID) {
		return errDrop
	}
	v := visibilityOf(&j.o, j.by)
	if v == social.Direct {
		v = social.Followers // a boost that names nobody is for the booster's followers
	}
	_, err = s.Social.BoostIn(ctx, tx, actor(j.by), p.ID, v, j.o.ID, j.o.Published)
	return err
}

// applyLike counts favourites of our posts; those of others are counted at home.
func (s *Service) applyLike(ctx context.Context, tx *db.Tx, j *job) error {
	p, err := s.known(ctx, tx, j.o.Object.First().ID)
	if err != nil {
		return err
	}
	if !p.Local {
		return errDrop
	}
	return s.Social.FavouriteIn(ctx, tx, actor(j.by), p.ID, j.o.ID)
}

func (s *Service) applyBlock(ctx context.Context, tx *db.Tx, j *job) error {
	target, err := s.our(ctx, tx, j.o.Object.First().ID)
	if err != nil {
		return err
	}
	return s.Social.BlockIn(ctx, tx, actor(j.by), target.ID, j.o.ID)
}

// applyFeatured pins or unpins; social does that in a transaction of its own, after this one.
func (s *Service) applyFeatured(ctx context.Context, tx *db.Tx, j *job) error {
	if j.by.Featured == "" || j.o.Target.ID != j.by.Featured {
		return errDrop
	}
	p, err := s.known(ctx, tx, j.o.Object.First().ID)
	if err != nil {
		return err
	}
	if p.AccountID != j.by.ID || p.BoostOfID != 0 {
		return errDrop
	}
	on := j.o.Type.Is("Add")
	j.after = func(ctx context.Context) error {
		if err := s.Social.Pin(ctx, actor(j.by), p.ID, on); err != nil {
			return fmt.Errorf("pin %s: %w", p.URI, err)
		}
		return nil
	}
	return errDrop
}

package social

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// FollowOptions are what a follower wants to see.
type FollowOptions struct{ Boosts, Notify *bool }

// Follow makes the actor follow the target, or ask to where the target is locked or on another
// server. Following again changes the options only.
func (s *Service) Follow(ctx context.Context, by authz.Actor, target id.ID, o FollowOptions) (Relation, error) {
	err := s.db.InTx(ctx, func(tx *db.Tx) error { return s.FollowIn(ctx, tx, by, target, o, "") })
	if err != nil {
		return Relation{}, err
	}
	return s.relation(ctx, by.Account, target)
}

func (s *Service) relation(ctx context.Context, viewer, other id.ID) (Relation, error) {
	m, err := s.Relations(ctx, s.db, viewer, []id.ID{other})
	return m[other], err
}

// FollowIn is Follow within tx; uri is the Follow activity of a remote account.
func (s *Service) FollowIn(ctx context.Context, tx *db.Tx, by authz.Actor, target id.ID, o FollowOptions, uri string) error {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return err
	}
	if by.Account == target {
		return fault.New(fault.Invalid, "You cannot follow yourself.")
	}
	me, them, err := s.pair(ctx, tx, by.Account, target)
	if err != nil {
		return err
	}
	hidden, err := s.Hidden(ctx, tx, them)
	if err != nil {
		return err
	}
	if hidden || !them.GoneAt.IsZero() {
		return errNotFound
	}
	relations, err := s.Relations(ctx, tx, me.ID, []id.ID{target})
	if err != nil {
		return err
	}
	r := relations[target]
	if r.BlockedBy || r.Blocking {
		return fault.New(fault.Forbidden, "This account cannot be followed.")
	}
	if err := s.relate(ctx, tx, me, target); err != nil {
		return err
	}
	if r.Follows || r.Requested {
		if uri != "" { // the peer lost our answer and asks again under a new id
			if _, err := setFollowURI.Run(ctx, tx, me.ID, target, uri); err != nil {
				return err
			}
			if r.Follows {
				return s.FollowAnswered.Emit(ctx, tx, FollowAnswered{Followed{URI: uri, By: me, Target: them}, true})
			}
		}
		return s.followOptions(ctx, tx, me.ID, target, o)
	}
	f := Followed{ID: id.New(tx.Now()), URI: uri, By: me, Target: them}
	if _, err := setFollow.Run(ctx, tx, me.ID, target, followAsked, f.ID, uri); err != nil {
		return err
	}
	if err := s.followOptions(ctx, tx, me.ID, target, o); err != nil {
		return err
	}
	if them.Local() && !them.Locked {
		return s.grant(ctx, tx, f)
	}
	return s.FollowRequested.Emit(ctx, tx, f)
}

func (s *Service) followOptions(ctx context.Context, tx *db.Tx, me, target id.ID, o FollowOptions) error {
	if o.Boosts == nil && o.Notify == nil {
		return nil
	}
	row, err := getRelation.One(ctx, tx, me, target)
	if err != nil {
		return err
	}
	setIf(&row.Boosts, o.Boosts)
	setIf(&row.Notify, o.Notify)
	_, err = setFollowOptions.Run(ctx, tx, me, target, row.Boosts, row.Notify)
	return err
}

func (s *Service) relate(ctx context.Context, tx *db.Tx, me *Account, target id.ID) error {
	_, err := insertRelation.Run(ctx, tx, me.ID, target, me.Local())
	return err
}

// grant turns a request into a follow: counts, the reader's home timeline, the news.
func (s *Service) grant(ctx context.Context, tx *db.Tx, f Followed) error {
	if _, err := setFollow.Run(ctx, tx, f.By.ID, f.Target.ID, followGranted, f.ID, f.URI); err != nil {
		return err
	}
	if err := s.countFollow(ctx, tx, f.By.ID, f.Target.ID, 1); err != nil {
		return err
	}
	if f.By.Local() {
		if _, err := backfillHome.Run(ctx, tx, f.By.ID, f.Target.ID); err != nil {
			return err
		}
	}
	if err := s.Followed.Emit(ctx, tx, f); err != nil {
		return err
	}
	return s.FollowAnswered.Emit(ctx, tx, FollowAnswered{f, true})
}

func (s *Service) countFollow(ctx context.Context, tx *db.Tx, follower, followed id.ID, n int) error {
	if _, err := addFollowing.Run(ctx, tx, follower, n); err != nil {
		return err
	}
	if _, err := addFollowers.Run(ctx, tx, followed, n); err != nil {
		return err
	}
	return errors.Join(s.accountChanged(ctx, tx, follower), s.accountChanged(ctx, tx, followed))
}

// AnswerFollow accepts or rejects the request of another account to follow the actor.
func (s *Service) AnswerFollow(ctx context.Context, by authz.Actor, follower id.ID, accept bool) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { return s.AnswerFollowIn(ctx, tx, by, follower, accept) })
}

// AnswerFollowIn is AnswerFollow within tx. Rejecting a follow that was granted ends it, which is how
// another server removes a follower.
func (s *Service) AnswerFollowIn(ctx context.Context, tx *db.Tx, by authz.Actor, follower id.ID, accept bool) error {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return err
	}
	row, known, err := getRelation.Find(ctx, tx, follower, by.Account)
	if err != nil {
		return err
	}
	if !known || row.Follow == 0 {
		return errNotFound
	}
	from, me, err := s.pair(ctx, tx, follower, by.Account)
	if err != nil {
		return err
	}
	f := Followed{ID: row.FollowID, URI: row.FollowURI, By: from, Target: me}
	if accept {
		if row.Follow == followGranted {
			return nil
		}
		return s.grant(ctx, tx, f)
	}
	if err := s.endFollow(ctx, tx, f, row.Follow); err != nil {
		return err
	}
	return s.FollowAnswered.Emit(ctx, tx, FollowAnswered{f, false})
}

// endFollow takes a follow or a request away without telling anybody.
func (s *Service) endFollow(ctx context.Context, tx *db.Tx, f Followed, state int) error {
	if _, err := setFollow.Run(ctx, tx, f.By.ID, f.Target.ID, 0, 0, ""); err != nil {
		return err
	}
	if state != followGranted {
		return nil
	}
	if _, err := deleteHomeOfAuthor.Run(ctx, tx, f.By.ID, f.Target.ID); err != nil {
		return err
	}
	return s.countFollow(ctx, tx, f.By.ID, f.Target.ID, -1)
}

// Unfollow ends the actor's follow or request.
func (s *Service) Unfollow(ctx context.Context, by authz.Actor, target id.ID) (Relation, error) {
	err := s.db.InTx(ctx, func(tx *db.Tx) error { return s.UnfollowIn(ctx, tx, by, target) })
	if err != nil {
		return Relation{}, err
	}
	return s.relation(ctx, by.Account, target)
}

// UnfollowIn is Unfollow within tx.
func (s *Service) UnfollowIn(ctx context.Context, tx *db.Tx, by authz.Actor, target id.ID) error {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return err
	}
	row, known, err := getRelation.Find(ctx, tx, by.Account, target)
	if err != nil || !known || row.Follow == 0 {
		return err
	}
	me, them, err := s.pair(ctx, tx, by.Account, target)
	if err != nil {
		return err
	}
	f := Followed{ID: row.FollowID, URI: row.FollowURI, By: me, Target: them}
	if err := s.endFollow(ctx, tx, f, row.Follow); err != nil {
		return err
	}
	return s.Unfollowed.Emit(ctx, tx, f)
}

// Block keeps the target away from the actor: both follows end, and neither sees the other's posts.
func (s *Service) Block(ctx context.Context, by authz.Actor, target id.ID) (Relation, error) {
	err := s.db.InTx(ctx, func(tx *db.Tx) error { return s.BlockIn(ctx, tx, by, target, "") })
	if err != nil {
		return Relation{}, err
	}
	return s.relation(ctx, by.Account, target)
}

// BlockIn is Block within tx; uri is the Block activity of a remote account.
func (s *Service) BlockIn(ctx context.Context, tx *db.Tx, by authz.Actor, target id.ID, uri string) error {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return err
	}
	if by.Account == target {
		return fault.New(fault.Invalid, "You cannot block yourself.")
	}
	me, them, err := s.pair(ctx, tx, by.Account, target)
	if err != nil {
		return err
	}
	if err := s.relate(ctx, tx, me, target); err != nil {
		return err
	}
	row, err := getRelation.One(ctx, tx, me.ID, target)
	if err != nil || row.Blocking {
		return err
	}
	if err := s.UnfollowIn(ctx, tx, by, target); err != nil {
		return err
	}
	if err := s.removeFollower(ctx, tx, by, target); err != nil {
		return err
	}
	for _, pair := range [][2]id.ID{{me.ID, target}, {target, me.ID}} { // what others boost of the two
		if _, err := deleteHomeBoostsOf.Run(ctx, tx, pair[0], pair[1]); err != nil {
			return err
		}
	}
	b := Blocked{ID: id.New(tx.Now()), By: me, Target: them, At: tx.Now()}
	if _, err := setBlock.Run(ctx, tx, me.ID, target, true, b.ID, uri); err != nil {
		return err
	}
	return s.Blocked.Emit(ctx, tx, b)
}

// RemoveFollower ends another account's follow of the actor.
func (s *Service) RemoveFollower(ctx context.Context, by authz.Actor, follower id.ID) (Relation, error) {
	err := s.db.InTx(ctx, func(tx *db.Tx) error { return s.removeFollower(ctx, tx, by, follower) })
	if err != nil {
		return Relation{}, err
	}
	return s.relation(ctx, by.Account, follower)
}

func (s *Service) removeFollower(ctx context.Context, tx *db.Tx, by authz.Actor, follower id.ID) error {
	err := s.AnswerFollowIn(ctx, tx, by, follower, false)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Unblock takes a block back; the follows that it ended stay ended.
func (s *Service) Unblock(ctx context.Context, by authz.Actor, target id.ID) (Relation, error) {
	err := s.db.InTx(ctx, func(tx *db.Tx) error { return s.UnblockIn(ctx, tx, by, target) })
	if err != nil {
		return Relation{}, err
	}
	return s.relation(ctx, by.Account, target)
}

// UnblockIn is Unblock within tx.
func (s *Service) UnblockIn(ctx context.Context, tx *db.Tx, by authz.Actor, target id.ID) error {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return err
	}
	row, known, err := getRelation.Find(ctx, tx, by.Account, target)
	if err != nil || !known || !row.Blocking {
		return err
	}
	me, them, err := s.pair(ctx, tx, by.Account, target)
	if err != nil {
		return err
	}
	if _, err := setBlock.Run(ctx, tx, me.ID, target, false, 0, ""); err != nil {
		return err
	}
	return s.Blocked.Emit(ctx, tx, Blocked{ID: row.BlockID, By: me, Target: them, Undone: true, At: tx.Now()})
}

// Mute hides the target's posts from the actor, and with notices also what they do to the actor,
// until the time, or for good if it is zero. The target does not learn of it.
func (s *Service) Mute(ctx context.Context, by authz.Actor, target id.ID, notices bool, until time.Time) (Relation, error) {
	if by.Account == target {
		return Relation{}, fault.New(fault.Invalid, "You cannot mute yourself.")
	}
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.mayAct(ctx, tx, by); err != nil {
			return err
		}
		me, _, err := s.pair(ctx, tx, by.Account, target)
		if err != nil {
			return err
		}
		if err := s.relate(ctx, tx, me, target); err != nil {
			return err
		}
		if _, err := setMute.Run(ctx, tx, me.ID, target, true, id.New(tx.Now()), notices, until); err != nil {
			return err
		}
		if _, err := deleteHomeBoostsOf.Run(ctx, tx, me.ID, target); err != nil {
			return err
		}
		_, err = deleteHomeOfAuthor.Run(ctx, tx, me.ID, target)
		return err
	})
	if err != nil {
		return Relation{}, err
	}
	return s.relation(ctx, by.Account, target)
}

// Unmute shows the target's posts again.
func (s *Service) Unmute(ctx context.Context, by authz.Actor, target id.ID) (Relation, error) {
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.mayAct(ctx, tx, by); err != nil {
			return err
		}
		if _, err := setMute.Run(ctx, tx, by.Account, target, false, 0, false, time.Time{}); err != nil {
			return err
		}
		row, known, err := getRelation.Find(ctx, tx, by.Account, target)
		if err != nil || !known || row.Follow != followGranted {
			return err
		}
		_, err = backfillHome.Run(ctx, tx, by.Account, target)
		return err
	})
	if err != nil {
		return Relation{}, err
	}
	return s.relation(ctx, by.Account, target)
}

// SetNote keeps the actor's private note about another account.
func (s *Service) SetNote(ctx context.Context, by authz.Actor, target id.ID, note string) (Relation, error) {
	if utf8.RuneCountInString(note) > 2000 {
		return Relation{}, fault.Field("comment", "A note has 2000 characters at most.")
	}
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.mayAct(ctx, tx, by); err != nil {
			return err
		}
		me, _, err := s.pair(ctx, tx, by.Account, target)
		if err != nil {
			return err
		}
		if err := s.relate(ctx, tx, me, target); err != nil {
			return err
		}
		_, err = setNote.Run(ctx, tx, me.ID, target, note)
		return err
	})
	if err != nil {
		return Relation{}, err
	}
	return s.relation(ctx, by.Account, target)
}

// WhoWantsNews lists the local followers who asked to hear of each post of the account.
func (s *Service) WhoWantsNews(ctx context.Context, h db.Handle, account id.ID) ([]*Account, error) {
	ids, err := listWantingNews.All(ctx, h, account)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.Accounts(ctx, h, ids)
}

// LocalBoosters lists the local accounts that boosted a post.
func (s *Service) LocalBoosters(ctx context.Context, h db.Handle, post id.ID) ([]*Account, error) {
	ids, err := listLocalBoosters.All(ctx, h, post)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.Accounts(ctx, h, ids)
}

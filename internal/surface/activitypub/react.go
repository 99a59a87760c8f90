package activitypub

import (
	"context"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/social"
)

// The reactions below run in the transaction of what happened. They act where one of our accounts did
// it and somebody elsewhere must hear of it; for anything else they return at once.

// OnPublished tells followers, mentioned accounts and the author of what is answered about a new post.
func (s *Service) OnPublished(ctx context.Context, tx *db.Tx, e social.Published) error {
	if !e.Author.Local() {
		return nil
	}
	n, err := s.noteIn(ctx, tx, &e.Post, e.Author, e.Mentioned)
	if err != nil {
		return err
	}
	also := e.Mentioned
	if e.Parent != nil && !e.Parent.Local && e.Post.Visibility <= social.Unlisted {
		answered, err := s.Social.Account(ctx, tx, e.Parent.AccountID)
		if err != nil {
			return err
		}
		also = append(also[:len(also):len(also)], answered)
	}
	return s.send(ctx, tx, e.Author, s.createOf(n), e.Post.Visibility, also)
}

func (s *Service) noteIn(ctx context.Context, tx *db.Tx, p *social.Post, author *social.Account, mentioned []*social.Account) (activitystreams.Note, error) {
	files, err := s.Media.OfPosts(ctx, tx, []id.ID{p.ID})
	if err != nil {
		return activitystreams.Note{}, err
	}
	return s.noteOf(p, author, mentionsOf(mentioned), files[p.ID]), nil
}

// OnEdited tells those who know a post what it says now.
func (s *Service) OnEdited(ctx context.Context, tx *db.Tx, e social.Edited) error {
	if !e.Author.Local() {
		return nil
	}
	n, err := s.noteIn(ctx, tx, &e.Post, e.Author, e.Mentioned)
	if err != nil {
		return err
	}
	return s.send(ctx, tx, e.Author, activitystreams.Activity{Context: true, ID: n.ID + "#updates/" + stamp(tx), Type: "Update",
		Actor: e.Author.URI, Published: activitystreams.Time{Time: tx.Now()}, To: n.To, CC: n.CC, Object: n}, e.Post.Visibility, e.Mentioned)
}

// stamp makes the id of an activity that may happen again to the same thing its own.
func stamp(tx *db.Tx) string { return id.New(tx.Now()).String() }

// OnDeleted asks those who know a post to forget it.
func (s *Service) OnDeleted(ctx context.Context, tx *db.Tx, e social.Deleted) error {
	if !e.Author.Local() || e.WithAccount {
		return nil
	}
	to, cc := s.audience(e.Post.Visibility, e.Author, mentionsOf(e.Mentioned))
	return s.send(ctx, tx, e.Author, activitystreams.Activity{Context: true, ID: e.Post.URI + "#delete", Type: "Delete", Actor: e.Author.URI,
		To: to, CC: cc, Object: activitystreams.NewTombstone(e.Post.URI)}, e.Post.Visibility, e.Mentioned)
}

// OnClosed asks those who know an account of ours to forget it and all it wrote.
func (s *Service) OnClosed(ctx context.Context, tx *db.Tx, e social.Closed) error {
	a := e.Account
	return s.send(ctx, tx, &a, activitystreams.Activity{Context: true, ID: a.URI + "#delete", Type: "Delete", Actor: a.URI,
		To: []string{activitystreams.Public}, CC: []string{a.Followers}, Object: a.URI}, social.Public, nil)
}

// OnBoosted tells followers and the author about a boost.
func (s *Service) OnBoosted(ctx context.Context, tx *db.Tx, e social.Boosted) error {
	if !e.By.Local() {
		return nil
	}
	return s.send(ctx, tx, e.By, s.announceOf(&e.Boost, e.By, e.Post.URI, e.Author.URI), e.Boost.Visibility, []*social.Account{e.Author})
}

// OnUnboosted takes a boost back.
func (s *Service) OnUnboosted(ctx context.Context, tx *db.Tx, e social.Unboosted) error {
	if !e.By.Local() {
		return nil
	}
	return s.send(ctx, tx, e.By, undo(s.announceOf(&e.Boost, e.By, e.Post.URI, e.Author.URI), tx.Now()), e.Boost.Visibility,
		[]*social.Account{e.Author})
}

// OnFavourited tells the author, and nobody else.
func (s *Service) OnFavourited(ctx context.Context, tx *db.Tx, e social.Favourited) error {
	return s.tell(ctx, tx, e.By, e.Author, likeOf(e.By, e.ID, e.Post.URI))
}

// OnUnfavourited takes a favourite back.
func (s *Service) OnUnfavourited(ctx context.Context, tx *db.Tx, e social.Favourited) error {
	return s.tell(ctx, tx, e.By, e.Author, undo(likeOf(e.By, e.ID, e.Post.URI), tx.Now()))
}

// OnPinned tells followers what stands on top of the profile.
func (s *Service) OnPinned(ctx context.Context, tx *db.Tx, e social.Pinned) error {
	if !e.Author.Local() {
		return nil
	}
	kind := "Remove"
	if e.Pinned {
		kind = "Add"
	}
	return s.send(ctx, tx, e.Author, activitystreams.Activity{Context: true, ID: e.Author.URI + "#pins/" + stamp(tx), Type: kind,
		Actor: e.Author.URI, To: []string{e.Author.Followers}, Object: e.Post.URI, Target: e.Author.Featured}, social.Followers, nil)
}

// OnFollowRequested asks an account elsewhere to be followed.
func (s *Service) OnFollowRequested(ctx context.Context, tx *db.Tx, e social.Followed) error {
	return s.tell(ctx, tx, e.By, e.Target, followOf(e))
}

// OnFollowAnswered tells an account elsewhere that it may (or may no longer) follow one of ours.
func (s *Service) OnFollowAnswered(ctx context.Context, tx *db.Tx, e social.FollowAnswered) error {
	kind := "Reject"
	if e.Accepted {
		kind = "Accept"
	}
	return s.answer(ctx, tx, e.Followed, kind)
}

func (s *Service) answer(ctx context.Context, tx *db.Tx, f social.Followed, kind string) error {
	follow := followOf(f)
	follow.Context = false
	return s.tell(ctx, tx, f.Target, f.By, activitystreams.Activity{Context: true, ID: f.Target.URI + "#answers/" + stamp(tx), Type: kind,
		Actor: f.Target.URI, Object: follow})
}

// OnUnfollowed takes a follow or a request back.
func (s *Service) OnUnfollowed(ctx context.Context, tx *db.Tx, e social.Followed) error {
	return s.tell(ctx, tx, e.By, e.Target, undo(followOf(e), tx.Now()))
}

// OnBlocked tells the other server about a block or its end, so that it can keep the two apart as well.
func (s *Service) OnBlocked(ctx context.Context, tx *db.Tx, e social.Blocked) error {
	a := blockOf(e)
	if e.Undone {
		a = undo(a, tx.Now())
	}
	return s.tell(ctx, tx, e.By, e.Target, a)
}

// OnProfileChanged shows followers the account as it is now. An account that never was shown to
// another server has no key yet, and nobody to tell.
func (s *Service) OnProfileChanged(ctx context.Context, tx *db.Tx, e social.ProfileChanged) error {
	if !e.Account.Local() {
		return nil
	}
	row, known, err := getKey.Find(ctx, tx, e.Account.ID)
	if err != nil || !known {
		return err
	}
	k, ok, _ := s.keys.Get(e.Account.ID)
	if !ok {
		if k, err = row.read(); err != nil {
			return err
		}
	}
	a := e.Account
	a.UpdatedAt = tx.Now()
	return s.send(ctx, tx, &a, activitystreams.Activity{Context: true, ID: a.URI + "#updates/" + stamp(tx), Type: "Update", Actor: a.URI,
		To: []string{activitystreams.Public}, CC: []string{a.Followers}, Object: s.actorOf(&a, k)}, social.Public, nil)
}

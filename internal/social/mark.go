package social

import (
	"context"
	"errors"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// Kinds of marks an account puts on a post.
const (
	markFavourite = 1
	markBoost     = 2
	markBookmark  = 3
	markMuted     = 4
)

// Favourite marks a visible post as a favourite of the actor; doing it twice changes nothing.
func (s *Service) Favourite(ctx context.Context, by authz.Actor, post id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { return s.FavouriteIn(ctx, tx, by, post, "") })
}

// FavouriteIn is Favourite within tx; uri is the Like activity of a remote account.
func (s *Service) FavouriteIn(ctx context.Context, tx *db.Tx, by authz.Actor, post id.ID, uri string) error {
	return s.favourite(ctx, tx, by, post, uri, true)
}

// Unfavourite takes a favourite back.
func (s *Service) Unfavourite(ctx context.Context, by authz.Actor, post id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { return s.UnfavouriteIn(ctx, tx, by, post) })
}

// UnfavouriteIn is Unfavourite within tx.
func (s *Service) UnfavouriteIn(ctx context.Context, tx *db.Tx, by authz.Actor, post id.ID) error {
	return s.favourite(ctx, tx, by, post, "", false)
}

func (s *Service) favourite(ctx context.Context, tx *db.Tx, by authz.Actor, post id.ID, uri string, on bool) error {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return err
	}
	p, err := s.visible(ctx, tx, by.Account, post)
	if err != nil {
		return err
	}
	if p.BoostOfID != 0 { // clients may name the boost; the favourite belongs to what is boosted
		return s.favourite(ctx, tx, by, p.BoostOfID, uri, on)
	}
	e := Favourited{Post: p, URI: uri}
	var changed bool
	if on {
		e.ID = id.New(tx.Now())
		changed, err = s.mark(ctx, tx, by.Account, post, markFavourite, e.ID, uri)
	} else {
		var m markRow
		if m, changed, err = getMark.Find(ctx, tx, by.Account, post, markFavourite); err == nil && changed {
			e.ID, e.URI = m.ID, m.URI
			_, err = deleteMark.Run(ctx, tx, by.Account, post, markFavourite)
		}
	}
	if err != nil || !changed {
		return err
	}
	delta := 1
	if !on {
		delta = -1
	}
	if _, err := addFavourites.Run(ctx, tx, post, delta); err != nil {
		return err
	}
	if err := s.postChanged(ctx, tx, post); err != nil {
		return err
	}
	if e.By, e.Author, err = s.pair(ctx, tx, by.Account, p.AccountID); err != nil {
		return err
	}
	if on {
		return s.Favourited.Emit(ctx, tx, e)
	}
	return s.Unfavourited.Emit(ctx, tx, e)
}

func (s *Service) mark(ctx context.Context, tx *db.Tx, account, post id.ID, kind int, i id.ID, uri string) (changed bool, err error) {
	n, err := insertMark.Run(ctx, tx, account, post, kind, i, uri)
	return n > 0, err
}

func (s *Service) pair(ctx context.Context, h db.Handle, a, b id.ID) (*Account, *Account, error) {
	m, err := s.accounts(ctx, h, []id.ID{a, b})
	if err != nil {
		return nil, nil, err
	}
	if m[a] == nil || m[b] == nil {
		return nil, nil, errNotFound
	}
	return m[a], m[b], nil
}

// Bookmark keeps a visible post for the actor alone; on false takes it back.
func (s *Service) Bookmark(ctx context.Context, by authz.Actor, post id.ID, on bool) error {
	return s.privately(ctx, by, post, markBookmark, on)
}

// MuteThread stops (or with on false lets through again) notices about a thread of the actor's.
func (s *Service) MuteThread(ctx context.Context, by authz.Actor, post id.ID, on bool) error {
	return s.privately(ctx, by, post, markMuted, on)
}

func (s *Service) privately(ctx context.Context, by authz.Actor, post id.ID, kind int, on bool) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.mayAct(ctx, tx, by); err != nil {
			return err
		}
		p, err := s.visible(ctx, tx, by.Account, post)
		if err != nil {
			return err
		}
		if p.BoostOfID != 0 {
			post = p.BoostOfID
		}
		if on {
			_, err = s.mark(ctx, tx, by.Account, post, kind, id.New(tx.Now()), "")
		} else {
			_, err = deleteMark.Run(ctx, tx, by.Account, post, kind)
		}
		return err
	})
}

// ThreadMuted reports whether the account wants no notices about the post's thread.
func (s *Service) ThreadMuted(ctx context.Context, h db.Handle, account, thread id.ID) (bool, error) {
	_, ok, err := threadMuted.Find(ctx, h, account, thread)
	return ok, err
}

// MaxPins is how many posts a profile shows on top.
const MaxPins = 5

// Pin puts the actor's own post on top of the profile; on false takes it down.
func (s *Service) Pin(ctx context.Context, by authz.Actor, post id.ID, on bool) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.mayAct(ctx, tx, by); err != nil {
			return err
		}
		p, err := s.own(ctx, tx, by, post)
		if err != nil {
			return err
		}
		if on == !p.PinnedAt.IsZero() {
			return nil
		}
		var at time.Time
		if on {
			at = tx.Now()
			if p.Visibility == Direct {
				return fault.New(fault.Invalid, "A direct post cannot be pinned.")
			}
			pins, err := listPins.All(ctx, tx, by.Account)
			if err != nil {
				return err
			}
			if len(pins) >= MaxPins {
				return fault.New(fault.Invalid, "You have pinned %d posts already, which is the most. Unpin one first.", MaxPins)
			}
		}
		if _, err := setPinned.Run(ctx, tx, post, at); err != nil {
			return err
		}
		author, err := getAccount.One(ctx, tx, by.Account)
		if err != nil {
			return err
		}
		return errors.Join(s.postChanged(ctx, tx, post), s.Pinned.Emit(ctx, tx, Pinned{Post: p, Author: &author, Pinned: on}))
	})
}

// Boost shows a post to the actor's followers. Public and unlisted posts can be boosted, and the
// actor's own followers-only ones; boosting twice gives the first boost.
func (s *Service) Boost(ctx context.Context, by authz.Actor, post id.ID, v Visibility) (boost Post, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		boost, err = s.BoostIn(ctx, tx, by, post, v, "", tx.Now())
		return err
	})
	return boost, err
}

// BoostIn is Boost within tx; uri and at are those of a remote account's Announce.
func (s *Service) BoostIn(ctx context.Context, tx *db.Tx, by authz.Actor, post id.ID, v Visibility, uri string, at time.Time) (Post, error) {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return Post{}, err
	}
	p, err := s.visible(ctx, tx, by.Account, post)
	if err != nil {
		return Post{}, err
	}
	if p.BoostOfID != 0 {
		return s.BoostIn(ctx, tx, by, p.BoostOfID, v, uri, at)
	}
	if p.Visibility > Unlisted && !(p.Visibility == Followers && p.AccountID == by.Account) {
		return Post{}, fault.New(fault.Forbidden, "This post was not written for everybody, so it cannot be boosted.")
	}
	if old, again, err := getBoost.Find(ctx, tx, post, by.Account); err != nil || again {
		return old, err
	}
	booster, author, err := s.pair(ctx, tx, by.Account, p.AccountID)
	if err != nil {
		return Post{}, err
	}
	if at.After(tx.Now()) || at.IsZero() {
		at = tx.Now()
	}
	i := id.New(at)
	b := Post{ID: i, AccountID: booster.ID, URI: uri, URL: uri, Local: booster.Local(), BoostOfID: p.ID, ThreadID: i,
		Visibility: max(v, p.Visibility), CreatedAt: at}
	if booster.Local() {
		b.URI = booster.URI + "/statuses/" + i.String() + "/activity"
		b.URL = b.URI
	}
	if err := s.insert(ctx, tx, &b, nil, nil, nil); err != nil {
		return Post{}, err
	}
	if _, err := s.mark(ctx, tx, booster.ID, p.ID, markBoost, b.ID, ""); err != nil {
		return Post{}, err
	}
	if _, err := addBoosts.Run(ctx, tx, p.ID, 1); err != nil {
		return Post{}, err
	}
	return b, errors.Join(s.postChanged(ctx, tx, p.ID), s.Boosted.Emit(ctx, tx, Boosted{Boost: b, Post: p, By: booster, Author: author}))
}

// Unboost takes the actor's boost of a post back.
func (s *Service) Unboost(ctx context.Context, by authz.Actor, post id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { return s.UnboostIn(ctx, tx, by, post) })
}

// UnboostIn is Unboost within tx.
func (s *Service) UnboostIn(ctx context.Context, tx *db.Tx, by authz.Actor, post id.ID) error {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return err
	}
	p, known, err := getPost.Find(ctx, tx, post)
	if err != nil || !known {
		return errors.Join(err, errNotFound)
	}
	if p.BoostOfID != 0 {
		return s.UnboostIn(ctx, tx, by, p.BoostOfID)
	}
	b, known, err := getBoost.Find(ctx, tx, post, by.Account)
	if err != nil || !known {
		return err
	}
	booster, author, err := s.pair(ctx, tx, by.Account, p.AccountID)
	if err != nil {
		return err
	}
	if err := s.Unboosted.Emit(ctx, tx, Unboosted{Boost: b, Post: p, By: booster, Author: author}); err != nil {
		return err
	}
	if err := s.erase(ctx, tx, b); err != nil {
		return err
	}
	if _, err := deleteMark.Run(ctx, tx, by.Account, post, markBoost); err != nil {
		return err
	}
	if _, err := addBoosts.Run(ctx, tx, post, -1); err != nil {
		return err
	}
	return s.postChanged(ctx, tx, post)
}

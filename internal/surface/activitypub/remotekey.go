package activitypub

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/social"
)

// remoteKey is a key of an actor elsewhere, ready to use.
type remoteKey struct {
	public    crypto.PublicKey
	actorURI  string
	accountID id.ID
	fetchedAt time.Time
}

const (
	// freshKey is how young a key must be not to be fetched again when a signature fails: whoever
	// sends rubbish in another's name shall not make us ask that other for each piece.
	freshKey = 5 * time.Minute
	// quiet is how long we do not ask again for something that could not be had.
	quiet = 5 * time.Minute
)

// knownKey is the key as we have it, or nil.
func (s *Service) knownKey(ctx context.Context, keyID string) (*remoteKey, error) {
	k, ok, ticket := s.remote.Get(keyID)
	if ok {
		return k, nil
	}
	row, known, err := getRemoteKey.Find(ctx, s.DB, keyID)
	if err != nil || !known {
		return nil, err
	}
	if k, err = row.read(); err != nil {
		return nil, nil //nolint:nilerr // kept in a form we cannot read any more: as good as unknown
	}
	s.remote.Put(keyID, k, ticket)
	return k, nil
}

func (r remoteKeyRow) read() (*remoteKey, error) {
	public, err := readPublic(r.PublicKey)
	if err != nil {
		return nil, err
	}
	return &remoteKey{public: public, actorURI: r.ActorURI, accountID: r.AccountID, fetchedAt: r.FetchedAt}, nil
}

func readPublic(text string) (crypto.PublicKey, error) {
	if strings.HasPrefix(text, "z") {
		return activitystreams.Key{Multibase: text}.PublicKey()
	}
	return activitystreams.Key{PEM: text}.PublicKey()
}

// keyFor finds the key that is said to have signed for an actor. It is looked for only in the actor's
// own document, so a key speaks for the actor who names it and nobody else. It is nil if the actor
// has no such key or could not be reached.
func (s *Service) keyFor(ctx context.Context, keyID, actorURI string) (*remoteKey, error) {
	k, err := s.knownKey(ctx, keyID)
	if err != nil || k != nil && k.actorURI == actorURI {
		return k, err
	}
	if k != nil || !activitystreams.SameOrigin(keyID, actorURI) { // spec: fep-fe34
		return nil, nil
	}
	return s.fetchKey(ctx, keyID, actorURI)
}

// renewKey fetches a key again because a signature did not fit, unless it is quite new. It is nil if
// there is nothing newer.
func (s *Service) renewKey(ctx context.Context, keyID string, old *remoteKey) (*remoteKey, error) {
	if s.DB.Now().Sub(old.fetchedAt) < freshKey {
		return nil, nil
	}
	return s.fetchKey(ctx, keyID, old.actorURI)
}

func (s *Service) fetchKey(ctx context.Context, keyID, actorURI string) (*remoteKey, error) {
	now := s.DB.Now()
	word := "key " + keyID + " " + actorURI // by both: nobody shall spoil another's key by naming it
	if s.silent.has(word, now) {
		return nil, nil
	}
	_, err := s.fetchAccount(ctx, actorURI)
	if err != nil && !unreachable(err) && !errors.Is(err, errRefused) && fault.Is(err, fault.Internal) {
		return nil, err
	}
	var k *remoteKey
	if err == nil {
		if k, err = s.knownKey(ctx, keyID); err != nil {
			return nil, err
		}
	}
	if k == nil || k.actorURI != actorURI {
		s.silent.add(word, now, now.Add(quiet))
		return nil, nil
	}
	return k, nil
}

// saveKeys replaces the keys of a remote account by those in its document.
func (s *Service) saveKeys(ctx context.Context, tx *db.Tx, a *social.Account, keys []activitystreams.Key) error {
	if err := s.forgetKeys(ctx, tx, a.ID); err != nil {
		return err
	}
	saved := 0
	for _, k := range keys {
		text := k.PEM
		if text == "" {
			text = k.Multibase
		}
		if _, err := readPublic(text); err != nil {
			continue // a kind of key we do not know, or no key at all
		}
		if k.Owner != "" && k.Owner != a.URI || !activitystreams.SameOrigin(k.ID, a.URI) || saved == 8 {
			continue
		}
		saved++
		if _, err := insertRemoteKey.Run(ctx, tx, k.ID, a.ID, a.URI, text, tx.Now()); err != nil {
			return fmt.Errorf("save key %s: %w", k.ID, err)
		}
		if err := s.Bus.Publish(ctx, tx, topicKey, k.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) forgetKeys(ctx context.Context, tx *db.Tx, account id.ID) error {
	old, err := listRemoteKeys.All(ctx, tx, account)
	if err != nil {
		return err
	}
	for _, keyID := range old {
		if err := s.Bus.Publish(ctx, tx, topicKey, keyID); err != nil {
			return err
		}
	}
	_, err = deleteRemoteKey.Run(ctx, tx, account)
	return err
}

package activitypub

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
)

// actorKey is what one of our actors signs with, ready to use.
type actorKey struct {
	rsa     *rsa.PrivateKey
	ed25519 ed25519.PrivateKey
	pem     string // the public half of rsa, as actors publish it
}

// instance is the account id under which the instance actor's keys are kept.
const instance id.ID = 0

// keyOf gives an account's keys and makes them on first need. Making an RSA key takes the time of a
// hundred transactions, so it happens before the one that stores it; of two that were made at once
// the first stored is kept.
func (s *Service) keyOf(ctx context.Context, account id.ID) (*actorKey, error) {
	k, ok, ticket := s.keys.Get(account)
	if ok {
		return k, nil
	}
	v, err, _ := s.flight.Do("key "+account.String(), func() (any, error) {
		row, known, err := getKey.Find(ctx, s.DB, account)
		if err != nil {
			return nil, err
		}
		if !known {
			if row, err = s.makeKey(ctx, account); err != nil {
				return nil, err
			}
		}
		return row.read()
	})
	if err != nil {
		return nil, fmt.Errorf("get key of account %d: %w", account, err)
	}
	k = v.(*actorKey)
	s.keys.Put(account, k, ticket)
	return k, nil
}

func (s *Service) makeKey(ctx context.Context, account id.ID) (keyRow, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return keyRow{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return keyRow{}, err
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return keyRow{}, err
	}
	var row keyRow
	err = s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		if _, err = insertKey.Run(ctx, tx, account, der, edwards.Seed(), tx.Now()); err != nil {
			return err
		}
		row, err = getKey.One(ctx, tx, account)
		return err
	})
	return row, err
}

func (r keyRow) read() (*actorKey, error) {
	private, err := x509.ParsePKCS8PrivateKey(r.RSA)
	if err != nil {
		return nil, err
	}
	key, ok := private.(*rsa.PrivateKey)
	if !ok || len(r.Ed25519) != ed25519.SeedSize {
		return nil, fmt.Errorf("stored key is a %T with a seed of %d bytes", private, len(r.Ed25519))
	}
	pem, err := activitystreams.EncodePEM(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &actorKey{rsa: key, ed25519: ed25519.NewKeyFromSeed(r.Ed25519), pem: pem}, nil
}

func (s *Service) instanceURI() string { return s.Site.Join("/actor") }

// keyID is the address of an actor's RSA key; the Ed25519 key has its own.
func keyID(actorURI string) string      { return actorURI + "#main-key" }
func multikeyID(actorURI string) string { return actorURI + "#ed25519-key" }

func publicOf(k *actorKey) ed25519.PublicKey {
	public, _ := k.ed25519.Public().(ed25519.PublicKey) // it is one by its type
	return public
}

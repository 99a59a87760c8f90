package ballotbox

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// maxScrutineers bounds how many there are: each has a part in every ballot.
const maxScrutineers = 9

// Scrutineers are the people to whom the ballots of a vote are sealed until
// the close: Needed of them together can open the ballots, fewer learn nothing,
// and so does the co-op's own server.
//
// spec: governance#3.4
type Scrutineers struct {
	Needed int      `json:"needed"`
	Keys   []Base64 `json:"keys"` // X25519, 32 bytes each; a scrutineer's place is counted from 1
}

// Witness is a second co-op that signs ballot papers: a paper needs both.
type Witness struct {
	Host string `json:"host"`
	Key  Base64 `json:"key"` // SPKI of its RSA-3072 key for this vote
}

// Reveal is the private key of a scrutineer, given up after the close.
type Reveal struct {
	Place int    `json:"place"`
	Key   Base64 `json:"key"`
}

// ScrutineerKey makes a scrutineer's keys for a vote, "election:123", from a
// code that they keep: the private one to be revealed after the close, and the
// public one to be registered before the opening.
//
// spec: rfc7748#6.1
func ScrutineerKey(c Code, vote string) (private, public Base64, err error) {
	salt := sha256.Sum256([]byte(vote))
	secret, err := hkdf.Key(sha256.New, c[:], salt[:], "rochdale/scrutineer/v1", 32)
	if err != nil {
		return nil, nil, fmt.Errorf("derive scrutineer's key: %w", err)
	}
	key, err := ecdh.X25519().NewPrivateKey(secret)
	if err != nil {
		return nil, nil, fmt.Errorf("derive scrutineer's key: %w", err)
	}
	return secret, key.PublicKey().Bytes(), nil
}

// CheckScrutineerKey refuses a public key that no private one belongs to, or
// that is not in its one form.
func CheckScrutineerKey(key Base64) error {
	public, err := ecdh.X25519().NewPublicKey(key)
	if err != nil || key[31]&0x80 != 0 {
		return fmt.Errorf("check scrutineer's key: it is no X25519 key")
	}
	any, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{9}, 32))
	if err == nil {
		_, err = any.ECDH(public) // fails for points of small order, which hide nothing
	}
	if err != nil {
		return fmt.Errorf("check scrutineer's key: it hides nothing: %w", err)
	}
	return nil
}

func (q *Question) checkScrutineers() error {
	s := q.Scrutineers
	if s == nil {
		return nil
	}
	if s.Needed < 2 || s.Needed > len(s.Keys) || len(s.Keys) > maxScrutineers {
		return fmt.Errorf("%d of %d scrutineers cannot open a ballot", s.Needed, len(s.Keys))
	}
	for i, k := range s.Keys {
		if err := CheckScrutineerKey(k); err != nil {
			return err
		}
		for _, other := range s.Keys[:i] {
			if bytes.Equal(k, other) { // one of them would count twice
				return fmt.Errorf("two scrutineers have the same key")
			}
		}
	}
	return nil
}

// CheckReveal refuses what is not the private key of the scrutineer at its
// place.
func (q *Question) CheckReveal(r Reveal) error {
	if q.Scrutineers == nil || r.Place < 1 || r.Place > len(q.Scrutineers.Keys) {
		return fmt.Errorf("check reveal: there is no scrutineer %d", r.Place)
	}
	key, err := ecdh.X25519().NewPrivateKey(r.Key)
	if err != nil || !bytes.Equal(key.PublicKey().Bytes(), q.Scrutineers.Keys[r.Place-1]) {
		return fmt.Errorf("check reveal: this is not the key of scrutineer %d", r.Place)
	}
	return nil
}

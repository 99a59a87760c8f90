package ballotbox

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A sealed choice is E, a box for each scrutineer, and the encrypted choice.
// All of it follows from one secret of 32 bytes, which is shared among the
// scrutineers: who has found the secret can make the whole again, and does, so
// that a ballot says the same whichever scrutineers open it, or nothing.
const (
	secretLength = 32
	pointLength  = 32
	tagLength    = 16
)

// ErrSpoilt is said of a sealed ballot in which there is no answer to the
// question: it is published and not counted.
var ErrSpoilt = errors.New("the ballot is spoilt: no answer was sealed in it")

// plainLength is how long a choice is made before it is sealed: the length of
// what is sealed must not say what it is.
func (q *Question) plainLength() int {
	each := map[string]int{Ranking: 4, Marks: 4, Points: 9}[q.Method]
	return 24 + each*len(q.Options)
}

// sealedLength is the length of a sealed choice.
func (q *Question) sealedLength() int {
	return pointLength + len(q.Scrutineers.Keys)*secretLength + q.plainLength() + tagLength
}

// sealSecret is the secret that a voter's own program seals a choice with. It
// follows from the code, so that a ballot which is sent twice is the same, and
// from all that is sealed, so that no two choices have the same.
func sealSecret(seed []byte, question Hash, sequence uint64, choice string) ([]byte, error) {
	info := about("rochdale/secret/v1").number(sequence).part([]byte(choice))
	return hkdf.Key(sha256.New, seed, question[:], string(info), secretLength)
}

// seal seals the text of a choice with a secret.
//
// spec: rfc7748#6.1
func (q *Question) seal(question Hash, secret, key []byte, sequence uint64, choice string) ([]byte, error) {
	s := q.Scrutineers
	if len(choice) > q.plainLength() {
		return nil, fmt.Errorf("seal choice: it is %d bytes long", len(choice))
	}
	info := sealInfo(key, sequence)
	stream, err := hkdf.Key(sha256.New, secret, question[:], info, 2*secretLength+(s.Needed-1)*secretLength)
	if err != nil {
		return nil, fmt.Errorf("seal choice: %w", err)
	}
	ephemeral, err := ecdh.X25519().NewPrivateKey(stream[secretLength : 2*secretLength])
	if err != nil {
		return nil, fmt.Errorf("seal choice: %w", err)
	}
	point := ephemeral.PublicKey().Bytes()
	out := bytes.Clone(point)
	for i, k := range s.Keys {
		pad, err := sharePad(question, ephemeral, k, byte(i+1), point, k)
		if err != nil {
			return nil, err
		}
		for at, b := range share(secret, stream[2*secretLength:], byte(i+1)) {
			pad[at] ^= b
		}
		out = append(out, pad...)
	}
	aead, err := sealingCipher(stream[:secretLength])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, q.plainLength())
	copy(plain, choice)
	//nolint:gosec // the nonce is zero because the key is used once
	return aead.Seal(out, make([]byte, aead.NonceSize()), plain, sealedTo(question, key, sequence)), nil
}

// sealInfo names what the secret of a ballot is used for.
func sealInfo(key []byte, sequence uint64) string {
	return string(binary.BigEndian.AppendUint64(slices.Concat([]byte("rochdale/seal/v1"), key), sequence))
}

// sharePad is what hides a scrutineer's share: both the voter, who has the
// private half of the point, and the scrutineer can make it.
func sharePad(question Hash, private *ecdh.PrivateKey, public []byte, place byte, point, key []byte) ([]byte, error) {
	other, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	shared, err := private.ECDH(other)
	if err != nil {
		return nil, err
	}
	info := slices.Concat([]byte("rochdale/share/v1"), []byte{place}, point, key)
	return hkdf.Key(sha256.New, shared, question[:], string(info), secretLength)
}

// sealingCipher is AES-256-GCM. Its nonce is zero: each key is used once.
func sealingCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func sealedTo(question Hash, key []byte, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Concat(question[:], key), sequence)
}

// opener opens the ballots of a question with what the scrutineers revealed.
type opener struct {
	question *Question
	hash     Hash
	places   []byte
	keys     []*ecdh.PrivateKey
}

// opener takes the first reveals that are needed; it is nil while there are
// too few. Reveals that are none are for Verify to name.
func (q *Question) opener(hash Hash, reveals []Reveal) *opener {
	o := &opener{question: q, hash: hash}
	for _, r := range reveals {
		if len(o.keys) == q.Scrutineers.Needed {
			break
		}
		if q.CheckReveal(r) != nil || bytes.IndexByte(o.places, byte(r.Place)) >= 0 {
			continue
		}
		key, err := ecdh.X25519().NewPrivateKey(r.Key)
		if err != nil {
			continue
		}
		o.places, o.keys = append(o.places, byte(r.Place)), append(o.keys, key)
	}
	if len(o.keys) < q.Scrutineers.Needed {
		return nil
	}
	return o
}

// open returns what a ballot says, and the secret it was sealed with, or
// ErrSpoilt.
func (o *opener) open(b Ballot) (Choice, []byte, error) {
	c, err := ParseChoice(b.Choice)
	if err != nil || len(c.Sealed) != o.question.sealedLength() {
		return Choice{}, nil, ErrSpoilt
	}
	point, boxes := c.Sealed[:pointLength], c.Sealed[pointLength:]
	shares := make([][]byte, len(o.keys))
	for i, k := range o.keys {
		place := o.places[i]
		pad, err := sharePad(o.hash, k, point, place, point, o.question.Scrutineers.Keys[place-1])
		if err != nil {
			return Choice{}, nil, ErrSpoilt
		}
		for at, x := range boxes[int(place-1)*secretLength:][:secretLength] {
			pad[at] ^= x
		}
		shares[i] = pad
	}
	secret := combine(o.places, shares)
	text, ok := o.decrypt(secret, b, c.Sealed)
	if !ok {
		return Choice{}, nil, ErrSpoilt
	}
	again, err := o.question.seal(o.hash, secret, b.Key, b.Sequence, text)
	if err != nil || !bytes.Equal(again, c.Sealed) {
		return Choice{}, nil, ErrSpoilt
	}
	said, err := ParseChoice(text)
	if err != nil || o.question.checkPlain(said) != nil {
		return Choice{}, nil, ErrSpoilt
	}
	return said, secret, nil
}

func (o *opener) decrypt(secret []byte, b Ballot, sealed []byte) (string, bool) {
	info := sealInfo(b.Key, b.Sequence)
	key, err := hkdf.Key(sha256.New, secret, o.hash[:], info, secretLength)
	if err != nil {
		return "", false
	}
	aead, err := sealingCipher(key)
	if err != nil {
		return "", false
	}
	from := pointLength + len(o.question.Scrutineers.Keys)*secretLength
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), sealed[from:], sealedTo(o.hash, b.Key, b.Sequence))
	return string(bytes.TrimRight(plain, "\x00")), err == nil
}

// openedHash is what the secrets of the opened ballots give to the seed of the
// lots. Nobody knows it before the scrutineers have opened the ballots, and it
// does not depend on who of them did.
func openedHash(secrets [][]byte) []byte {
	h := sha256.New()
	_, _ = h.Write([]byte("rochdale/opened/v1"))
	for _, s := range secrets {
		_, _ = h.Write(s)
	}
	return h.Sum(nil)
}

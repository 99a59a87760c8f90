package ballotbox

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"github.com/cloudflare/circl/blindsign/blindrsa"
)

// Paper is a ballot paper: the election's signature on a ballot key. It does
// not say whose it is, and the signer has not seen it.
type Paper struct {
	Key       Base64 // the ballot's public key, Ed25519
	Prefix    Base64 // what the key was randomized with: 32 bytes
	Signature Base64 // of the election's key, as long as its modulus
	Witness   Base64 // of the witness's key, where the vote has a witness
}

// paperMessage is what a paper signs, without its prefix.
func paperMessage(question Hash, key []byte) []byte {
	return about("rochdale/paper/v1").part(question[:]).part(key)
}

// Request is a paper that was asked for: Blinded goes to the signer, Witness to
// the witness where there is one, and what they answer into Finish.
type Request struct {
	Blinded []byte
	Witness []byte // nil where the vote has no witness

	key, prefix    []byte
	signer, second *blinding
}

// blinding is one signature that was asked for.
type blinding struct {
	blinded []byte
	client  blindrsa.Client
	state   blindrsa.State
}

// Blind makes the request that this code makes for this question: always the
// same one, so that a paper which was lost can be asked for again.
//
// spec: rfc9474#4.2
func (c Code) Blind(q *Question) (*Request, error) {
	question, err := q.Hash()
	if err != nil {
		return nil, err
	}
	ballotKey, rest, err := c.ballotKey(question)
	if err != nil {
		return nil, err
	}
	public := ballotKey.Public().(ed25519.PublicKey)
	msg := paperMessage(question, public)
	r := &Request{key: public, prefix: rest[:prefixLength]}
	if r.signer, err = blind(q.Key, msg, bytes.NewReader(rest)); err != nil {
		return nil, fmt.Errorf("ask for a paper: %w", err)
	}
	r.Blinded = r.signer.blinded
	if q.Witness == nil {
		return r, nil
	}
	// Both sign the same message; what blinds it must differ, or they could know it again from each other.
	stream, err := hkdf.Key(sha256.New, c[:], question[:], "rochdale/witness/v1", streamLength)
	if err != nil {
		return nil, fmt.Errorf("derive from code: %w", err)
	}
	if r.second, err = blind(q.Witness.Key, msg, bytes.NewReader(slices.Concat(r.prefix, stream))); err != nil {
		return nil, fmt.Errorf("ask the witness for a paper: %w", err)
	}
	r.Witness = r.second.blinded
	return r, nil
}

func blind(spki Base64, msg []byte, random io.Reader) (*blinding, error) {
	key, err := paperKey(spki)
	if err != nil {
		return nil, err
	}
	return blindTo(key, msg, random)
}

// blindTo draws the prefix, the salt and the blinding factor from random, in this order. Should the
// stream of a code end before a factor is in range, which happens to one code in ten million, the code
// cannot be used and the error says so.
func blindTo(key *rsa.PublicKey, msg []byte, random io.Reader) (*blinding, error) {
	client, err := blindrsa.NewClient(blindrsa.SHA384PSSRandomized, key)
	if err != nil {
		return nil, err
	}
	prepared, err := client.Prepare(random, msg)
	if err != nil {
		return nil, err
	}
	blinded, state, err := client.Blind(random, prepared)
	if err != nil {
		return nil, fmt.Errorf("this code does not fit the key, please take another: %w", err)
	}
	return &blinding{blinded, client, state}, nil
}

// Finish takes the answers of the signer and, where there is one, of the
// witness, and returns the paper; an answer that is no signature by its key is
// refused.
//
// spec: rfc9474#4.4
func (r *Request) Finish(signed, witness []byte) (Paper, error) {
	signature, err := r.signer.client.Finalize(r.signer.state, signed)
	if err != nil {
		return Paper{}, fmt.Errorf("finish paper: the answer is not signed by the election's key: %w", err)
	}
	p := Paper{Key: r.key, Prefix: r.prefix, Signature: signature}
	if r.second == nil {
		return p, nil
	}
	if p.Witness, err = r.second.client.Finalize(r.second.state, witness); err != nil {
		return Paper{}, fmt.Errorf("finish paper: the answer is not signed by the witness's key: %w", err)
	}
	return p, nil
}

// ballotKey is the key that this code gives for a question, and what follows it in the stream.
func (c Code) ballotKey(question Hash) (ed25519.PrivateKey, []byte, error) {
	seed, rest, err := c.secrets(question)
	if err != nil {
		return nil, nil, err
	}
	return ed25519.NewKeyFromSeed(seed), rest, nil
}

// Key returns the public ballot key of this code for a question: what a member
// looks for in the published file.
func (c Code) Key(q *Question) (Base64, error) {
	question, err := q.Hash()
	if err != nil {
		return nil, err
	}
	key, _, err := c.ballotKey(question)
	if err != nil {
		return nil, err
	}
	return Base64(key.Public().(ed25519.PublicKey)), nil
}

// Seal puts a choice on a paper of this code. A ballot with a higher sequence
// replaces one with a lower; the first is 1. Where the vote has scrutineers the
// choice is sealed to them.
func (c Code) Seal(q *Question, p Paper, sequence uint64, choice Choice) (Ballot, error) {
	if err := q.CheckChoice(choice); err != nil {
		return Ballot{}, err
	}
	question, err := q.Hash()
	if err != nil {
		return Ballot{}, err
	}
	key, _, err := c.ballotKey(question)
	if err != nil {
		return Ballot{}, err
	}
	if !bytes.Equal(key.Public().(ed25519.PublicKey), p.Key) {
		return Ballot{}, fmt.Errorf("seal ballot: the paper is of another code")
	}
	if q.Scrutineers != nil {
		text := choice.String()
		secret, err := sealSecret(key.Seed(), question, sequence, text)
		if err != nil {
			return Ballot{}, fmt.Errorf("seal ballot: %w", err)
		}
		if choice.Sealed, err = q.seal(question, secret, p.Key, sequence, text); err != nil {
			return Ballot{}, err
		}
		choice = Choice{Sealed: choice.Sealed}
	}
	b := Ballot{Key: p.Key, Prefix: p.Prefix, Paper: p.Signature, Witness: p.Witness, Sequence: sequence, Choice: choice.String()}
	b.Signature = ed25519.Sign(key, b.message(question))
	return b, nil
}

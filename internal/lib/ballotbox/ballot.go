package ballotbox

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/cloudflare/circl/blindsign/blindrsa"
)

// MaxBallot bounds the JSON of a ballot, for who reads one from a stranger.
const MaxBallot = 3 * maxChoice

// maxSequence is what JavaScript still counts exactly.
const maxSequence = 1<<53 - 1

// Ballot is a paper with a choice on it, signed by the ballot's own key.
type Ballot struct {
	Key       Base64 `json:"key"`
	Prefix    Base64 `json:"prefix"`
	Paper     Base64 `json:"paper"`             // the election's signature on Key
	Witness   Base64 `json:"witness,omitempty"` // the witness's, where there is one
	Sequence  uint64 `json:"sequence"`
	Choice    string `json:"choice"` // canonical JSON of a Choice
	Signature Base64 `json:"signature"`
}

// The reasons for which CheckBallot refuses a ballot, to be told apart by
// errors.Is.
var (
	ErrForm      = errors.New("the ballot is not in form")
	ErrPaper     = errors.New("the paper is not signed by the election's key")
	ErrWitness   = errors.New("the paper is not signed by the witness's key")
	ErrSignature = errors.New("the ballot is not signed by its own key")
	ErrChoice    = errors.New("the choice does not answer the question")
)

// ParseBallot reads the canonical JSON of a ballot.
func ParseBallot(text []byte) (Ballot, error) {
	var b Ballot
	if len(text) > MaxBallot {
		return b, fmt.Errorf("read ballot: it is longer than %d bytes", MaxBallot)
	}
	if err := decode(text, &b); err != nil {
		return Ballot{}, fmt.Errorf("read ballot: %w", err)
	}
	return b, nil
}

// JSON is the ballot in its canonical form.
func (b Ballot) JSON() []byte {
	text, err := canonical(b)
	if err != nil {
		return nil // unreachable: bytes, a number and a string
	}
	return text
}

// message is what the ballot's own key signs.
func (b Ballot) message(question Hash) []byte {
	return about("rochdale/ballot/v1").part(question[:]).part(b.Key).number(b.Sequence).part([]byte(b.Choice))
}

// Hash names the ballot. It covers every byte, so that a published hash leaves
// nothing to be changed.
func (b Ballot) Hash(question Hash) Hash {
	m := about("rochdale/ballot-hash/v1").part(question[:]).part(b.Key).part(b.Prefix).part(b.Paper)
	if len(b.Witness) > 0 { // the question says whether there is one
		m = m.part(b.Witness)
	}
	return sha256.Sum256(m.number(b.Sequence).part([]byte(b.Choice)).part(b.Signature))
}

// CheckBallot says why a ballot cannot be counted: ErrForm, ErrPaper, ErrWitness,
// ErrSignature or ErrChoice, with the particulars. It returns the choice, sealed
// where the vote has scrutineers, and the ballot's hash.
func (q *Question) CheckBallot(b Ballot) (Choice, Hash, error) {
	r, err := q.reader()
	if err != nil {
		return Choice{}, Hash{}, err
	}
	choice, errs := r.check(b)
	if len(errs) > 0 {
		return Choice{}, Hash{}, errs[0]
	}
	return choice, b.Hash(r.hash), nil
}

// Good returns those of many ballots that CheckBallot would take, in their
// order. It uses all processors.
func (q *Question) Good(ballots []Ballot) ([]Ballot, error) {
	r, err := q.reader()
	if err != nil {
		return nil, err
	}
	bad := make([]bool, len(ballots))
	var wait sync.WaitGroup
	for part := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := part; i < len(ballots); i += runtime.GOMAXPROCS(0) {
				_, errs := r.check(ballots[i])
				bad[i] = len(errs) > 0
			}
		})
	}
	wait.Wait()
	good := make([]Ballot, 0, len(ballots))
	for i, b := range ballots {
		if !bad[i] {
			good = append(good, b)
		}
	}
	return good, nil
}

// reader is a question made ready for checking many ballots.
type reader struct {
	question *Question
	hash     Hash
	size     int // of a signature on a paper
	papers   blindrsa.Verifier
	witness  *blindrsa.Verifier // nil where there is none
}

func (q *Question) reader() (*reader, error) {
	hash, err := q.Hash()
	if err != nil {
		return nil, err
	}
	r := &reader{question: q, hash: hash, size: keyBits / 8}
	if r.papers, err = verifier(q.Key); err != nil || q.Witness == nil {
		return r, err
	}
	witness, err := verifier(q.Witness.Key)
	r.witness = &witness
	return r, err
}

func verifier(spki Base64) (blindrsa.Verifier, error) {
	key, err := paperKey(spki)
	if err != nil {
		return blindrsa.Verifier{}, err
	}
	return blindrsa.NewVerifier(blindrsa.SHA384PSSRandomized, key)
}

// check finds all that is wrong with one ballot.
//
// spec: rfc9474#4.5 rfc8032#5.1.7
func (r *reader) check(b Ballot) (choice Choice, errs []error) {
	witness := 0
	if r.witness != nil {
		witness = r.size
	}
	if len(b.Key) != ed25519.PublicKeySize || len(b.Prefix) != prefixLength || len(b.Paper) != r.size || len(b.Witness) != witness ||
		len(b.Signature) != ed25519.SignatureSize || b.Sequence < 1 || b.Sequence > maxSequence {
		return choice, []error{fmt.Errorf("%w: a part is missing or has the wrong length", ErrForm)}
	}
	if !soundKey(b.Key) {
		return choice, []error{fmt.Errorf("%w: the key is none that a code gives", ErrForm)}
	}
	paper := slices.Concat(b.Prefix, paperMessage(r.hash, b.Key))
	if r.papers.Verify(paper, b.Paper) != nil {
		errs = append(errs, ErrPaper)
	}
	if r.witness != nil && r.witness.Verify(paper, b.Witness) != nil {
		errs = append(errs, ErrWitness)
	}
	if !ed25519.Verify(ed25519.PublicKey(b.Key), b.message(r.hash), b.Signature) {
		errs = append(errs, ErrSignature)
	}
	choice, err := ParseChoice(b.Choice)
	if err == nil {
		err = r.question.checkCast(choice)
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("%w: %w", ErrChoice, err))
	}
	return choice, errs
}

// soundKey refuses Ed25519 keys that verifiers judge differently: those that are not written in their
// one form, and those of small order, under which one signature fits many messages. Else a voter could
// make a ballot that is good here and bad in another program, and cast doubt on the count.
//
// spec: rfc8032#5.1.3
func soundKey(key []byte) bool {
	y := slices.Clone(key)
	y[31] &= 0x7f // the sign of x
	slices.Reverse(y)
	prime := append(bytes.Repeat([]byte{0xff}, 31), 0xed)
	prime[0] = 0x7f
	if bytes.Compare(y, prime) >= 0 {
		return false
	}
	for _, small := range smallOrder {
		if string(y) == small {
			return false
		}
	}
	return true
}

// smallOrder are the y coordinates, big end first, of the eight points whose order divides eight.
var smallOrder = [...]string{
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
	"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xec",
	"\x05\xfc\x53\x6d\x88\x02\x38\xb1\x39\x33\xc6\xd3\x05\xac\xdf\xd5\xf0\x98\xef\xf2\x89\xf4\xc3\x45\xb0\x27\xb2\xc2\x8f\x95\xe8\x26",
	"\x7a\x03\xac\x92\x77\xfd\xc7\x4e\xc6\xcc\x39\x2c\xfa\x53\x20\x2a\x0f\x67\x10\x0d\x76\x0b\x3c\xba\x4f\xd8\x4d\x3d\x70\x6a\x17\xc7",
}

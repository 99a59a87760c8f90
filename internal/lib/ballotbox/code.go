package ballotbox

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// Code is the secret that a member's ballot key and paper are made of, and all
// that the member has to keep. Whoever has it can vote on the member's paper
// and see how they voted.
type Code [16]byte

// alphabet is Crockford's base 32: no I, L, O or U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	codeLetters  = 28 // of five bits: 128 of the code and 12 that check it
	checkBits    = 12
	streamLength = 255 * sha256.Size // the most that HKDF gives
	seedLength   = 32
	prefixLength = 32
	saltLength   = 48
)

// NewCode draws a code.
func NewCode(random io.Reader) (Code, error) {
	var c Code
	if _, err := io.ReadFull(random, c[:]); err != nil {
		return Code{}, fmt.Errorf("draw code: %w", err)
	}
	return c, nil
}

// number is the code followed by the bits that check it.
func (c Code) number() *big.Int {
	sum := sha256.Sum256(c[:])
	n := new(big.Int).SetBytes(c[:])
	n.Lsh(n, checkBits)
	return n.Or(n, big.NewInt(int64(sum[0])<<4|int64(sum[1])>>4))
}

// String writes the code for people: seven groups of four letters and digits.
func (c Code) String() string {
	n := c.number()
	var b strings.Builder
	for i := range codeLetters {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		at := new(big.Int).Rsh(n, uint(5*(codeLetters-1-i)))
		b.WriteByte(alphabet[at.Uint64()&31])
	}
	return b.String()
}

// ParseCode reads what a person typed: any case, spaces and hyphens anywhere,
// O for 0 and I or L for 1. A code with a slip in it is refused.
func ParseCode(text string) (Code, error) {
	var c Code
	if len(text) > 200 {
		return c, fmt.Errorf("read code: it is too long")
	}
	n, letters := new(big.Int), 0
	for _, r := range strings.ToUpper(text) {
		switch r {
		case ' ', '-', '\t', '\r', '\n', '\u00a0', '\u2010', '\u2011', '\u2013':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		at := strings.IndexRune(alphabet, r)
		if at < 0 {
			return c, fmt.Errorf("read code: %q is in no code", r)
		}
		n.Or(n.Lsh(n, 5), big.NewInt(int64(at)))
		letters++
	}
	if letters != codeLetters {
		return c, fmt.Errorf("read code: it has %d letters and digits, and a code has %d", letters, codeLetters)
	}
	new(big.Int).Rsh(n, checkBits).FillBytes(c[:])
	if c.number().Cmp(n) != 0 {
		return Code{}, fmt.Errorf("read code: a letter or digit in it is wrong")
	}
	return c, nil
}

// secrets are what a code gives for one question: the seed of the ballot key,
// and then what blinding draws, in the order in which it draws it: the prefix
// of the message, the salt of the encoding and the blinding factor, of which
// pieces as long as the modulus are tried until one is below it.
//
// spec: rfc5869 rfc9474#4.1 rfc9474#4.2
func (c Code) secrets(question Hash) (seed, rest []byte, err error) {
	stream, err := hkdf.Key(sha256.New, c[:], question[:], "rochdale/paper/v1", streamLength)
	if err != nil {
		return nil, nil, fmt.Errorf("derive from code: %w", err)
	}
	return stream[:seedLength], stream[seedLength:], nil
}

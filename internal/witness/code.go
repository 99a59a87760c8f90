package witness

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"rochdale/internal/kit/id"
)

// alphabet is Crockford's base 32: no I, L, O or U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const codeLetters = 12 // of five bits

// newCode draws a witness code: twelve letters and digits in groups of four.
func newCode() string {
	var b [codeLetters]byte
	_, _ = rand.Read(b[:]) // it never fails
	var out strings.Builder
	for i, x := range b {
		if i > 0 && i%4 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(alphabet[x&31])
	}
	return out.String()
}

// readCode reads what a person typed: any case, spaces and hyphens anywhere, O for 0 and I or L for 1. It gives
// the bare letters, or "" for what is no code.
func readCode(text string) string {
	if len(text) > 100 {
		return ""
	}
	var out strings.Builder
	for _, r := range strings.ToUpper(text) {
		switch r {
		case ' ', '-', '\t', '\r', '\n', '\u00a0', '\u2010', '\u2011', '\u2013':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(alphabet, r) {
			return ""
		}
		out.WriteRune(r)
	}
	if out.Len() != codeLetters {
		return ""
	}
	return out.String()
}

// hashCode is what is kept of a voter's code. The voter is in it, so that who has the table must try each
// code for each voter alone.
func hashCode(vote, voter id.ID, letters string) string {
	b := []byte("rochdale/witness-code/v1")
	b = binary.BigEndian.AppendUint64(b, uint64(vote))
	b = binary.BigEndian.AppendUint64(b, uint64(voter))
	h := sha256.Sum256(append(b, letters...))
	return hex.EncodeToString(h[:])
}

// fits reports in constant time whether a code is the one whose hash is kept.
func (l *line) fits(vote id.ID, letters string) bool {
	return letters != "" && l.Hash != "" && subtle.ConstantTimeCompare([]byte(hashCode(vote, l.Voter, letters)), []byte(l.Hash)) == 1
}

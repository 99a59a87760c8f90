package assets_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/lib/ballotbox"
)

// ballotSeed is the seed of a code's ballot key: who votes may do with it what they like.
func ballotSeed(t *testing.T, q *ballotbox.Question, code ballotbox.Code) []byte {
	t.Helper()
	hash, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := hkdf.Key(sha256.New, code[:], hash[:], "rochdale/paper/v1", 32)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// signAgain signs a ballot that its voter changed.
func signAgain(t *testing.T, q *ballotbox.Question, code ballotbox.Code, b *ballotbox.Ballot) {
	t.Helper()
	hash, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	msg := []byte("rochdale/ballot/v1")
	lp := func(x []byte) { msg = append(binary.BigEndian.AppendUint64(msg, uint64(len(x))), x...) }
	lp(hash[:])
	lp(b.Key)
	msg = binary.BigEndian.AppendUint64(msg, b.Sequence)
	lp([]byte(b.Choice))
	b.Signature = ed25519.Sign(ed25519.NewKeyFromSeed(ballotSeed(t, q, code)), msg)
}

// A voter who seals something else than an answer, or spoils what is sealed in any place, has a ballot that
// is published and not counted, whichever scrutineers open it.
func (p ballotPage) findsTheSpoiltAsGo(t *testing.T) {
	q := sealedTo(t, questions(t)["ranking"], 2, 3)
	choice := ballotbox.Choice{Rank: []int{2, 1, 3}}
	length := 32 + 3*32 + 24 + 4*3 + 16
	flip := func(at int) func(ballotbox.Base64) { return func(b ballotbox.Base64) { b[at] ^= 1 } }
	spoil := map[string]func(ballotbox.Base64){
		"point": flip(3), "top bit of the point": func(b ballotbox.Base64) { b[31] ^= 0x80 }, "no point": func(b ballotbox.Base64) { clear(b[:32]) },
		"first box": flip(32), "second box": flip(64), "third box": flip(127), "text": flip(128), "end of the text": flip(length - 17), "tag": flip(length - 1),
		"all": func(b ballotbox.Base64) { _, _ = rand.Read(b) }, "nothing": func(b ballotbox.Base64) { clear(b) },
	}
	names := slices.Sorted(maps.Keys(spoil))
	ballots := []ballotbox.Ballot{cast(t, q, ballotbox.Code{}, 1, choice)}
	add := func(b ballotbox.Ballot) { ballots = append(ballots, b) }
	for _, name := range names {
		code := ballotbox.Code{byte(len(ballots))}
		b := cast(t, q, code, 1, choice)
		var c ballotbox.Choice
		if err := json.Unmarshal([]byte(b.Choice), &c); err != nil {
			t.Fatal(err)
		}
		if len(c.Sealed) != length {
			t.Fatalf("a sealed choice is %d bytes long", len(c.Sealed))
		}
		spoil[name](c.Sealed)
		b.Choice = c.String()
		signAgain(t, q, code, &b)
		add(b)
	}
	copied, moved := ballotbox.Code{byte(len(ballots))}, ballotbox.Code{byte(len(ballots) + 1)}
	b := cast(t, q, copied, 1, choice)
	b.Choice = ballots[0].Choice
	signAgain(t, q, copied, &b)
	add(b)
	b = cast(t, q, moved, 1, choice)
	b.Sequence = 2
	signAgain(t, q, moved, &b)
	add(b)
	names = append(names, "copied", "moved")
	// Sealed as it should be, and no answer.
	for _, plain := range []string{`{"rank":[1,2]}`, `{"rank":[1,1,2]}`, `{"rank": [1,2,3]}`, `{"rank":[1,2,3]} `, `{"vote":"agree"}`, `{"rank":[1,2,3],"vote":"agree"}`, `{"sealed":"AAAA"}`, "null", "[]", "", "{}",
		"{\"rank\":[1,2,3]}\x00x", "\ufeff{\"rank\":[1,2,3]}", "\x00", "{\"rank\":[1,2,3]}\n", strings.Repeat(" ", 36), `{"rank":[1,2,-0]}`, `{"rank":[1,2,3.0]}`, `{"Rank":[1,2,3]}`, `{"rank":[1,2,3],"rank":[1,2,3]}`} {
		code := ballotbox.Code{byte(len(ballots))}
		b := cast(t, q, code, 1, choice)
		b.Choice = js[string](t, p.ctx, map[string]any{"question": text(t, q), "seed": hex.EncodeToString(ballotSeed(t, q, code)), "key": b.Key, "plain": plain},
			`return m.sealChoice(await m.readQuestion(data.question), raw(data.seed), m.fromBase64(data.key), 1, data.plain);`)
		signAgain(t, q, code, &b)
		add(b)
		names = append(names, fmt.Sprintf("%q", plain))
	}
	var files []string
	var want []opened
	for _, x := range pairs(3) {
		f, err := ballotbox.Publish(q, 20, ballots, []ballotbox.Reveal{reveal(t, q, x[0]), reveal(t, q, x[1])})
		if err != nil {
			t.Fatal(err)
		}
		files, want = append(files, written(t, f)), append(want, goOpens(t, f))
	}
	got := js[[]opened](t, p.ctx, files, openIt+`return Promise.all(data.map(read));`)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, o := range got {
		good := slices.DeleteFunc(slices.Clone(o.Choices), func(c *ballotbox.Choice) bool { return c == nil })
		if len(good) != 1 || len(o.Choices) != len(names)+1 {
			t.Errorf("%d of %d ballots open: %v", len(good), len(o.Choices), names)
		}
		for _, f := range o.Found {
			if f.Ballot != "" {
				t.Errorf("a spoilt ballot is found to be wrong: %v", f)
			}
		}
	}
}

// sealing is all that a sealed choice is made of, for voters with a program of their own. It is written from
// the rules, for two scrutineers who are both needed, and not from either program.
type sealing struct{ cipher, scalar, coefficient []byte }

// made is what the rules make of a secret.
func made(t *testing.T, q *ballotbox.Question, secret []byte, b *ballotbox.Ballot) sealing {
	t.Helper()
	info := binary.BigEndian.AppendUint64(append([]byte("rochdale/seal/v1"), b.Key...), b.Sequence)
	s := derived(t, q, secret, info, 96)
	return sealing{s[:32], s[32:64], s[64:]}
}

func derived(t *testing.T, q *ballotbox.Question, secret, info []byte, length int) []byte {
	t.Helper()
	hash, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	out, err := hkdf.Key(sha256.New, secret, hash[:], string(info), length)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// doubled is a number times x in the field of AES.
func doubled(x byte) byte {
	if x&0x80 != 0 {
		return x<<1 ^ 0x1b
	}
	return x << 1
}

func (s sealing) choice(t *testing.T, q *ballotbox.Question, secret []byte, b *ballotbox.Ballot, text string) string {
	t.Helper()
	private, err := ecdh.X25519().NewPrivateKey(s.scalar)
	if err != nil {
		t.Fatal(err)
	}
	point := private.PublicKey().Bytes()
	sealed := slices.Clone(point)
	for i, k := range q.Scrutineers.Keys {
		public, err := ecdh.X25519().NewPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		shared, err := private.ECDH(public)
		if err != nil {
			t.Fatal(err)
		}
		box := derived(t, q, shared, slices.Concat([]byte("rochdale/share/v1"), []byte{byte(i + 1)}, point, k), 32)
		for at := range box {
			c := s.coefficient[at]
			if i == 1 {
				c = doubled(c)
			}
			box[at] ^= secret[at] ^ c
		}
		sealed = append(sealed, box...)
	}
	block, err := aes.NewCipher(s.cipher)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	plain := make([]byte, 24+4*len(q.Options))
	copy(plain, text)
	sealed = aead.Seal(sealed, make([]byte, 12), plain, binary.BigEndian.AppendUint64(slices.Concat(hash[:], b.Key), b.Sequence))
	return ballotbox.Choice{Sealed: sealed}.String()
}

// Any secret will do, if all else follows from it: what does not is spoilt, even where both shares are right.
func (p ballotPage) opensByTheRules(t *testing.T) {
	q := sealedTo(t, questions(t)["ranking"], 2, 2)
	other := bytes.Repeat([]byte{7}, 32)
	var ballots []ballotbox.Ballot
	opens := map[string]bool{} // by ballot key
	for name, change := range map[string]func(s *sealing){
		"as it should be":  func(*sealing) {},
		"another point":    func(s *sealing) { s.scalar = other },
		"another sharing":  func(s *sealing) { s.coefficient = other },
		"no sharing":       func(s *sealing) { s.coefficient = make([]byte, 32) },
		"another cipher":   func(s *sealing) { s.cipher = other },
		"all of it others": func(s *sealing) { *s = sealing{other, other, other} },
	} {
		code := ballotbox.Code{byte(len(ballots))}
		b := cast(t, q, code, 3, q.Blank())
		secret := hashed([]byte(name))
		s := made(t, q, secret, &b)
		change(&s)
		b.Choice = s.choice(t, q, secret, &b, `{"rank":[2,1,3]}`)
		signAgain(t, q, code, &b)
		ballots, opens[b.Key.String()] = append(ballots, b), name == "as it should be"
	}
	f, err := ballotbox.Publish(q, 6, ballots, []ballotbox.Reveal{reveal(t, q, 1), reveal(t, q, 2)})
	if err != nil {
		t.Fatal(err)
	}
	want := goOpens(t, f)
	if d := cmp.Diff([]opened{want}, js[[]opened](t, p.ctx, []string{written(t, f)}, openIt+`return Promise.all(data.map(read));`)); d != "" {
		t.Error(d)
	}
	for i, c := range want.Choices {
		if (c != nil) != opens[f.Ballots[i].Key.String()] {
			t.Errorf("ballot %d says %v", i, c)
		}
	}
}

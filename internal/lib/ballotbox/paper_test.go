package ballotbox

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The vector of our variant. Its key has 4096 bits, which the published types do not take, so this goes
// through what is beneath them.
//
// spec: rfc9474#A.1
func TestVector(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/rfc9474-a1.json")
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]string
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	raw := func(name string) []byte {
		b, err := hex.DecodeString(v[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return b
	}
	number := func(name string) *big.Int { return new(big.Int).SetBytes(raw(name)) }
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: number("n"), E: exponent}, D: number("d"), Primes: []*big.Int{number("p"), number("q")}}
	key.Precompute()
	if err := key.Validate(); err != nil {
		t.Fatal(err)
	}
	r := new(big.Int).ModInverse(number("inv"), key.N)
	random := bytes.NewReader(append(append(raw("msg_prefix"), raw("salt")...), r.FillBytes(make([]byte, key.Size()))...))
	request, err := blindTo(&key.PublicKey, raw("msg"), random)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(request.blinded, raw("blinded_msg")) {
		t.Errorf("blinded message %x", request.blinded)
	}
	answer, err := (&Signer{key}).BlindSign(rand.Reader, request.blinded)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(answer, raw("blind_sig")) {
		t.Errorf("blind signature %x", answer)
	}
	signature, err := request.client.Finalize(request.state, answer)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(signature, raw("sig")) {
		t.Errorf("signature %x", signature)
	}
}

func TestSignerKeepsItsKey(t *testing.T) {
	t.Parallel()
	s := signer(t)
	der, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	other, err := ParseSigner(der)
	if err != nil {
		t.Fatal(err)
	}
	if !s.key.Equal(other.key) {
		t.Error("another key came back")
	}
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if der, err = (&Signer{small}).Marshal(); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseSigner(der); err == nil {
		t.Error("a key of 2048 bits was read")
	}
	if _, err := ParseSigner([]byte("key")); err == nil {
		t.Error("nonsense was read")
	}
	made, err := GenerateKey()
	if err != nil || made.key.N.BitLen() != keyBits || made.key.E != exponent {
		t.Errorf("made a key of %d bits: %v", made.key.N.BitLen(), err)
	}
}

func TestSignerRefuses(t *testing.T) {
	t.Parallel()
	s := signer(t)
	one := make([]byte, s.key.Size())
	one[len(one)-1] = 1
	for name, blinded := range map[string][]byte{
		"nothing": nil, "short": one[1:], "long": append([]byte{0}, one...), "zero": make([]byte, s.key.Size()),
		"modulus": s.key.N.Bytes(), "above": bytes.Repeat([]byte{0xff}, s.key.Size()),
	} {
		if _, err := s.BlindSign(rand.Reader, blinded); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
	if _, err := s.BlindSign(rand.Reader, one); err != nil {
		t.Error(err)
	}
	if _, err := s.BlindSign(strings.NewReader("little"), one); err == nil {
		t.Error("signed without randomness")
	}
	broken := *s.key
	broken.Precomputed.Dp = new(big.Int).Add(broken.Precomputed.Dp, big.NewInt(2))
	if got, err := (&Signer{&broken}).BlindSign(rand.Reader, one); err == nil {
		t.Errorf("a fault went out: %x", got)
	}
}

// Any code gives, for any question, a paper and a ballot that are good for this question only; the same
// code the same ones, and what the signer draws does not matter.
func TestAnyCodeVotes(t *testing.T) {
	t.Parallel()
	qs := map[string]*Question{}
	for method, rules := range methods() {
		for _, rule := range rules {
			qs[rule+"|"+method] = question(t, method, rule)
		}
	}
	var names []string
	for name := range qs {
		names = append(names, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		q := *qs[rapid.SampledFrom(names).Draw(t, "question")]
		q.Title = rapid.StringMatching(`\S.{0,20}`).Draw(t, "title")
		c := Code(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "code"))
		choice := rapid.SampledFrom(append(choices(q.Method), q.Blank())).Draw(t, "choice")
		sequence := rapid.Uint64Range(1, maxSequence).Draw(t, "sequence")
		typed, err := ParseCode(strings.ToLower(c.String()))
		if err != nil || typed != c {
			t.Fatalf("the code %s was read as %s: %v", c, typed, err)
		}
		tb := testingOf{t}
		first, second := tb.cast(&q, c, sequence, choice), tb.cast(&q, typed, sequence, choice)
		if d := cmp.Diff(first, second); d != "" {
			t.Fatalf("the same code gave another ballot:\n%s", d)
		}
		if _, _, err := q.CheckBallot(first); err != nil {
			t.Fatal(err)
		}
		key, err := c.Key(&q)
		if err != nil || !bytes.Equal(key, first.Key) {
			t.Fatalf("the key is %s, the ballot's %s: %v", key, first.Key, err)
		}
		read, err := ParseBallot(first.JSON())
		if err != nil || cmp.Diff(first, read) != "" {
			t.Fatalf("the ballot was read as %v: %v", read, err)
		}
		q.Body += "!"
		if _, _, err := q.CheckBallot(first); !errors.Is(err, ErrPaper) {
			t.Fatalf("in another vote the ballot is %v", err)
		}
	})
}

// testingOf casts within a property.
type testingOf struct{ t *rapid.T }

func (p testingOf) cast(q *Question, c Code, sequence uint64, choice Choice) Ballot {
	request, err := c.Blind(q)
	if err != nil {
		p.t.Fatal(err)
	}
	der, err := os.ReadFile("testdata/signer.pk8")
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := ParseSigner(der)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := s.BlindSign(rand.Reader, request.Blinded)
	if err != nil {
		p.t.Fatal(err)
	}
	paper, err := request.Finish(answer, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	b, err := c.Seal(q, paper, sequence, choice)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func TestFinishRefusesForeignAnswers(t *testing.T) {
	t.Parallel()
	q := question(t, Vote, ruleMajority)
	request, err := code(1).Blind(q)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := signer(t).BlindSign(rand.Reader, request.Blinded)
	if err != nil {
		t.Fatal(err)
	}
	answer[100] ^= 1
	if _, err := request.Finish(answer, nil); err == nil {
		t.Error("an answer that signs nothing made a paper")
	}
	if _, err := request.Finish(answer[1:], nil); err == nil {
		t.Error("a short answer made a paper")
	}
	other, err := code(2).Blind(q)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = signer(t).BlindSign(rand.Reader, other.Blinded); err != nil {
		t.Fatal(err)
	}
	if _, err := request.Finish(answer, nil); err == nil {
		t.Error("the answer to another made a paper")
	}
	paper, err := other.Finish(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := code(1).Seal(q, paper, 1, Choice{Vote: Agree}); err == nil {
		t.Error("a paper of another code was sealed")
	}
	if _, err := code(2).Seal(q, paper, 1, Choice{Marks: []int{0}}); err == nil {
		t.Error("a choice that answers nothing was sealed")
	}
}

func TestCodeIsForgiving(t *testing.T) {
	t.Parallel()
	c := Code{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	text := c.String()
	if len(text) != 34 || strings.Count(text, "-") != 6 {
		t.Fatalf("the code is written %s", text)
	}
	oh, el := strings.ReplaceAll(text, "0", "o"), strings.ReplaceAll(text, "1", "l")
	for _, typed := range []string{text, strings.ToLower(text), strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " – "), oh, el, " " + text + "\n"} {
		if got, err := ParseCode(typed); err != nil || got != c {
			t.Errorf("%q was read as %v: %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", text[:33], text + "0", "U" + text[1:], strings.Repeat("0", 300)} {
		if _, err := ParseCode(typed); err == nil {
			t.Errorf("%q was read", typed)
		}
	}
	// Every slip of one letter, and all but few of two swapped, are noticed.
	missed := 0
	letters := strings.ReplaceAll(text, "-", "")
	for i := range letters {
		for _, r := range alphabet {
			if other := letters[:i] + string(r) + letters[i+1:]; other != letters {
				if _, err := ParseCode(other); err == nil {
					missed++
				}
			}
		}
	}
	if missed > 2 { // of 868, where one in 4096 is missed
		t.Errorf("%d slips went unnoticed", missed)
	}
	if _, err := NewCode(strings.NewReader("little")); err == nil {
		t.Error("a code was drawn from too little")
	}
}

func TestSoundKey(t *testing.T) {
	t.Parallel()
	flipped := func(h string) []byte {
		b := []byte(h)
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		return b
	}
	for _, y := range smallOrder {
		key := flipped(y)
		signed := append([]byte{}, key...)
		signed[31] |= 0x80
		if soundKey(key) || soundKey(signed) {
			t.Errorf("the small key %x is taken", key)
		}
	}
	for _, y := range []string{"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"} {
		b, err := hex.DecodeString(y)
		if err != nil {
			t.Fatal(err)
		}
		if soundKey(flipped(string(b))) {
			t.Errorf("the key %s has another form and is taken", y)
		}
	}
	if !soundKey(receiptKey()[32:]) {
		t.Error("a good key is refused")
	}
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	q := question(t, Vote, ruleMajority)
	hash, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	r := SignReceipt(receiptKey(), hash, Hash{9})
	if err := q.CheckReceipt(Hash{9}, r); err != nil {
		t.Error(err)
	}
	if q.CheckReceipt(Hash{8}, r) == nil || q.CheckReceipt(Hash{9}, r[:63]) == nil {
		t.Error("a receipt for another ballot, or half of one, is taken")
	}
	q.Roll++
	if q.CheckReceipt(Hash{9}, r) == nil {
		t.Error("a receipt of another vote is taken")
	}
}

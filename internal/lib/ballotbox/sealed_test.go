package ballotbox

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rochdale/internal/lib/tally"
)

// scrutineer is the n-th one's code, from 1.
func scrutineer(n int) Code { return Code([]byte(fmt.Sprintf("scrutineer no. %d", n))) }

// sealedQuestion is question with scrutineers, and with a witness if asked for.
func sealedQuestion(tb testing.TB, method, rule string, needed, of int) *Question {
	tb.Helper()
	q := question(tb, method, rule)
	q.Scrutineers = &Scrutineers{Needed: needed}
	for n := 1; n <= of; n++ {
		_, public, err := ScrutineerKey(scrutineer(n), q.Vote)
		if err != nil {
			tb.Fatal(err)
		}
		q.Scrutineers.Keys = append(q.Scrutineers.Keys, public)
	}
	if err := q.Check(); err != nil {
		tb.Fatal(err)
	}
	return q
}

func reveals(tb testing.TB, q *Question, places ...int) (out []Reveal) {
	tb.Helper()
	for _, p := range places {
		private, _, err := ScrutineerKey(scrutineer(p), q.Vote)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, Reveal{p, private})
	}
	return out
}

// Any k of the scrutineers find the same, fewer find nothing, and what they find is what an open vote has.
func TestSealedBallotsAreOpenedByAnyK(t *testing.T) {
	t.Parallel()
	for method, rules := range methods() {
		for _, rule := range rules {
			q := sealedQuestion(t, method, rule, 2, 3)
			var ballots []Ballot
			for i, c := range choices(method) {
				b := cast(t, q, i, 1, c)
				if strings.Contains(b.Choice, "rank") || !strings.HasPrefix(b.Choice, `{"sealed":"`) {
					t.Fatalf("the choice stands open: %s", b.Choice)
				}
				if _, _, err := q.CheckBallot(b); err != nil {
					t.Fatal(err)
				}
				ballots = append(ballots, b)
			}
			closed, err := Publish(q, 7, ballots, reveals(t, q, 3))
			if err != nil {
				t.Fatal(err)
			}
			if found := Verify(closed); len(found) > 0 || closed.Seed != (Hash{}) || closed.Result.Rule != "" {
				t.Errorf("%s: a sealed file: %v, %s", rule, found, closed.Result.JSON())
			}
			want := published(t, question(t, method, rule))
			var first *File
			for _, places := range [][]int{{1, 2}, {1, 3}, {2, 3}, {3, 2, 1}} {
				f, err := Publish(q, 7, ballots, reveals(t, q, places...))
				if err != nil {
					t.Fatal(err)
				}
				if found := Verify(f); len(found) > 0 {
					t.Errorf("%s by %v: %v", rule, places, found)
				}
				if first == nil {
					first = f
				}
				if f.Seed != first.Seed || f.Seed == want.Seed {
					t.Errorf("%s by %v: the seed is %s, and was %s", rule, places, f.Seed, first.Seed)
				}
				if d := cmp.Diff(want.Result.Tallies, f.Result.Tallies); d != "" {
					t.Errorf("%s by %v: %s", rule, places, d)
				}
				if f.Result.Voted != want.Result.Voted || f.Result.Outcome != want.Result.Outcome {
					t.Errorf("%s by %v: %s", rule, places, f.Result.JSON())
				}
				text, err := f.JSON()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := ReadFile(bytes.NewReader(text)); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// What is sealed has one length, whatever it says, and no byte of two ballots stands at the same place by more
// than chance.
func TestSealedChoicesLookAlike(t *testing.T) {
	t.Parallel()
	q := sealedQuestion(t, Vote, ruleMajority, 2, 2)
	seen := map[string]bool{}
	for n, v := range []string{Agree, Agree, Disagree, Block, Abstain} {
		for sequence := range uint64(2) {
			b := cast(t, q, n, sequence+1, Choice{Vote: v})
			if len(b.Choice) != len(cast(t, q, 0, 1, Choice{Vote: Agree}).Choice) {
				t.Errorf("%q is %d bytes", v, len(b.Choice))
			}
			if seen[b.Choice] {
				t.Error("two sealed choices are the same")
			}
			seen[b.Choice] = true
			if again := cast(t, q, n, sequence+1, Choice{Vote: v}); again.Choice != b.Choice {
				t.Error("one choice is sealed in two ways")
			}
		}
	}
}

// A voter's own program can send what it likes: what does not open by the rules is spoilt, for all openers alike.
func TestSpoiltBallotsAreNotCounted(t *testing.T) {
	t.Parallel()
	q := sealedQuestion(t, Ranking, tally.RuleScottish, 2, 3)
	question, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	good := cast(t, q, 1, 1, Choice{Rank: []int{1, 2, 3}})
	sealed, err := ParseChoice(good.Choice)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte {
		s := bytes.Clone(sealed.Sealed)
		s[at] ^= 1
		return s
	}
	other := func(text string) []byte {
		s, err := q.seal(question, bytes.Repeat([]byte{7}, secretLength), good.Key, 1, text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := q.CheckChoice(Choice{Rank: []int{1, 2, 3}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sealed []byte
		counts bool
	}{
		"as it was":         {sealed.Sealed, true},
		"another secret":    {other(`{"rank":[1,2,3]}`), true},
		"point":             {flip(3), false},
		"first box":         {flip(pointLength), false},
		"a box not opened":  {flip(pointLength + 2*secretLength), false},
		"cipher":            {flip(len(sealed.Sealed) - tagLength - 3), false},
		"tag":               {flip(len(sealed.Sealed) - 1), false},
		"no answer":         {other(`{"rank":[1,1,1]}`), false},
		"not canonical":     {other(`{"rank": [1,2,3]}`), false},
		"sealed in sealed":  {other(`{"sealed":"AAAA"}`), false},
		"nothing":           {other(""), false},
		"of another ballot": {cast(t, q, 2, 1, Choice{Rank: []int{1, 2, 3}}).sealed(t), false},
		"of its sequence 2": {cast(t, q, 1, 2, Choice{Rank: []int{1, 2, 3}}).sealed(t), false},
	} {
		b := good
		key, _, err := code(1).ballotKey(question)
		if err != nil {
			t.Fatal(err)
		}
		b.Choice = Choice{Sealed: c.sealed}.String()
		b.Signature = ed25519.Sign(key, b.message(question))
		if _, _, err := q.CheckBallot(b); err != nil {
			t.Errorf("%s: the box cannot know, and refuses: %v", name, err)
			continue
		}
		for _, places := range [][]int{{1, 2}, {1, 3}, {2, 3}} {
			box, err := q.Read([]Ballot{b}, reveals(t, q, places...))
			if err != nil {
				t.Fatal(err)
			}
			if got := box.Choices[0] != nil; got != c.counts {
				t.Errorf("%s by %v: counted is %v", name, places, got)
			}
			f, err := Publish(q, 1, []Ballot{b}, reveals(t, q, places...))
			if err != nil {
				t.Fatal(err)
			}
			if found := Verify(f); len(found) > 0 || f.Result.Voted != map[bool]int{true: 1}[c.counts] {
				t.Errorf("%s by %v: %v, %d voted", name, places, found, f.Result.Voted)
			}
		}
	}
}

func (b Ballot) sealed(tb testing.TB) []byte {
	tb.Helper()
	c, err := ParseChoice(b.Choice)
	if err != nil {
		tb.Fatal(err)
	}
	return c.Sealed
}

func TestSealedVotesRefuseOpenChoices(t *testing.T) {
	t.Parallel()
	open, sealed := question(t, Ranking, tally.RuleScottish), sealedQuestion(t, Ranking, tally.RuleScottish, 2, 3)
	hash, err := sealed.Hash()
	if err != nil {
		t.Fatal(err)
	}
	b := cast(t, sealed, 1, 1, Choice{Rank: []int{1, 2, 3}})
	key, _, err := code(1).ballotKey(hash)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`{"rank":[1,2,3]}`, `{"sealed":"AAAA"}`, b.Choice[:20] + `","rank":[1,2,3]}`} {
		b.Choice = text
		b.Signature = ed25519.Sign(key, b.message(hash))
		if _, _, err := sealed.CheckBallot(b); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	if err := open.CheckChoice(Choice{Sealed: make([]byte, sealed.sealedLength())}); err == nil {
		t.Error("an open vote takes a sealed choice")
	}
}

func TestScrutineersAreChecked(t *testing.T) {
	t.Parallel()
	q := sealedQuestion(t, Vote, ruleMajority, 2, 3)
	keys := q.Scrutineers.Keys
	for name, s := range map[string]*Scrutineers{
		"one alone":   {1, keys},
		"none needed": {0, keys},
		"too few":     {4, keys},
		"twice":       {2, []Base64{keys[0], keys[0]}},
		"no key":      {2, []Base64{keys[0], {}}},
		"small order": {2, []Base64{keys[0], make(Base64, 32)}},
		"other form":  {2, []Base64{keys[0], append(slices.Clone(keys[1][:31]), keys[1][31]|0x80)}},
		"too many":    {2, slices.Repeat(keys, 4)},
	} {
		bad := *q
		bad.Scrutineers = s
		if err := bad.Check(); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	r := reveals(t, q, 2)[0]
	if err := q.CheckReveal(r); err != nil {
		t.Error(err)
	}
	for _, bad := range []Reveal{{1, r.Key}, {0, r.Key}, {4, r.Key}, {2, nil}, {2, r.Key[1:]}} {
		if err := q.CheckReveal(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	for name, list := range map[string][]Reveal{"foreign": {{1, r.Key}}, "twice": {r, r}, "order": {reveals(t, q, 3)[0], r}} {
		f, err := Publish(q, 1, []Ballot{cast(t, q, 1, 1, Choice{Vote: Agree})}, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.Reveals = list
		if found := Verify(f); !slices.ContainsFunc(found, func(x Finding) bool { return x.Kind == BadReveal }) {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

// A result that was written into a file before its ballots were opened is named.
func TestASealedFileHasNoResult(t *testing.T) {
	t.Parallel()
	q := sealedQuestion(t, Vote, ruleMajority, 2, 3)
	f, err := Publish(q, 1, []Ballot{cast(t, q, 1, 1, Choice{Vote: Agree})}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Result.Outcome = tally.Carried
	if found := Verify(f); len(found) != 1 || found[0].Kind != BadResult {
		t.Errorf("found %v", found)
	}
}

func TestSharesCombine(t *testing.T) {
	t.Parallel()
	for a := 1; a < 256; a++ {
		if times(byte(a), inverse(byte(a))) != 1 {
			t.Fatalf("%d has no inverse", a)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		needed := rapid.IntRange(2, 9).Draw(t, "needed")
		bytesOf := func(n int, name string) []byte {
			return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, name)
		}
		secret, coefficients := bytesOf(32, "secret"), bytesOf(32*(needed-1), "coefficients")
		places := rapid.Permutation([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "places")[:needed]
		var shares [][]byte
		for _, p := range places {
			shares = append(shares, share(secret, coefficients, p))
		}
		if got := combine(places, shares); !bytes.Equal(got, secret) {
			t.Fatalf("%x", got)
		}
		shares[0][0] ^= 1
		if got := combine(places, shares); bytes.Equal(got, secret) {
			t.Fatal("a share does not matter")
		}
	})
}

// witness is the key of another co-op.
var witness = sync.OnceValues(GenerateKey)

func TestAPaperNeedsTheWitness(t *testing.T) {
	t.Parallel()
	w, err := witness()
	if err != nil {
		t.Fatal(err)
	}
	q := question(t, Vote, ruleMajority)
	key, err := w.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	q.Witness = &Witness{Host: "witness.example", Key: key}
	if err := q.Check(); err != nil {
		t.Fatal(err)
	}
	c := code(1)
	request, err := c.Blind(q)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(request.Blinded, request.Witness) {
		t.Error("both are asked with the same message")
	}
	ours, err := signer(t).BlindSign(rand.Reader, request.Blinded)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := w.BlindSign(rand.Reader, request.Witness)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][2][]byte{{ours, nil}, {ours, ours}, {theirs, theirs}, {theirs, ours}} {
		if _, err := request.Finish(bad[0], bad[1]); err == nil {
			t.Error("half a paper is taken")
		}
	}
	paper, err := request.Finish(ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Seal(q, paper, 1, Choice{Vote: Agree})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := q.CheckBallot(b); err != nil {
		t.Error(err)
	}
	f, err := Publish(q, 1, []Ballot{b}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if found := Verify(f); len(found) > 0 {
		t.Error(found)
	}
	for name, tamper := range map[string]func(*Ballot) Kind{
		"none":    func(b *Ballot) Kind { b.Witness = nil; return BadForm },
		"changed": func(b *Ballot) Kind { b.Witness[3] ^= 1; return BadWitness },
		"ours":    func(b *Ballot) Kind { b.Witness = b.Paper; return BadWitness },
		"only":    func(b *Ballot) Kind { b.Paper = b.Witness; return BadPaper },
	} {
		bad := again(f)
		bad.Ballots[0].Witness = slices.Clone(b.Witness)
		kind := tamper(&bad.Ballots[0])
		if found := Verify(bad); !slices.ContainsFunc(found, func(x Finding) bool { return x.Kind == kind }) {
			t.Errorf("%s: found %v and no %q", name, found, kind)
		}
	}
	plain := cast(t, question(t, Vote, ruleMajority), 1, 1, Choice{Vote: Agree})
	plain.Witness = b.Witness
	if _, _, err := question(t, Vote, ruleMajority).CheckBallot(plain); err == nil {
		t.Error("a ballot with a witness is taken where there is none")
	}
	for name, w := range map[string]*Witness{"ourselves": {q.Coop, key}, "our key": {"witness.example", q.Key}, "no key": {"witness.example", nil}, "no host": {"", key}} {
		bad := *q
		bad.Witness = w
		if err := bad.Check(); err == nil {
			t.Errorf("witness %s is taken", name)
		}
	}
}

// What a code seals is fixed for ever: codes are printed, and the page has a twin of this.
func TestSealedVector(t *testing.T) {
	t.Parallel()
	q := sealedQuestion(t, Ranking, tally.RuleScottish, 2, 3)
	b := cast(t, q, 1, 1, Choice{Rank: []int{1, 0, 2}})
	if got, want := Hash(sha256.Sum256([]byte(b.Choice))).String(), "1f6fbd30614a5b1ce737ba57e8a6c143a5927e9a7e1223a2a7f7c841cc1d8cc2"; got != want {
		t.Errorf("the sealed choice is now %s", got)
	}
}

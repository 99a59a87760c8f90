package assets_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

var witnessKey = sync.OnceValues(ballotbox.GenerateKey)

// witness is the second signer.
func witness(tb testing.TB) *ballotbox.Signer {
	tb.Helper()
	s, err := witnessKey()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// reveal is the private key of one of the scrutineers; place is counted from 1.
func reveal(tb testing.TB, q *ballotbox.Question, place int) ballotbox.Reveal {
	tb.Helper()
	private, _, err := ballotbox.ScrutineerKey(ballotbox.Code{100, byte(place)}, q.Vote)
	if err != nil {
		tb.Fatal(err)
	}
	return ballotbox.Reveal{Place: place, Key: private}
}

// scrutineers are so many, whose keys reveal has.
func scrutineers(tb testing.TB, q *ballotbox.Question, needed, of int) *ballotbox.Scrutineers {
	tb.Helper()
	s := &ballotbox.Scrutineers{Needed: needed}
	for i := range of {
		_, public, err := ballotbox.ScrutineerKey(ballotbox.Code{100, byte(i + 1)}, q.Vote)
		if err != nil {
			tb.Fatal(err)
		}
		s.Keys = append(s.Keys, public)
	}
	return s
}

// sealedTo is a question of which all ballots are sealed, so that needed of so many can open them.
func sealedTo(tb testing.TB, q *ballotbox.Question, needed, of int) *ballotbox.Question {
	tb.Helper()
	c := *q
	c.Scrutineers = scrutineers(tb, q, needed, of)
	if err := c.Check(); err != nil {
		tb.Fatal(err)
	}
	return &c
}

// witnessed is a question whose papers a second co-op signs too.
func witnessed(tb testing.TB, q *ballotbox.Question) *ballotbox.Question {
	tb.Helper()
	c := *q
	key, err := witness(tb).PublicKey()
	if err != nil {
		tb.Fatal(err)
	}
	c.Witness = &ballotbox.Witness{Host: "witness.example", Key: key}
	if err := c.Check(); err != nil {
		tb.Fatal(err)
	}
	return &c
}

// pairs are the ways to have two of so many.
func pairs(of int) (out [][2]int) {
	for a := 1; a <= of; a++ {
		for b := a + 1; b <= of; b++ {
			out = append(out, [2]int{a, b})
		}
	}
	return out
}

// answer draws an answer to a question.
func answer(r *mathrand.Rand, q *ballotbox.Question) ballotbox.Choice {
	for {
		if c := someChoice(r, q); q.CheckChoice(c) == nil {
			return c
		}
	}
}

// Sealed ballots, scrutineers and the witness are the same in a browser and in Go.
func TestPageOfSealedBallots(t *testing.T) {
	p := ballotPage{page(t)}
	t.Run("seals as Go", p.sealsAsGo)
	t.Run("makes scrutineers' keys as Go", p.makesKeysAsGo)
	t.Run("reads questions as Go", p.readsQuestionsAsGo)
	t.Run("opens as Go", p.opensAsGo)
	t.Run("finds the spoilt as Go", p.findsTheSpoiltAsGo)
	t.Run("opens what is made by the rules only", p.opensByTheRules)
	t.Run("verifies sealed files as Go", p.verifiesSealedAsGo)
}

// One code makes the same requests and the same bytes here and there, for every method.
func (p ballotPage) sealsAsGo(t *testing.T) {
	r := mathrand.New(mathrand.NewPCG(mathrand.Uint64(), 1))
	for name, plain := range questions(t) {
		of := 2 + r.IntN(8)
		sealed := sealedTo(t, plain, 2+r.IntN(of-1), of)
		kinds := map[string]*ballotbox.Question{"sealed": sealed}
		if name == "vote" || name == "ranking" { // to blind takes a while
			kinds["witnessed"], kinds["both"] = witnessed(t, plain), witnessed(t, sealed)
		}
		for kind, q := range kinds {
			code, err := ballotbox.NewCode(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			request, err := code.Blind(q)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer(t).BlindSign(rand.Reader, request.Blinded)
			if err != nil {
				t.Fatal(err)
			}
			data := map[string]any{"question": text(t, q), "code": code.String(), "choice": answer(r, q), "sequence": 1 + r.Uint64N(1<<53-1), "signed": hex.EncodeToString(signed), "witnessed": ""}
			if q.Witness != nil {
				second, err := witness(t).BlindSign(rand.Reader, request.Witness)
				if err != nil {
					t.Fatal(err)
				}
				data["witnessed"] = hex.EncodeToString(second)
			}
			got := js[[]string](t, p.ctx, data, `
				const q = await m.readQuestion(data.question), code = await m.readCode(data.code), witnessed = data.witnessed && raw(data.witnessed);
				const { blinded, witnessBlinded, finish } = await m.blind(code, q);
				const paper = await finish(raw(data.signed), witnessed);
				const ballot = await m.seal(code, JSON.parse(JSON.stringify(paper)), q, data.sequence, data.choice);
				const refused = async (...x) => finish(...x).then(() => "taken", (e) => e.message);
				return [hex(blinded), witnessBlinded && hex(witnessBlinded), m.canonical(ballot), await m.hashOf(q, ballot),
					await refused(raw(data.signed).reverse(), witnessed), await refused(raw(data.signed)), await refused(raw(data.signed), raw(data.signed))];`)
			want := cast(t, q, code, data["sequence"].(uint64), data["choice"].(ballotbox.Choice))
			_, hash, err := q.CheckBallot(want)
			if err != nil {
				t.Fatal(err)
			}
			fine := "taken"
			if q.Witness != nil {
				fine = "witness"
			}
			if d := cmp.Diff([]string{hex.EncodeToString(request.Blinded), hex.EncodeToString(request.Witness), string(want.JSON()), hash.String(), "paper", fine, fine}, got); d != "" {
				t.Errorf("%s, %s: %s", name, kind, d)
			}
		}
	}
}

func (p ballotPage) makesKeysAsGo(t *testing.T) {
	for _, vote := range []string{"election:42", "decision:1", "election:ä"} {
		code, err := ballotbox.NewCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		private, public, err := ballotbox.ScrutineerKey(code, vote)
		if err != nil {
			t.Fatal(err)
		}
		got := js[[]string](t, p.ctx, []string{code.String(), vote}, `const k = await m.scrutineerKey(await m.readCode(data[0]), data[1]); return [k.privateKey, k.publicKey];`)
		if d := cmp.Diff([]string{private.String(), public.String()}, got); d != "" {
			t.Error(d)
		}
	}
}

// What scrutineers and witnesses a question can have.
func (p ballotPage) readsQuestionsAsGo(t *testing.T) {
	plain := questions(t)["vote"]
	good := witnessed(t, sealedTo(t, plain, 2, 3))
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&weak.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	prime := slices.Concat([]byte{0xed}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f})
	fromHex := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	changed := map[string]func(q *ballotbox.Question){
		"good":          func(*ballotbox.Question) {},
		"one is enough": func(q *ballotbox.Question) { q.Scrutineers.Needed = 1 },
		"four of three": func(q *ballotbox.Question) { q.Scrutineers.Needed = 4 },
		"three of them": func(q *ballotbox.Question) { q.Scrutineers.Needed = 3 },
		"ten":           func(q *ballotbox.Question) { q.Scrutineers = scrutineers(t, q, 2, 10) },
		"nine":          func(q *ballotbox.Question) { q.Scrutineers = scrutineers(t, q, 2, 9) },
		"none":          func(q *ballotbox.Question) { q.Scrutineers.Keys = nil },
		"twice":         func(q *ballotbox.Question) { q.Scrutineers.Keys[2] = q.Scrutineers.Keys[0] },
		"short":         func(q *ballotbox.Question) { q.Scrutineers.Keys[1] = q.Scrutineers.Keys[1][1:] },
		"top bit":       func(q *ballotbox.Question) { q.Scrutineers.Keys[1][31] |= 0x80 },
		"zero":          func(q *ballotbox.Question) { q.Scrutineers.Keys[1] = make([]byte, 32) },
		"one":           func(q *ballotbox.Question) { q.Scrutineers.Keys[1] = slices.Concat([]byte{1}, make([]byte, 31)) },
		"order of 8": func(q *ballotbox.Question) {
			q.Scrutineers.Keys[1] = fromHex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
		},
		"prime":               func(q *ballotbox.Question) { q.Scrutineers.Keys[1] = prime },
		"above the prime":     func(q *ballotbox.Question) { q.Scrutineers.Keys[1] = slices.Concat([]byte{0xf6}, prime[1:]) },
		"below the prime":     func(q *ballotbox.Question) { q.Scrutineers.Keys[1] = slices.Concat([]byte{0xeb}, prime[1:]) },
		"one below the prime": func(q *ballotbox.Question) { q.Scrutineers.Keys[1] = slices.Concat([]byte{0xec}, prime[1:]) },
		"same key":            func(q *ballotbox.Question) { q.Witness.Key = q.Key },
		"same host":           func(q *ballotbox.Question) { q.Witness.Host = q.Coop },
		"no host":             func(q *ballotbox.Question) { q.Witness.Host = "" },
		"long host":           func(q *ballotbox.Question) { q.Witness.Host = strings.Repeat("ä", 127) },
		"weak key":            func(q *ballotbox.Question) { q.Witness.Key = spki },
		"no key":              func(q *ballotbox.Question) { q.Witness.Key = nil },
		"key and more":        func(q *ballotbox.Question) { q.Witness.Key = append(slices.Clone(q.Witness.Key), 0) },
		"key of another kind": func(q *ballotbox.Question) { q.Witness.Key = unparameterized(t, q.Witness.Key) },
	}
	texts := map[string]string{
		"null":   strings.Replace(text(t, good), `"scrutineers":{`, `"scrutineers":null,"x":{`, 1),
		"order":  strings.Replace(text(t, good), `"needed":2,"keys":[`, `"keys":["`+good.Scrutineers.Keys[0].String()+`"],"needed":2,"x":[`, 1),
		"more":   strings.Replace(text(t, good), `"host":`, `"name":"x","host":`, 1),
		"half":   strings.Replace(text(t, good), `"needed":2`, `"needed":2.5`, 1),
		"text":   strings.Replace(text(t, good), `"needed":2`, `"needed":"2"`, 1),
		"number": strings.Replace(text(t, good), `"host":"witness.example"`, `"host":7`, 1),
	}
	for name, change := range changed {
		q := *good
		q.Scrutineers = &ballotbox.Scrutineers{Needed: good.Scrutineers.Needed}
		for _, k := range good.Scrutineers.Keys {
			q.Scrutineers.Keys = append(q.Scrutineers.Keys, slices.Clone(k))
		}
		w := *good.Witness
		q.Witness = &w
		change(&q)
		texts[name] = text(t, &q)
	}
	got := js[map[string]bool](t, p.ctx, texts, `
		const taken = async (x) => m.readQuestion(x).then(() => true, () => false);
		return Object.fromEntries(await Promise.all(Object.entries(data).map(async ([name, x]) => [name, await taken(x)])));`)
	want := map[string]bool{}
	for name, x := range texts {
		_, err := ballotbox.ParseQuestion([]byte(x))
		want[name] = err == nil
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	maps.DeleteFunc(want, func(_ string, is bool) bool { return !is })
	if d := cmp.Diff([]string{"above the prime", "below the prime", "good", "nine", "three of them"}, slices.Sorted(maps.Keys(want))); d != "" {
		t.Errorf("what is taken: %s", d)
	}
}

// unparameterized is a key without the NULL that stands for the parameters of RSA, which there are none of.
func unparameterized(t *testing.T, spki ballotbox.Base64) ballotbox.Base64 {
	t.Helper()
	var key struct {
		Algorithm struct {
			OID  asn1.ObjectIdentifier
			Null asn1.RawValue `asn1:"optional"`
		}
		Key asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &key); err != nil {
		t.Fatal(err)
	}
	key.Algorithm.Null = asn1.RawValue{}
	out, err := asn1.Marshal(key)
	if err != nil || len(out) != len(spki)-2 {
		t.Fatalf("%d bytes, %v", len(out), err)
	}
	return out
}

// opened is what the page and Go say of a file.
type opened struct {
	Sealed  bool                `json:"sealed"`
	Choices []*ballotbox.Choice `json:"choices"`
	Found   []finding           `json:"found"`
	Result  string              `json:"result"` // outcome of the page's own count, and its lots
}

const openIt = `
	const read = async (text) => {
		const { file, hashes, choices, sealed, opened, found } = await m.verifyFile(text);
		const r = sealed ? {} : m.count(file.question, choices.filter(Boolean), hashes, opened);
		return { sealed, choices, found: found.map((f) => ({ Kind: f.kind, Ballot: f.ballot ?? "" })), result: JSON.stringify([r.outcome, r.elected, (r.lots ?? []).map((l) => l.drawn)]) };
	};`

// goOpens is what Go says of it.
func goOpens(t *testing.T, f *ballotbox.File) opened {
	t.Helper()
	box, err := f.Read()
	if err != nil {
		t.Fatal(err)
	}
	o := opened{Sealed: box.Sealed, Choices: box.Choices, Found: []finding{}, Result: `[null,null,[]]`}
	if o.Choices == nil {
		o.Choices = []*ballotbox.Choice{}
	}
	if !box.Sealed {
		r, err := box.Count()
		if err != nil {
			t.Fatal(err)
		}
		drawn := [][]string{}
		for _, l := range r.Lots {
			drawn = append(drawn, l.Drawn)
		}
		b, err := json.Marshal([]any{r.Outcome, r.Elected, drawn})
		if err != nil {
			t.Fatal(err)
		}
		o.Result = string(b)
	}
	for _, x := range ballotbox.Verify(f) {
		g := finding{Kind: string(x.Kind)}
		if x.Ballot != (ballotbox.Hash{}) {
			g.Ballot = x.Ballot.String()
		}
		if g.Kind != string(ballotbox.BadResult) {
			o.Found = append(o.Found, g)
		}
	}
	return o
}

func written(t *testing.T, f *ballotbox.File) string {
	t.Helper()
	b, err := f.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each pair of the scrutineers finds the same choices and lots, and one of them finds nothing.
func (p ballotPage) opensAsGo(t *testing.T) {
	q := witnessed(t, sealedTo(t, questions(t)["ranking"], 2, 4))
	var ballots []ballotbox.Ballot
	for i, ranks := range [][]int{{1, 2, 3}, {2, 1, 3}, {0, 0, 0}, {3, 2, 1}, {0, 0, 1}, {1, 0, 0}} {
		ballots = append(ballots, cast(t, q, ballotbox.Code{byte(i)}, 1, ballotbox.Choice{Rank: ranks}))
	}
	var files []string
	var want []opened
	add := func(places ...int) {
		var reveals []ballotbox.Reveal
		for _, x := range places {
			reveals = append(reveals, reveal(t, q, x))
		}
		f, err := ballotbox.Publish(q, 6, ballots, reveals)
		if err != nil {
			t.Fatal(err)
		}
		files, want = append(files, written(t, f)), append(want, goOpens(t, f))
	}
	add()
	add(3)
	for _, x := range pairs(4) {
		add(x[0], x[1])
	}
	add(1, 2, 4)
	add(1, 2, 3, 4)
	got := js[[]opened](t, p.ctx, files, openIt+`return Promise.all(data.map(read));`)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for i, o := range want {
		if o.Sealed != (i < 2) || len(o.Found) > 0 {
			t.Errorf("file %d: sealed %v, found %v", i, o.Sealed, o.Found)
		}
		if i > 2 && cmp.Diff(want[2], o) != "" {
			t.Errorf("file %d says other things than file 2: %s", i, cmp.Diff(want[2], o))
		}
	}
	// The other methods, once.
	files, want = nil, nil
	for name, plain := range questions(t) {
		q := sealedTo(t, plain, 3, 5)
		var ballots []ballotbox.Ballot
		r := mathrand.New(mathrand.NewPCG(7, 7))
		for i := range 4 {
			ballots = append(ballots, cast(t, q, ballotbox.Code{byte(i)}, uint64(i+1), answer(r, q)))
		}
		f, err := ballotbox.Publish(q, 4, ballots, []ballotbox.Reveal{reveal(t, q, 1), reveal(t, q, 4), reveal(t, q, 5)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files, want = append(files, written(t, f)), append(want, goOpens(t, f))
	}
	if d := cmp.Diff(want, js[[]opened](t, p.ctx, files, openIt+`return Promise.all(data.map(read));`)); d != "" {
		t.Error(d)
	}
}

// A file that was tampered with is found out in the same words, sealed or opened.
func (p ballotPage) verifiesSealedAsGo(t *testing.T) {
	q := witnessed(t, sealedTo(t, questions(t)["marks"], 2, 3))
	var ballots []ballotbox.Ballot
	for i, marks := range [][]int{{0, 1}, {}, {2}, {1, 2}} {
		ballots = append(ballots, cast(t, q, ballotbox.Code{byte(i)}, 1, ballotbox.Choice{Marks: marks}))
	}
	flip := func(b ballotbox.Base64) ballotbox.Base64 { c := slices.Clone(b); c[9] ^= 4; return c }
	again := func(f *ballotbox.File, change func(ballotbox.Base64) ballotbox.Base64) {
		var c ballotbox.Choice
		if err := json.Unmarshal([]byte(f.Ballots[1].Choice), &c); err != nil {
			t.Fatal(err)
		}
		c.Sealed = change(c.Sealed)
		f.Ballots[1].Choice = c.String()
	}
	tampered := map[string]func(f *ballotbox.File){
		"good":            func(*ballotbox.File) {},
		"witness":         func(f *ballotbox.File) { f.Ballots[1].Witness = flip(f.Ballots[1].Witness) },
		"paper":           func(f *ballotbox.File) { f.Ballots[1].Paper = flip(f.Ballots[1].Paper) },
		"swapped":         func(f *ballotbox.File) { b := &f.Ballots[1]; b.Paper, b.Witness = b.Witness, b.Paper },
		"twice the paper": func(f *ballotbox.File) { f.Ballots[1].Witness = f.Ballots[1].Paper },
		"no witness":      func(f *ballotbox.File) { f.Ballots[1].Witness = nil },
		"short witness":   func(f *ballotbox.File) { f.Ballots[1].Witness = f.Ballots[1].Witness[1:] },
		"plain":           func(f *ballotbox.File) { f.Ballots[1].Choice = `{"marks":[1]}` },
		"other form":      func(f *ballotbox.File) { f.Ballots[1].Choice = strings.Replace(f.Ballots[1].Choice, ":", ": ", 1) },
		"sealed and more": func(f *ballotbox.File) {
			f.Ballots[1].Choice = strings.Replace(f.Ballots[1].Choice, "{", `{"marks":[1],`, 1)
		},
		"padded":  func(f *ballotbox.File) { f.Ballots[1].Choice = strings.Replace(f.Ballots[1].Choice, `"}`, `="}`, 1) },
		"short":   func(f *ballotbox.File) { again(f, func(b ballotbox.Base64) ballotbox.Base64 { return b[1:] }) },
		"long":    func(f *ballotbox.File) { again(f, func(b ballotbox.Base64) ballotbox.Base64 { return append(b, 0) }) },
		"changed": func(f *ballotbox.File) { again(f, flip) },
		"order":   func(f *ballotbox.File) { f.Ballots[0], f.Ballots[2] = f.Ballots[2], f.Ballots[0] },
		"twice":   func(f *ballotbox.File) { f.Ballots = slices.Insert(f.Ballots, 1, f.Ballots[1]) },
		"dropped": func(f *ballotbox.File) { f.Ballots = f.Ballots[1:] },
		"papers":  func(f *ballotbox.File) { f.Papers = 2 },
		"seed":    func(f *ballotbox.File) { f.Seed[3] ^= 1 },
		"title":   func(f *ballotbox.File) { f.Question.Title += "." },
		"other key": func(f *ballotbox.File) {
			f.Reveals = slices.Clone(f.Reveals)
			f.Reveals[0].Key = flip(f.Reveals[0].Key)
		},
		"short key":    func(f *ballotbox.File) { f.Reveals = slices.Clone(f.Reveals); f.Reveals[0].Key = f.Reveals[0].Key[1:] },
		"place 0":      func(f *ballotbox.File) { f.Reveals = slices.Clone(f.Reveals); f.Reveals[0].Place = 0 },
		"place -1":     func(f *ballotbox.File) { f.Reveals = slices.Clone(f.Reveals); f.Reveals[0].Place = -1 },
		"place 4":      func(f *ballotbox.File) { f.Reveals = slices.Clone(f.Reveals); f.Reveals[len(f.Reveals)-1].Place = 4 },
		"other place":  func(f *ballotbox.File) { f.Reveals = slices.Clone(f.Reveals); f.Reveals[0].Place = 2 },
		"reveal twice": func(f *ballotbox.File) { f.Reveals = append(slices.Clone(f.Reveals), f.Reveals[0]) },
		"backwards":    func(f *ballotbox.File) { f.Reveals = slices.Clone(f.Reveals); slices.Reverse(f.Reveals) },
		"closed again": func(f *ballotbox.File) { f.Reveals = f.Reveals[:1] },
		"no reveals":   func(f *ballotbox.File) { f.Reveals = nil },
	}
	var names, files []string
	var want []opened
	for _, places := range [][]int{{1}, {1, 3}, {1, 2, 3}} {
		var reveals []ballotbox.Reveal
		for _, x := range places {
			reveals = append(reveals, reveal(t, q, x))
		}
		good, err := ballotbox.Publish(q, 6, ballots, reveals)
		if err != nil {
			t.Fatal(err)
		}
		for name, tamper := range tampered {
			f := *good
			f.Ballots = slices.Clone(good.Ballots)
			tamper(&f)
			read, err := ballotbox.ReadFile(strings.NewReader(written(t, &f)))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			names, files, want = append(names, fmt.Sprint(name, places)), append(files, written(t, &f)), append(want, goOpens(t, read))
			// A file that is sealed still has nothing yet by which these could be seen.
			fine := name == "good" || len(places) == 1 && slices.Contains([]string{"backwards", "no reveals", "closed again", "dropped"}, name)
			if found := len(want[len(want)-1].Found) > 0; found == fine {
				t.Errorf("%s with the keys %v: Go finds %v", name, places, want[len(want)-1].Found)
			}
		}
	}
	got := js[[]opened](t, p.ctx, files, openIt+`return Promise.all(data.map(read));`)
	sorted := cmp.Transformer("sorted", func(list []finding) []string {
		out := []string{}
		for _, f := range list {
			out = append(out, f.Kind+" "+f.Ballot)
		}
		slices.Sort(out)
		return slices.Compact(out)
	})
	for i := range names {
		if d := cmp.Diff(want[i], got[i], sorted); d != "" {
			t.Errorf("%s:\n%s", names[i], d)
		}
	}
	f, err := ballotbox.Publish(q, 6, ballots, []ballotbox.Reveal{reveal(t, q, 1), reveal(t, q, 2)})
	if err != nil {
		t.Fatal(err)
	}
	good := written(t, f)
	bad := []string{
		strings.Replace(good, `"reveals":[`, `"reveals":[],"x":[`, 1), strings.Replace(good, `"reveals":[`, `"reveals":null,"x":[`, 1), strings.Replace(good, `"place":1`, `"place":1.5`, 1), strings.Replace(good, `"place":1`, `"place":"1"`, 1),
		strings.Replace(good, `"place":1`, `"who":"x","place":1`, 1), strings.Replace(good, f.Reveals[0].Key.String(), f.Reveals[0].Key.String()+"=", 1),
		strings.Replace(good, `"reveals":[`, `"reveals":[`+strings.Repeat(`{"place":1,"key":"AA"},`, 8), 1), strings.Replace(good, `"witness":"`+f.Ballots[0].Witness.String(), `"witness":"`, 1),
	}
	for i, x := range bad {
		if _, err := ballotbox.ReadFile(strings.NewReader(x)); err == nil {
			t.Errorf("Go takes file %d", i)
		}
	}
	taken := js[[]bool](t, p.ctx, append(bad, good), `return Promise.all(data.map((x) => m.verifyFile(x).then(() => true, () => false)));`)
	for i, is := range taken {
		if is != (i == len(bad)) {
			t.Errorf("file %d: taken is %v", i, is)
		}
	}
}

// What a reader of the page waits for: 1,000 ballots, opened by 3 of 5.
func BenchmarkPageOpens1000(b *testing.B) {
	p := ballotPage{page(b)}
	q := sealedTo(b, questions(b)["ranking"], 3, 5)
	first := cast(b, q, ballotbox.Code{}, 1, q.Blank())
	f := &ballotbox.File{Question: *q, Papers: 20, Result: tally.Result{}}
	for i := range 1000 {
		code := ballotbox.Code{byte(i), byte(i >> 8), 1}
		key, err := code.Key(q)
		if err != nil {
			b.Fatal(err)
		}
		// The paper is that of another: it takes as long to find out as that it is not.
		sealed, err := code.Seal(q, ballotbox.Paper{Key: key, Prefix: first.Prefix, Signature: first.Paper}, 1, ballotbox.Choice{Rank: []int{1, 2, 3}})
		if err != nil {
			b.Fatal(err)
		}
		f.Ballots = append(f.Ballots, sealed)
	}
	times := map[string]time.Duration{}
	for b.Loop() {
		for name, reveals := range map[string][]ballotbox.Reveal{"sealed": nil, "opened": {reveal(b, q, 1), reveal(b, q, 2), reveal(b, q, 5)}} {
			f.Reveals = reveals
			text, err := f.JSON()
			if err != nil {
				b.Fatal(err)
			}
			took := js[[]float64](b, p.ctx, string(text), `
				const begun = performance.now(), { choices } = await m.verifyFile(data);
				return [performance.now() - begun, choices.filter(Boolean).length];`)
			if want := map[string]float64{"sealed": 0, "opened": 1000}[name]; took[1] != want {
				b.Fatalf("%s: %v ballots could be read", name, took[1])
			}
			times[name] += time.Duration(took[0] * float64(time.Millisecond))
		}
	}
	for name, took := range times {
		b.ReportMetric(took.Seconds()*1000/float64(b.N), name+"-ms")
	}
}

// Where the browser does not know X25519, the library makes and opens the same.
func TestPageWithoutX25519(t *testing.T) {
	p := ballotPage{page(t)}
	js[bool](t, p.ctx, nil, `
		const own = SubtleCrypto.prototype.importKey;
		window.asked = 0;
		SubtleCrypto.prototype.importKey = function (form, key, how, ...more) {
			if ((how.name ?? how) !== "X25519") return own.call(this, form, key, how, ...more);
			window.asked++;
			return Promise.reject(new DOMException("not here", "NotSupportedError"));
		};
		return true;`)
	t.Run("seals as Go", p.sealsAsGo)
	t.Run("makes scrutineers' keys as Go", p.makesKeysAsGo)
	t.Run("reads questions as Go", p.readsQuestionsAsGo)
	t.Run("finds the spoilt as Go", p.findsTheSpoiltAsGo)
	if asked := js[int](t, p.ctx, nil, `return window.asked;`); asked != 1 {
		t.Errorf("the browser was asked %d times", asked)
	}
}

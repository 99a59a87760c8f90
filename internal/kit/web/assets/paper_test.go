package assets_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/testkit/chrome"
	"rochdale/internal/kit/web/assets"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

const boxData = "../../../lib/ballotbox/testdata/"

// page is an empty page under the pages' policy, with the script for ballots as m.
func page(tb testing.TB) context.Context {
	tb.Helper()
	mux := http.NewServeMux()
	mux.Handle(assets.Prefix, assets.Handler())
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>Ballots</title>"))
	})
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	ctx := chrome.Open(tb, 2*time.Minute)
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		tb.Fatal(err)
	}
	return ctx
}

// js runs the body of a function of the ballot script's module m, of data, and of two that turn bytes
// into hexadecimal and back.
func js[T any](tb testing.TB, ctx context.Context, data any, body string) T {
	tb.Helper()
	given, err := json.Marshal(data)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](`(async () => {
		const m = await import("`+assets.URL("ballot.js")+`"), data = `+string(given)+`;
		const hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
		const raw = (s) => Uint8Array.from(s.match(/../g), (x) => parseInt(x, 16));
		`+body+`
	})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.Fatalf("%.300s: %v", body, err)
	}
	return out
}

func signer(tb testing.TB) *ballotbox.Signer {
	tb.Helper()
	der, err := os.ReadFile(boxData + "signer.pk8")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := ballotbox.ParseSigner(der)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

var receiptKey = ed25519.NewKeyFromSeed(make([]byte, 32))

// questions has a sound question for each method and for what the rules allow.
func questions(tb testing.TB) map[string]*ballotbox.Question {
	tb.Helper()
	key, err := signer(tb).PublicKey()
	if err != nil {
		tb.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	of := func(method, rule string, seats int, s ballotbox.Settings) *ballotbox.Question {
		q := &ballotbox.Question{
			Format: ballotbox.Format, Coop: "coop.example", Vote: "election:42", Title: "Board <2027> & \u2028 \u2029 \x7f \x01 more", Body: "Zoë says: \"Ćao\"\t\\ 😀\n",
			Method: method, Rule: rule, Seats: seats, Settings: s, Options: []ballotbox.Option{{ID: "7", Name: "Ada"}, {ID: "8", Name: "Béla"}, {ID: "9", Name: "Chidi"}},
			Roll: 20, Opens: at, Closes: at.Add(time.Hour), Key: key, ReceiptKey: ballotbox.Base64(receiptKey.Public().(ed25519.PublicKey)),
		}
		if method == ballotbox.Vote {
			q.Options = []ballotbox.Option{}
		}
		if err := q.Check(); err != nil {
			tb.Fatal(err)
		}
		return q
	}
	half := tally.Ratio{Num: 1, Den: 2}
	return map[string]*ballotbox.Question{
		"ranking": of(ballotbox.Ranking, tally.RuleScottish, 2, ballotbox.Settings{Quorum: half}),
		"schulze": of(ballotbox.Ranking, "schulze/wv+last", 1, ballotbox.Settings{}),
		"marks":   of(ballotbox.Marks, tally.RuleApproval, 1, ballotbox.Settings{}),
		"one":     of(ballotbox.Marks, tally.RuleApproval, 1, ballotbox.Settings{Max: 1}),
		"score":   of(ballotbox.Points, "score/v1", 0, ballotbox.Settings{Low: -2, High: 5}),
		"dots":    of(ballotbox.Points, "dots/v1", 0, ballotbox.Settings{Dots: 5}),
		"vote":    of(ballotbox.Vote, "majority/v1", 0, ballotbox.Settings{Threshold: half}),
		"block":   of(ballotbox.Vote, "majority/v1", 0, ballotbox.Settings{Threshold: half, Block: true}),
	}
}

// someChoices are in form; not all answer all questions.
func someChoices() []ballotbox.Choice {
	var out []ballotbox.Choice
	values := []int{-1, 0, 1, 2, 3, 4, 6}
	for _, a := range values {
		out = append(out, ballotbox.Choice{Marks: []int{a}}, ballotbox.Choice{Rank: []int{a}})
		for _, b := range values {
			out = append(out, ballotbox.Choice{Marks: []int{a, b}})
			for _, c := range values {
				out = append(out, ballotbox.Choice{Rank: []int{a, b, c}}, ballotbox.Choice{Points: []int64{int64(a), int64(b), int64(c)}})
			}
		}
	}
	for _, v := range []string{"agree", "abstain", "disagree", "block", "Agree", "no"} {
		out = append(out, ballotbox.Choice{Vote: v})
	}
	return append(out, ballotbox.Choice{Marks: []int{}}, ballotbox.Choice{Marks: []int{0, 1, 2}}, ballotbox.Choice{Rank: []int{}}, ballotbox.Choice{Points: []int64{}})
}

func text(tb testing.TB, q *ballotbox.Question) string {
	tb.Helper()
	b, err := q.JSON()
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// cast votes in Go.
func cast(tb testing.TB, q *ballotbox.Question, code ballotbox.Code, sequence uint64, c ballotbox.Choice) ballotbox.Ballot {
	tb.Helper()
	request, err := code.Blind(q)
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := signer(tb).BlindSign(rand.Reader, request.Blinded)
	if err != nil {
		tb.Fatal(err)
	}
	var witnessed []byte
	if request.Witness != nil {
		if witnessed, err = witness(tb).BlindSign(rand.Reader, request.Witness); err != nil {
			tb.Fatal(err)
		}
	}
	paper, err := request.Finish(answer, witnessed)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := code.Seal(q, paper, sequence, c)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// The script of the ballots does in a browser what ballotbox does in Go. The parts share one tab, one
// after the other.
func TestPageOfBallots(t *testing.T) {
	p := ballotPage{page(t)}
	t.Run("blinds by the vector", p.blindsByTheVector)
	t.Run("votes as Go", p.votesAsGo)
	t.Run("reads codes as Go", p.readsCodesAsGo)
	t.Run("asks for two papers at once", p.asksForTwoPapersAtOnce)
	t.Run("verifies as Go", p.verifiesAsGo)
	t.Run("refuses other files", p.refusesOtherFiles)
	t.Run("is light", p.isLight)
}

type ballotPage struct{ ctx context.Context }

// spec: rfc9474#A.1
func (p ballotPage) blindsByTheVector(t *testing.T) {
	file, err := os.ReadFile(boxData + "rfc9474-a1.json")
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]string
	if err := json.Unmarshal(file, &v); err != nil {
		t.Fatal(err)
	}
	n, _ := new(big.Int).SetString(v["n"], 16)
	inv, _ := new(big.Int).SetString(v["inv"], 16)
	v["r"] = hex.EncodeToString(new(big.Int).ModInverse(inv, n).FillBytes(make([]byte, 512)))
	got := js[[]string](t, p.ctx, v, `
		const n = m.toBase64(raw(data.n));
		const key = await crypto.subtle.importKey("jwk", { kty: "RSA", n, e: "AQAB" }, { name: "RSA-PSS", hash: "SHA-384" }, true, ["verify"]);
		const { blinded, finish } = await m.blindMessage(key, raw(data.msg), raw(data.msg_prefix + data.salt + data.r));
		return [hex(blinded), hex(await finish(raw(data.blind_sig)))];`)
	if d := cmp.Diff([]string{v["blinded_msg"], v["sig"]}, got); d != "" {
		t.Error(d)
	}
}

// One code makes the same request and the same ballot here and there, on a paper that Go signs; what the
// page finds an answer is what Go does.
func (p ballotPage) votesAsGo(t *testing.T) {
	choices := someChoices()
	for name, q := range questions(t) {
		var fits []bool
		var valid []ballotbox.Choice
		for _, c := range choices {
			fits = append(fits, q.CheckChoice(c) == nil)
			if q.CheckChoice(c) == nil {
				valid = append(valid, c)
			}
		}
		got := js[[]bool](t, p.ctx, map[string]any{"question": text(t, q), "choices": choices}, `
			const q = await m.readQuestion(data.question);
			return data.choices.map((c) => m.answers(q, c));`)
		for i, c := range choices {
			if got[i] != fits[i] {
				t.Errorf("%s: that %s answers is %v in the page", name, c, got[i])
			}
		}
		for sequence := range uint64(2) {
			choice := valid[mathrand.IntN(len(valid))]
			code, err := ballotbox.NewCode(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			request, err := code.Blind(q)
			if err != nil {
				t.Fatal(err)
			}
			data := map[string]any{"question": text(t, q), "code": code.String(), "choice": choice, "sequence": sequence*1<<40 + 1}
			blinded := js[string](t, p.ctx, data, `return hex((await m.blind(await m.readCode(data.code), await m.readQuestion(data.question))).blinded);`)
			if blinded != hex.EncodeToString(request.Blinded) {
				t.Fatalf("%s: the code %s makes another request", name, code)
			}
			answer, err := signer(t).BlindSign(rand.Reader, request.Blinded)
			if err != nil {
				t.Fatal(err)
			}
			data["answer"] = hex.EncodeToString(answer)
			sent := js[[]string](t, p.ctx, data, `
				const q = await m.readQuestion(data.question), code = await m.readCode(data.code.toLowerCase().replaceAll("-", " "));
				const paper = await (await m.blind(code, q)).finish(raw(data.answer));
				const ballot = await m.seal(code, JSON.parse(JSON.stringify(paper)), q, data.sequence, data.choice);
				const refused = await (await m.blind(code, q)).finish(raw(data.answer).reverse()).then(() => "no", () => "yes");
				return [m.canonical(ballot), await m.hashOf(q, ballot), refused];`)
			b, err := ballotbox.ParseBallot([]byte(sent[0]))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, hash, err := q.CheckBallot(b)
			if err != nil {
				t.Errorf("%s: the page's ballot: %v", name, err)
			}
			if d := cmp.Diff(cast(t, q, code, sequence*1<<40+1, choice), b); d != "" {
				t.Errorf("%s: the page's ballot differs:\n%s", name, d)
			}
			if sent[1] != hash.String() || sent[2] != "yes" {
				t.Errorf("%s: the hash is %s in the page and %s here, and a wrong answer was refused: %s", name, sent[1], hash, sent[2])
			}
			question, err := q.Hash()
			if err != nil {
				t.Fatal(err)
			}
			receipt := ballotbox.SignReceipt(receiptKey, question, hash)
			data["receipt"], data["hash"] = receipt, hash
			good := js[[]bool](t, p.ctx, data, `
				const q = await m.readQuestion(data.question), other = data.hash.replace(/./, (c) => (c === "0" ? "1" : "0"));
				return [m.checkReceipt(q, data.hash, data.receipt), m.checkReceipt(q, other, data.receipt), m.checkReceipt(q, data.hash, data.receipt.slice(4))];`)
			if d := cmp.Diff([]bool{true, false, false}, good); d != "" {
				t.Errorf("%s: receipts: %s", name, d)
			}
		}
	}
}

func (p ballotPage) readsCodesAsGo(t *testing.T) {
	made := js[[][]string](t, p.ctx, nil, `
		const out = [];
		for (let i = 0; i < 50; i++) {
			const code = m.newCode();
			out.push([hex(code), await m.writeCode(code)]);
		}
		return out;`)
	var typed []string
	for _, c := range made {
		code, err := ballotbox.ParseCode(c[1])
		if err != nil || hex.EncodeToString(code[:]) != c[0] || code.String() != c[1] {
			t.Errorf("the page writes %s as %s: %v", c[0], c[1], err)
		}
		at := mathrand.IntN(len(c[1]))
		typed = append(typed, strings.ToLower(c[1]), strings.ReplaceAll(c[1], "-", " – "), strings.ReplaceAll(strings.ReplaceAll(c[1], "0", "O"), "1", "i"),
			c[1][:at]+"7"+c[1][at+1:], c[1][:at]+c[1][at+1:], c[1][:at]+"ß"+c[1][at:], c[1]+"0")
	}
	typed = append(typed, "", "U", strings.Repeat("0", 28))
	got := js[[]string](t, p.ctx, typed, `return Promise.all(data.map((x) => m.readCode(x).then(hex, () => "")));`)
	for i, x := range typed {
		want := ""
		if code, err := ballotbox.ParseCode(x); err == nil {
			want = hex.EncodeToString(code[:])
		}
		if got[i] != want {
			t.Errorf("%q is %q in the page and %q here", x, got[i], want)
		}
	}
}

// Two requests at once do not draw from each other's code.
func (p ballotPage) asksForTwoPapersAtOnce(t *testing.T) {
	q := questions(t)["vote"]
	var want []string
	for i := range 3 {
		request, err := ballotbox.Code{byte(i)}.Blind(q)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, hex.EncodeToString(request.Blinded))
	}
	got := js[[]string](t, p.ctx, text(t, q), `
		const q = await m.readQuestion(data);
		const all = [0, 1, 2].map((i) => m.blind(Uint8Array.of(i, ...new Array(15).fill(0)), q));
		return (await Promise.all(all)).map((r) => hex(r.blinded));`)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

type finding struct{ Kind, Ballot string }

// The page takes a file that Go made, and names the same ballots of one that was tampered with.
func (p ballotPage) verifiesAsGo(t *testing.T) {
	qs := questions(t)
	q := qs["ranking"]
	file := func(q *ballotbox.Question, choices ...ballotbox.Choice) *ballotbox.File {
		var ballots []ballotbox.Ballot
		for i, c := range choices {
			ballots = append(ballots, cast(t, q, ballotbox.Code{byte(i)}, 1, c))
		}
		f, err := ballotbox.Publish(q, 6, ballots, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	ranks := []ballotbox.Choice{{Rank: []int{1, 2, 3}}, {Rank: []int{0, 0, 0}}, {Rank: []int{2, 1, 0}}, {Rank: []int{3, 1, 2}}, {Rank: []int{1, 0, 0}}}
	flip := func(b ballotbox.Base64) ballotbox.Base64 { c := slices.Clone(b); c[9] ^= 4; return c }
	tampered := map[string]func(f *ballotbox.File){
		"good":      func(*ballotbox.File) {},
		"record":    func(f *ballotbox.File) { f.Record = json.RawMessage(`{"entry":"… 1.0 \u2028"}`) },
		"paper":     func(f *ballotbox.File) { f.Ballots[1].Paper = flip(f.Ballots[1].Paper) },
		"prefix":    func(f *ballotbox.File) { f.Ballots[1].Prefix = flip(f.Ballots[1].Prefix) },
		"signature": func(f *ballotbox.File) { f.Ballots[1].Signature = flip(f.Ballots[1].Signature) },
		"high s": func(f *ballotbox.File) {
			f.Ballots[1].Signature = slices.Concat(f.Ballots[1].Signature[:32], bytes.Repeat([]byte{255}, 32))
		},
		"choice":      func(f *ballotbox.File) { f.Ballots[1].Choice = `{"rank":[0,1,0]}` },
		"no choice":   func(f *ballotbox.File) { f.Ballots[1].Choice = `{"rank":[0,0,5]}` },
		"other form":  func(f *ballotbox.File) { f.Ballots[1].Choice = `{"rank": [0,0,1]}` },
		"nonsense":    func(f *ballotbox.File) { f.Ballots[1].Choice = `null` },
		"key":         func(f *ballotbox.File) { f.Ballots[1].Key = flip(f.Ballots[1].Key) },
		"short key":   func(f *ballotbox.File) { f.Ballots[1].Key = f.Ballots[1].Key[1:] },
		"small key":   func(f *ballotbox.File) { f.Ballots[1].Key = make(ballotbox.Base64, 32) },
		"large key":   func(f *ballotbox.File) { f.Ballots[1].Key = bytes.Repeat([]byte{255}, 32) },
		"no paper":    func(f *ballotbox.File) { f.Ballots[1].Paper = nil },
		"sequence":    func(f *ballotbox.File) { f.Ballots[1].Sequence++ },
		"no sequence": func(f *ballotbox.File) { f.Ballots[1].Sequence = 0 },
		"order":       func(f *ballotbox.File) { f.Ballots[1], f.Ballots[3] = f.Ballots[3], f.Ballots[1] },
		"twice":       func(f *ballotbox.File) { f.Ballots = slices.Insert(f.Ballots, 1, f.Ballots[1]) },
		"dropped":     func(f *ballotbox.File) { f.Ballots = f.Ballots[1:] },
		"papers":      func(f *ballotbox.File) { f.Papers = 2 },
		"roll":        func(f *ballotbox.File) { f.Papers = 21 },
		"seed":        func(f *ballotbox.File) { f.Seed[3] ^= 1 },
		"title":       func(f *ballotbox.File) { f.Question.Title += "." },
		"rule":        func(f *ballotbox.File) { f.Question.Rule = tally.RuleMeek },
	}
	check := func(name string, f *ballotbox.File) {
		written, err := f.JSON()
		if err != nil {
			t.Fatal(err)
		}
		read, err := ballotbox.ReadFile(bytes.NewReader(written))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := map[finding]bool{}
		for _, x := range ballotbox.Verify(read) {
			f := finding{Kind: string(x.Kind)}
			if x.Ballot != (ballotbox.Hash{}) {
				f.Ballot = x.Ballot.String()
			}
			want[f] = true
		}
		if maps.DeleteFunc(want, func(f finding, _ bool) bool { return f.Kind == string(ballotbox.BadResult) }); name != "good" && name != "record" && len(want) == 0 {
			t.Errorf("%s: Go finds nothing", name)
		}
		list := js[[]finding](t, p.ctx, string(written), `
			let last;
			const { file, hashes, found } = await m.verifyFile(data, (done, all) => (last = [done, all].join()));
			if (last !== [hashes.length, file.ballots.length].join()) found.push({ kind: "progress " + last });
			return found.map((f) => ({ Kind: f.kind, Ballot: f.ballot ?? "" }));`)
		got := map[finding]bool{}
		for _, f := range list {
			got[f] = true
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	good := file(q, ranks...)
	for name, tamper := range tampered {
		f := *good
		f.Ballots = slices.Clone(good.Ballots)
		tamper(&f)
		check(name, &f)
	}
	check("good", file(qs["vote"], ballotbox.Choice{Vote: "agree"}, ballotbox.Choice{Vote: "abstain"}))
	check("good", file(qs["marks"], ballotbox.Choice{Marks: []int{}}, ballotbox.Choice{Marks: []int{0, 2}}))
	check("good", file(qs["score"], ballotbox.Choice{Points: []int64{-2, 0, 5}}))
	check("good", file(qs["schulze"]))
}

func (p ballotPage) refusesOtherFiles(t *testing.T) {
	f, err := ballotbox.Publish(questions(t)["vote"], 1, []ballotbox.Ballot{cast(t, questions(t)["vote"], ballotbox.Code{}, 1, ballotbox.Choice{Vote: "agree"})}, nil)
	if err != nil {
		t.Fatal(err)
	}
	written, err := f.JSON()
	if err != nil {
		t.Fatal(err)
	}
	good := string(written)
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&weak.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	small := strings.Replace(good, f.Question.Key.String(), ballotbox.Base64(spki).String(), 1)
	files := []string{
		"", "{}", "null", strings.Replace(good, `"format"`, ` "format"`, 1), strings.Replace(good, `&`, `\u0026`, 1), strings.Replace(good, "ballots/v1", "ballots/v2", 1),
		strings.Replace(good, `"prefix":"`, `"prefix":"=`, 1), strings.Replace(good, `"sequence":1`, `"sequence":1.5`, 1), strings.Replace(good, `"sequence":1`, `"member":7,"sequence":1`, 1),
		strings.Replace(good, `"papers":1`, `"papers":"1"`, 1), small,
	}
	got := js[[]bool](t, p.ctx, append(files, good), `return Promise.all(data.map((x) => m.verifyFile(x).then(() => true, () => false)));`)
	for i, taken := range got {
		if taken != (i == len(files)) {
			t.Errorf("file %d: taken is %v", i, taken)
		}
	}
}

// What a member waits for between "give me a paper" and having one, the network apart, and what the
// script weighs on the wire.
func (p ballotPage) isLight(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, assets.URL("ballot.js"), nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	assets.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.Len() > 60_000 {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
	q := questions(t)["ranking"]
	request, err := ballotbox.Code{}.Blind(q)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := signer(t).BlindSign(rand.Reader, request.Blinded)
	if err != nil {
		t.Fatal(err)
	}
	times := js[[]float64](t, p.ctx, map[string]any{"question": text(t, q), "answer": hex.EncodeToString(answer)}, `
		const q = await m.readQuestion(data.question), code = new Uint8Array(16);
		const times = [performance.now()];
		const { finish } = await m.blind(code, q);
		times.push(performance.now());
		const paper = await finish(raw(data.answer));
		times.push(performance.now());
		await m.seal(code, paper, q, 1, { rank: [1, 0, 2] });
		times.push(performance.now());
		return times;`)
	said := fmt.Sprintf("script %d bytes; blind %.0f ms, finish %.0f ms, seal %.0f ms", w.Body.Len(), times[1]-times[0], times[2]-times[1], times[3]-times[2])
	t.Log(said)
	if times[3]-times[0] > 5000 {
		t.Error(said)
	}
}

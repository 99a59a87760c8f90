package assets_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/testkit/chrome"
	"rochdale/internal/kit/web/assets"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// site is a server with pages of forms as the script takes them up, and a browser before it. Its words are
// their own names.
type site struct {
	t    *testing.T
	ctx  context.Context
	base string

	came chan struct{} // what came by POST without a door

	mu    sync.Mutex
	pages map[string]string
	sent  []string                                              // what came by POST: path and body
	doors map[string]func(body []byte) (answer any, status int) // by path: what answers a POST in JSON
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, came: make(chan struct{}, 1), pages: map[string]string{}, doors: map[string]func([]byte) (any, int){}}
	mux := http.NewServeMux()
	mux.Handle(assets.Prefix, assets.Handler())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			s.sent = append(s.sent, r.URL.Path+" "+string(body))
			if door := s.doors[r.URL.Path]; door != nil {
				answer, status := door(body)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(answer)
				return
			}
			s.came <- struct{}{}
		}
		page, ok := s.pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if strings.HasPrefix(page, "<") {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			page = `<!doctype html><title>Forms</title><script type="module" src="` + assets.URL("ballot.js") + `"></script>` + page
		}
		_, _ = w.Write([]byte(page))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.ctx, s.base = chrome.Open(t, 2*time.Minute), server.URL
	return s
}

// visit opens a page whose body this is.
func (s *site) visit(path, body string) {
	s.t.Helper()
	s.mu.Lock()
	s.pages[path] = body
	s.mu.Unlock()
	if err := chromedp.Do(s.ctx, chromedp.Navigate(s.base+path)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) look(expression string) string {
	s.t.Helper()
	return js[string](s.t, s.ctx, nil, `const $ = (x) => document.querySelector(x); return String(`+expression+`);`)
}

// send does what sends a form, and waits until it came. The page goes away meanwhile, so it does it later.
func (s *site) send(expression string) {
	s.t.Helper()
	s.look(`setTimeout(() => (` + expression + `))`)
	select {
	case <-s.came:
	case <-s.ctx.Done():
		s.t.Fatal("the form was not sent")
	}
	// The answer has to be there before another page is asked for. While it comes nothing can be evaluated.
	for s.ctx.Err() == nil {
		there, err := chromedp.Run(s.ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && document.body.innerText.trim() === "done"`))
		if err == nil && there {
			return
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.t.Fatal("the form was not answered")
}

// until waits in the page for an expression to become true.
func (s *site) until(expression string) {
	s.t.Helper()
	waited := js[string](s.t, s.ctx, nil, `const $ = (x) => document.querySelector(x);
		const end = performance.now() + 20000;
		while (!(`+expression+`)) {
			if (performance.now() > end) return document.body.innerText;
			await new Promise((go) => setTimeout(go, 20));
		}
		return "";`)
	if waited != "" {
		s.t.Fatalf("waited in vain for %s: %s", expression, waited)
	}
}

// posts are the bodies that were sent to a path since the last look.
func (s *site) posts(path string) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sent {
		if body, ok := strings.CutPrefix(x, path+" "); ok {
			out = append(out, body)
		}
	}
	s.sent = nil
	return out
}

func wordsOf(names ...string) string {
	words := map[string]string{}
	for _, name := range names {
		words[name] = name + " %s"
	}
	b, _ := json.Marshal(words)
	return html.EscapeString(string(b))
}

const codeOffer = `<output data-code></output><button type="button" data-copy-code data-done="Copied"><span>Copy</span></button><button type="button" data-print-code>Print</button>`

// A scrutineer registers the public key of a code that the page makes, and gives up the private one by the
// code alone. The code itself is never sent.
func TestScrutineersForms(t *testing.T) {
	s := newSite(t)
	offer := `<form method="post" action="/registered" data-scrutineer data-offer data-vote="election:42" data-words="` + wordsOf("insecure") + `">` + codeOffer +
		`<input name="key" required><label><input type="checkbox" data-noted>I have noted it</label><button type="submit">Be a scrutineer</button></form>`
	s.pages["/registered"] = "<p>done"
	s.visit("/offer", offer)
	s.until(`$("[data-code]").textContent.length === 34 && !$("[data-noted]").disabled`)
	if got := s.look(`[$("[type=submit]").disabled, $("[name=key]").type, $("form").dataset.ready].join()`); got != "true,hidden," {
		t.Errorf("before the code is noted: %s", got)
	}
	first := s.look(`$("[data-code]").textContent`)
	s.visit("/offer", offer)
	s.until(`$("[data-code]").textContent.length === 34 && !$("[data-noted]").disabled`)
	text := s.look(`$("[data-code]").textContent`)
	if text == first {
		t.Error("the same code is offered twice")
	}
	s.look(`$("[data-noted]").click()`)
	s.look(`$("[data-noted]").click()`)
	if s.look(`$("[type=submit]").disabled`) != "true" {
		t.Error("the form can be sent, and the code is not noted any more")
	}
	s.look(`$("[data-noted]").click()`)
	s.send(`$("[type=submit]").click()`)
	code, err := ballotbox.ParseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	private, public, err := ballotbox.ScrutineerKey(code, "election:42")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"key=" + public.String()}, s.posts("/registered")); d != "" {
		t.Error(d)
	}

	s.pages["/revealed"] = "<p>done"
	s.visit("/reveal", `<form method="post" action="/revealed" data-reveal data-vote="election:42" data-key="`+public.String()+`" data-words="`+wordsOf("insecure", "no-code", "code", "other-code")+`">`+
		`<input data-typed-code><input name="key" required><input type="hidden" name="place" value="3"><div data-problem hidden><p></p></div><button type="submit">Open</button></form>`)
	for _, x := range [][2]string{{"", "no-code"}, {strings.Replace(text, text[:1], "U", 1), "code"}, {first, "other-code"}} {
		s.look(`($("[data-typed-code]").value = "` + x[0] + `", $("[type=submit]").click())`)
		s.until(`$("[data-problem] p").textContent === "` + x[1] + ` %s" && !$("[data-problem]").hidden`)
	}
	if got := s.posts("/revealed"); len(got) > 0 || s.look(`$("[name=key]").value`) != "" {
		t.Errorf("a wrong code was sent: %q", got)
	}
	s.send(`$("[data-typed-code]").value = "` + strings.ToLower(text) + `", $("[type=submit]").click()`)
	if d := cmp.Diff([]string{"key=" + private.String() + "&place=3"}, s.posts("/revealed")); d != "" {
		t.Error(d)
	}
}

// A member takes a paper that two have to sign, with the code that they have from the witness, and casts a
// sealed ballot on it.
func TestBoothWithAWitness(t *testing.T) {
	s := newSite(t)
	q := witnessed(t, sealedTo(t, questions(t)["vote"], 2, 3))
	question, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	type asked struct {
		Blinded        ballotbox.Base64 `json:"blinded"`
		WitnessBlinded ballotbox.Base64 `json:"witness_blinded"`
		WitnessCode    string           `json:"witness_code"`
	}
	s.doors["/vote/paper"] = func(body []byte) (any, int) {
		var in asked
		if err := json.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		signed, err := signer(t).BlindSign(rand.Reader, in.Blinded)
		if err != nil {
			t.Error(err)
		}
		second, err := witness(t).BlindSign(rand.Reader, in.WitnessBlinded)
		if err != nil {
			t.Error(err)
		}
		answer := map[string]ballotbox.Base64{"signed": signed, "witness": second}
		switch in.WitnessCode {
		case "AWAY":
			return map[string]string{"error": "The witness cannot be reached now."}, http.StatusConflict
		case "SILENT":
			delete(answer, "witness")
		case "LIES":
			answer["witness"] = signed
		case "OURS":
			answer["signed"] = second
		}
		return answer, http.StatusOK
	}
	var cast []ballotbox.Ballot
	s.doors["/vote/box"] = func(body []byte) (any, int) {
		b, err := ballotbox.ParseBallot(body)
		if err != nil {
			t.Error(err)
		}
		_, hash, err := q.CheckBallot(b)
		if err != nil {
			t.Error(err)
		}
		cast = append(cast, b)
		return map[string]any{"ballot": hash, "receipt": ballotbox.SignReceipt(receiptKey, question, hash)}, http.StatusOK
	}
	s.pages["/vote/question"] = text(t, q)
	s.visit("/vote", `<form data-booth="/vote" data-hash="`+question.String()+`" data-method="vote" data-voter="7" data-words="`+
		wordsOf("changed", "choose", "no-code", "code", "paper", "pause", "box", "network", "busy", "refused", "bad-paper", "bad-witness", "no-witness-code", "receipt", "vote-agree")+`">
		<input type="radio" name="vote" value="agree" checked>
		<div data-new-code hidden>`+codeOffer+`<button type="button" data-have-code>Mine</button></div><div data-old-code hidden><input name="code" data-typed-code disabled></div>
		<label data-witness>Code of the witness<input name="witness_code" data-witness-code required></label>
		<button type="submit" data-cast data-first="Cast" data-again="Change" formnovalidate>Cast</button><p data-progress></p>
		<div data-problem hidden><p></p></div><div data-receipt tabindex="-1" hidden><span data-choice></span><a data-keep>Keep</a></div></form>`)
	s.until(`$("[data-code]").textContent.length === 34`)
	code := s.look(`$("[data-code]").textContent`)
	try := func(witnessCode, problem string) {
		t.Helper()
		s.look(`($("[data-witness-code]").value = "` + witnessCode + `", $("button[data-cast]").click())`)
		s.until(`$("[data-problem] p").textContent.startsWith("` + problem + `") && !$("button[data-cast]").hasAttribute("aria-busy")`)
	}
	try(" ", "no-witness-code")
	if got := s.posts("/vote/paper"); len(got) > 0 {
		t.Errorf("a paper was asked for without the witness's code: %q", got)
	}
	try("AWAY", "refused The witness cannot be reached")
	if got := s.look(`[$("[data-code]").textContent, $("[data-have-code]").hidden, $("[data-new-code]").hidden].join()`); got != code+",false,false" {
		t.Errorf("while the witness is away the code is lost: %s", got)
	}
	try("SILENT", "bad-witness")
	try("LIES", "bad-witness")
	try("OURS", "bad-paper")
	s.look(`($("[data-witness-code]").value = " abcd-efgh ", $("button[data-cast]").click())`)
	s.until(`!$("[data-receipt]").hidden`)
	if got := s.look(`[$("[data-code]").textContent, $("[data-choice]").textContent, $("[data-witness]").hidden, $("[data-witness-code]").disabled, $("[data-witness-code]").value].join()`); got != code+",vote-agree %s,true,true," {
		t.Errorf("after the vote: %s", got)
	}
	s.look(`$("button[data-cast]").click()`)
	s.until(`JSON.parse(sessionStorage.getItem("booth:/vote:7")).sequence === 2 && !$("[data-receipt]").hidden`)
	var last asked
	papers := s.posts("/vote/paper")
	if len(papers) != 5 || json.Unmarshal([]byte(papers[4]), &last) != nil || last.WitnessCode != "abcd-efgh" {
		t.Errorf("%d papers were asked for, at last with %s", len(papers), last.WitnessCode)
	}
	read, err := ballotbox.ParseCode(code)
	if err != nil {
		t.Fatal(err)
	}
	request, err := read.Blind(q)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(request.Blinded, last.Blinded) || !bytes.Equal(request.Witness, last.WitnessBlinded) || strings.Contains(strings.Join(papers, ""), code) {
		t.Error("what was asked for is not what the code makes, or has the code in it")
	}
	box, err := q.Read(cast, []ballotbox.Reveal{reveal(t, q, 2), reveal(t, q, 3)})
	if err != nil || len(cast) != 2 || cast[1].Sequence != 2 || box.Choices[1] == nil || box.Choices[1].Vote != ballotbox.Agree {
		t.Errorf("in the box: %+v, %v", box, err)
	}
}

// log is a record of two entries, signed.
type log struct{ leaves [2]string }

func hashed(parts ...[]byte) []byte {
	sum := sha256.Sum256(slices.Concat(parts...))
	return sum[:]
}

// record is what a published file has of it.
func (l log) record(t *testing.T, withOpened bool) map[string]any {
	t.Helper()
	b64 := base64.StdEncoding.EncodeToString
	h := [2][]byte{hashed([]byte{0}, []byte(l.leaves[0])), hashed([]byte{0}, []byte(l.leaves[1]))}
	root := hashed([]byte{1}, h[0], h[1])
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
	public := slices.Concat([]byte{1}, key.Public().(ed25519.PublicKey))
	id := hashed([]byte("log.example\n"), public)[:4]
	note := fmt.Sprintf("log.example\n2\n%s\n", b64(root))
	entry := func(i int) map[string]any {
		return map[string]any{"seq": i + 1, "size": 2, "root": b64(root), "leaf": l.leaves[i], "path": []string{b64(h[1-i])}}
	}
	r := map[string]any{"entry": entry(0), "checkpoint": note + "\n— log.example " + b64(slices.Concat(id, ed25519.Sign(key, []byte(note)))) + "\n",
		"key": "log.example+" + hex.EncodeToString(id) + "+" + b64(public)}
	if withOpened {
		r["opened"] = entry(1)
	}
	return r
}

func leafOf(t *testing.T, seq int, kind string, state, data any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"state": state, "data": data})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("rochdale record v1\n%d\nthe one before\n%s\nthe time\n%s", seq, kind, body)
}

// recorded puts the record of the close, and of the opening with this state if there is one, into a file.
func recorded(t *testing.T, f *ballotbox.File, opened any) string {
	t.Helper()
	question, err := f.Question.Hash()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := f.Entries()
	if err != nil {
		t.Fatal(err)
	}
	l := log{[2]string{leafOf(t, 1, "ballot.closed", map[string]any{"question": question, "papers": f.Papers, "ballots": len(f.Ballots), "box": "the box"}, map[string]any{"ballots": entries}), "something else"}}
	if opened != nil {
		l.leaves[1] = leafOf(t, 2, "ballot.unsealed", opened, nil)
	}
	c := *f
	if c.Record, err = json.Marshal(l.record(t, opened != nil)); err != nil {
		t.Fatal(err)
	}
	return written(t, &c)
}

// The page of a vote whose ballots were sealed: recounted while they are, and when they are opened.
func TestCheckOfSealedBallots(t *testing.T) {
	s := newSite(t)
	q := sealedTo(t, questions(t)["ranking"], 2, 3)
	var ballots []ballotbox.Ballot
	for i, ranks := range [][]int{{1, 2, 3}, {2, 1, 3}, {1, 0, 0}, {3, 2, 1}, {0, 0, 1}, {1, 0, 0}, {1, 2, 0}, {0, 1, 0}, {2, 0, 1}, {0, 1, 2}} {
		ballots = append(ballots, cast(t, q, ballotbox.Code{byte(i)}, 1, ballotbox.Choice{Rank: ranks}))
	}
	code := ballotbox.Code{99}
	spoilt := cast(t, q, code, 1, q.Blank())
	spoilt.Choice = ballots[0].Choice
	signAgain(t, q, code, &spoilt)
	ballots = append(ballots, spoilt)
	publish := func(places ...int) *ballotbox.File {
		var reveals []ballotbox.Reveal
		for _, x := range places {
			reveals = append(reveals, reveal(t, q, x))
		}
		f, err := ballotbox.Publish(q, 12, ballots, reveals)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	question, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	state := func(f *ballotbox.File) map[string]any {
		return map[string]any{"question": question, "box": "the box", "result": hex.EncodeToString(hashed(f.Result.JSON()))}
	}
	words := wordsOf("working", "checking", "network", "unread", "question", "insecure", "code", "mine", "mine-more", "mine-bad", "mine-spoilt", "none", "receipt-form", "receipt-other", "receipt-bad",
		"receipt-there", "receipt-later", "receipt-missing", "signed", "witness", "numbers", "seed", "same", "stages", "other", "unknown", "record", "record-none", "record-opened", "record-proof",
		"record-unsigned", "record-bad", "record-result", "cannot", "fits", "broken", "failed", "uncounted", "sealed", "still-sealed", "opened", "spoilt", "early", "choice-sealed", "choice-spoilt", "blank-ballot")
	body := `<div data-check="/file" data-hash="` + question.String() + `" data-words="` + words + `"><form data-find><input name="code"><button>Find</button></form>
		<form data-show><textarea name="receipt"></textarea><button>Check</button></form><ul data-found="find"></ul>
		<button type="button" data-recount>Recount</button><progress data-progress hidden></progress><p data-verdict tabindex="-1"></p><ul data-found="recount"></ul>
		<template data-how="good"><li>good: <p></p></li></template><template data-how="bad"><li>bad: <p></p></li></template><template data-how="note"><li>note: <p></p></li></template></div>`
	hash := regexp.MustCompile(`[0-9a-f]{64}`)
	items := func(where string) []string {
		text := s.look(`[...document.querySelectorAll("[data-found=` + where + `] li")].map((x) => x.textContent.trim()).join("|")`)
		out := strings.Split(hash.ReplaceAllString(text, "#"), "|")
		for i := range out {
			out[i] = strings.TrimSpace(strings.ReplaceAll(out[i], "%s", ""))
		}
		return out
	}
	sealed, opened := publish(), publish(1, 3)
	more := publish(1, 2, 3)
	early := *sealed
	early.Result = opened.Result
	hidden := *sealed // of which the record says that it was opened
	other := state(opened)
	other["result"] = strings.Repeat("0", 64)
	elsewhere := state(opened)
	elsewhere["question"] = strings.Repeat("0", 64)
	others := state(opened)
	others["box"] = "another"
	closing := []string{"note: still-sealed 0", "good: record", "good: record-proof 2", "note: cannot"}
	for name, x := range map[string]struct {
		file, result string
		said         []string
	}{
		"sealed":    {recorded(t, sealed, nil), "sealed", slices.Concat([]string{"good: signed 11", "good: numbers 11"}, closing)},
		"one key":   {recorded(t, publish(2), nil), "sealed", []string{"note: still-sealed 1"}},
		"early":     {recorded(t, &early, nil), "broken", []string{"bad: early"}},
		"opened":    {recorded(t, opened, state(opened)), "fits", []string{"good: opened 2", "note: spoilt #", "good: seed #", "good: same stv/scottish2007", "good: record", "good: record-opened", "good: record-proof 2"}},
		"by all":    {recorded(t, more, state(more)), "fits", []string{"good: opened 3", "note: spoilt #"}},
		"no entry":  {recorded(t, opened, nil), "broken", []string{"note: record-none"}},
		"other":     {recorded(t, opened, other), "broken", []string{"bad: record-result", "good: record-proof 2"}},
		"elsewhere": {recorded(t, opened, elsewhere), "broken", []string{"bad: record-result"}},
		"others":    {recorded(t, opened, others), "broken", []string{"bad: record-result"}},
		"hidden":    {recorded(t, &hidden, state(opened)), "broken", []string{"note: still-sealed 0", "bad: record-result"}},
		"forged":    {strings.Replace(recorded(t, opened, state(opened)), `"seq":2`, `"seq":1`, 1), "broken", []string{"bad: record-bad"}},
		"other act": {strings.Replace(recorded(t, opened, state(opened)), `ballot.unsealed`, `ballot.closed`, 1), "broken", []string{"note: record-none"}},
	} {
		s.pages["/file"] = x.file
		s.visit("/check", body)
		s.until(`$("[data-recount]")`)
		s.look(`$("[data-recount]").click()`)
		s.until(`$("[data-check]").dataset.result`)
		said := items("recount")
		for i := range said {
			if strings.HasPrefix(said[i], "good: record-proof") {
				said[i] = "good: record-proof 2"
			}
		}
		if got := s.look(`$("[data-check]").dataset.result + "," + $("[data-verdict]").textContent`); got != x.result+","+x.result+" %s" {
			t.Errorf("%s: %s, %q", name, got, said)
		}
		for _, want := range x.said {
			if !slices.Contains(said, want) {
				t.Errorf("%s: it does not say %q but %q", name, want, said)
			}
		}
	}
	receipt := func(i int) string {
		h := ballots[i].Hash(question)
		b, err := json.Marshal(map[string]any{"question": question, "ballot": h, "receipt": ballotbox.SignReceipt(receiptKey, question, h), "key": ballots[i].Key, "sequence": 1})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, x := range map[string]struct {
		file          *ballotbox.File
		i             int
		mine, receipt string
	}{
		"sealed": {sealed, 0, "good: mine choice-sealed", "good: receipt-there choice-sealed"},
		"opened": {opened, 1, "good: mine 1. Béla, 2. Ada, 3. Chidi", "good: receipt-there 1. Béla, 2. Ada, 3. Chidi"},
		"spoilt": {opened, 10, "bad: mine-spoilt", "good: receipt-there choice-spoilt"},
	} {
		s.pages["/file"] = written(t, x.file)
		s.visit("/check", body)
		mine := ballotbox.Code{byte(x.i)}
		if x.i == 10 {
			mine = code
		}
		s.until(`$("[data-find]")`)
		s.look(`($("[name=code]").value = "` + mine.String() + `", $("[data-find] button").click())`)
		s.until(`$("[data-found=find] li")`)
		if got := items("find"); got[0] != x.mine {
			t.Errorf("%s: by the code it finds %q", name, got)
		}
		s.look(`($("[name=receipt]").value = ` + "`" + receipt(x.i) + "`" + `, $("[data-show] button").click())`)
		s.until(`$("[data-found=find] li")?.textContent.includes("receipt")`)
		if got := items("find"); got[0] != x.receipt {
			t.Errorf("%s: by the receipt it finds %q", name, got)
		}
	}
	if opened.Result.Rule != tally.RuleScottish {
		t.Errorf("the result is by %s", opened.Result.Rule)
	}
}

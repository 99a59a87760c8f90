package ballot_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/testkit/chrome"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/ballotbox"
)

// tab is a real browser before a station.
type tab struct {
	*station
	ctx  context.Context
	base string

	mu    sync.Mutex
	seen  []string // requests: method, path, whether signed in
	found []string // complaints of the browser
}

func newTab(t *testing.T, s *station) *tab {
	t.Helper()
	x := &tab{station: s}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/assets/") {
			x.mu.Lock()
			x.seen = append(x.seen, fmt.Sprintf("%s %s cookie=%v referer=%v", r.Method, strings.TrimPrefix(r.URL.Path, s.at("")), r.Header.Get("Cookie") != "", r.Referer() != ""))
			x.mu.Unlock()
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	x.ctx, x.base = chrome.Open(t, 3*time.Minute), server.URL
	go func() {
		for m, err := range chromedp.Console(x.ctx) {
			if err != nil {
				return // the tab is gone
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.Type == chromedp.ConsoleException {
				x.mu.Lock()
				x.found = append(x.found, m.Text)
				x.mu.Unlock()
			}
		}
	}()
	return x
}

func (x *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	if err := chromedp.Do(x.ctx, steps...); err != nil {
		x.t.Fatal(err)
	}
}

func look[T any](x *tab, expression string) T {
	x.t.Helper()
	out, err := chromedp.Run(x.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		x.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

// until waits in the page for an expression to become true.
func (x *tab) until(expression string) {
	x.t.Helper()
	_, err := chromedp.Run(x.ctx, chromedp.Evaluate[bool](`new Promise((done, fail) => {
		const end = performance.now() + 20000;
		const look = () => (`+expression+`) ? done(true) : performance.now() > end ? fail(new Error("waited in vain")) : setTimeout(look, 20);
		look();
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.t.Fatalf("wait for %s: %v; the browser says %v, the page %.3000s", expression, err, x.found, look[string](x, `document.querySelector("main").innerText`))
	}
}

// visit opens the vote's page as a member; 0 is a visitor.
func (x *tab) visit(member int, query string) {
	x.t.Helper()
	x.run(chromedp.Navigate(x.base + x.at("/question")))
	look[bool](x, fmt.Sprintf(`document.cookie = "%s=%d; path=/", true`, web.SessionCookie, member))
	x.run(chromedp.Navigate(x.base + x.at("") + query))
}

func (x *tab) key(name string, code int64) {
	x.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{"keyDown", "keyUp"} {
		if _, err := chromedp.Call(x.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: name, WindowsVirtualKeyCode: code}); err != nil {
			x.t.Fatal(err)
		}
	}
}

func (x *tab) grip(name string) {
	x.t.Helper()
	look[bool](x, `document.querySelector('[data-name="`+name+`"] [data-grip]').focus(), true`)
}

const cast = `document.querySelector("[data-cast]").click(), true`

// chosen is what the selects say, by the places of the candidates.
func (x *tab) chosen() string {
	x.t.Helper()
	return look[string](x, `[...document.querySelectorAll(".ranking select")].sort((a, b) => a.name < b.name ? -1 : 1).map((s) => s.value || "0").join("")`)
}

// A member votes with script, changes the vote, comes back with the code in another tab; after the close
// anybody finds the ballot, checks the receipt and recounts.
func TestVotingInABrowser(t *testing.T) {
	s := newStation(t, 6)
	x := newTab(t, s)
	x.visit(1000, "")
	x.until(`document.querySelector("[data-code]")?.textContent.length === 34`)
	code := look[string](x, `document.querySelector("[data-code]").textContent`)
	if _, err := ballotbox.ParseCode(code); err != nil {
		t.Errorf("the code %q: %v", code, err)
	}
	if look[bool](x, `!!document.querySelector("[data-server-code]")`) {
		t.Error("the server's code is still in the form")
	}
	// By keys: numbers put a candidate in place, arrows move, 0 takes out.
	x.grip("Cy")
	x.key("1", '1')
	x.grip("Bo")
	x.key("1", '1')
	if got := x.chosen(); got != "012" {
		t.Errorf("after two numbers: %s", got)
	}
	x.key("ArrowDown", 40)
	x.grip("Ada")
	x.key("ArrowUp", 38)
	if got := x.chosen(); got != "321" {
		t.Errorf("after arrows: %s", got)
	}
	x.key("0", '0')
	said := look[string](x, `document.querySelector("[data-order]").textContent + "|" + document.activeElement.getAttribute("aria-label")`)
	if got := x.chosen(); got != "021" || said != "Your order: 1 Cy, 2 Bo.|Ada: move. Not ranked." {
		t.Errorf("taken out: %s, and it says %s", got, said)
	}
	look[bool](x, cast)
	x.until(`document.querySelector("[data-receipt]").hidden === false`)
	if told := look[string](x, `document.querySelector("[data-choice]").textContent`); told != "1. Cy, 2. Bo" {
		t.Errorf("what was cast is told as %q", told)
	}
	x.picture("cast")
	if kept := look[string](x, `document.querySelector("[data-code]").textContent`); kept != code {
		t.Errorf("the code became %s", kept)
	}
	x.prints(code)
	receipt := look[string](x, `sessionStorage.getItem("booth:`+s.at("")+`:1000")`)
	if strings.Contains(look[string](x, `Object.keys(localStorage).join()`), "booth") || !strings.Contains(receipt, code) {
		t.Error("the code is kept elsewhere than in the tab")
	}
	// Again, in the same tab and after a reload: the paper is not asked for a second time.
	x.run(chromedp.Reload())
	x.until(`document.querySelector("[data-code]")?.textContent === "` + code + `"`)
	look[bool](x, `(() => { const s = document.querySelector('[data-name="Ada"] select'); s.value = "1"; return s.dispatchEvent(new Event("change", { bubbles: true })) })()`)
	look[bool](x, cast)
	x.until(`document.querySelector("[data-receipt]").hidden === false`)
	// Who signs in after the member in the same tab has a code and a paper of their own.
	x.visit(1005, "")
	x.until(`document.querySelector("[data-code]")?.textContent.length === 34`)
	if look[string](x, `document.querySelector("[data-code]").textContent`) == code {
		t.Error("one member is given the code of another")
	}
	x.visit(1000, "")
	x.until(`document.querySelector("[data-code]")?.textContent === "` + code + `"`)
	// In another tab, that is without what this one keeps, the code is typed; blank is asked about once.
	look[bool](x, `sessionStorage.clear(), true`)
	x.run(chromedp.Reload())
	x.until(`document.querySelector("[data-old-code]")?.hidden === false && document.querySelector("#booth").dataset.ready === ""`)
	look[bool](x, cast)
	x.until(`document.querySelector("[data-problem]").textContent.includes("blank")`)
	look[bool](x, cast)
	x.until(`document.querySelector("[data-problem]").textContent.includes("Type your code first")`)
	// Another code is refused and not remembered.
	other, err := ballotbox.NewCode(rand.Reader)
	s.must(err)
	look[bool](x, `document.querySelector("[data-typed-code]").value = "`+other.String()+`", true`)
	look[bool](x, cast)
	x.until(`document.querySelector("[data-problem]").textContent.includes("taken your ballot paper already")`)
	if look[bool](x, `JSON.stringify(sessionStorage).includes("`+other.String()+`")`) {
		t.Error("a code that was refused is kept")
	}
	look[bool](x, `URL.createObjectURL = (b) => (b.text().then((text) => (window.kept = text)), "#"), true`) // the page's policy forbids to fetch it
	look[bool](x, `document.querySelector("[data-typed-code]").value = "`+strings.ToLower(code)+`", true`)
	x.grip("Bo")
	x.key("1", '1')
	x.grip("Ada")
	x.key("2", '2')
	look[bool](x, cast)
	x.until(`document.querySelector("[data-receipt]").hidden === false`)
	x.until(`window.kept`)
	kept := look[string](x, `window.kept`)
	var r struct {
		Ballot   ballotbox.Hash
		Receipt  ballotbox.Base64
		Sequence int
	}
	s.must(json.Unmarshal([]byte(kept), &r))
	if err := s.q.CheckReceipt(r.Ballot, r.Receipt); err != nil || r.Sequence != 3 || strings.Contains(kept, code) {
		t.Errorf("the receipt %s: %v", kept, err)
	}

	x.mu.Lock()
	for _, line := range x.seen {
		if boxed := strings.Contains(line, "/box") || strings.Contains(line, "/question cookie=true"); boxed && strings.Contains(line, "POST") && strings.Contains(line, "true") {
			t.Errorf("a ballot tells whose it is: %s", line)
		}
	}
	posts := slices.DeleteFunc(slices.Clone(x.seen), func(l string) bool { return !strings.HasPrefix(l, "POST") })
	x.mu.Unlock()
	want := []string{"POST /paper cookie=true referer=true", "POST /box cookie=false referer=false", "POST /box cookie=false referer=false",
		"POST /paper cookie=true referer=true", "POST /paper cookie=true referer=true", "POST /box cookie=false referer=false", "POST /box cookie=false referer=false"}
	if d := cmp.Diff(want, posts); d != "" {
		t.Errorf("the requests: %s", d)
	}

	_, err = s.Cast(s.booth.ctx, s.vote.ID, s.fill(s.take(1), 1, 1, 2, 0))
	s.must(err)
	_, err = s.Cast(s.booth.ctx, s.vote.ID, s.fill(s.take(2), 1, 2, 1, 3))
	s.must(err)
	s.close()
	x.afterTheClose(code, kept)
	if x.mu.Lock(); len(x.found) > 0 {
		// The refusals that the test asks for are told by the browser as well, and that there is no favicon.ico.
		rest := slices.DeleteFunc(slices.Clone(x.found), func(m string) bool { return strings.Contains(m, "409") || strings.Contains(m, "404") })
		if len(rest) > 0 {
			t.Errorf("the browser complains: %s", strings.Join(rest, "\n"))
		}
	}
	x.mu.Unlock()
}

// prints sees that what is printed is the code, and neither the choice nor the member.
func (x *tab) prints(code string) {
	x.t.Helper()
	look[bool](x, `document.documentElement.classList.add("print-code"), true`)
	for _, media := range []string{"print", ""} {
		if _, err := chromedp.Call(x.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media}); err != nil {
			x.t.Fatal(err)
		}
		if media == "" {
			break
		}
		x.picture("print")
		shown := look[string](x, `document.body.innerText`)
		if !strings.Contains(shown, code) || !strings.Contains(shown, "Treasurer") || strings.Contains(shown, "Cy") || strings.Contains(shown, "Voter") || strings.Contains(shown, "Copy") {
			x.t.Errorf("printed is: %s", shown)
		}
	}
	look[bool](x, `document.documentElement.classList.remove("print-code"), true`)
}

func (x *tab) afterTheClose(code, receipt string) {
	t := x.t
	x.visit(0, "")
	find := func(code, words string) {
		t.Helper()
		look[bool](x, `(() => { const f = document.querySelector("[data-find]"); f.elements.code.value = "`+code+`"; f.requestSubmit(); return true })()`)
		x.until(`document.querySelector('[data-found="find"]').textContent.includes(` + fmt.Sprintf("%q", words) + `)`)
	}
	find(strings.ToLower(code), "Your ballot is there: 1. Bo, 2. Ada")
	find(code[:33], "not a code")
	other, err := ballotbox.ParseCode(code)
	x.must(err)
	other[3] ^= 1
	find(other.String(), "No ballot with this code")
	show := func(receipt, words string) {
		t.Helper()
		text, err := json.Marshal(receipt)
		x.must(err)
		look[bool](x, `(() => { const f = document.querySelector("[data-show]"); f.elements.receipt.value = `+string(text)+`; f.requestSubmit(); return true })()`)
		x.until(`document.querySelector('[data-found="find"]').textContent.includes(` + fmt.Sprintf("%q", words) + `)`)
	}
	show(receipt, "its ballot is there: 1. Bo, 2. Ada")
	show(receipt[:40], "not a receipt")
	show(strings.Replace(receipt, `"receipt":"`, `"receipt":"AA`, 1), "not good")
	v, err := x.Get(x.booth.ctx, x.db, x.vote.ID)
	x.must(err)
	if v.ReceiptKey != "" {
		t.Fatal("the receipt key is still there")
	}
	x.recounts("fits", "Every one of the 3 ballots", "give the published result: Bo", "stages of the count have the published totals", "names the same ballots since the close", "in the record of")
	// What an operator changes afterwards is found.
	_, err = x.db.Writer().ExecContext(x.booth.ctx, `DELETE FROM ballot_box WHERE ballot LIKE '%\"rank\":[1,2,0]%'`)
	x.must(err)
	x.recounts("broken", "the record has it, and the file does not")
}

func (x *tab) recounts(result string, words ...string) {
	x.t.Helper()
	look[bool](x, `document.querySelector("[data-recount]").click(), true`)
	x.until(`document.querySelector("[data-check]").dataset.result === "` + result + `"`)
	told := look[string](x, `document.querySelector('[data-found="recount"]').textContent`)
	for _, w := range words {
		if !strings.Contains(told, w) {
			x.t.Errorf("the recount does not say %q: %s", w, told)
		}
	}
}

// Candidates are dragged by mouse and by touch; the page may be as narrow as 320 pixels.
func TestDraggingCandidates(t *testing.T) {
	s := newStation(t, 6)
	x := newTab(t, s)
	x.run(chromedp.EmulateViewport(320, 900))
	x.visit(1000, "")
	x.until(`!!document.querySelector(".ranking .line")`)
	if over := look[float64](x, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("the page is %v too wide", over)
	}
	height := look[float64](x, `document.documentElement.scrollHeight`)
	type point struct{ X, Y float64 }
	gripOf := func(name string) point {
		return look[point](x, `(() => { const e = document.querySelector('[data-name="`+name+`"] [data-grip]'); e.scrollIntoView({ block: "center" }); const r = e.getBoundingClientRect(); return { X: r.x + r.width / 2, Y: r.y + r.height / 2 } })()`)
	}
	top := func() float64 {
		return look[float64](x, `document.querySelector(".ranking").getBoundingClientRect().top`)
	}
	from := gripOf("Cy")
	mouse := func(kind input.DispatchMouseEventType, at point) {
		t.Helper()
		if _, err := chromedp.Call(x.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y, Button: "left", Buttons: 1, ClickCount: 1}); err != nil {
			t.Fatal(err)
		}
	}
	mouse("mousePressed", from)
	for _, part := range []float64{.3, .6, 1} {
		mouse("mouseMoved", point{from.X, from.Y + (top()-8-from.Y)*part})
	}
	x.picture("dragging")
	mouse("mouseReleased", point{from.X, top() - 8})
	if got := x.chosen(); got != "001" {
		t.Errorf("dragged to the top: %s", got)
	}
	from = gripOf("Ada")
	touch := func(kind input.DispatchTouchEventType, at ...point) {
		t.Helper()
		points := []*input.TouchPoint{}
		for _, p := range at {
			points = append(points, &input.TouchPoint{X: p.X, Y: p.Y})
		}
		if _, err := chromedp.Call(x.ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points}); err != nil {
			t.Fatal(err)
		}
	}
	touch("touchStart", from)
	for _, part := range []float64{.3, .6, 1} {
		touch("touchMove", point{from.X, from.Y + (top()-8-from.Y)*part})
	}
	touch("touchEnd")
	if got := x.chosen(); got != "102" {
		t.Errorf("dragged by touch: %s", got)
	}
	if now := look[float64](x, `document.documentElement.scrollHeight`); now != height {
		t.Errorf("the page jumped from %v to %v pixels", height, now)
	}

	// Where equals are allowed, one number can be given twice.
	s.open(ballot.Opening{Subject: ref.Ref{Kind: "decision", ID: 8}, Title: "Colour", Method: ballotbox.Ranking, Rule: "schulze/wv+last", Seats: 1,
		Options: []ballotbox.Option{{ID: "1", Name: "Ada"}, {ID: "2", Name: "Bo"}, {ID: "3", Name: "Cy"}}})
	x.visit(1000, "")
	x.until(`!!document.querySelector(".ranking .line")`)
	for _, step := range []struct {
		name, key string
		code      int64
		want      string
	}{{"Ada", "1", '1', "100"}, {"Bo", "1", '1', "110"}, {"Cy", "2", '2', "112"}, {"Bo", "ArrowDown", 40, "123"}, {"Cy", "2", '2', "122"}, {"Cy", "ArrowUp", 38, "132"}, {"Ada", "Delete", 46, "021"}, {"Ada", "2", '2', "221"}} {
		x.grip(step.name)
		x.key(step.key, step.code)
		if got := x.chosen(); got != step.want {
			t.Errorf("%s %s: %s, not %s", step.name, step.key, got, step.want)
		}
	}
}

// A booth whose question is not the one of the page sends nothing; one without script is a plain form.
func TestABoothThatCannotBeTrusted(t *testing.T) {
	s := newStation(t, 6)
	x := newTab(t, s)
	honest := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/question") && r.Header.Get("Sec-Fetch-Dest") == "empty" {
			changed := strings.Replace(s.vote.QuestionJSON, "Treasurer", "Dictator", 1)
			_, _ = w.Write([]byte(changed))
			return
		}
		honest.ServeHTTP(w, r)
	})
	x.visit(1000, "")
	x.until(`document.querySelector("[data-cast]").disabled && document.querySelector("[data-problem]").textContent.includes("Do not vote")`)
	if _, err := chromedp.Call(x.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	x.run(chromedp.Navigate(x.base + x.at("")))
	x.picture("without-script")
	shown := look[string](x, `[...document.querySelectorAll("#booth *")].filter((e) => e.checkVisibility() && !e.children.length).map((e) => e.textContent).join("|")`)
	for _, w := range []string{"runs no script here", "Note this code"} {
		if !strings.Contains(shown, w) {
			t.Errorf("it does not say %q: %s", w, shown)
		}
	}
	if strings.Contains(shown, "Copy") || look[bool](x, `!!document.querySelector(".ranking .grip")?.checkVisibility()`) {
		t.Errorf("what needs script shows without it: %s", shown)
	}
	x.run(chromedp.EmulateViewport(320, 800))
	look[bool](x, `document.querySelectorAll(".ranking select").forEach((s) => (s.value = "1")), true`)
	x.run(chromedp.Click(chromedp.CSS("[data-cast]")), chromedp.WaitVisible(chromedp.CSS("#choice-error")))
	if got := look[string](x, `document.querySelector("#choice-error").textContent`); !strings.Contains(got, "both have the number 1") {
		t.Errorf("refused with %q", got)
	}
	x.picture("without-script-refused")
	look[bool](x, `document.querySelectorAll(".ranking select").forEach((s, i) => (s.value = i < 2 ? i + 1 : "")), true`)
	x.run(chromedp.Click(chromedp.CSS("[data-cast]")), chromedp.WaitVisible(chromedp.CSS("pre.code")))
	if got := look[string](x, `document.querySelector("main").innerText`); !strings.Contains(got, "Your ballot is in the box") || !strings.Contains(got, "Keep this code") {
		t.Errorf("after voting without script: %s", got)
	}
	x.picture("without-script-receipt")
	if over := look[float64](x, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("the receipt is %v too wide", over)
	}
}

// axe looks at the pages of all methods, open and closed, in both themes and at three widths.
func TestAxeAndReflow(t *testing.T) {
	script := os.Getenv("AXE_SCRIPT")
	if script == "" {
		testkit.Missing(t, "axe-core", "set AXE_SCRIPT to its axe.min.js")
	}
	axe, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	s := newStation(t, 24)
	x := newTab(t, s)
	var names []ballotbox.Option
	for i, name := range []string{"Mara Okafor", "Jun Abe", "Dr. Wilhelmina Featherstonehaugh-Cholmondeley", "Ṣọlá Adé", "Kofi"} {
		names = append(names, ballotbox.Option{ID: fmt.Sprint(i), Name: name})
	}
	for i, o := range []ballot.Opening{
		{Title: "Board 2027", Body: "Three seats, two years each.", Method: ballotbox.Ranking, Rule: "stv/scottish2007", Seats: 3, Options: names},
		{Title: "Which colour for the boats?", Method: ballotbox.Ranking, Rule: "schulze/wv+last", Seats: 1, Options: names[:4]},
		{Title: "Two delegates", Method: ballotbox.Marks, Rule: "approval/v1", Seats: 2, Options: names, Settings: ballotbox.Settings{Max: 2}},
		{Title: "Limit servers that refuse to act on reports", Method: ballotbox.Vote, Rule: "majority/v1", Settings: ballotbox.Settings{Block: true}},
		{Title: "Dots", Method: ballotbox.Points, Rule: "dots/v1", Options: names[:3], Settings: ballotbox.Settings{Dots: 5}},
	} {
		o.Subject = ref.Ref{Kind: "election", ID: id.ID(50 + i)}
		s.open(o)
		x.axe(string(axe), 1000, "open-"+o.Rule)
		for v := range 9 {
			c := s.q.Blank()
			switch {
			case c.Rank != nil:
				c.Rank[v%len(names[:4])], c.Rank[(v+1)%4] = 1, 2
			case c.Marks != nil:
				c.Marks = []int{v % 5}
			case c.Vote != "":
				c.Vote = []string{"agree", "agree", "disagree", "abstain"}[v%4]
			default:
				c.Points[v%3] = 5
			}
			one := s.take(v)
			b, err := one.code.Seal(s.q, one.paper, 1, c)
			s.must(err)
			_, err = s.Cast(s.booth.ctx, s.vote.ID, b)
			s.must(err)
		}
		if i == 0 {
			x.axe(string(axe), 1003, "taken")
		}
		s.close()
		x.axe(string(axe), 1000, "closed-"+o.Rule)
		s.clock.Set(testkit.Start)
	}
}

func (x *tab) axe(script string, member int, name string) {
	x.t.Helper()
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{320, 390, 1280} {
			x.run(chromedp.EmulateViewport(width, 900))
			x.visit(member, "?theme="+theme)
			x.until(`document.documentElement.classList.contains("js") && (!document.querySelector("#booth") || document.querySelector("#booth").dataset.ready === "")`)
			if look[bool](x, `!!document.querySelector("[data-recount]")`) {
				x.recounts("fits")
			} else if look[bool](x, `!!document.querySelector(".ranking")`) {
				look[bool](x, `(() => { const s = document.querySelectorAll(".ranking select"); for (const i of [0, 2]) { s[i].value = "1"; s[i].dispatchEvent(new Event("change", { bubbles: true })) } return true })()`)
			}
			if over := look[float64](x, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				x.t.Errorf("%s %s at %d is %v too wide", name, theme, width, over)
			}
			x.picture(fmt.Sprintf("%s-%s-%d", strings.ReplaceAll(name, "/", "-"), theme, width))
			look[bool](x, script+"; true")
			out, err := chromedp.Run(x.ctx, chromedp.Evaluate[[]string](`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(r =>
				r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ": " + n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200))))`, chromedp.EvalAwaitPromise))
			if err != nil {
				x.t.Fatal(err)
			}
			for _, v := range out {
				x.t.Errorf("%s %s %d: %s", name, theme, width, v)
			}
		}
	}
}

// picture keeps what the page looks like where SCREENSHOTS names a folder.
func (x *tab) picture(name string) {
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	out, err := chromedp.Call(x.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true), Clip: &page.Viewport{Width: look[float64](x, "innerWidth"), Height: look[float64](x, "document.documentElement.scrollHeight"), Scale: 1}})
	if err != nil {
		x.t.Fatal(err)
	}
	x.must(os.WriteFile(folder+"/"+name+".png", out.Data, 0o600))
}

package election_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"rochdale/internal/election"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/testkit/chrome"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// tab is a real browser before a station.
type tab struct {
	*station
	ctx  context.Context
	base string
	axe  string
}

func newTab(t *testing.T, s *station) *tab {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &tab{station: s, ctx: chrome.Open(t, 4*time.Minute), base: server.URL}
}

func (x *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	x.ok(chromedp.Do(x.ctx, steps...))
}

func look[T any](x *tab, expression string) T {
	x.t.Helper()
	out, err := chromedp.Run(x.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		x.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

func (x *tab) sees(expression string) {
	x.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, err := chromedp.Run(x.ctx, chromedp.Evaluate[bool](expression))
		if err == nil && out {
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("wait for %s: %v; the page says %.3000s", expression, err, look[string](x, `document.body.innerText`))
		}
	}
}

// visit opens a page as a person.
func (x *tab) visit(who int, path string) {
	x.t.Helper()
	x.run(chromedp.Navigate(x.base + "/assets/none"))
	value := "0"
	if who != nobody {
		value = x.people[who].Member.String()
	}
	look[bool](x, fmt.Sprintf(`document.cookie = "%s=%s; path=/", true`, web.SessionCookie, value))
	x.run(chromedp.Navigate(x.base + path))
	x.sees(`document.readyState === "complete" && document.documentElement.classList.contains("js") && (!document.querySelector("#booth") || document.querySelector("#booth").dataset.ready === "")`)
}

// checked looks at a page in both themes and at three widths, each once or twice.
func (x *tab) checked(who int, path, name string) {
	x.t.Helper()
	for theme, widths := range map[string][]int64{"light": {320, 1280}, "dark": {390}} {
		for _, width := range widths {
			x.run(chromedp.EmulateViewport(width, 900))
			x.visit(who, path+first(strings.Contains(path, "?"), "&", "?")+"theme="+theme)
			if over := look[float64](x, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				x.t.Errorf("%s %s at %d is %v too wide", name, theme, width, over)
			}
			x.picture(fmt.Sprintf("%s-%s-%d", name, theme, width))
			look[bool](x, x.axe+"; true")
			for _, v := range look[[]string](x, `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(r =>
				r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ": " + n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200))))`) {
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
	x.ok(err)
	x.ok(os.WriteFile(folder+"/"+name+".png", out.Data, 0o600))
}

// axe finds nothing in the pages of elections, from empty lists to a count of many stages.
func TestAxeAndReflow(t *testing.T) {
	script := os.Getenv("AXE_SCRIPT")
	if script == "" {
		testkit.Missing(t, "axe-core", "set AXE_SCRIPT to its axe.min.js")
	}
	axe, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	s := newStation(t, 12)
	x := newTab(t, s)
	x.axe = string(axe)
	x.checked(1, "/elections", "none")
	e := s.announce("Treasurer", 2)
	x.checked(1, at(e, ""), "nobody-stands")
	for i, text := range []string{"I count twice.", "", strings.Repeat("A very long statement with anextraordinarilylongwordthatcannotbebrokenanywherebyanybodyatall. ", 12), "Read the books."} {
		_, err := s.Nominate(s.ctx, s.people[i+1], e.ID, s.people[i+1].Member, election.Candidacy{Statement: text, Affiliation: strings.Repeat("Guild ", i)})
		s.ok(err)
	}
	_, err = s.Nominate(s.ctx, s.people[1], e.ID, s.people[7].Member, election.Candidacy{})
	s.ok(err)
	struck, err := s.Nominate(s.ctx, s.people[8], e.ID, s.people[8].Member, election.Candidacy{})
	s.ok(err)
	s.ok(s.Rule(s.ctx, s.people[0], struck.ID, false, "not a member of the right kind"))
	q, err := s.Ask(s.ctx, s.people[6], e.ID, "How often do you count, and aloud?")
	s.ok(err)
	s.ok(s.Reply(s.ctx, s.people[1], q.ID, "Twice, and aloud."))
	x.checked(6, at(e, ""), "nominations")
	x.checked(7, at(e, ""), "asked")
	x.checked(2, at(e, ""), "stands")
	x.checked(0, at(e, "/officer"), "officer")
	x.checked(7, "/elections", "your-turn")
	e = s.open(e)
	x.checked(6, at(e, ""), "open")
	for person, ranks := range map[int][]int{5: {1, 2, 3, 0}, 6: {0, 1, 2, 3}, 7: {2, 0, 1, 0}, 8: {1, 0, 0, 0}, 9: {2, 3, 1, 4}, 10: {0, 0, 0, 1}, 11: {0, 0, 1, 2}} {
		s.vote(e, person, ranks...)
	}
	s.until(e.ClosesAt)
	e = s.is(e, election.Counted)
	x.checked(s.holders(e)[0], at(e, ""), "counted")
	x.checked(nobody, at(e, "/count"), "count")
	x.checked(nobody, "/elections", "past")
	// A ward of a city is counted in many more stages.
	_, err = s.db.Writer().ExecContext(s.ctx, `UPDATE elections SET result = $1 WHERE number = $2`, string(govan(t).JSON()), e.Number)
	s.ok(err)
	x.checked(nobody, at(e, "/count?stage=7"), "ward")
}

// govan is the count of a ward of Glasgow in 2007, with eleven candidates for four seats.
func govan(tb testing.TB) tally.Result {
	tb.Helper()
	data, err := os.ReadFile("../lib/tally/testdata/elections/stv-scotland/Govan-2007.blt")
	if err != nil {
		tb.Fatal(err)
	}
	e, err := tally.ReadBLT(data)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := tally.Count(tally.RuleScottish, e)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// A members' budget, from projects to the count.
func TestAxeOnOtherElections(t *testing.T) {
	script := os.Getenv("AXE_SCRIPT")
	if script == "" {
		testkit.Missing(t, "axe-core", "set AXE_SCRIPT to its axe.min.js")
	}
	axe, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	s := newStation(t, 9)
	x := newTab(t, s)
	x.axe = string(axe)
	s.decide(election.Hold, map[string]any{"body": s.root, "kind": election.Budget, "sum": 10000, "decimals": 2, "text": "Small things that make the place better."})
	e := s.newest()
	for i, title := range []string{"A bench", "A tree, not a shrub, with a bench around its trunk and a plaque for those who planted it", "A feast"} {
		_, err := s.Nominate(s.ctx, s.people[i], e.ID, 0, election.Candidacy{Title: title, Cost: int64(3000 * (i + 1))})
		s.ok(err)
	}
	x.checked(3, at(e, ""), "budget")
	e = s.open(e)
	x.checked(3, at(e, ""), "budget-open")
	v, _, err := s.ballots.Of(s.ctx, s.db, e.Ref())
	s.ok(err)
	for _, p := range []int{4, 5, 6} {
		_, err := s.ballots.VoteFor(s.ctx, s.people[p], v.ID, newCode(t), "", ballotbox.Choice{Marks: []int{0, 1}})
		s.ok(err)
	}
	s.until(e.ClosesAt)
	x.checked(3, at(e, ""), "budget-done")
	x.checked(3, at(e, "/count"), "budget-count")
}

// A sealed election, from the first offer to the last key, and the page of a vote that waits for it.
func TestAxeOnSealedElections(t *testing.T) {
	script := os.Getenv("AXE_SCRIPT")
	if script == "" {
		testkit.Missing(t, "axe-core", "set AXE_SCRIPT to its axe.min.js")
	}
	axe, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	s := newStation(t, 9)
	x := newTab(t, s)
	x.axe = string(axe)
	s.adopts(sealed)
	e := s.announce("Treasurer", 1)
	s.stand(e, 1, 2)
	for _, p := range []int{2 + 1, 4, 5} {
		s.ok(s.offer(e, p))
	}
	x.checked(6, at(e, "")+"?open", "offer")
	x.checked(3, at(e, ""), "offered")
	e = s.open(e)
	x.checked(0, at(e, ""), "sealed-open")
	v, _, err := s.ballots.Of(s.ctx, s.db, e.Ref())
	s.ok(err)
	for p := range 5 {
		s.vote(e, p, 1, 2)
	}
	s.until(e.ClosesAt)
	e = s.is(e, election.Sealed)
	s.ok(s.reveal(e, s.people[4]))
	x.checked(3, at(e, ""), "reveal")
	x.checked(nobody, "/ballots/"+v.ID.String(), "sealed-ballots")
	s.ok(s.reveal(e, s.people[3]))
	s.tick()
	x.checked(3, at(e, ""), "unsealed")
	x.checked(nobody, "/ballots/"+v.ID.String(), "unsealed-ballots")
}

// Everything can be done by keys, and without script.
func TestKeysAndNoScript(t *testing.T) {
	s := newStation(t, 4)
	e := s.announce("Chair", 1)
	x := newTab(t, s)
	x.visit(1, at(e, ""))
	press := func(name, text string, code int64) {
		t.Helper()
		for _, kind := range []input.DispatchKeyEventType{"keyDown", "keyUp"} {
			if _, err := chromedp.Call(x.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: name, Text: text, WindowsVirtualKeyCode: code}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// From the statement by Tab to the button, with the focus seen at each stop.
	look[bool](x, `document.querySelector("#nominate textarea").focus(), true`)
	for _, letter := range "I care" {
		press(string(letter), string(letter), int64(letter))
	}
	stops := []string{}
	for range 2 {
		press("Tab", "", 9)
		stops = append(stops, look[string](x, `document.activeElement.name || document.activeElement.textContent.trim()`))
		if !look[bool](x, `(() => { const c = getComputedStyle(document.activeElement); return c.outlineStyle !== "none" && parseFloat(c.outlineWidth) > 0 })()`) {
			t.Errorf("the focus on %s is not seen", stops[len(stops)-1])
		}
	}
	if got := strings.Join(stops, ", "); got != "affiliation, I stand" {
		t.Errorf("Tab goes to %s", got)
	}
	press("Enter", "\r", 13)
	x.sees(`document.querySelector("main")?.innerText.includes("I care")`)
	// Without script: another stands, the vote is cast and changed, the count is read stage by stage.
	s.stand(e, 2)
	e = s.open(e)
	if _, err := chromedp.Call(x.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	plain := func(who int, path string) {
		t.Helper()
		look[bool](x, fmt.Sprintf(`document.cookie = "%s=%s; path=/", true`, web.SessionCookie, s.people[who].Member))
		x.run(chromedp.Navigate(x.base + path))
	}
	plain(3, at(e, ""))
	look[bool](x, `document.querySelectorAll("#vote select").forEach((s, i) => (s.value = i + 1)), true`)
	x.run(chromedp.Click(chromedp.CSS("#vote button")), chromedp.WaitVisible(chromedp.CSS("#vote .chip")))
	if got := look[string](x, `[...document.querySelectorAll("#vote select")].map((s) => s.value).join() + document.querySelector("#vote button").textContent.trim()`); got != "1,2Change my vote" {
		t.Errorf("after the vote: %s", got)
	}
	s.until(e.ClosesAt)
	x.run(chromedp.Navigate(x.base + at(e, "/count")))
	if got := look[string](x, `document.querySelector(".stages").innerText + [...document.querySelectorAll(".sankey rect")].length`); !strings.Contains(got, "Stage 1 of") {
		t.Errorf("the count without script: %s", got)
	}
	s.post(3, e, "vote", url.Values{"rank-0": {"1"}}, 422)
}

// What is printed from the page of an election is the code and what it is for, and not how anybody votes.
func TestPrintingTheCode(t *testing.T) {
	s := newStation(t, 6)
	e := s.announce("Treasurer", 1)
	s.stand(e, 1, 2)
	e = s.open(e)
	x := newTab(t, s)
	x.visit(4, at(e, ""))
	x.sees(`document.querySelector("[data-code]")?.textContent.length === 34`)
	code := look[string](x, `document.querySelector("[data-code]").textContent`)
	look[bool](x, `(() => { const s = document.querySelector(".ranking select"); s.value = "1"; s.dispatchEvent(new Event("change", { bubbles: true })); document.documentElement.classList.add("print-code"); return true })()`)
	if _, err := chromedp.Call(x.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	x.picture("printed")
	shown := look[string](x, `document.body.innerText`)
	if !strings.Contains(shown, code) || !strings.Contains(shown, "Treasurer") || strings.Contains(shown, "Member 2") || strings.Contains(shown, "Candidates") || strings.Contains(shown, "Copy") {
		t.Errorf("printed is: %s", shown)
	}
}

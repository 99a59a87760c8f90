package witness_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/testkit/chrome"
)

// tab is a real browser.
type tab struct {
	t   *testing.T
	ctx context.Context
	axe string
}

func (x *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	if err := chromedp.Do(x.ctx, steps...); err != nil {
		x.t.Fatal(err)
	}
}

func look[T any](x *tab, expression string) T {
	x.t.Helper()
	out, err := chromedp.Run(x.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		x.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

// checked looks at a page in both themes and at two widths.
func (x *tab) checked(address, name string) {
	x.t.Helper()
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{320, 1280} {
			x.run(chromedp.EmulateViewport(width, 900), chromedp.Navigate(address+"?theme="+theme))
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
	out, err := chromedp.Call(x.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{Width: look[float64](x, "innerWidth"), Height: look[float64](x, "document.documentElement.scrollHeight"), Scale: 1}})
	if err == nil {
		err = os.WriteFile(folder+"/witness-"+name+".png", out.Data, 0o600)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// axe finds nothing in the pages, and they fit narrow screens.
func TestAxeAndReflow(t *testing.T) {
	script := os.Getenv("AXE_SCRIPT")
	if script == "" {
		testkit.Missing(t, "axe-core", "set AXE_SCRIPT to its axe.min.js")
	}
	axe, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	x := &tab{t, chrome.Open(t, 4*time.Minute), string(axe)}
	p := two(t)
	p.call.Title = "Treasurer of the Boatyard Co-operative Society, and keeper of its slip, its crane and its many and various tools"
	p.open()
	p.publish(1, nil, p.ballot(4, 1, 2))
	vote := p.w.server.URL + "/witness/votes/" + p.got.Remote.String()
	x.checked(p.w.server.URL+"/witness", "serving")
	x.checked(p.a.server.URL+"/witness", "asking")
	x.checked(vote, "open")
	x.run(chromedp.Navigate(vote))
	look[bool](x, fmt.Sprintf(`document.querySelector("[name=code]").value = %q, document.querySelector("main form").submit(), true`, p.code(4)))
	for deadline := time.Now().Add(20 * time.Second); !look[bool](x, `!!document.body && document.body.innerText.includes("The paper of Voter Number4 was taken")`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(look[string](x, `document.body.innerText`))
		}
	}
	x.picture("looked")
	p.a.must(p.a.Close(p.a.ctx, treasurer, p.a.server.URL+"/file"))
	p.w.drain()
	x.checked(vote, "closed")
	text := []byte("<html>")
	p.a.file.Store(&text)
	if _, err := p.w.db.Writer().ExecContext(p.w.ctx, `UPDATE witness_votes SET found = ''`); err != nil {
		t.Fatal(err)
	}
	p.w.must(p.w.db.InTx(p.w.ctx, func(tx *db.Tx) error {
		return p.w.Enqueue(p.w.ctx, tx, "witness.recount", map[string]string{"vote": p.got.Remote.String()})
	}))
	p.w.drain()
	x.checked(vote, "wrong")
}

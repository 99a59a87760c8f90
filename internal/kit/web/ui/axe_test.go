package ui

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"rochdale/internal/kit/testkit"
)

// axe reads the sample in both themes, in both widths, and finds nothing to object to. AXE_SCRIPT is
// the path of axe.min.js from the npm package axe-core.
func TestAxe(t *testing.T) {
	script := os.Getenv("AXE_SCRIPT")
	if script == "" {
		testkit.Missing(t, "axe-core", "set AXE_SCRIPT to its axe.min.js")
	}
	axe := readFile(t, script)
	ctx, base, _ := browser(t)
	for _, page := range []string{"home", "decision", "profile", "form", "error"} {
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{390, 1280} {
				run(t, ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(base+"/"+page+"?theme="+theme))
				for _, v := range violations(t, ctx, axe) {
					t.Errorf("%s %s %d: %s", page, theme, width, v)
				}
			}
		}
	}
}

func violations(t *testing.T, ctx context.Context, axe string) []string {
	t.Helper()
	eval[bool](t, ctx, axe+"; true")
	out, err := chromedp.Run(ctx, chromedp.Evaluate[json.RawMessage](
		`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(r =>
			r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ": " + n.html.slice(0, 120) + " " + n.failureSummary.slice(0, 200))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

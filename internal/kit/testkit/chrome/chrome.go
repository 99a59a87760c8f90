// Package chrome opens the real browser in which tests look at pages.
package chrome

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"rochdale/internal/kit/testkit"
)

// Open starts Chromium with one empty tab, which lives until the test ends or the limit is reached.
// Where there is no Chromium the test is skipped, or fails if everything is required.
func Open(tb testing.TB, limit time.Duration) context.Context {
	tb.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		testkit.Missing(tb, "Chromium", "the pages are tried in a real browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		// A click aims at where a control is now; on a page that still glides there it would miss.
		chromedp.Flag("force-prefers-reduced-motion", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, shut := chromedp.NewContext(alloc)
	ctx, late := context.WithTimeout(ctx, limit)
	tb.Cleanup(func() { late(); shut(); stop() })
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		tb.Fatal(err)
	}
	return ctx
}

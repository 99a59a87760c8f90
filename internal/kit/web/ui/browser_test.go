package ui

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"rochdale/internal/kit/testkit/chrome"
)

// browser opens a tab on a served sample and collects everything it complains about: errors, refused
// resources, breaches of the content security policy.
func browser(t *testing.T) (ctx context.Context, base string, complaints func() []string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", sampleSite(t))
	mux.HandleFunc("/fragment", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `<b id="swapped">%s</b>`, r.Header.Get("HX-Request"))
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, "event: post\ndata: 1\n\nevent: other\ndata: 1\n\nevent: post\ndata: 2\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	ctx = chrome.Open(t, 90*time.Second)
	var mu sync.Mutex
	var found []string
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return // The tab is gone.
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.Type == chromedp.ConsoleException {
				mu.Lock()
				found = append(found, m.Text)
				mu.Unlock()
			}
		}
	}()
	return ctx, server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return found
	}
}

// eval runs an expression in the page.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return out
}

func run(t *testing.T, ctx context.Context, steps ...step) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// press strikes a letter as a keyboard does: one key that also carries text, so that a page which
// handles the key keeps the letter from being typed.
func press(t *testing.T, ctx context.Context, letter string) {
	t.Helper()
	for _, p := range []input.DispatchKeyEventParams{{Type: "keyDown", Key: letter, Text: letter}, {Type: "keyUp", Key: letter}} {
		if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, p); err != nil {
			t.Fatal(err)
		}
	}
}

type (
	step = chromedp.Action[chromedp.Void]
	css  = chromedp.CSS
)

// until waits in the page for an expression to become true. It is a promise and not chromedp's own
// poll, which would need eval in the page.
func until(expression string) step {
	wait := chromedp.Evaluate[bool](`new Promise((done, fail) => {
		const end = performance.now() + 10000;
		const look = () => (`+expression+`) ? done(true) : performance.now() > end ? fail(new Error("waited in vain")) : setTimeout(look, 20);
		look();
	})`, chromedp.EvalAwaitPromise)
	return func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		if _, err := wait(ctx, tab); err != nil {
			return chromedp.Void{}, fmt.Errorf("wait for %s: %w", expression, err)
		}
		return chromedp.Void{}, nil
	}
}

func TestScriptsUnderPolicy(t *testing.T) {
	ctx, base, complaints := browser(t)
	run(t, ctx, chromedp.Navigate(base+"/home"), until(`document.documentElement.classList.contains("js") && !!window.htmx`))

	eval[bool](t, ctx, `(() => { const f = document.querySelector("#text"); f.focus(); f.value = "Hi @jun@elsewhere.example https://example.org/a/long/address/of/some/page 👩‍👩‍👧";
		return f.dispatchEvent(new Event("input", { bubbles: true })) })()`)
	// "Hi @jun " is 8, a link 23, a space and a family are 2.
	if got := eval[string](t, ctx, `document.querySelector("[data-count]").textContent`); got != "467" {
		t.Errorf("the counter says %s", got)
	}

	picture := filepath.Join(t.TempDir(), "a.svg")
	if err := os.WriteFile(picture, []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>`), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, ctx, chromedp.SetUploadFiles(css("[data-pictures]"), []string{picture, picture}), until(`document.querySelectorAll("[data-previews] img").length === 2 && [...document.querySelectorAll("[data-previews] img")].every(i => i.naturalWidth === 4)`),
		chromedp.Click(css("[data-previews] button")), until(`document.querySelectorAll("[data-previews] input[name=alt]").length === 1 && document.querySelector("[data-pictures]").files.length === 1`))

	run(t, ctx, chromedp.Click(css(`[data-theme-set="dark"]`)))
	if got := eval[string](t, ctx, `document.documentElement.dataset.theme + "|" + document.cookie + "|" + getComputedStyle(document.body.parentElement).backgroundColor`); got != "dark|theme=dark|rgb(22, 20, 15)" {
		t.Errorf("theme: %s", got)
	}

	eval[bool](t, ctx, `document.activeElement.blur(), true`)
	press(t, ctx, "j")
	if got := eval[bool](t, ctx, `document.activeElement.matches("article.post")`); !got {
		t.Error("j does not go to a post")
	}
	press(t, ctx, "n")
	if got := eval[string](t, ctx, `document.activeElement.id`); got != "text" {
		t.Errorf("n goes to %q", got)
	}
	if got := eval[string](t, ctx, `document.querySelector("#text").value`); strings.HasSuffix(got, "n") {
		t.Errorf("n is typed into the field it opens: %q", got)
	}

	eval[bool](t, ctx, `(() => { const d = document.createElement("div"); d.id = "probe"; document.querySelector("main").prepend(d);
		d.innerHTML = '<button id="go" hx-get="/fragment" hx-target="#probe">go</button><a id="bar" hidden href="/x" hx-sse:connect="/events" data-event="post" data-label="New posts: %d">-</a>';
		htmx.process(d); return true })()`)
	run(t, ctx, until(`document.querySelector("#bar").textContent === "New posts: 2" && !document.querySelector("#bar").hidden`))
	run(t, ctx, chromedp.Click(css("#go")), until(`document.querySelector("#swapped")?.textContent === "true"`))

	if found := complaints(); len(found) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(found, "\n"))
	}
}

func TestConfirm(t *testing.T) {
	ctx, base, complaints := browser(t)
	run(t, ctx, chromedp.Navigate(base+"/decision"), until(`document.documentElement.classList.contains("js")`))
	eval[bool](t, ctx, `window.sent = 0, document.addEventListener("submit", e => { window.sent++; e.preventDefault() }), true`)
	const submit = `form[data-confirm] button.button`
	run(t, ctx, chromedp.Click(css(submit)), until(`document.querySelector("dialog[open]")`))
	run(t, ctx, chromedp.KeyEvent(kb.Escape), until(`!document.querySelector("dialog")`))
	if got := eval[int](t, ctx, `window.sent`); got != 0 {
		t.Error("sent although the reader backed out")
	}
	run(t, ctx, chromedp.Click(css(submit)), chromedp.Click(css("dialog .danger")), until(`window.sent === 1`))
	if found := complaints(); len(found) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(found, "\n"))
	}
}

// No page may scroll sideways, from 320 pixels up, in either direction of writing; and every control is
// large enough to hit.
//
// spec: wcag22#reflow wcag22#target-size-minimum
func TestReflow(t *testing.T) {
	ctx, base, _ := browser(t)
	for _, page := range []string{"home", "decision", "profile", "form", "error"} {
		for _, width := range []int64{320, 390, 768, 1024, 1280} {
			for _, dir := range []string{"ltr", "rtl"} {
				run(t, ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(base+"/"+page+"?dir="+dir))
				if over := eval[float64](t, ctx, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
					t.Errorf("%s %s at %d is %v too wide: %v", page, dir, width, over, eval[[]string](t, ctx,
						`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1).slice(0, 4).map(e => e.outerHTML.slice(0, 90))`))
				}
			}
		}
		small := eval[[]string](t, ctx, `[...document.querySelectorAll("button, .button, .act, select, input:not([type=radio],[type=checkbox]), summary")].filter(e => {
			const r = e.getBoundingClientRect(); return r.width && r.height && (r.width < 24 || r.height < 24) && !e.closest(".alt") }).map(e => e.outerHTML.slice(0, 90))`)
		if len(small) > 0 {
			t.Errorf("%s: too small to hit: %v", page, small)
		}
	}
}

func TestWithoutScript(t *testing.T) {
	ctx, base, _ := browser(t)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	run(t, ctx, chromedp.Navigate(base+"/home"), chromedp.WaitVisible(css("#text")))
	if got := eval[string](t, ctx, `getComputedStyle(document.querySelector(".theme")).display`); got != "none" {
		t.Error("a switch that needs script shows without it")
	}
	if got := eval[string](t, ctx, `getComputedStyle(document.querySelector(".composer button")).backgroundColor`); got != "rgb(15, 107, 92)" {
		t.Errorf("the button is %s", got)
	}
}

//go:build e2e

// Package browser_test walks through the shipped program in a real browser, with script and without:
// from the founding with the printed code to signing out. Then axe reads every page.
package browser_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/testkit/chrome"
)

const password = "correct horse battery staple"

// start serves a new co-op and returns its address and the code that founds it.
func start(t *testing.T) (base, code string) {
	t.Helper()
	bin := os.Getenv("ROCHDALE_BIN")
	if bin == "" {
		bin, _ = filepath.Abs("../../bin/rochdale")
	}
	if _, err := os.Stat(bin); err != nil {
		testkit.Missing(t, "the program", "make build, or set ROCHDALE_BIN")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	base = "http://" + host
	serve := exec.Command(bin, "serve")
	serve.Env = append(os.Environ(), "ROCHDALE_LISTEN="+host, "ROCHDALE_HOST="+host, "ROCHDALE_URL="+base, "ROCHDALE_DATA="+t.TempDir(), "ROCHDALE_DATABASE=", "ROCHDALE_RATE_LIMITS=false")
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	serve.Stderr = os.Stderr
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(os.Interrupt)
		if err := serve.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	printed := regexp.MustCompile(`code ([A-Z0-9]{5}-[A-Z0-9]{5})`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := printed.FindStringSubmatch(lines.Text()); m != nil {
			code = m[1]
			break
		}
	}
	go func() { // what else it says must not fill the pipe
		for lines.Scan() {
			continue
		}
	}()
	if code == "" {
		t.Fatal("the program prints no founding code")
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if r, err := http.Get(base + "/readyz"); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return base, code
			}
		}
		if time.Now().After(end) {
			t.Fatal("the program does not answer")
		}
	}
}

type step = chromedp.Action[chromedp.Void]

// person is a browser window with cookies of its own.
type person struct {
	*testing.T
	ctx    context.Context
	base   string
	script bool
}

// open gives somebody a window.
func open(t *testing.T, browser context.Context, base string, script bool) *person {
	t.Helper()
	ctx, shut := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(shut)
	p := &person{t, ctx, base, script}
	p.do(chromedp.Navigate("about:blank"))
	if !script {
		if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *person) do(steps ...step) {
	p.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.shot("failed")
		p.Fatal(err)
	}
}

func (p *person) visit(path string) {
	p.Helper()
	if !strings.HasPrefix(path, "http") {
		path = p.base + path
	}
	p.do(chromedp.Navigate(path))
}

// until waits for an expression to be true of the page, whichever page that is by then.
func (p *person) until(expression string) {
	p.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(25 * time.Millisecond) {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](`document.readyState !== "loading" && !!(`+expression+`)`))
		if ok && err == nil {
			return
		}
		if time.Now().After(end) {
			p.shot("failed")
			p.Fatalf("waited in vain for %s: %v\n%s", expression, err, p.get(`location.href + "\n" + document.body.innerText`))
		}
	}
}

func (p *person) sees(words string) {
	p.Helper()
	p.until(`document.body.innerText.includes(` + quote(words) + `)`)
}

func (p *person) get(expression string) string {
	p.Helper()
	out, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return out
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// fill types into fields by their names, over what is there.
func (p *person) fill(pairs ...string) {
	p.Helper()
	for i := 0; i < len(pairs); i += 2 {
		sel := `main [name="` + pairs[i] + `"]`
		p.get(`(e => { e.value = ""; return "" })(document.querySelector(` + quote(sel) + `))`)
		p.do(chromedp.SendKeys(chromedp.CSS(sel), pairs[i+1]))
	}
}

// press clicks a control and waits for the page that follows.
func (p *person) press(sel string) {
	p.Helper()
	p.get(`(document.documentElement.dataset.before = "1")`)
	p.do(chromedp.ScrollIntoView(chromedp.CSS(sel)), chromedp.Click(chromedp.CSS(sel)))
	p.until(`!document.documentElement.dataset.before`)
}

// shot keeps a picture of the page for people to look at.
func (p *person) shot(name string) {
	dir := os.Getenv("CI_OUTPUT")
	if dir == "" {
		dir = filepath.Join("..", "..", "out")
	}
	dir = filepath.Join(dir, "screenshots")
	b, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err = errors.Join(err, os.MkdirAll(dir, 0o755)); err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644)
	}
	if err != nil {
		p.Logf("no picture of %s: %v", name, err)
	}
}

func painting(t *testing.T) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 320, 200))
	for y := range 200 {
		for x := range 320 {
			m.Set(x, y, color.RGBA{uint8(90 + y/4), uint8(140 - y/4), 170, 255})
		}
	}
	file := filepath.Join(t.TempDir(), "estuary.png")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestStory(t *testing.T) {
	t.Run("with script", story(true))
	t.Run("without script", story(false))
}

func story(script bool) func(*testing.T) {
	return func(t *testing.T) {
		base, code := start(t)
		browser := chrome.Open(t, 10*time.Minute)
		name := func(page string) string { return fmt.Sprintf("%s-script-%t", page, script) }
		mara := open(t, browser, base, script)

		mara.visit("/")
		mara.sees("Found a co-op")
		mara.fill("code", code, "coop_name", "Tideline Co-op", "description", "Boats, nets and software.", "name", "Mara Okafor", "username", "mara",
			"email", "mara@tideline.example", "password", password)
		mara.shot(name("found"))
		mara.press(`form[action="/found"] .button`)
		mara.sees("Tideline Co-op is founded")

		mara.visit("/invitations")
		mara.fill("uses", "2")
		mara.press(`form[action="/invitations"] .button`)
		mara.sees("The invitation is ready")
		link := mara.get(`document.querySelector('[name="link"]').value`)

		jun := open(t, browser, base, script)
		jun.visit(link)
		jun.sees("Mara Okafor invites you")
		jun.fill("name", "Jun Abe", "username", "jun", "email", "jun@tideline.example", "password", password)
		jun.press(`form[action="/join"] .button`)
		jun.sees("You are member 2")

		jun.visit("/@mara")
		if script {
			jun.do(chromedp.Click(chromedp.CSS(`.profile .button`)))
		} else {
			jun.press(`.profile .button`)
		}
		jun.until(`document.querySelector(".profile .button")?.innerText === "Following"`)
		jun.visit("/home")
		if script {
			jun.until(`!!window.htmx`)
		}

		mara.visit("/home")
		if script {
			mara.until(`document.documentElement.classList.contains("js")`)
		}
		mara.do(chromedp.SetUploadFiles(chromedp.CSS(`[name="media"]`), []string{painting(t)}))
		if script {
			mara.until(`document.querySelector('[data-previews] [name="alt"]')`)
			mara.fill("text", "Low water at six. #tides", "alt", "A grey estuary")
		} else {
			mara.get(`(document.querySelector("[data-plain-alt]").open = true, "")`)
			mara.fill("text", "Low water at six. #tides", "alt", "A grey estuary")
		}
		mara.shot(name("write"))
		mara.press(`.composer .end .button`)
		mara.sees("Your post is out")
		mara.until(`document.querySelector('article img[alt="A grey estuary"]')?.naturalWidth > 0`)
		mara.shot(name("home"))

		if script { // the open page has heard of it
			jun.until(`document.querySelector(".new-posts")?.innerText === "New posts: 1"`)
			jun.press(`.new-posts`)
		} else {
			jun.visit("/home")
		}
		jun.sees("Low water at six.")
		if script {
			jun.do(chromedp.Click(chromedp.CSS(`article [id$="-star"]`)))
		} else {
			jun.press(`article [id$="-star"]`)
		}
		jun.until(`document.querySelector('article [id$="-star"]')?.getAttribute("aria-pressed") === "true"`)
		jun.press(`article .when a`)
		jun.until(`document.querySelector("#reply textarea")?.value === "@mara "`)
		jun.do(chromedp.SendKeys(chromedp.CSS("#reply textarea"), "I bring the kettle."))
		jun.press(`#reply .end .button`)
		jun.sees("I bring the kettle.")
		jun.shot(name("thread"))

		mara.visit("/notifications")
		mara.sees("mentioned you")
		mara.sees("favourited your post")
		mara.visit(jun.get(`document.querySelector("article[aria-current] .when a").getAttribute("href")`) + "/edit")
		mara.until(`document.querySelector('.kept img')`)
		mara.fill("text", "Low water at seven. #tides")
		mara.press(`.composer .end .button`)
		mara.sees("Low water at seven.")
		mara.sees("Edited")

		// A motion that changes what the co-op says about itself: drafted, published, discussed, called, voted on.
		mara.visit("/decisions/new?template=setting")
		mara.until(`document.querySelector('[name="e0.name"]')`)
		mara.fill("title", "A shorter name", "text", "Six letters are enough.", "e0.name", "Tidal", "e0.conduct", "Be kind.")
		mara.press(`main form .buttons .button`)
		mara.sees("Only you and those you choose see this draft.")
		mara.sees("If this is carried,")
		mara.press(`form[action$="/publish"] button`)
		mara.sees("in discussion")
		mara.fill("text", "What do you think, @jun?")
		mara.press(`form[action$="/comment"] .button`)
		mara.sees("What do you think, @jun?")
		mara.press(`form[action$="/call"] .button:last-of-type`)
		mara.sees("Your vote")
		if script {
			mara.do(chromedp.Click(chromedp.CSS(`.choices label:first-child`)))
		} else {
			mara.do(chromedp.Click(chromedp.CSS(`.choices label:first-child span`)))
		}
		mara.press(`#vote .buttons .button`)
		mara.sees("1 of 1 agree; 1 are needed.")
		mara.shot(name("decision"))
		mara.visit("/record")
		mara.sees("voted on")

		mara.visit("/you")
		mara.press(`form[action="/sign-out"] button`)
		mara.sees("Said here lately")
		mara.shot(name("front"))
		mara.visit("/home")
		mara.sees("Forgotten password?")
		if script {
			read(t, jun, mara)
		}
	}
}

// read lets axe look at the pages of the place as it is now, in both themes, on a small phone and on a
// desk; whatever is serious or worse is an error.
func read(t *testing.T, member, visitor *person) {
	t.Helper()
	axe, err := os.ReadFile(filepath.Join("node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		testkit.Missing(t, "axe-core", "npm ci in e2e/browser")
	}
	pages := map[*person][]string{
		member: {"/home", "/write", "/local", "/federated", "/explore?tab=people", "/tags/tides", "/search?q=mara", "/notifications", "/messages", "/bookmarks", "/favourites",
			"/you", "/@mara", "/@jun", "/@jun/followers", "/settings", "/settings/account", "/settings/sessions", "/settings/apps", "/invitations", "/coop", "/members",
			"/powers", "/record", "/record/1", "/about", "/nowhere", "/decisions", "/decisions/1", "/decisions/1/edit", "/decisions/1/texts", "/decisions/1/votes",
			"/decisions/new?template=appoint", "/groups", "/groups/general-meeting", "/rules", "/rules/ordinary", "/moderation", "/settings/membership", "/members/1"},
		visitor: {"/", "/join", "/join/thanks", "/sign-in", "/password/forgot", "/explore", "/@mara", "/members", "/record", "/coop", "/decisions", "/decisions/1", "/groups", "/rules"},
	}
	for p, paths := range pages {
		for _, path := range paths {
			for _, theme := range []string{"light", "dark"} {
				if _, err := chromedp.Call(p.ctx, network.SetCookie, network.SetCookieParams{Name: "theme", Value: theme, URL: p.base}); err != nil {
					t.Fatal(err)
				}
				for _, width := range []int64{320, 1280} {
					if (theme == "light") != (width == 1280) { // colours do not depend on the width, nor places on the theme
						continue
					}
					p.do(chromedp.EmulateViewport(width, 900))
					p.visit(path)
					out, err := chromedp.Run(p.ctx, chromedp.Evaluate[json.RawMessage](string(axe)+`;
						axe.run(document).then(r => r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => v.id + ": " + v.nodes[0].html.slice(0, 160)))`, chromedp.EvalAwaitPromise))
					if err != nil {
						t.Fatal(err)
					}
					var found []string
					if err := json.Unmarshal(out, &found); err != nil {
						t.Fatal(err)
					}
					for _, f := range found {
						t.Errorf("%s %s at %d: %s", path, theme, width, f)
					}
					if theme == "light" {
						p.shot(strings.Trim(strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path), "-") + fmt.Sprintf("-%d", width))
					}
				}
			}
		}
	}
}

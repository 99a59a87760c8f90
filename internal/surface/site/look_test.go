package site

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/testkit/chrome"
)

// lived is a place full of life, with the pages that a member and a visitor can look at.
func lived(t *testing.T) (p *place, member, visitor map[string]string) {
	t.Helper()
	c := clock.NewFake(clock.NewSystem().Now().Add(-23 * time.Hour))
	p = newPlace(t, testkit.SQLite(t, migrations, c))
	mara, _ := p.life(t, c.Advance)
	ctx := context.Background()
	mine, err := p.Social.Pins(ctx, mara, mara.Account)
	if err != nil || len(mine) == 0 {
		t.Fatal("nothing is pinned", err)
	}
	post := postPath(mine[0])
	app, _, err := p.Identity.CreateApp(ctx, "Tusk Reader", []string{"https://reader.example/back"}, "read write:statuses follow", "https://reader.example")
	if err != nil {
		t.Fatal(err)
	}
	ask := "/oauth/authorize?response_type=code&client_id=" + app.ClientID + "&redirect_uri=https%3A%2F%2Freader.example%2Fback&scope=read+write%3Astatuses+follow"
	views, err := p.Social.Home(ctx, mara, windowOf(20))
	if err != nil {
		t.Fatal(err)
	}
	thread := ""
	for _, v := range views {
		if v.Shown().RepliesCount > 0 {
			thread = postPath(v.Shown())
		}
	}
	member = map[string]string{"home": "/home", "write": "/write", "local": "/local", "federated": "/federated", "people": "/explore?tab=people", "tag": "/tags/tides",
		"search": "/search?q=mara", "search-none": "/search?q=nobody+at+all", "notifications": "/notifications", "messages": "/messages", "bookmarks": "/bookmarks",
		"favourites": "/favourites", "you": "/you", "profile": "/@mara", "profile-other": "/@jun", "profile-remote": "/@saoirse@rabble.example", "media": "/@jun/media",
		"followers": "/@mara/followers", "following": "/@mara/following", "thread": thread, "post": post, "edit": post + "/edit", "history": post + "/history",
		"delete": post + "/delete", "liked": post + "/favourites", "settings": "/settings", "settings-account": "/settings/account", "settings-sessions": "/settings/sessions",
		"settings-apps": "/settings/apps", "invitations": "/invitations", "requests": "/follow-requests", "coop": "/coop", "members": "/members",
		"applications": "/members/applications", "powers": "/powers", "record": "/record", "entry": "/record/4", "check": "/record/4/check", "about": "/about", "consent": ask,
		"code": "/oauth/authorize/native?code=abc", "missing": "/nowhere"}
	visitor = map[string]string{"front": "/", "join": "/join", "thanks": "/join/thanks", "sign-in": "/sign-in", "forgot": "/password/forgot", "reset": "/password/reset?secret=x",
		"explore": "/explore", "visitor-profile": "/@mara", "visitor-thread": thread, "visitor-members": "/members", "visitor-record": "/record", "visitor-coop": "/coop"}
	return p, member, visitor
}

type step = chromedp.Action[chromedp.Void]

func run(t *testing.T, ctx context.Context, steps ...step) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%.200s: %v", expression, err)
	}
	return out
}

func cookie(t *testing.T, ctx context.Context, base, name, value string) {
	t.Helper()
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: base}); err != nil {
		t.Fatal(err)
	}
}

// Every page, as a member and as a visitor sees it, light and dark, on a phone and on a desk: nothing
// scrolls sideways, nothing comes from elsewhere, and axe finds nothing to object to. AXE_SCRIPT is
// the path of axe.min.js of the npm package axe-core; SITE_SHOTS a folder for pictures of the pages;
// SITE_ONLY the names of the pages to look at.
func TestLook(t *testing.T) {
	shots, script := os.Getenv("SITE_SHOTS"), os.Getenv("AXE_SCRIPT")
	if shots == "" && script == "" {
		testkit.Missing(t, "axe-core", "set AXE_SCRIPT to its axe.min.js, or SITE_SHOTS to a folder for pictures")
	}
	axe := ""
	if script != "" {
		b, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		axe = string(b)
	}
	p, member, visitor := lived(t)
	ctx := chrome.Open(t, 8*time.Minute)
	base := p.server.URL
	look := func(pages map[string]string) {
		for name, path := range pages {
			if only := os.Getenv("SITE_ONLY"); only != "" && !strings.Contains(","+only+",", ","+name+",") {
				continue
			}
			for _, theme := range []string{"light", "dark"} {
				cookie(t, ctx, base, "theme", theme)
				for _, width := range []int64{320, 390, 1280} {
					if width == 390 && shots == "" {
						continue
					}
					run(t, ctx, chromedp.EmulateViewport(width, 860), chromedp.Navigate(base+path))
					if over := eval[float64](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
						t.Errorf("%s at %d is %v too wide: %v", name, width, over, eval[[]string](t, ctx,
							`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(e => e.outerHTML.slice(0, 120))`))
					}
					// Colours do not depend on the width, nor places on the theme: each is looked at once.
					if axe != "" && (theme == "light") == (width == 1280) && width != 390 {
						for _, v := range violations(t, ctx, axe) {
							t.Errorf("%s %s %d: %s", name, theme, width, v)
						}
					}
					if shots != "" && width != 320 {
						picture(t, ctx, filepath.Join(shots, fmt.Sprintf("%s-%d-%s.png", name, width, theme)))
					}
				}
			}
		}
	}
	run(t, ctx, chromedp.Navigate(base+"/sign-in"))
	look(visitor)
	mara := p.as(t, "mara")
	for _, c := range mara.client.Jar.Cookies(mara.url) {
		cookie(t, ctx, base, c.Name, c.Value)
	}
	look(member)
}

func picture(t *testing.T, ctx context.Context, file string) {
	t.Helper()
	b, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func violations(t *testing.T, ctx context.Context, axe string) []string {
	t.Helper()
	eval[bool](t, ctx, axe+"; true")
	out := eval[json.RawMessage](t, ctx, `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(r =>
		r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.impact + " " + v.id + ": " + n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200))))`)
	var list []string
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

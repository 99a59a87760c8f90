package site

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"rochdale/internal/social"
)

// Every page answers, empty and full, and is a page: one heading, a language, nothing from elsewhere.
func TestPages(t *testing.T) {
	t.Parallel()
	p, member, visitor := lived(t)
	mara, nobody := p.as(t, "mara"), p.surf(t)
	for name, path := range member {
		mara.get(path)
		if want := choose(name == "missing", http.StatusNotFound, http.StatusOK); mara.status != want {
			t.Errorf("%s answers %d: %s", path, mara.status, mara.text())
		}
		sound(t, mara)
	}
	for _, path := range visitor {
		nobody.get(path)
		if nobody.status != http.StatusOK {
			t.Errorf("%s answers %d to a visitor: %s", path, nobody.status, nobody.text())
		}
		sound(t, nobody)
	}
	empty, _ := fresh(t)
	empty.found(t)
	first := empty.as(t, "mara")
	for _, path := range []string{"/home", "/local", "/federated", "/tags/none", "/search?q=none", "/notifications", "/messages", "/bookmarks", "/favourites", "/@mara",
		"/@mara/followers", "/@mara/following", "/settings/apps", "/invitations", "/members/applications", "/follow-requests", "/record?kind=operator.", "/@coop"} {
		first.get(path)
		if first.status != http.StatusOK {
			t.Errorf("%s answers %d where nothing is: %s", path, first.status, first.text())
		}
		sound(t, first)
	}
}

// sound checks what holds for every page.
func sound(t *testing.T, s *surfer) {
	t.Helper()
	if n := len(s.each("h1")); n != 1 {
		t.Errorf("%s has %d headings of the first rank", s.url, n)
	}
	ids := map[string]bool{}
	for d := range s.doc.Descendants() {
		if d.Type != html.ElementNode {
			continue
		}
		if i := attr(d, "id"); i != "" {
			if ids[i] {
				t.Errorf("%s has two elements with the id %q", s.url, i)
			}
			ids[i] = true
		}
		if has(d, "style") || d.Data == "style" {
			t.Errorf("%s has inline style, which the policy refuses: %v", s.url, d.Attr)
		}
		for _, name := range []string{"src", "href", "srcset", "poster", "action", "formaction"} {
			v := attr(d, name)
			loads := name != "href" || d.Data == "link" && attr(d, "rel") != "canonical" && attr(d, "rel") != "alternate"
			if loads && (strings.Contains(v, "//") && !strings.HasPrefix(v, "/media/remote/")) {
				t.Errorf("%s loads %s from elsewhere: %s", s.url, d.Data, v)
			}
		}
	}
}

// What only members may see leads a visitor to sign in, and back.
func TestVisitorIsStopped(t *testing.T) {
	t.Parallel()
	p, member, _ := lived(t)
	open := map[string]bool{"local": true, "people": true, "tag": true, "profile": true, "profile-other": true, "profile-remote": true, "media": true, "followers": true,
		"following": true, "thread": true, "post": true, "history": true, "liked": true, "coop": true, "members": true, "powers": true, "record": true, "entry": true, "check": true, "about": true, "missing": true}
	for name, path := range member {
		nobody := p.surf(t)
		nobody.get(path)
		stopped := nobody.url.Path == "/sign-in"
		if stopped == open[name] {
			t.Errorf("a visitor at %s ends at %s with %d", path, nobody.url, nobody.status)
		}
		if stopped && nobody.value("next") != path {
			t.Errorf("after signing in for %s one goes to %q", path, nobody.value("next"))
		}
	}
	nobody := p.surf(t)
	nobody.get("/sign-in?next=https://elsewhere.example/")
	if got := nobody.value("next"); got != "/home" {
		t.Errorf("signing in can lead to %q", got)
	}
	for _, path := range []string{"/posts", "/settings", "/sign-out", "/posts/1/favourite", "/accounts/1/follow", "/notifications/clear", "/oauth/authorize", "/members/applications/1/accept"} {
		res, err := http.PostForm(p.server.URL+path, url.Values{"text": {"no"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if path != "/sign-out" && res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusNotFound {
			t.Errorf("a visitor may POST %s: %d", path, res.StatusCode)
		}
	}
}

// In the pseudo-locale every text that went through the catalogue is accented: what is not has missed it.
func TestEveryTextIsTranslated(t *testing.T) {
	t.Parallel()
	p, member, visitor := lived(t)
	mara, nobody := p.as(t, "mara"), p.surf(t)
	nobody.get("/sign-in")
	for _, s := range []*surfer{mara, nobody} {
		s.client.Jar.SetCookies(s.url, []*http.Cookie{{Name: languageCookie, Value: "qps", Path: "/"}})
	}
	for _, path := range member {
		mara.get(path)
		translated(t, mara)
	}
	for _, path := range visitor {
		nobody.get(path)
		translated(t, nobody)
	}
}

// data is what may stand on a page in the words of its writer: names, posts, numbers, addresses.
var data = regexp.MustCompile(`(?i)tideline|mara|okafor|jun|abe|in[êe]s|carvalho|saoirse|byrne|kofi|mensah|tusk reader|rochdale|founder|general meeting|harbour|petrel|boat|kettle|slipway|` +
	`winch|bell|swept|low (water|sun)|tides?|moorings|crane|meeting notes|third pot|levo|clinker|workshop|sail out|afar|read along|coop|^site$|example|https:|member\.|record|chrome|linux|go-http|abc|known here|no page|` +
	`harassment|warnings|spam|privacy|utc|nobody is|atom|json|changes of the rules|rule\.\*`)

func translated(t *testing.T, s *surfer) {
	t.Helper()
	check := func(where, text string) {
		text = strings.TrimSpace(text)
		if !plainWord.MatchString(text) || strings.Contains(text, "⟦") || data.MatchString(text) {
			return
		}
		t.Errorf("%s: %s is not translated: %q", s.url, where, text)
	}
	for d := range s.doc.Descendants() {
		switch d.Type {
		case html.TextNode:
			if inside(d, "code", "pre", "select", "script", "title", "time") || inClass(d, "content", "hash") {
				continue
			}
			check("text", d.Data)
		case html.ElementNode:
			for _, name := range []string{"aria-label", "placeholder", "title", "alt", "data-label", "data-confirm"} {
				check(name, attr(d, name))
			}
		}
	}
}

// plainWord is two plain ASCII letters in a row after each other in a word of four: accented texts
// have none.
var plainWord = regexp.MustCompile(`[A-Za-z]{4,}`)

func inside(n *html.Node, tags ...string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		for _, tag := range tags {
			if p.Data == tag {
				return true
			}
		}
	}
	return false
}

func inClass(n *html.Node, classes ...string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		for _, c := range classes {
			if p.Type == html.ElementNode && strings.Contains(" "+attr(p, "class")+" ", " "+c+" ") {
				return true
			}
		}
	}
	return false
}

// A post that cannot be taken comes back with everything, its pictures included.
func TestTypedIsKept(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	s := p.as(t, "mara")
	long := strings.Repeat("a word ", 80)
	s.send("/posts", fields{"text": long, "warning": "Long", "visibility": "unlisted", "language": "pt", "alt": "A drawing"}, file{"media", drawing(40, 30, sea)})
	if s.status != http.StatusUnprocessableEntity {
		t.Fatalf("a post that is too long answers %d", s.status)
	}
	s.sees("is the most. Please shorten it")
	if got := s.value("text"); got != strings.TrimSpace(long) {
		t.Errorf("the text is %q", got)
	}
	for name, want := range map[string]string{"warning": "Long", "visibility": "unlisted", "language": "pt"} {
		if got := s.value(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	s.send("/posts", fields{"text": "Short."})
	s.at("/home")
	s.get("/@mara/media")
	s.sees("Short.", "A drawing")

	views, err := p.Social.Home(t.Context(), mara, social.Page{})
	if err != nil || len(views) != 1 || views[0].Visibility != social.Unlisted || views[0].Language != "pt" || len(views[0].Media) != 1 {
		t.Fatalf("%+v %v", views, err)
	}
	// The picture is taken off again in the editor.
	s.get(postPath(views[0]) + "/edit")
	s.send(action(s, "/edit"), fields{"remove_" + views[0].Media[0].ID.String(): "on"})
	s.misses("A drawing")
}

// The same form sent twice makes one post.
func TestTwiceIsOnce(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	s := p.as(t, "mara")
	doc := s.doc
	s.send("/posts", fields{"text": "Once."})
	s.doc = doc
	s.send("/posts", fields{"text": "Once."})
	views, err := p.Social.Home(t.Context(), mara, social.Page{})
	if err != nil || len(views) != 1 {
		t.Errorf("%d posts, %v", len(views), err)
	}
}

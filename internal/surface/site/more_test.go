package site

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rochdale/internal/coop"
	"rochdale/internal/identity"
	"rochdale/internal/social"
)

// With script a button's answer is its own row and nothing more; a refusal goes to the top of the page.
func TestFragments(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	post := p.say(t, mara, social.Draft{Text: "Hello"})
	s := p.as(t, "mara")
	type reply struct {
		status int
		header http.Header
		body   string
	}
	ask := func(path string, form url.Values) reply {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, p.server.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("HX-Request", "true")
		res, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply{res.StatusCode, res.Header, string(body)}
	}
	got := ask("/posts/"+post.ID.String()+"/favourite", url.Values{"row": {"77"}}).body
	if !strings.HasPrefix(got, `<div class="acts">`) || !strings.Contains(got, `id="p77-star"`) || !strings.Contains(got, "/unfavourite") || strings.Contains(got, "<html") {
		t.Errorf("favourite answers %s", got)
	}
	if res := ask("/posts/1/favourite", nil); res.status != http.StatusNotFound || res.header.Get("HX-Retarget") != "#main" {
		t.Errorf("a post that is not there answers %d, to %q", res.status, res.header.Get("HX-Retarget"))
	}
}

// An open home page hears of posts by people the reader follows, and not of the reader's own.
func TestHomeEvents(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	jun := p.admit(t, mara, "Jun Abe", "jun")
	if _, err := p.Social.Follow(t.Context(), jun, mara.Account, social.FollowOptions{}); err != nil {
		t.Fatal(err)
	}
	s := p.as(t, "jun")
	res, err := s.client.Get(p.server.URL + "/home/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	lines.Scan() // the stream is open
	p.say(t, jun, social.Draft{Text: "My own"})
	p.say(t, mara, social.Draft{Text: "@jun Hello"})
	var events []string
	for len(events) < 2 && lines.Scan() {
		if e, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			events = append(events, e)
		}
	}
	if got := strings.Join(events, " "); got != "notice post" && got != "post notice" {
		t.Errorf("heard %q", got)
	}
}

// An app is let in by its member, and gets its code by the way it asked for.
func TestConsent(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	ctx := context.Background()
	app, secret, err := p.Identity.CreateApp(ctx, "Tusk Reader", []string{identity.OutOfBand, "tusk://back"}, "read write:statuses", "")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(redirect string) string {
		return "/oauth/authorize?" + url.Values{"response_type": {"code"}, "client_id": {app.ClientID}, "redirect_uri": {redirect}, "scope": {"read write:statuses"}, "state": {"s p"}}.Encode()
	}
	s := p.surf(t)
	s.get(ask(identity.OutOfBand))
	s.at("/sign-in")
	s.send("/sign-in", fields{"email": "mara@tideline.example", "password": password})
	s.at("/oauth/authorize")
	s.sees("Let Tusk Reader in?", "Read everything", "Change your posts", "@mara")
	s.send("/oauth/authorize", fields{"answer": "allow"})
	s.at("/oauth/authorize/native")
	code := ""
	for _, c := range s.each("code") {
		if attr(c, "id") == "code" {
			code = strings.TrimSpace(textOf(c))
		}
	}
	if _, err := p.Identity.Exchange(ctx, app.ClientID, secret, code, identity.OutOfBand, ""); err != nil {
		t.Errorf("the code %q is not good: %v", code, err)
	}
	s.get("/settings/apps")
	s.sees("Tusk Reader")
	s.send(action(s, "/end"), nil)
	s.sees("No app has access")

	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	back := func(answer string) *url.URL {
		t.Helper()
		s.get(ask("tusk://back"))
		form, _ := s.form("/oauth/authorize")
		data := url.Values{"answer": {answer}}
		for d := range form.Descendants() {
			if attr(d, "type") == "hidden" {
				data.Set(attr(d, "name"), attr(d, "value"))
			}
		}
		res, err := s.client.Do(s.request(form, "/oauth/authorize", data, nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		to, err := url.Parse(res.Header.Get("Location"))
		if err != nil || to.Scheme != "tusk" || to.Query().Get("state") != "s p" {
			t.Fatalf("%s leads to %v", answer, to)
		}
		return to
	}
	if got := back("deny").Query().Get("error"); got != "access_denied" {
		t.Errorf("a refusal says %q", got)
	}
	if _, err := p.Identity.Exchange(ctx, app.ClientID, secret, back("allow").Query().Get("code"), "tusk://back", ""); err != nil {
		t.Error(err)
	}
	s.get("/oauth/authorize?response_type=code&client_id=" + app.ClientID + "&redirect_uri=https://thief.example/")
	if s.status != http.StatusUnprocessableEntity || strings.Contains(s.body, "thief.example/?") {
		t.Errorf("a redirect that the app did not register answers %d", s.status)
	}
}

func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	old := p.as(t, "mara")
	s := p.surf(t)
	for _, who := range []string{"nobody@tideline.example", "mara@tideline.example"} {
		s.get("/password/forgot")
		s.send("/password/forgot", fields{"email": who})
		s.sees("Look into your mailbox")
	}
	s.get("/password/reset?secret=" + p.reset)
	s.send("/password/reset", fields{"password": "short"})
	s.sees("A password has at least")
	s.send("/password/reset", fields{"password": "four other random words"})
	s.sees("Your password is changed")
	s.send("/sign-in", fields{"email": "mara@tideline.example", "password": "four other random words"})
	s.at("/home")
	old.get("/home")
	old.at("/sign-in")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	s := p.as(t, "mara")
	s.get("/settings")
	s.send("/settings", fields{"display_name": strings.Repeat("long ", 12), "note": "About me", "field_name_0": "Boat", "field_value_0": "Petrel"})
	if s.status != http.StatusUnprocessableEntity || s.value("note") != "About me" || s.value("field_value_0") != "Petrel" {
		t.Errorf("a name that is too long loses the rest: %d", s.status)
	}
	s.send("/settings", fields{"display_name": "Mara of the Petrel", "locked": "on"}, file{"avatar", drawing(80, 80, sea)})
	s.sees("Your profile is saved")
	s.get("/@mara")
	s.sees("Mara of the Petrel", "About me", "Boat", "Petrel")
	if !strings.Contains(s.body, `class="avatar large" src="/media/`) {
		t.Errorf("there is no picture: %s", s.body)
	}

	s.get("/settings/account")
	s.send("/settings/account", fields{"theme": "dark", "visibility": "private", "written": "cy", "sensitive": "on"})
	s.sees("Your settings are saved")
	if !strings.Contains(s.body, `data-theme="dark"`) {
		t.Error("the page is not dark")
	}
	s.get("/write")
	if s.value("visibility") != "private" || s.value("language") != "cy" {
		t.Errorf("a new post begins as %s in %s", s.value("visibility"), s.value("language"))
	}
	s.get("/settings/account")
	s.send("/settings/password", fields{"old_password": "wrong", "password": "four other random words"})
	s.sees("This is not your present password")
	other := p.as(t, "mara")
	s.send("/settings/password", fields{"old_password": password, "password": "four other random words"})
	s.sees("Other browsers are signed out")
	other.get("/home")
	other.at("/sign-in")

	// Somebody asks to follow; the answer is a form.
	jun := p.admit(t, mara, "Jun Abe", "jun")
	asking := p.as(t, "jun")
	asking.get("/@mara")
	asking.sees("Ask to follow")
	asking.send(action(asking, "/follow"), nil)
	asking.sees("Asked")
	s.get("/notifications")
	s.sees("Jun Abe asks to follow you")
	s.send("/follow-requests/"+jun.Account.String()+"/accept", nil)
	asking.get("/@mara")
	asking.sees("Following")
	asking.send(action(asking, "/mute"), nil)
	asking.sees("@mara is muted")
	asking.send(action(asking, "/block"), nil)
	asking.sees("@mara is blocked", "Unblock")
	asking.send(action(asking, "/unblock"), nil)
	asking.misses("Unblock")
}

// Posts and people of other servers are read here, and their pictures come through this server.
func TestRemote(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	mara := p.found(t)
	far := p.stranger(t, "saoirse", "rabble.example", "Saoirse Byrne")
	p.Find = func(context.Context, string, string) (*social.Account, error) { return far, nil }
	if _, err := p.Social.Follow(t.Context(), mara, far.ID, social.FollowOptions{}); err != nil {
		t.Fatal(err)
	}
	c.Advance(1)
	s := p.as(t, "mara")
	s.get("/search?q=@saoirse@rabble.example")
	s.sees("Saoirse Byrne", "Asked")
	s.follow("Saoirse Byrne")
	s.at("/@saoirse@rabble.example")
	s.sees("This account lives on rabble.example")
	if !strings.Contains(s.body, "/media/remote/") {
		t.Error("the picture does not come through here")
	}
	sound(t, s)
}

// Mentions and hashtags lead to our own pages, wherever they were written.
func TestContentLeadsHere(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	far := p.stranger(t, "saoirse", "rabble.example", "Saoirse Byrne")
	part := &social.Part{Post: social.Post{Content: `<p><a href="https://rabble.example/@saoirse" class="u-url mention">@saoirse</a> ` +
		`<a href="https://rabble.example/tags/Tea" class="mention hashtag" rel="tag">#Tea</a> <a href="https://tea.example/tags/x">x</a></p>`},
		Mentioned: []social.Mention{{ID: far.ID, Username: "saoirse", Domain: "rabble.example", URL: far.URL, URI: far.URI}}, Tags: []string{"tea"}}
	want := `<p><a href="/@saoirse@rabble.example" class="u-url mention">@saoirse</a> <a href="/tags/Tea" class="mention hashtag" rel="tag">#Tea</a> <a href="https://tea.example/tags/x">x</a></p>`
	if got := p.content(part); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Nobody reads what is not for them: neither the page of a post nor its lists nor its menu.
func TestPrivatePosts(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	p.admit(t, mara, "Jun Abe", "jun")
	only := p.say(t, mara, social.Draft{Text: "For followers", Visibility: social.Followers})
	path := "/@mara/" + only.ID.String()
	jun := p.as(t, "jun")
	for _, tail := range []string{"", "/history", "/edit", "/delete", "/boosts", "/favourites"} {
		jun.get(path + tail)
		if jun.status != http.StatusNotFound {
			t.Errorf("%s answers %d to somebody who may not see it", path+tail, jun.status)
		}
	}
	jun.get("/@mara")
	jun.misses("For followers")
	open := p.say(t, mara, social.Draft{Text: "For all"})
	for _, tail := range []string{"/edit", "/delete"} {
		jun.get("/@mara/" + open.ID.String() + tail)
		if jun.status != http.StatusNotFound {
			t.Errorf("%s answers %d to somebody else", tail, jun.status)
		}
	}
}

// The form to join follows how the co-op takes members.
func TestWaysToJoin(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	c, err := p.Coop.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for how, want := range map[string]string{"invitation": "Ask somebody you know", "closed": "No new members at present", "application": "Apply"} {
		err := p.Coop.Describe(t.Context(), mara, describe(c.Name, how), "test")
		if err != nil {
			t.Fatal(err)
		}
		s := p.surf(t)
		s.get("/join")
		s.sees(want)
		if form, _ := s.form("/join"); (form != nil) != (how == "application") {
			t.Errorf("%s: form %v", how, form != nil)
		}
		s.get("/join?code=used-up-long-ago")
		if how == "application" {
			s.sees("This invitation has been used or has run out")
		}
	}
}

// Whoever holds the power changes what the co-op says about itself, in the browser; nobody else does.
func TestDescribingTheCoop(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.admit(t, p.found(t), "Jun Abe", "jun")
	mara := p.as(t, "mara")
	mara.get("/about")
	mara.sees("Change what the co-op says about itself")
	mara.get("/about/edit")
	mara.send("/about/edit", fields{"name": "", "conduct": "Be kind."})
	mara.sees("The name of the co-op has 1 to 80 characters")
	if mara.value("conduct") != "Be kind." {
		t.Error("a missing name loses the rules")
	}
	mara.send("/about/edit", fields{"name": "High Water Co-op", "description": "By the sea.", "joining": "invitation", "reason": "As we said at the meeting."})
	mara.at("/about")
	mara.sees("High Water Co-op", "Be kind.")
	mara.get("/record/11")
	mara.sees("As we said at the meeting.", "High Water Co-op")
	jun := p.as(t, "jun")
	jun.get("/about/edit")
	if jun.status != http.StatusForbidden {
		t.Errorf("without the power the form answers %d", jun.status)
	}
}

func describe(name, joining string) coop.Description {
	return coop.Description{Name: name, Joining: joining}
}

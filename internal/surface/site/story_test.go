package site

import (
	"context"
	"image/color"
	"net/http"
	"strings"
	"testing"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
)

// The story of a place from its founding on, told by forms alone.
func TestStory(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, migrations, func(t *testing.T, d *db.DB, c *clock.Fake) {
		p := newPlace(t, d)
		mara := p.surf(t)
		mara.get("/")
		mara.at("/found")

		code, err := p.Coop.FoundingCode(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		founding := fields{"code": "WRONG-CODES", "coop_name": "Tideline Co-op", "description": "Boats and software.", "preset": "circle",
			"name": "Mara Okafor", "username": "mara", "email": "mara@tideline.example", "password": password}
		mara.send("/found", founding)
		if mara.status != http.StatusUnprocessableEntity || mara.value("coop_name") != "Tideline Co-op" || mara.value("email") != "mara@tideline.example" {
			t.Fatalf("a wrong code loses what was typed: %d %s", mara.status, mara.body)
		}
		mara.sees("This is not the code")
		founding["code"] = code
		mara.send("/found", founding)
		mara.at("/home")
		mara.sees("Tideline Co-op is founded", "Founder")
		mara.get("/found")
		if mara.status != http.StatusNotFound {
			t.Errorf("the founding page is still there: %d", mara.status)
		}

		mara.get("/invitations")
		mara.send("/invitations", fields{"uses": "2", "note": "For the crew"})
		mara.sees("The invitation is ready", "For the crew")
		link := mara.value("link")

		jun := p.surf(t)
		jun.get(link)
		jun.sees("Mara Okafor invites you", "For the crew")
		jun.send("/join", fields{"name": "Jun Abe", "username": "jun", "email": "jun@tideline.example", "password": "short"})
		jun.sees("A password has at least")
		if jun.value("name") != "Jun Abe" || jun.value("username") != "jun" {
			t.Error("a short password loses what was typed")
		}
		jun.send("/join", fields{"password": password})
		jun.at("/home")
		jun.sees("You are member 2")

		// A post with a picture, then everything that can be done with it.
		jun.send("/posts", fields{"text": "Low water at six. #tides", "alt": "A grey estuary"}, file{"media", drawing(64, 48, color.RGBA{90, 140, 170, 255})})
		jun.at("/home")
		jun.sees("Your post is out", "Low water at six.", "A grey estuary")
		if n := strings.Count(jun.body, `alt="A grey estuary"`); n != 1 {
			t.Errorf("the picture is drawn %d times", n)
		}
		post := jun.href("now")

		mara.get("/@jun")
		mara.send(action(mara, "/follow"), nil)
		mara.at("/@jun")
		mara.sees("Following")
		mara.get("/home")
		mara.sees("Low water at six.")
		mara.send(action(mara, "/favourite"), nil)
		mara.send(action(mara, "/boost"), nil)
		mara.send(action(mara, "/bookmark"), nil)
		mara.get("/bookmarks")
		mara.sees("Low water at six.")
		mara.get(post)
		if got := mara.value("text"); got != "@jun " {
			t.Errorf("the answer begins with %q", got)
		}
		mara.send("/posts", fields{"text": "@jun I bring the kettle."})
		mara.sees("Your answer is out", "I bring the kettle.")

		jun.get("/notifications")
		jun.sees("Mara Okafor mentioned you", "boosted your post", "favourited your post", "follows you", "I bring the kettle.")
		jun.get("/home")
		jun.misses("unread")

		jun.get(post)
		jun.follow("Edit")
		if got := jun.value("text"); got != "Low water at six. #tides" {
			t.Errorf("the editor holds %q", got)
		}
		jun.send(action(jun, "/edit"), fields{"text": "Low water at seven. #tides"})
		jun.sees("Low water at seven.", "Edited", "A grey estuary")
		jun.follow("Edited")
		jun.sees("Low water at six.", "Low water at seven.")
		jun.get(post)
		jun.send(action(jun, "/pin"), nil)
		jun.get("/@jun")
		jun.sees("Pinned")

		jun.get(post)
		jun.follow("Delete")
		jun.sees("Delete this post?")
		jun.send(action(jun, "/delete"), nil)
		jun.at("/home")
		jun.misses("Low water")
		mara.get(post)
		if mara.status != http.StatusNotFound {
			t.Errorf("a deleted post answers %d", mara.status)
		}

		jun.get("/you")
		jun.send("/sign-out", nil)
		jun.at("/")
		jun.get("/home")
		jun.at("/sign-in")
		jun.send("/sign-in", fields{"email": "jun@tideline.example", "password": "not the one"})
		jun.sees("not right")
		jun.send("/sign-in", fields{"password": password})
		jun.at("/home")
	})
}

// action is the one form action or button of the page that ends like this.
func action(s *surfer, suffix string) string {
	s.t.Helper()
	for _, tag := range []string{"form", "button"} {
		for _, n := range s.each(tag) {
			for _, name := range []string{"action", "formaction"} {
				if strings.HasSuffix(attr(n, name), suffix) {
					return attr(n, name)
				}
			}
		}
	}
	s.t.Fatalf("%s has no form that ends in %s", s.url, suffix)
	return ""
}

func TestApplication(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	kofi := p.surf(t)
	kofi.get("/join")
	kofi.send("/join", fields{"name": "Kofi Mensah", "username": "Mara", "email": "kofi@tideline.example", "password": password, "answer": "I sail."})
	kofi.sees("This username is taken")
	if kofi.value("answer") != "I sail." {
		t.Error("a taken name loses the answer")
	}
	kofi.send("/join", fields{"username": "kofi", "password": password})
	kofi.at("/join/thanks")

	mara := p.as(t, "mara")
	mara.sees("Waiting for you")
	mara.get("/members/applications")
	mara.sees("Kofi Mensah", "I sail.")
	mara.send(action(mara, "/decline"), nil)
	mara.sees("Please give a reason")
	if mara.status != http.StatusUnprocessableEntity {
		t.Errorf("declining without a reason answers %d", mara.status)
	}
	mara.send(action(mara, "/accept"), fields{"reason": "Known at the harbour."})
	mara.sees("Kofi Mensah is member 2")
	mara.get("/record")
	mara.sees("Mara Okafor accepted an application: Kofi Mensah is member 2.")
	mara.get("/members")
	mara.sees("Kofi Mensah", "No. 2, since")

	kofi = p.as(t, "kofi")
	kofi.get("/members/applications")
	if kofi.status != http.StatusForbidden {
		t.Errorf("a member without the mandate gets %d", kofi.status)
	}
}

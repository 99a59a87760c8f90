package mastodon

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func picture(tb testing.TB) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 600, 300))); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestPostWithAPicture(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		pic := ada.post("/api/v2/media", newForm().field("description", "a loom").field("focus", "0.5,-0.5").file("file", picture(t))).want(200)
		pic.is("type", "image").is("description", "a loom").is("meta.focus.x", "0.5").is("meta.original.width", "600").is("meta.small.width", "400")
		ada.get("/api/v1/media/"+pic.text("id")).want(200).is("blurhash", pic.text("blurhash"))
		ada.call(ada.token, "PUT", "/api/v1/media/"+pic.text("id"), map[string]any{"description": "a big loom"}).want(200).is("description", "a big loom")

		s := ada.post("/api/v1/statuses", map[string]any{"status": "Look #Looms @ada", "media_ids": []string{pic.text("id")}, "sensitive": true,
			"spoiler_text": "wood", "language": "en", "visibility": "unlisted"}).want(200)
		s.is("visibility", "unlisted").is("spoiler_text", "wood").is("sensitive", "true").is("language", "en").is("media_attachments.0.description", "a big loom").
			is("tags.0.name", "looms").is("mentions.0.acct", "ada").is("account.acct", "ada").is("favourited", "false").is("reblog", "<nil>")
		id := s.text("id")

		seen := w.call("", "GET", "/api/v1/statuses/"+id, nil).want(200)
		if strings.Contains(string(seen.body), "favourited\"") {
			t.Error("a visitor sees marks")
		}
		res, err := w.http.Client().Get(w.http.URL + strings.TrimPrefix(s.text("media_attachments.0.url"), "https://coop.test"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			t.Errorf("the picture: %d", res.StatusCode)
		}
		gone := ada.call(ada.token, "DELETE", "/api/v1/statuses/"+id, nil).want(200)
		gone.is("text", "Look #Looms @ada").is("media_attachments.0.id", pic.text("id"))
		ada.get("/api/v1/statuses/" + id).want(404)
		// Begin anew with the same picture.
		ada.writes("again", "public", "media_ids[]", pic.text("id"))
	})
}

func TestTheSameKeyPostsOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		var ids []string
		for range 2 {
			a := w.call(ada.token, "POST", "/api/v1/statuses", url.Values{"status": {"once"}}, "Idempotency-Key", "k1").want(200)
			ids = append(ids, a.text("id"))
		}
		if ids[0] != ids[1] || ada.get("/api/v1/timelines/home").len("") != 1 {
			t.Errorf("ids %v", ids)
		}
	})
}

func TestWhatCannotBePostedSaysWhy(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		for name, body := range map[string]any{
			"poll":       map[string]any{"status": "?", "poll": map[string]any{"options": []string{"a", "b"}, "expires_in": 60}},
			"scheduled":  map[string]any{"status": "later", "scheduled_at": "2030-01-01T00:00:00Z"},
			"empty":      map[string]any{"status": "  "},
			"long":       map[string]any{"status": strings.Repeat("a", 501)},
			"visibility": map[string]any{"status": "a", "visibility": "secret"},
			"picture":    map[string]any{"status": "a", "media_ids": []string{"123"}},
		} {
			if a := ada.post("/api/v1/statuses", body); a.status != 422 || len(a.text("error")) < 20 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		ada.post("/api/v1/statuses", url.Values{"status": {"re"}, "in_reply_to_id": {"12345"}}).want(404)
		ada.call(ada.token, "POST", "/api/v1/statuses", nil, "Content-Type", "application/json").want(422)
		if n := ada.get("/api/v1/timelines/home").len(""); n != 0 {
			t.Errorf("%d posts", n)
		}
	})
}

func TestMarksAreTheViewersOwn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, bob := w.member("ada", allScopes), w.member("bob", allScopes)
		id := ada.writes("hello", "public")
		path := "/api/v1/statuses/" + id
		bob.post(path+"/favourite", nil).want(200).is("favourited", "true").is("favourites_count", "1")
		bob.post(path+"/bookmark", nil).want(200).is("bookmarked", "true")
		bob.post(path+"/mute", nil).want(200).is("muted", "true")
		boost := bob.post(path+"/reblog", nil).want(200)
		boost.is("reblog.id", id).is("reblog.reblogged", "true").is("reblogged", "true").is("account.acct", "bob").is("reblog.account.acct", "ada")
		ada.get(path).is("favourited", "false").is("favourites_count", "1").is("reblogs_count", "1")
		ada.get(path+"/favourited_by").is("0.acct", "bob")
		ada.get(path+"/reblogged_by").is("0.acct", "bob")
		bob.get("/api/v1/favourites").is("0.id", id)
		bob.get("/api/v1/bookmarks").is("0.id", id)
		ada.get("/api/v1/bookmarks").want(200)
		ada.post(path+"/pin", nil).want(200).is("pinned", "true")
		bob.post(path+"/pin", nil).want(422)
		w.call("", "GET", "/api/v1/accounts/"+ada.ID.String()+"/statuses?pinned=true", nil).want(200).is("0.id", id)
		for _, undo := range []string{"unfavourite", "unbookmark", "unmute", "unreblog"} {
			bob.post(path+"/"+undo, nil).want(200).is("id", id)
		}
		bob.get(path).is("favourited", "false").is("bookmarked", "false").is("muted", "false").is("reblogged", "false").is("favourites_count", "0")
		bob.get("/api/v1/statuses/" + boost.text("id")).want(404)
	})
}

func TestThreadsEditsAndHistory(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, bob := w.member("ada", allScopes), w.member("bob", allScopes)
		first := ada.writes("first", "public")
		second := bob.writes("second", "public", "in_reply_to_id", first)
		third := ada.writes("third", "public", "in_reply_to_id", second)
		c := ada.get("/api/v1/statuses/" + second + "/context").want(200)
		c.is("ancestors.0.id", first).is("descendants.0.id", third)
		w.clock.Advance(1e9)
		path := "/api/v1/statuses/" + first
		ada.call(ada.token, "PUT", path, map[string]any{"status": "first, **changed**"}).want(200).is("id", first)
		bob.call(bob.token, "PUT", path, map[string]any{"status": "mine"}).want(404)
		ada.get(path+"/source").want(200).is("text", "first, **changed**")
		h := ada.get(path + "/history").want(200)
		if h.len("") != 2 || !strings.Contains(h.text("0.content"), "first") || !strings.Contains(h.text("1.content"), "changed") {
			t.Errorf("history: %s", h.body)
		}
		if ada.get(path).text("edited_at") == "<nil>" {
			t.Error("the edit does not show")
		}
		bob.call(bob.token, "DELETE", path, nil).want(404)
	})
}

func TestPagesLinkToTheirNeighbours(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		var ids []string
		for range 7 {
			ids = append([]string{ada.writes("post", "public")}, ids...)
		}
		var got []string
		next := "/api/v1/timelines/home?limit=3"
		for next != "" && len(got) < 20 {
			a := ada.get(next).want(200)
			for i := range a.len("") {
				got = append(got, a.at("").([]any)[i].(map[string]any)["id"].(string))
			}
			next = ""
			for link := range strings.SplitSeq(a.header.Get("Link"), ", ") {
				if url, rel, _ := strings.Cut(link, ">; "); rel == `rel="next"` {
					next = strings.TrimPrefix(url, "<https://coop.test")
				}
			}
			if a.len("") > 0 && !strings.Contains(next, "limit=3") {
				t.Fatalf("Link: %s", a.header.Get("Link"))
			}
		}
		if strings.Join(got, " ") != strings.Join(ids, " ") {
			t.Errorf("got %v, want %v", got, ids)
		}
		if a := ada.get("/api/v1/timelines/home?limit=2&min_id=" + ids[6]); a.text("0.id") != ids[4] {
			t.Errorf("min_id gives the ones right after: %s", a.body)
		}
	})
}

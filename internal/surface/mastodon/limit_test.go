package mastodon

import (
	"context"
	"strings"
	"testing"

	"rochdale/internal/kit/db"
	"rochdale/internal/social"
)

func (w *world) inTx(f func(ctx context.Context, tx *db.Tx) error) {
	w.Helper()
	ctx := context.Background()
	if err := w.DB.InTx(ctx, func(tx *db.Tx) error { return f(ctx, tx) }); err != nil {
		w.Fatal(err)
	}
}

// What an app is shown of a suspended account, and what it is told when it acts for one.
// spec: mastodon/entities/Account#suspended
func TestASuspendedAccountInTheAPI(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, bea := w.member("ada", allScopes), w.member("bea", allScopes)
		post := bea.post("/api/v1/statuses", map[string]any{"status": "hello @ada #loom"}).want(200).text("id")
		bea.call(bea.token, "PATCH", "/api/v1/accounts/update_credentials", map[string]any{"display_name": "Bea", "note": "weaver"}).want(200)
		ada.post("/api/v1/accounts/"+bea.ID.String()+"/follow", nil).want(200)
		if n := ada.get("/api/v1/notifications").want(200).len(""); n != 1 {
			t.Fatalf("%d notices", n)
		}
		suspend := func(on bool) {
			w.inTx(func(ctx context.Context, tx *db.Tx) error { return w.Social.SetSuspended(ctx, tx, bea.ID, on) })
		}
		suspend(true)
		at := "/api/v1/accounts/" + bea.ID.String()
		a := ada.get(at).want(200)
		if a.at("suspended") != true || a.text("display_name") != "" || a.text("note") != "" || a.text("statuses_count") != "0" || a.text("username") != "bea" {
			t.Errorf("shown: %s", a.body)
		}
		for path, status := range map[string]int{at + "/statuses": 404, at + "/followers": 404, at + "/following": 404, "/api/v1/accounts/lookup?acct=bea": 404,
			"/api/v1/statuses/" + post: 404, "/api/v1/statuses/" + post + "/context": 404} {
			ada.get(path).want(status)
		}
		for _, path := range []string{"/api/v1/timelines/home", "/api/v1/timelines/public", "/api/v1/timelines/tag/loom", "/api/v1/notifications",
			"/api/v1/accounts/search?q=bea", "/api/v1/directory", "/api/v1/accounts?id[]=" + bea.ID.String(), "/api/v1/accounts/relationships?id[]=" + bea.ID.String()} {
			if s := string(ada.get(path).want(200).body); strings.Contains(s, bea.ID.String()) {
				t.Errorf("%s shows it: %s", path, s)
			}
		}
		// It reads and sees itself, and is told why it cannot do more.
		if me := bea.get("/api/v1/accounts/verify_credentials").want(200); me.at("suspended") != true || me.text("display_name") != "Bea" {
			t.Errorf("to itself: %s", me.body)
		}
		bea.get("/api/v1/timelines/home").want(200)
		bea.get("/api/v1/statuses/" + post).want(200)
		for _, path := range []string{"/api/v1/statuses", "/api/v1/statuses/" + post + "/favourite", "/api/v1/accounts/" + ada.ID.String() + "/follow"} {
			if e := bea.post(path, map[string]any{"status": "x"}).want(403).text("error"); !strings.Contains(e, "suspended") {
				t.Errorf("%s: %s", path, e)
			}
		}
		suspend(false)
		if a := ada.get(at).want(200); a.text("display_name") != "Bea" || strings.Contains(string(a.body), "suspended") {
			t.Errorf("free again: %s", a.body)
		}
		if n := ada.get("/api/v1/timelines/home").want(200).len(""); n != 1 {
			t.Errorf("home holds %d posts again", n)
		}
		bea.post("/api/v1/statuses", map[string]any{"status": "back"}).want(200)
	})
}

// spec: mastodon/methods/instance#domain_blocks
func TestDomainBlocksAreListed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.inTx(func(ctx context.Context, tx *db.Tx) error {
			for name, level := range map[string]social.Level{"bad.example": social.LevelBlock, "loud.example": social.LevelLimit} {
				if _, err := w.Social.SetDomain(ctx, tx, name, level); err != nil {
					return err
				}
			}
			return nil
		})
		a := w.call("", "GET", "/api/v1/instance/domain_blocks", nil).want(200)
		if a.len("") != 2 || a.text("0.domain") != "bad.example" || a.text("0.severity") != "suspend" || a.text("1.severity") != "silence" || len(a.text("0.digest")) != 64 {
			t.Errorf("%s", a.body)
		}
	})
}

// A limited account's posts do not run through the public streams, but through those of its followers.
func TestLimitedAccountsInStreams(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, bea, cat := w.member("ada", allScopes), w.member("bea", allScopes), w.member("cat", allScopes)
		ada.post("/api/v1/accounts/"+bea.ID.String()+"/follow", nil).want(200)
		w.inTx(func(ctx context.Context, tx *db.Tx) error { return w.Social.SetLimited(ctx, tx, bea.ID, true) })
		follower, stranger := ada.connect("?stream=public"), cat.connect("?stream=public")
		w.listening(2)
		bea.post("/api/v1/statuses", map[string]any{"status": "quietly"}).want(200)
		cat.post("/api/v1/statuses", map[string]any{"status": "loudly"}).want(200)
		for who, tc := range map[string]struct {
			s    *socket
			want string
		}{"follower": {follower, "quietly"}, "stranger": {stranger, "loudly"}} {
			if e := tc.s.next(); e.Event != "update" || !strings.Contains(e.Payload, tc.want) {
				t.Errorf("%s hears %+v first, want %s", who, e, tc.want)
			}
		}
	})
}

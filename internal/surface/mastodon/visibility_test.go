package mastodon

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/social"
)

// Whoever may not see a post learns of it through no address: every GET that could show it is asked by
// a stranger, by a visitor and by a member who is blocked.
func TestNothingLeaks(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, friend, stranger, blocked := w.member("ada", allScopes), w.member("friend", allScopes), w.member("stranger", allScopes), w.member("blocked", allScopes)
		friend.follows(ada)
		ada.post("/api/v1/accounts/"+blocked.ID.String()+"/block", nil).want(200)
		var found []id.ID
		w.SearchPosts = func(context.Context, authz.Actor, PostQuery) ([]id.ID, error) { return found, nil }

		open := ada.writes("everybody may read #weaving", "public")
		inner := ada.writes("only-for-friends #weaving", "private", "in_reply_to_id", open)
		secret := ada.writes("only-for-friend @friend #weaving", "direct", "in_reply_to_id", open)
		for _, s := range []string{inner, secret} {
			found = append(found, id.Parse(s))
			friend.get("/api/v1/statuses/" + s).want(200)
			friend.post("/api/v1/statuses/"+s+"/favourite", nil).want(200)
		}
		A := ada.ID.String()
		for name, token := range map[string]string{"visitor": "", "stranger": stranger.token, "blocked": blocked.token} {
			for _, post := range []string{inner, secret} {
				path := "/api/v1/statuses/" + post
				for _, p := range []string{"", "/context", "/source", "/history", "/reblogged_by", "/favourited_by", "/quotes"} {
					if a := w.call(token, "GET", path+p, nil); a.status != 404 && a.status != 401 {
						t.Errorf("%s reads %s%s: %d %s", name, post, p, a.status, a.body)
					}
				}
				if token == "" {
					continue
				}
				for _, verb := range []string{"favourite", "unfavourite", "reblog", "unreblog", "bookmark", "unbookmark", "mute", "pin", "translate"} {
					if a := w.call(token, "POST", path+"/"+verb, nil); a.status != 404 {
						t.Errorf("%s may %s %s: %d %s", name, verb, post, a.status, a.body)
					}
				}
				if a := w.call(token, "POST", "/api/v1/statuses", url.Values{"status": {"re"}, "in_reply_to_id": {post}}); a.status != 404 {
					t.Errorf("%s answers %s: %d %s", name, post, a.status, a.body)
				}
			}
			for _, path := range []string{
				"/api/v1/statuses?id[]=" + inner + "&id[]=" + secret, "/api/v1/statuses/" + open + "/context", "/api/v1/accounts/" + A + "/statuses",
				"/api/v1/accounts/" + A + "/statuses?pinned=true", "/api/v1/timelines/public", "/api/v1/timelines/tag/weaving", "/api/v1/timelines/home",
				"/api/v1/timelines/direct", "/api/v1/conversations", "/api/v2/search?q=only", "/api/v1/notifications", "/api/v2/notifications",
				"/api/v1/bookmarks", "/api/v1/favourites",
			} {
				a := w.call(token, "GET", path, nil)
				if strings.Contains(string(a.body), "only-for") || strings.Contains(string(a.body), inner) || strings.Contains(string(a.body), secret) {
					t.Errorf("%s learns of it at %s: %s", name, path, a.body)
				}
			}
		}
		if a := friend.get("/api/v2/search?q=only").want(200); a.len("statuses") != 2 {
			t.Errorf("the friend finds %s", a.body)
		}
		// A notice about a post goes when its reader may not see the post any more.
		if a := friend.get("/api/v1/notifications").want(200); a.len("") != 1 {
			t.Errorf("the friend was mentioned: %s", a.body)
		}
		ada.post("/api/v1/accounts/"+friend.ID.String()+"/block", nil).want(200)
		if a := friend.get("/api/v1/notifications").want(200); a.len("") != 0 {
			t.Errorf("after the block: %s", a.body)
		}
	})
}

func TestScopesHold(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		reader := w.member("reader", "read:accounts")
		id := w.member("ada", allScopes).writes("hello", "public")
		reader.get("/api/v1/accounts/verify_credentials").want(200)
		for _, c := range []struct{ method, path string }{
			{"GET", "/api/v1/timelines/home"}, {"GET", "/api/v1/statuses/" + id}, {"POST", "/api/v1/statuses"}, {"POST", "/api/v1/statuses/" + id + "/favourite"},
			{"GET", "/api/v1/notifications"}, {"POST", "/api/v2/media"}, {"PATCH", "/api/v1/accounts/update_credentials"}, {"GET", "/api/v1/streaming/user"},
			{"POST", "/api/v1/accounts/" + reader.ID.String() + "/block"}, {"GET", "/api/v2/search?q=a"},
		} {
			w.call(reader.token, c.method, c.path, nil).want(403).is("error", "This action is outside the authorized scopes")
		}
		w.call("", "GET", "/api/v1/timelines/home", nil).want(401).is("error", "The access token is invalid")
		w.call("nonsense", "GET", "/api/v1/statuses/"+id, nil).want(401)
		old := w.member("old", "follow")
		old.post("/api/v1/accounts/"+reader.ID.String()+"/follow", nil).want(200)
		old.get("/api/v1/timelines/home").want(403)
	})
}

// Every route that needs a token says so to a visitor, and none answers with a server error.
func TestEveryRouteBearsAVisitor(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, r := range w.Routes() {
			if r.Style == web.Page {
				continue
			}
			method, path, _ := strings.Cut(r.Pattern, " ")
			for _, name := range []string{"{id}", "{group_key}", "{hashtag}", "{name}"} {
				path = strings.ReplaceAll(strings.TrimSuffix(path, "{$}"), name, "1")
			}
			a := w.call("", method, path, nil)
			if a.status >= 500 || method != "GET" && a.status < 400 {
				t.Errorf("%s %s: %d %.200s", method, path, a.status, a.body)
			}
			if a.status >= 400 && !strings.Contains(string(a.body), `"error"`) {
				t.Errorf("%s %s: an error without words: %s", method, path, a.body)
			}
		}
	})
}

func TestRelationsAndLists(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, bob := w.member("ada", allScopes), w.member("bob", allScopes)
		B := "/api/v1/accounts/" + bob.ID.String()
		ada.post(B+"/follow", url.Values{"reblogs": {"false"}, "notify": {"true"}}).want(200).is("following", "true").is("showing_reblogs", "false").is("notifying", "true")
		ada.post(B+"/mute", map[string]any{"duration": 3600, "notifications": false}).want(200).is("muting", "true").is("muting_notifications", "false").
			is("muting_expires_at", "2027-01-04T10:00:00.000Z")
		ada.get("/api/v1/mutes").want(200).is("0.acct", "bob")
		ada.post(B+"/note", url.Values{"comment": {"met at the mill"}}).want(200).is("note", "met at the mill")
		bob.get("/api/v1/accounts/"+bob.ID.String()+"/followers").want(200).is("0.acct", "ada")
		bob.post("/api/v1/accounts/"+ada.ID.String()+"/remove_from_followers", nil).want(200).is("followed_by", "false")
		ada.post(B+"/block", nil).want(200).is("blocking", "true")
		ada.get("/api/v1/blocks").want(200).is("0.acct", "bob")
		bob.get("/api/v1/accounts/relationships?id[]="+ada.ID.String()).is("0.blocked_by", "true")
		ada.post("/api/v1/accounts/"+ada.ID.String()+"/follow", nil).want(422)
		ada.post("/api/v1/accounts/999/follow", nil).want(404)
		ada.post("/api/v1/accounts/x/follow", nil).want(404)
	})
}

func TestProfile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		patch := func(body any) answer {
			return ada.call(ada.token, "PATCH", "/api/v1/accounts/update_credentials", body)
		}
		patch(map[string]any{"display_name": "Ada", "locked": true, "fields_attributes": []map[string]string{{"name": "A", "value": "1"}, {"name": "B", "value": "2"}},
			"source": map[string]any{"privacy": "private", "sensitive": true, "language": "de"}}).want(200).
			is("display_name", "Ada").is("locked", "true").is("fields.1.name", "B").is("source.privacy", "private").is("source.language", "de")
		patch(url.Values{"fields_attributes[1][name]": {"D"}, "fields_attributes[1][value]": {"4"}, "fields_attributes[0][name]": {"C"}, "fields_attributes[0][value]": {"3"}}).
			want(200).is("fields.0.name", "C").is("fields.1.value", "4").is("display_name", "Ada")
		ada.get("/api/v1/preferences").is("posting:default:visibility", "private").is("posting:default:sensitive", "true")
		ada.post("/api/v1/statuses", url.Values{"status": {"by default"}}).want(200).is("visibility", "private").is("sensitive", "true").is("language", "de")
		patch(url.Values{"display_name": {strings.Repeat("x", 31)}}).want(422)
		patch(url.Values{"source[privacy]": {"nobody"}}).want(422)
		patch(newForm().file("avatar", []byte("no picture"))).want(422)
		with := patch(newForm().file("avatar", picture(t))).want(200).text("avatar")
		if !strings.Contains(with, "/media/p/") {
			t.Errorf("avatar %s", with)
		}
		w.call("", "GET", "/api/v1/accounts/lookup?acct=ada@coop.test", nil).want(200).is("avatar", with)
		ada.call(ada.token, "DELETE", "/api/v1/profile/avatar", nil).want(200).is("avatar", "https://coop.test/avatars/original/missing.png")
	})
}

func TestGroupedNotices(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		id := ada.writes("hello", "public")
		var fans []*person
		for _, n := range []string{"bob", "cy", "dee"} {
			p := w.member(n, allScopes)
			p.post("/api/v1/statuses/"+id+"/favourite", nil).want(200)
			w.clock.Advance(1e9)
			fans = append(fans, p)
		}
		fans[0].writes("@ada hi", "public")
		g := ada.get("/api/v2/notifications").want(200)
		g.is("notification_groups.0.type", "mention").is("notification_groups.0.notifications_count", "1").is("notification_groups.1.group_key", "favourite-"+id).
			is("notification_groups.1.notifications_count", "3").is("notification_groups.1.sample_account_ids.0", fans[2].ID.String()).is("notification_groups.1.status_id", id)
		if g.len("accounts") != 3 || g.len("statuses") != 2 {
			t.Errorf("%d accounts, %d posts", g.len("accounts"), g.len("statuses"))
		}
		if n := ada.get("/api/v2/notifications?grouped_types[]=follow").len("notification_groups"); n != 4 {
			t.Errorf("%d groups when nothing is grouped", n)
		}
		ada.get("/api/v2/notifications/unread_count").is("count", "2")
		ada.get("/api/v1/notifications/unread_count").is("count", "4")
		if n := ada.get("/api/v2/notifications/favourite-" + id + "/accounts").want(200).len(""); n != 3 {
			t.Errorf("%d accounts", n)
		}
		ada.post("/api/v2/notifications/favourite-"+id+"/dismiss", nil).want(200)
		ada.get("/api/v2/notifications/favourite-" + id).want(404)
		ada.get("/api/v2/notifications/nonsense").want(404)
		ada.get("/api/v1/notifications?types[]=mention").is("0.type", "mention").is("0.account.acct", "bob")
		if n := ada.get("/api/v1/notifications?exclude_types[]=mention").len(""); n != 0 {
			t.Errorf("%d notices", n)
		}
	})
}

func TestConversations(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, bob := w.member("ada", allScopes), w.member("bob", allScopes)
		first := ada.writes("@bob psst", "direct")
		bob.writes("@ada what?", "direct", "in_reply_to_id", first)
		list := ada.get("/api/v1/conversations").want(200)
		if list.len("") != 1 {
			t.Fatalf("conversations: %s", list.body)
		}
		list.is("0.accounts.0.acct", "bob").is("0.last_status.account.acct", "bob")
		ada.post("/api/v1/conversations/"+list.text("0.id")+"/read", nil).want(200).is("unread", "false")
		ada.post("/api/v1/conversations/1/read", nil).want(404)
	})
}

func TestSearchResolvesForMembersOnly(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada := w.member("ada", allScopes)
		asked := 0
		w.Deps.Resolve = func(context.Context, string) (id.ID, id.ID, error) { asked++; return ada.ID, 0, nil }
		w.Find = func(context.Context, string, string) (*social.Account, error) { asked++; return ada.Account, nil }
		for _, path := range []string{"/api/v2/search?q=https://far.example/@x&resolve=true", "/api/v2/search?q=x@far.example&resolve=true"} {
			w.call("", "GET", path, nil).want(200)
			if asked != 0 {
				t.Fatalf("a visitor makes us ask another server at %s", path)
			}
		}
		ada.get("/api/v2/search?q=https://far.example/@x&resolve=true").is("accounts.0.acct", "ada")
		ada.get("/api/v2/search?q=@x@far.example&resolve=true").is("accounts.0.acct", "ada")
		ada.get("/api/v1/accounts/search?q=@x@far.example&resolve=true").is("0.acct", "ada")
		if asked != 3 {
			t.Errorf("asked %d times", asked)
		}
	})
}

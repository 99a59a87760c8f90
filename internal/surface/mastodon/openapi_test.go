package mastodon

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/testkit"
)

// description is Mastodon's API as the community publishes it (abraham/mastodon-openapi, OpenAPI 3.1).
// It uses a dozen words of JSON Schema, and this file knows exactly those: a new one is an error.
type description struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct {
				Schema schemaNode `json:"schema"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]schemaNode `json:"schemas"`
	} `json:"components"`

	tested map[string]bool
}

type schemaNode map[string]any

func readDescription(tb testing.TB) *description {
	tb.Helper()
	_, here, _, _ := runtime.Caller(0)
	b, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../../../shared/data/mastodon-openapi/schema.json"))
	if err != nil {
		testkit.Missing(tb, "the description of Mastodon's API", err.Error())
	}
	d := &description{tested: map[string]bool{}}
	if err := json.Unmarshal(b, d); err != nil {
		tb.Fatal(err)
	}
	return d
}

// check holds an answer against what the description says of the operation.
func (d *description) check(tb testing.TB, method, template string, a answer) {
	tb.Helper()
	key := method + " " + template
	d.tested[key] = true
	op, ok := d.Paths[template][strings.ToLower(method)]
	if !ok {
		tb.Errorf("%s: not in the description", key)
		return
	}
	res, ok := op.Responses[fmt.Sprint(a.status)]
	if !ok {
		tb.Errorf("%s: status %d is not in the description: %.300s", key, a.status, a.body)
		return
	}
	kind, ok := res.Content["application/json"]
	if !ok {
		return
	}
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		tb.Errorf("%s: %v: %.300s", key, err, a.body)
		return
	}
	err := d.fits(kind.Schema, v, "answer")
	if why, known := deviations[key]; known {
		if err == nil {
			tb.Errorf("%s fits by now; take it off the list of deviations (%s)", key, why)
		}
	} else if err != nil {
		tb.Errorf("%s: %v\nin %.700s", key, err, a.body)
	}
}

// fits tells what is wrong with v under a schema.
func (d *description) fits(s schemaNode, v any, at string) error {
	var errs []error
	for word, arg := range s {
		switch word {
		case "description", "externalDocs", "example", "deprecated", "default", "required", "items", "additionalProperties":
		case "$ref":
			errs = append(errs, d.fits(d.Components.Schemas[strings.TrimPrefix(arg.(string), "#/components/schemas/")], v, at))
		case "type":
			if !hasType(arg, v) {
				errs = append(errs, fmt.Errorf("%s is %.80v, not %v", at, v, arg))
			}
		case "enum":
			if v != nil && !slices.Contains(arg.([]any), v) {
				errs = append(errs, fmt.Errorf("%s is %v, none of %v", at, v, arg))
			}
		case "format":
			if text, is := v.(string); is {
				errs = append(errs, hasFormat(arg.(string), text, at))
			}
		case "propertyNames":
			if o, is := v.(map[string]any); is {
				for k := range o {
					errs = append(errs, d.fits(arg.(map[string]any), k, at+"'s key"))
				}
			}
		case "properties":
			if o, is := v.(map[string]any); is {
				errs = append(errs, d.object(s, o, at))
			}
		case "allOf":
			for _, part := range arg.([]any) {
				errs = append(errs, d.fits(part.(map[string]any), v, at))
			}
		case "oneOf":
			var none []error
			for _, part := range arg.([]any) {
				err := d.fits(part.(map[string]any), v, at)
				if err == nil {
					none = nil
					break
				}
				none = append(none, err)
			}
			errs = append(errs, errors.Join(none...))
		default:
			errs = append(errs, fmt.Errorf("%s: the description says %q, which this test does not know", at, word))
		}
	}
	if l, is := v.([]any); is && s["items"] != nil {
		for i, e := range l {
			errs = append(errs, d.fits(s["items"].(map[string]any), e, fmt.Sprintf("%s[%d]", at, i)))
		}
	}
	if o, is := v.(map[string]any); is {
		if extra, is := s["additionalProperties"].(map[string]any); is {
			for k, e := range o {
				errs = append(errs, d.fits(extra, e, at+"."+k))
			}
		}
	}
	return errors.Join(errs...)
}

func (d *description) object(s schemaNode, o map[string]any, at string) error {
	var errs []error
	if required, is := s["required"].([]any); is {
		for _, k := range required {
			if _, there := o[k.(string)]; !there {
				errs = append(errs, fmt.Errorf("%s has no %s", at, k))
			}
		}
	}
	for k, property := range s["properties"].(map[string]any) {
		if e, there := o[k]; there {
			errs = append(errs, d.fits(property.(map[string]any), e, at+"."+k))
		}
	}
	return errors.Join(errs...)
}

func hasType(want, v any) bool {
	if many, is := want.([]any); is {
		return slices.ContainsFunc(many, func(w any) bool { return hasType(w, v) })
	}
	switch x := v.(type) {
	case nil:
		return want == "null"
	case bool:
		return want == "boolean"
	case string:
		return want == "string"
	case float64:
		return want == "number" || want == "integer" && x == float64(int64(x))
	case []any:
		return want == "array"
	}
	return want == "object"
}

var language = regexp.MustCompile(`^[a-z]{2,3}(-\w+)*$`)

func hasFormat(format, v, at string) (err error) {
	switch format {
	case "uri":
		if u, e := url.Parse(v); e != nil || !u.IsAbs() {
			err = fmt.Errorf("%s is %q, not an absolute address", at, v)
		}
	case "date-time":
		_, err = time.Parse(time.RFC3339, v)
	case "date":
		_, err = time.Parse(time.DateOnly, v)
	case "email":
		_, err = mail.ParseAddress(v)
	case "iso-639-1":
		if !language.MatchString(v) {
			err = fmt.Errorf("%s is %q, not a language", at, v)
		}
	default:
		err = fmt.Errorf("%s has the format %q, which this test does not know", at, format)
	}
	return err
}

// deviations are answers that rightly differ from the description.
var deviations = map[string]string{
	"GET /api/v1/filters": "the description says one filter where Mastodon gives a list of them",

	"GET /.well-known/oauth-authorization-server": "the scopes of the co-op's own API are among ours",
}

// absent are the operations that this server does not have, with the reason.
var absent = map[string]string{
	"POST /api/v1/accounts":                     "a co-op takes members by application and decision, not by an app's request",
	"POST /api/v1/emails/confirmations":         "belongs to the above",
	"/api/v1/accounts/{account_id}/collections": "collections are not here", "/api/v1/accounts/{account_id}/in_collections": "collections are not here",
	"/api/v1/collections":    "collections are not here",
	"/api/v1/annual_reports": "nobody is counted", "/api/v1_alpha/async_refreshes": "nothing is refreshed behind an answer",
	"/api/v1/announcements/": "there are no announcements to dismiss", "POST /api/v1/domain_blocks": "members block accounts", "DELETE /api/v1/domain_blocks": "members block accounts",
	"POST /api/v1/filters": "no filters yet", "POST /api/v2/filters": "no filters yet", "/api/v1/filters/": "no filters yet", "/api/v2/filters/": "no filters yet",
	"POST /api/v1/lists": "no lists yet", "/api/v1/lists/": "no lists yet",
	"POST /api/v1/featured_tags": "no featured tags yet", "/api/v1/featured_tags/{id}": "no featured tags yet",
	"/api/v1/tags/{id}": "no featured tags yet", "/api/v1/tags/{name}/": "tags cannot be followed yet",
	"/api/v1/instance/privacy_policy": "the co-op's documents are its own pages", "/api/v1/instance/terms_of_service": "the co-op's documents are its own pages",
	"/api/v1/notifications/requests/{id}": "nothing is held back", "/oauth/authorize": "a page of the site surface", "/api/oembed": "not yet",
	"/api/v1/polls": "no polls yet", "GET /api/v1/profile": "update_credentials does it", "PATCH /api/v1/profile": "update_credentials does it",
	"/api/v1/push/subscription": "not yet", "/api/v1/reports": "not yet", "/api/v1/scheduled_statuses/": "no scheduled posts yet",
	"/api/v1/statuses/{id}/interaction_policy": "no quotes yet", "/api/v1/statuses/{id}/quotes/": "no quotes yet",
	"DELETE /api/v1/suggestions": "nothing is suggested", "/api/v1/suggestions/": "nothing is suggested",
	"/api/v1/streaming": "has tests of its own", "/api/v1/conversations/{id}": "its answer is the list's entry",
}

func (d *description) isAbsent(method, template string) bool {
	for prefix := range absent {
		if strings.HasPrefix(template, prefix) || strings.HasPrefix(method+" "+template, prefix) {
			return true
		}
	}
	return false
}

func TestAnswersFitMastodonsDescription(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		d := readDescription(t)
		ada, bob, eve := w.member("ada", allScopes), w.member("bob", allScopes), w.member("eve", allScopes)
		if _, err := w.DB.Writer().Exec("UPDATE accounts SET locked = TRUE WHERE username = 'eve'"); err != nil {
			t.Fatal(err)
		}
		ok := func(p *person, method, template string, body any, args ...string) answer {
			t.Helper()
			path := template
			for i := 0; i+1 < len(args); i += 2 {
				if strings.HasPrefix(args[i], "?") {
					path += args[i] + args[i+1]
				} else {
					path = strings.ReplaceAll(path, "{"+args[i]+"}", args[i+1])
				}
			}
			a := p.call(p.token, method, path, body)
			if a.status != 200 {
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
			d.check(t, method, template, a)
			return a
		}
		A, B, E := ada.ID.String(), bob.ID.String(), eve.ID.String()

		app := ok(ada, "POST", "/api/v1/apps", map[string]any{"client_name": "A", "redirect_uris": []string{"https://app.example/cb"}, "scopes": "read write", "website": "https://app.example"})
		tok := ok(ada, "POST", "/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {app.text("client_id")}, "client_secret": {app.text("client_secret")}})
		d.check(t, "GET", "/api/v1/apps/verify_credentials", w.call(tok.text("access_token"), "GET", "/api/v1/apps/verify_credentials", nil).want(200))
		ok(ada, "POST", "/oauth/revoke", url.Values{"client_id": {app.text("client_id")}, "client_secret": {app.text("client_secret")}, "token": {tok.text("access_token")}})

		pic := ok(ada, "POST", "/api/v2/media", newForm().field("description", "x").file("file", picture(t))).text("id")
		ok(ada, "POST", "/api/v1/media", newForm().file("file", picture(t)))
		ok(ada, "GET", "/api/v1/media/{id}", nil, "id", pic)
		ok(ada, "PUT", "/api/v1/media/{id}", url.Values{"description": {"y"}}, "id", pic)
		other := ok(ada, "POST", "/api/v2/media", newForm().file("file", picture(t))).text("id")
		ok(ada, "DELETE", "/api/v1/media/{id}", nil, "id", other)

		ok(ada, "PATCH", "/api/v1/accounts/update_credentials", newForm().field("display_name", "Ada L.").field("note", "I weave").
			field("fields_attributes[0][name]", "Web").field("fields_attributes[0][value]", "https://ada.example").file("avatar", picture(t)).file("header", picture(t)))
		ok(ada, "POST", "/api/v1/accounts/{id}/follow", url.Values{"notify": {"true"}}, "id", B)
		ok(bob, "POST", "/api/v1/accounts/{id}/follow", nil, "id", A)
		ok(bob, "POST", "/api/v1/accounts/{id}/follow", nil, "id", E)
		ok(ada, "POST", "/api/v1/accounts/{id}/follow", nil, "id", E)
		ok(eve, "GET", "/api/v1/follow_requests", nil).is("1.acct", "bob")
		ok(eve, "POST", "/api/v1/follow_requests/{account_id}/authorize", nil, "account_id", B)
		ok(eve, "POST", "/api/v1/follow_requests/{account_id}/reject", nil, "account_id", A)

		post := ok(ada, "POST", "/api/v1/statuses", map[string]any{"status": "Hello @bob #loom https://example.org", "media_ids": []string{pic}}).text("id")
		reply := ok(bob, "POST", "/api/v1/statuses", map[string]any{"status": "@ada hi", "in_reply_to_id": post}).text("id")
		ok(bob, "POST", "/api/v1/statuses", map[string]any{"status": "@ada psst", "visibility": "direct"})
		for _, verb := range []string{"favourite", "reblog", "bookmark", "mute", "unmute"} {
			ok(bob, "POST", "/api/v1/statuses/{id}/"+verb, nil, "id", post)
		}
		ok(ada, "POST", "/api/v1/statuses/{id}/pin", nil, "id", post)
		ok(ada, "PUT", "/api/v1/statuses/{id}", map[string]any{"status": "Hello again @bob #loom", "media_ids": []string{pic}}, "id", post)

		for _, p := range []string{"", "/context", "/source", "/history", "/reblogged_by", "/favourited_by", "/quotes"} {
			ok(ada, "GET", "/api/v1/statuses/{id}"+p, nil, "id", post)
		}
		ok(ada, "GET", "/api/v1/statuses", nil, "?", "id[]="+post+"&id[]="+reply)
		for _, p := range []string{"", "/statuses", "/followers", "/following", "/featured_tags", "/lists", "/endorsements", "/identity_proofs"} {
			ok(bob, "GET", "/api/v1/accounts/{id}"+p, nil, "id", A)
		}
		ok(ada, "GET", "/api/v1/accounts", nil, "?", "id[]="+A+"&id[]="+B)
		ok(ada, "GET", "/api/v1/accounts/lookup", nil, "?", "acct=bob")
		ok(ada, "GET", "/api/v1/accounts/search", nil, "?", "q=bo")
		ok(ada, "GET", "/api/v1/accounts/relationships", nil, "?", "id[]="+B)
		ok(ada, "GET", "/api/v1/accounts/familiar_followers", nil, "?", "id[]="+B)
		ok(ada, "GET", "/api/v2/search", nil, "?", "q=loom")
		ok(ada, "GET", "/api/v1/tags/{name}", nil, "name", "loom")
		for template, query := range map[string]string{
			"/api/v1/accounts/verify_credentials": "", "/api/v1/bookmarks": "", "/api/v1/favourites": "", "/api/v1/blocks": "", "/api/v1/mutes": "",
			"/api/v1/preferences": "", "/api/v1/directory": "", "/api/v1/timelines/home": "", "/api/v1/timelines/public": "local=true",
			"/api/v1/timelines/direct": "", "/api/v1/timelines/link": "url=https://example.org", "/api/v1/conversations": "", "/api/v1/custom_emojis": "",
			"/api/v1/instance": "", "/api/v2/instance": "", "/api/v1/instance/peers": "", "/api/v1/instance/rules": "", "/api/v1/instance/activity": "",
			"/api/v1/instance/extended_description": "", "/api/v1/instance/domain_blocks": "", "/api/v1/instance/translation_languages": "",
			"/api/v1/filters": "", "/api/v2/filters": "", "/api/v1/lists": "", "/api/v1/announcements": "", "/api/v1/suggestions": "", "/api/v2/suggestions": "",
			"/api/v1/trends/tags": "", "/api/v1/trends/statuses": "", "/api/v1/trends/links": "", "/api/v1/scheduled_statuses": "", "/api/v1/followed_tags": "",
			"/api/v1/featured_tags": "", "/api/v1/featured_tags/suggestions": "", "/api/v1/endorsements": "", "/api/v1/domain_blocks": "",
			"/api/v1/notifications": "", "/api/v1/notifications/unread_count": "", "/api/v2/notifications": "", "/api/v2/notifications/unread_count": "",
			"/api/v2/notifications/policy": "", "/api/v1/notifications/requests": "", "/api/v1/notifications/requests/merged": "",
			"/.well-known/oauth-authorization-server": "", "/oauth/userinfo": "",
		} {
			ok(ada, "GET", template, nil, "?", query)
		}
		ok(ada, "GET", "/api/v1/timelines/tag/{hashtag}", nil, "hashtag", "loom").is("0.id", post)
		ok(ada, "GET", "/api/v1/timelines/list/{list_id}", nil, "list_id", "1")
		ok(ada, "POST", "/api/v1/markers", map[string]any{"home": map[string]string{"last_read_id": post}})
		ok(ada, "GET", "/api/v1/markers", nil, "?", "timeline[]=home").is("home.last_read_id", post)
		if got := ok(ada, "GET", "/health", nil); string(got.body) != "OK" && got.status == 200 {
			t.Errorf("health: %s", got.body)
		}

		told := ok(ada, "GET", "/api/v1/notifications", nil).text("0.id")
		ok(ada, "GET", "/api/v1/notifications/{id}", nil, "id", told)
		key := ok(ada, "GET", "/api/v2/notifications", nil).text("notification_groups.0.group_key")
		ok(ada, "GET", "/api/v2/notifications/{group_key}", nil, "group_key", key)
		ok(ada, "GET", "/api/v2/notifications/{group_key}/accounts", nil, "group_key", key)
		ok(ada, "POST", "/api/v2/notifications/{group_key}/dismiss", nil, "group_key", key)
		ok(ada, "POST", "/api/v1/notifications/{id}/dismiss", nil, "id", told)
		ok(ada, "POST", "/api/v1/notifications/clear", nil)
		ok(ada, "PATCH", "/api/v2/notifications/policy", map[string]string{"for_new_accounts": "accept"})
		for _, p := range []string{"accept", "dismiss"} {
			ok(ada, "POST", "/api/v1/notifications/requests/"+p, nil)
		}

		for _, verb := range []string{"note", "pin", "unpin", "endorse", "unendorse", "mute", "unmute", "remove_from_followers", "unfollow", "block", "unblock"} {
			ok(ada, "POST", "/api/v1/accounts/{id}/"+verb, url.Values{"comment": {"met at the mill"}}, "id", B)
		}
		ok(ada, "POST", "/api/v1/statuses/{id}/unpin", nil, "id", post)
		for _, verb := range []string{"unfavourite", "unreblog", "unbookmark"} {
			ok(bob, "POST", "/api/v1/statuses/{id}/"+verb, nil, "id", post)
		}
		d.check(t, "POST", "/api/v1/statuses/{id}/translate", bob.post("/api/v1/statuses/"+post+"/translate", nil).want(404))
		ok(ada, "DELETE", "/api/v1/statuses/{id}", nil, "id", post)
		ok(ada, "DELETE", "/api/v1/profile/avatar", nil)
		ok(ada, "DELETE", "/api/v1/profile/header", nil)

		for _, template := range slices.Sorted(maps.Keys(d.Paths)) {
			for method := range d.Paths[template] {
				method = strings.ToUpper(method)
				if key := method + " " + template; !d.tested[key] && !d.isAbsent(method, template) {
					t.Errorf("%s is neither tested nor on the list of what is absent", key)
				}
			}
		}
	})
}

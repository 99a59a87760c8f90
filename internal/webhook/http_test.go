package webhook_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/webhook"
)

// The page is for holders of the power; its forms add, try and remove, and say what was wrong.
func TestPages(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	x := open(t, testkit.SQLite(t, schema, c), c, outbound.Options{AllowPrivate: true})
	pages := &webhook.Pages{Service: x.Service, Frame: func(_ http.ResponseWriter, _ *http.Request, title string) (ui.PageProps, error) {
		return ui.PageProps{Title: title, Site: "Tideline"}, nil
	}}
	actors := map[string]authz.Actor{"keeper": x.keeper, "other": {Member: 2, Account: 2, Via: authz.Web}}
	server, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Clock: c, Session: func(_ context.Context, cookie string) (authz.Actor, error) { return actors[cookie], nil }}, pages.Routes())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(who, method, path string, form url.Values) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: web.SessionCookie, Value: who})
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w
	}
	see := func(w *httptest.ResponseRecorder, status int, words ...string) {
		t.Helper()
		if w.Code != status {
			t.Errorf("the answer is %d, not %d: %s", w.Code, status, w.Body)
		}
		for _, s := range words {
			if !strings.Contains(w.Body.String(), s) {
				t.Errorf("it does not say %q: %s", s, w.Body)
			}
		}
	}
	see(ask("keeper", "GET", "/webhooks", nil), 200, "No program is told of events", "Voting opened")
	see(ask("other", "GET", "/webhooks", nil), 403)
	see(ask("nobody", "GET", "/webhooks", nil), 303)
	see(ask("other", "POST", "/webhooks", url.Values{"url": {"https://hook.example"}, webhook.MemberJoined: {"on"}}), 403)
	see(ask("keeper", "POST", "/webhooks", url.Values{"url": {"hook.example"}, webhook.MemberJoined: {"on"}, "reason": {"Because."}}), 422, "Write the whole address", `value="hook.example"`, `value="Because."`, "checked")
	see(ask("keeper", "POST", "/webhooks", url.Values{"url": {"https://hook.example"}}), 422, "Choose at least one event")
	r := receive(t, c)
	see(ask("keeper", "POST", "/webhooks", url.Values{"url": {r.URL}, webhook.MemberJoined: {"on"}, webhook.DecisionOpened: {"on"}}), 303)
	h := x.list()[0]
	r.secret = h.Secret
	see(ask("other", "GET", "/webhooks", nil), 403)
	path := "/webhooks/" + h.ID.String()
	see(ask("keeper", "POST", path+"/try", nil), 303)
	r.answer = []int{500}
	x.work()
	see(ask("keeper", "GET", "/webhooks", nil), 200, h.Host(), h.Secret, "member.joined", "webhook.test", "will be tried again", "the answer was 500", "failures in a row: 1")
	x.work()
	see(ask("keeper", "GET", "/webhooks", nil), 200, "delivered", "tried 2 times")
	see(ask("keeper", "POST", path+"/enable", nil), 409)
	see(ask("other", "POST", path+"/remove", nil), 403)
	see(ask("keeper", "POST", path+"/remove", nil), 303)
	see(ask("keeper", "POST", path+"/remove", nil), 404)
	see(ask("keeper", "POST", "/webhooks/x/remove", nil), 404)
	if len(x.list()) != 0 {
		t.Error("it is still there")
	}
}

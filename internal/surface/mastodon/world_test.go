package mastodon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/media"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

// world is a whole server of this surface and the features below it.
type world struct {
	*Service
	testing.TB
	clock *clock.Fake
	http  *httptest.Server
}

// person is a member of the world.
type person struct {
	*world
	*social.Account
	login id.ID
	token string
}

var schema = []db.Source{identity.Migrations(), media.Migrations(), social.Migrations(), notice.Migrations()}

func eachWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) { f(t, newWorld(t, d, c)) })
}

func newWorld(tb testing.TB, d *db.DB, c *clock.Fake) *world {
	tb.Helper()
	site := config.Site{Host: "coop.test", URL: "https://coop.test"}
	store, err := blob.OpenFolder(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	b := bus.New(d)
	who, err := identity.New(d, b)
	if err != nil {
		tb.Fatal(err)
	}
	m := media.New(d, store, nil, site, log)
	if err := m.Open(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	so := social.New(d, b, site, m)
	no := notice.New(d, b, so)
	so.Published.On(no.OnPublished)
	so.Edited.On(no.OnEdited)
	so.Deleted.On(no.OnDeleted)
	so.Boosted.On(no.OnBoosted)
	so.Unboosted.On(no.OnUnboosted)
	so.Favourited.On(no.OnFavourited)
	so.Unfavourited.On(no.OnUnfavourited)
	so.Followed.On(no.OnFollowed)
	so.FollowRequested.On(no.OnFollowRequested)
	so.Unfollowed.On(no.OnUnfollowed)
	so.FollowAnswered.On(no.OnFollowAnswered)
	so.Blocked.On(no.OnBlocked)
	s := New(Deps{DB: d, Bus: b, Site: site, Log: log, Version: "test", Social: so, Media: m, Identity: who, Notice: no,
		Instance: func(context.Context) (InstanceInfo, error) {
			return InstanceInfo{Name: "The Weavers", Short: "A co-op of weavers.", Description: "<p>A co-op of weavers.</p>", Email: "hello@coop.test",
				Rules: []Rule{{"1", "Be kind.", ""}}, Registrations: true, JoinURL: "https://coop.test/join"}, nil
		}})
	srv, err := web.New(web.Options{Log: log, Clock: c, Bearer: who.ByToken}, append(s.Routes(), m.Routes()...))
	if err != nil {
		tb.Fatal(err)
	}
	front := httptest.NewServer(srv)
	tb.Cleanup(front.Close)
	return &world{s, tb, c, front}
}

const allScopes = "profile read write follow push"

// member opens an account and lets an app in with the scopes.
func (w *world) member(name, scopes string) *person {
	w.Helper()
	p := &person{world: w}
	err := w.DB.InTx(context.Background(), func(tx *db.Tx) error {
		a, err := w.Social.Open(context.Background(), tx, social.NewAccount{Username: name, Kind: social.Person, Member: id.New(tx.Now())})
		if err != nil {
			return err
		}
		l, err := w.Identity.Register(context.Background(), tx, name+"@example.org", "no hash", a.MemberID)
		if err != nil {
			return err
		}
		p.Account, p.login = a, l.ID
		if err := w.Identity.SetAccount(context.Background(), tx, l.ID, a.ID); err != nil {
			return err
		}
		tok, err := w.Identity.MakeToken(context.Background(), tx, l.ID, scopes)
		p.token = tok.Plain
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// actor is the person without a token.
func (p *person) actor() authz.Actor {
	return authz.Actor{Login: p.login, Account: p.Account.ID, Via: authz.Web}
}

// answer is what came back, read to its end.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// call makes a request; body is nil, url.Values (a form), or anything else as JSON.
func (w *world) call(token, method, path string, body any, header ...string) answer {
	w.Helper()
	var r io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		r, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	case *form:
		r, kind = b.finish(w), b.w.FormDataContentType()
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			w.Fatal(err)
		}
		r, kind = bytes.NewReader(raw), "application/json"
	}
	req, err := http.NewRequest(method, w.http.URL+path, r)
	if err != nil {
		w.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer{w, res.StatusCode, res.Header, b}
}

func (p *person) get(path string) answer { p.Helper(); return p.call(p.token, "GET", path, nil) }

func (p *person) post(path string, body any) answer {
	p.Helper()
	return p.call(p.token, "POST", path, body)
}

// want fails the test unless the status is the given one.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// at is a value inside the JSON answer: at("account.fields.0.name").
func (a answer) at(path string) any {
	a.t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	if path == "" {
		return v
	}
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var n int
			if _, err := fmt.Sscan(key, &n); err != nil || n >= len(x) {
				a.t.Fatalf("nothing at %s in %s", path, a.body)
			}
			v = x[n]
		default:
			a.t.Fatalf("nothing at %s in %s", path, a.body)
		}
	}
	return v
}

func (a answer) text(path string) string { a.t.Helper(); return fmt.Sprint(a.at(path)) }

func (a answer) len(path string) int {
	a.t.Helper()
	l, ok := a.at(path).([]any)
	if !ok {
		a.t.Fatalf("no list at %q in %s", path, a.body)
	}
	return len(l)
}

// is compares a value in the answer.
func (a answer) is(path, want string) answer {
	a.t.Helper()
	if got := a.text(path); got != want {
		a.t.Errorf("%s is %q, want %q", path, got, want)
	}
	return a
}

// writes publishes a post through the API and returns its id.
func (p *person) writes(text, visibility string, more ...string) string {
	p.Helper()
	v := url.Values{"status": {text}, "visibility": {visibility}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Add(more[i], more[i+1])
	}
	return p.post("/api/v1/statuses", v).want(200).text("id")
}

func (p *person) follows(o *person) {
	p.Helper()
	p.post("/api/v1/accounts/"+o.ID.String()+"/follow", nil).want(200).is("following", "true")
}

// form is a multipart body.
type form struct {
	b bytes.Buffer
	w *multipart.Writer
}

func newForm() *form { f := &form{}; f.w = multipart.NewWriter(&f.b); return f }

func (f *form) field(name, value string) *form { _ = f.w.WriteField(name, value); return f }

func (f *form) file(name string, b []byte) *form {
	if w, err := f.w.CreateFormFile(name, "picture"); err == nil {
		_, _ = w.Write(b)
	}
	return f
}

func (f *form) finish(tb testing.TB) io.Reader {
	tb.Helper()
	if err := f.w.Close(); err != nil {
		tb.Fatal(err)
	}
	return &f.b
}

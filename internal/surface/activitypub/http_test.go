package activitypub

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
	"rochdale/internal/social"
)

// ask sends a GET to one of our servers; sign is called last.
func (n *node) ask(target, accept string, sign func(*http.Request)) *httptest.ResponseRecorder {
	n.t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = n.Site.Host
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	if sign != nil {
		sign(r)
	}
	w := httptest.NewRecorder()
	n.http.Config.Handler.ServeHTTP(w, r)
	return w
}

func (n *node) document(target string) activitystreams.Object {
	n.t.Helper()
	w := n.ask(target, activitystreams.MediaType, nil)
	if w.Code != http.StatusOK {
		n.t.Fatalf("%s: status %d", target, w.Code)
	}
	o, err := activitystreams.Parse(w.Body.Bytes())
	if err != nil {
		n.t.Fatalf("%s: %v", target, err)
	}
	return o
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann, ben := a.member("ann"), a.member("ben")
	note := "I bake #bread"
	must[*social.Account](t)(a.Social.UpdateProfile(ctx, as(ann), social.ProfileChange{Note: &note, Fields: &[]social.Field{{Name: "Trade", Source: "baker"}}}))
	must[social.Relation](t)(a.Social.Follow(ctx, as(ben), ann.ID, social.FollowOptions{}))

	o := a.document("/users/ann")
	p := o.Profile
	if o.ID != ann.URI || !o.Type.Is("Person") || p.PreferredUsername != "ann" || p.Inbox != ann.URI+"/inbox" || p.SharedInbox != a.Site.URL+"/inbox" ||
		p.Featured == "" || p.Webfinger != "ann@"+a.Site.Host || p.Discoverable == nil || !*p.Discoverable || p.Indexable == nil || len(o.Attachment) != 1 {
		t.Errorf("actor: %+v %+v", o, p)
	}
	if len(p.Keys) != 2 || p.Keys[0].Owner != ann.URI || p.Keys[1].Owner != ann.URI {
		t.Errorf("keys: %+v", p.Keys)
	}
	for _, k := range p.Keys {
		if _, err := k.PublicKey(); err != nil {
			t.Errorf("%s: %v", k.ID, err)
		}
	}
	if i := a.document("/actor"); !i.Type.Is("Application") || len(i.Profile.Keys) != 2 {
		t.Errorf("instance actor: %+v", i)
	}

	post := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "fresh #Bread @ben"}))
	reply := must[social.Post](t)(a.Social.Publish(ctx, as(ben), social.Draft{Text: "one please", InReplyTo: post.ID}))
	boost := must[social.Post](t)(a.Social.Boost(ctx, as(ann), reply.ID, social.Public))
	narrow := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "regulars only", Visibility: social.Followers}))
	path := func(uri string) string { return strings.TrimPrefix(uri, a.Site.URL) }
	n := a.document(path(post.URI))
	if n.ID != post.URI || n.AttributedTo.First().ID != ann.URI || n.To[0] != activitystreams.Public || len(n.Tag) != 2 || n.Replies.ID != post.URI+"/replies" {
		t.Errorf("note: %+v", n)
	}
	if act := a.document(path(post.URI) + "/activity"); !act.Type.Is("Create") || act.Object.First().ID != post.URI || act.ID != post.URI+"/activity" {
		t.Errorf("activity: %+v", act)
	}
	if act := a.document(path(boost.URI)); !act.Type.Is("Announce") || act.ID != boost.URI || act.Object.First().ID != reply.URI {
		t.Errorf("boost: %+v", act)
	}
	if rep := a.document(path(post.URI) + "/replies"); len(rep.First.Object.Items) != 1 || rep.First.Object.Items[0].ID != reply.URI {
		t.Errorf("replies: %+v", rep)
	}
	if box := a.document("/users/ann/outbox?page=true"); len(box.Items) != 2 {
		t.Errorf("outbox has %d items, want the post and the boost", len(box.Items))
	}
	if box := a.document("/users/ann/outbox"); box.TotalItems != 3 || box.First.ID == "" {
		t.Errorf("outbox: %+v", box)
	}
	if fs := a.document("/users/ann/followers?page=true"); len(fs.Items) != 1 || fs.Items[0].ID != ben.URI {
		t.Errorf("followers: %+v", fs)
	}
	if fs := a.document("/users/ben/following"); fs.TotalItems != 1 {
		t.Errorf("following: %+v", fs)
	}
	if err := a.Social.Pin(ctx, as(ann), post.ID, true); err != nil {
		t.Fatal(err)
	}
	if f := a.document("/users/ann/collections/featured"); len(f.Items) != 1 || f.Items[0].ID != post.URI {
		t.Errorf("featured: %+v", f)
	}
	a.document("/users/ann/collections/tags")
	a.document("/actor/outbox")

	// A change is seen at once, and the same account is not drawn twice.
	before := a.document("/users/ann")
	name := "Ann the Baker"
	must[*social.Account](t)(a.Social.UpdateProfile(ctx, as(ann), social.ProfileChange{DisplayName: &name}))
	if after := a.document("/users/ann"); before.Name == after.Name || after.Name != name {
		t.Errorf("after a change: %q", after.Name)
	}

	// What is not for everybody is not there for a visitor.
	for target, want := range map[string]int{
		path(narrow.URI):                          404,
		path(narrow.URI) + "/activity":            404,
		"/users/ann/statuses/1":                   404,
		"/users/ben/statuses/" + post.ID.String(): 404,
		"/users/nobody":                           404,
		"/users/nobody/outbox":                    404,
	} {
		if w := a.ask(target, activitystreams.MediaType, nil); w.Code != want {
			t.Errorf("%s: status %d, want %d", target, w.Code, want)
		}
	}
	must[social.Post](t)(a.Social.Delete(ctx, as(ann), post.ID))
	w := a.ask(path(post.URI), activitystreams.MediaType, nil)
	if o, err := activitystreams.Parse(w.Body.Bytes()); w.Code != http.StatusGone || err != nil || !o.Type.Is("Tombstone") || o.ID != post.URI {
		t.Errorf("deleted: status %d, %s", w.Code, w.Body)
	}
}

func TestAFollowerReadsWhatIsForFollowers(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue, tom := s.actor("sue"), s.actor("tom")
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	s.tell(a, tom, doc{"type": "Like", "object": "x"}) // known, but no follower
	p := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "regulars only", Visibility: social.Followers}))
	target := strings.TrimPrefix(p.URI, a.Site.URL)
	sign := func(who string, at time.Time) func(*http.Request) {
		return func(r *http.Request) {
			if err := httpsig.Sign(r, who+"#main-key", s.key, "", at); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		sign func(*http.Request)
		want int
	}{
		"follower":   {sign(sue, c.Now()), 200},
		"another":    {sign(tom, c.Now()), 404},
		"long ago":   {sign(sue, c.Now().Add(-48*time.Hour)), 404},
		"not signed": {nil, 404},
	} {
		w := a.ask(target, activitystreams.MediaType, tc.sign)
		if w.Code != tc.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, tc.want)
		}
		if w.Code == 200 && !strings.Contains(w.Header().Get("Cache-Control"), "private") {
			t.Errorf("%s: Cache-Control %q", name, w.Header().Get("Cache-Control"))
		}
	}
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ann := a.member("ann")
	p := must[social.Post](t)(a.Social.Publish(context.Background(), as(ann), social.Draft{Text: "hello"}))
	page := func(w http.ResponseWriter, r *http.Request) error {
		return web.Bytes(w, 200, "text/html", []byte("page"))
	}
	srv, err := web.New(web.Options{Log: a.Log, Clock: c}, append(a.Routes(),
		web.Route{Pattern: "GET /{handle}", Handler: a.Negotiate(page)}, web.Route{Pattern: "GET /{handle}/{id}", Handler: a.Negotiate(page)}))
	if err != nil {
		t.Fatal(err)
	}
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, tc := range []struct {
		target, accept string
		want           string // content type, or where it leads
	}{
		{"/users/ann", activitystreams.MediaType, activitystreams.MediaType},
		{"/users/ann", activitystreams.MediaTypeLD, activitystreams.MediaType},
		{"/users/ann", "", activitystreams.MediaType},
		{"/users/ann", browser, "/@ann"},
		{"/users/ann/statuses/" + p.ID.String(), browser, "/@ann/" + p.ID.String()},
		{"/users/ann/statuses/" + p.ID.String(), activitystreams.MediaType, activitystreams.MediaType},
		{"/@ann", activitystreams.MediaType, activitystreams.MediaType},
		{"/@ann", browser, "text/html"},
		{"/@ann", "", "text/html"},
		{"/@ann/" + p.ID.String(), activitystreams.MediaType, activitystreams.MediaType},
		{"/@ann/" + p.ID.String(), browser, "text/html"},
		{"/about", activitystreams.MediaType, "text/html"},
	} {
		r := httptest.NewRequest(http.MethodGet, tc.target, nil)
		r.Header.Set("Accept", tc.accept)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		got := w.Header().Get("Location")
		if got == "" {
			got, _, _ = strings.Cut(w.Header().Get("Content-Type"), ";")
		}
		if got != tc.want || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept") {
			t.Errorf("%s for %q: %q (status %d, Vary %q), want %q", tc.target, tc.accept, got, w.Code, w.Header().Values("Vary"), tc.want)
		}
	}
}

func TestWellKnown(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ann := a.member("ann")
	host := a.Site.Host
	self := func(b []byte) string {
		var j struct {
			Links []struct{ Rel, Type, Href string }
		}
		_ = json.Unmarshal(b, &j)
		for _, l := range j.Links {
			if l.Rel == "self" && l.Type == activitystreams.MediaType {
				return l.Href
			}
		}
		return ""
	}
	for resource, want := range map[string]string{
		"acct:ann@" + host:        ann.URI,
		"acct:ANN@" + host:        ann.URI,
		"ann@" + host:             ann.URI,
		ann.URI:                   ann.URI,
		ann.URL:                   ann.URI,
		"acct:a.test@" + host:     a.Site.URL + "/actor",
		a.Site.URL:                a.Site.URL + "/actor",
		a.Site.URL + "/":          a.Site.URL + "/actor",
		"acct:bob@" + host:        "",
		"acct:ann@elsewhere.test": "",
		"nonsense":                "",
		"":                        "",
	} {
		w := a.ask("/.well-known/webfinger?resource="+queryEscape(resource), "", nil)
		if got := self(w.Body.Bytes()); got != want || want == "" && w.Code != 404 && w.Code != 400 {
			t.Errorf("%q: %q, status %d, want %q", resource, got, w.Code, want)
		}
	}
	if w := a.ask("/.well-known/host-meta", "", nil); w.Code != 200 || !strings.Contains(w.Body.String(), "{uri}") {
		t.Errorf("host-meta: %d %s", w.Code, w.Body)
	}
	for _, target := range []string{"/nodeinfo/2.0", "/nodeinfo/2.1"} {
		var n nodeinfo
		w := a.ask(target, "", nil)
		if err := json.Unmarshal(w.Body.Bytes(), &n); err != nil || n.Software["name"] != "rochdale" || n.Usage.Users["total"] != 1 || "/nodeinfo/"+n.Version != target {
			t.Errorf("%s: %+v, %v", target, n, err)
		}
	}
	if w := a.ask("/.well-known/nodeinfo", "", nil); !strings.Contains(w.Body.String(), "/nodeinfo/2.1") {
		t.Errorf("nodeinfo: %s", w.Body)
	}
}

// Whatever a peer sends, the answer is one of few, and what was accepted can be worked through.
func FuzzInbox(f *testing.F) {
	c := newClock()
	d := sqlite(f, c)
	s := newStranger(f, "s")
	sue := s.actor("sue")
	a := patientNode(f, "a", d, c, 200*time.Millisecond) // where made-up addresses lead does not matter
	ann := a.member("ann")
	for _, seed := range []string{
		`{"id":"SUE/1","type":"Follow","actor":"SUE","object":"ANN"}`,
		`{"id":"SUE/2","type":"Undo","actor":"SUE","object":{"id":"SUE/1","type":"Follow","actor":"SUE","object":"ANN"}}`,
		`{"id":"SUE/3","type":"Create","actor":"SUE","object":{"id":"SUE/n","type":"Note","attributedTo":"SUE","content":"hi","to":["ANN"],"tag":[{"type":"Mention","href":"ANN"}],"attachment":[{"type":"Document","url":"https://x.example/a.png"}]}}`,
		`{"id":"SUE/4","type":["Update"],"actor":{"id":"SUE"},"object":{"id":"SUE","type":"Person","preferredUsername":"sue","inbox":"SUE/inbox"}}`,
		`{"id":"SUE/5","type":"Create","actor":"SUE","to":"ANN","object":{"id":"SUE/q","type":"Question","attributedTo":["SUE"],"oneOf":[{"name":"a"}],"to":"ANN","contentMap":{"en":"x"}}}`,
		`{"type":"Delete","actor":"SUE","object":{"type":"Tombstone","id":"SUE/n"}}`,
		`{"type":"Announce","actor":"SUE","object":"ANN/statuses/1"}`, `{"type":"Accept","actor":"SUE","object":"ANN#follows/1"}`,
		`{"type":"Add","actor":"SUE","object":"SUE/n","target":"SUE/featured"}`, `[]`, `{`, `null`,
	} {
		f.Add(strings.NewReplacer("SUE", sue, "ANN", ann.URI).Replace(seed))
	}
	f.Fuzz(func(t *testing.T, body string) {
		s.t, a.t = t, t
		switch code := s.send(a, letter{body: []byte(body), keyID: sue + "#main-key"}); code {
		case 202, 400, 401, 403, 413:
		default:
			t.Fatalf("status %d", code)
		}
		if _, err := a.processDue(context.Background()); err != nil {
			t.Fatal(err)
		}
		a.work.jobs.Wait()
		n, err := countAttempts.One(context.Background(), d)
		if err != nil || n != 0 {
			t.Fatalf("%d activities could not be worked through, %v", n, err)
		}
	})
}

var countAttempts = db.Def[int](`SELECT COUNT(*) AS n FROM inbox_activities WHERE attempts > 0`)

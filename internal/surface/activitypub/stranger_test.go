package activitypub

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
	"rochdale/internal/social"
)

// stranger is a server that is not ours and says what a test wants it to say.
type stranger struct {
	t    testing.TB
	base string
	key  *rsa.PrivateKey
	gets atomic.Int32

	mu   sync.Mutex
	docs map[string]any // path -> document
	code map[string]int // path -> status instead
	in   []string       // bodies that came to inboxes
	// moved are paths that lead elsewhere
	moved map[string]string
	post  func(w http.ResponseWriter, r *http.Request)
}

var strangerKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newStranger(tb testing.TB, name string) *stranger {
	tb.Helper()
	key, err := strangerKey()
	if err != nil {
		tb.Fatal(err)
	}
	s := &stranger{t: tb, key: key, docs: map[string]any{}, code: map[string]int{}}
	srv := httptest.NewServer(s)
	tb.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	s.base = "http://" + name + ".test:" + port
	return s
}

func (s *stranger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPost {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		s.in = append(s.in, b.String())
		if s.post != nil {
			s.post(w, r)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	s.gets.Add(1)
	if to := s.moved[r.URL.Path]; to != "" {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	if code := s.code[r.URL.Path]; code != 0 {
		w.WriteHeader(code)
		return
	}
	doc, ok := s.docs[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", activitystreams.MediaType)
	_ = json.NewEncoder(w).Encode(doc)
}

func (s *stranger) serve(path string, doc any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[path] = doc
	return s.base + path
}

type doc = map[string]any

// actor publishes an actor of this server and gives its id.
func (s *stranger) actor(name string) string {
	pem, err := activitystreams.EncodePEM(&s.key.PublicKey)
	if err != nil {
		s.t.Fatal(err)
	}
	uri := s.base + "/users/" + name
	return s.serve("/users/"+name, doc{"id": uri, "type": "Person", "preferredUsername": name, "inbox": uri + "/inbox",
		"followers": uri + "/followers", "featured": uri + "/featured", "webfinger": name + "@" + hostOf(s.base),
		"endpoints": doc{"sharedInbox": s.base + "/inbox"},
		"publicKey": doc{"id": uri + "#main-key", "owner": uri, "publicKeyPem": pem}})
}

// note publishes a note and gives its document.
func (s *stranger) note(by, path, content string, to ...string) doc {
	n := doc{"id": s.base + path, "type": "Note", "attributedTo": by, "content": content, "to": to, "published": "2027-01-04T08:59:00Z"}
	s.serve(path, n)
	return n
}

// letter is a request to one of our inboxes, before it is sent.
type letter struct {
	body   any
	keyID  string
	at     time.Time
	change func(r *http.Request, body *[]byte)
}

func (s *stranger) send(to *node, l letter) int {
	s.t.Helper()
	body, ok := l.body.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(l.body); err != nil {
			s.t.Fatal(err)
		}
	}
	if l.at.IsZero() {
		l.at = to.DB.Now()
	}
	r, err := http.NewRequest(http.MethodPost, to.Site.URL+"/inbox", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", activitystreams.MediaType)
	if l.keyID != "" {
		if err := httpsig.Sign(r, l.keyID, s.key, httpsig.Digest(body), l.at); err != nil {
			s.t.Fatal(err)
		}
	}
	if l.change != nil {
		l.change(r, &body)
	}
	w := httptest.NewRecorder()
	in := httptest.NewRequest(http.MethodPost, "/inbox", bytes.NewReader(body))
	in.Host, in.Header = to.Site.Host, r.Header
	if r.Host != "" && r.Host != to.Site.Host {
		in.Host = r.Host
	}
	to.http.Config.Handler.ServeHTTP(w, in)
	return w.Code
}

// tell sends an activity in an actor's name and waits until it is worked through.
func (s *stranger) tell(to *node, actor string, activity doc) {
	s.t.Helper()
	s.fill(actor, activity)
	if code := s.send(to, letter{body: activity, keyID: actor + "#main-key"}); code != http.StatusAccepted {
		s.t.Fatalf("%v: status %d", activity["type"], code)
	}
	settleAll(s.t, to)
}

var serial atomic.Int64

func (s *stranger) fill(actor string, activity doc) doc {
	if activity["id"] == nil {
		activity["id"] = fmt.Sprintf("%s/activities/%d", s.base, serial.Add(1))
	}
	if activity["actor"] == nil {
		activity["actor"] = actor
	}
	return activity
}

func TestWhoMayDeliver(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ann := a.member("ann")
	evil, good := newStranger(t, "evil"), newStranger(t, "good")
	mallory, oscar := evil.actor("mallory"), evil.actor("oscar")
	victim := good.actor("victim")
	follow := func(actor string) doc { return evil.fill(actor, doc{"type": "Follow", "object": ann.URI}) }
	other := a.Site.Host[:len(a.Site.Host)-1]

	// A key that says it belongs to somebody else.
	borrowed := evil.base + "/users/borrowed"
	evil.serve("/users/borrowed", doc{"id": borrowed, "type": "Person", "preferredUsername": "borrowed", "inbox": borrowed + "/inbox",
		"publicKey": doc{"id": borrowed + "#main-key", "owner": victim, "publicKeyPem": func() string {
			pem, _ := activitystreams.EncodePEM(&evil.key.PublicKey)
			return pem
		}()}})
	big := bytes.Repeat([]byte(" "), activitystreams.MaxBytes+1)
	deep := []byte(`{"type":"Create","actor":"` + mallory + `","object":` + strings.Repeat(`{"object":`, 5000) + `{}` + strings.Repeat(`}`, 5000) + `}`)

	for name, tc := range map[string]struct {
		letter letter
		want   int
	}{
		"well signed":            {letter{body: follow(mallory), keyID: mallory + "#main-key"}, 202},
		"unsigned":               {letter{body: follow(mallory)}, 401},
		"signed for another":     {letter{body: doc{"id": good.base + "/2", "type": "Follow", "actor": victim, "object": ann.URI}, keyID: mallory + "#main-key"}, 401},
		"id of another server":   {letter{body: doc{"id": good.base + "/1", "type": "Follow", "actor": mallory, "object": ann.URI}, keyID: mallory + "#main-key"}, 400},
		"by a housemate":         {letter{body: follow(oscar), keyID: mallory + "#main-key"}, 401},
		"with a borrowed key":    {letter{body: follow(borrowed), keyID: borrowed + "#main-key"}, 401},
		"with an unknown key":    {letter{body: follow(mallory), keyID: mallory + "#other"}, 401},
		"with a key of nobody":   {letter{body: follow(evil.base + "/users/nobody"), keyID: evil.base + "/users/nobody#main-key"}, 401},
		"a day old":              {letter{body: follow(mallory), keyID: mallory + "#main-key", at: a.DB.Now().Add(-24 * time.Hour)}, 401},
		"from tomorrow":          {letter{body: follow(mallory), keyID: mallory + "#main-key", at: a.DB.Now().Add(24 * time.Hour)}, 401},
		"with another body":      {letter{body: follow(mallory), keyID: mallory + "#main-key", change: func(_ *http.Request, b *[]byte) { *b = append(*b, ' ') }}, 401},
		"without its digest":     {letter{body: follow(mallory), keyID: mallory + "#main-key", change: func(r *http.Request, _ *[]byte) { r.Header.Del("Digest") }}, 401},
		"for another host":       {letter{body: follow(mallory), keyID: mallory + "#main-key", change: func(r *http.Request, _ *[]byte) { r.Host = other }}, 401},
		"with a torn header":     {letter{body: follow(mallory), keyID: mallory + "#main-key", change: func(r *http.Request, _ *[]byte) { r.Header.Set("Signature", `keyId="`) }}, 401},
		"no JSON":                {letter{body: []byte("hello"), keyID: mallory + "#main-key"}, 400},
		"no activity":            {letter{body: doc{"hello": "world"}, keyID: mallory + "#main-key"}, 400},
		"too long":               {letter{body: big, keyID: mallory + "#main-key"}, 413},
		"nested too deep":        {letter{body: deep, keyID: mallory + "#main-key"}, 400},
		"an actor of ours":       {letter{body: doc{"type": "Follow", "actor": ann.URI, "object": ann.URI}, keyID: ann.URI + "#main-key"}, 401},
		"a Delete by a stranger": {letter{body: evil.fill("", doc{"type": "Delete", "actor": evil.base + "/users/unheard", "object": evil.base + "/users/unheard"}), keyID: evil.base + "/users/unheard#main-key"}, 202},
	} {
		if got := evil.send(a, tc.letter); got != tc.want {
			t.Errorf("%s: status %d, want %d", name, got, tc.want)
		}
	}
	before := evil.gets.Load()
	for range 5 {
		evil.send(a, letter{body: follow(evil.base + "/users/nobody"), keyID: evil.base + "/users/nobody#main-key"})
		evil.send(a, letter{body: evil.fill("", doc{"type": "Delete", "actor": evil.base + "/x", "object": evil.base + "/x"}), keyID: evil.base + "/x#k"})
		// A signature that does not fit a fresh key: it is not fetched for each.
		evil.send(a, letter{body: follow(mallory), keyID: mallory + "#main-key", change: func(r *http.Request, _ *[]byte) {
			r.Header.Set("Date", a.DB.Now().Add(time.Second).Format(http.TimeFormat))
		}})
	}
	if n := evil.gets.Load() - before; n != 0 {
		t.Errorf("bad letters made us ask %d times", n)
	}
}

func TestARotatedKeyIsFetchedAgain(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue := s.actor("sue")
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	fresh, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s.key = fresh
	s.actor("sue")
	c.Advance(time.Hour)
	s.tell(a, sue, doc{"type": "Undo", "object": doc{"type": "Follow", "actor": sue, "object": ann.URI}})
	sueAtA := must[*social.Account](t)(a.Social.ByURI(context.Background(), a.DB, sue))
	if r := a.relation(sueAtA, ann); r.Follows {
		t.Error("the activity signed with the new key was not applied")
	}
}

func TestAReplayChangesNothing(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue := s.actor("sue")
	follow := s.fill(sue, doc{"type": "Follow", "object": ann.URI})
	l := letter{body: follow, keyID: sue + "#main-key"}
	if code := s.send(a, l); code != 202 {
		t.Fatal(code)
	}
	settleAll(t, a)
	s.tell(a, sue, doc{"type": "Undo", "object": follow})
	if code := s.send(a, l); code != 202 { // the same letter again, within the time of its signature
		t.Fatal(code)
	}
	settleAll(t, a)
	sueAtA := must[*social.Account](t)(a.Social.ByURI(context.Background(), a.DB, sue))
	if r := a.relation(sueAtA, ann); r.Follows {
		t.Error("a replayed follow took effect")
	}
}

func TestLyingPeersChangeNothing(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann, eve := a.member("ann"), a.member("eve")
	good, evil := newStranger(t, "good"), newStranger(t, "evil")
	gil, mal := good.actor("gil"), evil.actor("mal")

	// ann follows both; gil has written something, and follows ann.
	for _, uri := range []string{gil, mal} {
		found := must[Resolved](t)(a.Resolve(ctx, uri))
		must[social.Relation](t)(a.Social.Follow(ctx, as(ann), found.Account.ID, social.FollowOptions{}))
	}
	settleAll(t, a)
	good.tell(a, gil, doc{"type": "Accept", "object": doc{"type": "Follow", "actor": ann.URI, "object": gil}})
	evil.tell(a, mal, doc{"type": "Accept", "object": doc{"type": "Follow", "actor": ann.URI, "object": mal}})
	good.tell(a, gil, doc{"type": "Follow", "object": ann.URI})
	note := good.note(gil, "/notes/1", "true words", activitystreams.Public)
	good.tell(a, gil, doc{"type": "Create", "object": note})
	gilAtA := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, gil))
	if p := a.seen(note["id"].(string)); p == nil || p.Content != "true words" {
		t.Fatalf("the good post arrived as %+v", p)
	}

	forged := doc{"id": good.base + "/notes/2", "type": "Note", "attributedTo": gil, "content": "lies", "to": []string{activitystreams.Public}}
	changed := doc{"id": note["id"], "type": "Note", "attributedTo": gil, "content": "lies", "to": []string{activitystreams.Public}, "updated": "2027-01-04T09:00:00Z"}
	own := doc{"id": evil.base + "/notes/1", "type": "Note", "attributedTo": gil, "content": "lies", "to": []string{activitystreams.Public}}
	evil.serve("/notes/1", own)
	mirror := doc{"id": good.base + "/notes/1", "type": "Note", "attributedTo": gil, "content": "lies", "to": []string{activitystreams.Public}}
	evil.serve("/mirror", mirror)
	for _, activity := range []doc{
		{"type": "Delete", "object": note["id"]},
		{"type": "Delete", "object": doc{"type": "Tombstone", "id": note["id"]}},
		{"type": "Delete", "object": gil},
		{"type": "Create", "object": forged},
		{"type": "Update", "object": changed},
		{"type": "Create", "object": own},
		{"type": "Create", "object": own["id"]},
		{"type": "Create", "object": evil.base + "/mirror"},
		{"type": "Announce", "object": forged, "to": []string{activitystreams.Public}},
		{"type": "Update", "object": doc{"id": gil, "type": "Person", "preferredUsername": "gil", "name": "lies", "inbox": gil + "/inbox"}},
		{"type": "Undo", "object": doc{"type": "Follow", "actor": gil, "object": ann.URI}},
		{"type": "Accept", "object": doc{"type": "Follow", "actor": eve.URI, "object": mal}},
		{"type": "Accept", "object": doc{"type": "Follow", "actor": eve.URI, "object": gil}},
		{"type": "Accept", "object": eve.URI + "#follows/1"},
		{"type": "Reject", "object": doc{"type": "Follow", "actor": ann.URI, "object": gil}},
		{"type": "Add", "object": note["id"], "target": mal + "/featured"},
		{"type": "Block", "object": gil},
		{"type": "Move", "object": mal, "target": gil},
		{"type": "Flag", "object": ann.URI},
		{"type": "EmojiReact", "object": note["id"], "content": "x"},
		{"type": "Arrive"},
		{"type": "Undo"}, {"type": "Follow"}, {"type": "Like"}, {"type": "Create"}, {"type": "Accept"}, {"type": "Delete"}, {"type": "Announce"}, {"type": "Add"},
	} {
		evil.tell(a, mal, activity)
	}
	if p := a.seen(note["id"].(string)); p == nil || strings.Contains(p.Content, "lies") || !p.PinnedAt.IsZero() {
		t.Errorf("the good post is now %+v", p)
	}
	for _, uri := range []string{forged["id"].(string), own["id"].(string)} {
		if p := a.seen(uri); p != nil {
			t.Errorf("a forged post was stored: %+v", p)
		}
	}
	malAtA := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, mal))
	now := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, gil))
	if now.DisplayName != "" || !now.GoneAt.IsZero() {
		t.Errorf("the good account is now %+v", now)
	}
	if r := a.relation(gilAtA, ann); !r.Follows {
		t.Error("somebody else's follow was undone")
	}
	if r := a.relation(ann, gilAtA); !r.Follows {
		t.Error("a follow was rejected in another's name")
	}
	for _, x := range []*social.Account{malAtA, gilAtA} {
		if r := a.relation(eve, x); r.Follows || r.Requested {
			t.Errorf("a follow that was never sent was accepted: %+v", r)
		}
	}

	// And what they may do with their own still works.
	good.tell(a, gil, doc{"type": "Delete", "object": doc{"type": "Tombstone", "id": note["id"]}})
	if a.seen(note["id"].(string)) != nil {
		t.Error("the author could not delete")
	}
	good.tell(a, gil, doc{"type": "Create", "object": note})
	if a.seen(note["id"].(string)) != nil {
		t.Error("a deleted post came back")
	}
	good.tell(a, gil, doc{"type": "Delete", "object": gil})
	if x := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, gil)); x.GoneAt.IsZero() {
		t.Error("the account could not leave")
	}
}

func TestADeadHostCostsNothingAndComesBack(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann := a.member("ann")
	s, dead := newStranger(t, "s"), newStranger(t, "dead")
	sue, dan := s.actor("sue"), dead.actor("dan")
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	dead.tell(a, dan, doc{"type": "Follow", "object": ann.URI})
	dead.post = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	count := func(x *stranger) int { x.mu.Lock(); defer x.mu.Unlock(); return len(x.in) }
	base := count(dead)
	for n := range 20 {
		must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: fmt.Sprint("post ", n)}))
		settleAll(t, a)
	}
	if got := count(s); got != 21 { // the Accept and the posts
		t.Errorf("the living host got %d letters, want 21", got)
	}
	if got := count(dead) - base; got != 1 {
		t.Errorf("the dead host was tried %d times, want once", got)
	}
	// Each failure doubles the wait; within a day there are few attempts.
	for range 24 * 60 {
		c.Advance(time.Minute)
		settleAll(t, a)
	}
	if got := count(dead) - base; got < 8 || got > 14 {
		t.Errorf("in a day the dead host was tried %d times", got)
	}
	// It speaks to us: what waits goes out at once, in order.
	dead.post = nil
	tried := count(dead)
	dead.tell(a, dan, doc{"type": "Like", "object": "x"})
	settleAll(t, a)
	dead.mu.Lock()
	got := dead.in[tried:]
	dead.mu.Unlock()
	if len(got) != 20 {
		t.Fatalf("after its return the host got %d letters, want 20", len(got))
	}
	for n, body := range got {
		if !strings.Contains(body, fmt.Sprintf("post %d<", n)) {
			t.Fatalf("letter %d is %s", n, body)
		}
	}
	// Dead for good: after a week nothing waits any more, and nothing new is kept.
	dead.post = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "into the void"}))
	for range 24 * 10 {
		c.Advance(time.Hour)
		settleAll(t, a)
	}
	must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "not even that"}))
	settleAll(t, a)
	if n := must[int](t)(countRows.One(ctx, a.DB)); n != 0 {
		t.Errorf("%d rows are left in the outbox", n)
	}
}

var countRows = db.Def[int](`SELECT CAST((SELECT COUNT(*) FROM deliveries) + (SELECT COUNT(*) FROM outgoing) AS BIGINT) AS n`)

func TestAnswersToDeliveries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		tries  int // within three days
		left   int // rows after that
	}{
		{"accepted", 202, 1, 0},
		{"gone", 410, 1, 0},
		{"forbidden", 403, 1, 0},
		{"not signed well", 401, 9, 0},
		{"broken", 500, 9, 0},
		{"redirected", 301, 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			a := newNode(t, "a", sqlite(t, c), c)
			ann := a.member("ann")
			s := newStranger(t, "s")
			sue := s.actor("sue")
			s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
			s.mu.Lock()
			s.in, s.post = nil, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
			}
			s.mu.Unlock()
			must[social.Post](t)(a.Social.Publish(context.Background(), as(ann), social.Draft{Text: "hello"}))
			settleAll(t, a)
			for range 72 {
				c.Advance(time.Hour)
				settleAll(t, a)
			}
			if len(s.in) != tc.tries {
				t.Errorf("tried %d times, want %d", len(s.in), tc.tries)
			}
			if n := must[int](t)(countRows.One(context.Background(), a.DB)); n != tc.left {
				t.Errorf("%d rows are left, want %d", n, tc.left)
			}
		})
	}
}

// A new process on the same database finishes what the old one had accepted or wanted to send.
func TestRestartLosesNothing(t *testing.T) {
	t.Parallel()
	c := newClock()
	d := sqlite(t, c)
	a := newNode(t, "a", d, c)
	ctx := context.Background()
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue := s.actor("sue")
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	s.in = nil
	// Accepted and taken in hand, then the process dies.
	note := s.note(sue, "/notes/1", "hello", ann.URI)
	if code := s.send(a, letter{body: s.fill(sue, doc{"type": "Create", "object": note}), keyID: sue + "#main-key"}); code != 202 {
		t.Fatal(code)
	}
	must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "to be sent"}))
	err := d.InTx(ctx, func(tx *db.Tx) error {
		if rows, err := claimInbox.All(ctx, tx, tx.Now(), tx.Now().Add(workLease), 10, id.Node()); err != nil || len(rows) != 1 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
		hosts, err := claimPeers.All(ctx, tx, tx.Now(), tx.Now().Add(lease), 10, id.Node())
		if len(hosts) != 1 {
			t.Errorf("%d hosts", len(hosts))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	settleAll(t, a)
	if a.seen(note["id"].(string)) != nil || len(s.in) != 0 {
		t.Fatal("what another process has in hand was taken")
	}
	again := New(a.Deps)
	if err := again.Start(ctx); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(10 * time.Second)
	for done := false; !done; {
		select {
		case <-deadline:
			t.Fatal("nothing happened after the restart")
		case <-time.After(5 * time.Millisecond):
		}
		s.mu.Lock()
		done = a.seen(note["id"].(string)) != nil && len(s.in) == 1
		s.mu.Unlock()
	}
	stopping, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := again.Stop(stopping); err != nil {
		t.Error(err)
	}
	if n := must[int](t)(countRows.One(ctx, d)); n != 0 {
		t.Errorf("%d rows are left in the outbox", n)
	}
}

func TestManyAcceptedAreAllStored(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, _ *node) {
		ann := a.member("ann")
		s := newStranger(t, "s")
		sue := s.actor("sue")
		const n = 300
		var wg sync.WaitGroup
		work := make(chan doc, n)
		for i := range n {
			work <- s.fill(sue, doc{"type": "Create", "object": s.note(sue, fmt.Sprint("/notes/", i), "hello", ann.URI)})
		}
		close(work)
		for range 8 {
			wg.Go(func() {
				for activity := range work {
					if code := s.send(a, letter{body: activity, keyID: sue + "#main-key"}); code != 202 {
						t.Errorf("status %d", code)
					}
				}
			})
		}
		wg.Wait()
		settleAll(t, a)
		missing := 0
		for i := range n {
			if a.seen(fmt.Sprint(s.base, "/notes/", i)) == nil {
				missing++
			}
		}
		if missing != 0 {
			t.Errorf("%d were not stored", missing)
		}
	})
}

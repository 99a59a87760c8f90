package activitypub

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
	"rochdale/internal/social"
)

func (n *node) inTx(f func(ctx context.Context, tx *db.Tx) error) {
	n.t.Helper()
	if err := n.DB.InTx(context.Background(), func(tx *db.Tx) error { return f(context.Background(), tx) }); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) setDomain(name string, level social.Level) {
	n.t.Helper()
	n.inTx(func(ctx context.Context, tx *db.Tx) error {
		_, err := n.Social.SetDomain(ctx, tx, name, level)
		return err
	})
}

func (n *node) suspend(a *social.Account, on bool) {
	n.t.Helper()
	n.inTx(func(ctx context.Context, tx *db.Tx) error { return n.Social.SetSuspended(ctx, tx, a.ID, on) })
}

func (n *node) rows(table string) int {
	n.t.Helper()
	var k int
	if err := n.DB.Writer().QueryRowContext(context.Background(), "SELECT COUNT(*) FROM "+table).Scan(&k); err != nil {
		n.t.Fatal(err)
	}
	return k
}

// What comes from a blocked server leaves no trace, and nothing is asked of it.
func TestABlockedServerIsNotListenedTo(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ann := a.member("ann")
	bad, deep, good := newStranger(t, "bad"), newStranger(t, "x.bad"), newStranger(t, "notbad")
	a.setDomain("bad.test", social.LevelBlock)
	for _, tc := range []struct {
		s    *stranger
		want int
	}{{bad, http.StatusForbidden}, {deep, http.StatusForbidden}, {good, http.StatusAccepted}} {
		sue := tc.s.actor("sue")
		follow := tc.s.fill(sue, doc{"type": "Follow", "object": ann.URI})
		if code := tc.s.send(a, letter{body: follow, keyID: sue + "#main-key"}); code != tc.want {
			t.Errorf("%s: status %d, want %d", tc.s.base, code, tc.want)
		}
		// Neither does another spelling of its name help, nor a signature that is no good.
		odd := strings.Replace(sue, "bad.test", "BAD.test.", 1)
		if code := tc.s.send(a, letter{body: tc.s.fill(odd, doc{"id": odd + "#1", "type": "Follow", "object": ann.URI}), keyID: odd + "#main-key"}); tc.want == http.StatusForbidden && code != tc.want {
			t.Errorf("%s: status %d, want %d", odd, code, tc.want)
		}
		if code := tc.s.send(a, letter{body: []byte("{"), keyID: sue + "#main-key"}); tc.want == http.StatusForbidden && code != tc.want {
			t.Errorf("%s: status %d for rubbish, want %d", tc.s.base, code, tc.want)
		}
	}
	if n := a.rows("inbox_activities"); n != 1 {
		t.Errorf("%d activities were stored, want the good one's", n)
	}
	if n := bad.gets.Load() + deep.gets.Load(); n != 0 {
		t.Errorf("%d requests went to the blocked servers", n)
	}
	a.setDomain("bad.test", social.LevelNone)
	sue := bad.actor("sue")
	bad.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	if f := must[[]social.Listed](t)(a.Social.FollowersOf(context.Background(), ann.ID, social.Page{})); len(f) != 2 {
		t.Errorf("after the block was lifted: %d followers", len(f))
	}
}

// No redirect, mention, thread or picture leads to a blocked server.
func TestNothingIsFetchedFromABlockedServer(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann := a.member("ann")
	bad, good := newStranger(t, "bad"), newStranger(t, "good")
	sue, gus := bad.actor("sue"), good.actor("gus")
	theirs := bad.note(sue, "/notes/1", "<p>theirs</p>", activitystreams.Public)
	good.tell(a, gus, doc{"type": "Follow", "object": ann.URI})
	gusAtA := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, gus))
	must[social.Relation](t)(a.Social.Follow(ctx, as(ann), gusAtA.ID, social.FollowOptions{}))
	settleAll(t, a)
	good.tell(a, gus, doc{"type": "Accept", "object": doc{"type": "Follow", "actor": ann.URI, "object": gus}})
	a.setDomain("bad.test", social.LevelBlock)

	good.tell(a, gus, doc{"type": "Announce", "object": theirs["id"], "to": activitystreams.Public})
	reply := good.note(gus, "/notes/2", "<p>an answer</p>", activitystreams.Public)
	reply["inReplyTo"] = theirs["id"]
	good.tell(a, gus, doc{"type": "Create", "object": reply, "to": activitystreams.Public})
	must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "hello @sue@" + hostOf(bad.base)}))
	if _, err := a.Find(ctx, "sue", hostOf(bad.base)); err == nil {
		t.Error("an account of the blocked server was found")
	}
	if _, err := a.Resolve(ctx, bad.base+"/notes/1"); err == nil {
		t.Error("a post of the blocked server was found")
	}
	good.mu.Lock()
	good.moved = map[string]string{"/away": bad.base + "/notes/1"}
	good.mu.Unlock()
	if _, err := a.Resolve(ctx, good.base+"/away"); err == nil {
		t.Error("a redirect led to the blocked server")
	}
	if n := bad.gets.Load(); n != 0 {
		t.Errorf("%d requests went there", n)
	}
	if views := must[[]*social.View](t)(a.Social.Home(ctx, as(ann), social.Page{})); len(views) != 2 { // the answer and her own
		t.Errorf("home holds %d posts, want the answer and her own", len(views))
	}
}

// Between two servers: a block cuts what was, and lets nothing through until it is lifted.
func TestABlockCutsAndCanBeLifted(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *node) {
		ctx := context.Background()
		ann, bob := a.member("ann"), b.member("bob")
		bobAtA, annAtB := a.find(bob, b), b.find(ann, a)
		must[social.Relation](t)(a.Social.Follow(ctx, as(ann), bobAtA.ID, social.FollowOptions{}))
		must[social.Relation](t)(b.Social.Follow(ctx, as(bob), annAtB.ID, social.FollowOptions{}))
		settleAll(t, a, b)
		must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "before"}))
		settleAll(t, a, b)
		if n := len(must[[]*social.View](t)(a.Social.Home(ctx, as(ann), social.Page{}))); n != 1 {
			t.Fatalf("%d posts arrived", n)
		}
		a.setDomain("b.test", social.LevelBlock)
		cut := must[social.Ties](t)(func() (social.Ties, error) {
			d, err := a.Social.FindDomain(ctx, a.DB, "b.test")
			if err != nil {
				return social.Ties{}, err
			}
			return a.Social.Severed(ctx, a.DB, d.ID)
		}())
		if cut != (social.Ties{Followers: 1, Following: 1}) {
			t.Errorf("remembered as cut: %+v", cut)
		}
		sent := b.posts.Load()
		must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "among us @bob@" + b.Site.Host}))
		must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "into the void"}))
		settleAll(t, a, b)
		if n := b.posts.Load() - sent; n != 0 {
			t.Errorf("%d letters went to the blocked server", n)
		}
		if n := len(must[[]*social.View](t)(a.Social.Home(ctx, as(ann), social.Page{}))); n != 1 {
			t.Errorf("home holds %d posts, want her own", n)
		}
		a.setDomain("b.test", social.LevelNone)
		if v := must[[]*social.View](t)(a.Social.OfAccount(ctx, as(ann), bobAtA.ID, social.AccountFilter{}, social.Page{})); len(v) != 1 {
			t.Errorf("of what came before the block %d posts are there again", len(v))
		}
		must[social.Relation](t)(a.Social.Follow(ctx, as(ann), bobAtA.ID, social.FollowOptions{}))
		settleAll(t, a, b)
		must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "again"}))
		settleAll(t, a, b)
		if n := len(must[[]*social.View](t)(a.Social.Home(ctx, as(ann), social.Page{}))); n < 3 {
			t.Errorf("home holds %d posts after the follow was made again", n)
		}
	})
}

// A suspended account of ours is told of as such and otherwise not served, and all of it comes back.
func TestASuspendedAccountOfOurs(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann := a.member("ann")
	name := "Ann"
	must[*social.Account](t)(a.Social.UpdateProfile(ctx, as(ann), social.ProfileChange{DisplayName: &name, Note: &name}))
	p := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "hello"}))
	s := newStranger(t, "s")
	sue := s.actor("sue")
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	path := strings.TrimPrefix(p.URI, a.Site.URL)
	statuses := func() []int {
		var out []int
		for _, at := range []string{"/users/ann", "/users/ann/outbox?page=true", "/users/ann/followers", "/users/ann/collections/featured", path, path + "/activity",
			"/.well-known/webfinger?resource=acct:ann@" + a.Site.Host} {
			out = append(out, a.ask(at, activitystreams.MediaType, nil).Code)
		}
		return out
	}
	type actorDoc struct {
		Type, Name, Summary string
		Suspended           bool
		PublicKey           map[string]string
	}
	updates := func() (out []actorDoc) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, body := range s.in {
			var o struct {
				Type   string
				Object json.RawMessage
			}
			var about actorDoc
			if json.Unmarshal([]byte(body), &o) == nil && o.Type == "Update" && json.Unmarshal(o.Object, &about) == nil {
				out = append(out, about)
			}
		}
		s.in = nil
		return out
	}
	updates()
	a.suspend(ann, true)
	settleAll(t, a)
	if got, want := statuses(), []int{200, 403, 403, 403, 403, 403, 200}; !equal(got, want) {
		t.Errorf("suspended: statuses %v, want %v", got, want)
	}
	if u := updates(); len(u) != 1 || !u[0].Suspended || u[0].Name != "" || u[0].Summary != "" || u[0].PublicKey["publicKeyPem"] == "" {
		t.Errorf("followers elsewhere were told %+v", u)
	}
	// Nobody elsewhere can follow it or write to it meanwhile.
	s.tell(a, s.actor("sid"), doc{"type": "Follow", "object": ann.URI})
	if n := a.rows("relations"); n != 1 {
		t.Errorf("%d relations", n)
	}
	a.suspend(ann, false)
	settleAll(t, a)
	if got, want := statuses(), []int{200, 200, 200, 200, 200, 200, 200}; !equal(got, want) {
		t.Errorf("free again: statuses %v, want %v", got, want)
	}
	if u := updates(); len(u) != 1 || u[0].Suspended || u[0].Name != name {
		t.Errorf("followers elsewhere were told %+v", u)
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// The suspension of one account elsewhere is a block of that one alone.
func TestASuspendedAccountElsewhere(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue, sid := s.actor("sue"), s.actor("sid")
	for _, who := range []string{sue, sid} {
		s.tell(a, who, doc{"type": "Follow", "object": ann.URI})
	}
	sueAtA := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, sue))
	secret := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "for you @sue@" + hostOf(s.base), Visibility: social.Direct}))
	path := strings.TrimPrefix(secret.URI, a.Site.URL)
	read := func() int {
		return a.ask(path, activitystreams.MediaType, func(r *http.Request) {
			if err := httpsig.Sign(r, sue+"#main-key", s.key, "", a.DB.Now()); err != nil {
				t.Fatal(err)
			}
		}).Code
	}
	if code := read(); code != http.StatusOK {
		t.Fatalf("before: status %d", code)
	}
	settleAll(t, a)
	a.suspend(sueAtA, true)
	gets := s.gets.Load()
	like := func(who string) int {
		return s.send(a, letter{body: s.fill(who, doc{"type": "Like", "object": secret.URI}), keyID: who + "#main-key"})
	}
	if like(sue) != http.StatusForbidden || like(sid) != http.StatusAccepted {
		t.Error("the suspended account is heard, or its neighbour is not")
	}
	if code := read(); code != http.StatusNotFound {
		t.Errorf("it reads what was written to it: status %d", code)
	}
	if _, err := a.Find(ctx, "sue", hostOf(s.base)); err == nil {
		t.Error("it is found by its address")
	}
	if _, err := a.Resolve(ctx, sue); err == nil {
		t.Error("it is found by its URI")
	}
	note := s.note(sue, "/notes/9", "<p>boosted by others</p>", activitystreams.Public)
	if _, err := a.Resolve(ctx, note["id"].(string)); err == nil {
		t.Error("its new post is taken from its server")
	}
	if n := s.gets.Load() - gets; n > 1 { // the note itself, whose author nobody could know
		t.Errorf("%d requests", n)
	}
	if f := must[[]social.Listed](t)(a.Social.FollowersOf(ctx, ann.ID, social.Page{})); len(f) != 1 || f[0].URI != sid {
		t.Errorf("followers %v", f)
	}
	if cut := must[social.Ties](t)(a.Social.Severed(ctx, a.DB, sueAtA.ID)); cut.Followers != 1 {
		t.Errorf("cut: %+v", cut)
	}
	a.suspend(sueAtA, false)
	if like(sue) != http.StatusAccepted || read() != http.StatusOK {
		t.Error("it is not free again")
	}
	if m := must[map[id.ID]social.Relation](t)(a.Social.Relations(ctx, a.DB, sueAtA.ID, []id.ID{ann.ID})); m[ann.ID].Follows {
		t.Error("its follow came back by itself")
	}
}

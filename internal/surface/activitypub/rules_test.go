package activitypub

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
	"rochdale/internal/social"
)

func TestRFC9421IsTaken(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue := s.actor("sue")
	activity := s.fill(sue, doc{"type": "Follow", "object": ann.URI})
	code := s.send(a, letter{body: activity, change: func(r *http.Request, body *[]byte) {
		if err := httpsig.SignMessage(r, sue+"#main-key", s.key, httpsig.Digest(*body), c.Now()); err != nil {
			t.Fatal(err)
		}
	}})
	if code != http.StatusAccepted {
		t.Errorf("status %d", code)
	}
}

func TestBoostsCountOnlyWhereSomebodyFollowsOrIsBoosted(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue, tom := s.actor("sue"), s.actor("tom")
	note := s.note(sue, "/notes/1", "hello", ann.URI, activitystreams.Public)
	s.tell(a, sue, doc{"type": "Create", "object": note})
	own := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "mine"}))
	s.tell(a, tom, doc{"type": "Announce", "object": note["id"], "to": []string{activitystreams.Public}})
	s.tell(a, tom, doc{"type": "Announce", "object": own.URI, "to": []string{activitystreams.Public}})
	if p := a.seen(note["id"].(string)); p == nil || p.BoostsCount != 0 {
		t.Errorf("a stranger's boost of another's post: %+v", p)
	}
	if p := a.seen(own.URI); p.BoostsCount != 1 {
		t.Errorf("a stranger's boost of our post: %d", p.BoostsCount)
	}
}

// An address under a domain is given only by that domain, also when an account takes another name.
func TestANameIsFoundAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	nice, host := newStranger(t, "nice"), newStranger(t, "host")
	uri := host.actor("bob")
	bob := host.docs["/users/bob"].(doc)
	bob["webfinger"] = "bob@" + hostOf(nice.base)
	nice.serve("/.well-known/webfinger", doc{"subject": "acct:bob@" + hostOf(nice.base),
		"links": []doc{{"rel": "self", "type": activitystreams.MediaType, "href": uri}}})
	got := must[*social.Account](t)(a.Find(ctx, "bob", hostOf(nice.base)))
	if got.URI != uri || got.Acct() != "bob@"+hostOf(nice.base) {
		t.Fatalf("found %s at %s", got.Acct(), got.URI)
	}
	renamed := doc{}
	for k, v := range bob {
		renamed[k] = v
	}
	renamed["preferredUsername"], renamed["webfinger"] = "boss", "boss@"+hostOf(nice.base)
	host.tell(a, uri, doc{"type": "Update", "object": renamed})
	if now := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, uri)); now.Acct() != "boss@"+hostOf(host.base) {
		t.Errorf("after the change of name: %s", now.Acct())
	}
	// Nor does a domain give away the address of somebody who knows nothing of it.
	evil := newStranger(t, "evil")
	evil.serve("/.well-known/webfinger", doc{"subject": "acct:bob@" + hostOf(evil.base),
		"links": []doc{{"rel": "self", "type": activitystreams.MediaType, "href": uri}}})
	if x := must[*social.Account](t)(a.Find(ctx, "bob", hostOf(evil.base))); strings.HasSuffix(x.Acct(), hostOf(evil.base)) {
		t.Errorf("a foreign domain names the account %s", x.Acct())
	}
}

func TestARefusedHostIsNotSpokenWith(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue := s.actor("sue")
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	sueAtA := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, sue))
	s.in = nil
	before := s.gets.Load()
	a.setDomain(hostOf(s.base), social.LevelBlock)
	must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "not for them"}))
	if _, err := a.Social.Follow(ctx, as(ann), sueAtA.ID, social.FollowOptions{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("their account is there to be followed: %v", err)
	}
	settleAll(t, a)
	if code := s.send(a, letter{body: s.fill(sue, doc{"type": "Like", "object": "x"}), keyID: sue + "#main-key"}); code != http.StatusForbidden {
		t.Errorf("their activity: status %d", code)
	}
	if _, err := a.Resolve(ctx, s.base+"/notes/1"); err == nil {
		t.Error("their post was looked for")
	}
	if len(s.in) != 0 || s.gets.Load() != before {
		t.Errorf("%d letters and %d requests went there", len(s.in), s.gets.Load()-before)
	}
}

// A letter that brings our code down does not bring the server down, nor does it come back.
func TestAPanicIsCaught(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := newNode(t, "a", sqlite(t, c), c)
	ctx := context.Background()
	ann := a.member("ann")
	s := newStranger(t, "s")
	sue := s.actor("sue")
	a.Social.Favourited.On(func(context.Context, *db.Tx, social.Favourited) error { panic("a mistake of ours") })
	p := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "like me"}))
	s.tell(a, sue, doc{"type": "Like", "object": p.URI})
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	sueAtA := must[*social.Account](t)(a.Social.ByURI(ctx, a.DB, sue))
	if m := must[map[id.ID]social.Relation](t)(a.Social.Relations(ctx, a.DB, sueAtA.ID, []id.ID{ann.ID})); !m[ann.ID].Follows {
		t.Error("what came after it was not applied")
	}
	if n := must[int](t)(countAttempts.One(ctx, a.DB)); n != 0 {
		t.Error("it is tried again")
	}
}

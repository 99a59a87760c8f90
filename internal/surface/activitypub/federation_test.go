package activitypub

import (
	"context"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

func TestQueriesArePreparedOnBothEngines(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, _ *node) {
		if err := db.CheckRegistered(context.Background(), a.DB); err != nil {
			t.Error(err)
		}
	})
}

func must[T any](tb testing.TB) func(T, error) T {
	tb.Helper()
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func (n *node) relation(from, to *social.Account) social.Relation {
	n.t.Helper()
	m, err := n.Social.Relations(context.Background(), n.DB, from.ID, []id.ID{to.ID})
	if err != nil {
		n.t.Fatal(err)
	}
	return m[to.ID]
}

// seen is the post on another server, or nil.
func (n *node) seen(uri string) *social.Post {
	n.t.Helper()
	p, err := n.Social.PostByURI(context.Background(), n.DB, uri)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return &p
}

func TestTheLifeOfAFollowAndItsPosts(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *node) {
		ctx := context.Background()
		ann, bob := a.member("ann"), b.member("bob")
		bobAtA := a.find(bob, b)
		if bobAtA.Acct() != "bob@"+b.Site.Host || bobAtA.URI != bob.URI {
			t.Fatalf("found %+v", bobAtA)
		}

		// A follow is asked for, answered and counted on both sides.
		if r := must[social.Relation](t)(a.Social.Follow(ctx, as(ann), bobAtA.ID, social.FollowOptions{})); !r.Requested {
			t.Errorf("after asking: %+v", r)
		}
		settleAll(t, a, b)
		if r := a.relation(ann, bobAtA); !r.Follows {
			t.Errorf("after the answer: %+v", r)
		}
		annAtB := must[*social.Account](t)(b.Social.ByURI(ctx, b.DB, ann.URI))
		if r := b.relation(annAtB, bob); !r.Follows {
			t.Errorf("at the followed server: %+v", r)
		}

		// Public and followers-only posts arrive, with mention, tag, warning and language.
		public := must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "Hello @ann@" + a.Site.Host + " from #Rochdale",
			Summary: "greeting", Language: "en"}))
		narrow := must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "for followers", Visibility: social.Followers}))
		settleAll(t, a, b)
		got := a.seen(public.URI)
		if got == nil {
			t.Fatal("the public post did not arrive")
		}
		if got.Visibility != social.Public || got.Summary != "greeting" || !got.Sensitive || got.Language != "en" || got.AccountID != bobAtA.ID {
			t.Errorf("arrived as %+v", got)
		}
		v := must[*social.View](t)(a.Social.Post(ctx, as(ann), got.ID))
		if len(v.Mentioned) != 1 || v.Mentioned[0].ID != ann.ID || len(v.Tags) != 1 || v.Tags[0] != "rochdale" {
			t.Errorf("mentions %v, tags %v", v.Mentioned, v.Tags)
		}
		if p := a.seen(narrow.URI); p == nil || p.Visibility != social.Followers {
			t.Errorf("followers-only post: %+v", p)
		}
		home := must[[]*social.View](t)(a.Social.Home(ctx, as(ann), social.Page{}))
		if len(home) != 2 {
			t.Errorf("home has %d posts, want 2", len(home))
		}

		// A reply goes back to its author's server and into the thread.
		reply := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "@bob@" + b.Site.Host + " hi", InReplyTo: got.ID}))
		settleAll(t, a, b)
		back := b.seen(reply.URI)
		if back == nil || back.InReplyToID != public.ID {
			t.Fatalf("the reply arrived as %+v", back)
		}

		// An edit.
		a.clock.Advance(time.Minute)
		must[social.Post](t)(b.Social.Edit(ctx, as(bob), public.ID, social.Draft{Text: "Hello again"}))
		settleAll(t, a, b)
		if p := a.seen(public.URI); !strings.Contains(p.Content, "Hello again") || p.EditedAt.IsZero() || p.Summary != "" {
			t.Errorf("after the edit: %+v", p)
		}

		// Favourite, boost, and both taken back.
		if err := a.Social.Favourite(ctx, as(ann), got.ID); err != nil {
			t.Fatal(err)
		}
		boost := must[social.Post](t)(a.Social.Boost(ctx, as(ann), got.ID, social.Public))
		settleAll(t, a, b)
		if p := b.seen(public.URI); p.FavouritesCount != 1 || p.BoostsCount != 1 {
			t.Errorf("favourites %d, boosts %d", p.FavouritesCount, p.BoostsCount)
		}
		if b.seen(boost.URI) == nil {
			t.Error("the boost is not known by its id")
		}
		if err := a.Social.Unfavourite(ctx, as(ann), got.ID); err != nil {
			t.Fatal(err)
		}
		if err := a.Social.Unboost(ctx, as(ann), got.ID); err != nil {
			t.Fatal(err)
		}
		settleAll(t, a, b)
		if p := b.seen(public.URI); p.FavouritesCount != 0 || p.BoostsCount != 0 {
			t.Errorf("after undoing: favourites %d, boosts %d", p.FavouritesCount, p.BoostsCount)
		}

		// A pinned post is pinned there, too, and taken down again.
		if err := b.Social.Pin(ctx, as(bob), public.ID, true); err != nil {
			t.Fatal(err)
		}
		settleAll(t, a, b)
		if p := a.seen(public.URI); p.PinnedAt.IsZero() {
			t.Error("the pin did not arrive")
		}

		// A profile change.
		name := "Bob the Second"
		must[*social.Account](t)(b.Social.UpdateProfile(ctx, as(bob), social.ProfileChange{DisplayName: &name,
			Fields: &[]social.Field{{Name: "Home", Source: "https://b.example"}}}))
		settleAll(t, a, b)
		if x := must[*social.Account](t)(a.Social.Account(ctx, a.DB, bobAtA.ID)); x.DisplayName != name || len(x.Fields()) != 1 {
			t.Errorf("profile arrived as %q, %v", x.DisplayName, x.Fields())
		}

		// A delete.
		must[social.Post](t)(b.Social.Delete(ctx, as(bob), public.ID))
		settleAll(t, a, b)
		if a.seen(public.URI) != nil {
			t.Error("the deleted post is still there")
		}

		// An end of the follow, then a block.
		must[social.Relation](t)(a.Social.Unfollow(ctx, as(ann), bobAtA.ID))
		settleAll(t, a, b)
		if r := b.relation(annAtB, bob); r.Follows {
			t.Errorf("after the end of the follow: %+v", r)
		}
		must[social.Relation](t)(b.Social.Block(ctx, as(bob), annAtB.ID))
		settleAll(t, a, b)
		if r := a.relation(ann, bobAtA); !r.BlockedBy {
			t.Errorf("after the block: %+v", r)
		}
		if _, err := a.Social.Follow(ctx, as(ann), bobAtA.ID, social.FollowOptions{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("following a blocker: %v", err)
		}
		must[social.Relation](t)(b.Social.Unblock(ctx, as(bob), annAtB.ID))
		settleAll(t, a, b)
		if r := a.relation(ann, bobAtA); r.BlockedBy {
			t.Errorf("after the end of the block: %+v", r)
		}
	})
}

func TestALockedAccountAnswersLater(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *node) {
		ctx := context.Background()
		ann, bob := a.member("ann"), b.member("bob")
		yes := true
		must[*social.Account](t)(b.Social.UpdateProfile(ctx, as(bob), social.ProfileChange{Locked: &yes}))
		bobAtA := a.find(bob, b)
		if !bobAtA.Locked {
			t.Error("the lock is not seen")
		}
		must[social.Relation](t)(a.Social.Follow(ctx, as(ann), bobAtA.ID, social.FollowOptions{}))
		settleAll(t, a, b)
		annAtB := must[*social.Account](t)(b.Social.ByURI(ctx, b.DB, ann.URI))
		if r := b.relation(bob, annAtB); !r.RequestedBy {
			t.Fatalf("the request: %+v", r)
		}
		b.clock.Advance(72 * time.Hour)
		if err := b.Social.AnswerFollow(ctx, as(bob), annAtB.ID, true); err != nil {
			t.Fatal(err)
		}
		settleAll(t, a, b)
		if r := a.relation(ann, bobAtA); !r.Follows {
			t.Errorf("after the answer: %+v", r)
		}
		must[social.Relation](t)(b.Social.RemoveFollower(ctx, as(bob), annAtB.ID))
		settleAll(t, a, b)
		if r := a.relation(ann, bobAtA); r.Follows || r.Requested {
			t.Errorf("after being removed: %+v", r)
		}
		must[social.Relation](t)(a.Social.Follow(ctx, as(ann), bobAtA.ID, social.FollowOptions{}))
		settleAll(t, a, b)
		if err := b.Social.AnswerFollow(ctx, as(bob), annAtB.ID, false); err != nil {
			t.Fatal(err)
		}
		settleAll(t, a, b)
		if r := a.relation(ann, bobAtA); r.Follows || r.Requested {
			t.Errorf("after the refusal: %+v", r)
		}
	})
}

func TestADirectPostReachesOnlyWhomItNames(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *node) {
		ctx := context.Background()
		ann, eve, bob := a.member("ann"), a.member("eve"), b.member("bob")
		p := must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "psst @ann@" + a.Site.Host, Visibility: social.Direct}))
		settleAll(t, a, b)
		got := a.seen(p.URI)
		if got == nil || got.Visibility != social.Direct {
			t.Fatalf("arrived as %+v", got)
		}
		if _, err := a.Social.Post(ctx, as(ann), got.ID); err != nil {
			t.Errorf("the named reader: %v", err)
		}
		for who, by := range map[string]authz.Actor{"another member": as(eve), "a visitor": {}} {
			if _, err := a.Social.Post(ctx, by, got.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", who, err)
			}
		}
	})
}

func TestPostsThatConcernNobodyAreNotKept(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *node) {
		ctx := context.Background()
		ann, bob := a.member("ann"), b.member("bob")
		bobAtA := a.find(bob, b)
		must[social.Relation](t)(a.Social.Follow(ctx, as(ann), bobAtA.ID, social.FollowOptions{}))
		settleAll(t, a, b)
		first := must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "kept"}))
		settleAll(t, a, b)
		if a.seen(first.URI) == nil {
			t.Fatal("a followed account's post was not kept")
		}
		// The follower leaves without the other server noticing.
		err := a.DB.InTx(ctx, func(tx *db.Tx) error {
			return a.Social.AnswerFollowIn(ctx, tx, actor(bobAtA), ann.ID, false)
		})
		if err != nil {
			t.Fatal(err)
		}
		second := must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "not kept"}))
		answer := must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "kept, too", InReplyTo: first.ID}))
		settleAll(t, a, b)
		if a.seen(second.URI) != nil {
			t.Error("a post of nobody's interest was kept")
		}
		if a.seen(answer.URI) == nil {
			t.Error("an answer to a known post was not kept")
		}
	})
}

func TestAThreadIsFollowedUpwards(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *node) {
		ctx := context.Background()
		ann, bob, cat := a.member("ann"), b.member("bob"), b.member("cat")
		last := must[social.Post](t)(b.Social.Publish(ctx, as(cat), social.Draft{Text: "first"}))
		first := last
		for range 5 {
			last = must[social.Post](t)(b.Social.Publish(ctx, as(cat), social.Draft{Text: "and then", InReplyTo: last.ID}))
		}
		bobAtA := a.find(bob, b)
		must[social.Relation](t)(a.Social.Follow(ctx, as(ann), bobAtA.ID, social.FollowOptions{}))
		settleAll(t, a, b)
		end := must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "I answer", InReplyTo: last.ID}))
		settleAll(t, a, b)
		got := a.seen(end.URI)
		if got == nil {
			t.Fatal("the reply did not arrive")
		}
		up, _, err := a.Social.Thread(ctx, as(ann), got.ID)
		if err != nil || len(up) != 6 || up[0].URI != first.URI {
			t.Errorf("%d posts above, %v", len(up), err)
		}
		// What was fetched is boosted by its id alone, and what was not is fetched for a boost.
		lone := must[social.Post](t)(b.Social.Publish(ctx, as(cat), social.Draft{Text: "worth a boost"}))
		must[social.Post](t)(b.Social.Boost(ctx, as(bob), lone.ID, social.Public))
		settleAll(t, a, b)
		if a.seen(lone.URI) == nil {
			t.Error("the boosted post was not fetched")
		}
		home := must[[]*social.View](t)(a.Social.Home(ctx, as(ann), social.Page{}))
		if len(home) == 0 || home[0].Boost == nil || home[0].Boost.URI != lone.URI {
			t.Errorf("the boost is not on top of the home timeline")
		}
	})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *node) {
		ctx := context.Background()
		ann, bob := a.member("ann"), b.member("bob")
		p := must[social.Post](t)(b.Social.Publish(ctx, as(bob), social.Draft{Text: "find me"}))
		own := must[social.Post](t)(a.Social.Publish(ctx, as(ann), social.Draft{Text: "mine"}))
		got := must[Resolved](t)(a.Resolve(ctx, p.URI))
		if got.Post == 0 || got.Account != nil {
			t.Errorf("a post: %+v", got)
		}
		if got := must[Resolved](t)(a.Resolve(ctx, bob.URI)); got.Account == nil || got.Account.URI != bob.URI {
			t.Errorf("an actor: %+v", got)
		}
		for _, address := range []string{own.URI, own.URL} {
			if got := must[Resolved](t)(a.Resolve(ctx, address)); got.Post != own.ID {
				t.Errorf("%s: %+v", address, got)
			}
		}
		for _, address := range []string{"", "nonsense", "javascript:alert(1)", b.Site.Join("/users/nobody"), b.Site.Join("/inbox"), "http://nowhere.invalid/x"} {
			if _, err := a.Resolve(ctx, address); !fault.Is(err, fault.NotFound) {
				t.Errorf("%q: %v", address, err)
			}
		}
	})
}

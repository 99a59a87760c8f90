package social_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// place is a social service with some accounts, and a clock that moves at every step.
type place struct {
	*social.Service
	t     testing.TB
	db    *db.DB
	bus   *bus.Bus
	media *media.Service
	clock *clock.Fake
	ctx   context.Context
}

func newPlace(tb testing.TB, d *db.DB, c *clock.Fake) *place {
	tb.Helper()
	store, err := blob.OpenFolder(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	site := config.Site{Host: "coop.example", URL: "https://coop.example"}
	b := bus.New(d)
	m := media.New(d, store, nil, site, nil)
	return &place{Service: social.New(d, b, site, m), t: tb, db: d, bus: b, media: m, clock: c, ctx: context.Background()}
}

func each(t *testing.T, f func(t *testing.T, p *place)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) { f(t, newPlace(t, d, c)) })
}

func (p *place) account(name string) authz.Actor {
	p.t.Helper()
	var a *social.Account
	err := p.db.InTx(p.ctx, func(tx *db.Tx) (err error) {
		a, err = p.Open(p.ctx, tx, social.NewAccount{Username: name, Kind: social.Person})
		return err
	})
	p.ok(err)
	return authz.Actor{Account: a.ID, Via: authz.Web}
}

func (p *place) remote(name string) authz.Actor {
	p.t.Helper()
	var a *social.Account
	uri := "https://peer.example/users/" + name
	p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) (err error) {
		a, err = p.SaveRemote(p.ctx, tx, social.Account{Username: name, Domain: "peer.example", Kind: social.Person, URI: uri, URL: uri, Inbox: uri + "/inbox"})
		return err
	}))
	return authz.Actor{Account: a.ID, Via: authz.Federation}
}

func (p *place) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) follow(by, target authz.Actor) {
	p.t.Helper()
	_, err := p.Follow(p.ctx, by, target.Account, social.FollowOptions{})
	p.ok(err)
}

func (p *place) post(by authz.Actor, text string, v social.Visibility, answer id.ID) social.Post {
	p.t.Helper()
	p.clock.Advance(time.Second)
	q, err := p.Publish(p.ctx, by, social.Draft{Text: text, Visibility: v, InReplyTo: answer})
	p.ok(err)
	return q
}

func (p *place) home(by authz.Actor) []id.ID {
	p.t.Helper()
	views, err := p.Home(p.ctx, by, social.Page{})
	p.ok(err)
	return ids(views)
}

func ids(views []*social.View) []id.ID {
	var out []id.ID
	for _, v := range views {
		out = append(out, v.ID)
	}
	return out
}

func TestWhoMaySeeAPost(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		author, follower, stranger, named, blocked := p.account("author"), p.account("follower"), p.account("stranger"), p.account("named"), p.account("blocked")
		p.follow(follower, author)
		p.follow(blocked, author)
		_, err := p.Block(p.ctx, author, blocked.Account)
		p.ok(err)
		viewers := []struct {
			name string
			by   authz.Actor
		}{{"visitor", authz.Actor{}}, {"stranger", stranger}, {"follower", follower}, {"named", named}, {"blocked", blocked}, {"author", author}}
		want := map[social.Visibility]string{
			social.Public:    "visitor stranger follower named author",
			social.Unlisted:  "visitor stranger follower named author",
			social.Followers: "follower named author",
			social.Direct:    "named author",
		}
		for v, expect := range want {
			q := p.post(author, "hello @named", v, 0)
			var see, list, thread []string
			for _, x := range viewers {
				if _, err := p.Post(p.ctx, x.by, q.ID); err == nil {
					see = append(see, x.name)
				} else if !fault.Is(err, fault.NotFound) {
					t.Errorf("%s, %s: %v; what one may not see is not found", v, x.name, err)
				}
				views, err := p.OfAccount(p.ctx, x.by, author.Account, social.AccountFilter{}, social.Page{})
				p.ok(err)
				if slices.Contains(ids(views), q.ID) {
					list = append(list, x.name)
				}
				if _, _, err := p.Thread(p.ctx, x.by, q.ID); err == nil {
					thread = append(thread, x.name)
				}
				// What one may not see, one cannot act on either.
				err = p.Favourite(p.ctx, x.by, q.ID)
				if may := strings.Contains(expect, x.name) && x.name != "visitor"; (err == nil) != may {
					t.Errorf("%s: favourite by %s: %v", v, x.name, err)
				}
			}
			for what, got := range map[string][]string{"post": see, "list": list, "thread": thread} {
				if strings.Join(got, " ") != expect {
					t.Errorf("%s: %s seen by %v, want %s", v, what, got, expect)
				}
			}
			public, err := p.Public(p.ctx, authz.Actor{}, social.PublicFilter{}, social.Page{})
			p.ok(err)
			if slices.Contains(ids(public), q.ID) != (v == social.Public) {
				t.Errorf("%s in the public timeline", v)
			}
		}
	})
}

func TestHomeTimelines(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob, cat, dan := p.account("ann"), p.account("bob"), p.account("cat"), p.account("dan")
		before := p.post(bob, "before anybody followed", social.Public, 0)
		p.follow(ann, bob)
		if !slices.Contains(p.home(ann), before.ID) {
			t.Error("a new follower starts with an empty home")
		}
		top := p.post(bob, "to followers", social.Followers, 0)
		if h := p.home(ann); h[0] != top.ID {
			t.Errorf("home %v, want %d first", h, top.ID)
		}
		if h := p.home(cat); len(h) != 0 {
			t.Errorf("a stranger's home holds %v", h)
		}
		// An answer to somebody ann does not follow stays out; to somebody she follows it comes in.
		root := p.post(dan, "root", social.Public, 0)
		answer := p.post(bob, "to dan", social.Public, root.ID)
		if slices.Contains(p.home(ann), answer.ID) {
			t.Error("home shows an answer to a stranger")
		}
		p.follow(ann, dan)
		again := p.post(bob, "to dan again", social.Public, root.ID)
		if !slices.Contains(p.home(ann), again.ID) {
			t.Error("home lacks an answer between two that are followed")
		}
		// A boost of what is already there is not shown twice; another is.
		b1, err := p.Boost(p.ctx, bob, root.ID, social.Public)
		p.ok(err)
		catPost := p.post(cat, "cat's", social.Public, 0)
		b2, err := p.Boost(p.ctx, bob, catPost.ID, social.Public)
		p.ok(err)
		h := p.home(ann)
		if slices.Contains(h, b1.ID) || !slices.Contains(h, b2.ID) {
			t.Errorf("boosts in home %v: %d should not, %d should be there", h, b1.ID, b2.ID)
		}
		p.follow(ann, p.account("eve"))
		eve, err := p.ByName(p.ctx, p.db, "eve", "")
		p.ok(err)
		b3, err := p.Boost(p.ctx, authz.Actor{Account: eve.ID}, catPost.ID, social.Public)
		p.ok(err)
		if slices.Contains(p.home(ann), b3.ID) {
			t.Error("a second boost of the same post is shown again")
		}
		if _, err := p.Unfollow(p.ctx, ann, bob.Account); err != nil {
			t.Fatal(err)
		}
		for _, i := range p.home(ann) {
			if v, err := p.Post(p.ctx, ann, i); err != nil || v.AccountID == bob.Account {
				t.Errorf("after unfollowing, home still shows %d of bob's (%v)", i, err)
			}
		}
	})
}

func TestPagingWalksEveryPostOnce(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann := p.account("ann")
		var all []id.ID
		for i := range 25 {
			all = append(all, p.post(ann, fmt.Sprintf("post %d", i), social.Public, 0).ID)
		}
		slices.Reverse(all)
		var walked []id.ID
		for page := (social.Page{Limit: 7}); ; {
			views, err := p.Home(p.ctx, ann, page)
			p.ok(err)
			if len(views) == 0 {
				break
			}
			walked = append(walked, ids(views)...)
			page.MaxID = views[len(views)-1].ID
		}
		if !slices.Equal(walked, all) {
			t.Errorf("walking down: %v", walked)
		}
		up, err := p.Home(p.ctx, ann, social.Page{MinID: all[20], Limit: 3})
		p.ok(err)
		if !slices.Equal(ids(up), all[17:20]) {
			t.Errorf("min_id gave %v, want the three right after it %v", ids(up), all[17:20])
		}
		newest, err := p.Home(p.ctx, ann, social.Page{SinceID: all[20], Limit: 3})
		p.ok(err)
		if !slices.Equal(ids(newest), all[:3]) {
			t.Errorf("since_id gave %v, want the newest three", ids(newest))
		}
	})
}

func TestThreadsAndLateParents(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		root := p.post(ann, "root", social.Public, 0)
		a1 := p.post(bob, "a1", social.Public, root.ID)
		a2 := p.post(ann, "a2", social.Public, root.ID)
		a11 := p.post(ann, "a11", social.Public, a1.ID)
		up, down, err := p.Thread(p.ctx, ann, a1.ID)
		p.ok(err)
		if !slices.Equal(ids(up), []id.ID{root.ID}) || !slices.Equal(ids(down), []id.ID{a11.ID}) {
			t.Errorf("around a1: %v, %v", ids(up), ids(down))
		}
		_, down, err = p.Thread(p.ctx, ann, root.ID)
		p.ok(err)
		if !slices.Equal(ids(down), []id.ID{a1.ID, a11.ID, a2.ID}) {
			t.Errorf("under root: %v", ids(down))
		}
		// From another server the answer may come before what it answers.
		far := p.remote("far")
		receive := func(n, answers string) social.Post {
			var q social.Post
			p.clock.Advance(time.Second)
			p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) (err error) {
				q, _, err = p.ReceiveIn(p.ctx, tx, social.Incoming{URI: "https://peer.example/n/" + n, URL: "https://peer.example/n/" + n, Account: far.Account, InReplyTo: answers, Content: "<p>" + n + "</p>", Published: tx.Now()})
				return err
			}))
			return q
		}
		late := receive("2", "https://peer.example/n/1")
		first := receive("1", "")
		up, _, err = p.Thread(p.ctx, ann, late.ID)
		p.ok(err)
		if !slices.Equal(ids(up), []id.ID{first.ID}) {
			t.Errorf("the late parent is not found: %v", ids(up))
		}
		v, err := p.Post(p.ctx, ann, first.ID)
		p.ok(err)
		if v.RepliesCount != 1 {
			t.Errorf("%d answers counted", v.RepliesCount)
		}
	})
}

func TestEditKeepsHistoryAndDeleteLeavesATombstone(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		p.follow(bob, ann)
		q := p.post(ann, "frist #tag", social.Public, 0)
		p.clock.Advance(time.Minute)
		_, err := p.Edit(p.ctx, ann, q.ID, social.Draft{Text: "first #other"})
		p.ok(err)
		h, err := p.History(p.ctx, bob, q.ID)
		p.ok(err)
		if len(h) != 2 || !strings.Contains(h[0].Content, "frist") || !strings.Contains(h[1].Content, "first") {
			t.Errorf("history %+v", h)
		}
		for tag, want := range map[string]int{"tag": 0, "other": 1} {
			if views, err := p.Tagged(p.ctx, bob, tag, social.PublicFilter{}, social.Page{}); err != nil || len(views) != want {
				t.Errorf("#%s lists %d posts (%v)", tag, len(views), err)
			}
		}
		if _, err := p.Edit(p.ctx, bob, q.ID, social.Draft{Text: "mine now"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("another's post was edited: %v", err)
		}
		if _, err := p.Delete(p.ctx, bob, q.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another's post was deleted: %v", err)
		}
		_, err = p.Boost(p.ctx, bob, q.ID, social.Public)
		p.ok(err)
		_, err = p.Delete(p.ctx, ann, q.ID)
		p.ok(err)
		if _, err := p.Post(p.ctx, ann, q.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted post: %v", err)
		}
		if _, gone, err := p.Tombstone(p.ctx, p.db, q.URI); err != nil || !gone {
			t.Errorf("no tombstone (%v)", err)
		}
		if h := p.home(bob); len(h) != 0 {
			t.Errorf("homes still hold %v", h)
		}
	})
}

func TestLockedAccountsAndBlocks(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		locked := true
		_, err := p.UpdateProfile(p.ctx, ann, social.ProfileChange{Locked: &locked})
		p.ok(err)
		r, err := p.Follow(p.ctx, bob, ann.Account, social.FollowOptions{})
		p.ok(err)
		if r.Follows || !r.Requested {
			t.Errorf("following a locked account gave %+v", r)
		}
		secret := p.post(ann, "for followers", social.Followers, 0)
		if _, err := p.Post(p.ctx, bob, secret.ID); !fault.Is(err, fault.NotFound) {
			t.Error("asking to follow is enough to read")
		}
		p.ok(p.AnswerFollow(p.ctx, ann, bob.Account, true))
		if _, err := p.Post(p.ctx, bob, secret.ID); err != nil {
			t.Errorf("an accepted follower cannot read: %v", err)
		}
		_, err = p.Block(p.ctx, bob, ann.Account)
		p.ok(err)
		m, err := p.Relations(p.ctx, p.db, bob.Account, []id.ID{ann.Account})
		p.ok(err)
		if r := m[ann.Account]; r.Follows || !r.Blocking {
			t.Errorf("after blocking %+v", r)
		}
		if _, err := p.Follow(p.ctx, ann, bob.Account, social.FollowOptions{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a blocked account follows: %v", err)
		}
	})
}

func TestARepeatedRequestPostsOnce(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann := p.account("ann")
		d := social.Draft{Text: "once", Key: "k1"}
		a, err := p.Publish(p.ctx, ann, d)
		p.ok(err)
		b, err := p.Publish(p.ctx, ann, d)
		p.ok(err)
		if a.ID != b.ID || len(p.home(ann)) != 1 {
			t.Errorf("%d and %d", a.ID, b.ID)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann := p.account("ann")
		for name, d := range map[string]social.Draft{
			"empty":      {Text: "  \n "},
			"too long":   {Text: strings.Repeat("é", social.MaxPost+1)},
			"visibility": {Text: "x", Visibility: 9},
			"no parent":  {Text: "x", InReplyTo: 12345},
			"no picture": {Media: []id.ID{99}},
		} {
			if _, err := p.Publish(p.ctx, ann, d); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := p.Publish(p.ctx, authz.Actor{}, social.Draft{Text: "x"}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a visitor posts: %v", err)
		}
		if _, err := p.Publish(p.ctx, ann, social.Draft{Text: strings.Repeat("x", 440) + " https://example.org/" + strings.Repeat("y", 300)}); err != nil {
			t.Errorf("a link counts for more than 23 characters: %v", err)
		}
	})
}

// Whatever happens, the counts are what counting the rows would give, and home timelines hold only
// posts that are there and may be seen.
func TestCountsAndHomesStayTrue(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		run := 0
		rapid.Check(t, func(r *rapid.T) {
			run++
			p := newPlace(t, d, c)
			var who []authz.Actor
			for i := range 4 {
				who = append(who, p.account(fmt.Sprintf("m%d_%d", run, i)))
			}
			var posts []id.ID
			actor := rapid.SampledFrom(who)
			for range rapid.IntRange(5, 40).Draw(r, "steps") {
				by, other := actor.Draw(r, "by"), actor.Draw(r, "other")
				var target id.ID
				if len(posts) > 0 {
					target = rapid.SampledFrom(posts).Draw(r, "post")
				}
				c.Advance(time.Second)
				var err error
				switch rapid.IntRange(0, 11).Draw(r, "step") {
				case 0, 1, 2:
					var q social.Post
					q, err = p.Publish(p.ctx, by, social.Draft{Text: "x", Visibility: social.Visibility(rapid.IntRange(0, 3).Draw(r, "visibility")), InReplyTo: rapid.SampledFrom([]id.ID{0, target}).Draw(r, "answer")})
					if err == nil {
						posts = append(posts, q.ID)
					}
				case 3:
					_, err = p.Delete(p.ctx, by, target)
				case 4:
					err = p.Favourite(p.ctx, by, target)
				case 5:
					err = p.Unfavourite(p.ctx, by, target)
				case 6:
					_, err = p.Boost(p.ctx, by, target, social.Public)
				case 7:
					err = p.Unboost(p.ctx, by, target)
				case 8:
					_, err = p.Follow(p.ctx, by, other.Account, social.FollowOptions{})
				case 9:
					_, err = p.Unfollow(p.ctx, by, other.Account)
				case 10:
					_, err = p.Block(p.ctx, by, other.Account)
				case 11:
					_, err = p.Unblock(p.ctx, by, other.Account)
				}
				if err != nil && fault.KindOf(err) == fault.Internal {
					r.Fatal(err)
				}
			}
			for what, q := range map[string]string{
				"posts_count":      `SELECT COUNT(*) FROM accounts a WHERE posts_count <> (SELECT COUNT(*) FROM posts p WHERE p.account_id = a.id)`,
				"followers_count":  `SELECT COUNT(*) FROM accounts a WHERE followers_count <> (SELECT COUNT(*) FROM relations r WHERE r.target_id = a.id AND r.follow = 2)`,
				"following_count":  `SELECT COUNT(*) FROM accounts a WHERE following_count <> (SELECT COUNT(*) FROM relations r WHERE r.account_id = a.id AND r.follow = 2)`,
				"favourites_count": `SELECT COUNT(*) FROM posts p WHERE favourites_count <> (SELECT COUNT(*) FROM marks m WHERE m.post_id = p.id AND m.kind = 1)`,
				"boosts_count":     `SELECT COUNT(*) FROM posts p WHERE boosts_count <> (SELECT COUNT(*) FROM posts b WHERE b.boost_of_id = p.id AND p.id <> 0)`,
				"replies_count":    `SELECT COUNT(*) FROM posts p WHERE replies_count <> (SELECT COUNT(*) FROM posts b WHERE b.in_reply_to_id = p.id AND b.visibility < 3)`,
				"home":             `SELECT COUNT(*) FROM home_entries h WHERE NOT EXISTS (SELECT 1 FROM posts p WHERE p.id = h.post_id)`,
			} {
				var n int
				if err := d.Writer().QueryRowContext(p.ctx, q).Scan(&n); err != nil || n != 0 {
					r.Errorf("%s is wrong %d times (%v)", what, n, err)
				}
			}
			for _, by := range who {
				for _, i := range p.home(by) {
					if _, err := p.Post(p.ctx, by, i); err != nil {
						r.Errorf("home of %d shows %d, which it may not see: %v", by.Account, i, err)
					}
				}
			}
		})
	})
}

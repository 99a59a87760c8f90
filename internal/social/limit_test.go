package social_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

// at is an account of another server that can be found by search.
func (p *place) at(name, domain, host string) authz.Actor {
	p.t.Helper()
	var a *social.Account
	uri := "https://" + host + "/users/" + name
	p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) (err error) {
		a, err = p.SaveRemote(p.ctx, tx, social.Account{Username: name, Domain: domain, Kind: social.Person, URI: uri, URL: uri, Inbox: uri + "/inbox", Indexable: true})
		return err
	}))
	return authz.Actor{Account: a.ID, Via: authz.Federation}
}

// receive takes a post of another server in.
func (p *place) receive(by authz.Actor, in social.Incoming) social.Post {
	p.t.Helper()
	p.clock.Advance(time.Second)
	var q social.Post
	in.Account, in.Content, in.Tags = by.Account, "<p>words</p>", []string{"tag"}
	in.URI = fmt.Sprintf("https://posts.example/%d/%d", by.Account, p.clock.Now().UnixMilli())
	p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) (err error) {
		in.Published = tx.Now()
		q, _, err = p.ReceiveIn(p.ctx, tx, in)
		return err
	}))
	return q
}

func (p *place) setDomain(name string, level social.Level) social.Domain {
	p.t.Helper()
	var d social.Domain
	p.ok(p.db.InDurableTx(p.ctx, func(tx *db.Tx) (err error) {
		d, err = p.SetDomain(p.ctx, tx, name, level)
		return err
	}))
	return d
}

func (p *place) set(level social.Level, who authz.Actor) {
	p.t.Helper()
	p.ok(p.db.InDurableTx(p.ctx, func(tx *db.Tx) error {
		return errors.Join(p.SetSuspended(p.ctx, tx, who.Account, level == social.LevelSuspend), p.SetLimited(p.ctx, tx, who.Account, level == social.LevelLimit))
	}))
}

// places lists where a viewer meets an author: every list and page that shows posts or accounts.
func (p *place) places(viewer, author authz.Actor, posts []id.ID, under social.Post) []string {
	p.t.Helper()
	var out []string
	is := func(where string, here bool) {
		if here {
			out = append(out, where)
		}
	}
	of := func(where string) func(views []*social.View, err error) {
		return func(views []*social.View, err error) {
			p.t.Helper()
			p.ok(err)
			is(where, slices.ContainsFunc(views, func(v *social.View) bool { return slices.Contains(posts, v.Shown().ID) }))
		}
	}
	listed := func(where string) func(list []social.Listed, err error) {
		return func(list []social.Listed, err error) {
			p.t.Helper()
			p.ok(err)
			is(where, slices.ContainsFunc(list, func(l social.Listed) bool { return l.ID == author.Account }))
		}
	}
	ctx, page := p.ctx, social.Page{}
	_, err := p.Post(ctx, viewer, posts[0])
	is("post", err == nil)
	of("posts")(p.Posts(ctx, viewer, posts))
	of("public")(p.Public(ctx, viewer, social.PublicFilter{}, page))
	of("tag")(p.Tagged(ctx, viewer, "tag", social.PublicFilter{}, page))
	of("profile")(p.OfAccount(ctx, viewer, author.Account, social.AccountFilter{}, page))
	_, below, err := p.Thread(ctx, viewer, under.ID)
	of("thread")(below, err)
	listed("favourites of a post")(p.FavouritedBy(ctx, viewer, under.ID, page))
	listed("followers")(p.FollowersOf(ctx, under.AccountID, page))
	a, err := p.Account(ctx, p.db, author.Account)
	p.ok(err)
	found, err := p.SearchAccounts(ctx, viewer, a.Username[:2], false, 10, 0)
	p.ok(err)
	is("search", slices.ContainsFunc(found, func(b *social.Account) bool { return b.ID == author.Account }))
	_, err = p.ByName(ctx, p.db, a.Username, a.Domain)
	is("name", err == nil)
	list, err := p.Accounts(ctx, p.db, []id.ID{author.Account})
	p.ok(err)
	is("accounts", len(list) == 1)
	replies, err := p.Replies(ctx, under.ID, page)
	p.ok(err)
	is("replies", slices.ContainsFunc(replies, func(q social.Post) bool { return q.AccountID == author.Account }))
	if viewer.Account == 0 {
		return out
	}
	of("home")(p.Home(ctx, viewer, page))
	of("direct")(p.DirectPosts(ctx, viewer, page))
	marked, err := p.Bookmarks(ctx, viewer, page)
	p.ok(err)
	is("bookmarks", slices.ContainsFunc(marked, func(m social.Marked) bool { return slices.Contains(posts, m.ID) }))
	ids, err := p.Findable(ctx, viewer, posts, 0)
	p.ok(err)
	is("words", len(ids) > 0)
	m, err := p.Relations(ctx, p.db, viewer.Account, []id.ID{author.Account})
	p.ok(err)
	ok, err := p.Notifies(ctx, p.db, author.Account, m[author.Account])
	p.ok(err)
	is("notices", ok)
	return out
}

// scene is an author elsewhere who answers, boosts, favourites, follows and is followed.
type scene struct {
	author, follower, stranger, booster authz.Actor
	posts                               []id.ID
	under                               social.Post
}

func (p *place) scene(author authz.Actor) scene {
	p.t.Helper()
	s := scene{author: author, follower: p.account("follower"), stranger: p.account("stranger"), booster: p.account("booster")}
	s.under = p.post(s.booster, "under this", social.Public, 0)
	p.follow(s.author, s.booster)
	p.follow(s.follower, s.author)
	p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) error { // it accepts
		err := p.AnswerFollowIn(p.ctx, tx, s.author, s.follower.Account, true)
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return err
	}))
	p.ok(p.Favourite(p.ctx, s.author, s.under.ID))
	a, err := p.Account(p.ctx, p.db, author.Account)
	p.ok(err)
	write := func(v social.Visibility, answer social.Post, to ...id.ID) {
		if a.Local() {
			text := "words #tag"
			if len(to) > 0 {
				text += " @stranger @follower"
			}
			s.posts = append(s.posts, p.post(author, text, v, answer.ID).ID)
			return
		}
		s.posts = append(s.posts, p.receive(author, social.Incoming{Visibility: v, InReplyTo: answer.URI, Mentioned: to}).ID)
	}
	write(social.Public, social.Post{})
	write(social.Public, s.under)
	write(social.Direct, social.Post{}, s.stranger.Account, s.follower.Account)
	p.follow(s.stranger, s.booster)
	_, err = p.Boost(p.ctx, s.booster, s.posts[0], social.Public)
	p.ok(err)
	for _, who := range []authz.Actor{s.stranger, s.follower} {
		p.ok(p.Bookmark(p.ctx, who, s.posts[0], true))
	}
	return s
}

const (
	everywhere = "post,posts,public,tag,profile,thread,favourites of a post,followers,search,name,accounts,replies"
	ofMembers  = ",home,direct,bookmarks,words,notices"
	unasked    = "post,posts,profile,favourites of a post,followers,name,accounts,replies" // strangers meet a limited account here only
)

func (p *place) expect(what string, s scene, want map[string]string) {
	p.t.Helper()
	for name, viewer := range map[string]authz.Actor{"visitor": {}, "stranger": s.stranger, "follower": s.follower, "author": s.author} {
		if w, ok := want[name]; ok {
			if diff := cmp.Diff(w, strings.Join(p.places(viewer, s.author, s.posts, s.under), ",")); diff != "" {
				p.t.Errorf("%s, seen by a %s:%s", what, name, diff)
			}
		}
	}
}

func TestWhatALevelHides(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		domain, host string
		set          func(p *place, level social.Level, who authz.Actor)
		severs       bool
		hidden       social.Level
	}{
		"server":            {"bad.example", "bad.example", func(p *place, l social.Level, _ authz.Actor) { p.setDomain("Bad.Example.", l) }, true, social.LevelBlock},
		"subdomain":         {"x.bad.example", "x.bad.example", func(p *place, l social.Level, _ authz.Actor) { p.setDomain("bad.example", l) }, true, social.LevelBlock},
		"host of the actor": {"nice.example", "bad.example:8443", func(p *place, l social.Level, _ authz.Actor) { p.setDomain("bad.example", l) }, true, social.LevelBlock},
		"account elsewhere": {"peer.example", "peer.example", (*place).set1, true, social.LevelSuspend},
		"account of ours":   {"", "", (*place).set1, false, social.LevelSuspend},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, p *place) {
				author := p.account("author")
				if tc.domain != "" {
					author = p.at("author", tc.domain, tc.host)
				} else {
					yes := true
					_, err := p.UpdateProfile(p.ctx, author, social.ProfileChange{Indexable: &yes})
					p.ok(err)
				}
				other := p.scene1(p.at("author2", "notbad.example", "notbad.example")) // nothing of this happens to a neighbour
				s := p.scene(author)
				open := map[string]string{"visitor": everywhere, "stranger": everywhere + ofMembers, "follower": everywhere + ofMembers}
				p.expect("before", s, open)

				tc.set(p, social.LevelLimit, author)
				p.expect("limited", s, map[string]string{"visitor": unasked, "stranger": unasked + ",home,direct,bookmarks",
					"follower": everywhere + ofMembers})

				tc.set(p, tc.hidden, author)
				p.expect("hidden", s, map[string]string{"visitor": "", "stranger": "", "follower": ""})
				if !tc.severs {
					p.expect("hidden", s, map[string]string{"author": "post,posts,public,tag,profile,thread,home,direct,words"})
				}
				if _, err := p.Follow(p.ctx, s.stranger, author.Account, social.FollowOptions{}); !fault.Is(err, fault.NotFound) {
					t.Errorf("it is there to be followed: %v", err)
				}
				if err := p.Favourite(p.ctx, s.stranger, s.posts[0]); !fault.Is(err, fault.NotFound) {
					t.Errorf("its post is there to be a favourite: %v", err)
				}
				if m := p.post(s.stranger, "hello @author@"+tc.domain, social.Public, 0); strings.Contains(m.Content, "href") {
					t.Errorf("a mention leads to it: %s", m.Content)
				}
				p.countsAreTrue()
				v, err := p.Post(p.ctx, authz.Actor{}, other)
				if err != nil || v.AccountID == author.Account {
					t.Errorf("a neighbour is hidden as well: %v", err)
				}

				tc.set(p, social.LevelNone, author)
				if tc.severs { // what it said is back, the follows are not
					without := func(s string) string { return strings.ReplaceAll(s, ",followers", "") }
					p.expect("free", s, map[string]string{"visitor": without(everywhere), "stranger": without(everywhere) + ofMembers,
						"follower": without(everywhere) + ",direct,bookmarks,words,notices"})
				} else {
					p.expect("free", s, open)
				}
				p.countsAreTrue()
			})
		})
	}
}

// set1 sets the level of one account.
func (p *place) set1(level social.Level, who authz.Actor) { p.set(level, who) }

// scene1 is one public post of an author.
func (p *place) scene1(author authz.Actor) id.ID { return p.receive(author, social.Incoming{}).ID }

func (p *place) countsAreTrue() {
	p.t.Helper()
	for what, q := range map[string]string{
		"followers_count": `SELECT COUNT(*) FROM accounts a WHERE followers_count <> (SELECT COUNT(*) FROM relations r WHERE r.target_id = a.id AND r.follow = 2)`,
		"following_count": `SELECT COUNT(*) FROM accounts a WHERE following_count <> (SELECT COUNT(*) FROM relations r WHERE r.account_id = a.id AND r.follow = 2)`,
		"home": `SELECT COUNT(*) FROM home_entries h WHERE h.owner_id <> h.author_id
			AND NOT EXISTS (SELECT 1 FROM relations r WHERE r.account_id = h.owner_id AND r.target_id = h.author_id AND r.follow = 2)`,
	} {
		var n int
		if err := p.db.Writer().QueryRowContext(p.ctx, q).Scan(&n); err != nil || n != 0 {
			p.t.Errorf("%s is wrong %d times (%v)", what, n, err)
		}
	}
}

// A suspended account can do nothing, in any way there is; a member's other rights are not social's.
func TestASuspendedAccountCannotAct(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		mine, theirs := p.post(ann, "mine", social.Public, 0), p.post(bob, "theirs", social.Public, 0)
		p.set(social.LevelSuspend, ann)
		ctx, name := p.ctx, "x"
		inTx := func(f func(tx *db.Tx) error) error { return p.db.InTx(ctx, f) }
		one := func(_ any, err error) error { return err }
		for what, act := range map[string]func() error{
			"post": func() error { return one(p.Publish(ctx, ann, social.Draft{Text: "x"})) },
			"post in": func() error {
				return inTx(func(tx *db.Tx) error { return one(p.PublishIn(ctx, tx, ann, social.Draft{Text: "x"})) })
			},
			"edit":            func() error { return one(p.Edit(ctx, ann, mine.ID, social.Draft{Text: "x"})) },
			"delete":          func() error { return one(p.Delete(ctx, ann, mine.ID)) },
			"pin":             func() error { return p.Pin(ctx, ann, mine.ID, true) },
			"favourite":       func() error { return p.Favourite(ctx, ann, theirs.ID) },
			"unfavourite":     func() error { return p.Unfavourite(ctx, ann, theirs.ID) },
			"bookmark":        func() error { return p.Bookmark(ctx, ann, theirs.ID, true) },
			"mute thread":     func() error { return p.MuteThread(ctx, ann, mine.ID, true) },
			"boost":           func() error { return one(p.Boost(ctx, ann, theirs.ID, social.Public)) },
			"unboost":         func() error { return p.Unboost(ctx, ann, theirs.ID) },
			"follow":          func() error { return one(p.Follow(ctx, ann, bob.Account, social.FollowOptions{})) },
			"unfollow":        func() error { return one(p.Unfollow(ctx, ann, bob.Account)) },
			"answer follow":   func() error { return p.AnswerFollow(ctx, ann, bob.Account, true) },
			"remove follower": func() error { return one(p.RemoveFollower(ctx, ann, bob.Account)) },
			"block":           func() error { return one(p.Block(ctx, ann, bob.Account)) },
			"unblock":         func() error { return one(p.Unblock(ctx, ann, bob.Account)) },
			"mute":            func() error { return one(p.Mute(ctx, ann, bob.Account, true, time.Time{})) },
			"unmute":          func() error { return one(p.Unmute(ctx, ann, bob.Account)) },
			"note":            func() error { return one(p.SetNote(ctx, ann, bob.Account, "x")) },
			"profile":         func() error { return one(p.UpdateProfile(ctx, ann, social.ProfileChange{DisplayName: &name})) },
		} {
			err := act()
			if words, _ := fault.Words(err); !fault.Is(err, fault.Forbidden) || !strings.Contains(words, "suspended") {
				t.Errorf("%s: %v", what, err)
			}
		}
		p.set(social.LevelLimit, ann)
		p.post(ann, "free to speak", social.Public, 0)
	})
}

func TestNamesOfServers(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		for in, want := range map[string]string{"bad.example": "bad.example", " BAD.Example. ": "bad.example", "bücher.example": "xn--bcher-kva.example",
			"lab.test:8080": "lab.test:8080", "localhost:3000": "localhost:3000", "other-coop.example": "other-coop.example", "x.coop.example": "x.coop.example"} {
			if got, err := p.CheckDomain(in); err != nil || got != want {
				t.Errorf("%q: %q, %v, want %q", in, got, err, want)
			}
		}
		for _, in := range []string{"", "bad", "https://bad.example", "bad.example/about", "@ann@bad.example", "bad example", "-bad.example", "coop.example", "COOP.EXAMPLE.", "example", "example."} {
			if got, err := p.CheckDomain(in); !fault.Is(err, fault.Invalid) || fault.FieldOf(err) != "domain" {
				t.Errorf("%q was taken as %q (%v)", in, got, err)
			}
		}
		p.setDomain("bad.example", social.LevelBlock)
		p.setDomain("nice.bad.example", social.LevelLimit) // the stricter holds
		p.setDomain("bücher.example", social.LevelLimit)
		p.setDomain("lab.test:8080", social.LevelBlock)
		for host, want := range map[string]social.Level{"bad.example": social.LevelBlock, "BAD.EXAMPLE": social.LevelBlock, "bad.example.": social.LevelBlock,
			"bad.example:8443": social.LevelBlock, "bad.example.:443": social.LevelBlock, "a.b.bad.example": social.LevelBlock, "nice.bad.example": social.LevelBlock, "notbad.example": "",
			"bad.example.net": "", "example": "", "": "", ":80": "", ".": "", "bücher.example": social.LevelLimit, "BÜCHER.example": social.LevelLimit,
			"xn--bcher-kva.example": social.LevelLimit, "lab.test:8080": social.LevelBlock, "lab.test:8081": "", "lab.test": "", "[::1]:80": ""} {
			if got, err := p.Domain(p.ctx, host); err != nil || got != want {
				t.Errorf("%q: %q (%v), want %q", host, got, err, want)
			}
		}
		d := p.setDomain("bad.example", social.LevelLimit)
		p.clock.Advance(time.Minute)
		free := p.setDomain("bad.example", social.LevelNone)
		if free.ID != d.ID || free.Version != d.Version+1 || free.Base() == d.Base() || !free.Since.Equal(p.clock.Now()) {
			t.Errorf("freed: %+v after %+v", free, d)
		}
		for _, name := range []string{"bad.example", "never.example"} {
			err := p.db.InTx(p.ctx, func(tx *db.Tx) error { _, err := p.SetDomain(p.ctx, tx, name, social.LevelNone); return err })
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s is freed twice: %v", name, err)
			}
		}
		known, err := p.KnownDomains(p.ctx, p.db)
		p.ok(err)
		now, err := p.DomainLimits(p.ctx)
		p.ok(err)
		if len(known) != 4 || len(now) != 3 {
			t.Errorf("%d known, %d limited now: %+v", len(known), len(now), known)
		}
	})
}

// A page is full although most of what lies in its way is hidden, in both directions.
func TestPagesAreFilledUp(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, far := p.account("ann"), p.at("far", "bad.example", "bad.example")
		var all []id.ID
		for i := range 12 {
			all = append(all, p.post(ann, fmt.Sprint(i), social.Public, 0).ID)
			for range 9 {
				p.receive(far, social.Incoming{})
			}
		}
		p.setDomain("bad.example", social.LevelLimit)
		slices.Reverse(all)
		read := func(page social.Page) []id.ID {
			views, err := p.Public(p.ctx, authz.Actor{}, social.PublicFilter{}, page)
			p.ok(err)
			return ids(views)
		}
		if got := read(social.Page{Limit: 5}); !slices.Equal(got, all[:5]) {
			t.Errorf("from the newest %v, want %v", got, all[:5])
		}
		if got := read(social.Page{Limit: 5, MaxID: all[4]}); !slices.Equal(got, all[5:10]) {
			t.Errorf("older %v, want %v", got, all[5:10])
		}
		if got := read(social.Page{Limit: 5, MinID: all[9]}); !slices.Equal(got, all[4:9]) {
			t.Errorf("right after %v, want %v", got, all[4:9])
		}
		if got := read(social.Page{Limit: 5, SinceID: all[3]}); !slices.Equal(got, all[:3]) {
			t.Errorf("since %v, want %v", got, all[:3])
		}
	})
}

func TestALevelIsRememberedAsItIs(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		far := p.at("far", "peer.example", "peer.example")
		stop := errors.New("stop")
		// What is rolled back was never so, even if it was asked about meanwhile for the first time.
		fresh := newPlace(t, p.db, p.clock)
		err := p.db.InTx(p.ctx, func(tx *db.Tx) error {
			if _, err := fresh.SetDomain(p.ctx, tx, "peer.example", social.LevelBlock); err != nil {
				return err
			}
			if list, err := fresh.Accounts(p.ctx, tx, []id.ID{far.Account}); err != nil || len(list) != 0 {
				return fmt.Errorf("within the transaction %d accounts are seen: %w", len(list), err)
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if l, err := fresh.Domain(p.ctx, "peer.example"); err != nil || l != "" {
			t.Errorf("rolled back, it is %q (%v)", l, err)
		}
		// Whoever is suspended and begins anew under the same name is still suspended.
		p.set(social.LevelSuspend, far)
		again := p.at("far", "peer.example", "new.peer.example")
		if ok, err := p.Suspended(p.ctx, again.Account); err != nil || !ok || again.Account == far.Account {
			t.Errorf("a new account under the same name is free (%v)", err)
		}
		list, err := p.LeveledAccounts(p.ctx, p.db)
		p.ok(err)
		if len(list) != 1 || list[0].ID != far.Account || list[0].Level() != social.LevelSuspend {
			t.Errorf("decided about: %+v", list)
		}
		// Nothing of a blocked server is stored.
		p.setDomain("peer.example", social.LevelBlock)
		err = p.db.InTx(p.ctx, func(tx *db.Tx) error {
			_, err := p.SaveRemote(p.ctx, tx, social.Account{Username: "x", Domain: "x.example", URI: "https://a.peer.example/x"})
			return err
		})
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("an account of a blocked server was stored: %v", err)
		}
		hosts, err := p.Domains(p.ctx)
		p.ok(err)
		if len(hosts) != 0 {
			t.Errorf("peers: %v", hosts)
		}
	})
}

// Several nodes: what one decides the others know as soon as they hear of it.
func TestOtherNodesHearOfALevel(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		if p.db.Dialect() != db.Postgres {
			return // one process
		}
		ctx, cancel := context.WithCancel(p.ctx)
		other := newPlace(t, p.db, p.clock)
		ready, done := make(chan struct{}), make(chan struct{})
		other.bus.OnGap(func() { close(ready) })
		heard := make(chan struct{}, 8)
		other.bus.Handle("social.limits", func(string) { heard <- struct{}{} }) // after the feature's own handler
		go func() { defer close(done); other.bus.Listen(ctx, slog.New(slog.DiscardHandler)) }()
		defer func() { cancel(); <-done }()
		<-ready
		for _, want := range []social.Level{social.LevelBlock, social.LevelLimit, social.LevelNone} {
			p.setDomain("bad.example", want)
			<-heard
			if l, err := other.Domain(p.ctx, "bad.example"); err != nil || l != want {
				t.Errorf("the other node says %q (%v), want %q", l, err, want)
			}
		}
	})
}

func TestPicturesOfWhomNobodySees(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		bad, bob, ann := p.at("bad", "bad.example", "bad.example"), p.at("bob", "peer.example", "peer.example"), p.account("ann")
		p.setDomain("bad.example", social.LevelBlock)
		p.setDomain("loud.example", social.LevelLimit)
		p.set(social.LevelSuspend, bob)
		for _, tc := range []struct {
			account id.ID
			address string
			want    bool
		}{
			{bad.Account, "https://cdn.example/a.jpg", true}, {bob.Account, "https://cdn.example/a.jpg", true}, {ann.Account, "https://files.bad.example/a.jpg", true},
			{0, "https://bad.example/me.png", true}, {0, "https://x@BAD.example:444?y", true}, {0, "https://peer.example/me.png", false},
			{ann.Account, "https://cdn.example/a.jpg", false}, {0, "https://loud.example/me.png", false}, {0, "", false},
		} {
			if got, err := p.media.Hides(p.ctx, tc.account, tc.address); err != nil || got != tc.want {
				t.Errorf("%d %s: hidden %v (%v)", tc.account, tc.address, got, err)
			}
		}
	})
}

package notice_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

var schema = []db.Source{media.Migrations(), social.Migrations(), notice.Migrations()}

// place is a social service whose events make notices, as in the program.
type place struct {
	*notice.Service
	t      testing.TB
	db     *db.DB
	bus    *bus.Bus
	clock  *clock.Fake
	ctx    context.Context
	social *social.Service
	names  map[id.ID]string
}

// each runs a story on both engines. Stories do not run beside each other: they look at the order of ids, which
// are the process's, and it can only keep them rising for one clock at a time.
func each(t *testing.T, f func(t *testing.T, p *place)) {
	t.Helper()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		store, err := blob.OpenFolder(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		site := config.Site{Host: "coop.example", URL: "https://coop.example"}
		b := bus.New(d)
		s := social.New(d, b, site, media.New(d, store, nil, site, nil))
		n := notice.New(d, b, s)
		s.Published.On(n.OnPublished)
		s.Edited.On(n.OnEdited)
		s.Deleted.On(n.OnDeleted)
		s.Boosted.On(n.OnBoosted)
		s.Unboosted.On(n.OnUnboosted)
		s.Favourited.On(n.OnFavourited)
		s.Unfavourited.On(n.OnUnfavourited)
		s.Followed.On(n.OnFollowed)
		s.FollowRequested.On(n.OnFollowRequested)
		s.FollowAnswered.On(n.OnFollowAnswered)
		s.Unfollowed.On(n.OnUnfollowed)
		s.Blocked.On(n.OnBlocked)
		f(t, &place{Service: n, t: t, db: d, bus: b, clock: c, ctx: context.Background(), social: s, names: map[id.ID]string{}})
	})
}

func (p *place) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) account(name string) authz.Actor {
	p.t.Helper()
	var a *social.Account
	p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) (err error) {
		a, err = p.social.Open(p.ctx, tx, social.NewAccount{Username: name, Kind: social.Person})
		return err
	}))
	p.names[a.ID] = name
	return authz.Actor{Account: a.ID, Via: authz.Web}
}

func (p *place) post(by authz.Actor, text string, answer id.ID) social.Post {
	p.t.Helper()
	p.clock.Advance(time.Second)
	q, err := p.social.Publish(p.ctx, by, social.Draft{Text: text, InReplyTo: answer})
	p.ok(err)
	return q
}

func (p *place) follow(by, target authz.Actor, notify bool) {
	p.t.Helper()
	p.clock.Advance(time.Second)
	_, err := p.social.Follow(p.ctx, by, target.Account, social.FollowOptions{Notify: &notify})
	p.ok(err)
}

func (p *place) lock(who authz.Actor) {
	p.t.Helper()
	yes := true
	_, err := p.social.UpdateProfile(p.ctx, who, social.ProfileChange{Locked: &yes})
	p.ok(err)
}

func (p *place) list(by authz.Actor, f notice.Filter, page social.Page) []notice.Notice {
	p.t.Helper()
	l, err := p.List(p.ctx, by, f, page)
	p.ok(err)
	return l
}

// told is what somebody was told, the oldest first: "favourite bob, mention cat".
func (p *place) told(who authz.Actor) string {
	p.t.Helper()
	var out []string
	for _, n := range p.list(who, notice.Filter{}, social.Page{}) {
		out = append(out, n.Kind+" "+p.names[n.From])
	}
	slices.Reverse(out)
	return strings.Join(out, ", ")
}

func (p *place) expect(who authz.Actor, want string) {
	p.t.Helper()
	if got := p.told(who); got != want {
		p.t.Errorf("%s was told %q, want %q", p.names[who.Account], got, want)
	}
}

func TestWhatHappensIsTold(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob, cat := p.account("ann"), p.account("bob"), p.account("cat")
		p.follow(bob, ann, false)
		p.expect(ann, "follow bob")
		q := p.post(ann, "hello @bob and @ann", 0)
		p.expect(bob, "mention ann")
		p.ok(p.social.Favourite(p.ctx, bob, q.ID))
		p.clock.Advance(time.Second)
		_, err := p.social.Boost(p.ctx, cat, q.ID, social.Public)
		p.ok(err)
		answer := p.post(cat, "@ann yes", q.ID)
		p.expect(ann, "follow bob, favourite bob, reblog cat, mention cat")
		p.expect(cat, "")
		list := p.list(ann, notice.Filter{}, social.Page{})
		if list[0].Post != answer.ID || list[1].Post != q.ID || list[3].Post != 0 || list[0].AccountID != ann.Account || !list[0].CreatedAt.Equal(p.clock.Now()) {
			t.Errorf("notices %+v", list)
		}
		p.clock.Advance(time.Second)
		_, err = p.social.Edit(p.ctx, ann, q.ID, social.Draft{Text: "hello @bob and @cat"})
		p.ok(err)
		p.expect(cat, "mention ann, update ann")
		p.expect(bob, "mention ann")
		// Another edit is news again, not one more line.
		first := p.list(cat, notice.Filter{Types: []string{notice.Update}}, social.Page{})
		p.clock.Advance(time.Minute)
		_, err = p.social.Edit(p.ctx, ann, q.ID, social.Draft{Text: "hello again @bob and @cat"})
		p.ok(err)
		p.expect(cat, "mention ann, update ann")
		if again := p.list(cat, notice.Filter{Types: []string{notice.Update}}, social.Page{}); again[0].ID <= first[0].ID {
			t.Error("the second edit is not told")
		}
	})
}

func TestNobodyIsToldOfThemselves(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann := p.account("ann")
		q := p.post(ann, "me @ann", 0)
		p.ok(p.social.Favourite(p.ctx, ann, q.ID))
		_, err := p.social.Boost(p.ctx, ann, q.ID, social.Public)
		p.ok(err)
		_, err = p.social.Edit(p.ctx, ann, q.ID, social.Draft{Text: "me again @ann"})
		p.ok(err)
		p.post(ann, "and again", q.ID)
		p.expect(ann, "")
	})
}

func TestWhoAskedIsToldOfEachPost(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob, cat := p.account("ann"), p.account("bob"), p.account("cat")
		p.follow(bob, ann, true)
		p.follow(cat, ann, false)
		first := p.post(ann, "first", 0)
		p.post(ann, "an answer", first.ID)
		p.post(ann, "to @bob", 0)
		_, err := p.social.Publish(p.ctx, ann, social.Draft{Text: "secret", Visibility: social.Direct})
		p.ok(err)
		p.expect(bob, "status ann, mention ann")
		p.expect(cat, "")
		p.follow(bob, ann, false)
		p.post(ann, "second", 0)
		p.expect(bob, "status ann, mention ann")
	})
}

func TestWhatIsTakenBackIsNotTold(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		q := p.post(ann, "hello", 0)
		p.ok(p.social.Favourite(p.ctx, bob, q.ID))
		_, err := p.social.Boost(p.ctx, bob, q.ID, social.Public)
		p.ok(err)
		p.follow(bob, ann, false)
		p.expect(ann, "favourite bob, reblog bob, follow bob")
		p.ok(p.social.Unfavourite(p.ctx, bob, q.ID))
		p.ok(p.social.Unboost(p.ctx, bob, q.ID))
		_, err = p.social.Unfollow(p.ctx, bob, ann.Account)
		p.ok(err)
		p.expect(ann, "")
		for range 2 {
			p.ok(p.social.Favourite(p.ctx, bob, q.ID))
		}
		p.expect(ann, "favourite bob")
		// A deleted post takes everything about it away, the mentions in it too.
		answer := p.post(bob, "@ann hi", q.ID)
		p.expect(ann, "favourite bob, mention bob")
		_, err = p.social.Delete(p.ctx, bob, answer.ID)
		p.ok(err)
		p.expect(ann, "favourite bob")
		_, err = p.social.Delete(p.ctx, ann, q.ID)
		p.ok(err)
		p.expect(ann, "")
	})
}

func TestRequestsToFollow(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob, cat, dan := p.account("ann"), p.account("bob"), p.account("cat"), p.account("dan")
		p.lock(ann)
		p.follow(bob, ann, false)
		p.follow(cat, ann, false)
		p.follow(dan, ann, false)
		p.expect(ann, "follow_request bob, follow_request cat, follow_request dan")
		p.clock.Advance(time.Second)
		p.ok(p.social.AnswerFollow(p.ctx, ann, bob.Account, true))
		p.ok(p.social.AnswerFollow(p.ctx, ann, cat.Account, false))
		_, err := p.social.Unfollow(p.ctx, dan, ann.Account)
		p.ok(err)
		if got := p.told(ann); strings.Contains(got, "follow_request") || strings.Contains(got, "cat") || strings.Contains(got, "dan") {
			t.Errorf("told %q after all were answered", got)
		}
	})
}

func TestWhoIsNotHeard(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, muted, half, blocked, talker := p.account("ann"), p.account("muted"), p.account("half"), p.account("blocked"), p.account("talker")
		q := p.post(ann, "hello", 0)
		p.follow(blocked, ann, false)
		p.ok(p.social.Favourite(p.ctx, blocked, q.ID))
		_, err := p.social.Mute(p.ctx, ann, muted.Account, true, time.Time{})
		p.ok(err)
		_, err = p.social.Mute(p.ctx, ann, half.Account, false, time.Time{})
		p.ok(err)
		p.expect(ann, "follow blocked, favourite blocked")
		_, err = p.social.Block(p.ctx, ann, blocked.Account)
		p.ok(err)
		p.expect(ann, "") // what was told of a blocked account goes
		for _, by := range []authz.Actor{muted, half, blocked} {
			p.clock.Advance(time.Second)
			_ = p.social.Favourite(p.ctx, by, q.ID) // the blocked one may not, which is tested elsewhere
			p.post(by, "@ann you", 0)
		}
		p.expect(ann, "favourite half, mention half")
		// A muted thread is quiet, other threads are not.
		p.ok(p.Clear(p.ctx, ann))
		p.ok(p.social.MuteThread(p.ctx, ann, q.ID, true))
		p.post(talker, "@ann in the thread", q.ID)
		p.ok(p.social.Favourite(p.ctx, talker, q.ID))
		_, err = p.social.Boost(p.ctx, talker, q.ID, social.Public)
		p.ok(err)
		p.expect(ann, "")
		p.post(talker, "@ann elsewhere", 0)
		p.expect(ann, "mention talker")
		p.ok(p.social.MuteThread(p.ctx, ann, q.ID, false))
		p.post(talker, "@ann in the thread again", q.ID)
		p.expect(ann, "mention talker, mention talker")
		// A mute runs out by the clock.
		p.ok(p.Clear(p.ctx, ann))
		_, err = p.social.Mute(p.ctx, ann, talker.Account, true, p.clock.Now().Add(time.Hour))
		p.ok(err)
		p.post(talker, "@ann during", 0)
		p.expect(ann, "")
		p.clock.Advance(time.Hour)
		p.post(talker, "@ann after", 0)
		p.expect(ann, "mention talker")
	})
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob, cat := p.account("ann"), p.account("bob"), p.account("cat")
		q := p.post(ann, "hello", 0)
		for i := range 6 {
			p.post([]authz.Actor{bob, cat}[i%2], fmt.Sprintf("@ann %d", i), 0)
		}
		p.clock.Advance(time.Second)
		p.ok(p.social.Favourite(p.ctx, bob, q.ID))
		all := p.list(ann, notice.Filter{}, social.Page{})
		if len(all) != 7 || !slices.IsSortedFunc(all, func(a, b notice.Notice) int { return int(b.ID - a.ID) }) {
			t.Fatalf("%d notices: %+v", len(all), all)
		}
		count := func(f notice.Filter) int { return len(p.list(ann, f, social.Page{})) }
		for name, tc := range map[string]struct {
			f    notice.Filter
			want int
		}{
			"types":         {notice.Filter{Types: []string{notice.Mention}}, 6},
			"two types":     {notice.Filter{Types: []string{notice.Favourite, notice.Boost}}, 1},
			"unknown type":  {notice.Filter{Types: []string{"poll"}}, 0},
			"exclude":       {notice.Filter{Exclude: []string{notice.Mention}}, 1},
			"both":          {notice.Filter{Types: []string{notice.Mention, notice.Favourite}, Exclude: []string{notice.Favourite}}, 6},
			"from":          {notice.Filter{From: bob.Account}, 4},
			"from and type": {notice.Filter{From: bob.Account, Types: []string{notice.Mention}}, 3},
			"from nobody":   {notice.Filter{From: 12345}, 0},
		} {
			if got := count(tc.f); got != tc.want {
				t.Errorf("%s: %d notices, want %d", name, got, tc.want)
			}
		}
		for name, tc := range map[string]struct {
			page social.Page
			want []notice.Notice
		}{
			"limit":       {social.Page{Limit: 2}, all[:2]},
			"max_id":      {social.Page{MaxID: all[2].ID}, all[3:]},
			"since_id":    {social.Page{SinceID: all[4].ID, Limit: 2}, all[:2]},
			"min_id":      {social.Page{MinID: all[4].ID, Limit: 2}, all[2:4]},
			"min and max": {social.Page{MinID: all[5].ID, MaxID: all[2].ID}, all[3:5]},
		} {
			if got := p.list(ann, notice.Filter{}, tc.page); !slices.Equal(got, tc.want) {
				t.Errorf("%s: %v, want %v", name, got, tc.want)
			}
		}
		if n := len(p.list(bob, notice.Filter{}, social.Page{})); n != 0 {
			t.Errorf("bob reads %d", n)
		}
		if _, err := p.List(p.ctx, authz.Actor{}, notice.Filter{}, social.Page{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a visitor reads: %v", err)
		}
		n, err := p.Get(p.ctx, ann, all[1].ID)
		if err != nil || n != all[1] {
			t.Errorf("%+v, %v", n, err)
		}
		if _, err := p.Get(p.ctx, bob, all[1].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("bob reads ann's: %v", err)
		}
		p.ok(p.Dismiss(p.ctx, bob, all[1].ID))
		p.ok(p.Clear(p.ctx, bob))
		if count(notice.Filter{}) != 7 {
			t.Error("bob dismisses ann's")
		}
		p.ok(p.Dismiss(p.ctx, ann, all[1].ID))
		if count(notice.Filter{}) != 6 {
			t.Error("a dismissed one is still there")
		}
		p.ok(p.Clear(p.ctx, ann))
		if count(notice.Filter{}) != 0 {
			t.Error("cleared ones are still there")
		}
	})
}

func TestMarkersNeverMoveBack(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		for i := range 5 {
			p.post(bob, fmt.Sprintf("@ann %d", i), 0)
		}
		all := p.list(ann, notice.Filter{}, social.Page{})
		unread := func(limit, want int) {
			t.Helper()
			if n, err := p.Unread(p.ctx, ann, limit, notice.AppKinds); err != nil || n != want {
				t.Errorf("%d unread of %d at most (%v), want %d", n, limit, err, want)
			}
		}
		unread(100, 5)
		unread(3, 3)
		set := func(i id.ID, want id.ID, version int) {
			t.Helper()
			p.clock.Advance(time.Second)
			m, err := p.SetMarkers(p.ctx, ann, map[string]id.ID{"notifications": i})
			p.ok(err)
			if len(m) != 1 || m[0].LastReadID != want || m[0].Version != version {
				t.Errorf("marked %d: %+v, want %d at version %d", i, m, want, version)
			}
		}
		set(all[2].ID, all[2].ID, 1)
		unread(100, 2)
		set(all[4].ID, all[2].ID, 1)
		set(all[2].ID, all[2].ID, 1)
		set(all[0].ID, all[0].ID, 2)
		unread(100, 0)
		p.post(bob, "@ann once more", 0)
		unread(100, 1)
		if m, err := p.Markers(p.ctx, ann, []string{"home", "notifications"}); err != nil || len(m) != 1 {
			t.Errorf("%+v, %v", m, err)
		}
		both, err := p.SetMarkers(p.ctx, ann, map[string]id.ID{"notifications": all[0].ID + 1, "home": 7})
		if err != nil || len(both) != 2 {
			t.Errorf("%+v, %v", both, err)
		}
		// One name that is not known undoes the whole.
		if _, err := p.SetMarkers(p.ctx, ann, map[string]id.ID{"home": 9, "lists": 1}); !fault.Is(err, fault.Invalid) {
			t.Errorf("an unknown timeline: %v", err)
		}
		if m, err := p.Markers(p.ctx, ann, []string{"home"}); err != nil || m[0].LastReadID != 7 {
			t.Errorf("%+v, %v", m, err)
		}
		if m, err := p.Markers(p.ctx, bob, []string{"home", "notifications"}); err != nil || len(m) != 0 {
			t.Errorf("bob's: %+v, %v", m, err)
		}
	})
}

func TestStreamsHearOfNotices(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		sub := p.bus.Subscribe(notice.Topic + ann.Account.String())
		defer sub.Close()
		p.post(bob, "@ann hi", 0)
		all := p.list(ann, notice.Filter{}, social.Page{})
		select {
		case m := <-sub.C:
			if m.Payload != all[0].ID.String() {
				t.Errorf("heard of %s", m.Payload)
			}
		default:
			t.Error("nothing was heard")
		}
	})
}

// Whoever is answered in a discussion hears of each comment; of reactions to one's own comment one
// hears once, until that is read, and apps not at all.
func TestDiscussions(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob, cem := p.account("ann"), p.account("bob"), p.account("cem")
		told := p.post(cem, "In discussion: a pond", 0).ID
		account := func(by authz.Actor) *social.Account {
			a, err := p.social.Account(p.ctx, p.db, by.Account)
			p.ok(err)
			return a
		}
		discussed := func(to, from authz.Actor, post, comment id.ID) {
			t.Helper()
			p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) error { return p.Discussed(p.ctx, tx, account(to), from.Account, post, comment) }))
		}
		reacted := func(from authz.Actor, comment id.ID) {
			t.Helper()
			p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) error { return p.Reacted(p.ctx, tx, account(ann), from.Account, comment) }))
		}
		discussed(ann, bob, told, 101)
		discussed(ann, bob, told, 101) // as if the transaction ran twice
		discussed(ann, bob, told, 102)
		discussed(ann, ann, told, 103)
		discussed(ann, bob, 0, 104)
		reacted(bob, 200)
		reacted(cem, 200)
		reacted(cem, 201)
		saw := func(f notice.Filter) (out string) {
			for _, n := range p.list(ann, f, social.Page{}) {
				out += fmt.Sprintf("%s %d %s; ", n.Kind, n.Comment, p.names[n.From])
			}
			return out
		}
		if got, want := saw(notice.Filter{Types: notice.Kinds}), "reaction 201 cem; reaction 200 bob; comment 104 bob; mention 102 bob; mention 101 bob; "; got != want {
			t.Errorf("here: %s", got)
		}
		if got, want := saw(notice.Filter{}), "mention 102 bob; mention 101 bob; "; got != want {
			t.Errorf("apps: %s", got)
		}
		for kinds, want := range map[int]int{len(notice.AppKinds): 2, len(notice.Kinds): 5} {
			if n, err := p.Unread(p.ctx, ann, 100, notice.Kinds[:kinds]); err != nil || n != want {
				t.Errorf("%d unread of %d kinds, %v", n, kinds, err)
			}
		}
		_, err := p.SetMarkers(p.ctx, ann, map[string]id.ID{"notifications": p.list(ann, notice.Filter{Types: notice.Kinds}, social.Page{})[0].ID})
		p.ok(err)
		p.clock.Advance(time.Second)
		reacted(cem, 200)
		reacted(bob, 200)
		if got, want := saw(notice.Filter{Types: []string{notice.Reaction}}), "reaction 200 cem; reaction 201 cem; reaction 200 bob; "; got != want {
			t.Errorf("after reading: %s", got)
		}
		_, err = p.social.Block(p.ctx, ann, bob.Account)
		p.ok(err)
		discussed(ann, bob, told, 105)
		if got := saw(notice.Filter{Types: []string{notice.Mention}}); strings.Contains(got, "105") {
			t.Errorf("of somebody who is blocked: %s", got)
		}
	})
}

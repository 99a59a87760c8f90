package moderation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/media"
	"rochdale/internal/moderation"
	"rochdale/internal/social"
)

var schema = []db.Source{media.Migrations(), social.Migrations()}

// bench is a judge who keeps the acts in memory: whoever is a member holds every power.
type bench struct {
	acts   []authz.Act
	state  map[string]string // subject -> its last state, as replaying the record gives it
	locked bool
}

var errNoPower = fault.New(fault.Forbidden, "no power")

func (b *bench) Authorise(_ context.Context, _ db.Handle, by authz.Actor, power string, _ authz.Target) (authz.Authority, error) {
	declared := false
	for _, p := range moderation.Powers() {
		declared = declared || p.Name == power
	}
	if !declared || b.locked || by.Member == 0 && by.Decision == 0 && by.Lapse == 0 {
		return authz.Authority{}, errNoPower
	}
	return authz.Authority{Kind: authz.Mandate, ID: 1}, nil
}

func (b *bench) Perform(ctx context.Context, tx *db.Tx, by authz.Actor, a authz.Act) (authz.Authority, error) {
	authority, err := b.Authorise(ctx, tx, by, a.Power, a.Target)
	if err != nil {
		return authority, err
	}
	state, err := json.Marshal(a.State)
	if err != nil {
		return authority, err
	}
	tx.AfterCommit(func() {
		b.acts = append(b.acts, a)
		subject := ref.Ref{Kind: a.Target.Kind, ID: a.Target.ID}.String()
		if b.state[subject] = string(state); string(state) == `"gone"` {
			delete(b.state, subject)
		}
	})
	return authority, nil
}

// court is the feature with everything it needs.
type court struct {
	*moderation.Service
	testing.TB
	social  *social.Service
	db      *db.DB
	clock   *clock.Fake
	judge   *bench
	officer authz.Actor
	ctx     context.Context
}

func newCourt(tb testing.TB, d *db.DB, c *clock.Fake) *court {
	tb.Helper()
	store, err := blob.OpenFolder(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	site := config.Site{Host: "coop.example", URL: "https://coop.example"}
	so := social.New(d, bus.New(d), site, media.New(d, store, nil, site, nil))
	judge := &bench{state: map[string]string{}}
	return &court{moderation.New(moderation.Deps{DB: d, Social: so, Judge: judge}), tb, so, d, c, judge, authz.Actor{Member: 900, Account: 901, Via: authz.Web}, context.Background()}
}

func each(t *testing.T, f func(t *testing.T, c *court)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) { f(t, newCourt(t, d, c)) })
}

func (c *court) ok(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *court) local(name string, member id.ID) *social.Account {
	c.Helper()
	var a *social.Account
	c.ok(c.db.InTx(c.ctx, func(tx *db.Tx) (err error) {
		a, err = c.social.Open(c.ctx, tx, social.NewAccount{Username: name, Kind: social.Person, Member: member})
		return err
	}))
	return a
}

func (c *court) remote(name, domain string) *social.Account {
	c.Helper()
	var a *social.Account
	uri := "https://" + domain + "/" + name
	c.ok(c.db.InTx(c.ctx, func(tx *db.Tx) (err error) {
		a, err = c.social.SaveRemote(c.ctx, tx, social.Account{Username: name, Domain: domain, Kind: social.Person, URI: uri, URL: uri, Inbox: uri + "/inbox"})
		return err
	}))
	return a
}

// load makes an effect as the decision feature does.
func (c *court) load(kind, args string) effect.Effect {
	c.Helper()
	e, err := c.Effects().Load(effect.Stored{Kind: kind, Args: json.RawMessage(args)})
	c.ok(err)
	return e
}

func (c *court) apply(e effect.Effect) (out effect.Stored, err error) {
	err = c.db.InDurableTx(c.ctx, func(tx *db.Tx) (err error) {
		out, err = e.Apply(c.ctx, tx, authz.Actor{Decision: 7}, "carried")
		return err
	})
	return out, err
}

func (c *court) undo(s effect.Stored) effect.Stored {
	c.Helper()
	e, err := c.Effects().Load(s)
	c.ok(err)
	out, err := c.apply(e)
	c.ok(err)
	return out
}

// replays checks that the record gives what the tables say.
func (c *court) replays() {
	c.Helper()
	tables, err := c.States(c.ctx, c.db)
	c.ok(err)
	got := map[string]string{}
	for subject, state := range tables {
		b, err := json.Marshal(state)
		c.ok(err)
		got[subject.String()] = string(b)
	}
	if diff := cmp.Diff(c.judge.state, got); diff != "" {
		c.Errorf("the tables say otherwise than the record (-record +tables):%s", diff)
	}
}

func (c *court) level(a *social.Account) social.Level {
	c.Helper()
	now, err := c.social.Account(c.ctx, c.db, a.ID)
	c.ok(err)
	return now.Level()
}

func TestAnActOnAServer(t *testing.T) {
	each(t, func(t *testing.T, c *court) {
		ann, bob := c.local("ann", 1), c.remote("bob", "x.bad.example")
		_, err := c.social.Follow(c.ctx, authz.Actor{Account: bob.ID}, ann.ID, social.FollowOptions{})
		c.ok(err)
		c.ok(c.SetDomain(c.ctx, c.officer, " Bad.Example ", social.LevelBlock, " spam \n"))
		act := c.judge.acts[0]
		args, err := json.Marshal(act.Args)
		c.ok(err)
		inverse, err := json.Marshal(act.Inverse)
		c.ok(err)
		want, err := c.social.DomainID("bad.example")
		c.ok(err)
		if act.Power != "moderation.block" || act.Target != (authz.Target{Kind: "domain", ID: want}) || act.Reason != "spam" || act.Private != nil ||
			string(args) != `{"domain":"bad.example","level":"block"}` || string(inverse) != `{"kind":"moderation.block","args":{"domain":"bad.example","level":"none"}}` {
			t.Errorf("act %+v, args %s, inverse %s", act, args, inverse)
		}
		if hidden, err := c.social.Hidden(c.ctx, c.db, bob); err != nil || !hidden {
			t.Errorf("its account is seen (%v)", err)
		}
		c.replays()
		for what, tc := range map[string]struct {
			domain, reason string
			level          social.Level
			by             authz.Actor
			want           fault.Kind
		}{
			"again":        {"bad.example", "r", social.LevelBlock, c.officer, fault.Conflict},
			"never listed": {"nice.example", "r", social.LevelNone, c.officer, fault.Conflict},
			"no reason":    {"bad.example", " ", social.LevelNone, c.officer, fault.Invalid},
			"long":         {"bad.example", strings.Repeat("x", 2001), social.LevelNone, c.officer, fault.Invalid},
			"no domain":    {"https://bad.example/", "r", social.LevelBlock, c.officer, fault.Invalid},
			"ourselves":    {"coop.example", "r", social.LevelBlock, c.officer, fault.Invalid},
			"no level":     {"nice.example", "r", social.LevelSuspend, c.officer, fault.Invalid},
			"no power":     {"nice.example", "r", social.LevelBlock, authz.Actor{Account: 5}, fault.Forbidden},
		} {
			if err := c.SetDomain(c.ctx, tc.by, tc.domain, tc.level, tc.reason); !fault.Is(err, tc.want) {
				t.Errorf("%s: %v, want %s", what, err, tc.want)
			}
		}
		if len(c.judge.acts) != 1 {
			t.Errorf("%d acts", len(c.judge.acts))
		}
		c.ok(c.SetDomain(c.ctx, c.officer, "bad.example", social.LevelNone, "they have changed"))
		if state := fmt.Sprintf("%s", c.judge.acts[1].State); state != `"gone"` {
			t.Errorf("the state of a free server is %s", state)
		}
		c.replays()
	})
}

func TestAnActOnAnAccount(t *testing.T) {
	each(t, func(t *testing.T, c *court) {
		ann, bob := c.local("ann", 41), c.remote("bob", "peer.example")
		house := c.local("house", 0)
		c.ok(c.SetAccount(c.ctx, c.officer, ann.ID, moderation.Measure{Level: social.LevelSuspend, Class: "harassment", Confidential: true}, "wrote to Eve"))
		c.ok(c.SetAccount(c.ctx, c.officer, bob.ID, moderation.Measure{Level: social.LevelLimit}, "floods"))
		public := func(a authz.Act) string {
			b, err := json.Marshal([]any{a.Target, a.Args, a.Reason, a.State})
			c.ok(err)
			return string(b)
		}
		if got, want := public(c.judge.acts[0]), fmt.Sprintf(`[{"Kind":"account","ID":"%d"},{"level":"suspend","class":"harassment"},"",{"level":"suspend"}]`, ann.ID); got != want {
			t.Errorf("public is %s, want %s", got, want)
		}
		if diff := cmp.Diff(map[string]string{"reason": "wrote to Eve"}, c.judge.acts[0].Private); diff != "" {
			t.Error(diff)
		}
		if got, want := public(c.judge.acts[1]), fmt.Sprintf(`[{"Kind":"account","ID":"%d"},{"account":"@bob@peer.example","level":"limit","class":"other"},"floods",{"level":"limit"}]`, bob.ID); got != want || c.judge.acts[1].Private != nil {
			t.Errorf("public is %s, want %s", got, want)
		}
		c.replays()
		// From one level to the other: never free in between, and one at a time.
		c.ok(c.SetAccount(c.ctx, c.officer, ann.ID, moderation.Measure{Level: social.LevelLimit, Class: "rules"}, "milder"))
		now, err := c.social.Account(c.ctx, c.db, ann.ID)
		c.ok(err)
		if !now.SuspendedAt.IsZero() || now.LimitedAt.IsZero() {
			t.Errorf("limited: %+v", now)
		}
		c.ok(c.SetAccount(c.ctx, c.officer, ann.ID, moderation.Measure{Level: social.LevelNone, Class: "rules"}, "over"))
		if got, want := public(c.judge.acts[3]), fmt.Sprintf(`[{"Kind":"account","ID":"%d"},{"level":"none"},"over",{"level":"none"}]`, ann.ID); got != want {
			t.Errorf("public is %s, want %s", got, want)
		}
		c.replays()
		own := c.officer
		own.Account = bob.ID
		elected := authz.Actor{Member: 41, Account: 99, Via: authz.Web}
		for what, tc := range map[string]struct {
			account id.ID
			m       moderation.Measure
			by      authz.Actor
			want    fault.Kind
		}{
			"again":          {bob.ID, moderation.Measure{Level: social.LevelLimit}, c.officer, fault.Conflict},
			"already free":   {ann.ID, moderation.Measure{}, c.officer, fault.Conflict},
			"no class":       {ann.ID, moderation.Measure{Level: social.LevelLimit, Class: "mood"}, c.officer, fault.Invalid},
			"no level":       {ann.ID, moderation.Measure{Level: social.LevelBlock}, c.officer, fault.Invalid},
			"nobody":         {12345, moderation.Measure{Level: social.LevelLimit}, c.officer, fault.NotFound},
			"the co-op":      {house.ID, moderation.Measure{Level: social.LevelSuspend}, c.officer, fault.Invalid},
			"no power":       {ann.ID, moderation.Measure{Level: social.LevelSuspend}, authz.Actor{Account: 5}, fault.Forbidden},
			"own account":    {bob.ID, moderation.Measure{}, own, fault.Forbidden},
			"own membership": {ann.ID, moderation.Measure{Level: social.LevelLimit}, elected, fault.Forbidden},
		} {
			if err := c.SetAccount(c.ctx, tc.by, tc.account, tc.m, "r"); !fault.Is(err, tc.want) {
				t.Errorf("%s: %v, want %s", what, err, tc.want)
			}
		}
		if len(c.judge.acts) != 4 {
			t.Errorf("%d acts", len(c.judge.acts))
		}
	})
}

func TestEffects(t *testing.T) {
	each(t, func(t *testing.T, c *court) {
		ann, bob := c.local("ann", 41), c.remote("bob", "peer.example")
		_, err := c.social.Follow(c.ctx, authz.Actor{Account: bob.ID}, ann.ID, social.FollowOptions{})
		c.ok(err)
		check := func(e effect.Effect) effect.Change {
			t.Helper()
			ch, err := e.Check(c.ctx, c.db)
			c.ok(err)
			return ch
		}
		block := c.load("moderation.block", `{"domain":"PEER.example","level":"block"}`)
		first := check(block)
		if diff := cmp.Diff(effect.Change{Base: "@0", Title: "Block the server peer.example",
			Before: []effect.Line{{Name: "Level", Text: "none"}, {Name: "Follows to and from it", Text: "0 of our members' follows, 1 of theirs"}},
			After: []effect.Line{{Name: "Level", Text: "blocked: nothing passes in either direction, and nothing of it is seen"},
				{Name: "Follows to and from it", Text: "0 of our members' follows, 0 of theirs"}}}, first); diff != "" {
			t.Error(diff)
		}
		target := block.Target()
		inverse, err := c.apply(block)
		c.ok(err)
		if block.Target() != target || c.judge.acts[0].Target != target || target.ID == 0 {
			t.Errorf("target %v, then %v, act on %v", target, block.Target(), c.judge.acts[0].Target)
		}
		if _, err := block.Check(c.ctx, c.db); !fault.Is(err, fault.Conflict) {
			t.Errorf("blocked twice: %v", err)
		}
		if _, err := c.apply(block); !fault.Is(err, fault.Conflict) {
			t.Errorf("applied twice: %v", err)
		}
		free, err := c.Effects().Load(inverse)
		c.ok(err)
		if ch := check(free); ch.Title != "Free the server peer.example from every limit" || len(ch.After) != 2 || !strings.HasPrefix(ch.After[1].Text, "0 of our members' follows, 1 of theirs; they do not come back") {
			t.Errorf("freeing says %+v", ch)
		}
		again := c.undo(inverse) // and what undoes the undoing
		if again.Kind != "moderation.block" || string(again.Args) != `{"domain":"peer.example","level":"block"}` {
			t.Errorf("the inverse of the inverse is %s %s", again.Kind, again.Args)
		}
		// The same level as before, but somebody has changed it in between: the effect is stale.
		if ch := check(block); ch.Base == first.Base || ch.Before[0] != first.Before[0] {
			t.Errorf("base %q after %q", ch.Base, first.Base)
		}
		c.replays()

		for who, a := range map[string]*social.Account{"@ann": ann, "ann": ann, "@ann@coop.example": ann, "@BOB@Peer.Example": bob} {
			suspend := c.load("moderation.suspend", fmt.Sprintf(`{"account":%q,"level":"suspend","class":"spam"}`, who))
			// A motion may name the account; which one that is, Check and the act find out.
			if suspend.Target().Kind != "account" {
				t.Errorf("%s is %v", who, suspend.Target())
			}
			before := check(suspend)
			if before.Title != "Suspend the account @"+a.Acct() || before.After[1].Text != "spam" {
				t.Errorf("%s: %+v", who, before)
			}
			kind, _ := c.Effects().Kind("moderation.suspend")
			concerned, err := kind.Concerns(c.ctx, c.db, suspend)
			c.ok(err)
			if want := (authz.Target{Kind: "member", ID: 41}); a == ann && concerned != want || a == bob && concerned != (authz.Target{}) {
				t.Errorf("%s concerns %v", who, concerned)
			}
			inverse, err := c.apply(suspend)
			c.ok(err)
			if c.level(a) != social.LevelSuspend {
				t.Errorf("%s is %q", who, c.level(a))
			}
			limit := c.load("moderation.suspend", fmt.Sprintf(`{"account":%q,"level":"limit"}`, who)) // one that is hidden is found as well
			back, err := c.apply(limit)
			c.ok(err)
			if c.level(a) != social.LevelLimit {
				t.Errorf("%s is %q", who, c.level(a))
			}
			c.undo(back)
			c.undo(inverse)
			if c.level(a) != social.LevelNone || check(suspend).Base == before.Base {
				t.Errorf("%s is %q at %q", who, c.level(a), check(suspend).Base)
			}
			c.replays()
		}
	})
}

func TestEffectsThatSayNothingSensible(t *testing.T) {
	each(t, func(t *testing.T, c *court) {
		c.local("ann", 41)
		c.local("house", 0)
		for _, tc := range []struct {
			kind, args string
			want       fault.Kind
		}{
			{"moderation.block", `{}`, fault.Invalid},
			{"moderation.block", `{"domain":"bad.example"}`, fault.Invalid},
			{"moderation.block", `{"domain":"bad.example","level":"suspend"}`, fault.Invalid},
			{"moderation.block", `{"domain":"https://bad.example","level":"block"}`, fault.Invalid},
			{"moderation.block", `{"domain":"coop.example","level":"limit"}`, fault.Invalid},
			{"moderation.block", `{"domain":"bad.example","level":"none"}`, fault.Conflict},
			{"moderation.suspend", `{}`, fault.Invalid},
			{"moderation.suspend", `{"account":"@ann"}`, fault.Invalid},
			{"moderation.suspend", `{"account":"@ann","level":"block"}`, fault.Invalid},
			{"moderation.suspend", `{"account":"@ann","level":"limit","class":"mood"}`, fault.Invalid},
			{"moderation.suspend", `{"account":"@ann","level":"none"}`, fault.Conflict},
			{"moderation.suspend", `{"account":"@ann@not a host","level":"limit"}`, fault.Invalid},
			{"moderation.suspend", `{"account":"@nobody","level":"limit"}`, fault.NotFound},
			{"moderation.suspend", `{"account":"@ann@peer.example","level":"limit"}`, fault.NotFound},
			{"moderation.suspend", `{"account":"@house","level":"suspend"}`, fault.Invalid},
		} {
			e := c.load(tc.kind, tc.args)
			if _, err := e.Check(c.ctx, c.db); !fault.Is(err, tc.want) {
				t.Errorf("check %s %s: %v, want %s", tc.kind, tc.args, err, tc.want)
			}
			if _, err := c.apply(e); !fault.Is(err, tc.want) {
				t.Errorf("apply %s %s: %v, want %s", tc.kind, tc.args, err, tc.want)
			}
		}
		if len(c.judge.acts) != 0 {
			t.Errorf("%d acts", len(c.judge.acts))
		}
		if _, err := c.Effects().Load(effect.Stored{Kind: "moderation.block", Args: json.RawMessage(`{"domain":"a.example","level":"block","x":1}`)}); !fault.Is(err, fault.Invalid) {
			t.Errorf("an unknown field: %v", err)
		}
		c.judge.locked = true
		if _, err := c.apply(c.load("moderation.block", `{"domain":"bad.example","level":"block"}`)); !errors.Is(err, errNoPower) {
			t.Errorf("without power: %v", err)
		}
	})
}

func TestEffectsSpeakTheReadersLanguage(t *testing.T) {
	each(t, func(t *testing.T, c *court) {
		ctx := i18n.WithLocale(c.ctx, i18n.Negotiate("", "qps"))
		ch, err := c.load("moderation.block", `{"domain":"bad.example","level":"limit"}`).Check(ctx, c.db)
		c.ok(err)
		for _, text := range []string{ch.Title, ch.Before[0].Name, ch.Before[0].Text, ch.After[0].Text} {
			if !strings.HasPrefix(text, "⟦") {
				t.Errorf("%q did not pass the catalogue", text)
			}
		}
	})
}

// Whatever is done and undone in whatever order, the record says what the tables say, what was undone is as
// it was before, and a base never comes back.
func TestAnyHistoryReplays(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, clock *clock.Fake) {
		c := newCourt(t, d, clock)
		people := []*social.Account{c.local("ann", 41), c.remote("bob", "peer.example"), c.remote("cat", "x.other.example")}
		bases := map[string]map[string]bool{}
		rapid.Check(t, func(r *rapid.T) {
			var undo []effect.Stored
			for range rapid.IntRange(1, 12).Draw(r, "steps") {
				clock.Advance(time.Duration(rapid.IntRange(0, 2).Draw(r, "wait")) * time.Second)
				var e effect.Effect
				var err error
				var name string
				back := len(undo) > 0 && rapid.IntRange(0, 2).Draw(r, "back") == 0
				switch {
				case back:
					e, err = c.Effects().Load(undo[len(undo)-1])
					undo = undo[:len(undo)-1]
				case rapid.Bool().Draw(r, "server"):
					name = rapid.SampledFrom([]string{"peer.example", "other.example", "x.other.example"}).Draw(r, "domain")
					e = c.load("moderation.block", fmt.Sprintf(`{"domain":%q,"level":%q}`, name, rapid.SampledFrom([]string{"block", "limit", "none"}).Draw(r, "level")))
				default:
					name = "@" + rapid.SampledFrom(people).Draw(r, "account").Acct()
					e = c.load("moderation.suspend", fmt.Sprintf(`{"account":%q,"level":%q}`, name, rapid.SampledFrom([]string{"suspend", "limit", "none"}).Draw(r, "level")))
				}
				if err != nil {
					r.Fatal(err)
				}
				ch, err := e.Check(c.ctx, d)
				inverse, applied := c.apply(e)
				if fault.KindOf(err) != fault.KindOf(applied) {
					r.Fatalf("check says %v, apply %v", err, applied)
				}
				if applied != nil {
					if back || !fault.Is(applied, fault.Conflict) {
						r.Fatal(applied)
					}
					continue
				}
				if !back {
					undo = append(undo, inverse)
					if bases[name] == nil {
						bases[name] = map[string]bool{}
					}
					if bases[name][ch.Base] {
						r.Fatalf("%s is at %q again", name, ch.Base)
					}
					bases[name][ch.Base] = true
				}
			}
			tables, err := c.States(c.ctx, d)
			if err != nil {
				r.Fatal(err)
			}
			got := map[string]string{}
			for subject, state := range tables {
				b, err := json.Marshal(state)
				if err != nil {
					r.Fatal(err)
				}
				got[subject.String()] = string(b)
			}
			if diff := cmp.Diff(c.judge.state, got); diff != "" {
				r.Fatalf("the tables say otherwise than the record:%s", diff)
			}
		})
	})
}

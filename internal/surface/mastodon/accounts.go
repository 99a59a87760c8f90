package mastodon

import (
	"strings"
	"time"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

// person is the account that the path names.
func (c *call) person() (*social.Account, error) {
	i, err := c.id()
	if err != nil {
		return nil, err
	}
	return c.Social.Account(c.r.Context(), c.DB, i)
}

// shown is person, unless nobody but its own member sees it.
func (c *call) shown() (*social.Account, error) {
	a, err := c.person()
	if err != nil || a.ID == c.by.Account {
		return a, err
	}
	hidden, err := c.Social.Hidden(c.r.Context(), c.DB, a)
	if err == nil && hidden {
		err = errNone
	}
	return a, err
}

// spec: mastodon/methods/accounts#get
func getAccount(c *call) error {
	a, err := c.shown()
	if fault.Is(err, fault.NotFound) && a != nil && !a.SuspendedAt.IsZero() { // apps then say so instead of forgetting it
		return c.json(c.suspendedEntity(a))
	}
	if err != nil {
		return err
	}
	return c.bytes(c.account(a))
}

// spec: mastodon/methods/accounts#index
func getAccountsByID(c *call) error {
	ids := c.IDs("id")
	list, err := c.Social.Accounts(c.r.Context(), c.DB, ids[:min(len(ids), 40)])
	if err != nil {
		return err
	}
	return c.accounts(list)
}

// spec: mastodon/methods/accounts#lookup
func lookupAccount(c *call) error {
	name, domain := splitAcct(c.String("acct"))
	a, err := c.Social.ByName(c.r.Context(), c.DB, name, domain)
	if err != nil {
		return err
	}
	return c.bytes(c.account(a))
}

// splitAcct reads "name", "@name" and "name@domain".
func splitAcct(acct string) (name, domain string) {
	name, domain, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(acct), "@"), "@")
	return name, domain
}

// spec: mastodon/methods/accounts#search
func searchAccounts(c *call) error {
	list, err := c.findAccounts(c.String("q"), c.Bool("resolve"), c.Bool("following"), c.Int("limit", 40, 1, 80), c.Int("offset", 0, 0, 10_000))
	if err != nil {
		return err
	}
	return c.accounts(list)
}

// spec: mastodon/methods/accounts#statuses
func accountStatuses(c *call) error {
	a, err := c.shown()
	if err != nil {
		return err
	}
	if c.Bool("pinned") {
		views, err := c.Social.Pins(c.r.Context(), c.by, a.ID)
		if err != nil {
			return err
		}
		return c.posts(views)
	}
	f := social.AccountFilter{ExcludeReplies: c.Bool("exclude_replies"), ExcludeBoosts: c.Bool("exclude_reblogs"),
		OnlyMedia: c.Bool("only_media"), Tag: c.String("tagged")}
	return c.statuses(c.Social.OfAccount(c.r.Context(), c.by, a.ID, f, c.page(20, 40)))
}

// spec: mastodon/methods/accounts#followers
func followers(c *call) error {
	a, err := c.shown()
	if err != nil {
		return err
	}
	return c.listed(c.Social.FollowersOf(c.r.Context(), a.ID, c.page(40, 80)))
}

// spec: mastodon/methods/accounts#following
func following(c *call) error {
	a, err := c.shown()
	if err != nil {
		return err
	}
	return c.listed(c.Social.FollowingOf(c.r.Context(), a.ID, c.page(40, 80)))
}

// relating makes the handler of an act on another account that answers with what stands between.
func relating(act func(c *call, other id.ID) (social.Relation, error)) handler {
	return func(c *call) error {
		a, err := c.person()
		if err != nil {
			return err
		}
		r, err := act(c, a.ID)
		if err != nil {
			return err
		}
		return c.json(relationship(a.ID, r))
	}
}

// spec: mastodon/methods/accounts#follow
func follow(c *call, other id.ID) (social.Relation, error) {
	var o social.FollowOptions
	if c.Has("reblogs") {
		on := c.Bool("reblogs")
		o.Boosts = &on
	}
	if c.Has("notify") {
		on := c.Bool("notify")
		o.Notify = &on
	}
	return c.Social.Follow(c.r.Context(), c.by, other, o)
}

func unfollow(c *call, other id.ID) (social.Relation, error) {
	return c.Social.Unfollow(c.r.Context(), c.by, other)
}

func removeFollower(c *call, other id.ID) (social.Relation, error) {
	return c.Social.RemoveFollower(c.r.Context(), c.by, other)
}

func block(c *call, other id.ID) (social.Relation, error) {
	return c.Social.Block(c.r.Context(), c.by, other)
}

func unblock(c *call, other id.ID) (social.Relation, error) {
	return c.Social.Unblock(c.r.Context(), c.by, other)
}

// spec: mastodon/methods/accounts#mute
func mute(c *call, other id.ID) (social.Relation, error) {
	var until time.Time
	const longest = 10 * 365 * 24 * 3600
	if n := c.Int("duration", 0, 0, longest); n > 0 {
		until = c.DB.Now().Add(time.Duration(n) * time.Second)
	}
	notices := !c.Has("notifications") || c.Bool("notifications")
	return c.Social.Mute(c.r.Context(), c.by, other, notices, until)
}

func unmute(c *call, other id.ID) (social.Relation, error) {
	return c.Social.Unmute(c.r.Context(), c.by, other)
}

func setNote(c *call, other id.ID) (social.Relation, error) {
	return c.Social.SetNote(c.r.Context(), c.by, other, c.Text("comment"))
}

// endorse: profiles here feature nobody; the answer says that nothing has changed.
func endorse(c *call, other id.ID) (social.Relation, error) {
	m, err := c.Social.Relations(c.r.Context(), c.DB, c.by.Account, []id.ID{other})
	return m[other], err
}

// spec: mastodon/methods/accounts#relationships
func relationships(c *call) error {
	ids := c.IDs("id")
	ids = ids[:min(len(ids), 80)]
	list, err := c.Social.Accounts(c.r.Context(), c.DB, ids)
	if err != nil {
		return err
	}
	m, err := c.Social.Relations(c.r.Context(), c.DB, c.by.Account, ids)
	if err != nil {
		return err
	}
	out := make([]relationshipEntity, len(list))
	for i, a := range list {
		out[i] = relationship(a.ID, m[a.ID])
	}
	return c.json(out)
}

// spec: mastodon/methods/accounts#familiar_followers
func familiarFollowers(c *call) error {
	type familiar struct {
		ID       id.ID `json:"id"`
		Accounts none  `json:"accounts"`
	}
	out := []familiar{}
	for _, i := range c.IDs("id") {
		if len(out) < 40 {
			out = append(out, familiar{ID: i})
		}
	}
	return c.json(out)
}

// spec: mastodon/methods/follow_requests#get
func followRequests(c *call) error {
	return c.listed(c.Social.FollowRequests(c.r.Context(), c.by, c.page(40, 80)))
}

// spec: mastodon/methods/follow_requests#accept
func answerFollow(accept bool) handler {
	return relating(func(c *call, other id.ID) (social.Relation, error) {
		if err := c.Social.AnswerFollow(c.r.Context(), c.by, other, accept); err != nil {
			return social.Relation{}, err
		}
		return endorse(c, other)
	})
}

// spec: mastodon/methods/blocks#get
func blocks(c *call) error {
	return c.listed(c.Social.Blocks(c.r.Context(), c.by, c.page(40, 80)))
}

// spec: mastodon/methods/mutes#get
func mutes(c *call) error {
	return c.listed(c.Social.Mutes(c.r.Context(), c.by, c.page(40, 80)))
}

// spec: mastodon/methods/directory#get
func directory(c *call) error {
	list, err := c.Social.Directory(c.r.Context(), c.Int("limit", 40, 1, 80), c.Int("offset", 0, 0, 100_000))
	if err != nil {
		return err
	}
	return c.accounts(list)
}

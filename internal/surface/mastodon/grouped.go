package mastodon

import (
	"slices"
	"strings"

	"rochdale/internal/kit/id"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

// group is what several notices have in common. spec: mastodon/methods/grouped_notifications#NotificationGroup
type group struct {
	Key        string  `json:"group_key"`
	Count      int     `json:"notifications_count"`
	Type       string  `json:"type"`
	MostRecent id.ID   `json:"-"`
	Number     int64   `json:"most_recent_notification_id"` // a number in the API, unlike all other ids
	PageMin    id.ID   `json:"page_min_id"`
	PageMax    id.ID   `json:"page_max_id"`
	Latest     instant `json:"latest_page_notification_at"`
	Samples    []id.ID `json:"sample_account_ids"`
	Status     maybe   `json:"status_id,omitempty"`
}

// samples is how many accounts of a group are named.
const samples = 8

// groupable are the kinds that are grouped unless the app asks otherwise.
var groupable = []string{notice.Favourite, notice.Boost, notice.Follow}

// groups puts notices together, in the order of their newest.
func groups(all []told, kinds []string) []*group {
	var out []*group
	byKey := map[string]*group{}
	for _, t := range all {
		key := groupKey(t.Notice)
		if !slices.Contains(kinds, t.Kind) {
			key = ungrouped + t.ID.String()
		}
		g := byKey[key]
		if g == nil {
			g = &group{Key: key, Type: t.Kind, MostRecent: t.ID, Number: int64(t.ID), PageMax: t.ID, Latest: instant(t.CreatedAt), Status: maybe(t.Post)}
			byKey[key] = g
			out = append(out, g)
		}
		g.Count++
		g.PageMin = t.ID
		if len(g.Samples) < samples && !slices.Contains(g.Samples, t.From) {
			g.Samples = append(g.Samples, t.From)
		}
	}
	return out
}

func (c *call) groupedKinds() []string {
	if asked := c.List("grouped_types"); len(asked) > 0 {
		return slices.DeleteFunc(asked, func(k string) bool { return !slices.Contains(groupable, k) })
	}
	return groupable
}

// answerGroups writes groups with the accounts and posts they name, each once.
// spec: mastodon/methods/grouped_notifications#get-grouped
func (c *call) answerGroups(all []told, list []*group) error {
	var accounts []*social.Account
	var views []*social.View
	named, shown := map[id.ID]bool{}, map[id.ID]bool{}
	for _, g := range list {
		for _, i := range g.Samples {
			named[i] = true
		}
	}
	for _, t := range all {
		if named[t.From] {
			named[t.From] = false
			accounts = append(accounts, t.from)
		}
		if t.post != nil && !shown[t.Post] {
			shown[t.Post] = true
			views = append(views, t.post)
		}
	}
	b := append([]byte(nil), `{"accounts":`...)
	b = c.appendAccounts(b, accounts)
	b = append(b, `,"statuses":`...)
	b = c.appendStatuses(b, views, true)
	b = append(b, `,"notification_groups":`...)
	if list == nil {
		list = []*group{}
	}
	b = append(b, mustEncode(list)...)
	return c.bytes(append(b, '}'))
}

// spec: mastodon/methods/grouped_notifications#get-grouped
func groupedNotifications(c *call) error {
	list, err := c.Notice.List(c.r.Context(), c.by, c.noticeFilter(), c.page(40, 80))
	if err != nil {
		return err
	}
	all, err := c.tell(list)
	if err != nil {
		return err
	}
	if n := len(list); n > 0 {
		c.link(list[0].ID, list[n-1].ID)
	}
	return c.answerGroups(all, groups(all, c.groupedKinds()))
}

// members are the notices of the group that the path names, the newest first.
func (c *call) members() ([]told, error) {
	key := c.r.PathValue("group_key")
	if i, ok := strings.CutPrefix(key, ungrouped); ok {
		n, err := c.Notice.Get(c.r.Context(), c.by, id.Parse(i))
		if err != nil {
			return nil, err
		}
		return c.tell([]notice.Notice{n})
	}
	kind, _, _ := strings.Cut(key, "-")
	if !slices.Contains(groupable, kind) {
		return nil, errNone
	}
	var found []notice.Notice
	const pages = 5 // of 80: a longer group shows its newest
	p := social.Page{Limit: 80}
	for range pages {
		list, err := c.Notice.List(c.r.Context(), c.by, notice.Filter{Types: []string{kind}}, p)
		if err != nil {
			return nil, err
		}
		for _, n := range list {
			if groupKey(n) == key {
				found = append(found, n)
			}
		}
		if len(list) < p.Limit {
			break
		}
		p.MaxID = list[len(list)-1].ID
	}
	all, err := c.tell(found)
	if err == nil && len(all) == 0 {
		err = errNone
	}
	return all, err
}

// spec: mastodon/methods/grouped_notifications#get-notification-group
func getGroup(c *call) error {
	all, err := c.members()
	if err != nil {
		return err
	}
	return c.answerGroups(all, groups(all, groupable))
}

// spec: mastodon/methods/grouped_notifications#get-group-accounts
func groupAccounts(c *call) error {
	all, err := c.members()
	if err != nil {
		return err
	}
	var list []*social.Account
	for _, t := range all {
		if !slices.Contains(list, t.from) {
			list = append(list, t.from)
		}
	}
	return c.accounts(list)
}

// spec: mastodon/methods/grouped_notifications#dismiss-group
func dismissGroup(c *call) error {
	all, err := c.members()
	if err != nil {
		return err
	}
	for _, t := range all {
		if err := c.Notice.Dismiss(c.r.Context(), c.by, t.ID); err != nil {
			return err
		}
	}
	return emptyObject(c)
}

// unreadGroups counts as apps show it: groups of notices after the reading mark.
// spec: mastodon/methods/grouped_notifications#unread-group-count
func unreadGroups(c *call) error {
	limit := c.Int("limit", 100, 1, 1000)
	n, err := c.Notice.Unread(c.r.Context(), c.by, limit, notice.AppKinds)
	if err != nil || n == 0 {
		return orCount(c, 0, err)
	}
	list, err := c.Notice.List(c.r.Context(), c.by, c.noticeFilter(), social.Page{Limit: min(n, 80)})
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, t := range list {
		keys[groupKey(t)] = true
	}
	return orCount(c, min(len(keys), limit), nil)
}

func orCount(c *call, n int, err error) error {
	if err != nil {
		return err
	}
	return c.json(map[string]int{"count": n})
}

// The policy accepts everybody: whom a member does not want to hear, the member mutes or blocks.
// spec: mastodon/entities/NotificationPolicy
func policy(c *call) error {
	return c.json(map[string]any{"for_not_following": "accept", "for_not_followers": "accept", "for_new_accounts": "accept",
		"for_private_mentions": "accept", "for_limited_accounts": "accept",
		"summary": map[string]int{"pending_requests_count": 0, "pending_notifications_count": 0}})
}

func policyV1(c *call) error {
	return c.json(map[string]any{"filter_not_following": false, "filter_not_followers": false, "filter_new_accounts": false,
		"filter_private_mentions": false, "summary": map[string]int{"pending_requests_count": 0, "pending_notifications_count": 0}})
}

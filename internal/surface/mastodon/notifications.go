package mastodon

import (
	"context"
	"slices"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

// told is a notice with what it is about, as far as the actor may see it.
type told struct {
	notice.Notice
	from *social.Account
	post *social.View
}

// tell loads what notices are about and leaves out those about a post that the actor may not see (any
// more).
func (s *Service) tell(ctx context.Context, by authz.Actor, list []notice.Notice) ([]told, error) {
	var posts, people []id.ID
	for _, n := range list {
		people = append(people, n.From)
		if n.Post != 0 {
			posts = append(posts, n.Post)
		}
	}
	views, err := s.Social.Posts(ctx, by, posts)
	if err != nil {
		return nil, err
	}
	accounts, err := s.Social.Accounts(ctx, s.DB, people)
	if err != nil {
		return nil, err
	}
	view, person := map[id.ID]*social.View{}, map[id.ID]*social.Account{}
	for _, v := range views {
		view[v.ID] = v
	}
	for _, a := range accounts {
		person[a.ID] = a
	}
	out := make([]told, 0, len(list))
	for _, n := range list {
		t := told{n, person[n.From], view[n.Post]}
		if t.from == nil || n.Post != 0 && t.post == nil || !slices.Contains(notice.AppKinds, n.Kind) {
			continue
		}
		out = append(out, t)
	}
	return out, nil
}

func (c *call) tell(list []notice.Notice) ([]told, error) {
	return c.Service.tell(c.r.Context(), c.by, list)
}

// groupKey names the group a notice belongs to: favourites and boosts of one post, followers of one
// day; everything else stands alone.
func groupKey(n notice.Notice) string {
	switch n.Kind {
	case notice.Favourite, notice.Boost:
		return n.Kind + "-" + n.Post.String()
	case notice.Follow:
		return n.Kind + "-" + n.CreatedAt.UTC().Format("20060102")
	}
	return ungrouped + n.ID.String()
}

const ungrouped = "ungrouped-"

// appendNotice writes a notice. spec: mastodon/entities/Notification
func (s *Service) appendNotice(b []byte, t told) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, t.ID.String()...)
	b = append(b, `","type":"`...)
	b = append(b, t.Kind...)
	b = append(b, `","created_at":`...)
	b = append(b, mustEncode(instant(t.CreatedAt))...)
	b = append(b, `,"group_key":"`...)
	b = append(b, groupKey(t.Notice)...)
	b = append(b, `","account":`...)
	b = append(b, s.account(t.from)...)
	if t.post != nil {
		b = append(b, `,"status":`...)
		b = s.appendStatus(b, t.post, true)
	}
	return append(b, '}')
}

func (c *call) noticeFilter() notice.Filter {
	return notice.Filter{Types: c.List("types"), Exclude: c.List("exclude_types"), From: c.ID("account_id")}
}

// spec: mastodon/methods/notifications#get
func notifications(c *call) error {
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
	b := []byte{'['}
	for i, t := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.appendNotice(b, t)
	}
	return c.bytes(append(b, ']'))
}

// spec: mastodon/methods/notifications#get-one
func getNotification(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	n, err := c.Notice.Get(c.r.Context(), c.by, i)
	if err != nil {
		return err
	}
	all, err := c.tell([]notice.Notice{n})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errNone
	}
	return c.bytes(c.appendNotice(nil, all[0]))
}

// spec: mastodon/methods/notifications#clear
func clearNotifications(c *call) error {
	if err := c.Notice.Clear(c.r.Context(), c.by); err != nil {
		return err
	}
	return emptyObject(c)
}

// spec: mastodon/methods/notifications#dismiss
func dismissNotification(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	if err := c.Notice.Dismiss(c.r.Context(), c.by, i); err != nil {
		return err
	}
	return emptyObject(c)
}

// spec: mastodon/methods/notifications#unread-count
func unreadCount(c *call) error {
	n, err := c.Notice.Unread(c.r.Context(), c.by, c.Int("limit", 100, 1, 1000), notice.AppKinds)
	if err != nil {
		return err
	}
	return c.json(map[string]int{"count": n})
}

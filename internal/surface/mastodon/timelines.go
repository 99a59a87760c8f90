package mastodon

import (
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

// spec: mastodon/methods/timelines#home
func homeTimeline(c *call) error {
	return c.statuses(c.Social.Home(c.r.Context(), c.by, c.page(20, 40)))
}

func (c *call) publicFilter() social.PublicFilter {
	return social.PublicFilter{Local: c.Bool("local"), Remote: c.Bool("remote"), OnlyMedia: c.Bool("only_media")}
}

// spec: mastodon/methods/timelines#public
func publicTimeline(c *call) error {
	return c.statuses(c.Social.Public(c.r.Context(), c.by, c.publicFilter(), c.page(20, 40)))
}

// spec: mastodon/methods/timelines#tag
func tagTimeline(c *call) error {
	return c.statuses(c.Social.Tagged(c.r.Context(), c.by, c.r.PathValue("hashtag"), c.publicFilter(), c.page(20, 40)))
}

// spec: mastodon/methods/timelines#direct
func directTimeline(c *call) error {
	return c.statuses(c.Social.DirectPosts(c.r.Context(), c.by, c.page(20, 40)))
}

// spec: mastodon/methods/bookmarks#get
func bookmarks(c *call) error {
	return c.marked(c.Social.Bookmarks(c.r.Context(), c.by, c.page(20, 40)))
}

// spec: mastodon/methods/favourites#get
func favourites(c *call) error {
	return c.marked(c.Social.Favourites(c.r.Context(), c.by, c.page(20, 40)))
}

func (c *call) marked(list []social.Marked, err error) error {
	if err != nil {
		return err
	}
	views := make([]*social.View, len(list))
	for i, m := range list {
		views[i] = m.View
	}
	if n := len(list); n > 0 {
		c.link(list[0].Cursor, list[n-1].Cursor)
	}
	return c.posts(views)
}

// spec: mastodon/methods/tags#get
func getTag(c *call) error { return c.json(c.tagEntity(c.r.PathValue("name"))) }

// conversations are the threads of the actor's direct posts, the one with the newest post first.
// spec: mastodon/methods/conversations#get
func conversations(c *call) error {
	views, err := c.Social.DirectPosts(c.r.Context(), c.by, c.page(20, 40))
	if err != nil {
		return err
	}
	b := []byte{'['}
	seen := map[id.ID]bool{}
	for _, v := range views {
		if seen[v.ThreadID] {
			continue
		}
		seen[v.ThreadID] = true
		if len(b) > 1 {
			b = append(b, ',')
		}
		if b, err = c.appendConversation(b, v); err != nil {
			return err
		}
	}
	if n := len(views); n > 0 {
		c.link(views[0].ID, views[n-1].ID)
	}
	return c.bytes(append(b, ']'))
}

func (c *call) appendConversation(b []byte, v *social.View) ([]byte, error) {
	others := make([]id.ID, 0, 1+len(v.Mentioned))
	for _, i := range append([]id.ID{v.AccountID}, mentionedIDs(v)...) {
		if i != c.by.Account {
			others = append(others, i)
		}
	}
	accounts, err := c.Social.Accounts(c.r.Context(), c.DB, others)
	if err != nil {
		return b, err
	}
	return c.Service.appendConversation(b, v, accounts), nil
}

func (s *Service) appendConversation(b []byte, v *social.View, accounts []*social.Account) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, v.ThreadID.String()...)
	b = append(b, `","unread":false,"accounts":`...)
	b = s.appendAccounts(b, accounts)
	b = append(b, `,"last_status":`...)
	b = s.appendStatus(b, v, true)
	return append(b, '}')
}

func mentionedIDs(v *social.View) []id.ID {
	out := make([]id.ID, len(v.Mentioned))
	for i, m := range v.Mentioned {
		out[i] = m.ID
	}
	return out
}

// readConversation finds the conversation; how far it was read is kept with the notices.
// spec: mastodon/methods/conversations#read
func readConversation(c *call) error {
	i, err := c.id()
	if err != nil {
		return err
	}
	views, err := c.Social.DirectPosts(c.r.Context(), c.by, social.Page{Limit: 80})
	if err != nil {
		return err
	}
	for _, v := range views {
		if v.ThreadID == i {
			b, err := c.appendConversation(nil, v)
			if err != nil {
				return err
			}
			return c.bytes(b)
		}
	}
	return errNone
}

package mastodon

import (
	"strings"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

// search finds accounts, posts and hashtags. An address of a page leads to what is there.
// spec: mastodon/methods/search#v2
func search(c *call) error {
	q := c.Text("q")
	kind := c.String("type")
	limit, offset := c.Int("limit", 20, 1, 40), c.Int("offset", 0, 0, 10_000)
	member := c.by.Account != 0
	var (
		accounts []*social.Account
		views    []*social.View
		tags     = []tagEntity{}
		err      error
	)
	switch {
	case q == "":
		return fault.Field("q", "Write what you are looking for.")
	case offset > 0 && !member:
		return errPaging
	case strings.HasPrefix(q, "https://") || strings.HasPrefix(q, "http://"):
		if accounts, views, err = c.byAddress(q); err != nil {
			return err
		}
	default:
		if kind == "" || kind == "accounts" {
			if accounts, err = c.findAccounts(q, c.Bool("resolve"), c.Bool("following"), limit, offset); err != nil {
				return err
			}
		}
		if (kind == "" || kind == "statuses") && member && c.SearchPosts != nil {
			ids, err := c.SearchPosts(c.r.Context(), c.by, PostQuery{Words: q, Account: c.ID("account_id"), MaxID: c.ID("max_id"),
				MinID: c.ID("min_id"), Limit: limit, Offset: offset})
			if err != nil {
				return err
			}
			if views, err = c.Social.Posts(c.r.Context(), c.by, ids); err != nil {
				return err
			}
		}
		if kind == "" || kind == "hashtags" {
			names, err := c.Social.SearchTags(c.r.Context(), strings.TrimPrefix(q, "#"), limit, offset)
			if err != nil {
				return err
			}
			for _, n := range names {
				tags = append(tags, c.tagEntity(n))
			}
		}
	}
	b := append([]byte(nil), `{"accounts":`...)
	b = c.appendAccounts(b, accounts)
	b = append(b, `,"statuses":`...)
	b = c.appendStatuses(b, views, member)
	b = append(append(b, `,"hashtags":`...), mustEncode(tags)...)
	return c.bytes(append(b, '}'))
}

// errPaging says that a token is needed.
var errPaging = fault.New(fault.Forbidden, "Search queries pagination is not supported without authentication")

// byAddress finds what an address leads to. Only members may make us ask other servers.
func (c *call) byAddress(address string) ([]*social.Account, []*social.View, error) {
	if c.Deps.Resolve == nil || c.by.Account == 0 || !c.Bool("resolve") && !strings.HasPrefix(address, c.Site.URL+"/") {
		return nil, nil, nil
	}
	account, post, err := c.Deps.Resolve(c.r.Context(), address)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Gone) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if account != 0 {
		list, err := c.Social.Accounts(c.r.Context(), c.DB, []id.ID{account})
		return list, nil, err
	}
	views, err := c.Social.Posts(c.r.Context(), c.by, []id.ID{post})
	return nil, views, err
}

// findAccounts searches what is known here and, if asked to resolve "name@domain", that server too.
func (c *call) findAccounts(q string, resolve, following bool, limit, offset int) ([]*social.Account, error) {
	ctx := c.r.Context()
	if c.by.Account == 0 {
		offset, resolve = 0, false
	}
	list, err := c.Social.SearchAccounts(ctx, c.by, q, following, limit, offset)
	if err != nil || !resolve || offset > 0 {
		return list, err
	}
	name, domain := splitAcct(q)
	if name == "" || domain == "" || strings.ContainsAny(q, " \t\n") || strings.EqualFold(domain, c.Site.Host) || c.Find == nil {
		return list, nil
	}
	for _, a := range list {
		if strings.EqualFold(a.Username, name) && strings.EqualFold(a.Domain, domain) {
			return list, nil
		}
	}
	if a, err := c.Find(ctx, name, domain); err == nil && a != nil {
		list = append([]*social.Account{a}, list[:min(len(list), limit-1)]...)
	}
	// Whatever kept that server from answering, what is known here is still an answer.
	return list, nil
}

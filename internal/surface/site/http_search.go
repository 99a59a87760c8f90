package site

import (
	"context"
	"net/http"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/social"
)

type searchView struct {
	Frame  ui.PageProps
	Words  string
	People []personView
	Tags   []string
	Posts  []*postView
}

func (v searchView) found() bool { return len(v.People)+len(v.Tags)+len(v.Posts) > 0 }

// lookUpTime bounds how long a search waits for other servers.
const lookUpTime = 8 * time.Second

// search finds people, tags and posts by words, one account by its address, or one post by its.
// Members only: it may ask other servers.
func (s *Service) search(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	v := searchView{Words: strings.TrimSpace(r.URL.Query().Get("q"))}
	if strings.HasPrefix(v.Words, "https://") || strings.HasPrefix(v.Words, "http://") {
		if to := s.resolve(ctx, by, v.Words); to != "" {
			return web.Redirect(w, r, to)
		}
	}
	if v.Words != "" {
		if err := s.find(ctx, by, &v); err != nil {
			return err
		}
	}
	var err error
	if v.Frame, err = s.frame(w, r, t(ctx, "Search")); err != nil {
		return err
	}
	v.Frame.Side = footLinks(s.Version)
	return web.Render(w, r, http.StatusOK, searchPage(v))
}

// resolve gives our own page for an address elsewhere, "" if there is none. What a far server answers
// is not our error.
func (s *Service) resolve(ctx context.Context, by authz.Actor, address string) string {
	if s.ResolveURL == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	to, err := s.ResolveURL(ctx, address)
	if err != nil {
		return ""
	}
	switch to.Kind {
	case "account":
		if a, err := s.Social.Account(ctx, s.DB, to.ID); err == nil {
			return "/@" + a.Acct()
		}
	case "post":
		if p, err := s.Social.Post(ctx, by, to.ID); err == nil {
			return postPath(p.Shown())
		}
	}
	return ""
}

func (s *Service) find(ctx context.Context, by authz.Actor, v *searchView) error {
	s.lookUp(ctx, v.Words)
	accounts, err := s.Social.SearchAccounts(ctx, by, v.Words, false, 20, 0)
	if err != nil {
		return err
	}
	if v.People, err = s.people(ctx, by, accounts); err != nil {
		return err
	}
	if v.Tags, err = s.Social.SearchTags(ctx, strings.TrimPrefix(v.Words, "#"), 10, 0); err != nil {
		return err
	}
	if s.SearchPosts == nil {
		return nil
	}
	ids, err := s.SearchPosts(ctx, by, v.Words, social.Page{Limit: pageSize})
	if err != nil {
		return err
	}
	list, err := s.Social.Posts(ctx, by, ids)
	v.Posts = s.posts(by, list)
	return err
}

// lookUp gets to know an account of another server that the words name in full, so that the search
// that follows finds it. One that cannot be reached is simply not found.
func (s *Service) lookUp(ctx context.Context, words string) {
	name, domain, ok := strings.Cut(strings.TrimPrefix(words, "@"), "@")
	if !ok || name == "" || !strings.Contains(domain, ".") && !strings.Contains(domain, ":") || strings.ContainsAny(words, " /") || s.Find == nil {
		return
	}
	if strings.EqualFold(domain, s.Site.Host) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	_, _ = s.Find(ctx, name, domain) // not found is an answer, too: the search says so
}

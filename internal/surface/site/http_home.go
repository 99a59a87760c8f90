package site

import (
	"context"
	"net/http"
	"strings"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

// timelineView is a page whose matter is a list of posts.
type timelineView struct {
	Frame    ui.PageProps
	Line     string // beside the heading
	Composer *composerView
	Live     bool // says by itself when there are new posts
	Tabs     []ui.NavItem
	Search   bool
	Empty    emptyView
	People   []personView
	Votes    []decision.Motion // open motions that wait for the reader's vote

	Elections []election.Election // and open elections
	Keys      []election.Election // and sealed ones
	timeline
}

// emptyView is what stands where there is nothing yet, and what to do about it.
type emptyView struct{ Icon, Title, Line, Label, Href string }

// home is the member's own timeline.
func (s *Service) home(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	at := window(r, pageSize)
	list, err := s.Social.Home(ctx, by, at)
	if err != nil {
		return err
	}
	v := timelineView{Line: t(ctx, "newest first, nothing ranked"), timeline: s.timeline(r, list, false),
		Empty: emptyView{"home", t(ctx, "Your home is quiet"), t(ctx, "Follow some people and what they write shows up here, newest first."), t(ctx, "Find people"), "/explore?tab=people"}}
	if at.MaxID == 0 && at.MinID == 0 {
		c, err := s.blank(ctx, by, "/home")
		if err != nil {
			return err
		}
		v.Composer, v.Live = &c, true
		wait, err := s.waiting(ctx, by)
		if err != nil {
			return err
		}
		v.Votes, v.Elections, v.Keys = wait.Votes, wait.Elections, wait.Keys
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Home")); err != nil {
		return err
	}
	side, err := s.homeSide(ctx, by)
	if err != nil {
		return err
	}
	v.Frame.Side = homeSide(side)
	return web.Render(w, r, http.StatusOK, timelinePage(v))
}

type sideView struct {
	waiting
	Offices []officeView
	New     []memberView
	Version string
}

func (s *Service) homeSide(ctx context.Context, by authz.Actor) (sideView, error) {
	v := sideView{Version: s.Version}
	var err error
	if v.waiting, err = s.waiting(ctx, by); err != nil {
		return v, err
	}
	if v.Offices, err = s.offices(ctx); err != nil {
		return v, err
	}
	v.New, err = s.newest(ctx, 5)
	return v, err
}

// beat is how often an idle stream says that it is alive: proxies hang up on the silent.
const beat = 15 * time.Second

// homeEvents tells an open page of new posts in its reader's home, and of new notices.
func (s *Service) homeEvents(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	notices := notice.Topic + by.Account.String()
	sub := s.Bus.Subscribe(social.TopicNew, notices)
	defer sub.Close()
	stream, err := web.NewStream(w)
	if err != nil {
		return err
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			err = stream.Comment("still here")
		case m, open := <-sub.C:
			switch {
			case !open:
				return nil // too slow; the browser connects again
			case m.Topic == notices:
				err = stream.Send("notice", m.Payload)
			default:
				var news bool
				if news, err = s.news(ctx, by, id.Parse(m.Payload)); news && err == nil {
					err = stream.Send("post", m.Payload)
				}
			}
		}
		if err != nil {
			return err
		}
	}
}

// news tells whether a post is in the actor's home and by somebody else.
func (s *Service) news(ctx context.Context, by authz.Actor, post id.ID) (bool, error) {
	in, err := s.Social.InHome(ctx, post, []id.ID{by.Account})
	if err != nil || len(in) == 0 {
		return false, err
	}
	views, err := s.Social.Posts(ctx, by, []id.ID{post})
	return len(views) > 0 && views[0].AccountID != by.Account, err
}

// exploreTabs are the ways to look around; visitors see what was written here.
func exploreTabs(ctx context.Context, by authz.Actor, current string) []ui.NavItem {
	out := []ui.NavItem{{Label: t(ctx, "This place"), Href: "/local"}}
	if !by.Visitor() {
		out = append(out, ui.NavItem{Label: t(ctx, "All known servers"), Href: "/federated"})
	}
	out = append(out, ui.NavItem{Label: t(ctx, "People"), Href: "/explore?tab=people"})
	for i := range out {
		out[i].Current = out[i].Href == current
	}
	return out
}

func (s *Service) explore(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("tab") == "people" {
		return s.directory(w, r)
	}
	return s.local(w, r)
}

func (s *Service) local(w http.ResponseWriter, r *http.Request) error {
	return s.public(w, r, social.PublicFilter{Local: true}, "/local", t(r.Context(), "written here, newest first"))
}

func (s *Service) federated(w http.ResponseWriter, r *http.Request) error {
	if err := web.Actor(r).RequireAccount(); err != nil {
		return err
	}
	return s.public(w, r, social.PublicFilter{}, "/federated", t(r.Context(), "from everywhere we know, newest first"))
}

func (s *Service) public(w http.ResponseWriter, r *http.Request, f social.PublicFilter, tab, line string) error {
	ctx, by := r.Context(), web.Actor(r)
	list, err := s.Social.Public(ctx, by, f, window(r, pageSize))
	if err != nil {
		return err
	}
	v := timelineView{Line: line, Tabs: exploreTabs(ctx, by, tab), Search: !by.Visitor(), timeline: s.timeline(r, list, true),
		Empty: emptyView{Icon: "compass", Title: t(ctx, "Nobody has written anything yet"), Line: t(ctx, "Public posts show up here.")}}
	return s.drawTimeline(w, r, v, t(ctx, "Explore"))
}

func (s *Service) drawTimeline(w http.ResponseWriter, r *http.Request, v timelineView, title string) error {
	var err error
	if v.Frame, err = s.frame(w, r, title); err != nil {
		return err
	}
	if v.Search {
		v.Frame.Side = footLinks(s.Version)
	}
	return web.Render(w, r, http.StatusOK, timelinePage(v))
}

// directory lists the people here who want to be found.
func (s *Service) directory(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	accounts, err := s.Social.Directory(ctx, 80, 0)
	if err != nil {
		return err
	}
	v := timelineView{Line: t(ctx, "people here who like to be found"), Tabs: exploreTabs(ctx, by, "/explore?tab=people"), Search: !by.Visitor(),
		Empty: emptyView{Icon: "people", Title: t(ctx, "Nobody is listed yet")}}
	if v.People, err = s.people(ctx, by, accounts); err != nil {
		return err
	}
	return s.drawTimeline(w, r, v, t(ctx, "Explore"))
}

// tag lists the public posts with a hashtag; visitors see those that were written here.
func (s *Service) tag(w http.ResponseWriter, r *http.Request) error {
	ctx, by, name := r.Context(), web.Actor(r), r.PathValue("name")
	if posttext.FoldTag(name) == "" {
		return errNothing
	}
	list, err := s.Social.Tagged(ctx, by, name, social.PublicFilter{Local: by.Visitor()}, window(r, pageSize))
	if err != nil {
		return err
	}
	v := timelineView{Line: t(ctx, "newest first"), timeline: s.timeline(r, list, true),
		Empty: emptyView{Icon: "search", Title: t(ctx, "Nobody has used this tag yet")}}
	return s.drawTimeline(w, r, v, "#"+strings.TrimPrefix(name, "#"))
}

// messages lists the posts that only the people in them can read.
func (s *Service) messages(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	list, err := s.Social.DirectPosts(ctx, by, window(r, pageSize))
	if err != nil {
		return err
	}
	v := timelineView{Line: t(ctx, "only the people mentioned can read these"), timeline: s.timeline(r, list, false),
		Empty: emptyView{"mail", t(ctx, "No messages"), t(ctx, "Write a post for mentioned people only, and begin it with their names."), t(ctx, "Write a message"), "/write?visibility=direct"}}
	return s.drawTimeline(w, r, v, t(ctx, "Messages"))
}

func (s *Service) bookmarks(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	list, err := s.Social.Bookmarks(ctx, web.Actor(r), window(r, pageSize))
	return s.markedPosts(w, r, list, err, t(ctx, "Bookmarks"), t(ctx, "only you can see these"),
		emptyView{Icon: "bookmark", Title: t(ctx, "No bookmarks yet"), Line: t(ctx, "Keep a post for later with the ribbon below it. Nobody is told.")})
}

func (s *Service) favourites(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	list, err := s.Social.Favourites(ctx, web.Actor(r), window(r, pageSize))
	return s.markedPosts(w, r, list, err, t(ctx, "Favourites"), t(ctx, "the last marked first"),
		emptyView{Icon: "star", Title: t(ctx, "No favourites yet"), Line: t(ctx, "Tell somebody that you like a post with the star below it.")})
}

func (s *Service) markedPosts(w http.ResponseWriter, r *http.Request, list []social.Marked, err error, title, line string, empty emptyView) error {
	if err != nil {
		return err
	}
	v := timelineView{Line: line, Empty: empty}
	views := make([]*social.View, len(list))
	for i, m := range list {
		views[i] = m.View
	}
	v.Posts = s.posts(web.Actor(r), views)
	if len(list) > 0 {
		v.pager = pages(r, list[0].Cursor, list[len(list)-1].Cursor, len(list) >= pageSize)
	}
	return s.drawTimeline(w, r, v, title)
}

type youView struct {
	Frame    ui.PageProps
	Me       accountView
	Requests bool
}

// you is the way to everything that is the member's own.
func (s *Service) you(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	me, err := s.Social.Account(ctx, s.DB, by.Account)
	if err != nil {
		return err
	}
	v := youView{Me: s.account(me), Requests: me.Locked}
	if v.Frame, err = s.frame(w, r, t(ctx, "You")); err != nil {
		return err
	}
	v.Frame.Side = footLinks(s.Version)
	return web.Render(w, r, http.StatusOK, youPage(v))
}

package site

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

// noticeView is one thing that a member should hear of.
type noticeView struct {
	Icon, Hue string
	Line      string // what was done, after the name of who did it
	From      accountView
	Post      *postView // what a mention says, in full
	Excerpt   string    // what is spoken of, in short
	Href      string
	At        time.Time
	Unread    bool
	Ask       bool // wants an answer: somebody asks to follow
}

type noticesView struct {
	Frame ui.PageProps
	Tabs  []ui.NavItem
	List  []noticeView
	Now   time.Time
	Any   bool
	pager
}

// notifications lists what others did, newest first; whoever has looked has read.
func (s *Service) notifications(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	f := notice.Filter{Types: notice.Kinds}
	mentions := r.URL.Query().Get("show") == "mentions"
	if mentions {
		f.Types = []string{notice.Mention, notice.Comment}
	}
	at := window(r, 30)
	list, err := s.Notice.List(ctx, by, f, at)
	if err != nil {
		return err
	}
	read, err := s.lastRead(ctx, by)
	if err != nil {
		return err
	}
	v := noticesView{Now: s.DB.Now(), Any: len(list) > 0, Tabs: []ui.NavItem{
		{Label: t(ctx, "All"), Href: "/notifications", Current: !mentions}, {Label: t(ctx, "Mentions"), Href: "/notifications?show=mentions", Current: mentions}}}
	if v.List, err = s.noticeViews(ctx, by, list, read); err != nil {
		return err
	}
	if len(list) > 0 {
		v.pager = pages(r, list[0].ID, list[len(list)-1].ID, len(list) >= 30)
	}
	// Seen is read: the mark moves before the frame counts what is unread.
	if len(list) > 0 && !mentions && list[0].ID > read {
		if _, err := s.Notice.SetMarkers(ctx, by, map[string]id.ID{"notifications": list[0].ID}); err != nil {
			return err
		}
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Notifications")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, noticesPage(v))
}

func (s *Service) lastRead(ctx context.Context, by authz.Actor) (id.ID, error) {
	marks, err := s.Notice.Markers(ctx, by, []string{"notifications"})
	if err != nil || len(marks) == 0 {
		return 0, err
	}
	return marks[0].LastReadID, nil
}

func (s *Service) noticeViews(ctx context.Context, by authz.Actor, list []notice.Notice, read id.ID) ([]noticeView, error) {
	var people, posts []id.ID
	for _, x := range list {
		people = append(people, x.From)
		if x.Post != 0 {
			posts = append(posts, x.Post)
		}
	}
	accounts, err := s.Social.Accounts(ctx, s.DB, people)
	if err != nil {
		return nil, err
	}
	views, err := s.Social.Posts(ctx, by, posts)
	if err != nil {
		return nil, err
	}
	who := map[id.ID]*social.Account{}
	for _, a := range accounts {
		who[a.ID] = a
	}
	what := map[id.ID]*social.View{}
	for _, v := range views {
		what[v.ID] = v
	}
	var out []noticeView
	for _, x := range list {
		from, about := who[x.From], what[x.Post]
		if from != nil && x.Comment != 0 {
			v, ok, err := s.discussionView(ctx, by, x, from, x.ID > read)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, v)
			}
			continue
		}
		if from == nil || x.Post != 0 && about == nil {
			continue // gone since
		}
		out = append(out, s.noticeView(ctx, by, x, from, about, x.ID > read))
	}
	return out, nil
}

// discussionView is a notice about a comment, or false if it was taken back since.
func (s *Service) discussionView(ctx context.Context, by authz.Actor, x notice.Notice, from *social.Account, unread bool) (noticeView, bool, error) {
	c, err := s.Decision.CommentByID(ctx, s.DB, x.Comment)
	if err != nil || !c.Deleted.IsZero() {
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return noticeView{}, false, err
	}
	m, err := s.Decision.ByID(ctx, by, c.Decision)
	if err != nil {
		return noticeView{}, false, err
	}
	v := noticeView{From: s.account(from), At: x.CreatedAt, Unread: unread, Icon: "vote", Hue: "violet", Excerpt: firstLine(c.Text)}
	number := strconv.FormatInt(m.Number, 10)
	v.Href = "/decisions/" + number + "#c" + c.ID.String()
	if x.Kind == notice.Reaction {
		v.Icon, v.Line = "star", t(ctx, "reacted to your comment on motion %s", number)
	} else {
		v.Line = t(ctx, "wrote to you in the discussion of motion %s", number)
	}
	return v, true, nil
}

func (s *Service) noticeView(ctx context.Context, by authz.Actor, x notice.Notice, from *social.Account, about *social.View, unread bool) noticeView {
	v := noticeView{From: s.account(from), At: x.CreatedAt, Unread: unread, Href: "/@" + from.Acct()}
	v.Icon, v.Hue, v.Line = noticeWords(ctx, x.Kind)
	v.Ask = x.Kind == notice.FollowRequest
	if about == nil {
		return v
	}
	v.Href = postPath(about.Shown())
	if x.Kind == notice.Mention || x.Kind == notice.Status {
		v.Post = s.post(by, about, s.DB.Now())
		return v
	}
	if v.Excerpt = firstLine(posttext.PlainText(about.Shown().Content)); about.Shown().Summary != "" {
		v.Excerpt = about.Shown().Summary
	}
	if v.Excerpt == "" {
		v.Excerpt = t(ctx, "A post with pictures")
	}
	return v
}

func noticeWords(ctx context.Context, kind string) (icon, hue, line string) {
	switch kind {
	case notice.Mention:
		return "at", "accent", t(ctx, "mentioned you")
	case notice.Status:
		return "bell", "accent", t(ctx, "posted")
	case notice.Boost:
		return "boost", "green", t(ctx, "boosted your post")
	case notice.Favourite:
		return "star", "gold", t(ctx, "favourited your post")
	case notice.Follow:
		return "people", "blue", t(ctx, "follows you")
	case notice.FollowRequest:
		return "people", "orange", t(ctx, "asks to follow you")
	case notice.Update:
		return "pencil", "violet", t(ctx, "changed a post that you boosted")
	}
	return "info", "plain", kind
}

func (s *Service) clearNotifications(w http.ResponseWriter, r *http.Request) error {
	by := web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	if err := s.Notice.Clear(r.Context(), by); err != nil {
		return err
	}
	return web.Redirect(w, r, "/notifications")
}

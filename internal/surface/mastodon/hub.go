package mastodon

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

// The names of streams as they stand in messages. spec: mastodon/methods/streaming#streams
const (
	streamUser          = "user"
	streamNotices       = "user:notification"
	streamPublic        = "public"
	streamPublicMedia   = "public:media"
	streamLocal         = "public:local"
	streamLocalMedia    = "public:local:media"
	streamRemote        = "public:remote"
	streamRemoteMedia   = "public:remote:media"
	streamHashtag       = "hashtag"
	streamHashtagLocal  = "hashtag:local"
	streamDirect        = "direct"
	streamList          = "list" // this server has no lists, so nothing ever comes
	maxListeners        = 4096   // open streams in this process
	maxPerAccount       = 24
	maxStreams          = 24  // of one connection
	outgoing            = 128 // events that may wait for a reader before it is cut off
	waitingPosts        = 4096
	keepAlive           = 15 * time.Second
	handlingTakesAtMost = 10 * time.Second
)

// stream is what a connection listens to: a kind and, for hashtags, which.
type stream struct{ kind, tag string }

// frame is one event on its way to a reader.
type frame struct {
	stream stream
	event  string
	data   string
}

// hub hears of new posts and hands them to the open streams. It listens to the bus only while there
// are any, and one goroutine asks the database for all of them.
type hub struct {
	s     *Service
	every time.Duration // between signs of life

	mu        sync.Mutex
	open      map[*listener]struct{}
	byAccount map[id.ID]int
	stop      context.CancelFunc
}

func newHub(s *Service) *hub {
	return &hub{s: s, every: keepAlive, open: map[*listener]struct{}{}, byAccount: map[id.ID]int{}}
}

// listener is one connection.
type listener struct {
	hub   *hub
	by    authz.Actor
	token string
	out   chan frame
	ctx   context.Context // ends with the connection
	close context.CancelFunc

	mu      sync.Mutex
	streams map[stream]bool
}

// join opens a listener; leave must be called.
func (h *hub) join(ctx context.Context, by authz.Actor, token string) (*listener, error) {
	ctx, end := context.WithCancel(ctx)
	l := &listener{hub: h, by: by, token: token, out: make(chan frame, outgoing), ctx: ctx, close: end, streams: map[stream]bool{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.open) >= maxListeners || by.Account != 0 && h.byAccount[by.Account] >= maxPerAccount {
		l.close()
		return nil, fault.New(fault.Conflict, "Too many streams are open at once. Please close some first.")
	}
	h.open[l] = struct{}{}
	h.byAccount[by.Account]++
	if h.stop == nil {
		// The hub outlives the request that woke it.
		run, stop := context.WithCancel(context.WithoutCancel(ctx))
		h.stop = stop
		sub := h.s.Bus.Subscribe(social.TopicNew, social.TopicGone, social.TopicEdit)
		go h.run(run, sub)
	}
	if by.Account != 0 {
		sub := h.s.Bus.Subscribe(notice.Topic + by.Account.String())
		go l.notices(ctx, sub)
	}
	return l, nil
}

func (l *listener) leave() {
	l.close()
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, here := h.open[l]; !here {
		return
	}
	delete(h.open, l)
	if h.byAccount[l.by.Account]--; h.byAccount[l.by.Account] <= 0 {
		delete(h.byAccount, l.by.Account)
	}
	if len(h.open) == 0 {
		h.stop()
		h.stop = nil
	}
}

// run works on what the bus says, until nobody listens any more. The bus cuts a slow reader off, so a
// queue of our own takes bursts; if even that is full, events are lost, as streams may lose some.
func (h *hub) run(ctx context.Context, sub *bus.Subscription) {
	queue := make(chan bus.Message, waitingPosts)
	go func() {
		for {
			select {
			case <-ctx.Done():
				sub.Close()
				return
			case m, ok := <-sub.C:
				if !ok {
					if ctx.Err() == nil {
						sub = h.s.Bus.Subscribe(social.TopicNew, social.TopicGone, social.TopicEdit)
						continue
					}
					return
				}
				select {
				case queue <- m:
				default:
				}
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-queue:
			h.handle(ctx, m)
		}
	}
}

func (h *hub) handle(ctx context.Context, m bus.Message) {
	ctx, cancel := context.WithTimeout(ctx, handlingTakesAtMost)
	defer cancel()
	post := id.Parse(m.Payload)
	var err error
	switch m.Topic {
	case social.TopicNew:
		err = h.published(ctx, post)
	case social.TopicEdit:
		err = h.edited(ctx, post)
	case social.TopicGone:
		for _, l := range h.listeners() {
			for _, st := range l.all() {
				if st.kind != streamNotices && st.kind != streamDirect && st.kind != streamList {
					l.send(frame{st, "delete", post.String()})
				}
			}
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) && !fault.Is(err, fault.NotFound) {
		h.s.Log.WarnContext(ctx, "could not stream a post", "post", post.String(), "error", err.Error())
	}
}

func (h *hub) listeners() []*listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*listener, 0, len(h.open))
	for l := range h.open {
		out = append(out, l)
	}
	return out
}

// owners tells which of the listening accounts have the post in their home timeline.
func (h *hub) owners(ctx context.Context, post id.ID, all []*listener) (map[id.ID]bool, error) {
	var accounts []id.ID
	for _, l := range all {
		if l.by.Account != 0 && l.has(stream{kind: streamUser}) && !slices.Contains(accounts, l.by.Account) {
			accounts = append(accounts, l.by.Account)
		}
	}
	if len(accounts) == 0 {
		return nil, nil
	}
	owners, err := h.s.Social.InHome(ctx, post, accounts)
	out := make(map[id.ID]bool, len(owners))
	for _, o := range owners {
		out[o] = true
	}
	return out, err
}

// published hands a new post to the homes it is in, to the public streams, and a direct one to whom it
// is for.
func (h *hub) published(ctx context.Context, post id.ID) error {
	all := h.listeners()
	owners, err := h.owners(ctx, post, all)
	if err != nil {
		return err
	}
	seen := h.viewer(ctx, post)
	open, err := seen(0) // as anybody sees it
	if err != nil {
		return err
	}
	// Nobody has marked a post that was written a moment ago, so one rendering serves all; a boost
	// shows an older post, which each viewer sees with marks of their own.
	var fresh string
	render := func(v *social.View) string {
		if v.Boost != nil {
			return string(h.s.appendStatus(nil, v, true))
		}
		if fresh == "" {
			fresh = string(h.s.appendStatus(nil, v, true))
		}
		return fresh
	}
	for _, l := range all {
		if owners[l.by.Account] {
			v := open
			if v == nil || v.Boost != nil {
				if v, err = seen(l.by.Account); err != nil {
					return err
				}
			}
			if v != nil {
				l.send(frame{stream{kind: streamUser}, "update", render(v)})
			}
		}
		if open != nil {
			if err := h.toPublic(ctx, l, open, "update", render); err != nil {
				return err
			}
		} else if st := (stream{kind: streamDirect}); l.by.Account != 0 && l.has(st) {
			v, err := seen(l.by.Account)
			if err != nil {
				return err
			}
			if v != nil && v.Visibility == social.Direct {
				c := &conversationOf{h.s, l.by.Account}
				text, err := c.render(ctx, v)
				if err != nil {
					return err
				}
				l.send(frame{st, "conversation", text})
			}
		}
	}
	return nil
}

type conversationOf struct {
	s       *Service
	account id.ID
}

func (c *conversationOf) render(ctx context.Context, v *social.View) (string, error) {
	ids := slices.DeleteFunc(append([]id.ID{v.AccountID}, mentionedIDs(v)...), func(i id.ID) bool { return i == c.account })
	accounts, err := c.s.Social.Accounts(ctx, c.s.DB, ids)
	return string(c.s.appendConversation(nil, v, accounts)), err
}

// viewer looks a post up as different accounts see it, each once; nil where one may not see it.
func (h *hub) viewer(ctx context.Context, post id.ID) func(id.ID) (*social.View, error) {
	known := map[id.ID]*social.View{}
	return func(account id.ID) (*social.View, error) {
		if v, ok := known[account]; ok {
			return v, nil
		}
		v, err := h.s.Social.Post(ctx, authz.Actor{Account: account, Via: authz.API}, post)
		if fault.Is(err, fault.NotFound) {
			v, err = nil, nil
		}
		if err == nil {
			known[account] = v
		}
		return v, err
	}
}

// toPublic hands a public post to those of the listener's streams that it belongs to, unless the
// member does not want to see its author, or would not meet a limited one.
func (h *hub) toPublic(ctx context.Context, l *listener, v *social.View, event string, render func(*social.View) string) error {
	if v.Boost != nil || v.Visibility != social.Public {
		return nil
	}
	asked := false
	for _, st := range l.all() {
		if !st.takes(v) {
			continue
		}
		if !asked && (l.by.Account != 0 || v.Quiet) && l.by.Account != v.AccountID {
			asked = true
			m, err := h.s.Social.Relations(ctx, h.s.DB, l.by.Account, []id.ID{v.AccountID})
			if err != nil {
				return err
			}
			if r := m[v.AccountID]; r.Blocking || r.BlockedBy || r.Muting || v.Quiet && !r.Follows {
				return nil
			}
		}
		l.send(frame{st, event, render(v)})
	}
	return nil
}

// takes tells whether a public post belongs into the stream.
func (st stream) takes(v *social.View) bool {
	pictures := len(v.Media) > 0
	switch st.kind {
	case streamPublic:
		return v.Listed
	case streamPublicMedia:
		return v.Listed && pictures
	case streamLocal:
		return v.Listed && v.Local
	case streamLocalMedia:
		return v.Listed && v.Local && pictures
	case streamRemote:
		return v.Listed && !v.Local
	case streamRemoteMedia:
		return v.Listed && !v.Local && pictures
	case streamHashtag:
		return slices.Contains(v.Tags, st.tag)
	case streamHashtagLocal:
		return v.Local && slices.Contains(v.Tags, st.tag)
	}
	return false
}

// edited hands the new form of a post to whoever may have seen the old one.
func (h *hub) edited(ctx context.Context, post id.ID) error {
	all := h.listeners()
	owners, err := h.owners(ctx, post, all)
	if err != nil {
		return err
	}
	seen := h.viewer(ctx, post)
	render := func(v *social.View) string { return string(h.s.appendStatus(nil, v, true)) }
	for _, l := range all {
		v, err := seen(l.by.Account)
		if err != nil {
			return err
		}
		if v == nil {
			continue
		}
		if owners[l.by.Account] {
			l.send(frame{stream{kind: streamUser}, "status.update", render(v)})
		}
		if err := h.toPublic(ctx, l, v, "status.update", render); err != nil {
			return err
		}
	}
	return nil
}

// notices hands the account's notices to the connection.
func (l *listener) notices(ctx context.Context, sub *bus.Subscription) {
	defer sub.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-sub.C:
			if !ok {
				l.close() // too slow: the app connects again and reads what it missed
				return
			}
			l.notice(ctx, id.Parse(m.Payload))
		}
	}
}

func (l *listener) notice(ctx context.Context, i id.ID) {
	here, only := l.has(stream{kind: streamUser}), l.has(stream{kind: streamNotices})
	if !here && !only || !l.by.Allows("read:notifications") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handlingTakesAtMost)
	defer cancel()
	n, err := l.hub.s.Notice.Get(ctx, l.by, i)
	if err != nil {
		return // taken back already, or the connection is ending
	}
	all, err := l.hub.s.tell(ctx, l.by, []notice.Notice{n})
	if err != nil || len(all) == 0 {
		return
	}
	data := string(l.hub.s.appendNotice(nil, all[0]))
	if here {
		l.send(frame{stream{kind: streamUser}, "notification", data})
	}
	if only {
		l.send(frame{stream{kind: streamNotices}, "notification", data})
	}
}

// send puts an event into the reader's queue; a reader that does not keep up is cut off.
func (l *listener) send(f frame) {
	select {
	case l.out <- f:
	case <-l.ctx.Done():
	default:
		l.close()
	}
}

// alive reports whether the token still lets its bearer in.
func (l *listener) alive(ctx context.Context) bool {
	by, err := l.hub.s.Identity.ByToken(ctx, l.token)
	return err == nil && by.Session == l.by.Session && by.Session != 0
}

func (l *listener) has(st stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams[st]
}

func (l *listener) all() []stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]stream, 0, len(l.streams))
	for st := range l.streams {
		out = append(out, st)
	}
	return out
}

func (l *listener) set(st stream, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !on {
		delete(l.streams, st)
	} else if len(l.streams) < maxStreams {
		l.streams[st] = true
	}
}

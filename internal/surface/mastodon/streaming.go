package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/posttext"
)

// streaming lists the addresses of streams. spec: mastodon/methods/streaming
func (s *Service) streaming() []web.Route {
	out := []web.Route{
		{Pattern: "GET /api/v1/streaming/health", Style: web.Plain, Handler: health},
		{Pattern: "GET /api/v1/streaming", Style: web.API, Limit: streams, Handler: s.socket},
		{Pattern: "GET /api/v1/streaming/{$}", Style: web.API, Limit: streams, Handler: s.socket},
	}
	for path, kind := range map[string]string{"user": streamUser, "user/notification": streamNotices, "public": streamPublic,
		"public/local": streamLocal, "public/remote": streamRemote, "hashtag": streamHashtag, "hashtag/local": streamHashtagLocal,
		"direct": streamDirect, "list": streamList} {
		out = append(out, web.Route{Pattern: "GET /api/v1/streaming/" + path, Style: web.API, Limit: streams, Handler: s.events(kind)})
	}
	return out
}

// want checks that the bearer may listen to a stream. spec: mastodon/methods/streaming#streams
func (l *listener) want(kind, tag string, onlyMedia bool) (stream, error) {
	st := stream{kind: kind}
	scope := "read:statuses"
	switch kind {
	case streamUser, streamDirect:
	case streamNotices:
		scope = "read:notifications"
	case streamList:
		scope = "read:lists"
	case streamPublic, streamLocal, streamRemote:
		if onlyMedia {
			st.kind += ":media"
		}
		return st, nil
	case streamPublicMedia, streamLocalMedia, streamRemoteMedia:
		return st, nil
	case streamHashtag, streamHashtagLocal:
		if st.tag = posttext.FoldTag(tag); st.tag == "" {
			return st, fault.New(fault.Invalid, "Missing tag name parameter")
		}
		return st, nil
	default:
		return st, fault.New(fault.Invalid, "Unknown stream type")
	}
	switch {
	case l.by.Account == 0:
		return st, errNoOne
	case !l.by.Allows(scope):
		return st, errScope
	}
	return st, nil
}

// listen opens a listener for who makes the request.
func (s *Service) listen(r *http.Request) (*listener, error) {
	by := web.Actor(r)
	if by.Session == 0 {
		return nil, web.ErrToken
	}
	return s.hub.join(r.Context(), by, tokenOf(r))
}

// tokenOf finds the token by which web knew the bearer.
func tokenOf(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if t := r.URL.Query().Get("access_token"); t != "" {
		return t
	}
	return r.Header.Get("Sec-WebSocket-Protocol")
}

// events serves one stream as server-sent events.
func (s *Service) events(kind string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		l, err := s.listen(r)
		if err != nil {
			return err
		}
		defer l.leave()
		q := r.URL.Query()
		st, err := l.want(kind, q.Get("tag"), q.Get("only_media") == "true" || q.Get("only_media") == "1")
		if err != nil {
			return err
		}
		l.set(st, true)
		out, err := web.NewStream(w)
		if err != nil {
			return err
		}
		return l.pump(l.ctx, func(f frame) error { return out.Send(f.event, f.data) }, func() error { return out.Comment("thump") })
	}
}

// pump writes events and signs of life until the reader is gone, too slow or not let in any more.
func (l *listener) pump(ctx context.Context, send func(frame) error, thump func() error) error {
	tick := time.NewTicker(l.hub.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-l.out:
			if !l.alive(ctx) || send(f) != nil { // a reader who hung up is no error of ours
				return nil
			}
		case <-tick.C:
			if !l.alive(ctx) || thump() != nil {
				return nil
			}
		}
	}
}

// socket serves any number of streams over one WebSocket.
// spec: mastodon/methods/streaming#websocket
func (s *Service) socket(w http.ResponseWriter, r *http.Request) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return fault.New(fault.Invalid, "This address speaks WebSocket only.")
	}
	l, err := s.listen(r)
	if err != nil {
		return err
	}
	defer l.leave()
	q := r.URL.Query()
	if kind := q.Get("stream"); kind != "" {
		st, err := l.want(kind, q.Get("tag"), q.Get("only_media") == "true")
		if err != nil {
			return err
		}
		l.set(st, true)
	}
	o := &websocket.AcceptOptions{InsecureSkipVerify: true} // the token says who it is, not where the page came from
	if p := r.Header.Get("Sec-WebSocket-Protocol"); p != "" {
		o.Subprotocols = []string{p}
	}
	ws, err := websocket.Accept(w, r, o)
	if err != nil {
		return nil // it has answered for itself
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(4096)
	go l.commands(ws)
	err = l.pump(l.ctx, func(f frame) error { return write(l.ctx, ws, f) }, func() error { return ping(l.ctx, ws) })
	if err == nil {
		_ = ws.Close(websocket.StatusNormalClosure, "")
	}
	return err
}

const writeTakesAtMost = 10 * time.Second

func ping(ctx context.Context, ws *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, writeTakesAtMost)
	defer cancel()
	return ws.Ping(ctx)
}

func write(ctx context.Context, ws *websocket.Conn, v any) error {
	if f, ok := v.(frame); ok {
		name := []string{f.stream.kind}
		if f.stream.tag != "" {
			name = append(name, f.stream.tag)
		}
		v = map[string]any{"stream": name, "event": f.event, "payload": f.data}
	}
	b, err := encode(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTakesAtMost)
	defer cancel()
	return ws.Write(ctx, websocket.MessageText, b)
}

// commands reads what the app wants to hear, until it hangs up.
func (l *listener) commands(ws *websocket.Conn) {
	defer l.close()
	for {
		kind, b, err := ws.Read(l.ctx)
		if err != nil {
			return
		}
		var m struct {
			Type   string `json:"type"`
			Stream string `json:"stream"`
			Tag    string `json:"tag"`
		}
		if kind != websocket.MessageText || json.Unmarshal(b, &m) != nil {
			continue // what nobody can read changes nothing
		}
		st, err := l.want(m.Stream, m.Tag, false)
		var f *fault.Error
		if errors.As(err, &f) {
			words, _ := fault.Words(err)
			if write(l.ctx, ws, map[string]any{"error": words, "status": 400}) != nil {
				return
			}
			continue
		}
		switch m.Type {
		case "subscribe":
			l.set(st, true)
		case "unsubscribe":
			l.set(st, false)
		}
	}
}

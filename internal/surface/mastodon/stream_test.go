package mastodon

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rochdale/internal/kit/authz"
)

// socket is an open WebSocket of a person.
type socket struct {
	t  testing.TB
	ws *websocket.Conn
}

type event struct {
	Stream  []string `json:"stream"`
	Event   string   `json:"event"`
	Payload string   `json:"payload"`
	Error   string   `json:"error"`
}

func (p *person) connect(query string) *socket {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(p.world.http.URL, "http")+"/api/v1/streaming"+query, &websocket.DialOptions{Subprotocols: []string{p.token}})
	if err != nil {
		p.Fatal(err)
	}
	if res.Body != nil {
		_ = res.Body.Close()
	}
	p.Cleanup(func() { _ = ws.CloseNow() })
	return &socket{p, ws}
}

func (s *socket) say(v any) *socket {
	s.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.ws.Write(context.Background(), websocket.MessageText, b); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// next waits for an event.
func (s *socket) next() event {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, b, err := s.ws.Read(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	var e event
	if err := json.Unmarshal(b, &e); err != nil {
		s.t.Fatal(err)
	}
	return e
}

// listening waits until the hub has so many streams open, so that a test misses nothing.
func (w *world) listening(n int) {
	w.Helper()
	for range 1000 {
		open := 0
		for _, l := range w.hub.listeners() {
			open += len(l.all())
		}
		if open == n {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.Fatalf("no %d streams after five seconds", n)
}

func TestStreamsOverAWebSocket(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, bob := w.member("ada", allScopes), w.member("bob", allScopes)
		bob.follows(ada)
		s := bob.connect("?stream=user")
		s.say(map[string]string{"type": "subscribe", "stream": "hashtag", "tag": "Loom"}).say(map[string]string{"type": "subscribe", "stream": "public:local"})
		w.listening(3)
		id := ada.writes("a #loom", "public")
		got := map[string]string{}
		for range 3 {
			e := s.next()
			got[strings.Join(e.Stream, " ")] = e.Event
			if !strings.Contains(e.Payload, id) {
				t.Errorf("payload: %s", e.Payload)
			}
		}
		for _, name := range []string{"user", "hashtag loom", "public:local"} {
			if got[name] != "update" {
				t.Errorf("%s: %q", name, got[name])
			}
		}
		s.say(map[string]string{"type": "unsubscribe", "stream": "hashtag", "tag": "loom"}).say(map[string]string{"type": "unsubscribe", "stream": "public:local"})
		w.listening(1)
		mention := ada.writes("@bob hello", "private")
		for range 2 {
			e := s.next()
			if e.Event != "update" && e.Event != "notification" || !strings.Contains(e.Payload, mention) {
				t.Errorf("got %+v", e)
			}
		}
		w.clock.Advance(1e9)
		ada.call(ada.token, "PUT", "/api/v1/statuses/"+id, map[string]string{"status": "a #loom, changed"}).want(200)
		if e := s.next(); e.Event != "status.update" || !strings.Contains(e.Payload, "changed") {
			t.Errorf("got %+v", e)
		}
		ada.call(ada.token, "DELETE", "/api/v1/statuses/"+id, nil).want(200)
		if e := s.next(); e.Event != "delete" || e.Payload != id {
			t.Errorf("got %+v", e)
		}
		if e := s.say(map[string]string{"type": "subscribe", "stream": "nonsense"}).next(); e.Error == "" {
			t.Errorf("got %+v", e)
		}
	})
}

// A stranger listens to everything there is and hears only of public posts.
func TestStreamsDoNotLeak(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, friend, eve, blocked := w.member("ada", allScopes), w.member("friend", allScopes), w.member("eve", allScopes), w.member("blocked", allScopes)
		friend.follows(ada)
		ada.post("/api/v1/accounts/"+blocked.ID.String()+"/block", nil).want(200)
		var all []*socket
		for _, p := range []*person{eve, blocked} {
			s := p.connect("?stream=user")
			for _, st := range []string{"public", "public:local", "direct", "user:notification"} {
				s.say(map[string]string{"type": "subscribe", "stream": st})
			}
			s.say(map[string]string{"type": "subscribe", "stream": "hashtag", "tag": "loom"})
			all = append(all, s)
		}
		w.listening(12)
		ada.writes("hidden #loom", "private")
		ada.writes("hidden @friend #loom", "direct")
		ada.writes("quiet #loom", "unlisted")
		sign := friend.writes("the end #loom", "public")
		for n, s := range all {
			for range 3 { // public, public:local, hashtag
				if e := s.next(); !strings.Contains(e.Payload, sign) {
					t.Errorf("listener %d heard %+v", n, e)
				}
			}
		}
	})
}

func TestServerSentEvents(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ada, bob := w.member("ada", allScopes), w.member("bob", allScopes)
		req, err := http.NewRequest(http.MethodGet, w.http.URL+"/api/v1/streaming/user/notification", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+ada.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		w.listening(1)
		bob.follows(ada)
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if !strings.Contains(data, `"type":"follow"`) || !strings.Contains(data, `"acct":"bob"`) {
					t.Errorf("got %s", data)
				}
				return
			}
		}
		t.Error("the stream ended without an event")
	})
}

// Nobody hears anything more once their token is revoked.
func TestARevokedTokenEndsItsStreams(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.hub.every = 20 * time.Millisecond
		ada, bob := w.member("ada", allScopes), w.member("bob", allScopes)
		bob.follows(ada)
		s := bob.connect("?stream=user")
		w.listening(1)
		by, err := w.Identity.ByToken(context.Background(), bob.token)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Identity.EndApp(context.Background(), authz.Actor{Login: bob.login}, by.Session); err != nil {
			t.Fatal(err)
		}
		ada.writes("after the end", "public")
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, b, err := s.ws.Read(ctx); err == nil {
			t.Errorf("heard %s", b)
		} else if ctx.Err() != nil {
			t.Error("the stream is still open")
		}
		w.listening(0)
	})
}

func TestStreamsNeedTheRightToken(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.call("", "GET", "/api/v1/streaming/public", nil).want(401)
		w.call("", "GET", "/api/v1/streaming?stream=user", nil, "Upgrade", "websocket", "Connection", "Upgrade").want(401)
		w.member("reader", "read:accounts").get("/api/v1/streaming/user").want(403)
		ada := w.member("ada", allScopes)
		ada.get("/api/v1/streaming/hashtag").want(422)
		ada.get("/api/v1/streaming?stream=user").want(422)
		w.listening(0)
	})
}

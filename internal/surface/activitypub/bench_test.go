package activitypub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"rochdale/internal/lib/httpsig"
)

// BenchmarkActor is one GET of an actor's document, through the router and all that stands before it.
func BenchmarkActor(b *testing.B) {
	c := newClock()
	a := newNode(b, "a", sqlite(b, c), c)
	a.member("ann")
	a.document("/users/ann")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if w := a.ask("/users/ann", "application/activity+json", nil); w.Code != http.StatusOK {
				b.Error(w.Code)
			}
		}
	})
}

// letters are signed requests, made before the clock runs.
func letters(b *testing.B, a *node, s *stranger, who, about string, n int) []*http.Request {
	b.Helper()
	out := make([]*http.Request, n)
	for i := range out {
		note := doc{"id": fmt.Sprintf("%s/n/%d", who, i), "type": "Note", "attributedTo": who, "content": "<p>hello there</p>",
			"to": []string{about}, "tag": []doc{{"type": "Mention", "href": about}}, "published": "2027-01-04T08:59:00Z"}
		body, err := json.Marshal(s.fill(who, doc{"type": "Create", "object": note}))
		if err != nil {
			b.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/inbox", bytes.NewReader(body))
		r.Host = a.Site.Host
		if err := httpsig.Sign(r, who+"#main-key", s.key, httpsig.Digest(body), a.DB.Now()); err != nil {
			b.Fatal(err)
		}
		out[i] = r
	}
	return out
}

// BenchmarkInbox is one activity from its arrival to the answer: signature, digest and commit.
func BenchmarkInbox(b *testing.B) {
	c := newClock()
	a := newNode(b, "a", sqlite(b, c), c)
	ann := a.member("ann")
	s := newStranger(b, "s")
	sue := s.actor("sue")
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	all := make(chan *http.Request, b.N)
	for _, r := range letters(b, a, s, sue, ann.URI, b.N) {
		all <- r
	}
	b.SetParallelism(16)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := httptest.NewRecorder()
			a.http.Config.Handler.ServeHTTP(w, <-all)
			if w.Code != http.StatusAccepted {
				b.Error(w.Code)
			}
		}
	})
}

// BenchmarkProcess is one accepted Create with a mention, from the queue to the stored post.
func BenchmarkProcess(b *testing.B) {
	c := newClock()
	a := newNode(b, "a", sqlite(b, c), c)
	ann := a.member("ann")
	s := newStranger(b, "s")
	sue := s.actor("sue")
	s.tell(a, sue, doc{"type": "Follow", "object": ann.URI})
	for _, r := range letters(b, a, s, sue, ann.URI, b.N) {
		w := httptest.NewRecorder()
		a.http.Config.Handler.ServeHTTP(w, r)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for {
		n, err := a.processDue(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
}

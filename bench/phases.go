package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"rochdale/internal/app"
	"rochdale/internal/lib/httpsig"
)

type appConfig = app.Config

const (
	form     = "application/x-www-form-urlencoded"
	activity = "application/activity+json"
)

func (s *server) posting(w *world) func(i int) []byte {
	return func(i int) []byte {
		return s.post("/api/v1/statuses", w.tokens[0], form, fmt.Sprintf("status=%s&visibility=public", escape(fmt.Sprintf("Bench post %d %d", i, time.Now().UnixNano()))))
	}
}

// phases runs the loads one after the other, each on a program that has nothing left in hand.
func (s *server) phases(w *world) error {
	show := func(r *result, err error) error {
		if err != nil {
			return err
		}
		fmt.Println(r)
		if left := s.settle(); left > time.Second {
			fmt.Printf("%34s then %.1f s of work in the background\n", "", left.Seconds())
		}
		return nil
	}
	few := max(*requests/4, 50)
	type step struct {
		name string
		run  func(name string) error
	}
	home := s.get("/api/v1/timelines/home?limit=20", w.tokens[0], "")
	steps := []step{
		{"post, no follower, 1 client", func(n string) error { return show(s.load(n, few, 1, s.posting(w))) }},
		{"post, no follower", func(n string) error { return show(s.load(n, few, *clients, s.posting(w))) }},
		{"post, 1 follower", func(n string) error {
			if err := follow(s.config, w, 1, 2); err != nil {
				return err
			}
			return show(s.load(n, few, *clients, s.posting(w)))
		}},
		{"post, 100 followers, 1 client", func(n string) error {
			if err := follow(s.config, w, 1, 101); err != nil {
				return err
			}
			return show(s.load(n, few, 1, s.posting(w)))
		}},
		{"post, 100 followers", func(n string) error { return show(s.load(n, few, *clients, s.posting(w))) }},
		{"home", func(n string) error {
			return show(s.load(n, *requests*10, *clients, func(int) []byte { return home }))
		}},
		{"home of 100 members", func(n string) error {
			return show(s.load(n, *requests*5, *clients, func(i int) []byte {
				return s.get("/api/v1/timelines/home?limit=20", w.tokens[i%len(w.tokens)], "")
			}))
		}},
		{"home under writes", func(n string) error { return s.underWrites(n, w, show) }},
		{"public", func(n string) error {
			return show(s.load(n, *requests*5, *clients, func(int) []byte {
				return s.get("/api/v1/timelines/public?local=true&limit=20", w.tokens[1%len(w.tokens)], "")
			}))
		}},
		{"home page (HTML, visitor: /local)", func(n string) error {
			return show(s.load(n, *requests, *clients, func(int) []byte { return s.get("/local", "", "text/html") }))
		}},
		{"actor", func(n string) error {
			return show(s.load(n, *requests*10, *clients, func(int) []byte { return s.get("/users/bench0", "", activity) }))
		}},
		{"webfinger", func(n string) error {
			return show(s.load(n, *requests*10, *clients, func(int) []byte {
				return s.get("/.well-known/webfinger?resource=acct:bench0@"+s.addr, "", "")
			}))
		}},
		{"inbox", func(n string) error { return s.inbox(n, w, show) }},
	}
	for _, st := range steps {
		if wants(st.name) {
			if err := st.run(st.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// underWrites reads homes while another client posts as fast as it can.
func (s *server) underWrites(name string, w *world, show func(*result, error) error) error {
	stop := make(chan struct{})
	var writes int
	var wg sync.WaitGroup
	wg.Go(func() {
		next := s.posting(w)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			r, err := s.load("", 1, 1, func(int) []byte { return next(i) })
			if err != nil || r.bad.Load() > 0 {
				return
			}
			writes++
		}
	})
	begin := time.Now()
	r, err := s.load(name, *requests*5, *clients, func(i int) []byte {
		return s.get("/api/v1/timelines/home?limit=20", w.tokens[i%len(w.tokens)], "")
	})
	close(stop)
	wg.Wait()
	if err != nil {
		return err
	}
	r.name = fmt.Sprintf("%s (%.0f posts/s)", name, float64(writes)/time.Since(begin).Seconds())
	return show(r, nil)
}

// peer is another server, as far as an inbox can tell: an actor with a key.
type peer struct {
	url string
	key *rsa.PrivateKey
}

func newPeer() (*peer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	base := "http://" + l.Addr().String()
	p := &peer{url: base + "/actor", key: key}
	doc, err := json.Marshal(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": p.url, "type": "Person", "preferredUsername": "actor",
		"inbox": base + "/inbox", "outbox": base + "/outbox", "publicKey": map[string]any{"id": p.url + "#main-key", "owner": p.url,
			"publicKeyPem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/actor", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", activity)
		_, _ = w.Write(doc)
	})
	mux.HandleFunc("/.well-known/webfinger", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json")
		_, _ = fmt.Fprintf(w, `{"subject":"acct:actor@%s","links":[{"rel":"self","type":%q,"href":%q}]}`, l.Addr(), activity, p.url)
	})
	mux.HandleFunc("/inbox", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	go func() { _ = (&http.Server{Handler: mux, ReadHeaderTimeout: time.Second}).Serve(l) }()
	return p, nil
}

// inbox sends activities that were signed before the clock starts, then waits until every one of them
// can be read, and says how many can.
func (s *server) inbox(name string, w *world, show func(*result, error) error) error {
	p, err := newPeer()
	if err != nil {
		return err
	}
	n := max(*requests/2, 200)
	before, err := s.mentions(w)
	if err != nil {
		return err
	}
	raw := make([][]byte, n)
	for i := range raw {
		if raw[i], err = p.note(s, i); err != nil {
			return err
		}
	}
	if _, err := s.load(name, 1, 1, func(int) []byte { return raw[0] }); err != nil { // the key is fetched once
		return err
	}
	begin := time.Now()
	r, err := s.load(name+" accepted", n-1, *clients, func(i int) []byte { return raw[i+1] })
	if err != nil {
		return err
	}
	fmt.Println(r)
	seen := 0
	for time.Since(begin) < 2*time.Minute {
		got, err := s.mentions(w)
		if err != nil {
			return err
		}
		if seen = got - before; seen >= n {
			break
		}
		time.Sleep(200 * time.Millisecond) // reading them costs the program, too
	}
	fmt.Printf("%-34s %9.0f/s  %d of %d stored and visible after %.2f s\n", name+" processed", float64(seen)/time.Since(begin).Seconds(), seen, n, time.Since(begin).Seconds())
	s.settle()
	return nil
}

func (p *peer) note(s *server, i int) ([]byte, error) {
	at := time.Now().UTC()
	nid := fmt.Sprintf("%s/n/%d-%d", p.url, i, at.UnixNano())
	public := "https://www.w3.org/ns/activitystreams#Public"
	to := s.url + "/users/bench0"
	body, err := json.Marshal(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": nid + "/activity", "type": "Create", "actor": p.url,
		"published": at.Format(time.RFC3339), "to": []string{public}, "cc": []string{to}, "object": map[string]any{"id": nid, "type": "Note", "attributedTo": p.url,
			"published": at.Format(time.RFC3339), "url": nid, "content": fmt.Sprintf("<p>bench note %d</p>", i), "to": []string{public}, "cc": []string{to},
			"tag": []any{map[string]any{"type": "Mention", "href": to, "name": "@bench0@" + s.addr}}}})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, s.url+"/users/bench0/inbox", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", activity)
	if err := httpsig.Sign(req, p.url+"#main-key", p.key, httpsig.Digest(body), at); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = req.Write(&b)
	return b.Bytes(), err
}

// mentions counts the notices of the first account.
func (s *server) mentions(w *world) (int, error) {
	total, max := 0, ""
	for {
		req, err := http.NewRequest(http.MethodGet, s.url+"/api/v1/notifications?limit=80&types[]=mention"+max, nil)
		if err != nil {
			return 0, err
		}
		req.Header.Set("Authorization", "Bearer "+w.tokens[0])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return 0, err
		}
		var page []struct{ ID string }
		if err := json.Unmarshal(b, &page); err != nil {
			return 0, fmt.Errorf("%s: %w", strings.TrimSpace(string(b)), err)
		}
		if total += len(page); len(page) < 80 {
			return total, nil
		}
		max = "&max_id=" + page[len(page)-1].ID
	}
}

package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
)

// peer is another server: one actor with a key, and an inbox that notes what it answered and when.
type peer struct {
	*httptest.Server
	key *rsa.PrivateKey
	mu  sync.Mutex
	got map[string][]time.Time // activity id -> when it was answered
}

func newPeer(tb testing.TB) *peer {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	p := &peer{key: key, got: map[string][]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/webfinger", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json")
		_, _ = fmt.Fprintf(w, `{"subject":"acct:paul@%s","links":[{"rel":"self","type":"application/activity+json","href":%q}]}`, r.Host, p.actor())
	})
	mux.HandleFunc("GET /paul", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/activity+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": p.actor(), "type": "Person",
			"preferredUsername": "paul", "inbox": p.URL + "/inbox", "outbox": p.URL + "/outbox",
			"publicKey": map[string]any{"id": p.actor() + "#key", "owner": p.actor(), "publicKeyPem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}})
	})
	mux.HandleFunc("POST /inbox", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		o, perr := activitystreams.Parse(b)
		if err != nil || perr != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		p.mu.Lock()
		p.got[o.ID] = append(p.got[o.ID], time.Now())
		p.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	})
	p.Server = httptest.NewServer(mux)
	tb.Cleanup(p.Close)
	return p
}

func (p *peer) actor() string { return p.URL + "/paul" }

// send signs an activity and posts it to an inbox; it returns the status, 0 if there was no answer.
func (p *peer) send(inbox string, activity map[string]any) int {
	activity["@context"] = "https://www.w3.org/ns/activitystreams"
	activity["actor"] = p.actor()
	body, err := json.Marshal(activity)
	if err != nil {
		return 0
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, inbox, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/activity+json")
	if err := httpsig.Sign(req, p.actor()+"#key", p.key, httpsig.Digest(body), time.Now()); err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func postStatus(base, token, text string) (uri string, ok bool) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+"/api/v1/statuses", strings.NewReader(url.Values{"status": {text}}.Encode()))
	if err != nil {
		return "", false
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", false
	}
	defer func() { _ = resp.Body.Close() }()
	var s struct{ URI string }
	err = json.NewDecoder(resp.Body).Decode(&s)
	return s.URI, err == nil && resp.StatusCode == http.StatusOK
}

// Posts, incoming activities and deliveries survive kill -9 at any instant: what was acknowledged is
// there, and a peer whose answer we had taken note of does not get the same activity again.
func TestKillNineLosesNothingAcknowledged(t *testing.T) {
	eachInstance(t, func(t *testing.T, in *instance) {
		token, account := in.token("ann")
		p := newPeer(t)
		inbox := in.config.URL + "/users/ann/inbox"
		var mu sync.Mutex
		posted, received := map[string]bool{}, map[string]bool{}
		var kills []time.Time

		c := in.serve()
		if code := p.send(inbox, map[string]any{"id": p.URL + "/follow", "type": "Follow", "object": in.config.URL + "/users/ann"}); code != http.StatusAccepted {
			t.Fatalf("follow: %d", code)
		}
		waitFor(t, "the follow to be granted", func() bool {
			ok := false
			in.with(func(a *App) {
				n, err := a.Social.Account(t.Context(), a.DB, account)
				ok = err == nil && n.FollowersCount == 1
			})
			return ok
		})
		for round := range 3 {
			stop := make(chan struct{})
			var wg sync.WaitGroup
			burst := func(f func(n int)) {
				wg.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-stop:
							return
						default:
							f(n)
						}
					}
				})
			}
			for w := range 3 {
				burst(func(n int) {
					if uri, ok := postStatus(in.config.URL, token, fmt.Sprintf("round %d worker %d post %d", round, w, n)); ok {
						mu.Lock()
						posted[uri] = true
						mu.Unlock()
					}
				})
				burst(func(n int) {
					nid := fmt.Sprintf("%s/n/%d-%d-%d", p.URL, round, w, n)
					now := time.Now().UTC().Format(time.RFC3339)
					public := "https://www.w3.org/ns/activitystreams#Public"
					if p.send(inbox, map[string]any{"id": nid + "/create", "type": "Create", "to": []string{public}, "object": map[string]any{"id": nid, "type": "Note",
						"attributedTo": p.actor(), "content": "hello", "published": now, "to": []string{public}, "cc": []string{in.config.URL + "/users/ann"},
						"tag": []any{map[string]any{"type": "Mention", "href": in.config.URL + "/users/ann"}}}}) == http.StatusAccepted {
						mu.Lock()
						received[nid] = true
						mu.Unlock()
					}
				})
			}
			time.Sleep(time.Duration(400+mrand.IntN(600)) * time.Millisecond)
			c.kill()
			kills = append(kills, time.Now())
			close(stop)
			wg.Wait()
			c = in.serve()
		}
		if len(posted) < 20 || len(received) < 20 {
			t.Fatalf("only %d posts and %d activities were acknowledged: the burst was none", len(posted), len(received))
		}
		waitFor(t, "everything to be delivered and stored", func() bool {
			p.mu.Lock()
			delivered := 0
			for uri := range posted {
				if len(p.got[uri+"/activity"]) > 0 {
					delivered++
				}
			}
			p.mu.Unlock()
			if delivered < len(posted) {
				return false
			}
			stored := 0
			in.with(func(a *App) {
				for nid := range received {
					if _, err := a.Social.PostByURI(t.Context(), a.DB, nid); err == nil {
						stored++
					}
				}
			})
			return stored == len(received)
		})
		c.stop()
		in.with(func(a *App) {
			for uri := range posted {
				if _, err := a.Social.PostByURI(t.Context(), a.DB, uri); err != nil {
					t.Errorf("acknowledged post %s: %v", uri, err)
				}
			}
			if _, err := a.Record.Verify(t.Context()); err != nil {
				t.Error(err)
			}
		})
		twice, inFlight := 0, 0
		for activity, times := range p.got {
			if len(times) < 2 {
				continue
			}
			// What was answered in the very moment of the kill may come again: the answer had not been
			// written down yet. Anything older must not.
			if near(times[0], kills) {
				inFlight++
				continue
			}
			twice++
			t.Errorf("%s was delivered %d times, at %v; kills at %v", activity, len(times), times, kills)
		}
		t.Logf("%d posts and %d activities acknowledged in three bursts; %d deliveries repeated that were in flight at a kill, %d others", len(posted), len(received), inFlight, twice)
	})
}

func near(at time.Time, kills []time.Time) bool {
	for _, k := range kills {
		if d := k.Sub(at); d > -time.Second && d < 500*time.Millisecond {
			return true
		}
	}
	return false
}

func waitFor(tb testing.TB, what string, f func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(60 * time.Second); !f(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("waited in vain for %s", what)
		}
	}
}

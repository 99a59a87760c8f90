package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/httpsig"
	"rochdale/internal/witness"
)

// stranger speaks with a witness by hand.
type stranger struct {
	t    *testing.T
	w    *house
	host string
	key  ed25519.PrivateKey
}

func (p *pair) stranger(host string) *stranger {
	p.t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	p.w.must(err)
	_, err = p.w.decide(witness.Serve, map[string]string{"host": host, "key": ballotbox.Base64(public).String()})
	p.w.must(err)
	return &stranger{p.t, p.w, host, key}
}

func (s *stranger) request(method, path, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.w.server.URL+path, strings.NewReader(body))
	s.w.must(err)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (s *stranger) sign(r *http.Request, body string, at time.Time) *http.Request {
	s.t.Helper()
	s.w.must(httpsig.SignMessage(r, s.host, s.key, httpsig.Digest([]byte(body)), at))
	return r
}

// send sends a request and reads the answer; every refusal has the same form.
func (s *stranger) send(r *http.Request) (int, string) {
	s.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	s.w.must(err)
	body, err := io.ReadAll(answer.Body)
	s.w.must(err)
	s.w.must(answer.Body.Close())
	if answer.StatusCode >= 400 {
		var p struct {
			Type, Title, Detail string
			Status              int
		}
		if err := json.Unmarshal(body, &p); err != nil || answer.Header.Get("Content-Type") != "application/problem+json" || p.Status != answer.StatusCode || p.Detail == "" {
			s.t.Errorf("a refusal of another form: %d %v %s", answer.StatusCode, answer.Header, body)
		}
	}
	return answer.StatusCode, string(body)
}

func (s *stranger) want(r *http.Request, status int, words string) string {
	s.t.Helper()
	got, body := s.send(r)
	if got != status || !strings.Contains(body, words) {
		s.t.Errorf("%s %s: %d %s, want %d with %q", r.Method, r.URL.Path, got, body, status, words)
	}
	return body
}

func (s *stranger) call(vote string) string {
	s.t.Helper()
	text, err := json.Marshal(struct {
		Vote   string          `json:"vote"`
		Title  string          `json:"title"`
		URL    string          `json:"url"`
		Closes time.Time       `json:"closes"`
		Roll   []witness.Voter `json:"roll"`
	}{vote, "Secretary", "http://" + s.host + "/x", s.w.clock.Now().Add(time.Hour), roll(5)})
	s.w.must(err)
	return string(text)
}

// Nothing is done for a request that is not signed, now, by the co-op whose vote it is.
func TestSignatures(t *testing.T) {
	t.Parallel()
	p := two(t)
	p.open()
	s, now := p.stranger("signer.example"), p.clock.Now()
	body := s.call("election:1")
	post := func(text string) *http.Request { return s.request("POST", "/witness/votes", text) }

	s.want(post(body), 401, "no signature")
	s.want(s.sign(post(body), body, now.Add(-13*time.Hour)), 401, "time window")
	s.want(s.sign(post(body), body, now.Add(2*time.Hour)), 401, "time window")
	s.want(s.sign(post(body+" "), body, now), 401, "does not match its digest")
	s.want(s.sign(post(strings.Replace(body, "Voter", "Other", 1)), body, now), 401, "does not match its digest")
	r := s.sign(post(body), body, now)
	r.Host = "another.example"
	s.want(r, 401, "another host")
	r = s.sign(post(body), body, now)
	r.URL.RawQuery = "x=1"
	s.want(r, 401, "not valid for this key")
	r = s.sign(s.request("PUT", "/witness/votes", body), body, now)
	r.Method = "POST"
	s.want(r, 401, "not valid for this key")
	r = post(body)
	p.w.must(httpsig.SignMessage(r, s.host, s.key, "", now)) // the body is not covered
	s.want(r, 401, "content-digest is not signed")
	r = post(body)
	r.Header.Set("Signature", `keyId="signer.example",algorithm="hs2019",headers="(request-target) host date digest",signature="AAAA"`)
	s.want(r, 401, "RFC 9421")
	_, other, err := ed25519.GenerateKey(rand.Reader)
	p.w.must(err)
	forged := &stranger{t, p.w, s.host, other}
	s.want(forged.sign(post(body), body, now), 401, "not valid for this key")
	unknown := &stranger{t, p.w, "unknown.example", other}
	s.want(unknown.sign(post(body), body, now), 403, "We do not witness this for unknown.example")
	r = post(body)
	r.Header.Set("Content-Type", "text/plain")
	s.want(s.sign(r, body, now), 422, "application/json")
	huge := `{"vote":"` + strings.Repeat("x", 9<<20) + `"}`
	s.want(s.sign(post(huge), huge, now), 413, "more than is taken")

	// Another's vote is not theirs to touch.
	votes := "/witness/votes/" + p.got.Remote.String()
	for door, text := range map[string]string{"PUT /question": string(p.text), "PUT /closes": `{"closes":"2027-02-01T00:00:00Z"}`,
		"POST /papers": fmt.Sprintf(`{"voter":"1000","code":%q,"blinded":""}`, p.code(0)), "POST /close": `{"file":""}`} {
		method, path, _ := strings.Cut(door, " ")
		s.want(s.request(method, votes+path, text), 401, "no signature")
		s.want(s.sign(s.request(method, votes+path, text), text, now), 403, "We do not witness this for signer.example")
		s.want(s.sign(s.request(method, "/witness/votes/404"+path, text), text, now), 404, "no such vote")
	}
	if v := p.vote(); !v.ClosedAt.IsZero() || v.Papers != 0 {
		t.Errorf("something was done: %+v", v)
	}

	// The same request again, caught on its way, has the same answer and changes nothing.
	r = s.sign(post(body), body, now)
	caught := r.Header.Clone()
	first := s.want(r, 200, `"key":`)
	p.w.drain()
	letters := len(p.w.sent())
	p.clock.Advance(30 * time.Minute)
	r = post(body)
	r.Header = caught
	if again := s.want(r, 200, ""); again != first {
		t.Errorf("another answer: %s, %s", first, again)
	}
	p.w.drain()
	if len(p.w.sent()) != letters {
		t.Error("letters were sent again")
	}
	r = s.request("POST", votes+"/close", body)
	r.Header = caught // for another door
	s.want(r, 403, "")
	p.w.whole()
}

// Requests have one form.
func TestFormsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := two(t)
	s := p.stranger("signer.example")
	good := s.call("election:1")
	for _, body := range []string{"", "null", "[]", "{}", "{", `"x"`, good + "\n", good + good, " " + good, strings.Replace(good, `"vote"`, `"Vote"`, 1),
		strings.Replace(good, `{"vote"`, `{"more":1,"vote"`, 1), strings.Replace(good, `{"vote":"election:1"`, `{"vote":"election:2","vote":"election:1"`, 1),
		strings.Replace(good, `"1000"`, `1000`, 1), strings.Replace(good, `"1000"`, `"01000"`, 1), strings.Replace(good, `"1000"`, `"-1000"`, 1),
		strings.Replace(good, "Secretary", "Secretary\xff", 1), strings.Replace(good, "Secretary", `\u0053ecretary`, 1), strings.Replace(good, "Secretary", `Secretary\u0000`, 1),
		strings.Replace(good, `Z"`, `+00:00"`, 1), strings.Replace(good, `Z"`, `.5Z"`, 1), strings.Replace(good, "election:1", "election:x", 1),
		strings.Replace(good, "http://signer.example/x", "https://signer.example/x", 1), strings.Replace(good, "http://signer.example/x", "http://signer.example@x.example/", 1),
		strings.Repeat("[", 100_000)} {
		if status, answer := s.send(s.sign(s.request("POST", "/witness/votes", body), body, p.clock.Now())); status != 422 {
			t.Errorf("%.100q: %d %s", body, status, answer)
		}
	}
	s.want(s.sign(s.request("POST", "/witness/votes", good), good, p.clock.Now()), 200, "")
}

// lie is how a false witness answers for now.
type lie struct {
	mu sync.Mutex
	f  http.HandlerFunc
}

func (l *lie) be(f http.HandlerFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.f = f
}

func (l *lie) now() http.HandlerFunc {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f
}

// Whatever stands where the witness should be, the voter reads a sentence, and soon.
func TestALyingWitness(t *testing.T) {
	t.Parallel()
	p := two(t)
	var answer lie
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the end of the connection is not seen
		answer.now()(w, r)
	}))
	t.Cleanup(liar.Close)
	_, err := p.a.decide(witness.Dismiss, map[string]string{"host": p.w.host})
	p.a.must(err)
	host := liar.Listener.Addr().String()
	_, err = p.a.decide(witness.Engage, map[string]string{"host": host})
	p.a.must(err)
	client := outbound.New(outbound.Options{AllowPrivate: true, Timeout: 300 * time.Millisecond})
	t.Cleanup(client.Close)
	a := witness.New(witness.Deps{DB: p.a.db, Record: p.a.record, Client: client, Host: p.a.host, URL: p.a.server.URL})
	a.PlainHTTP = true

	signer, err := ballotbox.GenerateKey()
	p.a.must(err)
	key, err := signer.PublicKey()
	p.a.must(err)
	say := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", p.w.server.URL+"/witness/votes")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	stuff := bytes.Repeat([]byte{' '}, 1<<20)
	lies := map[string]http.HandlerFunc{
		"nothing":         say(200, "application/json", ""),
		"no json":         say(200, "application/json", "<html>"),
		"a page":          say(200, "text/html", `{"id":"5","key":"`+key.String()+`"}`),
		"no id":           say(200, "application/json", `{"id":"0","key":"`+key.String()+`"}`),
		"a negative id":   say(200, "application/json", `{"id":"-5","key":"`+key.String()+`"}`),
		"no key":          say(200, "application/json", `{"id":"5"}`),
		"no rsa key":      say(200, "application/json", `{"id":"5","key":"AAAA"}`),
		"broken base64":   say(200, "application/json", `{"id":"5","key":"***"}`),
		"an error":        say(500, "text/plain", "boom"),
		"no words":        say(409, "application/problem+json", `{"detail":"  "}`),
		"a page of words": say(409, "text/html", `{"detail":"<b>no</b>"}`),
		"a teapot":        say(418, "application/problem+json", `{"detail":"short and stout"}`),
		"a redirect":      say(307, "text/plain", ""),
		"found elsewhere": say(302, "text/plain", ""),
		"two gigabytes": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2147483648")
			_, _ = w.Write(stuff)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(stuff); err != nil {
					return
				}
			}
		},
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-hung:
			}
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	before := p.w.asked.Load()
	for name, x := range lies {
		answer.be(x)
		if _, err := a.Arrange(p.a.ctx, p.call); err == nil {
			t.Errorf("%s: it is arranged", name)
		} else if words, _ := fault.Words(err); !fault.Is(err, fault.Conflict) || words != "The witness "+host+" cannot be reached now. Please try again in a few minutes." {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, ok, err := a.Arranged(p.a.ctx, p.a.db, treasurer); ok || err != nil {
		t.Errorf("a lie is kept: %v", err)
	}
	if p.w.asked.Load() != before {
		t.Error("a redirect was followed")
	}
	answer.be(say(409, "application/problem+json", `{"detail":"No.\r\n\u202eSet-Cookie:\u0000 x <b>`+strings.Repeat("x", 2000)+`"}`))
	_, err = a.Arrange(p.a.ctx, p.call)
	p.a.refused(err, fault.Conflict, "The witness "+host+" says: No. Set-Cookie: x <b>xxx")
	if words, _ := fault.Words(err); len(words) > 700 || strings.ContainsAny(words, "\r\n\x00") {
		t.Errorf("%q", words)
	}
	for status, kind := range map[int]fault.Kind{400: fault.Invalid, 422: fault.Invalid, 403: fault.Forbidden, 404: fault.Conflict, 429: fault.Conflict, 401: fault.Conflict} {
		answer.be(say(status, "application/problem+json", `{"detail":"No."}`))
		_, err = a.Arrange(p.a.ctx, p.call)
		p.a.refused(err, kind, "says: No.")
	}
	answer.be(say(200, "application/json", `{"id":"5","key":"`+key.String()+`"}`))
	_, err = a.Arrange(p.a.ctx, p.call)
	p.a.must(err)
	for _, text := range []string{`{}`, `{"signed":""}`, `{"signed":"AAAA"}`, `{"signed":7}`} {
		answer.be(say(200, "application/json", text))
		_, err = a.Sign(p.a.ctx, treasurer, 1000, "0000-0000-0000", make([]byte, 384))
		p.a.refused(err, fault.Conflict, "cannot be reached now")
	}
	// It cannot change its mind about its key.
	answer.be(say(200, "application/json", `{"id":"6","key":"`+key.String()+`"}`))
	c := p.call
	c.Title = "Another"
	_, err = a.Arrange(p.a.ctx, c)
	p.a.refused(err, fault.Conflict, "cannot be reached now")
	liar.Close()
	_, err = a.Sign(p.a.ctx, treasurer, 1000, "0000-0000-0000", make([]byte, 384))
	p.a.refused(err, fault.Conflict, "cannot be reached now")
	strict := witness.New(witness.Deps{DB: p.a.db, Record: p.a.record, Client: outbound.New(outbound.Options{}), Host: p.a.host, URL: p.a.server.URL})
	_, err = strict.Sign(p.a.ctx, treasurer, 1000, "0000-0000-0000", make([]byte, 384))
	p.a.refused(err, fault.Conflict, "cannot be reached now") // its address is not on the public internet
}

// What the co-op publishes is checked, whatever it is.
func TestPublishedFilesThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p *pair, text []byte) []byte{
		"cannot be read":            func(*pair, []byte) []byte { return []byte("<html>") },
		"we signed 2 papers":        func(p *pair, _ []byte) []byte { p.publish(6, nil, p.stuffed(2)...); return *p.a.file.Load() },
		"not signed by the witness": func(p *pair, _ []byte) []byte { p.publish(6, nil, p.stuffed(1)...); return *p.a.file.Load() },
		"question is another": func(_ *pair, text []byte) []byte {
			return bytes.Replace(text, []byte("Treasurer"), []byte("Treasures"), 1)
		},
		"these ballots give another result:": func(_ *pair, text []byte) []byte {
			return bytes.Replace(text, []byte(`"elected":["Ada"]`), []byte(`"elected":["Bo"]`), 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := two(t)
			p.open()
			p.publish(2, nil, p.ballot(0, 1, 2), p.ballot(1, 1, 2))
			text := change(p, *p.a.file.Load())
			p.a.file.Store(&text)
			p.a.must(p.a.Close(p.a.ctx, treasurer, p.a.server.URL+"/file"))
			p.w.drain()
			v := p.vote()
			f, ok := v.Found()
			if !ok || f.Wrong == 0 || !strings.Contains(strings.Join(f.Findings, "\n"), name) {
				t.Errorf("found %+v", f)
			}
			p.w.whole()
			answer, err := http.Get(p.w.server.URL + "/witness/votes/" + v.ID.String())
			p.w.must(err)
			defer func() { _ = answer.Body.Close() }()
			if body, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(body), "We have recounted, and") || strings.Contains(string(body), "with our signature.") || strings.Contains(string(body), "%!") {
				t.Errorf("the page says %s", body)
			}
		})
	}
}

// stuffed are ballots whose papers the co-op alone has signed, three in all with keep good ones.
func (p *pair) stuffed(keep int) []ballotbox.Ballot {
	p.t.Helper()
	f, err := ballotbox.ReadFile(bytes.NewReader(*p.a.file.Load()))
	p.a.must(err)
	out := f.Ballots[:keep]
	for len(out) < 3 {
		code, err := ballotbox.NewCode(rand.Reader)
		p.a.must(err)
		request, err := code.Blind(p.q)
		p.a.must(err)
		signed, err := p.own.BlindSign(rand.Reader, request.Blinded)
		p.a.must(err)
		if _, err := request.Finish(signed, signed); err == nil {
			p.t.Fatal("the witness's signature can be done without")
		}
		key, err := code.Key(p.q)
		p.a.must(err)
		b, err := code.Seal(p.q, ballotbox.Paper{Key: key, Prefix: make([]byte, 32), Signature: signed, Witness: signed}, 1, ballotbox.Choice{Rank: []int{1, 2}})
		p.a.must(err)
		out = append(out, b)
	}
	return out
}

// The pages tell anybody who witnesses for whom, and one line of the register to whoever has its code.
func TestPages(t *testing.T) {
	t.Parallel()
	each(t, func(p *pair) {
		see := func(r *http.Request, err error) string {
			p.t.Helper()
			p.w.must(err)
			answer, err := http.DefaultClient.Do(r)
			p.w.must(err)
			defer func() { _ = answer.Body.Close() }()
			body, err := io.ReadAll(answer.Body)
			p.w.must(err)
			if bytes.Contains(body, []byte("%!")) {
				p.t.Errorf("words that do not fit: %s", body)
			}
			return fmt.Sprintf("%d %s", answer.StatusCode, body)
		}
		get := func(address string) string {
			return see(http.NewRequestWithContext(p.t.Context(), http.MethodGet, address, nil))
		}
		says := func(got string, words ...string) {
			p.t.Helper()
			for _, s := range words {
				if !strings.Contains(got, s) {
					p.t.Errorf("it does not say %q: %s", s, got)
				}
			}
		}
		p.open()
		says(get(p.w.server.URL+"/witness"), "200", p.w.key(), p.a.key(), p.a.host, "No co-op witnesses our secret votes", "Treasurer", "open", "0 of 6 have taken")
		says(get(p.a.server.URL+"/witness"), "200", p.a.key(), p.w.host, "We witness for nobody", "/record?subject=witness:")
		at := p.w.server.URL + "/witness/votes/" + p.got.Remote.String()
		p.publish(1, nil, p.ballot(4, 1, 2))
		page := get(at)
		says(page, "200", "Treasurer", "1 of 6 have taken", p.call.URL, `method="post"`)
		if strings.Contains(page, "Voter Number") || strings.Contains(page, "mail.example") {
			p.t.Errorf("the page names voters: %s", page)
		}
		look := func(code string) string {
			r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, at+"/look", strings.NewReader(url.Values{"code": {code}}.Encode()))
			p.w.must(err)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return see(r, nil)
		}
		says(look(p.code(4)), "200", "The paper of Voter Number4 was taken")
		says(look(strings.ToLower(p.code(3))), "200", "The paper of Voter Number3 was not taken")
		says(look("0000-0000-0000"), "422", "no witness code of this vote")
		says(look(""), "422", "no witness code of this vote")
		r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, at, nil)
		p.w.must(err)
		r.Header.Set("Accept", "application/json")
		var facts struct {
			Coop, Vote, Title, Key, Question string
			Roll, Papers                     int
			RollHash                         string `json:"roll_hash"`
			Closed                           *time.Time
			Found                            *witness.Found
		}
		read := func() {
			p.t.Helper()
			text := see(r, nil)
			if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "200 ")), &facts); err != nil || strings.Contains(text, "Voter") {
				p.t.Fatalf("%s: %v", text, err)
			}
		}
		hash, err := p.q.Hash()
		p.w.must(err)
		if read(); facts.Coop != p.a.host || facts.Vote != "election:123" || facts.Key != p.got.Key.String() || facts.RollHash != p.got.RollHash.String() || facts.Roll != 6 ||
			facts.Papers != 1 || facts.Closed != nil || facts.Question != hash.String() {
			p.t.Errorf("%+v", facts)
		}
		says(get(p.w.server.URL+"/witness/votes/404"), "404")
		p.a.must(p.a.Close(p.a.ctx, treasurer, p.a.server.URL+"/file"))
		says(get(at), "not been able to count")
		p.w.drain()
		says(get(at), "We have recounted: 1 ballot, with our signature.", "the codes are erased")
		says(look(p.code(4)), "422", "the codes are erased")
		if read(); facts.Closed == nil || facts.Found == nil || facts.Found.Ballots != 1 || facts.Found.Wrong != 0 {
			p.t.Errorf("%+v", facts)
		}
		says(get(p.w.server.URL+"/witness"), "closed", "1 of 6 have taken")
	})
}

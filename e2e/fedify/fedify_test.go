//go:build e2e

// Package fedify_test lets the program that is shipped talk with an independent server, over https and
// with real names, through everything that two members of two places do with each other.
package fedify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rochdale/e2e/tlsfront"
	"rochdale/internal/kit/testkit"
)

const (
	coop    = "coop.test"
	fedify  = "fedify.test"
	address = "127.0.0.77" // of both names: a loopback address that nothing else uses
	fay     = "https://" + fedify + "/users/fay"
	ann     = "https://" + coop + "/users/ann"
)

// names makes the two names lead to the front. The programs under test resolve names as any program
// does, so the machine's table of names is the only place.
func names(t *testing.T) {
	t.Helper()
	for _, name := range []string{coop, fedify} {
		found, _ := net.DefaultResolver.LookupHost(context.Background(), name) // no such name is an empty answer
		if len(found) == 1 && found[0] == address {
			continue
		}
		f, err := os.OpenFile("/etc/hosts", os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			testkit.Missing(t, "the name "+name, "add the line \""+address+" "+coop+" "+fedify+"\" to /etc/hosts, or run the test as root")
		}
		_, err = fmt.Fprintf(f, "\n%s %s\n", address, name)
		if e := f.Close(); err != nil || e != nil {
			t.Fatal(err, e)
		}
	}
}

// node finds a node that is new enough, with the peer's packages.
func node(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("node_modules/@fedify/fedify"); err != nil {
		npm, err := exec.LookPath("npm")
		if err != nil {
			testkit.Missing(t, "npm", err.Error())
		}
		if out, err := exec.Command(npm, "ci", "--no-audit", "--no-fund", "--loglevel=error").CombinedOutput(); err != nil {
			testkit.Missing(t, "the peer's packages", string(out))
		}
	}
	for _, name := range []string{"node_modules/.bin/node", "node"} {
		if out, err := exec.Command(name, "--version").Output(); err == nil && strings.HasPrefix(string(out), "v24.") {
			return name
		}
	}
	testkit.Missing(t, "node 24", "neither the package node nor the machine has it")
	return ""
}

func closeIt(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, l)
	return l.Addr().String()
}

// lab is the two servers and their front.
type lab struct {
	t      *testing.T
	front  *tlsfront.Front
	client *http.Client
	bin    string
	env    []string
	coop   string // where ours listens
	peer   string // where the other listens
	token  string
	serve  *process
	fay    string // the account's id at ours
}

// process is a program that was started, with what it said.
type process struct {
	*exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func (l *lab) start(env []string, name string, args ...string) *process {
	l.t.Helper()
	p := &process{Cmd: exec.Command(name, args...)}
	p.Env, p.Stdout, p.Stderr = append(os.Environ(), env...), p, p
	if err := p.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		_ = p.Process.Kill() // it may have ended already
		_ = p.Wait()
		if l.t.Failed() {
			l.t.Logf("%s said:\n%s", filepath.Base(name), p.said())
		}
	})
	return p
}

func (l *lab) run(stdin string, args ...string) string {
	l.t.Helper()
	c := exec.Command(l.bin, args...)
	c.Env, c.Stdin = append(os.Environ(), l.env...), strings.NewReader(stdin)
	var errOut bytes.Buffer
	c.Stderr = &errOut
	out, err := c.Output()
	if err != nil {
		l.t.Fatalf("rochdale %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	return strings.TrimSpace(string(out))
}

func (l *lab) startCoop() {
	l.serve = l.start(l.env, l.bin, "serve")
	l.eventually("our server answers", func() bool {
		r, err := http.Get("http://" + l.coop + "/readyz")
		if err != nil {
			return false
		}
		defer closeIt(l.t, r.Body)
		return r.StatusCode == http.StatusOK
	})
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, bin: os.Getenv("ROCHDALE_BIN"), coop: freePort(t), peer: freePort(t)}
	if l.bin == "" {
		l.bin, _ = filepath.Abs("../../bin/rochdale")
	}
	if _, err := os.Stat(l.bin); err != nil {
		testkit.Missing(t, "the program", "make build, or set ROCHDALE_BIN")
	}
	names(t)
	nodeBin := node(t)
	front, err := tlsfront.Start(address+":443", t.TempDir())
	if err != nil {
		testkit.Missing(t, "port 443", err.Error())
	}
	t.Cleanup(func() {
		if err := front.Close(); err != nil {
			t.Error(err)
		}
	})
	l.front = front
	front.Pass(coop, l.coop)
	front.Pass(fedify, l.peer)
	l.client = &http.Client{Timeout: 20 * time.Second}

	l.env = []string{"ROCHDALE_LISTEN=" + l.coop, "ROCHDALE_DATA=" + t.TempDir(), "ROCHDALE_HOST=" + coop, "ROCHDALE_DATABASE=",
		"ROCHDALE_ALLOW_PRIVATE_NETWORKS=true", "ROCHDALE_RATE_LIMITS=false", "SSL_CERT_FILE=" + front.CAFile}
	l.run("correct horse battery staple\n", "found", "--name", "Test Co-op", "--account", "ann", "--email", "ann@coop.test", "--password-stdin")
	l.token = l.run("", "token", "create", "--account", "ann")
	l.startCoop()
	_, port, _ := net.SplitHostPort(l.peer)
	l.start([]string{"HOST=" + fedify, "PORT=" + port, "NODE_EXTRA_CA_CERTS=" + front.CAFile}, nodeBin, "peer.mjs")
	l.eventually("the peer answers", func() bool {
		r, err := http.Get("http://" + l.peer + "/ctl/log")
		if err != nil {
			return false
		}
		defer closeIt(l.t, r.Body)
		return r.StatusCode == http.StatusOK
	})
	return l
}

// eventually waits for something that the two servers do in their own time.
func (l *lab) eventually(what string, ok func() bool) {
	l.t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	l.t.Fatalf("it did not come to pass that %s; the peer heard %+v", what, l.heard())
}

type object = map[string]any

// order tells the peer to do something.
func (l *lab) order(what string, body object) object {
	l.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		l.t.Fatal(err)
	}
	r, err := l.client.Post("http://"+l.peer+"/ctl/"+what, "application/json", bytes.NewReader(b))
	if err != nil {
		l.t.Fatal(err)
	}
	defer closeIt(l.t, r.Body)
	answer, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusOK {
		l.t.Fatalf("the peer failed to %s: %s", what, answer)
	}
	var out object
	if err := json.Unmarshal(answer, &out); err != nil {
		l.t.Fatalf("%s: %v", answer, err)
	}
	return out
}

// event is something that came to the peer.
type event struct {
	What, From, Object, Content, Summary, ReplyTo, Name string
	To, CC                                              []string
}

func (l *lab) heard() []event {
	r, err := l.client.Get("http://" + l.peer + "/ctl/log")
	if err != nil {
		return nil
	}
	defer closeIt(l.t, r.Body)
	var out []event
	_ = json.NewDecoder(r.Body).Decode(&out) // half an answer is asked for again
	return out
}

// hears waits until the peer has heard of something about an object.
func (l *lab) hears(what, object string) event {
	l.t.Helper()
	var found event
	l.eventually("the peer hears "+what+" "+object, func() bool {
		for _, e := range l.heard() {
			if e.What == what && (object == "" || e.Object == object) {
				found = e
				return true
			}
		}
		return false
	})
	if found.From != ann {
		l.t.Errorf("%s came from %q", what, found.From)
	}
	return found
}

// api asks ours as ann's app would.
func (l *lab) api(method, path string, form url.Values, into any) {
	l.t.Helper()
	if err := l.try(method, path, form, into); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) try(method, path string, form url.Values, into any) error {
	target := "http://" + l.coop + path
	var body io.Reader
	if method == http.MethodGet {
		target += "?" + form.Encode()
	} else {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		return err
	}
	r.Host = coop
	r.Header.Set("Authorization", "Bearer "+l.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := l.client.Do(r)
	if err != nil {
		return err
	}
	defer closeIt(l.t, res.Body)
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: status %d: %s", method, path, res.StatusCode, b)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(b, into)
}

type status struct {
	ID, URI, Content, Visibility string
	Spoiler                      string `json:"spoiler_text"`
	InReplyTo                    string `json:"in_reply_to_id"`
	EditedAt                     string `json:"edited_at"`
	Favourites                   int    `json:"favourites_count"`
	Boosts                       int    `json:"reblogs_count"`
	Account                      struct{ ID, Acct string }
}

func (l *lab) home() []status {
	var out []status
	if err := l.try(http.MethodGet, "/api/v1/timelines/home", url.Values{"limit": {"40"}}, &out); err != nil {
		return nil
	}
	return out
}

// arrives waits until a post of the peer is in ann's home timeline and fits.
func (l *lab) arrives(uri string, fits func(status) bool) status {
	l.t.Helper()
	var found status
	l.eventually(uri+" arrives", func() bool {
		for _, s := range l.home() {
			if s.URI == uri && fits(s) {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

type relation struct {
	Following, Requested, Blocking bool
	FollowedBy                     bool `json:"followed_by"`
}

func (l *lab) relation() relation {
	var out []relation
	if err := l.try(http.MethodGet, "/api/v1/accounts/relationships", url.Values{"id[]": {l.fay}}, &out); err != nil || len(out) != 1 {
		return relation{}
	}
	return out[0]
}

func (l *lab) post(text string, more url.Values) status {
	l.t.Helper()
	form := url.Values{"status": {text}}
	for k, v := range more {
		form[k] = v
	}
	var s status
	l.api(http.MethodPost, "/api/v1/statuses", form, &s)
	return s
}

func always(status) bool { return true }

func TestWithFedify(t *testing.T) {
	l := newLab(t)

	// The other finds us, by address and by name, and can read what it finds.
	if o := l.order("look", object{"address": "acct:ann@" + coop}); o["id"] != ann {
		t.Fatalf("by name: %v", o)
	}
	if o := l.order("look", object{"address": "https://" + coop + "/@ann"}); o["id"] != ann {
		t.Errorf("by the page: %v", o)
	}
	if o := l.order("look", object{"address": "https://" + coop + "/actor"}); o["type"] != "Application" {
		t.Errorf("the instance actor: %v", o)
	}

	// We find the other, and follow.
	var found struct {
		Accounts []struct{ ID, Acct, URL string }
	}
	l.api(http.MethodGet, "/api/v2/search", url.Values{"q": {"@fay@" + fedify}, "resolve": {"true"}, "type": {"accounts"}}, &found)
	if len(found.Accounts) != 1 || found.Accounts[0].Acct != "fay@"+fedify {
		t.Fatalf("search found %+v", found)
	}
	l.fay = found.Accounts[0].ID
	l.api(http.MethodPost, "/api/v1/accounts/"+l.fay+"/follow", nil, nil)
	l.hears("Follow", fay)
	l.eventually("the follow is accepted", func() bool { return l.relation().Following })

	// They follow us back.
	l.order("follow", object{"actor": ann})
	l.eventually("fay follows ann", func() bool { return l.relation().FollowedBy })
	l.hears("Accept", "")

	// Posts of theirs, edited and deleted.
	note := l.order("note", object{"content": "<p>Good morning</p>", "summary": "weather", "mention": ann})["id"].(string)
	got := l.arrives(note, always)
	if got.Content != "<p>Good morning</p>" || got.Spoiler != "weather" || got.Visibility != "public" || got.Account.ID != l.fay {
		t.Errorf("the note arrived as %+v", got)
	}
	l.order("edit", object{"id": note, "content": "<p>Good evening</p>"})
	l.arrives(note, func(s status) bool { return s.Content == "<p>Good evening</p>" && s.EditedAt != "" })

	// Posts of ours: a public one, an answer, an edit.
	mine := l.post("Hello from #Rochdale", url.Values{"spoiler_text": {"greeting"}, "language": {"en"}})
	if e := l.hears("Create", mine.URI); !strings.Contains(e.Content, "Hello from") || e.Summary != "greeting" {
		t.Errorf("our post arrived as %+v", e)
	}
	answer := l.post("@fay@"+fedify+" to you, too", url.Values{"in_reply_to_id": {got.ID}})
	if e := l.hears("Create", answer.URI); e.ReplyTo != note {
		t.Errorf("our answer arrived as %+v", e)
	}
	l.api(http.MethodPut, "/api/v1/statuses/"+mine.ID, url.Values{"status": {"Hello again"}}, nil)
	if e := l.hears("Update", mine.URI); !strings.Contains(e.Content, "Hello again") {
		t.Errorf("our edit arrived as %+v", e)
	}
	if o := l.order("look", object{"address": mine.URI}); o["id"] != mine.URI {
		t.Errorf("our post can be read as %v", o)
	}

	// What we do to theirs, and take back.
	l.api(http.MethodPost, "/api/v1/statuses/"+got.ID+"/favourite", nil, nil)
	l.hears("Like", note)
	l.api(http.MethodPost, "/api/v1/statuses/"+got.ID+"/reblog", nil, nil)
	l.hears("Announce", note)
	l.api(http.MethodPost, "/api/v1/statuses/"+got.ID+"/unfavourite", nil, nil)
	l.hears("Undo Like", note)
	l.api(http.MethodPost, "/api/v1/statuses/"+got.ID+"/unreblog", nil, nil)
	l.hears("Undo Announce", note)

	// What they do to ours, and take back.
	counts := func() (s status) {
		_ = l.try(http.MethodGet, "/api/v1/statuses/"+mine.ID, nil, &s) // asked again until it fits
		return s
	}
	like := l.order("like", object{"object": mine.URI, "author": ann})["id"]
	boost := l.order("announce", object{"object": mine.URI, "author": ann})["id"]
	l.eventually("fay's favourite and boost are counted", func() bool { s := counts(); return s.Favourites == 1 && s.Boosts == 1 })
	l.order("undo", object{"id": like, "to": ann})
	l.order("undo", object{"id": boost, "to": ann})
	l.eventually("fay's favourite and boost are taken back", func() bool { s := counts(); return s.Favourites == 0 && s.Boosts == 0 })

	// An answer of theirs stands in the thread.
	reply := l.order("note", object{"content": "<p>An answer</p>", "replyTo": mine.URI, "mention": ann})["id"].(string)
	l.eventually("the answer is in the thread", func() bool {
		var c struct{ Descendants []status }
		_ = l.try(http.MethodGet, "/api/v1/statuses/"+mine.ID+"/context", nil, &c)
		return len(c.Descendants) == 1 && c.Descendants[0].URI == reply
	})

	// Direct posts, both ways. Only the two see them.
	private := l.order("note", object{"content": "<p>A secret</p>", "mention": ann, "visibility": "direct"})["id"].(string)
	l.eventually("the direct post arrives", func() bool {
		var list []struct {
			Status status `json:"status"`
		}
		_ = l.try(http.MethodGet, "/api/v1/notifications", nil, &list)
		for _, n := range list {
			if n.Status.URI == private {
				return n.Status.Visibility == "direct"
			}
		}
		return false
	})
	back := l.post("@fay@"+fedify+" I keep it", url.Values{"visibility": {"direct"}})
	if e := l.hears("Create", back.URI); len(e.To) != 1 || e.To[0] != fay || len(e.CC) != 0 {
		t.Errorf("our direct post arrived as %+v", e)
	}

	// Followers-only posts are read by a follower whose request is signed.
	narrow := l.post("for followers", url.Values{"visibility": {"private"}})
	l.hears("Create", narrow.URI)
	if o := l.order("look", object{"address": narrow.URI}); o["id"] != narrow.URI {
		t.Errorf("a follower cannot read %v", o)
	}

	// A profile.
	l.api(http.MethodPatch, "/api/v1/accounts/update_credentials", url.Values{"display_name": {"Ann of the Co-op"}}, nil)
	if e := l.hears("Update", ann); e.Name != "Ann of the Co-op" {
		t.Errorf("our profile arrived as %+v", e)
	}

	// Deleting, both ways.
	l.order("delete", object{"id": note})
	l.eventually("their deleted post is gone", func() bool { return l.try(http.MethodGet, "/api/v1/statuses/"+got.ID, nil, nil) != nil })
	l.api(http.MethodDelete, "/api/v1/statuses/"+mine.ID, nil, nil)
	l.hears("Delete", mine.URI)

	// The other is away, our program dies with what it has to say, and both come back.
	l.front.Pass(fedify, "127.0.0.1:1")
	late := l.post("after the storm", nil)
	if err := l.serve.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = l.serve.Wait() // killed
	l.front.Pass(fedify, l.peer)
	l.startCoop()
	l.order("like", object{"object": answer.URI, "author": ann}) // a sign of life
	l.hears("Create", late.URI)

	// A follow that has to wait, is refused, and is asked for again.
	l.api(http.MethodPost, "/api/v1/accounts/"+l.fay+"/unfollow", nil, nil)
	l.hears("Undo Follow", fay)
	l.order("answering", object{"how": "hold"})
	l.api(http.MethodPost, "/api/v1/accounts/"+l.fay+"/follow", nil, nil)
	l.eventually("the request waits", func() bool { return l.count("Follow") == 2 })
	if r := l.relation(); !r.Requested || r.Following {
		t.Errorf("while waiting: %+v", r)
	}
	l.order("release", object{"actor": ann, "how": "reject"})
	l.eventually("the request is refused", func() bool { r := l.relation(); return !r.Requested && !r.Following })
	l.api(http.MethodPost, "/api/v1/accounts/"+l.fay+"/follow", nil, nil)
	l.eventually("it is asked again", func() bool { return l.count("Follow") == 3 })
	l.order("release", object{"actor": ann, "how": "accept"})
	l.eventually("the request is granted", func() bool { return l.relation().Following })

	// A block ends all of it.
	l.api(http.MethodPost, "/api/v1/accounts/"+l.fay+"/block", nil, nil)
	l.hears("Block", fay)
	l.eventually("both follows are over", func() bool { r := l.relation(); return r.Blocking && !r.Following && !r.FollowedBy })
}

func (l *lab) count(what string) int {
	n := 0
	for _, e := range l.heard() {
		if e.What == what {
			n++
		}
	}
	return n
}

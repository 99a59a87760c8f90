//go:build e2e

// Package clients_test lets programs that members really use talk with the program that is shipped:
// toot, a client for the shell, and masto.js, the library of many web clients. Each signs in through
// the pages a member sees, posts a picture, reads it back, answers, marks, listens and takes back.
package clients_test

import (
	"bufio"
	"bytes"
	"html"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rochdale/internal/kit/testkit"
)

const password = "correct horse battery staple"

// place is a co-op of two members, served by the binary under test.
type place struct {
	testing.TB
	bin  string
	env  []string
	host string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{TB: t, bin: os.Getenv("ROCHDALE_BIN"), host: freePort(t)}
	if p.bin == "" {
		p.bin, _ = filepath.Abs("../../bin/rochdale")
	}
	if _, err := os.Stat(p.bin); err != nil {
		testkit.Missing(t, "the program", "make build, or set ROCHDALE_BIN")
	}
	p.env = append(os.Environ(), "ROCHDALE_LISTEN="+p.host, "ROCHDALE_HOST="+p.host, "ROCHDALE_URL=http://"+p.host, "ROCHDALE_DATA="+t.TempDir(),
		"ROCHDALE_DATABASE=", "ROCHDALE_ALLOW_PRIVATE_NETWORKS=true")
	p.run(password+"\n", "found", "--name", "Test Co-op", "--account", "ann", "--email", "ann@example.org", "--password-stdin")
	p.run(password+"\n", "account", "create", "--account", "bob", "--email", "bob@example.org", "--password-stdin")
	serve := exec.Command(p.bin, "serve")
	var said bytes.Buffer
	serve.Env, serve.Stdout, serve.Stderr = p.env, &said, &said
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(os.Interrupt)
		if err := serve.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
		if t.Failed() {
			t.Logf("rochdale said:\n%s", said.String())
		}
	})
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, err := http.Get("http://" + p.host + "/readyz")
		if err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(until) {
			t.Fatalf("the program does not answer: %v", err)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// run runs a command of the program and returns what it printed.
func (p *place) run(stdin string, args ...string) string {
	p.Helper()
	c := exec.Command(p.bin, args...)
	c.Env, c.Stdin = p.env, strings.NewReader(stdin)
	var errOut bytes.Buffer
	c.Stderr = &errOut
	out, err := c.Output()
	if err != nil {
		p.Fatalf("rochdale %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	return strings.TrimSpace(string(out))
}

var input = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)

// consent is what a member does in the browser: sign in, read the app's question, let it in, and copy
// the code.
func (p *place) consent(address, email string) (code string) {
	p.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	read := func(address string, form url.Values) (*url.URL, string) {
		p.Helper()
		ask := func() (*http.Response, error) { return browser.PostForm(address, form) }
		if form == nil {
			ask = func() (*http.Response, error) { return browser.Get(address) }
		}
		r, err := ask()
		if err != nil {
			p.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		b, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			p.Fatalf("%s: %d, %v\n%s", r.Request.URL, r.StatusCode, err, b)
		}
		return r.Request.URL, string(b)
	}
	at, _ := read(address, nil)
	if at.Path != "/sign-in" {
		p.Fatalf("a visitor is asked to sign in, not led to %s", at)
	}
	at, page := read(at.String(), url.Values{"email": {email}, "password": {password}, "next": {at.Query().Get("next")}})
	if at.Path != "/oauth/authorize" {
		p.Fatalf("after the sign-in comes the app's question, not %s", at)
	}
	answer := url.Values{"answer": {"allow"}}
	for _, in := range input.FindAllString(page, -1) {
		answer.Set(attribute(in, "name"), attribute(in, "value"))
	}
	at, page = read(at.Scheme+"://"+at.Host+at.Path, answer)
	code = at.Query().Get("code")
	if code == "" || !strings.Contains(page, code) {
		p.Fatalf("no code on the page %s", at)
	}
	return code
}

func attribute(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// talk runs a program that prints the address of the consent page, answers it with the code, and
// returns all it said. find picks the address out of a line.
func (p *place) talk(c *exec.Cmd, answers string, find func(line string) string) string {
	p.Helper()
	in, err := c.StdinPipe()
	if err != nil {
		p.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		p.Fatal(err)
	}
	var errOut bytes.Buffer
	c.Stderr = &errOut
	if err := c.Start(); err != nil {
		p.Fatal(err)
	}
	stop := time.AfterFunc(90*time.Second, func() { _ = c.Process.Kill() })
	defer stop.Stop()
	var said strings.Builder
	var once sync.Once
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if address := find(lines.Text()); address != "" {
			once.Do(func() {
				code := p.consent(address, "ann@example.org")
				if _, err := io.WriteString(in, answers+code+"\n"); err != nil {
					p.Error(err)
				}
			})
		}
	}
	if err := c.Wait(); err != nil {
		p.Fatalf("%s: %v\n%s\n%s", filepath.Base(c.Path), err, said.String(), errOut.String())
	}
	return said.String()
}

func picture(tb testing.TB) string {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 64, 48))); err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "square.png")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestToot(t *testing.T) {
	bin, err := exec.LookPath("toot")
	if err != nil {
		testkit.Missing(t, "toot", "apt-get install toot")
	}
	p := newPlace(t)
	env := append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "PYTHONUNBUFFERED=1", "NO_COLOR=1", "BROWSER=true")
	toot := func(args ...string) string {
		t.Helper()
		c := exec.Command(bin, append(args, "--no-color")...)
		c.Env = env
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("toot %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	says := func(said string, words ...string) string {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(said, w) {
				t.Errorf("toot does not say %q but\n%s", w, said)
			}
		}
		return said
	}

	login := exec.Command(bin, "login", "--instance", p.host, "--disable-https", "--no-color")
	login.Env = env
	p.talk(login, "n\n", func(line string) string {
		if strings.HasPrefix(line, "http://"+p.host+"/oauth/authorize") {
			return line
		}
		return ""
	})
	says(toot("whoami"), "@ann")
	says(toot("instance", p.host, "--disable-https"), "Test Co-op")

	idOf := regexp.MustCompile(`/@ann/(\d+)`)
	posted := toot("post", "Hello from the #shell", "--media", picture(t), "--description", "a square", "--visibility", "public", "--language", "en")
	m := idOf.FindStringSubmatch(posted)
	if m == nil {
		t.Fatalf("no address in %s", posted)
	}
	id := m[1]
	says(toot("timeline", "--once"), "Hello from the #shell", "/media/f/", "@ann")
	says(toot("timeline", "--once", "--public", "--local"), "Hello from the #shell")
	says(toot("timeline", "--once", "--tag", "shell"), "Hello from the #shell")
	toot("post", "An answer", "--reply-to", id)
	says(toot("thread", id), "Hello from the #shell", "An answer")
	for _, act := range []string{"favourite", "reblog", "bookmark", "pin"} {
		says(toot(act, id), "✓")
	}
	says(toot("reblogged_by", id), "ann")
	says(toot("bookmarks", "--once"), "Hello from the #shell")
	for _, act := range []string{"unfavourite", "unreblog", "unbookmark", "unpin"} {
		says(toot(act, id), "✓")
	}
	says(toot("search", "bob"), "@bob")
	says(toot("follow", "bob"), "✓")
	says(toot("following", "ann"), "@bob")
	says(toot("whois", "bob"), "@bob")
	says(toot("mute", "bob"), "✓")
	says(toot("unmute", "bob"), "✓")
	says(toot("block", "bob"), "✓")
	says(toot("unblock", "bob"), "✓")
	toot("notifications")
	says(toot("delete", id), "✓")
	if said := toot("timeline", "--once"); strings.Contains(said, "Hello from the #shell") {
		t.Errorf("the post is still there:\n%s", said)
	}
}

func TestMastoJS(t *testing.T) {
	node := node(t)
	p := newPlace(t)
	c := exec.Command(node, "masto.mjs")
	c.Env = append(os.Environ(), "SERVER=http://"+p.host, "BOBS_TOKEN="+p.run("", "token", "create", "--account", "bob"))
	said := p.talk(c, "", func(line string) string {
		address, _ := strings.CutPrefix(line, "consent ")
		if address == line {
			return ""
		}
		return address
	})
	steps := strings.Split(strings.TrimSpace(said), "\n")
	if !slices.Contains(steps, "ok revoke") {
		t.Errorf("masto.js did not come to the end:\n%s", said)
	}
	t.Logf("%d steps", len(steps)-1)
}

// node finds a node that is new enough, with the libraries.
func node(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("node_modules/@seriousme/openapi-schema-validator"); err != nil {
		npm, err := exec.LookPath("npm")
		if err != nil {
			testkit.Missing(t, "npm", err.Error())
		}
		if out, err := exec.Command(npm, "ci", "--no-audit", "--no-fund", "--loglevel=error").CombinedOutput(); err != nil {
			testkit.Missing(t, "node packages", string(out))
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

// The document of the co-op's JSON API is what a validator that nobody here wrote accepts.
func TestOpenAPIDocument(t *testing.T) {
	p := newPlace(t)
	cmd := exec.Command(node(t), "openapi.mjs", "http://"+p.host)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.HasPrefix(out, []byte("valid OpenAPI 3.1")) {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s", out)
}

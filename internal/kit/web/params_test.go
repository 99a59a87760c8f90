package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
)

func read(method, target, kind, body string) (web.Params, error) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	return web.Read(r)
}

// The same parameters come from wherever a client puts them.
func TestParamsFromEverywhere(t *testing.T) {
	t.Parallel()
	form := url.Values{"status": {"hi"}, "media_ids[]": {"1", "2"}, "poll[options][]": {"a", "b"}, "poll[expires_in]": {"60"}, "sensitive": {"true"}}
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for k, l := range form {
		for _, v := range l {
			if err := m.WriteField(k, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	object := `{"status":"hi","media_ids":[1,"2"],"poll":{"options":["a","b"],"expires_in":60},"sensitive":true,"in_reply_to_id":null}`
	for name, tc := range map[string]struct{ method, target, kind, body string }{
		"query":     {"GET", "/?" + form.Encode(), "", ""},
		"form":      {"POST", "/", "application/x-www-form-urlencoded; charset=utf-8", form.Encode()},
		"put":       {"PUT", "/", "application/x-www-form-urlencoded", form.Encode()},
		"multipart": {"POST", "/", m.FormDataContentType(), b.String()},
		"JSON":      {"POST", "/", "application/json; charset=utf-8", object},
		"both":      {"POST", "/?status=hi", "application/json", strings.Replace(object, `"status":"hi",`, "", 1)},
	} {
		p, err := read(tc.method, tc.target, tc.kind, tc.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(form, p.Values()); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if !cmp.Equal(p.IDs("media_ids"), []id.ID{1, 2}) || p.Int("poll[expires_in]", 0, 0, 100) != 60 || !p.Bool("sensitive") || p.Has("in_reply_to_id") || !p.Has("media_ids") {
			t.Errorf("%s: read as %v", name, p.Values())
		}
	}
}

func TestParamsReadAs(t *testing.T) {
	t.Parallel()
	p, err := read("GET", "/?"+url.Values{"n": {"500"}, "neg": {"-5"}, "bad": {"x"}, "text": {"  a\r\nb  "}, "id": {"-7"}, "ids": {"1"}, "ids[]": {"2", "x", "-3"},
		"yes": {"ON"}, "no": {"0"}, "empty": {""}}.Encode(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if p.Int("n", 20, 1, 40) != 40 || p.Int("neg", 20, 1, 40) != 1 || p.Int("bad", 20, 1, 40) != 20 || p.Int("none", 20, 1, 40) != 20 {
		t.Error("numbers")
	}
	if p.Text("text") != "a\nb" || p.String("text") != "  a\r\nb  " || p.ID("id") != 0 || !cmp.Equal(p.IDs("ids"), []id.ID{2, 1}) {
		t.Errorf("%q, %d, %v", p.Text("text"), p.ID("id"), p.IDs("ids"))
	}
	if !p.Bool("yes") || p.Bool("no") || p.Bool("empty") || !p.Has("empty") || p.Has("nothing") {
		t.Error("yes and no")
	}
	if p, err := read("POST", "/", "application/json", ""); err != nil || len(p.Values()) != 0 {
		t.Errorf("an empty body: %v, %v", p.Values(), err)
	}
}

func TestParamsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	nest := func(n int) string { return `{"a":` + strings.Repeat(`[`, n) + `1` + strings.Repeat(`]`, n) + `}` }
	for name, tc := range map[string]struct{ kind, body string }{
		"no JSON":           {"application/json", "{"},
		"a list":            {"application/json", "[1]"},
		"a word":            {"application/json", `"x"`},
		"nested deep":       {"application/json", nest(17)},
		"nested very deep":  {"application/json", nest(400_000)},
		"objects deep":      {"application/json", strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)},
		"no boundary":       {"multipart/form-data", "x"},
		"cut off multipart": {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"},
		"bad escape":        {"application/x-www-form-urlencoded", "a=%zz"},
	} {
		if _, err := read("POST", "/", tc.kind, tc.body); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p, err := read("POST", "/", "application/json", nest(16)); err != nil || p.String("a"+strings.Repeat("[]", 16)) != "1" {
		t.Errorf("sixteen deep: %v", err)
	}
}

// Whatever the form of a body, one that is too large is refused with 413.
func TestBodiesHaveALimit(t *testing.T) {
	t.Parallel()
	readAll := func(w http.ResponseWriter, r *http.Request) error {
		p, err := web.Read(r)
		if err != nil {
			return err
		}
		return web.Bytes(w, 200, "text/plain", fmt.Append(nil, len(p.String("a"))))
	}
	raw := func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(io.Discard, r.Body)
		return err
	}
	s := newSite(t, nil, web.Route{Pattern: "POST /small", Act: none, Style: web.API, MaxBody: 1000, Handler: readAll},
		web.Route{Pattern: "POST /usual", Act: none, Style: web.API, Handler: readAll}, web.Route{Pattern: "POST /raw", Act: none, Style: web.Federation, MaxBody: 1000, Handler: raw})
	bodies := func(n int) map[string][2]string {
		x := strings.Repeat("x", n)
		return map[string][2]string{
			"JSON":      {"application/json", `{"a":"` + x + `"}`},
			"form":      {"application/x-www-form-urlencoded", "a=" + x},
			"multipart": {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + x + "\r\n--b--\r\n"},
		}
	}
	for path, n := range map[string]int{"/small": 1000, "/usual": 1 << 20} {
		for kind, b := range bodies(n / 2) {
			if r := s.do("POST", path, b[1], "Content-Type", b[0]); r.status != http.StatusOK || r.body != fmt.Sprint(n/2) {
				t.Errorf("%s %s within the limit: %d", path, kind, r.status)
			}
		}
		for kind, b := range bodies(n) {
			if r := s.do("POST", path, b[1], "Content-Type", b[0]); r.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s %s over it: %d %s", path, kind, r.status, r.body)
			}
		}
	}
	if r := s.do("POST", "/raw", strings.Repeat("x", 1001)); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("raw: %d", r.status)
	}
}

// Whoever clicks a link of ours stays here: neither Local nor the redirect after it leads elsewhere, as a
// browser reads it.
func TestLocal(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, web.Route{Pattern: "GET /go", Handler: func(w http.ResponseWriter, r *http.Request) error {
		return web.Redirect(w, r, web.Local(r.URL.Query().Get("to"), "/home"))
	}})
	for _, to := range []string{"/", "/a/b?c=d&e=//f", "/@ann/12", "/x#y", "/search?q=a%5Cb", `/search?q=a\b`} {
		if got := web.Local(to, "/home"); got != to {
			t.Errorf("%q becomes %q", to, got)
		}
	}
	for _, to := range []string{"", "a", "//evil", `/\evil`, `\\evil`, `\/evil`, "https://evil", "https:/evil", "javascript:alert(1)", "/\r\nX: y", "/\t/evil", "\t//evil", "/\x00/evil",
		`/./\evil`, `/x/../\evil`, `/x/..\..\evil`, `/x#/../../\evil`, " //evil", "/.//evil\n", "/\u007f/evil"} {
		if got := web.Local(to, "/home"); got != "/home" {
			t.Errorf("%q becomes %q", to, got)
		}
	}
	for _, to := range []string{`/./\evil`, "/\t/evil", "/.//evil", "/x/..//evil", "/..//evil", "/%2F/evil", "/%5Cevil", "///evil"} {
		where := s.do("GET", "/go?to="+url.QueryEscape(to), "").header.Get("Location")
		if u := browser(where); u != "coop.example" {
			t.Errorf("%q leads to %q at %s", to, where, u)
		}
	}
}

// browser is the host that a browser at coop.example goes to: it takes tabs and line ends out of an
// address and reads a backslash as a slash.
func browser(location string) string {
	location = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimSpace(location))
	base := url.URL{Scheme: "https", Host: "coop.example", Path: "/"}
	u, err := base.Parse(location)
	if err != nil {
		return err.Error()
	}
	return u.Host
}

func FuzzLocal(f *testing.F) {
	for _, s := range []string{"/", "//evil", `/\evil`, "/\t/evil", `/./\evil`, "/a?b=//c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, to string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://coop.example/x/y", nil)
		if err := web.Redirect(w, r, web.Local(to, "/home")); err != nil {
			t.Fatal(err)
		}
		where := w.Header().Get("Location")
		if host := browser(where); host != "coop.example" && !strings.Contains(host, "invalid URL escape") && !strings.Contains(host, "invalid character") {
			t.Errorf("%q leads to %q at %s", to, where, host)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("application/json", `{"a":[1,{"b":null}]}`)
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--")
	f.Add("application/x-www-form-urlencoded", "a=b&c[]=d")
	f.Fuzz(func(t *testing.T, kind, body string) {
		p, err := read("POST", "/?q=1", kind, body)
		if err != nil {
			var tooMuch *http.MaxBytesError
			if !fault.Is(err, fault.Invalid) && !errors.As(err, &tooMuch) {
				t.Fatal(err)
			}
			return
		}
		for k := range p.Values() {
			p.Text(k)
			p.Bool(k)
			p.IDs(k)
		}
	})
}

func TestBack(t *testing.T) {
	t.Parallel()
	for referer, want := range map[string]string{"http://example.com/a?b=c": "/a?b=c", "http://evil.example/a": "/home", "": "/home", "http://example.com//evil": "/home",
		"http://example.com/\\evil": "/%5Cevil", "http://example.com": "/home"} {
		r := httptest.NewRequest(http.MethodPost, "/x", nil)
		r.Header.Set("Referer", referer)
		if got := web.Back(r, "/home"); got != want {
			t.Errorf("from %q: %q, want %q", referer, got, want)
		}
	}
}

func TestWantsJSON(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{"": false, "*/*": false, "text/html,application/json": false, "application/activity+json": true,
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`: true, "application/json, text/html": true, "image/png": false} {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Header.Set("Accept", accept)
		if web.WantsJSON(r) != want {
			t.Errorf("%q: %v", accept, !want)
		}
	}
}

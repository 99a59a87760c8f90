package assets

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, path, encoding, etag string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	t.Parallel()
	types := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "woff2": "font/woff2", "svg": "image/svg+xml"}
	for _, name := range Names() {
		r := get(t, URL(name), "", "")
		if r.Code != http.StatusOK {
			t.Errorf("%s: %d", name, r.Code)
			continue
		}
		if got, want := r.Header().Get("Content-Type"), types[name[strings.LastIndexByte(name, '.')+1:]]; got != want {
			t.Errorf("%s: type %q, want %q", name, got, want)
		}
		if got := r.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: cache %q", name, got)
		}
		if got := get(t, URL(name), "", r.Header().Get("ETag")); got.Code != http.StatusNotModified {
			t.Errorf("%s: with its ETag %d", name, got.Code)
		}
		plain := r.Body.Bytes()
		if z := get(t, URL(name), "br, gzip;q=0.8", ""); z.Header().Get("Content-Encoding") == "gzip" {
			zr, err := gzip.NewReader(z.Body)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(zr); err != nil || !bytes.Equal(b, plain) {
				t.Errorf("%s: compressed copy differs: %v", name, err)
			}
		} else if strings.HasSuffix(name, "s") { // css and js
			t.Errorf("%s: not compressed", name)
		}
		if z := get(t, URL(name), "gzip;q=0", ""); z.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: compressed for a client that refuses it", name)
		}
	}
	for _, path := range []string{"/assets/", "/assets/nothing.css", "/assets/../assets.go", "/assets/" + names["app.css"] + ".gz"} {
		if r := get(t, path, "", ""); r.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.Code)
		}
	}
}

// What every first visit loads before fonts and pictures. The page itself has 25 kB left of its 60.
func TestWireSize(t *testing.T) {
	t.Parallel()
	total := 0
	for _, name := range []string{"app.css", "app.js"} {
		total += get(t, URL(name), "gzip", "").Body.Len()
	}
	if total > 35_000 {
		t.Errorf("style sheet and script are %d bytes compressed", total)
	}
}

// The style sheet must only name files that are there, and nothing on another host.
func TestStyleSheetRefersToOwnFiles(t *testing.T) {
	t.Parallel()
	css := get(t, URL("app.css"), "", "").Body.String()
	n := 0
	for _, m := range regexp.MustCompile(`url\("?([^")]*)"?\)`).FindAllStringSubmatch(css, -1) {
		if strings.HasPrefix(m[1], "data:image/svg+xml,") {
			continue
		}
		n++
		if r := get(t, Prefix+strings.TrimPrefix(m[1], "./"), "", ""); r.Code != http.StatusOK {
			t.Errorf("%s: %d", m[1], r.Code)
		}
	}
	if n < 10 {
		t.Errorf("only %d fonts", n)
	}
}

package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Component is what templ generates: something that draws itself.
type Component interface {
	Render(ctx context.Context, w io.Writer) error
}

// Render draws a page. It is drawn to the end before the first byte goes out, so that an error in the
// middle becomes an error page and not half a page.
func Render(w http.ResponseWriter, r *http.Request, status int, c Component) error {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		return err
	}
	return compressed(w, r, status, "text/html; charset=utf-8", b.Bytes())
}

// smallest is the size below which compressing saves no packet.
const smallest = 1400

// compressed writes a finished body, gzipped for a reader who takes that: a page of twenty posts
// shrinks from 90 kB to 7.
func compressed(w http.ResponseWriter, r *http.Request, status int, contentType string, b []byte) error {
	return Bytes(w, status, contentType, Compress(w, r, b))
}

// Compress gives a finished body back gzipped, and says so in the header, for a reader who takes that;
// what is small stays as it is. Whoever calls it varies the answer by Accept-Encoding.
func Compress(w http.ResponseWriter, r *http.Request, b []byte) []byte {
	s := of(r).server
	if s == nil || len(b) < smallest || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return b
	}
	z, _ := s.zip.Get().(*gzip.Writer)
	if z == nil {
		z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one
	}
	defer s.zip.Put(z)
	var out bytes.Buffer
	z.Reset(&out)
	_, _ = z.Write(b) // to memory
	_ = z.Close()
	w.Header().Set("Content-Encoding", "gzip")
	return out.Bytes()
}

// Redirect sends the browser on with GET after a form was accepted.
func Redirect(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// Back is the page of this site the reader came from, or fallback.
func Back(r *http.Request, fallback string) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host || u.Path == "" {
		return fallback
	}
	return Local(u.RequestURI(), fallback)
}

// Local lets through only an address on this site, so that nobody can be sent elsewhere by a link.
// Browsers drop tabs and line ends and read a backslash as a slash, and a redirect resolves dots before
// that: "/<tab>/host" and "/./\host" are other sites.
func Local(to, fallback string) string {
	path, _, _ := strings.Cut(to, "?")
	control := func(c rune) bool { return c < ' ' || c == 0x7f }
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(path, "\\") || strings.ContainsFunc(to, control) {
		return fallback
	}
	return to
}

// Fragment reports whether a script asked for a part of the page only.
func Fragment(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// WantsJSON reports whether the reader prefers ActivityStreams or other JSON to a page.
func WantsJSON(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get("Accept"), ",") {
		switch t, _, _ := strings.Cut(strings.TrimSpace(part), ";"); strings.TrimSpace(t) {
		case "text/html", "application/xhtml+xml":
			return false
		case "application/activity+json", "application/ld+json", "application/json":
			return true
		}
	}
	return false
}

const flashCookie = "rochdale_flash"

// SetFlash keeps one sentence for the next page.
func SetFlash(w http.ResponseWriter, r *http.Request, words string) {
	c := cookie(r, flashCookie, base64.RawURLEncoding.EncodeToString([]byte(words)), time.Time{}) //nolint:gosec // cookie sets the three attributes
	c.MaxAge = 60
	http.SetCookie(w, c)
}

// TakeFlash gives the sentence kept by SetFlash, once.
func TakeFlash(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(flashCookie)
	if err != nil || c.Value == "" {
		return ""
	}
	gone := cookie(r, flashCookie, "", time.Time{}) //nolint:gosec // cookie sets the three attributes
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(b) > 500 {
		return ""
	}
	return string(b)
}

func pathOf(pattern string) string {
	if _, p, ok := strings.Cut(pattern, " "); ok {
		return p
	}
	return pattern
}

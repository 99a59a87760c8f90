package site

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"rochdale/internal/kit/web/assets"
	"rochdale/internal/social"
)

// A page of a timeline is at most 60 kB over the wire, with its style sheet and scripts, before
// pictures and fonts.
func TestWeight(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	for range pageSize {
		p.say(t, mara, social.Draft{Text: "The slipway is swept, the winch is greased and the bell is back. Who brings the first boat? Notes are at https://harbour.example/notes #tides"})
	}
	s := p.as(t, "mara")
	total := 0
	weigh := func(name string, body []byte) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body)
		_ = z.Close()
		t.Logf("%s: %d bytes, %d compressed", name, len(body), b.Len())
		total += b.Len()
	}
	weigh("page", []byte(s.body))
	r, err := http.NewRequest(http.MethodGet, p.server.URL+"/home", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip, br")
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if wire, err := io.ReadAll(res.Body); err != nil || res.Header.Get("Content-Encoding") != "gzip" || len(wire) > 15_000 {
		t.Errorf("the page goes out as %d bytes (%q), %v", len(wire), res.Header.Get("Content-Encoding"), err)
	}
	for _, name := range []string{"app.css", "app.js"} {
		rec := httptest.NewRecorder()
		assets.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, assets.URL(name), nil))
		weigh(name, rec.Body.Bytes())
	}
	if total > 60_000 {
		t.Errorf("%d bytes", total)
	}
}

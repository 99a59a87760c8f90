package site

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/social"
)

// What a home page of twenty posts costs, from the request to the last byte.
func BenchmarkHome(b *testing.B) {
	c := clock.NewFake(testkit.Start)
	p := newPlace(b, testkit.SQLite(b, migrations, c))
	mara := p.found(b)
	for range pageSize {
		p.say(b, mara, social.Draft{Text: "The slipway is swept, the winch is greased and the bell is back. Who brings the first boat? #tides"})
	}
	s := p.as(b, "mara")
	cookies := s.client.Jar.Cookies(s.url)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "/home", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		for _, k := range cookies {
			r.AddCookie(k)
		}
		rec := httptest.NewRecorder()
		p.server.Config.Handler.ServeHTTP(rec, r)
		if n, _ := io.Copy(io.Discard, rec.Body); rec.Code != http.StatusOK || n < 1000 {
			b.Fatalf("%d, %d bytes", rec.Code, n)
		}
	}
}

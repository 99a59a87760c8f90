package mastodon

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/social"
)

// crowd is a world in which one member follows thirty who have posted ten times each.
func crowd(b *testing.B, d *db.DB) (*world, *person, http.Handler) {
	b.Helper()
	c := clock.NewFake(testkit.Start)
	w := newWorld(b, d, c)
	reader := w.member("reader", allScopes)
	ctx := context.Background()
	for n := range 30 {
		p := w.member(fmt.Sprintf("writer%d", n), allScopes)
		if _, err := w.Social.Follow(ctx, reader.actor(), p.ID, social.FollowOptions{}); err != nil {
			b.Fatal(err)
		}
		for range 10 {
			if _, err := w.Social.Publish(ctx, p.actor(), social.Draft{Text: "Somebody has something to say about #looms and cloth, at https://example.org/and/so/on"}); err != nil {
				b.Fatal(err)
			}
		}
	}
	srv, err := web.New(web.Options{Log: w.Service.Log, Clock: c, Bearer: w.Identity.ByToken}, w.Routes())
	if err != nil {
		b.Fatal(err)
	}
	return w, reader, srv
}

// eachEngine runs the benchmark on both databases; PostgreSQL only where there is one.
func eachEngine(b *testing.B, f func(b *testing.B, w *world, reader *person, h http.Handler)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) {
		w, r, h := crowd(b, testkit.SQLite(b, schema, clock.NewFake(testkit.Start)))
		f(b, w, r, h)
	})
	b.Run("postgres", func(b *testing.B) {
		w, r, h := crowd(b, testkit.Postgres(b, schema, clock.NewFake(testkit.Start)))
		f(b, w, r, h)
	})
}

// read answers one path as often as it can, without a network between.
func read(b *testing.B, h http.Handler, token, path string) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusOK || w.Body.Len() < 10_000 {
				b.Fatalf("%d, %d bytes", w.Code, w.Body.Len())
			}
		}
	})
}

func BenchmarkHome(b *testing.B) {
	eachEngine(b, func(b *testing.B, _ *world, r *person, h http.Handler) { read(b, h, r.token, "/api/v1/timelines/home") })
}

func BenchmarkPublic(b *testing.B) {
	eachEngine(b, func(b *testing.B, _ *world, r *person, h http.Handler) {
		read(b, h, r.token, "/api/v1/timelines/public?local=true")
	})
}

func BenchmarkPublicForVisitors(b *testing.B) {
	eachEngine(b, func(b *testing.B, _ *world, _ *person, h http.Handler) {
		read(b, h, "", "/api/v1/timelines/public?local=true")
	})
}

func BenchmarkAccountStatuses(b *testing.B) {
	eachEngine(b, func(b *testing.B, w *world, r *person, h http.Handler) {
		a, err := w.Social.ByName(context.Background(), w.DB, "writer3", "")
		if err != nil {
			b.Fatal(err)
		}
		read(b, h, r.token, "/api/v1/accounts/"+a.ID.String()+"/statuses")
	})
}

// BenchmarkRender is what of a home timeline is ours: twenty posts into one buffer.
func BenchmarkRender(b *testing.B) {
	w, r, _ := crowd(b, testkit.SQLite(b, schema, clock.NewFake(testkit.Start)))
	views, err := w.Social.Home(context.Background(), r.actor(), social.Page{})
	if err != nil || len(views) != 20 {
		b.Fatal(len(views), err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.appendStatuses(nil, views, true)
	}
}

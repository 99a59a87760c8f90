package identity

import (
	"context"
	"testing"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
)

// A revocation that falls between reading a session and keeping it in the cache must not be lost.
func TestRevocationWhileBeingRead(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	s, err := New(testkit.SQLite(t, []db.Source{Migrations()}, c), quiet(t, c))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	read := func(then func()) (reads int) {
		_, err := s.cached(ctx, "skey", func(string) (authz.Actor, error) {
			reads++
			then()
			return authz.Actor{Session: 7, Account: 8}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return reads
	}
	read(func() { s.forget(id.ID(7).String()) })
	if read(func() {}) != 1 {
		t.Error("what was revoked while it was read is served from the cache")
	}
	if read(func() {}) != 0 {
		t.Error("nothing is cached at all")
	}
}

// However many sessions have been seen, whatever is cached can be forgotten.
func TestRevocationAfterManySessions(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	s, err := New(testkit.SQLite(t, []db.Source{Migrations()}, c), quiet(t, c))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	fresh := func(n int) (read bool) {
		key := "s" + id.ID(n).String()
		if _, err := s.cached(ctx, key, func(string) (authz.Actor, error) {
			read = true
			return authz.Actor{Session: id.ID(n), Account: 1}, nil
		}); err != nil {
			t.Fatal(err)
		}
		return read
	}
	const many = 1<<16 + 2
	for n := 1; n <= many; n++ {
		fresh(n)
	}
	for n := many - 50; n <= many; n++ {
		s.forget(id.ID(n).String())
		if !fresh(n) {
			t.Fatalf("session %d of %d is served from the cache after it was revoked", n, many)
		}
	}
}

func quiet(t *testing.T, c clock.Clock) *bus.Bus {
	t.Helper()
	return bus.New(testkit.SQLite(t, nil, c))
}

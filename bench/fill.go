package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"rochdale/internal/coop"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/member"
	"rochdale/internal/social"
)

// world is what the load needs to know of the filled instance.
type world struct {
	tokens []string // of bench0, bench1, ...
	ids    []id.ID
	posts  int
}

// fill founds a co-op with the accounts asked for, by the program's own services, so that it is exactly
// what a grown instance holds.
func fill(cfg appConfig) (*world, error) {
	ctx := context.Background()
	a, err := build(cfg)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	_, err = a.Coop.Found(ctx, authz.Actor{Via: authz.Operator}, coop.Founding{Name: "Bench", Founder: member.Joining{Name: "Founder", Username: "founder", Email: "founder@bench.example", Password: "a long password"}})
	if err != nil {
		return nil, err
	}
	hash, err := a.Identity.HashPassword(ctx, "a long password")
	if err != nil {
		return nil, err
	}
	w := &world{}
	for len(w.ids) < *accounts {
		err := a.DB.InTx(ctx, func(tx *db.Tx) error {
			for range min(200, *accounts-len(w.ids)) {
				n := len(w.ids)
				m, err := a.Member.Enrol(ctx, tx, member.Joining{Name: fmt.Sprintf("Bench %d", n), Username: fmt.Sprintf("bench%d", n), Email: fmt.Sprintf("bench%d@bench.example", n)}, hash)
				if err != nil {
					return err
				}
				w.ids = append(w.ids, m.AccountID)
				if n > 100 {
					continue
				}
				login, err := a.Identity.LoginOf(ctx, tx, m.AccountID)
				if err != nil {
					return err
				}
				t, err := a.Identity.MakeToken(ctx, tx, login.ID, "read write follow push")
				if err != nil {
					return err
				}
				w.tokens = append(w.tokens, t.Plain)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return w, fillPosts(ctx, a.DB, a.Social, w)
}

// fillPosts writes the old posts, a thousand to a transaction, by accounts that nobody in the load
// follows: what is measured is what they cost those who do not look at them.
func fillPosts(ctx context.Context, d *db.DB, s *social.Service, w *world) error {
	for done := 0; done < *posts; {
		err := d.InTx(ctx, func(tx *db.Tx) error {
			for range min(1000, *posts-done) {
				by := authz.Actor{Account: w.ids[min(len(w.ids)-1, 102+done%max(1, len(w.ids)-102))], Via: authz.Web}
				if _, err := s.PublishIn(ctx, tx, by, social.Draft{Text: fmt.Sprintf("Old post number %d about the price of flour and butter.", done), Language: "en", Visibility: social.Public}); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	w.posts = *posts
	return nil
}

// follow makes the accounts from..to follow the first one.
func follow(cfg appConfig, w *world, from, to int) error {
	ctx := context.Background()
	a, err := build(cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.DB.InTx(ctx, func(tx *db.Tx) error {
		for _, i := range w.ids[from:min(to, len(w.ids))] {
			if err := a.Social.FollowIn(ctx, tx, authz.Actor{Account: i, Via: authz.Web}, w.ids[0], social.FollowOptions{}, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// holder lets testkit make and drop a schema outside a test.
type holder struct {
	testing.TB
	mu    sync.Mutex
	tasks []func()
}

func (h *holder) Helper() {}

func (h *holder) Cleanup(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tasks = append(h.tasks, f)
}

func (h *holder) Fatal(args ...any) { h.Error(args...); runtime.Goexit() }

func (h *holder) Error(args ...any) { fmt.Println(append([]any{"bench:"}, args...)...) }

func (h *holder) cleanup() {
	for i := len(h.tasks) - 1; i >= 0; i-- {
		h.tasks[i]()
	}
}

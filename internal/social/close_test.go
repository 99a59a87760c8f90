package social_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

// A closed account is gone with everything it wrote, its followers are told while they are still known,
// and its name stays taken.
func TestClosingAnAccount(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		post := p.post(ann, "Remember me.", social.Public, 0)
		p.follow(bob, ann)
		told := 0
		p.Closed.On(func(ctx context.Context, tx *db.Tx, e social.Closed) error {
			r, err := p.Relations(ctx, tx, bob.Account, []id.ID{e.Account.ID})
			if err == nil && r[e.Account.ID].Follows {
				told++
			}
			return err
		})
		for range 2 { // once is enough
			p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) error { return p.Close(p.ctx, tx, ann.Account) }))
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
		if _, err := p.Post(p.ctx, bob, post.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the post: %v", err)
		}
		if err := p.CheckUsername(p.ctx, p.db, "ann"); !fault.Is(err, fault.Invalid) {
			t.Errorf("the name is free again: %v", err)
		}
	})
}

// Many posts go in parts before the account does: no transaction is longer than one part, nothing is
// left for the last, and no server hears of a single post.
func TestPostsAreClearedInParts(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		kept := p.post(bob, "I stay.", social.Public, 0)
		for range 450 {
			p.post(ann, "One of many.", social.Public, 0)
		}
		_, err := p.Boost(p.ctx, ann, kept.ID, social.Public)
		p.ok(err)
		alone, inTx := 0, map[*db.Tx]int{}
		p.Deleted.On(func(_ context.Context, tx *db.Tx, e social.Deleted) error {
			if inTx[tx]++; !e.WithAccount {
				alone++
			}
			return nil
		})
		p.ok(p.ClearPosts(p.ctx, ann.Account))
		if most := slices.Max(slices.Collect(maps.Values(inTx))); len(inTx) != 3 || most > 200 || alone != 0 {
			t.Errorf("%d transactions, %d posts in one, %d told alone", len(inTx), most, alone)
		}
		if left, err := p.AllOf(p.ctx, p.db, ann.Account); err != nil || len(left) != 0 {
			t.Errorf("%d posts are left, %v", len(left), err)
		}
		p.ok(p.ClearPosts(p.ctx, ann.Account))
		p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) error { return p.Close(p.ctx, tx, ann.Account) }))
		if _, err := p.Post(p.ctx, bob, kept.ID); err != nil {
			t.Errorf("what was boosted: %v", err)
		}
	})
}

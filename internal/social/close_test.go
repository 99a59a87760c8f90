package social_test

import (
	"context"
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

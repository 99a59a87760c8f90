package notice_test

import (
	"testing"

	"rochdale/internal/kit/db"
	"rochdale/internal/social"
)

// Of limited accounts one hears only if one follows them.
func TestOfLimitedAccountsOnlyFollowersHear(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann, bob := p.account("ann"), p.account("bob")
		mine := p.post(ann, "mine", 0)
		limit := func(on bool) {
			p.ok(p.db.InTx(p.ctx, func(tx *db.Tx) error {
				return p.social.SetLimited(p.ctx, tx, bob.Account, on)
			}))
		}
		all := func() {
			p.post(bob, "hello @ann", 0)
			p.ok(p.social.Favourite(p.ctx, bob, mine.ID))
			_, err := p.social.Boost(p.ctx, bob, mine.ID, social.Public)
			p.ok(err)
			p.ok(p.social.Unfavourite(p.ctx, bob, mine.ID))
			p.ok(p.social.Unboost(p.ctx, bob, mine.ID))
		}
		limit(true)
		p.follow(bob, ann, false)
		all()
		if got := p.told(ann); got != "" {
			t.Errorf("of a limited stranger she hears %q", got)
		}
		p.follow(ann, bob, true)
		all()
		if got := p.told(ann); got != "mention bob" { // the other two were taken back
			t.Errorf("of a limited account that she follows she hears %q", got)
		}
		limit(false)
		p.ok(p.social.Favourite(p.ctx, bob, mine.ID))
		if got := p.told(ann); got != "mention bob, favourite bob" {
			t.Errorf("of a free account she hears %q", got)
		}
	})
}

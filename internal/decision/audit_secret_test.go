package decision_test

import (
	"context"
	"crypto/rand"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
)

// Cast votes as the program's pages let: by name, or in secret by the way for those without script, with a
// code of the voter's own that is used again.
func (h *hall) Cast(ctx context.Context, by authz.Actor, motion id.ID, c decision.Choice, reason string) (decision.Receipt, error) {
	m, err := h.ByID(ctx, by, motion)
	if err != nil || !m.Secret() || by.Member == 0 {
		return h.Service.Cast(ctx, by, motion, c, reason)
	}
	v, _, err := h.ballots.Of(ctx, h.db, m.Ref())
	if err != nil {
		return decision.Receipt{}, err
	}
	key := voterOf{motion, by.Member}
	h.codesMu.Lock()
	defer h.codesMu.Unlock()
	code, ok := h.codes[key]
	if !ok {
		if code, err = ballotbox.NewCode(rand.Reader); err != nil {
			return decision.Receipt{}, err
		}
		if h.codes == nil {
			h.codes = map[voterOf]ballotbox.Code{}
		}
		h.codes[key] = code
	}
	_, err = h.ballots.VoteFor(ctx, by, v.ID, code, "", ballotbox.Choice{Vote: c.Choice})
	return decision.Receipt{}, err
}

type voterOf struct{ motion, member id.ID }

// secret looks at the ballots of a motion: no more than papers, no more than the roll, each sound, none
// joined to a member, and the result theirs.
func (a *audit) secret(c *course) {
	a.seen["secret ballot"]++
	v, ok, err := a.h.ballots.Of(a.h.ctx, a.h.db, c.m.Ref())
	a.h.ok(err)
	if !ok {
		a.fail(11, "motion %d is secret and has no ballot", c.m.Number)
		return
	}
	if len(c.votes) > 0 {
		a.fail(11, "motion %d is secret and has %d votes by name", c.m.Number, len(c.votes))
	}
	if v.Ballots > v.Papers || v.Papers > v.Roll || v.Roll != c.m.RollSize || v.Roll != len(c.roll) {
		a.fail(11, "motion %d: %d ballots, %d papers, roll of %d (%d)", c.m.Number, v.Ballots, v.Papers, v.Roll, c.m.RollSize)
	}
	if v.ClosedAt.IsZero() {
		if c.m.State != decision.Open {
			a.fail(3, "motion %d is %s and its ballot is open", c.m.Number, c.m.State)
		}
		return
	}
	if v.Key != "" || v.ReceiptKey != "" {
		a.fail(11, "motion %d: the keys of its ballot are still there", c.m.Number)
	}
	f, err := a.h.ballots.Published(a.h.ctx, v.ID)
	if v.Voided {
		if !fault.Is(err, fault.Gone) || c.counted >= 0 {
			a.fail(11, "motion %d was called off, and its ballots are published (%v) or counted", c.m.Number, err)
		}
		return
	}
	a.h.ok(err)
	found, _, err := ballot.Check(f)
	a.h.ok(err)
	for _, x := range found {
		a.fail(4, "motion %d: %s", c.m.Number, x)
	}
	if c.counted >= 0 && (string(f.Result.JSON()) != c.m.ResultJSON || len(f.Ballots) != c.m.Votes) {
		a.fail(4, "motion %d: its ballots give %s, and it says %s", c.m.Number, f.Result.JSON(), c.m.ResultJSON)
	}
	if d := v.OpensAt.Sub(c.m.OpensAt); d > time.Second || d < -time.Second {
		a.fail(2, "motion %d: its ballot opened %s apart", c.m.Number, d)
	}
}

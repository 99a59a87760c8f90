package app

import (
	"context"

	"rochdale/internal/decision"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/event"
	"rochdale/internal/member"
	"rochdale/internal/webhook"
)

// hooks tells other programs of decisions and memberships.
func (a *App) hooks() {
	for name, e := range map[string]*event.Event[decision.Motion]{webhook.DecisionPublished: &a.Decision.Published, webhook.DecisionOpened: &a.Decision.Opened,
		webhook.DecisionCounted: &a.Decision.Counted, webhook.DecisionChanged: &a.Decision.Changed} {
		e.On(func(ctx context.Context, tx *db.Tx, m decision.Motion) error {
			b, err := a.Mandate.Body(ctx, tx, m.Body)
			if err != nil {
				return err
			}
			return a.Webhook.On(ctx, tx, name, webhook.Decision{Number: m.Number, Title: m.Title, URL: a.decisionURL(m), Body: b.Handle, State: string(m.State),
				Outcome: string(m.Outcome), Execution: m.Execution, Opens: m.OpensAt, Closes: m.ClosesAt})
		})
	}
	tell := func(ctx context.Context, tx *db.Tx, name string, m member.Member) error {
		return a.Webhook.On(ctx, tx, name, webhook.Member{Number: m.Number, Since: m.Since, Until: m.Until, Ended: m.Ended})
	}
	a.Member.Admitted.On(func(ctx context.Context, tx *db.Tx, e member.Admitted) error {
		return tell(ctx, tx, webhook.MemberJoined, e.Member)
	})
	a.Member.Ended.On(func(ctx context.Context, tx *db.Tx, e member.Ended) error {
		return tell(ctx, tx, webhook.MemberEnded, e.Member)
	})
	for name, e := range map[string]*event.Event[member.Member]{webhook.MemberSuspended: &a.Member.Suspended, webhook.MemberRestored: &a.Member.Restored, webhook.MemberReinstated: &a.Member.Reinstated} {
		e.On(func(ctx context.Context, tx *db.Tx, m member.Member) error { return tell(ctx, tx, name, m) })
	}
}

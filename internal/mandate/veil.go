package mandate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/record"
)

// Classes of reasons that let an emergency act be published later, where its rule allows it: an authority
// has ordered it and silence about it, or somebody would come to harm by its being known at once.
const (
	Legal  = "legal"
	Safety = "safety"
)

type veil struct {
	Act     id.ID     `db:"act_id"`
	Seq     int64     `db:"record_seq"`
	Class   string    `db:"class"`
	Until   time.Time `db:"until_at"`
	Private string    `db:"private"`
}

// veilFor is the veil that the rule of an emergency act allows for its class, nil for every other act.
func (s *Service) veilFor(ctx context.Context, tx *db.Tx, authority authz.Authority, a *authz.Act) (*record.Veil, error) {
	if authority.Kind != authz.Emergency || !slices.Contains([]string{Legal, Safety}, a.Class) {
		return nil, nil
	}
	allowed, err := s.EmergencyRule(ctx, tx, a.Power)
	if err != nil || allowed.Veil == 0 {
		return nil, err
	}
	return &record.Veil{Class: a.Class, Until: tx.Now().Add(time.Duration(allowed.Veil) * day)}, nil
}

func (s *Service) keepVeil(ctx context.Context, tx *db.Tx, act id.ID, seq int64, v *record.Veil, a *authz.Act) error {
	private := ""
	if a.Private != nil {
		b, err := json.Marshal(a.Private)
		if err != nil {
			return fmt.Errorf("veil act %s: %w", a.Power, err)
		}
		private = string(b)
	}
	_, err := insertVeil.Run(ctx, tx, act, seq, a.Target.Kind, a.Target.ID, v.Class, v.Until, private)
	return err
}

// Unveil publishes what is due.
func (s *Service) Unveil(ctx context.Context) error {
	due, err := listUnveil.All(ctx, s.db, s.db.Now())
	if err != nil {
		return err
	}
	for _, v := range due {
		if err := s.db.InDurableTx(ctx, func(tx *db.Tx) error { return s.unveil(ctx, tx, v) }); err != nil {
			return err
		}
	}
	return nil
}

// unveilOf publishes at once what is kept back about a target, because another act about it follows, which
// would make no sense before.
func (s *Service) unveilOf(ctx context.Context, tx *db.Tx, target authz.Target) error {
	list, err := listVeilsOf.All(ctx, tx, target.Kind, target.ID)
	for i := 0; err == nil && i < len(list); i++ {
		err = s.unveil(ctx, tx, list[i])
	}
	return err
}

func (s *Service) unveil(ctx context.Context, tx *db.Tx, v veil) error {
	if n, err := endVeil.Run(ctx, tx, v.Act, tx.Now()); err != nil || n == 0 {
		return err // another node was first
	}
	var private any
	if v.Private != "" {
		private = json.RawMessage(v.Private)
	}
	_, err := s.record.Unveil(ctx, tx, v.Seq, private)
	return err
}

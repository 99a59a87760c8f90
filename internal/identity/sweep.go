package identity

import (
	"context"

	"rochdale/internal/kit/db"
)

// Sweep removes what has run out: sessions, resets and codes.
func (s *Service) Sweep(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		for _, st := range []*db.Statement{sweepSessions, sweepResets, sweepCodes} {
			if _, err := st.Run(ctx, tx, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

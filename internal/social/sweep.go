package social

import (
	"context"
	"time"

	"rochdale/internal/kit/db"
)

// Sweep forgets idempotency keys that no client will repeat any more.
func (s *Service) Sweep(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := deleteIdempotent.Run(ctx, tx, tx.Now().Add(-time.Hour))
		return err
	})
}

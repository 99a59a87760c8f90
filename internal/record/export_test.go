package record

import (
	"context"

	"rochdale/internal/kit/db"
)

// InsertOld writes an event as it was written before there was anything that events belong to.
func InsertOld(ctx context.Context, tx *db.Tx, e Event) error {
	_, err := insertEvent.Run(ctx, tx, e.Seq, e.At, e.Kind, e.Body, e.Prev, e.Hash, e.Subject, e.Member, e.Authority)
	return err
}

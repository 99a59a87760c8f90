// Package event lets one feature say that something happened and others act on it without either
// importing the other. Handlers run in the emitter's transaction, in the order they were added, and
// an error undoes the whole; slow or outside work is a job enqueued in that same transaction. All
// subscriptions are lines of app/reactions.go.
package event

import (
	"context"

	"rochdale/internal/kit/db"
)

// Event is a typed list of handlers. The zero value is ready. On is called while the program is put
// together; Emit afterwards.
type Event[E any] struct {
	handlers []func(context.Context, *db.Tx, E) error
}

// On adds a handler.
func (e *Event[E]) On(h func(context.Context, *db.Tx, E) error) { e.handlers = append(e.handlers, h) }

// Emit runs every handler within tx and stops at the first error.
func (e *Event[E]) Emit(ctx context.Context, tx *db.Tx, what E) error {
	for _, h := range e.handlers {
		if err := h(ctx, tx, what); err != nil {
			return err
		}
	}
	return nil
}

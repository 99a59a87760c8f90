package election

import (
	"context"
	"slices"

	"rochdale/internal/kit/id"
)

// ForBody lists the elections of a body's offices that are under way, and the last few that are over, the
// newest first.
func (s *Service) ForBody(ctx context.Context, body id.ID) ([]Election, error) {
	list, err := listForBody.All(ctx, s.db, body)
	over := 0
	return slices.DeleteFunc(list, func(e Election) bool {
		if !e.Over() {
			return false
		}
		over++
		return over > 3
	}), err
}

// Words is where the election stands, in a word or two.
func (e *Election) Words(ctx context.Context) string { return stateWords(ctx, e.State) }

// Hue is the colour of that.
func (e *Election) Hue() string { return stateHue(e.State) }

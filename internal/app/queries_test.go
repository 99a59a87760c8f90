package app

import (
	"testing"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
)

// Every query and statement of the whole program is prepared on both engines, on the schema that all
// features make together; a misspelt column or tag is named here.
func TestEveryQueryIsPreparedOnBothEngines(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, Migrations(), func(t *testing.T, d *db.DB, _ *clock.Fake) {
		if err := db.CheckRegistered(t.Context(), d); err != nil {
			t.Error(err)
		}
	})
}

// Every route that can change something says which power it needs, and names one that exists, or why
// it needs none; so does the list of all of them, for whoever reads it here.
func TestEveryMutatingRouteNamesItsPower(t *testing.T) {
	in := newInstance(t, "")
	in.with(func(a *App) {
		powers := map[string]bool{}
		for _, p := range a.Mandate.Powers() {
			powers[p.Name] = true
		}
		mutating := 0
		for _, f := range a.Features {
			for _, r := range f.Routes {
				if err := r.Check(); err != nil {
					t.Error(err)
				}
				if !r.Mutates() {
					continue
				}
				mutating++
				if len(r.Act) < 5 || r.Act[:5] != "none:" && !powers[r.Act] {
					t.Errorf("%s names the power %q, which nobody declares", r.Pattern, r.Act)
				}
			}
		}
		if mutating < 50 {
			t.Errorf("only %d mutating routes: the check has gone blind", mutating)
		}
	})
}

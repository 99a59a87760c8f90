package worddiff

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		before, after string
		want          []Part
	}{
		{"", "", nil},
		{"We meet on Monday.", "We meet on Tuesday.", []Part{{Same, "We meet on "}, {Removed, "Monday"}, {Added, "Tuesday"}, {Same, "."}}},
		{"One two", "One, two", []Part{{Same, "One"}, {Added, ","}, {Same, " two"}}},
		{"", "new", []Part{{Added, "new"}}},
	} {
		if d := cmp.Diff(tc.want, Compare(tc.before, tc.after)); d != "" {
			t.Errorf("%q → %q: %s", tc.before, tc.after, d)
		}
	}
}

// The parts always spell both texts, whatever they are.
func TestPartsSpellBothTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab ,.\n'’äé👍\U0001F469")))
		before, after := text.Draw(r, "before"), text.Draw(r, "after")
		var a, b strings.Builder
		for _, p := range Compare(before, after) {
			if p.Kind != Added {
				a.WriteString(p.Text)
			}
			if p.Kind != Removed {
				b.WriteString(p.Text)
			}
		}
		if a.String() != before || b.String() != after {
			r.Errorf("%q → %q is spelt %q → %q", before, after, a.String(), b.String())
		}
	})
}

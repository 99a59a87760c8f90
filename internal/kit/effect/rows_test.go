package effect

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	terms    = Field{Row: "{seats} for {days} days", Numbers: []string{"seats", "days"}}
	reserved = Field{Row: "{seats} for {for}", Numbers: []string{"seats"}}
)

func TestReadRows(t *testing.T) {
	t.Parallel()
	type rows []map[string]any
	for _, tc := range []struct {
		f     Field
		row   string // in the reader's language
		text  string
		want  rows
		wrong int
	}{
		{terms, terms.Row, "", nil, 0},
		{terms, terms.Row, " \r\n\n", nil, 0},
		{terms, terms.Row, "1 for 730 days\r\n\r\n 2  FOR 365 ", rows{{"seats": 1, "days": 730}, {"seats": 2, "days": 365}}, 0},
		{terms, "{seats} für {days} Tage", "1 für 730 Tage\n2 for 365 days", rows{{"seats": 1, "days": 730}, {"seats": 2, "days": 365}}, 0},
		{terms, "{days}日×{seats}", "730日×1", rows{{"seats": 1, "days": 730}}, 0},
		{terms, "{seats} für Tage", "1 for 730 days", rows{{"seats": 1, "days": 730}}, 0}, // a translation that lost a column
		{terms, terms.Row, "1 for 730 days\n\ntwo for 365 days", nil, 3},
		{terms, terms.Row, "1 for 730 daysx", nil, 1},
		{terms, terms.Row, "1 for 730 weeks", nil, 1},
		{terms, terms.Row, "1 for", nil, 1},
		{terms, terms.Row, "1 fortnight", nil, 1},
		{terms, terms.Row, "-1 for 730 days", nil, 1},
		{terms, terms.Row, "1.5 for 730 days", nil, 1},
		{terms, terms.Row, "1 for 9999999999 days", nil, 1},
		{terms, terms.Row, "1 for 730 days, 2 for 365 days", nil, 1},
		{reserved, reserved.Row, "1 for the young\n2 for people for whom it is hard", rows{{"seats": 1, "for": "the young"}, {"seats": 2, "for": "people for whom it is hard"}}, 0},
		{reserved, reserved.Row, "1 for ", nil, 1},
		{reserved, reserved.Row, "the young", nil, 1},
	} {
		got, wrong := tc.f.ReadRows(tc.text, tc.row)
		if d := cmp.Diff([]map[string]any(tc.want), got); d != "" || wrong != tc.wrong {
			t.Errorf("%q: line %d is wrong, want %d: %s", tc.text, wrong, tc.wrong, d)
		}
	}
}

func TestWriteRows(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		`[{"days":730,"seats":1},{"seats":2,"days":365}]`: "1 for 730 days\n2 for 365 days",
		`[]`: "", `null`: "", ``: "!", `"1 for 730 days"`: "!", `[{"seats":1}]`: "!", `[{"seats":[],"days":1}]`: "!", `{`: "!",
	} {
		got, ok := terms.WriteRows(json.RawMessage(list), terms.Row)
		if (want == "!") == ok || ok && got != want {
			t.Errorf("%s: %q, %v", list, got, ok)
		}
	}
}

// What was read and written is read the same.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringMatching(`([0-9]{1,3} ?[fF]or ?[a-zé0-9 ]{0,12}\n?){0,4}`).Draw(r, "text")
		comesBack(r, text)
	})
}

func comesBack(t interface {
	Fatalf(format string, args ...any)
}, text string) {
	for _, f := range []Field{terms, reserved} {
		rows, wrong := f.ReadRows(text, f.Row)
		if wrong > 0 {
			continue
		}
		list, err := json.Marshal(rows)
		if err != nil {
			t.Fatalf("%v", err)
		}
		written, ok := f.WriteRows(list, f.Row)
		again, wrong := f.ReadRows(written, f.Row)
		if !ok || wrong > 0 || !cmp.Equal(rows, again) {
			t.Fatalf("%q was read as %s, written as %q (%v), and read as %v", text, list, written, ok, again)
		}
	}
}

func FuzzReadRows(f *testing.F) {
	for _, text := range []string{"1 for 730 days\n2 for 365", "1 for the young", "1 für die Jungen", "x", "1 for \x00", "1 for \ufeff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { comesBack(t, text) })
}

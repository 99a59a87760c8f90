package election

import (
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"rochdale/internal/lib/tally"
)

// A ward of Glasgow with its nine stages: no vote gets lost on the way through the picture.
func TestTheCountOfAWardAsAPicture(t *testing.T) {
	t.Parallel()
	r := ward(t)
	if len(r.Stages) < 8 {
		t.Fatalf("%d stages are no test of a picture", len(r.Stages))
	}
	for last := 1; last <= len(r.Stages); last++ {
		p := drawCount(&r, last, "no further choice")
		columns := map[float64]float64{}
		for _, b := range p.Bars {
			columns[b.X] += b.H
			if b.X < 0 || b.Y < 0 || b.X+b.W > float64(p.Width) || b.Y+b.H > float64(p.Height) || math.IsNaN(b.H) {
				t.Errorf("stage %d: a bar is outside: %+v in %d × %d", last, b, p.Width, p.Height)
			}
		}
		if len(columns) != last {
			t.Errorf("stage %d: %d columns", last, len(columns))
		}
		for x, sum := range columns {
			if math.Abs(sum-tallest) > 1 { // decimals are cut in the count
				t.Errorf("stage %d: the bars at %v are %v high together", last, x, sum)
			}
		}
		into := map[string]float64{} // height of the streams that reach a bar, by where they end
		for _, s := range p.Streams {
			if strings.Contains(s.Path, "NaN") || strings.Contains(s.Path, "v-") {
				t.Errorf("a stream is not one: %s", s.Path)
			}
			_, end, _ := strings.Cut(s.Path, "C")
			f := strings.FieldsFunc(end, func(r rune) bool { return strings.ContainsRune(" vC", r) })
			h, err := strconv.ParseFloat(f[6], 64)
			if err != nil {
				t.Fatal(err)
			}
			into[f[4]] += h
		}
		for x, sum := range into {
			if math.Abs(sum-tallest) > 12 { // streams too thin to be seen are left out, lines are rounded
				t.Errorf("stage %d: the streams to %s are %v high together", last, x, sum)
			}
		}
		for _, m := range p.Labels {
			if utf8.RuneCountInString(m.Text) > longest+1 || (m.Title == "") != !strings.Contains(m.Text, "…") {
				t.Errorf("a label is too long, or does not say its whole name: %+v", m)
			}
		}
	}
	p := drawCount(&r, len(r.Stages), "no further choice")
	elected := 0
	for _, b := range p.Bars {
		if b.State == "elected" && b.X > float64(p.Width)-labelWidth-barWidth-1 {
			elected++
		}
	}
	if elected != len(r.Elected) || !slices.ContainsFunc(p.Labels, func(m mark) bool { return strings.Contains(m.Text+m.Title, "no further choice") }) {
		t.Errorf("%d of %d are marked as elected at the end; labels %v", elected, len(r.Elected), p.Labels)
	}
}

func ward(tb testing.TB) tally.Result {
	tb.Helper()
	data, err := os.ReadFile("../lib/tally/testdata/elections/stv-scotland/Govan-2007.blt")
	if err != nil {
		tb.Fatal(err)
	}
	e, err := tally.ReadBLT(data)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := tally.Count(tally.RuleScottish, e)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// Counts that have no stages, or no votes in them, have no picture; one stage is drawn without streams.
func TestPicturesOfOtherCounts(t *testing.T) {
	t.Parallel()
	for _, r := range []tally.Result{{}, {Stages: []tally.Stage{{Number: 1, Action: "fund", Of: []string{"A"}}}}} {
		if p := drawCount(&r, 5, ""); len(p.Bars) > 0 || p.Width != 0 {
			t.Errorf("%+v is drawn: %+v", r, p)
		}
	}
	one := tally.Result{Elected: []string{"Ada"}, Stages: []tally.Stage{{Number: 1, Elected: []string{"Ada"}, Votes: []tally.Tally{{Option: "Ada", Value: "3.00000"}, {Option: "Bo", Value: "0.00000"}}}}}
	p := drawCount(&one, 9, "none")
	if len(p.Bars) != 1 || len(p.Streams) != 0 || p.Bars[0].Title != "Ada: 3" || p.Bars[0].State != "elected" {
		t.Errorf("one stage: %+v", p)
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		decimals int
		want     int64
		ok       bool
	}{{"12.50", 2, 1250, true}, {"12,5", 2, 1250, true}, {"12", 2, 1200, true}, {"12", 0, 12, true}, {"12.5", 0, 0, false}, {"1.234", 2, 0, false}, {"", 2, 0, false},
		{".", 2, 0, false}, {"-1", 2, 0, false}, {"1e3", 2, 0, false}, {"1.2.3", 2, 0, false}, {strings.Repeat("9", 30), 2, 0, false}, {".5", 2, 50, true}} {
		if got, ok := units(c.text, c.decimals); ok != c.ok || ok && got != c.want {
			t.Errorf("units(%q, %d) = %d, %v", c.text, c.decimals, got, ok)
		}
	}
}

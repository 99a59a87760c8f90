package tally

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(tb testing.TB, name string) Election {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/elections", name))
	if err != nil {
		tb.Fatal(err)
	}
	e, err := Read(name, data)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func count(tb testing.TB, rule string, e Election) Result {
	tb.Helper()
	r, err := Count(rule, e)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// Every ward must elect the published people, and every stage that the rule
// has must have the published totals to the fifth decimal. The reference also
// moves the papers of the last excluded candidate, which rule 52(2) of the
// Order forbids, so it can have one stage more.
func TestGlasgow(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/elections/stv-scotland/*.blt")
	if err != nil || len(files) != 11 {
		t.Fatalf("%d wards, %v", len(files), err)
	}
	for _, file := range files {
		ward := strings.TrimSuffix(filepath.Base(file), ".blt")
		t.Run(ward, func(t *testing.T) {
			t.Parallel()
			e := read(t, "stv-scotland/"+ward+".blt")
			var official struct {
				Seats   int
				Valid   int `json:"valid_ballots"`
				Quota   string
				Elected []string
				Steps   []struct {
					Step    string
					Message string
					Votes   map[string]string
					Lapsed  string `json:"nontransferable"`
				}
			}
			data, err := os.ReadFile(strings.TrimSuffix(file, ".blt") + ".result.json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &official); err != nil {
				t.Fatal(err)
			}
			r := count(t, RuleScottish, e)
			if r.Seats != official.Seats || r.Ballots != official.Valid || r.Quota != official.Quota {
				t.Errorf("%d seats, %d ballots, quota %s", r.Seats, r.Ballots, r.Quota)
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(official.Elected)), slices.Sorted(slices.Values(r.Elected))); diff != "" {
				t.Error(diff)
			}
			stage := 0
			for _, step := range official.Steps {
				if step.Step != "begin" && step.Step != "transfer" {
					continue
				}
				if stage == len(r.Stages) {
					t.Fatalf("the count ended before %q", step.Message)
				}
				s := r.Stages[stage]
				if stage++; stage == len(r.Stages) && s.Action == "exclusion" && len(s.Flows) == 0 {
					break
				}
				if s.Lapsed != step.Lapsed {
					t.Errorf("stage %d: %s lapsed, not %s", s.Number, s.Lapsed, step.Lapsed)
				}
				for _, v := range s.Votes {
					if v.Value != step.Votes[v.Option] {
						t.Errorf("stage %d: %s has %s, not %s", s.Number, v.Option, v.Value, step.Votes[v.Option])
					}
				}
			}
			if stage != len(r.Stages) {
				t.Errorf("the count has %d stages more", len(r.Stages)-stage)
			}
		})
	}
}

var numbered = regexp.MustCompile(`(?m)^\d+\. \[?([^\]\n]+)`)

// The official orders, by the names in the ballot files.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		"Phillip Wittrock": "Phillip Whitrock", "Bob Killen": "mrbobbytables", "Benjamin Elder": "bentheelder",
		"Nabarun Pal": "palnabarun", "Cici Huang": "cici37", "Carlos Tadeu Panato Junior": "cpanato", "Daniel Smith": "lavalamp",
		"David Eads": "deads2k", "Noah Abrahams": "qedrakmar", "Antonio Ojea": "aojea", "Sascha Grunert": "saschagrunert",
		"Natali Vlatko": "natalisucks", "Kat Cosgrove": "katcosgrove", "Marko Mudrinić": "xmudrii",
	}
	voted := map[string]int{"2017": 309, "2019": 377, "2020": 312, "2022": 219, "2024": 233}
	for year, papers := range voted {
		e := read(t, "schulze-kubernetes/steering-"+year+".ballots.csv")
		data, err := os.ReadFile("testdata/elections/schulze-kubernetes/steering-" + year + ".official.md")
		if err != nil {
			t.Fatal(err)
		}
		var official []string
		for _, m := range numbered.FindAllStringSubmatch(string(data), len(e.Options)) {
			name := strings.TrimSpace(m[1])
			if i := slices.IndexFunc(e.Options, func(o string) bool { return strings.HasPrefix(o, name+" (") }); i >= 0 {
				name = e.Options[i]
			} else if other := names[name]; other != "" && !slices.Contains(e.Options, name) {
				name = other
			}
			official = append(official, name)
		}
		r := count(t, RuleSchulze, e)
		if diff := cmp.Diff(official, r.Order); diff != "" || r.Voted != papers || r.Reading != UnrankedAbstain || len(r.Lots) > 0 {
			t.Errorf("%s: %d papers, %s, %v\n%s", year, r.Voted, r.Reading, r.Lots, diff)
		}
		// The other reading orders them otherwise in these years.
		other := count(t, "schulze/wv+last", e)
		if same := slices.Equal(r.Order, other.Order); same == slices.Contains([]string{"2017", "2019", "2022"}, year) {
			t.Errorf("%s: the reading %q gives the same order: %t", year, UnrankedLast, same)
		}
	}
	// 2017: no more than one further seat for one employer, and staggered terms.
	e := read(t, "schulze-kubernetes/steering-2017.ballots.csv")
	e.Seats = 6
	e.Limits = []Limit{{"Google", []int{slices.Index(e.Options, "Phillip Whitrock"), slices.Index(e.Options, "Michael Rubin")}, 1}}
	e.Terms = []Term{{"two years", 3}, {"one year", 3}}
	r := count(t, RuleSchulze, e)
	want := []Place{
		{"Derek Carr", "two years"}, {"Michelle Noorali", "two years"}, {"Phillip Whitrock", "two years"},
		{"Timothy St. Clair", "one year"}, {"Quinton Hoole", "one year"}, {"Aaron Crickenberger", "one year"},
	}
	if diff := cmp.Diff(want, r.Terms); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Place{{"Michael Rubin", "Google"}}, r.Passed); diff != "" {
		t.Error(diff)
	}
}

func last(r Result) map[string]string {
	votes := map[string]string{}
	for _, v := range r.Stages[len(r.Stages)-1].Votes {
		votes[v.Option] = v.Value
	}
	return votes
}

func TestMinneapolisAndBurlington(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"2017_minneapolis_mayor.blt", "2017_minneapolis_mayor.patterns.csv"} {
		r := count(t, RuleIRV, read(t, "irv-minneapolis/"+file))
		votes := last(r)
		if !slices.Equal(r.Elected, []string{"Jacob Frey"}) || votes["Jacob Frey"] != "46716" || votes["Raymond Dehn"] != "34971" || r.Ballots != 104522 {
			t.Errorf("%s: %v of %d, %v", file, r.Elected, r.Ballots, votes)
		}
	}
	for _, file := range []string{"2013_minneapolis_park.blt", "2013_minneapolis_park.patterns.csv"} {
		e := read(t, "stv-minneapolis/"+file)
		e.Seats = 3
		for _, rule := range []string{RuleScottish, RuleMeek} {
			r := count(t, rule, e)
			if diff := cmp.Diff([]string{"JOHN ERWIN", "ANNIE YOUNG", "MEG FORNEY"}, r.Elected); diff != "" || r.Ballots != 59463 {
				t.Errorf("%s by %s of %d:\n%s", file, rule, r.Ballots, diff)
			}
			if rule == RuleScottish && r.Quota != "14866.00000" {
				t.Errorf("quota %s", r.Quota)
			}
		}
	}
	e := read(t, "irv-burlington/burlington-2009.blt")
	r := count(t, RuleIRV, e)
	if votes := last(r); !slices.Equal(r.Elected, []string{"Bob Kiss"}) || votes["Bob Kiss"] != "4314" || votes["Kurt Wright"] != "4064" {
		t.Errorf("IRV: %v, %v", r.Elected, votes)
	}
	for _, rule := range []string{"schulze/wv", "schulze/wv+abstain"} {
		if r := count(t, rule, e); !slices.Equal(r.Elected, []string{"Andy Montroll"}) {
			t.Errorf("%s: %v", rule, r.Elected)
		}
	}
}

func TestParticipatoryBudgets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, rule, raise, reading string }{
		{"Netherlands_Assen_2024", RuleEqualShares, "843", ""}, {"Poland_Swiecie_2023", RuleEqualShares, "242", ""},
		{"Poland_Warszawa_2019_Sluzewiec", RuleGreedy, "", "skip"}, {"Poland_Gdynia_2023_Redlowo__small", RuleGreedy, "", "stop"},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			e := read(t, "pb/"+c.file+".pb")
			r := count(t, c.rule, e)
			if diff := cmp.Diff(slices.Sorted(slices.Values(e.Official)), slices.Sorted(slices.Values(r.Funded))); diff != "" || r.Reading != c.reading {
				t.Errorf("%s\n%s", r.Reading, diff)
			}
			if c.raise != "" && r.Stages[0].Value != c.raise {
				t.Errorf("raised by %s", r.Stages[0].Value)
			}
			if c.rule == RuleGreedy {
				e.Budget.Least = 0
				other := map[string]string{"skip": "+stop", "stop": "+skip"}[c.reading]
				if slices.Equal(r.Funded, count(t, c.rule+other, e).Funded) {
					t.Error("the two readings do not differ here")
				}
			}
		})
	}
}

// The results of the real elections are the same bytes for ever and on any
// machine. If this fails on purpose, the rule needs a new name.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, c := range [][2]string{
		{RuleScottish, "stv-scotland/*.blt"}, {RuleMeek, "stv-scotland/*.blt"}, {RuleIRV, "irv-*/*.blt"}, {RuleScottish, "stv-minneapolis/*.blt"},
		{RuleSchulze, "schulze-kubernetes/*.csv"}, {RuleEqualShares, "pb/*.pb"}, {RuleGreedy, "pb/*.pb"},
	} {
		files, err := filepath.Glob("testdata/elections/" + c[1])
		if err != nil || len(files) == 0 {
			t.Fatal(c, err)
		}
		for _, file := range files {
			name, _ := strings.CutPrefix(filepath.ToSlash(file), "testdata/elections/")
			e := read(t, name)
			e.Seed = []byte("the same seed")
			fmt.Fprintf(&got, "%x  %s  %s\n", sha256.Sum256(count(t, c[0], e).JSON()), c[0], name)
		}
	}
	want, err := os.ReadFile("testdata/results.sha256")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s\nall of them:\n%s", diff, got.String())
	}
}

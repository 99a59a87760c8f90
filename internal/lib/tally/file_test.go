package tally

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const blt = `# an example
4 2
-3
3 1 3 4 0
4 1 3 2 0
2 4 1=3 - 2 0
1 0
0
"Adam"
"Basil"
"Charlotte"
"Donald"
"Title"
`

func TestReadBLT(t *testing.T) {
	t.Parallel()
	e, err := Read("x.BLT", []byte(blt))
	if err != nil {
		t.Fatal(err)
	}
	want := Election{
		Title: "Title", Seats: 2, Options: []string{"Adam", "Basil", "Charlotte", "Donald"}, Withdrawn: []int{2},
		Ballots: []Ranking{{[]int{1, 0, 2, 3}, 3}, {[]int{1, 3, 2, 0}, 4}, {[]int{2, 4, 2, 1}, 2}, {[]int{0, 0, 0, 0}, 1}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	e, err := Read("x.csv", []byte("\xef\xbb\xbfAnn,\"Ben, the 2nd\"\r\n1,2\n2,\n2,\n1,1\n"))
	want := Election{Seats: 1, Options: []string{"Ann", "Ben, the 2nd"}, Unranked: UnrankedLast,
		Ballots: []Ranking{{[]int{1, 2}, 1}, {[]int{2, 0}, 2}, {[]int{1, 1}, 1}}}
	if diff := cmp.Diff(want, e); err != nil || diff != "" {
		t.Error(err, diff)
	}
	e, err = ReadCSV([]byte("Ann,Ben\n1,No opinion\n"))
	if err != nil || e.Unranked != UnrankedAbstain {
		t.Errorf("%v: %+v", err, e)
	}
	e, err = ReadCSV([]byte("count,rank1,rank2\n5,Ben,undervote\n2,overvote,Ann\n1,Ben,Ben\n"))
	want = Election{Seats: 1, Options: []string{"Ann", "Ben"}, Unranked: UnrankedLast, Ballots: []Ranking{{[]int{0, 1}, 6}, {[]int{1, 0}, 2}}}
	if diff := cmp.Diff(want, e); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

const toc = `# FILE NAME: x.toc
# TITLE: Lunch
# NUMBER ALTERNATIVES: 3
# NUMBER VOTERS: 6
# ALTERNATIVE NAME 1: Soup
# ALTERNATIVE NAME 2: Bread
# ALTERNATIVE NAME 3: Rice
3: 1,2,3
2: {1,3},2
1: 2
`

const pb = `META
key;value
description;Green budget
num_projects;3
num_votes;3
budget;1000.50
vote_type;cumulative
rule;greedy-no-skip
min_project_score_threshold;2
PROJECTS
project_id;cost;votes;name;selected
a;500;7;"Trees; and a ""bench""";1
b;600.5;3;Paint;0
c;1;0;;1
VOTES
voter_id;age;vote;points
1;34;a,b;4,1
2;;b;2
3;20;;
`

func TestReadPrefLibAndPB(t *testing.T) {
	t.Parallel()
	e, err := Read("x.toc", []byte(toc))
	want := Election{Title: "Lunch", Seats: 1, Options: []string{"Soup", "Bread", "Rice"}, Unranked: UnrankedLast,
		Ballots: []Ranking{{[]int{1, 2, 3}, 3}, {[]int{1, 2, 1}, 2}, {[]int{0, 1, 0}, 1}}}
	if diff := cmp.Diff(want, e); err != nil || diff != "" {
		t.Error(err, diff)
	}
	e, err = Read("x.pb", []byte(pb))
	want = Election{Title: "Green budget", Seats: 1, Options: []string{"a", "b", "c"}, Official: []string{"a", "c"},
		Points: []Points{{[]int64{4, 1, 0}, 1}, {[]int64{0, 2, 0}, 1}, {[]int64{0, 0, 0}, 1}},
		Budget: Budget{Total: 10005, Decimals: 1, Least: 2, Stop: true, Projects: []Project{{`Trees; and a "bench"`, 5000}, {"Paint", 6005}, {"", 10}}}}
	if diff := cmp.Diff(want, e); err != nil || diff != "" {
		t.Error(err, diff)
	}
	r := count(t, RuleGreedy, e)
	if !slices.Equal(r.Funded, []string{"a"}) || r.Budget != "1000.5" || r.Spent != "500.0" {
		t.Errorf("%s", r.JSON())
	}
	if _, err := Count(RuleEqualShares, e); err == nil {
		t.Error("equal shares took points")
	}
	ordinal := strings.NewReplacer("cumulative", "ordinal", "a,b;4,1", "b,a;", "2;;b;2", "2;;b;", "min_project", "max_length;2\nx").Replace(pb)
	if e, err = ReadPB([]byte(ordinal)); err != nil || !slices.Equal(e.Points[0].Values, []int64{1, 2, 0}) {
		t.Errorf("%v: %+v", err, e.Points)
	}
}

// What is malformed is refused with the line and a reason.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	change := func(s, from, to string) string {
		if !strings.Contains(s, from) {
			t.Fatalf("%q is not in the example", from)
		}
		return strings.Replace(s, from, to, 1)
	}
	ranks := "Ann,Ben\n1,2\n2,1\n"
	for _, c := range []struct {
		name, file, data string
		line             int
		reason           string
	}{
		{"empty", "x.blt", "", 1, "ends where the number of candidates"},
		{"no candidates", "x.blt", "0 1\n0\n", 1, "number of candidates"},
		{"a word", "x.blt", "3 two\n", 1, `"two" is not the number of seats`},
		{"too many candidates", "x.blt", "999999999 1\n", 1, "number of candidates"},
		{"no such candidate", "x.blt", change(blt, "4 1 3 2 0", "4 1 5 2 0"), 5, "not a candidate from 1 to 4"},
		{"candidate twice", "x.blt", change(blt, "4 1 3 2 0", "4 1 3 1 0"), 5, "candidate 1 is on the ballot twice"},
		{"not ended", "x.blt", "2 1\n3 1 2\n", 3, "ends where a candidate"},
		{"half papers", "x.blt", change(blt, "4 1 3 2 0", "4.5 1 3 2 0"), 5, "not a number of papers"},
		{"too many papers", "x.blt", change(blt, "4 1 3 2 0", "4000000000 1 3 2 0"), 5, "papers"},
		{"withdrawn after a ballot", "x.blt", change(blt, "4 1 3 2 0", "-1"), 5, "does not withdraw"},
		{"withdrawn twice", "x.blt", change(blt, "-3", "-3 -3"), 3, "does not withdraw"},
		{"withdrawn, unknown", "x.blt", change(blt, "-3", "-5"), 3, "does not withdraw"},
		{"a name too few", "x.blt", "2 1\n0\n\"Ann\"\n", 4, "name of candidate 2 is missing"},
		{"names too many", "x.blt", blt + "\"a\"\n\"b\"\n\"c\"\n", 16, "more names"},
		{"equal names", "x.blt", change(blt, "Basil", "Adam"), 10, "two are called"},
		{"bare name", "x.blt", change(blt, `"Basil"`, "Basil"), 10, "name in quotes"},
		{"open quote", "x.blt", change(blt, `"Basil"`, `"Basil`), 10, "not closed"},
		{"not UTF-8", "x.blt", change(blt, "Basil", "B\xffsil"), 10, "UTF-8"},
		{"csv empty", "x.csv", "", 1, "empty"},
		{"csv equal names", "x.csv", change(ranks, "Ben", "Ann"), 1, "two are called"},
		{"csv short row", "x.csv", change(ranks, "2,1", "2"), 3, "1 fields for 2 options"},
		{"csv rank 0", "x.csv", change(ranks, "2,1", "2,0"), 3, "not a rank"},
		{"csv negative rank", "x.csv", change(ranks, "2,1", "2,-1"), 3, "not a rank"},
		{"csv word", "x.csv", change(ranks, "2,1", "2,first"), 3, `"first" is not a rank`},
		{"csv control", "x.csv", change(ranks, "Ben", "B\aen"), 1, "control character"},
		{"patterns, no number", "x.csv", "count,rank1\nx,Ann\n", 2, "not a number of papers"},
		{"patterns, zero papers", "x.csv", "count,rank1\n0,Ann\n", 2, "papers"},
		{"patterns, columns", "x.csv", "count,rank1,rank3\n1,Ann,Ben\n", 1, "not rank2"},
		{"patterns, short row", "x.csv", "count,rank1,rank2\n1,Ann\n", 2, "2 fields for 3 columns"},
		{"toc, no alternatives", "x.toc", "3: 1,2\n", 1, "before the number of alternatives"},
		{"toc, unnamed", "x.toc", change(toc, "# ALTERNATIVE NAME 2: Bread\n", ""), 7, "no name"},
		{"toc, name of none", "x.toc", change(toc, "NAME 2", "NAME 4"), 6, "does not name an alternative"},
		{"toc, too few voters", "x.toc", change(toc, "VOTERS: 6", "VOTERS: 7"), 4, "there are 6 papers"},
		{"toc, no such", "x.toc", change(toc, "1: 2\n", "1: 4\n"), 10, "not an alternative"},
		{"toc, twice", "x.toc", change(toc, "3: 1,2,3", "3: 1,2,1"), 8, "twice"},
		{"toc, open brace", "x.toc", change(toc, "{1,3},2", "{1,3,2"), 9, "not closed"},
		{"toc, closed brace", "x.toc", change(toc, "{1,3},2", "1,3},2"), 9, "not opened"},
		{"toc, brace in brace", "x.toc", change(toc, "{1,3},2", "{1,{3},2}"), 9, "within braces"},
		{"toc, no papers", "x.toc", change(toc, "3: 1,2,3", "x: 1,2,3"), 8, "number of papers"},
		{"toc, no ballots", "x.soi", "# NUMBER ALTERNATIVES: 1\n", 2, "no ballots"},
		{"pb, no meta", "x.pb", change(pb, "META\n", ""), 1, "does not begin with META"},
		{"pb, no votes", "x.pb", pb[:strings.Index(pb, "VOTES")], 14, "before its VOTES"},
		{"pb, type", "x.pb", change(pb, "cumulative", "loud"), 7, "vote_type"},
		{"pb, no column", "x.pb", change(pb, ";points", ""), 16, "column points is missing"},
		{"pb, no cost", "x.pb", change(pb, "a;500;", "a;;"), 12, "amount of money"},
		{"pb, negative cost", "x.pb", change(pb, "a;500;", "a;-5;"), 12, "amount of money"},
		{"pb, free", "x.pb", change(pb, "a;500;", "a;0;"), 12, "amount of money"},
		{"pb, budget", "x.pb", change(pb, "budget;1000.50", "budget;much"), 6, "amount of money"},
		{"pb, no budget", "x.pb", change(pb, "budget;1000.50", "purse;1"), 1, "no budget"},
		{"pb, project twice", "x.pb", change(pb, "b;600.5", "a;600.5"), 13, "there twice"},
		{"pb, too few", "x.pb", change(pb, "num_projects;3", "num_projects;4"), 4, "there are 3"},
		{"pb, a vote lost", "x.pb", change(pb, "2;;b;2\n", ""), 5, "there are 2"},
		{"pb, no such project", "x.pb", change(pb, "2;;b;2", "2;;d;2"), 18, `no project "d"`},
		{"pb, marked twice", "x.pb", change(pb, "a,b;4,1", "a,a;4,1"), 17, "twice"},
		{"pb, points short", "x.pb", change(pb, "a,b;4,1", "a,b;4"), 17, "1 points are for 2 projects"},
		{"pb, no points", "x.pb", change(pb, "a,b;4,1", "a,b;4,x"), 17, "not a number of points"},
		{"pb, too many fields", "x.pb", change(pb, "2;;b;2", "2;;b;2;3;4"), 18, "6 fields for 4 columns"},
		{"pb, key twice", "x.pb", change(pb, "num_votes;3", "budget;3"), 6, "there twice"},
		{"pb, two of choose-1", "x.pb", change(pb, "cumulative", "choose-1"), 17, "2 projects are chosen"},
	} {
		_, err := Read(c.file, []byte(c.data))
		var at *LineError
		if !errors.As(err, &at) || at.Line != c.line || !strings.Contains(at.Reason, c.reason) {
			t.Errorf("%s: %v, want line %d: %s", c.name, err, c.line, c.reason)
		}
	}
	if _, err := Read("x.txt", nil); err == nil || !strings.Contains(err.Error(), ".txt") {
		t.Errorf("an unknown ending: %v", err)
	}
}

// sameBallots compares what a ranked file keeps.
func sameBallots(t *testing.T, format string, want, got Election, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	for i, b := range want.Ballots {
		want.Ballots[i].Ranks = slices.Clone(b.Ranks)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s: %s", format, diff)
	}
}

// closedUp renumbers ballots without gaps, and merges those now equal.
func closedUp(e Election) Election {
	b := newBallots(len(e.Options))
	for _, ballot := range e.Ballots {
		ranks := make([]int, len(e.Options))
		for i, group := range ballot.groups() {
			for _, o := range group {
				ranks[o] = i + 1
			}
		}
		if err := b.add(0, ballot.Count, ranks); err != nil {
			panic(err)
		}
	}
	e.Ballots = b.list
	return e
}

// roundTrip writes an election in every ranked format and reads it again.
func roundTrip(t *testing.T, e Election) {
	t.Helper()
	if data, err := WriteBLT(e); err == nil {
		want := e
		want.Unranked = ""
		got, err := ReadBLT(data)
		sameBallots(t, "blt", want, got, err)
	}
	papers := 0
	for _, b := range e.Ballots {
		papers += b.Count
	}
	if papers <= 10_000 {
		if data, err := WriteCSV(e); err == nil {
			want := e
			want.Seats, want.Title, want.Withdrawn = 1, "", nil
			if want.Unranked == "" {
				want.Unranked = UnrankedLast
			}
			got, err := ReadCSV(data)
			if want.Unranked == UnrankedAbstain { // a table without a gap does not say how gaps are read
				got.Unranked = want.Unranked
			}
			sameBallots(t, "csv", want, got, err)
		}
	}
	if data, ending, err := WritePrefLib(e); err == nil && len(e.Ballots) > 0 {
		want := closedUp(e)
		want.Seats, want.Withdrawn, want.Unranked, want.Title = 1, nil, UnrankedLast, oneLine(e.Title)
		got, err := Read("x."+ending, data)
		sameBallots(t, ending, want, got, err)
	}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	eachProfile(t, 31, true, func(_ *rand.Rand, rule string, e Election) {
		if rule != RuleSchulze {
			return
		}
		b := newBallots(len(e.Options))
		for _, ballot := range e.Ballots {
			if err := b.add(0, ballot.Count, ballot.Ranks); err != nil {
				t.Fatal(err)
			}
		}
		e.Ballots, e.Limits, e.Seed = b.list, nil, nil
		e.Title = "An election, \"held\" today"
		if strings.Contains(e.Title, `"`) {
			if _, err := WriteBLT(e); err == nil {
				t.Fatal("quotes were written within quotes")
			}
		}
		roundTrip(t, e)
		e.Title = "An election"
		roundTrip(t, e)
	})
	for _, file := range []string{"stv-scotland/Linn-2007.blt", "irv-minneapolis/2017_minneapolis_mayor.patterns.csv", "schulze-kubernetes/steering-2017.ballots.csv"} {
		roundTrip(t, read(t, file))
	}
	for _, file := range []string{"Poland_Swiecie_2023", "Poland_Gdynia_2023_Redlowo__small", "Netherlands_Assen_2024", "Poland_Warszawa_2019_Sluzewiec"} {
		roundTripPB(t, read(t, "pb/"+file+".pb"))
	}
}

func roundTripPB(t *testing.T, e Election) {
	t.Helper()
	data, err := WritePB(e)
	if err != nil {
		return
	}
	got, err := ReadPB(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if diff := cmp.Diff(e, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatal(diff)
	}
}

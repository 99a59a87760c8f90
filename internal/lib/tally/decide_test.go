package tally

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func ratio(tb testing.TB, s string) Ratio {
	tb.Helper()
	r, err := ParseRatio(s)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestParseRatio(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct{ text, percent string }{
		"3/4": {"3/4", "75"}, "75%": {"3/4", "75"}, "0": {"0", "0"}, "1": {"1", "100"}, "0.75": {"3/4", "75"},
		"2/3": {"2/3", "66.6…"}, "12.5%": {"1/8", "12.5"}, "66.67%": {"6667/10000", "66.6…"}, "6/8": {"3/4", "75"},
		"1/7": {"1/7", "14.2…"}, "0/5": {"0", "0"}, "100%": {"1", "100"}, "1/1000": {"1/1000", "0.1"},
		" 1/2 ": {"1/2", "50"}, "0%": {"0", "0"}, "1/2000": {"1/2000", "0.0…"},
	} {
		r := ratio(t, in)
		if r.String() != want.text || r.Percent() != want.percent {
			t.Errorf("%q is %s, %s%%; want %v", in, r, r.Percent(), want)
		}
	}
	for _, in := range []string{"", "3/0", "5/4", "-1/2", "1/-2", "a", "1.5", "101%", "3/4/5", ".5", "1.", "%", "1e3", "+1", "9999999999/99999999999"} {
		if r, err := ParseRatio(in); err == nil {
			t.Errorf("%q was read as %s", in, r)
		}
	}
	if got := (Ratio{}).String(); got != "0" {
		t.Errorf("the zero share is %q", got)
	}
	var back struct{ A Ratio }
	if err := json.Unmarshal([]byte(`{"A":"3/4"}`), &back); err != nil || back.A != (Ratio{3, 4}) {
		t.Errorf("read %v, %v from JSON", back, err)
	}
	if b, _ := json.Marshal(back); string(b) != `{"A":"3/4"}` {
		t.Errorf("wrote %s", b)
	}
}

func TestMajority(t *testing.T) {
	t.Parallel()
	social := Majority{Threshold: Ratio{1, 2}, Block: true, Override: Ratio{9, 10}, Roll: 100}
	bylaws := Majority{Threshold: Ratio{3, 4}, Block: true, Override: Ratio{19, 20}, Quorum: Ratio{1, 5}, Roll: 100}
	strict := Majority{Threshold: Ratio{1, 2}, Strict: true, Roll: 10}
	for _, c := range []struct {
		name string
		rule Majority
		in   Proposal
		want Outcome
	}{
		{"half is enough", social, Proposal{Agree: 5, Disagree: 5}, Carried},
		{"half is not more than half", strict, Proposal{Agree: 5, Disagree: 5}, Lost},
		{"more than half", strict, Proposal{Agree: 6, Disagree: 5}, Carried},
		{"abstentions take no side", strict, Proposal{Agree: 2, Disagree: 1, Abstain: 90}, Carried},
		{"just under", bylaws, Proposal{Agree: 74, Disagree: 26}, Lost},
		{"just at", bylaws, Proposal{Agree: 75, Disagree: 25}, Carried},
		{"a block stops", social, Proposal{Agree: 8, Disagree: 0, Block: 1}, Blocked},
		{"nine of ten override a block", social, Proposal{Agree: 9, Block: 1}, Carried},
		{"a block that would not matter", social, Proposal{Agree: 1, Disagree: 3, Block: 1}, Lost},
		{"a block counts against", Majority{Threshold: Ratio{1, 2}}, Proposal{Agree: 3, Disagree: 2, Block: 2}, Lost},
		{"a block where none may be cast", Majority{Threshold: Ratio{1, 2}}, Proposal{Agree: 3, Block: 1}, Carried},
		{"nothing overrides", Majority{Threshold: Ratio{1, 2}, Block: true}, Proposal{Agree: 999, Block: 1}, Blocked},
		{"too few", bylaws, Proposal{Agree: 19}, NoQuorum},
		{"abstentions make the quorum", bylaws, Proposal{Agree: 3, Disagree: 1, Abstain: 16}, Carried},
		{"nobody", social, Proposal{}, Lost},
		{"only abstentions", social, Proposal{Abstain: 4}, Lost},
		{"nobody, and no threshold", Majority{}, Proposal{Disagree: 1}, Lost},
	} {
		r := c.rule.Count(c.in)
		if r.Outcome != c.want {
			t.Errorf("%s: %s, want %s\n%s", c.name, r.Outcome, c.want, r.JSON())
		}
		if told := r.Explain(); len(told) < 3 {
			t.Errorf("%s: told only %q", c.name, told)
		}
	}
	want := `{"rule":"majority/v1","outcome":"blocked","roll":100,"voted":21,"ballots":20,"checks":[` +
		`{"name":"quorum","have":21,"of":100,"needed":"1/5","least":20,"met":true},` +
		`{"name":"threshold","have":18,"of":20,"needed":"3/4","least":15,"met":true},` +
		`{"name":"override","have":18,"of":20,"needed":"19/20","least":19,"met":false}],` +
		`"tallies":[{"option":"agree","value":"18"},{"option":"abstain","value":"1"},{"option":"disagree","value":"1"},{"option":"block","value":"1"}]}`
	r := bylaws.Count(Proposal{18, 1, 1, 1})
	if diff := cmp.Diff(want, string(r.JSON())); diff != "" {
		t.Error(diff)
	}
	told := []string{
		"21 of 100 people on the roll voted.",
		"The quorum is 20% of the roll, which is 20 people; it was reached.",
		"18 agreed, 1 disagreed, 1 blocked and 1 abstained.",
		"The rule asks that at least 75% of those who took a side agree; 18 of 20 (90%) did.",
		"A block is overridden where at least 95% agree, counting blocks as against; that was not reached.",
		"The proposal is blocked: it had the votes, but a block stands.",
	}
	if diff := cmp.Diff(told, r.Explain()); diff != "" {
		t.Error(diff)
	}
	var back Result
	if err := json.Unmarshal(r.JSON(), &back); err != nil || !slices.Equal(back.Explain(), told) {
		t.Errorf("a stored result is told otherwise: %v", err)
	}
}

func TestConsent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		rule Consent
		in   ConsentVotes
		want Outcome
	}{
		{"all consent", Consent{}, ConsentVotes{Consent: 3}, Carried},
		{"one objects", Consent{}, ConsentVotes{Consent: 30, Standing: 1}, Blocked},
		{"the objection was integrated", Consent{}, ConsentVotes{Consent: 3, Integrated: 1}, Carried},
		{"overridden", Consent{Fallback: Ratio{3, 4}}, ConsentVotes{Consent: 3, Standing: 1}, Carried},
		{"not overridden", Consent{Fallback: Ratio{4, 5}}, ConsentVotes{Consent: 3, Standing: 1, Integrated: 5}, Blocked},
		{"silence", Consent{Roll: 5}, ConsentVotes{Abstain: 5}, Lost},
		{"too few", Consent{Quorum: Ratio{1, 2}, Roll: 5}, ConsentVotes{Consent: 2}, NoQuorum},
		{"an objection makes the quorum", Consent{Quorum: Ratio{1, 2}, Roll: 5}, ConsentVotes{Consent: 2, Standing: 1}, Blocked},
	} {
		if r := c.rule.Count(c.in); r.Outcome != c.want {
			t.Errorf("%s: %s, want %s\n%s", c.name, r.Outcome, c.want, r.JSON())
		}
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	rule := Approval{Options: []string{"red", "green", "blue"}, Seats: 2, Roll: 9}
	r, err := rule.Count([]Pick{{[]int{0, 1}, 3}, {[]int{1}, 1}, {nil, 2}})
	if err != nil {
		t.Fatal(err)
	}
	want := Result{
		Rule: "approval/v1", Seats: 2, Outcome: Carried, Roll: 9, Voted: 6, Ballots: 4,
		Elected: []string{"green", "red"}, Order: []string{"green", "red", "blue"},
		Tallies: []Tally{{Option: "red", Value: "3"}, {Option: "green", Value: "4"}, {Option: "blue", Value: "0"}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	for name, bad := range map[string][]Pick{
		"no such option": {{[]int{3}, 1}}, "negative": {{[]int{-1}, 1}}, "twice": {{[]int{1, 1}, 1}},
		"no papers": {{[]int{1}, 0}}, "too many papers": {{[]int{1}, 1 << 40}},
	} {
		if _, err := rule.Count(bad); err == nil {
			t.Errorf("%s was counted", name)
		}
	}
	rule.Max = 1
	if _, err := rule.Count([]Pick{{[]int{0, 1}, 1}}); err == nil || !strings.Contains(err.Error(), "ballot 1") {
		t.Errorf("two marks on a choose-one ballot: %v", err)
	}
	if r, _ := rule.Count([]Pick{{nil, 3}}); r.Outcome != Lost || r.Elected != nil {
		t.Errorf("blank ballots elected %v", r.Elected)
	}
	rule.Quorum = Ratio{1, 2}
	if r, _ := rule.Count([]Pick{{[]int{0}, 4}}); r.Outcome != NoQuorum || r.Elected != nil {
		t.Errorf("without a quorum: %s", r.JSON())
	}
	if _, err := (Approval{Options: []string{"a", "a"}}).Count(nil); err == nil {
		t.Error("two options of one name were counted")
	}
}

// A lot must follow the seed and nothing else, and favour nobody.
func TestApprovalLot(t *testing.T) {
	t.Parallel()
	wins := map[string]int{}
	for i := range 3000 {
		rule := Approval{Options: []string{"a", "b", "c"}, Seed: []byte{byte(i), byte(i >> 8)}}
		r, err := rule.Count([]Pick{{[]int{0, 1, 2}, 2}})
		if err != nil || len(r.Lots) != 1 || len(r.Lots[0].Among) != 3 {
			t.Fatalf("%v: %s", err, r.JSON())
		}
		again, _ := rule.Count([]Pick{{[]int{2, 1, 0}, 1}, {[]int{0, 1, 2}, 1}})
		if diff := cmp.Diff(string(r.JSON()), string(again.JSON())); diff != "" {
			t.Fatal(diff)
		}
		wins[r.Elected[0]]++
	}
	for o, n := range wins {
		if n < 850 || n > 1150 {
			t.Errorf("%s won %d of 3000 lots", o, n)
		}
	}
}

func TestScoreAndDots(t *testing.T) {
	t.Parallel()
	score := Score{Options: []string{"a", "b"}, Min: -2, Max: 5}
	r, err := score.Count([]Points{{[]int64{5, -2}, 2}, {[]int64{0, 4}, 3}})
	if err != nil || !slices.Equal(r.Order, []string{"a", "b"}) || r.Tallies[1].Value != "8" {
		t.Errorf("%v: %s", err, r.JSON())
	}
	for _, bad := range [][]int64{{6, 0}, {-3, 0}, {1}, {1, 2, 3}} {
		if _, err := score.Count([]Points{{bad, 1}}); err == nil {
			t.Errorf("the scores %v were counted", bad)
		}
	}
	dots := Dots{Options: []string{"a", "b"}, Dots: 5}
	r, err = dots.Count([]Points{{[]int64{5, 0}, 1}, {[]int64{2, 3}, 2}})
	if err != nil || !slices.Equal(r.Elected, []string{"a"}) || r.Tallies[0].Value != "9" {
		t.Errorf("%v: %s", err, r.JSON())
	}
	for _, bad := range [][]int64{{3, 3}, {-1, 2}, {1 << 62, 1 << 62}} {
		if _, err := dots.Count([]Points{{bad, 1}}); err == nil {
			t.Errorf("the dots %v were counted", bad)
		}
	}
	if r, _ := dots.Count([]Points{{[]int64{0, 0}, 4}}); r.Outcome != Lost || r.Voted != 4 {
		t.Errorf("blank dots: %s", r.JSON())
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	rule := Answers{Options: []string{"Monday", "Tuesday"}, Answers: []string{"yes", "if need be", "no"}, Roll: 7}
	r, err := rule.Count([]Answer{{[]int{0, -1}, 2}, {[]int{1, 2}, 1}, {[]int{-1, -1}, 1}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"4 of 7 people on the roll voted.",
		"Monday: 2 said yes, 1 said if need be and 0 said no.",
		"Tuesday: 0 said yes, 0 said if need be and 1 said no.",
	}
	if diff := cmp.Diff(want, r.Explain()); diff != "" || r.Outcome != "" || r.Ballots != 3 {
		t.Errorf("%s\n%s", diff, r.JSON())
	}
	for _, bad := range [][]int{{3, 0}, {-2, 0}, {0}} {
		if _, err := rule.Count([]Answer{{bad, 1}}); err == nil {
			t.Errorf("the answers %v were counted", bad)
		}
	}
}

func TestSchulze(t *testing.T) {
	t.Parallel()
	// The example of 45 voters in Schulze's paper: E, A, C, B, D.
	var ballots []Ranking
	for _, line := range []struct {
		n     int
		order string
	}{{5, "ACBED"}, {5, "ADECB"}, {8, "BEDAC"}, {3, "CABED"}, {7, "CAEBD"}, {2, "CBADE"}, {7, "DCEBA"}, {8, "EBADC"}} {
		ranks := make([]int, 5)
		for i, c := range line.order {
			ranks[c-'A'] = i + 1
		}
		ballots = append(ballots, Ranking{ranks, line.n})
	}
	rule := Schulze{Options: []string{"A", "B", "C", "D", "E"}, Unranked: UnrankedLast}
	r, err := rule.Count(ballots)
	if err != nil || !slices.Equal(r.Order, []string{"E", "A", "C", "B", "D"}) || !slices.Equal(r.Elected, []string{"E"}) {
		t.Errorf("%v: %s", err, r.JSON())
	}
	// The two readings of what is unranked elect different options.
	split := []Ranking{{[]int{1, 0}, 3}, {[]int{2, 1}, 2}}
	for reading, want := range map[string]string{UnrankedLast: "x", UnrankedAbstain: "y"} {
		r, err := Schulze{Options: []string{"x", "y"}, Unranked: reading}.Count(split)
		if err != nil || r.Elected[0] != want || r.Reading != reading {
			t.Errorf("%s: %v: %s", reading, err, r.JSON())
		}
	}
	if _, err := (Schulze{Options: []string{"x", "y"}}).Count(split); err == nil {
		t.Error("an undeclared reading was counted")
	}
	if _, err := rule.Count([]Ranking{{[]int{1, 2}, 1}}); err == nil {
		t.Error("a short ballot was counted")
	}
	if _, err := rule.Count([]Ranking{{[]int{1, 2, 3, 4, -1}, 1}}); err == nil {
		t.Error("a negative rank was counted")
	}
}

func TestLot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOf(rapid.Byte()).Draw(t, "seed")
		n := rapid.IntRange(0, 60).Draw(t, "n")
		got := Lot(seed, "purpose", n)
		sorted := slices.Sorted(slices.Values(got))
		for i, v := range sorted {
			if v != i {
				t.Fatalf("not a permutation: %v", got)
			}
		}
		if len(got) != n || !slices.Equal(got, Lot(seed, "purpose", n)) {
			t.Fatal("two lots from one seed differ")
		}
	})
	// Fixed for ever: another value here means another rule name.
	if diff := cmp.Diff([]int{7, 2, 3, 6, 8, 9, 5, 4, 1, 0}, Lot([]byte("seed"), "place 1", 10)); diff != "" {
		t.Error(diff)
	}
	a := Seed("r", "1", [][]byte{{1}, {2}}, [][]byte{{9}})
	if !slices.Equal(a, Seed("r", "1", [][]byte{{2}, {1}}, [][]byte{{9}})) {
		t.Error("the order of the ballots moved the seed")
	}
	for _, other := range [][]byte{
		Seed("r1", "", [][]byte{{1}, {2}}, [][]byte{{9}}), Seed("r", "1", [][]byte{{1, 2}}, [][]byte{{9}}),
		Seed("r", "1", [][]byte{{1}, {2}, {9}}, nil),
	} {
		if slices.Equal(a, other) {
			t.Error("different data gave one seed")
		}
	}
}

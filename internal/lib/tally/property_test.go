package tally

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var ranked = []string{RuleScottish, RuleIRV, RuleMeek, RuleSchulze, "schulze/wv+abstain", RuleApproval}

// eachProfile counts random elections by every ranked rule.
func eachProfile(t *testing.T, seed uint64, loose bool, test func(r *rand.Rand, rule string, e Election)) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, seed))
	for i := range profiles / 5 {
		e := randomElection(r, loose && i%2 == 0)
		for _, rule := range ranked {
			e := e
			if rule == RuleIRV {
				e.Seats = 1
			}
			test(r, rule, e)
		}
	}
}

// Who casts which paper, and on how many sheets they lie, changes nothing.
func TestAnonymity(t *testing.T) {
	t.Parallel()
	eachProfile(t, 21, true, func(r *rand.Rand, rule string, e Election) {
		want := string(count(t, rule, e).JSON())
		var split []Ranking
		for _, b := range e.Ballots {
			for range b.Count {
				split = append(split, Ranking{slices.Clone(b.Ranks), 1})
			}
		}
		r.Shuffle(len(split), func(i, j int) { split[i], split[j] = split[j], split[i] })
		e.Ballots = split
		if diff := cmp.Diff(want, string(count(t, rule, e).JSON())); diff != "" {
			t.Fatalf("%s: %s\n%+v", rule, diff, e)
		}
	})
}

// Names do not matter, and neither does the order of the candidates unless a
// lot was drawn.
func TestNeutrality(t *testing.T) {
	t.Parallel()
	eachProfile(t, 22, true, func(r *rand.Rand, rule string, e Election) {
		before := count(t, rule, e)
		n := len(e.Options)
		renamed := e
		renamed.Options = nil
		for _, name := range e.Options {
			renamed.Options = append(renamed.Options, strings.ToLower(name))
		}
		for i, name := range count(t, rule, renamed).Elected {
			if name != strings.ToLower(before.Elected[i]) {
				t.Fatalf("%s: renaming elects %s\n%+v", rule, name, e)
			}
		}
		if len(before.Lots) > 0 {
			return
		}
		to := r.Perm(n)
		moved := e
		moved.Options, moved.Ballots, moved.Withdrawn, moved.Limits = make([]string, n), nil, nil, nil
		for o, name := range e.Options {
			moved.Options[to[o]] = name
		}
		for _, b := range e.Ballots {
			ranks := make([]int, n)
			for o, rank := range b.Ranks {
				ranks[to[o]] = rank
			}
			moved.Ballots = append(moved.Ballots, Ranking{ranks, b.Count})
		}
		for _, w := range e.Withdrawn {
			moved.Withdrawn = append(moved.Withdrawn, to[w])
		}
		for _, l := range e.Limits {
			var options []int
			for _, o := range l.Options {
				options = append(options, to[o])
			}
			moved.Limits = append(moved.Limits, Limit{l.Name, options, l.Max})
		}
		after := count(t, rule, moved)
		if diff := cmp.Diff(before.Elected, after.Elected); diff != "" {
			t.Fatalf("%s: %s\n%+v", rule, diff, e)
		}
	})
}

// A group that k quotas of voters put above all others wins k seats, or as
// many as it has candidates.
func TestDroopProportionality(t *testing.T) {
	t.Parallel()
	solid := 0
	eachProfile(t, 23, false, func(_ *rand.Rand, rule string, e Election) {
		if rule != RuleScottish && rule != RuleMeek {
			return
		}
		e.Limits, e.Withdrawn = nil, nil
		r := count(t, rule, e)
		quota := r.Ballots/(e.Seats+1) + 1
		for set := 1; set < 1<<len(e.Options); set++ {
			var group []string
			for o, name := range e.Options {
				if set>>o&1 == 1 {
					group = append(group, name)
				}
			}
			backers := 0
			for _, b := range e.Ballots {
				worst, best := 0, 1<<30 // of the group, and of the others
				for o, rank := range b.Ranks {
					if rank == 0 {
						rank = 1 << 29
					}
					if set>>o&1 == 1 {
						worst = max(worst, rank)
					} else {
						best = min(best, rank)
					}
				}
				if worst < best && worst < 1<<29 {
					backers += b.Count
				}
			}
			won := 0
			for _, name := range r.Elected {
				if slices.Contains(group, name) {
					won++
				}
			}
			due := min(backers/quota, len(group), e.Seats)
			if due > 1 {
				solid++
			}
			if won < due {
				t.Fatalf("%s: %v is due %d of %d seats and has %d\n%+v\n%s", rule, group, due, e.Seats, won, e, r.JSON())
			}
		}
	})
	if solid < 100 {
		t.Errorf("only %d solid coalitions of two quotas", solid)
	}
}

func TestIRVIsSTVWithOneSeat(t *testing.T) {
	t.Parallel()
	eachProfile(t, 24, false, func(_ *rand.Rand, rule string, e Election) {
		if rule != RuleIRV {
			return
		}
		a, b := count(t, RuleIRV, e), count(t, RuleScottish, e)
		if diff := cmp.Diff(a.Elected, b.Elected); diff != "" {
			t.Fatalf("%s\n%+v\n%s\n%s", diff, e, a.JSON(), b.JSON())
		}
	})
}

// Whoever beats each other one by one wins, and whoever loses each comes last.
func TestSchulzeElectsTheCondorcetWinner(t *testing.T) {
	t.Parallel()
	winners := 0
	eachProfile(t, 25, true, func(_ *rand.Rand, rule string, e Election) {
		if !strings.HasPrefix(rule, RuleSchulze) {
			return
		}
		e.Limits = nil
		r := count(t, rule, e)
		d := pairs(e.Ballots, len(e.Options), strings.HasSuffix(rule, UnrankedAbstain))
		for _, x := range e.running() {
			beats, loses := true, true
			for _, y := range e.running() {
				beats = beats && (x == y || d[x][y] > d[y][x])
				loses = loses && (x == y || d[x][y] < d[y][x])
			}
			if len(e.running()) == 1 || r.Ballots == 0 {
				continue
			}
			if beats {
				winners++
			}
			if beats && r.Elected[0] != e.Options[x] || loses && r.Order[len(r.Order)-1] != e.Options[x] {
				t.Fatalf("%s: %s\n%+v\n%s", rule, e.Options[x], e, r.JSON())
			}
		}
	})
	if winners < 500 {
		t.Errorf("only %d Condorcet winners", winners)
	}
}

// Limits are kept, and cost no seat that can be filled within them.
func TestLimits(t *testing.T) {
	t.Parallel()
	eachProfile(t, 26, true, func(_ *rand.Rand, rule string, e Election) {
		r := count(t, rule, e)
		for _, l := range e.Limits {
			n := 0
			for _, o := range l.Options {
				if slices.Contains(r.Elected, e.Options[o]) {
					n++
				}
			}
			if n > l.Max {
				t.Fatalf("%s: %d of %v are elected\n%+v", rule, n, l, e)
			}
		}
		if r.Ballots == 0 || rule == RuleApproval { // approval leaves a seat empty for want of marks
			return
		}
		room := naiveRoom(e, nil, e.running())
		// Two who reach the quota at once can shut out two others.
		if len(e.Limits) < 2 && len(r.Elected) != room {
			t.Fatalf("%s: %d of %d seats are filled\n%+v\n%s", rule, len(r.Elected), room, e, r.JSON())
		}
	})
}

func TestReservedSeatsAndCaps(t *testing.T) {
	t.Parallel()
	e := Election{
		Seats: 3, Options: []string{"Ann", "Ben", "Cem", "Dot", "Eve"}, Seed: []byte("s"),
		Ballots: []Ranking{{[]int{1, 2, 3, 4, 0}, 40}, {[]int{2, 1, 3, 4, 0}, 30}, {[]int{4, 3, 1, 2, 0}, 25}, {[]int{0, 0, 0, 2, 1}, 2}},
	}
	for _, rule := range []string{RuleScottish, RuleMeek, RuleSchulze} {
		if r := count(t, rule, e); !slices.Equal(slices.Sorted(slices.Values(r.Elected)), []string{"Ann", "Ben", "Cem"}) {
			t.Fatalf("%s: %v", rule, r.Elected)
		}
		// One seat is for the west, where only Eve is from.
		west := e
		west.Limits = []Limit{Reserve("the west", []int{4}, 5, 3, 1)}
		if r := count(t, rule, west); len(r.Elected) != 3 || !slices.Contains(r.Elected, "Eve") {
			t.Errorf("%s with a reserved seat: %v\n%s", rule, r.Elected, r.JSON())
		}
		// Ann and Ben have one employer.
		capped := e
		capped.Limits = []Limit{{"Mill", []int{0, 1}, 1}}
		r := count(t, rule, capped)
		kept, passed := "Ann", "Ben"
		if rule == RuleSchulze { // where Ben beats Ann
			kept, passed = "Ben", "Ann"
		}
		if !slices.Equal(slices.Sorted(slices.Values(r.Elected)), []string{kept, "Cem", "Dot"}) {
			t.Errorf("%s with a cap: %v\n%s", rule, r.Elected, r.JSON())
		}
		if diff := cmp.Diff([]Place{{passed, "Mill"}}, r.Passed); diff != "" {
			t.Errorf("%s: %s", rule, diff)
		}
	}
}

func TestCountBack(t *testing.T) {
	t.Parallel()
	e := Election{
		Seats: 2, Options: []string{"Ann", "Ben", "Cem", "Dot"},
		Ballots: []Ranking{{[]int{1, 3, 2, 0}, 30}, {[]int{0, 1, 0, 2}, 40}, {[]int{0, 2, 0, 1}, 15}, {[]int{0, 0, 1, 0}, 12}},
	}
	r := count(t, RuleScottish, e)
	if !slices.Equal(r.Elected, []string{"Ben", "Ann"}) {
		t.Fatalf("elected %v", r.Elected)
	}
	// Ann leaves: her voters want Cem. Ben stays although he could now lose.
	for _, rule := range []string{RuleScottish, RuleMeek} {
		r, filled, err := CountBack(rule, e, []int{1}, []int{0})
		if err != nil || !slices.Equal(filled, []string{"Cem"}) || !slices.Contains(r.Elected, "Ben") {
			t.Errorf("%s: %v, %v\n%s", rule, filled, err, r.JSON())
		}
		// Cem no longer stands.
		other := e
		other.Withdrawn = []int{2}
		if _, filled, err := CountBack(rule, other, []int{1}, []int{0}); err != nil || !slices.Equal(filled, []string{"Dot"}) {
			t.Errorf("%s: %v, %v", rule, filled, err)
		}
	}
	if _, _, err := CountBack(RuleScottish, e, []int{0, 1}, nil); err == nil {
		t.Error("a vacancy was filled that there is not")
	}
	// Sitting members keep their seats whatever the ballots say.
	eachProfile(t, 27, true, func(r *rand.Rand, rule string, e Election) {
		e.Limits = nil
		running := e.running()
		if len(running) < 2 || e.Seats < 2 || rule == RuleApproval {
			return
		}
		sitting := []int{running[r.IntN(len(running))]}
		left := []int{running[(slices.Index(running, sitting[0])+1)%len(running)]}
		result, filled, err := CountBack(rule, e, sitting, left)
		if err != nil {
			t.Fatal(err)
		}
		if result.Ballots > 0 && !slices.Contains(result.Elected, e.Options[sitting[0]]) || slices.Contains(filled, e.Options[left[0]]) {
			t.Fatalf("%s: %v stay, %v left, %v\n%+v", rule, sitting, left, result.Elected, e)
		}
	})
}

func TestUncontestedAndTerms(t *testing.T) {
	t.Parallel()
	e := Election{Seats: 3, Options: []string{"Ann", "Ben", "Cem"}, Withdrawn: []int{1}, NoBallot: true, Seed: []byte("x")}
	for _, rule := range []string{RuleScottish, RuleMeek, RuleSchulze} {
		r := count(t, rule, e)
		if !r.Uncontested || !slices.Equal(r.Elected, []string{"Ann", "Cem"}) || r.Outcome != Carried || len(r.Lots) > 0 {
			t.Errorf("%s: %s", rule, r.JSON())
		}
		if told := r.Explain(); !strings.Contains(told[0], "no ballot was held") {
			t.Errorf("told %q", told)
		}
	}
	e.Terms = []Term{{"two years", 1}, {"one year", 2}}
	r := count(t, RuleScottish, e)
	if len(r.Lots) != 1 || len(r.Terms) != 2 || r.Terms[0].Name != "two years" || r.Terms[1].Name != "one year" {
		t.Errorf("terms without a ballot: %s", r.JSON())
	}
	e.Terms = []Term{{"two years", 1}}
	if _, err := Count(RuleScottish, e); err == nil {
		t.Error("terms for one seat of three were given")
	}
	e.Seats, e.Terms = 1, nil
	if r := count(t, RuleScottish, e); r.Uncontested || r.Outcome != Lost {
		t.Errorf("two for one seat and no ballots: %s", r.JSON())
	}
}

func TestQuorum(t *testing.T) {
	t.Parallel()
	for _, rule := range ranked {
		e := Election{Seats: 1, Options: []string{"a", "b"}, Roll: 10, Quorum: Ratio{1, 2}, Ballots: []Ranking{{[]int{1, 2}, 3}, {[]int{0, 0}, 1}}}
		if r := count(t, rule, e); r.Outcome != NoQuorum || r.Elected != nil || r.Voted != 4 || r.Ballots != 3 {
			t.Errorf("%s: %s", rule, r.JSON())
		}
		e.Ballots[1].Count = 2 // blank papers make the quorum
		if r := count(t, rule, e); r.Outcome != Carried || rule != RuleApproval && !slices.Equal(r.Elected, []string{"a"}) {
			t.Errorf("%s: %s", rule, r.JSON())
		}
	}
}

func TestCountRefuses(t *testing.T) {
	t.Parallel()
	good := Election{Seats: 1, Options: []string{"a", "b"}, Ballots: []Ranking{{[]int{1, 2}, 1}}}
	for name, change := range map[string]func(*Election){
		"no seats":            func(e *Election) { e.Seats = 0 },
		"no options":          func(e *Election) { e.Options = nil },
		"equal names":         func(e *Election) { e.Options = []string{"a", "a"} },
		"a short ballot":      func(e *Election) { e.Ballots = []Ranking{{[]int{1}, 1}} },
		"a negative rank":     func(e *Election) { e.Ballots = []Ranking{{[]int{1, -2}, 1}} },
		"no papers":           func(e *Election) { e.Ballots = []Ranking{{[]int{1, 2}, 0}} },
		"too many papers":     func(e *Election) { e.Ballots = []Ranking{{[]int{1, 2}, maxPapers}, {[]int{1, 2}, 1}} },
		"withdrawn, unknown":  func(e *Election) { e.Withdrawn = []int{2} },
		"a limit on nobody":   func(e *Election) { e.Limits = []Limit{{"x", []int{2}, 1}} },
		"a limit below none":  func(e *Election) { e.Limits = []Limit{{"x", []int{1}, -1}} },
		"terms of other size": func(e *Election) { e.Terms = []Term{{"x", 2}} },
	} {
		for _, rule := range []string{RuleScottish, RuleIRV, RuleMeek, RuleSchulze} {
			e := good
			change(&e)
			if r, err := Count(rule, e); err == nil {
				t.Errorf("%s: %s was counted: %s", rule, name, r.JSON())
			}
		}
	}
	for _, rule := range []string{"", "stv", "schulze/wv+first", "irv/v1+x", "pb/greedy+x", "pb/equal-shares", "pb/greedy"} {
		if _, err := Count(rule, good); err == nil {
			t.Errorf("the rule %q counted", rule)
		}
	}
	two := good
	two.Seats = 2
	if _, err := Count(RuleIRV, two); err == nil {
		t.Error("irv filled two seats")
	}
	if got := slices.Sorted(slices.Values(Rules())); len(got) != 8 || !slices.Contains(got, RuleMeek) {
		t.Errorf("rules %v", got)
	}
}

// The lots of a sortition favour nobody, and each person's chance is equal.
func TestSortitionIsFair(t *testing.T) {
	t.Parallel()
	drawn := map[string]int{}
	for i := range 4000 {
		e := Election{Seats: 2, Options: []string{"a", "b", "c", "d"}, Seed: []byte{byte(i), byte(i >> 8)}}
		for _, name := range count(t, RuleSortition, e).Elected {
			drawn[name]++
		}
	}
	for name, n := range maps.All(drawn) {
		if n < 1880 || n > 2120 {
			t.Errorf("%s was drawn %d times of 4000", name, n)
		}
	}
}

package tally

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func randomBudget(r *rand.Rand) Election {
	n := 1 + r.IntN(6)
	e := Election{Seed: []byte{byte(r.IntN(256)), byte(r.IntN(256))}, Budget: Budget{Total: int64(r.IntN(60)), Least: int64(r.IntN(3)), Stop: r.IntN(2) == 0}}
	for o := range n {
		e.Options = append(e.Options, string(rune('A'+o)))
		e.Budget.Projects = append(e.Budget.Projects, Project{Cost: int64(1 + r.IntN(25))})
	}
	for range r.IntN(8) {
		e.Marks = append(e.Marks, Pick{r.Perm(n)[:r.IntN(n+1)], 1 + r.IntN(3)})
	}
	return e
}

// naiveShares counts equal shares voter by voter.
func naiveShares(e Election) (funded []int, raised int64) {
	var voters [][]int
	for _, m := range e.Marks {
		for range m.Count {
			voters = append(voters, m.Options)
		}
	}
	supporters := make([][]int, len(e.Options))
	possible := 0
	for o := range e.Options {
		for v, marks := range voters {
			if slices.Contains(marks, o) {
				supporters[o] = append(supporters[o], v)
			}
		}
		if int64(len(supporters[o])) < e.Budget.Least {
			supporters[o] = nil
		}
		if len(supporters[o]) > 0 {
			possible++
		}
	}
	run := func(raise int64) (funded []int, cost int64) {
		purse := make([]*big.Rat, len(voters))
		for v := range purse {
			purse[v] = big.NewRat(e.Budget.Total+raise*int64(len(voters)), int64(len(voters)))
		}
		for {
			// The most that a supporter pays, as a part of the cost.
			parts := make([]*big.Rat, len(e.Options))
			var best *big.Rat
			for o, who := range supporters {
				if len(who) == 0 || slices.Contains(funded, o) {
					continue
				}
				who = slices.Clone(who)
				slices.SortFunc(who, func(a, b int) int { return purse[a].Cmp(purse[b]) })
				rest := big.NewRat(e.Budget.Projects[o].Cost, 1)
				for i, v := range who {
					alike := new(big.Rat).Quo(rest, big.NewRat(int64(len(who)-i), 1))
					if alike.Cmp(purse[v]) <= 0 {
						parts[o] = new(big.Rat).Quo(alike, big.NewRat(e.Budget.Projects[o].Cost, 1))
						break
					}
					rest.Sub(rest, purse[v])
				}
				if parts[o] != nil && (best == nil || parts[o].Cmp(best) < 0) {
					best = parts[o]
				}
			}
			if best == nil {
				return funded, cost
			}
			var tied []int
			for o, part := range parts {
				if part == nil || part.Cmp(best) != 0 {
					continue
				}
				if len(tied) > 0 && e.Budget.Projects[o].Cost < e.Budget.Projects[tied[0]].Cost {
					tied = nil
				}
				if len(tied) == 0 || e.Budget.Projects[o].Cost == e.Budget.Projects[tied[0]].Cost {
					tied = append(tied, o)
				}
			}
			o := tied[Lot(e.Seed, fmt.Sprintf("round %d", len(funded)+1), len(tied))[0]]
			each := new(big.Rat).Mul(best, big.NewRat(e.Budget.Projects[o].Cost, 1))
			for _, v := range supporters[o] {
				if purse[v].Cmp(each) <= 0 {
					purse[v] = new(big.Rat)
				} else {
					purse[v] = new(big.Rat).Sub(purse[v], each)
				}
			}
			funded = append(funded, o)
			cost += e.Budget.Projects[o].Cost
		}
	}
	for raise := int64(0); ; raise++ {
		now, cost := run(raise)
		if cost > e.Budget.Total {
			return funded, raise - 1
		}
		funded = now
		if len(funded) == possible {
			return funded, raise
		}
	}
}

func TestNaiveShares(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	raises, lots := 0, 0
	for i := range profiles {
		e := randomBudget(r)
		got := count(t, RuleEqualShares, e)
		if got.Ballots == 0 {
			continue
		}
		want, raised := naiveShares(e)
		if diff := cmp.Diff(pick(e.Options, want), got.Funded); diff != "" || got.Stages[0].Value != strconv.FormatInt(raised, 10) {
			t.Fatalf("profile %d, raised by %d: %s\n%+v\n%s", i, raised, diff, e, got.JSON())
		}
		if spent, _ := strconv.ParseInt(got.Spent, 10, 64); spent > e.Budget.Total {
			t.Fatalf("profile %d spends %s of %d", i, got.Spent, e.Budget.Total)
		}
		raises, lots = raises+int(raised), lots+len(got.Lots)
		got.Explain()
	}
	if raises < profiles || lots < 200 {
		t.Errorf("%d raises and %d lots are too few to test anything", raises, lots)
	}
}

func TestNaiveGreedy(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	for i := range profiles {
		e := randomBudget(r)
		got := count(t, RuleGreedy, e)
		support := make([]int64, len(e.Options))
		for _, m := range e.Marks {
			for _, o := range m.Options {
				support[o] += int64(m.Count)
			}
		}
		left := e.Budget.Total
		done := map[int]bool{}
		var funded []int
		for place := 1; ; place++ {
			var next []int // the best that were not looked at
			better := func(a, b int) bool {
				return support[a] > support[b] || support[a] == support[b] && e.Budget.Projects[a].Cost < e.Budget.Projects[b].Cost
			}
			for o := range e.Options {
				if done[o] || support[o] == 0 || support[o] < e.Budget.Least {
					continue
				}
				if len(next) > 0 && better(o, next[0]) {
					next = nil
				}
				if len(next) == 0 || !better(next[0], o) {
					next = append(next, o)
				}
			}
			if len(next) == 0 {
				break
			}
			order := next
			// A lot matters only where some but not all can be paid for.
			if n := left / e.Budget.Projects[next[0]].Cost; n > 0 && n < int64(len(next)) {
				order = nil
				for _, at := range Lot(e.Seed, fmt.Sprintf("place %d", place), len(next)) {
					order = append(order, next[at])
				}
			}
			stop := false
			for _, o := range order {
				done[o] = true
				if cost := e.Budget.Projects[o].Cost; !stop && cost <= left {
					left -= cost
					funded = append(funded, o)
				} else {
					stop = e.Budget.Stop
				}
			}
			if place += len(order) - 1; stop {
				break
			}
		}
		if diff := cmp.Diff(pick(e.Options, funded), got.Funded); diff != "" {
			t.Fatalf("profile %d: %s\n%+v\n%s", i, diff, e, got.JSON())
		}
		got.Explain()
	}
}

// Sums by marks, scores and dots, with big integers and one comparison at a
// time.
func TestNaiveSums(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	for i := range profiles {
		n := 1 + r.IntN(5)
		var options []string
		for o := range n {
			options = append(options, string(rune('A'+o)))
		}
		seed, roll, quorum := []byte{byte(i), byte(i >> 8)}, r.IntN(30), Ratio{int64(r.IntN(3)), 4}
		var picks []Pick
		var points []Points
		for range r.IntN(6) {
			papers := 1 + r.IntN(4)
			picks = append(picks, Pick{r.Perm(n)[:r.IntN(n+1)], papers})
			values := make([]int64, n)
			for o := range values {
				values[o] = int64(r.IntN(3))
			}
			points = append(points, Points{values, papers})
		}
		seats := 1 + r.IntN(3)
		byMarks, err1 := Approval{options, 0, seats, quorum, roll, seed}.Count(picks)
		byScore, err2 := Score{options, 0, 2, quorum, roll, seed}.Count(points)
		byDots, err3 := Dots{options, 10, quorum, roll, seed}.Count(points)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		marks, scores := make([]*big.Int, n), make([]*big.Int, n)
		for o := range n {
			marks[o], scores[o] = new(big.Int), new(big.Int)
		}
		papers, marked, scored := 0, 0, 0
		for _, p := range picks {
			papers += p.Count
			for range p.Count {
				if len(p.Options) > 0 {
					marked++
				}
				for _, o := range p.Options {
					marks[o].Add(marks[o], big.NewInt(1))
				}
			}
		}
		for _, p := range points {
			for range p.Count {
				if slices.Max(p.Values) > 0 {
					scored++
				}
				for o, v := range p.Values {
					scores[o].Add(scores[o], big.NewInt(v))
				}
			}
		}
		check := func(name string, got Result, sums []*big.Int, seats, ballots int, positive bool) {
			want := Result{Rule: name, Seats: seats, Roll: roll, Voted: papers, Ballots: ballots, Checks: got.Checks, Lots: got.Lots, Outcome: Lost}
			for o, v := range sums {
				want.Tallies = append(want.Tallies, Tally{Option: options[o], Value: v.String()})
			}
			if big.NewRat(int64(papers), 1).Cmp(new(big.Rat).Mul(big.NewRat(quorum.Num, 4), big.NewRat(int64(roll), 1))) < 0 {
				want.Outcome = NoQuorum
			} else if ballots > 0 {
				left := make([]int, n)
				for o := range left {
					left[o] = o
				}
				for len(left) > 0 {
					var top []int
					for _, o := range left {
						if !slices.ContainsFunc(left, func(x int) bool { return sums[x].Cmp(sums[o]) > 0 }) {
							top = append(top, o)
						}
					}
					for _, at := range Lot(seed, fmt.Sprintf("place %d", len(want.Order)+1), len(top)) {
						o := top[at]
						want.Order = append(want.Order, options[o])
						if len(want.Elected) < seats && (!positive || sums[o].Sign() > 0) {
							want.Elected = append(want.Elected, options[o])
							want.Outcome = Carried
						}
					}
					left = slices.DeleteFunc(left, func(o int) bool { return slices.Contains(top, o) })
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("profile %d, %s: %s", i, name, diff)
			}
		}
		check("approval/v1", byMarks, marks, seats, marked, true)
		check("score/v1", byScore, scores, 1, scored, false)
		check("dots/v1", byDots, scores, 1, scored, true)
	}
}

// The decisions on one text, in fractions.
func TestNaiveDecisions(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(15, 16))
	share := func() Ratio { return Ratio{int64(r.IntN(5)), 4} }
	reaches := func(have, of int, q Ratio, strict bool) bool {
		if q.Num == 0 {
			return !strict || have > 0
		}
		if of == 0 {
			return false
		}
		d := big.NewRat(int64(have), int64(of)).Cmp(big.NewRat(q.Num, q.Den))
		return d > 0 || d == 0 && !strict
	}
	for i := range profiles {
		m := Majority{share(), r.IntN(2) == 0, r.IntN(2) == 0, share(), share(), 1 + r.IntN(12)}
		p := Proposal{r.IntN(5), r.IntN(3), r.IntN(5), r.IntN(3)}
		sides := p.Agree + p.Disagree + p.Block
		want := Carried
		switch {
		case !reaches(sides+p.Abstain, m.Roll, m.Quorum, false):
			want = NoQuorum
		case p.Agree == 0 || !reaches(p.Agree, sides, m.Threshold, m.Strict):
			want = Lost
		case m.Block && p.Block > 0 && (m.Override.Num == 0 || !reaches(p.Agree, sides, m.Override, false)):
			want = Blocked
		}
		got := m.Count(p)
		if got.Outcome != want {
			t.Fatalf("vote %d: %s, want %s: %+v %+v", i, got.Outcome, want, m, p)
		}
		for _, c := range got.Checks {
			if (c.Have >= c.Least) != c.Met {
				t.Fatalf("vote %d: %d would do, %d is %t: %s", i, c.Least, c.Have, c.Met, got.JSON())
			}
		}
		c := Consent{share(), 1 + r.IntN(12), share()}
		v := ConsentVotes{r.IntN(5), r.IntN(3), r.IntN(3), r.IntN(3)}
		want = Carried
		switch {
		case !reaches(v.Consent+v.Abstain+v.Standing+v.Integrated, c.Roll, c.Quorum, false):
			want = NoQuorum
		case v.Consent+v.Standing+v.Integrated == 0:
			want = Lost
		case v.Standing > 0 && (c.Fallback.Num == 0 || !reaches(v.Consent, v.Consent+v.Standing, c.Fallback, false)):
			want = Blocked
		}
		if got := c.Count(v); got.Outcome != want {
			t.Fatalf("vote %d: %s, want %s: %+v %+v", i, got.Outcome, want, c, v)
		}
	}
}

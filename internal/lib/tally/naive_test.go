package tally

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// This file is the second counter: every ranked rule once more, written from
// its text in the most literal way, paper by paper and with exact rationals.
// It shares nothing with the counters but Lot. It is slow and for small
// profiles only.

const profiles = 10_000

// randomElection makes a small election full of ties, with gaps and equal
// ranks where loose is set.
func randomElection(r *rand.Rand, loose bool) Election {
	n := 1 + r.IntN(6)
	e := Election{Seats: 1 + r.IntN(3), Seed: []byte{byte(r.IntN(256)), byte(r.IntN(256))}}
	for o := range n {
		e.Options = append(e.Options, string(rune('A'+o)))
	}
	for range r.IntN(9) {
		ranks := make([]int, n)
		for i, o := range r.Perm(n)[:r.IntN(n+1)] {
			ranks[o] = i + 1
		}
		if loose {
			for o := range ranks {
				if ranks[o] > 0 && r.IntN(6) == 0 {
					ranks[o] = 1 + r.IntN(n+1)
				}
			}
		}
		e.Ballots = append(e.Ballots, Ranking{ranks, 1 + r.IntN(5)})
	}
	if r.IntN(4) == 0 {
		e.Withdrawn = r.Perm(n)[:r.IntN(n)]
	}
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(2) {
			e.Limits = append(e.Limits, Limit{"limit", r.Perm(n)[:r.IntN(n+1)], r.IntN(3)})
		}
	}
	return e
}

// naivePapers reads every single paper as a list of options.
func naivePapers(e Election, consecutive bool) [][]int {
	var papers [][]int
	for _, b := range e.Ballots {
		var list []int
		highest := slices.Max(b.Ranks)
		for rank := 1; rank <= highest; rank++ {
			var here, running []int
			for o, v := range b.Ranks {
				if v == rank {
					here = append(here, o)
					if !slices.Contains(e.Withdrawn, o) {
						running = append(running, o)
					}
				}
			}
			if len(running) > 1 || consecutive && len(here) == 0 {
				break
			}
			list = append(list, running...)
		}
		for range b.Count {
			if len(list) > 0 {
				papers = append(papers, list)
			}
		}
	}
	return papers
}

// naiveRoom tries every set of candidates.
func naiveRoom(e Election, elected, candidates []int) int {
	best := -1
	for set := range 1 << len(candidates) {
		chosen := slices.Clone(elected)
		for i, c := range candidates {
			if set>>i&1 == 1 {
				chosen = append(chosen, c)
			}
		}
		fits := len(chosen) <= e.Seats
		for _, l := range e.Limits {
			n := 0
			for _, c := range chosen {
				if slices.Contains(l.Options, c) {
					n++
				}
			}
			fits = fits && n <= l.Max
		}
		if fits {
			best = max(best, len(chosen))
		}
	}
	return best
}

// naiveSTV counts by the Order of 2007 or, without a quota, by instant run-off.
func naiveSTV(e Election, scottish bool) (elected []int, totals [][]*big.Rat) {
	type paper struct {
		list  []int
		with  int
		value *big.Rat
	}
	var papers []*paper
	for _, list := range naivePapers(e, scottish) {
		papers = append(papers, &paper{list, list[0], big.NewRat(1, 1)})
	}
	if len(papers) == 0 {
		return nil, nil
	}
	var standing, pending []int
	for o := range e.Options {
		if !slices.Contains(e.Withdrawn, o) {
			standing = append(standing, o)
		}
	}
	quota := big.NewRat(int64(len(papers)/(e.Seats+1)+1), 1)
	kept := map[int]bool{} // whose surplus has moved: they keep the quota
	votes := func(o int) *big.Rat {
		if kept[o] {
			return quota
		}
		sum := new(big.Rat)
		for _, p := range papers {
			if p.with == o {
				sum.Add(sum, p.value)
			}
		}
		return sum
	}
	before := func(a, b int) int { // by votes now, then ever earlier; highest first
		for s := len(totals) - 1; s >= 0; s-- {
			if d := totals[s][b].Cmp(totals[s][a]); d != 0 {
				return d
			}
		}
		return 0
	}
	lot := func(purpose string, tied []int) []int {
		tied = slices.Sorted(slices.Values(tied))
		var out []int
		for _, i := range Lot(e.Seed, purpose, len(tied)) {
			out = append(out, tied[i])
		}
		return out
	}
	sorted := func(list []int) []int {
		var out []int
		rest := slices.Clone(list)
		for len(rest) > 0 {
			first := slices.MinFunc(rest, before)
			var level []int
			for _, o := range rest {
				if before(o, first) == 0 {
					level = append(level, o)
				}
			}
			if len(level) > 1 {
				level = lot(fmt.Sprintf("order of election, stage %d", len(totals)), level)
			}
			out = append(out, level...)
			rest = slices.DeleteFunc(rest, func(o int) bool { return slices.Contains(level, o) })
		}
		return out
	}
	endStage := func() {
		row := make([]*big.Rat, len(e.Options))
		counting := new(big.Rat)
		for o := range row {
			row[o] = new(big.Rat).Set(votes(o))
			counting.Add(counting, row[o])
		}
		totals = append(totals, row)
		var reached []int
		for _, o := range standing {
			if scottish && row[o].Cmp(quota) >= 0 || !scottish && new(big.Rat).Add(row[o], row[o]).Cmp(counting) > 0 {
				reached = append(reached, o)
			}
		}
		for _, o := range sorted(reached) {
			if len(elected) == e.Seats || naiveRoom(e, append(slices.Clone(elected), o), without(standing, o)) < naiveRoom(e, elected, standing) {
				continue
			}
			elected, standing = append(elected, o), without(standing, o)
			if row[o].Cmp(quota) > 0 && scottish {
				pending = append(pending, o)
			}
		}
	}
	transfer := func(from int, value func(*big.Rat) *big.Rat) {
		for _, p := range papers {
			if p.with != from {
				continue
			}
			p.with, p.value = -1, value(p.value)
			for i := slices.Index(p.list, from) + 1; i < len(p.list) && p.with < 0; i++ {
				if slices.Contains(standing, p.list[i]) {
					p.with = p.list[i]
				}
			}
		}
	}
	allFit := func() bool { return naiveRoom(e, elected, standing) == len(elected)+len(standing) }
	exclude := func(out ...int) {
		standing = slices.DeleteFunc(standing, func(o int) bool { return slices.Contains(out, o) })
		if !allFit() {
			for _, o := range out {
				transfer(o, func(v *big.Rat) *big.Rat { return v })
			}
		}
		endStage()
	}
	endStage()
	for len(elected) < e.Seats && len(standing) > 0 {
		var barred []int
		for _, o := range standing {
			if naiveRoom(e, append(slices.Clone(elected), o), without(standing, o)) < naiveRoom(e, elected, standing) {
				barred = append(barred, o)
			}
		}
		switch {
		case len(barred) > 0:
			exclude(barred...)
		case allFit():
			elected, standing = append(elected, sorted(standing)...), nil
		case len(pending) > 0:
			largest := pending[0]
			for _, o := range pending[1:] {
				if before(o, largest) < 0 {
					largest = o
				}
			}
			pending = without(pending, largest)
			total := votes(largest)
			surplus := new(big.Rat).Sub(total, quota)
			transfer(largest, func(v *big.Rat) *big.Rat {
				exact := new(big.Rat).Quo(new(big.Rat).Mul(surplus, v), total)
				hundredThousandths := exact.Mul(exact, big.NewRat(100_000, 1))
				whole := new(big.Int).Quo(hundredThousandths.Num(), hundredThousandths.Denom())
				return new(big.Rat).SetFrac(whole, big.NewInt(100_000))
			})
			kept[largest] = true
			endStage()
		default:
			lowest := -1
			for _, o := range standing {
				if naiveRoom(e, elected, without(standing, o)) == naiveRoom(e, elected, standing) && (lowest < 0 || before(o, lowest) > 0) {
					lowest = o
				}
			}
			var level []int
			for _, o := range standing {
				if naiveRoom(e, elected, without(standing, o)) == naiveRoom(e, elected, standing) && before(o, lowest) == 0 {
					level = append(level, o)
				}
			}
			if len(level) > 1 {
				lowest = lot(fmt.Sprintf("exclusion, stage %d", len(totals)+1), level)[0]
			}
			exclude(lowest)
		}
	}
	return elected, totals
}

func TestNaiveTransfers(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{RuleScottish, RuleIRV} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			r, lots := rand.New(rand.NewPCG(1, 2)), 0
			for i := range profiles {
				e := randomElection(r, i%2 == 0)
				places := 5
				if rule == RuleIRV {
					e.Seats, places = 1, 0
				}
				got := count(t, rule, e)
				want, totals := naiveSTV(e, rule == RuleScottish)
				if diff := cmp.Diff(pick(e.Options, want), got.Elected); diff != "" {
					t.Fatalf("profile %d: %s\n%+v\n%s", i, diff, e, got.JSON())
				}
				if len(totals) != len(got.Stages) {
					t.Fatalf("profile %d: %d stages, want %d\n%+v\n%s", i, len(got.Stages), len(totals), e, got.JSON())
				}
				for s, stage := range got.Stages {
					for _, v := range stage.Votes {
						if want := totals[s][slices.Index(e.Options, v.Option)].FloatString(places); v.Value != want {
							t.Fatalf("profile %d, stage %d: %s has %s, want %s\n%+v", i, s+1, v.Option, v.Value, want, e)
						}
					}
				}
				lots += len(got.Lots)
				got.Explain()
			}
			if lots < 1000 {
				t.Errorf("only %d lots were drawn", lots)
			}
		})
	}
}

// naiveMeek follows the letters of the reference rule.
func naiveMeek(e Election) (elected []int) {
	papers := naivePapers(e, false)
	if len(papers) == 0 {
		return nil
	}
	round := func(x *big.Rat, up bool) *big.Rat { // to 9 places
		billion := big.NewInt(1_000_000_000)
		n := new(big.Int).Mul(x.Num(), billion)
		q, rest := new(big.Int).QuoRem(n, x.Denom(), new(big.Int))
		if up && rest.Sign() > 0 {
			q.Add(q, big.NewInt(1))
		}
		return new(big.Rat).SetFrac(q, billion)
	}
	mul := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
	// A
	var hopeful []int
	kf := make([]*big.Rat, len(e.Options))
	for o := range e.Options {
		kf[o] = new(big.Rat)
		if !slices.Contains(e.Withdrawn, o) {
			hopeful = append(hopeful, o)
			kf[o] = big.NewRat(1, 1)
		}
	}
	omega := big.NewRat(1, 1_000_000)
	v := make([]*big.Rat, len(e.Options))
	distribute := func() {
		for o := range v {
			v[o] = new(big.Rat)
		}
		for _, list := range papers {
			w := big.NewRat(1, 1)
			for _, o := range list {
				part := round(mul(w, kf[o]), true)
				v[o].Add(v[o], part)
				w.Sub(w, part)
				if w.Sign() <= 0 {
					break
				}
			}
		}
	}
	sorted := func(list []int, stage int) []int {
		list = slices.Clone(list)
		var out []int
		for len(list) > 0 {
			high := slices.MaxFunc(list, func(a, b int) int { return v[a].Cmp(v[b]) })
			var level []int
			for _, o := range list {
				if v[o].Cmp(v[high]) == 0 {
					level = append(level, o)
				}
			}
			slices.Sort(level)
			for _, i := range Lot(e.Seed, fmt.Sprintf("order of election, stage %d", stage), len(level)) {
				out = append(out, level[i])
			}
			list = slices.DeleteFunc(list, func(o int) bool { return slices.Contains(level, o) })
		}
		return out
	}
	barred := func(o int) bool {
		return naiveRoom(e, append(slices.Clone(elected), o), without(hopeful, o)) < naiveRoom(e, elected, hopeful)
	}
	stage := 0
	distribute()
B1:
	for len(elected) < e.Seats && naiveRoom(e, elected, hopeful) < len(elected)+len(hopeful) {
		stage++
		if out := slices.DeleteFunc(slices.Clone(hopeful), func(o int) bool { return !barred(o) }); len(out) > 0 {
			for _, o := range out {
				kf[o], hopeful = new(big.Rat), without(hopeful, o)
			}
			continue
		}
		var previous *big.Rat
		for {
			distribute() // B.2.a
			total := new(big.Rat)
			for o := range v {
				total.Add(total, v[o])
			}
			q := round(new(big.Rat).Quo(total, big.NewRat(int64(e.Seats+1), 1)), false) // B.2.b
			q.Add(q, big.NewRat(1, 1_000_000_000))
			var winners []int // B.2.c
			for _, o := range hopeful {
				if v[o].Cmp(q) >= 0 {
					winners = append(winners, o)
				}
			}
			for _, o := range sorted(winners, stage) {
				if len(elected) < e.Seats && !barred(o) {
					elected, hopeful = append(elected, o), without(hopeful, o)
				}
			}
			s := new(big.Rat) // B.2.d
			for _, o := range elected {
				s.Add(s, new(big.Rat).Sub(v[o], q))
			}
			if s.Sign() < 0 {
				s = new(big.Rat)
			}
			if len(winners) > 0 { // B.2.e
				continue B1
			}
			if s.Cmp(omega) < 0 || previous != nil && s.Cmp(previous) >= 0 {
				var low *big.Rat // B.3
				var free, tied []int
				for _, o := range hopeful {
					if naiveRoom(e, elected, without(hopeful, o)) == naiveRoom(e, elected, hopeful) {
						free = append(free, o)
						if low == nil || v[o].Cmp(low) < 0 {
							low = v[o]
						}
					}
				}
				for _, o := range free {
					if v[o].Cmp(new(big.Rat).Add(low, s)) <= 0 {
						tied = append(tied, o)
					}
				}
				out := tied[Lot(e.Seed, fmt.Sprintf("exclusion, stage %d", stage), len(tied))[0]]
				kf[out], hopeful = new(big.Rat), without(hopeful, out)
				continue B1
			}
			previous = s
			for _, o := range elected { // B.2.f
				kf[o] = round(new(big.Rat).Quo(round(mul(kf[o], q), true), v[o]), true)
			}
		}
	}
	if len(elected) < e.Seats { // C.1
		elected = append(elected, sorted(hopeful, stage+1)...)
	}
	return elected
}

func TestNaiveMeek(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for i := range profiles {
		e := randomElection(r, i%2 == 0)
		got := count(t, RuleMeek, e)
		if diff := cmp.Diff(pick(e.Options, naiveMeek(e)), got.Elected); diff != "" {
			t.Fatalf("profile %d: %s\n%+v\n%s", i, diff, e, got.JSON())
		}
		got.Explain()
	}
}

// naiveSchulze walks every path.
func naiveSchulze(e Election) (order []int) {
	prefers := func(x, y int) int { // papers that put x above y
		n := 0
		for _, b := range e.Ballots {
			rx, ry := b.Ranks[x], b.Ranks[y]
			switch {
			case rx == 0:
			case ry == 0 && e.Unranked == UnrankedAbstain:
			case ry == 0 || rx < ry:
				n += b.Count
			}
		}
		return n
	}
	var left []int
	for o := range e.Options {
		if !slices.Contains(e.Withdrawn, o) {
			left = append(left, o)
		}
	}
	all := slices.Clone(left)
	var walk func(x, y int, seen []int, weakest int) int
	walk = func(x, y int, seen []int, weakest int) int {
		if x == y {
			return weakest
		}
		best := 0
		for _, z := range all {
			if !slices.Contains(seen, z) && prefers(x, z) > prefers(z, x) {
				best = max(best, walk(z, y, append(slices.Clone(seen), z), min(weakest, prefers(x, z))))
			}
		}
		return best
	}
	above := func(x, y int) bool { return walk(x, y, []int{x}, 1<<60) > walk(y, x, []int{y}, 1<<60) }
	for len(left) > 0 {
		var top []int
		for _, x := range left {
			if !slices.ContainsFunc(left, func(y int) bool { return y != x && above(y, x) }) {
				top = append(top, x)
			}
		}
		place := len(order) + 1
		for _, i := range Lot(e.Seed, fmt.Sprintf("place %d", place), len(top)) {
			order = append(order, top[i])
		}
		left = slices.DeleteFunc(left, func(o int) bool { return slices.Contains(top, o) })
	}
	return order
}

func TestNaiveSchulze(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for i := range profiles {
		e := randomElection(r, true)
		if len(e.Options) > 5 { // the number of paths explodes
			continue
		}
		e.Unranked = []string{UnrankedLast, UnrankedAbstain}[i%2]
		got := count(t, RuleSchulze, e)
		if got.Ballots == 0 {
			continue
		}
		if diff := cmp.Diff(pick(e.Options, naiveSchulze(e)), got.Order); diff != "" {
			t.Fatalf("profile %d: %s\n%+v\n%s", i, diff, e, got.JSON())
		}
		got.Explain()
	}
}

func TestNaiveSortition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for i := range profiles {
		e := randomElection(r, false)
		got := count(t, RuleSortition, e)
		var pool, elected []int
		for o := range e.Options {
			if !slices.Contains(e.Withdrawn, o) {
				pool = append(pool, o)
			}
		}
		order := make([]int, len(pool))
		for i, at := range Lot(e.Seed, "sortition", len(pool)) {
			order[i] = pool[at]
		}
		for i, o := range order {
			if naiveRoom(e, append(slices.Clone(elected), o), order[i+1:]) == naiveRoom(e, elected, order[i:]) && len(elected) < e.Seats {
				elected = append(elected, o)
			}
		}
		if diff := cmp.Diff([][]string{pick(e.Options, order), pick(e.Options, elected)}, [][]string{got.Order, got.Elected}); diff != "" {
			t.Fatalf("profile %d: %s\n%+v\n%s", i, diff, e, got.JSON())
		}
	}
}

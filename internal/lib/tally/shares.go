package tally

import (
	"fmt"
	"math/big"
	"slices"
)

// equalShares counts pb/equal-shares, the method of equal shares with costs as
// utility. Every voter, also one with an empty ballot, gets an equal share of
// the budget. In each round the project is funded for which its supporters
// need to give the smallest part of its cost at most: they pay alike, and who
// has less pays all they have. Level projects go by lower cost and then by
// lot. It ends when no project's supporters can pay for it.
//
// The shares rarely spend the whole budget. So they are raised by one whole
// unit of money a voter, and all is counted again, until the outcome for the
// first time costs more than there is; the outcome before that one holds.
func (e Election) equalShares() (Result, error) {
	if len(e.Points) > 0 {
		return Result{}, fmt.Errorf("count: %s is for ballots that mark projects, and these give points", RuleEqualShares)
	}
	p, err := e.pot()
	if err != nil {
		return Result{}, err
	}
	r, ok := p.result(RuleEqualShares)
	if !ok {
		return r, nil
	}
	if p.box.counted == 0 {
		r.Outcome = Lost
		return r, nil
	}
	unit := int64(1)
	for range e.Budget.Decimals {
		unit *= 10
	}
	s := newShares(p)
	var held outcome
	raised := int64(0)
	for ; ; raised++ {
		if raised > maxRaises {
			return Result{}, fmt.Errorf("count: after %d raises of one unit a voter the budget is still not used; give the amounts in a larger unit", maxRaises)
		}
		now := s.run(raised * unit)
		if now.cost > e.Budget.Total {
			break // never in the first run: no one can pay more than their share
		}
		held = now
		if len(now.funded) == s.possible {
			raised++
			break
		}
	}
	r.Stages, r.Lots = held.stages(p, s, raised-1), held.lots
	p.finish(&r, held.funded)
	return r, nil
}

// maxRaises bounds the work that a file can ask for.
const maxRaises = 1_000_000

// shares is what all runs of one count have in common.
type shares struct {
	*pot
	groups   []Pick  // voters with the same marks, as one
	backers  [][]int // per project, the groups that mark it
	possible int     // projects that someone marks
}

// outcome is what one run funds.
type outcome struct {
	funded []int
	paid   []*big.Rat // the most that a supporter pays, per funded project
	cost   int64
	lots   []Draw
}

func newShares(p *pot) *shares {
	s := &shares{pot: p, backers: make([][]int, len(p.Options))}
	at := map[string]int{}
	for _, m := range p.marks {
		sorted := slices.Sorted(slices.Values(m.Options))
		key := fmt.Sprint(sorted)
		if i, seen := at[key]; seen {
			s.groups[i].Count += m.Count
			continue
		}
		at[key] = len(s.groups)
		for _, o := range sorted {
			s.backers[o] = append(s.backers[o], len(s.groups))
		}
		s.groups = append(s.groups, Pick{sorted, m.Count})
	}
	for o := range s.backers {
		if p.support[o] < p.Budget.Least {
			s.backers[o] = nil
		}
		if len(s.backers[o]) > 0 {
			s.possible++
		}
	}
	return s
}

// purses holds what voters have left in one run. Groups that have the same
// amount share a purse, and the purses lie in rising order. Amounts are
// integers over one common denominator, so that no fraction is ever reduced.
type purses struct {
	money []*big.Int
	of    []int    // the purse of each group
	den   *big.Int // of all amounts
	// What follows is scratch space for price.
	heads   []int64
	touched []int
}

// price is what a project asks of its supporters: those who can pay alike give
// num/(den × rich) each. part is num × 2^60 / (den × rich × cost) cut to a
// whole number, the part of the cost that they give at most.
type price struct {
	project int
	num     *big.Int
	rich    int64
	part    uint64
}

// run funds projects with the shares raised by so much a voter.
func (s *shares) run(raise int64) (out outcome) {
	voters := int64(s.box.voted)
	share := new(big.Int).Mul(big.NewInt(raise), big.NewInt(voters))
	share.Add(share, big.NewInt(s.Budget.Total))
	p := &purses{money: []*big.Int{share}, of: make([]int, len(s.groups)), den: big.NewInt(voters)}
	// The part that a project asks for only rises as purses empty, so an old
	// one is a lower bound, and most projects need no new look in a round.
	bound := make([]uint64, len(s.Options))
	var open []int
	for o := range s.Options {
		if len(s.backers[o]) > 0 {
			open = append(open, o)
		}
	}
	l := lots{seed: s.Seed, names: s.Options}
	for {
		slices.SortStableFunc(open, func(a, b int) int {
			switch {
			case bound[a] < bound[b]:
				return -1
			case bound[a] > bound[b]:
				return 1
			}
			return 0
		})
		var best []price
		kept := open[:0]
		for _, o := range open {
			if len(best) > 0 && bound[o] > best[0].part {
				kept = append(kept, o)
				continue
			}
			c, affordable := s.price(p, o)
			if !affordable {
				continue // and never will be: purses only empty
			}
			kept = append(kept, o)
			bound[o] = c.part
			if len(best) > 0 {
				switch d := s.cmp(c, best[0]); {
				case d > 0:
					continue
				case d < 0:
					best = best[:0]
				}
			}
			best = append(best, c)
		}
		open = kept
		if len(best) == 0 {
			out.lots = l.drawn
			return out
		}
		c := s.choose(best, &l, len(out.funded)+1)
		open = slices.DeleteFunc(open, func(o int) bool { return o == c.project })
		out.funded = append(out.funded, c.project)
		out.cost += s.Budget.Projects[c.project].Cost
		den := new(big.Int).Mul(p.den, big.NewInt(c.rich))
		out.paid = append(out.paid, new(big.Rat).SetFrac(c.num, den))
		s.pay(p, c)
	}
}

// price asks what a project would cost its supporters now.
func (s *shares) price(p *purses, o int) (price, bool) {
	if len(p.heads) < len(p.money) {
		p.heads = make([]int64, len(s.groups)+1)
	}
	p.touched = p.touched[:0]
	rich := int64(0)
	for _, g := range s.backers[o] {
		purse := p.of[g]
		if p.heads[purse] == 0 {
			p.touched = append(p.touched, purse)
		}
		p.heads[purse] += int64(s.groups[g].Count)
		rich += int64(s.groups[g].Count)
	}
	slices.Sort(p.touched)
	cost := big.NewInt(s.Budget.Projects[o].Cost)
	rest := new(big.Int).Mul(cost, p.den) // what those who can pay alike must bring
	heads, all, found := new(big.Int), new(big.Int), false
	for _, purse := range p.touched {
		if !found {
			// Can everyone who is left pay alike?
			all.Mul(p.money[purse], heads.SetInt64(rich))
			if found = all.Cmp(rest) >= 0; !found {
				rest.Sub(rest, all.Mul(p.money[purse], heads.SetInt64(p.heads[purse])))
				rich -= p.heads[purse]
			}
		}
		p.heads[purse] = 0
	}
	if !found {
		return price{}, false
	}
	part := all.Lsh(rest, 60)
	part.Quo(part, heads.Mul(cost, p.den))
	return price{o, rest, rich, new(big.Int).Quo(part, heads.SetInt64(rich)).Uint64()}, true
}

// cmp compares the parts of the cost that two projects ask for.
func (s *shares) cmp(a, b price) int {
	if a.part != b.part {
		if a.part < b.part {
			return -1
		}
		return 1
	}
	weight := func(num *big.Int, other price) *big.Int {
		w := new(big.Int).Mul(big.NewInt(other.rich), big.NewInt(s.Budget.Projects[other.project].Cost))
		return w.Mul(w, num)
	}
	return weight(a.num, b).Cmp(weight(b.num, a))
}

// choose takes the cheapest of level projects, and among equally dear ones
// draws a lot.
func (s *shares) choose(level []price, l *lots, round int) price {
	cost := func(c price) int64 { return s.Budget.Projects[c.project].Cost }
	least := level[0]
	for _, c := range level {
		if cost(c) < cost(least) {
			least = c
		}
	}
	var tied []int
	for _, c := range level {
		if cost(c) == cost(least) {
			tied = append(tied, c.project)
		}
	}
	if len(tied) == 1 {
		return least
	}
	first := l.draw(fmt.Sprintf("round %d", round), tied)[0]
	return level[slices.IndexFunc(level, func(c price) bool { return c.project == first })]
}

// pay takes the price from the purses of the project's supporters and sorts
// the purses anew.
func (s *shares) pay(p *purses, c price) {
	// The amount is num/rich over the old denominator; in lowest terms the new
	// denominator grows least.
	rich := big.NewInt(c.rich)
	common := new(big.Int).GCD(nil, nil, c.num, rich)
	num, by := new(big.Int).Quo(c.num, common), rich.Quo(rich, common)
	p.den.Mul(p.den, by)
	old := len(p.money)
	// Purse i of a non-supporter stays i; that of a supporter becomes old+i.
	p.money = append(p.money, make([]*big.Int, old)...)
	for _, m := range p.money[:old] {
		m.Mul(m, by)
	}
	for _, g := range s.backers[c.project] {
		from := p.of[g]
		if p.money[old+from] == nil {
			left := new(big.Int)
			if p.money[from].Cmp(num) > 0 {
				left.Sub(p.money[from], num)
			}
			p.money[old+from] = left
		}
		p.of[g] += old
	}
	used := make([]bool, 2*old)
	for _, purse := range p.of {
		used[purse] = true
	}
	// Both halves are in rising order, so they only have to be merged.
	order := make([]int, 0, 2*old)
	for i, j := 0, old; i < old || j < 2*old; {
		switch {
		case i < old && !used[i]:
			i++
		case j < 2*old && !used[j]:
			j++
		case j == 2*old || i < old && p.money[i].Cmp(p.money[j]) <= 0:
			order = append(order, i)
			i++
		default:
			order = append(order, j)
			j++
		}
	}
	place := make([]int, 2*old)
	var money []*big.Int
	for _, i := range order {
		if n := len(money); n == 0 || money[n-1].Cmp(p.money[i]) != 0 {
			money = append(money, p.money[i])
		}
		place[i] = len(money) - 1
	}
	for g, purse := range p.of {
		p.of[g] = place[purse]
	}
	p.money = money
}

// stages tells a run: by how much the shares were raised, and what was funded
// in which round.
func (o outcome) stages(p *pot, s *shares, raised int64) []Stage {
	stages := []Stage{{Number: 1, Action: "raise", Value: itoa(int(raised))}}
	for i, project := range o.funded {
		// Cut, like all decimals here; two more digits than the money has.
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(2), nil)
		cut := new(big.Int).Mul(o.paid[i].Num(), scale)
		cut.Quo(cut, o.paid[i].Denom())
		stages = append(stages, Stage{Number: i + 2, Action: "fund", Of: []string{p.Options[project]}, Value: decimal(cut.Int64(), p.Budget.Decimals+2)})
	}
	return stages
}

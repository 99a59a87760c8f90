package tally

import (
	"fmt"
	"slices"
	"strconv"
)

// Ranking is a ballot that puts options in order. Ranks has one entry an
// option: 1 is best, equal numbers are equal, 0 is unranked. Numbers may have
// gaps. Count is how many papers say just this, at least 1.
type Ranking struct {
	Ranks []int
	Count int
}

// The two readings of options that a ballot does not rank. They can elect
// different people, so a count always names the one it used.
const (
	UnrankedLast    = "last"    // below every ranked option, level with each other
	UnrankedAbstain = "abstain" // no opinion: the ballot takes no side in any pair with them
)

// Schulze is the rule schulze/wv: options are compared pair by pair, a pair's
// strength is its winning votes, and an option stands above another if its
// strongest path to the other is stronger than the way back. An option that
// beats every other one by one always wins.
//
// Options with no one above them are level, and a lot orders them; the next
// ones are found among the rest.
type Schulze struct {
	Options  []string
	Unranked string // UnrankedLast or UnrankedAbstain
	Seats    int    // how many of the order are elected; 0 means 1
	Quorum   Ratio
	Roll     int
	Seed     []byte
}

// Count compares all pairs and returns the full order.
func (s Schulze) Count(ballots []Ranking) (Result, error) {
	e := Election{
		Seats: max(s.Seats, 1), Options: s.Options, Ballots: ballots, Unranked: s.Unranked,
		Quorum: s.Quorum, Roll: s.Roll, Seed: s.Seed,
	}
	if s.Unranked == "" {
		return Result{}, fmt.Errorf("check schulze rule: it does not say how unranked options are read")
	}
	if err := e.check(); err != nil {
		return Result{}, err
	}
	return e.schulze()
}

func (e Election) schulze() (Result, error) {
	if e.Unranked == "" {
		e.Unranked = UnrankedLast
	}
	if e.Unranked != UnrankedLast && e.Unranked != UnrankedAbstain {
		return Result{}, fmt.Errorf("check schulze rule: unranked options are read as %q or %q, not %q",
			UnrankedLast, UnrankedAbstain, e.Unranked)
	}
	b, err := e.box(func(ballot Ranking) bool {
		for o, rank := range ballot.Ranks {
			if rank > 0 && !slices.Contains(e.Withdrawn, o) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return Result{}, err
	}
	r, ok := begin(RuleSchulze, e.Roll, b, e.Quorum)
	r.Reading, r.Seats = e.Unranked, e.Seats
	running := e.running()
	d := pairs(e.Ballots, len(e.Options), e.Unranked == UnrankedAbstain)
	for _, x := range running {
		t, won := Tally{Option: e.Options[x]}, 0
		for _, y := range running {
			if x != y {
				t.Parts = append(t.Parts, Part{e.Options[y], strconv.FormatInt(d[x][y], 10)})
			}
			if d[x][y] > d[y][x] {
				won++
			}
		}
		t.Value = itoa(won)
		r.Tallies = append(r.Tallies, t)
	}
	if !ok {
		return r, nil
	}
	if r.Ballots == 0 {
		r.Outcome = Lost
		return r, nil
	}
	p := strongest(d, running)
	l := &lots{seed: e.Seed, names: e.Options}
	var order []int
	for left := running; len(left) > 0; {
		var top, rest []int
		for _, x := range left {
			if slices.ContainsFunc(left, func(y int) bool { return p[y][x] > p[x][y] }) {
				rest = append(rest, x)
			} else {
				top = append(top, x)
			}
		}
		stage := Stage{Number: len(r.Stages) + 1, Action: "place", Of: pick(e.Options, top)}
		if len(top) > 1 {
			top = l.draw(fmt.Sprintf("place %d", len(order)+1), top)
		}
		// The paths between the placed and the rest are what put them there.
		for _, x := range top {
			t := Tally{Option: e.Options[x]}
			for _, y := range rest {
				t.Parts = append(t.Parts, Part{e.Options[y], fmt.Sprintf("%d-%d", p[x][y], p[y][x])})
			}
			t.Value = itoa(len(order) + 1)
			stage.Votes = append(stage.Votes, t)
			order = append(order, x)
		}
		r.Stages = append(r.Stages, stage)
		left = rest
	}
	r.Order, r.Lots = pick(e.Options, order), l.drawn
	e.fill(&r, order)
	return r, nil
}

// pairs counts, for each two options, the papers that put x above y.
func pairs(ballots []Ranking, n int, abstain bool) [][]int64 {
	d := matrix(n)
	for _, b := range ballots {
		for x, rx := range b.Ranks {
			if rx == 0 {
				continue // an unranked option is above nothing in either reading
			}
			for y, ry := range b.Ranks {
				if ry > rx || ry == 0 && !abstain {
					d[x][y] += int64(b.Count)
				}
			}
		}
	}
	return d
}

// strongest finds the strength of the strongest path between each two options,
// the strength of a path being its weakest pair and that of a lost or level
// pair being nothing.
func strongest(d [][]int64, among []int) [][]int64 {
	p := matrix(len(d))
	for _, x := range among {
		for _, y := range among {
			if x != y && d[x][y] > d[y][x] {
				p[x][y] = d[x][y]
			}
		}
	}
	for _, k := range among {
		for _, x := range among {
			if x == k {
				continue
			}
			for _, y := range among {
				if y != k && y != x {
					p[x][y] = max(p[x][y], min(p[x][k], p[k][y]))
				}
			}
		}
	}
	return p
}

func matrix(n int) [][]int64 {
	cells := make([]int64, n*n)
	rows := make([][]int64, n)
	for i := range rows {
		rows[i] = cells[i*n : (i+1)*n]
	}
	return rows
}

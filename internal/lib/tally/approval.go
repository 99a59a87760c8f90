package tally

import (
	"fmt"
	"slices"
	"strconv"
)

// Approval is the rule approval/v1: each voter marks options, and those with
// the most marks win the places. With Max 1 it is "choose one". An option
// without a mark wins no place. Options that are level are put in order by
// lot.
type Approval struct {
	Options []string
	Max     int // marks on one ballot at most; 0: as many as there are options
	Seats   int // places; 0 means 1
	Quorum  Ratio
	Roll    int
	Seed    []byte
}

// Pick is a ballot that marks options, by their index. Count is how many
// papers say just this, at least 1.
type Pick struct {
	Options []int
	Count   int
}

// Count adds up the marks. A ballot with too many marks, a mark for an option
// that does not exist or two for the same is an error, not a spoilt paper:
// whoever takes the ballot must refuse it.
func (a Approval) Count(ballots []Pick) (Result, error) {
	if err := checkOptions(a.Options); err != nil {
		return Result{}, err
	}
	limit := a.Max
	if limit <= 0 {
		limit = len(a.Options)
	}
	sums := make([]int64, len(a.Options))
	var b box
	for i, ballot := range ballots {
		if err := b.add(i, ballot.Count, len(ballot.Options) == 0); err != nil {
			return Result{}, err
		}
		if len(ballot.Options) > limit {
			return Result{}, fmt.Errorf("count ballot %d: it has %d marks, and %d are allowed", i+1, len(ballot.Options), limit)
		}
		for j, o := range ballot.Options {
			if o < 0 || o >= len(a.Options) {
				return Result{}, fmt.Errorf("count ballot %d: there is no option %d", i+1, o)
			}
			if slices.Contains(ballot.Options[:j], o) {
				return Result{}, fmt.Errorf("count ballot %d: option %d is marked twice", i+1, o)
			}
			sums[o] += int64(ballot.Count)
		}
	}
	r, ok := begin("approval/v1", a.Roll, b, a.Quorum)
	r.Seats = max(a.Seats, 1)
	bySum(&r, ok, a.Options, sums, a.Seed, true)
	return r, nil
}

// bySum finishes a count in which the highest sum wins. Only options above
// zero win a place where positive is set.
func bySum(r *Result, quorum bool, options []string, sums []int64, seed []byte, positive bool) {
	for i, o := range options {
		r.Tallies = append(r.Tallies, Tally{Option: o, Value: strconv.FormatInt(sums[i], 10)})
	}
	if !quorum {
		return
	}
	if r.Ballots == 0 {
		r.Outcome = Lost
		return
	}
	order, drawn := rank(options, sums, seed)
	r.Order, r.Lots = pick(options, order), drawn
	for _, o := range order[:min(r.Seats, len(order))] {
		if positive && sums[o] <= 0 {
			break
		}
		r.Elected = append(r.Elected, options[o])
	}
	r.Outcome = Carried
	if len(r.Elected) == 0 {
		r.Outcome = Lost
	}
}

// rank sorts options by falling sum and puts each group of equal sums in the
// order of a lot of its own.
func rank(options []string, sums []int64, seed []byte) (order []int, drawn []Draw) {
	order = make([]int, len(options))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return compare(sums[y], sums[x]) })
	l := lots{seed: seed, names: options}
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && sums[order[to]] == sums[order[from]] {
			to++
		}
		if to-from > 1 {
			copy(order[from:to], l.draw(fmt.Sprintf("place %d", from+1), order[from:to]))
		}
		from = to
	}
	return order, l.drawn
}

func compare[T int | int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

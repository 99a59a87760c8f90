package tally

import (
	"fmt"
	"slices"
)

// Limit says that at most Max of some options can be elected: a cap on one
// employer's people, or, with everybody outside a group as its options, seats
// reserved for the group.
//
// Every rule keeps limits in the same way: it counts how many seats can still
// be filled, and does nothing that makes them fewer. A candidate whose
// election would is passed over; one whose exclusion would is not excluded.
type Limit struct {
	Name    string // "Google", "seats for the west"
	Options []int
	Max     int
}

// Reserve returns the limit that keeps some of the seats for a group: all
// others together can have no more than the rest.
func Reserve(name string, group []int, options, seats, reserved int) Limit {
	l := Limit{Name: name, Max: seats - reserved}
	for o := range options {
		if !slices.Contains(group, o) {
			l.Options = append(l.Options, o)
		}
	}
	return l
}

// maxLimits bounds the limits of one election: each is a bit of a word.
const maxLimits = 64

func (e Election) checkLimits() error {
	if len(e.Limits) > maxLimits {
		return fmt.Errorf("check election: it has %d limits, and %d can be kept", len(e.Limits), maxLimits)
	}
	for _, l := range e.Limits {
		if l.Max < 0 {
			return fmt.Errorf("check limit %q: at most %d cannot be", l.Name, l.Max)
		}
		for _, o := range l.Options {
			if o < 0 || o >= len(e.Options) {
				return fmt.Errorf("check limit %q: there is no option %d", l.Name, o)
			}
		}
	}
	return nil
}

// room returns how many seats the elected and the candidates can fill at most
// within the limits; it is less than the elected where they break a limit.
func (e Election) room(elected, candidates []int) int {
	free := max(0, e.Seats-len(elected))
	if len(e.Limits) == 0 {
		return len(elected) + min(free, len(candidates))
	}
	left := make([]int, len(e.Limits))
	kinds := map[uint64]int{} // candidates by the set of limits they are under
	for i, l := range e.Limits {
		left[i] = l.Max
	}
	under := func(o int) (set uint64) {
		for i, l := range e.Limits {
			if slices.Contains(l.Options, o) {
				set |= 1 << i
			}
		}
		return set
	}
	for _, o := range elected {
		set := under(o)
		for i := range left {
			if set>>i&1 == 1 {
				if left[i]--; left[i] < 0 {
					return -1
				}
			}
		}
	}
	for _, o := range candidates {
		kinds[under(o)]++
	}
	var sets []uint64
	for set := range kinds {
		sets = append(sets, set)
	}
	slices.Sort(sets)
	return len(elected) + most(sets, kinds, left, free)
}

// most is the greatest number of candidates of the given kinds that fit: it
// tries each kind at its most first, and stops when no kind could add more.
func most(sets []uint64, kinds map[uint64]int, left []int, free int) int {
	bound, single := 0, make([]int, len(sets))
	for k, set := range sets {
		single[k] = min(kinds[set], free)
		for i := range left {
			if set>>i&1 == 1 {
				single[k] = min(single[k], left[i])
			}
		}
		bound += single[k]
	}
	bound = min(bound, free)
	if len(sets) == 0 || bound == 0 {
		return 0
	}
	best := 0
	for n := single[0]; n >= 0 && best < bound; n-- {
		rest := slices.Clone(left)
		for i := range rest {
			if sets[0]>>i&1 == 1 {
				rest[i] -= n
			}
		}
		best = max(best, n+most(sets[1:], kinds, rest, free-n))
	}
	return best
}

// barred reports whether the election of c would leave a seat empty that could
// be filled otherwise.
func (e Election) barred(c int, elected, candidates []int) bool {
	if len(e.Limits) == 0 {
		return false
	}
	return e.room(append(slices.Clone(elected), c), without(candidates, c)) < e.room(elected, candidates)
}

// guarded reports whether the exclusion of c would leave a seat empty.
func (e Election) guarded(c int, elected, candidates []int) bool {
	if len(e.Limits) == 0 {
		return false
	}
	return e.room(elected, without(candidates, c)) < e.room(elected, candidates)
}

// full names the limits that c is under and that are used up.
func (e Election) full(c int, elected []int) string {
	for _, l := range e.Limits {
		n := 0
		for _, o := range elected {
			if slices.Contains(l.Options, o) {
				n++
			}
		}
		if n >= l.Max && slices.Contains(l.Options, c) {
			return l.Name
		}
	}
	return "the limits together"
}

// passed names those who are passed over and for what.
func (e Election) passed(out, elected []int) []Place {
	var places []Place
	for _, o := range out {
		places = append(places, Place{e.Options[o], e.full(o, elected)})
	}
	return places
}

// fill elects from an order of options, best first.
func (e Election) fill(r *Result, order []int) {
	var elected []int
	r.Passed = nil
	for i, c := range order {
		if len(elected) == e.Seats {
			break
		}
		if e.barred(c, elected, order[i:]) {
			r.Passed = append(r.Passed, Place{e.Options[c], e.full(c, elected)})
			continue
		}
		elected = append(elected, c)
	}
	r.Elected = pick(e.Options, elected)
	r.Outcome = Carried
	if len(elected) == 0 {
		r.Outcome = Lost
	}
}

func without(list []int, c int) []int {
	out := make([]int, 0, len(list))
	for _, o := range list {
		if o != c {
			out = append(out, o)
		}
	}
	return out
}

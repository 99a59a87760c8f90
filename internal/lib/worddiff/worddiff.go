// Package worddiff compares two texts word by word, as people read them: amended motions, changed
// rules, documents. It is Myers' algorithm (An O(ND) Difference Algorithm, 1986) on words.
package worddiff

import (
	"slices"
	"unicode"
)

// Kind says what happened to a part of the text.
type Kind int

// The kinds.
const (
	Same Kind = iota
	Removed
	Added
)

// Part is a run of words, with the spaces around them.
type Part struct {
	Kind Kind
	Text string
}

// limit bounds the work for two long texts without much in common: with more differences than this
// the middle is shown as removed and added whole.
const limit = 1000

// Compare returns the parts that make the old text (Same and Removed) and the new one (Same and Added).
func Compare(before, after string) []Part {
	a, b := split(before), split(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out []Part
	for _, w := range a[:head] {
		out = add(out, Same, w)
	}
	out = middle(out, a[head:len(a)-tail], b[head:len(b)-tail])
	for _, w := range a[len(a)-tail:] {
		out = add(out, Same, w)
	}
	return out
}

func add(out []Part, k Kind, w string) []Part {
	if n := len(out); n > 0 && out[n-1].Kind == k {
		out[n-1].Text += w
		return out
	}
	// What goes stands before what comes in its place.
	if n := len(out); k == Removed && n > 0 && out[n-1].Kind == Added {
		if n > 1 && out[n-2].Kind == Removed {
			out[n-2].Text += w
			return out
		}
		return slices.Insert(out, n-1, Part{k, w})
	}
	return append(out, Part{k, w})
}

// middle finds the shortest way from a to b and walks it back.
func middle(out []Part, a, b []string) []Part {
	trail, found := search(a, b)
	if !found {
		for _, w := range a {
			out = add(out, Removed, w)
		}
		for _, w := range b {
			out = add(out, Added, w)
		}
		return out
	}
	type step struct {
		kind Kind
		word string
	}
	var back []step
	x, y := len(a), len(b)
	for d := len(trail) - 1; d >= 0; d-- {
		reach, k := trail[d], x-y
		from := k - 1
		if k == -d || k != d && reach[from+d] < reach[k+1+d] {
			from = k + 1
		}
		px := 0
		if d > 0 {
			px = reach[from+d]
		}
		py := px - from
		for x > px && y > py && x > 0 && y > 0 && a[x-1] == b[y-1] {
			back = append(back, step{Same, a[x-1]})
			x, y = x-1, y-1
		}
		switch {
		case d == 0:
		case x == px:
			back = append(back, step{Added, b[y-1]})
			y--
		default:
			back = append(back, step{Removed, a[x-1]})
			x--
		}
	}
	for _, s := range slices.Backward(back) {
		out = add(out, s.kind, s.word)
	}
	return out
}

// search keeps, for each number of differences d, how far every diagonal was reached with one fewer;
// the index of diagonal k is k+d.
func search(a, b []string) (trail [][]int, found bool) {
	reach := []int{0, 0, 0} // diagonals -1 to 1
	for d := 0; d <= min(limit, len(a)+len(b)); d++ {
		trail = append(trail, slices.Clone(reach))
		next := make([]int, 2*d+5) // diagonals -(d+2) to d+2
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				if k == -d || k != d && reach[k-1+d] < reach[k+1+d] {
					x = reach[k+1+d]
				} else {
					x = reach[k-1+d] + 1
				}
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			if next[k+d+1] = x; x >= len(a) && y >= len(b) {
				return trail, true
			}
		}
		reach = next[:2*d+3]
	}
	return nil, false
}

// split cuts a text into words, spaces and marks, so that a comma alone can change.
func split(s string) []string {
	var out []string
	start, last := 0, -1
	for i, r := range s {
		class := 2 // a mark stands alone
		switch {
		case unicode.IsSpace(r):
			class = 0
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '\'' || r == '’':
			class = 1
		}
		if i > start && (class != last || class == 2) {
			out = append(out, s[start:i])
			start = i
		}
		last = class
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

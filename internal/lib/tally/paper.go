package tally

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// queue is ballots that rank the same options in the same order, best first.
type queue struct {
	options []int
	papers  int64
}

// preferences reads a ranked ballot as a list of running options. The list
// ends where two running options share a number, as nobody can say which the
// voter wants next. Where consecutive is set it also ends where a number is
// left out.
func (e Election) preferences(ballot Ranking, consecutive bool, running []bool) []int {
	type mark struct{ rank, option int }
	var marks []mark
	for o, rank := range ballot.Ranks {
		if rank > 0 {
			marks = append(marks, mark{rank, o})
		}
	}
	slices.SortFunc(marks, func(a, b mark) int { return compare(a.rank, b.rank) })
	var out []int
	for i, expected := 0, 1; i < len(marks); expected++ {
		rank := marks[i].rank
		if consecutive && rank != expected {
			break
		}
		found := -1
		for ; i < len(marks) && marks[i].rank == rank; i++ {
			switch {
			case !running[marks[i].option]:
			case found >= 0:
				return out
			default:
				found = marks[i].option
			}
		}
		if found >= 0 {
			out = append(out, found)
		}
	}
	return out
}

// queues reads all ballots as lists, merges equal ones in the order in which
// they first occur, and counts the papers.
func (e Election) queues(consecutive bool) ([]queue, box, error) {
	var out []queue
	at := map[string]int{}
	running := make([]bool, len(e.Options))
	for _, o := range e.running() {
		running[o] = true
	}
	var key []byte
	b, err := e.box(func(ballot Ranking) bool {
		options := e.preferences(ballot, consecutive, running)
		if len(options) == 0 {
			return false
		}
		key = key[:0]
		for _, o := range options {
			key = binary.AppendUvarint(key, uint64(o))
		}
		i, seen := at[string(key)]
		if !seen {
			i = len(out)
			at[string(key)] = i
			out = append(out, queue{options: options})
		}
		out[i].papers += int64(ballot.Count)
		return true
	})
	return out, b, err
}

// decimal writes a number of units of which 10^places are one.
func decimal(v int64, places int) string {
	if places == 0 {
		return strconv.FormatInt(v, 10)
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	s := strconv.FormatInt(v, 10)
	if len(s) <= places {
		s = strings.Repeat("0", places+1-len(s)) + s
	}
	return sign + s[:len(s)-places] + "." + s[len(s)-places:]
}

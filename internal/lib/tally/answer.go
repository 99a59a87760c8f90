package tally

import "fmt"

// Answers is the rule answer/v1: it counts who gave which answer to which
// option ("who is in", "which evening suits"), and decides nothing.
type Answers struct {
	Options []string // what was asked about
	Answers []string // what could be said: "yes", "if need be", "no"
	Roll    int
}

// Answer is a paper with an answer to each option: an index into Answers, or
// -1 for none. Count is how many papers say just this, at least 1.
type Answer struct {
	Values []int
	Count  int
}

// Count returns a tally for each option, whose value is how many answered and
// whose parts are the number of each answer.
func (a Answers) Count(papers []Answer) (Result, error) {
	if err := checkOptions(a.Options); err != nil {
		return Result{}, err
	}
	if err := checkOptions(a.Answers); err != nil {
		return Result{}, err
	}
	counts := make([][]int, len(a.Options))
	for i := range counts {
		counts[i] = make([]int, len(a.Answers))
	}
	var b box
	for i, paper := range papers {
		if len(paper.Values) != len(a.Options) {
			return Result{}, fmt.Errorf("count answer %d: it has %d values for %d options", i+1, len(paper.Values), len(a.Options))
		}
		blank := true
		for o, v := range paper.Values {
			switch {
			case v == -1:
				continue
			case v < -1 || v >= len(a.Answers):
				return Result{}, fmt.Errorf("count answer %d: there is no answer %d", i+1, v)
			}
			blank = false
			counts[o][v] += paper.Count
		}
		if err := b.add(i, paper.Count, blank); err != nil {
			return Result{}, err
		}
	}
	r, _ := begin("answer/v1", a.Roll, b, Ratio{})
	for o, name := range a.Options {
		t := Tally{Option: name}
		total := 0
		for v, answer := range a.Answers {
			t.Parts = append(t.Parts, Part{answer, itoa(counts[o][v])})
			total += counts[o][v]
		}
		t.Value = itoa(total)
		r.Tallies = append(r.Tallies, t)
	}
	return r, nil
}

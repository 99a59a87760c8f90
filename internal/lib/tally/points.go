package tally

import "fmt"

// Points is a ballot that gives each option a number. Values has one entry an
// option, 0 where the voter wrote nothing. Count is how many papers say just
// this, at least 1.
type Points struct {
	Values []int64
	Count  int
}

// maxPoints bounds a single score, so that sums fit in 64 bits.
const maxPoints = 1_000_000_000

// Score is the rule score/v1: each voter gives each option a score between Min
// and Max, and the highest sum wins. An option that a voter did not score has
// 0 from that voter. Sums, never means: a mean would let one enthusiast win.
type Score struct {
	Options  []string
	Min, Max int64
	Quorum   Ratio
	Roll     int
	Seed     []byte
}

// Count adds up the scores. Scores out of range are an error.
func (s Score) Count(ballots []Points) (Result, error) {
	if s.Min > s.Max || s.Min < -maxPoints || s.Max > maxPoints {
		return Result{}, fmt.Errorf("check score rule: the range from %d to %d is empty or too wide", s.Min, s.Max)
	}
	sums, b, err := sumPoints(s.Options, ballots, func(v int64) error {
		// 0 is what an empty field says, so it is never out of range.
		if v != 0 && (v < s.Min || v > s.Max) {
			return fmt.Errorf("the score %d is not between %d and %d", v, s.Min, s.Max)
		}
		return nil
	}, -1)
	if err != nil {
		return Result{}, err
	}
	r, ok := begin("score/v1", s.Roll, b, s.Quorum)
	r.Seats = 1
	bySum(&r, ok, s.Options, sums, s.Seed, false)
	return r, nil
}

// Dots is the rule dots/v1: each voter has a fixed number of dots and puts
// them on options as they like. The most dots win. Dots may be left unused.
type Dots struct {
	Options []string
	Dots    int64 // in each voter's hand
	Quorum  Ratio
	Roll    int
	Seed    []byte
}

// Count adds up the dots. Fewer than none on an option, or more in all than a
// voter has, is an error.
func (d Dots) Count(ballots []Points) (Result, error) {
	if d.Dots < 1 || d.Dots > maxPoints {
		return Result{}, fmt.Errorf("check dots rule: %d dots cannot be spread", d.Dots)
	}
	sums, b, err := sumPoints(d.Options, ballots, func(v int64) error {
		if v < 0 {
			return fmt.Errorf("an option has %d dots", v)
		}
		return nil
	}, d.Dots)
	if err != nil {
		return Result{}, err
	}
	r, ok := begin("dots/v1", d.Roll, b, d.Quorum)
	r.Seats = 1
	bySum(&r, ok, d.Options, sums, d.Seed, true)
	return r, nil
}

// sumPoints checks every value and adds them up; a total of limit or less is
// allowed on one ballot, and any where limit is negative.
func sumPoints(options []string, ballots []Points, allow func(int64) error, limit int64) ([]int64, box, error) {
	var b box
	if err := checkOptions(options); err != nil {
		return nil, b, err
	}
	sums := make([]int64, len(options))
	for i, ballot := range ballots {
		if len(ballot.Values) != len(options) {
			return nil, b, fmt.Errorf("count ballot %d: it has %d values for %d options", i+1, len(ballot.Values), len(options))
		}
		total, blank := int64(0), true
		for o, v := range ballot.Values {
			if err := allow(v); err != nil {
				return nil, b, fmt.Errorf("count ballot %d: %w", i+1, err)
			}
			if limit >= 0 && v > limit-total {
				return nil, b, fmt.Errorf("count ballot %d: it has more than %d dots", i+1, limit)
			}
			total += v
			blank = blank && v == 0
			sums[o] += v * int64(ballot.Count)
		}
		if err := b.add(i, ballot.Count, blank); err != nil {
			return nil, b, err
		}
	}
	return sums, b, nil
}

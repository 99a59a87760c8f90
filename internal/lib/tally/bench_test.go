package tally

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// crowd makes an election in which every ballot ranks about half of the
// candidates, with some candidates more popular than others.
func crowd(ballots, candidates, seats int) Election {
	r := rand.New(rand.NewPCG(uint64(ballots), uint64(candidates)))
	e := Election{Seats: seats, Seed: []byte("bench"), Unranked: UnrankedLast}
	for o := range candidates {
		e.Options = append(e.Options, fmt.Sprintf("candidate %d", o))
	}
	for range ballots {
		ranks := make([]int, candidates)
		for rank, left := 1, 1+r.IntN(candidates); rank <= left; {
			if o := min(r.IntN(candidates), r.IntN(candidates)); ranks[o] == 0 {
				ranks[o] = rank
				rank++
			} else {
				left--
			}
		}
		e.Ballots = append(e.Ballots, Ranking{ranks, 1})
	}
	return e
}

func benchCount(b *testing.B, rule string, e Election) {
	b.Helper()
	for b.Loop() {
		if r, err := Count(rule, e); err != nil || r.Outcome != Carried {
			b.Fatal(r.Outcome, err)
		}
	}
}

// BenchmarkMajority counts 100,000 votes, one by one, and decides.
func BenchmarkMajority(b *testing.B) {
	rule := Majority{Threshold: Ratio{1, 2}, Quorum: Ratio{1, 10}, Roll: 200_000}
	votes := make([]uint8, 100_000)
	for i := range votes {
		votes[i] = uint8(i % 7 % 4)
	}
	for b.Loop() {
		var by [4]int
		for _, v := range votes {
			by[v]++
		}
		if rule.Count(Proposal{by[0], by[3], by[1], by[2]}).Outcome != Lost {
			b.Fatal("carried")
		}
	}
}

func BenchmarkApproval(b *testing.B) {
	e := crowd(100_000, 20, 5)
	benchCount(b, RuleApproval, e)
}

func BenchmarkScottish1000(b *testing.B)   { benchCount(b, RuleScottish, crowd(1_000, 12, 5)) }
func BenchmarkScottish100000(b *testing.B) { benchCount(b, RuleScottish, crowd(100_000, 20, 7)) }
func BenchmarkMeek1000(b *testing.B)       { benchCount(b, RuleMeek, crowd(1_000, 12, 5)) }
func BenchmarkMeek100000(b *testing.B)     { benchCount(b, RuleMeek, crowd(100_000, 20, 7)) }
func BenchmarkSchulze100000(b *testing.B)  { benchCount(b, RuleSchulze, crowd(100_000, 40, 1)) }
func BenchmarkEqualShares(b *testing.B) {
	benchCount(b, RuleEqualShares, read(b, "pb/Poland_Swiecie_2023.pb"))
}

package tally

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each count is told so that a member can follow it, from the stored form too.
func TestExplain(t *testing.T) {
	t.Parallel()
	names := []string{"Ann", "Ben", "Cem", "Dot"}
	e := Election{Seats: 2, Options: names, Seed: []byte("x"), Roll: 60, Quorum: Ratio{1, 2},
		Ballots: []Ranking{{[]int{1, 2, 0, 0}, 20}, {[]int{0, 1, 2, 0}, 9}, {[]int{0, 0, 1, 2}, 8}, {[]int{0, 0, 0, 1}, 3}, {[]int{0, 0, 0, 0}, 1}}}
	one := e
	one.Seats = 1
	bench := []string{"Bench", "Trees", "Paint"}
	budget := Election{Options: bench, Marks: []Pick{{[]int{0, 1}, 3}, {[]int{1}, 2}, {[]int{2}, 1}},
		Budget: Budget{Total: 100, Projects: []Project{{"A bench", 60}, {"", 30}, {"Paint", 20}}}}
	for _, c := range []struct {
		rule string
		e    Election
		want string
	}{
		{RuleScottish, e, `
41 of 60 people on the roll voted.
The quorum is half of the roll, which is 30 people; it was reached.
40 ballots were valid, for 2 seats.
The quota is 14: the ballots divided by one more than the seats, without the remainder, plus one.
Stage 1: the first preferences were counted: Ann has 20, Ben has 9, Cem has 8 and Dot has 3.
Ann has 20, reaches the quota and is elected.
Stage 2: the surplus of Ann, 6 votes, was transferred; 6 to Ben.
Ben has 15, reaches the quota and is elected.
Chosen, in this order: Ann and Ben.`},
		{RuleIRV, one, `
41 of 60 people on the roll voted.
The quorum is half of the roll, which is 30 people; it was reached.
40 ballots were valid, for 1 seat.
A candidate is elected with more than half of the votes that still count.
Stage 1: the first preferences were counted: Ann has 20, Ben has 9, Cem has 8 and Dot has 3.
Stage 2: Dot, with 3, had the fewest votes and was excluded; 3 to nobody, as the papers name no one further.
Ann has 20, more than half, and is elected.
Ann is chosen.`},
		{RuleMeek, e, `
41 of 60 people on the roll voted.
The quorum is half of the roll, which is 30 people; it was reached.
40 ballots were valid, for 2 seats.
Each elected candidate keeps only the part of every vote that is needed for the quota, and the rest passes on; all is worked out anew until nothing moves.
Stage 1: the quota is 13.333333334.
Ann has 20, reaches the quota and is elected.
Stage 2: the quota is 13.333333334.
Ben has 15.66666666, reaches the quota and is elected.
Chosen, in this order: Ann and Ben.`},
		{RuleSortition, one, `
4 people were in the draw for 1 seat.
The lot put them in this order: Dot, Ann, Ben, Cem.
Dot is chosen.`},
		{RuleGreedy, budget, `
6 people voted.
There is 100 to spend.
The projects were taken in the order of their support.
Trees has 5 and costs 30; it is funded, and 70 is left.
A bench (Bench) has 3 and costs 60; it is funded, and 10 is left.
Paint has 1 and costs 20, more than what is left; it is passed over.
Funded in all: 90 of 100.`},
		{RuleEqualShares, budget, `
6 people voted.
There is 100 to spend.
Every voter got an equal share; it could be raised by 9 for each before the projects would cost more than there is.
Trees, marked by 5, costs 30; it is funded, and no supporter pays more than 6.
Paint, marked by 1, costs 20; it is funded, and no supporter pays more than 20.
Funded in all: 50 of 100.`},
	} {
		var stored Result
		if err := json.Unmarshal(count(t, c.rule, c.e).JSON(), &stored); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(strings.TrimPrefix(c.want, "\n"), "\n"), stored.Explain()); diff != "" {
			t.Errorf("%s: %s", c.rule, diff)
		}
	}
}

package assets_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// countRules are the rules with the method of their ballots.
var countRules = [][2]string{
	{ballotbox.Ranking, tally.RuleScottish}, {ballotbox.Ranking, tally.RuleIRV}, {ballotbox.Ranking, tally.RuleMeek},
	{ballotbox.Ranking, "schulze/wv+last"}, {ballotbox.Ranking, "schulze/wv+abstain"}, {ballotbox.Marks, tally.RuleApproval},
	{ballotbox.Vote, "majority/v1"}, {ballotbox.Points, "score/v1"}, {ballotbox.Points, "dots/v1"},
	{ballotbox.Marks, tally.RuleEqualShares}, {ballotbox.Marks, "pb/greedy+skip"}, {ballotbox.Marks, "pb/greedy+stop"}, {ballotbox.Points, "pb/greedy+skip"},
}

// counted is what the two counters have to agree on.
type counted struct {
	Outcome tally.Outcome `json:"outcome"`
	Voted   int           `json:"voted"`
	Ballots int           `json:"ballots"`
	Quota   string        `json:"quota,omitempty"`
	Elected []string      `json:"elected"`
	Order   []string      `json:"order"`
	Funded  []string      `json:"funded"`
	Spent   string        `json:"spent"`
	Passed  []tally.Place `json:"passed"`
	Terms   []tally.Place `json:"terms"`
	Tallies []tally.Tally `json:"tallies"`
	Stages  []tally.Stage `json:"stages"`
	Lots    []tally.Draw  `json:"lots"`
}

// countedOf takes from a result what the page's counter has as well; withStages only where both go the
// same way step by step.
func countedOf(r tally.Result, withStages bool) counted {
	c := counted{r.Outcome, r.Voted, r.Ballots, r.Quota, r.Elected, r.Order, r.Funded, r.Spent, r.Passed, r.Terms, nil, nil, r.Lots}
	for _, t := range r.Tallies {
		c.Tallies = append(c.Tallies, tally.Tally{Option: t.Option, Value: t.Value})
	}
	for _, s := range r.Stages {
		if !withStages {
			break
		}
		x := tally.Stage{Number: s.Number, Action: s.Action, Of: s.Of, Quota: s.Quota, Elected: s.Elected, Excluded: s.Excluded, Lapsed: s.Lapsed}
		for _, t := range s.Votes {
			x.Votes = append(x.Votes, tally.Tally{Option: t.Option, Value: t.Value})
		}
		c.Stages = append(c.Stages, x)
	}
	return c
}

// plain lets an empty list and none be the same.
func (c counted) plain(t *testing.T) string {
	t.Helper()
	b, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), ": []", ": null")
}

type countCase struct {
	Question json.RawMessage    `json:"question"`
	Choices  []ballotbox.Choice `json:"choices"`
	Hashes   []ballotbox.Hash   `json:"hashes"`
}

// small draws a number from lo to hi.
func small(r *mathrand.Rand, lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// someQuestion draws a question with as many kinds of settings as the rule takes.
func someQuestion(t *testing.T, r *mathrand.Rand, method, rule string) *ballotbox.Question {
	t.Helper()
	q := *questions(t)["vote"]
	q.Method, q.Rule, q.Options, q.Settings, q.Roll = method, rule, []ballotbox.Option{}, ballotbox.Settings{}, small(r, 40, 90)
	if r.IntN(3) == 0 {
		q.Settings.Quorum = tally.Ratio{Num: int64(small(r, 1, 2)), Den: 3}
	}
	n := small(r, 1, 8)
	if method == ballotbox.Vote {
		n = 0
		q.Settings.Threshold, q.Settings.Strict = tally.Ratio{Num: int64(small(r, 1, 3)), Den: int64(small(r, 3, 4))}, r.IntN(2) == 0
		if q.Settings.Block = r.IntN(2) == 0; q.Settings.Block && r.IntN(2) == 0 {
			q.Settings.Override = tally.Ratio{Num: 4, Den: 5}
		}
	}
	for i := range n {
		q.Options = append(q.Options, ballotbox.Option{ID: fmt.Sprint(20 + i), Name: "Cand. " + string(rune('A'+i))})
	}
	switch {
	case strings.HasPrefix(rule, "pb/"):
		b := &ballotbox.Budget{Total: int64(small(r, 0, 400)), Decimals: small(r, 0, 1), Least: int64(small(r, 0, 3))}
		for range n {
			b.Costs = append(b.Costs, int64(small(r, 1, 20)*10))
		}
		q.Settings.Budget = b
	case method == ballotbox.Ranking || rule == tally.RuleApproval:
		someSeats(r, &q, n)
	}
	if method == ballotbox.Points {
		if rule == "dots/v1" || rule != "score/v1" && r.IntN(2) == 0 {
			q.Settings.Dots = 7
		} else if rule == "score/v1" {
			q.Settings.Low, q.Settings.High = -2, 3
		} else {
			q.Settings.High = 4
		}
	}
	if err := q.Check(); err != nil {
		t.Fatal(err)
	}
	return &q
}

func someSeats(r *mathrand.Rand, q *ballotbox.Question, n int) {
	q.Seats = 1
	if q.Rule != tally.RuleIRV {
		q.Seats = small(r, 1, 4)
	}
	q.Settings.NoBallot = r.IntN(3) == 0
	for range max(0, small(r, -2, 2)) {
		l := ballotbox.Limit{Name: fmt.Sprintf("limit %d", len(q.Settings.Limits)+1), Options: []int{}, Max: small(r, 0, 2)}
		for o := range n {
			if r.IntN(2) == 0 {
				l.Options = append(l.Options, o)
			}
		}
		q.Settings.Limits = append(q.Settings.Limits, l)
	}
	for o := range n {
		if r.IntN(9) == 0 {
			q.Settings.Withdrawn = append(q.Settings.Withdrawn, o)
		}
	}
	if q.Seats > 1 && r.IntN(2) == 0 {
		q.Settings.Terms = []ballotbox.Term{{Name: "long", Seats: 1}, {Name: "short", Seats: q.Seats - 1}}
	}
}

// someChoice draws an answer; blank ones and ties are as common as they can be.
func someChoice(r *mathrand.Rand, q *ballotbox.Question) ballotbox.Choice {
	n := len(q.Options)
	c := q.Blank()
	switch q.Method {
	case ballotbox.Vote:
		votes := []string{ballotbox.Agree, ballotbox.Agree, ballotbox.Agree, ballotbox.Disagree, ballotbox.Abstain, ballotbox.Block}
		if !q.Settings.Block {
			votes = votes[:5]
		}
		c.Vote = votes[r.IntN(len(votes))]
	case ballotbox.Marks:
		for o := range n {
			if r.IntN(3) == 0 {
				c.Marks = append(c.Marks, o)
			}
		}
	case ballotbox.Points:
		left := q.Settings.Dots
		for o := range n {
			if q.Settings.Dots > 0 {
				c.Points[o] = r.Int64N(left + 1)
				left -= c.Points[o]
			} else if r.IntN(3) > 0 {
				c.Points[o] = q.Settings.Low + r.Int64N(q.Settings.High-q.Settings.Low+1)
			}
		}
	case ballotbox.Ranking:
		order := r.Perm(n)
		rank := 1
		for i, o := range order[:r.IntN(n+1)] {
			if i > 0 && (!strings.HasPrefix(q.Rule, "schulze/") || r.IntN(3) > 0) {
				rank++
			}
			c.Rank[o] = rank
		}
	}
	return c
}

// The page's counter and Go's say the same of every profile, for every rule, with ties, limits,
// withdrawals, terms and quorums.
func TestPageCountsAsGo(t *testing.T) {
	ctx := page(t)
	for i, rule := range countRules {
		t.Run(rule[0]+" "+rule[1], func(t *testing.T) {
			seed := mathrand.Uint64()
			r := mathrand.New(mathrand.NewPCG(seed, uint64(i)))
			var cases []countCase
			var want []counted
			for range 300 {
				q := someQuestion(t, r, rule[0], rule[1])
				hash, err := q.Hash()
				if err != nil {
					t.Fatal(err)
				}
				var ballots []ballotbox.Ballot
				x := countCase{Question: json.RawMessage(text(t, q)), Choices: []ballotbox.Choice{}, Hashes: []ballotbox.Hash{}}
				for range small(r, 0, 30) {
					c := someChoice(r, q)
					b := ballotbox.Ballot{Key: make([]byte, 32), Sequence: 1, Choice: c.String()}
					_, _ = rand.Read(b.Key)
					ballots = append(ballots, b)
					x.Choices, x.Hashes = append(x.Choices, c), append(x.Hashes, b.Hash(hash))
				}
				box, err := q.Read(ballots, nil)
				if err != nil {
					t.Fatal(err)
				}
				result, err := box.Count()
				if err != nil {
					t.Fatal(err)
				}
				cases, want = append(cases, x), append(want, countedOf(result, !strings.HasPrefix(rule[1], "pb/") && !strings.HasPrefix(rule[1], "schulze/")))
			}
			got := js[[]counted](t, ctx, cases, `return data.map((x) => {
				const { stages = [], ...rest } = m.count({ data: x.question }, x.choices, x.hashes);
				return x.question.rule.startsWith("schulze/") ? rest : { ...rest, stages };
			});`)
			for i := range want {
				if d := cmp.Diff(want[i].plain(t), got[i].plain(t)); d != "" {
					t.Fatalf("seed %d, profile %d: %s\n%s", seed, i, cases[i].Question, d)
				}
			}
		})
	}
}

// The wards of Glasgow, stage by stage.
func TestPageCountsGlasgow(t *testing.T) {
	ctx := page(t)
	files, err := filepath.Glob("../../../lib/tally/testdata/elections/stv-scotland/*.blt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d wards, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		e, err := tally.Read(file, data)
		if err != nil {
			t.Fatal(err)
		}
		q := *questions(t)["ranking"]
		q.Seats, q.Options, q.Roll, q.Settings = e.Seats, nil, 100_000, ballotbox.Settings{Withdrawn: e.Withdrawn}
		for i, name := range e.Options {
			q.Options = append(q.Options, ballotbox.Option{ID: fmt.Sprint(i), Name: name})
		}
		x := countCase{Question: json.RawMessage(text(t, &q)), Hashes: []ballotbox.Hash{{1}, {2}}}
		for _, b := range e.Ballots {
			for range b.Count {
				x.Choices = append(x.Choices, ballotbox.Choice{Rank: b.Ranks})
			}
		}
		seed := tally.Seed(q.Rule, q.Vote, [][]byte{x.Hashes[0][:], x.Hashes[1][:]}, nil)
		e.Seed, e.Roll, e.Limits, e.Quorum = seed, q.Roll, nil, tally.Ratio{}
		result, err := tally.Count(tally.RuleScottish, e)
		if err != nil {
			t.Fatal(err)
		}
		got := js[counted](t, ctx, x, `return m.count({ data: data.question }, data.choices, data.hashes);`)
		if d := cmp.Diff(countedOf(result, true).plain(t), got.plain(t)); d != "" {
			t.Errorf("%s:\n%s", filepath.Base(file), d)
		}
		if len(got.Stages) < 3 || !bytes.Contains(data, []byte(q.Options[0].Name)) {
			t.Errorf("%s: %d stages", file, len(got.Stages))
		}
	}
}

package ballotbox

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"rochdale/internal/lib/tally"
)

// signer reads the key of the tests: to make one takes a second.
func signer(tb testing.TB) *Signer {
	tb.Helper()
	der, err := os.ReadFile("testdata/signer.pk8")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := ParseSigner(der)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// receiptKey is the receipt key of the tests.
func receiptKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("the receipt key of these tests.."))
}

// question is a sound question of three options by a method and a rule.
func question(tb testing.TB, method, rule string) *Question {
	tb.Helper()
	key, err := signer(tb).PublicKey()
	if err != nil {
		tb.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	q := &Question{
		Format: Format, Coop: "coop.example", Vote: "election:42", Title: "Board <2027> & \u2028 more", Body: "Three seats, \"two\" years.\nZoë asks.",
		Method: method, Rule: rule, Options: []Option{{"7", "Ada"}, {"8", "Béla & Co"}, {"9", "Chidi"}},
		Settings: Settings{Quorum: tally.Ratio{Num: 1, Den: 10}},
		Roll:     20, RollHash: Hash{1, 2, 3}, Opens: at, Closes: at.Add(7 * 24 * time.Hour),
		Key: key, ReceiptKey: Base64(receiptKey().Public().(ed25519.PublicKey)),
	}
	switch {
	case method == Vote:
		q.Options = []Option{}
		q.Settings.Threshold, q.Settings.Block = tally.Ratio{Num: 1, Den: 2}, true
	case rule == ruleScore:
		q.Settings.Low, q.Settings.High = -2, 5
	case method == Points:
		q.Settings.Dots = 10
	}
	switch {
	case method == Ranking && rule != tally.RuleIRV || rule == tally.RuleApproval:
		q.Seats = 2
	case rule == tally.RuleIRV:
		q.Seats = 1
	case method != Vote && rule != ruleScore && rule != ruleDots:
		q.Settings.Budget = &Budget{Total: 100, Decimals: 2, Costs: []int64{50, 60, 40}}
	}
	if err := q.Check(); err != nil {
		tb.Fatal(err)
	}
	return q
}

// code is the n-th code of the tests.
func code(n int) Code { return Code([]byte(fmt.Sprintf("code of voter %2d", n%100))) }

// cast votes as the n-th voter would.
func cast(tb testing.TB, q *Question, n int, sequence uint64, choice Choice) Ballot {
	tb.Helper()
	return castBy(tb, q, code(n), sequence, choice)
}

func castBy(tb testing.TB, q *Question, c Code, sequence uint64, choice Choice) Ballot {
	tb.Helper()
	request, err := c.Blind(q)
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := signer(tb).BlindSign(rand.Reader, request.Blinded)
	if err != nil {
		tb.Fatal(err)
	}
	paper, err := request.Finish(answer, nil)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := c.Seal(q, paper, sequence, choice)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// choices are valid for question(method, rule), one for each of some voters.
func choices(method string) []Choice {
	switch method {
	case Ranking:
		return []Choice{{Rank: []int{1, 2, 3}}, {Rank: []int{1, 0, 2}}, {Rank: []int{0, 1, 0}}, {Rank: []int{0, 0, 0}}, {Rank: []int{3, 2, 1}}}
	case Marks:
		return []Choice{{Marks: []int{0, 1, 2}}, {Marks: []int{}}, {Marks: []int{2}}, {Marks: []int{0, 2}}, {Marks: []int{1}}}
	case Points:
		return []Choice{{Points: []int64{3, 0, 2}}, {Points: []int64{0, 0, 0}}, {Points: []int64{0, 5, 5}}, {Points: []int64{1, 1, 1}}, {Points: []int64{4, 4, 0}}}
	}
	return []Choice{{Vote: Agree}, {Vote: Agree}, {Vote: Abstain}, {Vote: Disagree}, {Vote: Agree}}
}

// published is the file of five voters.
func published(tb testing.TB, q *Question) *File {
	tb.Helper()
	var ballots []Ballot
	for i, c := range choices(q.Method) {
		ballots = append(ballots, cast(tb, q, i, 1, c))
	}
	f, err := Publish(q, 7, ballots, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// again makes a copy that can be tampered with.
func again(f *File) *File {
	c := *f
	c.Ballots = slices.Clone(f.Ballots)
	for i := range c.Ballots {
		b := &c.Ballots[i]
		b.Key, b.Prefix, b.Paper, b.Signature = slices.Clone(b.Key), slices.Clone(b.Prefix), slices.Clone(b.Paper), slices.Clone(b.Signature)
	}
	return &c
}

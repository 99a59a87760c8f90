package ballotbox

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/lib/tally"
)

func TestQuestionRoundTrip(t *testing.T) {
	t.Parallel()
	for method, rules := range methods() {
		for _, rule := range rules {
			q := question(t, method, rule)
			text, err := q.JSON()
			if err != nil {
				t.Fatal(err)
			}
			read, err := ParseQuestion(text)
			if err != nil {
				t.Errorf("%s by %s: %v", method, rule, err)
				continue
			}
			if d := cmp.Diff(q, read); d != "" {
				t.Errorf("%s by %s:\n%s", method, rule, d)
			}
			if err := q.CheckChoice(q.Blank()); err != nil {
				t.Errorf("%s by %s: a blank ballot: %v", method, rule, err)
			}
		}
	}
}

func TestQuestionRefusesOtherForms(t *testing.T) {
	t.Parallel()
	raw, err := question(t, Ranking, tally.RuleScottish).JSON()
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, other := range map[string]string{
		"space":         strings.Replace(text, `,"vote"`, `, "vote"`, 1),
		"unknown field": strings.Replace(text, `{"format"`, `{"x":1,"format"`, 1),
		"other case":    strings.Replace(text, `"title"`, `"Title"`, 1),
		"doubled field": strings.Replace(text, `"seats":2`, `"seats":1,"seats":2`, 1),
		"escape":        strings.Replace(text, `&`, `\u0026`, 1),
		"fraction":      strings.Replace(text, `T12:00:00Z`, `T12:00:00.5Z`, 1),
		"zone":          strings.Replace(text, `T12:00:00Z`, `T12:00:00+01:00`, 1),
		"line end":      text + "\n",
		"more":          text + "{}",
		"share":         strings.Replace(text, `"1/10"`, `"10%"`, 1),
		"format":        strings.Replace(text, `ballots/v1`, `ballots/v2`, 1),
		"null":          strings.Replace(text, `"options":[`, `"options":null,"x":[`, 1),
		"not UTF-8":     strings.Replace(text, "Ada", "Ad\xff", 1),
	} {
		if other == text {
			t.Errorf("%s changes nothing", name)
		}
		if _, err := ParseQuestion([]byte(other)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestQuestionCheck(t *testing.T) {
	t.Parallel()
	one := tally.Ratio{Num: 1, Den: 1}
	for name, c := range map[string]struct {
		method, rule string
		spoil        func(*Question)
	}{
		"format":          {Ranking, tally.RuleScottish, func(q *Question) { q.Format = "rochdale/ballots/v0" }},
		"host":            {Ranking, tally.RuleScottish, func(q *Question) { q.Coop = "" }},
		"vote":            {Ranking, tally.RuleScottish, func(q *Question) { q.Vote = "42" }},
		"title":           {Ranking, tally.RuleScottish, func(q *Question) { q.Title = " " }},
		"rule":            {Ranking, tally.RuleScottish, func(q *Question) { q.Rule = "stv/other" }},
		"schulze unread":  {Ranking, tally.RuleScottish, func(q *Question) { q.Rule = tally.RuleSchulze }},
		"method and rule": {Ranking, tally.RuleScottish, func(q *Question) { q.Method = Marks }},
		"roll":            {Ranking, tally.RuleScottish, func(q *Question) { q.Roll = 0 }},
		"times":           {Ranking, tally.RuleScottish, func(q *Question) { q.Closes = q.Opens }},
		"zone":            {Ranking, tally.RuleScottish, func(q *Question) { q.Closes = q.Closes.In(time.FixedZone("x", 3600)) }},
		"no seats":        {Ranking, tally.RuleScottish, func(q *Question) { q.Seats = 0 }},
		"irv seats":       {Ranking, tally.RuleIRV, func(q *Question) { q.Seats = 2 }},
		"no options":      {Ranking, tally.RuleScottish, func(q *Question) { q.Options = nil }},
		"same name":       {Ranking, tally.RuleScottish, func(q *Question) { q.Options = []Option{{"1", "A"}, {"2", "A"}} }},
		"same id":         {Ranking, tally.RuleScottish, func(q *Question) { q.Options = []Option{{"1", "A"}, {"1", "B"}} }},
		"receipt key":     {Ranking, tally.RuleScottish, func(q *Question) { q.ReceiptKey = q.ReceiptKey[1:] }},
		"key":             {Ranking, tally.RuleScottish, func(q *Question) { q.Key = q.Key[1:] }},
		"threshold":       {Ranking, tally.RuleScottish, func(q *Question) { q.Settings.Threshold = one }},
		"marks":           {Ranking, tally.RuleScottish, func(q *Question) { q.Settings.Max = 1 }},
		"many marks":      {Marks, tally.RuleApproval, func(q *Question) { q.Settings.Max = 4 }},
		"limit":           {Marks, tally.RuleApproval, func(q *Question) { q.Settings.Limits = []Limit{{"x", []int{3}, 1}} }},
		"limit order":     {Marks, tally.RuleApproval, func(q *Question) { q.Settings.Limits = []Limit{{"x", []int{1, 1}, 1}} }},
		"terms":           {Marks, tally.RuleApproval, func(q *Question) { q.Settings.Terms = []Term{{"long", 1}} }},
		"withdrawn":       {Marks, tally.RuleApproval, func(q *Question) { q.Settings.Withdrawn = []int{-1} }},
		"quorum":          {Marks, tally.RuleApproval, func(q *Question) { q.Settings.Quorum = tally.Ratio{Num: 3, Den: 2} }},
		"dots":            {Points, ruleDots, func(q *Question) { q.Settings.Dots = 0 }},
		"score":           {Points, ruleScore, func(q *Question) { q.Settings.Low = 5 }},
		"points and dots": {Points, ruleScore, func(q *Question) { q.Settings.Dots = 5 }},
		"seats of score":  {Points, ruleScore, func(q *Question) { q.Seats = 1 }},
		"budget":          {Marks, tally.RuleEqualShares, func(q *Question) { q.Settings.Budget = nil }},
		"costs":           {Marks, tally.RuleEqualShares, func(q *Question) { q.Settings.Budget.Costs = []int64{1, 2} }},
		"cost of nothing": {Marks, tally.RuleEqualShares, func(q *Question) { q.Settings.Budget.Costs = []int64{1, 2, 0} }},
		"limits of pb":    {Marks, tally.RuleEqualShares, func(q *Question) { q.Settings.NoBallot = true }},
		"money for score": {Points, ruleScore, func(q *Question) { q.Settings.Budget = &Budget{} }},
		"options of vote": {Vote, ruleMajority, func(q *Question) { q.Options = []Option{{"1", "A"}} }},
		"null of vote":    {Vote, ruleMajority, func(q *Question) { q.Options = nil }},
	} {
		q := question(t, c.method, c.rule)
		c.spoil(q)
		if err := q.Check(); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	schulze := tally.RuleSchulze + "+" + tally.UnrankedLast
	most := question(t, Marks, tally.RuleApproval)
	most.Settings.Max = 1
	calm := question(t, Vote, ruleMajority)
	calm.Settings.Block = false
	for _, c := range []struct {
		q    *Question
		text string
		good bool
	}{
		{question(t, Ranking, tally.RuleScottish), `{"rank":[1,0,2]}`, true},
		{question(t, Ranking, tally.RuleScottish), `{"rank":[0,0,0]}`, true},
		{question(t, Ranking, tally.RuleScottish), `{"rank":[1,1,2]}`, false},
		{question(t, Ranking, schulze), `{"rank":[1,1,2]}`, true},
		{question(t, Ranking, schulze), `{"rank":[1,1,3]}`, false},
		{question(t, Ranking, schulze), `{"rank":[2,0,0]}`, false},
		{question(t, Ranking, schulze), `{"rank":[1,2]}`, false},
		{question(t, Ranking, schulze), `{"rank":[-1,1,2]}`, false},
		{question(t, Ranking, schulze), `{"rank":[1,2,9]}`, false},
		{question(t, Ranking, schulze), `{"rank": [1,2,3]}`, false},
		{question(t, Ranking, schulze), `{"rank":[1,2,3],"marks":[]}`, false},
		{question(t, Ranking, schulze), `{"rank":null}`, false},
		{question(t, Ranking, schulze), `{}`, false},
		{question(t, Ranking, schulze), `{"marks":[0]}`, false},
		{question(t, Marks, tally.RuleApproval), `{"marks":[0,2]}`, true},
		{question(t, Marks, tally.RuleApproval), `{"marks":[]}`, true},
		{question(t, Marks, tally.RuleApproval), `{"marks":[2,0]}`, false},
		{question(t, Marks, tally.RuleApproval), `{"marks":[0,0]}`, false},
		{question(t, Marks, tally.RuleApproval), `{"marks":[3]}`, false},
		{most, `{"marks":[1]}`, true},
		{most, `{"marks":[1,2]}`, false},
		{question(t, Points, ruleScore), `{"points":[-2,0,5]}`, true},
		{question(t, Points, ruleScore), `{"points":[-3,0,5]}`, false},
		{question(t, Points, ruleScore), `{"points":[1,2]}`, false},
		{question(t, Points, ruleDots), `{"points":[5,5,0]}`, true},
		{question(t, Points, ruleDots), `{"points":[5,5,1]}`, false},
		{question(t, Points, ruleDots), `{"points":[5,-1,1]}`, false},
		{question(t, Points, ruleDots), `{"points":[5.0,1,1]}`, false},
		{question(t, Vote, ruleMajority), `{"vote":"block"}`, true},
		{calm, `{"vote":"block"}`, false},
		{calm, `{"vote":"agree"}`, true},
		{calm, `{"vote":"Agree"}`, false},
		{calm, `{"vote":""}`, false},
	} {
		choice, err := ParseChoice(c.text)
		if err == nil {
			err = c.q.CheckChoice(choice)
		}
		if (err == nil) != c.good {
			t.Errorf("%s by %s: %v", c.text, c.q.Rule, err)
		}
		if err == nil && choice.String() != c.text {
			t.Errorf("%s is written %s", c.text, choice)
		}
	}
}

package ballotbox

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/lib/tally"
)

func TestFileRoundTrip(t *testing.T) {
	t.Parallel()
	for method, rules := range methods() {
		for _, rule := range rules {
			q := question(t, method, rule)
			f := published(t, q)
			f.Record = []byte(`{"entry":"x"}`)
			text, err := f.JSON()
			if err != nil {
				t.Fatal(err)
			}
			read, err := ReadFile(bytes.NewReader(append(text, '\n')))
			if err != nil {
				t.Fatalf("%s by %s: %v", method, rule, err)
			}
			if found := Verify(read); len(found) > 0 {
				t.Errorf("%s by %s: %v", method, rule, found)
			}
			entries, err := f.Entries()
			if err != nil {
				t.Fatal(err)
			}
			if found, err := Compare(read, entries); len(found) > 0 || err != nil {
				t.Errorf("%s by %s: %v, %v", method, rule, found, err)
			}
		}
	}
	empty, err := Publish(question(t, Vote, ruleMajority), 0, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := empty.JSON()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadFile(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if found := Verify(read); len(found) > 0 {
		t.Errorf("nobody voted: %v", found)
	}
}

func TestReadFileRefuses(t *testing.T) {
	t.Parallel()
	raw, err := published(t, question(t, Vote, ruleMajority)).JSON()
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, other := range map[string]string{
		"nothing":       "",
		"unknown field": strings.Replace(text, `"prefix"`, `"member":"7","prefix"`, 1),
		"padding":       strings.Replace(text, `","prefix"`, `=","prefix"`, 1),
		"two files":     text + text,
		"no ballots":    text[:strings.Index(text, `"ballots"`)] + `"ballots":null` + text[strings.Index(text, `,"seed"`):],
		"papers":        strings.Replace(text, `"papers":7`, `"papers":-7`, 1),
		"question":      strings.Replace(text, `"roll":20`, `"roll":0`, 1),
		"seed":          strings.Replace(text, `"seed":"`, `"seed":"A`, 1),
		"space":         text + " ",
	} {
		if other == text {
			t.Errorf("%s changes nothing", name)
		}
		if _, err := ReadFile(strings.NewReader(other)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// Each kind of finding comes from one deliberate change, and where a ballot was changed it is the one
// that is named.
func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	q := question(t, Ranking, tally.RuleScottish)
	good := published(t, q)
	question, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	const at = 2 // the ballot that is tampered with
	late := cast(t, q, 11, 1, Choice{Rank: []int{1, 2, 0}})
	for name, c := range map[string]struct {
		tamper func(*File)
		kind   Kind
		ballot bool
	}{
		"paper": {func(f *File) { f.Ballots[at].Paper[7] ^= 1 }, BadPaper, true},
		"paper of another": {func(f *File) {
			f.Ballots[at].Paper, f.Ballots[at].Prefix = f.Ballots[0].Paper, f.Ballots[0].Prefix
		}, BadPaper, true},
		"prefix":         {func(f *File) { f.Ballots[at].Prefix[7] ^= 1 }, BadPaper, true},
		"short paper":    {func(f *File) { f.Ballots[at].Paper = f.Ballots[at].Paper[1:] }, BadForm, true},
		"no key":         {func(f *File) { f.Ballots[at].Key = nil }, BadForm, true},
		"small key":      {func(f *File) { f.Ballots[at].Key = append([]byte{1}, make([]byte, 31)...) }, BadForm, true},
		"no sequence":    {func(f *File) { f.Ballots[at].Sequence = 0 }, BadForm, true},
		"signature":      {func(f *File) { f.Ballots[at].Signature[7] ^= 1 }, BadSignature, true},
		"changed choice": {func(f *File) { f.Ballots[at].Choice = `{"rank":[0,2,1]}` }, BadSignature, true},
		"later sequence": {func(f *File) { f.Ballots[at].Sequence++ }, BadSignature, true},
		"invalid choice": {func(f *File) { resign(f, at, 2, `{"rank":[1,1,1]}`, question) }, BadChoice, true},
		"foreign choice": {func(f *File) { resign(f, at, 2, `{"marks":[]}`, question) }, BadChoice, true},
		"two of a key": {func(f *File) {
			f.Ballots[at] = cast(t, q, voter(t, q, f.Ballots[0].Key), 2, Choice{Rank: []int{0, 0, 1}})
		}, Twice, true},
		"the same twice":  {func(f *File) { f.Ballots = slices.Insert(f.Ballots, at, f.Ballots[at]) }, Twice, true},
		"not sorted":      {func(f *File) { f.Ballots[at], f.Ballots[at-1] = f.Ballots[at-1], f.Ballots[at] }, Unsorted, true},
		"few papers":      {func(f *File) { f.Papers = 4 }, TooMany, false},
		"more than roll":  {func(f *File) { f.Papers = 21 }, Stuffed, false},
		"seed":            {func(f *File) { f.Seed[0] ^= 1 }, BadSeed, false},
		"dropped":         {func(f *File) { f.Ballots = slices.Delete(f.Ballots, at, at+1) }, BadSeed, false},
		"added":           {func(f *File) { f.Ballots = append(f.Ballots, late) }, BadSeed, false},
		"result":          {func(f *File) { f.Result.Elected = []string{"Béla & Co", "Chidi"} }, BadResult, false},
		"result's detail": {func(f *File) { f.Result.Voted++ }, BadResult, false},
		"question":        {func(f *File) { f.Question.Seats = 0 }, BadQuestion, false},
		"rule":            {func(f *File) { f.Question.Rule = tally.RuleMeek }, BadPaper, false},
	} {
		f := again(good)
		c.tamper(f)
		found := Verify(f)
		i := slices.IndexFunc(found, func(x Finding) bool { return x.Kind == c.kind })
		if i < 0 {
			t.Errorf("%s: found %v and no %q", name, found, c.kind)
			continue
		}
		if !c.ballot {
			continue
		}
		if want := f.Ballots[at].Hash(question); found[i].Ballot != want && c.kind != Twice && c.kind != Unsorted {
			t.Errorf("%s: %v, and it was %s", name, found[i], want)
		}
		if c.kind == Unsorted && found[i].Ballot != f.Ballots[at].Hash(question) {
			t.Errorf("%s: %v", name, found[i])
		}
	}
}

// resign is what a voter's own program could send: a ballot in form, with a choice that is none.
func resign(f *File, at int, sequence uint64, choice string, question Hash) {
	for n := range 5 {
		key, _, err := code(n).ballotKey(question)
		if err != nil || !bytes.Equal(key.Public().(ed25519.PublicKey), f.Ballots[at].Key) {
			continue
		}
		b := &f.Ballots[at]
		b.Sequence, b.Choice = sequence, choice
		b.Signature = ed25519.Sign(key, b.message(question))
	}
}

// voter is whose key it is.
func voter(t *testing.T, q *Question, key Base64) int {
	t.Helper()
	for n := range 5 {
		k, err := code(n).Key(q)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(k, key) {
			return n
		}
	}
	t.Fatal("the key is nobody's")
	return 0
}

func TestCompareNamesEach(t *testing.T) {
	t.Parallel()
	q := question(t, Ranking, tally.RuleScottish)
	good := published(t, q)
	record, err := good.Entries()
	if err != nil {
		t.Fatal(err)
	}
	// The operator drops the first ballot, changes the second and adds one, and publishes anew.
	changed := cast(t, q, voter(t, q, good.Ballots[1].Key), 2, Choice{Rank: []int{3, 2, 1}})
	added := cast(t, q, 12, 1, Choice{Rank: []int{3, 2, 1}})
	f, err := Publish(q, 7, append([]Ballot{changed, added}, good.Ballots[2:]...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if found := Verify(f); len(found) > 0 {
		t.Fatalf("the new file does not stand by itself: %v", found)
	}
	hash, err := q.Hash()
	if err != nil {
		t.Fatal(err)
	}
	kinds := func(record []Entry) map[Hash]Kind {
		found, err := Compare(f, record)
		if err != nil {
			t.Fatal(err)
		}
		got := map[Hash]Kind{}
		for _, x := range found {
			got[x.Ballot] = x.Kind
		}
		return got
	}
	want := map[Hash]Kind{record[0].Hash: Dropped, changed.Hash(hash): Changed, added.Hash(hash): Added}
	if d := cmp.Diff(want, kinds(record)); d != "" {
		t.Error(d)
	}
	for i := range record {
		record[i].Key = nil
	}
	want[changed.Hash(hash)], want[record[1].Hash] = Added, Dropped
	if d := cmp.Diff(want, kinds(record)); d != "" {
		t.Errorf("by hashes alone: %s", d)
	}
}

// The count is tally's on the same ballots.
func TestCountIsTallys(t *testing.T) {
	t.Parallel()
	names := []string{"Ada", "Béla & Co", "Chidi"}
	quorum := tally.Ratio{Num: 1, Den: 10}
	for _, c := range []struct {
		method, rule string
		count        func(seed []byte) (tally.Result, error)
	}{
		{Ranking, tally.RuleMeek, func(seed []byte) (tally.Result, error) {
			e := tally.Election{Seats: 2, Options: names, Roll: 20, Quorum: quorum, Seed: seed}
			for _, c := range choices(Ranking) {
				e.Ballots = append(e.Ballots, tally.Ranking{Ranks: c.Rank, Count: 1})
			}
			return tally.Count(tally.RuleMeek, e)
		}},
		{Ranking, tally.RuleSchulze + "+abstain", func(seed []byte) (tally.Result, error) {
			var b []tally.Ranking
			for _, c := range choices(Ranking) {
				b = append(b, tally.Ranking{Ranks: c.Rank, Count: 1})
			}
			return tally.Schulze{Options: names, Unranked: tally.UnrankedAbstain, Seats: 2, Quorum: quorum, Roll: 20, Seed: seed}.Count(b)
		}},
		{Marks, tally.RuleApproval, func(seed []byte) (tally.Result, error) {
			return tally.Approval{Options: names, Seats: 2, Quorum: quorum, Roll: 20, Seed: seed}.Count(picks())
		}},
		{Marks, tally.RuleGreedy + "+stop", func(seed []byte) (tally.Result, error) {
			return tally.Count(tally.RuleGreedy, tally.Election{Options: []string{"7", "8", "9"}, Marks: picks(), Roll: 20, Quorum: quorum, Seed: seed,
				Budget: tally.Budget{Total: 100, Decimals: 2, Stop: true, Projects: []tally.Project{{Name: "Ada", Cost: 50}, {Name: "Béla & Co", Cost: 60}, {Name: "Chidi", Cost: 40}}}})
		}},
		{Points, ruleScore, func(seed []byte) (tally.Result, error) {
			return tally.Score{Options: names, Min: -2, Max: 5, Quorum: quorum, Roll: 20, Seed: seed}.Count(points())
		}},
		{Points, ruleDots, func(seed []byte) (tally.Result, error) {
			return tally.Dots{Options: names, Dots: 10, Quorum: quorum, Roll: 20, Seed: seed}.Count(points())
		}},
		{Vote, ruleMajority, func([]byte) (tally.Result, error) {
			return tally.Majority{Threshold: tally.Ratio{Num: 1, Den: 2}, Block: true, Quorum: quorum, Roll: 20}.
				Count(tally.Proposal{Agree: 3, Abstain: 1, Disagree: 1}), nil
		}},
	} {
		q := question(t, c.method, c.rule)
		f := published(t, q)
		want, err := c.count(f.Seed[:])
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want.JSON()), string(f.Result.JSON())); d != "" {
			t.Errorf("%s by %s:\n%s", c.method, c.rule, d)
		}
	}
}

func picks() (out []tally.Pick) {
	for _, c := range choices(Marks) {
		out = append(out, tally.Pick{Options: c.Marks, Count: 1})
	}
	return out
}

func points() (out []tally.Points) {
	for _, c := range choices(Points) {
		out = append(out, tally.Points{Values: c.Points, Count: 1})
	}
	return out
}

// Limits, terms and withdrawals reach the rule.
func TestCountTakesSettings(t *testing.T) {
	t.Parallel()
	q := question(t, Ranking, tally.RuleScottish)
	q.Settings.Terms = []Term{{"two years", 1}, {"one year", 1}}
	q.Settings.Limits = []Limit{{"Ada's people", []int{0, 1}, 1}}
	q.Settings.NoBallot = true
	if err := q.Check(); err != nil {
		t.Fatal(err)
	}
	f := published(t, q)
	if d := cmp.Diff([]tally.Place{{Option: "Ada", Name: "two years"}, {Option: "Chidi", Name: "one year"}}, f.Result.Terms); d != "" {
		t.Error(d)
	}
	q.Settings.Withdrawn, q.Settings.Limits = []int{0}, nil
	if err := q.Check(); err != nil {
		t.Fatal(err)
	}
	if f = published(t, q); !f.Result.Uncontested {
		t.Errorf("two stand for two seats: %s", f.Result.JSON())
	}
}

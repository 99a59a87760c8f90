package ballotbox

import (
	"bytes"
	"testing"

	"rochdale/internal/lib/tally"
)

func FuzzReadFile(f *testing.F) {
	for method, rules := range methods() {
		q := question(f, method, rules[0])
		file, err := Publish(q, 1, []Ballot{cast(f, q, 1, 1, choices(method)[0])}, nil)
		if err != nil {
			f.Fatal(err)
		}
		text, err := file.JSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	q := sealedQuestion(f, Ranking, tally.RuleScottish, 2, 3)
	for _, places := range [][]int{{}, {1, 3}} {
		file, err := Publish(q, 1, []Ballot{cast(f, q, 1, 1, q.Blank())}, reveals(f, q, places...))
		if err != nil {
			f.Fatal(err)
		}
		text, err := file.JSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"question":{},"ballots":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := ReadFile(bytes.NewReader(text))
		if err != nil {
			return
		}
		again, err := file.JSON()
		if err != nil || !bytes.Equal(again, bytes.TrimRight(text, "\r\n")) {
			t.Fatalf("it is written %s: %v", again, err)
		}
		_ = Verify(file)
	})
}

func FuzzParseQuestion(f *testing.F) {
	for method, rules := range methods() {
		for _, rule := range rules {
			text, err := question(f, method, rule).JSON()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		q, err := ParseQuestion(text)
		if err != nil {
			return
		}
		if again, err := q.JSON(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("it is written %s: %v", again, err)
		}
		box, err := q.Read(nil, nil)
		if err == nil {
			_, err = box.Count()
		}
		if err != nil {
			t.Fatalf("a question that was taken cannot be counted: %v", err)
		}
	})
}

func FuzzParseChoice(f *testing.F) {
	for _, method := range []string{Ranking, Marks, Points, Vote} {
		for _, c := range choices(method) {
			f.Add(c.String())
		}
	}
	var qs []*Question
	for method, rules := range methods() {
		for _, rule := range rules {
			qs = append(qs, question(f, method, rule))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseChoice(text)
		if err != nil {
			return
		}
		if c.String() != text {
			t.Fatalf("it is written %s", c)
		}
		for _, q := range qs {
			if q.CheckChoice(c) != nil {
				continue
			}
			if _, err := q.count([]Choice{c}, Hash{}); err != nil {
				t.Fatalf("%s by %s was taken and cannot be counted: %v", c, q.Rule, err)
			}
		}
	})
}

func FuzzParseCode(f *testing.F) {
	f.Add(code(1).String())
	f.Add("oil0-1lI")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCode(text)
		if err != nil {
			return
		}
		if again, err := ParseCode(c.String()); err != nil || again != c {
			t.Fatalf("%q was read as %s and that as %s: %v", text, c, again, err)
		}
	})
}

func FuzzParseBallot(f *testing.F) {
	q := question(f, Ranking, tally.RuleScottish)
	f.Add(cast(f, q, 1, 1, q.Blank()).JSON())
	f.Add(cast(f, sealedQuestion(f, Ranking, tally.RuleScottish, 2, 3), 1, 1, q.Blank()).JSON())
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := ParseBallot(text)
		if err != nil {
			return
		}
		if !bytes.Equal(b.JSON(), text) {
			t.Fatalf("it is written %s", b.JSON())
		}
		_, _, _ = q.CheckBallot(b)
	})
}

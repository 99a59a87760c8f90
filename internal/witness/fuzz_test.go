package witness

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
)

// What is read of a request is the request: its text is made again of it, and what passes the check is a roll
// of people with an address each.
func FuzzVotes(f *testing.F) {
	now := time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)
	five := `[{"id":"1","name":"A","mail":"a@x.example"},{"id":"2","name":"B","mail":"b@x.example"},{"id":"3","name":"C","mail":"c@x.example"},{"id":"4","name":"D","mail":"d@x.example"},{"id":"5","name":"E","mail":"e@x.example"}]`
	f.Add([]byte(`{"vote":"election:1","title":"T","url":"https://coop.example/x","closes":"2027-01-05T09:00:00Z","roll":` + five + `}`))
	f.Add([]byte(`{"vote":"election:1","title":"T","url":"https://coop.example/x","closes":"2027-01-05T09:00:00Z","roll":null}`))
	f.Add([]byte(`{"vote":"election:1","vote":"election:2"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := decode[votesBody](text)
		if err != nil {
			return
		}
		if again, err := canonical(b); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%s was read as %s, %v", text, again, err)
		}
		if b.check("https://coop.example", now) != nil {
			return
		}
		if !strings.HasPrefix(strings.ToLower(b.URL), "https://coop.example/") || !b.Closes.After(now) {
			t.Errorf("%s passed", text)
		}
		seen := map[string]bool{}
		for i, v := range b.Roll {
			if v.ID <= 0 || i > 0 && b.Roll[i-1].ID >= v.ID || seen[strings.ToLower(v.Mail)] || strings.ContainsFunc(v.Name+v.Mail+b.Title+b.URL, unicode.IsControl) {
				t.Errorf("%s passed", text)
			}
			seen[strings.ToLower(v.Mail)] = true
		}
	})
}

func FuzzOtherRequests(f *testing.F) {
	f.Add([]byte(`{"voter":"1","code":"0000-0000-0000","blinded":"AAAA"}`))
	f.Add([]byte(`{"closes":"2027-01-05T09:00:00Z"}`))
	f.Add([]byte(`{"file":"https://coop.example/file"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := func(v any, err error) {
			if err != nil {
				return
			}
			if again, err := canonical(v); err != nil || !bytes.Equal(again, text) {
				t.Fatalf("%s was read as %s, %v", text, again, err)
			}
		}
		p, err := decode[papersBody](text)
		whole(p, err)
		c, err := decode[closesBody](text)
		whole(c, err)
		d, err := decode[closeBody](text)
		whole(d, err)
	})
}

func FuzzCode(f *testing.F) {
	f.Add("0123-4567-89ab")
	f.Add("oIl0 oIl0\u00a0oIl0")
	f.Fuzz(func(t *testing.T, text string) {
		letters := readCode(text)
		if letters == "" {
			return
		}
		if len(letters) != codeLetters || strings.Trim(letters, alphabet) != "" || readCode(letters) != letters {
			t.Errorf("%q was read as %q", text, letters)
		}
	})
}

func FuzzOneLine(f *testing.F) {
	f.Add("No.\r\n\u202e x\xff")
	f.Fuzz(func(t *testing.T, text string) {
		if s := oneLine(text); strings.ContainsFunc(s, unicode.IsControl) || len([]rune(s)) > 501 {
			t.Errorf("%q", s)
		}
	})
}

// Codes are read as they are written, and are many.
func TestCodesAreDrawn(t *testing.T) {
	t.Parallel()
	seen, letters := map[string]bool{}, map[rune]int{}
	for range 2000 {
		c := newCode()
		bare := readCode(c)
		if len(c) != 14 || c[4] != '-' || c[9] != '-' || bare != strings.ReplaceAll(c, "-", "") || seen[c] {
			t.Fatalf("%q is read as %q", c, bare)
		}
		seen[c] = true
		for _, r := range bare {
			letters[r]++
		}
	}
	if len(letters) != 32 {
		t.Errorf("%d letters are in use", len(letters))
	}
	l := line{Voter: 5, Hash: hashCode(1, 5, "000000000000")}
	other := line{Voter: 6, Hash: l.Hash}
	if !l.fits(1, "000000000000") || l.fits(2, "000000000000") || l.fits(1, "000000000001") || l.fits(1, "") || other.fits(1, "000000000000") || (&line{Voter: 5}).fits(1, "") {
		t.Error("a code fits where it should not, or does not where it should")
	}
}

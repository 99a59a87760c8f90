package tally

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ReadBLT reads a file in the BLT format of Hill, Wichmann and Woodall: the
// numbers of candidates and seats, the withdrawn candidates as negative
// numbers, ballots (papers, candidates from the best on, 0), a 0, the names
// and the title in quotes. Between candidates "=" makes them equal, and "-" in
// place of one is a number that the voter left out. A "#" at the start of a
// line makes it a remark.
func ReadBLT(data []byte) (Election, error) {
	data, err := text(data)
	if err != nil {
		return Election{}, err
	}
	s := &bltScan{rest: string(data), line: 1}
	n, err := s.number("the number of candidates", 1, maxOptions)
	if err != nil {
		return Election{}, err
	}
	e := Election{}
	if e.Seats, err = s.number("the number of seats", 1, maxOptions); err != nil {
		return Election{}, err
	}
	b := newBallots(n)
	for {
		word, err := s.word("a ballot, or the 0 that ends the ballots")
		if err != nil {
			return Election{}, err
		}
		if word == "0" {
			break
		}
		papers, err := strconv.Atoi(word)
		switch {
		case err != nil:
			return Election{}, wrong(s.line, "%q is not a number of papers", short(word))
		case papers < 0:
			if len(b.list) > 0 || papers < -n || slices.Contains(e.Withdrawn, -papers-1) {
				return Election{}, wrong(s.line, "%d does not withdraw a candidate here", papers)
			}
			e.Withdrawn = append(e.Withdrawn, -papers-1)
			continue
		}
		line := s.line
		ranks, err := s.ballot(n)
		if err != nil {
			return Election{}, err
		}
		if err := b.add(line, papers, ranks); err != nil {
			return Election{}, err
		}
	}
	e.Ballots = b.list
	for len(e.Options) < n {
		name, more, err := s.quoted()
		if err != nil {
			return Election{}, err
		}
		if !more || name == "" {
			return Election{}, wrong(s.line, "the name of candidate %d is missing", len(e.Options)+1)
		}
		e.Options = append(e.Options, name)
		if err := named(s.line, e.Options); err != nil {
			return Election{}, err
		}
	}
	// The title, and in some files a source and a comment.
	for i := range 4 {
		name, more, err := s.quoted()
		switch {
		case err != nil:
			return Election{}, err
		case !more:
			return e, nil
		case i == 0:
			e.Title = name
		case i == 3:
			return Election{}, wrong(s.line, "there are more names than candidates and a title")
		}
	}
	return e, nil
}

// bltScan walks through the words of a file and knows the line.
type bltScan struct {
	rest string
	line int
	last byte // the last byte that was passed, to know the start of a line
}

// space passes blanks and remarks.
func (s *bltScan) space() {
	for s.rest != "" {
		switch c := s.rest[0]; {
		case c == '\n':
			s.line++
		case c == ' ' || c == '\t' || c == '\r':
		case c == '#' && (s.last == 0 || s.last == '\n'):
			if end := strings.IndexByte(s.rest, '\n'); end >= 0 {
				s.rest = s.rest[end:]
			} else {
				s.rest = ""
			}
			continue
		default:
			return
		}
		s.last, s.rest = s.rest[0], s.rest[1:]
	}
}

// word returns the next word, up to a blank.
func (s *bltScan) word(what string) (string, error) {
	s.space()
	if s.rest == "" {
		return "", wrong(s.line, "the file ends where %s should be", what)
	}
	end := strings.IndexAny(s.rest, " \t\r\n")
	if end < 0 {
		end = len(s.rest)
	}
	word := s.rest[:end]
	s.rest, s.last = s.rest[end:], word[end-1]
	return word, nil
}

func (s *bltScan) number(what string, least, most int) (int, error) {
	word, err := s.word(what)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < least || n > most {
		return 0, wrong(s.line, "%q is not %s, which is from %d to %d", short(word), what, least, most)
	}
	return n, nil
}

// ballot reads the candidates of a ballot up to its 0.
func (s *bltScan) ballot(n int) ([]int, error) {
	ranks := make([]int, n)
	for rank := 1; ; rank++ {
		word, err := s.word("a candidate, or the 0 that ends the ballot")
		if err != nil {
			return nil, err
		}
		if word == "0" {
			return ranks, nil
		}
		if word == "-" {
			continue
		}
		for equal := range strings.SplitSeq(word, "=") {
			c, err := strconv.Atoi(equal)
			switch {
			case err != nil || c < 1 || c > n:
				return nil, wrong(s.line, "%q is not a candidate from 1 to %d", short(equal), n)
			case ranks[c-1] != 0:
				return nil, wrong(s.line, "candidate %d is on the ballot twice", c)
			}
			ranks[c-1] = rank
		}
	}
}

// quoted returns the next name in quotes, and false at the end of the file.
func (s *bltScan) quoted() (string, bool, error) {
	s.space()
	if s.rest == "" {
		return "", false, nil
	}
	if s.rest[0] != '"' {
		return "", false, wrong(s.line, "a name in quotes should be where %q is", short(s.rest))
	}
	name, after, closed := strings.Cut(s.rest[1:], `"`)
	if !closed || strings.ContainsAny(name, "\r\n") {
		return "", false, wrong(s.line, "the quotes of a name are not closed in its line")
	}
	s.rest, s.last = after, '"'
	return strings.TrimSpace(name), true, nil
}

// short cuts a text for a message.
func short(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > 20 {
		return string(r[:20]) + "…"
	}
	return s
}

// WriteBLT writes ranked ballots as ReadBLT reads them. Names cannot hold
// double quotes in this format, and numbers left out at the end of a ballot
// are not kept.
func WriteBLT(e Election) ([]byte, error) {
	if err := e.writable(); err != nil {
		return nil, fmt.Errorf("write blt: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d\n", len(e.Options), max(e.Seats, 1))
	for _, w := range e.Withdrawn {
		fmt.Fprintf(&b, "-%d\n", w+1)
	}
	for _, ballot := range e.Ballots {
		b.WriteString(strconv.Itoa(ballot.Count))
		rank := 1
		for _, group := range ballot.groups() {
			for ; rank < ballot.Ranks[group[0]]; rank++ {
				b.WriteString(" -")
			}
			for i, o := range group {
				b.WriteString([]string{" ", "="}[min(i, 1)] + strconv.Itoa(o+1))
			}
			rank++
		}
		b.WriteString(" 0\n")
	}
	b.WriteString("0\n")
	for _, name := range append(slices.Clone(e.Options), e.Title) {
		if strings.ContainsAny(name, "\"\r\n") {
			return nil, fmt.Errorf("write blt: the name %q cannot be written", name)
		}
		b.WriteString(`"` + name + "\"\n")
	}
	return []byte(b.String()), nil
}

// maxRank bounds numbers on ballots in files, and so the length of what is
// written.
const maxRank = 1_000_000

// writable refuses ballots that cannot be read again.
func (e Election) writable() error {
	if err := checkOptions(e.Options); err != nil {
		return err
	}
	for _, name := range e.Options {
		if name != strings.TrimSpace(name) || strings.ContainsFunc(name, unicode.IsControl) {
			return fmt.Errorf("the name %q begins or ends with a blank, or has a control character in it", name)
		}
	}
	if _, err := e.box(func(Ranking) bool { return true }); err != nil {
		return err
	}
	for i, b := range e.Ballots {
		if slices.Max(b.Ranks) > maxRank {
			return fmt.Errorf("ballot %d has the rank %d", i+1, slices.Max(b.Ranks))
		}
	}
	return nil
}

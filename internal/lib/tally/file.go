package tally

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LineError says what is wrong with a file, and in which line (from 1).
type LineError struct {
	Line   int
	Reason string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

func wrong(line int, format string, args ...any) error {
	return &LineError{line, fmt.Sprintf(format, args...)}
}

// What a file may hold, so that a small one cannot ask for much memory.
const (
	maxOptions = 2000
	maxCells   = 40_000_000 // options × different ballots
)

// Read reads an election from the bytes of a file, in the format that the
// ending of its name says: .blt, .csv, .soc .soi .toc .toi (PrefLib), .pb
// (pabulib). What is malformed is refused with a LineError.
func Read(name string, data []byte) (Election, error) {
	var e Election
	var err error
	switch ending := strings.ToLower(path.Ext(name)); ending {
	case ".blt":
		e, err = ReadBLT(data)
	case ".csv":
		e, err = ReadCSV(data)
	case ".soc", ".soi", ".toc", ".toi":
		e, err = ReadPrefLib(data)
	case ".pb":
		e, err = ReadPB(data)
	default:
		return Election{}, fmt.Errorf("read %s: the ending %q is not .blt, .csv, .soc, .soi, .toc, .toi or .pb", name, ending)
	}
	if err != nil {
		return Election{}, fmt.Errorf("read %s: %w", name, err)
	}
	return e, nil
}

// text prepares a file for reading: it drops a byte order mark and refuses
// what is not UTF-8.
func text(data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if utf8.Valid(data) {
		return data, nil
	}
	line := 1
	for rest := data; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 {
			return nil, wrong(line, "it is not UTF-8")
		}
		if r == '\n' {
			line++
		}
		rest = rest[n:]
	}
	return data, nil
}

// ballots gathers ranked ballots and merges equal ones.
type ballots struct {
	options int
	list    []Ranking
	at      map[string]int
	papers  int
}

func newBallots(options int) *ballots {
	return &ballots{options: options, at: map[string]int{}}
}

// add takes papers that rank the options so.
func (b *ballots) add(line, papers int, ranks []int) error {
	if papers < 1 || papers > maxPapers-b.papers {
		return wrong(line, "%d papers are none, or more than can be counted", papers)
	}
	b.papers += papers
	key := make([]byte, 0, len(ranks))
	for _, r := range ranks {
		key = binary.AppendUvarint(key, uint64(r))
	}
	if i, seen := b.at[string(key)]; seen {
		b.list[i].Count += papers
		return nil
	}
	if (len(b.list)+1)*b.options > maxCells {
		return wrong(line, "there are more ballots than can be held")
	}
	b.at[string(key)] = len(b.list)
	b.list = append(b.list, Ranking{ranks, papers})
	return nil
}

// named checks the names of the options that a file gives; line is where they
// are.
func named(line int, options []string) error {
	for _, o := range options {
		if strings.ContainsFunc(o, unicode.IsControl) {
			return wrong(line, "the name %q has a control character in it", short(o))
		}
	}
	if err := checkOptions(options); err != nil {
		return wrong(line, "%s", strings.TrimPrefix(err.Error(), "check options: "))
	}
	return nil
}

// oneLine joins a text that runs over several lines.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// groups lists the options of a ballot rank by rank, best first, each group
// being those of one number.
func (r Ranking) groups() [][]int {
	byRank := map[int][]int{}
	var ranks []int
	for o, rank := range r.Ranks {
		if rank > 0 {
			if byRank[rank] == nil {
				ranks = append(ranks, rank)
			}
			byRank[rank] = append(byRank[rank], o)
		}
	}
	out := make([][]int, 0, len(ranks))
	for _, rank := range slices.Sorted(slices.Values(ranks)) {
		out = append(out, byRank[rank])
	}
	return out
}

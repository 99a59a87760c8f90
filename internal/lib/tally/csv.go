package tally

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// ReadCSV reads a table of ranks with the names of the options in its first
// row and one ballot in each further row: a number from 1, which is best, an
// empty field for what the voter did not rank, or "No opinion" (also "-") for
// what they take no side on. A file with such a field is read with Unranked as
// UnrankedAbstain, others with UnrankedLast.
//
// A table whose first row is "count,rank1,rank2,…" holds patterns instead: how
// many papers, and the name at each rank. "undervote", "overvote" and
// "skipped" fields are passed over, and so is a name that the paper had before.
//
// Neither says how many seats there are: Seats is 1 and for the caller to set.
func ReadCSV(data []byte) (Election, error) {
	rows, err := newRows(data, ',')
	if err != nil {
		return Election{}, err
	}
	head, line, err := rows.next()
	if err != nil {
		return Election{}, err
	}
	if head == nil {
		return Election{}, wrong(1, "the file is empty")
	}
	if len(head) > maxOptions {
		return Election{}, wrong(line, "it has %d columns, and %d can be read", len(head), maxOptions)
	}
	if len(head) > 1 && head[0] == "count" && head[1] == "rank1" {
		return readPatterns(rows, head, line)
	}
	if err := named(line, head); err != nil {
		return Election{}, err
	}
	e := Election{Seats: 1, Options: head, Unranked: UnrankedLast}
	b := newBallots(len(head))
	for {
		row, line, err := rows.next()
		if err != nil {
			return Election{}, err
		}
		if row == nil {
			e.Ballots = b.list
			return e, nil
		}
		if len(row) != len(head) {
			return Election{}, wrong(line, "it has %d fields for %d options", len(row), len(head))
		}
		ranks := make([]int, len(head))
		for o, field := range row {
			switch {
			case field == "":
			case field == "-" || strings.EqualFold(field, "no opinion"):
				e.Unranked = UnrankedAbstain
			default:
				rank, err := strconv.Atoi(field)
				if err != nil || rank < 1 || rank > maxRank {
					return Election{}, wrong(line, "%q is not a rank from 1 to %d", short(field), maxRank)
				}
				ranks[o] = rank
			}
		}
		if err := b.add(line, 1, ranks); err != nil {
			return Election{}, err
		}
	}
}

// readPatterns reads the rows after "count,rank1,rank2,…".
func readPatterns(rows *rows, head []string, line int) (Election, error) {
	for i, name := range head[1:] {
		if name != fmt.Sprintf("rank%d", i+1) {
			return Election{}, wrong(line, "column %d is %q and not rank%d", i+2, short(name), i+1)
		}
	}
	type pattern struct {
		line, papers int
		names        []string
	}
	var patterns []pattern
	place := map[string]int{}
	var options []string
	for {
		row, line, err := rows.next()
		if err != nil {
			return Election{}, err
		}
		if row == nil {
			break
		}
		if len(row) != len(head) {
			return Election{}, wrong(line, "it has %d fields for %d columns", len(row), len(head))
		}
		papers, err := strconv.Atoi(row[0])
		if err != nil {
			return Election{}, wrong(line, "%q is not a number of papers", short(row[0]))
		}
		p := pattern{line: line, papers: papers}
		for _, name := range row[1:] {
			switch strings.ToLower(name) {
			case "", "undervote", "overvote", "skipped":
				continue
			}
			if _, known := place[name]; !known {
				if len(options) == maxOptions {
					return Election{}, wrong(line, "there are more than %d options", maxOptions)
				}
				place[name] = -1
				options = append(options, name)
			}
			if !slices.Contains(p.names, name) {
				p.names = append(p.names, name)
			}
		}
		patterns = append(patterns, p)
	}
	// The order of the options must not hang on who was ranked first.
	slices.Sort(options)
	for o, name := range options {
		place[name] = o
	}
	if err := named(line, options); err != nil {
		return Election{}, err
	}
	b := newBallots(len(options))
	for _, p := range patterns {
		ranks := make([]int, len(options))
		for i, name := range p.names {
			ranks[place[name]] = i + 1
		}
		if err := b.add(p.line, p.papers, ranks); err != nil {
			return Election{}, err
		}
	}
	return Election{Seats: 1, Options: options, Ballots: b.list, Unranked: UnrankedLast}, nil
}

// WriteCSV writes ranked ballots as a table of ranks, one row a paper. What is
// unranked is "No opinion" where the election reads it as abstaining, and
// empty otherwise.
func WriteCSV(e Election) ([]byte, error) {
	if err := e.writable(); err != nil {
		return nil, fmt.Errorf("write csv: %w", err)
	}
	if len(e.Options) == 2 && e.Options[0] == "count" && e.Options[1] == "rank1" {
		return nil, fmt.Errorf("write csv: options of these names would be read as patterns")
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.Write(e.Options); err != nil {
		return nil, fmt.Errorf("write csv: %w", err)
	}
	for _, ballot := range e.Ballots {
		row := make([]string, len(e.Options))
		for o, rank := range ballot.Ranks {
			switch {
			case rank > 0:
				row[o] = strconv.Itoa(rank)
			case e.Unranked == UnrankedAbstain:
				row[o] = "No opinion"
			}
		}
		for range ballot.Count {
			if out.Len() > maxWritten {
				return nil, fmt.Errorf("write csv: the table would be too long")
			}
			if len(row) == 1 && row[0] == "" { // an empty line would not be a row
				w.Flush()
				out.WriteString("\"\"\n")
			} else if err := w.Write(row); err != nil {
				return nil, fmt.Errorf("write csv: %w", err)
			}
		}
	}
	w.Flush()
	return out.Bytes(), nil
}

const maxWritten = 256 << 20

// rows reads a table row by row and knows the line of each.
type rows struct{ csv *csv.Reader }

func newRows(data []byte, comma rune) (*rows, error) {
	data, err := text(data)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = comma
	r.FieldsPerRecord = -1
	// Files of other programs have quotes within names.
	r.LazyQuotes = true
	return &rows{r}, nil
}

// next returns a row with its fields trimmed, or nil at the end.
func (r *rows) next() ([]string, int, error) {
	row, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, 0, nil
	}
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		return nil, 0, wrong(bad.Line, "the quotes of a field are broken")
	}
	if err != nil {
		return nil, 0, wrong(1, "%s", err)
	}
	line, _ := r.csv.FieldPos(0)
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	return row, line, nil
}

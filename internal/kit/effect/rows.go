package effect

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A field of the kind rows is a list of things, one a line. Field.Row says how a line is written: the names of
// the JSON fields stand in braces, and what is between them as it is, as in "{seats} for {days} days". A column
// of text is the last.

// maxNumber is the most digits of a number in a line.
const maxNumber = 9

// piece is a part of a line: words as they are, or a column.
type piece struct {
	words, column string
}

// pieces takes the form of a line apart.
func pieces(row string) []piece {
	var out []piece
	for row != "" {
		words, rest, ok := strings.Cut(row, "{")
		if words = spaced(words); words != "" {
			out = append(out, piece{words: words})
		}
		if !ok {
			break
		}
		column, rest, _ := strings.Cut(rest, "}")
		out, row = append(out, piece{column: column}), rest
	}
	return out
}

func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// forms are the ways in which a line may be written: in the reader's language, where the translation has all
// columns, and as the field has it.
func (f *Field) forms(row string) [][]piece {
	own := pieces(f.Row)
	columns := func(list []piece) []string {
		var out []string
		for _, p := range list {
			if p.column != "" {
				out = append(out, p.column)
			}
		}
		return slices.Sorted(slices.Values(out))
	}
	if there := pieces(row); row != f.Row && slices.Equal(columns(there), columns(own)) {
		return [][]piece{there, own}
	}
	return [][]piece{own}
}

// ReadRows reads such a list, as objects with the columns as fields; row is Field.Row in the reader's language.
// Empty lines say nothing. wrong is the first line that cannot be read, counted from 1; 0 if all can.
func (f *Field) ReadRows(text, row string) (rows []map[string]any, wrong int) {
	forms, n := f.forms(row), 0
	for line := range strings.Lines(strings.ToValidUTF8(text, "")) {
		n++
		if line = spaced(line); line == "" {
			continue
		}
		i := slices.IndexFunc(forms, func(form []piece) bool { _, ok := f.readRow(line, form); return ok })
		if i < 0 {
			return nil, n
		}
		x, _ := f.readRow(line, forms[i])
		rows = append(rows, x)
	}
	return rows, 0
}

// readRow reads one line. Words after the last number can be left out, as people do with units.
func (f *Field) readRow(line string, form []piece) (map[string]any, bool) {
	out := map[string]any{}
	for i, p := range form {
		line = strings.TrimSpace(line)
		switch {
		case p.column == "":
			if line == "" && i == len(form)-1 && i > 0 && slices.Contains(f.Numbers, form[i-1].column) {
				return out, true
			}
			rest, ok := cutWords(line, p.words)
			if !ok {
				return nil, false
			}
			line = rest
		case slices.Contains(f.Numbers, p.column):
			digits := len(line) - len(strings.TrimLeft(line, "0123456789"))
			if digits == 0 || digits > maxNumber {
				return nil, false
			}
			x, err := strconv.Atoi(line[:digits])
			if err != nil {
				return nil, false
			}
			out[p.column], line = x, line[digits:]
		default:
			if line == "" {
				return nil, false
			}
			out[p.column], line = line, ""
		}
	}
	return out, line == ""
}

// cutWords takes words from the beginning of a line, however they are capitalised, unless a longer word is there.
func cutWords(line, words string) (rest string, ok bool) {
	if len(line) < len(words) || !strings.EqualFold(line[:len(words)], words) {
		return line, false
	}
	rest = line[len(words):]
	last, _ := utf8.DecodeLastRuneInString(words)
	next, _ := utf8.DecodeRuneInString(rest)
	return rest, !unicode.IsLetter(last) || !unicode.IsLetter(next)
}

// WriteRows writes a list as ReadRows reads it; ok is false where it is no such list.
func (f *Field) WriteRows(list json.RawMessage, row string) (text string, ok bool) {
	var rows []map[string]any
	d := json.NewDecoder(strings.NewReader(string(list)))
	d.UseNumber()
	if err := d.Decode(&rows); err != nil {
		return "", false
	}
	var lines []string
	for _, x := range rows {
		var words []string
		for _, p := range f.forms(row)[0] {
			if p.column == "" {
				words = append(words, p.words)
				continue
			}
			switch v := x[p.column].(type) {
			case string:
				words = append(words, spaced(v))
			case json.Number:
				words = append(words, v.String())
			default:
				return "", false
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "\n"), true
}

package member

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rochdale/internal/identity"
	"rochdale/internal/kit/fault"
)

// Limits of a register that is imported.
const (
	maxImportBytes = 20 << 20
	maxImportRows  = 20000
	maxNumber      = 9_999_999
	maxCell        = 1000
)

// The fields that a column of an imported register can fill. Ignore leaves it out.
const (
	FieldName     = "name"
	FieldUsername = "username"
	FieldEmail    = "email"
	FieldSince    = "since"
	FieldNumber   = "number"
	FieldUntil    = "until" // whoever has left is not imported
	Ignore        = "ignore"
)

// ImportFields are the fields in the order in which they are spoken of.
var ImportFields = []string{FieldName, FieldUsername, FieldEmail, FieldSince, FieldNumber, FieldUntil, Ignore}

// headings are the names by which columns are known without being mapped by hand, as keyOf writes them.
var headings = map[string][]string{
	FieldName:     {"name", "display name", "full name", "member", "member name"},
	FieldUsername: {"username", "user name", "user", "handle", "account", "acct", "nickname", "mastodon", "mastodon handle", "fediverse"},
	FieldEmail:    {"email", "e mail", "mail", "email address", "e mail address", "mail address"},
	FieldSince:    {"since", "joined", "member since", "joined at", "joined on", "join date", "date joined", "start date"},
	FieldNumber:   {"number", "no", "no.", "nr", "nr.", "#", "member number", "member no", "member no.", "membership number"},
	FieldUntil:    {"until", "left", "left at", "left on", "ended at", "ended on", "end date"},
}

// What becomes of a row.
const (
	Add       = "add"
	Unchanged = "unchanged" // the person is on the register already
	Left      = "left"      // the person has left the co-op and is not imported
	Wrong     = "wrong"
)

// ImportColumn is a column of the file and the field it fills.
type ImportColumn struct {
	Heading string `json:"column"`
	Field   string `json:"field"`
}

// ImportRow is one person of the file. Notes say what is wrong with it, or what is worth knowing.
type ImportRow struct {
	Line     int       `json:"line"`
	Outcome  string    `json:"outcome"`
	Notes    []string  `json:"notes,omitempty"`
	Number   int64     `json:"number,omitempty"` // 0: the next that is free
	Name     string    `json:"name"`
	Username string    `json:"username"`
	Email    string    `json:"email"`
	Since    time.Time `json:"since,omitzero"` // zero: from the import on
}

func (r *ImportRow) wrong(format string, args ...any) {
	r.Outcome = Wrong
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Import is a register kept elsewhere, read but not yet taken over.
type Import struct {
	Columns []ImportColumn
	Rows    []ImportRow
	Hash    string // SHA-256 of the file
}

// Count is how many rows have an outcome.
func (i *Import) Count(outcome string) (n int) {
	for _, r := range i.Rows {
		if r.Outcome == outcome {
			n++
		}
	}
	return n
}

// ReadImport reads a register from CSV: a header line, then one person a line. Cells are separated by
// commas, semicolons or tabs, whichever the header has most of. Columns are known by their headings or
// by mapping, from heading to field. What is wrong with one row is noted there; the error is about the
// file as a whole. Dates are written 2027-12-31, 31.12.2027 or as RFC 3339 has them, and lie before now.
func ReadImport(r io.Reader, mapping map[string]string, now time.Time) (Import, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxImportBytes+1))
	if err != nil {
		return Import{}, fmt.Errorf("read register: %w", err)
	}
	if len(data) > maxImportBytes {
		return Import{}, fault.New(fault.Invalid, "The file is larger than %d MB.", maxImportBytes>>20)
	}
	sum := sha256.Sum256(data)
	text := strings.TrimPrefix(string(data), "\ufeff")
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord, c.Comma = -1, separator(text)
	c.TrimLeadingSpace = c.Comma != '\t' // it would take the separator of an empty cell for space
	header, err := c.Read()
	if err != nil {
		return Import{}, fault.New(fault.Invalid, "The file has no header line that can be read.")
	}
	imp := Import{Hash: hex.EncodeToString(sum[:])}
	if imp.Columns, err = columns(header, mapping); err != nil {
		return imp, err
	}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if len(imp.Rows) == maxImportRows {
			return imp, fault.New(fault.Invalid, "The file has more than %d rows: import it in parts.", maxImportRows)
		}
		var row ImportRow
		switch parse := new(csv.ParseError); {
		case errors.As(err, &parse):
			row.Line = parse.StartLine
			row.wrong("The line cannot be read: %v.", parse.Err)
		case err != nil:
			return imp, fmt.Errorf("read register: %w", err)
		case blank(cells):
			continue
		default:
			line, _ := c.FieldPos(0)
			row = readRow(line, cells, imp.Columns, now)
		}
		imp.Rows = append(imp.Rows, row)
	}
	findTwins(imp.Rows)
	return imp, nil
}

func separator(text string) rune {
	header, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, c := range []rune{';', '\t'} {
		if strings.Count(header, string(c)) > strings.Count(header, string(best)) {
			best = c
		}
	}
	return best
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// keyOf is a heading as it is compared: "E-mail_address " is "e mail address".
func keyOf(heading string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("-", " ", "_", " ").Replace(strings.ToLower(heading))), " ")
}

func columns(header []string, mapping map[string]string) ([]ImportColumn, error) {
	byKey := map[string]string{}
	for heading, field := range mapping {
		if !slices.Contains(ImportFields, field) {
			return nil, fault.Field("map", "There is no field %q; there are %s.", field, strings.Join(ImportFields, ", "))
		}
		if !slices.ContainsFunc(header, func(h string) bool { return keyOf(h) == keyOf(heading) }) {
			return nil, fault.Field("map", "The file has no column %q; it has %s.", heading, strings.Join(header, ", "))
		}
		byKey[keyOf(heading)] = field
	}
	var out []ImportColumn
	taken := map[string]string{}
	for _, heading := range header {
		field, byHand := byKey[keyOf(heading)]
		for f, known := range headings {
			if !byHand && slices.Contains(known, keyOf(heading)) && !mapped(byKey, f) {
				field = f
			}
		}
		if field == "" {
			field = Ignore
		}
		if other, twice := taken[field]; twice && field != Ignore {
			return nil, fault.Field("map", "The columns %q and %q both look like the %s: say which one is, by --map %q=ignore.", other, heading, field, heading)
		}
		taken[field] = heading
		out = append(out, ImportColumn{strings.TrimSpace(heading), field})
	}
	for _, needed := range []string{FieldUsername, FieldEmail} {
		if _, ok := taken[needed]; !ok {
			return nil, fault.Field("map", "No column looks like the %s: say which one is, by --map COLUMN=%s. The file has %s.", needed, needed, strings.Join(header, ", "))
		}
	}
	return out, nil
}

// mapped reports whether a field has been given a column by hand: no other is guessed then.
func mapped(byKey map[string]string, field string) bool {
	for _, f := range byKey {
		if f == field {
			return true
		}
	}
	return false
}

func readRow(line int, cells []string, columns []ImportColumn, now time.Time) ImportRow {
	row := ImportRow{Line: line, Outcome: Add}
	if len(cells) > len(columns) {
		row.wrong("It has %d cells, the header has %d: quote a cell that holds a separator.", len(cells), len(columns))
		return row
	}
	for i, cell := range cells {
		cell = unguard(strings.TrimSpace(cell))
		if !utf8.ValidString(cell) || strings.ContainsFunc(cell, func(c rune) bool { return unicode.IsControl(c) && !unicode.IsSpace(c) }) {
			row.wrong("The column %q is not text in UTF-8.", columns[i].Heading)
			return row
		}
		if columns[i].Field != Ignore && len(cell) > maxCell {
			row.wrong("The column %q is too long.", columns[i].Heading)
			continue
		}
		row.take(columns[i].Field, cell, now)
	}
	if row.Username == "" {
		row.wrong("There is no username.")
	}
	if row.Email == "" {
		row.wrong("There is no e-mail address.")
	} else if address, err := identity.CheckEmail(row.Email); err != nil {
		row.wrong("%q is not an e-mail address.", row.Email)
	} else {
		row.Email = address
	}
	if row.Name == "" {
		row.Name = row.Username
	}
	return row
}

func (r *ImportRow) take(field, cell string, now time.Time) {
	switch field {
	case FieldName:
		r.Name = strings.Join(strings.Fields(cell), " ")
	case FieldUsername:
		r.Username = usernameIn(cell)
	case FieldEmail:
		r.Email = cell
	case FieldUntil:
		if cell != "" && r.Outcome == Add {
			r.Outcome = Left
		}
	case FieldSince:
		var problem string
		if r.Since, problem = parseSince(cell, now); problem != "" {
			r.wrong("%s", problem)
		}
	case FieldNumber:
		cell = strings.TrimLeft(cell, "#0")
		if cell == "" {
			return
		}
		n, err := strconv.ParseInt(cell, 10, 64)
		if err != nil || n < 1 || n > maxNumber {
			r.wrong("%q is not a member's number.", cell)
			return
		}
		r.Number = n
	}
}

// usernameIn takes the name out of "@name", "@name@host" and "https://host/@name".
func usernameIn(cell string) string {
	if u, err := url.Parse(cell); err == nil && u.Host != "" {
		cell = u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(cell, "@"), "@")
	return strings.ToLower(name)
}

func parseSince(cell string, now time.Time) (at time.Time, problem string) {
	if cell == "" {
		return at, ""
	}
	for _, form := range []string{time.DateOnly, "2.1.2006", time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04:05 MST", "2 January 2006", "2 Jan 2006", "January 2, 2006", "Jan 2, 2006"} {
		at, err := time.Parse(form, cell)
		if err != nil {
			continue
		}
		at = at.UTC().Truncate(time.Millisecond)
		switch {
		case at.After(now):
			return time.Time{}, "The date " + cell + " lies in the future."
		case at.Year() < 1800 || at.Equal(time.UnixMilli(0)):
			return time.Time{}, "Nobody joined on " + cell + ": leave the cell empty where the date is not known."
		}
		return at, ""
	}
	return time.Time{}, strconv.Quote(cell) + " is not a date: write it as 2027-12-31."
}

// findTwins notes the rows that speak of somebody whom the file has named before.
func findTwins(rows []ImportRow) {
	mails, names, numbers := map[string]int{}, map[string]int{}, map[int64]int{}
	for i := range rows {
		r := &rows[i]
		if r.Outcome != Add {
			continue
		}
		mail := strings.ToLower(r.Email)
		if line := mails[mail]; line != 0 {
			r.wrong("The e-mail address stands in line %d already.", line)
			continue
		}
		if line := names[r.Username]; line != 0 {
			r.wrong("The username stands in line %d already.", line)
			continue
		}
		if line := numbers[r.Number]; r.Number != 0 && line != 0 {
			r.wrong("The number stands in line %d already.", line)
			continue
		}
		mails[mail], names[r.Username], numbers[r.Number] = r.Line, r.Line, r.Line
	}
}

// A cell that begins like a formula would be worked out by a spreadsheet: exports put a quote before it
// and imports take it away.
const formula = "=+-@\t\r"

func guard(cell string) string {
	if cell != "" && strings.ContainsRune(formula, rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune(formula, rune(cell[1])) {
		return cell[1:]
	}
	return cell
}

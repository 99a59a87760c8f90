package tally

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ReadPB reads a vote on a budget in the .pb format of pabulib: the sections
// META, PROJECTS and VOTES, each a table with semicolons. Ballots of the types
// approval and choose-1 become Marks; those of cumulative, scoring and ordinal
// become Points, an ordinal one giving max_length points to its first project,
// one less to the next, and so on. The rule "greedy-no-skip" sets Budget.Stop.
//
// spec: pabulib.org/format
func ReadPB(data []byte) (Election, error) {
	rows, err := newRows(data, ';')
	if err != nil {
		return Election{}, err
	}
	p := &pbFile{meta: map[string]pbValue{}, at: map[string]int{}, longest: 1}
	sections := []struct {
		title string
		head  func(line int, head []string) error
		row   func(line int, row []string) error
	}{
		{"META", p.metaHead, p.metaRow}, {"PROJECTS", p.projectHead, p.projectRow}, {"VOTES", p.voteHead, p.voteRow},
	}
	section, headed, line := -1, false, 1
	for {
		row, at, err := rows.next()
		if err != nil {
			return Election{}, err
		}
		if row == nil {
			break
		}
		line = at
		if section+1 < len(sections) && len(row) == 1 && row[0] == sections[section+1].title {
			section, headed = section+1, false
			continue
		}
		switch {
		case section < 0:
			err = wrong(line, "the file does not begin with META")
		case !headed:
			p.head = row
			err, headed = sections[section].head(line, row), true
		case len(row) > len(p.head):
			err = wrong(line, "it has %d fields for %d columns", len(row), len(p.head))
		default:
			for len(row) < len(p.head) {
				row = append(row, "")
			}
			err = sections[section].row(line, row)
		}
		if err != nil {
			return Election{}, err
		}
	}
	if section != len(sections)-1 || !headed {
		return Election{}, wrong(line, "the file ends before its %s", sections[min(section+1, len(sections)-1)].title)
	}
	return p.election(line)
}

// pbFile is a file that is being read.
type pbFile struct {
	head    []string
	meta    map[string]pbValue
	at      map[string]int // projects by id
	column  map[string]int
	costs   []pbValue
	e       Election
	kind    string // vote_type
	longest int
	voters  int
	cells   int
}

type pbValue struct {
	text string
	line int
}

func (p *pbFile) metaHead(line int, head []string) error {
	if len(head) != 2 || head[0] != "key" || head[1] != "value" {
		return wrong(line, "META does not begin with key;value")
	}
	return nil
}

func (p *pbFile) metaRow(line int, row []string) error {
	if _, twice := p.meta[row[0]]; twice {
		return wrong(line, "%q is there twice", short(row[0]))
	}
	p.meta[row[0]] = pbValue{row[1], line}
	return nil
}

// columns finds where the columns of a section are.
func (p *pbFile) columns(line int, head []string, needed ...string) error {
	p.column = map[string]int{}
	for i, name := range head {
		if _, twice := p.column[name]; twice {
			return wrong(line, "two columns are called %q", short(name))
		}
		p.column[name] = i
	}
	for _, name := range needed {
		if _, found := p.column[name]; !found {
			return wrong(line, "the column %s is missing", name)
		}
	}
	return nil
}

// field returns a field of a row, or nothing where there is no such column.
func (p *pbFile) field(row []string, column string) string {
	if i, found := p.column[column]; found {
		return row[i]
	}
	return ""
}

func (p *pbFile) projectHead(line int, head []string) error {
	return p.columns(line, head, "project_id", "cost")
}

func (p *pbFile) projectRow(line int, row []string) error {
	id := p.field(row, "project_id")
	if _, twice := p.at[id]; twice || id == "" {
		return wrong(line, "the project id %q is empty or there twice", short(id))
	}
	if len(p.e.Options) == maxOptions {
		return wrong(line, "there are more than %d projects", maxOptions)
	}
	p.at[id] = len(p.e.Options)
	p.e.Options = append(p.e.Options, id)
	p.e.Budget.Projects = append(p.e.Budget.Projects, Project{Name: oneLine(p.field(row, "name"))})
	p.costs = append(p.costs, pbValue{p.field(row, "cost"), line})
	if p.field(row, "selected") == "1" {
		p.e.Official = append(p.e.Official, id)
	}
	return nil
}

func (p *pbFile) voteHead(line int, head []string) error {
	p.kind = p.meta["vote_type"].text
	needed := []string{"voter_id", "vote"}
	switch p.kind {
	case "approval", "choose-1":
	case "ordinal":
		longest, err := p.number("max_length", len(p.e.Options), len(p.e.Options))
		if err != nil {
			return err
		}
		p.longest = longest
	case "cumulative", "scoring":
		needed = append(needed, "points")
	default:
		return wrong(max(p.meta["vote_type"].line, 1), "the vote_type %q is not approval, choose-1, ordinal, cumulative or scoring", short(p.kind))
	}
	return p.columns(line, head, needed...)
}

func (p *pbFile) voteRow(line int, row []string) error {
	if p.voters++; p.voters > maxPapers {
		return wrong(line, "there are more ballots than can be held")
	}
	var marks []int
	if vote := p.field(row, "vote"); vote != "" {
		for id := range strings.SplitSeq(vote, ",") {
			o, known := p.at[strings.TrimSpace(id)]
			if !known {
				return wrong(line, "there is no project %q", short(id))
			}
			if slices.Contains(marks, o) {
				return wrong(line, "project %q is on the ballot twice", short(id))
			}
			marks = append(marks, o)
		}
	}
	switch p.kind {
	case "choose-1":
		if len(marks) > 1 {
			return wrong(line, "%d projects are chosen where one may be", len(marks))
		}
		fallthrough
	case "approval":
		p.e.Marks = append(p.e.Marks, Pick{marks, 1})
		return nil
	}
	if p.cells += len(p.e.Options); p.cells > maxCells {
		return wrong(line, "there are more ballots than can be held")
	}
	values := make([]int64, len(p.e.Options))
	if p.kind == "ordinal" {
		if len(marks) > p.longest {
			return wrong(line, "%d projects are ranked where %d may be", len(marks), p.longest)
		}
		for i, o := range marks {
			values[o] = int64(p.longest - i)
		}
	} else {
		points := strings.Split(p.field(row, "points"), ",")
		if len(marks) == 0 {
			points = nil
		}
		if len(points) != len(marks) {
			return wrong(line, "%d points are for %d projects", len(points), len(marks))
		}
		for i, o := range marks {
			n, err := strconv.ParseInt(strings.TrimSpace(points[i]), 10, 64)
			if err != nil || n < -maxPoints || n > maxPoints {
				return wrong(line, "%q is not a number of points", short(points[i]))
			}
			values[o] = n
		}
	}
	p.e.Points = append(p.e.Points, Points{values, 1})
	return nil
}

// number reads a whole number of META, or returns what is meant without it.
func (p *pbFile) number(key string, otherwise, most int) (int, error) {
	v, given := p.meta[key]
	if !given || v.text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 0 || n > most {
		return 0, wrong(v.line, "%q is not a %s", short(v.text), key)
	}
	return n, nil
}

// election puts the parts together; last is the last line.
func (p *pbFile) election(last int) (Election, error) {
	e := p.e
	e.Seats, e.Title = 1, oneLine(p.meta["description"].text)
	// All 102 files of the rule greedy-custom were decided by stopping, too.
	e.Budget.Stop = slices.Contains([]string{"greedy-no-skip", "greedy-custom"}, p.meta["rule"].text)
	if err := named(last, e.Options); err != nil {
		return Election{}, err
	}
	if p.voters == 0 {
		return Election{}, wrong(last, "there are no ballots")
	}
	for _, said := range []struct {
		key  string
		have int
	}{{"num_projects", len(e.Options)}, {"num_votes", p.voters}} {
		if n, err := p.number(said.key, said.have, maxPapers); err != nil {
			return Election{}, err
		} else if n != said.have {
			return Election{}, wrong(p.meta[said.key].line, "%s is %d, and there are %d", said.key, n, said.have)
		}
	}
	least, err := p.number("min_project_score_threshold", 0, maxPapers)
	if err != nil {
		return Election{}, err
	}
	e.Budget.Least = int64(least)
	budget, given := p.meta["budget"]
	if !given {
		return Election{}, wrong(1, "META has no budget")
	}
	amounts := append(slices.Clone(p.costs), budget)
	for _, v := range amounts {
		_, cents, _ := strings.Cut(v.text, ".")
		e.Budget.Decimals = max(e.Budget.Decimals, min(len(strings.TrimRight(cents, "0")), maxDecimals))
	}
	for i, v := range amounts {
		n, ok := amount(v.text, e.Budget.Decimals)
		switch {
		case !ok || n == 0 && i < len(p.costs):
			return Election{}, wrong(v.line, "%q is not an amount of money above 0 with at most %d decimals", short(v.text), maxDecimals)
		case i < len(p.costs):
			e.Budget.Projects[i].Cost = n
		default:
			e.Budget.Total = n
		}
	}
	return e, nil
}

// amount reads a decimal number as whole smallest units.
func amount(s string, decimals int) (int64, bool) {
	whole, cents, point := strings.Cut(s, ".")
	cents = strings.TrimRight(cents, "0")
	if whole == "" || len(whole) > 15 || len(cents) > decimals || point && strings.HasSuffix(s, ".") {
		return 0, false
	}
	v := whole + cents + strings.Repeat("0", decimals-len(cents))
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil && n <= maxMoney
}

// WritePB writes a vote on a budget as ReadPB reads it. Points are written as
// the vote type scoring. Voters are numbered in the order of the ballots.
func WritePB(e Election) ([]byte, error) {
	p, err := e.pot()
	if err != nil {
		return nil, fmt.Errorf("write pb: %w", err)
	}
	if len(e.Marks) > 0 && len(e.Points) > 0 {
		return nil, fmt.Errorf("write pb: the ballots are of two types")
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Comma = ';'
	kind, rule := "approval", "greedy"
	if len(e.Points) > 0 {
		kind = "scoring"
	}
	if e.Budget.Stop {
		rule = "greedy-no-skip"
	}
	table := [][]string{{"META"}, {"key", "value"}, {"description", e.Title}, {"num_projects", itoa(len(e.Options))},
		{"num_votes", itoa(p.box.voted)}, {"budget", p.cost(e.Budget.Total)}, {"vote_type", kind}, {"rule", rule}}
	if e.Budget.Least > 0 {
		table = append(table, []string{"min_project_score_threshold", strconv.FormatInt(e.Budget.Least, 10)})
	}
	table = append(table, []string{"PROJECTS"}, []string{"project_id", "cost", "name", "selected"})
	for o, id := range e.Options {
		if id != strings.TrimSpace(id) || strings.ContainsAny(id, ",\r\n") {
			return nil, fmt.Errorf("write pb: the id %q cannot be written", id)
		}
		selected := "0"
		if slices.Contains(e.Official, id) {
			selected = "1"
		}
		table = append(table, []string{id, p.cost(e.Budget.Projects[o].Cost), e.Budget.Projects[o].Name, selected})
	}
	if err := w.WriteAll(table); err != nil {
		return nil, fmt.Errorf("write pb: %w", err)
	}
	head := []string{"voter_id", "vote"}
	if kind == "scoring" {
		head = append(head, "points")
	}
	err = cmp.Or(w.Write([]string{"VOTES"}), w.Write(head))
	voter := 0
	row := func(papers int, vote, points []string) {
		for range papers {
			if out.Len() > maxWritten {
				err = fmt.Errorf("write pb: the table would be too long")
				return
			}
			voter++
			fields := []string{itoa(voter), strings.Join(vote, ",")}
			if kind == "scoring" {
				fields = append(fields, strings.Join(points, ","))
			}
			err = cmp.Or(err, w.Write(fields))
		}
	}
	for _, m := range e.Marks {
		row(m.Count, pick(e.Options, m.Options), nil)
	}
	for _, v := range e.Points {
		var vote, points []string
		for o, n := range v.Values {
			if n != 0 {
				vote, points = append(vote, e.Options[o]), append(points, strconv.FormatInt(n, 10))
			}
		}
		row(v.Count, vote, points)
	}
	if err != nil {
		return nil, fmt.Errorf("write pb: %w", err)
	}
	w.Flush()
	return out.Bytes(), nil
}

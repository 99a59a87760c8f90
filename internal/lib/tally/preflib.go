package tally

import (
	"fmt"
	"strconv"
	"strings"
)

// ReadPrefLib reads the PrefLib formats of orders: .soc, .soi, .toc and .toi.
// Lines that begin with "#" say what the file holds ("# NUMBER ALTERNATIVES:
// 3", "# ALTERNATIVE NAME 1: Ann"); each other line is "papers: 1,{2,3}", best
// first, with equal alternatives in braces. Where a file says how many voters
// there are the papers must add up to that.
func ReadPrefLib(data []byte) (Election, error) {
	data, err := text(data)
	if err != nil {
		return Election{}, err
	}
	e := Election{Seats: 1, Unranked: UnrankedLast}
	var b *ballots
	voters, votersLine, line := -1, 0, 0
	for raw := range strings.SplitSeq(string(data), "\n") {
		line++
		row := strings.TrimSpace(raw)
		if row == "" {
			continue
		}
		if meta, isMeta := strings.CutPrefix(row, "#"); isMeta {
			key, value, _ := strings.Cut(meta, ":")
			key, value = strings.TrimSpace(key), strings.TrimSpace(value)
			number, isName := strings.CutPrefix(key, "ALTERNATIVE NAME ")
			switch {
			case key == "TITLE":
				e.Title = oneLine(value)
			case key == "NUMBER VOTERS":
				votersLine = line
				if voters, err = strconv.Atoi(value); err != nil || voters < 0 {
					return Election{}, wrong(line, "%q is not a number of voters", short(value))
				}
			case key == "NUMBER ALTERNATIVES":
				n, err := strconv.Atoi(value)
				if err != nil || n < 1 || n > maxOptions || e.Options != nil {
					return Election{}, wrong(line, "%q is not the number of alternatives, from 1 to %d and once", short(value), maxOptions)
				}
				e.Options = make([]string, n)
			case isName:
				n, err := strconv.Atoi(strings.TrimSpace(number))
				if err != nil || n < 1 || n > len(e.Options) || e.Options[n-1] != "" || value == "" {
					return Election{}, wrong(line, "%q does not name an alternative from 1 to %d", short(key), len(e.Options))
				}
				e.Options[n-1] = value
			}
			continue
		}
		if b == nil {
			if e.Options == nil {
				return Election{}, wrong(line, "a ballot comes before the number of alternatives")
			}
			if err := named(line, e.Options); err != nil {
				return Election{}, err
			}
			b = newBallots(len(e.Options))
		}
		papers, ranks, err := prefLibOrder(line, row, len(e.Options))
		if err != nil {
			return Election{}, err
		}
		if err := b.add(line, papers, ranks); err != nil {
			return Election{}, err
		}
	}
	if b == nil {
		return Election{}, wrong(line, "the file has no ballots")
	}
	if voters >= 0 && voters != b.papers {
		return Election{}, wrong(votersLine, "it says %d voters, and there are %d papers", voters, b.papers)
	}
	e.Ballots = b.list
	return e, nil
}

// prefLibOrder reads "papers: 1,{2,3}".
func prefLibOrder(line int, row string, n int) (int, []int, error) {
	count, order, found := strings.Cut(row, ":")
	papers, err := strconv.Atoi(strings.TrimSpace(count))
	if !found || err != nil {
		return 0, nil, wrong(line, "%q does not begin with a number of papers and a colon", short(row))
	}
	ranks := make([]int, n)
	rank, open := 1, false
	if strings.TrimSpace(order) == "" {
		return papers, ranks, nil
	}
	for field := range strings.SplitSeq(order, ",") {
		field = strings.TrimSpace(field)
		if inner, opens := strings.CutPrefix(field, "{"); opens {
			if open {
				return 0, nil, wrong(line, "a brace opens within braces")
			}
			field, open = inner, true
		}
		field, closes := strings.CutSuffix(field, "}")
		if closes && !open {
			return 0, nil, wrong(line, "a brace closes that was not opened")
		}
		o, err := strconv.Atoi(strings.TrimSpace(field))
		switch {
		case err != nil || o < 1 || o > n:
			return 0, nil, wrong(line, "%q is not an alternative from 1 to %d", short(field), n)
		case ranks[o-1] != 0:
			return 0, nil, wrong(line, "alternative %d is on the ballot twice", o)
		}
		ranks[o-1] = rank
		if closes {
			open = false
		}
		if !open {
			rank++
		}
	}
	if open {
		return 0, nil, wrong(line, "a brace is not closed")
	}
	return papers, ranks, nil
}

// WritePrefLib writes ranked ballots in the PrefLib format that they need:
// "soc" or "soi" where no two options of a ballot are equal, "toc" or "toi"
// where some are, the ones with "c" if every ballot ranks every option. It
// returns that ending too. Numbers left out on a ballot are closed up.
func WritePrefLib(e Election) (data []byte, ending string, err error) {
	if err := e.writable(); err != nil {
		return nil, "", fmt.Errorf("write preflib: %w", err)
	}
	var rows strings.Builder
	ties, complete, voters := false, true, 0
	for _, ballot := range e.Ballots {
		var parts []string
		ranked := 0
		for _, group := range ballot.groups() {
			names := make([]string, len(group))
			for i, o := range group {
				names[i] = strconv.Itoa(o + 1)
			}
			part := strings.Join(names, ",")
			if len(group) > 1 {
				ties, part = true, "{"+part+"}"
			}
			parts = append(parts, part)
			ranked += len(group)
		}
		complete = complete && ranked == len(e.Options)
		voters += ballot.Count
		fmt.Fprintf(&rows, "%d: %s\n", ballot.Count, strings.Join(parts, ","))
	}
	ending = map[bool]string{false: "so", true: "to"}[ties] + map[bool]string{false: "i", true: "c"}[complete]
	var b strings.Builder
	if strings.ContainsAny(e.Title, "\r\n") {
		return nil, "", fmt.Errorf("write preflib: the title %q cannot be written", e.Title)
	}
	fmt.Fprintf(&b, "# TITLE: %s\n# DATA TYPE: %s\n# NUMBER ALTERNATIVES: %d\n# NUMBER VOTERS: %d\n# NUMBER UNIQUE ORDERS: %d\n",
		e.Title, ending, len(e.Options), voters, len(e.Ballots))
	for o, name := range e.Options {
		if strings.ContainsAny(name, "\r\n") {
			return nil, "", fmt.Errorf("write preflib: the name %q cannot be written", name)
		}
		fmt.Fprintf(&b, "# ALTERNATIVE NAME %d: %s\n", o+1, name)
	}
	b.WriteString(rows.String())
	return []byte(b.String()), ending, nil
}

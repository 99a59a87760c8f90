package ballotbox

import (
	"fmt"
	"slices"
	"strings"

	"rochdale/internal/lib/tally"
)

// checkSettings refuses settings that the rule does not take, so that none can
// stand in a question and mean nothing.
func (q *Question) checkSettings() error {
	s := q.Settings
	pb := strings.HasPrefix(q.Rule, "pb/")
	seated := q.Method == Ranking || q.Rule == tally.RuleApproval
	for _, r := range []tally.Ratio{s.Quorum, s.Threshold, s.Override} {
		if r.Num < 0 || r.Den < 0 || r.Den > 0 && r.Num > r.Den || r.Den == 0 && r.Num != 0 {
			return fmt.Errorf("the share %s is not between 0 and 1", r)
		}
	}
	for _, wrong := range []struct {
		is   bool
		what string
	}{
		{q.Method != Vote && (s.Threshold != tally.Ratio{} || s.Override != tally.Ratio{} || s.Strict || s.Block), "a threshold or block"},
		{q.Method != Marks && s.Max != 0, "a number of marks"},
		{q.Method != Points && (s.Low != 0 || s.High != 0 || s.Dots != 0), "points"},
		{!seated && (len(s.Limits) > 0 || s.NoBallot || len(s.Terms) > 0 || len(s.Withdrawn) > 0), "limits, terms or withdrawals"},
		{!pb && s.Budget != nil, "a budget"},
	} {
		if wrong.is {
			return fmt.Errorf("the settings have %s, which the rule %q does not take", wrong.what, q.Rule)
		}
	}
	if s.Max < 0 || s.Max > len(q.Options) {
		return fmt.Errorf("a ballot can have %d marks for %d options", s.Max, len(q.Options))
	}
	if seated {
		if err := q.checkSeats(); err != nil {
			return err
		}
	} else if q.Seats != 0 {
		return fmt.Errorf("the rule %q fills no seats, and there are %d", q.Rule, q.Seats)
	}
	if q.Method == Points {
		if err := q.checkPoints(pb); err != nil {
			return err
		}
	}
	if pb {
		if err := q.checkBudget(); err != nil {
			return err
		}
	}
	return nil
}

func (q *Question) checkSeats() error {
	s := q.Settings
	// There may be more seats than candidates: some then stay empty.
	if q.Seats < 1 || q.Seats > maxOptions || q.Rule == tally.RuleIRV && q.Seats != 1 {
		return fmt.Errorf("the rule %q cannot fill %d seats", q.Rule, q.Seats)
	}
	if len(s.Limits) > maxLists || len(s.Terms) > maxLists {
		return fmt.Errorf("there are more than %d limits or terms", maxLists)
	}
	places := func(list []int, what string) error {
		for i, o := range list {
			if o < 0 || o >= len(q.Options) || i > 0 && o <= list[i-1] {
				return fmt.Errorf("%s names options that do not exist, or not in rising order", what)
			}
		}
		return nil
	}
	for _, l := range s.Limits {
		if l.Max < 0 || l.Name == "" || !legible(l.Name, maxTitle) || l.Options == nil {
			return fmt.Errorf("a limit has no name or options, or is below 0")
		}
		if err := places(l.Options, "the limit "+l.Name); err != nil {
			return err
		}
	}
	seats := 0
	for _, t := range s.Terms {
		if t.Seats < 1 || t.Seats > q.Seats || t.Name == "" || !legible(t.Name, maxTitle) {
			return fmt.Errorf("a term has no name or no seats")
		}
		seats += t.Seats
	}
	if len(s.Terms) > 0 && seats != q.Seats {
		return fmt.Errorf("the terms are for %d seats, and there are %d", seats, q.Seats)
	}
	return places(s.Withdrawn, "the list of the withdrawn")
}

func (q *Question) checkPoints(pb bool) error {
	s := q.Settings
	spread := s.Dots > 0 && s.Dots <= maxValue && s.Low == 0 && s.High == 0
	scored := s.Dots == 0 && s.Low < s.High && s.Low >= -maxValue && s.High <= maxValue
	switch {
	case q.Rule == ruleDots && !spread, q.Rule == ruleScore && !scored, pb && !spread && !(scored && s.Low >= 0):
		return fmt.Errorf("the rule %q cannot count points from %d to %d, or %d in all", q.Rule, s.Low, s.High, s.Dots)
	}
	return nil
}

func (q *Question) checkBudget() error {
	b := q.Settings.Budget
	if b == nil || b.Total < 0 || b.Total > maxCost || b.Decimals < 0 || b.Decimals > 4 || b.Least < 0 || b.Least > maxCost {
		return fmt.Errorf("there is no budget, or one that cannot be spent")
	}
	if len(b.Costs) != len(q.Options) || slices.ContainsFunc(b.Costs, func(c int64) bool { return c < 1 || c > maxCost }) {
		return fmt.Errorf("not every option has a cost")
	}
	return nil
}

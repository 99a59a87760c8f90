package tally

import (
	"fmt"
	"slices"
	"strings"
)

// Explain tells the count in whole English sentences, in the order in which a
// returning officer would read it out. It needs nothing but the Result, so a
// stored one can be told as well.
func (r Result) Explain() []string {
	var s []string
	say := func(format string, args ...any) { s = append(s, fmt.Sprintf(format, args...)) }
	switch {
	case r.Uncontested:
		say("There were no more candidates than seats, so no ballot was held.")
	case r.Rule == RuleSortition:
		say("%s were in the draw for %s.", capital(people(len(r.Order))), plural(itoa(r.Seats), "seat", "seats"))
	case r.Roll > 0:
		say("%s of %s on the roll voted.", number(r.Voted), people(r.Roll))
	default:
		say("%s voted.", capital(people(r.Voted)))
	}
	for _, c := range r.Checks {
		if c.Name == "quorum" {
			say("The quorum is %s of the roll, which is %s; it was %s.", share(c.Needed), people(c.Least), reached(c.Met))
		}
	}
	name, _, _ := strings.Cut(r.Rule, "/")
	switch {
	case r.Uncontested:
		r.explainLots(say)
		r.explainElected(say)
		return s
	case r.Rule == RuleScottish || r.Rule == RuleIRV:
		r.explainTransfers(say)
	case r.Rule == RuleMeek:
		r.explainMeek(say)
	case r.Rule == RuleSortition:
		say("The lot put them in this order: %s.", strings.Join(r.Order, ", "))
		r.explainElected(say)
	case r.Rule == RuleEqualShares || r.Rule == RuleGreedy:
		r.explainBudget(say)
	}
	switch name {
	case "majority":
		r.explainMajority(say)
	case "consent":
		r.explainConsent(say)
	case "approval":
		r.explainSum(say, "mark", "marks")
	case "score":
		r.explainSum(say, "point", "points")
	case "dots":
		r.explainSum(say, "dot", "dots")
	case "answer":
		r.explainAnswers(say)
	case "schulze":
		r.explainSchulze(say)
	}
	if r.Outcome == NoQuorum {
		say("Too few voted, so the vote decides nothing.")
	}
	return s
}

func (r Result) value(option string) string {
	i := slices.IndexFunc(r.Tallies, func(t Tally) bool { return t.Option == option })
	if i < 0 {
		return "0"
	}
	return r.Tallies[i].Value
}

func (r Result) explainMajority(say func(string, ...any)) {
	say("%s agreed, %s disagreed, %s blocked and %s abstained.",
		r.value("agree"), r.value("disagree"), r.value("block"), r.value("abstain"))
	for _, c := range r.Checks {
		least := "at least "
		if c.Strict {
			least = "more than "
		}
		have := "none of none"
		if c.Of > 0 {
			have = fmt.Sprintf("%d of %d (%s%%)", c.Have, c.Of, Ratio{int64(c.Have), int64(c.Of)}.Percent())
		}
		switch c.Name {
		case "threshold":
			say("The rule asks that %s%s of those who took a side agree; %s did.", least, share(c.Needed), have)
		case "override":
			say("A block is overridden where at least %s agree, counting blocks as against; that was %s.", share(c.Needed), reached(c.Met))
		}
	}
	switch r.Outcome {
	case Carried:
		say("The proposal is carried.")
	case Lost:
		say("The proposal is lost.")
	case Blocked:
		say("The proposal is blocked: it had the votes, but a block stands.")
	}
}

func (r Result) explainConsent(say func(string, ...any)) {
	say("%s consented, %s abstained; %s integrated into the text, and %s.",
		r.value("consent"), r.value("abstain"), plural(r.value("integrated"), "objection was", "objections were"),
		plural(r.value("standing"), "stands", "stand"))
	for _, c := range r.Checks {
		if c.Name == "override" {
			say("Standing objections are overridden where at least %s of those who consented or object consent; %d of %d did.",
				share(c.Needed), c.Have, c.Of)
		}
	}
	switch r.Outcome {
	case Carried:
		say("The proposal is carried by consent.")
	case Lost:
		say("Nobody consented, so the proposal is lost.")
	case Blocked:
		say("The proposal is not carried, because an objection stands.")
	}
}

func (r Result) explainSum(say func(string, ...any), one, many string) {
	for _, t := range r.Tallies {
		say("%s received %s.", t.Option, plural(t.Value, one, many))
	}
	r.explainLots(say)
	r.explainElected(say)
}

func (r Result) explainAnswers(say func(string, ...any)) {
	for _, t := range r.Tallies {
		var parts []string
		for _, p := range t.Parts {
			parts = append(parts, p.Value+" said "+p.Name)
		}
		say("%s: %s.", t.Option, list(parts))
	}
}

func (r Result) explainSchulze(say func(string, ...any)) {
	say("Every two options were compared: a voter who ranks one above the other counts for it.")
	if r.Reading == UnrankedAbstain {
		say("Options that a ballot leaves unranked are read as no opinion, for neither side of a pair.")
	} else {
		say("Options that a ballot leaves unranked are read as ranked last.")
	}
	for _, t := range r.Tallies {
		say("%s is ahead in %s of %d.", t.Option, plural(t.Value, "comparison", "comparisons"), len(t.Parts))
	}
	if len(r.Order) > 0 {
		say("By the strongest chains of such comparisons the order is: %s.", strings.Join(r.Order, ", "))
	}
	r.explainLots(say)
	r.explainElected(say)
}

func (r Result) explainLots(say func(string, ...any)) {
	for _, d := range r.Lots {
		say("%s were level (%s); the lot put them in this order: %s.", list(d.Among), d.For, strings.Join(d.Drawn, ", "))
	}
}

func (r Result) explainElected(say func(string, ...any)) {
	for _, p := range r.Passed {
		say("%s was passed over, as the limit %q is used up.", p.Option, p.Name)
	}
	switch {
	case r.Outcome == Lost:
		say("Nothing was marked that could be counted, so nothing is chosen.")
	case len(r.Elected) == 1:
		say("%s is chosen.", r.Elected[0])
	case len(r.Elected) > 1:
		say("Chosen, in this order: %s.", list(r.Elected))
	}
	for _, p := range r.Terms {
		say("%s has the term %q.", p.Option, p.Name)
	}
}

// share writes a share for people: "half", "75%", "2/3".
func share(r Ratio) string {
	switch r.reduced() {
	case Ratio{1, 2}:
		return "half"
	case Ratio{1, 1}:
		return "all"
	}
	if p := r.Percent(); !strings.Contains(p, "…") {
		return p + "%"
	}
	return r.String()
}

func people(n int) string {
	if n == 1 {
		return "one person"
	}
	return itoa(n) + " people"
}

func number(n int) string {
	switch n {
	case 0:
		return "None"
	case 1:
		return "One"
	}
	return itoa(n)
}

func reached(met bool) string {
	if met {
		return "reached"
	}
	return "not reached"
}

func plural(n, one, many string) string {
	if n == "1" {
		return n + " " + one
	}
	return n + " " + many
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// list joins words as a sentence does: "A", "A and B", "A, B and C".
func list(words []string) string {
	switch len(words) {
	case 0:
		return "nobody"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

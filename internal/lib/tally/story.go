package tally

import (
	"fmt"
	"strings"
)

// plain drops the zeros at the end of a decimal: "129.00000" is told as 129.
func plain(decimal string) string {
	if strings.Contains(decimal, ".") {
		decimal = strings.TrimRight(strings.TrimRight(decimal, "0"), ".")
	}
	return decimal
}

func (r Result) opening(say func(string, ...any)) {
	say("%s were valid, for %s.", capital(plural(itoa(r.Ballots), "ballot", "ballots")), plural(itoa(r.Seats), "seat", "seats"))
}

func (r Result) explainTransfers(say func(string, ...any)) {
	r.opening(say)
	if r.Quota != "" {
		say("The quota is %s: the ballots divided by one more than the seats, without the remainder, plus one.", plain(r.Quota))
	} else {
		say("A candidate is elected with more than half of the votes that still count.")
	}
	votes := map[string]string{}
	for _, s := range r.Stages {
		var b strings.Builder
		fmt.Fprintf(&b, "Stage %d: ", s.Number)
		switch s.Action {
		case "first preferences":
			b.WriteString("the first preferences were counted: ")
			var parts []string
			for _, v := range s.Votes {
				parts = append(parts, v.Option+" has "+plain(v.Value))
			}
			b.WriteString(list(parts))
		case "surplus":
			fmt.Fprintf(&b, "the surplus of %s, %s votes, was transferred", s.Of[0], plain(s.Value))
		case "exclusion":
			fmt.Fprintf(&b, "%s, with %s, had the fewest votes and was excluded", s.Of[0], plain(votes[s.Of[0]]))
			if len(s.Flows) == 0 {
				b.WriteString("; no papers had to be moved")
			}
		case "passed over":
			fmt.Fprintf(&b, "%s can no longer be elected within the limits", list(s.Of))
		}
		var moved []string
		for _, f := range s.Flows {
			if f.To == "" {
				moved = append(moved, plain(f.Votes)+" to nobody, as the papers name no one further")
			} else {
				moved = append(moved, plain(f.Votes)+" to "+f.To)
			}
		}
		if len(moved) > 0 {
			b.WriteString("; " + list(moved))
		}
		say("%s.", b.String())
		for _, v := range s.Votes {
			votes[v.Option] = v.Value
		}
		r.explainStage(say, s, votes)
	}
	r.explainLots(say)
	r.explainElected(say)
}

// explainStage says who was elected in a stage.
func (r Result) explainStage(say func(string, ...any), s Stage, votes map[string]string) {
	for _, name := range s.Elected[:len(s.Elected)-len(s.Filled)] {
		if r.Rule == RuleIRV {
			say("%s has %s, more than half, and is elected.", name, plain(votes[name]))
		} else {
			say("%s has %s, reaches the quota and is elected.", name, plain(votes[name]))
		}
	}
	switch {
	case len(s.Filled) == 1:
		say("%s fills the last seat, as nobody else is left for it.", s.Filled[0])
	case len(s.Filled) > 1:
		say("%s fill the last seats, as nobody else is left for them.", list(s.Filled))
	}
}

func (r Result) explainMeek(say func(string, ...any)) {
	r.opening(say)
	say("Each elected candidate keeps only the part of every vote that is needed for the quota, and the rest passes on; all is worked out anew until nothing moves.")
	for _, s := range r.Stages {
		votes := map[string]string{}
		for _, v := range s.Votes {
			votes[v.Option] = v.Value
		}
		switch s.Action {
		case "election":
			say("Stage %d: the quota is %s.", s.Number, plain(s.Quota))
		case "last seats":
			say("Stage %d: as many candidates are left as seats.", s.Number)
		case "exclusion":
			say("Stage %d: %s, with %s, had the fewest votes and was excluded.", s.Number, s.Of[0], plain(votes[s.Of[0]]))
		case "passed over":
			say("Stage %d: %s can no longer be elected within the limits.", s.Number, list(s.Of))
		}
		r.explainStage(say, s, votes)
	}
	r.explainLots(say)
	r.explainElected(say)
}

func (r Result) explainBudget(say func(string, ...any)) {
	say("There is %s to spend.", plain(r.Budget))
	about := map[string]Tally{}
	for _, t := range r.Tallies {
		about[t.Option] = t
	}
	called := func(id string) (name, cost string) {
		for _, p := range about[id].Parts {
			switch {
			case p.Name == "cost":
				cost = plain(p.Value)
			case p.Name == "name" && p.Value != "" && p.Value != id:
				name = p.Value + " (" + id + ")"
			}
		}
		if name == "" {
			name = id
		}
		return name, cost
	}
	if r.Rule == RuleGreedy {
		say("The projects were taken in the order of their support.")
	}
	for _, s := range r.Stages {
		if s.Action == "raise" {
			say("Every voter got an equal share; it could be raised by %s for each before the projects would cost more than there is.", s.Value)
			continue
		}
		name, cost := called(s.Of[0])
		switch {
		case s.Action == readSkip:
			say("%s has %s and costs %s, more than what is left; it is passed over.", name, about[s.Of[0]].Value, cost)
		case s.Action == readStop:
			say("%s has %s and costs %s, more than what is left; here the count ends.", name, about[s.Of[0]].Value, cost)
		case r.Rule == RuleGreedy:
			say("%s has %s and costs %s; it is funded, and %s is left.", name, about[s.Of[0]].Value, cost, plain(s.Value))
		default:
			say("%s, marked by %s, costs %s; it is funded, and no supporter pays more than %s.", name, about[s.Of[0]].Value, cost, plain(s.Value))
		}
	}
	r.explainLots(say)
	switch r.Outcome {
	case Lost:
		say("Nothing can be funded.")
	case Carried:
		say("Funded in all: %s of %s.", plain(r.Spent), plain(r.Budget))
	}
}

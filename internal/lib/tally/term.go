package tally

import "fmt"

// Term is a term of office for a number of seats. Where terms differ, those
// elected first have the first terms.
type Term struct {
	Name  string // "two years"
	Seats int
}

// Place joins an option to a name: of its term, or of the limit for which it
// was passed over.
type Place struct {
	Option string `json:"option"`
	Name   string `json:"name"`
}

// giveTerms hands out the terms in the order of election.
func (e Election) giveTerms(r *Result) error {
	if len(e.Terms) == 0 || len(r.Elected) == 0 {
		return nil
	}
	seats := 0
	for _, t := range e.Terms {
		if t.Seats < 0 {
			return fmt.Errorf("check term %q: it has %d seats", t.Name, t.Seats)
		}
		for range min(t.Seats, len(r.Elected)-len(r.Terms)) {
			r.Terms = append(r.Terms, Place{r.Elected[len(r.Terms)], t.Name})
		}
		seats += t.Seats
	}
	if seats != e.Seats {
		return fmt.Errorf("check terms: they are for %d seats, and there are %d", seats, e.Seats)
	}
	return nil
}

// uncontested elects all who stand. Nobody ranked them, so where terms differ
// a lot says who has which.
func (e Election) uncontested(rule string, running []int) (Result, error) {
	r := Result{Rule: rule, Seats: e.Seats, Roll: e.Roll, Outcome: Carried, Uncontested: true}
	if len(running) == 0 {
		r.Outcome = Lost
	}
	if len(e.Terms) > 1 && len(running) > 1 {
		l := lots{seed: e.Seed, names: e.Options}
		running = l.draw("terms", running)
		r.Lots = l.drawn
	}
	r.Elected = pick(e.Options, running)
	err := e.giveTerms(&r)
	return r, err
}

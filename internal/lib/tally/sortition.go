package tally

// sortition draws sortition/v1: the options, who are the people that may be
// drawn, are put in the order of one lot with the purpose "sortition", and the
// seats are filled from its front. Limits make it a stratified draw: whoever
// would take a seat that is kept for others is passed over. The rest of the
// order is who follows when someone declines.
func (e Election) sortition() (Result, error) {
	l := lots{seed: e.Seed, names: e.Options}
	order := l.draw("sortition", e.running())
	r := Result{Rule: RuleSortition, Seats: e.Seats, Roll: e.Roll, Order: pick(e.Options, order), Lots: l.drawn}
	e.fill(&r, order)
	return r, nil
}

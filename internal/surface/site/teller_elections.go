package site

import (
	"strings"

	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
)

// ofElections says what happened in an election.
func (w *teller) ofElections(verb string) string {
	ctx, e := w.ctx, w.name(w.about)
	switch verb {
	case "announced":
		return t(ctx, "An election was announced: %s.", e)
	case "widened":
		return t(ctx, "More seats fell vacant and are put up with the others: %s.", e)
	case "waits":
		return t(ctx, "A vacant seat waits until another election for the office is over: %s.", e)
	case "vacant":
		return t(ctx, "A seat stays vacant: %s (%s).", e, w.word(w.data.text("cause")))
	case "nominated":
		return t(ctx, "%s made a nomination: %s.", w.doer(), e)
	case "accepted":
		return t(ctx, "%s stands: %s.", w.doer(), e)
	case "declined":
		return t(ctx, "%s declined a nomination: %s.", w.doer(), e)
	case "withdrawn":
		return t(ctx, "%s stands no more: %s.", w.doer(), e)
	case "endorsed":
		return t(ctx, "%s endorsed a candidate: %s.", w.doer(), e)
	case "objected":
		return t(ctx, "%s objected to a ruling: %s.", w.doer(), e)
	case "observed":
		return t(ctx, "%s observes an election: %s.", w.doer(), e)
	case "struck":
		return t(ctx, "A nomination was ruled out: %s.", e)
	case "restored":
		return t(ctx, "A nomination was restored: %s.", e)
	case "prolonged":
		return t(ctx, "%s prolonged an election: %s.", w.doer(), e)
	case "extended":
		return t(ctx, "Nominations were extended, as too few stood: %s.", e)
	case "final":
		return t(ctx, "The list of candidates became final: %s.", e)
	case "opened":
		roll := w.data.number("roll")
		return n(ctx, "Voting opened: %s, with %s member on the roll.", "Voting opened: %s, with %s members on the roll.", roll, e, w.number(roll))
	case "voted":
		return t(ctx, "%s voted by name in an election.", w.doer())
	case "counted":
		return t(ctx, "An election was counted: %s. Elected: %s.", e, w.people("elected"))
	case "offered":
		return t(ctx, "The office was offered to an elected member: %s.", e)
	case "vacated":
		return t(ctx, "An elected member does not hold the office any more: %s.", e)
	case "counted-back":
		return t(ctx, "A vacancy was filled from the same ballots: %s. Elected: %s.", e, w.people("elected"))
	case "scrutineer-offered":
		return t(ctx, "%s offers to be a scrutineer: %s.", w.doer(), e)
	case "scrutineer-withdrew":
		return t(ctx, "%s does not offer to be a scrutineer any more: %s.", w.doer(), e)
	case "wants-scrutineers":
		return t(ctx, "Voting was put off, as too few offered to be scrutineers: %s.", e)
	case "scrutineers":
		return t(ctx, "Scrutineers were drawn by lot: %s. They are: %s.", e, w.people("drawn"))
	case "sealed":
		return t(ctx, "Voting closed, and the scrutineers have to open the ballots: %s.", e)
	case "filled", "settled":
		return t(ctx, "An election was completed: %s.", e)
	case "failed":
		return t(ctx, "An election failed: %s (%s).", e, w.word(w.own.text("cause")))
	case "cancelled":
		return t(ctx, "An election was called off: %s.", e)
	}
	return ""
}

// ofElectionActs says what a decision or a returning officer did.
func (w *teller) ofElectionActs(power string) string {
	ctx := w.ctx
	switch power {
	case "election.hold":
		return t(ctx, "%s held an election in %s.", w.doer(), w.name(w.about))
	case "election.call-off":
		return t(ctx, "%s called off the election %s.", w.doer(), w.name(w.about))
	case "election.strike":
		return t(ctx, "%s ruled a nomination out.", w.doer())
	case "election.restore":
		return t(ctx, "%s restored a nomination.", w.doer())
	case "election.prolong":
		days := w.data.number("days")
		return n(ctx, "%s prolonged the election %s by %s day.", "%s prolonged the election %s by %s days.", days, w.doer(), w.name(w.about), w.number(days))
	}
	return ""
}

// ofBallots says what happened to a secret vote. Papers and ballots are not in the record one by one: the
// record would tell when each came in.
func (w *teller) ofBallots(verb string) string {
	ctx := w.ctx
	switch verb {
	case "opened":
		return t(ctx, "A secret ballot was opened with a key of its own: %s.", w.name(w.about))
	case "closed":
		papers, ballots := w.data.number("papers"), w.own.number("ballots")
		return t(ctx, "A secret ballot was closed and its keys erased: %s. %s papers were given out, %s ballots were in the box.", w.name(w.about), w.number(papers), w.number(ballots))
	case "revealed":
		return t(ctx, "%s, a scrutineer, revealed the key to the sealed ballots: %s.", w.doer(), w.name(w.about))
	case "unsealed":
		return t(ctx, "The scrutineers’ keys opened the sealed ballots, and they were counted: %s.", w.name(w.about))
	case "void":
		return t(ctx, "A secret ballot was not counted: its keys were erased and its ballots destroyed unread: %s.", w.name(w.about))
	}
	return ""
}

// people names the members of a list of ids.
func (w *teller) people(key string) string {
	list, _ := w.data[key].([]any)
	var out []string
	for _, x := range list {
		if text, ok := x.(string); ok {
			out = append(out, w.name(ref.Ref{Kind: "member", ID: id.Parse(text)}))
		}
	}
	return strings.Join(out, ", ")
}

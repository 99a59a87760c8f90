package coopapi

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rochdale/internal/kit/id"
	"rochdale/internal/lib/tally"
)

// What the document says about types that belong to the features.

type idForm struct{}

// Schema implements huma.SchemaProvider.
func (idForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9]{1,19}$"}
}

type shareForm struct{}

// Schema implements huma.SchemaProvider.
func (shareForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9]+(/[0-9]+)?$"}
}

func forms(r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[id.ID](), reflect.TypeFor[idForm]())
	r.RegisterTypeAlias(reflect.TypeFor[tally.Ratio](), reflect.TypeFor[shareForm]())
}

// meanings are by schema and field. A share is an exact fraction of a whole.
var meanings = map[string]string{
	"Rule.line": "The name of the line.", "Rule.title": "The name for people.", "Rule.scope": "Motions put to the general meeting (meeting), or to any other body (bodies).",
	"Rule.acts":    "The kinds of effects that it governs: rule.*, member.expel, or * for all that no other line names.",
	"Rule.seconds": "Members beside the mover who must second before the call.", "Rule.methods": "How motions may be decided; the first is the usual one.",
	"Rule.discussion_days": "Least days between publication and call.", "Rule.open_days": "Least days of voting.", "Rule.waiting_days": "Days on the register before the first vote.",
	"Rule.secret":   "Proposals are decided by secret ballot, where at least five may vote.",
	"Rule.interest": "A member whom the motion concerns may speak, not vote.", "Rule.results": "When the count is shown: always, after voting, after close.",
	"Rule.abstention": "What abstaining means.", "Rule.threshold": "The share of agree in agree and disagree that carries.", "Rule.strict": "More than the threshold, rather than at least.",
	"Rule.block": "Members may block, with a reason.", "Rule.override": "The share of agreement that overrides blocks, or standing objections; 0: none does.",
	"Rule.quorum": "The share of the roll that has to vote; 0: none.", "Rule.active_roll": "The quorum counts only members who voted in the last twelve months.",
	"Rule.again_days": "Without a quorum there is a second call after so many days.", "Rule.again_quorum": "The quorum of the second call.",
	"Rule.window_days": "Days between carried and in force.", "Rule.call_in": "At least so many members can call it in,", "Rule.call_in_share": "and at least this share of the members.",
	"Rule.review_days": "After which a carried motion is looked at again.", "Rule.urgent": "The urgent procedure, if there is one.",
	"Rule.emergency": "Who may act before a decision, if anybody.", "Rule.petition": "The share of the members that can put a motion to the general meeting, whatever else the rules say.",
	"Rule.election": "How persons are elected under this line; without it in the usual way, where the line governs appointments.",
	"Urgent.hours":  "Least hours of voting.", "Urgent.ratify_days": "Days in which the ordinary procedure must confirm it.",
	"Emergency.body": "The handle of the body whose members may.", "Emergency.acts": "The powers.", "Emergency.days": "Days in which it must be ratified, or longer if a vote about it takes longer.",
	"Emergency.veil_days": "Days after which the record publishes what was done for a legal order or for somebody's safety; without it, at once.",
	"Settings.options":    "Of all methods but proposal and consent. A ranking has “No change” beside those that are put.", "Settings.max": "Choose: most marks of a vote.",
	"Settings.low": "Score: from", "Settings.high": "Score: to", "Settings.dots": "Dots in a hand.", "Settings.results": "Narrower than the rule: after close, after voting.",
	"Option.title": "1 to 200 characters.", "Option.text": "What there is to say about it.",
	"Result.rule": "The way of counting, with its version.", "Result.reading": "Its declared variant.", "Result.seats": "Places to fill.", "Result.outcome": "carried, lost, no quorum, blocked, answered.",
	"Result.roll": "Who could vote.", "Result.voted": "Votes cast, blank ones too: what a quorum asks for.", "Result.ballots": "Votes that counted.", "Result.quota": "Votes that elect, where that is fixed.",
	"Result.checks": "The shares that the rule asks for, and whether they were reached.", "Result.uncontested": "Without a vote.", "Result.elected": "In the order of election.", "Result.order": "All options, the best first.",
	"Result.funded": "The projects paid for.", "Result.budget": "What could be spent.", "Result.spent": "What was.", "Result.passed": "Passed over, and for which limit.", "Result.terms": "Who holds which term, where terms differ.",
	"Result.tallies": "What each option or choice received.", "Result.stages": "The count step by step.", "Result.lots": "Lots that were drawn.",
	"Check.name": "quorum, threshold or override.", "Check.have": "What there was,", "Check.of": "of how many.", "Check.needed": "The share that is asked for.", "Check.strict": "More than that, rather than at least.",
	"Check.least": "The smallest number that would do.", "Check.met": "Whether it was reached.",
	"Tally.option": "The option, or the choice.", "Tally.value": "A whole number or a decimal fraction, in digits.", "Tally.parts": "The value by kind of answer, or pair by pair.",
	"Part.name": "Of what.", "Part.value": "In digits.",
	"Stage.stage": "Its number.", "Stage.action": "What was done: first preferences, surplus, exclusion.", "Stage.of": "Whom the action is about.", "Stage.value": "Of a surplus, or what a project costs each supporter.",
	"Stage.quota": "Where it changes from stage to stage.", "Stage.elected": "Now.", "Stage.filled": "Those of the elected who fill the last seats.", "Stage.excluded": "Now.", "Stage.votes": "After the action.",
	"Stage.lapsed": "Votes without a further preference, so far.", "Stage.cut": "Votes lost as decimals were cut, so far.", "Stage.flows": "Votes that moved.",
	"Draw.for": "What the lot decided.", "Draw.among": "The tied.", "Draw.drawn": "In the order of the lot.", "Place.option": "Who.", "Place.name": "Which term or limit.",
	"Flow.from": "From whom.", "Flow.to": "To whom; without it they found no further preference.", "Flow.votes": "In digits.",
}

// explain adds the meanings to the schemas.
func explain(schemas map[string]*huma.Schema) {
	for at, words := range meanings {
		name, field, _ := strings.Cut(at, ".")
		if s := schemas[name]; s != nil && s.Properties[field] != nil {
			s.Properties[field].Description = words
		}
	}
}

package rulebook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/tally"
)

// Scopes of a line: motions put to the general meeting, or to any other body.
const (
	Meeting = "meeting"
	Bodies  = "bodies"
)

// The lines every rulebook has.
const (
	Ordinary = "ordinary" // the meeting's motions for which there is no other line
	Rules    = "rules"    // changes of the rulebook
	Group    = "group"    // motions of working groups, circles and boards
)

// Methods of deciding. The first two decide whether something is done, the ranking which of several
// alternatives, the others tell what people think or when they can come.
const (
	Proposal  = "proposal"
	Consent   = "consent"
	Ranking   = "ranking"
	Choose    = "choose"
	Score     = "score"
	Dots      = "dots"
	Count     = "count"
	Times     = "times"
	Questions = "questions"
)

// Methods are all of them.
var Methods = []string{Proposal, Consent, Ranking, Choose, Score, Dots, Count, Times, Questions}

// When results are shown.
const (
	Always     = "always"
	AfterVote  = "after voting"
	AfterClose = "after close"
)

// Rule is one line of the rulebook as data. Days are whole days of 24 hours.
type Rule struct {
	Line  string   `json:"line"`  // its name: "ordinary"
	Title string   `json:"title"` // for people: "Ordinary motions"
	Scope string   `json:"scope"` // Meeting or Bodies
	Acts  []string `json:"acts"`  // kinds of effects it governs: "rule.*", "member.expel", or "*" for all that no other line names

	Seconds     int         `json:"seconds,omitempty"`      // members beside the mover who must second before the call
	Methods     []string    `json:"methods"`                // how motions under this line may be decided; the first is the usual one
	Discussion  int         `json:"discussion_days"`        // least days between the draft's publication and the call
	Open        int         `json:"open_days"`              // least days of voting
	Waiting     int         `json:"waiting_days,omitempty"` // days on the register before the first vote
	Interest    bool        `json:"interest,omitempty"`     // a member whom the motion concerns may speak, not vote
	Secret      bool        `json:"secret,omitempty"`       // proposals are decided by secret ballot, where enough may vote
	Results     string      `json:"results"`                // Always, AfterVote, AfterClose
	Abstention  string      `json:"abstention,omitempty"`   // what abstaining means, in words
	Threshold   tally.Ratio `json:"threshold"`              // of agree and disagree
	Strict      bool        `json:"strict,omitempty"`       // more than the threshold, rather than at least
	Block       bool        `json:"block,omitempty"`        // members may block, with a reason
	Override    tally.Ratio `json:"override"`               // agreement that overrides blocks (or, for consent, standing objections); 0: none does
	Quorum      tally.Ratio `json:"quorum"`                 // of the roll; 0: none
	ActiveRoll  bool        `json:"active_roll,omitempty"`  // the quorum counts only members who voted in the last 12 months
	Again       int         `json:"again_days,omitempty"`   // without a quorum: a second call after this many days
	AgainQuorum tally.Ratio `json:"again_quorum"`           // quorum of the second call

	Window      int         `json:"window_days,omitempty"` // between carried and in force
	CallIn      int         `json:"call_in,omitempty"`     // members who can call it in: at least this many,
	CallInShare tally.Ratio `json:"call_in_share"`         // and at least this share of the roll
	Review      int         `json:"review_days,omitempty"` // after which a carried motion is looked at again; 0: only if the mover says so
	Urgent      *Urgent     `json:"urgent,omitempty"`      // nil: there is no urgent procedure
	Emergency   *Emergency  `json:"emergency,omitempty"`   // nil: nobody may act before a decision
	Election    *Election   `json:"election,omitempty"`    // how persons are elected; nil: in the usual way, where the line governs appointments
	Petition    tally.Ratio `json:"petition"`              // of the members can put a motion to the general meeting, whatever else the rules say
}

// Urgent is the urgent procedure: fewer hours of voting, a reason, and a ratification afterwards.
type Urgent struct {
	Hours  int `json:"hours"`       // least hours of voting
	Ratify int `json:"ratify_days"` // days in which the ordinary procedure must confirm it
}

// Emergency lets the members of a body act at once. What they do is reported to all members and undone
// by itself unless it is ratified in time.
type Emergency struct {
	Body string   `json:"body"` // handle of the body whose members may
	Acts []string `json:"acts"` // powers
	Days int      `json:"days"` // to ratify it
	// Veil is how many days after the act the record publishes it, if the reason is of the class legal or
	// safety; 0: at once.
	Veil int `json:"veil_days,omitempty"`
}

// MaxVeil is the longest time for which a rule keeps an emergency act back.
const MaxVeil = 14

// Course is how many days a motion under the rule takes at the least if it uses all its days of voting and
// its window, and a day for what waits for it.
func (r *Rule) Course() int { return r.Open + r.Window + 1 }

// Covers reports whether a pattern ("*", "rule.*", "member.expel") covers a kind, and how closely.
func Covers(pattern, kind string) (weight int, ok bool) {
	switch {
	case pattern == kind:
		return 3, true
	case strings.HasSuffix(pattern, ".*") && strings.HasPrefix(kind, pattern[:len(pattern)-1]):
		return 2, true
	case pattern == "*":
		return 1, true
	}
	return 0, false
}

// governs is how closely the line governs a kind of effect; "" stands for a motion without effect.
func (r *Rule) governs(kind string) int {
	best := 0
	for _, p := range r.Acts {
		if w, ok := Covers(p, kind); ok {
			best = max(best, w)
		}
	}
	return best
}

var linePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)

// untouchable are kinds that no emergency rule may hand to anyone.
var untouchable = []string{"rule.adopt", "rule.repeal", "body.create", "body.change", "body.dissolve", "mandate.appoint", "mandate.recall",
	"mandate.ratify", "act.ratify", "member.expel", "member.suspend", "member.reinstate"}

// Check refuses a rule that says nothing sensible, or that would close the way back.
func (r *Rule) Check() error {
	for _, c := range []struct {
		wrong       bool
		field, what string
	}{
		{!linePattern.MatchString(r.Line), "line", "The name of a line is short: lower-case letters, digits and hyphens."},
		{n(r.Title) == 0 || n(r.Title) > 80, "title", "The title has 1 to 80 characters."},
		{r.Scope != Meeting && r.Scope != Bodies, "scope", "A line is for the general meeting (meeting) or for the other bodies (bodies)."},
		{len(r.Acts) == 0, "acts", "Say which acts the line governs; * is all that no other line names."},
		{len(r.Methods) == 0 || slices.ContainsFunc(r.Methods, func(m string) bool { return !slices.Contains(Methods, m) }), "methods", "Name at least one method of deciding: " + strings.Join(Methods, ", ") + "."},
		{len(r.Methods) > 0 && r.Methods[0] != Proposal && r.Methods[0] != Consent, "methods", "The first method is the usual one, by which something is decided: proposal or consent."},
		{r.Seconds < 0 || r.Seconds > 20, "seconds", "Up to 20 members can be asked to second."},
		{r.Discussion < 0 || r.Discussion > 60, "discussion_days", "Discussion takes 0 to 60 days."},
		{r.Open < 1 || r.Open > 60, "open_days", "Voting takes 1 to 60 days."},
		{r.Waiting < 0 || r.Waiting > 365, "waiting_days", "New members wait 0 to 365 days for their first vote."},
		{r.Results != Always && r.Results != AfterVote && r.Results != AfterClose, "results", "Results are shown always, after voting or after close."},
		{r.Secret && (!slices.Contains(r.Methods, Proposal) || r.Results != AfterClose), "secret", "Secret ballots decide proposals, and their results are shown after close."},
		{!within(r.Threshold, 0, 9, 10), "threshold", "A threshold is at most 90 %."},
		{!within(r.Override, 0, 1, 1), "override", "The share that overrides is at most 100 %."},
		{!within(r.Quorum, 0, 1, 2) || !within(r.AgainQuorum, 0, 1, 2), "quorum", "A quorum is at most 50 % of the roll."},
		{r.Again < 0 || r.Again > 60, "again_days", "A second call comes within 60 days."},
		{r.Window < 0 || r.Window > 30, "window_days", "The window is at most 30 days."},
		{r.Window > 0 && r.CallIn < 1, "call_in", "Say how many members can call a motion in."},
		{r.CallIn < 0 || r.CallIn > 50 || !within(r.CallInShare, 0, 1, 4), "call_in", "At most 50 members or 25 % can be asked for to call a motion in."},
		{r.Review < 0 || r.Review > 3650, "review_days", "A review comes within ten years."},
		{r.Urgent != nil && (r.Urgent.Hours < 12 || r.Urgent.Ratify < max(r.Open, 1) || r.Urgent.Ratify > 60), "urgent", "An urgent motion is open for 12 hours at least, and ratified within 60 days and no fewer than an ordinary vote takes."},
		{r.Scope == Meeting && !within(r.Petition, 1, 20, 100), "petition", "Between 1 % and 20 % of the members can always call the general meeting."},
	} {
		if c.wrong {
			return fault.Field(c.field, "%s", c.what)
		}
	}
	if r.Election != nil {
		if err := r.Election.check(); err != nil {
			return err
		}
	}
	if e := r.Emergency; e != nil {
		if e.Body == "" || len(e.Acts) == 0 || e.Days < 1 || e.Days > 30 {
			return fault.Field("emergency", "An emergency rule names a body, the acts it may do, and 1 to 30 days to ratify them.")
		}
		if e.Veil < 0 || e.Veil > MaxVeil {
			return fault.Field("emergency", "What is done for a legal order or for somebody's safety is published after %d days at the latest.", MaxVeil)
		}
		for _, p := range e.Acts {
			for _, u := range untouchable {
				if _, ok := Covers(p, u); ok {
					return fault.Field("emergency", "No emergency rule can reach %s.", u)
				}
			}
		}
	}
	return r.checkRules()
}

// checkRules keeps the making of rules with the general meeting, and within reach.
func (r *Rule) checkRules() error {
	rules := r.governs("rule.adopt")
	switch {
	case r.Line == Rules && (r.Scope != Meeting || rules < 2 || r.governs("rule.repeal") < 2):
		return fault.Field("acts", "The line %q governs rule.* in the general meeting.", Rules)
	case r.Line != Rules && rules >= 2 || r.Line != Rules && r.governs("rule.repeal") >= 2:
		return fault.Field("acts", "Changes of rules belong to the line %q alone.", Rules)
	case r.Line == Rules && !within(r.Override, 0, 95, 100):
		return fault.Field("override", "No single member must stop the changes of rules for ever: the share that overrides is at most 95 %%.")
	case r.Line == Rules && r.Block && r.Override.Num == 0:
		return fault.Field("override", "A change of rules must be able to pass in spite of blocks: say which share overrides them.")
	case r.Line == Rules && slices.Contains(r.Methods, Consent) && r.Override.Num == 0:
		return fault.Field("override", "A change of rules must be able to pass in spite of objections: say which share overrides them.")
	case r.Line == Ordinary && (r.Scope != Meeting || !slices.Contains(r.Acts, "*")):
		return fault.Field("acts", "The line %q governs all motions of the general meeting for which there is no other line.", Ordinary)
	case r.Line == Group && (r.Scope != Bodies || !slices.Contains(r.Acts, "*")):
		return fault.Field("acts", "The line %q governs all motions of bodies for which there is no other line.", Group)
	}
	return nil
}

func n(s string) int { return utf8.RuneCountInString(s) }

// within reports from/of <= r <= to/of, all of them shares of one, where 0 counts as "none" if from is 0.
func within(r tally.Ratio, from, to, of int64) bool {
	if r.Num == 0 {
		return from == 0
	}
	return r.Num > 0 && r.Num <= r.Den && r.Den < 1_000_000 && r.Num*of >= from*r.Den && r.Num*of <= to*r.Den
}

// Needed is how many of a roll a share means, rounded up.
func Needed(share tally.Ratio, roll int) int {
	if share.Num == 0 || share.Den <= 0 {
		return 0
	}
	return int((share.Num*int64(roll) + share.Den - 1) / share.Den)
}

// CallInNeeded is how many members must ask for it to call a carried motion in.
func (r *Rule) CallInNeeded(roll int) int {
	return min(max(r.CallIn, Needed(r.CallInShare, roll)), max(roll, 1))
}

// String names a version of a line.
func (v *Version) String() string { return fmt.Sprintf("%s/%d", v.Rule.Line, v.Number) }

package tally

// Consent is the rule consent/v1: a text is carried unless an objection
// stands. An objection that was integrated into the text no longer stands.
type Consent struct {
	Quorum   Ratio // of Roll that must answer, in any way; zero: none
	Roll     int
	Fallback Ratio // the share of consents, over consents+standing, that overrides; zero: nothing does
}

// ConsentVotes holds the answers to one text.
type ConsentVotes struct{ Consent, Abstain, Standing, Integrated int }

// Count decides. A text to which nobody consented, and nobody objected, is
// Lost: silence is not consent. A standing objection makes it Blocked.
func (c Consent) Count(v ConsentVotes) Result {
	answered := v.Consent + v.Standing + v.Integrated
	r, ok := begin("consent/v1", c.Roll, box{answered + v.Abstain, answered}, c.Quorum)
	r.Tallies = []Tally{
		{Option: "consent", Value: itoa(v.Consent)}, {Option: "abstain", Value: itoa(v.Abstain)},
		{Option: "standing", Value: itoa(v.Standing)}, {Option: "integrated", Value: itoa(v.Integrated)},
	}
	stands := v.Standing > 0
	if stands && !c.Fallback.IsZero() {
		override := check("override", v.Consent, v.Consent+v.Standing, c.Fallback, false)
		r.Checks = append(r.Checks, override)
		stands = !override.Met
	}
	switch {
	case !ok:
	case answered == 0:
		r.Outcome = Lost
	case stands:
		r.Outcome = Blocked
	default:
		r.Outcome = Carried
	}
	return r
}

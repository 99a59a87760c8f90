package tally

// Majority is the rule majority/v1 for one text that is agreed to or not.
//
// The text is carried if agree / (agree + disagree + block) reaches Threshold
// and no block stands. Abstentions count for the quorum only. Where Block is
// false, a block weighs as a disagreement and no more.
type Majority struct {
	Threshold Ratio // of agree+disagree+block
	Strict    bool  // more than Threshold, rather than at least
	Block     bool  // whether a block stops the text
	Override  Ratio // the share of agree, over agree+disagree+block, that overrides blocks; zero: nothing does
	Quorum    Ratio // of Roll that must vote, abstentions included; zero: none
	Roll      int   // how many could vote
}

// Proposal holds the votes on one text.
type Proposal struct{ Agree, Abstain, Disagree, Block int }

// Count decides: too few votes is NoQuorum; a threshold that is not reached is
// Lost, and so is a text that nobody agreed to; a text that would carry but
// for a block is Blocked.
func (m Majority) Count(p Proposal) Result {
	decided := p.Agree + p.Disagree + p.Block
	r, ok := begin("majority/v1", m.Roll, box{decided + p.Abstain, decided}, m.Quorum)
	r.Tallies = []Tally{
		{Option: "agree", Value: itoa(p.Agree)}, {Option: "abstain", Value: itoa(p.Abstain)},
		{Option: "disagree", Value: itoa(p.Disagree)}, {Option: "block", Value: itoa(p.Block)},
	}
	threshold := check("threshold", p.Agree, decided, m.Threshold, m.Strict)
	// Nothing is carried that nobody agreed to, however low the threshold.
	threshold.Least, threshold.Met = max(threshold.Least, 1), threshold.Met && p.Agree > 0
	r.Checks = append(r.Checks, threshold)
	standing := m.Block && p.Block > 0
	if standing && !m.Override.IsZero() {
		override := check("override", p.Agree, decided, m.Override, false)
		r.Checks = append(r.Checks, override)
		standing = !override.Met
	}
	switch {
	case !ok:
	case !threshold.Met:
		r.Outcome = Lost
	case standing:
		r.Outcome = Blocked
	default:
		r.Outcome = Carried
	}
	return r
}

package rulebook

import (
	"context"
	"slices"
	"strings"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/lib/tally"
)

// Election is how persons are elected under a line that governs appointments. Days are whole days.
type Election struct {
	Method       string      `json:"method"`                    // of counting, with its version: "stv/scottish2007"
	Secret       bool        `json:"secret"`                    // by secret ballot; in an electorate under five by names all the same
	Nominations  int         `json:"nomination_days"`           // for nominations
	Final        int         `json:"final_days"`                // between the final list and the opening, for questions to the candidates
	Open         int         `json:"open_days"`                 // of voting
	Accept       int         `json:"accept_days"`               // for the elected to accept
	Endorsements int         `json:"endorsements,omitempty"`    // members who must endorse a candidate
	NoBallot     bool        `json:"no_ballot,omitempty"`       // candidates who are no more than the seats are elected without a ballot
	CountBack    bool        `json:"count_back,omitempty"`      // a casual vacancy is filled from the same ballots
	Cap          int         `json:"affiliation_cap,omitempty"` // most elected of one affiliation; 0: any number
	Term         int         `json:"term_days"`                 // usual term
	Quorum       tally.Ratio `json:"quorum"`                    // of the roll; 0: none
	Scrutineers  int         `json:"scrutineers,omitempty"`     // to whom ballots are sealed until the close; 0: not sealed
	Needed       int         `json:"scrutineers_needed,omitempty"`
	Reveal       int         `json:"reveal_days,omitempty"` // for the scrutineers to open the ballots
	Witness      bool        `json:"witness,omitempty"`     // a witness co-op signs ballot papers too
}

// ElectionMethods are the rules by which persons can be elected.
func ElectionMethods() []string {
	return []string{tally.RuleScottish, tally.RuleMeek, tally.RuleIRV, tally.RuleApproval, tally.RuleSchulze + "+" + tally.UnrankedLast, tally.RuleSchulze + "+" + tally.UnrankedAbstain}
}

// ordinaryElection holds where a line that governs appointments says nothing of elections.
func ordinaryElection() Election {
	return Election{Method: tally.RuleScottish, Secret: true, Nominations: 14, Final: 3, Open: 7, Accept: 7, NoBallot: true, CountBack: true, Term: 365, Quorum: share(0, 1)}
}

// ElectionIn is how persons are elected under this line.
func (r *Rule) ElectionIn() Election {
	if r.Election == nil {
		return ordinaryElection()
	}
	return *r.Election
}

// Ahead is how many days an election takes from its announcement to the end of acceptance.
func (e *Election) Ahead() int { return e.Nominations + e.Final + e.Open + e.Reveal + e.Accept }

// PutOff is for how many days the opening is put off, once, where too few offer to be scrutineers.
const PutOff = 7

// Longest is how many days it takes where too few stand, so that nominations are extended once, by as much
// again, and too few offer to be scrutineers.
func (e *Election) Longest() int {
	days := e.Ahead() + e.Nominations
	if e.Scrutineers > 0 {
		days += PutOff
	}
	return days
}

func (e *Election) check() error {
	for _, c := range []struct {
		wrong bool
		what  string
	}{
		{!slices.Contains(ElectionMethods(), e.Method), "Elections are counted by one of: " + strings.Join(ElectionMethods(), ", ") + "."},
		{e.Nominations < 3 || e.Nominations > 30, "Nominations take 3 to 30 days."},
		{e.Final < 0 || e.Final > 30, "Voting opens at most 30 days after the list is final."},
		{e.Open < 3 || e.Open > 30, "Voting in elections takes 3 to 30 days."},
		{e.Accept < 1 || e.Accept > 14, "The elected have 1 to 14 days to accept."},
		{e.Longest() > 60, "An election that opens 60 days before a mandate ends must be over when it does, also where too few stand: all its days together, those for nominations twice, are at most 60."},
		{e.Endorsements < 0 || e.Endorsements > 20, "Up to 20 endorsements can be asked for."},
		{e.Scrutineers != 0 && (e.Scrutineers < 2 || e.Scrutineers > 9), "There are 2 to 9 scrutineers, or none."},
		{e.Scrutineers != 0 && (e.Needed < 2 || e.Needed > e.Scrutineers) || e.Scrutineers == 0 && e.Needed != 0, "Two scrutineers or more open the ballots, and no more than there are."},
		{e.Scrutineers != 0 && (e.Reveal < 1 || e.Reveal > 14) || e.Scrutineers == 0 && e.Reveal != 0, "Scrutineers have 1 to 14 days to open the ballots."},
		{(e.Scrutineers != 0 || e.Witness) && !e.Secret, "Scrutineers and a witness are for secret ballots."},
		{e.Cap < 0, "A cap is a number of seats."},
		{e.Term < 30 || e.Term > 4*365, "A term has 30 days to four years."},
		{!within(e.Quorum, 0, 1, 2), "A quorum is at most 50 % of the roll."},
	} {
		if c.wrong {
			return fault.Field("election", "%s", c.what)
		}
	}
	return nil
}

// ForElection is the line in force by which a body elects: the general meeting or another.
func (s *Service) ForElection(ctx context.Context, h db.Handle, meeting bool) (Version, error) {
	scope := Bodies
	if meeting {
		scope = Meeting
	}
	return s.For(ctx, h, scope, []string{"mandate.appoint"})
}

func electionLines(ctx context.Context, e *Election) []effect.Line {
	t := func(s string, args ...any) string { return i18n.T(ctx, s, args...) }
	days := func(n int) string { return i18n.N(ctx, "%d day", "%d days", n, n) }
	how := t("by name")
	if e.Secret {
		how = t("by secret ballot")
	}
	words := t("%s, counted by %s; %s for nominations, %s for questions, %s of voting, %s to accept; terms of %s", how, e.Method,
		days(e.Nominations), days(e.Final), days(e.Open), days(e.Accept), days(e.Term))
	if e.Endorsements > 0 {
		words += "; " + i18n.N(ctx, "%d endorsement", "%d endorsements", e.Endorsements, e.Endorsements)
	}
	if e.NoBallot {
		words += "; " + t("no ballot where candidates are no more than seats")
	}
	if e.CountBack {
		words += "; " + t("vacancies are filled from the same ballots")
	}
	if e.Scrutineers > 0 {
		words += "; " + t("ballots are sealed to %d scrutineers, of whom %d open them within %s", e.Scrutineers, e.Needed, days(e.Reveal))
	}
	if e.Witness {
		words += "; " + t("a witness co-op signs ballot papers too")
	}
	if e.Cap > 0 {
		words += "; " + t("at most %d of one affiliation", e.Cap)
	}
	return []effect.Line{{Name: t("Elections"), Text: words}}
}

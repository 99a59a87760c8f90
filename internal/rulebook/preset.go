package rulebook

import (
	"slices"

	"rochdale/internal/kit/i18n"
	"rochdale/internal/lib/tally"
)

// Preset is a rulebook that a co-op can be founded on.
type Preset struct {
	Name, Title, What string // Title and What are i18n keys
	Rules             []Rule
}

func share(num, den int64) tally.Ratio { return tally.Ratio{Num: num, Den: den} }

var (
	anything = []string{Proposal, Choose, Ranking, Score, Dots, Count, Times, Questions}
	persons  = []string{"member.reinstate", "mandate.appoint", "mandate.ratify"}
	removals = []string{"member.suspend", "member.expel", "mandate.recall"}
	abstain  = "Abstaining counts as taking part, not as agreeing or disagreeing."
)

// base are the lines all presets have in common; each preset says where it differs.
func base(change func(line string, r *Rule)) []Rule {
	common := Rule{Scope: Meeting, Methods: anything, Open: 6, Waiting: 30, Results: Always, Abstention: abstain, Threshold: share(1, 2),
		Window: 2, CallIn: 3, CallInShare: share(2, 100), Petition: share(5, 100), Override: share(0, 1), Quorum: share(0, 1), AgainQuorum: share(0, 1),
		Urgent: &Urgent{Hours: 24, Ratify: 14}}
	var out []Rule
	for _, line := range []struct {
		name, title string
		acts        []string
	}{
		{Ordinary, i18n.Key("Ordinary motions"), []string{"*"}},
		{Rules, i18n.Key("Changes of the rules"), []string{"rule.*"}},
		{"persons", i18n.Key("Motions about persons"), persons},
		{"removals", i18n.Key("Removals from office or membership"), removals},
		{Group, i18n.Key("Motions of a group"), []string{"*"}},
	} {
		r := common
		r.Line, r.Title, r.Acts, r.Methods = line.name, line.title, line.acts, slices.Clone(anything)
		switch line.name {
		case Rules:
			r.Methods, r.Urgent = []string{Proposal}, nil
		case "persons", "removals":
			r.Methods, r.Interest, r.Results, r.Urgent = []string{Proposal}, true, AfterClose, nil
			if r.Secret = line.name == "removals"; !r.Secret {
				e := ordinaryElection()
				r.Election = &e
			}
		case Group:
			r.Scope, r.Open, r.Waiting, r.Window, r.Petition = Bodies, 3, 0, 5, share(0, 1)
			r.Urgent = &Urgent{Hours: 12, Ratify: 7}
		}
		change(line.name, &r)
		out = append(out, r)
	}
	return out
}

// Presets are the rulebooks of governance research, in the order they are offered.
func Presets() []Preset {
	return []Preset{
		{"social-coop", i18n.Key("Social.coop"), i18n.Key("Six days, half of those who agree or disagree, and a block stops a motion unless nine in ten agree. Rules need ten days and three quarters."),
			base(func(line string, r *Rule) {
				r.Block, r.Override = true, share(90, 100)
				if line == Rules {
					r.Open, r.Threshold, r.Override = 10, share(75, 100), share(95, 100)
				}
			})},
		{"assembly", i18n.Key("Assembly"), i18n.Key("A simple majority after fourteen days' notice; three quarters for the rules, as many associations do it."),
			base(func(line string, r *Rule) {
				r.Strict = true
				if line != Group {
					r.Discussion = 14
				}
				if line == "persons" { // two years, half of the seats each year
					r.Election.Term = 2 * 365
				}
				if line == Rules {
					r.Strict, r.Threshold = false, share(3, 4)
				}
			})},
		{"uk-society", i18n.Key("UK society"), i18n.Key("More than half for ordinary resolutions, more than three quarters for special ones, two weeks of voting."),
			base(func(line string, r *Rule) {
				r.Strict = true
				if line != Group {
					r.Open = 14
				}
				if line == "persons" {
					r.Election.Open, r.Election.Nominations = 14, 18
				}
				if line == Rules {
					r.Threshold = share(75, 100)
				}
			})},
		{"circle", i18n.Key("Circle"), i18n.Key("Consent: a motion passes unless a reasoned objection stands, and everything is reviewed after a year. Sociocratic circles decide so."),
			base(func(line string, r *Rule) {
				r.Methods = append([]string{Consent}, anything[1:]...)
				r.Review = 365
				if line == Rules || line == "persons" || line == "removals" {
					r.Methods, r.Secret = []string{Consent}, false // reasons are heard, so by name
				}
				if line == "persons" { // circles elect openly, with reasons
					r.Election.Secret = false
				}
				if line == Rules {
					r.Open, r.Override = 10, share(90, 100)
				}
			})},
		{"two-speed", i18n.Key("Two speeds"), i18n.Key("Four days of discussion and three of voting for everyday matters; longer, and two thirds, for rules and groups."),
			base(func(line string, r *Rule) {
				switch line {
				case Ordinary:
					r.Discussion, r.Open, r.Strict = 4, 3, true
				case Rules:
					r.Discussion, r.Open, r.Threshold = 10, 7, share(2, 3)
				case "persons", "removals":
					r.Discussion, r.Open, r.Threshold = 7, 7, share(2, 3)
				}
			})},
	}
}

// FindPreset is a preset by its name.
func FindPreset(name string) (Preset, bool) {
	all := Presets()
	i := slices.IndexFunc(all, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return all[i], true
}

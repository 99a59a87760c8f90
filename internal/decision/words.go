package decision

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/tally"
	"rochdale/internal/rulebook"
)

func phaseName(ctx context.Context, phase string) string {
	switch phase {
	case "discussion":
		return t(ctx, "In discussion")
	case "open":
		return t(ctx, "Open")
	case "window":
		return t(ctx, "In their window")
	case "in force":
		return t(ctx, "In force")
	case "closed":
		return t(ctx, "Closed")
	}
	return t(ctx, "All")
}

// StateWords says where a motion stands.
func StateWords(ctx context.Context, m *Motion) string {
	switch m.State {
	case Draft:
		return t(ctx, "draft")
	case Discussion:
		if m.Petition {
			return t(ctx, "petition")
		}
		return t(ctx, "in discussion")
	case Called:
		return t(ctx, "opens soon")
	case Open:
		return t(ctx, "voting")
	case Window:
		return t(ctx, "carried, in its window")
	case CalledIn:
		return t(ctx, "called in")
	case Withdrawn:
		return t(ctx, "withdrawn")
	case Rescinded:
		return t(ctx, "rescinded")
	case InForce:
		switch {
		case m.Outcome == Answered:
			return t(ctx, "answered")
		case m.Execution == Stale:
			return t(ctx, "carried, not executed: stale")
		case m.Execution == Failed:
			return t(ctx, "carried, not executed: failed")
		}
		return t(ctx, "in force")
	case Closed, lapsing:
	}
	return outcomeWords(ctx, m.Outcome)
}

func outcomeWords(ctx context.Context, o tally.Outcome) string {
	switch o {
	case tally.Carried:
		return t(ctx, "carried")
	case tally.Lost:
		return t(ctx, "lost")
	case tally.NoQuorum:
		return t(ctx, "no quorum")
	case tally.Blocked:
		return t(ctx, "blocked")
	case tally.Tied:
		return t(ctx, "tied")
	case Answered:
		return t(ctx, "answered")
	}
	return string(o)
}

// StateHue is the hue in which pages show where a motion stands.
func StateHue(m *Motion) string {
	switch {
	case m.State == Open:
		return "violet"
	case m.State == Window:
		return "gold"
	case m.State == InForce && (m.Execution == Stale || m.Execution == Failed):
		return "orange"
	case m.State == InForce:
		return "green"
	case m.State == Discussion, m.State == Called:
		return "blue"
	}
	return "plain"
}

// steps is the way of a motion, with the dates that are known.
func steps(ctx context.Context, v *pageView) []ui.Step {
	m, r := &v.M, &v.Rule.Rule
	at := func(x time.Time) string {
		if x.IsZero() {
			return ""
		}
		return i18n.Date(ctx, x)
	}
	reached := slices.Index([]State{Draft, Discussion, Called, Open, Window, InForce}, m.State)
	if m.Over() && m.State != InForce {
		switch {
		case !m.CountedAt.IsZero():
			reached = 4
		case !m.CalledAt.IsZero():
			reached = 3
		default:
			reached = 1
		}
	}
	window := at(m.WindowEndsAt)
	if window == "" && r.Window > 0 {
		window = n(ctx, "%d day", "%d days", r.Window, r.Window)
	}
	voting := n(ctx, "%d day", "%d days", r.Open, r.Open)
	if !m.ClosesAt.IsZero() {
		voting = t(ctx, "until %s", at(m.ClosesAt))
	}
	last, lastAt := t(ctx, "In force"), at(m.InForceAt)
	if !m.Binding() {
		last = t(ctx, "Answered")
	}
	if m.State != InForce && !m.CountedAt.IsZero() && m.State != Window {
		last, lastAt = StateWords(ctx, m), at(m.CountedAt)
	}
	if m.State == Withdrawn {
		last, lastAt = t(ctx, "withdrawn"), ""
	}
	out := []ui.Step{
		{Label: t(ctx, "Discussion"), Small: at(m.PublishedAt), Done: reached > 1, Current: reached == 0 || reached == 1},
		{Label: t(ctx, "Called"), Small: at(m.CalledAt), Done: reached > 2, Current: reached == 2},
		{Label: t(ctx, "Voting"), Small: voting, Done: reached > 3, Current: reached == 3},
	}
	if r.Window > 0 && m.Binding() {
		out = append(out, ui.Step{Label: t(ctx, "Window"), Small: window, Done: reached > 4, Current: m.State == Window})
	}
	return append(out, ui.Step{Label: last, Small: lastAt, Current: m.Over()})
}

// words says a vote.
func (c *Choice) words(ctx context.Context, m *Motion) string {
	options := m.Options()
	name := func(i int) string {
		if i < len(options) {
			return options[i]
		}
		return strconv.Itoa(i + 1)
	}
	var parts []string
	switch {
	case c.Choice != "":
		return choiceWords(ctx, c.Choice)
	case c.Marks != nil:
		for _, i := range c.Marks {
			parts = append(parts, name(i))
		}
	case c.Points != nil:
		for i, x := range c.Points {
			if x != 0 {
				parts = append(parts, name(i)+" "+strconv.FormatInt(x, 10))
			}
		}
	case c.Ranks != nil:
		order := make([]int, 0, len(c.Ranks))
		for i, x := range c.Ranks {
			if x > 0 {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return c.Ranks[a] - c.Ranks[b] })
		for _, i := range order {
			parts = append(parts, strconv.Itoa(c.Ranks[i])+". "+name(i))
		}
	case c.Answer != nil:
		for i, x := range c.Answer {
			if x >= 0 {
				parts = append(parts, name(i)+": "+answerWords(ctx, m.Method, x))
			}
		}
	case c.Words != nil:
		for i, x := range c.Words {
			if x != "" {
				parts = append(parts, name(i)+": "+x)
			}
		}
	}
	if len(parts) == 0 {
		return t(ctx, "nothing marked")
	}
	return strings.Join(parts, " · ")
}

func choiceWords(ctx context.Context, choice string) string {
	switch choice {
	case Agree:
		return t(ctx, "Agree")
	case Abstain:
		return t(ctx, "Abstain")
	case Disagree:
		return t(ctx, "Disagree")
	case Block:
		return t(ctx, "Block")
	case Consents:
		return t(ctx, "Consent")
	case Object:
		return t(ctx, "Objection")
	case Integrate:
		return t(ctx, "My objection is met")
	}
	return choice
}

func choiceHint(ctx context.Context, choice string, r *rulebook.Rule) string {
	switch choice {
	case Abstain:
		return t(ctx, "counts for the quorum only")
	case Block:
		if r.Override.Num > 0 {
			return t(ctx, "stops it, unless %s %% agree", r.Override.Percent())
		}
		return t(ctx, "stops it")
	case Object:
		return t(ctx, "stops it until it is met")
	}
	return ""
}

// choiceHue is "" for what is not one word.
func choiceHue(choice string) string {
	switch choice {
	case "":
		return ""
	case Agree, Consents, Integrate:
		return "green"
	case Disagree:
		return "orange"
	case Block, Object:
		return "red"
	}
	return "plain"
}

func answerWords(ctx context.Context, method string, i int) string {
	if method == rulebook.Times {
		return []string{t(ctx, "yes"), t(ctx, "if need be"), t(ctx, "no")}[i]
	}
	return []string{t(ctx, "in"), t(ctx, "maybe"), t(ctx, "out")}[i]
}

func quorumWords(ctx context.Context, m *Motion, r *rulebook.Rule) string {
	share := r.Quorum
	if m.Again {
		share = r.AgainQuorum
	}
	if share.Num == 0 {
		return t(ctx, "no quorum is asked for")
	}
	needed := rulebook.Needed(share, m.QuorumBase)
	if m.Votes >= needed {
		return t(ctx, "quorum of %d reached", needed)
	}
	return t(ctx, "quorum is %d", needed)
}

// results are the numbers of a count, as bars.
func results(ctx context.Context, m *Motion, r tally.Result) []resultView {
	var out []resultView
	top := 1
	for _, x := range r.Tallies {
		if v, err := strconv.Atoi(x.Value); err == nil {
			top = max(top, v)
		}
	}
	if m.Method == rulebook.Proposal || m.Method == rulebook.Consent {
		top = max(1, r.Voted)
	}
	for _, x := range r.Tallies {
		v := resultView{Label: x.Option, Value: x.Value, Hue: "violet", Won: slices.Contains(r.Elected, x.Option)}
		if m.Method == rulebook.Proposal || m.Method == rulebook.Consent {
			v.Label, v.Hue = choiceWords(ctx, strings.ToLower(x.Option)), choiceHue(strings.ToLower(x.Option))
		}
		if f, err := strconv.Atoi(x.Value); err == nil && f > 0 {
			v.Share = float64(f) / float64(top)
		}
		if m.Method == rulebook.Count || m.Method == rulebook.Times {
			var parts []string
			for i, part := range x.Parts {
				parts = append(parts, part.Value+" "+answerWords(ctx, m.Method, min(i, 2)))
				if f, err := strconv.Atoi(part.Value); err == nil {
					v.Parts = append(v.Parts, ui.BarPart{Share: float64(f) / float64(max(1, m.RollSize)), Hue: []string{"green", "gold", "plain"}[min(i, 2)]})
				}
			}
			v.Value = strings.Join(parts, ", ")
		} else {
			v.Parts = []ui.BarPart{{Share: v.Share, Hue: v.Hue}}
		}
		out = append(out, v)
	}
	return out
}

// verdict is the result in one line.
func verdict(ctx context.Context, m *Motion, r tally.Result) string {
	if m.Method == rulebook.Questions {
		return n(ctx, "%d member answered.", "%d members answered.", m.Votes, m.Votes)
	}
	counted := !m.CountedAt.IsZero()
	for _, c := range r.Checks {
		if c.Name == "threshold" || c.Name == "override" {
			words := t(ctx, "%d of %d agree; %d are needed.", c.Have, c.Of, c.Least)
			if counted {
				return upper(outcomeWords(ctx, m.Outcome)) + ". " + words
			}
			return words
		}
	}
	switch {
	case counted && len(r.Elected) > 0:
		return t(ctx, "%s was chosen.", r.Elected[0])
	case counted:
		return upper(outcomeWords(ctx, m.Outcome)) + "."
	case len(r.Elected) > 0:
		return t(ctx, "%s is ahead.", r.Elected[0])
	}
	return ""
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func changes(before, after []effect.Line) []changeView {
	var out []changeView
	for _, a := range after {
		v := changeView{Name: a.Name, After: a.Text}
		if i := slices.IndexFunc(before, func(b effect.Line) bool { return b.Name == a.Name }); i >= 0 {
			v.Before = before[i].Text
		}
		if v.Before != v.After {
			out = append(out, v)
		}
	}
	for _, b := range before {
		if !slices.ContainsFunc(after, func(a effect.Line) bool { return a.Name == b.Name }) {
			out = append(out, changeView{Name: b.Name, Before: b.Text})
		}
	}
	return out
}

// thread puts comments in the order they are read: answers below what they answer.
func thread(all []Comment, reactions []Reaction, people map[id.ID]ui.Person, me id.ID) []commentView {
	below := map[id.ID][]Comment{}
	for _, c := range all {
		below[c.Parent] = append(below[c.Parent], c)
	}
	by := map[id.ID][]Reaction{}
	for _, r := range reactions {
		by[r.Comment] = append(by[r.Comment], r)
	}
	var out []commentView
	var walk func(parent id.ID, depth int)
	walk = func(parent id.ID, depth int) {
		for _, c := range below[parent] {
			v := commentView{Comment: c, Person: people[c.Member], Depth: min(depth, 3), Mine: c.Member == me}
			for _, e := range Emojis {
				r := reactionView{Emoji: e}
				for _, x := range by[c.ID] {
					if x.Emoji == e {
						r.N++
						r.Mine = r.Mine || x.Member == me
					}
				}
				v.Reactions = append(v.Reactions, r)
			}
			out = append(out, v)
			walk(c.ID, depth+1)
		}
	}
	walk(0, 0)
	return out
}

func amendmentViews(list []Amendment, texts []Text, people map[id.ID]ui.Person, m *Motion, me id.ID) []amendmentView {
	var out []amendmentView
	for _, a := range list {
		v := amendmentView{Amendment: a, Person: people[a.Member], Mine: a.Member == me && me != 0, Fits: a.Base == m.TextVersion}
		for _, x := range texts {
			if x.Version == a.Base {
				v.Old = x.Text
			}
		}
		out = append(out, v)
	}
	return out
}

// template is a start for a motion.
type template struct {
	Name, Title, Line string
	Effect            string // kind of effect, "" none
	Method            string
}

func templates(ctx context.Context) []template {
	return []template{
		{"resolution", t(ctx, "Resolution"), t(ctx, "Say what the co-op thinks or wants; nothing in the program changes."), "", rulebook.Proposal},
		{"block", t(ctx, "Block or limit a server"), t(ctx, "Refuse another server, or show less of it."), "moderation.block", rulebook.Proposal},
		{"group", t(ctx, "Form a group"), t(ctx, "A working group, circle or board with an aim and a domain."), "body.create", rulebook.Proposal},
		{"appoint", t(ctx, "Fill an office"), t(ctx, "Give a member powers in a group, for a term."), "mandate.appoint", rulebook.Proposal},
		{"recall", t(ctx, "Recall an officer"), t(ctx, "End a mandate before its term."), "mandate.recall", rulebook.Proposal},
		{"rule", t(ctx, "Change a rule"), t(ctx, "How the members or the groups decide."), "rule.adopt", rulebook.Proposal},
		{"setting", t(ctx, "Change a setting"), t(ctx, "Name, description, ways to join, rules of conduct."), "coop.describe", rulebook.Proposal},
		{"statement", t(ctx, "Publish a statement"), t(ctx, "A post in the co-op's name."), "coop.publish", rulebook.Proposal},
		{"alternatives", t(ctx, "Choose between alternatives"), t(ctx, "Members rank them, with “no change” among them."), "", rulebook.Ranking},
		{"times", t(ctx, "Find a time to meet"), t(ctx, "Who can come when."), "", rulebook.Times},
		{"questions", t(ctx, "Ask a round of questions"), t(ctx, "Everybody answers in words."), "", rulebook.Questions},
	}
}

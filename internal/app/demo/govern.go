package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/mandate"
	"rochdale/internal/moderation"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
)

const day = 24 * time.Hour

// happening is one thing that the members do, so long before the demo's present.
type happening struct {
	ago time.Duration
	do  func(ctx context.Context) error
}

// govern does what is due until an instant, and lets the bylaws' clock run as it does where somebody
// looks at it every few hours.
func (f *filler) govern(ctx context.Context, until time.Time) error {
	for len(f.script) > 0 && !f.Until.Add(-f.script[0].ago).After(until) {
		h := f.script[0]
		f.script = f.script[1:]
		if err := f.pass(ctx, f.Until.Add(-h.ago)); err != nil {
			return err
		}
		if err := h.do(ctx); err != nil {
			return fmt.Errorf("%s ago: %w", h.ago, err)
		}
	}
	return f.pass(ctx, until)
}

// pass lets time go by until an instant.
func (f *filler) pass(ctx context.Context, until time.Time) error {
	until = until.Truncate(time.Millisecond) // clocks know no less
	for now := f.Past.Now(); now.Before(until); now = f.Past.Now() {
		next := now.Add(6 * time.Hour)
		if next.After(until) {
			next = until
		}
		f.Past.Set(next)
		if err := f.tick(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) tick(ctx context.Context) error {
	for _, step := range []func(context.Context) error{f.Decision.Advance, f.Election.Advance, f.Mandate.Sweep, f.Mandate.Lapse, f.Decision.AskAboutEmergencies} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func carries(kind string, args any) []decision.Proposed {
	b, err := json.Marshal(args)
	if err != nil {
		panic(err) // a map of plain values
	}
	return []decision.Proposed{{Option: -1, Stored: effect.Stored{Kind: kind, Args: b}}}
}

type args = map[string]any

// discuss drafts and publishes a motion, with a few words about it.
func (f *filler) discuss(ctx context.Context, who string, d decision.Drafting, talk ...[2]string) (decision.Motion, error) {
	by := f.actors[who]
	m, err := f.Decision.Draft(ctx, by, d)
	if err != nil {
		return m, err
	}
	if m, err = f.Decision.Publish(ctx, by, m.ID); err != nil {
		return m, err
	}
	var last id.ID
	for i, line := range talk {
		f.Past.Advance(time.Duration(7+f.rnd.IntN(50)) * time.Minute)
		parent := id.ID(0)
		if i%2 == 1 {
			parent = last
		}
		c, err := f.Decision.Comment(ctx, f.actors[line[0]], m.ID, parent, line[1])
		if err != nil {
			return m, err
		}
		last = c.ID
		for _, fan := range f.names[f.rnd.IntN(20):][:f.rnd.IntN(4)] {
			if err := f.Decision.React(ctx, f.actors[fan], c.ID, decision.Emojis[f.rnd.IntN(3)], true); err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

// poll lets members vote: of a hundred who take part so many agree and disagree; a few say why.
func (f *filler) poll(ctx context.Context, m decision.Motion, turnout, agree, disagree int, reasons map[string]string) error {
	roll, err := f.Decision.Electorate(ctx, f.DB, m.ID)
	if err != nil {
		return err
	}
	on := map[id.ID]bool{}
	for _, x := range roll {
		on[x] = true
	}
	for i, name := range f.names {
		by := f.actors[name]
		if !on[by.Member] || i > 0 && f.rnd.IntN(100) >= turnout || i == 0 && turnout < 100 && m.Mover != by.Member {
			continue
		}
		word := decision.Abstain
		switch n := f.rnd.IntN(100); {
		case n < agree || m.Mover == by.Member:
			word = decision.Agree
		case n < agree+disagree:
			word = decision.Disagree
		}
		reason := reasons[name]
		if reason == "block" {
			word, reason = decision.Block, "I would have to leave if we did this: it breaks the promise we made to those who joined."
		}
		if _, err := f.Decision.Cast(ctx, by, m.ID, decision.Choice{Choice: word}, reason); err != nil {
			return err
		}
	}
	return nil
}

// decide puts a motion, calls it at once and lets the members vote.
func (f *filler) decide(who string, d decision.Drafting, turnout, agree, disagree int, reasons map[string]string, talk ...[2]string) func(context.Context) error {
	return func(ctx context.Context) error {
		if d.Body == 0 && len(d.Effects) > 0 && d.Effects[0].Kind == mandate.CreateBody {
			root, err := f.Mandate.Root(ctx, f.DB)
			if err != nil {
				return err
			}
			d.Effects = carries(mandate.CreateBody, with(d.Effects[0].Args, "parent", root.ID))
		}
		m, err := f.discuss(ctx, who, d, talk...)
		if err != nil {
			return err
		}
		if m, err = f.Decision.Call(ctx, f.actors[who], m.ID, decision.Calling{}); err != nil {
			return err
		}
		f.put[d.Title] = m
		return f.poll(ctx, m, turnout, agree, disagree, reasons)
	}
}

func with(raw json.RawMessage, key string, value any) args {
	out := args{}
	_ = json.Unmarshal(raw, &out) // made just above
	out[key] = value
	return out
}

func group(handle, name, aim string, domain ...string) []decision.Proposed {
	return carries(mandate.CreateBody, args{"kind": mandate.WorkingGroup, "handle": handle, "name": name, "aim": aim, "domain": domain, "seats": 0, "joining": mandate.Open})
}

// appoint moves to fill an office and lets the members agree.
func (f *filler) appoint(mover, who, handle, office string, days int, powers ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		b, err := f.Mandate.BodyByHandle(ctx, f.DB, handle)
		if err != nil {
			return err
		}
		return f.decide(mover, decision.Drafting{Title: fmt.Sprintf("%s as %s of %s", f.name(ctx, who), office, b.Name),
			Effects: carries(mandate.Appoint, args{"body": b.ID, "member": f.actors[who].Member, "office": office, "powers": powers, "days": days})}, 70, 90, 4, nil)(ctx)
	}
}

func (f *filler) name(ctx context.Context, who string) string {
	m, err := f.Member.Get(ctx, f.DB, f.actors[who].Member)
	if err != nil {
		return who
	}
	return m.Name
}

// accept lets everybody take up what they were given, and the groups fill.
func (f *filler) accept(ctx context.Context) error {
	for i, g := range []struct {
		handle string
		people []string
	}{{"care", []string{"saoirse", "kofi", "lena", "elif", "noa"}}, {"tech", []string{"mara", "pilar", "tom"}}, {"finance", []string{"jun", "didac", "aroha", "lena"}}} {
		b, err := f.Mandate.BodyByHandle(ctx, f.DB, g.handle)
		if err != nil {
			return err
		}
		for _, p := range g.people {
			if err := f.Mandate.Join(ctx, f.actors[p], b.ID); err != nil && !fault.Is(err, fault.Conflict) {
				return err
			}
		}
		list, err := f.Mandate.InBody(ctx, b.ID)
		if err != nil {
			return err
		}
		for _, m := range list {
			if m.AcceptedAt.IsZero() && m.Office != "Deputy" {
				if err := f.Mandate.Accept(ctx, f.byMember(m.MemberID), m.ID); err != nil {
					return err
				}
			}
		}
		if i == 0 {
			for _, text := range []string{"The shared mailbox, and who answers it on which day", "How we write a warning: three examples that worked"} {
				if err := f.Mandate.AddHandover(ctx, f.actors["saoirse"], b.ID, "Moderator", text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (f *filler) byMember(who id.ID) authz.Actor {
	for _, a := range f.actors {
		if a.Member == who {
			return a
		}
	}
	return authz.Actor{}
}

func (f *filler) describe(ctx context.Context, change func(*args)) ([]decision.Proposed, error) {
	c, err := f.Coop.Get(ctx)
	if err != nil {
		return nil, err
	}
	a := args{"name": c.Name, "description": c.Description, "joining": c.Joining, "conduct": c.Conduct}
	change(&a)
	return carries(coop.Power, a), nil
}

// decisions is the script of the co-op's first months: a motion in every state there is.
func (f *filler) decisions() []happening {
	return []happening{
		{45 * day, f.decide("mara", decision.Drafting{Title: "Form the Care circle", Text: "We need people whom members can turn to when something hurts, and who may act. The circle answers reports within a day and tells us every month what it did.",
			Effects: group("care", "Care circle", "Keep this a place where people can speak without fear: reports, warnings, and other servers.", "moderation.*", "member.admit", "member.ask")}, 90, 92, 3, nil,
			[2]string{"saoirse", "I have done this elsewhere. Two of us on call each week is enough for forty people."}, [2]string{"kofi", "Then let us write down from the start when a turn ends."})},
		{45*day - time.Hour, f.decide("pilar", decision.Drafting{Title: "Form the Tech group", Text: "Keeps the machine running, the backups tested and the costs known.",
			Effects: group("tech", "Tech group", "Keep the place up, safe and affordable.", "webhook.manage", "coop.describe")}, 80, 95, 2, nil)},
		{45*day - 2*time.Hour, f.decide("didac", decision.Drafting{Title: "Form the Finance circle", Text: "Dues, bills and the books, open to all of us.",
			Effects: group("finance", "Finance circle", "Dues, bills and open books.")}, 80, 95, 2, nil)},
		{34 * day, f.appoint("mara", "saoirse", "care", "Moderator", 39, moderation.Block, moderation.Suspend)},
		{34*day - time.Hour, f.appoint("saoirse", "kofi", "care", "Moderator", 360, moderation.Block, moderation.Suspend)},
		{34*day - 2*time.Hour, f.appoint("mara", "lena", "care", "Membership secretary", 360, "member.admit", "member.ask")},
		{34*day - 3*time.Hour, f.decide("saoirse", decision.Drafting{Title: "Block spam.example", Text: "Nine in ten posts from there are advertisements, and nobody answers reports.",
			Effects: carries(moderation.Block, args{"domain": "spam.example", "level": string(social.LevelBlock)})}, 85, 88, 6, map[string]string{"tom": "I looked through the last hundred. Yes.", "aroha": "Let us look at it again in a year."},
			[2]string{"tom", "Is there anybody there whom one of us follows?"}, [2]string{"saoirse", "Nobody. I checked before I wrote this."})},
		{30 * day, f.decide("tom", decision.Drafting{Title: "Put the co-op's name on bus shelters", Text: "A poster in three shelters for a month. I can get a good price."}, 62, 18, 62, map[string]string{"noa": "Lovely idea, wrong month: hosting goes up in spring."})},
		{29 * day, f.decide("elif", decision.Drafting{Title: "Let visitors read everything members write", Text: "Local posts become public unless marked otherwise."}, 70, 55, 30, map[string]string{"lena": "block", "aroha": "block"},
			[2]string{"lena", "Many of us joined because that is not so."}, [2]string{"elif", "I had not thought of that. Thank you for saying it plainly."})},
		{25 * day, f.accept},
		{24 * day, func(ctx context.Context) error {
			list, err := f.Rulebook.History(ctx, rulebook.Group)
			if err != nil {
				return err
			}
			r := list[0].Rule
			r.Open = 5
			return f.decide("lena", decision.Drafting{Title: "Five days for the votes of groups", Text: "Three days miss everybody who is away for a weekend.",
				Effects: carries(rulebook.Adopt, args{"rule": r})}, 75, 90, 5, nil)(ctx)
		}},
		{20 * day, func(ctx context.Context) error {
			m, err := f.discuss(ctx, "noa", decision.Drafting{Title: "Plant a tree for every hundred members", Text: "We know a hillside."}, [2]string{"didac", "We have forty members."})
			if err != nil {
				return err
			}
			_, err = f.Decision.Withdraw(ctx, f.actors["noa"], m.ID, "I come back when we are a hundred.")
			return err
		}},
		{19 * day, func(ctx context.Context) error {
			b, err := f.Mandate.BodyByHandle(ctx, f.DB, "care")
			if err != nil {
				return err
			}
			return f.decide("kofi", decision.Drafting{Body: b.ID, Title: "Limit loud.example", Text: "Not harmful, only very many posts. A limit keeps them out of the public timelines; whoever follows somebody there still sees them.",
				Effects: carries(moderation.Block, args{"domain": "loud.example", "level": string(social.LevelLimit)})}, 100, 90, 5, nil)(ctx)
		}},
		{15 * day, func(ctx context.Context) error { // called in during its window
			for _, who := range []string{"tom", "pilar", "noa"} {
				if _, err := f.Decision.Support(ctx, f.actors[who], f.put["Limit loud.example"].ID, decision.CallIn, "Some of us have friends there: let all decide."); err != nil {
					return err
				}
			}
			next, err := f.Decision.Followers(ctx, f.actors["mara"], f.put["Limit loud.example"].ID)
			if err != nil || len(next) == 0 {
				return err
			}
			return f.poll(ctx, next[0], 80, 45, 40, nil)
		}},
		{14 * day, func(ctx context.Context) error { // two motions change the same thing: the second is stale
			for i, d := range []decision.Drafting{
				{Title: "Say in the description that we meet every month", Text: "Newcomers ask."}, {Title: "A shorter description", Text: "Two sentences are enough."}} {
				var err error
				if d.Effects, err = f.describe(ctx, func(a *args) {
					(*a)["description"] = []string{"A small place on the fediverse that its members own. We pay for it, decide about it and look after it together, and meet on the last Sunday of the month. Nothing here is ranked, sold or watched.",
						"A small place on the fediverse that its members own. Nothing here is ranked, sold or watched."}[i]
				}); err != nil {
					return err
				}
				if err := f.decide([]string{"aroha", "elif"}[i], d, 60, 85, 8, nil)(ctx); err != nil {
					return err
				}
			}
			return nil
		}},
		{13 * day, func(ctx context.Context) error { // urgent, and ratified afterwards
			m, err := f.discuss(ctx, "saoirse", decision.Drafting{Title: "Block raid.example until the raid is over", Text: "Coordinated abuse since last night.",
				Effects: carries(moderation.Block, args{"domain": "raid.example", "level": string(social.LevelBlock)})})
			if err != nil {
				return err
			}
			if m, err = f.Decision.Call(ctx, f.actors["saoirse"], m.ID, decision.Calling{For: day, Urgent: "it is happening now"}); err != nil {
				return err
			}
			f.put["raid"] = m
			return f.poll(ctx, m, 55, 96, 2, nil)
		}},
		{9*day + 20*time.Hour, func(ctx context.Context) error {
			next, err := f.Decision.Followers(ctx, f.actors["mara"], f.put["raid"].ID)
			if err != nil || len(next) == 0 {
				return err
			}
			return f.poll(ctx, next[0], 70, 95, 2, nil)
		}},
		{9 * day, func(ctx context.Context) error {
			m, err := f.discuss(ctx, "jun", decision.Drafting{Title: "What the newsletter is called", Method: rulebook.Ranking, Settings: decision.Settings{Options: []decision.Option{{Title: "High Water"}, {Title: "The Tide Table"}, {Title: "Flotsam"}}}})
			if err != nil {
				return err
			}
			if m, err = f.Decision.Call(ctx, f.actors["jun"], m.ID, decision.Calling{}); err != nil {
				return err
			}
			for _, name := range f.names[:26] {
				r := f.rnd.Perm(4)
				r[1] = 0
				if _, err := f.Decision.Cast(ctx, f.actors[name], m.ID, decision.Choice{Ranks: []int{r[0] + 1, r[1] + 1, r[2] + 2, r[3] + 2}}, ""); err != nil && !fault.Is(err, fault.Forbidden) {
					return err
				}
			}
			return nil
		}},
		{7 * day, f.decide("kofi", decision.Drafting{Title: "Warn before pictures of food when people fast", Text: "A line in the rules of conduct, for the weeks in which many of us fast."}, 66, 74, 14, map[string]string{"elif": "Teşekkürler, Kofi."},
			[2]string{"tom", "Does this bind anybody?"}, [2]string{"kofi", "It asks. Nothing in the program changes."})},
		{4 * day, f.decide("aroha", decision.Drafting{Title: "Lend our books to the library next door", Text: "A shelf of theirs in our room, a shelf of ours in theirs, for a year."}, 40, 80, 10, map[string]string{"mara": ""},
			[2]string{"saoirse", "Who keeps the list?"}, [2]string{"aroha", "I do, on paper and here."})},
		{3 * day, func(ctx context.Context) error {
			effects, err := f.describe(ctx, func(a *args) {
				(*a)["conduct"] = (*a)["conduct"].(string) + "\nAsk before you photograph somebody at a meeting."
			})
			if err != nil {
				return err
			}
			m, err := f.discuss(ctx, "lena", decision.Drafting{Title: "Ask before you photograph somebody", Text: "We add a line to the rules of conduct: ask before you photograph somebody at a meeting.\n\nLast month a picture went round that two people in it did not want.", Effects: effects},
				[2]string{"jun", "写真を撮る前に聞く、賛成です。"}, [2]string{"lena", "Danke, Jun. Wir sagen es am Anfang jedes Treffens."}, [2]string{"tom", "What about crowds?"}, [2]string{"aroha", "If you can tell who it is, ask."})
			if err != nil {
				return err
			}
			a, err := f.Decision.Amend(ctx, f.actors["aroha"], m.ID, "We add a line to the rules of conduct: ask before you photograph somebody at a meeting, and before you publish it.\n\nLast month a picture went round that two people in it did not want.", "publishing is the part that hurts")
			if err != nil {
				return err
			}
			if err := f.Decision.Answer(ctx, f.actors["lena"], a.ID, decision.AmendmentAccepted, "Yes, better."); err != nil {
				return err
			}
			if m, err = f.Decision.Call(ctx, f.actors["lena"], m.ID, decision.Calling{}); err != nil {
				return err
			}
			return f.poll(ctx, m, 55, 82, 8, map[string]string{"kofi": "It costs nothing and helps some of us a lot.", "pilar": "Sí, por favor."})
		}},
		{2 * day, func(ctx context.Context) error {
			m, err := f.discuss(ctx, "saoirse", decision.Drafting{Title: "When do we meet in December?", Method: rulebook.Times, Settings: decision.Settings{Options: []decision.Option{{Title: "Sunday 13, 17:00 UTC"}, {Title: "Wednesday 16, 19:00 UTC"}, {Title: "Sunday 20, 11:00 UTC"}}}})
			if err != nil {
				return err
			}
			if m, err = f.Decision.Call(ctx, f.actors["saoirse"], m.ID, decision.Calling{}); err != nil {
				return err
			}
			for _, name := range f.names[1:18] {
				if _, err := f.Decision.Cast(ctx, f.actors[name], m.ID, decision.Choice{Answer: []int{f.rnd.IntN(3), f.rnd.IntN(3), f.rnd.IntN(3)}}, ""); err != nil && !fault.Is(err, fault.Forbidden) {
					return err
				}
			}
			return nil
		}},
		{36 * time.Hour, func(ctx context.Context) error {
			m, err := f.discuss(ctx, "didac", decision.Drafting{Title: "Tea and a room for the January assembly", Text: "We rent the hall of the rowing club for one evening, and buy tea, milk and biscuits."},
				[2]string{"noa", "Oat milk as well, please."}, [2]string{"didac", "Anotat."})
			if err != nil {
				return err
			}
			_, err = f.Decision.Amend(ctx, f.actors["noa"], m.ID, "We rent the hall of the rowing club for one evening, and buy tea, oat milk and biscuits.", "nobody is left out, and it keeps")
			return err
		}},
		{30 * time.Hour, func(ctx context.Context) error {
			m, err := f.discuss(ctx, "tom", decision.Drafting{Title: "A general meeting about the winter costs", Text: "Let us talk about it together before the bills come.", Petition: true})
			if err != nil {
				return err
			}
			_, err = f.Decision.Support(ctx, f.actors["tom"], m.ID, decision.Petition, "")
			return err
		}},
		{20 * time.Hour, func(ctx context.Context) error { // what the operator did from the shell waits to be ratified
			return f.Moderate.SetDomain(ctx, authz.Actor{Via: authz.Operator}, "flood.example", social.LevelLimit, "its posts filled the disk in the night")
		}},
		{19 * time.Hour, func(ctx context.Context) error {
			_, err := f.Decision.Draft(ctx, f.actors["mara"], decision.Drafting{Title: "Two deputies for every office", Text: "So that nobody has to read their mail on holiday.\n\nTo be finished with Saoirse."})
			return err
		}},
		{50 * time.Minute, f.tick},
	}
}

package demo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/moderation"
	"rochdale/internal/rulebook"
)

// elections are the co-op's elections: one that is done, one to vote in, a members' budget, and one for
// which nominations are open.
func (f *filler) elections() []happening {
	return []happening{
		{36 * day, f.hold("saoirse", "Elect two more moderators", "moderators", args{"office": "Moderator", "seats": 2, "days": 365, "powers": []string{moderation.Suspend},
			"text": "They answer reports within a day, warn before they act, and tell us every month what they did."}, "care")},
		{27 * day, f.stand("moderators", map[string]string{
			"amina": "For twenty years I have translated between people who would not talk to each other. Écouter d’abord.",
			"yusuf": "Patience is my trade. I will answer within two days, and say so when I do not know.",
			"nadia": "I am used to being called at night. I keep what I hear to myself.",
			"oskar": "Most things can be repaired. Some should be left alone. I will try to tell you which.",
			"hanna": "I would write down every case without names, so that we learn from them.",
			"maeve": "An archivist never forgets and never tells.",
		})},
		{26 * day, f.ask("moderators", "gwen", "What do you do if a friend of yours is in a case?", map[string]string{"amina": "I step back and say why.", "nadia": "The other one takes it.", "oskar": "Ask me to leave the room."})},
		{8 * day, f.ballots("moderators", 31)},
		{84 * time.Hour, f.takeUp("moderators")},
		{30 * day, f.hold("didac", "Elect a treasurer", "treasurer", args{"office": "Treasurer", "seats": 1, "days": 365,
			"text": "Keeps the books open and explains them at every assembly."}, "finance")},
		{21 * day, f.stand("treasurer", map[string]string{
			"jun":   "帳簿はみんなのもの。毎月、誰でも読める形で出します。 The books belong to all of us: every month, in a form that anybody can read.",
			"zola":  "Minutes are a love letter, and so is a balance sheet. I have kept both for a housing co-op of ninety homes.",
			"aroha": "Boats float because somebody counts the stones. I will count them aloud.",
			"luca":  "Ogni spesa con il suo perché. Each expense with its reason.",
		})},
		{20 * day, f.ask("treasurer", "tom", "Can we afford the bus shelters now?", map[string]string{"zola": "Show me the quote, and I show you the line.", "jun": "まだです。Not yet."})},
		{40 * time.Hour, f.ballots("treasurer", 17)},
		{29 * day, f.hold("aroha", "Two hundred for small things: let members choose", "budget", args{"kind": election.Budget, "sum": 20000, "decimals": 2,
			"text": "What would make the place better and costs little? Put it forward; then we all choose."}, "")},
		{20*day - 2*time.Hour, func(ctx context.Context) error {
			if err := f.announced(ctx); err != nil {
				return err
			}
			for _, p := range []struct {
				who, title, text string
				cost             int64
			}{
				{"anya", "Stickers for newcomers", "Drawn by me, printed next door.", 6000}, {"chidi", "A spare disk", "For the day on which one dies.", 9000},
				{"noa", "Seeds for the hillside", "A bag of each, and somebody to sow them.", 4000}, {"tom", "A picture for the shelter at the harbour", "Only one.", 11000},
				{"gwen", "Books on co-operatives, to lend", "Five, second hand.", 5000}} {
				if _, err := f.Election.Nominate(ctx, f.actors[p.who], f.held["budget"], 0, election.Candidacy{Title: p.title, Cost: p.cost, Statement: p.text}); err != nil {
					return err
				}
			}
			return nil
		}},
		{30 * time.Hour, f.ballots("budget", 12)},
		{19 * day, func(ctx context.Context) error {
			v, err := f.Rulebook.ForElection(ctx, f.DB, true)
			if err != nil {
				return err
			}
			r, e := v.Rule, v.Rule.ElectionIn()
			e.Scrutineers, e.Needed, e.Reveal = 3, 2, 3
			r.Election = &e
			return f.decide("bram", decision.Drafting{Title: "Seal ballots to scrutineers", Text: "Whoever runs the machine could read ballots as they come in, without names. Three of us can see to it that nobody reads one before the close.",
				Effects: carries(rulebook.Adopt, args{"rule": r})}, 75, 92, 3, nil)(ctx)
		}},
		{13 * day, f.hold("lena", "Elect two auditors", "auditors", args{"office": "Auditor", "seats": 2, "days": 730,
			"text": "Read the books and the record once a year, and tell the assembly what they found."}, "")},
		{3 * day, f.stand("auditors", map[string]string{"ines": "Sei contar, e sei perguntar.", "bram": "Ik lees graag kleine lettertjes. I like small print."})},
		{2 * day, f.scrutineers("auditors", "gwen", "tom", "noa", "chidi")},
	}
}

// scrutineers lets members offer to be scrutineers. Their codes are of their names: the demo's reader may play
// one of them.
func (f *filler) scrutineers(name string, who ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, w := range who {
			sum := sha256.Sum256([]byte(w))
			_, public, err := ballotbox.ScrutineerKey(ballotbox.Code(sum[:16]), ref.Ref{Kind: "election", ID: f.held[name]}.String())
			if err != nil {
				return err
			}
			if err := f.Election.OfferScrutiny(ctx, f.actors[w], f.held[name], public); err != nil {
				return fmt.Errorf("%s offers to be a scrutineer: %w", w, err)
			}
		}
		return nil
	}
}

// hold moves to hold an election and lets the members agree.
func (f *filler) hold(mover, title, name string, plan args, handle string) func(context.Context) error {
	return func(ctx context.Context) error {
		root, err := f.Mandate.Root(ctx, f.DB)
		if err != nil {
			return err
		}
		body := root.ID
		if handle != "" {
			b, err := f.Mandate.BodyByHandle(ctx, f.DB, handle)
			if err != nil {
				return err
			}
			body = b.ID
		}
		plan["body"] = body
		f.awaited = append(f.awaited, name)
		return f.decide(mover, decision.Drafting{Title: title, Effects: carries(election.Hold, plan)}, 72, 90, 4, nil)(ctx)
	}
}

// announced finds the elections that motions have announced since, in the order of the motions.
func (f *filler) announced(ctx context.Context) error {
	list, err := f.Election.List(ctx, 0, 50)
	if err != nil {
		return err
	}
	slices.Reverse(list)
	i := 0
	for _, e := range list {
		if e.OriginKind == election.ByDecision && i < len(f.awaited) {
			f.held[f.awaited[i]] = e.ID
			i++
		}
	}
	return nil
}

func (f *filler) stand(name string, statements map[string]string) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := f.announced(ctx); err != nil {
			return err
		}
		for _, who := range f.names { // in a fixed order
			words, ok := statements[who]
			if !ok {
				continue
			}
			f.Past.Advance(time.Duration(5+f.rnd.IntN(50)) * time.Minute)
			c, err := f.Election.Nominate(ctx, f.actors[who], f.held[name], f.actors[who].Member, election.Candidacy{Statement: words})
			if err != nil {
				return fmt.Errorf("%s stands: %w", who, err)
			}
			for _, fan := range f.names[f.rnd.IntN(20):][:2] {
				if fan != who {
					if err := f.Election.Endorse(ctx, f.actors[fan], c.ID); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
}

func (f *filler) ask(name, who, question string, answers map[string]string) func(context.Context) error {
	return func(ctx context.Context) error {
		q, err := f.Election.Ask(ctx, f.actors[who], f.held[name], question)
		if err != nil {
			return err
		}
		for _, c := range f.names {
			if answers[c] != "" {
				if err := f.Election.Reply(ctx, f.actors[c], q.ID, answers[c]); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// ballots lets so many members vote in secret.
func (f *filler) ballots(name string, voters int) func(context.Context) error {
	return func(ctx context.Context) error {
		e, err := f.Election.Get(ctx, f.DB, f.held[name])
		if err != nil {
			return err
		}
		v, ok, err := f.Ballot.Of(ctx, f.DB, e.Ref())
		if err != nil || !ok {
			return fmt.Errorf("vote on %s, which is %s (%s): %w", name, e.State, e.Cause, err)
		}
		q, err := v.Question()
		if err != nil {
			return err
		}
		roll, err := f.Ballot.OnRoll(ctx, f.DB, v.ID)
		if err != nil {
			return err
		}
		on := map[id.ID]bool{}
		for _, x := range roll {
			on[x] = true
		}
		n := len(q.Options)
		for _, who := range f.names {
			if !on[f.actors[who].Member] || who == "mara" { // the demo's guide has still to vote
				continue
			}
			if voters--; voters < 0 {
				break
			}
			choice := ballotbox.Choice{}
			if q.Method == ballotbox.Marks {
				choice.Marks = []int{}
				for i := range n {
					if f.rnd.IntN(3) > 0 {
						choice.Marks = append(choice.Marks, i)
					}
				}
			} else {
				choice.Rank = make([]int, n)
				order := f.rnd.Perm(n)
				if f.rnd.IntN(3) > 0 { // two of three begin with one of the first three
					at := slices.Index(order, f.rnd.IntN(min(n, 3)))
					order[0], order[at] = order[at], order[0]
				}
				for rank, o := range order[:1+f.rnd.IntN(n)] {
					choice.Rank[o] = rank + 1
				}
			}
			code, err := ballotbox.NewCode(rand.Reader)
			if err != nil {
				return err
			}
			if _, err := f.Ballot.VoteFor(ctx, f.actors[who], v.ID, code, "", choice); err != nil {
				return err
			}
		}
		return nil
	}
}

// takeUp lets the elected accept.
func (f *filler) takeUp(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		coming, err := f.Mandate.Coming(ctx, f.DB)
		if err != nil {
			return err
		}
		for _, m := range coming {
			if m.SourceID == f.held[name] && m.AcceptedAt.IsZero() {
				if err := f.Mandate.Accept(ctx, f.byMember(m.MemberID), m.ID); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

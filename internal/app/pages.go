package app

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"rochdale/internal/ballot"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/moderation"
	"rochdale/internal/social"
	"rochdale/internal/webhook"
	"rochdale/internal/witness"
)

// decisionPages connects the pages of motions with the frame and with what can be chosen in them.
func (a *App) decisionPages() *decision.Pages {
	return &decision.Pages{Service: a.Decision, Frame: a.Site.Frame, People: a.Site.People, Choices: a.choices, Booth: a.booth, Replies: a.replies}
}

func (a *App) ballotPages() *ballot.Pages {
	return &ballot.Pages{Service: a.Ballot, Frame: a.Site.Frame, People: a.Site.People, Subject: func(ctx context.Context, subject ref.Ref) (string, error) {
		target, _ := a.refs().Resolve(ctx, authz.Actor{}, subject)
		return target.URL, nil
	}}
}

func (a *App) electionPages() *election.Pages {
	return &election.Pages{Service: a.Election, Frame: a.Site.Frame, People: a.Site.People, Booth: a.booth,
		Members: func(ctx context.Context) ([]ui.Option, error) { return a.choices(ctx, "member") }}
}

// booth is the form in which the reader can vote in secret on an election or a motion.
func (a *App) booth(r *http.Request, subject ref.Ref) (templ.Component, bool, error) {
	v, ok, err := a.ballotPages().Booth(r, subject)
	return ballot.Booth(v), ok, err
}

func (a *App) webhookPages() *webhook.Pages {
	return &webhook.Pages{Service: a.Webhook, Frame: a.Site.Frame}
}

func (a *App) witnessPages() *witness.Pages {
	return &witness.Pages{Service: a.Witness, Frame: a.Site.Frame}
}

func (a *App) moderationPages() *moderation.Pages {
	return &moderation.Pages{Service: a.Moderation, Frame: a.Site.Frame}
}

// choices are what a field of an effect's form offers.
func (a *App) choices(ctx context.Context, kind string) ([]ui.Option, error) {
	var out []ui.Option
	switch kind {
	case "member":
		out = append(out, ui.Option{Value: "", Label: i18n.T(ctx, "Choose a member")})
		for after := int64(0); len(out) < 2000; {
			page, err := a.Member.List(ctx, after, 500)
			if err != nil || len(page) == 0 {
				return out, err
			}
			for _, m := range page {
				out = append(out, ui.Option{Value: m.ID.String(), Label: m.Name + " (@" + m.Username + ")"})
				after = m.Number
			}
		}
	case "body":
		all, err := a.Mandate.Bodies(ctx, a.DB)
		if err != nil {
			return nil, err
		}
		for _, b := range all {
			out = append(out, ui.Option{Value: b.ID.String(), Label: b.Name})
		}
	case "mandate":
		all, err := a.Mandate.Coming(ctx, a.DB)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			who, err := a.Member.Get(ctx, a.DB, m.MemberID)
			if err != nil {
				return nil, err
			}
			out = append(out, ui.Option{Value: m.ID.String(), Label: i18n.T(ctx, "%s of %s: %s, until %s", m.Office, m.BodyName, who.Name, i18n.Date(ctx, m.To))})
		}
	case "powers":
		for _, p := range a.Mandate.Powers() {
			if !p.Reserved {
				out = append(out, ui.Option{Value: p.Name, Label: i18n.T(ctx, p.What), Hint: p.Name})
			}
		}
	case "line":
		all, err := a.Rulebook.Current(ctx, a.DB)
		if err != nil {
			return nil, err
		}
		for _, v := range all {
			out = append(out, ui.Option{Value: v.Rule.Line, Label: i18n.T(ctx, v.Rule.Title)})
		}
	case "acts":
		all, err := a.Mandate.Emergencies(ctx, a.DB)
		if err != nil {
			return nil, err
		}
		for _, e := range all {
			out = append(out, ui.Option{Value: e.Act.String(), Label: e.Power, Hint: e.Reason})
		}
	}
	return out, nil
}

// replies are the public answers to the posts in which the co-op told of a motion.
func (a *App) replies(ctx context.Context, by authz.Actor, posts []id.ID) ([]decision.Reply, error) {
	var out []decision.Reply
	for _, p := range posts {
		_, below, err := a.Social.Thread(ctx, by, p)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, v := range below {
			if v.Visibility != social.Public && v.Visibility != social.Unlisted || v.Author == nil {
				continue
			}
			out = append(out, decision.Reply{Person: ui.Person{Name: v.Author.Name(), Handle: "@" + v.Author.Acct(), Href: "/@" + v.Author.Acct(), Hue: ui.HueOf("@" + v.Author.Acct())},
				HTML: v.Content, Href: "/@" + v.Author.Acct() + "/" + v.ID.String(), At: v.CreatedAt})
		}
	}
	return out, nil
}

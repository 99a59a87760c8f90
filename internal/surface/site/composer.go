package site

import (
	"context"
	"crypto/rand"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// composerView is the form that writes, answers or changes a post.
type composerView struct {
	Action, Back, Key       string
	Text, Warning, Language string
	Sensitive               bool
	Visibility, Widest      social.Visibility
	ReplyTo                 id.ID
	ReplyToName             string
	Pictures                []pictureView // uploaded already
	Edit, Autofocus         bool
	Problem                 form
}

func (c composerView) room() int { return max(0, media.MaxPerPost-len(c.Pictures)) }

func (c composerView) prompt(ctx context.Context) string {
	if c.ReplyTo != 0 {
		return t(ctx, "What is your answer?")
	}
	return t(ctx, "What would you like to tell people?")
}

func (c composerView) verb(ctx context.Context) string {
	switch {
	case c.Edit:
		return t(ctx, "Save")
	case c.ReplyTo != 0:
		return t(ctx, "Answer")
	}
	return t(ctx, "Post")
}

// blank is an empty composer with the member's defaults.
func (s *Service) blank(ctx context.Context, by authz.Actor, back string) (composerView, error) {
	me, err := s.Social.Account(ctx, s.DB, by.Account)
	if err != nil {
		return composerView{}, err
	}
	c := composerView{Action: "/posts", Back: back, Key: rand.Text(), Visibility: me.DefaultVisibility, Sensitive: me.DefaultSensitive, Language: me.DefaultLanguage}
	if c.Language == "" {
		c.Language, _, _ = strings.Cut(i18n.From(ctx).Tag(), "-")
	}
	return c, nil
}

// answer is a composer that answers a post: it greets whom the post speaks of, and is no wider.
func (s *Service) answer(ctx context.Context, by authz.Actor, p *postView) (composerView, error) {
	c, err := s.blank(ctx, by, p.Href)
	if err != nil {
		return c, err
	}
	c.ReplyTo, c.ReplyToName, c.Widest = p.ID, p.Author.Name, p.Visibility
	c.Visibility, c.Warning = max(c.Visibility, p.Visibility), p.Summary
	c.Sensitive = c.Sensitive && p.Summary != ""
	seen := map[id.ID]bool{by.Account: true}
	greet := func(i id.ID, acct string) {
		if !seen[i] {
			seen[i] = true
			c.Text += "@" + acct + " "
		}
	}
	greet(p.Author.ID, p.Author.Account.Acct())
	for _, m := range p.Mentioned {
		greet(m.ID, m.Acct())
	}
	return c, nil
}

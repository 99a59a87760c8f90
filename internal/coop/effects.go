package coop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/social"
)

// Effects are the changes of the co-op itself that a decision can carry.
func (s *Service) Effects() effect.Registry {
	return effect.Registry{
		{Name: Power, What: i18n.Key("Change a setting of the co-op"), New: func() effect.Effect { return &describeEffect{s: s} }, Fields: []effect.Field{
			{Name: "name", Label: i18n.Key("Name"), Kind: "text"},
			{Name: "description", Label: i18n.Key("Description"), Kind: "area", Optional: true},
			{Name: "joining", Label: i18n.Key("How people may join"), Kind: "select", Options: []string{ByApplication, ByInvitation, Closed}},
			{Name: "conduct", Label: i18n.Key("Rules of conduct"), Hint: i18n.Key("One rule a line."), Kind: "area", Optional: true}}},
		{Name: Publish, What: i18n.Key("Publish a statement in the co-op's name"), New: func() effect.Effect { return &publishEffect{s: s} }, Fields: []effect.Field{
			{Name: "text", Label: i18n.Key("The statement"), Kind: "area"}}},
	}
}

type describeEffect struct {
	s           *Service
	Name        string `json:"name"`
	Description string `json:"description"`
	Joining     string `json:"joining"`
	Conduct     string `json:"conduct"`
}

func (e *describeEffect) Target() authz.Target { return authz.Target{Kind: "coop", ID: 1} }

func (e *describeEffect) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	old, ok, err := getCoop.Find(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	if !ok {
		return effect.Change{}, ErrNotFounded
	}
	d := Description{e.Name, e.Description, e.Joining, e.Conduct, old.Contact}
	if err := d.check(); err != nil {
		return effect.Change{}, err
	}
	now, err := json.Marshal(old.state())
	if err != nil {
		return effect.Change{}, fmt.Errorf("check setting: %w", err)
	}
	base := sha256.Sum256(now)
	ch := effect.Change{Base: hex.EncodeToString(base[:8]), Title: i18n.T(ctx, "Change what the co-op says about itself")}
	for _, l := range [][3]string{{i18n.T(ctx, "Name"), old.Name, d.Name}, {i18n.T(ctx, "Description"), old.Description, d.Description},
		{i18n.T(ctx, "How people may join"), old.Joining, d.Joining}, {i18n.T(ctx, "Rules of conduct"), old.Conduct, d.Conduct}} {
		if l[1] != l[2] {
			ch.Before, ch.After = append(ch.Before, effect.Line{Name: l[0], Text: l[1]}), append(ch.After, effect.Line{Name: l[0], Text: l[2]})
		}
	}
	if len(ch.After) == 0 {
		return ch, fault.New(fault.Conflict, "That is so already.")
	}
	return ch, nil
}

func (e *describeEffect) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	old, ok, err := getCoop.Find(ctx, tx)
	if err != nil || !ok {
		return effect.Stored{}, err
	}
	d := Description{e.Name, e.Description, e.Joining, e.Conduct, old.Contact}
	if err := d.check(); err != nil {
		return effect.Stored{}, err
	}
	return e.s.describe(ctx, tx, by, d, reason)
}

type publishEffect struct {
	s    *Service
	Text string `json:"text"`
}

func (e *publishEffect) Target() authz.Target { return authz.Target{Kind: "coop", ID: 1} }

func (e *publishEffect) Check(ctx context.Context, _ db.Handle) (effect.Change, error) {
	e.Text = strings.TrimSpace(e.Text)
	if utf8.RuneCountInString(e.Text) == 0 || posttext.CharCount(e.Text) > social.MaxPost {
		return effect.Change{}, fault.Field("text", "A statement has 1 to %d characters.", social.MaxPost)
	}
	return effect.Change{Base: "new", Title: i18n.T(ctx, "Publish a statement in the co-op's name"), After: []effect.Line{{Name: i18n.T(ctx, "Statement"), Text: e.Text}}}, nil
}

// Apply publishes the statement as a public post. Other servers have it then, so that nothing undoes it.
func (e *publishEffect) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	c, ok, err := getCoop.Find(ctx, tx)
	if err != nil || !ok {
		return effect.Stored{}, err
	}
	p, err := e.s.social.PublishIn(ctx, tx, authz.Actor{Account: c.AccountID, Via: authz.Job}, social.Draft{Text: e.Text, Visibility: social.Public})
	if err != nil {
		return effect.Stored{}, err
	}
	_, err = e.s.mandate.Perform(ctx, tx, by, authz.Act{Power: Publish, Target: e.Target(), Reason: reason, Args: map[string]any{"post": p.ID, "text": e.Text}})
	return effect.Stored{}, err
}

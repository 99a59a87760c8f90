package moderation

import (
	"context"
	"fmt"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/webfinger"
	"rochdale/internal/social"
)

// Effects are the changes that a decision can carry.
func (s *Service) Effects() effect.Registry {
	return effect.Registry{
		{Name: Block, What: i18n.Key("Block, limit or free another server"), New: func() effect.Effect { return &setDomain{s: s} },
			Fields: []effect.Field{
				{Name: "domain", Label: i18n.Key("Server"), Hint: i18n.Key("Its name alone, such as bad.example. Its subdomains are covered."), Kind: "text"},
				{Name: "level", Label: i18n.Key("Level"), Hint: i18n.Key("block: nothing passes, and follows end. limit: only followers meet its posts. none: as any other."), Kind: "select",
					Options: []string{string(social.LevelBlock), string(social.LevelLimit), None}}}},
		{Name: Suspend, What: i18n.Key("Suspend, limit or free an account"), New: func() effect.Effect { return &setAccount{s: s} }, Concerns: s.concerns,
			Fields: []effect.Field{
				{Name: "account", Label: i18n.Key("Account"), Hint: i18n.Key("@name, or @name@domain for one of another server"), Kind: "text"},
				{Name: "level", Label: i18n.Key("Level"), Hint: i18n.Key("suspend: it can do nothing and is not seen. limit: only followers meet its posts. none: as any other."), Kind: "select",
					Options: []string{string(social.LevelSuspend), string(social.LevelLimit), None}},
				{Name: "class", Label: i18n.Key("Sort of reason"), Kind: "select", Options: Classes, Optional: true}}},
	}
}

// setDomain is the effect of the kind moderation.block, and what its act is recorded with.
type setDomain struct {
	s      *Service
	Domain string `json:"domain"`
	Level  string `json:"level"`
}

// Target implements effect.Effect.
func (e *setDomain) Target() authz.Target {
	t := authz.Target{Kind: "domain"}
	if d, err := e.s.social.DomainID(e.Domain); err == nil { // what is no domain Check refuses
		t.ID = d
	}
	return t
}

// Check implements effect.Effect.
func (e *setDomain) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	d, err := e.s.social.FindDomain(ctx, h, e.Domain)
	if err != nil {
		return effect.Change{}, err
	}
	level := read(e.Level)
	if e.Level == "" || level != social.LevelNone && level != social.LevelLimit && level != social.LevelBlock {
		return effect.Change{}, fault.Field("level", "A server can be limited or blocked, or neither.")
	}
	if d.Level == level {
		return effect.Change{}, fault.New(fault.Conflict, "That is the level of %s already.", d.Name)
	}
	ch := effect.Change{Base: d.Base(), Before: []effect.Line{levelLine(ctx, d.Level)}, After: []effect.Line{levelLine(ctx, level)}}
	switch level {
	case social.LevelBlock:
		ch.Title = i18n.T(ctx, "Block the server %s", d.Name)
		ties, err := e.s.social.TiesOfDomain(ctx, h, d.Name)
		if err != nil {
			return ch, err
		}
		ch.Before, ch.After = tied(ctx, ch, ties)
		return ch, nil
	case social.LevelLimit:
		ch.Title = i18n.T(ctx, "Limit the server %s", d.Name)
	default:
		ch.Title = i18n.T(ctx, "Free the server %s from every limit", d.Name)
	}
	ch.After, err = e.s.lost(ctx, h, ch.After, d.ID)
	return ch, err
}

// Apply implements effect.Effect.
func (e *setDomain) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	if e.Level == "" {
		return effect.Stored{}, fault.Field("level", "A server can be limited or blocked, or neither.")
	}
	return e.s.setDomain(ctx, tx, by, e.Domain, read(e.Level), reason)
}

// setAccount is the effect of the kind moderation.suspend. ID is not filled in by people: what undoes an act
// must find the same account, whatever it is called by then.
type setAccount struct {
	s       *Service
	Account string `json:"account"`
	ID      id.ID  `json:"id,omitempty"`
	Level   string `json:"level"`
	Class   string `json:"class,omitempty"`
}

// find is the account that the effect speaks of.
func (e *setAccount) find(ctx context.Context, h db.Handle) (*social.Account, error) {
	if e.ID != 0 {
		return e.s.social.Account(ctx, h, e.ID)
	}
	name, domain, elsewhere := strings.Cut(strings.TrimPrefix(strings.TrimSpace(e.Account), "@"), "@")
	var err error
	if elsewhere {
		if domain, err = webfinger.ParseHost(domain); err != nil {
			return nil, fault.Field("account", "%q is not an address. Write it like @name@domain.", e.Account)
		}
	}
	if name == "" {
		return nil, fault.Field("account", "Write whose account it is, like @name or @name@domain.")
	}
	a, err := e.s.social.KnownByName(ctx, h, name, domain)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "Nobody is known here by the name %s.", e.Account)
	}
	return a, err
}

// Target implements effect.Effect. A motion that names the account has no id yet; the act has.
func (e *setAccount) Target() authz.Target { return authz.Target{Kind: "account", ID: e.ID} }

// concerns is the member whose account it is.
func (s *Service) concerns(ctx context.Context, h db.Handle, e effect.Effect) (authz.Target, error) {
	set, ok := e.(*setAccount)
	if !ok {
		return authz.Target{}, nil
	}
	a, err := set.find(ctx, h)
	if err != nil || a.MemberID == 0 {
		return authz.Target{}, err
	}
	return authz.Target{Kind: "member", ID: a.MemberID}, nil
}

func (e *setAccount) measure() Measure { return Measure{Level: read(e.Level), Class: e.Class} }

// Check implements effect.Effect.
func (e *setAccount) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	a, err := e.find(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	m := e.measure()
	if e.Level == "" {
		m.Level = "?"
	}
	if err := checkMeasure(a, &m); err != nil {
		return effect.Change{}, err
	}
	// The account is part of it: a name may be somebody else's by then.
	ch := effect.Change{Base: fmt.Sprintf("%d:%s@%d", a.ID, a.Level(), a.LevelVersion),
		Before: []effect.Line{levelLine(ctx, a.Level())}, After: []effect.Line{levelLine(ctx, m.Level)}}
	if m.Class != "" {
		ch.After = append(ch.After, effect.Line{Name: i18n.T(ctx, "Sort of reason"), Text: m.Class})
	}
	switch m.Level {
	case social.LevelSuspend:
		ch.Title = i18n.T(ctx, "Suspend the account @%s", a.Acct())
		if a.Local() {
			return ch, nil
		}
		ties, err := e.s.social.TiesOfAccount(ctx, h, a.ID)
		if err != nil {
			return ch, err
		}
		ch.Before, ch.After = tied(ctx, ch, ties)
		return ch, nil
	case social.LevelLimit:
		ch.Title = i18n.T(ctx, "Limit the account @%s", a.Acct())
	default:
		ch.Title = i18n.T(ctx, "Free the account @%s from every limit", a.Acct())
	}
	ch.After, err = e.s.lost(ctx, h, ch.After, a.ID)
	return ch, err
}

// Apply implements effect.Effect.
func (e *setAccount) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	if e.Level == "" {
		return effect.Stored{}, fault.Field("level", "An account can be suspended or limited, or neither.")
	}
	a, err := e.find(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	return e.s.setAccount(ctx, tx, by, a.ID, e.measure(), reason)
}

func levelLine(ctx context.Context, level social.Level) effect.Line {
	return effect.Line{Name: i18n.T(ctx, "Level"), Text: Words(ctx, level)}
}

// Words say what a level means, in the reader's language.
func Words(ctx context.Context, level social.Level) string {
	switch level {
	case social.LevelBlock:
		return i18n.T(ctx, "blocked: nothing passes in either direction, and nothing of it is seen")
	case social.LevelSuspend:
		return i18n.T(ctx, "suspended: it can do nothing, and nothing of it is seen")
	case social.LevelLimit:
		return i18n.T(ctx, "limited: followers see its posts, others do not meet them")
	}
	return i18n.T(ctx, "none")
}

// tied adds the follows that will end to what a change says.
func tied(ctx context.Context, ch effect.Change, t social.Ties) (before, after []effect.Line) {
	name := i18n.T(ctx, "Follows to and from it")
	number := func(t social.Ties) effect.Line {
		return effect.Line{Name: name, Text: i18n.T(ctx, "%d of our members' follows, %d of theirs", t.Following, t.Followers)}
	}
	return append(ch.Before, number(t)), append(ch.After, number(social.Ties{}))
}

// lost adds what an earlier block has ended for good.
func (s *Service) lost(ctx context.Context, h db.Handle, after []effect.Line, cause id.ID) ([]effect.Line, error) {
	t, err := s.social.Severed(ctx, h, cause)
	if err != nil || t == (social.Ties{}) {
		return after, err
	}
	return append(after, effect.Line{Name: i18n.T(ctx, "Follows that had ended"),
		Text: i18n.T(ctx, "%d of our members' follows, %d of theirs; they do not come back by themselves", t.Following, t.Followers)}), nil
}

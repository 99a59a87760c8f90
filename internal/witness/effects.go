package witness

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/record"
)

// Effects are the changes of this feature that a decision can carry; no other way makes them.
func (s *Service) Effects() effect.Registry {
	host := effect.Field{Name: "host", Label: i18n.Key("Host of the other co-op"), Hint: i18n.Key("Such as coop.example."), Kind: "text"}
	key := effect.Field{Name: "key", Label: i18n.Key("Its witness key"), Hint: i18n.Key("It stands on the page /witness of the other co-op. Compare it over another channel, too."), Kind: "text"}
	return effect.Registry{
		{Name: Serve, What: i18n.Key("Witness the secret votes of another co-op"), New: func() effect.Effect { return &serving{s: s} }, Fields: []effect.Field{host, key}},
		{Name: Cease, What: i18n.Key("Stop witnessing the secret votes of another co-op"), New: func() effect.Effect { return &serving{s: s, end: true} }, Fields: []effect.Field{host, key}},
		{Name: Engage, What: i18n.Key("Ask another co-op to witness our secret votes"), New: func() effect.Effect { return &engaging{s: s} }, Fields: []effect.Field{host}},
		{Name: Dismiss, What: i18n.Key("Ask a co-op no more to witness our secret votes"), New: func() effect.Effect { return &engaging{s: s, end: true} }, Fields: []effect.Field{host}},
	}
}

func target() authz.Target { return authz.Target{Kind: "witness"} }

// serving is the effect of witnessing for another co-op, or of stopping to.
type serving struct {
	s    *Service
	Host string `json:"host"`
	Key  string `json:"key"`
	end  bool
}

func (e *serving) Target() authz.Target { return target() }

// find tidies the effect and gives the agreement that it ends, or the one that it makes.
func (e *serving) find(ctx context.Context, h db.Handle) (Agreement, error) {
	var err error
	if e.Host, err = e.s.readHost(e.Host); err != nil {
		return Agreement{}, err
	}
	e.Key = strings.TrimSpace(e.Key)
	if _, err := parseKey(e.Key); err != nil {
		return Agreement{}, err
	}
	a, ok, err := findServed.Find(ctx, h, e.Host)
	switch {
	case err != nil:
		return a, err
	case e.end && (!ok || a.KeyText != e.Key):
		return a, fault.New(fault.Conflict, "We do not witness for %s with this key.", e.Host)
	case !e.end && ok:
		return a, fault.New(fault.Conflict, "We witness for %s already.", e.Host)
	case !e.end:
		a = Agreement{Host: e.Host, KeyText: e.Key}
	}
	return a, nil
}

func (e *serving) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	a, err := e.find(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	lines := []effect.Line{{Name: i18n.T(ctx, "Co-op"), Text: a.Host}, {Name: i18n.T(ctx, "Witness key"), Text: a.KeyText}}
	if e.end {
		return effect.Change{Base: base(a.ID), Title: i18n.T(ctx, "Stop witnessing the secret votes of %s", a.Host), Before: lines}, nil
	}
	return effect.Change{Base: "none", Title: i18n.T(ctx, "Witness the secret votes of %s", a.Host), After: lines}, nil
}

func base(i id.ID) string { return fmt.Sprintf("witness:%s", i) }

func (e *serving) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	a, err := e.find(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	power, opposite, entry := Serve, Cease, record.Entry{Kind: "witness.serving"}
	if e.end {
		power, opposite, entry = Cease, Serve, record.Entry{Kind: "witness.ceased"}
	}
	inverse, err := effect.Store(opposite, e)
	if err != nil {
		return inverse, err
	}
	authority, err := e.s.judge.Perform(ctx, tx, by, authz.Act{Power: power, Target: e.Target(), Args: e, Inverse: inverse, Reason: reason})
	if err != nil {
		return inverse, err
	}
	if e.end {
		a.EndedAt = tx.Now()
		_, err = endServed.Run(ctx, tx, a.ID, a.EndedAt)
	} else {
		a.ID, a.Since = id.New(tx.Now()), tx.Now()
		_, err = insertServed.Run(ctx, tx, a.ID, a.Host, a.KeyText, a.Since)
	}
	if errors.Is(err, db.ErrExists) {
		err = fault.New(fault.Conflict, "Another decision was faster.")
	}
	if err != nil {
		return inverse, err
	}
	entry.Subject, entry.Via, entry.Authority, entry.Data, entry.State = about(a.ID), by.Via, authority, e, a.state()
	_, err = e.s.record.Append(ctx, tx, entry)
	return inverse, err
}

// engaging is the effect of asking another co-op to witness for us, or no more.
type engaging struct {
	s    *Service
	Host string `json:"host"`
	end  bool
}

func (e *engaging) Target() authz.Target { return target() }

func (e *engaging) find(ctx context.Context, h db.Handle) (Engagement, error) {
	var err error
	if e.Host, err = e.s.readHost(e.Host); err != nil {
		return Engagement{}, err
	}
	x, ok, err := getEngaged.Find(ctx, h)
	switch {
	case err != nil:
		return x, err
	case e.end && (!ok || x.Host != e.Host):
		return x, fault.New(fault.Conflict, "%s does not witness for us.", e.Host)
	case !e.end && ok:
		return x, fault.New(fault.Conflict, "%s witnesses for us already, and there is one witness at a time.", x.Host)
	case !e.end:
		x = Engagement{Host: e.Host}
	}
	return x, nil
}

func (e *engaging) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	x, err := e.find(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	lines := []effect.Line{{Name: i18n.T(ctx, "Our witness"), Text: x.Host},
		{Name: i18n.T(ctx, "It is given"), Text: i18n.T(ctx, "for each vote, the names and mail addresses of those who may vote; it erases the addresses at the close")}}
	if e.end {
		return effect.Change{Base: base(x.ID), Title: i18n.T(ctx, "Ask %s no more to witness our secret votes", x.Host), Before: lines}, nil
	}
	return effect.Change{Base: "none", Title: i18n.T(ctx, "Ask %s to witness our secret votes", x.Host), After: lines}, nil
}

func (e *engaging) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	x, err := e.find(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	power, opposite, entry := Engage, Dismiss, record.Entry{Kind: "witness.engaged"}
	if e.end {
		power, opposite, entry = Dismiss, Engage, record.Entry{Kind: "witness.dismissed"}
	}
	inverse, err := effect.Store(opposite, e)
	if err != nil {
		return inverse, err
	}
	authority, err := e.s.judge.Perform(ctx, tx, by, authz.Act{Power: power, Target: e.Target(), Args: e, Inverse: inverse, Reason: reason})
	if err != nil {
		return inverse, err
	}
	if e.end {
		x.EndedAt = tx.Now()
		_, err = endEngaged.Run(ctx, tx, x.ID, x.EndedAt)
	} else {
		x.ID, x.Since = id.New(tx.Now()), tx.Now()
		_, err = insertEngaged.Run(ctx, tx, x.ID, x.Host, x.Since)
	}
	if errors.Is(err, db.ErrExists) {
		err = fault.New(fault.Conflict, "Another decision was faster.")
	}
	if err != nil {
		return inverse, err
	}
	entry.Subject, entry.Via, entry.Authority, entry.Data, entry.State = about(x.ID), by.Via, authority, e, x.state()
	_, err = e.s.record.Append(ctx, tx, entry)
	return inverse, err
}

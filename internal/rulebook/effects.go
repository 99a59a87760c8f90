package rulebook

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
)

// Effects are the changes of the rulebook that a decision can carry.
func (s *Service) Effects() effect.Registry {
	return effect.Registry{
		{Name: Adopt, What: i18n.Key("Adopt or change a rule"), New: func() effect.Effect { return &adoptRule{s: s} },
			Fields: []effect.Field{{Name: "rule", Label: i18n.Key("The rule"), Hint: i18n.Key("Choose the line to change, and change it."), Kind: "rule"}}},
		{Name: Repeal, What: i18n.Key("Repeal a rule"), New: func() effect.Effect { return &repealRule{s: s} },
			Fields: []effect.Field{{Name: "line", Label: i18n.Key("Name of the line"), Kind: "line"}}},
	}
}

type adoptRule struct {
	s    *Service
	Rule Rule `json:"rule"`
}

func (e *adoptRule) Target() authz.Target { return authz.Target{Kind: "rulebook"} }

func (e *adoptRule) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	if err := e.Rule.Check(); err != nil {
		return effect.Change{}, err
	}
	ch := effect.Change{Base: "none", Title: i18n.T(ctx, "Adopt the rule “%s”", e.Rule.Title), After: lines(ctx, &e.Rule)}
	old, ok, err := getCurrent.Find(ctx, h, e.Rule.Line)
	if err != nil || !ok {
		return ch, err
	}
	v, err := old.version()
	if err != nil {
		return ch, err
	}
	b, err := json.Marshal(e.Rule)
	if err != nil {
		return ch, fmt.Errorf("check rule: %w", err)
	}
	if string(b) == old.Data {
		return ch, fault.New(fault.Conflict, "The rule says this already.")
	}
	ch.Base, ch.Title, ch.Before = v.String(), i18n.T(ctx, "Change the rule “%s”", v.Rule.Title), lines(ctx, &v.Rule)
	return ch, nil
}

func (e *adoptRule) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	if err := e.Rule.Check(); err != nil {
		return effect.Stored{}, err
	}
	authority, err := e.s.judge.Authorise(ctx, tx, by, Adopt, e.Target())
	if err != nil {
		return effect.Stored{}, err
	}
	number := 1
	inverse, err := effect.Store(Repeal, &repealRule{Line: e.Rule.Line})
	if err != nil {
		return inverse, err
	}
	newest, ok, err := getNewest.Find(ctx, tx, e.Rule.Line)
	if err != nil {
		return inverse, err
	}
	if ok {
		number = newest.Number + 1
	}
	if ok && newest.Until.IsZero() {
		old, err := newest.version()
		if err != nil {
			return inverse, err
		}
		if inverse, err = effect.Store(Adopt, &adoptRule{Rule: old.Rule}); err != nil {
			return inverse, err
		}
		if err := e.s.end(ctx, tx, by, Adopt, newest, reason, inverse); err != nil {
			return inverse, err
		}
	}
	v, err := e.s.insert(ctx, tx, e.Rule, number, authority)
	if err != nil {
		return inverse, err
	}
	_, err = e.s.judge.Perform(ctx, tx, by, authz.Act{Power: Adopt, Target: authz.Target{Kind: "rule", ID: v.ID}, Reason: reason,
		Args: map[string]any{"line": v.Line, "version": v.Number}, Inverse: inverse, State: stateOf(v)})
	return inverse, err
}

// end closes a version, as an act of its own with the state it leaves. What undoes it puts the rule back as
// it was, also where a new version takes its place.
func (s *Service) end(ctx context.Context, tx *db.Tx, by authz.Actor, power string, v row, reason string, inverse any) error {
	if n, err := endVersion.Run(ctx, tx, v.ID, tx.Now()); err != nil || n == 0 {
		return fmt.Errorf("end rule %s/%d: %w", v.Line, v.Number, orGone(err))
	}
	v.Until = tx.Now()
	_, err := s.judge.Perform(ctx, tx, by, authz.Act{Power: power, Target: authz.Target{Kind: "rule", ID: v.ID}, Reason: reason,
		Args: map[string]any{"line": v.Line, "version": v.Number, "ended": true}, Inverse: inverse, State: stateOf(v)})
	return err
}

func orGone(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "This version of the rule is no longer in force.")
}

type repealRule struct {
	s    *Service
	Line string `json:"line"`
}

func (e *repealRule) Target() authz.Target { return authz.Target{Kind: "rulebook"} }

func (e *repealRule) current(ctx context.Context, h db.Handle) (row, Version, error) {
	switch e.Line {
	case Ordinary, Rules, Group:
		return row{}, Version{}, fault.Field("line", "The line %q can be changed, not repealed: there would be no rule left to decide by.", e.Line)
	}
	r, ok, err := getCurrent.Find(ctx, h, e.Line)
	if err != nil {
		return r, Version{}, err
	}
	if !ok {
		return r, Version{}, fault.New(fault.NotFound, "The rulebook has no line %q in force.", e.Line)
	}
	v, err := r.version()
	return r, v, err
}

func (e *repealRule) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	_, v, err := e.current(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	return effect.Change{Base: v.String(), Title: i18n.T(ctx, "Repeal the rule “%s”", v.Rule.Title), Before: lines(ctx, &v.Rule)}, nil
}

func (e *repealRule) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	r, v, err := e.current(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(Adopt, &adoptRule{Rule: v.Rule})
	if err != nil {
		return inverse, err
	}
	return inverse, e.s.end(ctx, tx, by, Repeal, r, reason, inverse)
}

func list(items []string) string { return strings.Join(items, ", ") }

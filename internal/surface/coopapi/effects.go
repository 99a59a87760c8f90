package coopapi

import (
	"context"
	"encoding/json"
	"net/http"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/rulebook"
)

const tagEffects = "Effects"

func declareEffects(s *Service) {
	add(s, operation{id: "listEffects", method: http.MethodGet, path: "/effects", tag: tagEffects, summary: "What a decision can change",
		about: "Each kind of effect with what is to be filled in. An effect is carried out by the program once the motion that carries it is in force."}, s.listEffects)
	add(s, operation{id: "checkEffect", method: http.MethodPost, path: "/effects/check", tag: tagEffects, summary: "What an effect would change now", needs: reads,
		act: "none: it changes nothing", about: "For whoever drafts a motion. An effect that cannot be applied is refused with the reason."}, s.checkEffect)
}

// EffectKind is a sort of effect.
type EffectKind struct {
	Kind   string        `json:"kind" doc:"The power of the act that it performs."`
	What   string        `json:"what"`
	Fields []EffectField `json:"fields" doc:"The arguments."`
}

// EffectField is one argument of an effect.
type EffectField struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Hint     string   `json:"hint,omitempty"`
	Kind     string   `json:"kind" doc:"What is to be given: text, area (a longer text), number, checkbox (true or false), date (2027-12-31), select (one of the options), member, body or mandate (an id), powers or acts (a list), rule (a rule of the rulebook), line (the name of one)."`
	Options  []string `json:"options,omitempty"`
	Optional bool     `json:"optional,omitempty"`
}

func (s *Service) listEffects(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[EffectKind], error) {
	type numbered struct {
		effect.Kind
		at int64
	}
	var list []numbered
	for i, k := range s.Decision.Effects() {
		list = append(list, numbered{k, int64(i) + 1})
	}
	return cut(in, list, rising, func(k *numbered) place { return place{k.at} }, func(k *numbered) (EffectKind, error) {
		out := EffectKind{Kind: k.Name, What: i18n.T(ctx, k.What), Fields: []EffectField{}}
		for _, f := range k.Fields {
			x := EffectField{Name: f.Name, Label: i18n.T(ctx, f.Label), Kind: f.Kind, Options: f.Options, Optional: f.Optional}
			if f.Hint != "" {
				x.Hint = i18n.T(ctx, f.Hint)
			}
			out.Fields = append(out.Fields, x)
		}
		return out, nil
	})
}

// Effect is a change as data.
type Effect struct {
	Kind string          `json:"kind" doc:"As GET /effects lists them."`
	Args json.RawMessage `json:"args,omitempty" doc:"An object with the fields of the kind."`
}

func (e *Effect) stored() effect.Stored {
	args := e.Args
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	return effect.Stored{Kind: e.Kind, Args: args}
}

// EffectChange is what an effect would make of its target.
type EffectChange struct {
	Title   string `json:"title" doc:"In one sentence."`
	Before  []Line `json:"before"`
	After   []Line `json:"after" doc:"Lines of the same name belong together."`
	Base    string `json:"base" doc:"The version of the target: when it differs later, the effect is stale."`
	Target  string `json:"target" doc:"What it bears on, such as body:115."`
	Decides bool   `json:"decides" doc:"Whether the body may decide this."`
	Rule    string `json:"rule,omitempty" doc:"The line of the rulebook that a motion with this effect would run under."`
}

func (s *Service) checkEffect(ctx context.Context, _ authz.Actor, in *struct {
	Body struct {
		Effect
		Body string `json:"body,omitempty" doc:"The handle of the body that would decide; without it, the general meeting."`
	}
}) (*Of[EffectChange], error) {
	b, err := s.bodyNamed(ctx, in.Body.Body)
	if err != nil {
		return nil, err
	}
	e, err := s.Decision.Effects().Load(in.Body.stored())
	if err != nil {
		return nil, err
	}
	ch, err := e.Check(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	target := e.Target()
	out := EffectChange{Title: ch.Title, Before: linesOf(ch.Before), After: linesOf(ch.After), Base: ch.Base, Target: target.Kind}
	if target.ID != 0 {
		out.Target += ":" + target.ID.String()
	}
	if out.Decides, err = s.Mandate.MayDecide(ctx, s.DB, b.ID, in.Body.Kind, target); err != nil {
		return nil, err
	}
	where := rulebook.Bodies
	if b.Root() {
		where = rulebook.Meeting
	}
	switch v, err := s.Rulebook.For(ctx, s.DB, where, []string{in.Body.Kind}); {
	case err == nil:
		out.Rule = v.Rule.Line
	case !fault.Is(err, fault.Invalid):
		return nil, err
	}
	return one(out), nil
}

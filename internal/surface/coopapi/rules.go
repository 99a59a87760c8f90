package coopapi

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/rulebook"
)

const tagRules = "Rules"

func declareRules(s *Service) {
	add(s, operation{id: "listRules", method: http.MethodGet, path: "/rules", tag: tagRules, summary: "The rulebook in force",
		about: "Each line says which acts it governs and how they are decided, as data and in words."}, s.listRules)
	add(s, operation{id: "listPresets", method: http.MethodGet, path: "/rules/presets", tag: tagRules, summary: "Rulebooks that a co-op can be founded on"}, s.listPresets)
	add(s, operation{id: "listRuleVersions", method: http.MethodGet, path: "/rules/{line}", tag: tagRules, summary: "The versions of a line",
		about: "The newest first. A decision runs under the version that was in force when it was called."}, s.listVersions)
}

// RuleVersion is a line of the rulebook as it was in force for a time.
type RuleVersion struct {
	ID      id.ID         `json:"id"`
	Line    string        `json:"line" doc:"The name of the line."`
	Version int           `json:"version"`
	Title   string        `json:"title"`
	From    time.Time     `json:"from"`
	Until   *time.Time    `json:"until,omitempty" doc:"When the next version or the repeal took its place."`
	Source  Authority     `json:"source"`
	Rule    rulebook.Rule `json:"rule"`
	Words   []Line        `json:"words" doc:"What the rule says, in words."`
}

func linesOf(list []effect.Line) []Line {
	out := make([]Line, len(list))
	for i, l := range list {
		out[i] = Line(l)
	}
	return out
}

func (n *names) rule(ctx context.Context, v *rulebook.Version) (RuleVersion, error) {
	source, err := n.authority(ctx, string(v.Source.Kind), v.Source.ID)
	return RuleVersion{ID: v.ID, Line: v.Rule.Line, Version: v.Number, Title: i18n.T(ctx, v.Rule.Title), From: v.From.UTC(), Until: instant(v.Until), Source: source,
		Rule: v.Rule, Words: linesOf(v.Rule.Lines(ctx))}, err
}

func (s *Service) listRules(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[RuleVersion], error) {
	list, err := s.Rulebook.Current(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(in, list, rising, func(v *rulebook.Version) place { return place{int64(v.ID)} }, func(v *rulebook.Version) (RuleVersion, error) { return n.rule(ctx, v) })
}

func (s *Service) listVersions(ctx context.Context, _ authz.Actor, in *struct {
	Line string `path:"line" maxLength:"100" doc:"The name of the line, such as ordinary."`
	Paging
}) (*Listed[RuleVersion], error) {
	list, err := s.Rulebook.History(ctx, in.Line)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(&in.Paging, list, falling, func(v *rulebook.Version) place { return place{int64(v.Number)} }, func(v *rulebook.Version) (RuleVersion, error) { return n.rule(ctx, v) })
}

// Preset is a rulebook to be founded on.
type Preset struct {
	Name  string          `json:"name"`
	Title string          `json:"title"`
	What  string          `json:"what" doc:"Its character, in a sentence."`
	Rules []rulebook.Rule `json:"rules"`
}

func (s *Service) listPresets(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[Preset], error) {
	type numbered struct {
		rulebook.Preset
		at int64
	}
	var list []numbered
	for i, p := range rulebook.Presets() {
		list = append(list, numbered{p, int64(i) + 1})
	}
	return cut(in, list, rising, func(p *numbered) place { return place{p.at} }, func(p *numbered) (Preset, error) {
		return Preset{Name: p.Name, Title: i18n.T(ctx, p.Title), What: i18n.T(ctx, p.What), Rules: p.Rules}, nil
	})
}

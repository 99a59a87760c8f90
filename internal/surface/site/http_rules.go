package site

import (
	"encoding/json"
	"net/http"
	"time"

	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/rulebook"
)

type ruleView struct {
	Line, Title, Version string
	Governs              string
	Since                time.Time
	Until                time.Time
	Lines                []effect.Line
	Before               []effect.Line // of the version before, where it differs
	Source               string
	SourceHref           string
}

type rulesView struct {
	Frame  ui.PageProps
	Rules  []ruleView
	Preset string
	Member bool
}

// rules is the rulebook, as a page that a person reads.
func (s *Service) rules(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	c, err := s.Coop.Get(ctx)
	if err != nil {
		return err
	}
	list, err := s.Rulebook.Current(ctx, s.DB)
	if err != nil {
		return err
	}
	v := rulesView{Member: web.Actor(r).Member != 0}
	if p, ok := rulebook.FindPreset(c.Preset); ok {
		v.Preset = t(ctx, p.Title)
	}
	for i := range list {
		x, err := s.ruleView(r, &list[i])
		if err != nil {
			return err
		}
		v.Rules = append(v.Rules, x)
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Rules")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, rulesPage(v))
}

func (s *Service) ruleView(r *http.Request, v *rulebook.Version) (ruleView, error) {
	ctx := r.Context()
	out := ruleView{Line: v.Rule.Line, Title: t(ctx, v.Rule.Title), Version: v.String(), Governs: rulebook.Governs(ctx, &v.Rule), Since: v.From, Until: v.Until, Lines: v.Rule.Lines(ctx)}
	var err error
	out.Source, out.SourceHref, err = s.source(ctx, web.Actor(r), string(v.Source.Kind), v.Source.ID)
	return out, err
}

type ruleLineView struct {
	Frame    ui.PageProps
	Versions []ruleView
	Now      time.Time
	Member   bool
}

// rule is one line of the rulebook with all its versions.
func (s *Service) rule(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	list, err := s.Rulebook.History(ctx, r.PathValue("line"))
	if err != nil {
		return err
	}
	v := ruleLineView{Now: s.DB.Now(), Member: web.Actor(r).Member != 0}
	for i := range list {
		x, err := s.ruleView(r, &list[i])
		if err != nil {
			return err
		}
		if i+1 < len(list) {
			x.Before = list[i+1].Rule.Lines(ctx)
		}
		v.Versions = append(v.Versions, x)
	}
	if v.Frame, err = s.frame(w, r, t(ctx, list[0].Rule.Title)); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, rulePage(v))
}

// rulesJSON is the rulebook for programs.
func (s *Service) rulesJSON(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Rulebook.Current(r.Context(), s.DB)
	if err != nil {
		return err
	}
	rules := make([]rulebook.Rule, len(list))
	for i := range list {
		rules[i] = list[i].Rule
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(rules)
}

func was(lines []effect.Line, name string) string {
	for _, l := range lines {
		if l.Name == name {
			return l.Text
		}
	}
	return ""
}

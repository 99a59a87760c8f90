package decision

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/rulebook"
)

// effectForm is the fieldset of one effect; its fields are named "e0.name" and so on, its kind "effect0".
type effectForm struct {
	At     int
	Kind   string
	What   string
	Option string
	Fields []fieldView
}

type fieldView struct {
	ui.FieldProps
	Kind    string
	Options []ui.Option
	Picked  []string // of a list
}

type formView struct {
	Frame   ui.PageProps
	Action  string
	Number  int64 // 0: a new one
	D       Drafting
	Options string // one a line
	Bodies  []ui.Option
	Methods []ui.Option
	Kinds   []ui.Option
	Effects []effectForm
	Lines   []ui.Option // rules, for the hint which one would govern it
	Form    ui.Problem
}

func (p *Pages) newForm(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	if web.Actor(r).Member == 0 {
		return fault.New(fault.Forbidden, "Members can put motions.")
	}
	d := Drafting{Method: rulebook.Proposal, Petition: q.Get("petition") != ""}
	d.Body, _ = parseID(q.Get("body"))
	for _, x := range templates(ctx) {
		if x.Name != q.Get("template") {
			continue
		}
		if d.Method = x.Method; x.Effect != "" {
			d.Effects = []Proposed{{-1, effect.Stored{Kind: x.Effect}}}
		}
		if x.Name != "resolution" {
			d.Title = x.Title
		}
	}
	if k, ok := p.effects.Kind(q.Get("effect")); ok { // a link from the page of what it would change
		args := map[string]string{}
		for _, f := range k.Fields {
			if q.Has(f.Name) {
				args[f.Name] = q.Get(f.Name)
			}
		}
		filled, err := json.Marshal(args)
		if err != nil {
			return err
		}
		d.Title, d.Effects = t(ctx, k.What), []Proposed{{-1, effect.Stored{Kind: k.Name, Args: filled}}}
	}
	return p.drawForm(w, r, formView{Action: "/decisions", D: d}, http.StatusOK)
}

func (p *Pages) editForm(w http.ResponseWriter, r *http.Request) error {
	m, err := p.motion(r)
	if err != nil {
		return err
	}
	d, err := p.Proposal(r.Context(), &m)
	if err != nil {
		return err
	}
	return p.drawForm(w, r, formView{Action: path(m.Number) + "/edit", Number: m.Number, D: d}, http.StatusOK)
}

func (p *Pages) create(w http.ResponseWriter, r *http.Request) error {
	return p.submit(w, r, formView{Action: "/decisions"}, func(d Drafting) (Motion, error) {
		return p.Draft(r.Context(), web.Actor(r), d)
	})
}

func (p *Pages) save(w http.ResponseWriter, r *http.Request) error {
	m, err := p.motion(r)
	if err != nil {
		return err
	}
	return p.submit(w, r, formView{Action: path(m.Number) + "/edit", Number: m.Number}, func(d Drafting) (Motion, error) {
		return p.Edit(r.Context(), web.Actor(r), m.ID, d)
	})
}

// submit saves the form, or draws it again: with one more effect, with one less, with what was wrong.
func (p *Pages) submit(w http.ResponseWriter, r *http.Request, v formView, save func(Drafting) (Motion, error)) error {
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	d, err := p.readDrafting(r.Context(), in)
	v.D = d
	if kind := in.String("add-effect"); in.Has("more") && kind != "" {
		v.D.Effects = append(v.D.Effects, Proposed{-1, effect.Stored{Kind: kind}})
		return p.drawForm(w, r, v, http.StatusOK)
	}
	if in.Has("less") {
		if at := in.Int("less", -1, -1, len(d.Effects)); at >= 0 && at < len(d.Effects) {
			v.D.Effects = slices.Delete(v.D.Effects, at, at+1)
		}
		return p.drawForm(w, r, v, http.StatusOK)
	}
	var m Motion
	if err == nil {
		m, err = save(d)
	}
	if err != nil {
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) && m.ID == 0 && len(d.Effects) > 0 {
			v.Form = ui.ProblemOf(err)
			return p.drawForm(w, r, v, http.StatusUnprocessableEntity)
		}
		return err
	}
	return web.Redirect(w, r, path(m.Number))
}

func (p *Pages) readDrafting(ctx context.Context, in web.Params) (Drafting, error) {
	d := Drafting{Title: in.Text("title"), Text: in.Text("text"), Method: in.String("method"), Petition: in.Bool("petition"), Body: in.ID("body")}
	d.Settings = Settings{Max: in.Int("max", 0, 0, 100), Low: int64(in.Int("low", 0, -1000, 1000)), High: int64(in.Int("high", 0, -1000, 1000)), Dots: int64(in.Int("dots", 0, 0, 10_000)), Results: in.String("results")}
	for line := range strings.Lines(in.Text("options")) {
		title, text, _ := strings.Cut(strings.TrimSpace(line), " | ")
		if title != "" {
			d.Settings.Options = append(d.Settings.Options, Option{Title: title, Text: text})
		}
	}
	var wrong error
	if s := in.Text("review"); s != "" {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			wrong = fault.Field("review", "Write the review as a date.")
		}
		d.Review = at
	}
	for i := range MaxEffects {
		kind, ok := p.effects.Kind(in.String(about(i, "effect")))
		if !ok {
			break
		}
		args, err := readEffect(ctx, in, prefix(i), kind)
		if err != nil && wrong == nil {
			wrong = err
		}
		d.Effects = append(d.Effects, Proposed{in.Int(about(i, "option"), -1, -1, MaxOptions), effect.Stored{Kind: kind.Name, Args: args}})
	}
	return d, wrong
}

// readEffect makes the JSON of an effect from its fields. What cannot be read stays as it was typed.
func readEffect(ctx context.Context, in web.Params, pre string, k effect.Kind) (json.RawMessage, error) {
	out := map[string]any{}
	var wrong error
	for _, f := range k.Fields {
		v := in.Text(pre + f.Name)
		switch f.Kind {
		case "number":
			x, err := strconv.Atoi(v)
			if err != nil && v != "" {
				wrong = fault.Field(pre+f.Name, "Write a whole number.")
			}
			out[f.Name] = x
		case "checkbox":
			out[f.Name] = in.Bool(pre + f.Name)
		case "powers", "acts":
			out[f.Name] = append([]string{}, in.List(pre+f.Name)...)
		case "member", "body", "mandate", "application":
			i, ok := parseID(v)
			if !ok && !f.Optional {
				wrong = fault.Field(pre+f.Name, "Choose one.")
			}
			out[f.Name] = i
		case "rows":
			rows, line := f.ReadRows(v, t(ctx, f.Row))
			if line > 0 {
				wrong = fault.Field(pre+f.Name, "Line %d is not written like “%s”.", line, t(ctx, f.Example))
				out[f.Name] = v
			} else if len(rows) > 0 {
				out[f.Name] = rows
			}
		case "rule":
			rule := map[string]any{}
			d := json.NewDecoder(strings.NewReader(v))
			if err := d.Decode(&rule); err != nil {
				wrong = fault.Field(pre+f.Name, "This is not a rule: %s", err.Error())
			}
			out[f.Name] = rule
		default:
			out[f.Name] = v
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return b, wrong
}

func (p *Pages) drawForm(w http.ResponseWriter, r *http.Request, v formView, status int) error {
	ctx := r.Context()
	var err error
	if v.Bodies, err = p.Choices(ctx, "body"); err != nil {
		return err
	}
	for _, m := range rulebook.Methods {
		v.Methods = append(v.Methods, ui.Option{Value: m, Label: rulebook.MethodName(ctx, m)})
	}
	v.Kinds = append(v.Kinds, ui.Option{Value: "", Label: t(ctx, "Choose what would change")})
	for _, k := range p.effects {
		v.Kinds = append(v.Kinds, ui.Option{Value: k.Name, Label: t(ctx, k.What)})
	}
	var lines []string
	for _, o := range v.D.Settings.Options {
		if o.Text != "" {
			o.Title += " | " + o.Text
		}
		lines = append(lines, o.Title)
	}
	v.Options = strings.Join(lines, "\n")
	for i, e := range v.D.Effects {
		f, err := p.effectForm(ctx, i, e, v.Form)
		if err != nil {
			return err
		}
		v.Effects = append(v.Effects, f)
	}
	title := t(ctx, "Put a motion")
	if v.Number != 0 {
		title = t(ctx, "Edit motion %d", v.Number)
	}
	if v.Frame, err = p.Frame(w, r, title); err != nil {
		return err
	}
	return web.Render(w, r, status, formPage(v))
}

func (p *Pages) effectForm(ctx context.Context, at int, e Proposed, wrong ui.Problem) (effectForm, error) {
	out := effectForm{At: at, Kind: e.Kind, Option: strconv.Itoa(e.Option)}
	k, ok := p.effects.Kind(e.Kind)
	if !ok {
		return out, fault.New(fault.Invalid, "There is no kind of effect called %q.", e.Kind)
	}
	out.What = t(ctx, k.What)
	values := map[string]json.RawMessage{}
	if len(e.Args) > 0 {
		_ = json.Unmarshal(e.Args, &values) // an unreadable one starts empty
	}
	pre := prefix(at)
	for _, f := range k.Fields {
		v := fieldView{Kind: f.Kind, FieldProps: ui.FieldProps{Name: pre + f.Name, Label: t(ctx, f.Label), Optional: f.Optional, Required: !f.Optional, Error: wrong.At(f.Name) + wrong.At(pre+f.Name)}}
		if f.Hint != "" {
			v.Hint = t(ctx, f.Hint)
		}
		raw := values[f.Name]
		var text string
		if json.Unmarshal(raw, &text) == nil {
			v.Value = text
		} else {
			v.Value = strings.TrimSpace(string(raw))
		}
		switch f.Kind {
		case "number":
			if v.Type, v.InputMode = "number", "numeric"; f.Optional && v.Value == "0" {
				v.Value = ""
			}
		case "rows":
			v.Kind, v.Rows = "area", 3
			if text, ok := f.WriteRows(raw, t(ctx, f.Row)); ok {
				v.Value = text
			}
		case "checkbox":
			if v.Required = false; v.Value == "false" || v.Value == "" {
				v.Value = ""
			}
		case "select":
			for _, o := range f.Options {
				v.Options = append(v.Options, ui.Option{Value: o, Label: t(ctx, o)})
			}
		case "rule":
			var b bytes.Buffer
			if json.Indent(&b, raw, "", "  ") == nil && len(raw) > 0 {
				v.Value = b.String()
			} else if len(raw) == 0 {
				v.Value = p.ruleText(ctx)
			}
			v.Rows = 24
		case "powers", "acts":
			_ = json.Unmarshal(raw, &v.Picked) // none is the worst case
		}
		if slices.Contains([]string{"member", "body", "mandate", "powers", "acts", "line", "application"}, f.Kind) {
			options, err := p.Choices(ctx, f.Kind)
			if err != nil {
				return out, err
			}
			v.Options = options
		}
		if f.Empty != "" {
			if v.Options = append([]ui.Option{{Label: t(ctx, f.Empty)}}, v.Options...); v.Value == "0" {
				v.Value = ""
			}
		}
		out.Fields = append(out.Fields, v)
	}
	return out, nil
}

// ruleText is where a change of rules starts: the ordinary line as it is.
func (p *Pages) ruleText(ctx context.Context) string {
	list, err := p.rules.History(ctx, rulebook.Ordinary)
	if err != nil || len(list) == 0 {
		return ""
	}
	b, err := json.MarshalIndent(list[0].Rule, "", "  ")
	if err != nil {
		return ""
	}
	return string(b)
}

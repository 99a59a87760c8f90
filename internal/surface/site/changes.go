package site

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/rulebook"
)

// changed is a named part of a state, before and after an entry.
type changed struct{ Name, Before, After string }

// changes compares two states of a thing and gives what differs: all of it where there is no state before.
func (w *teller) changes(kind string, before, after json.RawMessage) []changed {
	old, now := w.lines(kind, before), w.lines(kind, after)
	var out []changed
	was := map[string]string{}
	for _, l := range old {
		was[l.Name] = l.Text
	}
	for _, l := range now {
		if was[l.Name] != l.Text {
			out = append(out, changed{l.Name, was[l.Name], l.Text})
		}
		delete(was, l.Name)
	}
	for _, l := range old {
		if text, left := was[l.Name]; left && text != "" {
			out = append(out, changed{Name: l.Name, Before: text})
		}
	}
	return out
}

// lines say a state in words, a line for each of its parts in their order.
func (w *teller) lines(kind string, state json.RawMessage) []effect.Line {
	if kind == "rule" {
		return w.ruleLines(state)
	}
	d := json.NewDecoder(bytes.NewReader(state))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil // no state, or "gone"
	}
	var out []effect.Line
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return out
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return out
		}
		name, _ := key.(string)
		if text := w.value(name, value); text != "" {
			label := fieldWords(w.ctx, name)
			if kind == "decision" && name == "text" { // of which the record holds the hash alone
				label = t(w.ctx, "Text (SHA-256)")
			}
			out = append(out, effect.Line{Name: label, Text: text})
		}
	}
	return out
}

func (w *teller) ruleLines(state json.RawMessage) []effect.Line {
	var x struct {
		Rule   rulebook.Rule
		Number int
		From   time.Time
		Until  time.Time
	}
	if json.Unmarshal(state, &x) != nil {
		return nil
	}
	out := []effect.Line{{Name: t(w.ctx, "Title"), Text: x.Rule.Title}, {Name: t(w.ctx, "Version"), Text: digits(w.ctx, x.Number)}, {Name: t(w.ctx, "In force from"), Text: exact(w.ctx, x.From)}}
	if !x.Until.IsZero() {
		out = append(out, effect.Line{Name: t(w.ctx, "Until"), Text: exact(w.ctx, x.Until)})
	}
	return append(out, x.Rule.Lines(w.ctx)...)
}

// value says one part of a state in words.
func (w *teller) value(key string, raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return choose(v, t(w.ctx, "yes"), t(w.ctx, "no"))
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return exact(w.ctx, at)
		}
		switch key {
		case "body", "member", "decision", "rule":
			if i := id.Parse(v); i != 0 {
				return w.thing(ref.Ref{Kind: key, ID: i}).Text
			}
		case "parent":
			return w.thing(ref.Ref{Kind: "body", ID: id.Parse(v)}).Text
		case "mover":
			return w.thing(ref.Ref{Kind: "member", ID: id.Parse(v)}).Text
		case "source":
			return w.thing(ref.Parse(v)).Text
		case "outcome":
			return outcomeWords(w.ctx, v)
		case "kind":
			return bodyKind(w.ctx, v)
		}
		return v
	case []any:
		return w.list(v)
	}
	if string(raw) == "{}" {
		return ""
	}
	return string(raw)
}

// list joins plain values with commas, and puts anything else one below the other.
func (w *teller) list(values []any) string {
	var words []string
	between := ", "
	for _, v := range values {
		text, ok := v.(string)
		if !ok {
			b, _ := json.Marshal(v) // it was JSON a moment ago
			text, between = string(b), "\n"
		}
		words = append(words, text)
	}
	return strings.Join(words, between)
}

// fieldNames name the parts of states.
var fieldNames = map[string]string{
	"name":            i18n.Key("Name"),
	"aim":             i18n.Key("Aim"),
	"domain":          i18n.Key("Domain"),
	"seats":           i18n.Key("Seats"),
	"joining":         i18n.Key("Joining"),
	"version":         i18n.Key("Version"),
	"dissolved":       i18n.Key("Dissolved"),
	"parent":          i18n.Key("Below"),
	"kind":            i18n.Key("Kind"),
	"handle":          i18n.Key("Short name"),
	"member":          i18n.Key("Member"),
	"body":            i18n.Key("Body"),
	"office":          i18n.Key("Office"),
	"powers":          i18n.Key("Powers"),
	"from":            i18n.Key("From"),
	"to":              i18n.Key("Until"),
	"until":           i18n.Key("Until"),
	"source":          i18n.Key("Source"),
	"accepted":        i18n.Key("Accepted"),
	"ended":           i18n.Key("Ended"),
	"ended_by":        i18n.Key("How it ended"),
	"due":             i18n.Key("To be ratified by"),
	"outcome":         i18n.Key("Outcome"),
	"number":          i18n.Key("Number"),
	"mover":           i18n.Key("Moved by"),
	"title":           i18n.Key("Title"),
	"method":          i18n.Key("Method"),
	"settings":        i18n.Key("Settings"),
	"state":           i18n.Key("State"),
	"execution":       i18n.Key("How it was carried out"),
	"rule":            i18n.Key("Rule"),
	"roll":            i18n.Key("Members on the roll"),
	"roll_hash":       i18n.Key("Hash of the roll"),
	"opens":           i18n.Key("Opens"),
	"closes":          i18n.Key("Closes"),
	"window":          i18n.Key("Window until"),
	"in_force":        i18n.Key("In force from"),
	"review":          i18n.Key("Review"),
	"result":          i18n.Key("Result"),
	"effects":         i18n.Key("Effects"),
	"since":           i18n.Key("Member since"),
	"suspended":       i18n.Key("Rights suspended"),
	"suspended_until": i18n.Key("Suspended until"),
	"preset":          i18n.Key("First rulebook"),
	"description":     i18n.Key("Description"),
	"conduct":         i18n.Key("Rules of conduct"),
	"level":           i18n.Key("Level"),
	"decision":        i18n.Key("Motion"),
	"digest":          i18n.Key("Digest of the vote"),
	"reason":          i18n.Key("Reason"),
	"text":            i18n.Key("Text"),
	"finding":         i18n.Key("Finding"),
	"choice":          i18n.Key("Choice"),
	"username":        i18n.Key("Username"),
	"email":           i18n.Key("E-mail"),
	"contact":         i18n.Key("Contact"),
}

// fieldWords name a part of a state; one that has no words shows the name it is recorded by.
func fieldWords(ctx context.Context, key string) string {
	if name := fieldNames[key]; name != "" {
		return t(ctx, name)
	}
	return key
}

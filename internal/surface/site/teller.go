package site

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

// part is a piece of a sentence. What leads somewhere has an address.
type part struct{ Text, Href string }

// plain is a sentence without its links.
func plain(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// teller puts entries of the record into words for one reader. Everything it names comes from the record
// itself, except the names of people, which are not in it. It remembers what it has looked up, so that a
// page of entries asks once for each thing.
type teller struct {
	s       *Service
	ctx     context.Context //nolint:containedctx // it lives as long as one page
	by      authz.Actor
	targets map[ref.Ref]part
	states  map[ref.Ref]facts
	powers  map[string]string
	err     error // the first that a look-up met

	// Of the entry in hand:
	e     record.Event
	b     record.Body
	about ref.Ref
	data  facts
	own   facts // the state it leaves
	marks []part
}

func (s *Service) teller(ctx context.Context, by authz.Actor) *teller {
	w := &teller{s: s, ctx: ctx, by: by, targets: map[ref.Ref]part{}, states: map[ref.Ref]facts{}, powers: map[string]string{}}
	for _, p := range s.Mandate.Powers() {
		w.powers[p.Name] = p.What
	}
	return w
}

// take begins with another entry.
func (w *teller) take(e record.Event) error {
	b, err := e.Read()
	if err != nil {
		return fmt.Errorf("read entry %d: %w", e.Seq, err)
	}
	w.e, w.b, w.about, w.data, w.own = e, b, ref.Parse(b.Subject), factsOf(b.Data), nil
	if b.State != nil && string(b.State) != string(record.Gone) {
		w.own = factsOf(b.State)
	}
	return nil
}

// Sentences are translated with their places filled by marks, which no text of a person can hold there:
// everything that is not the translator's is behind one. Then the marks become parts again.
const firstMark, lastMark = '\uE000', '\uF8FF'

func (w *teller) mark(p part) string {
	w.marks = append(w.marks, p)
	return string(firstMark + rune(len(w.marks)-1))
}

func (w *teller) word(text string) string { return w.mark(part{Text: text}) }

func (w *teller) number(n int) string { return w.word(digits(w.ctx, n)) }

// parts takes a sentence apart at its marks.
func (w *teller) parts(text string) []part {
	var out []part
	for text != "" {
		at := strings.IndexFunc(text, func(r rune) bool { return r >= firstMark && r <= lastMark })
		if at < 0 {
			at = len(text)
		}
		if at > 0 {
			out = append(out, part{Text: text[:at]})
		}
		if text = text[at:]; text == "" {
			break
		}
		r := []rune(text[:3])[0] // a mark is three bytes
		if i := int(r - firstMark); i < len(w.marks) {
			out = append(out, w.marks[i])
		}
		text = text[3:]
	}
	w.marks = nil
	return out
}

// target is where a thing is to be seen by the reader.
func (w *teller) target(r ref.Ref) (part, bool) {
	p, ok := w.targets[r]
	if !ok {
		if t, found := w.s.Refs.Resolve(w.ctx, w.by, r); found {
			p = part{t.Title, w.s.here(t.URL)}
		}
		w.targets[r] = p
	}
	return p, p.Text != ""
}

// state is what the record says last about a thing: the entry in hand if it is about it.
func (w *teller) state(r ref.Ref) facts {
	if r == w.about && w.own != nil {
		return w.own
	}
	if f, ok := w.states[r]; ok {
		return f
	}
	f := facts{}
	for e := (record.Event{Seq: 1 << 62, Subject: r.String()}); r.ID != 0 && w.err == nil && e.Seq != 0; {
		var b record.Body
		if e, b, w.err = w.s.Record.Before(w.ctx, e); b.State != nil && string(b.State) != string(record.Gone) {
			f = factsOf(b.State) // what is gone is called by what it was
			break
		}
	}
	w.states[r] = f
	return f
}

// thing names what a reference points to.
func (w *teller) thing(r ref.Ref) part {
	ctx := w.ctx
	var f facts
	switch r.Kind {
	case "member":
		if p, ok := w.target(r); ok {
			return p
		}
		if number := w.state(r).text("number"); number != "" {
			return part{Text: t(ctx, "member %s", number)}
		}
		return part{Text: t(ctx, "a member")}
	case "decision":
		if f = w.state(r); f.text("title") != "" {
			return w.linked(r, t(ctx, "motion %s “%s”", f.text("number"), f.text("title")), "/decisions/"+f.text("number"))
		}
	case "body":
		if f = w.state(r); f.text("name") != "" {
			return w.linked(r, t(ctx, "“%s”", f.text("name")), "/groups/"+f.text("handle"))
		}
	case "mandate":
		if f = w.state(r); f.text("office") != "" {
			body := w.state(f.ref("body", "body"))
			return w.linked(r, t(ctx, "%s of “%s”", f.text("office"), body.text("name")), "/groups/"+body.text("handle"))
		}
	case "rule":
		if f = w.state(r).sub("rule"); f.text("title") != "" {
			return w.linked(r, t(ctx, "“%s”", f.text("title")), "/rules/"+f.text("line"))
		}
	case "election":
		if f = w.state(r); f.text("title") != "" {
			return w.linked(r, t(ctx, "“%s”", f.text("title")), "/elections/"+f.text("number"))
		}
	case "ballot":
		return w.thing(ref.Parse(w.state(r).text("vote")))
	case "vote", "comment", "amendment":
		if d := w.motion(r); d.ID != 0 {
			return w.thing(d)
		}
	case "seat":
		f = w.state(r)
		return w.thing(f.ref("member", "member"))
	case "coop":
		if p, ok := w.target(r); ok {
			return p
		}
		return part{t(ctx, "the co-op"), "/about"}
	case "domain":
		if f = w.state(r); f.text("domain") != "" {
			return part{Text: f.text("domain")}
		}
	}
	if p, ok := w.target(r); ok {
		return p
	}
	return part{Text: kindWords(ctx, r.Kind)}
}

// linked gives words of the record the address at which the reader finds the thing.
func (w *teller) linked(r ref.Ref, words, href string) part {
	if p, ok := w.target(r); ok && p.Href != "" {
		href = p.Href
	}
	return part{words, href}
}

func (w *teller) name(r ref.Ref) string { return w.mark(w.thing(r)) }

// motion is the one that a vote, comment or amendment belongs to.
func (w *teller) motion(r ref.Ref) ref.Ref {
	if d := w.data.ref("decision", "decision"); r == w.about && d.ID != 0 {
		return d
	}
	if d := w.state(r).ref("decision", "decision"); d.ID != 0 {
		return d
	}
	if r.Kind == "vote" || r == w.about || w.err != nil {
		return ref.Ref{}
	}
	list, err := w.s.Record.Find(w.ctx, record.Filter{Subject: r, Limit: 1})
	if err != nil || len(list) == 0 {
		w.err = err
		return ref.Ref{}
	}
	b, err := list[0].Read()
	if w.err = err; err != nil {
		return ref.Ref{}
	}
	return factsOf(b.Data).ref("decision", "decision")
}

// doer is who acted: a member, or what stands behind an act that no member did.
func (w *teller) doer() string {
	if w.b.Member != "" {
		return w.mark(w.thing(ref.Parse(w.b.Member)))
	}
	a := ref.Parse(w.b.Authority)
	switch authz.AuthorityKind(a.Kind) {
	case authz.Decision:
		number := w.state(a).text("number")
		if number == "" {
			return w.word(t(w.ctx, "A decision"))
		}
		return w.mark(w.linked(a, t(w.ctx, "Decision %s", number), "/decisions/"+number))
	case authz.Operate:
		return w.word(t(w.ctx, "The operator"))
	case authz.Genesis:
		return w.word(t(w.ctx, "The founding"))
	case authz.Lapse:
		return w.word(t(w.ctx, "The end of the time to ratify"))
	}
	if w.b.Via == authz.Operator {
		return w.word(t(w.ctx, "The operator"))
	}
	return w.word(t(w.ctx, "Somebody"))
}

// power says in words what a power is.
func (w *teller) power(name string) string {
	if what := w.powers[name]; what != "" {
		return t(w.ctx, what)
	}
	return name
}

// under says what permitted an entry.
func (w *teller) under() []part {
	a := ref.Parse(w.b.Authority)
	switch authz.AuthorityKind(a.Kind) {
	case "":
		return nil
	case authz.Genesis:
		return []part{{Text: t(w.ctx, "by the founding")}}
	case authz.Operate:
		return []part{{Text: t(w.ctx, "emergency act of the operator")}}
	case authz.Decision:
		return w.parts(t(w.ctx, "by decision: %s", w.name(a)))
	case authz.Emergency:
		return w.parts(t(w.ctx, "by the emergency rule %s", w.name(a)))
	case authz.Lapse:
		return []part{{Text: t(w.ctx, "it was not ratified in time")}}
	case authz.Mandate:
		if to := w.state(a).date(w.ctx, "to"); to != "" {
			return w.parts(t(w.ctx, "under the mandate %s, until %s", w.name(a), w.word(to)))
		}
		return w.parts(t(w.ctx, "under the mandate %s", w.name(a)))
	}
	return []part{{Text: w.b.Authority}}
}

// facts are the public data of an entry, or a state.
type facts map[string]any

func factsOf(data json.RawMessage) facts {
	f := facts{}
	if len(data) > 0 {
		_ = json.Unmarshal(data, &f) // what is no object has no facts by name
	}
	return f
}

func (f facts) text(key string) string {
	switch v := f[key].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func (f facts) has(key string) bool { b, _ := f[key].(bool); return b }

func (f facts) number(key string) int { n, _ := f[key].(float64); return int(n) }

func (f facts) sub(key string) facts { m, _ := f[key].(map[string]any); return m }

// ref is a reference to a thing of a kind whose id the facts hold.
func (f facts) ref(kind, key string) ref.Ref {
	if i := id.Parse(f.text(key)); i != 0 {
		return ref.Ref{Kind: kind, ID: i}
	}
	return ref.Ref{}
}

func (f facts) date(ctx context.Context, key string) string {
	at, err := time.Parse(time.RFC3339, f.text(key))
	if err != nil {
		return f.text(key)
	}
	return date(ctx, at)
}

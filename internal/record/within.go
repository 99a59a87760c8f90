package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/ref"
)

// An entry belongs to the bodies, decisions and elections that it is about, to those that its state or its
// facts name, to the decision or election that permitted it, and to the body of that, or of the mandate it
// was done under. So the life of a motion is one list, from its text to what it changed, and so is what a
// body did. All of that follows from the record itself: verifying works it out again.

// Kinds of things that other entries belong to.
const (
	bodyKind     = "body"
	decisionKind = "decision"
	electionKind = "election"
	mandateKind  = "mandate"
)

// gathers reports whether other entries belong to things of a kind.
func gathers(kind string) bool {
	return kind == bodyKind || kind == decisionKind || kind == electionKind
}

// named are the things that a state or the facts of an entry name.
type named struct {
	body, decision, election string // "" if it names none
}

// namesIn reads the references out of JSON; what has another form names nothing.
func namesIn(b json.RawMessage) named {
	var v struct {
		Body     json.RawMessage `json:"body"`
		Decision json.RawMessage `json:"decision"`
		Election json.RawMessage `json:"election"`
	}
	if len(b) == 0 || b[0] != '{' || json.Unmarshal(b, &v) != nil {
		return named{}
	}
	return named{thing(bodyKind, v.Body), thing(decisionKind, v.Decision), thing(electionKind, v.Election)}
}

// thing is a reference from an id as JSON has it, digits in quotes; a handle is none, nor is a number
// that people count by.
func thing(kind string, text json.RawMessage) string {
	s, quoted := strings.CutPrefix(string(text), `"`)
	if s = strings.TrimSuffix(s, `"`); !quoted || s == "" || s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return kind + ":" + s
}

// hasHome reports whether what is written about a thing belongs to a body that the thing's state names.
func hasHome(subject string) bool {
	kind := ref.Parse(subject).Kind
	return kind == decisionKind || kind == electionKind || kind == mandateKind
}

// within lists what an entry belongs to. home is the body that the last entry with a state before it
// names for a decision, an election or a mandate.
func within(b *Body, home func(subject string) (string, error)) ([]string, error) {
	var out []string
	add := func(things ...string) {
		for _, x := range things {
			if x != "" && !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	state, data := namesIn(b.State), namesIn(b.Data)
	add(state.body, state.decision, state.election, data.body, data.decision, data.election)
	for _, x := range []string{b.Subject, b.Authority} {
		if gathers(ref.Parse(x).Kind) {
			add(x)
		}
	}
	var homeless []string
	if hasHome(b.Subject) && state.body == "" {
		homeless = append(homeless, b.Subject)
	}
	if hasHome(b.Authority) {
		homeless = append(homeless, b.Authority)
	}
	for _, x := range homeless {
		body, err := home(x)
		if err != nil {
			return nil, err
		}
		add(body)
	}
	slices.Sort(out)
	return out, nil
}

// file keeps what an entry belongs to.
func (s *Service) file(ctx context.Context, tx *db.Tx, seq int64, b *Body) error {
	things, err := within(b, func(subject string) (string, error) { return s.homeOf(ctx, tx, subject, seq) })
	if err != nil {
		return fmt.Errorf("file event %d: %w", seq, err)
	}
	for _, x := range things {
		if _, err := insertWithin.Run(ctx, tx, x, seq); err != nil {
			return err
		}
	}
	return nil
}

// homeOf finds the body of such a thing in what was last said about it. Almost always that is
// the last entry about it.
func (s *Service) homeOf(ctx context.Context, h db.Handle, subject string, before int64) (string, error) {
	for {
		list, err := listAbout.All(ctx, h, subject, before, 0, "", "", 0, nil, 10, "")
		if err != nil || len(list) == 0 {
			return "", err
		}
		for _, e := range list {
			b, err := e.Read()
			if err != nil {
				return "", err
			}
			if n := namesIn(b.State); n.body != "" {
				return n.body, nil
			}
			before = e.Seq
		}
	}
}

// About narrows the filter to what a reference stands for: of a body, a decision or an election, all that
// belongs to it; of anything else, the entries about it.
func (f *Filter) About(r ref.Ref) {
	if gathers(r.Kind) && f.Within.Kind == "" {
		f.Within = r
		return
	}
	f.Subject = r
}

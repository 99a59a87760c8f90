// Package effect is the form of a change that a decision carries: a typed value of the feature whose
// change it is, which can say in words what it would do, do it once, and name what would undo it.
// Features register their kinds; the decision feature keeps, shows and applies them without knowing
// any of them. An officer's act and a decision's effect are one method of the feature: only the
// authority differs.
package effect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
)

// Effect is one change, as data. Its exported fields are its JSON form.
type Effect interface {
	// Target is what it changes.
	Target() authz.Target
	// Check says what would change if it were applied now, or why it cannot be: a fault of kind
	// Invalid (it says nothing sensible), NotFound (its target is gone) or Conflict. It changes
	// nothing. Words are in the language of ctx.
	Check(ctx context.Context, h db.Handle) (Change, error)
	// Apply makes the change by the authority of by, with its act, within tx. It returns what would
	// undo it; a Stored without kind says that nothing would.
	Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (Stored, error)
}

// Change is what an effect would do to the present state.
type Change struct {
	Base   string // version of the target that the change is bound to: if it differs later, the effect is stale
	Title  string // one sentence: "Block the domain bad.example"
	Before []Line // what the target says now, and
	After  []Line // what it would say then; lines with the same name belong together
}

// Line is a named part of a target, such as "Name", or a whole text.
type Line struct{ Name, Text string }

// Field is one thing the mover fills in.
type Field struct {
	Name     string // of the JSON field
	Label    string // i18n key
	Hint     string // i18n key
	Kind     string // text, area, number, select, member, body, powers, rule, date, checkbox, rows
	Options  []string
	Optional bool
	Empty    string   // i18n key: what it means to choose nothing, of an optional select, member or body
	Row      string   // i18n key: how a line of rows is written, see ReadRows
	Numbers  []string // which columns of rows are whole numbers
	Example  string   // i18n key: a line of rows
}

// Kind is a sort of effect.
type Kind struct {
	Name   string // the power of the act it performs: "domain.block"
	What   string // i18n key: "Block a domain"
	Fields []Field
	New    func() Effect // an empty one to fill; it knows its feature's service
	// Concerns is the member whom the change is about, who may speak but not vote; nil if nobody is.
	Concerns func(ctx context.Context, h db.Handle, e Effect) (authz.Target, error)
}

// Stored is an effect as kept in a table and in the record.
type Stored struct {
	Kind string          `json:"kind,omitempty"`
	Args json.RawMessage `json:"args,omitempty"`
}

// Store makes the stored form of an effect.
func Store(kind string, e Effect) (Stored, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return Stored{}, fmt.Errorf("store effect %s: %w", kind, err)
	}
	return Stored{kind, b}, nil
}

// Registry is all kinds of the program, in the order of the features.
type Registry []Kind

// Kind finds a kind by its name.
func (r Registry) Kind(name string) (Kind, bool) {
	i := slices.IndexFunc(r, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return r[i], true
}

// Load makes the effect again. Unknown kinds and fields are refused: a decision must not be carried
// out in part.
func (r Registry) Load(s Stored) (Effect, error) {
	k, ok := r.Kind(s.Kind)
	if !ok {
		return nil, fault.New(fault.Invalid, "There is no kind of effect called %q.", s.Kind)
	}
	e := k.New()
	d := json.NewDecoder(bytes.NewReader(s.Args))
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return nil, fault.New(fault.Invalid, "The effect %s cannot be read: %s", s.Kind, strings.TrimPrefix(err.Error(), "json: "))
	}
	return e, nil
}

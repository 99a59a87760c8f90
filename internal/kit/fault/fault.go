// Package fault gives errors the five kinds that a caller can act on, and words that a person may
// read. Everything else is an ordinary error: internal, logged once where it is handled, and shown as
// one plain sentence. Only kit/web turns a kind into an HTTP status.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what a caller can do about an error.
type Kind int

// The five kinds. Internal is the absence of one.
const (
	Internal  Kind = iota
	Invalid        // the request is wrong; the words say what to change
	NotFound       // it is not there, or not for this reader to see
	Forbidden      // known, visible, but not allowed to this actor
	Conflict       // right in itself, but the state has moved on
	Gone           // it was here and has been deleted
)

var names = [...]string{"internal", "invalid", "not found", "forbidden", "conflict", "gone"}

func (k Kind) String() string { return names[k] }

// Error is an error with a kind and words for a person.
type Error struct {
	Kind  Kind
	Field string // the form field at fault, if one is
	words string
	cause error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.words + ": " + e.cause.Error()
	}
	return e.words
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// New makes an error of a kind whose words may be shown to a person: a sentence that says what to do.
func New(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, words: err.Error(), cause: errors.Unwrap(err)}
}

// Field is an Invalid error that belongs to one field of a form.
func Field(field, format string, args ...any) *Error {
	e := New(Invalid, format, args...)
	e.Field = field
	return e
}

// KindOf is the kind of err, Internal if it has none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Words are what a person may read about err; ok is false if there are none.
func Words(err error) (words string, ok bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.words, true
	}
	return "", false
}

// FieldOf is the form field at fault, or "".
func FieldOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

package ui

import (
	"net/http"
	"slices"

	"rochdale/internal/kit/fault"
)

// Problem is what was wrong with a form: words, and the field they belong to.
type Problem struct{ Words, Field string }

// ProblemOf makes the problem of an error that has words for a person.
func ProblemOf(err error) Problem {
	words, _ := fault.Words(err)
	return Problem{words, fault.FieldOf(err)}
}

// At gives the words for a field.
func (p Problem) At(field string) string {
	if p.Field == field {
		return p.Words
	}
	return ""
}

// Top gives the words that belong to none of the fields, which say theirs themselves.
func (p Problem) Top(fields ...string) string {
	if slices.Contains(fields, p.Field) && p.Field != "" {
		return ""
	}
	return p.Words
}

// Status is that of the page which shows the form.
func (p Problem) Status() int {
	if p.Words != "" {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

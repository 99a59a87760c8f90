package coopapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/web"
)

// Problem is an error on its way to an app.
// spec: rfc9457#3.1
type Problem struct {
	Type    string        `json:"type" format:"uri-reference" doc:"Always about:blank: the status and the kind say what sort of problem it is."`
	Title   string        `json:"title" doc:"The status in words."`
	Status  int           `json:"status" doc:"The HTTP status."`
	Detail  string        `json:"detail" doc:"What is wrong, in a sentence for a person."`
	Kind    string        `json:"kind,omitempty" enum:"invalid,not found,forbidden,conflict,gone,too many,internal" doc:"What an app can do about it: invalid: send something else; not found: it is not there, or not for this reader; forbidden: it takes a sign-in, a scope or a power; conflict: things have moved on, look again; gone: it is over; too many: wait as long as Retry-After says; internal: our fault, try later."`
	Field   string        `json:"field,omitempty" doc:"The field at fault, if one is."`
	Errors  []ProblemPart `json:"errors,omitempty" doc:"Each thing that does not fit, where there are several."`
	Request string        `json:"request,omitempty" doc:"The number of the request, to quote when asking for help."`
}

// ProblemPart is one of several things that do not fit.
type ProblemPart struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

var problemSchema = reflect.TypeFor[Problem]()

var (
	errSignIn   = fault.New(fault.Forbidden, "This needs an access token: let the app in first.")
	errScope    = fault.New(fault.Forbidden, "The access token does not allow this.")
	errNoMember = fault.New(fault.Forbidden, "This is for members of the co-op.")
)

// problem puts an error into words; what is our own fault is kept for the log.
func (c *call) problem(err error) *Problem {
	var ready *Problem
	if errors.As(err, &ready) {
		return ready
	}
	kind := fault.KindOf(err)
	words, ok := fault.Words(err)
	p := &Problem{Detail: words, Kind: kind.String(), Field: fault.FieldOf(err)}
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		p.Status, p.Kind, p.Detail = http.StatusRequestEntityTooLarge, fault.Invalid.String(), tooLarge
	case !ok || kind == fault.Internal:
		c.err = err
		p.Status, p.Kind, p.Detail = http.StatusInternalServerError, fault.Internal.String(), "Something went wrong on our side. It has been noted; please try again in a minute."
	case kind == fault.Invalid:
		p.Status = http.StatusUnprocessableEntity
	case kind == fault.NotFound:
		p.Status = http.StatusNotFound
	case kind == fault.Conflict:
		p.Status = http.StatusConflict
	case kind == fault.Gone:
		p.Status = http.StatusGone
	case c.token:
		p.Status = http.StatusForbidden
	default: // a token might help; spec: rfc6750#3
		p.Status = http.StatusUnauthorized
		c.header.Set("WWW-Authenticate", `Bearer realm="Rochdale"`)
	}
	return c.finish(p)
}

const tooLarge = "That is more than this server takes at once."

func (c *call) finish(p *Problem) *Problem {
	p.Type, p.Title, p.Request = "about:blank", http.StatusText(p.Status), c.header.Get("X-Request-Id")
	return p
}

// problem writes p as the answer.
func (a *answer) problem(p *Problem) {
	b, err := json.Marshal(p)
	if err != nil {
		b = nil // unreachable: a Problem holds nothing that JSON cannot
	}
	a.Header().Set("Content-Type", problemType)
	a.Header().Del("Location")
	a.status = p.Status
	a.body.Reset()
	_, _ = a.Write(b) // to memory
}

// early writes what the server refuses before an operation is reached, in the form of its own refusals:
// a token that is unknown or has run out, too many requests.
func early(w http.ResponseWriter, p web.Problem) error {
	out := (&call{header: w.Header()}).finish(&Problem{Status: p.Status, Detail: p.Words, Kind: kindOf[p.Status], Field: p.Field})
	a := newAnswer(w)
	a.problem(out)
	return a.send()
}

// kindOf says what an app can do about a status.
var kindOf = map[int]string{
	http.StatusUnauthorized: fault.Forbidden.String(), http.StatusForbidden: fault.Forbidden.String(), http.StatusNotFound: fault.NotFound.String(),
	http.StatusConflict: fault.Conflict.String(), http.StatusGone: fault.Gone.String(), http.StatusTooManyRequests: "too many",
	http.StatusUnprocessableEntity: fault.Invalid.String(), http.StatusRequestEntityTooLarge: fault.Invalid.String(), http.StatusInternalServerError: fault.Internal.String(),
}

// reword gives what huma says of a request that does not fit the same form as our own problems.
func reword(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &Problem{Status: m.Status, Kind: fault.Invalid.String(), Detail: "The request does not fit the operation."}
	for _, e := range m.Errors {
		field := fieldAt(e.Location)
		if m := missing.FindStringSubmatch(e.Message); m != nil { // said of the object, not of the field
			field = strings.TrimPrefix(field+"."+m[1], ".")
		}
		p.Errors = append(p.Errors, ProblemPart{Field: field, Detail: e.Message})
	}
	switch {
	case m.Status == http.StatusRequestEntityTooLarge:
		p.Detail = tooLarge
	case m.Status >= http.StatusInternalServerError:
		p.Kind = fault.Internal.String()
	case len(p.Errors) > 0:
		p.Field, p.Detail = p.Errors[0].Field, "The request does not fit the operation: "+strings.TrimPrefix(p.Errors[0].Field+": "+p.Errors[0].Detail, ": ")+"."
	case m.Detail != "":
		p.Detail = "The request does not fit the operation: " + m.Detail + "."
	}
	return callOf(ctx.Context()).finish(p), nil
}

var missing = regexp.MustCompile(`^expected required property (\S+) to be present$`)

// fieldAt is a place in a request without saying in which part of it: "body.title" is "title".
func fieldAt(location string) string {
	for _, part := range []string{"body", "query", "path", "header"} {
		if location == part {
			return ""
		}
		if rest, ok := strings.CutPrefix(location, part+"."); ok {
			return rest
		}
	}
	return location
}

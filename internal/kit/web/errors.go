package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"rochdale/internal/kit/fault"
)

// Problem is an error on its way to a reader.
type Problem struct {
	Status int
	Words  string // a sentence for a person
	Field  string
	ID     string // the request id, to quote when asking for help
}

// ErrToken is the answer to an access token that is unknown, revoked or has run out.
var ErrToken = errors.New("the access token is invalid")

// ErrSignature is the answer to a federated request whose signature does not hold.
var ErrSignature = errors.New("the signature does not hold")

// statusOf is the only table from kinds of error to HTTP.
var statusOf = map[fault.Kind]int{
	fault.Internal:  http.StatusInternalServerError,
	fault.Invalid:   http.StatusUnprocessableEntity,
	fault.NotFound:  http.StatusNotFound,
	fault.Forbidden: http.StatusForbidden,
	fault.Conflict:  http.StatusConflict,
	fault.Gone:      http.StatusGone,
}

// StatusOf is the HTTP status of an error, for who answers it in a form of their own; what is not a fault is 500.
func StatusOf(err error) int { return statusOf[fault.KindOf(err)] }

// problemOf decides status and words for err.
func problemOf(r *http.Request, err error) Problem {
	p := Problem{Status: StatusOf(err), Field: fault.FieldOf(err), ID: of(r).id.String()}
	words, ok := fault.Words(err)
	var tooMuch *http.MaxBytesError
	var limited limitError
	switch {
	case errors.As(err, &limited):
		p.Status, words = http.StatusTooManyRequests, limited.Error()
	case errors.As(err, &tooMuch):
		p.Status, words = http.StatusRequestEntityTooLarge, "That is more than this server takes at once."
	case errors.Is(err, ErrToken):
		p.Status, words = http.StatusUnauthorized, "The access token is invalid"
	case errors.Is(err, ErrSignature):
		p.Status, words = http.StatusUnauthorized, "the signature does not hold"
	case p.Status == http.StatusForbidden && of(r).style != Federation && Actor(r).Visitor():
		p.Status = http.StatusUnauthorized
	case p.Status == http.StatusUnprocessableEntity && of(r).style == Federation:
		p.Status = http.StatusBadRequest // what a peer expects for nonsense
	case !ok:
		words = "Something went wrong on our side. It has been noted; please try again in a minute."
	}
	p.Words = words
	return p
}

// fail is the one writer of errors, and the one place that logs them.
func (s *Server) fail(w *statusWriter, r *http.Request, err error) {
	p := problemOf(r, err)
	if p.Status >= 500 && !errors.Is(err, context.Canceled) {
		s.opt.Log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "request", p.ID, "error", err.Error())
	}
	if w.status != 0 {
		return // the answer has begun; all that can be done is to have logged it
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	switch q := of(r); q.style {
	case API, Federation:
		if q.style == API && p.Status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Bearer realm="Rochdale", error="invalid_token"`)
		}
		switch {
		case q.problem != nil:
			_ = q.problem(w, p) // a client that hung up is not our error
		case q.style == API:
			_ = JSONProblem(w, p)
		default:
			http.Error(w, p.Words, p.Status)
		}
	case Page:
		if p.Status == http.StatusUnauthorized && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		if s.opt.ErrorPage != nil {
			if e := s.opt.ErrorPage(w, r, p); e == nil {
				return
			} else if w.status != 0 {
				return
			}
		}
		http.Error(w, p.Words, p.Status)
	default:
		http.Error(w, p.Words, p.Status)
	}
}

// JSONProblem writes a problem as {"error": words}: the form of every API route that has none of its own,
// and for a Federation route whose callers read JSON to declare.
func JSONProblem(w http.ResponseWriter, p Problem) error {
	return JSON(w, p.Status, map[string]string{"error": p.Words})
}

// JSON writes v with a status.
func JSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return Bytes(w, status, "application/json; charset=utf-8", b)
}

// Bytes writes a finished body.
func Bytes(w http.ResponseWriter, status int, contentType string, b []byte) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that hung up is not our error
	return nil
}

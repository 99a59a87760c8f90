package coopapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// Once is the header with which a request may come twice and is done once.
type Once struct {
	Key string `header:"Idempotency-Key" maxLength:"255" doc:"Any text of the app's own, new for every act. When the same request comes again with it within a day, it is not done again: the first answer is given once more, with the header Idempotency-Replayed."`
}

const keyHeader = "Idempotency-Key"

// once does a request, or answers as it did when the request came the first time. A request that was
// refused may come again with the same key. One whose end is not known (it is still in hand, or broke
// off) is not done a second time: the app has to look.
func (s *Service) once(o *operation, c *call, a *answer, r *http.Request, do func(*http.Request)) error {
	key := r.Header.Get(keyHeader)
	if key == "" || !o.once() {
		do(r)
		return nil
	}
	if len(key) > 255 {
		return fault.Field(keyHeader, "A key has 255 bytes at most.")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var tooMuch *http.MaxBytesError
		if errors.As(err, &tooMuch) {
			return err
		}
		return fault.New(fault.Invalid, "The request could not be read to its end.")
	}
	// The act is done and its answer kept also when the app hangs up: that is what the key is for.
	ctx := context.WithoutCancel(r.Context())
	before, err := s.begin(ctx, c.by.Member, key, digest(r, body))
	if err != nil {
		return err
	}
	if before != nil {
		a.repeat(before)
		return nil
	}
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	do(r)
	if err := s.end(ctx, c.by.Member, key, a); err != nil {
		c.err = errors.Join(c.err, err) // it is done all the same
	}
	return nil
}

func digest(r *http.Request, body []byte) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s %s\n", r.Method, r.URL.RequestURI())
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// begin notes that a request is in hand, or finds what it was answered before.
func (s *Service) begin(ctx context.Context, member id.ID, key, request string) (*answerRow, error) {
	var before *answerRow
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		before = nil
		row, ok, err := getAnswer.Find(ctx, tx, member, key)
		if err != nil {
			return err
		}
		if ok && !row.BegunAt.After(tx.Now().Add(-keepAnswers)) {
			if _, err := deleteAnswer.Run(ctx, tx, member, key); err != nil {
				return err
			}
			ok = false
		}
		switch {
		case !ok:
			n, err := insertAnswer.Run(ctx, tx, member, key, request, tx.Now())
			if err == nil && n == 0 { // the other came at the same moment: look again
				err = fmt.Errorf("note request: %w", db.ErrRetry)
			}
			return err
		case row.Request != request:
			return fault.Field(keyHeader, "This key came with another request before: take a new one for every act.")
		case row.Status == 0:
			return fault.New(fault.Conflict, "This request is still in hand, or broke off before it was answered: look whether it is done before you send it with a new key.")
		}
		before = &row
		return nil
	})
	return before, err
}

// end keeps the answer of what was done, and forgets what was refused.
func (s *Service) end(ctx context.Context, member id.ID, key string, a *answer) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		switch {
		case a.done():
			_, err = setAnswer.Run(ctx, tx, member, key, a.status, a.Header().Get("Location"), a.body.String())
		case a.status < http.StatusInternalServerError:
			_, err = deleteAnswer.Run(ctx, tx, member, key)
		}
		return err
	})
}

func (a *answer) repeat(row *answerRow) {
	h := a.Header()
	h.Set("Idempotency-Replayed", "true")
	if row.Location != "" {
		h.Set("Location", row.Location)
	}
	if row.Body != "" {
		h.Set("Content-Type", "application/json")
	}
	a.status = row.Status
	_, _ = a.Write([]byte(row.Body)) // to memory
}

package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/httpsig"
)

// maxAnswer is how much of a witness's answer is read.
const maxAnswer = 64 << 10

// raw is a body that is canonical JSON already.
type raw []byte

// kinds says what a refusal of the witness is to whoever asked. That it refuses us altogether is nothing that a
// voter could mend.
var kinds = map[int]fault.Kind{http.StatusBadRequest: fault.Invalid, http.StatusUnprocessableEntity: fault.Invalid, http.StatusForbidden: fault.Forbidden,
	http.StatusNotFound: fault.Conflict, http.StatusGone: fault.Conflict, http.StatusConflict: fault.Conflict, http.StatusUnauthorized: fault.Conflict,
	http.StatusTooManyRequests: fault.Conflict, http.StatusRequestEntityTooLarge: fault.Conflict}

// ask sends a signed request to a witness and reads its answer. spec: rfc9421#3.1
func (s *Service) ask(ctx context.Context, method, host, to string, body, into any) error {
	pair, err := s.pair(ctx)
	if err != nil {
		return err
	}
	text, ok := body.(raw)
	if !ok {
		if text, err = canonical(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, s.base(host)+to, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("ask witness: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if err := httpsig.SignMessage(r, s.host, pair, httpsig.Digest(text), s.db.Now()); err != nil {
		return err
	}
	answer, err := s.client.Do(ctx, r, maxAnswer)
	if err != nil {
		if ctx.Err() != nil { // we are being stopped
			return ctx.Err()
		}
		return absent(host, err)
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if answer.Status == http.StatusOK {
		if err := json.Unmarshal(answer.Body, into); err != nil || kind != "application/json" {
			return absent(host, fmt.Errorf("its answer is no JSON that was asked for"))
		}
		return nil
	}
	var p problem
	if fits, known := kinds[answer.Status]; known && kind == problemType && json.Unmarshal(answer.Body, &p) == nil && strings.TrimSpace(p.Detail) != "" {
		return fault.New(fits, "The witness %s says: %s", host, oneLine(p.Detail))
	}
	return absent(host, fmt.Errorf("its answer is %d", answer.Status))
}

// oneLine makes a sentence of a stranger fit to be shown.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}), " ")
	if r := []rune(s); len(r) > 500 {
		return string(r[:500]) + "…"
	}
	return s
}

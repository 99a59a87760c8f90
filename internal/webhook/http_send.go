package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"rochdale/internal/kit/outbound"
)

// most is how much of an answer is read; nothing in it matters but its status.
const most = 256 << 10

// post sends a delivery once. The status is 0 if there was no answer.
// spec: standardwebhooks/1.0#webhook-headers-sending-metadata-to-consumers
func (s *Service) post(ctx context.Context, h *Hook, d *Delivery) (status int, err error) {
	at, message, body := s.db.Now(), "msg_"+d.ID.String(), []byte(d.Body)
	signature, err := Sign(h.Secret, message, at, body)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Webhook-Id", message)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", signature)
	answer, err := s.client.Do(ctx, r, most)
	switch {
	case errors.Is(err, outbound.ErrForbiddenAddress):
		return 0, errors.New("the address is not on the public internet")
	case errors.Is(err, outbound.ErrTimeout):
		return 0, errors.New("the receiver took too long")
	case errors.Is(err, outbound.ErrTooLarge):
		return 0, errors.New("the answer was too large")
	case err != nil:
		return 0, err
	case answer.Status < 200 || answer.Status > 299:
		return answer.Status, fmt.Errorf("the answer was %d %s", answer.Status, http.StatusText(answer.Status))
	}
	return answer.Status, nil
}

package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

func asMaxBytes(err error, out **http.MaxBytesError) bool { return errors.As(err, out) }

// Stream is an open text/event-stream.
type Stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// NewStream starts an event stream; the handler then writes until r's context ends.
// spec: html/server-sent-events
func NewStream(w http.ResponseWriter) (*Stream, error) {
	s := &Stream{w, http.NewResponseController(w)}
	if err := s.rc.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	return s, s.Comment("ok")
}

// Send writes one event.
func (s *Stream) Send(event, data string) error {
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, strings.ReplaceAll(data, "\n", "\ndata: ")); err != nil {
		return err
	}
	return s.rc.Flush()
}

// Comment writes a line that clients ignore; sent every 15 seconds it keeps proxies from hanging up.
func (s *Stream) Comment(text string) error {
	if _, err := fmt.Fprintf(s.w, ": %s\n\n", text); err != nil {
		return err
	}
	return s.rc.Flush()
}

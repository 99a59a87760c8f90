// Package mailtest is a mail server for tests: it listens on the loopback address and keeps what it gets.
package mailtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Message is what arrived.
type Message struct {
	From    string   // envelope sender
	To      []string // envelope recipients
	Name    string   // who logged in, or ""
	Header  netmail.Header
	Subject string // decoded
	Text    string // decoded plain-text body
	HTML    string // decoded HTML body, or ""
	Raw     []byte
}

// Server is a running mail server.
type Server struct {
	// Refuse, if set before the first message, is asked for every recipient. A *smtp.SMTPError of go-smtp chooses the code.
	Refuse func(recipient string) error
	// Addr is "127.0.0.1:port".
	Addr string

	mu       sync.Mutex
	messages []Message
	arrived  chan struct{} // closed and replaced at each arrival
}

// Start starts a server that the test's end stops. With a TLS configuration it offers STARTTLS.
func Start(tb testing.TB, c *tls.Config) *Server {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{Addr: listener.Addr().String(), arrived: make(chan struct{})}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }))
	server.Domain, server.AllowInsecureAuth, server.EnableSMTPUTF8, server.TLSConfig = "localhost", true, true, c
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			tb.Error(err)
		}
	})
	return s
}

// URL is the address for kit/mail, without TLS.
func (s *Server) URL() string { return "smtp://" + s.Addr + "/?tls=off" }

// Messages returns all that has arrived, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait returns the first n messages as soon as they are there, and fails the test after ten seconds.
func (s *Server) Wait(tb testing.TB, n int) []Message {
	tb.Helper()
	timeout := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		have, arrived := slices.Clone(s.messages), s.arrived
		s.mu.Unlock()
		if len(have) >= n {
			return have[:n]
		}
		select {
		case <-arrived:
		case <-timeout:
			tb.Fatalf("%d of %d messages arrived", len(have), n)
		}
	}
}

type session struct {
	server *Server
	name   string
	m      Message
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.name = name
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.m = Message{From: from, Name: s.name}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.Refuse != nil {
		if err := s.server.Refuse(to); err != nil {
			return err
		}
	}
	s.m.To = append(s.m.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.m.Parse(raw); err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.messages = append(s.server.messages, s.m)
	close(s.server.arrived)
	s.server.arrived = make(chan struct{})
	return nil
}

func (s *session) Reset()        { s.m = Message{} }
func (s *session) Logout() error { return nil }

// Parse fills in everything but the envelope from the text of a message, such as an .eml file.
func (m *Message) Parse(raw []byte) error {
	parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	m.Raw, m.Header = raw, parsed.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		return err
	}
	return m.part(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body)
}

func (m *Message) part(contentType, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if encoding == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	switch kind {
	case "multipart/alternative":
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextPart() // decodes quoted-printable itself
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	case "text/plain", "text/html":
		b, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		text := string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
		if kind == "text/html" {
			m.HTML = text
		} else if m.Text = text; m.HTML != "" {
			return errors.New("plain text comes after HTML")
		}
		return nil
	}
	return fmt.Errorf("part of type %s", kind)
}

package mail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/mail"
	"rochdale/internal/kit/mail/mailtest"
)

var now = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

func options(t *testing.T) mail.Options {
	t.Helper()
	return mail.Options{From: "The Co-op <no-reply@coop.example>", Folder: filepath.Join(t.TempDir(), "mail"), Clock: clock.NewFake(now)}
}

func open(t *testing.T, server string) mail.Mailer {
	t.Helper()
	m, err := mail.Open(server, options(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var full = mail.Message{
	To: "Zoë Łukasz <zoe@member.example>", Subject: "Willkommen — välkommen", Text: "Hello Zoë,\n\n.a line with a dot\nhttps://coop.example/confirm/" + strings.Repeat("x", 90) + "\n",
	HTML: "<p>Hello Zoë</p>", ReplyTo: "board@coop.example", Unsubscribe: "https://coop.example/unsubscribe/1",
}

func TestSMTP(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, nil)
	if err := open(t, s.URL()).Send(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	got := s.Wait(t, 1)[0]
	check(t, got)
	if diff := cmp.Diff([]string{"no-reply@coop.example", "zoe@member.example"}, append([]string{got.From}, got.To...)); diff != "" {
		t.Error(diff)
	}
}

func check(t *testing.T, got mailtest.Message) {
	t.Helper()
	if diff := cmp.Diff([]string{full.Subject, strings.TrimSpace(full.Text), full.HTML}, []string{got.Subject, strings.TrimSpace(got.Text), strings.TrimSpace(got.HTML)}); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"Date": "Mon, 04 Jan 2027 09:00:00 +0000", "Auto-Submitted": "auto-generated", "Reply-To": "<board@coop.example>",
		"List-Unsubscribe": "<https://coop.example/unsubscribe/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"From": `"The Co-op" <no-reply@coop.example>`, "User-Agent": "", "X-Mailer": "",
	} {
		if got := got.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if id := got.Header.Get("Message-Id"); !strings.HasSuffix(id, "@coop.example>") {
		t.Errorf("message id %q", id)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	o := options(t)
	l, err := mail.Open("", o)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Send(t.Context(), full); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(o.Folder, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if !strings.HasPrefix(filepath.Base(f), "20270104T090000.000Z-") || filepath.Ext(f) != ".eml" {
			t.Errorf("named %s", f)
		}
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var m mailtest.Message
		if err := m.Parse(raw); err != nil {
			t.Fatal(err)
		}
		check(t, m)
	}
}

func TestHeadersCannotBeInjected(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, nil)
	m := open(t, s.URL())
	const evil = "x\r\nBcc: victim@example.org\r\n\r\nnew body"
	if err := m.Send(t.Context(), mail.Message{To: "a@member.example", Subject: evil, Text: "hello\r\n.\r\nMAIL FROM:<x@y.z>\r\n", HTML: evil}); err != nil {
		t.Fatal(err)
	}
	got := s.Wait(t, 1)[0]
	if got.Header.Get("Bcc") != "" || len(got.To) != 1 || got.Subject != "x Bcc: victim@example.org new body" || !strings.Contains(got.Text, "MAIL FROM") {
		t.Errorf("%+v", got)
	}
	for name, bad := range map[string]mail.Message{
		"recipient":     {To: "a@member.example\r\nBcc: victim@example.org", Text: "x"},
		"two":           {To: "a@member.example, victim@example.org", Text: "x"},
		"name":          {To: "=?utf-8?q?A=0D=0ABcc:_v?= <a@member.example>", Text: "x"},
		"quoted":        {To: "\"a b>\"@member.example", Text: "x"},
		"reply":         {To: "a@member.example", ReplyTo: "b@member.example\nX: y", Text: "x"},
		"unsubscribe":   {To: "a@member.example", Unsubscribe: "https://x/\r\nX: y", Text: "x"},
		"script":        {To: "a@member.example", Unsubscribe: "javascript:x", Text: "x"},
		"no recipient":  {Text: "x"},
		"no plain text": {To: "a@member.example", HTML: "<p>x"},
	} {
		if err := m.Send(t.Context(), bad); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := len(s.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestRefusedOrLater(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, nil)
	s.Refuse = func(to string) error {
		switch {
		case strings.HasPrefix(to, "gone"):
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
		case strings.HasPrefix(to, "full"):
			return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
		}
		return nil
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx     context.Context
		server  string
		to      string
		refused bool
	}{
		"gone":           {t.Context(), s.URL(), "gone@member.example", true},
		"full":           {t.Context(), s.URL(), "full@member.example", false},
		"cancelled":      {cancelled, s.URL(), "a@member.example", false},
		"no server":      {t.Context(), "smtp://127.0.0.1:1/?tls=off", "a@member.example", false},
		"no TLS there":   {t.Context(), "smtp://" + s.Addr, "a@member.example", false},
		"wrong password": {t.Context(), "smtp://me:wrong@" + s.Addr + "/?tls=off", "a@member.example", false},
	} {
		err := open(t, tc.server).Send(tc.ctx, mail.Message{To: tc.to, Subject: "x", Text: "x"})
		if err == nil || errors.Is(err, mail.ErrRefused) != tc.refused {
			t.Errorf("%s: got %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "wrong@") {
			t.Errorf("%s: %v shows the password", name, err)
		}
	}
	if n := len(s.Messages()); n != 0 {
		t.Errorf("%d messages", n)
	}
}

func TestTLSAndLogin(t *testing.T) {
	t.Parallel()
	h := httptest.NewTLSServer(nil) // for its certificate
	defer h.Close()
	s := mailtest.Start(t, h.TLS)
	m, err := mail.OpenSMTP("smtp://me:secret@"+s.Addr+"/?from=other%40coop.example", options(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), full); err == nil {
		t.Error("an unknown certificate was accepted")
	}
	pool := x509.NewCertPool()
	pool.AddCert(h.Certificate())
	m.TrustTLS(&tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
	if err := m.Send(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	if got := s.Wait(t, 1)[0]; got.Name != "me" || got.From != "other@coop.example" {
		t.Errorf("logged in as %q, from %s", got.Name, got.From)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"http://x", "smtp://", "smtp://h/?tls=perhaps", "smtp://h/?what=1", "smtp://h/?from=nobody", "smtp://me:hun%ter2@h", "smtp://h:99999"} {
		if _, err := mail.Open(server, options(t)); err == nil {
			t.Errorf("%q was accepted", server)
		} else if strings.Contains(err.Error(), "ter2") {
			t.Errorf("%v shows the password", err)
		}
	}
}

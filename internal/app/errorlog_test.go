package app

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/testkit"
)

// logged is a log that a test waits for.
type logged chan string

func (l logged) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// next is the first line with these words, from now on.
func (l logged) next(ctx context.Context, t *testing.T, words string) string {
	t.Helper()
	for {
		select {
		case line := <-l:
			if strings.Contains(line, words) {
				return line
			}
		case <-ctx.Done():
			t.Fatalf("the log does not say %q", words)
		}
	}
}

// A stranger who does not speak TLS is in the log, without their address.
func TestAFailedHandshakeIsToldWithoutTheAddress(t *testing.T) {
	t.Parallel()
	in := newInstance(t, "")
	in.config.TLS = true
	log := make(logged, 1000)
	a, err := Build(t.Context(), in.config, clock.NewSystem(), slog.New(slog.NewTextHandler(log, nil)), false)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- a.Serve(ctx, Web, t.Output(), func(at net.Addr) { ready <- at }) }()
	var at net.Addr
	select {
	case at = <-ready:
	case err := <-ended:
		t.Fatalf("it did not start: %v", err)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	line := log.next(ctx, t, "TLS handshake")
	if !strings.Contains(line, "level=WARN") || !strings.Contains(line, `msg="a TLS handshake failed" count=1`) {
		t.Errorf("it says %s", line)
	}
	if _, port, _ := net.SplitHostPort(c.LocalAddr().String()); strings.Contains(line, "127.0.0.1") || strings.Contains(line, port) {
		t.Errorf("the address is in it: %s", line)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhatTheServerSaysHasNoAddresses(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"http: TLS handshake error from 192.0.2.7:40112: EOF":                                               `level=WARN msg="a TLS handshake failed" count=1 last=EOF`,
		"http: TLS handshake error from [2001:db8::7]:40112: remote error: tls: bad certificate":            `level=WARN msg="a TLS handshake failed" count=1 last="remote error: tls: bad certificate"`,
		"http: TLS handshake error from [fe80::1%eth0]:40112: tls: unsupported versions: [302 301]":         `level=WARN msg="a TLS handshake failed" count=1 last="tls: unsupported versions: [302 301]"`,
		"http: TLS handshake error from 192.0.2.7:1: read tcp 198.51.100.1:443->192.0.2.7:1: i/o timeout":   `level=WARN msg="a TLS handshake failed" count=1 last="read tcp (address)->(address): i/o timeout"`,
		"http: TLS handshake error from 192.0.2.7:1: acme/autocert: server name \"2001:db8::7\" is no name": `level=WARN msg="a TLS handshake failed" count=1 last="acme/autocert: server name \"(address)\" is no name"`,
		"http: panic serving [::ffff:192.0.2.7]:40112: net/http: abort\ngoroutine 7 [running]":              `level=WARN msg="http server" says="http: panic serving (address): net/http: abort\ngoroutine 7 [running]"`,
		"http: Accept error: accept tcp [::]:443: accept4: too many open files; retrying in 5ms":            `level=WARN msg="http server" says="http: Accept error: accept tcp (address): accept4: too many open files; retrying in 5ms"`,
		"http: superfluous response.WriteHeader call from main.f (server.go:12)":                            `level=WARN msg="http server" says="http: superfluous response.WriteHeader call from main.f (server.go:12)"`,
	} {
		log := make(logged, 1)
		errorLog(slog.New(slog.NewTextHandler(log, nil)), clock.NewFake(testkit.Start)).Print(said)
		if _, line, _ := strings.Cut(<-log, " "); line != want+"\n" {
			t.Errorf("%q is logged as\n%swant\n%s", said, line, want)
		}
	}
}

// A scanner does not fill the log.
func TestFailedHandshakesAreToldOnceAMinute(t *testing.T) {
	t.Parallel()
	log, c := make(logged, 100), clock.NewFake(testkit.Start)
	l := errorLog(slog.New(slog.NewTextHandler(log, nil)), c)
	for range 50 {
		l.Print("http: TLS handshake error from 192.0.2.7:40112: EOF")
	}
	c.Advance(time.Minute)
	l.Print("http: TLS handshake error from 192.0.2.8:40113: EOF")
	for _, want := range []string{"count=1 ", "count=50 "} {
		if line := <-log; !strings.Contains(line, want) {
			t.Errorf("want %s: %s", want, line)
		}
	}
	if len(log) > 0 {
		t.Errorf("and then %s", <-log)
	}
}

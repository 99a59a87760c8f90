package outbound

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lab is a client that may reach test servers.
func lab(tb testing.TB, options Options) *Client {
	tb.Helper()
	options.AllowPrivate = true
	c := New(options)
	tb.Cleanup(c.Close)
	return c
}

func serve(tb testing.TB, handler http.HandlerFunc) *httptest.Server {
	tb.Helper()
	s := httptest.NewServer(handler)
	tb.Cleanup(s.Close)
	return s
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"1.1.1.1": true, "93.184.215.14": true, "172.32.0.1": true, "100.128.0.1": true, "198.20.0.1": true,
		"2606:4700::1111": true, "2a01:4f8::1": true, "::ffff:1.1.1.1": true, "64:ff9b::101:101": true, "2002:101:101::1": true,
		"127.0.0.1": false, "127.9.9.9": false, "0.0.0.0": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.0.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.127.255.255": false, "192.0.0.8": false,
		"192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false,
		"240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::101:101": false, "2002:7f00:1::1": false, "2002:a00:1::": false,
		"fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "fc00::1": false, "fd00::1": false, "ff02::1": false,
		"2001:db8::1": false, "2001::1": false, "100::1": false, "3fff::1": false,
	} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("Public(%s) = %v", text, got)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	s := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	c := New(Options{})
	defer c.Close()
	for _, url := range []string{
		s.URL, "http://localhost" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://0.0.0.0" + port,
		"file:///etc/passwd", "gopher://a.example/", "https://a.example:22/", "https://a.example:0/", "https://a.example:99999/",
		"https://user:secret@a.example/", "https:///x", "://", "http://169.254.169.254/latest/meta-data/", "//a.example/",
	} {
		_, err := c.Get(t.Context(), url, 100)
		if !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("Get(%s) = %v, want ErrForbiddenAddress", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a password: %v", err)
		}
	}
	if reached.Load() {
		t.Error("a private address was reached")
	}
}

// TestRedirectToPrivate has a public-looking first hop: the transport of a
// guarded client is given a dialer for it, but checks the second hop itself.
func TestRedirectToPrivate(t *testing.T) {
	t.Parallel()
	inner := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the private server was reached") })
	outer := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inner.URL, http.StatusFound) })
	c := New(Options{})
	defer c.Close()
	guarded, free := c.transport.DialContext, lab(t, Options{}).transport.DialContext
	c.transport.DialContext = dialSwitch("public.example:8080", outer.Listener.Addr().String(), free, guarded)
	if _, err := c.Get(t.Context(), "http://public.example:8080/", 100); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("Get = %v, want ErrForbiddenAddress", err)
	}
}

func TestDowngrade(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	r := httptest.NewRequest(http.MethodGet, "https://a.example/", nil)
	next := httptest.NewRequest(http.MethodGet, "http://a.example/", nil).URL
	if _, err := c.follow(r, next); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("follow = %v, want ErrForbiddenAddress", err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var signed []string
	mux := http.NewServeMux()
	for from, to := range map[string]string{"/0": "/1", "/1": "/2", "/2": "/3", "/3": "/4"} {
		mux.Handle(from, http.RedirectHandler(to, http.StatusFound))
	}
	mux.HandleFunc("/4", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Signature")+" "+r.Header.Get("User-Agent"))
	})
	s := serve(t, mux.ServeHTTP)
	c := lab(t, Options{UserAgent: "Test/1", Sign: func(r *http.Request) error {
		signed = append(signed, r.URL.Path)
		r.Header.Set("Signature", "for "+r.URL.Path)
		return nil
	}})
	got, err := c.Get(t.Context(), s.URL+"/1", 100)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Body) != "for /4 Test/1" || got.URL != s.URL+"/4" || got.Status != 200 {
		t.Errorf("Get = %d %s %s", got.Status, got.Body, got.URL)
	}
	if diff := cmp.Diff([]string{"/1", "/2", "/3", "/4"}, signed); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Get(t.Context(), s.URL+"/0", 100); !errors.Is(err, ErrTooManyRedirects) {
		t.Errorf("four redirects = %v, want ErrTooManyRedirects", err)
	}
	post, err := http.NewRequest(http.MethodPost, s.URL+"/3", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Do(t.Context(), post, 100); err != nil || got.Status != http.StatusFound {
		t.Errorf("redirected POST = %d, %v, want the redirect itself", got.Status, err)
	}
	if post.Header.Get("Signature") != "" {
		t.Error("the caller's request was changed")
	}
}

func TestSecretsStayBehind(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	r, err := http.NewRequest(http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Authorization", "Cookie", "Signature", "Date", "Accept"} {
		r.Header.Set(name, "x")
	}
	if _, err := lab(t, Options{}).Do(t.Context(), r, 100); err != nil {
		t.Fatal(err)
	}
	header := <-seen
	for _, name := range []string{"Authorization", "Cookie", "Signature", "Date"} {
		if header.Get(name) != "" {
			t.Errorf("%s was sent to another host", name)
		}
	}
	if header.Get("Accept") != "x" {
		t.Error("Accept was lost")
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	const limit = 1 << 16
	zeros := make([]byte, 1<<20)
	stream := func(w io.Writer, n int) {
		for range n {
			if _, err := w.Write(zeros); err != nil {
				return // the client has hung up, as it should
			}
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"two gigabytes": func(w http.ResponseWriter, _ *http.Request) { stream(w, 2048) },
		"announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2147483648")
			stream(w, 1)
		},
		"one too many": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(zeros[:limit+1]) },
		"zip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			stream(z, 64)
			_ = z.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, handler)
			if _, err := lab(t, Options{}).Get(t.Context(), s.URL, limit); !errors.Is(err, ErrTooLarge) {
				t.Errorf("Get = %v, want ErrTooLarge", err)
			}
		})
	}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(zeros[:limit]) })
	if got, err := lab(t, Options{}).Get(t.Context(), s.URL, limit); err != nil || len(got.Body) != limit {
		t.Errorf("a body of exactly the limit = %d bytes, %v", len(got.Body), err)
	}
}

func TestHangingPeer(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"never answers": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"never ends": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, handler)
			c := lab(t, Options{Timeout: 50 * time.Millisecond})
			if _, err := c.Get(t.Context(), s.URL, 100); !errors.Is(err, ErrTimeout) {
				t.Errorf("Get = %v, want ErrTimeout", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := c.Get(ctx, s.URL, 100); !errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) {
				t.Errorf("Get by a caller who gave up = %v, want context.Canceled", err)
			}
		})
	}
}

func TestPerHost(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	slow := serve(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-release })
	fine := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := lab(t, Options{PerHost: 2, MaxWait: -1})
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := c.Get(t.Context(), slow.URL, 100)
			done <- err
		}()
		<-arrived
	}
	if _, err := c.Get(t.Context(), slow.URL, 100); !errors.Is(err, ErrBusy) {
		t.Errorf("third request = %v, want ErrBusy", err)
	}
	if _, err := c.Get(t.Context(), fine.URL, 100); err != nil {
		t.Errorf("another host is affected: %v", err)
	}
	close(release)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(c.gates.open) != 0 {
		t.Errorf("%d hosts are still remembered", len(c.gates.open))
	}
}

// dialSwitch dials one named address by free to where, and all others guarded.
func dialSwitch(name, where string, free, guarded dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == name {
			return free(ctx, network, where)
		}
		return guarded(ctx, network, address)
	}
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

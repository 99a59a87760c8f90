package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client sends requests under the rules of its Options. It is safe for
// concurrent use and keeps connections; make one and share it.
type Client struct {
	options   Options
	transport *http.Transport
	gates     gates
}

// New returns a Client. Certificates are checked against the system's roots,
// which SSL_CERT_FILE and SSL_CERT_DIR replace.
func New(options Options) *Client {
	options = options.withDefaults()
	dialer := &net.Dialer{Timeout: options.DialTimeout, KeepAlive: 30 * time.Second}
	if !options.AllowPrivate {
		dialer.Control = control
	}
	return &Client{
		options: options,
		gates:   gates{width: options.PerHost, open: make(map[string]*gate)},
		transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    options.DialTimeout,
			MaxIdleConns:           256,
			MaxIdleConnsPerHost:    2,
			MaxConnsPerHost:        options.PerHost,
			IdleConnTimeout:        60 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// Close drops idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Get fetches url and reads at most limit bytes of the answer.
func (c *Client) Get(ctx context.Context, url string, limit int64) (Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Response{}, fmt.Errorf("%w: %w", ErrForbiddenAddress, err)
	}
	return c.Do(ctx, r, limit)
}

// Do sends r and reads at most limit bytes of the answer; a longer one is
// ErrTooLarge. Redirects of GET and HEAD are followed; for other methods the
// redirect is the answer, because a body signed for one host is not to be
// handed to another. An answer with an error status is not an error. The
// caller's request is not changed.
func (c *Client) Do(ctx context.Context, r *http.Request, limit int64) (Response, error) {
	whole, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	r = r.Clone(whole)
	for hop := 0; ; hop++ {
		response, next, err := c.hop(whole, r, limit)
		if err != nil {
			return Response{}, c.explain(ctx, r, err)
		}
		if next == nil {
			return response, nil
		}
		if hop >= c.options.MaxRedirects {
			return Response{}, c.explain(ctx, r, ErrTooManyRedirects)
		}
		if r, err = c.follow(r, next); err != nil {
			return Response{}, c.explain(ctx, r, err)
		}
	}
}

// hop sends one request. It returns the answer, or where it points to.
func (c *Client) hop(ctx context.Context, r *http.Request, limit int64) (Response, *url.URL, error) {
	if err := c.checkURL(r.URL); err != nil {
		return Response{}, nil, err
	}
	leave, err := c.gates.enter(ctx, strings.ToLower(r.URL.Host), c.options.MaxWait)
	if err != nil {
		return Response{}, nil, err
	}
	defer leave()
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", c.options.UserAgent)
	}
	if c.options.Sign != nil && r.Header.Get("Signature") == "" {
		if err := c.options.Sign(r); err != nil {
			return Response{}, nil, fmt.Errorf("sign request: %w", err)
		}
	}
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		return Response{}, nil, err
	}
	defer func() { _ = response.Body.Close() }() // what was read of it counts
	if next := redirect(r, response); next != nil {
		return Response{}, next, nil
	}
	if response.ContentLength > limit && r.Method != http.MethodHead {
		return Response{}, nil, fmt.Errorf("%w: %d bytes announced", ErrTooLarge, response.ContentLength)
	}
	// The transport has undone gzip, if any, so the limit holds for what comes out.
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return Response{}, nil, fmt.Errorf("read response: %w", err)
	}
	if int64(len(body)) > limit {
		return Response{}, nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return Response{Status: response.StatusCode, Header: response.Header, Body: body, URL: r.URL.String()}, nil, nil
}

// redirect returns where an answer points to, or nil if it is final.
func redirect(r *http.Request, response *http.Response) *url.URL {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if next, err := response.Location(); err == nil {
			return next
		}
	}
	return nil
}

// follow makes the request for the next hop. What was signed or secret stays
// behind. On an error it returns the request it was given.
func (c *Client) follow(r *http.Request, next *url.URL) (*http.Request, error) {
	if r.URL.Scheme == "https" && next.Scheme == "http" && !c.options.AllowPrivate {
		return r, fmt.Errorf("%w: redirect from https to http", ErrForbiddenAddress)
	}
	sameHost := strings.EqualFold(r.URL.Host, next.Host)
	r = r.Clone(r.Context())
	r.URL, r.Host = next, ""
	for _, name := range []string{"Signature", "Signature-Input", "Date", "Digest", "Content-Digest"} {
		r.Header.Del(name)
	}
	if !sameHost {
		r.Header.Del("Authorization")
		r.Header.Del("Cookie")
	}
	return r, nil
}

// explain names the request and tells a timeout of ours from a caller that
// gave up.
func (c *Client) explain(caller context.Context, r *http.Request, err error) error {
	verb := strings.ToLower(r.Method)
	var timeout net.Error
	switch {
	case caller.Err() != nil && !errors.Is(caller.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s %s: %w", verb, r.URL.Redacted(), caller.Err())
	case errors.Is(err, ErrBusy), errors.Is(err, ErrTooLarge), errors.Is(err, ErrForbiddenAddress):
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s %s: %w: %w", verb, r.URL.Redacted(), ErrTimeout, err)
	}
	return fmt.Errorf("%s %s: %w", verb, r.URL.Redacted(), err)
}

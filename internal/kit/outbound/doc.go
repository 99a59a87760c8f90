// Package outbound is the only way this program speaks to other servers.
//
// What it fetches is named by strangers, so every request is confined: it
// cannot reach an address that is not on the public internet (checked on the
// address that is really dialled, after name resolution, so that a name which
// resolves differently the second time gains nothing), it is over within a
// fixed time whatever the peer does, it reads no more than the caller allows
// (counted after decompression), it follows few redirects and each of them
// under the same rules, and one slow host can hold only a few requests at once.
// No proxy from the environment is used, since a proxy would dial for us.
package outbound

import (
	"errors"
	"net/http"
	"time"
)

// The ways in which a request can be refused or given up. They are wrapped
// with detail; test for them with errors.Is. Any other error is the network's.
var (
	// ErrForbiddenAddress means a scheme, port or address that is not allowed.
	ErrForbiddenAddress = errors.New("address is not allowed")
	// ErrTooLarge means that the body is longer than the limit.
	ErrTooLarge = errors.New("response is too large")
	// ErrTooManyRedirects means more redirects than Options allow.
	ErrTooManyRedirects = errors.New("too many redirects")
	// ErrTimeout means that the peer took too long.
	ErrTimeout = errors.New("peer took too long")
	// ErrBusy means that the host already has as many requests as it may have.
	// Nothing was sent; try again later.
	ErrBusy = errors.New("too many requests to this host at once")
)

// Options configures a Client. The zero value is safe and usable.
type Options struct {
	// UserAgent names us; peers block what does not say who it is.
	UserAgent string
	// AllowPrivate permits every address, port and downgrade. For labs only.
	AllowPrivate bool
	// Timeout bounds a whole request with its redirects and body; 15 s if 0.
	Timeout time.Duration
	// DialTimeout bounds connecting; 5 s if 0.
	DialTimeout time.Duration
	// MaxRedirects is how many are followed; 3 if 0, none if negative.
	MaxRedirects int
	// PerHost is how many requests one host may have at once; 8 if 0.
	PerHost int
	// MaxWait is how long a request waits for its turn at a host before it
	// fails with ErrBusy; 2 s if 0, not at all if negative.
	MaxWait time.Duration
	// Sign is called for the request of each hop right before it is sent,
	// unless that request has a Signature header already. The host and the
	// path are signed, so a redirect needs a signature of its own.
	Sign func(*http.Request) error
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = 5 * time.Second
	}
	if o.MaxRedirects == 0 {
		o.MaxRedirects = 3
	}
	if o.PerHost <= 0 {
		o.PerHost = 8
	}
	if o.MaxWait == 0 {
		o.MaxWait = 2 * time.Second
	}
	return o
}

// Response is an answer read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// URL is where the answer came from, after redirects.
	URL string
}

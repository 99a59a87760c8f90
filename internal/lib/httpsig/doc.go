// Package httpsig signs and verifies HTTP requests between servers.
//
// Two schemes are spoken on the fediverse. draft-cavage-http-signatures-12 is
// what every server accepts; RFC 9421 is what newer ones send. The package
// signs and verifies both, for requests only.
//
// Verification has two steps because the key usually has to be looked up in
// between, over the network. Parse reads the headers, costs little and says
// which key is claimed; Signature.Verify then checks, in this order, that the
// signature covers enough of the request, that it is fresh, that the body fits
// its digest, and that the key made it. A signature that verifies therefore
// says: the holder of this key sent this method, to this host and path, with
// this body, within the window. It does not say whose key it is, nor that the
// request was not seen before; both are the caller's to check.
//
// The package never reads the clock or the body; the caller passes both.
package httpsig

import (
	"errors"
	"time"
)

// The ways in which a request can fail to be signed well. They are wrapped
// with detail; test for them with errors.Is.
var (
	// ErrNoSignature means that the request carries no signature at all.
	ErrNoSignature = errors.New("request is not signed")
	// ErrMalformed means that the signature headers cannot be read, or ask
	// for something that this package does not support.
	ErrMalformed = errors.New("signature is malformed")
	// ErrStale means that the signature is too old, from the future, or expired.
	ErrStale = errors.New("signature is outside its time window")
	// ErrDigest means that the body is not the one that was signed.
	ErrDigest = errors.New("body does not match its digest")
	// ErrCoverage means that a part of the request that matters is not signed.
	ErrCoverage = errors.New("signature does not cover enough of the request")
	// ErrInvalid means that this key did not make this signature.
	ErrInvalid = errors.New("signature is not valid for this key")
)

// Scheme tells the two ways of signing apart, so that a sender can remember
// which one a peer understands.
type Scheme uint8

const (
	// Cavage is draft-cavage-http-signatures-12.
	Cavage Scheme = iota + 1
	// RFC9421 is HTTP Message Signatures.
	RFC9421
)

// String names the scheme for logs.
func (s Scheme) String() string {
	switch s {
	case Cavage:
		return "draft-cavage-12"
	case RFC9421:
		return "rfc9421"
	}
	return "none"
}

const (
	// maxAge is how long after it was made a signature is still accepted. Peers
	// retry deliveries with the signature they have, and clocks are often wrong;
	// Mastodon allows the same twelve hours.
	maxAge = 12 * time.Hour
	// maxSkew is how far in the future a signature may have been made.
	maxSkew = time.Hour

	// Limits on what a stranger can make us parse. Real signatures have at most
	// ten components and stay under 1.5 kB.
	maxHeaderBytes = 8 << 10
	maxComponents  = 32
	maxSignatures  = 8
	maxKeyIDBytes  = 2048
	// maxModulusBits bounds the work that a stranger's RSA key can cost us.
	maxModulusBits = 8192
)

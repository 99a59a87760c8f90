package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Signature is what a request claims about who signed it. It proves nothing
// until Verify has returned nil.
type Signature struct {
	// URLScheme is the scheme of this server's public address, "https" unless
	// set. RFC 9421 signs whole URLs, and behind a proxy the request itself
	// does not know whether it came over TLS.
	URLScheme string

	scheme     Scheme
	keyID      string
	algorithm  string
	components []string
	// params is the serialised @signature-params value (RFC 9421 only).
	params string
	// created and expires are kept as sent, since Cavage signs their text.
	created, expires string
	value            []byte
}

// KeyID returns the identifier of the key that is said to have signed,
// on the fediverse a URL such as https://host/users/name#main-key.
func (s Signature) KeyID() string { return s.keyID }

// Scheme returns which of the two signature schemes was used.
func (s Signature) Scheme() Scheme { return s.scheme }

// Parse reads the signature headers of a request without checking them.
// If both schemes are present it takes RFC 9421, and of several RFC 9421
// signatures the first that names a key. The errors are ErrNoSignature and
// ErrMalformed.
func Parse(r *http.Request) (Signature, error) {
	if inputs := r.Header.Values("Signature-Input"); len(inputs) > 0 {
		return parseMessageSignature(inputs, r.Header.Values("Signature"))
	}
	values := r.Header.Values("Signature")
	switch len(values) {
	case 0:
		return Signature{}, ErrNoSignature
	case 1:
		return parseCavage(values[0])
	}
	return Signature{}, fmt.Errorf("%w: several Signature headers", ErrMalformed)
}

// Verify checks that the holder of pub signed this request with this body at
// about now. The key is an *rsa.PublicKey or an ed25519.PublicKey. The errors
// are ErrCoverage, ErrStale, ErrDigest, ErrInvalid, and ErrMalformed where a
// covered part is missing from the request.
func (s Signature) Verify(r *http.Request, body []byte, pub crypto.PublicKey, now time.Time) error {
	if s.URLScheme == "" {
		s.URLScheme = "https"
	}
	if err := s.checkCoverage(r, body); err != nil {
		return err
	}
	if err := s.checkTime(r, now); err != nil {
		return err
	}
	if err := s.checkDigests(r, body); err != nil {
		return err
	}
	base, err := s.base(r)
	if err != nil {
		return err
	}
	err = s.checkKey(base, pub)
	if err != nil && s.scheme == Cavage && r.Method == http.MethodGet && query(r) != "" {
		// Mastodon before 4.3 left the query out of what it signed. A GET changes
		// nothing here, so the unsigned query is accepted; a POST is not.
		s.components = append([]string{bareTarget}, s.components...)
		if base, err2 := cavageBase(s, r); err2 == nil && s.checkKey(base, pub) == nil {
			return nil
		}
	}
	return err
}

func (s Signature) covers(component string) bool {
	for _, c := range s.components {
		if c == component {
			return true
		}
	}
	return false
}

func (s Signature) checkCoverage(r *http.Request, body []byte) error {
	need := func(ok bool, what string) error {
		if ok {
			return nil
		}
		return fmt.Errorf("%w: %s is not signed", ErrCoverage, what)
	}
	if s.scheme == Cavage {
		for _, check := range []error{
			need(s.covers("(request-target)"), "(request-target)"),
			need(s.covers("host"), "host"),
			need(s.covers("date") || s.covers("(created)"), "date"),
			need(len(body) == 0 || s.covers("digest"), "digest"),
		} {
			if check != nil {
				return check
			}
		}
		return nil
	}
	target := s.covers("@target-uri") ||
		s.covers("@authority") && (s.covers("@request-target") ||
			s.covers("@path") && (s.covers("@query") || query(r) == ""))
	for _, check := range []error{
		need(s.covers("@method"), "@method"),
		need(target, "the target URI"),
		need(s.created != "", "created"),
		need(len(body) == 0 || s.covers("content-digest"), "content-digest"),
	} {
		if check != nil {
			return check
		}
	}
	return nil
}

func (s Signature) checkTime(r *http.Request, now time.Time) error {
	// spec: draft-cavage-12#2.3 and rfc9421#2.3 give both as Unix seconds. Only
	// a covered time counts; in RFC 9421 the parameters are always covered.
	if s.created != "" && (s.scheme == RFC9421 || s.covers("(created)")) {
		t, err := unixTime(s.created)
		if err != nil {
			return err
		}
		if err := within(t, now); err != nil {
			return err
		}
	}
	if s.expires != "" {
		t, err := unixTime(s.expires)
		if err != nil {
			return err
		}
		if !now.Before(t) {
			return fmt.Errorf("%w: expired at %s", ErrStale, t.UTC().Format(time.RFC3339))
		}
	}
	if s.covers("date") {
		t, err := http.ParseTime(r.Header.Get("Date"))
		if err != nil {
			return fmt.Errorf("%w: unreadable Date header", ErrMalformed)
		}
		return within(t, now)
	}
	return nil
}

func within(t, now time.Time) error {
	if age := now.Sub(t); age > maxAge || age < -maxSkew {
		return fmt.Errorf("%w: made at %s", ErrStale, t.UTC().Format(time.RFC3339))
	}
	return nil
}

func unixTime(text string) (time.Time, error) {
	// Cavage allows a decimal fraction in expires; whole seconds are enough.
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return time.Time{}, fmt.Errorf("%w: unreadable time", ErrMalformed)
	}
	return time.Unix(n, 0), nil
}

// base returns the exact bytes that were signed.
func (s Signature) base(r *http.Request) ([]byte, error) {
	if s.scheme == Cavage {
		return cavageBase(s, r)
	}
	return messageBase(s, r)
}

// checkKey checks the signature value over base. What the algorithm parameter
// says must fit the key; the key, not the parameter, decides what is run.
func (s Signature) checkKey(base []byte, pub crypto.PublicKey) error {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		if key == nil || key.N == nil || key.N.BitLen() > maxModulusBits {
			return fmt.Errorf("%w: unusable RSA key", ErrInvalid)
		}
		switch s.algorithm {
		case "":
			// An RSA key without a named algorithm may have been used either way.
			if verifyPKCS1(key, base, s.value) || s.scheme == RFC9421 && verifyPSS(key, base, s.value) {
				return nil
			}
		case "rsa-sha256", "hs2019", "rsa-v1_5-sha256":
			// hs2019 should mean PSS with SHA-512 for an RSA key, but every
			// fediverse server that sends it means rsa-sha256.
			if verifyPKCS1(key, base, s.value) {
				return nil
			}
		case "rsa-pss-sha512":
			if verifyPSS(key, base, s.value) {
				return nil
			}
		default:
			return fmt.Errorf("%w: algorithm %q does not fit an RSA key", ErrInvalid, s.algorithm)
		}
		return ErrInvalid
	case ed25519.PublicKey:
		switch s.algorithm {
		case "", "hs2019", "ed25519":
		default:
			return fmt.Errorf("%w: algorithm %q does not fit an Ed25519 key", ErrInvalid, s.algorithm)
		}
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, base, s.value) {
			return nil
		}
		return ErrInvalid
	}
	return fmt.Errorf("%w: unsupported key type %T", ErrInvalid, pub)
}

// spec: rfc9421#3.3.2
func verifyPKCS1(key *rsa.PublicKey, base, value []byte) bool {
	sum := sha256.Sum256(base)
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], value) == nil
}

// spec: rfc9421#3.3.1 fixes the salt at 64 bytes, but libraries in use make it
// as long as fits; the length has no bearing on what the signature proves.
func verifyPSS(key *rsa.PublicKey, base, value []byte) bool {
	sum := sha512.Sum512(base)
	return rsa.VerifyPSS(key, crypto.SHA512, sum[:], value, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
}

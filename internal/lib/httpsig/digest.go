package httpsig

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/dunglas/httpsfv"
)

// Digest returns the digest of a body in the form that Sign and SignMessage
// take. One body delivered to many servers is hashed once.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// checkDigests compares the body with every digest that the signature covers.
// A covered digest is checked even for an empty body, so that a body cannot be
// taken away.
func (s Signature) checkDigests(r *http.Request, body []byte) error {
	if s.covers("digest") {
		if err := checkDigest(r, body); err != nil {
			return err
		}
	}
	if s.scheme == RFC9421 && s.covers("content-digest") {
		return checkContentDigest(r, body)
	}
	return nil
}

// checkDigest checks the Digest header. spec: rfc3230#4.3.2
func checkDigest(r *http.Request, body []byte) error {
	header, _ := headerValue(r, "digest")
	if len(header) > maxHeaderBytes {
		return fmt.Errorf("%w: Digest header too long", ErrMalformed)
	}
	known := false
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		want, supported := hash(strings.ToLower(name), body)
		if !supported {
			continue
		}
		known = true
		got, err := base64.StdEncoding.DecodeString(value)
		if err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
			return fmt.Errorf("%w: %s", ErrDigest, name)
		}
	}
	if !known {
		return fmt.Errorf("%w: no SHA-256 or SHA-512 in Digest header", ErrDigest)
	}
	return nil
}

// checkContentDigest checks the Content-Digest header. spec: rfc9530#2
func checkContentDigest(r *http.Request, body []byte) error {
	values := r.Header.Values("Content-Digest")
	if tooLong(values) {
		return fmt.Errorf("%w: Content-Digest header too long", ErrMalformed)
	}
	dict, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return fmt.Errorf("%w: unreadable Content-Digest header", ErrMalformed)
	}
	known := false
	for _, name := range dict.Names() {
		want, supported := hash(name, body)
		if !supported {
			continue
		}
		known = true
		member, _ := dict.Get(name)
		item, _ := member.(httpsfv.Item)
		got, _ := item.Value.([]byte)
		if subtle.ConstantTimeCompare(got, want) != 1 {
			return fmt.Errorf("%w: %s", ErrDigest, name)
		}
	}
	if !known {
		return fmt.Errorf("%w: no sha-256 or sha-512 in Content-Digest header", ErrDigest)
	}
	return nil
}

func hash(algorithm string, body []byte) (sum []byte, supported bool) {
	switch algorithm {
	case "sha-256":
		h := sha256.Sum256(body)
		return h[:], true
	case "sha-512":
		h := sha512.Sum512(body)
		return h[:], true
	}
	return nil, false
}

func tooLong(values []string) bool {
	n := 0
	for _, v := range values {
		n += len(v)
	}
	return n > maxHeaderBytes || len(values) > maxSignatures
}

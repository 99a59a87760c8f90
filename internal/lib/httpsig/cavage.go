package httpsig

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// bareTarget stands in front of a component list to say that (request-target)
// is to be built without the query. No header can have this name.
const bareTarget = "(bare-target)"

// Sign signs an outgoing request with draft-cavage-12 and RSA. It sets the
// Date and Signature headers, and the Digest header if digest (from Digest) is
// not empty, as it must be if the request has a body.
// Sign a request last: a redirect needs a new signature.
func Sign(r *http.Request, keyID string, key *rsa.PrivateKey, digest string, now time.Time) error {
	if strings.ContainsAny(keyID, "\"\\\r\n") {
		return fmt.Errorf("sign request: key id %q cannot be quoted", keyID)
	}
	r.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	s := Signature{scheme: Cavage, components: []string{"(request-target)", "host", "date"}}
	if digest != "" {
		r.Header.Set("Digest", "SHA-256="+digest)
		s.components = append(s.components, "digest")
	}
	base, err := cavageBase(s, r)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	sum := sha256.Sum256(base)
	value, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	// The draft deprecates rsa-sha256 in favour of hs2019, but older peers
	// understand only the former. spec: draft-cavage-12#E.2
	r.Header.Set("Signature", `keyId="`+keyID+`",algorithm="rsa-sha256",headers="`+
		strings.Join(s.components, " ")+`",signature="`+base64.StdEncoding.EncodeToString(value)+`"`)
	return nil
}

// cavageBase builds the signing string. spec: draft-cavage-12#2.3
func cavageBase(s Signature, r *http.Request) ([]byte, error) {
	b := make([]byte, 0, 512)
	components := s.components
	bare := len(components) > 0 && components[0] == bareTarget
	if bare {
		components = components[1:]
	}
	for i, name := range components {
		if i > 0 {
			b = append(b, '\n')
		}
		b = append(append(b, name...), ": "...)
		switch name {
		case "(request-target)":
			b = append(append(b, strings.ToLower(r.Method)...), ' ')
			if bare {
				b = append(b, path(r)...)
			} else {
				b = append(b, requestTarget(r)...)
			}
		case "(created)":
			b = append(b, s.created...)
		case "(expires)":
			b = append(b, s.expires...)
		default:
			value, ok := headerValue(r, name)
			if !ok {
				return nil, fmt.Errorf("%w: signed header %q is missing", ErrMalformed, name)
			}
			b = append(b, value...)
		}
	}
	return b, nil
}

// parseCavage reads the value of a Signature header. spec: draft-cavage-12#2.1
func parseCavage(header string) (Signature, error) {
	malformed := func(what string) (Signature, error) {
		return Signature{}, fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	if len(header) > maxHeaderBytes {
		return malformed("Signature header too long")
	}
	params, err := cavageParams(header)
	if err != nil {
		return Signature{}, err
	}
	s := Signature{
		scheme:    Cavage,
		keyID:     params["keyId"],
		algorithm: strings.ToLower(params["algorithm"]),
		created:   params["created"],
		expires:   params["expires"],
	}
	if s.keyID == "" || len(s.keyID) > maxKeyIDBytes {
		return malformed("no usable keyId")
	}
	switch s.algorithm {
	case "", "hs2019", "rsa-sha256", "ed25519":
	default:
		return malformed("unsupported algorithm")
	}
	if s.value, err = base64.StdEncoding.DecodeString(params["signature"]); err != nil || len(s.value) == 0 {
		return malformed("unreadable signature")
	}
	names, ok := params["headers"]
	if !ok {
		// spec: draft-cavage-12#2.1.6 names this default; it never suffices here.
		names = "(created)"
	}
	s.components = strings.Fields(strings.ToLower(names))
	if len(s.components) == 0 || len(s.components) > maxComponents {
		return malformed("no or too many signed headers")
	}
	seen := make(map[string]bool, len(s.components))
	for _, name := range s.components {
		if seen[name] {
			return malformed("a header is signed twice")
		}
		seen[name] = true
		switch name {
		case "(request-target)":
		case "(created)", "(expires)":
			// spec: draft-cavage-12#2.3 forbids these with the old algorithm names.
			if strings.HasPrefix(s.algorithm, "rsa") || params[strings.Trim(name, "()")] == "" {
				return malformed(name + " cannot be signed here")
			}
		default:
			if strings.HasPrefix(name, "(") {
				return malformed("unknown signed part")
			}
		}
	}
	return s, nil
}

// cavageParams splits name="value" and name=number pairs. A name given twice
// is an error, since two readers might take different ones.
func cavageParams(rest string) (map[string]string, error) {
	params := make(map[string]string, 6)
	for {
		rest = strings.TrimLeft(rest, " \t")
		name, after, ok := strings.Cut(rest, "=")
		name = strings.TrimRight(name, " \t")
		if !ok || name == "" || strings.ContainsAny(name, "\",") {
			return nil, fmt.Errorf("%w: unreadable parameter", ErrMalformed)
		}
		after = strings.TrimLeft(after, " \t")
		var value string
		if strings.HasPrefix(after, `"`) {
			if value, rest, ok = unquote(after[1:]); !ok {
				return nil, fmt.Errorf("%w: unterminated string", ErrMalformed)
			}
		} else {
			end := strings.IndexByte(after, ',')
			if end < 0 {
				end = len(after)
			}
			value, rest = strings.TrimSpace(after[:end]), after[end:]
		}
		if _, twice := params[name]; twice {
			return nil, fmt.Errorf("%w: parameter given twice", ErrMalformed)
		}
		params[name] = value
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" {
			return params, nil
		}
		if rest[0] != ',' || len(params) >= maxComponents {
			return nil, fmt.Errorf("%w: unreadable parameters", ErrMalformed)
		}
		rest = rest[1:]
	}
}

// unquote reads a quoted string after its opening quote and returns what
// follows the closing one.
func unquote(s string) (value, rest string, ok bool) {
	if end := strings.IndexAny(s, `"\`); end >= 0 && s[end] == '"' {
		return s[:end], s[end+1:], true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// SignMessage signs an outgoing request with RFC 9421. The key is an
// *rsa.PrivateKey (rsa-v1_5-sha256) or an ed25519.PrivateKey. It sets the
// Signature-Input and Signature headers, and Content-Digest if digest (from
// Digest) is not empty, as it must be if the request has a body.
func SignMessage(r *http.Request, keyID string, key crypto.Signer, digest string, now time.Time) error {
	s := Signature{scheme: RFC9421, URLScheme: r.URL.Scheme, components: []string{"@method", "@target-uri"}}
	if digest != "" {
		r.Header.Set("Content-Digest", "sha-256=:"+digest+":")
		s.components = append(s.components, "content-digest")
	}
	quoted, err := httpsfv.Marshal(httpsfv.NewItem(keyID))
	if err != nil {
		return fmt.Errorf("sign request: quote key id: %w", err)
	}
	s.params = `("` + strings.Join(s.components, `" "`) + `");created=` +
		strconv.FormatInt(now.Unix(), 10) + `;keyid=` + quoted
	base, err := messageBase(s, r)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	var value []byte
	switch key.(type) {
	case *rsa.PrivateKey:
		sum := sha256.Sum256(base)
		value, err = key.Sign(rand.Reader, sum[:], crypto.SHA256)
	case ed25519.PrivateKey:
		value, err = key.Sign(rand.Reader, base, crypto.Hash(0))
	default:
		err = fmt.Errorf("unsupported key type %T", key)
	}
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	r.Header.Set("Signature-Input", "sig1="+s.params)
	r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(value)+":")
	return nil
}

// messageBase builds the signature base. spec: rfc9421#2.5
func messageBase(s Signature, r *http.Request) ([]byte, error) {
	b := make([]byte, 0, 1024)
	for _, name := range s.components {
		value, err := componentValue(s, r, name)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("%w: component %q has a line break", ErrMalformed, name)
		}
		b = append(append(append(b, '"'), name...), `": `...)
		b = append(append(b, value...), '\n')
	}
	b = append(b, `"@signature-params": `...)
	return append(b, s.params...), nil
}

// componentValue returns one covered part. spec: rfc9421#2.1 and rfc9421#2.2
func componentValue(s Signature, r *http.Request, name string) (string, error) {
	switch name {
	case "@method":
		return r.Method, nil
	case "@scheme":
		return strings.ToLower(s.URLScheme), nil
	case "@authority":
		return authority(s, r), nil
	case "@target-uri":
		return strings.ToLower(s.URLScheme) + "://" + authority(s, r) + requestTarget(r), nil
	case "@request-target":
		return requestTarget(r), nil
	case "@path":
		return path(r), nil
	case "@query":
		return "?" + query(r), nil
	}
	value, ok := headerValue(r, name)
	if !ok {
		return "", fmt.Errorf("%w: signed component %q is missing", ErrMalformed, name)
	}
	return value, nil
}

// authority is the host in lower case, without the default port.
// spec: rfc9421#2.2.3
func authority(s Signature, r *http.Request) string {
	h := strings.ToLower(host(r))
	if strings.EqualFold(s.URLScheme, "http") {
		return strings.TrimSuffix(h, ":80")
	}
	return strings.TrimSuffix(h, ":443")
}

// parseMessageSignature reads the two RFC 9421 headers. spec: rfc9421#4
func parseMessageSignature(inputs, values []string) (Signature, error) {
	malformed := func(what string) (Signature, error) {
		return Signature{}, fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	if tooLong(inputs) || tooLong(values) {
		return malformed("signature headers too long")
	}
	input, err := httpsfv.UnmarshalDictionary(inputs)
	if err != nil {
		return malformed("unreadable Signature-Input header")
	}
	signatures, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return malformed("unreadable Signature header")
	}
	labels := input.Names()
	if len(labels) == 0 || len(labels) > maxSignatures {
		return malformed("no or too many signatures")
	}
	reason := fmt.Errorf("%w: no signature names a key", ErrMalformed)
	for _, label := range labels {
		member, _ := input.Get(label)
		list, ok := member.(httpsfv.InnerList)
		if !ok || list.Params == nil {
			continue
		}
		if _, ok := list.Params.Get("keyid"); !ok {
			continue
		}
		signature, _ := signatures.Get(label)
		s, err := messageSignature(list, signature)
		if err == nil {
			return s, nil
		}
		reason = err
	}
	return Signature{}, reason
}

func messageSignature(list httpsfv.InnerList, member httpsfv.Member) (Signature, error) {
	malformed := func(what string) (Signature, error) {
		return Signature{}, fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	s := Signature{scheme: RFC9421}
	item, _ := member.(httpsfv.Item)
	if s.value, _ = item.Value.([]byte); len(s.value) == 0 {
		return malformed("no signature value")
	}
	if len(list.Items) > maxComponents {
		return malformed("too many components")
	}
	seen := make(map[string]bool, len(list.Items))
	for _, item := range list.Items {
		name, ok := item.Value.(string)
		if !ok || name == "" || name != strings.ToLower(name) || seen[name] {
			return malformed("unusable component name")
		}
		// Component parameters (sf, key, bs, req, tr, name) change what is signed.
		// No fediverse server uses them; refusing is safer than guessing.
		if item.Params != nil && len(item.Params.Names()) > 0 {
			return malformed("component parameters are not supported")
		}
		switch name {
		case "@method", "@scheme", "@authority", "@target-uri", "@request-target", "@path", "@query":
		default:
			if name[0] == '@' || strings.ContainsAny(name, "\"\\ \t") {
				return malformed("unsupported component")
			}
		}
		seen[name] = true
		s.components = append(s.components, name)
	}
	for _, name := range list.Params.Names() {
		value, _ := list.Params.Get(name)
		ok := true
		switch name {
		case "keyid":
			s.keyID, ok = value.(string)
		case "alg":
			s.algorithm, ok = value.(string)
		case "created":
			s.created, ok = integer(value)
		case "expires":
			s.expires, ok = integer(value)
		}
		if !ok {
			return malformed("parameter of the wrong type")
		}
	}
	if s.keyID == "" || len(s.keyID) > maxKeyIDBytes {
		return malformed("no usable keyid")
	}
	switch s.algorithm {
	case "", "rsa-v1_5-sha256", "rsa-pss-sha512", "ed25519":
	default:
		return malformed("unsupported algorithm")
	}
	// The base holds the list in canonical form, whatever its spacing was.
	params, err := httpsfv.Marshal(httpsfv.List{list})
	if err != nil {
		return malformed("unreadable parameters")
	}
	s.params = params
	return s, nil
}

func integer(v any) (string, bool) {
	n, ok := v.(int64)
	return strconv.FormatInt(n, 10), ok
}

package ballotbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Base64 is bytes whose text is base64url without padding.
type Base64 []byte

// String returns the text.
func (b Base64) String() string { return base64.RawURLEncoding.EncodeToString(b) }

// MarshalText gives the bytes their JSON form.
func (b Base64) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads the text; one with stray bits or line breaks is refused.
func (b *Base64) UnmarshalText(text []byte) error {
	if bytes.ContainsAny(text, "\r\n") { // which the decoder would skip
		return fmt.Errorf("read base64: it has line breaks")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil {
		return fmt.Errorf("read base64: %w", err)
	}
	*b = raw
	return nil
}

// Hash is a SHA-256 hash; its text is lower-case hexadecimal.
type Hash [sha256.Size]byte

// String returns the text.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives the hash its JSON form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the text.
func (h *Hash) UnmarshalText(text []byte) error {
	read, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = read
	return nil
}

// ParseHash reads the text of a hash.
func ParseHash(text string) (Hash, error) {
	var h Hash
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(h) || hex.EncodeToString(raw) != text {
		return h, fmt.Errorf("read hash %.70q: it is not 64 lower-case hexadecimal digits", text)
	}
	copy(h[:], raw)
	return h, nil
}

// canonical is the one JSON form of a value.
func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode reads a value from its canonical form and refuses every other. That
// two texts never mean the same also rules out unknown and doubled fields,
// other cases of their names, null, and text that is not UTF-8.
func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}
	again, err := canonical(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(text, again) {
		at := 0
		for at < len(text) && at < len(again) && text[at] == again[at] {
			at++
		}
		return fmt.Errorf("it is not in canonical form: byte %d should not be here", at+1)
	}
	return nil
}

// message is what is hashed or signed: a purpose, then the parts, each
// preceded by its length as eight bytes, big end first.
type message []byte

func about(purpose string) message { return message(purpose) }

func (m message) part(p []byte) message {
	return append(m.number(uint64(len(p))), p...)
}

func (m message) number(n uint64) message { return binary.BigEndian.AppendUint64(m, n) }

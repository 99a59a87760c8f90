package activitystreams

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
)

// Key is a public key as an actor publishes it, not yet decoded.
type Key struct {
	ID string
	// Owner is the actor the key speaks for: owner, or a Multikey's controller.
	Owner string
	// PEM is publicKeyPem; Multibase is a Multikey's publicKeyMultibase.
	PEM       string
	Multibase string
}

// PublicKey decodes the key. It is an *rsa.PublicKey or an ed25519.PublicKey;
// any other kind is an ErrKey.
func (k Key) PublicKey() (crypto.PublicKey, error) {
	if k.PEM == "" {
		return DecodeMultikey(k.Multibase)
	}
	if len(k.PEM) > 8<<10 {
		return nil, fmt.Errorf("%w: too long", ErrKey)
	}
	block, _ := pem.Decode([]byte(k.PEM))
	if block == nil {
		return nil, fmt.Errorf("%w: no PEM block", ErrKey)
	}
	if block.Type == "RSA PUBLIC KEY" {
		return rsaKey(block.Bytes)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	switch key.(type) {
	case *rsa.PublicKey, ed25519.PublicKey:
		return key, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrKey, key)
}

// keys reads publicKey and assertionMethod. A key given only by its address
// has nothing but an ID.
func keys(v value) List[Key] {
	var all List[Key]
	for item := range v.items() {
		k := Key{ID: item.text()}
		for key, v := range item.members() {
			switch string(key) {
			case "id", "@id":
				k.ID = v.text()
			case "owner", "controller":
				k.Owner = id(v.first())
			case "publicKeyPem":
				k.PEM = v.text()
			case "publicKeyMultibase":
				k.Multibase = v.text()
			}
		}
		if k != (Key{}) {
			all = append(all, k)
		}
	}
	return all
}

// EncodePEM writes an RSA public key in the form publicKeyPem has everywhere.
func EncodePEM(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encode public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// The two multicodec prefixes in use, as unsigned varints.
const (
	codecEd25519 = "\xed\x01"
	codecRSA     = "\x85\x24"
)

// EncodeMultikey writes an Ed25519 public key as publicKeyMultibase.
// spec: fep-521a
func EncodeMultikey(key ed25519.PublicKey) string {
	return "z" + encodeBase58(append([]byte(codecEd25519), key...))
}

// DecodeMultikey reads a publicKeyMultibase with an Ed25519 or RSA key.
func DecodeMultikey(s string) (crypto.PublicKey, error) {
	// Base58 takes quadratic time, and a 4096-bit RSA key fits well in this.
	if len(s) < 2 || len(s) > 1024 || s[0] != 'z' {
		return nil, fmt.Errorf("%w: not a base58 multikey", ErrKey)
	}
	b, ok := decodeBase58(s[1:])
	if !ok || len(b) < 2 {
		return nil, fmt.Errorf("%w: not base58", ErrKey)
	}
	codec, raw := string(b[:2]), b[2:]
	switch {
	case codec == codecEd25519 && len(raw) == ed25519.PublicKeySize:
		return ed25519.PublicKey(raw), nil
	case codec == codecRSA:
		return rsaKey(raw)
	}
	return nil, fmt.Errorf("%w: unknown multikey", ErrKey)
}

func rsaKey(der []byte) (crypto.PublicKey, error) {
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return key, nil
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// encodeBase58 writes bytes as one large number in Bitcoin's alphabet; each
// leading zero byte is a leading "1".
func encodeBase58(b []byte) string {
	var out []byte
	n, radix, digit := new(big.Int).SetBytes(b), big.NewInt(58), new(big.Int)
	for n.Sign() > 0 {
		n.DivMod(n, radix, digit)
		out = append(out, base58[digit.Int64()])
	}
	for _, c := range b {
		if c != 0 {
			break
		}
		out = append(out, '1')
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

func decodeBase58(s string) ([]byte, bool) {
	var digits [256]int8
	for i := range digits {
		digits[i] = -1
	}
	for i := range len(base58) {
		digits[base58[i]] = int8(i)
	}
	zeros := 0
	for zeros < len(s) && s[zeros] == '1' {
		zeros++
	}
	n, radix, digit := new(big.Int), big.NewInt(58), new(big.Int)
	for i := range len(s) {
		d := digits[s[i]]
		if d < 0 {
			return nil, false
		}
		n.Add(n.Mul(n, radix), digit.SetInt64(int64(d)))
	}
	return append(make([]byte, zeros), n.Bytes()...), true
}

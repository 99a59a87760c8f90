// Package webfinger holds the names by which people find accounts on other
// servers, and the documents that answer such a search (RFC 7033, RFC 6415).
//
// An Address is always in canonical form: the host in lower-case ASCII
// (international names as punycode), the name as it was written. Names are
// compared without case, which is the business of whoever looks them up.
package webfinger

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

var (
	// ErrMalformed means that a text is not an address or resource.
	ErrMalformed = errors.New("address is malformed")
	// ErrNotLocal means that a resource belongs to another host.
	ErrNotLocal = errors.New("resource is not of this host")
)

const (
	maxName  = 128
	maxHost  = 253 + len(":65535")
	maxInput = 2048
)

// Address is an account's name on a host.
type Address struct {
	Name string
	Host string // may have a port, in labs
}

// String returns "name@host".
func (a Address) String() string { return a.Name + "@" + a.Host }

// Acct returns the address as a URI, "acct:name@host". spec: rfc7565
func (a Address) Acct() string { return "acct:" + a.String() }

// Display returns "name@host" with an international host as people write it.
func (a Address) Display() string {
	host, err := idna.Display.ToUnicode(a.Host)
	if err != nil {
		return a.String()
	}
	return a.Name + "@" + host
}

// ParseAddress reads "@name@host", "name@host" or "acct:name@host".
func ParseAddress(s string) (Address, error) {
	if len(s) > maxInput {
		return Address{}, fmt.Errorf("%w: too long", ErrMalformed)
	}
	s = strings.TrimSpace(s)
	if len(s) > 5 && strings.EqualFold(s[:5], "acct:") {
		s = s[5:]
	}
	name, host, ok := strings.Cut(strings.TrimPrefix(s, "@"), "@")
	if !ok || !validName(name) {
		return Address{}, fmt.Errorf("%w: %.100q is not name@host", ErrMalformed, s)
	}
	host, err := ParseHost(host)
	if err != nil {
		return Address{}, err
	}
	return Address{Name: name, Host: host}, nil
}

// validName allows what the fediverse uses: letters, digits, "_", "." and "-",
// where a dot or hyphen neither starts nor ends the name.
func validName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
		case c == '.' || c == '-':
			if i == 0 || i == len(name)-1 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// ParseHost brings a host, with or without a port, into canonical form.
// spec: rfc5891#4
func ParseHost(s string) (string, error) {
	malformed := fmt.Errorf("%w: %.100q is not a host", ErrMalformed, s)
	if s == "" || len(s) > maxInput || s[0] == '[' || !utf8.ValidString(s) {
		return "", malformed
	}
	host, port, hasPort := strings.Cut(s, ":")
	if hasPort && !validPort(port) {
		return "", malformed
	}
	// The lookup profile is made for DNS and lenient about characters that would
	// matter in a URL, so the result is checked as well.
	host, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || host == "" || !validHost(host) {
		return "", malformed
	}
	host = strings.ToLower(host)
	if hasPort {
		host += ":" + port
	}
	if len(host) > maxHost {
		return "", malformed
	}
	return host, nil
}

func validPort(port string) bool {
	if port == "" || len(port) > 5 || port[0] == '0' {
		return false
	}
	_, err := netip.ParseAddrPort("127.0.0.1:" + port)
	return err == nil
}

func validHost(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// Resource is what a WebFinger query asks for: one of the two is set.
type Resource struct {
	// Address is set for acct: URIs and for @name@host.
	Address Address
	// URL is set for an address of a page or actor, for the caller to match.
	URL *url.URL
}

// ParseResource reads the resource parameter of a WebFinger query. Only
// resources on one of localHosts (canonical, the first is the main one) are
// ours; any other is ErrNotLocal. spec: rfc7033#4.1
func ParseResource(resource string, localHosts []string) (Resource, error) {
	if len(resource) > maxInput {
		return Resource{}, fmt.Errorf("%w: too long", ErrMalformed)
	}
	if scheme, _, ok := strings.Cut(resource, "://"); ok {
		u, err := url.Parse(resource)
		if err != nil || u.User != nil || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
			return Resource{}, fmt.Errorf("%w: %.100q", ErrMalformed, resource)
		}
		host, err := ParseHost(u.Host)
		if err != nil {
			return Resource{}, err
		}
		if !isLocal(withoutDefaultPort(host, u.Scheme), localHosts) {
			return Resource{}, ErrNotLocal
		}
		u.Host = withoutDefaultPort(host, u.Scheme)
		return Resource{URL: u}, nil
	}
	a, err := ParseAddress(resource)
	if err != nil {
		return Resource{}, err
	}
	if !isLocal(a.Host, localHosts) {
		return Resource{}, ErrNotLocal
	}
	return Resource{Address: a}, nil
}

func withoutDefaultPort(host, scheme string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

func isLocal(host string, localHosts []string) bool {
	for _, local := range localHosts {
		if strings.EqualFold(host, local) {
			return true
		}
	}
	return false
}

package activitystreams

import (
	"net/url"
	"strings"
)

// SameOrigin reports whether two ids have the same scheme, host and port. An
// actor may only speak for objects of its own origin. Ids that are not
// absolute http or https URLs have no origin. spec: fep-fe34
func SameOrigin(a, b string) bool {
	x, ok := Origin(a)
	if !ok {
		return false
	}
	y, ok := Origin(b)
	return ok && x == y
}

// Origin returns the origin of an id in canonical form, as "https://host" or
// with a port that is not the default one.
func Origin(id string) (string, bool) {
	u, err := url.Parse(id)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || u.User != nil {
		return "", false
	}
	port := u.Port()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", false
	case u.Scheme == "http" && port == "80", u.Scheme == "https" && port == "443":
		port = ""
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return u.Scheme + "://" + host, true
}

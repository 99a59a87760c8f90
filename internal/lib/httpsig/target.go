package httpsig

import (
	"net/http"
	"strings"
)

// requestTarget returns path and query exactly as they are, or will be, on the
// request line. Re-encoding the parsed URL would break signatures over paths
// that are escaped in an unusual way.
func requestTarget(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

func path(r *http.Request) string {
	p, _, _ := strings.Cut(requestTarget(r), "?")
	return p
}

func query(r *http.Request) string {
	_, q, _ := strings.Cut(requestTarget(r), "?")
	return q
}

// host returns the authority the request was sent to. A server finds it in
// r.Host; a client may have it only in the URL.
func host(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// headerValue returns a header as both schemes sign it: every line trimmed,
// joined by a comma and a space. The second result is false if it is absent.
func headerValue(r *http.Request, name string) (string, bool) {
	if name == "host" {
		return host(r), host(r) != ""
	}
	values := r.Header.Values(name)
	switch len(values) {
	case 0:
		return "", false
	case 1:
		return strings.TrimSpace(values[0]), true
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.TrimSpace(v)
	}
	return strings.Join(trimmed, ", "), true
}

package posttext

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxURL bounds a link's address in bytes; anything longer is left as text.
const maxURL = 2048

// linkSchemes are the schemes that text is searched for. All have a host.
var linkSchemes = []string{"https://", "http://", "gemini://", "gopher://", "ipfs://"}

// matchLink matches a URL at the start of s.
func matchLink(s string) token {
	n := 0
	for _, scheme := range linkSchemes {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			n = len(scheme)
			break
		}
	}
	if n == 0 {
		return token{}
	}
	run := hostRun(s[n:])
	host := s[n : n+run]
	if !validHost(host) {
		return token{}
	}
	end := n + run
	end += portLen(s[end:])
	if end < len(s) && s[end] == '@' {
		return token{} // What looked like a host is a user name: a trick, not a link.
	}
	if end < len(s) && strings.IndexByte("/?#", s[end]) >= 0 {
		end += pathRun(s[end:])
	}
	href, ok := canonicalURL(s[:end])
	if !ok {
		return token{}
	}
	return token{kind: linkToken, text: s[:end], href: href}
}

// validHost reports whether host looks like a public name: at least two labels,
// the last of at least two characters and with a letter.
func validHost(host string) bool {
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 {
		return false
	}
	top := host[dot+1:]
	return utf8.RuneCountInString(top) >= 2 && strings.ContainsFunc(top, unicode.IsLetter)
}

// pathRun returns the length of the path, query and fragment at the start of s.
// Punctuation that ends a sentence is not part of it, nor is a closing bracket
// whose opening one stands before the URL.
func pathRun(s string) int {
	end, round, square := 0, 0, 0
	for i, r := range s {
		closes := false
		switch {
		case r == '(':
			round++
		case r == '[':
			square++
		case r == ')':
			round--
			closes = true
		case r == ']':
			square--
			closes = true
		case r >= utf8.RuneSelf:
			if !isWord(r) && r != '\u200c' && r != '\u200d' {
				return end
			}
		case !isWord(r) && !strings.ContainsRune("-.~!$&'*+,;=:@%/?#|^", r):
			return end
		}
		if round < 0 || square < 0 {
			return end
		}
		if closes || isWord(r) || strings.ContainsRune("/=#-+~&%$", r) {
			end = i + utf8.RuneLen(r)
		}
	}
	return end
}

// allowedSchemes are where a link may lead, and whether the address needs a host.
var allowedSchemes = map[string]bool{
	"http": true, "https": true, "gemini": true, "gopher": true, "ipfs": true, "ipns": true,
	"xmpp": false, "matrix": false, "magnet": false,
}

// canonicalURL returns the one spelling of raw that this package puts out: lower
// case scheme, ASCII host, escaped path. It is false for anything that does not
// parse, has no allowed scheme or hides a user name in the host.
func canonicalURL(raw string) (string, bool) {
	if len(raw) > maxURL {
		return "", false
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return "", false
	}
	needsHost, ok := allowedSchemes[u.Scheme]
	if !ok || u.User != nil || needsHost && (u.Hostname() == "" || u.Opaque != "") {
		return "", false
	}
	if needsHost {
		if u.Host, ok = asciiHost(u.Host); !ok {
			return "", false
		}
	}
	s := u.String()
	// Only a spelling that survives another reading is stable enough to store.
	again, err := url.Parse(s)
	if err != nil || again.String() != s || again.Host != u.Host || len(s) > maxURL {
		return "", false
	}
	return s, true
}

// asciiHost lower-cases host and turns international labels into punycode.
func asciiHost(host string) (string, bool) {
	host = strings.ToLower(host)
	if strings.IndexFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		name, port := host, ""
		if i := strings.LastIndexByte(host, ':'); i >= 0 {
			name, port = host[:i], host[i:]
		}
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return "", false
		}
		host = ascii + port
	}
	return host, !strings.ContainsAny(host, "%\\<>\"'` ")
}

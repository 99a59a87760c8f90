package posttext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Mention is an account named in a text.
type Mention struct {
	// Name is the local part as written, without the at sign.
	Name string
	// Domain is the host in lower-case ASCII (IDN as punycode), with a port if one
	// was written. It is empty for an account of this server.
	Domain string
}

// Tag is a hashtag named in a text.
type Tag struct {
	// Folded identifies the tag: see [FoldTag].
	Folded string
	// Written is the tag as the author wrote it, without the sign.
	Written string
}

// Found is what a text refers to, each thing once, in order of appearance.
type Found struct {
	Mentions []Mention
	Tags     []Tag
	Links    []string
}

// Scan says what source mentions, tags and links to. Mentions are compared
// without regard to case, tags by their folded form, links byte by byte.
func Scan(source string) Found {
	var f Found
	for _, t := range tokens(clean(source)) {
		f.add(t)
	}
	return f
}

// add notes what t refers to, unless it is there already.
func (f *Found) add(t token) {
	switch t.kind {
	case mentionToken:
		same := func(m Mention) bool { return m.Domain == t.domain && strings.EqualFold(m.Name, t.name) }
		if !slices.ContainsFunc(f.Mentions, same) {
			f.Mentions = append(f.Mentions, Mention{Name: t.name, Domain: t.domain})
		}
	case tagToken:
		folded := FoldTag(t.name)
		if !slices.ContainsFunc(f.Tags, func(g Tag) bool { return g.Folded == folded }) {
			f.Tags = append(f.Tags, Tag{Folded: folded, Written: t.name})
		}
	case linkToken:
		if !slices.Contains(f.Links, t.href) {
			f.Links = append(f.Links, t.href)
		}
	}
}

type tokenKind int

const (
	textToken tokenKind = iota
	mentionToken
	tagToken
	linkToken
)

// token is a stretch of source. name holds the mention's or tag's name, domain a
// mention's host, href a link's canonical address.
type token struct {
	kind         tokenKind
	text         string
	name, domain string
	href         string
}

// tokens cuts s into text, mentions, tags and links. Their texts joined are s.
func tokens(s string) []token {
	var out []token
	start := 0 // of the text not yet put out
	for i := 0; i < len(s); {
		t := tokenAt(s, i)
		if t.kind == textToken {
			i++
			continue
		}
		if start < i {
			out = append(out, token{text: s[start:i]})
		}
		out = append(out, t)
		i += len(t.text)
		start = i
	}
	if start < len(s) {
		out = append(out, token{text: s[start:]})
	}
	return out
}

// tokenAt returns the mention, tag or link that starts at byte i, or an empty
// text token.
func tokenAt(s string, i int) token {
	switch s[i] {
	case '@':
		prev := before(s, i)
		// A word before the sign means an e-mail address; "=" and "/" mean a URL.
		if prev == '=' || prev == '/' || prev == '@' || isWord(prev) {
			return token{}
		}
		return matchMention(s[i:])
	case '#', '\xef': // 0xEF opens the full-width sign U+FF03.
		sign := "#"
		if s[i] != '#' {
			sign = "＃"
		}
		prev := before(s, i)
		if !strings.HasPrefix(s[i:], sign) || strings.ContainsRune("=/)&#＃", prev) || isWord(prev) {
			return token{}
		}
		return matchTag(s[i:], len(sign))
	case 'h', 'H', 'g', 'G', 'i', 'I':
		prev := before(s, i)
		if isWord(prev) || strings.ContainsRune("@＠$#＃", prev) {
			return token{}
		}
		return matchLink(s[i:])
	}
	return token{}
}

// before returns the rune that ends at byte i, and a space at the start.
func before(s string, i int) rune {
	if i == 0 {
		return ' '
	}
	r, _ := utf8.DecodeLastRuneInString(s[:i])
	return r
}

// isWord reports whether r can be part of a word: a letter, mark, digit or
// underscore. Variation selectors and enclosing keycaps are marks to Unicode but
// part of emoji to people, so they are not.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
	}
	if r >= 0xfe00 && r <= 0xfe0f || r == 0x20e3 || r >= 0xe0100 && r <= 0xe01ef {
		return false
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl)
}

// isTagJoint reports whether r may stand inside a hashtag, between words: the
// middle dots of Catalan and Japanese and the Persian zero-width non-joiner.
func isTagJoint(r rune) bool { return r == '·' || r == '・' || r == '\u200c' }

// matchTag matches a hashtag at the start of s, whose sign is that many bytes.
// A tag has at least one character that is no digit, so "#1" is no tag.
func matchTag(s string, sign int) token {
	end := sign
	letters, nondigits := false, false
	for i, r := range s[sign:] {
		at := sign + i
		if isTagJoint(r) && end == at && at > sign {
			continue // Counts only if a word follows, which moves end past it.
		}
		if !isWord(r) || i == 0 && unicode.Is(unicode.M, r) {
			break
		}
		end = at + utf8.RuneLen(r)
		letters = letters || r != '_'
		nondigits = nondigits || !unicode.IsDigit(r)
	}
	if !letters || !nondigits {
		return token{}
	}
	return token{kind: tagToken, text: s[:end], name: s[sign:end]}
}

// matchMention matches "@name" or "@name@host" at the start of s.
func matchMention(s string) token {
	end := 1
	for i := 1; i < len(s); i++ {
		c := rune(s[i])
		if c < utf8.RuneSelf && isWord(c) {
			end = i + 1
		} else if i == 1 || c != '.' && c != '-' {
			break
		}
	}
	name := s[1:end]
	if name == "" {
		return token{}
	}
	next, _ := utf8.DecodeRuneInString(s[end:])
	if next == '@' {
		run := hostRun(s[end+1:])
		if run > 0 {
			host := s[end+1 : end+1+run]
			port := portLen(s[end+1+run:])
			ascii, err := idna.Lookup.ToASCII(strings.ToLower(host))
			if err != nil || !strings.Contains(host, ".") && host != "localhost" && port == 0 {
				return token{}
			}
			stop := end + 1 + run + port
			return token{kind: mentionToken, text: s[:stop], name: name, domain: ascii + s[stop-port:stop]}
		}
	} else if next != utf8.RuneError && isWord(next) {
		return token{} // Half of a word in another alphabet is nobody's name.
	}
	return token{kind: mentionToken, text: s[:end], name: name}
}

// hostRun returns the length of the host name at the start of s: labels of
// letters, marks, digits, hyphens and underscores with single dots between.
// Where a Latin last label runs straight into another script, as Japanese text
// without spaces does, it stops there.
func hostRun(s string) int {
	end, label := 0, 0
	prev := '.'
	for i, r := range s {
		if r == '.' {
			if prev == '.' {
				break
			}
			label = i + 1
		} else if r != '-' && !isWord(r) {
			break
		} else if r != '-' && r != '_' {
			if r >= utf8.RuneSelf && i > label && s[label] < utf8.RuneSelf && asciiWord(s[label:i]) {
				break
			}
			end = i + utf8.RuneLen(r)
		}
		prev = r
	}
	return end
}

// asciiWord reports whether s is ASCII letters only: a whole top-level domain.
func asciiWord(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return len(s) >= 2
}

// portLen returns the length of ":digits" at the start of s, or 0.
func portLen(s string) int {
	if s == "" || s[0] != ':' {
		return 0
	}
	n := 1
	for n < len(s) && n < 6 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n < 3 {
		return 0
	}
	return n
}

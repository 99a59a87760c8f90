package posttext

import (
	"html"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Options are what Render needs to know from outside.
type Options struct {
	// Mention returns the page of a mentioned account, or false if there is none,
	// and then the mention stays text. Nil resolves nothing.
	Mention func(Mention) (href string, ok bool)
	// TagBase is what a folded tag is appended to, such as
	// "https://coop.example/tags/". Empty leaves tags as text.
	TagBase string
}

// Rendered is a post's HTML and what of its source was found to be.
type Rendered struct {
	HTML string
	// Found lists everything the source refers to, resolved or not.
	Found
}

// Render writes a member's plain text as HTML. Blank lines part paragraphs,
// single line ends become <br>. An empty text gives an empty string.
//
// spec: mastodon/spec/activitypub#sanitization
func Render(source string, o Options) Rendered {
	source = clean(source)
	var b strings.Builder
	var f Found
	b.Grow(len(source) + len(source)/2 + 16)
	for _, paragraph := range paragraphs(source) {
		b.WriteString("<p>")
		for _, t := range tokens(paragraph) {
			f.add(t)
			writeToken(&b, t, o)
		}
		b.WriteString("</p>")
	}
	return Rendered{HTML: b.String(), Found: f}
}

func writeToken(b *strings.Builder, t token, o Options) {
	switch t.kind {
	case mentionToken:
		if o.Mention == nil {
			break
		}
		if href, ok := o.Mention(Mention{Name: t.name, Domain: t.domain}); ok {
			if href, ok = canonicalURL(href); ok {
				b.WriteString(`<span class="h-card"><a href="` + html.EscapeString(href) + `" class="u-url mention">@<span>`)
				b.WriteString(html.EscapeString(t.name) + `</span></a></span>`)
				return
			}
		}
	case tagToken:
		if href, ok := canonicalURL(o.TagBase + url.PathEscape(FoldTag(t.name))); ok {
			b.WriteString(`<a href="` + html.EscapeString(href) + `" class="mention hashtag" rel="tag">#<span>`)
			b.WriteString(html.EscapeString(t.name) + `</span></a>`)
			return
		}
	case linkToken:
		writeLink(b, t)
		return
	}
	b.WriteString(strings.ReplaceAll(html.EscapeString(t.text), "\n", "<br>"))
}

// shownRunes is how much of an address is shown: the rest is there for those who
// copy it or have it read out, but hidden from view.
const shownRunes = 30

func writeLink(b *strings.Builder, t token) {
	prefix := t.text[:strings.Index(t.text, "://")+3]
	if rest := t.text[len(prefix):]; len(rest) > 4 && strings.EqualFold(rest[:4], "www.") {
		prefix = t.text[:len(prefix)+4]
	}
	shown, hidden := t.text[len(prefix):], ""
	if utf8.RuneCountInString(shown) > shownRunes {
		cut, n := 0, 0
		for cut = range shown {
			if n == shownRunes {
				break
			}
			n++
		}
		shown, hidden = shown[:cut], shown[cut:]
	}
	b.WriteString(`<a href="` + html.EscapeString(t.href) + `" rel="nofollow noopener" target="_blank" translate="no"><span class="invisible">`)
	b.WriteString(html.EscapeString(prefix) + `</span><span`)
	if hidden != "" {
		b.WriteString(` class="ellipsis"`)
	}
	b.WriteString(`>` + html.EscapeString(shown) + `</span><span class="invisible">` + html.EscapeString(hidden) + `</span></a>`)
}

// clean brings source to valid UTF-8 with plain line ends and without control
// characters, which no reader can see and parsers disagree about.
func clean(source string) string {
	dirty := !utf8.ValidString(source)
	for i := 0; i < len(source) && !dirty; i++ {
		dirty = source[i] < ' ' && source[i] != '\n' && source[i] != '\t' || source[i] == 0x7f
	}
	if dirty {
		source = strings.ToValidUTF8(source, "\uFFFD")
		source = strings.ReplaceAll(source, "\r\n", "\n")
		source = strings.Map(func(r rune) rune {
			switch {
			case r == '\r':
				return '\n'
			case r < ' ' && r != '\n' && r != '\t' || r == 0x7f:
				return -1
			}
			return r
		}, source)
	}
	return strings.TrimSpace(source)
}

// paragraphs cuts cleaned text at its blank lines.
func paragraphs(source string) []string {
	var out []string
	var lines []string
	for line := range strings.SplitSeq(source, "\n") {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
			continue
		}
		if len(lines) > 0 {
			out = append(out, strings.Join(lines, "\n"))
			lines = lines[:0]
		}
	}
	if len(lines) > 0 {
		out = append(out, strings.Join(lines, "\n"))
	}
	return out
}

package election

import (
	"strings"
	"unicode"
)

// tidy makes one line of what a person wrote: what stands on a ballot paper has no control characters, and
// none that turn the direction of the text or cannot be seen.
func tidy(s string) string {
	return strings.Join(strings.FieldsFunc(strings.Map(seen, strings.ToValidUTF8(s, "")), unicode.IsSpace), " ")
}

// tidyText does so for a text of several lines.
func tidyText(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return seen(r)
	}, strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")))
}

// seen is a character as it can be read. The joiners of letters stay: some scripts need them.
func seen(r rune) rune {
	switch {
	case unicode.IsControl(r):
		return ' '
	case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d':
		return -1
	}
	return r
}

// alike is what two names have in common that a reader takes for the same.
func alike(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, name))
}

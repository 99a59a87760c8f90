package posttext

import (
	"unicode"
	"unicode/utf8"
)

// urlCost is what any link counts for, however long it is, so that nobody needs
// a shortener. spec: mastodon/methods/instance#characters_reserved_per_url
const urlCost = 23

// CharCount returns how many characters text counts for against a limit: people's
// characters, not code points; every link 23; of a mention only "@name".
func CharCount(text string) int {
	n := 0
	for _, t := range tokens(text) {
		switch t.kind {
		case linkToken:
			n += urlCost
		case mentionToken:
			n += 1 + len(t.name)
		default:
			n += graphemes(t.text)
		}
	}
	return n
}

// graphemes counts what people see as single characters. It follows the extended
// grapheme cluster rules of UAX #29 with the general categories in place of the
// full property tables, which is exact for what is written in posts: combining
// marks, emoji sequences, flags, Hangul syllables and line ends.
func graphemes(s string) int {
	n := 0
	var prev rune
	joins := false // prev binds the next rune to itself
	flags := 0     // regional indicators in a row
	for _, r := range s {
		bound := false
		switch {
		case n == 0:
		case prev == '\r' && r == '\n':
			bound = true
		case prev < ' ':
		case joins && r >= 0x2190:
			bound = true
		case r < utf8.RuneSelf:
		case extends(r):
			bound = true
		case isFlagLetter(r):
			bound = flags%2 == 1
		case hangulJoin(prev, r):
			bound = true
		}
		if !bound {
			n++
		}
		if isFlagLetter(r) {
			flags++
		} else {
			flags = 0
		}
		joins = r == '\u200d'
		prev = r
	}
	return n
}

// extends reports whether r belongs to the character before it.
func extends(r rune) bool {
	return r == '\u200c' || r == '\u200d' || r >= 0x1f3fb && r <= 0x1f3ff || r >= 0xe0020 && r <= 0xe007f ||
		unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc)
}

func isFlagLetter(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// hangulJoin reports whether two Hangul jamo or syllables form one syllable block.
func hangulJoin(a, b rune) bool {
	lead := func(r rune) bool { return r >= 0x1100 && r <= 0x115f }
	vowel := func(r rune) bool { return r >= 0x1160 && r <= 0x11a7 }
	tail := func(r rune) bool { return r >= 0x11a8 && r <= 0x11ff }
	whole := func(r rune) bool { return r >= 0xac00 && r <= 0xd7a3 }
	open := func(r rune) bool { return whole(r) && (r-0xac00)%28 == 0 }
	switch {
	case lead(a):
		return lead(b) || vowel(b) || whole(b)
	case vowel(a) || open(a):
		return vowel(b) || tail(b)
	case tail(a) || whole(a):
		return tail(b)
	}
	return false
}

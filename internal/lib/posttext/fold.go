package posttext

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// stroked are Latin letters whose bar or shape Unicode does not take apart.
var stroked = strings.NewReplacer("ø", "o", "đ", "d", "ð", "d", "ħ", "h", "ı", "i", "ł", "l", "ŧ", "t", "ŋ", "n", "ŀ", "l")

// FoldTag returns the form by which a hashtag is compared and addressed: width
// and compatibility forms unified, lower case, Latin letters without accents, so
// that #Café, #café and #cafe are one tag as they are elsewhere on the fediverse.
// Marks of other scripts carry meaning and stay.
func FoldTag(name string) string {
	ascii := true
	for i := range len(name) {
		if name[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(name)
	}
	// Case mapping can compose letters that take apart further, so fold until
	// nothing changes; every real word is done after the first round.
	for range 4 {
		next := foldOnce(name)
		if next == name {
			break
		}
		name = next
	}
	return name
}

func foldOnce(name string) string {
	var b strings.Builder
	latin := false
	for _, r := range norm.NFKD.String(strings.ToLower(norm.NFKC.String(name))) {
		if unicode.Is(unicode.Mn, r) {
			if latin {
				continue
			}
		} else {
			latin = unicode.Is(unicode.Latin, r)
		}
		b.WriteRune(r)
	}
	return norm.NFC.String(stroked.Replace(b.String()))
}

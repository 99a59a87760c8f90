// Package i18n speaks the reader's language. Texts in the code are English; they are looked up in gettext catalogues (locales/*.po), which
// translators edit with the tools they know.
//
//	i18n.T(ctx, "Write a post")
//	i18n.T(ctx, "%s boosted", name)
//	i18n.N(ctx, "%d reply", "%d replies", n)
//
// The context carries the Locale; without one it is English, for which no lookup happens at all. Features may wrap T and N as t and n. A text
// that is chosen at run time is marked where it is written: Key("Suspend"). A comment "translators: ..." on the line before a call reaches
// the translators.
//
// A catalogue that covers less than most of the texts is offered only to those who choose it by name, since a page in two languages is
// worse than one in English. The pseudo-locale "qps" wraps and accents every text, so that a test or an eye finds what missed the catalogue.
//
// After changing a text run go generate here; it rewrites locales/en.pot, the template for translators.
package i18n

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:generate go run ./gen

// Locale is a language with its catalogue. It does not change and is safe for use by many goroutines.
type Locale struct {
	tag      language.Tag
	name     string
	english  bool // texts are used as they are
	pseudo   bool
	complete bool
	texts    map[string]string
	plurals  map[string][]string
	form     func(n int) int
	numbers  *message.Printer
}

// Tag is the language tag for <html lang>, such as "de" or "pt-BR". spec: bcp47
func (l *Locale) Tag() string { return l.tag.String() }

// Name is the language's own name for itself, for the menu.
func (l *Locale) Name() string { return l.name }

// Complete reports whether most texts are translated.
func (l *Locale) Complete() bool { return l.complete }

// Dir is "ltr" or "rtl", for <html dir>.
func (l *Locale) Dir() string {
	script, _ := l.tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm":
		return "rtl"
	}
	return "ltr"
}

type contextKey struct{}

// WithLocale returns a context in which texts are in the locale's language.
func WithLocale(ctx context.Context, l *Locale) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From returns the context's locale, or English.
func From(ctx context.Context) *Locale {
	if l, ok := ctx.Value(contextKey{}).(*Locale); ok && l != nil {
		return l
	}
	return English()
}

// T translates a text and, if there are arguments, formats them into it as fmt.Sprintf does.
func T(ctx context.Context, msgid string, args ...any) string {
	return format(From(ctx).text(msgid), args)
}

// N translates the form that n calls for. Without arguments n itself is the argument.
func N(ctx context.Context, singular, plural string, n int, args ...any) string {
	s := From(ctx).plural(singular, plural, n)
	if len(args) == 0 && strings.Contains(s, "%") {
		return fmt.Sprintf(s, n)
	}
	return format(s, args)
}

// Key marks a text that is passed to T elsewhere, and returns it.
func Key(msgid string) string { return msgid }

func format(s string, args []any) string {
	if len(args) == 0 {
		return s
	}
	return fmt.Sprintf(s, args...)
}

func (l *Locale) text(msgid string) string {
	switch {
	case l.english:
		return msgid
	case l.pseudo:
		return accent(msgid)
	}
	if s, ok := l.texts[msgid]; ok {
		return s
	}
	return msgid
}

func (l *Locale) plural(singular, plural string, n int) string {
	if !l.english && !l.pseudo {
		if forms, ok := l.plurals[singular]; ok {
			// An index beyond the forms is a mistake in the catalogue; its test finds it.
			if i := l.form(n); i >= 0 && i < len(forms) {
				return forms[i]
			}
		}
	}
	s := plural
	if n == 1 {
		s = singular
	}
	if l.pseudo {
		return accent(s)
	}
	return s
}

// Negotiate returns the locale that a reader chose by its tag, or else the best complete one for an Accept-Language header, or else English. Both
// may be empty or nonsense. spec: rfc9110#12.5.4
func Negotiate(acceptLanguage, preferred string) *Locale {
	return embedded().negotiate(acceptLanguage, preferred)
}

// Locales returns all languages that can be chosen, English first.
func Locales() []*Locale { return embedded().locales }

// English is the language of the texts in the code.
func English() *Locale { return embedded().locales[0] }

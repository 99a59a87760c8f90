package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/leonelquinteros/gotext"
	"github.com/leonelquinteros/gotext/plurals"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"
)

//go:embed locales
var files embed.FS

// embedded is parsed once, when first used. A test proves that the files can be loaded; should one be broken all the same, there is English.
var embedded = sync.OnceValue(func() *catalogue {
	sub, err := fs.Sub(files, "locales")
	if err != nil {
		return english()
	}
	c, err := load(sub)
	if err != nil {
		return english()
	}
	return c
})

// catalogue is a set of locales.
type catalogue struct {
	locales []*Locale // English, then by tag
	pseudo  *Locale
	byTag   map[string]*Locale
	matcher language.Matcher // over offered
	offered []*Locale
}

// completeShare is the part of the texts that must be translated before a language is offered unasked.
const completeShare = 0.8

func english() *catalogue {
	return newCatalogue([]*Locale{{tag: language.English, name: "English", english: true, complete: true, numbers: message.NewPrinter(language.English)}})
}

func newCatalogue(locales []*Locale) *catalogue {
	c := &catalogue{locales: locales, byTag: map[string]*Locale{}}
	c.pseudo = &Locale{tag: language.MustParse("qps"), name: "⟦Pseudo⟧", pseudo: true, numbers: message.NewPrinter(language.English)}
	c.byTag["qps"] = c.pseudo
	var tags []language.Tag
	for _, l := range locales {
		c.byTag[strings.ToLower(l.Tag())] = l
		if l.complete {
			c.offered, tags = append(c.offered, l), append(tags, l.tag)
		}
	}
	c.matcher = language.NewMatcher(tags)
	return c
}

// maxAccept bounds the work that a stranger's header causes; browsers send under 100 bytes.
const maxAccept = 256

func (c *catalogue) negotiate(acceptLanguage, preferred string) *Locale {
	if l, ok := c.byTag[strings.ToLower(preferred)]; ok {
		return l
	}
	if preferred != "" && len(preferred) <= maxAccept { // pt-PT for one who chose pt
		if t, err := language.Parse(preferred); err == nil {
			if _, i, confidence := c.matcher.Match(t); confidence >= language.High {
				return c.offered[i]
			}
		}
	}
	if acceptLanguage == "qps" {
		return c.pseudo
	}
	if acceptLanguage == "" || len(acceptLanguage) > maxAccept {
		return c.locales[0]
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(tags) == 0 {
		return c.locales[0]
	}
	_, i, confidence := c.matcher.Match(tags...)
	if confidence == language.No {
		return c.locales[0]
	}
	return c.offered[i]
}

// load reads TAG.po files and, to know what complete means, en.pot.
func load(fsys fs.FS) (*catalogue, error) {
	names, err := fs.Glob(fsys, "*.po")
	if err != nil {
		return nil, fmt.Errorf("list catalogues: %w", err)
	}
	slices.Sort(names)
	total := 0
	if template, err := fs.ReadFile(fsys, "en.pot"); err == nil {
		total = strings.Count(string(template), "\nmsgid \"") - 1 // without the header
	}
	locales := english().locales
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read catalogue: %w", err)
		}
		l, err := parse(strings.TrimSuffix(path.Base(name), ".po"), text)
		if err != nil {
			return nil, fmt.Errorf("read catalogue %s: %w", name, err)
		}
		l.complete = float64(len(l.texts)+len(l.plurals)) >= completeShare*float64(total)
		locales = append(locales, l)
	}
	return newCatalogue(locales), nil
}

func parse(tag string, text []byte) (*Locale, error) {
	t, err := language.Parse(tag)
	if err != nil {
		return nil, err
	}
	l := &Locale{tag: t, name: display.Self.Name(t), texts: map[string]string{}, plurals: map[string][]string{}, numbers: message.NewPrinter(t)}
	po := gotext.NewPo()
	po.Parse(withoutFuzzy(text))
	rule, err := pluralRule(po.GetDomain().PluralForms)
	if err != nil {
		return nil, err
	}
	l.form = rule
	for id, tr := range po.GetDomain().GetTranslations() {
		switch {
		case id == "":
		case tr.PluralID != "":
			forms := make([]string, len(tr.Trs))
			for i, s := range tr.Trs {
				if i < 0 || i >= len(forms) {
					return nil, fmt.Errorf("%q: plural form %d of %d", id, i, len(forms))
				}
				forms[i] = s
			}
			if len(forms) > 0 && !slices.Contains(forms, "") {
				l.plurals[id] = forms
			}
		case tr.Trs[0] != "":
			l.texts[id] = tr.Trs[0]
		}
	}
	return l, nil
}

// pluralRule compiles "nplurals=2; plural=(n != 1);".
func pluralRule(header string) (func(int) int, error) {
	_, rule, found := strings.Cut(header, "plural=")
	if strings.HasPrefix(header, "nplurals=") {
		_, rest, _ := strings.Cut(header, ";")
		_, rule, found = strings.Cut(rest, "plural=")
	}
	if !found {
		return nil, fmt.Errorf("no Plural-Forms in the header")
	}
	e, err := plurals.Compile(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rule), ";")))
	if err != nil {
		return nil, fmt.Errorf("plural rule %q: %w", rule, err)
	}
	return func(n int) int {
		if n < 0 {
			n = -n
		}
		return e.Eval(uint32(n))
	}, nil
}

// withoutFuzzy drops the entries that a tool guessed and nobody confirmed; the parser would take them.
func withoutFuzzy(text []byte) []byte {
	entries := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n\n")
	entries = slices.DeleteFunc(entries, func(e string) bool {
		for line := range strings.Lines(e) {
			if strings.HasPrefix(line, "#,") && strings.Contains(line, "fuzzy") && !strings.HasPrefix(strings.TrimLeft(e, "\n"), "msgid \"\"\nmsgstr") {
				return true
			}
		}
		return false
	})
	return []byte(strings.Join(entries, "\n\n") + "\n")
}

// accent makes ⟦Ŵŕîţé⟧ of "Write" and leaves the verbs of fmt and the {names} of patterns alone.
func accent(s string) string {
	const from, to = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "áƀçđéƒĝħîĵķłɱñöƥɋŕšţûṽŵẋýžÅßÇĐÉƑĜĦÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ"
	letters := []rune(to)
	var b strings.Builder
	b.WriteString("⟦")
	verb, name := false, false
	for _, r := range s {
		i := strings.IndexRune(from, r)
		switch {
		case name:
			name = r != '}'
		case r == '{':
			name = true
		case verb:
			verb = i < 0 && r != '%'
		case r == '%':
			verb = true
		case i >= 0:
			r = letters[i]
		}
		b.WriteRune(r)
	}
	b.WriteString("⟧")
	return b.String()
}

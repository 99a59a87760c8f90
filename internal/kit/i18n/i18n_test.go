package i18n

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const polish = `msgid ""
msgstr ""
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\n"

msgid "Write a post"
msgstr "Napisz \"post\"\n"

msgid "%s boosted %s"
msgstr "%[2]s podbite przez %[1]s"

#, fuzzy
msgid "Guessed"
msgstr "Zgadniete"

msgid "Empty"
msgstr ""

msgid "%d reply"
msgid_plural "%d replies"
msgstr[0] "%d odpowiedź"
msgstr[1] "%d odpowiedzi"
msgstr[2] "%d odpowiedzi!"
`

const arabic = `msgid ""
msgstr ""
"Plural-Forms: nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;\n"

msgid "%d reply"
msgid_plural "%d replies"
msgstr[0] "0:%d"
msgstr[1] "1:%d"
msgstr[2] "2:%d"
msgstr[3] "3:%d"
msgstr[4] "4:%d"
msgstr[5] "5:%d"
`

func testCatalogue(tb testing.TB) *catalogue {
	tb.Helper()
	template := "msgid \"\"\n" + strings.Repeat("\nmsgid \"x\"\n", 3)
	c, err := load(fstest.MapFS{"pl.po": {Data: []byte(polish)}, "ar.po": {Data: []byte(arabic)}, "en.pot": {Data: []byte(template)}})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestTexts(t *testing.T) {
	t.Parallel()
	c := testCatalogue(t)
	in := func(tag string) context.Context { return WithLocale(context.Background(), c.byTag[tag]) }
	for _, tc := range []struct{ got, want string }{
		{T(context.Background(), "Write a post"), "Write a post"},
		{T(context.Background(), "100 %"), "100 %"},
		{T(in("en"), "%s boosted %s", "a", "b"), "a boosted b"},
		{T(in("pl"), "Write a post"), "Napisz \"post\"\n"},
		{T(in("pl"), "%s boosted %s", "a", "b"), "b podbite przez a"},
		{T(in("pl"), "Guessed"), "Guessed"},
		{T(in("pl"), "Empty"), "Empty"},
		{T(in("pl"), "Not there"), "Not there"},
		{N(in("en"), "%d reply", "%d replies", 1), "1 reply"},
		{N(in("en"), "%d reply", "%d replies", 0), "0 replies"},
		{N(in("en"), "one reply", "many replies", 2), "many replies"},
		{N(in("en"), "%s reply", "%s replies", 2000, "2,000"), "2,000 replies"},
		{N(in("pl"), "%d reply", "%d replies", 1), "1 odpowiedź"},
		{N(in("pl"), "%d reply", "%d replies", 22), "22 odpowiedzi"},
		{N(in("pl"), "%d reply", "%d replies", 12), "12 odpowiedzi!"},
		{N(in("pl"), "%d post", "%d posts", 12), "12 posts"},
		{T(in("qps"), "Write %d {day} on %s, 5%%", 3, "abc"), "⟦Ŵŕîţé 3 {day} öñ abc, 5%⟧"},
		{N(in("qps"), "%d reply", "%d replies", 2), "⟦2 ŕéƥłîéš⟧"},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Error(diff)
		}
	}
	for n, form := range map[int]string{0: "0", 1: "1", 2: "2", 5: "3", 11: "4", 100: "5", 103: "3"} {
		if got := N(in("ar"), "%d reply", "%d replies", n); !strings.HasPrefix(got, form+":") {
			t.Errorf("arabic form of %d is %s, want %s", n, got, form)
		}
	}
	if l := c.byTag["ar"]; l.Dir() != "rtl" || c.byTag["pl"].Dir() != "ltr" || l.Name() != "العربية" || l.Complete() || !c.byTag["pl"].Complete() {
		t.Errorf("%s %s %v", l.Dir(), l.Name(), l.Complete())
	}
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	c := testCatalogue(t)
	for _, tc := range []struct{ accept, preferred, want string }{
		{"", "", "en"},
		{"pl", "", "pl"},
		{"de-CH, pl-PL;q=0.8, en;q=0.5", "", "pl"},
		{"en-GB, pl;q=0.5", "", "en"},
		{"zh, ja", "", "en"},
		{"ar, pl;q=0.1", "", "pl"}, // Arabic is incomplete
		{"pl", "ar", "ar"},         // but may be chosen
		{"", "PL", "pl"},
		{"", "pl-PL", "pl"},
		{"pl", "xx", "pl"},
		{"pl", "not a language", "pl"},
		{"qps", "", "qps"},
		{"en", "qps", "qps"},
		{";;q=,=", "", "en"},
		{strings.Repeat("pl,", 1000), "", "en"},
	} {
		if got := c.negotiate(tc.accept, tc.preferred).Tag(); got != tc.want {
			t.Errorf("%q, %q: got %s, want %s", tc.accept, tc.preferred, got, tc.want)
		}
	}
}

func TestTimesAndNumbers(t *testing.T) {
	t.Parallel()
	en, de := context.Background(), WithLocale(context.Background(), Negotiate("", "de"))
	fr := WithLocale(context.Background(), Negotiate("", "fr"))
	now := time.Date(2027, 3, 4, 9, 5, 0, 0, time.UTC)
	ago := func(ctx context.Context, d time.Duration) string { return Ago(ctx, now.Add(-d), now) }
	for _, tc := range []struct{ got, want string }{
		{ago(en, 0), "now"},
		{ago(en, -59*time.Second), "now"},
		{ago(en, 59*time.Second), "now"},
		{ago(en, 12*time.Minute+59*time.Second), "12 min"},
		{ago(en, 2*time.Hour), "2 h"},
		{ago(en, 24*time.Hour), "1 d"},
		{ago(en, 7*24*time.Hour-1), "6 d"},
		{ago(en, 7*24*time.Hour), "25 February"},
		{ago(en, 100*24*time.Hour), "24 November 2026"},
		{ago(en, -2*24*time.Hour), "6 March"},
		{ago(de, 2*time.Hour), "2 Std."},
		{ago(de, 7*24*time.Hour), "25. Februar"},
		{Date(de, now), "4. März 2027"},
		{DateTime(en, now), "4 March 2027, 09:05 UTC"},
		{DateTime(fr, now), "4 mars 2027 à 09:05 UTC"},
		{Number(en, 7), "7"},
		{Number(en, -1234567), "-1,234,567"},
		{Number(de, 1234567), "1.234.567"},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Error(diff)
		}
	}
}

var verbs = regexp.MustCompile(`%(?:\[(\d)\])?[-+# 0-9.]*[a-zA-Z%]|\{[a-z]+\}`)

// A translation uses the same verbs and names as its text, though it may use them in another order.
func TestCatalogues(t *testing.T) {
	t.Parallel()
	c, err := load(os.DirFS("locales"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.locales) != len(Locales()) || len(c.locales) < 4 {
		t.Errorf("%d on disk, %d embedded", len(c.locales), len(Locales()))
	}
	set := func(s string) (out []string) {
		for _, m := range verbs.FindAllString(s, -1) {
			out = append(out, regexp.MustCompile(`\[\d\]`).ReplaceAllString(m, ""))
		}
		slices.Sort(out)
		return out
	}
	for _, l := range c.locales[1:] {
		for id, s := range l.texts {
			if diff := cmp.Diff(set(id), set(s)); diff != "" {
				t.Errorf("%s: %q as %q: %s", l.Tag(), id, s, diff)
			}
		}
		for n := range 200 {
			for id, forms := range l.plurals {
				if i := l.form(n); i < 0 || i >= len(forms) {
					t.Errorf("%s: %q has no form %d, wanted for %d", l.Tag(), id, i, n)
				}
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"zz-.po": polish, "pl.po": "msgid \"x\"\nmsgstr \"y\"\n", "cs.po": "msgid \"\"\nmsgstr \"\"\n\"Plural-Forms: nplurals=2; plural=what;\\n\"\n"} {
		if _, err := load(fstest.MapFS{name: {Data: []byte(file)}}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestExtract(t *testing.T) {
	t.Parallel()
	const templ = `package x

templ Page() {
	<p>Don't { t(ctx, "It's here") } and { i18n.T(ctx, "%s of " + "two", f("no", 1)) }</p>
	<!-- translators: how many answers -->
	<p>{ n(ctx, "%d reply", "%d replies", len(x)) } { print(ctx, "no") } { x.t(ctx, "no") }</p>
	<input placeholder={ t(ctx, ` + "`Raw \"text\"`" + `) }/> { t(ctx, variable) } { T(ctx, "no") }
}
`
	const goFile = `package x

// i18n.T(ctx, "no: a comment")
func f() {
	// translators: on a button
	_ = i18n.T(
		ctx,
		"Go",
	)
	_ = []string{i18n.Key("Marked")}
	_ = i18n.N(ctx, "one", "many", n(1, 2))
	_ = i18n.T(ctx, "It's here")
	_ = T[int]("no")
}
`
	got, err := Extract(fstest.MapFS{
		"a/page.templ": {Data: []byte(templ)}, "b/x.go": {Data: []byte(goFile)},
		"a/page_templ.go": {Data: []byte(`package x; var _ = t(ctx, "no")`)}, "b/x_test.go": {Data: []byte(`package x; var _ = t(ctx, "no")`)},
		"kit/i18n/y.go": {Data: []byte(`package i18n; var _ = T(ctx, "own")`)},
		"testdata/z.go": {Data: []byte(`package z; var _ = t(ctx, "no")`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Message{
		{ID: "%d reply", Plural: "%d replies", Comment: "how many answers", Places: []string{"a/page.templ"}},
		{ID: "%s of two", Places: []string{"a/page.templ"}},
		{ID: "Go", Comment: "on a button", Places: []string{"b/x.go"}},
		{ID: "It's here", Places: []string{"a/page.templ", "b/x.go"}},
		{ID: "Marked", Places: []string{"b/x.go"}},
		{ID: `Raw "text"`, Places: []string{"a/page.templ"}},
		{ID: "one", Plural: "many", Places: []string{"b/x.go"}},
		{ID: "own", Places: []string{"kit/i18n/y.go"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Extract(fstest.MapFS{"x.go": {Data: []byte(`package x; var _, _ = n(ctx, "a", "b", 1), n(ctx, "a", "c", 1)`)}}); err == nil {
		t.Error("two plurals of one text were accepted")
	}
}

func TestTemplateIsUpToDate(t *testing.T) {
	t.Parallel()
	messages, err := Extract(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := WriteTemplate(&want, messages); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("locales/en.pot")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("run go generate in internal/kit/i18n: %s", diff)
	}
}

// What the writer writes, the parser reads.
func TestTemplateRoundTrip(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteTemplate(&b, []Message{{ID: "a \"quoted\" \\ text\nin two\tlines", Comment: "c"}, {ID: "%d x", Plural: "%d xs"}}); err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("\n\"Plural", "\n\"Plural", "lines\"\nmsgstr \"\"", "lines\"\nmsgstr \"yes\"", "[0] \"\"", "[0] \"one\"", "[1] \"\"", "[1] \"more\"").Replace(b.String())
	l, err := parse("nl", []byte(filled))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a \"quoted\" \\ text\nin two\tlines": "yes"}, l.texts); diff != "" {
		t.Error(diff)
	}
	if got := l.plural("%d x", "", 5); got != "more" {
		t.Errorf("got %q", got)
	}
}

func FuzzNegotiate(f *testing.F) {
	f.Add("de-CH, de;q=0.9, *;q=0.1", "pl")
	c := testCatalogue(f)
	f.Fuzz(func(t *testing.T, accept, preferred string) {
		if c.negotiate(accept, preferred) == nil {
			t.Error("no locale")
		}
	})
}

func BenchmarkT(b *testing.B) {
	for _, tag := range []string{"en", "de"} {
		b.Run(tag, func(b *testing.B) {
			ctx := WithLocale(context.Background(), Negotiate("", tag))
			for b.Loop() {
				T(ctx, "September")
			}
		})
	}
}

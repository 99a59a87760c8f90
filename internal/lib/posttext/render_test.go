package posttext

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var testOptions = Options{
	TagBase: "https://coop.example/tags/",
	Mention: func(m Mention) (string, bool) {
		switch {
		case m.Name == "nobody":
			return "", false
		case m.Domain == "":
			return "https://coop.example/@" + m.Name, true
		}
		return "https://" + m.Domain + "/@" + m.Name, true
	},
}

func TestRender(t *testing.T) {
	t.Parallel()
	link := func(href, prefix, shown, hidden string) string {
		class := ""
		if hidden != "" {
			class = ` class="ellipsis"`
		}
		return `<a href="` + href + `" rel="nofollow noopener" target="_blank" translate="no"><span class="invisible">` + prefix +
			`</span><span` + class + `>` + shown + `</span><span class="invisible">` + hidden + `</span></a>`
	}
	mention := func(href, name string) string {
		return `<span class="h-card"><a href="` + href + `" class="u-url mention">@<span>` + name + `</span></a></span>`
	}
	tag := func(folded, written string) string {
		return `<a href="https://coop.example/tags/` + folded + `" class="mention hashtag" rel="tag">#<span>` + written + `</span></a>`
	}
	tests := []struct{ name, source, want string }{
		{"empty", " \n ", ""},
		{"escape", `<b>"Tom" & 'Jerry'</b>`, "<p>&lt;b&gt;&#34;Tom&#34; &amp; &#39;Jerry&#39;&lt;/b&gt;</p>"},
		{"paragraphs", "one\r\ntwo\n\n \nthree", "<p>one<br>two</p><p>three</p>"},
		{"controls", "a\x00b\x07c\u0085", "<p>abc</p>"},
		{"link", "see https://example.org.", "<p>see " + link("https://example.org", "https://", "example.org", "") + ".</p>"},
		{"link www", "http://www.example.org/a?b=1&c=2#d", "<p>" + link("http://www.example.org/a?b=1&amp;c=2#d", "http://www.", "example.org/a?b=1&amp;c=2#d", "") + "</p>"},
		{"link long", "https://example.org/0123456789/0123456789/0123456789",
			"<p>" + link("https://example.org/0123456789/0123456789/0123456789", "https://", "example.org/0123456789/0123456", "789/0123456789") + "</p>"},
		{"link brackets", "(https://en.example.org/wiki/Co-op_(society))", "<p>(" + link("https://en.example.org/wiki/Co-op_(society)", "https://", "en.example.org/wiki/Co-op_(soc", "iety)") + ")</p>"},
		{"link quote", `"https://example.org/a",`, "<p>&#34;" + link("https://example.org/a", "https://", "example.org/a", "") + "&#34;,</p>"},
		{"link IDN", "https://bücher.example/x", "<p>" + link("https://xn--bcher-kva.example/x", "https://", "bücher.example/x", "") + "</p>"},
		{"link in Japanese", "見てhttps://example.com/を、", "<p>見てhttps://example.com/を、</p>"},
		{"link then Japanese", "https://example.comを見て", "<p>" + link("https://example.com", "https://", "example.com", "") + "を見て</p>"},
		{"link bidi override", "https://example.com/\u202etxt.exe", "<p>" + link("https://example.com/", "https://", "example.com/", "") + "\u202etxt.exe</p>"},
		{"link with user", "https://good.example@evil.example/", "<p>https://good.example@evil.example/</p>"},
		{"no link", "https:// http://localhost javascript://example.org http://a..b xhttps://example.org", "<p>https:// http://localhost javascript://example.org http://a..b xhttps://example.org</p>"},
		{"mention", "@mara, hi @jun@elsewhere.example.", "<p>" + mention("https://coop.example/@mara", "mara") + ", hi " + mention("https://elsewhere.example/@jun", "jun") + ".</p>"},
		{"mention dots", "@mara.o-k.", "<p>" + mention("https://coop.example/@mara.o-k", "mara.o-k") + ".</p>"},
		{"mention IDN", "@jo@bücher.example", "<p>" + mention("https://xn--bcher-kva.example/@jo", "jo") + "</p>"},
		{"mention port", "@jo@localhost:3000", "<p>" + mention("https://localhost:3000/@jo", "jo") + "</p>"},
		{"mention unknown", "@nobody@x.example", "<p>@nobody@x.example</p>"},
		{"mention in RTL", "שלום @mara!", "<p>שלום " + mention("https://coop.example/@mara", "mara") + "!</p>"},
		{"no mention", "me@example.org @ @josé a/@x =@y", "<p>me@example.org @ @josé a/@x =@y</p>"},
		{"tag", "#Coop, (#räte) ＃集会", "<p>" + tag("coop", "Coop") + ", (" + tag("rate", "räte") + ") " + tag("%E9%9B%86%E4%BC%9A", "集会") + "</p>"},
		{"tag joint", "#col·lectiu· #می\u200cخواهم", "<p>" + tag("col%C2%B7lectiu", "col·lectiu") + "· " + tag("%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85", "می\u200cخواهم") + "</p>"},
		{"no tag", "#1 #2026 # #_ #️⃣ a#b &#x27; ##c /#d", "<p>#1 #2026 # #_ #️⃣ a#b &amp;#x27; ##c /#d</p>"},
		{"tag digits", "#2026budget", "<p>" + tag("2026budget", "2026budget") + "</p>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, Render(test.source, testOptions).HTML); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	got := Scan("@Mara @mara @jun@Elsewhere.Example #Café #cafe https://example.org/ https://example.org/\n\n#b")
	want := Found{
		Mentions: []Mention{{Name: "Mara"}, {Name: "jun", Domain: "elsewhere.example"}},
		Tags:     []Tag{{Folded: "cafe", Written: "Café"}, {Folded: "b", Written: "b"}},
		Links:    []string{"https://example.org/"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCharCount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want int
	}{
		{"", 0},
		{"hello", 5},
		{"https://example.org/a/very/long/address/that/nobody/would/type", 23},
		{"@jun@elsewhere.example hi", 7},
		{"e\u0301", 1},
		{"👩‍👩‍👧‍👦", 1},
		{"🇨🇦🇸🇰", 2},
		{"👍🏽", 1},
		{"한국", 2},
		{"각", 1},
		{"❤️", 1},
		{"a\u200db", 2},
		{"नमस्ते", 4},
	}
	for _, test := range tests {
		if got := CharCount(test.text); got != test.want {
			t.Errorf("CharCount(%q) = %d, want %d", test.text, got, test.want)
		}
	}
}

func TestFoldTag(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"CoOp": "coop", "Straße": "straße", "Ｔａｇ": "tag", "Łódź": "lodz", "Ελλάδα": "ελλάδα", "がぎ": "がぎ", "ﾊﾟﾝ": "パン", "हिन्दी": "हिन्दी", "İstanbul": "istanbul",
	} {
		if got := FoldTag(in); got != want {
			t.Errorf("FoldTag(%q) = %q, want %q", in, got, want)
		}
	}
}

// piece draws bits of text that look enough like mentions, tags and links.
var piece = rapid.SampledFrom([]string{
	"@", "#", "＃", "a", "Ä", "ß", "1", "_", ".", "-", ":", "/", "//", "https://", "http://", "example.org", "@jun@x.example", "#tag", "(", ")", "[", "]", "<", ">", "&", "\"", "'",
	" ", "\n", "\n\n", "\r\n", "\t", "\u202e", "\u200d", "\u200c", "·", "مرحبا", "集", "👍", "🇨", "\xff", "\x00", "?", "=", "%", "%zz", "xn--", "www.", ",", "\u0301", "\ufe0f",
})

func drawText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(piece, 0, 24).Draw(t, "pieces"), "")
}

func TestProperties(t *testing.T) {
	t.Parallel()
	t.Run("tokens cover the text", rapid.MakeCheck(func(t *rapid.T) {
		source := clean(drawText(t))
		var b strings.Builder
		for _, k := range tokens(source) {
			b.WriteString(k.text)
		}
		if b.String() != source {
			t.Fatalf("%q became %q", source, b.String())
		}
	}))
	t.Run("render keeps the words and is clean", rapid.MakeCheck(func(t *rapid.T) {
		source := drawText(t)
		checkRender(t, source)
		bare := PlainText(Render(source, Options{}).HTML)
		if want := squeeze(clean(source)); bare != want {
			t.Fatalf("PlainText(Render(%q)) = %q, want %q", source, bare, want)
		}
	}))
	t.Run("folding is idempotent", rapid.MakeCheck(func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		if once := FoldTag(s); FoldTag(once) != once {
			t.Fatalf("%q folds to %q, then %q", s, once, FoldTag(once))
		}
	}))
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkRender asserts that Sanitise has nothing to say about Render's output
// except for the rel and target it forces on links.
func checkRender(t failer, source string) {
	t.Helper()
	got := Render(source, testOptions).HTML
	strip := strings.NewReplacer(` rel="nofollow noopener" target="_blank"`, "", ` rel="nofollow noopener noreferrer" target="_blank"`, "",
		` rel="tag nofollow noopener noreferrer" target="_blank"`, "", ` rel="tag"`, "")
	if a, b := strip.Replace(got), strip.Replace(Sanitise(got)); a != b {
		t.Fatalf("Render(%q)\n     = %s\ncleaned %s", source, a, b)
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range []string{"@a@b.example #c https://d.example/(e)", "<script>", "a\n\nb\nc", "https://example.com/\u202ea", "#\u0301a", "@a@xn--a", "http://[::1]/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > maxOutput/64 {
			return // longer texts meet Sanitise's size limit, which has a test of its own
		}
		checkRender(t, source)
		CharCount(source)
	})
}

func BenchmarkRender(b *testing.B) {
	source := "We just moved 40 community groups off a US cloud onto servers our members own. It took a winter and a lot of tea.\n\nNotes for other hosting co-ops: https://rabble.example/notes/moving-forty-groups @mara@tideline.example #platformcoop"
	for b.Loop() {
		Render(source, testOptions)
	}
}

package posttext

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"
)

const rel = ` rel="nofollow noopener noreferrer" target="_blank"`

func TestSanitise(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "a > b", "a &gt; b"},
		{"kept", "<p>a<br/>b <em>c</em> <del>d</del></p><pre><code>e\n f</code></pre>", "<p>a<br>b <em>c</em> <del>d</del></p><pre><code>e\n f</code></pre>"},
		{"script", `<p>a<script>alert(1)</script><style>p{}</style>b</p>`, "<p>ab</p>"},
		{"handler", `<p onclick="x()" style="color:red" id=a>a</p>`, "<p>a</p>"},
		{"image", `<p>a<img src=x onerror=alert(1)>b</p>`, "<p>ab</p>"},
		{"link", `<a href="https://x.example/?a=1&b=2" rel="me" onclick=x title=y>a</a>`, `<a href="https://x.example/?a=1&amp;b=2"` + rel + `>a</a>`},
		{"link tag", `<a href="https://x.example/tags/a" class="mention hashtag evil" rel="tag">#<span>a</span></a>`, `<a href="https://x.example/tags/a" class="mention hashtag" rel="tag nofollow noopener noreferrer" target="_blank">#<span>a</span></a>`},
		{"link scheme", `<a href="javascript:alert(1)">a</a> <a href="data:text/html,x">b</a> <a href="/c">c</a> <a href="gemini://d.example/">d</a> <a href="xmpp:e@f.example">e</a>`, `a b c <a href="gemini://d.example/"` + rel + `>d</a> <a href="xmpp:e@f.example"` + rel + `>e</a>`},
		{"link tricks", "<a href=\"java\nscript:x\">a</a><a href=' JaVaScRiPt:x'>b</a><a href='https:x'>c</a><a href='https://good.example@evil.example/'>d</a>", "abcd"},
		{"link nested", `<a href="https://a.example/">a<a href="https://b.example/">b</a></a>`, `<a href="https://a.example/"` + rel + `>a</a><a href="https://b.example/"` + rel + `>b</a>`},
		{"heading", `<h1>a <i>b</i></h1><h3>c</h3>`, `<p><strong>a <i>b</i></strong></p><p><strong>c</strong></p>`},
		{"divs", `<div>a</div><div>b</div>c`, `a<br>b<br>c`},
		{"list", `<ol start="3" reversed type=a><li value="7" class=x>a</li><li>b</ol>`, `<ol start="3" reversed=""><li value="7">a</li><li>b</li></ol>`},
		{"stray item", `<li>a</li><li>b</li>`, `a<br>b`},
		{"unclosed", `<p>a <b><s>b`, `<p>a <b><s>b</s></b></p>`},
		{"stray ends", `</div></p></span>a`, `<p></p>a`},
		{"classes", `<span class="h-card x e-content invisible POST">a</span>`, `<span class="h-card e-content invisible">a</span>`},
		{"table", `<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>`, `ab<br>c`},
		{"ruby", `<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp></ruby>`, `<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp></ruby>`},
		{"block in link", `<a href="https://a.example/"><p>a</p><p>b</p></a>`, `<a href="https://a.example/"` + rel + `>a<br>b</a>`},
		{"pre line", "<pre>\n\na</pre>", "<pre>a</pre>"},
		{"comment", "a<!-- b -->c<![CDATA[d]]>", "ac"},
		{"svg", `a<svg><script>x</script><text>b</text></svg>c`, "ac"},
		{"math", `<math><semantics><mi>x</mi><annotation encoding="application/x-tex">x^2</annotation></semantics></math>`, "x^2"},
		{"mutation", `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`, ""},
		{"noscript", `<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`, "&#34;&gt;"},
		{"translate", `<a href="https://a.example/" translate="no">a</a>`, `<a href="https://a.example/"` + rel + ` translate="no">a</a>`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := Sanitise(test.in)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			checkSafe(t, got)
		})
	}
}

func TestSanitiseSize(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"text":     strings.Repeat("<", 1<<20),
		"elements": strings.Repeat("<p>a</p>", 1<<17),
		"deep":     strings.Repeat("<b>", 100_000) + "x",
		"blocks":   strings.Repeat("<blockquote>", 100_000) + "x",
		"words":    "<p>" + strings.Repeat("ü\"", 1<<18),
		"mixed":    strings.Repeat("<ul><li><a href='https://a.example/'><i>", 10_000),
	} {
		got := Sanitise(in)
		if len(got) > maxOutput+maxDepth*16 {
			t.Errorf("%s: %d bytes", name, len(got))
		}
		if again := Sanitise(got); again != got {
			t.Errorf("%s: not idempotent: %d then %d bytes", name, len(got), len(again))
		}
		checkSafe(t, got)
	}
}

// allowed is written by hand, apart from the code under test.
var allowed = map[string]string{
	"p": "class", "br": "", "span": "class translate", "a": "href class rel target translate", "del": "", "s": "", "pre": "", "blockquote": "", "code": "", "b": "", "strong": "",
	"u": "", "i": "", "em": "", "ul": "", "ol": "start reversed", "li": "value", "ruby": "", "rt": "", "rp": "",
}

var goodHref = regexp.MustCompile(`^((https?|gemini|gopher|ipfs|ipns)://[^/]|(xmpp|matrix|magnet):)`)

// checkSafe reads s as a browser would and asserts that nothing but the allowed
// is in it and that it is well nested.
func checkSafe(t failer, s string) {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		t.Fatalf("parse %q: %v", s, err)
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.TextNode:
		case html.ElementNode:
			attrs, ok := allowed[n.Data]
			if !ok || n.Namespace != "" {
				t.Fatalf("element %s in %q", n.Data, s)
			}
			for _, a := range n.Attr {
				if !strings.Contains(" "+attrs+" ", " "+a.Key+" ") {
					t.Fatalf("attribute %s of %s in %q", a.Key, n.Data, s)
				}
				if a.Key == "href" && !goodHref.MatchString(a.Val) {
					t.Fatalf("href %q in %q", a.Val, s)
				}
			}
			if n.Data == "a" && !strings.HasSuffix(attr(n, "rel"), "nofollow noopener noreferrer") {
				t.Fatalf("rel %q in %q", attr(n, "rel"), s)
			}
		default:
			t.Fatalf("node type %d in %q", n.Type, s)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	// Well nested: every opening tag is closed by its own, in order.
	var open []string
	z := html.NewTokenizer(strings.NewReader(s))
	for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
		name, _ := z.TagName()
		switch {
		case tt == html.StartTagToken && string(name) != "br":
			open = append(open, string(name))
		case tt == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("</%s> closes %v in %q", name, open, s)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Fatalf("left open: %v in %q", open, s)
	}
}

func checkSanitise(t failer, in string) {
	t.Helper()
	once := Sanitise(in)
	checkSafe(t, once)
	if twice := Sanitise(once); twice != once {
		t.Fatalf("not idempotent\n in    %q\n once  %q\n twice %q", in, once, twice)
	}
}

func TestSanitiseProperties(t *testing.T) {
	t.Parallel()
	bit := rapid.SampledFrom([]string{
		"<p>", "</p>", "<b>", "</b>", "<a href=https://x.example>", "<a href='magnet:?a'>", "</a>", "<ul>", "</ul>", "<ol start=2>", "</ol>", "<li value=3>", "</li>", "<pre>", "</pre>", "<blockquote>", "</blockquote>",
		"<h2>", "</h2>", "<div>", "</div>", "<span class=h-card>", "</span>", "<ruby>", "</ruby>", "<rt>", "<rp>", "</rt>", "<table>", "<tr>", "<td>", "</table>", "<svg>", "</svg>", "<math>", "<mi>", "<annotation-xml encoding=text/html>",
		"<button>", "</button>", "<code>", "</code>", "<s>", "</s>", "<i>", "</i>", "<br>", "</br>", "<hr>", "<img src=x>", "<script>", "</script>", "<style>", "<template>", "</template>", "<select>", "<option>", "<form>", "<input>",
		"<frameset>", "<body onload=x>", "<html>", "<textarea>", "<title>", "<noscript>", "<marquee>", "</marquee>", "<object>", "<nobr>", "<caption>", "<dd>", "<plaintext>", "<!--", "-->", "<![CDATA[", "]]>",
		"a", " ", "\n", "&lt;", "&amp;", "&#13;", "&#0;", "&nbsp;", "\"", "'", "<", ">", "ü", "\x00",
	})
	t.Run("tag soup", rapid.MakeCheck(func(t *rapid.T) {
		checkSanitise(t, strings.Join(rapid.SliceOfN(bit, 0, 30).Draw(t, "bits"), ""))
	}))
}

func FuzzSanitise(f *testing.F) {
	for _, s := range []string{"<p>a</p>", "<a href=javascript:x>", "<svg><style><img>", "<b><p><b></p>x", "<pre>\n\n<b>\n", "<math><annotation encoding=application/x-tex>a", "<ruby><rt><p><rp>", "<table><a href=https://x.example>b", "<a href='https://[::1]:80/%zz'>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		checkSanitise(t, in)
		PlainText(in)
	})
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"a &amp; b", "a & b"},
		{"<p>a<br>b</p><p>c</p>", "a\nb\n\nc"},
		{`<p><a href="https://x.example/a"><span class="invisible">https://</span><span class="ellipsis">x.example</span><span class="invisible">/a</span></a></p>`, "https://x.example/a"},
		{"<ul><li>a</li><li>b</li></ul>c", "- a\n- b\n\nc"},
		{"a<script>b</script>c", "ac"},
		{"<div>a</div><div>b</div>", "a\n\nb"},
	}
	for _, test := range tests {
		if got := PlainText(test.in); got != test.want {
			t.Errorf("PlainText(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 10, "short"},
		{"one two three four", 10, "one two…"},
		{"abcdefghijkl", 5, "abcde…"},
		{"a\n\nb", 5, "a b"},
		{"日本語の文章", 3, "日本語…"},
	}
	for _, test := range tests {
		if got := Summary(test.in, test.limit); got != test.want {
			t.Errorf("Summary(%q, %d) = %q, want %q", test.in, test.limit, got, test.want)
		}
	}
}

func BenchmarkSanitise(b *testing.B) {
	in := Render("We just moved 40 community groups off a US cloud onto servers our members own. It took a winter and a lot of tea.\n\nNotes for other hosting co-ops: https://rabble.example/notes/moving-forty-groups @mara@tideline.example #platformcoop", testOptions).HTML
	for b.Loop() {
		Sanitise(in)
	}
}

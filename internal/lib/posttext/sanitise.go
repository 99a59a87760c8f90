package posttext

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	// maxInput bounds what is parsed, in bytes. A post of any server fits.
	maxInput = 256 << 10
	// maxOutput bounds what is kept, in bytes.
	maxOutput = 64 << 10
	// maxDepth bounds how deep elements nest; deeper ones are unwrapped.
	maxDepth = 24
)

// Sanitise returns the part of fragment that a post may hold, in one canonical
// spelling. It keeps p, br, span, a, del, s, pre, blockquote, code, b, strong, u,
// i, em, ul, ol, li, ruby, rt and rp; turns headings into bold paragraphs; puts a
// line break where an unknown block stood; keeps the text of other elements but
// nothing of scripts, styles and embedded documents. Links go to http, https and
// a few other schemes, open in a new tab and tell nobody where they came from.
// What is over the size limits is cut off, and the rest is well formed.
//
// spec: mastodon/spec/activitypub#sanitization
func Sanitise(fragment string) string {
	fragment = clean(cut(fragment, maxInput))
	if !strings.ContainsAny(fragment, "<&") {
		return cutEscaped(fragment, maxOutput)
	}
	context := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(fragment), context)
	if err != nil {
		// The parser reads from memory and recovers from every mistake of markup;
		// what it still refuses is nested absurdly deep. Keep the words.
		return cutEscaped(clean(bluemonday.StrictPolicy().Sanitize(fragment)), maxOutput)
	}
	w := writer{}
	for _, n := range nodes {
		w.node(n, place{})
	}
	// The tree writer alone would do. The policy is a second lock by other hands:
	// whatever the writer lets slip, it does not let pass.
	return strings.TrimSpace(policy.Sanitize(w.b.String()))
}

// policy is read-only after this.
var policy = newPolicy()

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "span", "a", "del", "s", "pre", "blockquote", "code", "b", "strong", "u", "i", "em", "ul", "ol", "li", "ruby", "rt", "rp")
	p.AllowNoAttrs().OnElements("span")
	for scheme := range allowedSchemes {
		p.AllowURLSchemes(scheme)
	}
	p.RequireParseableURLs(true)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^(tag )?nofollow noopener noreferrer$`)).OnElements("a")
	p.AllowAttrs("target").Matching(regexp.MustCompile(`^_blank$`)).OnElements("a")
	p.AllowAttrs("translate").Matching(regexp.MustCompile(`^no$`)).OnElements("a", "span")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^[a-z0-9 -]+$`)).OnElements("a", "span", "p")
	p.AllowAttrs("reversed").Matching(regexp.MustCompile(`^$`)).OnElements("ol")
	p.AllowAttrs("start").Matching(number).OnElements("ol")
	p.AllowAttrs("value").Matching(number).OnElements("li")
	return p
}

// place is where in the output the writer stands.
type place struct {
	parent   atom.Atom // the nearest element that was put out
	phrasing bool      // inside an element that holds no blocks
	link     bool      // inside a link
	depth    int
}

// writer puts out a parsed tree. It only ever writes nestings that an HTML parser
// reads back as the same tree, which is what makes Sanitise idempotent.
type writer struct {
	b    strings.Builder
	full bool // the limit is reached; only closing tags follow
	// inline says that the last thing put out at this level was running text, so
	// that a block boundary which is not kept must become a line break.
	inline, pending bool
}

// dropped elements vanish with all they hold: nobody wrote that text to be read.
var dropped = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Template: true, atom.Iframe: true, atom.Object: true, atom.Embed: true, atom.Noscript: true,
	atom.Noembed: true, atom.Noframes: true, atom.Audio: true, atom.Video: true, atom.Canvas: true, atom.Select: true, atom.Datalist: true,
	atom.Textarea: true, atom.Button: true, atom.Title: true, atom.Svg: true, atom.Xmp: true, atom.Plaintext: true,
}

// boundaries are blocks that are not kept but part what is before from what is after.
var boundaries = map[atom.Atom]bool{
	atom.Div: true, atom.Section: true, atom.Article: true, atom.Header: true, atom.Footer: true, atom.Main: true, atom.Aside: true,
	atom.Nav: true, atom.Figure: true, atom.Figcaption: true, atom.Address: true, atom.Table: true, atom.Caption: true, atom.Tr: true, atom.Dl: true, atom.Dt: true,
	atom.Dd: true, atom.Fieldset: true, atom.Legend: true, atom.Form: true, atom.Details: true, atom.Summary: true, atom.Center: true, atom.Hr: true, atom.Dialog: true, atom.Hgroup: true,
}

func (w *writer) node(n *html.Node, at place) {
	switch {
	case w.full:
	case n.Type == html.TextNode:
		w.text(n.Data, at)
	case n.Type != html.ElementNode || dropped[n.DataAtom]:
	case n.Namespace == "math":
		if tex := annotation(n); tex != "" {
			w.text(tex, at)
		}
	case n.Namespace != "":
	default:
		w.element(n, at)
	}
}

func (w *writer) children(n *html.Node, at place) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c, at)
	}
}

func (w *writer) element(n *html.Node, at place) {
	inner := at
	inner.parent, inner.depth = n.DataAtom, at.depth+1
	room := at.depth < maxDepth
	switch n.DataAtom {
	case atom.Br:
		w.pending = false
		w.tag("<br>")
		w.inline = false
		return
	case atom.Span, atom.Del, atom.S, atom.Code, atom.B, atom.Strong, atom.U, atom.I, atom.Em:
		if room {
			inner.phrasing = true
			w.phrasing(n, n.Data, spanAttrs(n), inner)
			return
		}
	case atom.A:
		if attrs, ok := linkAttrs(n); ok && room && !at.link {
			inner.phrasing, inner.link = true, true
			w.phrasing(n, "a", attrs, inner)
			return
		}
	case atom.Ruby:
		if room {
			inner.phrasing = true
			w.phrasing(n, "ruby", "", inner)
			return
		}
	case atom.Rt, atom.Rp:
		if room && at.parent == atom.Ruby {
			inner.phrasing = true
			w.phrasing(n, n.Data, "", inner)
			return
		}
	case atom.P, atom.Pre:
		if room && !at.phrasing {
			inner.phrasing = true
			w.block(n, n.Data, classAttr(n), inner)
			return
		}
		w.boundary(n, at)
		return
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		if room && !at.phrasing {
			w.heading(n, inner)
			return
		}
		w.boundary(n, at)
		return
	case atom.Blockquote, atom.Ul, atom.Ol:
		if room && !at.phrasing {
			w.block(n, n.Data, listAttrs(n), inner)
			return
		}
		w.boundary(n, at)
		return
	case atom.Li:
		if room && (at.parent == atom.Ul || at.parent == atom.Ol) {
			w.block(n, "li", listAttrs(n), inner)
			return
		}
		w.boundary(n, at)
		return
	}
	if boundaries[n.DataAtom] {
		w.boundary(n, at)
		return
	}
	w.children(n, at)
}

// phrasing puts out an element of running text.
func (w *writer) phrasing(n *html.Node, name, attrs string, inner place) {
	if w.breakPending(); !w.tag("<" + name + attrs + ">") {
		return
	}
	w.children(n, inner)
	w.b.WriteString("</" + name + ">")
}

// block puts out an element that begins and ends a line by itself.
func (w *writer) block(n *html.Node, name, attrs string, inner place) {
	w.pending = false
	if !w.tag("<" + name + attrs + ">") {
		return
	}
	w.inline = false
	w.children(n, inner)
	w.pending, w.inline = false, false
	w.b.WriteString("</" + name + ">")
}

func (w *writer) heading(n *html.Node, inner place) {
	w.pending = false
	if !w.tag("<p><strong>") {
		return
	}
	inner.parent, inner.phrasing, inner.depth = atom.Strong, true, inner.depth+1
	w.inline = false
	w.children(n, inner)
	w.pending, w.inline = false, false
	w.b.WriteString("</strong></p>")
}

// boundary puts out what a block holds that is not kept itself.
func (w *writer) boundary(n *html.Node, at place) {
	w.pending = w.pending || w.inline
	w.children(n, at)
	w.pending = w.pending || w.inline
}

func (w *writer) breakPending() {
	if w.pending && w.inline {
		w.tag("<br>")
		w.inline = false
	}
	w.pending = false
}

// tag writes markup if there is room for all of it.
func (w *writer) tag(s string) bool {
	if w.full || w.b.Len()+len(s) > maxOutput {
		w.full = true
		return false
	}
	w.b.WriteString(s)
	return true
}

func (w *writer) text(s string, at place) {
	s = clipControl(s)
	if at.parent == atom.Pre && strings.HasSuffix(w.b.String(), "<pre>") {
		s = strings.TrimLeft(s, "\n") // A parser drops one of them at each reading.
	}
	if strings.TrimSpace(s) != "" {
		w.breakPending()
		w.inline = true
	}
	room := maxOutput - w.b.Len()
	if esc := cutEscaped(s, room); w.full || len(esc) < len(html.EscapeString(s)) {
		w.b.WriteString(esc)
		w.full = true
	} else {
		w.b.WriteString(esc)
	}
}

// clipControl removes characters that entities can bring in behind clean's back.
func clipControl(s string) string {
	if strings.IndexFunc(s, isControl) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\r' {
			return '\n'
		}
		if isControl(r) {
			return -1
		}
		return r
	}, s)
}

func isControl(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cutEscaped returns as much of s as fits into n bytes once it is escaped.
func cutEscaped(s string, n int) string {
	esc := html.EscapeString(s)
	if len(esc) <= n {
		return esc
	}
	total := 0
	for i, r := range s {
		size := utf8.RuneLen(r)
		switch r {
		case '&', '\'', '"':
			size = 5
		case '<', '>':
			size = 4
		}
		if total+size > n {
			return html.EscapeString(s[:i])
		}
		total += size
	}
	return esc
}

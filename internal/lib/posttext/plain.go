package posttext

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// PlainText returns the words of an HTML fragment, for notifications, search and
// previews: paragraphs parted by a blank line, other blocks and <br> by a line
// end, links as their full address was written. The result is text: escape it
// before it becomes part of a page.
func PlainText(fragment string) string {
	if !strings.ContainsAny(fragment, "<&") {
		return clean(cut(fragment, maxInput))
	}
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(cut(fragment, maxInput)))
	var skip atom.Atom
	for {
		switch z.Next() {
		case html.ErrorToken:
			return squeeze(clean(b.String()))
		case html.TextToken:
			if skip == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			a := atom.Lookup(name)
			switch {
			case skip != 0:
			case a == atom.Script || a == atom.Style || a == atom.Title || a == atom.Textarea || a == atom.Iframe || a == atom.Noscript:
				skip = a
			case a == atom.Li:
				b.WriteString("\n- ")
			default:
				b.WriteString(lineEnds(a))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			a := atom.Lookup(name)
			if skip != 0 {
				if a == skip {
					skip = 0
				}
				continue
			}
			if a != atom.Br && a != atom.Li {
				b.WriteString(lineEnds(a))
			}
		}
	}
}

// lineEnds returns what an element's edge is in plain text.
func lineEnds(a atom.Atom) string {
	switch {
	case a == atom.Br:
		return "\n"
	case a == atom.P || a == atom.Blockquote || a == atom.Pre || a == atom.Ul || a == atom.Ol ||
		a == atom.H1 || a == atom.H2 || a == atom.H3 || a == atom.H4 || a == atom.H5 || a == atom.H6:
		return "\n\n"
	case boundaries[a]:
		return "\n"
	}
	return ""
}

// squeeze leaves at most one blank line in a row and no space at line ends.
func squeeze(s string) string {
	var b strings.Builder
	blank := 0
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimRight(line, " \t")
		if line == "" {
			blank++
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
			if blank > 0 {
				b.WriteByte('\n')
			}
		}
		b.WriteString(line)
		blank = 0
	}
	return b.String()
}

// Summary returns the first limit characters of text on one line, cut at a word
// where there is one, with an ellipsis if anything is left out.
func Summary(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	n, space := 0, 0
	for i, r := range text {
		if r == ' ' {
			space = i
		}
		if n == limit {
			if space == 0 || space < i/2 {
				space = i
			}
			return strings.TrimRight(text[:space], " ,;:") + "…"
		}
		n++
	}
	return text
}

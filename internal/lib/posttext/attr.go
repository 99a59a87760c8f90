package posttext

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var (
	keptClass = regexp.MustCompile(`^(?:(?:h|p|u|dt|e)-[a-z0-9-]{1,40}|mention|hashtag|ellipsis|invisible|quote-inline)$`)
	number    = regexp.MustCompile(`^-?[0-9]{1,9}$`)
)

// annotation returns the TeX source that a formula carries, if it does.
func annotation(n *html.Node) string {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && strings.EqualFold(c.Data, "annotation") && attr(c, "encoding") == "application/x-tex" &&
			c.FirstChild != nil && c.FirstChild.Type == html.TextNode {
			return c.FirstChild.Data
		}
	}
	return ""
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == key {
			return true
		}
	}
	return false
}

// classAttr returns the class attribute with those classes that mean something
// between servers, and nothing if none do.
func classAttr(n *html.Node) string {
	if n.DataAtom == atom.Pre {
		return ""
	}
	var kept []string
	for c := range strings.FieldsSeq(attr(n, "class")) {
		if keptClass.MatchString(c) && len(kept) < 8 {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return ` class="` + strings.Join(kept, " ") + `"`
}

func translateAttr(n *html.Node) string {
	if attr(n, "translate") == "no" {
		return ` translate="no"`
	}
	return ""
}

func spanAttrs(n *html.Node) string {
	if n.DataAtom != atom.Span {
		return ""
	}
	return classAttr(n) + translateAttr(n)
}

func linkAttrs(n *html.Node) (string, bool) {
	href, ok := canonicalURL(attr(n, "href"))
	if !ok {
		return "", false
	}
	rel := "nofollow noopener noreferrer"
	for r := range strings.FieldsSeq(attr(n, "rel")) {
		if r == "tag" {
			rel = "tag " + rel
			break
		}
	}
	return ` href="` + html.EscapeString(href) + `"` + classAttr(n) + ` rel="` + rel + `" target="_blank"` + translateAttr(n), true
}

func listAttrs(n *html.Node) string {
	s := ""
	if n.DataAtom == atom.Ol {
		if v := attr(n, "start"); number.MatchString(v) {
			s += ` start="` + v + `"`
		}
		if hasAttr(n, "reversed") {
			s += ` reversed=""`
		}
	}
	if n.DataAtom == atom.Li {
		if v, err := strconv.Atoi(attr(n, "value")); err == nil && v > -1e9 && v < 1e9 {
			s += ` value="` + strconv.Itoa(v) + `"`
		}
	}
	return s
}

package site

import (
	"bytes"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"rochdale/internal/kit/web/assets"
)

func plainHandler(w http.ResponseWriter, r *http.Request) error {
	assets.Handler().ServeHTTP(w, r)
	return nil
}

// surfer is a browser without script: it reads pages, follows links and sends the forms it finds.
type surfer struct {
	t      testing.TB
	base   string
	client *http.Client
	url    *url.URL
	status int
	body   string
	doc    *html.Node
}

func (p *place) surf(tb testing.TB) *surfer {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &surfer{t: tb, base: p.server.URL, client: &http.Client{Jar: jar, Transport: p.server.Client().Transport}}
}

// as signs somebody in by the form.
func (p *place) as(tb testing.TB, username string) *surfer {
	tb.Helper()
	s := p.surf(tb)
	s.get("/sign-in")
	s.send("/sign-in", fields{"email": username + "@tideline.example", "password": password})
	s.at("/home")
	return s
}

func (s *surfer) do(r *http.Request) {
	s.t.Helper()
	if s.url != nil {
		r.Header.Set("Referer", s.url.String())
		r.Header.Set("Origin", s.base)
	}
	res, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.url, s.status, s.body = res.Request.URL, res.StatusCode, string(b)
	if s.doc, err = html.Parse(bytes.NewReader(b)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *surfer) get(path string) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.absolute(path), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.do(r)
}

func (s *surfer) absolute(path string) string {
	at := s.url
	if at == nil {
		at, _ = url.Parse(s.base)
	}
	u, err := at.Parse(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.String()
}

// at insists that the surfer has arrived at a page.
func (s *surfer) at(path string) {
	s.t.Helper()
	if s.url.Path != path || s.status != http.StatusOK {
		s.t.Fatalf("at %s with %d instead of %s: %s", s.url, s.status, path, s.text())
	}
}

func (s *surfer) sees(words ...string) {
	s.t.Helper()
	text := s.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			s.t.Fatalf("%s does not say %q: %s", s.url, w, text)
		}
	}
}

func (s *surfer) misses(words ...string) {
	s.t.Helper()
	text := s.text()
	for _, w := range words {
		if strings.Contains(text, w) {
			s.t.Fatalf("%s says %q: %s", s.url, w, text)
		}
	}
}

// text is what a person reads on the page.
func (s *surfer) text() string { return strings.Join(strings.Fields(textOf(s.doc)), " ") }

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" && d.Parent.Data != "style" {
			b.WriteString(d.Data + " ")
		}
	}
	return b.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func (s *surfer) each(tag string) []*html.Node {
	var out []*html.Node
	for d := range s.doc.Descendants() {
		if d.Type == html.ElementNode && d.Data == tag {
			out = append(out, d)
		}
	}
	return out
}

// href is the address of the first link whose text holds the words.
func (s *surfer) href(words string) string {
	s.t.Helper()
	for _, a := range s.each("a") {
		if strings.Contains(strings.Join(strings.Fields(textOf(a)), " "), words) || strings.Contains(attr(a, "aria-label"), words) {
			return attr(a, "href")
		}
	}
	s.t.Fatalf("%s has no link %q", s.url, words)
	return ""
}

func (s *surfer) follow(words string) {
	s.t.Helper()
	s.get(s.href(words))
}

// value is what a field of the page holds now.
func (s *surfer) value(name string) string {
	for _, tag := range []string{"textarea", "input", "select"} {
		for _, f := range s.each(tag) {
			if attr(f, "name") == name {
				v, _ := fieldValue(f)
				return v
			}
		}
	}
	return ""
}

type fields map[string]string

type file struct {
	name    string
	content []byte
}

// send fills in the form with that action (or with a button that leads there), and sends it.
func (s *surfer) send(action string, values fields, files ...file) {
	s.t.Helper()
	form, button := s.form(action)
	if form == nil {
		s.t.Fatalf("%s has no form for %s", s.url, action)
	}
	data := url.Values{}
	for d := range form.Descendants() {
		if d.Type != html.ElementNode || attr(d, "name") == "" || has(d, "disabled") {
			continue
		}
		if v, ok := fieldValue(d); ok {
			data.Add(attr(d, "name"), v)
		}
	}
	if button != nil && attr(button, "name") != "" {
		data.Set(attr(button, "name"), attr(button, "value"))
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		if !data.Has(k) && !hasField(form, k) {
			s.t.Fatalf("the form for %s on %s has no field %q", action, s.url, k)
		}
		data.Set(k, values[k])
		if values[k] == "" {
			data.Del(k)
		}
	}
	s.do(s.request(form, action, data, files))
}

func (s *surfer) request(form *html.Node, action string, data url.Values, files []file) *http.Request {
	s.t.Helper()
	var body bytes.Buffer
	kind := "application/x-www-form-urlencoded"
	if attr(form, "enctype") == "multipart/form-data" {
		w := multipart.NewWriter(&body)
		for k, vs := range data {
			for _, v := range vs {
				if err := w.WriteField(k, v); err != nil {
					s.t.Fatal(err)
				}
			}
		}
		for _, f := range files {
			part, err := w.CreateFormFile(f.name, "picture.png")
			if err != nil {
				s.t.Fatal(err)
			}
			if _, err := part.Write(f.content); err != nil {
				s.t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			s.t.Fatal(err)
		}
		kind = w.FormDataContentType()
	} else {
		body.WriteString(data.Encode())
	}
	r, err := http.NewRequest(http.MethodPost, s.absolute(action), &body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	return r
}

func (s *surfer) form(action string) (form, button *html.Node) {
	for _, f := range s.each("form") {
		if attr(f, "method") != "post" {
			continue
		}
		if attr(f, "action") == action {
			form = f
		}
		for d := range f.Descendants() {
			if d.Type == html.ElementNode && d.Data == "button" && attr(d, "formaction") == action {
				return f, d
			}
		}
	}
	if form != nil {
		for d := range form.Descendants() {
			if d.Type == html.ElementNode && d.Data == "button" && !has(d, "formaction") {
				return form, d
			}
		}
	}
	return form, nil
}

func hasField(form *html.Node, name string) bool {
	for d := range form.Descendants() {
		if d.Type == html.ElementNode && attr(d, "name") == name {
			return true
		}
	}
	return false
}

// fieldValue is what a browser would send for a field that nobody touched.
func fieldValue(n *html.Node) (string, bool) {
	switch n.Data {
	case "textarea":
		return strings.TrimPrefix(strings.TrimSuffix(textOf(n), " "), "\n"), true
	case "select":
		first, chosen := "", ""
		for d := range n.Descendants() {
			if d.Data != "option" {
				continue
			}
			if first == "" {
				first = attr(d, "value")
			}
			if has(d, "selected") {
				chosen = attr(d, "value")
			}
		}
		return choose(chosen != "", chosen, first), true
	case "input":
		switch attr(n, "type") {
		case "checkbox", "radio":
			return attr(n, "value"), has(n, "checked")
		case "file", "submit":
			return "", false
		}
		return attr(n, "value"), true
	}
	return "", false
}

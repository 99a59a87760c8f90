package ui

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"text/template"

	"github.com/a-h/templ"

	"rochdale/internal/kit/web/assets"
)

// The sample is a small site of invented pages that shows every part in use. Tests read it in a browser.

func draw(c templ.Component) string {
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		return err.Error()
	}
	return b.String()
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sampleFile draws testdata/name.html.
func sampleFile(t *testing.T, name string) templ.Component {
	t.Helper()
	parts := []BarPart{{Share: .62, Hue: "green"}, {Share: .24, Hue: "orange"}}
	tmpl, err := template.New(name).Funcs(template.FuncMap{
		"icon":     func(name string, classes ...string) string { return draw(Icon(name, classes...)) },
		"avatar":   func(name, hue string, classes ...string) string { return draw(Avatar(name, "", hue, classes...)) },
		"bar":      func() string { return draw(Bar("86 % spent", parts)) },
		"barthick": func() string { return draw(Bar("71 %", []BarPart{{Share: .71}}, "thick")) },
		"themes":   func() string { return draw(ThemeSwitch()) },
		"list":     func(s ...string) []string { return s },
	}).Parse(readFile(t, "testdata/"+name+".html"))
	if err != nil {
		t.Fatal(err)
	}
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error { return tmpl.Execute(w, nil) })
}

func sampleProps(t *testing.T, title, theme string) PageProps {
	t.Helper()
	const place = "The co-op"
	return PageProps{
		Title: title, Site: "Tideline Co-op", Theme: theme, Description: "A sample.",
		Nav: []NavItem{
			{Label: "Home", Href: "/home", Icon: "home", Current: title == "Home"}, {Label: "Explore", Href: "/x", Icon: "compass"},
			{Label: "Notifications", Href: "/x", Icon: "bell", Badge: 3, BadgeLabel: "unread"}, {Label: "Messages", Href: "/x", Icon: "mail"},
			{Label: "Decisions", Href: "/decision", Icon: "vote", Hue: "violet", Badge: 2, BadgeLabel: "open", Section: place, Current: title == "Decision"},
			{Label: "Working groups", Href: "/x", Icon: "circles", Hue: "blue", Section: place}, {Label: "Open books", Href: "/x", Icon: "chart", Hue: "green", Section: place},
			{Label: "Documents", Href: "/x", Icon: "document", Hue: "gold", Section: place}, {Label: "Meetings", Href: "/x", Icon: "calendar", Hue: "orange", Section: place},
			{Label: "Code", Href: "/x", Icon: "code", Hue: "cyan", Section: place}, {Label: "Public record", Href: "/x", Icon: "list", Hue: "plain", Section: place},
		},
		Tabs: []NavItem{
			{Label: "Home", Href: "/home", Icon: "home", Current: title == "Home"}, {Label: "Explore", Href: "/x", Icon: "compass"}, {Label: "Write", Href: "/x", Icon: "pencil", Strong: true},
			{Label: "The co-op", Href: "/x", Icon: "circles", Badge: 2, Current: title == "Decision"}, {Label: "You", Href: "/x", Icon: "person"},
		},
		RailFoot: templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			_, err := io.WriteString(w, draw(Button(ButtonProps{Label: "Write a post", Icon: "pencil", Href: "/x", Wide: true}))+
				`<a class="me" href="#">`+draw(Avatar("Mara Okafor", "", "blue", "small"))+`<span><b>Mara Okafor</b><small>@mara</small></span></a>`)
			return err
		}),
		TopEnd: templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			_, err := io.WriteString(w, `<a class="icon-button" href="#" aria-label="Notifications">`+draw(Icon("bell"))+`</a>`)
			return err
		}),
		Side: sampleFile(t, "side"),
	}
}

func formSample() templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, draw(Head("Join", "takes two minutes"))+`<form class="form" method="post">`); err != nil {
			return err
		}
		for _, c := range []templ.Component{
			Field(FieldProps{Name: "name", Label: "Your name", Value: "Kofi", Hint: "As the register shows it.", Autocomplete: "name", Required: true}),
			Field(FieldProps{Name: "mail", Type: "email", Label: "E-mail", Value: "kofi@", Error: "This address has no place after the at sign.", Autocomplete: "email"}),
			Field(FieldProps{Name: "password", Type: "password", Label: "Password", Autocomplete: "new-password"}),
			TextArea(FieldProps{Name: "why", Label: "Why would you like to join?", Optional: true}),
			SelectField(FieldProps{Name: "dues", Label: "Dues", Value: "4"}, []Option{{Value: "1", Label: "£1 a month"}, {Value: "4", Label: "£4 a month"}}),
			RadioField(FieldProps{Name: "how", Label: "How to pay"}, []Option{{Value: "card", Label: "By card", Hint: "Asks your bank."}, {Value: "bank", Label: "By bank transfer"}}),
			CheckboxField(FieldProps{Name: "agree", Label: "I have read the bylaws", Hint: "Ten minutes.", Required: true}),
			Button(ButtonProps{Label: "Join"}), Button(ButtonProps{Label: "Not now", Kind: "quiet", Href: "/"}), Button(ButtonProps{Label: "Delete", Kind: "danger", Small: true}),
			Empty("vote", "Nothing is being decided", "Members can propose a motion at any time."),
			Chip("Secret ballot", "violet"), Big("212", "members in good standing", "violet"), Pager("/a", "/b"),
		} {
			if err := c.Render(ctx, w); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, "</form>"+draw(Search("/search", "q", "", "Search")))
		return err
	})
}

// sampleSite serves the sample under the policy that real pages have.
func sampleSite(t *testing.T) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(assets.Prefix, assets.Handler())
	page := func(title string, body templ.Component, bare bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			p := sampleProps(t, title, Theme(r.URL.Query().Get("theme")))
			p.Bare = bare
			if bare {
				p.Side, p.Flash = nil, "Your address is confirmed."
			}
			w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			html := draw(templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
				return Page(p).Render(templ.WithChildren(ctx, body), w)
			}))
			if r.URL.Query().Get("dir") == "rtl" {
				html = strings.Replace(html, `dir="ltr"`, `dir="rtl"`, 1)
			}
			_, _ = io.WriteString(w, html)
		}
	}
	mux.HandleFunc("/home", page("Home", sampleFile(t, "home"), false))
	mux.HandleFunc("/decision", page("Decision", sampleFile(t, "decision"), false))
	mux.HandleFunc("/profile", page("Profile", sampleFile(t, "profile"), false))
	mux.HandleFunc("/form", page("Join", formSample(), true))
	mux.HandleFunc("/error", func(w http.ResponseWriter, r *http.Request) {
		p := sampleProps(t, "", Theme(r.URL.Query().Get("theme")))
		p.Side = nil
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, draw(ErrorPage(p, 404, "There is no page at this address.", "abc123")))
	})
	return mux
}

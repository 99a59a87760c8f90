package ui

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"rochdale/internal/kit/web/assets"
)

// Nothing that ui draws may need an exception from the content security policy, and what people write
// stays text.
func TestPagesAreInert(t *testing.T) {
	t.Parallel()
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	p := PageProps{
		Title: evil, Description: evil, Site: evil, Theme: evil, Flash: evil,
		Nav: []NavItem{{Label: evil, Href: "javascript:alert(1)", Icon: evil, Hue: evil, Badge: 100, BadgeLabel: evil, Section: evil}},
	}
	for name, c := range map[string]templ.Component{
		"page": Page(p), "error": ErrorPage(p, 404, evil, evil),
		"field":  Field(FieldProps{Name: evil, Label: evil, Value: evil, Error: evil, Hint: evil, Placeholder: evil}),
		"area":   TextArea(FieldProps{Name: evil, Label: evil, Value: evil}),
		"select": SelectField(FieldProps{Name: evil, Label: evil}, []Option{{Value: evil, Label: evil}}),
		"avatar": Avatar(evil, "https://x.example/"+evil, evil), "button": Button(ButtonProps{Label: evil, Href: evil}), "bar": Bar(evil, []BarPart{{Share: 2, Hue: evil}}),
		"crumbs": Crumbs([]Crumb{{Label: evil, Href: evil}, {Label: evil}}), "big": Big(evil, evil, evil), "empty": Empty(evil, evil, evil),
	} {
		doc, err := html.Parse(strings.NewReader(draw(c)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			src := ""
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: attribute %s of %s", name, a.Key, n.Data)
				}
				if a.Key == "href" && strings.Contains(strings.ToLower(a.Val), "script:") {
					t.Errorf("%s: href %q", name, a.Val)
				}
				if a.Key == "src" {
					src = a.Val
				}
			}
			if n.Data == "style" || n.Data == "script" && src != assets.URL("app.js") {
				t.Errorf("%s: a %s element", name, n.Data)
			}
		}
	}
}

// Every control has a label, and an error and a hint are tied to their field.
//
// spec: wcag22#labels-or-instructions wcag22#error-identification
func TestFieldsAreLabelled(t *testing.T) {
	t.Parallel()
	p := FieldProps{Name: "mail", Label: "E-mail", Error: "No.", Hint: "Yours.", Required: true}
	for name, c := range map[string]templ.Component{"field": Field(p), "area": TextArea(p), "select": SelectField(p, nil), "check": CheckboxField(p)} {
		doc, err := html.Parse(strings.NewReader(draw(c)))
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		labelled := false
		var control map[string]string
		for n := range doc.Descendants() {
			attrs := map[string]string{}
			for _, a := range n.Attr {
				attrs[a.Key] = a.Val
			}
			ids[attrs["id"]] = true
			switch n.Data {
			case "label":
				labelled = attrs["for"] == "f-mail" || name == "check"
			case "input", "textarea", "select":
				control = attrs
			}
		}
		if !labelled || control["id"] != "f-mail" || control["aria-invalid"] != "true" {
			t.Errorf("%s: labelled %v, attributes %v", name, labelled, control)
		}
		if _, ok := control["required"]; !ok {
			t.Errorf("%s: not required", name)
		}
		for _, id := range strings.Fields(control["aria-describedby"]) {
			if !ids[id] {
				t.Errorf("%s: described by %s, which is not there", name, id)
			}
		}
		if len(strings.Fields(control["aria-describedby"])) != 2 {
			t.Errorf("%s: described by %q", name, control["aria-describedby"])
		}
	}
}

func TestChoicesStartEqual(t *testing.T) {
	t.Parallel()
	got := draw(Choices(FieldProps{Name: "v", Label: "Your vote"}, []Option{{Value: "", Label: "Abstain"}, {Value: "a", Label: "Agree"}}))
	if strings.Contains(got, "checked") {
		t.Errorf("something is chosen beforehand: %s", got)
	}
}

func TestEveryIconDraws(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile(`^[MmLlHhVvAaCcSsZz0-9 .-]+$`)
	names := regexp.MustCompile(`case "([a-z-]+)"`)
	for _, m := range names.FindAllStringSubmatch(readFile(t, "iconpath.go"), -1) {
		if d := iconPath(m[1]); !path.MatchString(d) {
			t.Errorf("%s: %q", m[1], d)
		}
	}
	if got := draw(Icon("no such icon")); got != "" {
		t.Errorf("an unknown icon draws %q", got)
	}
}

func TestSections(t *testing.T) {
	t.Parallel()
	a, b, c := NavItem{Label: "a"}, NavItem{Label: "b", Section: "x"}, NavItem{Label: "c", Section: "x"}
	got := sections([]NavItem{a, b, c})
	want := []section{{items: []NavItem{a}}, {name: "x", items: []NavItem{b, c}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(section{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestSmallParts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct{ name, got, want string }{
		{"initial", Initial("«élan»"), "É"}, {"no initial", Initial("👍"), "·"}, {"theme", Theme("x"), ""}, {"dark", Theme("dark"), "dark"},
		{"share", percent(1.5), "100.00%"}, {"count", count(100), "99+"},
		{"time", draw(Time(now.Add(-12*time.Minute), now)), `<time datetime="2026-11-24T11:48:00Z" title="24 November 2026, 11:48 UTC" data-ago>12 min</time>`},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
		}
	}
	if once, again := HueOf("mara"), HueOf("mara"); once != again {
		t.Error("a name changes its hue")
	}
}

func BenchmarkPage(b *testing.B) {
	p := PageProps{Title: "Home", Site: "Tideline", Nav: []NavItem{{Label: "Home", Href: "/", Icon: "home"}, {Label: "Explore", Href: "/x", Icon: "compass"}}}
	for b.Loop() {
		var w strings.Builder
		if err := Page(p).Render(context.Background(), &w); err != nil {
			b.Fatal(err)
		}
	}
}

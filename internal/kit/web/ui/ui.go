package ui

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"unicode"

	"github.com/a-h/templ"

	"rochdale/internal/kit/i18n"
)

// NavItem is one place that a reader can go to.
type NavItem struct {
	Label string // translated
	Href  string
	Icon  string // a name that Icon knows; without one a dot in the item's hue is drawn
	Hue   string
	// Badge is a count worth seeing, hidden when zero; BadgeLabel says in words what it counts.
	Badge      int
	BadgeLabel string
	Current    bool
	// Section is the translated heading the item stands under; items of one section follow each other.
	Section string
	// Strong marks the one tab that does something rather than going somewhere.
	Strong bool
}

// PageProps is what the frame around a page needs to know.
type PageProps struct {
	Title       string // translated; "Title · Site" is what the tab says
	Description string // for previews and search engines
	Site        string // the name of this place
	Home        string // where the name leads; "/" if empty
	Theme       string // "light", "dark" or empty for what the system says; from Theme
	Nav         []NavItem
	Tabs        []NavItem // the few places at hand on a phone
	RailFoot    templ.Component
	TopEnd      templ.Component // right of the name on a phone
	Side        templ.Component // the third column
	Head        templ.Component // further elements of <head>, such as feeds
	Flash       string          // one sentence about what just happened, translated
	FlashHue    string          // green if empty
	Wide        bool            // main takes the side column's place
	Bare        bool            // no navigation: sign in, join, errors before there is a session
	NoIndex     bool            // asks search engines to stay away
	NoKeys      bool            // turns single-key shortcuts off
}

// ThemeCookie names the cookie that keeps a browser's choice of light or dark.
const ThemeCookie = "theme"

// Theme returns what a theme cookie's value means: "light", "dark", or empty for anything else.
func Theme(cookie string) string {
	if cookie == "light" || cookie == "dark" {
		return cookie
	}
	return ""
}

// FieldProps describes a form field. Its Error, if any, is what is wrong with the value, for a person.
type FieldProps struct {
	Name         string
	ID           string // "f-" and the name if empty
	Label        string
	Hint         string
	Error        string
	Value        string
	Type         string // of an input; text if empty
	Placeholder  string
	Autocomplete string
	InputMode    string
	Required     bool
	Optional     bool // says so beside the label
	Disabled     bool
	Autofocus    bool
	HideLabel    bool // for those who see; the label is still there
	MaxLength    int
	Rows         int
	Attrs        templ.Attributes
}

func (p FieldProps) id() string {
	if p.ID != "" {
		return p.ID
	}
	return "f-" + p.Name
}

// describedBy names the elements that explain the field to a screen reader.
func (p FieldProps) describedBy() string {
	var ids []string
	if p.Error != "" {
		ids = append(ids, p.id()+"-error")
	}
	if p.Hint != "" {
		ids = append(ids, p.id()+"-hint")
	}
	return strings.Join(ids, " ")
}

// attrs are the attributes that input, select and textarea share.
func (p FieldProps) attrs() templ.Attributes {
	a := templ.Attributes{"id": p.id(), "name": p.Name}
	set := func(key, value string) {
		if value != "" {
			a[key] = value
		}
	}
	set("aria-describedby", p.describedBy())
	set("placeholder", p.Placeholder)
	set("autocomplete", p.Autocomplete)
	set("inputmode", p.InputMode)
	if p.Error != "" {
		a["aria-invalid"] = "true"
	}
	if p.MaxLength > 0 {
		a["maxlength"] = strconv.Itoa(p.MaxLength)
	}
	for key, on := range map[string]bool{"required": p.Required, "disabled": p.Disabled, "autofocus": p.Autofocus} {
		if on {
			a[key] = true
		}
	}
	for key, value := range p.Attrs {
		a[key] = value
	}
	return a
}

// Option is one choice of a select or a set of radio buttons.
type Option struct {
	Value, Label, Hint string
	Disabled           bool
}

// ButtonProps describes a button, or a link that looks like one if Href is set.
type ButtonProps struct {
	Label string
	Icon  string
	Href  string
	Kind  string // empty for the main act of a page, or quiet, danger, text
	Small bool
	Wide  bool
	Type  string // submit if empty
	Name  string
	Value string
	Attrs templ.Attributes
}

func (p ButtonProps) class() string {
	class := "button"
	if p.Kind != "" {
		class += " " + p.Kind
	}
	if p.Small {
		class += " small"
	}
	if p.Wide {
		class += " wide"
	}
	return class
}

// BarPart is a stretch of a bar, as a share of the whole from 0 to 1.
type BarPart struct {
	Share float64
	Hue   string
}

// Crumb is a step of the way to a page. The last one has no Href.
type Crumb struct{ Label, Href string }

// section is a run of navigation items under one heading.
type section struct {
	name  string
	items []NavItem
}

func sections(items []NavItem) []section {
	var out []section
	for _, item := range items {
		if len(out) == 0 || out[len(out)-1].name != item.Section {
			out = append(out, section{name: item.Section})
		}
		last := &out[len(out)-1]
		last.items = append(last.items, item)
	}
	return out
}

// Initial returns the letter that stands for a name where there is no picture.
func Initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "·"
}

// HueOf returns a hue for a name, always the same one, so that people without a picture can be told apart.
func HueOf(name string) string {
	hues := [...]string{"red", "orange", "gold", "green", "cyan", "blue", "violet"}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // A hash never fails to take bytes.
	return hues[h.Sum32()%uint32(len(hues))]
}

func percent(share float64) string {
	return strconv.FormatFloat(100*min(max(share, 0), 1), 'f', 2, 64) + "%"
}

// offsets returns where each part of a bar begins.
func offsets(parts []BarPart) []float64 {
	out := make([]float64, len(parts))
	at := 0.0
	for i, p := range parts {
		out[i] = at
		at += p.Share
	}
	return out
}

func titleOf(p PageProps) string {
	switch {
	case p.Title == "":
		return p.Site
	case p.Site == "" || p.Site == p.Title:
		return p.Title
	}
	return p.Title + " · " + p.Site
}

func frameClass(p PageProps) string {
	switch {
	case p.Bare:
		return "frame bare"
	case p.Wide || p.Side == nil:
		return "frame wide"
	}
	return "frame"
}

func homeOf(p PageProps) string {
	if p.Home == "" {
		return "/"
	}
	return p.Home
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// count shortens a badge's number to what fits.
func count(n int) string {
	if n > 99 {
		return "99+"
	}
	return strconv.Itoa(n)
}

// errorTitle says what happened in two words.
func errorTitle(ctx context.Context, status int) string {
	switch status {
	case 401:
		return i18n.T(ctx, "Please sign in")
	case 403:
		return i18n.T(ctx, "Not for you to do")
	case 404:
		return i18n.T(ctx, "Nothing here")
	case 409:
		return i18n.T(ctx, "Something changed meanwhile")
	case 410:
		return i18n.T(ctx, "No longer here")
	case 413:
		return i18n.T(ctx, "Too large")
	case 422, 400:
		return i18n.T(ctx, "That did not work")
	case 429:
		return i18n.T(ctx, "A little slower, please")
	}
	return i18n.T(ctx, "Our mistake")
}

func statusText(status int) string { return fmt.Sprint(status) }

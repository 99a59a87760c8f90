// Package ui holds the parts that every page is drawn with: the frame around it, navigation, cards,
// form fields, notices, icons. Features compose them and add their own; nothing here knows what a
// feature is about.
//
// What it promises: pages work without script and under a content security policy of
// "default-src 'self'" (no inline script, no inline style, no handler attributes); each field has a
// label and its error is tied to it; words go through the catalogue of package i18n. Colours are
// named by hue, never by meaning: red, orange, gold, green, cyan, blue, violet, or plain.
//
// Beside the components there are plain classes for what features draw themselves: card, marked, rows,
// row, big, figures, table, people, records, steps, effect, option, ranks, chart, tiles, post, content,
// warning, media, acts, act, thread, composer, notification, profile, prose. The files in testdata show
// the markup that each expects.
// Lengths that depend on data are SVG attributes, since inline style is refused.
//
// The generated files beside the .templ files are committed.
package ui

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.960 generate -path .

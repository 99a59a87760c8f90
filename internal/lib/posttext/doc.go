// Package posttext turns what people write into HTML that is safe to show, and
// HTML that strangers sent into the small part of HTML that a post may use.
//
// There are two doors. [Render] takes the plain text of a member's post and
// writes the markup that other fediverse servers and their apps expect:
// paragraphs, line breaks, shortened links, mentions and hashtags with
// microformat classes. [Sanitise] takes HTML from anywhere and lets through an
// allow-list of elements, attributes, classes and URL schemes.
//
// Both promise the same about their output: it is well nested, so it cannot leak
// out of the element that holds it; it holds no script, no style, no event
// handler, no form and nothing that loads by itself; every link goes to an
// allowed scheme. Sanitise is idempotent, and it changes nothing in what Render
// wrote except the rel and target of links.
//
// The package is pure: whoever calls it decides which mentions exist and where
// tags live. [Scan] says beforehand what a text mentions, so that the caller can
// look all of it up in one query.
package posttext

// Package site draws the pages that people see: the front page, the timelines, posts and profiles,
// settings, and the pages of the co-op that span its institutions.
//
// What it promises: every page is drawn on the server and works without script; what script adds
// only saves a round trip. A form that was filled in wrongly comes back with everything typed and the
// words at the field. No page asks anything of another server: pictures of other places come through
// our own cache. All words go through the catalogue of package i18n.
//
// Handlers are thin: they read the request, call one service, and draw or redirect. One view struct
// per page holds what its template draws; templates decide nothing.
package site

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.960 generate -path .

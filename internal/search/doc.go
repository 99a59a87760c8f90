// Package search finds posts by their words, in the database that is there anyway: SQLite's FTS5 or
// PostgreSQL's text search, fed by one tokenizer of ours, so that both find the same.
//
// Promises: a post is found by its author, by whoever it mentions, by whoever favourited, boosted or
// bookmarked it, and by everybody only if it is public and its author agreed to be found (indexable).
// Newest first; nothing is ranked.
package search

// Package social is the place itself: accounts, posts, who follows whom, and the timelines.
//
// A post is written once, in one transaction with its mentions, tags, pictures and one row in the home
// timeline of every reader (the fan-out is a single statement). Reading is then a walk along an index,
// newest first; nothing is ranked. Whether somebody may see a post is decided in one place, sight.go.
//
// The same methods serve a member in the browser, an app through Mastodon's API and a signed activity
// of another server: Actor.Via says which. Methods whose name ends in In join the caller's transaction.
//
// Other servers and single accounts can be limited, blocked or suspended (limit.go). That only changes
// who sees them: nothing is deleted, so that every step can be taken back.
//
//	post:     written -> edited* -> deleted (tombstone)
//	follow:   none -> asked -> follows -> none      (asked is skipped where the followed account is open)
package social

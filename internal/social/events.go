package social

import (
	"time"

	"rochdale/internal/kit/id"
)

// Published says that a post was written here or came in from another server.
type Published struct {
	Post      Post
	Author    *Account
	Mentioned []*Account
	Parent    *Post // what it answers, if that is known here
}

// Edited says that a post was changed.
type Edited struct {
	Post      Post
	Author    *Account
	Mentioned []*Account
	// NewlyMentioned were not mentioned before the edit.
	NewlyMentioned []*Account
}

// Deleted is announced just before the post goes, while its readers can still be looked up.
type Deleted struct {
	Post      Post
	Author    *Account
	Mentioned []*Account
	// WithAccount says that the author goes too: other servers are told that once, not post by post.
	WithAccount bool
}

// Boosted says that an account boosted a post; Boost is the boost's own row.
type Boosted struct {
	Boost, Post Post
	By, Author  *Account
}

// Unboosted says that a boost was taken back.
type Unboosted struct {
	Boost, Post Post
	By, Author  *Account
}

// Favourited says that an account favourited a post, or took it back.
type Favourited struct {
	ID         id.ID // of the mark
	Post       Post
	By, Author *Account
	URI        string // the activity, if it came from outside
}

// Pinned says that a post was pinned to its author's profile, or unpinned.
type Pinned struct {
	Post   Post
	Author *Account
	Pinned bool
}

// Followed says that By follows Target, asks to, or does not any more.
type Followed struct {
	ID         id.ID
	URI        string // the Follow activity, if it came from outside
	By, Target *Account
}

// FollowAnswered says that Target accepted or rejected (or later removed) By's follow.
type FollowAnswered struct {
	Followed
	Accepted bool
}

// Blocked says that By blocked Target, or took it back.
type Blocked struct {
	ID         id.ID
	By, Target *Account
	Undone     bool
	At         time.Time
}

// Closed says that an account of ours goes for good; what hangs on it is still there.
type Closed struct{ Account Account }

// ProfileChanged says that a local account shows itself differently.
type ProfileChanged struct{ Account Account }

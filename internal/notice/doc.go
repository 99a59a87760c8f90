// Package notice tells a member what concerns them: mentions, follows, boosts and favourites of their
// posts, edits of posts they boosted, answers to their applications. It reacts to what other features
// announce, asks whether the member wants to hear of it (blocks, mutes, muted threads), and remembers
// how far the member has read.
package notice

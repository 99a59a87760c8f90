// Package identity is how people sign in: e-mail and password, browser sessions, the apps a member has
// let in (OAuth 2, as Mastodon's clients expect it) and their access tokens.
//
// Promises: passwords are kept as argon2id, secrets of sessions, codes, tokens and resets as hashes
// only; whoever asks learns nothing from the difference between an unknown address and a wrong
// password; everything that lets somebody in is listed for its owner and can be revoked, at once and on
// every node.
package identity

// Package mastodon speaks the client API of Mastodon, so that every app made for it works here. It
// holds no state and no rules: a request becomes one call of a feature, and the answer is dressed in
// Mastodon's entities.
//
// Promises: an endpoint answers with what Mastodon's documentation says, or with an error in its form;
// what the reader may not see does not leak through any of them; a token does what its scopes say and
// no more. What a post looks like to everybody is rendered once and kept as bytes; a timeline is put
// together from them.
//
// One file per resource; routes.go is the whole list of addresses. Lists that this server does not
// have yet (filters, lists, trends) answer empty, so that apps work.
package mastodon

// Package media keeps the pictures of posts and profiles: it takes uploads, makes two sizes and a
// blurhash, drops all metadata, and serves them; pictures of other servers are shown through our own
// cache, so that no page makes a request to a third party.
//
// Promises: nothing of the uploaded file but its pixels is kept; a picture that is too large is
// refused with a sentence that says the limit; an upload is visible to nobody else until its post is.
package media

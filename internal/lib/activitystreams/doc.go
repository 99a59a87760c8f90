// Package activitystreams reads and writes the JSON that fediverse servers
// send each other: ActivityStreams 2.0 with the extensions in actual use.
//
// It is not a JSON-LD processor. Contexts are never fetched and names are
// taken at their face value, as nearly every server does; what is unusual but
// harmless (a list where one value is expected, a number where a string is)
// is bent straight or ignored, because refusing it would only lose posts.
//
// Reading goes through Parse, which first walks the bytes once to refuse what
// is too large or nested too deep, and then fills one Object. All incoming
// types share that struct: which fields have meaning depends on Type, and a
// peer decides what it sends. Nothing in an Object is to be trusted; in
// particular compare the origins of ids (SameOrigin) before believing them.
//
// Writing has its own structs (Actor, Note, Activity, ...) that marshal with a
// fixed order of keys to what Mastodon expects.
package activitystreams

import "errors"

var (
	// ErrMalformed means that the document is not a JSON object.
	ErrMalformed = errors.New("document is not a JSON object")
	// ErrTooDeep means that values are nested deeper than MaxDepth.
	ErrTooDeep = errors.New("document is nested too deep")
	// ErrTooLarge means more than MaxBytes, or more than MaxObjects objects.
	ErrTooLarge = errors.New("document is too large")
	// ErrKey means that a public key cannot be read or is of an unknown kind.
	ErrKey = errors.New("public key is unusable")
)

// Limits of Parse.
const (
	// MaxBytes is the largest document, one mebibyte.
	MaxBytes = 1 << 20
	// MaxDepth is how deep arrays and objects may be nested.
	MaxDepth = 32
	// MaxObjects is how many objects one document may hold. It bounds memory:
	// an empty object takes two bytes in the document but a kilobyte in ours.
	MaxObjects = 4096
)

const (
	// Namespace is the ActivityStreams vocabulary, also its context's address.
	Namespace = "https://www.w3.org/ns/activitystreams"
	// Public addresses everybody. spec: activitypub#5.6
	Public = Namespace + "#Public"
	// MediaType is what to ask for and to send.
	MediaType = "application/activity+json"
	// MediaTypeLD is the other name of the same. spec: activitypub#3.2
	MediaTypeLD = `application/ld+json; profile="` + Namespace + `"`
)

// IsPublic reports whether an address is the public collection, which some
// servers abbreviate as JSON-LD allows.
func IsPublic(address string) bool {
	return address == Public || address == "as:Public" || address == "Public"
}

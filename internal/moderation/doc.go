// Package moderation is how the co-op keeps other servers and single accounts at a distance: who may, by
// what mandate or decision, and that everybody can read it.
//
//	server:   open <-> limited <-> blocked
//	account:  open <-> limited <-> suspended
//
// Every step is an act: it cites its authority, gives its reason, and carries what would undo it. Any step
// can be taken from any state, and back. An officer's act and a motion's effect are one method. What
// follows from a level (nothing is seen, nothing is fetched, follows end) is the state of social, which
// keeps it and decides about it in one place.
//
// The reason of an act on an account can be confidential: then it lies outside the hash of the record, and
// the public reads only its class. Membership is another thing: whoever's account is suspended keeps the vote.
package moderation

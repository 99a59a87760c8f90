// Package activitypub is the door to other servers: it shows our accounts and posts as ActivityStreams
// documents, takes in what others send, and sends out what our accounts do. It decides nothing about
// posts or follows itself; a signed activity enters the social feature by the same methods as a member
// in the browser.
//
// What comes in:
//
//	request -> server and actor not kept away -> signature, digest, date, key owner, origin
//	        -> stored (202) -> applied -> forgotten
//
// An activity is acknowledged only after it is committed, and its row is removed in the transaction
// that applies it, so it is applied once or still waits. Whatever must be fetched is fetched before
// that transaction begins. An id that was accepted within a week is not accepted again.
//
// What goes out: a reaction writes the activity and one delivery per inbox in the transaction of what
// happened. Hosts that are due are served one lease at a time, in order; a host that fails waits
// longer each time, up to a day, and after a week what waited for it is dropped. A host that waits
// costs nothing, and one that speaks to us is tried again at once.
//
// Whom the co-op keeps away is the state of social; this surface enforces it: nothing is taken in, stored,
// fetched or delivered (docs/FEDERATION.md).
//
// Nothing of another server is believed beyond its origin (FEP-fe34): an actor speaks only for ids of
// its own scheme, host and port; everything else is fetched again from where it is said to live.
package activitypub

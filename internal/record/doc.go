// Package record is the co-op's append-only public log: everything that needed authority, from the
// founding on. Each event carries the hash of the one before, so that nothing can be changed, left out
// or put in afterwards without the chain breaking at that place; the events are also the leaves of a
// Merkle tree whose root is signed from time to time (a checkpoint), so that whoever kept an old
// checkpoint can prove that the log they knew is still the beginning of the log of today.
//
// Anybody can read the record, look in it for what is about a thing, by a member or under a mandate, and
// ask for proofs: that an entry is in the log of a checkpoint (Inclusion), and that the log of one
// checkpoint is the beginning of that of another (Consistency).
//
// Personal data stays outside the hashed body: it lies in a row of its own that may be erased, and the
// body holds a salted hash of it. Features append within the transaction of the act, so an act without
// its record cannot be committed.
//
// What must not be known for some days, where a rule allows that, is kept back in the same way (Veil): the
// entry says that there is something, its salted hash, and when it is published; it counts from the start.
package record

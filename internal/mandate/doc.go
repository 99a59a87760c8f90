// Package mandate holds the bodies of the co-op and the offices in them, and is the only judge of
// power in the program: a privileged act is permitted by a mandate in force at that instant, in the
// domain of its body, and by nothing else. There is no administrator.
//
//	mandate: active from "from" until "to"; ended earlier by resignation, recall, the end of the body
//	or of the membership
//
// Every act that needed authority is kept with what permitted it, why it was done and what would undo
// it, and is written into the public record in the same transaction. What the operator does from the
// shell is an emergency act: it is recorded as such.
//
//	emergency act: done, due on a day; then ratified, undone or reviewed. The day moves later with the vote
//	about it, and is today once the members have voted it down
package mandate

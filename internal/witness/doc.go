// Package witness is the second signer of secret votes. A paper of such a vote can need the signature of
// the co-op that votes and that of another co-op, its witness; each holds the roll and keeps a marked
// register of its own, so that whoever wants to put ballots into the box needs both to collude. One program
// stands on both sides: it asks another co-op to witness (Engage), and it witnesses for others (Serve).
//
//	agreement: in force ─→ ended; votes that were taken on before go on to their close
//	vote:      taken on ─→ open (the question is known, papers are signed) ─→ closed
//
// The voting co-op gives its witness the roll; the witness mails each voter a code that the voting co-op
// never sees, and signs one paper for whoever gives it back. At the close the witness erases its private
// key, the mail addresses, the hashes of the codes and what it signed, and counts the published ballots again.
//
// Promises: requests of another co-op do something only if they are signed by the key that a decision of our
// members named, and only to votes of that co-op. A code stands in one letter and nowhere else. A voter has one
// paper. Papers are signed for one question only, which names us and our key and the roll that we hold.
// Sending a request again gives the same answer and changes nothing.
package witness

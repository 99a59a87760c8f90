// Package member is the register: who belongs to the co-op, since when and until when, and how one
// joins and leaves.
//
//	applicant -> member -> ended {resigned, lapsed, expelled, died}
//	             member <-> suspended
//
// One joins by the invitation of a member, or by an application that whoever holds the power
// member.admit accepts, or declines with a reason. Every change is an act, cites what permits it and is
// on the public record with the state of the member after it, and without personal data: names,
// usernames and addresses lie outside the hash and can be erased. A number is given once and never
// comes back; whoever returns is reinstated under their own.
//
// Standing is computed from facts with dates and is never edited, so the register answers for any
// instant of the past who was a member in good standing then. The rolls of votes are made of it.
package member

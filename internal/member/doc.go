// Package member is the register: who belongs to the co-op, since when, and how one joins.
//
//	applicant -> member -> ended
//
// One joins by the invitation of a member, or by an application that whoever holds the power
// member.admit accepts, or declines with a reason. Accepting is an act: it cites the mandate and is on
// the public record, without the personal data of the applicant, which stays erasable.
package member

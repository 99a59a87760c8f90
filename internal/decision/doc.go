// Package decision is how the members, or a body, decide: a motion from its draft to its effects and
// its review. A decision carries itself out: what it changes is part of the motion, shown before the
// vote, and applied by the program once the motion is in force.
//
//	draft → discussion → called → open → counted: not carried (lost, no quorum, blocked)
//	                                   → window → in force → executed (done, stale, failed) → reviewed
//	withdrawn before the close; called in during the window; rescinded by a later decision
//
// Promises (DESIGN §3): one member, one vote, on a roll fixed when voting opens; no vote enters or
// changes after the close; the result is a pure function of rule version, roll and votes; a motion runs
// under the rule in force when it was called; an effect applies once, on its base, or not at all; and
// a share of the members can always put a motion to the general meeting.
package decision

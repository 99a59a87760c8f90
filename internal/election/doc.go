// Package election is how members get offices: elections, by-elections, panels drawn by lot, and members'
// budgets, which are decided by the same steps.
//
//	nominations ─→ candidates final ─→ open ─→ counted ─→ filled
//	     │                │              └──→ failed (no quorum, nobody stands)
//	     └────────────────┴──────────────────→ cancelled
//
// A decision of the members holds an election (the effect election.hold), or the calendar does: sixty days
// before a mandate ends the next election of its office opens by itself, with the same powers. The rule of
// the day of the announcement is frozen into it. Members nominate themselves or each other; whoever is
// nominated accepts, and may withdraw until voting opens. The final list is the ballot paper. The roll is
// fixed when voting opens: who was a member in good standing on the day of the announcement, and still is.
//
// The vote is secret (package ballot), or by name where the rule or a small electorate asks for it. The count
// is a pure function of the published ballots (lib/tally). Each elected member is offered a mandate whose
// source is the election; it gives powers once it is accepted. What is declined, or falls vacant later, is
// filled from the same ballots, or by a new election.
//
// Promises: no election gives a power that its body lacks; a returning officer cannot stand in the election
// they run, and every act of theirs is on the record with its mandate; nothing here can count but tally.
package election

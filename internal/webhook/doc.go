// Package webhook tells other programs what happens in the co-op: decisions and memberships. Whoever
// holds the power webhook.manage says which program is told of which events; that is an act on the
// public record, and so is taking it back.
//
//	webhook: on -> off (after failures, or because the receiver says that it is gone) -> on
//	delivery: waiting -> delivered, or given up after some days
//
// Promises: what is sent holds public facts only. A delivery is enqueued in the transaction of what it
// tells of, so that it is neither lost nor sent for something that did not happen. It carries the
// headers of Standard Webhooks: an id that stays the same however often it is tried, so that a receiver
// can drop what it has seen, and a signature with the time, so that it can tell ours from others' and
// new from old. It may come more than once and in another order. Private addresses are never reached.
package webhook

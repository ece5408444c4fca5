// Package outbox is a durable queue in a service's own database, for what must
// follow a commit: a mail to send, sessions to revoke.
//
// A message is added in the transaction that gives rise to it, so that both
// happen or neither. Workers, in any number of replicas, then hand it to its
// topic's [Handler] until that succeeds:
//
//	           Add                      handler: nil
//	(nothing) ─────▶ pending ─────────────────────────▶ delivered ──▶ (gone after Retention)
//	                  │   ▲ backoff      Permanent, or
//	                  └───┘ on error     MaxAttempts
//	                  │   ▲ ─────────────────────────▶ dead ──▶ (gone after DeadRetention)
//	                      └──────────── Retry ─────────┘
//
// # At least once
//
// A worker claims a message by a compare-and-set that writes a lease into its
// row, and renews the lease while the handler runs. If the worker dies, even
// by kill -9, the lease runs out and somebody else takes over. So a handler
// may see a message twice: after a crash between its work and the note of it,
// after a pause longer than the lease. It should be idempotent, and
// [Delivery.Key] is what to tell a repetition by. There is no order between
// messages.
//
// Leases are by the clock of the database ([db.DB.Clock]), so the clocks of
// workers may differ.
//
// # Lanes
//
// Attempts at messages of one lane take up no more than LaneLimit of the
// Concurrency, so that whoever hangs holds up their own messages and nobody
// else's. What must not wait even for many that hang belongs in an outbox of its
// own, which may be on the same table, with other topics.
//
// # What is kept
//
// The payload is sealed under the key ring, bound to its topic and key, and
// wiped when it has been delivered. The row stays until Retention is over, so
// that a key added again is recognised. A dead message keeps its payload until
// an operator decides or DeadRetention is over. Topics, keys and the last error
// are in clear: nothing secret belongs there.
package outbox

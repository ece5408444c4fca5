// Package sessions is the sessions service: login sessions, their tokens, and
// the keys that sign them.
//
// A session is one row; its token is a signed JWT that is not stored. A token
// is as good as its session:
//
//	Create ──▶ open ──Refresh──▶ open ──▶ ended (End, EndAll, over the limit)
//	             │                 │
//	             └────────┬────────┘
//	                      ▼
//	                   expired (with its newest token)
//
// Resolve checks the signature, the times and then the row: one read by
// primary key. Callers that keep the answer for a while follow Revocations,
// and drop what it names.
//
// # How long a session lives
//
// As long as its newest token: 30 minutes, or 30 days with remember. Refresh
// gives a new token and so extends a session; tokens given earlier stay good
// until they expire. A session of a narrow scope lives 30 minutes, cannot be
// refreshed and does not count against the limit.
//
// # What happens at once
//
// Whatever opens or ends several sessions of one user first writes the user's
// row in session_users and so runs one after the other: two logins at once
// cannot exceed the limit, and a login whose proof is older than a change of
// password opens nothing, whichever of the two commits first.
package sessions

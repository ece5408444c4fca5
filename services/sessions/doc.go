// Package sessions is the sessions service: login sessions, their tokens, and
// the keys that sign them.
//
// A session is one row; its token is a signed JWT that is not stored. A token
// is as good as its session:
//
//	Create ──▶ open ──Refresh──▶ open ──▶ ended (End, EndAll, replaced, over the limit)
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
// refreshed and does not count against the limit; it keeps in mind whether the
// one that will replace it is to be remembered. A session that a personal
// access token opened ends with the token at the latest.
//
// # Changes
//
// SwitchHub moves a session into another hub, and voids its tokens from before:
// those whose iat is earlier than tokens_since, which is later than any iat
// given so far, whichever process's clock gave it (issued_time). A Refresh that
// was checked before is refused by the same comparison in its update.
// Revocations tell of the change, so that no gateway takes an old token, or a
// new one for a session in the old hub, for longer than a second. Elevate, which
// notes that the user has proved more, does the same.
//
// # Sessions within sessions
//
// Who acts as somebody else does so in a session of that user, the child of
// their own. It is never without its parent: it expires no later, it ends in
// the transaction that ends the parent or moves it into another hub, and it is
// opened with the parent's row locked. It ends with all sessions of its user,
// too. What proves who acts is the parent's: the child has its time and methods
// of authentication, and no challenge. Before, in EndAll, is compared with when
// the child opened, as nothing was proved for it.
//
// Parents are written before children. Two users who act as each other, and
// whose sessions are all ended at the same moment, may still wait for each
// other; PostgreSQL then refuses one, which is Unavailable, and is repeated.
//
// # Personal access tokens
//
// A token is stored as the SHA-256 of its text. What it opens is an ordinary
// session that names it, is read-only if it is, and ends with it. Making and
// deleting tokens is for the user in person; that the acting session is open
// and nobody else's is checked in the transaction.
//
// # What happens at once
//
// Whatever opens or ends several sessions of one user first writes the user's
// row in session_users and so runs one after the other: two logins at once
// cannot exceed the limit, and a login whose proof is older than a change of
// password opens nothing, whichever of the two commits first.
package sessions

package store

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// LockUser makes whatever opens or ends several sessions of the user wait
// until the transaction is over, and tells before when proofs of identity no
// longer count. It has to come first in the transaction.
func LockUser(ctx context.Context, tx *db.Tx, user int64, now time.Time) (endedBefore time.Time, err error) {
	var micros int64
	err = tx.QueryRow(ctx, `INSERT INTO session_users (user_id, ended_before, modified_time) VALUES ($1, 0, $2)
		ON CONFLICT (user_id) DO UPDATE SET modified_time = excluded.modified_time
		RETURNING ended_before`, user, db.Micros(now)).Scan(&micros)
	return db.FromMicros(micros), err
}

// Refuse makes proofs of identity from before that time count no longer. The
// user must be locked.
func Refuse(ctx context.Context, tx *db.Tx, user int64, before time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE session_users SET ended_before = $1 WHERE user_id = $2 AND ended_before < $1`,
		db.Micros(before), user)
	return err
}

// Forget deletes what is known of a user beside the sessions, and empties those,
// all of which must have ended: of them the revocation feed still has to tell.
// The user must be locked.
func Forget(ctx context.Context, tx *db.Tx, user int64) error {
	for _, statement := range []string{
		// In the sessions in which the user acted as others it was the user's
		// address, too.
		`UPDATE sessions SET address = '', user_agent = '' WHERE user_id = $1 OR impersonator_id = $1`,
		`DELETE FROM session_uses WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1 OR impersonator_id = $1)`,
		`DELETE FROM access_tokens WHERE user_id = $1`,
		`DELETE FROM session_users WHERE user_id = $1`,
	} {
		if _, err := tx.Exec(ctx, statement, user); err != nil {
			return err
		}
	}
	return nil
}

package store

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// RecoveryState is what has become of a request to be let in without a factor.
type RecoveryState string

// The states.
const (
	RecoveryWaiting   RecoveryState = "waiting"
	RecoveryGranted   RecoveryState = "approved"
	RecoveryDenied    RecoveryState = "rejected"
	RecoveryCancelled RecoveryState = "cancelled"
)

// GrantedRecoveries lists the codes of approved requests of the user's that can
// still be used; the ids are the requests'.
func GrantedRecoveries(ctx context.Context, q db.Queryer, user int64, now time.Time) ([]RecoveryCode, error) {
	rows, err := q.Query(ctx, `SELECT id, mac FROM recoveries WHERE user_id = $1 AND state = $2
		AND used_time IS NULL AND mac IS NOT NULL AND code_expiration_time > $3 ORDER BY id`,
		user, RecoveryGranted, db.Micros(now))
	return collect(rows, err, func(row db.Scanner) (c RecoveryCode, err error) {
		err = row.Scan(&c.ID, &c.MAC)
		return c, err
	})
}

// UseRecovery uses the code of an approved request up, once.
func UseRecovery(ctx context.Context, tx *db.Tx, id int64, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recoveries SET used_time = $2, mac = NULL, modified_time = $2
		WHERE id = $1 AND state = $3 AND used_time IS NULL AND code_expiration_time > $2`, id, db.Micros(now), RecoveryGranted)
	return n == 1, err
}

// CancelRecoveries ends all requests of the user's that have not been used,
// approved or not.
func CancelRecoveries(ctx context.Context, tx *db.Tx, user int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE recoveries SET state = $3, mac = NULL, modified_time = $2
		WHERE user_id = $1 AND (state = $4 OR state = $5) AND used_time IS NULL`,
		user, db.Micros(now), RecoveryCancelled, RecoveryWaiting, RecoveryGranted)
	return err
}

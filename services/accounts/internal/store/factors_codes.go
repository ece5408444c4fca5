package store

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// RecoveryCode is one that stands in for a lost factor, as it is kept.
type RecoveryCode struct {
	ID  int64
	MAC []byte
}

// RecoveryCodesOf lists the user's codes that have not been used.
func RecoveryCodesOf(ctx context.Context, q db.Queryer, user int64) ([]RecoveryCode, error) {
	rows, err := q.Query(ctx, `SELECT id, mac FROM recovery_codes WHERE user_id = $1 AND used_time IS NULL ORDER BY id`, user)
	return collect(rows, err, func(row db.Scanner) (c RecoveryCode, err error) {
		err = row.Scan(&c.ID, &c.MAC)
		return c, err
	})
}

// CountRecoveryCodes is how many the user has left.
func CountRecoveryCodes(ctx context.Context, q db.Queryer, user int64) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_time IS NULL`, user).Scan(&n)
	return n, err
}

// ReplaceRecoveryCodes gives the user new codes in the place of all others.
func ReplaceRecoveryCodes(ctx context.Context, tx *db.Tx, user int64, macs [][]byte, now time.Time) error {
	if err := DeleteRecoveryCodes(ctx, tx, user); err != nil {
		return err
	}
	for _, mac := range macs {
		_, err := tx.Exec(ctx, `INSERT INTO recovery_codes (user_id, mac, created_time) VALUES ($1, $2, $3)`,
			user, mac, db.Micros(now))
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteRecoveryCodes removes all of the user's.
func DeleteRecoveryCodes(ctx context.Context, tx *db.Tx, user int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, user)
	return err
}

// UseRecoveryCode uses a code up, once.
func UseRecoveryCode(ctx context.Context, tx *db.Tx, id int64, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recovery_codes SET used_time = $2 WHERE id = $1 AND used_time IS NULL`, id, db.Micros(now))
	return n == 1, err
}

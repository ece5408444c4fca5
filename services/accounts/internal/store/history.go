package store

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// EarlierHashes are the hashes of the passwords that the user had before the
// current one, the newest first, as far as they are kept.
func EarlierHashes(ctx context.Context, q db.Queryer, user int64) ([]string, error) {
	rows, err := q.Query(ctx, `SELECT hash FROM password_history WHERE user_id = $1 ORDER BY id DESC`, user)
	return collect(rows, err, func(row db.Scanner) (hash string, err error) {
		err = row.Scan(&hash)
		return hash, err
	})
}

// keepCredential puts the user's password into the history, and keeps as many
// there as keep says.
func keepCredential(ctx context.Context, tx *db.Tx, user int64, keep int, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO password_history (user_id, hash, created_time)
		SELECT user_id, hash, $2 FROM credentials WHERE user_id = $1`, user, db.Micros(now))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM password_history WHERE user_id = $1 AND id NOT IN (
		SELECT id FROM password_history WHERE user_id = $1 ORDER BY id DESC LIMIT $2)`, user, keep)
	return err
}

package store

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// CountAttempt counts an attempt in the counter of the key, and gives the
// count, unless the counter is blocked. A counter that was started, or used
// last, at one of the times or before begins anew.
func CountAttempt(ctx context.Context, tx *db.Tx, key []byte, started, used, now time.Time) (failures int64, ok bool, _ error) {
	failures, ok, err := found(tx.QueryRow(ctx, `INSERT INTO throttles
		(key, failures, started_time, blocked_until, refused_time, modified_time) VALUES ($1, 1, $4, 0, 0, $4)
		ON CONFLICT (key) DO UPDATE SET modified_time = excluded.modified_time,
			failures = CASE WHEN throttles.started_time <= $2 OR throttles.modified_time <= $3
				THEN 1 ELSE throttles.failures + 1 END,
			started_time = CASE WHEN throttles.started_time <= $2 OR throttles.modified_time <= $3
				THEN excluded.started_time ELSE throttles.started_time END
		WHERE throttles.blocked_until <= $4
		RETURNING failures`, key, db.Micros(started), db.Micros(used), db.Micros(now)))
	return failures, ok, err
}

// BlockAttempts refuses further attempts until a time.
func BlockAttempts(ctx context.Context, tx *db.Tx, key []byte, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE throttles SET blocked_until = $2 WHERE key = $1`, key, db.Micros(until))
	return err
}

// BlockedUntil is until when attempts are refused, and after how many failures.
func BlockedUntil(ctx context.Context, tx *db.Tx, key []byte) (_ time.Time, failures int64, _ error) {
	var until int64
	err := tx.QueryRow(ctx, `SELECT blocked_until, failures FROM throttles WHERE key = $1`, key).Scan(&until, &failures)
	return db.FromMicros(until), failures, err
}

// RefuseAttempt notes that an attempt was refused, and tells whether it is the
// first one since the last that was not.
func RefuseAttempt(ctx context.Context, tx *db.Tx, key []byte, now time.Time) (first bool, _ error) {
	n, err := tx.Exec(ctx, `UPDATE throttles SET refused_time = $2 WHERE key = $1 AND refused_time < modified_time`,
		key, db.Micros(now))
	return n == 1, err
}

// ReturnAttempt takes back what CountAttempt has counted, and the block that
// came of it.
func ReturnAttempt(ctx context.Context, tx *db.Tx, key []byte) error {
	_, err := tx.Exec(ctx, `UPDATE throttles SET failures = failures - 1, blocked_until = 0
		WHERE key = $1 AND failures > 0`, key)
	return err
}

// ClearAttempts forgets a counter.
func ClearAttempts(ctx context.Context, tx *db.Tx, key []byte) error {
	_, err := tx.Exec(ctx, `DELETE FROM throttles WHERE key = $1`, key)
	return err
}

// SweepThrottles removes counters that were used last before a time and block
// nothing now, and tells how many.
func SweepThrottles(ctx context.Context, d *db.DB, before, now time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "throttles", "key", "modified_time < $1 AND blocked_until <= $2", sweepBatch,
		db.Micros(before), db.Micros(now))
}

package store

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// End ends one session, and tells whether it was not ended before.
func End(ctx context.Context, q db.Queryer, id int64, now time.Time) (bool, error) {
	n, err := q.Exec(ctx, `UPDATE sessions SET ended_time = $1 WHERE id = $2 AND ended_time IS NULL`, db.Micros(now), id)
	return n > 0, err
}

// EndOldest leaves a user the newest full sessions in a hub (nil: those
// without one), keep of them, and ends the others. The user must be locked.
func EndOldest(ctx context.Context, tx *db.Tx, user int64, hub *int64, keep int, now time.Time) (int64, error) {
	// The number of rows is what it is for: LIMIT is there because SQLite knows
	// no OFFSET without it. Ids grow in the order in which sessions opened, as
	// the user was locked; the clocks of two processes may disagree.
	return tx.Exec(ctx, `UPDATE sessions SET ended_time = $1 WHERE ended_time IS NULL AND id IN (
		SELECT id FROM sessions
		WHERE user_id = $2 AND hub_id IS NOT DISTINCT FROM $3 AND scope = $4 AND ended_time IS NULL AND expiration_time > $1
		ORDER BY id DESC LIMIT 1000000000 OFFSET $5)`,
		db.Micros(now), user, hub, string(sessions.ScopeFull), keep)
}

// Selection says which sessions of a user to end.
type Selection struct {
	User   int64
	Hub    *int64     // only those in this hub; nil: all
	Except *int64     // but not this one
	Before *time.Time // only if the user proved who they are earlier; nil: whenever
}

// EndAll ends the sessions that match. The user must be locked.
func EndAll(ctx context.Context, tx *db.Tx, s Selection, now time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE sessions SET ended_time = $1
		WHERE user_id = $2 AND ended_time IS NULL
			AND (CAST($3 AS BIGINT) IS NULL OR authenticated_time < $3)
			AND (CAST($4 AS BIGINT) IS NULL OR hub_id = $4) AND (CAST($5 AS BIGINT) IS NULL OR id <> $5)`,
		db.Micros(now), s.User, db.NullMicros(s.Before), s.Hub, s.Except)
}

// EndedSince lists the ids of sessions that ended at that time or later.
func EndedSince(ctx context.Context, q db.Queryer, since time.Time) ([]int64, error) {
	rows, err := q.Query(ctx, `SELECT id FROM sessions WHERE ended_time >= $1`, db.Micros(since))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	ids := []int64{}
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Clean deletes what ended or expired before that time, batch rows at a time.
func Clean(ctx context.Context, d *db.DB, before time.Time, batch int) (int64, error) {
	ended, err := db.DeleteInBatches(ctx, d, "sessions", "id", "ended_time < $1", batch, db.Micros(before))
	if err != nil {
		return ended, err
	}
	expired, err := db.DeleteInBatches(ctx, d, "sessions", "id", "ended_time IS NULL AND expiration_time < $1",
		batch, db.Micros(before))
	return ended + expired, err
}

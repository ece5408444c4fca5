package store

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// TallyKind names what is counted.
type TallyKind string

// The kinds.
const (
	TallySent TallyKind = "code.sent"
	TallyCode TallyKind = "code.wrong" // or about to be checked
)

// TallyRetention is for how long tallies are needed at least.
const TallyRetention = time.Hour

// Tally counts something that happened to the user now, and gives what
// [Untally] takes back.
func Tally(ctx context.Context, tx *db.Tx, user int64, kind TallyKind, now time.Time) (id int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO tallies (user_id, kind, created_time) VALUES ($1, $2, $3) RETURNING id`,
		user, kind, db.Micros(now)).Scan(&id)
	return id, err
}

// Untally takes one back.
func Untally(ctx context.Context, tx *db.Tx, id int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM tallies WHERE id = $1`, id)
	return err
}

// Tallied tells how long it takes until fewer than limit of the user's tallies
// lie within the window; zero if they do. The user must be held ([HoldUser]) for
// two at once to count each other.
func Tallied(ctx context.Context, tx *db.Tx, user int64, kind TallyKind, limit int, window time.Duration, now time.Time) (time.Duration, error) {
	var at int64
	err := tx.QueryRow(ctx, `SELECT created_time FROM tallies WHERE user_id = $1 AND kind = $2 AND created_time > $3
		ORDER BY created_time DESC LIMIT 1 OFFSET $4`, user, kind, db.Micros(now.Add(-window)), limit-1).Scan(&at)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return db.FromMicros(at).Add(window).Sub(now), err
}

// SweepTallies removes tallies from before a time, and tells how many.
func SweepTallies(ctx context.Context, d *db.DB, before time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "tallies", "id", "created_time < $1", sweepBatch, db.Micros(before))
}

package store

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// PlaceKind is what is known of where a user comes from.
type PlaceKind string

// The kinds of places.
const (
	Device  PlaceKind = "device"
	Network PlaceKind = "network"
)

// Known says what of a place is known.
type Known struct {
	Device, Network bool
	// Devices is how many devices of the user's are known.
	Devices int64
}

// KnownPlace tells what is known of a place where the user was last after a
// time.
func KnownPlace(ctx context.Context, q db.Queryer, user int64, device, network string, since time.Time) (k Known, err error) {
	var devices, networks int64
	err = q.QueryRow(ctx, `SELECT
			COUNT(CASE WHEN kind = 'device' THEN 1 END),
			COUNT(CASE WHEN kind = 'device' AND value = $2 THEN 1 END),
			COUNT(CASE WHEN kind = 'network' AND value = $3 THEN 1 END)
		FROM known_places WHERE user_id = $1 AND seen_time > $4`,
		user, device, network, db.Micros(since)).Scan(&k.Devices, &devices, &networks)
	k.Device, k.Network = devices > 0, networks > 0
	return k, err
}

// Remember notes that the user was at a place, unless that was noted after
// since.
func Remember(ctx context.Context, tx *db.Tx, user int64, kind PlaceKind, value string, since, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO known_places (user_id, kind, value, seen_time) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, kind, value) DO UPDATE SET seen_time = excluded.seen_time
		WHERE known_places.seen_time <= $5`, user, kind, value, db.Micros(now), db.Micros(since))
	return err
}

// SweepPlaces removes places where their user was last before a time, and
// tells how many.
func SweepPlaces(ctx context.Context, d *db.DB, before time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "known_places", "id", "seen_time < $1", sweepBatch, db.Micros(before))
}

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// sweepBatch bounds a transaction of a sweep, in rows.
const sweepBatch = 500

// SweepActivations removes activations that expired before a time, and tells
// how many.
func SweepActivations(ctx context.Context, d *db.DB, before time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "activations", "id", "expiration_time < $1", sweepBatch, db.Micros(before))
}

// SweepAudit removes what was recorded before a time, and tells how much.
func SweepAudit(ctx context.Context, d *db.DB, before time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "audit", "id", "created_time < $1", sweepBatch, db.Micros(before))
}

// SweepInvited removes users who were invited last before a time, never came and
// are not listed in any hub, and tells how many.
func SweepInvited(ctx context.Context, d *db.DB, before, now time.Time) (total int64, err error) {
	for {
		n := 0
		err := d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			var err error
			n, err = sweepInvited(ctx, tx, before, now)
			return err
		})
		if err != nil {
			return total, err
		}
		total += int64(n)
		if n < sweepBatch {
			return total, nil
		}
	}
}

func sweepInvited(ctx context.Context, tx *db.Tx, before, now time.Time) (int, error) {
	// The condition is there twice: PostgreSQL evaluates the outer one again
	// for a row that somebody else has just changed, as an invitation does.
	query := fmt.Sprintf(`DELETE FROM users
		WHERE status = $1 AND modified_time < $2 AND id IN (
			SELECT id FROM users WHERE status = $1 AND modified_time < $2
				AND NOT EXISTS (SELECT 1 FROM memberships WHERE memberships.user_id = users.id) LIMIT %d)
		RETURNING id`, sweepBatch)
	rows, err := tx.Query(ctx, query, accounts.Invited, db.Micros(before))
	removed, err := collect(rows, err, func(row db.Scanner) (id int64, err error) {
		err = row.Scan(&id)
		return id, err
	})
	if err != nil {
		return 0, err
	}
	for _, id := range removed {
		err := Record(ctx, tx, Event{
			Kind: UserRemoved, User: &id, Actor: ActorSystem, Time: now,
			Detail: map[string]any{"reason": "never activated"},
		})
		if err != nil {
			return 0, err
		}
	}
	return len(removed), nil
}

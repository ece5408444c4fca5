package store

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// End ends one session, by its hash if that is given. One that has ended, or of
// another user than the given one, is db.ErrNoRows; user 0 is any.
func End(ctx context.Context, tx *db.Tx, named api.Ref, user int64, now time.Time) (Record, error) {
	column, value := "id", any(named.ID)
	if named.Hash != "" {
		column, value = "hash", named.Hash
	}
	return scan(tx.QueryRow(ctx, `UPDATE sessions SET ended_time = $1
		WHERE `+column+` = $2 AND ended_time IS NULL AND (CAST($3 AS BIGINT) = 0 OR user_id = $3) RETURNING `+columns,
		db.Micros(now), value, user))
}

// EndOpen is End, by the id, for a session that has not expired by cutoff either.
func EndOpen(ctx context.Context, tx *db.Tx, id, user int64, now, cutoff time.Time) (Record, error) {
	return scan(tx.QueryRow(ctx, `UPDATE sessions SET ended_time = $1
		WHERE id = $2 AND user_id = $3 AND ended_time IS NULL AND expiration_time > $4 RETURNING `+columns,
		db.Micros(now), id, user, db.Micros(cutoff)))
}

// EndSurplus leaves a user, beside the session kept, the newest full sessions
// in a hub (nil: those without one), others of them, and ends the rest. Those of
// impersonators do not count. The user must be locked.
func EndSurplus(ctx context.Context, tx *db.Tx, kept Record, others int, now time.Time) ([]Record, error) {
	// The number of rows is what it is for: LIMIT is there because SQLite knows
	// no OFFSET without it. Ids grow in the order in which sessions opened, as
	// the user was locked; the clocks of two processes may disagree.
	return scanAll(tx.Query(ctx, `UPDATE sessions SET ended_time = $1 WHERE ended_time IS NULL AND id IN (
		SELECT id FROM sessions
		WHERE user_id = $2 AND hub_id IS NOT DISTINCT FROM $3 AND scope = $4 AND ended_time IS NULL AND expiration_time > $1
			AND parent_id IS NULL AND id <> $5
		ORDER BY id DESC LIMIT 1000000000 OFFSET $6) RETURNING `+columns,
		db.Micros(now), kept.User, kept.Hub, string(sessions.ScopeFull), kept.ID, others))
}

// Selection says which sessions of a user to end.
type Selection struct {
	User   int64
	Hub    *int64     // only those in this hub; nil: all
	Except *int64     // but not this one
	Before *time.Time // only if the user proved who they are earlier; nil: whenever
}

// EndAll ends the user's own sessions that match. The user must be locked.
func EndAll(ctx context.Context, tx *db.Tx, s Selection, now time.Time) ([]Record, error) {
	return scanAll(tx.Query(ctx, `UPDATE sessions SET ended_time = $1
		WHERE user_id = $2 AND parent_id IS NULL AND ended_time IS NULL
			AND (CAST($3 AS BIGINT) IS NULL OR authenticated_time < $3)
			AND (CAST($4 AS BIGINT) IS NULL OR hub_id = $4) AND (CAST($5 AS BIGINT) IS NULL OR id <> $5)
		RETURNING `+columns,
		db.Micros(now), s.User, db.NullMicros(s.Before), s.Hub, s.Except))
}

// EndImpersonations ends the sessions, if they match, in which others act as the
// user, and in which the user acts as others from within Except. Nobody proved
// anything for those alone, so what counts is when they opened.
func EndImpersonations(ctx context.Context, tx *db.Tx, s Selection, now time.Time) ([]Record, error) {
	return scanAll(tx.Query(ctx, `UPDATE sessions SET ended_time = $1
		WHERE parent_id IS NOT NULL AND ended_time IS NULL
			AND (CAST($3 AS BIGINT) IS NULL OR created_time < $3)
			AND (CAST($4 AS BIGINT) IS NULL OR hub_id = $4)
			AND ((user_id = $2 AND (CAST($5 AS BIGINT) IS NULL OR id <> $5)) OR (impersonator_id = $2 AND parent_id = $5))
		RETURNING `+columns,
		db.Micros(now), s.User, db.NullMicros(s.Before), s.Hub, s.Except))
}

// EndOrphans ends the sessions in which the user acts as others, from within one
// that has ended. It is for after the ending: whoever opens one has locked its
// parent.
func EndOrphans(ctx context.Context, tx *db.Tx, user int64, now time.Time) ([]Record, error) {
	return scanAll(tx.Query(ctx, `UPDATE sessions SET ended_time = $1
		WHERE impersonator_id = $2 AND ended_time IS NULL AND EXISTS (
			SELECT 1 FROM sessions AS parents WHERE parents.id = sessions.parent_id AND parents.ended_time IS NOT NULL)
		RETURNING `+columns, db.Micros(now), user))
}

// EndChildren ends the sessions in which the user acts as others from within
// one.
func EndChildren(ctx context.Context, tx *db.Tx, parent Record, now time.Time) ([]Record, error) {
	return scanAll(tx.Query(ctx, `UPDATE sessions SET ended_time = $1
		WHERE impersonator_id = $2 AND parent_id = $3 AND ended_time IS NULL RETURNING `+columns,
		db.Micros(now), parent.User, parent.ID))
}

// Expire ends sessions that expired by that time, the earliest first and batch of
// them at most, as of when they expired: nobody has to hear of their end from
// the revocation feed.
func Expire(ctx context.Context, tx *db.Tx, by time.Time, batch int) ([]Record, error) {
	return scanAll(tx.Query(ctx, `UPDATE sessions SET ended_time = expiration_time WHERE ended_time IS NULL AND id IN (
		SELECT id FROM sessions WHERE ended_time IS NULL AND expiration_time <= $1 ORDER BY expiration_time, id LIMIT $2)
		RETURNING `+columns, db.Micros(by), batch))
}

// News are sessions that ended, and whose tokens became void, at a time or later.
func News(ctx context.Context, q db.Queryer, from time.Time) (ended []int64, changed []sessions.Change, err error) {
	rows, err := q.Query(ctx, `SELECT id, 0 FROM sessions WHERE ended_time >= $1
		UNION ALL
		SELECT id, tokens_since FROM sessions WHERE tokens_since >= $1 AND tokens_since > 0 AND ended_time IS NULL`,
		db.Micros(from))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	ended = []int64{}
	for rows.Next() {
		var id, since int64
		if err := rows.Scan(&id, &since); err != nil {
			return nil, nil, err
		}
		if since == 0 {
			ended = append(ended, id)
			continue
		}
		changed = append(changed, sessions.Change{Session: id, Time: db.FromMicros(since)})
	}
	return ended, changed, rows.Err()
}

// Clean deletes what ended before that time, batch rows at a time.
func Clean(ctx context.Context, d *db.DB, before time.Time, batch int) (int64, error) {
	return db.DeleteInBatches(ctx, d, "sessions", "id", "ended_time < $1", batch, db.Micros(before))
}

// Package store keeps sessions in the database. Times are cut to the
// microsecond; a missing row is db.ErrNoRows.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Record is a session as it is stored.
type Record struct {
	sessions.Session
	Address   string
	UserAgent string
	EndedTime *time.Time // nil: not ended
}

// columns are what scan reads, in its order.
const columns = `id, hash, user_id, user_hash, hub_id, scope, mfa_id, pat_id, remember, methods,
	address, user_agent, authenticated_time, created_time, expiration_time, ended_time`

func scan(row db.Scanner) (Record, error) {
	var r Record
	var methods string
	var hub, mfa, pat, ended sql.NullInt64
	var authenticated, created, expiration int64
	err := row.Scan(&r.ID, &r.Hash, &r.User, &r.UserHash, &hub, &r.Scope, &mfa, &pat, &r.Remember, &methods,
		&r.Address, &r.UserAgent, &authenticated, &created, &expiration, &ended)
	if err != nil {
		return Record{}, err
	}
	if err := json.Unmarshal([]byte(methods), &r.Methods); err != nil {
		return Record{}, fmt.Errorf("store: methods of session %d: %w", r.ID, err)
	}
	r.Hub, r.MFA, r.PAT = optional(hub), optional(mfa), optional(pat)
	r.AuthenticatedTime = db.FromMicros(authenticated)
	r.CreatedTime = db.FromMicros(created)
	r.ExpirationTime = db.FromMicros(expiration)
	r.EndedTime = db.FromNullMicros(ended)
	return r, nil
}

func optional(n sql.NullInt64) *int64 {
	if !n.Valid {
		return nil
	}
	return &n.Int64
}

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

// Insert stores a new session and gives its id.
func Insert(ctx context.Context, tx *db.Tx, r Record) (int64, error) {
	methods, err := json.Marshal(r.Methods)
	if err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	var id int64
	err = tx.QueryRow(ctx, `INSERT INTO sessions (hash, user_id, user_hash, hub_id, scope, mfa_id, pat_id, remember, methods,
			address, user_agent, authenticated_time, created_time, expiration_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id`,
		r.Hash, r.User, r.UserHash, r.Hub, string(r.Scope), r.MFA, r.PAT, r.Remember, string(methods),
		r.Address, r.UserAgent, db.Micros(r.AuthenticatedTime), db.Micros(r.CreatedTime), db.Micros(r.ExpirationTime)).Scan(&id)
	return id, err
}

// Find reads one session.
func Find(ctx context.Context, q db.Queryer, id int64) (Record, error) {
	return scan(q.QueryRow(ctx, `SELECT `+columns+` FROM sessions WHERE id = $1`, id))
}

// Extend gives a session that is neither ended nor, at cutoff, expired a new
// expiration and the address it was last seen from.
func Extend(ctx context.Context, tx *db.Tx, id int64, cutoff, expiration time.Time, address string) (Record, error) {
	return scan(tx.QueryRow(ctx, `UPDATE sessions SET expiration_time = $1, address = $2
		WHERE id = $3 AND ended_time IS NULL AND expiration_time > $4
		RETURNING `+columns, db.Micros(expiration), address, id, db.Micros(cutoff)))
}

// Count is how many sessions are neither ended nor expired.
func Count(ctx context.Context, q db.Queryer, now time.Time) (int64, error) {
	var n int64
	err := q.QueryRow(ctx, `SELECT COUNT(*) FROM sessions WHERE ended_time IS NULL AND expiration_time > $1`,
		db.Micros(now)).Scan(&n)
	return n, err
}

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
	// IssuedTime is the iat of the newest token; tokens from before TokensSince
	// are void.
	IssuedTime  time.Time
	TokensSince time.Time
	LatestTime  *time.Time // no refresh goes beyond; nil: no such bound
	EndedTime   *time.Time // nil: not ended
}

// columns are what scan reads, in its order.
const columns = `id, hash, user_id, user_hash, hub_id, scope, mfa_id, pat_id, read_only, parent_id, impersonator_id,
	remember, provider, provider_hub, methods, address, user_agent, authenticated_time, created_time, expiration_time,
	issued_time, tokens_since, latest_time, ended_time`

func scan(row db.Scanner) (Record, error) {
	var r Record
	var methods string
	var hub, mfa, pat, parent, impersonator, providerHub, latest, ended sql.NullInt64
	var authenticated, created, expiration, issued, since int64
	err := row.Scan(&r.ID, &r.Hash, &r.User, &r.UserHash, &hub, &r.Scope, &mfa, &pat, &r.ReadOnly, &parent, &impersonator,
		&r.Remember, &r.Provider, &providerHub, &methods, &r.Address, &r.UserAgent, &authenticated, &created, &expiration,
		&issued, &since, &latest, &ended)
	if err != nil {
		return Record{}, err
	}
	if err := json.Unmarshal([]byte(methods), &r.Methods); err != nil {
		return Record{}, fmt.Errorf("store: methods of session %d: %w", r.ID, err)
	}
	r.Hub, r.MFA, r.PAT = optional(hub), optional(mfa), optional(pat)
	r.Parent, r.Impersonator, r.ProviderHub = optional(parent), optional(impersonator), optional(providerHub)
	r.AuthenticatedTime = db.FromMicros(authenticated)
	r.CreatedTime = db.FromMicros(created)
	r.ExpirationTime = db.FromMicros(expiration)
	r.IssuedTime, r.TokensSince = db.FromMicros(issued), db.FromMicros(since)
	r.LatestTime, r.EndedTime = db.FromNullMicros(latest), db.FromNullMicros(ended)
	return r, nil
}

// scanAll reads what a statement yields, to its end.
func scanAll(rows *db.Rows, err error) ([]Record, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var records []Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

func optional(n sql.NullInt64) *int64 {
	if !n.Valid {
		return nil
	}
	return &n.Int64
}

// Insert stores a new session, with its first token's IssuedTime, and gives its
// id.
func Insert(ctx context.Context, tx *db.Tx, r Record) (int64, error) {
	methods, err := json.Marshal(r.Methods)
	if err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	var id int64
	err = tx.QueryRow(ctx, `INSERT INTO sessions (hash, user_id, user_hash, hub_id, scope, mfa_id, pat_id, read_only,
			parent_id, impersonator_id, remember, provider, provider_hub, methods, address, user_agent,
			authenticated_time, created_time, expiration_time, issued_time, latest_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) RETURNING id`,
		r.Hash, r.User, r.UserHash, r.Hub, string(r.Scope), r.MFA, r.PAT, r.ReadOnly,
		r.Parent, r.Impersonator, r.Remember, r.Provider, r.ProviderHub, string(methods), r.Address, r.UserAgent,
		db.Micros(r.AuthenticatedTime), db.Micros(r.CreatedTime), db.Micros(r.ExpirationTime),
		db.Micros(r.IssuedTime), db.NullMicros(r.LatestTime)).Scan(&id)
	return id, err
}

// Find reads one session.
func Find(ctx context.Context, q db.Queryer, id int64) (Record, error) {
	return scan(q.QueryRow(ctx, `SELECT `+columns+` FROM sessions WHERE id = $1`, id))
}

// Count is how many sessions are neither ended nor expired.
func Count(ctx context.Context, q db.Queryer, now time.Time) (int64, error) {
	var n int64
	err := q.QueryRow(ctx, `SELECT COUNT(*) FROM sessions WHERE ended_time IS NULL AND expiration_time > $1`,
		db.Micros(now)).Scan(&n)
	return n, err
}

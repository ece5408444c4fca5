package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// patColumns are what scanToken reads, in its order.
const patColumns = `id, hash, user_id, user_hash, name, scopes, expiration_time, created_time, modified_time,
	(SELECT used_time FROM access_token_uses WHERE token_id = access_tokens.id)`

func scanToken(row db.Scanner) (sessions.AccessToken, error) {
	var t sessions.AccessToken
	var scopes string
	var expiration, used sql.NullInt64
	var created, modified int64
	if err := row.Scan(&t.ID, &t.Hash, &t.User, &t.UserHash, &t.Name, &scopes, &expiration, &created, &modified, &used); err != nil {
		return sessions.AccessToken{}, err
	}
	if err := json.Unmarshal([]byte(scopes), &t.Scopes); err != nil {
		return sessions.AccessToken{}, fmt.Errorf("store: scopes of token %d: %w", t.ID, err)
	}
	t.ExpirationTime, t.LastUsedTime = db.FromNullMicros(expiration), db.FromNullMicros(used)
	t.CreatedTime, t.ModifiedTime = db.FromMicros(created), db.FromMicros(modified)
	return t, nil
}

func scanTokens(rows *db.Rows, err error) ([]sessions.AccessToken, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	tokens := []sessions.AccessToken{}
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
	}
	return tokens, rows.Err()
}

// InsertAccessToken stores a new token by the digest of its text and gives its
// id.
func InsertAccessToken(ctx context.Context, tx *db.Tx, t sessions.AccessToken, digest []byte) (int64, error) {
	scopes, err := json.Marshal(t.Scopes)
	if err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	var id int64
	err = tx.QueryRow(ctx, `INSERT INTO access_tokens (hash, digest, user_id, user_hash, name, scopes,
			expiration_time, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
		t.Hash, digest, t.User, t.UserHash, t.Name, string(scopes),
		db.NullMicros(t.ExpirationTime), db.Micros(t.CreatedTime), db.Micros(t.ModifiedTime)).Scan(&id)
	return id, err
}

// CountAccessTokens is how many tokens the user has, expired ones included.
func CountAccessTokens(ctx context.Context, q db.Queryer, user int64) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM access_tokens WHERE user_id = $1`, user).Scan(&n)
	return n, err
}

// ListAccessTokens lists the user's tokens, the newest first.
func ListAccessTokens(ctx context.Context, q db.Queryer, user int64, limit, offset int) ([]sessions.AccessToken, error) {
	return scanTokens(q.Query(ctx, `SELECT `+patColumns+` FROM access_tokens WHERE user_id = $1
		ORDER BY id DESC LIMIT $2 OFFSET $3`, user, limit, offset))
}

// FindAccessToken reads a token of the user's.
func FindAccessToken(ctx context.Context, q db.Queryer, user, id int64) (sessions.AccessToken, error) {
	return scanToken(q.QueryRow(ctx, `SELECT `+patColumns+` FROM access_tokens WHERE user_id = $1 AND id = $2`, user, id))
}

// FindDigest reads the token with that digest.
func FindDigest(ctx context.Context, q db.Queryer, digest []byte) (sessions.AccessToken, error) {
	return scanToken(q.QueryRow(ctx, `SELECT `+patColumns+` FROM access_tokens WHERE digest = $1`, digest))
}

// DeleteAccessToken deletes a token of the user's and gives what it was. The
// user must be locked.
func DeleteAccessToken(ctx context.Context, tx *db.Tx, user int64, ref api.Ref) (sessions.AccessToken, error) {
	return scanToken(tx.QueryRow(ctx, `DELETE FROM access_tokens WHERE user_id = $1
			AND ((CAST($2 AS BIGINT) <> 0 AND id = $2) OR (CAST($2 AS BIGINT) = 0 AND hash = $3))
		RETURNING `+patColumns, user, ref.ID, ref.Hash))
}

// DeleteAccessTokens deletes the user's tokens from before a time (nil: all).
// The user must be locked.
func DeleteAccessTokens(ctx context.Context, tx *db.Tx, user int64, before *time.Time) ([]sessions.AccessToken, error) {
	return scanTokens(tx.Query(ctx, `DELETE FROM access_tokens WHERE user_id = $1
			AND (CAST($2 AS BIGINT) IS NULL OR created_time < $2)
		RETURNING `+patColumns, user, db.NullMicros(before)))
}

// EndTokenless ends the user's sessions whose personal access token is gone. The
// user must be locked.
func EndTokenless(ctx context.Context, tx *db.Tx, user int64, now time.Time) ([]Record, error) {
	return scanAll(tx.Query(ctx, `UPDATE sessions SET ended_time = $1
		WHERE user_id = $2 AND pat_id IS NOT NULL AND ended_time IS NULL
			AND NOT EXISTS (SELECT 1 FROM access_tokens WHERE access_tokens.id = sessions.pat_id)
		RETURNING `+columns, db.Micros(now), user))
}

// CleanAccessTokens deletes tokens that expired before that time, batch rows at
// a time.
func CleanAccessTokens(ctx context.Context, d *db.DB, before time.Time, batch int) (int64, error) {
	return db.DeleteInBatches(ctx, d, "access_tokens", "id", "expiration_time < $1", batch, db.Micros(before))
}

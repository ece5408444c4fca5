package grant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// ErrNotFound says that there is no such grant, or no longer.
var ErrNotFound = errors.New("grant: not found")

// Store keeps grants.
type Store struct {
	DB *db.DB
	// Clock is what grants are stamped and judged by: that of the database, so that
	// all replicas agree.
	Clock clockwork.Clock
}

// Insert adds a grant whose code is about to be handed out.
func (s *Store) Insert(ctx context.Context, q db.Queryer, g *Grant) error {
	details, err := json.Marshal(g.Details)
	if err != nil {
		return fmt.Errorf("grant: encode details: %w", err)
	}
	_, err = q.Exec(ctx, `INSERT INTO grants
		(id, client_id, subject, session, scopes, details, code_hash, code_expiration_time, created_time, expiration_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		g.ID[:], g.Client, g.Subject, g.Session, strings.Join(g.Scopes, " "), string(details),
		g.CodeHash, db.Micros(g.CodeExpires), db.Micros(g.Created), db.Micros(g.Expires))
	return wrap("insert", err)
}

// ByID finds a grant, or returns [ErrNotFound].
func (s *Store) ByID(ctx context.Context, id ID) (*Grant, error) {
	g := Grant{ID: id}
	var scopes, details string
	var codeExpires, created, expires int64
	var codeUsed, rotated, revoked sql.NullInt64
	err := s.DB.QueryRow(ctx, `SELECT client_id, subject, session, scopes, details,
		code_hash, code_expiration_time, code_used_time, generation, rotated_time,
		created_time, expiration_time, revoked_time
		FROM grants WHERE id = $1`, id[:]).
		Scan(&g.Client, &g.Subject, &g.Session, &scopes, &details,
			&g.CodeHash, &codeExpires, &codeUsed, &g.Generation, &rotated,
			&created, &expires, &revoked)
	if errors.Is(err, db.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, wrap("find", err)
	}
	if err := json.Unmarshal([]byte(details), &g.Details); err != nil {
		return nil, wrap("decode details", err)
	}
	g.Scopes = strings.Fields(scopes)
	g.CodeExpires, g.Created, g.Expires = db.FromMicros(codeExpires), db.FromMicros(created), db.FromMicros(expires)
	g.CodeUsed, g.Rotated, g.Revoked = db.FromNullMicros(codeUsed), db.FromNullMicros(rotated), db.FromNullMicros(revoked)
	return &g, nil
}

// Redeem marks the grant's code as used and starts its family of refresh
// tokens at the generation, 0 for none, with the grant's details as they are
// now. It is false if the code had been used or the grant revoked.
func (s *Store) Redeem(ctx context.Context, q db.Queryer, g *Grant, generation int64, now, expires time.Time) (bool, error) {
	details, err := json.Marshal(g.Details)
	if err != nil {
		return false, fmt.Errorf("grant: encode details: %w", err)
	}
	n, err := q.Exec(ctx, `UPDATE grants SET code_used_time = $2, generation = $3, expiration_time = $4, details = $5
		WHERE id = $1 AND code_used_time IS NULL AND revoked_time IS NULL`,
		g.ID[:], db.Micros(now), generation, db.Micros(expires), string(details))
	return n == 1, wrap("redeem", err)
}

// Rotate replaces the refresh token of the grant's generation by the next one,
// and the details by what they are now. It is false if another request did, or
// if the grant was revoked.
func (s *Store) Rotate(ctx context.Context, q db.Queryer, g *Grant, now, expires time.Time) (bool, error) {
	details, err := json.Marshal(g.Details)
	if err != nil {
		return false, fmt.Errorf("grant: encode details: %w", err)
	}
	n, err := q.Exec(ctx, `UPDATE grants SET generation = generation + 1, rotated_time = $3, expiration_time = $4, details = $5
		WHERE id = $1 AND generation = $2 AND revoked_time IS NULL`,
		g.ID[:], g.Generation, db.Micros(now), db.Micros(expires), string(details))
	return n == 1, wrap("rotate", err)
}

// Extend lets the grant live until expires, with the refresh token that it has. It
// is false if that was replaced meanwhile, or if the grant was revoked.
func (s *Store) Extend(ctx context.Context, q db.Queryer, g *Grant, expires time.Time) (bool, error) {
	n, err := q.Exec(ctx, `UPDATE grants SET expiration_time = $3 WHERE id = $1 AND generation = $2 AND revoked_time IS NULL`,
		g.ID[:], g.Generation, db.Micros(expires))
	return n == 1, wrap("extend", err)
}

// Revoke ends the grant and all its tokens; to do so again changes nothing.
func (s *Store) Revoke(ctx context.Context, q db.Queryer, id ID, now time.Time) error {
	_, err := q.Exec(ctx, `UPDATE grants SET revoked_time = $2 WHERE id = $1 AND revoked_time IS NULL`,
		id[:], db.Micros(now))
	return wrap("revoke", err)
}

// RevokeToken ends one access token that has no grant.
func (s *Store) RevokeToken(ctx context.Context, q db.Queryer, id []byte, expires time.Time) error {
	_, err := q.Exec(ctx, `INSERT INTO revoked_tokens (id, expiration_time) VALUES ($1, $2)
		ON CONFLICT (id) DO NOTHING`, id, db.Micros(expires))
	return wrap("revoke token", err)
}

// TokenLive tells whether a client's own access token counts: nobody revoked
// it, and the client it was issued to is still the same one.
func (s *Store) TokenLive(ctx context.Context, id []byte, client string, issued time.Time) (bool, error) {
	var live bool
	err := s.DB.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM clients WHERE id = $2 AND created_time < $3)
		AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE id = $1)`,
		id, client, db.Micros(issued.Add(time.Second))).Scan(&live)
	return live, wrap("check token", err)
}

// Sweep deletes what has expired, in batches.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int64, error) {
	grants, err := db.DeleteInBatches(ctx, s.DB, "grants", "id", "expiration_time <= $1", sweepBatch, db.Micros(now))
	if err != nil {
		return grants, wrap("sweep", err)
	}
	tokens, err := db.DeleteInBatches(ctx, s.DB, "revoked_tokens", "id", "expiration_time <= $1", sweepBatch, db.Micros(now))
	return grants + tokens, wrap("sweep tokens", err)
}

const sweepBatch = 500

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("grant: %s: %w", what, err)
}

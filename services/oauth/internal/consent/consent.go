// Package consent remembers what users have allowed which clients.
package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Store keeps one row for each scope that a user has allowed a client, so that
// later permissions add to earlier ones.
type Store struct{ DB *db.DB }

// Found is what a user has allowed a client, as far as it was asked about.
type Found struct {
	// Covered tells whether it is all of the scopes, and Meaning what the first of
	// them meant by then (scope.Meaning).
	Covered bool
	Meaning int

	hash string // of the consent, until it is revoked
}

// Find looks whether the user has allowed the client the scopes. What is decided by
// it has to [Store.Hold] it.
func (s *Store) Find(ctx context.Context, subject, client string, scopes []string) (Found, error) {
	rows, err := s.DB.Query(ctx, `SELECT consented_clients.hash, consents.scope, consents.meaning
		FROM consented_clients
		JOIN consents ON consents.subject = consented_clients.subject AND consents.client_id = consented_clients.client_id
		WHERE consented_clients.subject = $1 AND consented_clients.client_id = $2`, subject, client)
	if err != nil {
		return Found{}, fmt.Errorf("consent: find: %w", err)
	}
	defer func() { _ = rows.Close() }() // an error while reading is in Err
	var allowed []string
	found := Found{Meaning: scope.Meaning}
	for rows.Next() {
		var name string
		var meant int
		if err := rows.Scan(&found.hash, &name, &meant); err != nil {
			return Found{}, fmt.Errorf("consent: find: %w", err)
		}
		allowed = append(allowed, name)
		if slices.Contains(scopes, name) {
			found.Meaning = min(found.Meaning, meant)
		}
	}
	if err := rows.Err(); err != nil {
		return Found{}, fmt.Errorf("consent: find: %w", err)
	}
	found.Covered = len(allowed) > 0 && scope.Missing(scopes, allowed) == ""
	return found, nil
}

// ErrRevoked says that the consent was revoked after it was found.
var ErrRevoked = errors.New("consent: revoked meanwhile")

// Hold keeps a consent from being revoked before the transaction ends, so that
// [Store.Revoke] sees what is granted in it. [ErrRevoked] if it is gone, though
// another one may be there.
func (s *Store) Hold(ctx context.Context, tx *db.Tx, f Found) error {
	n, err := tx.Exec(ctx, "UPDATE consented_clients SET modified_time = modified_time WHERE hash = $1", f.hash)
	if err != nil {
		return fmt.Errorf("consent: hold: %w", err)
	}
	if n == 0 {
		return ErrRevoked
	}
	return nil
}

// Any tells whether the user has allowed the client anything.
func (s *Store) Any(ctx context.Context, subject, client string) (found bool, err error) {
	err = s.DB.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM consents WHERE subject = $1 AND client_id = $2)", subject, client).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("consent: find: %w", err)
	}
	return found, nil
}

// Remember notes that the user allows the client the scopes, as they are meant by
// now.
func (s *Store) Remember(ctx context.Context, tx *db.Tx, subject, client string, scopes []string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO consented_clients (hash, subject, client_id, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $4) ON CONFLICT (subject, client_id) DO UPDATE SET modified_time = excluded.modified_time`,
		ids.New(), subject, client, db.Micros(now)) // first, as whoever revokes begins there
	if err != nil {
		return fmt.Errorf("consent: remember: %w", err)
	}
	var values strings.Builder
	args := []any{subject, client, db.Micros(now), scope.Meaning}
	for i, name := range scopes {
		if i > 0 {
			values.WriteString(", ")
		}
		fmt.Fprintf(&values, "($1, $2, $%d, $3, $4)", i+5)
		args = append(args, name)
	}
	_, err = tx.Exec(ctx, "INSERT INTO consents (subject, client_id, scope, granted_time, meaning) VALUES "+values.String()+
		" ON CONFLICT (subject, client_id, scope) DO UPDATE SET granted_time = excluded.granted_time, meaning = excluded.meaning", args...)
	if err != nil {
		return fmt.Errorf("consent: remember: %w", err)
	}
	return nil
}

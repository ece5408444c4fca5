// Package consent remembers what users have allowed which clients.
package consent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Store keeps one row for each scope that a user has allowed a client, so that
// later permissions add to earlier ones.
type Store struct{ DB *db.DB }

// Covers tells whether the user has allowed the client all of the scopes, and what
// the first of them meant by then (scope.Meaning).
func (s *Store) Covers(ctx context.Context, subject, client string, scopes []string) (covered bool, meaning int, _ error) {
	rows, err := s.DB.Query(ctx, "SELECT scope, meaning FROM consents WHERE subject = $1 AND client_id = $2", subject, client)
	if err != nil {
		return false, 0, fmt.Errorf("consent: find: %w", err)
	}
	defer func() { _ = rows.Close() }() // an error while reading is in Err
	var allowed []string
	meaning = scope.Meaning
	for rows.Next() {
		var name string
		var meant int
		if err := rows.Scan(&name, &meant); err != nil {
			return false, 0, fmt.Errorf("consent: find: %w", err)
		}
		allowed = append(allowed, name)
		if slices.Contains(scopes, name) {
			meaning = min(meaning, meant)
		}
	}
	if err := rows.Err(); err != nil {
		return false, 0, fmt.Errorf("consent: find: %w", err)
	}
	return len(allowed) > 0 && scope.Missing(scopes, allowed) == "", meaning, nil
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
	var values strings.Builder
	args := []any{subject, client, db.Micros(now), scope.Meaning}
	for i, name := range scopes {
		if i > 0 {
			values.WriteString(", ")
		}
		fmt.Fprintf(&values, "($1, $2, $%d, $3, $4)", i+5)
		args = append(args, name)
	}
	_, err := tx.Exec(ctx, "INSERT INTO consents (subject, client_id, scope, granted_time, meaning) VALUES "+values.String()+
		" ON CONFLICT (subject, client_id, scope) DO UPDATE SET granted_time = excluded.granted_time, meaning = excluded.meaning", args...)
	if err != nil {
		return fmt.Errorf("consent: remember: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO consented_clients (hash, subject, client_id, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $4) ON CONFLICT (subject, client_id) DO UPDATE SET modified_time = excluded.modified_time`,
		newHash(), subject, client, db.Micros(now))
	if err != nil {
		return fmt.Errorf("consent: remember: %w", err)
	}
	return nil
}

// newHash is the public name of what a user has authorised.
func newHash() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

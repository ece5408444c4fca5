package grant

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// RevokeSession ends the grants that rest on a session: all but those for when
// the user is away (OpenID Connect Back-Channel Logout 1.0 section 2.7).
func (s *Store) RevokeSession(ctx context.Context, tx *db.Tx, session string, now time.Time) (int64, error) {
	// The scopes are one text, and LIKE would take the underscore for any letter.
	n, err := tx.Exec(ctx, `UPDATE grants SET revoked_time = $2 WHERE session = $1 AND revoked_time IS NULL
		AND REPLACE(' ' || scopes || ' ', ' offline_access ', '') = ' ' || scopes || ' '`, session, db.Micros(now))
	return n, wrap("revoke those of a session", err)
}

// End says which grants of a subject to revoke, offline ones included.
type End struct {
	Subject string
	// Sessions are those whose grants end in any case.
	Sessions []string
	// Before spares what was granted after the subject proved who they are at
	// that time or later.
	Before time.Time
	Hub    *int64 // only in this hub; nil: in all and in none
}

// RevokeSubject ends grants of a subject.
func (s *Store) RevokeSubject(ctx context.Context, tx *db.Tx, end End, now time.Time) (int64, error) {
	ids, err := end.matching(ctx, tx)
	if err != nil {
		return 0, wrap("find those of a subject", err)
	}
	var revoked int64
	for _, id := range ids {
		n, err := tx.Exec(ctx, "UPDATE grants SET revoked_time = $2 WHERE id = $1 AND revoked_time IS NULL", id, db.Micros(now))
		if err != nil {
			return revoked, wrap("revoke those of a subject", err)
		}
		revoked += n
	}
	return revoked, nil
}

// matching are the ids of the grants. What decides is in their details, which
// are read, as this is rare.
func (e End) matching(ctx context.Context, tx *db.Tx) ([][]byte, error) {
	rows, err := tx.Query(ctx, `SELECT id, session, details, created_time FROM grants
		WHERE subject = $1 AND revoked_time IS NULL ORDER BY id`, e.Subject)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var ids [][]byte
	for rows.Next() {
		var id []byte
		var session, details string
		var created int64
		if err := rows.Scan(&id, &session, &details, &created); err != nil {
			return nil, err
		}
		var d Details
		if err := json.Unmarshal([]byte(details), &d); err != nil {
			return nil, err
		}
		if e.ends(session, d, db.FromMicros(created)) {
			ids = append(ids, id)
		}
	}
	return ids, rows.Err()
}

func (e End) ends(session string, d Details, created time.Time) bool {
	if e.Hub != nil && (d.Hub == nil || *d.Hub != *e.Hub) {
		return false
	}
	proved := d.AuthenticatedTime
	if proved.IsZero() { // no login led to it
		proved = created
	}
	return e.Before.IsZero() || proved.Before(e.Before) || slices.Contains(e.Sessions, session)
}

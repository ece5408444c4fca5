package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
)

// LinkedIdentity is a user as an upstream provider knows them.
type LinkedIdentity struct {
	accounts.LinkedIdentity
	User int64
	// Assigned by the administrators of its hub.
	Assigned bool
	// Recognised by its address and that of its hub's domain; nobody has linked it.
	Recognised bool
}

// realm is how the issuer of an identity is called in a hub, or in all.
func realm(issuer string, hub *int64) string {
	if hub == nil {
		return issuer
	}
	return fmt.Sprintf("hub:%d %s", *hub, issuer)
}

const identityColumns = `id, hash, user_id, provider, hub_id, assigned, recognised, email, name, last_used_time, created_time, modified_time`

func scanIdentity(row db.Scanner) (i LinkedIdentity, err error) {
	var hub, used sql.NullInt64
	var created, modified int64
	err = row.Scan(&i.ID, &i.Hash, &i.User, &i.Provider, &hub, &i.Assigned, &i.Recognised, &i.Email, &i.Name, &used, &created, &modified)
	i.Hub = fromNullID(hub)
	i.LastUsedTime = db.FromNullMicros(used)
	i.CreatedTime, i.ModifiedTime = db.FromMicros(created), db.FromMicros(modified)
	return i, err
}

// FindIdentity finds an identity by the issuer's name for its user, one that
// counts for a hub alone or, without, one that does for all; [db.ErrNoRows] if
// nobody has linked it.
func FindIdentity(ctx context.Context, q db.Queryer, issuer, subject string, hub *int64) (LinkedIdentity, error) {
	return scanIdentity(q.QueryRow(ctx, `SELECT `+identityColumns+` FROM identities WHERE issuer = $1 AND subject = $2`,
		realm(issuer, hub), subject))
}

// HasIdentity tells whether a user has an identity of the issuer's.
func HasIdentity(ctx context.Context, q db.Queryer, user int64, issuer string, hub *int64) (has bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM identities WHERE user_id = $1 AND issuer = $2)`,
		user, realm(issuer, hub)).Scan(&has)
	return has, err
}

// UseIdentity notes that an identity was used, and what its provider said,
// unless that was done after a time.
func UseIdentity(ctx context.Context, q db.Queryer, id int64, u accounts.UpstreamIdentity, after, now time.Time) error {
	_, err := q.Exec(ctx, `UPDATE identities SET last_used_time = $4, email = $2, name = $3,
		modified_time = CASE WHEN email = $2 AND name = $3 THEN modified_time ELSE $4 END
		WHERE id = $1 AND (last_used_time IS NULL OR last_used_time <= $5)`, id, u.Email, u.Name, db.Micros(now), db.Micros(after))
	return err
}

// Linking is who says whose an identity is.
type Linking int

// The answers.
const (
	InPerson     Linking = iota // its owner
	ByAssignment                // the administrators of its hub
	ByAddress                   // its provider, by the address
)

// InsertIdentity links an identity to a user, for its hub alone if it has one;
// [db.ErrNoRows] if it is linked already, to whomever. One that the user was
// recognised by may be linked once more in person.
func InsertIdentity(ctx context.Context, tx *db.Tx, user int64, u accounts.UpstreamIdentity, by Linking, now time.Time) (LinkedIdentity, error) {
	return scanIdentity(tx.QueryRow(ctx, `INSERT INTO identities
		(hash, user_id, provider, issuer, subject, hub_id, assigned, recognised, email, name, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
		ON CONFLICT (issuer, subject) DO UPDATE SET recognised = FALSE, modified_time = $11
			WHERE identities.user_id = $2 AND identities.recognised AND NOT excluded.assigned AND NOT excluded.recognised
		RETURNING `+identityColumns,
		ids.New(), user, u.Provider, realm(u.Issuer, u.Hub), u.Subject, u.Hub, by == ByAssignment, by == ByAddress,
		u.Email, u.Name, db.Micros(now)))
}

// IdentitiesOf lists a user's identities by id.
func IdentitiesOf(ctx context.Context, q db.Queryer, user int64) ([]LinkedIdentity, error) {
	rows, err := q.Query(ctx, `SELECT `+identityColumns+` FROM identities WHERE user_id = $1 ORDER BY id`, user)
	return collect(rows, err, scanIdentity)
}

// DeleteIdentity removes an identity of the user's; [db.ErrNoRows] if it is
// none.
func DeleteIdentity(ctx context.Context, tx *db.Tx, user int64, ref api.Ref) (LinkedIdentity, error) {
	return scanIdentity(tx.QueryRow(ctx, `DELETE FROM identities WHERE user_id = $1 AND (id = $2 OR hash = $3)
		RETURNING `+identityColumns, user, ref.ID, ref.Hash))
}

// CanLogIn tells whether a user has anything to log in with: a password, a
// passkey or an identity that counts for all hubs. The user must be locked for it
// to stay so.
func CanLogIn(ctx context.Context, tx *db.Tx, user int64) (can bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM credentials WHERE user_id = $1)
		OR EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1)
		OR EXISTS (SELECT 1 FROM identities WHERE user_id = $1 AND hub_id IS NULL)`, user).Scan(&can)
	return can, err
}

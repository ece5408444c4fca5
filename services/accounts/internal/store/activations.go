package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Activation is a mailed link and what will come of it.
type Activation struct {
	ID        int64
	Hash      string // its public name
	User      int64
	Kind      accounts.LinkKind
	FirstName string // copied to the user when finished, as the language
	LastName  string
	Language  accounts.Language
	Hub       *int64 // to join; nil: the user creates one
	Role      accounts.Role
}

const activationColumns = `id, hash, user_id, kind, first_name, last_name, language, hub_id, role`

func scanActivation(row db.Scanner) (a Activation, err error) {
	var hub sql.NullInt64
	err = row.Scan(&a.ID, &a.Hash, &a.User, &a.Kind, &a.FirstName, &a.LastName, &a.Language, &hub, &a.Role)
	a.Hub = fromNullID(hub)
	return a, err
}

// InsertActivation adds an activation if its user is an invited one, and tells
// whether it did. ID is not used.
func InsertActivation(ctx context.Context, tx *db.Tx, a Activation, linkDigest []byte, now, expiration time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO activations
		(hash, link_digest, user_id, kind, first_name, last_name, language, hub_id, role, created_time, expiration_time)
		SELECT $2, $3, users.id, $4, $5, $6, $7, $8, $9, $10, $11 FROM users WHERE users.id = $1 AND users.status = $12`,
		a.User, a.Hash, linkDigest, a.Kind, a.FirstName, a.LastName, a.Language, nullID(a.Hub), a.Role,
		db.Micros(now), db.Micros(expiration), accounts.Invited)
	return n == 1, err
}

// InsertInvitation adds an invitation to a hub, whoever its user is. Who sends
// it to whom is another matter: nobody else knows the link. ID is not used.
func InsertInvitation(ctx context.Context, tx *db.Tx, a Activation, linkDigest []byte, now, expiration time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO activations
		(hash, link_digest, user_id, kind, first_name, last_name, language, hub_id, role, created_time, expiration_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		a.Hash, linkDigest, a.User, accounts.LinkInvitation, a.FirstName, a.LastName, a.Language, nullID(a.Hub), a.Role,
		db.Micros(now), db.Micros(expiration))
	return err
}

// InvitationsSince counts the invitations of a user to a hub that were made
// since a time, and says when the first of them was.
func InvitationsSince(ctx context.Context, tx *db.Tx, hub, user int64, since time.Time) (n int, first time.Time, err error) {
	var at int64
	err = tx.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MIN(created_time), 0) FROM activations
		WHERE hub_id = $1 AND user_id = $2 AND created_time > $3`, hub, user, db.Micros(since)).Scan(&n, &at)
	return n, db.FromMicros(at), err
}

// LinkState is what became of an attempt to open a link.
type LinkState int

// The states.
const (
	LinkUnknown LinkState = iota // there is no such link
	LinkGone                     // used, superseded or expired
	LinkOpened                   // by this attempt
)

// OpenLink uses a link up: of any number of attempts one opens it. Links are for
// invited users, and those of invitations to a hub for active ones, too.
func OpenLink(ctx context.Context, tx *db.Tx, linkDigest []byte, now time.Time) (Activation, LinkState, error) {
	a, err := scanActivation(tx.QueryRow(ctx, `UPDATE activations SET opened_time = $2
		WHERE link_digest = $1 AND opened_time IS NULL AND revoked_time IS NULL AND expiration_time > $2
			AND EXISTS (SELECT 1 FROM users WHERE users.id = activations.user_id
				AND (users.status = $3 OR users.status = $4 AND activations.kind = $5 AND activations.hub_id IS NOT NULL))
		RETURNING `+activationColumns,
		linkDigest, db.Micros(now), accounts.Invited, accounts.Active, accounts.LinkInvitation))
	if err == nil {
		return a, LinkOpened, nil
	}
	if !errors.Is(err, db.ErrNoRows) {
		return Activation{}, LinkUnknown, err
	}
	var exists int
	err = tx.QueryRow(ctx, `SELECT 1 FROM activations WHERE link_digest = $1`, linkDigest).Scan(&exists)
	switch {
	case err == nil:
		return Activation{}, LinkGone, nil
	case errors.Is(err, db.ErrNoRows):
		return Activation{}, LinkUnknown, nil
	default:
		return Activation{}, LinkUnknown, err
	}
}

// OpenedActivation finds an activation that the user may finish: of the kind,
// opened after openedAfter and neither finished nor superseded.
// [db.ErrNoRows] if there is none.
func OpenedActivation(ctx context.Context, q db.Queryer, hash string, user int64, kind accounts.LinkKind, openedAfter time.Time) (Activation, error) {
	return scanActivation(q.QueryRow(ctx, `SELECT `+activationColumns+` FROM activations
		WHERE hash = $1 AND user_id = $2 AND kind = $3 AND opened_time > $4
			AND finished_time IS NULL AND revoked_time IS NULL`, hash, user, kind, db.Micros(openedAfter)))
}

// FinishActivation marks an opened activation as finished. It is false if it
// is finished already, superseded, or was opened too long ago.
func FinishActivation(ctx context.Context, tx *db.Tx, id int64, openedAfter, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE activations SET finished_time = $3
		WHERE id = $1 AND opened_time > $2 AND finished_time IS NULL AND revoked_time IS NULL`,
		id, db.Micros(openedAfter), db.Micros(now))
	return n == 1, err
}

// RevokeActivations supersedes the activations of a user that would make them
// active, or let them join the hub, and are not finished, opened or not.
// Invitations to other hubs stay.
func RevokeActivations(ctx context.Context, tx *db.Tx, user int64, hub *int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE activations SET revoked_time = $2
		WHERE user_id = $1 AND finished_time IS NULL AND revoked_time IS NULL AND (hub_id IS NULL OR hub_id = $3)`,
		user, db.Micros(now), nullID(hub))
	return err
}

// RevokeInvitations supersedes the invitations of a user to the hub that are not
// finished, opened or not.
func RevokeInvitations(ctx context.Context, tx *db.Tx, hub, user int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE activations SET revoked_time = $3
		WHERE hub_id = $1 AND user_id = $2 AND finished_time IS NULL AND revoked_time IS NULL`, hub, user, db.Micros(now))
	return err
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// CredentialOf is the hash of the user's password; empty if the user has none.
func CredentialOf(ctx context.Context, q db.Queryer, user int64) (string, error) {
	var hash string
	err := q.QueryRow(ctx, `SELECT hash FROM credentials WHERE user_id = $1`, user).Scan(&hash)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return hash, err
}

// ChangeCredential sets the hash of a password that an active user has chosen,
// and keeps the old one among the last so many. The password must not have to
// be changed any more.
func ChangeCredential(ctx context.Context, tx *db.Tx, user int64, hash string, keep int, now time.Time) error {
	if err := keepCredential(ctx, tx, user, keep, now); err != nil {
		return err
	}
	if err := SetCredential(ctx, tx, user, hash, now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE users SET password_type = $2, password_modified_time = $3, password_update = FALSE,
		modified_time = CASE WHEN modified_time >= $3 THEN modified_time + 1 ELSE $3 END WHERE id = $1`,
		user, accounts.PasswordUser, db.Micros(now))
	return err
}

// AcceptTerms notes that an active user has accepted the terms. It is false if
// there is no such user.
func AcceptTerms(ctx context.Context, tx *db.Tx, user int64, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET terms_accepted_time = $2, terms_confirmation = FALSE,
		modified_time = CASE WHEN modified_time >= $2 THEN modified_time + 1 ELSE $2 END WHERE id = $1 AND status = $3`,
		user, db.Micros(now), accounts.Active)
	return n == 1, err
}

// CountLinks counts the links of a kind that were made for the user since a
// time: each was mailed.
func CountLinks(ctx context.Context, tx *db.Tx, user int64, kind MailedLinkKind, since time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM links WHERE user_id = $1 AND kind = $2 AND created_time > $3`,
		user, kind, db.Micros(since)).Scan(&n)
	return n, err
}

// found reads a number; ok is false if there is no row.
func found(row *db.Row) (n int64, ok bool, _ error) {
	var value sql.NullInt64
	err := row.Scan(&value)
	if errors.Is(err, db.ErrNoRows) {
		return 0, false, nil
	}
	return value.Int64, err == nil, err
}

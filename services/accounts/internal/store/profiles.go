package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

// UpdateProfile writes what users change about themselves. The user must be
// locked. An alias that somebody else has is [db.IsUnique].
func UpdateProfile(ctx context.Context, tx *db.Tx, u User, now time.Time) error {
	alias := sql.NullString{String: u.Alias, Valid: u.Alias != ""}
	key := sql.NullString{String: input.AliasKey(u.Alias), Valid: u.Alias != ""}
	_, err := tx.Exec(ctx, `UPDATE users SET first_name = $2, last_name = $3, alias = $4, alias_key = $5, language = $6,
		locale = $7, statefulness = $8, login_confirmation = $9, modified_time = $10 WHERE id = $1`,
		u.ID, u.FirstName, u.LastName, alias, key, u.Language,
		u.Locale, u.Statefulness, u.LoginConfirmation, db.Micros(now))
	return err
}

// AliasTaken tells whether another user has the alias.
func AliasTaken(ctx context.Context, q db.Queryer, alias string, user int64) (bool, error) {
	var one int
	err := q.QueryRow(ctx, `SELECT 1 FROM users WHERE alias_key = $1 AND id <> $2`, input.AliasKey(alias), user).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// EmailChange is the data of a link that confirms a new address.
type EmailChange struct {
	Address string `json:"address"`
	Key     string `json:"key"`
	OldKey  string `json:"old_key"` // of the address that it replaces
}

// CountEmailChanges counts how often a user has asked for another address since
// a time. The user must be locked.
func CountEmailChanges(ctx context.Context, tx *db.Tx, user int64, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE user_id = $1 AND kind = $2 AND created_time > $3`,
		user, EmailChangeAsked, db.Micros(since)).Scan(&n)
	return n, err
}

// ReplaceEmail gives an active user the new address in the place of the old one.
// It is false if the user has another one by now. An address that somebody else
// has is [db.IsUnique].
func ReplaceEmail(ctx context.Context, tx *db.Tx, user int64, change EmailChange, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET email = $2, email_key = $3, email_verified = TRUE, modified_time = $6
		WHERE id = $1 AND email_key = $4 AND status = $5`,
		user, change.Address, change.Key, change.OldKey, accounts.Active, db.Micros(now))
	return n == 1, err
}

// AbsorbInvited gives a user what was meant for the owner of an address who
// never came: the invitations to hubs. It is false if the address is not of such
// a user.
func AbsorbInvited(ctx context.Context, tx *db.Tx, user int64, emailKey string, now time.Time) (bool, error) {
	// The condition of the update makes sure that the user is still an invited one,
	// and keeps them so: nobody activates or invites them until this is over.
	n, err := tx.Exec(ctx, `UPDATE users SET modified_time = $2 WHERE email_key = $1 AND status = $3`,
		emailKey, db.Micros(now), accounts.Invited)
	if err != nil || n == 0 {
		return false, err
	}
	invited, err := UserByEmail(ctx, tx, emailKey)
	if err != nil {
		return false, err
	}
	for _, query := range []string{
		`UPDATE activations SET user_id = $1 WHERE user_id = $2 AND hub_id IS NOT NULL
			AND hub_id NOT IN (SELECT hub_id FROM memberships WHERE user_id = $1)`,
		`UPDATE memberships SET user_id = $1 WHERE user_id = $2
			AND hub_id NOT IN (SELECT hub_id FROM memberships WHERE user_id = $1)`,
	} {
		if _, err := tx.Exec(ctx, query, user, invited.ID); err != nil {
			return false, err
		}
	}
	n, err = tx.Exec(ctx, `DELETE FROM users WHERE id = $1 AND status = $2`, invited.ID, accounts.Invited)
	return n == 1, err
}

// Disable makes an active user a disabled one, on behalf of the hub. It is false
// if the user is not an active one.
func Disable(ctx context.Context, tx *db.Tx, user, hub int64, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET status = $3, disabled_hub_id = $2, modified_time = $4 WHERE id = $1 AND status = $5`,
		user, hub, accounts.Disabled, db.Micros(now), accounts.Active)
	return n == 1, err
}

// Enable takes back what Disable did on behalf of the same hub. It is false if
// it was somebody else who has disabled the user.
func Enable(ctx context.Context, tx *db.Tx, user, hub int64, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET status = $3, disabled_hub_id = NULL, modified_time = $4
		WHERE id = $1 AND status = $5 AND disabled_hub_id = $2`,
		user, hub, accounts.Active, db.Micros(now), accounts.Disabled)
	return n == 1, err
}

package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

// User is a user and what only this service needs to know of one.
type User struct {
	accounts.User
	LastHub *int64
	// DisabledHub is the hub that has disabled the account, if one has.
	DisabledHub *int64
}

const userColumns = `users.id, users.hash, users.first_name, users.last_name, users.email, users.email_verified,
	users.alias, users.status, users.language, users.locale, users.statefulness, users.login_confirmation,
	users.password_type, users.password_modified_time, users.password_update, users.registration_time,
	users.terms_accepted_time, users.terms_confirmation, users.last_hub_id, users.disabled_hub_id,
	users.deletion_time, users.created_time, users.modified_time, ` + imageColumns

// usersFrom is where userColumns come from.
const usersFrom = `users LEFT JOIN images ON images.user_id = users.id`

// UserByID finds a user; [db.ErrNoRows] if there is none.
func UserByID(ctx context.Context, q db.Queryer, id int64) (User, error) {
	return scanUser(q.QueryRow(ctx, `SELECT `+userColumns+` FROM `+usersFrom+` WHERE users.id = $1`, id))
}

// UserByHash finds a user; [db.ErrNoRows] if there is none.
func UserByHash(ctx context.Context, q db.Queryer, hash string) (User, error) {
	return scanUser(q.QueryRow(ctx, `SELECT `+userColumns+` FROM `+usersFrom+` WHERE users.hash = $1`, hash))
}

// UserByEmail finds a user by the key of an address; [db.ErrNoRows] if there
// is none.
func UserByEmail(ctx context.Context, q db.Queryer, key string) (User, error) {
	return scanUser(q.QueryRow(ctx, `SELECT `+userColumns+` FROM `+usersFrom+` WHERE users.email_key = $1`, key))
}

// UserByLogin finds the user with the address or the alias, and the hash of
// their password, which is empty if they have none. Empty keys find nobody;
// [db.ErrNoRows].
func UserByLogin(ctx context.Context, q db.Queryer, email, alias string) (u User, hash string, err error) {
	var stored sql.NullString
	u, err = scanUser(q.QueryRow(ctx, `SELECT `+userColumns+`, credentials.hash
		FROM `+usersFrom+` LEFT JOIN credentials ON credentials.user_id = users.id
		WHERE users.email_key = $1 OR users.alias_key = $2`, email, alias), &stored)
	return u, stored.String, err
}

func scanUser(row db.Scanner, more ...any) (User, error) {
	var u User
	var alias sql.NullString
	var passwordModified, registration, terms, lastHub, disabledHub, deletion sql.NullInt64
	var created, modified int64
	var image nullImage
	err := row.Scan(slices.Concat([]any{
		&u.ID, &u.Hash, &u.FirstName, &u.LastName, &u.Email, &u.EmailVerified,
		&alias, &u.Status, &u.Language, &u.Locale, &u.Statefulness, &u.LoginConfirmation,
		&u.PasswordType, &passwordModified, &u.PasswordUpdate, &registration,
		&terms, &u.TermsConfirmation, &lastHub, &disabledHub, &deletion, &created, &modified,
	}, image.targets(), more)...)
	if err != nil {
		return User{}, err
	}
	u.Alias = alias.String
	u.PasswordModifiedTime = orZero(db.FromNullMicros(passwordModified))
	u.RegistrationTime = orZero(db.FromNullMicros(registration))
	u.TermsAcceptedTime = db.FromNullMicros(terms)
	u.LastHub, u.DisabledHub = fromNullID(lastHub), fromNullID(disabledHub)
	u.DeletionTime = db.FromNullMicros(deletion)
	u.CreatedTime = db.FromMicros(created)
	u.ModifiedTime = db.FromMicros(modified)
	u.Image = image.image()
	return u, nil
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// InsertInvited adds a user without a name or a password unless the address
// has one already. It tells whether it did.
func InsertInvited(ctx context.Context, tx *db.Tx, email input.Email, language accounts.Language, now time.Time) (bool, error) {
	// The locale's numbers begin like the languages'.
	n, err := tx.Exec(ctx, `INSERT INTO users (hash, email, email_key, status, language, locale, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (email_key) DO NOTHING`,
		ids.New(), email.Address, email.Key, accounts.Invited, language, int(language), db.Micros(now))
	return n == 1, err
}

// TouchInvited notes that an invited user was invited once more. It changes
// nothing about everybody else, but keeps any row until the end of the
// transaction.
func TouchInvited(ctx context.Context, tx *db.Tx, emailKey string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users
		SET modified_time = CASE WHEN status = $3 THEN $2 ELSE modified_time END WHERE email_key = $1`,
		emailKey, db.Micros(now), accounts.Invited)
	return err
}

// Activate makes an invited user an active one with a verified address and
// accepted terms. It is false if the user is not an invited one any more.
func Activate(ctx context.Context, tx *db.Tx, user int64, firstName, lastName string, language accounts.Language, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET status = $2, first_name = $3, last_name = $4, language = $5, locale = $6,
		email_verified = TRUE, password_type = $7, password_modified_time = $8, password_update = FALSE,
		registration_time = $8, terms_accepted_time = $8, terms_confirmation = FALSE, modified_time = $8
		WHERE id = $1 AND status = $9`,
		user, accounts.Active, firstName, lastName, language, int(language),
		accounts.PasswordUser, db.Micros(now), accounts.Invited)
	return n == 1, err
}

// LockUser keeps an active user's row until the end of the transaction. It is
// false if there is no such user.
func LockUser(ctx context.Context, tx *db.Tx, user int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET status = status WHERE id = $1 AND status = $2`, user, accounts.Active)
	return n == 1, err
}

// SetLastHub notes the hub that the user's next session will be in.
func SetLastHub(ctx context.Context, q db.Queryer, user, hub int64) error {
	_, err := q.Exec(ctx, `UPDATE users SET last_hub_id = $2 WHERE id = $1`, user, hub)
	return err
}

// CountUsers counts the users of a status.
func CountUsers(ctx context.Context, q db.Queryer, status accounts.Status) (n int64, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM users WHERE status = $1`, status).Scan(&n)
	return n, err
}

// SetCredential stores the hash of a user's password.
func SetCredential(ctx context.Context, q db.Queryer, user int64, hash string, now time.Time) error {
	_, err := q.Exec(ctx, `INSERT INTO credentials (user_id, hash, created_time, modified_time) VALUES ($1, $2, $3, $3)
		ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, modified_time = excluded.modified_time`,
		user, hash, db.Micros(now))
	return err
}

// ReplaceCredential puts a better hash of the same password in the place of
// old, unless the password has been changed meanwhile.
func ReplaceCredential(ctx context.Context, q db.Queryer, user int64, old, hash string, now time.Time) (bool, error) {
	n, err := q.Exec(ctx, `UPDATE credentials SET hash = $3, modified_time = $4 WHERE user_id = $1 AND hash = $2`,
		user, old, hash, db.Micros(now))
	return n == 1, err
}

package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Factor is a telephone or an app by which a user confirms logins.
type Factor struct {
	ID        int64
	Hash      string
	User      int64
	Channel   accounts.Channel
	Sealed    []byte // the number or the seed
	LastStep  int64  // of an app: whose code was used last
	Confirmed *time.Time
	LastUsed  *time.Time
	Created   time.Time
	Modified  time.Time
}

const factorColumns = `id, hash, user_id, channel, sealed, last_step, confirmed_time, last_used_time, created_time, modified_time`

func scanFactor(row db.Scanner) (f Factor, err error) {
	var confirmed, used sql.NullInt64
	var created, modified int64
	err = row.Scan(&f.ID, &f.Hash, &f.User, &f.Channel, &f.Sealed, &f.LastStep, &confirmed, &used, &created, &modified)
	f.Confirmed, f.LastUsed = db.FromNullMicros(confirmed), db.FromNullMicros(used)
	f.Created, f.Modified = db.FromMicros(created), db.FromMicros(modified)
	return f, err
}

// FactorsOf lists a user's factors by id, those that wait to be confirmed
// included.
func FactorsOf(ctx context.Context, q db.Queryer, user int64) ([]Factor, error) {
	rows, err := q.Query(ctx, `SELECT `+factorColumns+` FROM factors WHERE user_id = $1 ORDER BY id`, user)
	return collect(rows, err, scanFactor)
}

// FactorByRef finds a factor of the user's; [db.ErrNoRows] if there is none.
func FactorByRef(ctx context.Context, q db.Queryer, user int64, ref api.Ref) (Factor, error) {
	return scanFactor(q.QueryRow(ctx, `SELECT `+factorColumns+` FROM factors
		WHERE user_id = $1 AND (id = $2 OR hash = $3)`, user, ref.ID, ref.Hash))
}

// ConfirmedFactor finds the factor of a channel by which the user confirms
// logins; [db.ErrNoRows] if there is none.
func ConfirmedFactor(ctx context.Context, q db.Queryer, user int64, channel accounts.Channel) (Factor, error) {
	return scanFactor(q.QueryRow(ctx, `SELECT `+factorColumns+` FROM factors
		WHERE user_id = $1 AND channel = $2 AND confirmed_time IS NOT NULL`, user, channel))
}

// StrongestChannel is that of the strongest factor of the user's; the address,
// which everybody has, if there is none.
func StrongestChannel(ctx context.Context, q db.Queryer, user int64) (channel accounts.Channel, err error) {
	err = q.QueryRow(ctx, `SELECT COALESCE(MAX(channel), $2) FROM factors
		WHERE user_id = $1 AND confirmed_time IS NOT NULL`, user, accounts.ChannelEmail).Scan(&channel)
	return channel, err
}

// InsertFactor adds a factor that waits to be confirmed, in the place of one of
// the same channel that did. It takes the hash, the user, the channel and the
// sealed secret.
func InsertFactor(ctx context.Context, tx *db.Tx, f Factor, now time.Time) (Factor, error) {
	_, err := tx.Exec(ctx, `DELETE FROM factors WHERE user_id = $1 AND channel = $2 AND confirmed_time IS NULL`, f.User, f.Channel)
	if err != nil {
		return Factor{}, err
	}
	return scanFactor(tx.QueryRow(ctx, `INSERT INTO factors (hash, user_id, channel, sealed, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $5, $5) RETURNING `+factorColumns, f.Hash, f.User, f.Channel, f.Sealed, db.Micros(now)))
}

// UseStep notes that the code of a time step of an app was used, once: never the
// same or an earlier one again.
func UseStep(ctx context.Context, tx *db.Tx, id, step int64, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE factors SET last_step = $2, last_used_time = $3 WHERE id = $1 AND last_step < $2`,
		id, step, db.Micros(now))
	return n == 1, err
}

// UseFactor notes that a factor was used.
func UseFactor(ctx context.Context, tx *db.Tx, user int64, channel accounts.Channel, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE factors SET last_used_time = $3
		WHERE user_id = $1 AND channel = $2 AND confirmed_time IS NOT NULL`, user, channel, db.Micros(now))
	return err
}

// ConfirmFactor makes logins be confirmed by a factor, once. No other one of its
// channel may be left.
func ConfirmFactor(ctx context.Context, tx *db.Tx, id int64, now time.Time) (Factor, error) {
	return scanFactor(tx.QueryRow(ctx, `UPDATE factors SET confirmed_time = $2, modified_time = $2
		WHERE id = $1 AND confirmed_time IS NULL RETURNING `+factorColumns, id, db.Micros(now)))
}

// DeleteFactor removes a factor, once.
func DeleteFactor(ctx context.Context, tx *db.Tx, id int64) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM factors WHERE id = $1`, id)
	return n == 1, err
}

// RequireConfirmation has the user's logins confirmed.
func RequireConfirmation(ctx context.Context, tx *db.Tx, user int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE users SET login_confirmation = TRUE,
		modified_time = CASE WHEN modified_time < $2 THEN $2 ELSE modified_time + 1 END
		WHERE id = $1 AND NOT login_confirmation`, user, db.Micros(now))
	return err
}

// DemandedChannel is the strongest channel that a hub of the user's demands, if
// that is more than an address; 0 if none does.
func DemandedChannel(ctx context.Context, q db.Queryer, user int64) (channel accounts.Channel, err error) {
	err = q.QueryRow(ctx, `SELECT COALESCE(MAX(hubs.login_confirmation_channel), 0)
		FROM memberships JOIN hubs ON hubs.id = memberships.hub_id
		WHERE memberships.user_id = $1 AND memberships.role >= $2 AND memberships.joined_time IS NOT NULL AND hubs.login_confirmation
			AND hubs.login_confirmation_channel > $3`, user, accounts.RoleUser, accounts.ChannelEmail).Scan(&channel)
	return channel, err
}

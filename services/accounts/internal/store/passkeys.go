package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Passkey is a passkey with its credential record.
type Passkey struct {
	accounts.Passkey
	User int64
	Data string // JSON
	uses int64
}

const passkeyColumns = `id, hash, user_id, name, data, synced, uses, last_used_time, created_time, modified_time` //nolint:gosec // G101: names of columns

func scanPasskey(row db.Scanner) (p Passkey, err error) {
	var used sql.NullInt64
	var created, modified int64
	err = row.Scan(&p.ID, &p.Hash, &p.User, &p.Name, &p.Data, &p.Synced, &p.uses, &used, &created, &modified)
	p.LastUsedTime = db.FromNullMicros(used)
	p.CreatedTime, p.ModifiedTime = db.FromMicros(created), db.FromMicros(modified)
	return p, err
}

// PasskeysOf lists a user's passkeys by id.
func PasskeysOf(ctx context.Context, q db.Queryer, user int64) ([]Passkey, error) {
	rows, err := q.Query(ctx, `SELECT `+passkeyColumns+` FROM passkeys WHERE user_id = $1 ORDER BY id`, user)
	return collect(rows, err, scanPasskey)
}

// InsertPasskey adds a passkey; [db.ErrNoRows] if somebody has its credential id
// already.
func InsertPasskey(ctx context.Context, tx *db.Tx, p Passkey, credential []byte, now time.Time) (Passkey, error) {
	return scanPasskey(tx.QueryRow(ctx, `INSERT INTO passkeys
		(hash, user_id, credential_id, name, data, synced, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (credential_id) DO NOTHING RETURNING `+passkeyColumns,
		p.Hash, p.User, credential, p.Name, p.Data, p.Synced, db.Micros(now)))
}

// UsePasskey stores the credential record after a login. It is false if another
// login has done so since the passkey was read, or if it is gone.
func UsePasskey(ctx context.Context, tx *db.Tx, p Passkey, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE passkeys SET data = $3, synced = $4, uses = uses + 1, last_used_time = $5
		WHERE id = $1 AND uses = $2`, p.ID, p.uses, p.Data, p.Synced, db.Micros(now))
	return n == 1, err
}

// DeletePasskey removes a passkey of the user's and gives its name;
// [db.ErrNoRows] if it is none.
func DeletePasskey(ctx context.Context, tx *db.Tx, user int64, ref api.Ref) (name string, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM passkeys WHERE user_id = $1 AND (id = $2 OR hash = $3) RETURNING name`,
		user, ref.ID, ref.Hash).Scan(&name)
	return name, err
}

// InsertCeremony notes what a browser was asked; user is 0 if anybody may answer.
func InsertCeremony(ctx context.Context, q db.Queryer, digest []byte, user int64, data string, ends time.Time) error {
	_, err := q.Exec(ctx, `INSERT INTO passkey_ceremonies (digest, user_id, data, expiration_time) VALUES ($1, $2, $3, $4)`,
		digest, user, data, db.Micros(ends))
	return err
}

// TakeCeremony uses up what a browser was asked; [db.ErrNoRows] if there is none
// for the user.
func TakeCeremony(ctx context.Context, tx *db.Tx, digest []byte, user int64, now time.Time) (data string, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM passkey_ceremonies WHERE digest = $1 AND user_id = $2 AND expiration_time > $3
		RETURNING data`, digest, user, db.Micros(now)).Scan(&data)
	return data, err
}

// SweepCeremonies removes what no browser has answered in time, and tells how
// much.
func SweepCeremonies(ctx context.Context, d *db.DB, now time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "passkey_ceremonies", "digest", "expiration_time <= $1", sweepBatch, db.Micros(now))
}

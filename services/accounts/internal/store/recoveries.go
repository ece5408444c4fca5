package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

// RecoveryState is what has become of a request to be let in without a factor.
type RecoveryState string

// The states.
const (
	RecoveryWaiting   RecoveryState = "waiting"
	RecoveryGranted   RecoveryState = "approved"
	RecoveryDenied    RecoveryState = "rejected"
	RecoveryCancelled RecoveryState = "cancelled"
)

// GrantedRecoveries lists the codes of approved requests of the user's that can
// still be used; the ids are the requests'.
func GrantedRecoveries(ctx context.Context, q db.Queryer, user int64, now time.Time) ([]RecoveryCode, error) {
	rows, err := q.Query(ctx, `SELECT id, mac FROM recoveries WHERE user_id = $1 AND state = $2
		AND used_time IS NULL AND mac IS NOT NULL AND code_expiration_time > $3 ORDER BY id`,
		user, RecoveryGranted, db.Micros(now))
	return collect(rows, err, func(row db.Scanner) (c RecoveryCode, err error) {
		err = row.Scan(&c.ID, &c.MAC)
		return c, err
	})
}

// UseRecovery uses the code of an approved request up, once.
func UseRecovery(ctx context.Context, tx *db.Tx, id int64, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recoveries SET used_time = $2, mac = NULL, modified_time = $2
		WHERE id = $1 AND state = $3 AND used_time IS NULL AND code_expiration_time > $2`, id, db.Micros(now), RecoveryGranted)
	return n == 1, err
}

// CancelRecoveries ends all requests of the user's that have not been used,
// approved or not.
func CancelRecoveries(ctx context.Context, tx *db.Tx, user int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE recoveries SET state = $3, mac = NULL, modified_time = $2
		WHERE user_id = $1 AND (state = $4 OR state = $5) AND used_time IS NULL`,
		user, db.Micros(now), RecoveryCancelled, RecoveryWaiting, RecoveryGranted)
	return err
}

// Recovery is a request to be let in without a factor.
type Recovery struct {
	ID        int64
	Hash      string
	User      int64
	Origin    api.Origin // from where it was confirmed
	Due       *time.Time // when it is approved by itself; nil: somebody decides
	Created   time.Time
	Confirmed time.Time
	Modified  time.Time
}

const recoveryColumns = `recoveries.id, recoveries.hash, recoveries.user_id, recoveries.address, recoveries.user_agent,
	recoveries.due_time, recoveries.created_time, recoveries.confirmed_time, recoveries.modified_time`

// recoveryTarget is what the columns are scanned into.
type recoveryTarget struct {
	Recovery

	due                          sql.NullInt64
	created, confirmed, modified int64
}

func (r *recoveryTarget) columns() []any {
	return []any{
		&r.ID, &r.Hash, &r.User, &r.Origin.Address, &r.Origin.UserAgent,
		&r.due, &r.created, &r.confirmed, &r.modified,
	}
}

func (r *recoveryTarget) done() Recovery {
	r.Due = db.FromNullMicros(r.due)
	r.Created, r.Confirmed, r.Modified = db.FromMicros(r.created), db.FromMicros(r.confirmed), db.FromMicros(r.modified)
	return r.Recovery
}

func scanRecovery(row db.Scanner) (Recovery, error) {
	var r recoveryTarget
	err := row.Scan(r.columns()...)
	return r.done(), err
}

// InsertRecovery adds a request that waits and gives its id. ID and Modified are
// not used.
func InsertRecovery(ctx context.Context, tx *db.Tx, r Recovery) (id int64, err error) {
	origin := input.Origin(r.Origin)
	err = tx.QueryRow(ctx, `INSERT INTO recoveries
		(hash, user_id, state, address, user_agent, due_time, created_time, confirmed_time, modified_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id`,
		r.Hash, r.User, RecoveryWaiting, origin.Address, origin.UserAgent, db.NullMicros(r.Due),
		db.Micros(r.Created), db.Micros(r.Confirmed)).Scan(&id)
	return id, err
}

// AskHub has a request wait for a hub.
func AskHub(ctx context.Context, tx *db.Tx, recovery, hub int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO recovery_hubs (recovery_id, hub_id) VALUES ($1, $2)`, recovery, hub)
	return err
}

// Approvers are the active members of a hub, other than the user, who may decide
// on a request of somebody with the role, by id.
func Approvers(ctx context.Context, q db.Queryer, hub, user int64, role accounts.Role, now time.Time) ([]User, error) {
	rows, err := q.Query(ctx, `SELECT `+userColumns+` FROM memberships
		JOIN users ON users.id = memberships.user_id LEFT JOIN images ON images.user_id = users.id
		JOIN hubs ON hubs.id = memberships.hub_id
		WHERE memberships.hub_id = $1 AND memberships.user_id <> $2 AND memberships.joined_time IS NOT NULL
			AND memberships.role >= $3 AND users.status = $4
			AND (memberships.role = $5 OR hubs.expiration_time IS NULL OR hubs.expiration_time > $6)
		ORDER BY users.id`,
		hub, user, max(role, accounts.RoleTechnicalAdministrator), accounts.Active, accounts.RoleOwner, db.Micros(now))
	return collect(rows, err, func(row db.Scanner) (User, error) { return scanUser(row) })
}

// waitingIn are the requests of members that wait for a hub.
const waitingIn = ` FROM recoveries JOIN recovery_hubs ON recovery_hubs.recovery_id = recoveries.id
	JOIN users ON users.id = recoveries.user_id LEFT JOIN images ON images.user_id = users.id
	JOIN memberships ON memberships.hub_id = recovery_hubs.hub_id AND memberships.user_id = recoveries.user_id
	WHERE recovery_hubs.hub_id = $1 AND recoveries.state = $2 AND memberships.joined_time IS NOT NULL`

// WaitingRecovery finds a request of a member that waits for the hub;
// [db.ErrNoRows] if there is none.
func WaitingRecovery(ctx context.Context, q db.Queryer, hub int64, ref api.Ref) (Recovery, error) {
	return scanRecovery(q.QueryRow(ctx, `SELECT `+recoveryColumns+waitingIn+` AND (recoveries.id = $3 OR recoveries.hash = $4)`,
		hub, RecoveryWaiting, ref.ID, ref.Hash))
}

// UserRecovery is a request together with whose it is.
type UserRecovery struct {
	Recovery Recovery
	User     User
}

// WaitingRecoveries lists a page of the requests that wait for a hub, oldest
// first, and counts all of them.
func WaitingRecoveries(ctx context.Context, q db.Queryer, hub int64, page api.Page) (list []UserRecovery, total int, err error) {
	if err := q.QueryRow(ctx, `SELECT COUNT(*)`+waitingIn, hub, RecoveryWaiting).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := q.Query(ctx, `SELECT `+userColumns+`, `+recoveryColumns+waitingIn+
		` ORDER BY recoveries.id LIMIT $3 OFFSET $4`, hub, RecoveryWaiting, page.Size, page.Offset())
	list, err = collect(rows, err, func(row db.Scanner) (UserRecovery, error) {
		var r recoveryTarget
		user, err := scanUser(row, r.columns()...)
		return UserRecovery{Recovery: r.done(), User: user}, err
	})
	return list, total, err
}

// DueRecoveries lists requests that nobody has cancelled in time, oldest first.
func DueRecoveries(ctx context.Context, q db.Queryer, now time.Time) ([]Recovery, error) {
	rows, err := q.Query(ctx, `SELECT `+recoveryColumns+` FROM recoveries
		WHERE state = 'waiting' AND due_time <= $1 ORDER BY due_time, id LIMIT 100`, db.Micros(now))
	return collect(rows, err, scanRecovery)
}

// GrantRecovery approves a request that waits, once. The code works until ends.
func GrantRecovery(ctx context.Context, tx *db.Tx, id int64, mac []byte, ends, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recoveries SET state = $2, mac = $3, code_expiration_time = $4, modified_time = $5
		WHERE id = $1 AND state = $6`, id, RecoveryGranted, mac, db.Micros(ends), db.Micros(now), RecoveryWaiting)
	return n == 1, err
}

// EndRecovery ends a request that waits, in another state, once.
func EndRecovery(ctx context.Context, tx *db.Tx, id int64, state RecoveryState, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recoveries SET state = $2, modified_time = $3 WHERE id = $1 AND state = $4`,
		id, state, db.Micros(now), RecoveryWaiting)
	return n == 1, err
}

// SweepRecoveries removes requests that were confirmed before a time, whatever
// has become of them, and tells how many.
func SweepRecoveries(ctx context.Context, d *db.DB, before time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "recoveries", "id", "confirmed_time < $1", sweepBatch, db.Micros(before))
}

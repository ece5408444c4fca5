package store

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// SetStatus disables or enables a user who has been active, whoever has disabled
// them before. It is false if there was nothing to change.
func SetStatus(ctx context.Context, tx *db.Tx, user int64, status accounts.Status, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET status = $2, disabled_hub_id = NULL,
		modified_time = CASE WHEN modified_time < $3 THEN $3 ELSE modified_time + 1 END
		WHERE id = $1 AND status <> $4 AND (status <> $2 OR disabled_hub_id IS NOT NULL)`,
		user, status, db.Micros(now), accounts.Invited)
	return n == 1, err
}

// SetDeletion notes when the user's account is to be deleted; nil: not at all.
// It is false if that is so already.
func SetDeletion(ctx context.Context, tx *db.Tx, user int64, at *time.Time, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET deletion_time = $2,
		modified_time = CASE WHEN modified_time < $3 THEN $3 ELSE modified_time + 1 END
		WHERE id = $1 AND deletion_time IS DISTINCT FROM $2`, user, db.NullMicros(at), db.Micros(now))
	return n == 1, err
}

// DueDeletions are users whose accounts are to be deleted by now, those due
// first before the others.
func DueDeletions(ctx context.Context, q db.Queryer, now time.Time, limit int) ([]int64, error) {
	rows, err := q.Query(ctx, `SELECT id FROM users WHERE deletion_time <= $1 ORDER BY deletion_time, id LIMIT $2`, db.Micros(now), limit)
	return collect(rows, err, scanID)
}

func scanID(row db.Scanner) (id int64, err error) {
	err = row.Scan(&id)
	return id, err
}

// HoldDueUser is the user, kept until the end of the transaction, if the account
// is to be deleted by now; else [db.ErrNoRows].
func HoldDueUser(ctx context.Context, tx *db.Tx, user int64, now time.Time) (User, error) {
	n, err := tx.Exec(ctx, `UPDATE users SET modified_time = modified_time WHERE id = $1 AND deletion_time <= $2`, user, db.Micros(now))
	if err != nil {
		return User{}, err
	}
	if n == 0 {
		return User{}, db.ErrNoRows
	}
	return UserByID(ctx, tx, user)
}

// LeavingHub is a hub that somebody leaves by deleting their account.
type LeavingHub struct {
	ID     int64
	Owned  bool
	Joined bool
	// Others have joined it, too.
	Others bool
	// Kept by another owner, who is active and stays.
	Kept bool
}

// Orphaned tells that the others would be left without an owner.
func (h LeavingHub) Orphaned() bool { return h.Owned && h.Others && !h.Kept }

// HubsToLeave locks the hubs that a user is listed in, and tells what becomes of
// them without the user.
func HubsToLeave(ctx context.Context, tx *db.Tx, user int64) ([]LeavingHub, error) {
	rows, err := tx.Query(ctx, `SELECT hub_id FROM memberships WHERE user_id = $1 ORDER BY hub_id`, user)
	hubs, err := collect(rows, err, scanID)
	if err != nil {
		return nil, err
	}
	for _, hub := range hubs { // in the order of their ids, so that two who leave do not wait for each other
		if _, err := LockHub(ctx, tx, hub); err != nil {
			return nil, err
		}
	}
	var all []LeavingHub
	for _, hub := range hubs {
		h := LeavingHub{ID: hub}
		err := tx.QueryRow(ctx, `SELECT own.role = $3 AND own.joined_time IS NOT NULL, own.joined_time IS NOT NULL,
				EXISTS (SELECT 1 FROM memberships WHERE hub_id = $1 AND user_id <> $2 AND joined_time IS NOT NULL),
				EXISTS (SELECT 1 FROM memberships JOIN users ON users.id = memberships.user_id
					WHERE hub_id = $1 AND user_id <> $2 AND role = $3 AND joined_time IS NOT NULL
						AND users.status = $4 AND users.deletion_time IS NULL)
			FROM memberships own WHERE own.hub_id = $1 AND own.user_id = $2`,
			hub, user, accounts.RoleOwner, accounts.Active).Scan(&h.Owned, &h.Joined, &h.Others, &h.Kept)
		if errors.Is(err, db.ErrNoRows) {
			continue // left before it was locked
		}
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// DeleteHub deletes a hub with everything in it.
func DeleteHub(ctx context.Context, tx *db.Tx, hub int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM hubs WHERE id = $1`, hub)
	return err
}

// DeleteUser deletes an account with everything that is only about it.
func DeleteUser(ctx context.Context, tx *db.Tx, user int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM users WHERE id = $1`, user)
	return err
}

// Anonymise leaves of a user in the audit record a number that is nobody's.
func Anonymise(ctx context.Context, tx *db.Tx, user int64) error {
	for _, query := range []string{
		`UPDATE audit SET address = '', user_agent = '', detail = '{}' WHERE user_id = $1`,
		`UPDATE audit SET address = '', user_agent = '' WHERE actor_id = $1`,
		`UPDATE audit SET address = '', user_agent = '' WHERE impersonator_id = $1`,
	} {
		if _, err := tx.Exec(ctx, query, user); err != nil {
			return err
		}
	}
	return nil
}

package store

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

// Membership is a hub with what its plan includes, as somebody has it who has
// joined it.
type Membership struct {
	Hub      accounts.Hub
	Features accounts.Features
	Role     accounts.Role
	// Impersonation lets the member act as others.
	Impersonation bool
}

// Entry tells whether a member may enter a hub.
type Entry int

// The answers.
const (
	EntryFree    Entry = iota
	EntryNone          // the role is too low
	EntryExpired       // the hub has expired, and the member does not own it
)

// Entry tells whether the member may enter the hub at a time.
func (m Membership) Entry(now time.Time) Entry {
	switch {
	case m.Role < accounts.RoleUser:
		return EntryNone
	case m.Role < accounts.RoleOwner && m.Hub.ExpirationTime != nil && !now.Before(*m.Hub.ExpirationTime):
		return EntryExpired
	default:
		return EntryFree
	}
}

const membershipQuery = `SELECT ` + hubColumns + `, ` + featureColumns + `, memberships.role, memberships.impersonation
	FROM memberships JOIN hubs ON hubs.id = memberships.hub_id
	WHERE memberships.user_id = $1 AND memberships.joined_time IS NOT NULL`

// MembershipsOf lists the hubs that a user has joined, by id.
func MembershipsOf(ctx context.Context, q db.Queryer, user int64) ([]Membership, error) {
	rows, err := q.Query(ctx, membershipQuery+` ORDER BY hubs.id`, user)
	return collect(rows, err, scanMembership)
}

// MembershipIn finds the hub as the user has it; [db.ErrNoRows] if the user has
// not joined it.
func MembershipIn(ctx context.Context, q db.Queryer, user, hub int64) (Membership, error) {
	return scanMembership(q.QueryRow(ctx, membershipQuery+` AND hubs.id = $2`, user, hub))
}

// CurrentHub is the hub that the user was in last, or else the first of the
// user's hubs, of those that they may enter; nil if there is none.
func CurrentHub(ctx context.Context, q db.Queryer, u User, now time.Time) (*accounts.Hub, error) {
	memberships, err := MembershipsOf(ctx, q, u.ID)
	if err != nil {
		return nil, err
	}
	var first *accounts.Hub
	for _, m := range memberships {
		if m.Entry(now) != EntryFree {
			continue
		}
		if u.LastHub != nil && m.Hub.ID == *u.LastHub {
			return &m.Hub, nil
		}
		if first == nil {
			first = &m.Hub
		}
	}
	return first, nil
}

// Join lets a user into a hub. Who is listed in it already has the role that
// the hub has given them by now, and who has joined it stays as they are.
func Join(ctx context.Context, tx *db.Tx, hub int64, user User, role accounts.Role, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE memberships SET joined_time = $3, modified_time = $3, number = user_id, hash = $4, name_key = $5,
		email = '', first_name = '', last_name = '', language = 0, invited_time = NULL, resends = 0
		WHERE hub_id = $1 AND user_id = $2 AND joined_time IS NULL`,
		hub, user.ID, db.Micros(now), user.Hash, NameKey(user.FirstName, user.LastName))
	if err != nil || n == 1 {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO memberships (hub_id, user_id, number, hash, name_key, role, joined_time, created_time, modified_time)
		VALUES ($1, $2, $2, $3, $4, $5, $6, $6, $6) ON CONFLICT DO NOTHING`,
		hub, user.ID, user.Hash, NameKey(user.FirstName, user.LastName), role, db.Micros(now))
	return err
}

// NameKey is what lists of people are sorted and searched by.
func NameKey(firstName, lastName string) string { return input.Fold(firstName + " " + lastName) }

// RenameMember has the user's hubs list them by their name.
func RenameMember(ctx context.Context, tx *db.Tx, user User) error {
	_, err := tx.Exec(ctx, `UPDATE memberships SET name_key = $2 WHERE user_id = $1 AND joined_time IS NOT NULL`,
		user.ID, NameKey(user.FirstName, user.LastName))
	return err
}

// Administers tells whether a user has joined a hub, any, as an administrator of
// whatever kind.
func Administers(ctx context.Context, q db.Queryer, user int64) (does bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM memberships WHERE user_id = $1 AND role >= $2 AND joined_time IS NOT NULL)`,
		user, accounts.RoleAdministrator).Scan(&does)
	return does, err
}

// Owned counts the hubs that a user owns.
func Owned(ctx context.Context, q db.Queryer, user int64) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM memberships WHERE user_id = $1 AND role = $2 AND joined_time IS NOT NULL`,
		user, accounts.RoleOwner).Scan(&n)
	return n, err
}

// OtherOwner tells whether the hub has an active owner besides the user, and one
// who has not asked for the end of their account. The hub must be locked, or
// there may be none by the end of the transaction.
func OtherOwner(ctx context.Context, tx *db.Tx, hub, user int64) (bool, error) {
	var one int
	err := tx.QueryRow(ctx, `SELECT 1 FROM memberships JOIN users ON users.id = memberships.user_id
		WHERE memberships.hub_id = $1 AND memberships.user_id <> $2 AND memberships.role = $3
			AND memberships.joined_time IS NOT NULL AND users.status = $4 AND users.deletion_time IS NULL LIMIT 1`,
		hub, user, accounts.RoleOwner, accounts.Active).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func scanMembership(row db.Scanner) (m Membership, err error) {
	f := &m.Features
	m.Hub, err = scanHub(row,
		&f.Accounting, &f.Attachments, &f.Audit,
		&f.EffectFreeze, &f.EffectProvenience, &f.Impersonation,
		&f.NetworkFilter, &f.ReportPreferences, &f.SecuritySettings,
		&f.Subscriptions, &f.Trash, &m.Role, &m.Impersonation)
	// These two are settings of the hub; the plan does not limit them further.
	f.PasswordAge, f.SessionLimit = m.Hub.Settings.PasswordAge, m.Hub.Settings.SessionLimit
	return m, err
}

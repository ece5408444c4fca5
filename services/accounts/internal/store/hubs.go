package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/ids"
)

// Membership is a hub with what its plan includes, as one member has it.
type Membership struct {
	Hub      accounts.Hub
	Features accounts.Features
	Role     accounts.Role
}

const hubColumns = `hubs.id, hubs.hash, hubs.name, hubs.type, hubs.expiration_time,
	hubs.program_level, hubs.login_confirmation, hubs.login_confirmation_channel, hubs.office_preview,
	hubs.pdf_preview, hubs.support, hubs.password_age, hubs.session_limit, hubs.modified_time`

const featureColumns = `hubs.feature_accounting, hubs.feature_attachments, hubs.feature_audit,
	hubs.feature_effect_freeze, hubs.feature_effect_provenience, hubs.feature_impersonation,
	hubs.feature_network_filter, hubs.feature_report_preferences, hubs.feature_security_settings,
	hubs.feature_subscriptions, hubs.feature_trash`

// HubByHash finds a hub; [db.ErrNoRows] if there is none.
func HubByHash(ctx context.Context, q db.Queryer, hash string) (accounts.Hub, error) {
	return scanHub(q.QueryRow(ctx, `SELECT `+hubColumns+` FROM hubs WHERE hash = $1`, hash))
}

// HubByID finds a hub; [db.ErrNoRows] if there is none.
func HubByID(ctx context.Context, q db.Queryer, id int64) (accounts.Hub, error) {
	return scanHub(q.QueryRow(ctx, `SELECT `+hubColumns+` FROM hubs WHERE id = $1`, id))
}

// MembershipsOf lists the hubs of a user by id.
func MembershipsOf(ctx context.Context, q db.Queryer, user int64) ([]Membership, error) {
	rows, err := q.Query(ctx, `SELECT `+hubColumns+`, `+featureColumns+`, memberships.role
		FROM memberships JOIN hubs ON hubs.id = memberships.hub_id WHERE memberships.user_id = $1 ORDER BY hubs.id`, user)
	return collect(rows, err, scanMembership)
}

// CurrentHub is the hub that the user was in last, or else the first of the
// user's hubs; nil if there is none.
func CurrentHub(ctx context.Context, q db.Queryer, u User) (*accounts.Hub, error) {
	memberships, err := MembershipsOf(ctx, q, u.ID)
	if err != nil || len(memberships) == 0 {
		return nil, err
	}
	if u.LastHub != nil {
		for _, m := range memberships {
			if m.Hub.ID == *u.LastHub {
				return &m.Hub, nil
			}
		}
	}
	return &memberships[0].Hub, nil
}

// InsertHub creates a hub with the settings and features of a new one.
func InsertHub(ctx context.Context, tx *db.Tx, name string, now time.Time) (accounts.Hub, error) {
	return scanHub(tx.QueryRow(ctx, `INSERT INTO hubs (hash, name, type, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $4) RETURNING `+hubColumns, ids.New(), name, accounts.HubRegular, db.Micros(now)))
}

// AddMember lets a user into a hub. Who is in it already keeps their role.
func AddMember(ctx context.Context, q db.Queryer, hub, user int64, role accounts.Role, now time.Time) error {
	_, err := q.Exec(ctx, `INSERT INTO memberships (hub_id, user_id, role, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $4) ON CONFLICT (hub_id, user_id) DO NOTHING`, hub, user, role, db.Micros(now))
	return err
}

func scanHub(row db.Scanner, more ...any) (accounts.Hub, error) {
	var h accounts.Hub
	var expiration sql.NullInt64
	var modified int64
	s := &h.Settings
	err := row.Scan(append([]any{
		&h.ID, &h.Hash, &h.Name, &h.Type, &expiration,
		&s.ProgramLevel, &s.LoginConfirmation, &s.LoginConfirmationChannel, &s.OfficePreview,
		&s.PDFPreview, &s.Support, &s.PasswordAge, &s.SessionLimit, &modified,
	}, more...)...)
	if err != nil {
		return accounts.Hub{}, err
	}
	h.ExpirationTime = db.FromNullMicros(expiration)
	h.ModifiedTime = db.FromMicros(modified)
	return h, nil
}

func scanMembership(row db.Scanner) (m Membership, err error) {
	f := &m.Features
	m.Hub, err = scanHub(row,
		&f.Accounting, &f.Attachments, &f.Audit,
		&f.EffectFreeze, &f.EffectProvenience, &f.Impersonation,
		&f.NetworkFilter, &f.ReportPreferences, &f.SecuritySettings,
		&f.Subscriptions, &f.Trash, &m.Role)
	// These two are settings of the hub; the plan does not limit them further.
	f.PasswordAge, f.SessionLimit = m.Hub.Settings.PasswordAge, m.Hub.Settings.SessionLimit
	return m, err
}

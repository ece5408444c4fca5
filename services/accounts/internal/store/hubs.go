package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/ids"
)

const hubColumns = `hubs.id, hubs.hash, hubs.name, hubs.type, hubs.expiration_time,
	hubs.program_level, hubs.login_confirmation, hubs.login_confirmation_channel, hubs.office_preview,
	hubs.pdf_preview, hubs.support, hubs.password_age, hubs.session_limit, hubs.recovery_approval,
	hubs.created_time, hubs.modified_time`

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

// LockHub keeps the hub's row until the end of the transaction: whoever changes
// its members takes it first, then the user, the activations and the membership,
// in that order. It is false if there is no such hub.
func LockHub(ctx context.Context, tx *db.Tx, hub int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE hubs SET name = name WHERE id = $1`, hub)
	return n == 1, err
}

// InsertHub creates a hub with the settings and features of a new one.
func InsertHub(ctx context.Context, tx *db.Tx, name string, now time.Time) (accounts.Hub, error) {
	return scanHub(tx.QueryRow(ctx, `INSERT INTO hubs (hash, name, type, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $4) RETURNING `+hubColumns, ids.New(), name, accounts.HubRegular, db.Micros(now)))
}

func scanHub(row db.Scanner, more ...any) (accounts.Hub, error) {
	var h accounts.Hub
	var expiration sql.NullInt64
	var created, modified int64
	s := &h.Settings
	err := row.Scan(append([]any{
		&h.ID, &h.Hash, &h.Name, &h.Type, &expiration,
		&s.ProgramLevel, &s.LoginConfirmation, &s.LoginConfirmationChannel, &s.OfficePreview,
		&s.PDFPreview, &s.Support, &s.PasswordAge, &s.SessionLimit, &h.Policies.RecoveryApproval, &created, &modified,
	}, more...)...)
	if err != nil {
		return accounts.Hub{}, err
	}
	h.ExpirationTime = db.FromNullMicros(expiration)
	h.CreatedTime, h.ModifiedTime = db.FromMicros(created), db.FromMicros(modified)
	return h, nil
}

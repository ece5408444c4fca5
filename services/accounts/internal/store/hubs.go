package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
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

// UpdateSettings writes the name and what administrators can set. The hub must
// be locked.
func UpdateSettings(ctx context.Context, tx *db.Tx, h accounts.Hub, now time.Time) error {
	s := h.Settings
	_, err := tx.Exec(ctx, `UPDATE hubs SET name = $2, program_level = $3, login_confirmation = $4,
		login_confirmation_channel = $5, office_preview = $6, pdf_preview = $7, support = $8, password_age = $9,
		session_limit = $10, recovery_approval = $11, modified_time = $12 WHERE id = $1`,
		h.ID, h.Name, s.ProgramLevel, s.LoginConfirmation,
		s.LoginConfirmationChannel, s.OfficePreview, s.PDFPreview, s.Support, s.PasswordAge,
		s.SessionLimit, h.Policies.RecoveryApproval, db.Micros(now))
	return err
}

// Plan is what only the operator decides about a hub.
type Plan struct {
	Type           accounts.HubType
	ExpirationTime *time.Time
	Features       map[string]bool // to change, by the names of Features
	Trash          *int            // days; nil: as it is
}

// PlanFeatures are the names of what a plan includes or not.
func PlanFeatures() []string {
	return []string{
		"accounting", "attachments", "audit", "effect_freeze", "effect_provenience", "impersonation",
		"network_filter", "report_preferences", "security_settings", "subscriptions",
	}
}

// UpdatePlan writes a hub's plan. The hub must be locked.
func UpdatePlan(ctx context.Context, tx *db.Tx, hub int64, p Plan, now time.Time) error {
	set, args := `type = $2, expiration_time = $3, modified_time = $4`, []any{
		hub, p.Type, db.NullMicros(p.ExpirationTime), db.Micros(now),
	}
	for _, name := range PlanFeatures() {
		if on, ok := p.Features[name]; ok {
			args = append(args, on)
			set += fmt.Sprintf(`, feature_%s = $%d`, name, len(args))
		}
	}
	if p.Trash != nil {
		args = append(args, *p.Trash)
		set += fmt.Sprintf(`, feature_trash = $%d`, len(args))
	}
	_, err := tx.Exec(ctx, `UPDATE hubs SET `+set+` WHERE id = $1`, args...)
	return err
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// MailedLink is a link of another kind than an activation.
type MailedLink struct {
	ID   int64
	Kind MailedLinkKind
	User int64
	data string
}

// MailedLinkKind says what a link is for.
type MailedLinkKind string

// The kinds.
const (
	EmailLink    MailedLinkKind = "email"    // opened, then used
	RecoveryLink MailedLinkKind = "recovery" // opened, then used
	ResetLink    MailedLinkKind = "reset"    // used at once
	UnlockLink   MailedLinkKind = "unlock"   // used at once
)

// Data decodes what the link was made for.
func (l MailedLink) Data(into any) error {
	if err := json.Unmarshal([]byte(l.data), into); err != nil {
		return fmt.Errorf("decoding the data of a link: %w", err)
	}
	return nil
}

const linkColumns = `id, kind, user_id, data`

func scanLink(row db.Scanner) (l MailedLink, err error) {
	err = row.Scan(&l.ID, &l.Kind, &l.User, &l.data)
	return l, err
}

// InsertLink adds a link of the user's and supersedes those of the same kind
// that have not been used. Without such a user the same statements do nothing.
func InsertLink(ctx context.Context, tx *db.Tx, kind MailedLinkKind, user int64, digest []byte, data any, now, ends time.Time) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encoding the data of a link: %w", err)
	}
	if err := RevokeLinks(ctx, tx, user, kind, now); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO links (digest, kind, user_id, data, created_time, expiration_time)
		SELECT $1, $2, users.id, $4, $5, $6 FROM users WHERE users.id = $3`,
		digest, kind, user, string(text), db.Micros(now), db.Micros(ends))
	return err
}

// RevokeLinks makes the user's unused links of a kind useless.
func RevokeLinks(ctx context.Context, tx *db.Tx, user int64, kind MailedLinkKind, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE links SET revoked_time = $3
		WHERE user_id = $1 AND kind = $2 AND used_time IS NULL AND revoked_time IS NULL`, user, kind, db.Micros(now))
	return err
}

// OpenMailedLink opens a link, once.
func OpenMailedLink(ctx context.Context, tx *db.Tx, digest []byte, now time.Time, kinds ...MailedLinkKind) (MailedLink, LinkState, error) {
	return takeLink(ctx, tx, "opened_time", digest, now, kinds)
}

// UseMailedLink uses a link that needs no opening, once.
func UseMailedLink(ctx context.Context, tx *db.Tx, digest []byte, now time.Time, kind MailedLinkKind) (MailedLink, LinkState, error) {
	return takeLink(ctx, tx, "used_time", digest, now, []MailedLinkKind{kind})
}

// takeLink sets one of the times of a link in which none is set.
func takeLink(ctx context.Context, tx *db.Tx, column string, digest []byte, now time.Time, kinds []MailedLinkKind) (MailedLink, LinkState, error) {
	for _, kind := range kinds {
		l, err := scanLink(tx.QueryRow(ctx, `UPDATE links SET `+column+` = $3
			WHERE digest = $1 AND kind = $2 AND opened_time IS NULL AND used_time IS NULL AND revoked_time IS NULL
				AND expiration_time > $3 RETURNING `+linkColumns, digest, kind, db.Micros(now)))
		if err == nil {
			return l, LinkOpened, nil
		}
		if !errors.Is(err, db.ErrNoRows) {
			return MailedLink{}, LinkUnknown, err
		}
		l, err = FindLink(ctx, tx, digest, kind)
		if err == nil {
			return l, LinkGone, nil
		}
		if !errors.Is(err, db.ErrNoRows) {
			return MailedLink{}, LinkUnknown, err
		}
	}
	return MailedLink{}, LinkUnknown, nil
}

// FindLink finds a link in whatever state it is; [db.ErrNoRows] if there is
// none.
func FindLink(ctx context.Context, q db.Queryer, digest []byte, kind MailedLinkKind) (MailedLink, error) {
	return scanLink(q.QueryRow(ctx, `SELECT `+linkColumns+` FROM links WHERE digest = $1 AND kind = $2`, digest, kind))
}

// LiveLink finds a link that can be used without opening it; [db.ErrNoRows] if
// there is none. Only UseMailedLink uses it up.
func LiveLink(ctx context.Context, q db.Queryer, digest []byte, kind MailedLinkKind, now time.Time) (MailedLink, error) {
	return scanLink(q.QueryRow(ctx, `SELECT `+linkColumns+` FROM links
		WHERE digest = $1 AND kind = $2 AND opened_time IS NULL AND used_time IS NULL AND revoked_time IS NULL
			AND expiration_time > $3`, digest, kind, db.Micros(now)))
}

// UseOpenedLink uses the user's link of a kind that was opened after a time,
// once; [db.ErrNoRows] if there is none.
func UseOpenedLink(ctx context.Context, tx *db.Tx, user int64, kind MailedLinkKind, openedAfter, now time.Time) (MailedLink, error) {
	return scanLink(tx.QueryRow(ctx, `UPDATE links SET used_time = $4
		WHERE user_id = $1 AND kind = $2 AND opened_time > $3 AND used_time IS NULL AND revoked_time IS NULL
		RETURNING `+linkColumns, user, kind, db.Micros(openedAfter), db.Micros(now)))
}

// SweepLinks removes links that expired before a time, and tells how many.
func SweepLinks(ctx context.Context, d *db.DB, before time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "links", "id", "expiration_time < $1", sweepBatch, db.Micros(before))
}

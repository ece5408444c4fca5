package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Extension is what a session gets with its next token.
type Extension struct {
	Session    int64
	Now        time.Time // the next token's iat, unless TokensSince is later
	Cutoff     time.Time // what expires by then has expired
	Expiration time.Time
	Address    string
	// Issued is the iat of the token that is asked with; nil if none is.
	Issued *time.Time
}

// issued is the column's next value: never less than it was, as another
// process's clock may be ahead.
const issued = `CASE WHEN issued_time < $1 THEN $1 ELSE issued_time END`

// Extend gives a session that is neither ended nor expired a new expiration and
// the address it was last seen from. A session whose tokens of that iat are
// void counts as ended.
func Extend(ctx context.Context, tx *db.Tx, e Extension) (Record, error) {
	asked := int64(math.MaxInt64)
	if e.Issued != nil {
		asked = db.Micros(*e.Issued)
	}
	return scan(tx.QueryRow(ctx, `UPDATE sessions SET issued_time = `+issued+`, expiration_time = $2, address = $3
		WHERE id = $4 AND ended_time IS NULL AND expiration_time > $5 AND tokens_since <= $6
		RETURNING `+columns,
		db.Micros(e.Now), db.Micros(e.Expiration), e.Address, e.Session, db.Micros(e.Cutoff), asked))
}

// since is later than every token so far and not before now.
const since = `CASE WHEN issued_time < $1 THEN $1 ELSE issued_time + 1 END`

// SwitchHub moves a session of its own (without a parent) as Extend extends it,
// and voids its tokens: the next one has the iat TokensSince.
func SwitchHub(ctx context.Context, tx *db.Tx, e Extension, hub *int64) (Record, error) {
	return scan(tx.QueryRow(ctx, `UPDATE sessions SET tokens_since = `+since+`, issued_time = `+since+`,
			hub_id = $2, expiration_time = $3, address = $4
		WHERE id = $5 AND ended_time IS NULL AND expiration_time > $6 AND parent_id IS NULL
		RETURNING `+columns,
		db.Micros(e.Now), hub, db.Micros(e.Expiration), e.Address, e.Session, db.Micros(e.Cutoff)))
}

// Elevation is what a session says after its user has proved more, and what it
// gets with its next token.
type Elevation struct {
	Extension

	Methods           []sessions.Method
	MFA               *int64
	AuthenticatedTime time.Time
}

// Elevate writes that down as SwitchHub does: the tokens from before are void.
// The session has to be locked.
func Elevate(ctx context.Context, tx *db.Tx, e Elevation) (Record, error) {
	methods, err := json.Marshal(e.Methods)
	if err != nil {
		return Record{}, fmt.Errorf("store: %w", err)
	}
	return scan(tx.QueryRow(ctx, `UPDATE sessions SET tokens_since = `+since+`, issued_time = `+since+`,
			methods = $2, mfa_id = $3, authenticated_time = $4, expiration_time = $5, address = $6
		WHERE id = $7 AND ended_time IS NULL
		RETURNING `+columns,
		db.Micros(e.Now), string(methods), e.MFA, db.Micros(e.AuthenticatedTime), db.Micros(e.Expiration), e.Address, e.Session))
}

// LockSession makes whatever ends a session wait until the transaction is over.
// A session that has ended or expired is db.ErrNoRows.
func LockSession(ctx context.Context, tx *db.Tx, id int64, cutoff time.Time) (Record, error) {
	return scan(tx.QueryRow(ctx, `UPDATE sessions SET id = id
		WHERE id = $1 AND ended_time IS NULL AND expiration_time > $2 RETURNING `+columns, id, db.Micros(cutoff)))
}

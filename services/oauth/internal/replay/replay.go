// Package replay uses up one-time ids: the jti of assertions (RFC 7523 section
// 3) and of proofs of possession (RFC 9449 section 11.1).
package replay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// ErrSpent says that an id was used before.
var ErrSpent = errors.New("replay: the id has been used before")

// spentError is [ErrSpent] of an id.
type spentError struct{ id ID }

func (spentError) Error() string { return ErrSpent.Error() }
func (spentError) Unwrap() error { return ErrSpent }

// KindOf is the kind of the id that an [ErrSpent] is about.
func KindOf(err error) string {
	var spent spentError
	_ = errors.As(err, &spent)
	return spent.id.Kind
}

// ID is a one-time id.
type ID struct {
	// Kind and Issuer tell apart who chose the id and for what.
	Kind, Issuer, Value string
	// Expires is when what carries the id is refused in any case.
	Expires time.Time
}

func (id ID) hash() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", id.Kind, id.Issuer, id.Value))
	return sum[:]
}

// Spend uses the ids up, or returns [ErrSpent] if one of them was. Of several
// that try at once one succeeds. It belongs into the transaction of what the ids
// are for, so that a request that fails may be sent again.
func Spend(ctx context.Context, tx *db.Tx, ids []ID) error {
	for _, id := range ids {
		n, err := tx.Exec(ctx, `INSERT INTO spent_ids (id_hash, expiration_time) VALUES ($1, $2)
			ON CONFLICT (id_hash) DO NOTHING`, id.hash(), db.Micros(id.Expires))
		if err != nil {
			return fmt.Errorf("replay: spend: %w", err)
		}
		if n == 0 {
			return spentError{id}
		}
	}
	return nil
}

// Spent tells whether the id was used, without using it.
func Spent(ctx context.Context, q db.Queryer, id ID) (bool, error) {
	var spent bool
	err := q.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM spent_ids WHERE id_hash = $1)", id.hash()).Scan(&spent)
	if err != nil {
		return false, fmt.Errorf("replay: look up: %w", err)
	}
	return spent, nil
}

// Sweep deletes ids whose time is over.
func Sweep(ctx context.Context, d *db.DB, now time.Time) (int64, error) {
	n, err := db.DeleteInBatches(ctx, d, "spent_ids", "id_hash", "expiration_time <= $1", 500, db.Micros(now))
	if err != nil {
		return n, fmt.Errorf("replay: sweep: %w", err)
	}
	return n, nil
}

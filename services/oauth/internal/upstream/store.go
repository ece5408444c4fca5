package upstream

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// secrets are what a login needs at its end and nobody else may know.
type secrets struct {
	Verifier string `json:"verifier"`
	Nonce    string `json:"nonce"`
}

// begun is a login that has begun.
type begun struct {
	// Provider is the name of one of the installation's, or the hash of a hub's.
	Provider, Binding, RedirectURI string
	Hub                            *int64 // where the user wants to go
	Secrets                        secrets
}

const sealPurpose = "oauth.upstream"

var errNoState = errors.New("upstream: no such state")

type store struct {
	db   *db.DB
	ring *keyring.Ring
}

func hashOf(state string) []byte {
	sum := sha256.Sum256([]byte(state))
	return sum[:]
}

func (s store) insert(ctx context.Context, state string, b begun, ends time.Time) error {
	text, err := json.Marshal(b.Secrets)
	if err != nil {
		return fmt.Errorf("upstream: encode: %w", err)
	}
	key := hashOf(state)
	sealed, err := s.ring.Seal(sealPurpose, text, key)
	if err != nil {
		return fmt.Errorf("upstream: seal: %w", err)
	}
	_, err = s.db.Exec(ctx, `INSERT INTO identity_states (state_hash, provider, binding, redirect_uri, hub, secrets, expiration_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, key, b.Provider, b.Binding, b.RedirectURI, b.Hub, sealed, db.Micros(ends))
	if err != nil {
		return fmt.Errorf("upstream: store a state: %w", err)
	}
	return nil
}

// take finds a login of this caller at this provider and uses its state up;
// errNoState if there is none. Another caller who has learnt the state does not
// use it up.
func (s store) take(ctx context.Context, state, provider, binding string, now time.Time) (begun, error) {
	b := begun{Provider: provider, Binding: binding}
	key := hashOf(state)
	var sealed []byte
	var hub sql.NullInt64
	err := s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRow(ctx, `DELETE FROM identity_states
			WHERE state_hash = $1 AND provider = $2 AND binding = $3 AND expiration_time > $4
			RETURNING redirect_uri, hub, secrets`, key, provider, binding, db.Micros(now)).Scan(&b.RedirectURI, &hub, &sealed)
	})
	if errors.Is(err, db.ErrNoRows) {
		return begun{}, errNoState
	}
	if err != nil {
		return begun{}, fmt.Errorf("upstream: take a state: %w", err)
	}
	if hub.Valid {
		b.Hub = &hub.Int64
	}
	text, err := s.ring.Open(sealPurpose, sealed, key)
	if err != nil {
		return begun{}, fmt.Errorf("upstream: open: %w", err)
	}
	if err := json.Unmarshal(text, &b.Secrets); err != nil {
		return begun{}, fmt.Errorf("upstream: decode: %w", err)
	}
	return b, nil
}

const sweepBatch = 500

// Sweep deletes logins that were not finished in time, and changes of hubs'
// providers that came to nothing, and tells how many.
func (l *Logins) Sweep(ctx context.Context, now time.Time) (int64, error) {
	states, err := db.DeleteInBatches(ctx, l.store.db, "identity_states", "state_hash", "expiration_time <= $1", sweepBatch, db.Micros(now))
	changes, err2 := l.sweepChanges(ctx, now)
	return states + changes, errors.Join(err, err2)
}

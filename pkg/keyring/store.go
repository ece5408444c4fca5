package keyring

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Schema creates the table of [Keys]. A service has it in one of its
// migrations, once, however many sets of keys it has.
const Schema = `CREATE TABLE signing_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    alg        TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    signs_from BIGINT NOT NULL,
    expires_at BIGINT,
    UNIQUE (name, generation)
);
`

// sealPurpose is the ring's purpose for private keys.
const sealPurpose = "signing-key"

type row struct {
	id, alg               string
	generation, signsFrom int64
	sealed                []byte
	expiresAt             sql.NullInt64
}

// load reads the table into the current snapshot. At the start it is an error
// if a key does not open, but not later: while the roots rotate, replicas with
// the old ring go on with the keys they know.
func (k *Keys) load(ctx context.Context) (*snapshot, error) {
	readAt := k.clock.Now()
	rows, err := k.rows(ctx)
	if err != nil {
		return nil, err
	}
	before := k.current.Load()
	starting := before == nil || len(before.keys) == 0
	s := &snapshot{readAt: readAt}
	for _, r := range rows {
		private, err := k.private(r, before.find(r.id))
		if err != nil && starting {
			return nil, err
		}
		if err != nil {
			k.logger.ErrorContext(ctx, "a signing key does not open", "error", err)
			continue
		}
		key := storedKey{generation: r.generation, Key: Key{
			ID: r.id, Alg: Alg(r.alg), Private: private, NotBefore: db.FromMicros(r.signsFrom),
		}}
		if end := db.FromNullMicros(r.expiresAt); end != nil {
			key.NotAfter = *end
		}
		s.keys = append(s.keys, key)
	}
	k.current.Store(s)
	return s, nil
}

func (k *Keys) rows(ctx context.Context) ([]row, error) {
	found, err := k.db.Query(ctx, `SELECT id, alg, generation, sealed, signs_from, expires_at
		FROM signing_keys WHERE name = $1 ORDER BY generation`, k.name)
	if err != nil {
		return nil, fmt.Errorf("keyring: read the keys %q: %w", k.name, err)
	}
	defer func() { _ = found.Close() }()
	var rows []row
	for found.Next() {
		var r row
		if err := found.Scan(&r.id, &r.alg, &r.generation, &r.sealed, &r.signsFrom, &r.expiresAt); err != nil {
			return nil, fmt.Errorf("keyring: read the keys %q: %w", k.name, err)
		}
		rows = append(rows, r)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("keyring: read the keys %q: %w", k.name, err)
	}
	return rows, nil
}

// private opens a row's key, unless it is known already.
func (k *Keys) private(r row, known *storedKey) (any, error) {
	if known != nil {
		return known.Private, nil
	}
	encoded, err := k.ring.Open(sealPurpose, r.sealed, k.aad(r.id, r.alg))
	if errors.Is(err, ErrUnknownRoot) {
		return nil, fmt.Errorf("keyring: key %s of %q was sealed under a root key that is missing now: add that root after the new one: %w", r.id, k.name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: key %s of %q: %w", r.id, k.name, err)
	}
	private, err := Alg(r.alg).parse(encoded)
	if err != nil {
		return nil, fmt.Errorf("keyring: key %s of %q: %w", r.id, k.name, err)
	}
	return private, nil
}

// aad ties a sealed key to its row, so that rows cannot be exchanged.
func (k *Keys) aad(id, alg string) []byte {
	return fmt.Appendf(nil, "%q %q %q", k.name, id, alg)
}

// change is something that happens to keys, in a transaction. It is false if another
// replica did something first that leaves it without its ground; then nothing happens.
type change func(ctx context.Context, tx *db.Tx) (bool, error)

// apply makes a change, and what is given in the same transaction.
func (k *Keys) apply(ctx context.Context, c change, within ...Within) (made bool, err error) {
	err = k.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if made, err = c(ctx, tx); err != nil || !made {
			return err
		}
		return do(ctx, tx, within)
	})
	if err != nil {
		return false, fmt.Errorf("keyring: change the keys %q: %w", k.name, err)
	}
	return made, nil
}

// insertion makes the key that follows another one (nil: the first one), unless
// another replica has done so first.
func (k *Keys) insertion(after *storedKey, signsFrom time.Time) (change, error) {
	encoded, err := k.alg.generate()
	if err != nil {
		return nil, fmt.Errorf("keyring: make a key for %q: %w", k.name, err)
	}
	id := rand.Text()
	sealed, err := k.ring.Seal(sealPurpose, encoded, k.aad(id, string(k.alg)))
	if err != nil {
		return nil, err
	}
	generation := after.follows()
	return func(ctx context.Context, tx *db.Tx) (bool, error) {
		n, err := tx.Exec(ctx, `INSERT INTO signing_keys (id, name, generation, alg, sealed, signs_from)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name, generation) DO NOTHING`,
			id, k.name, generation, string(k.alg), sealed, db.Micros(signsFrom))
		if err != nil || n == 0 {
			return false, err
		}
		tx.OnCommit(func() {
			k.logger.InfoContext(ctx, "a signing key was made", "kid", id, "alg", k.alg, "signs_from", signsFrom)
		})
		return true, k.expire(ctx, tx, generation-1, signsFrom)
	}, nil
}

// insert makes the key that follows another one and is false if another replica did.
func (k *Keys) insert(ctx context.Context, after *storedKey, signsFrom time.Time, within ...Within) (bool, error) {
	insertion, err := k.insertion(after, signsFrom)
	if err != nil {
		return false, err
	}
	return k.apply(ctx, insertion, within...)
}

// advancement has a key that was to sign later sign from an earlier time on, unless
// it does by then.
func (k *Keys) advancement(next *storedKey, from time.Time) change {
	return func(ctx context.Context, tx *db.Tx) (bool, error) {
		n, err := tx.Exec(ctx, `UPDATE signing_keys SET signs_from = $1 WHERE id = $2 AND signs_from > $1`,
			db.Micros(from), next.ID)
		if err != nil || n == 0 {
			return false, err
		}
		return true, k.expire(ctx, tx, next.generation-1, from)
	}
}

// expire settles when the key whose successor signs from then on expires. A
// successor that signs at once gets other replicas time to learn of it. One that was
// revoked stays so.
func (k *Keys) expire(ctx context.Context, tx *db.Tx, generation int64, successorSigns time.Time) error {
	known := k.clock.Now().Add(refreshEvery)
	last := successorSigns
	if last.Before(known) {
		last = known
	}
	_, err := tx.Exec(ctx, `UPDATE signing_keys SET expires_at = $1
		WHERE name = $2 AND generation = $3 AND (expires_at IS NULL OR expires_at > $1)`,
		db.Micros(last.Add(k.retire)), k.name, generation)
	return err
}

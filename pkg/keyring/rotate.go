package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Run rotates the keys when they are due, until ctx ends. It removes expired
// ones, and seals the others again when the ring has a new root. Every replica
// may run it.
func (k *Keys) Run(ctx context.Context) error {
	tick := k.clock.NewTicker(maintainEvery)
	defer tick.Stop()
	for {
		if err := k.Maintain(ctx); err != nil && ctx.Err() == nil {
			k.logger.ErrorContext(ctx, "signing keys could not be looked after; another attempt follows", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.Chan():
		}
	}
}

// Rotate has a new key sign from now on: the next one if it is published
// already, and else a fresh one. The one before verifies for its time, which
// is ten seconds longer here, as other replicas learn of it within these.
// After a key has leaked, [Keys.Revoke] it instead.
func (k *Keys) Rotate(ctx context.Context) error { return k.RotateAt(ctx, k.clock.Now()) }

// Within is what shall happen in the transaction that changes keys, or not at all.
type Within func(ctx context.Context, tx *db.Tx) error

// Revoke has a key neither sign nor verify any more, and another one sign
// instead if need be. Other replicas follow within ten seconds, as long as they
// reach the database. It returns [ErrUnknownKey] if there is no key of that id.
// What is given is done in the same transaction.
func (k *Keys) Revoke(ctx context.Context, kid string, within ...Within) error {
	for range maxTries {
		s, err := k.read(ctx)
		if err != nil {
			return err
		}
		if s.find(kid) == nil {
			return ErrUnknownKey
		}
		made, err := k.revoke(ctx, s, kid, within)
		if err != nil {
			return err
		}
		if made {
			k.logger.WarnContext(ctx, "a signing key was revoked", "kid", kid)
			_, err = k.read(ctx)
			return err
		}
	}
	return k.contended()
}

// revoke expires a key of the snapshot and has another one sign in its place, both or
// neither. It is false if another replica has changed the keys since.
func (k *Keys) revoke(ctx context.Context, s *snapshot, kid string, within []Within) (bool, error) {
	now := k.clock.Now()
	replace := func(context.Context, *db.Tx) (bool, error) { return true, nil }
	newest := s.newest()
	signing, _ := s.signing(now)
	switch kid {
	case newest.ID:
		insertion, err := k.insertion(newest, now)
		if err != nil {
			return false, err
		}
		replace = insertion
	case signing.ID: // so the newest is the next one
		replace = k.advancement(newest, now)
	}
	return k.apply(ctx, func(ctx context.Context, tx *db.Tx) (bool, error) {
		if replaced, err := replace(ctx, tx); err != nil || !replaced {
			return false, err
		}
		_, err := tx.Exec(ctx, `UPDATE signing_keys SET expires_at = $1 WHERE id = $2`, db.Micros(now), kid)
		return err == nil, err
	}, within...)
}

// maxTries is how often a change begins anew because another replica was faster.
const maxTries = 5

// contended is what to say after so many.
func (k *Keys) contended() error {
	return fault.New(fault.Unavailable, "").Because(fmt.Errorf("keyring: others keep changing the keys %q", k.name))
}

// Maintain is one round of [Keys.Run].
func (k *Keys) Maintain(ctx context.Context) error {
	s, err := k.read(ctx)
	if err != nil {
		return err
	}
	if k.due(s) {
		// Whoever was faster did the same.
		if _, err := k.insert(ctx, s.newest(), k.clock.Now().Add(k.publish)); err != nil {
			return err
		}
	}
	_, err = k.db.Exec(ctx, `DELETE FROM signing_keys WHERE name = $1 AND expires_at <= $2`, k.name, db.Micros(k.clock.Now()))
	if err != nil {
		return fmt.Errorf("keyring: remove expired keys of %q: %w", k.name, err)
	}
	if err := k.reseal(ctx); err != nil {
		return err
	}
	_, err = k.read(ctx)
	return err
}

// due reports whether it is time to publish a next key.
func (k *Keys) due(s *snapshot) bool {
	newest, now := s.newest(), k.clock.Now()
	if newest == nil || newest.NotBefore.After(now) {
		return newest == nil
	}
	return newest.Alg != k.alg || !now.Before(newest.NotBefore.Add(k.rotate-k.publish))
}

// reseal seals again what an older root sealed, so that it can leave the ring.
// A key that does not open is somebody else's: a replica with a newer ring.
func (k *Keys) reseal(ctx context.Context) error {
	rows, err := k.rows(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !k.ring.Stale(r.sealed) {
			continue
		}
		aad := k.aad(r.id, r.alg)
		encoded, err := k.ring.Open(sealPurpose, r.sealed, aad)
		if errors.Is(err, ErrUnknownRoot) {
			continue
		}
		if err != nil {
			return fmt.Errorf("keyring: key %s of %q: %w", r.id, k.name, err)
		}
		sealed, err := k.ring.Seal(sealPurpose, encoded, aad)
		if err != nil {
			return err
		}
		if _, err := k.db.Exec(ctx, `UPDATE signing_keys SET sealed = $1 WHERE id = $2 AND sealed = $3`, sealed, r.id, r.sealed); err != nil {
			return fmt.Errorf("keyring: seal a key of %q again: %w", k.name, err)
		}
	}
	return nil
}

func do(ctx context.Context, tx *db.Tx, within []Within) error {
	for _, f := range within {
		if err := f(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

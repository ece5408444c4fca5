package keyring

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Describe tells of the keys that verify, or will, the newest first.
func (k *Keys) Describe(ctx context.Context) ([]api.SigningKey, error) {
	s, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	now := k.clock.Now()
	signing, _ := s.signing(now)
	var all []api.SigningKey
	for _, key := range s.usable(now) {
		d := api.SigningKey{ID: key.ID, Algorithm: string(key.Alg), State: api.KeyRetired, SignsFrom: key.NotBefore.UTC()}
		switch {
		case key.ID == signing.ID:
			d.State = api.KeySigning
		case key.NotBefore.After(now):
			d.State = api.KeyNext
		}
		if !key.NotAfter.IsZero() {
			end := key.NotAfter.UTC()
			d.ExpirationTime = &end
		}
		all = append(all, d)
	}
	return all, nil
}

// RotateAt has a new key sign from that time on, or sooner if one is on its way
// that does: see [Keys.Rotate], which is this at once. What is given is done in
// the same transaction, if there is something to do. Where nobody made a first key,
// and [KeysOptions.Existing] is set, it returns [ErrNoKeys].
func (k *Keys) RotateAt(ctx context.Context, from time.Time, within ...Within) error {
	var asked int64 // the generation after which this was asked for
	for try := range maxTries {
		s, err := k.read(ctx)
		if err != nil {
			return err
		}
		newest := s.newest()
		if try == 0 {
			asked = newest.next(k.clock.Now())
		}
		var made bool
		switch now := k.clock.Now(); {
		case newest == nil && k.existing:
			return ErrNoKeys
		case newest != nil && newest.generation >= asked && !newest.NotBefore.After(from):
			return nil // another replica's, made since
		case newest == nil || !newest.NotBefore.After(now):
			made, err = k.insert(ctx, newest, from, within...)
		case newest.NotBefore.After(from):
			made, err = k.apply(ctx, k.advancement(newest, from), within...)
		default:
			return nil
		}
		if err != nil {
			return err
		}
		if made {
			_, err = k.read(ctx)
			return err
		}
	}
	return k.contended()
}

package keyring_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestALifeOfAKey(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys := f.replica(t)
		first := signing(t, keys).ID

		f.pass(t, rotate-publish-time.Minute, keys)
		assert.Equal(t, []string{first}, ids(t, keys), "not due yet")

		f.pass(t, time.Minute, keys)
		all := ids(t, keys)
		require.Len(t, all, 2, "the next one is published")
		second := all[0]
		assert.Equal(t, first, signing(t, keys).ID, "but does not sign")
		assert.True(t, verifies(t, keys, second))
		next, err := keys.Verifying(t.Context(), second)
		require.NoError(t, err)
		assert.Equal(t, f.clock.Now().Add(publish), next.NotBefore)

		f.pass(t, publish-time.Minute, keys)
		assert.Equal(t, first, signing(t, keys).ID)
		f.clock.Advance(time.Minute)
		assert.Equal(t, second, signing(t, keys).ID, "it signs on time, without anybody looking after it")
		assert.Equal(t, []string{second, first}, ids(t, keys))

		f.pass(t, retire-time.Second, keys)
		assert.True(t, verifies(t, keys, first), "a token of the last moment is still valid")
		f.clock.Advance(time.Second)
		assert.False(t, verifies(t, keys, first), "and now expired")
		assert.Equal(t, []string{second}, ids(t, keys))

		require.NoError(t, keys.Maintain(t.Context()))
		assert.Equal(t, 1, f.rows(t), "the expired one is gone from the table")
	})
}

func (f *fixture) rows(t *testing.T) int {
	t.Helper()
	var n int
	assert.NoError(t, f.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM signing_keys`).Scan(&n))
	return n
}

func TestAKeySignsOnWhileNobodyRotates(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		first := signing(t, f.replica(t)).ID
		f.clock.Advance(10 * rotate) // the installation was off, or could not rotate
		keys := f.replica(t)
		assert.Equal(t, first, signing(t, keys).ID)

		require.NoError(t, keys.Maintain(t.Context()))
		f.pass(t, publish, keys)
		assert.NotEqual(t, first, signing(t, keys).ID)
		f.pass(t, retire-time.Second, keys)
		assert.True(t, verifies(t, keys, first), "what it signed at last is covered too")
		f.pass(t, time.Second, keys)
		assert.False(t, verifies(t, keys, first))
	})
}

func TestPublishHasADefault(t *testing.T) {
	t.Parallel()
	for want, rotate := range map[time.Duration]time.Duration{2 * time.Hour: 8 * time.Hour, day: rotate} {
		t.Run(want.String(), func(t *testing.T) {
			eachDB(t, func(t *testing.T, f *fixture) {
				o := f.options()
				o.Rotate, o.Publish = rotate, 0
				keys, err := keyring.NewKeys(t.Context(), o)
				require.NoError(t, err)
				f.pass(t, rotate-want-time.Second, keys)
				require.Len(t, ids(t, keys), 1)
				f.pass(t, time.Second, keys)
				require.Len(t, ids(t, keys), 2)
			})
		})
	}
}

func TestAReplicaWhoseClockIsBehindSignsAtOnce(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		first := signing(t, f.replica(t)).ID
		f.clock = clockwork.NewFakeClockAt(f.clock.Now().Add(-time.Minute))
		behind := f.replica(t)
		assert.Equal(t, first, signing(t, behind).ID)
		require.NoError(t, behind.Maintain(t.Context()))
		assert.Equal(t, []string{first}, ids(t, behind))
	})
}

// It is the race detector's: many requests read while the keys change.
func TestKeysAreForConcurrentUse(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys, other := f.replica(t), f.replica(t)
		var done sync.WaitGroup
		for range 8 {
			done.Go(func() {
				for range 20 {
					key, err := keys.Signing(t.Context())
					if err == nil {
						_, err = other.Verifying(t.Context(), key.ID)
					}
					if err != nil {
						t.Error(err)
					}
					f.clock.Advance(30 * time.Second)
				}
			})
		}
		for range 5 {
			require.NoError(t, keys.Maintain(t.Context()))
			require.NoError(t, other.Rotate(t.Context()))
		}
		done.Wait()
	})
}

func TestReplicasRotateOnce(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		replicas := []*keyring.Keys{f.replica(t), f.replica(t), f.replica(t)}
		f.clock.Advance(rotate)
		var done sync.WaitGroup
		for _, keys := range replicas {
			done.Go(func() { assert.NoError(t, keys.Maintain(t.Context())) })
		}
		done.Wait()
		f.clock.Advance(publish)
		want := signing(t, replicas[0]).ID
		for _, keys := range replicas {
			assert.Equal(t, want, signing(t, keys).ID)
			assert.Len(t, ids(t, keys), 2)
		}
	})
}

func TestAnUnknownKeyIsLookedUp(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		here, there := f.replica(t), f.replica(t)
		require.NoError(t, there.Rotate(t.Context()))
		kid := signing(t, there).ID
		assert.NotEqual(t, kid, signing(t, here).ID, "it has not heard of it")
		assert.True(t, verifies(t, here, kid))
		assert.Equal(t, kid, signing(t, here).ID)
	})
}

func TestKeysThatWereMadeUpCostLittle(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		here, there := f.replica(t), f.replica(t)
		for range 100 {
			assert.False(t, verifies(t, here, "made up"))
		}
		require.NoError(t, there.Rotate(t.Context()))
		kid := signing(t, there).ID
		assert.False(t, verifies(t, here, kid), "the second's queries are used up")
		f.clock.Advance(time.Second)
		assert.True(t, verifies(t, here, kid))
	})
}

func TestRotateAtOnce(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys, unaware := f.replica(t), f.replica(t)
		first := signing(t, keys).ID
		require.NoError(t, keys.Rotate(t.Context()))
		second := signing(t, keys).ID
		assert.NotEqual(t, first, second)

		f.clock.Advance(9 * time.Second)
		assert.Equal(t, first, signing(t, unaware).ID)
		f.clock.Advance(time.Second)
		assert.Equal(t, second, signing(t, unaware).ID, "ten seconds are the longest")
		f.pass(t, retire-time.Second, keys)
		assert.True(t, verifies(t, keys, first), "what the other signed is covered too")
		f.pass(t, time.Second, keys)
		assert.False(t, verifies(t, keys, first))
	})
}

func TestRotateAtOnceTakesTheNextKeyIfThereIsOne(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys := f.replica(t)
		f.pass(t, rotate-publish, keys)
		before := ids(t, keys)
		require.NoError(t, keys.Rotate(t.Context()))
		assert.Equal(t, before, ids(t, keys))
		assert.Equal(t, before[0], signing(t, keys).ID)
		f.pass(t, time.Minute+retire, keys)
		assert.False(t, verifies(t, keys, before[1]), "the time of the one before counts from then")
	})
}

func TestRevoke(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys, other := f.replica(t), f.replica(t)
		revoke := func(kid string) {
			require.NoError(t, keys.Revoke(t.Context(), kid))
			assert.False(t, verifies(t, keys, kid))
			assert.NotContains(t, ids(t, keys), kid)
			f.clock.Advance(10 * time.Second)
			assert.False(t, verifies(t, other, kid), "ten seconds are the longest")
		}
		lone := signing(t, keys).ID
		revoke(lone)
		current := signing(t, keys).ID
		assert.NotEqual(t, lone, current)

		f.pass(t, rotate-publish, keys)
		next := ids(t, keys)[0]
		require.NotEqual(t, current, next)
		revoke(current)
		assert.Equal(t, next, signing(t, keys).ID, "the next one steps in")

		f.pass(t, rotate-publish, keys)
		retired, next := signing(t, keys).ID, ids(t, keys)[0]
		require.NotEqual(t, retired, next)
		revoke(next)
		replaced := signing(t, keys).ID
		assert.NotContains(t, []string{next, retired}, replaced)
		assert.True(t, verifies(t, keys, retired))
		revoke(retired)
		assert.Equal(t, replaced, signing(t, keys).ID)
		require.ErrorIs(t, keys.Revoke(t.Context(), "made up"), keyring.ErrUnknownKey)
	})
}

func TestAnotherAlgorithmIsRotatedTo(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		old := signing(t, f.replica(t))
		o := f.options()
		o.Alg = keyring.EdDSA
		keys, err := keyring.NewKeys(t.Context(), o)
		require.NoError(t, err)
		assert.Equal(t, old.ID, signing(t, keys).ID)
		require.NoError(t, keys.Maintain(t.Context()))
		require.NoError(t, keys.Maintain(t.Context()), "once is enough")
		assert.Len(t, ids(t, keys), 2)
		f.clock.Advance(publish)
		assert.Equal(t, keyring.EdDSA, signing(t, keys).Alg)
		assert.True(t, verifies(t, keys, old.ID))
	})
}

func TestRootsRotateUnderneath(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		f.ring = newRing(t, rootKey(1))
		running := f.replica(t)
		key := signing(t, running)

		f.ring = newRing(t, rootKey(2), rootKey(1))
		rotated := f.replica(t)
		assert.Equal(t, key, signing(t, rotated))
		assert.True(t, f.ring.Stale(f.sealed(t, key.ID)))
		require.NoError(t, rotated.Maintain(t.Context()))
		assert.False(t, f.ring.Stale(f.sealed(t, key.ID)), "it was sealed again")

		f.clock.Advance(time.Minute)
		assert.Equal(t, key.ID, signing(t, running).ID, "a replica with the old ring goes on")
		require.NoError(t, running.Maintain(t.Context()))

		f.ring = newRing(t, rootKey(2))
		assert.Equal(t, key, signing(t, f.replica(t)))
	})
}

func TestAMissingRootIsNamedAsTheCause(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		kid := signing(t, f.replica(t)).ID
		f.ring = testkit.Ring(t)
		_, err := keyring.NewKeys(t.Context(), f.options())
		require.ErrorIs(t, err, keyring.ErrUnknownRoot)
		require.ErrorContains(t, err, `key `+kid+` of "session-token" was sealed under a root key that is missing now`)
	})
}

func TestAKeyThatDoesNotOpenLaterIsLoggedAndLeft(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		var log bytes.Buffer
		f.ring = newRing(t, rootKey(1))
		o := f.options()
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		old, err := keyring.NewKeys(t.Context(), o)
		require.NoError(t, err)
		kid := signing(t, old).ID
		f.ring = newRing(t, rootKey(2), rootKey(1))
		require.NoError(t, f.replica(t).Rotate(t.Context()))

		f.clock.Advance(time.Minute)
		assert.Equal(t, kid, signing(t, old).ID)
		assert.Contains(t, log.String(), "a signing key does not open")
		require.NoError(t, old.Maintain(t.Context()))
	})
}

func TestRunRotatesUntilItsContextEnds(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys := f.replica(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- keys.Run(ctx) }()
		require.NoError(t, f.clock.BlockUntilContext(ctx, 1))
		f.clock.Advance(rotate)
		require.Eventually(t, func() bool { return f.rows(t) == 2 }, 20*time.Second, 5*time.Millisecond)
		stop()
		require.NoError(t, <-ended)
	})
}

package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

var drawers = fstest.MapFS{"00001_drawers.sql": {Data: []byte(`-- +goose Up
CREATE TABLE drawers (id {{identity}}, owner TEXT NOT NULL, size BIGINT NOT NULL, sealed BYTEA);`)}}

var column = keyring.Column{
	Table: "drawers", Name: "sealed", Bound: []string{"owner", "size"},
	Opens: func(bound []string) (string, []byte) { return "drawer", fmt.Appendf(nil, "%q", bound) },
}

func root(n byte) []byte { return []byte(fmt.Sprintf("%c-root-key-of-thirty-two-bytes---", n))[:32] }

func ring(t *testing.T, roots ...byte) *keyring.Ring {
	t.Helper()
	var all [][]byte
	for _, n := range roots {
		all = append(all, root(n))
	}
	r, err := keyring.NewRing(all...)
	require.NoError(t, err)
	return r
}

func put(t *testing.T, d *db.DB, r *keyring.Ring, owner string, size int) {
	t.Helper()
	purpose, aad := column.Opens([]string{owner, fmt.Sprint(size)})
	sealed, err := r.Seal(purpose, []byte(owner+"'s"), aad)
	require.NoError(t, err)
	_, err = d.Exec(t.Context(), `INSERT INTO drawers (owner, size, sealed) VALUES ($1, $2, $3)`, owner, size, sealed)
	require.NoError(t, err)
}

func TestWhatLastsIsSealedAgain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "things", drawers, func(t *testing.T, d *db.DB) {
		a, b, both := ring(t, 'a'), ring(t, 'b'), ring(t, 'b', 'a')
		for i := range 520 { // more than a batch
			put(t, d, a, "alice", i)
		}
		put(t, d, b, "bob", 1)
		put(t, d, ring(t, 'z'), "zoe", 1)
		_, err := d.Exec(t.Context(), `INSERT INTO drawers (owner, size) VALUES ('nobody', 0)`)
		require.NoError(t, err)

		uses, err := both.Uses(t.Context(), d, column)
		require.NoError(t, err)
		assert.ElementsMatch(t, []keyring.Use{
			{Table: "drawers", Root: a.IDs()[0], Position: 2, Values: 520},
			{Table: "drawers", Root: b.IDs()[0], Position: 1, Values: 1},
			{Table: "drawers", Root: ring(t, 'z').IDs()[0], Values: 1},
		}, uses)
		assert.NotContains(t, fmt.Sprint(uses), "root-key")

		counted := keyring.Column{Table: "drawers", Name: "sealed"}
		n, err := both.Reseal(t.Context(), d, counted)
		require.NoError(t, err)
		assert.Zero(t, n, "what does not last is left to itself")

		var total int64
		var failed error
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 2 { // at once
			all.Go(func() {
				n, err := both.Reseal(t.Context(), d, column)
				mu.Lock()
				defer mu.Unlock()
				total, failed = total+n, errors.Join(failed, err)
			})
		}
		all.Wait()
		require.NoError(t, failed)
		assert.EqualValues(t, 520, total, "each once")
		uses, err = b.Uses(t.Context(), d, column)
		require.NoError(t, err)
		assert.Len(t, uses, 2, "and what nobody can open stays")

		rows, err := d.Query(t.Context(), `SELECT owner, CAST(size AS TEXT), sealed FROM drawers WHERE owner <> 'zoe' AND sealed IS NOT NULL`)
		require.NoError(t, err)
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var owner, size string
			var sealed []byte
			require.NoError(t, rows.Scan(&owner, &size, &sealed))
			purpose, aad := column.Opens([]string{owner, size})
			plain, err := b.Open(purpose, sealed, aad)
			require.NoError(t, err)
			require.Equal(t, owner+"'s", string(plain))
		}
		require.NoError(t, rows.Err())
	})
}

func TestKeysAreDescribed(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys := f.replica(t)
		states := func() (all []string) {
			described, err := keys.Describe(t.Context())
			require.NoError(t, err)
			for _, k := range described {
				all = append(all, k.State)
				if k.State == api.KeyRetired {
					assert.NotNil(t, k.ExpirationTime)
				}
			}
			return all
		}
		assert.Equal(t, []string{api.KeySigning}, states())
		soon := f.clock.Now().Add(10 * time.Minute)
		require.NoError(t, keys.RotateAt(t.Context(), soon))
		assert.Equal(t, []string{api.KeyNext, api.KeySigning}, states())
		before := ids(t, keys)
		require.NoError(t, keys.RotateAt(t.Context(), soon.Add(time.Hour)), "one is on its way that is sooner")
		assert.Equal(t, before, ids(t, keys))
		f.clock.Advance(10 * time.Minute)
		assert.Equal(t, []string{api.KeySigning, api.KeyRetired}, states())
	})
}

func TestWhatBelongsToAChangeHappensWithIt(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys, other := f.replica(t), f.replica(t)
		refuse := func(context.Context, *db.Tx) error { return errors.New("no") }
		kid := signing(t, keys).ID
		require.ErrorContains(t, keys.RotateAt(t.Context(), f.clock.Now(), refuse), "no")
		assert.Equal(t, []string{kid}, ids(t, keys))
		require.ErrorContains(t, keys.Revoke(t.Context(), kid, refuse), "no")
		assert.True(t, verifies(t, keys, kid))

		called := 0
		count := func(context.Context, *db.Tx) error { called++; return nil }
		require.NoError(t, keys.Revoke(t.Context(), kid, count))
		require.ErrorIs(t, keys.Revoke(t.Context(), "made up", count), keyring.ErrUnknownKey)
		assert.Equal(t, 1, called)
		assert.False(t, verifies(t, keys, kid))
		f.clock.Advance(10 * time.Second)
		assert.False(t, verifies(t, other, kid), "the bound that is promised")
		assert.NotContains(t, ids(t, other), kid)
	})
}

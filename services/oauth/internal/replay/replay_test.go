package replay

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func id(value string) ID {
	return ID{Kind: "k", Issuer: "i", Value: value, Expires: time.Unix(1000, 0)}
}

func TestOfTwoOneSpends(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		var won atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				err := spend(t.Context(), d, id("a"))
				if err == nil {
					won.Add(1)
					return
				}
				assert.True(t, errors.Is(err, ErrSpent) && KindOf(err) == "k", "%v", err)
			})
		}
		all.Wait()
		assert.Equal(t, int64(1), won.Load())
		spent, err := Spent(t.Context(), d, id("a"))
		require.NoError(t, err)
		assert.True(t, spent)
	})
}

// All of a request's ids are used up, or none.
func TestSpendingIsAllOrNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		require.NoError(t, spend(t.Context(), d, id("a")))
		require.ErrorIs(t, spend(t.Context(), d, id("b"), id("a")), ErrSpent)
		require.NoError(t, spend(t.Context(), d, id("b")))
		require.ErrorIs(t, spend(t.Context(), d, id("c"), id("c")), ErrSpent)
		require.NoError(t, spend(t.Context(), d, id(strings.Repeat("long", 1000)), id("")))

		// The parts of an id do not run into each other.
		require.NoError(t, spend(t.Context(), d, ID{Kind: "x", Issuer: "y z"}, ID{Kind: "x y", Issuer: "z"}, ID{Kind: "x", Issuer: `y" "z`}))
	})
}

func TestSweepTakesWhatIsOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		late := id("late")
		late.Expires = late.Expires.Add(time.Microsecond)
		require.NoError(t, spend(t.Context(), d, id("due"), late))
		n, err := Sweep(t.Context(), d, time.Unix(1000, 0))
		require.NoError(t, err)
		assert.Equal(t, int64(1), n)
		require.NoError(t, spend(t.Context(), d, id("due")))
		require.ErrorIs(t, spend(t.Context(), d, late), ErrSpent)
	})
}

func TestMemory(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClockAt(time.Unix(900, 0))
	m := NewMemory(clock)
	assert.False(t, m.Spent(id("a")))
	var won atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if m.Spend(id("a")) == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	assert.Equal(t, int64(1), won.Load())
	err := m.Spend(id("b"), id("a"))
	require.ErrorIs(t, err, ErrSpent)
	assert.Equal(t, "k", KindOf(err))
	clock.Advance(99 * time.Second)
	assert.True(t, m.Spent(id("a")))
	clock.Advance(2 * time.Second)
	assert.False(t, m.Spent(id("a")), "what carries it is refused by now")
	assert.Empty(t, KindOf(nil))
}

func spend(ctx context.Context, d *db.DB, ids ...ID) error {
	return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return Spend(ctx, tx, ids) })
}

// each runs the test on both databases, on the one table that is needed.
func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	testkit.EachDB(t, "replay", nil, func(t *testing.T, d *db.DB) {
		_, err := d.Exec(t.Context(), "CREATE TABLE spent_ids (id_hash BYTEA NOT NULL PRIMARY KEY, expiration_time BIGINT NOT NULL)")
		require.NoError(t, err)
		test(t, d)
	})
}

package db_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// demote makes open connections of a pool those of a server that is no primary any more.
func demote(t *testing.T, d *db.DB, connections int) {
	t.Helper()
	var opened, done sync.WaitGroup
	opened.Add(connections)
	for range connections {
		done.Go(func() {
			assert.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				opened.Done()
				opened.Wait() // all at once, so that each has a connection of its own
				_, err := tx.Exec(ctx, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
				return err
			}))
		})
	}
	done.Wait()
}

func TestConnectionsToAFormerPrimaryAreDropped(t *testing.T) {
	t.Parallel()
	d := open(t, testkit.DatabaseURL(t, db.Postgres), items)
	require.NoError(t, d.Migrate(t.Context()))
	require.NoError(t, insert(t.Context(), d, "before"))
	demote(t, d, 3)

	err := insert(t.Context(), d, "refused")
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	for range 5 {
		require.NoError(t, insert(t.Context(), d, rand.Text()), "one refusal is enough for all connections")
	}
	assert.Equal(t, 6, count(t, d), "what was acknowledged, and nothing else")
}

func TestAReadOnlyServerCanBeReadAndComesBack(t *testing.T) {
	t.Parallel()
	address := testkit.DatabaseURL(t, db.Postgres)
	d := open(t, address, items)
	require.NoError(t, d.Migrate(t.Context()))
	require.NoError(t, insert(t.Context(), d, "before"))
	u, err := url.Parse(address)
	require.NoError(t, err)
	name := `"` + strings.TrimPrefix(u.Path, "/") + `"`
	operator := open(t, address, nil)
	set := func(value string) {
		t.Helper()
		_, err := operator.Exec(t.Context(), "ALTER DATABASE "+name+" SET default_transaction_read_only = "+value) // of new connections
		require.NoError(t, err)
	}
	set("on")
	demote(t, d, 2)
	for range 5 {
		err := insert(t.Context(), d, "refused")
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		assert.Equal(t, 1, count(t, d), "reading goes on")
	}
	err = d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error { return insert(ctx, tx, "refused") })
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)

	set("off")
	for insert(t.Context(), d, "after") != nil {
		require.NoError(t, t.Context().Err())
	}
	assert.Equal(t, 2, count(t, d))
}

func TestThePoolIsSizedInTheURL(t *testing.T) {
	t.Parallel()
	address := testkit.DatabaseURL(t, db.Postgres)
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	q.Set("pool_max_conns", "2")
	u.RawQuery = q.Encode()
	d := open(t, u.String(), items)
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, _ *db.Tx) error {
		return d.QueryRow(ctx, "SELECT 1").Scan(new(int))
	}), "two at once")
	assert.Equal(t, 2, d.MaxConns())
	for _, wrong := range []string{"0", "-1", "x", "100000"} {
		q.Set("pool_max_conns", wrong)
		u.RawQuery = q.Encode()
		_, err := db.Open(t.Context(), u.String(), db.Options{Service: "things"})
		require.ErrorContains(t, err, "pool_max_conns", wrong)
		assert.NotContains(t, err.Error(), u.Query().Get("user")+":", wrong)
	}
}

package db_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestABusyPoolIsAlive(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), testkit.DatabaseURL(t, db.Postgres), db.Options{Service: "shop", MaxConns: 1})
	require.NoError(t, err)
	defer func() { assert.NoError(t, d.Close()) }()
	require.NoError(t, d.Tx(t.Context(), func(context.Context, *db.Tx) error { return d.Ping(t.Context()) }))
}

// pulse runs the pulse of a database and returns a check of what it says by the next
// beat.
func pulse(t *testing.T, address string) (up func(want float64, when string)) {
	t.Helper()
	clock, registry := clockwork.NewFakeClock(), prometheus.NewPedanticRegistry()
	d, err := db.Open(t.Context(), address, db.Options{Service: "shop", Registry: registry})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Pulse(ctx, clock)
	}()
	t.Cleanup(func() {
		stop()
		<-done
		assert.NoError(t, d.Close())
	})
	return func(want float64, when string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			clock.Advance(5 * time.Second)
			var found float64 = -1
			families, err := registry.Gather()
			require.NoError(c, err)
			for _, family := range families {
				if family.GetName() == "gatehouse_db_up" {
					found = family.GetMetric()[0].GetGauge().GetValue()
				}
			}
			assert.InDelta(c, want, found, 0)
		}, 20*time.Second, 10*time.Millisecond, when)
		problems, err := testutil.GatherAndLint(registry, "gatehouse_db_up")
		require.NoError(t, err)
		assert.Empty(t, problems)
	}
}

func TestThePulseTellsOfAnOutage(t *testing.T) {
	t.Parallel()
	line, address := newLine(t)
	up := pulse(t, address)
	line.set(true)
	up(0, "away")
	line.set(false)
	up(1, "back")
}

func TestThePulseTellsOfAReadOnlyServer(t *testing.T) {
	t.Parallel()
	address := testkit.DatabaseURL(t, db.Postgres)
	u, err := url.Parse(address)
	require.NoError(t, err)
	operator := open(t, address, nil)
	set := func(value string) { // of new connections
		t.Helper()
		_, err := operator.Exec(t.Context(), `ALTER DATABASE "`+strings.TrimPrefix(u.Path, "/")+`" SET default_transaction_read_only = `+value)
		require.NoError(t, err)
	}
	set("on")
	up := pulse(t, address)
	up(0, "read-only")
	set("off")
	up(1, "writable")
}

func TestThePulseOfAFile(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), testkit.DatabaseURL(t, db.SQLite), db.Options{Service: "shop"})
	require.NoError(t, err)
	require.NoError(t, d.TakesWrites(t.Context()))
	require.NoError(t, d.Close())
	require.Error(t, d.TakesWrites(t.Context()))
}

package db_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// within is what two readings of one clock may differ by, on a busy machine.
const within = 5 * time.Second

func TestProcessesAgreeOnTheTimeOfTheirDatabase(t *testing.T) {
	t.Parallel()
	address := testkit.DatabaseURL(t, db.Postgres)
	for name, off := range map[string]time.Duration{"ahead": time.Minute, "behind": -time.Minute, "far behind": -90 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := clockwork.NewFakeClockAt(time.Now().Add(off))
			d := openAt(t, address, own)
			clock := d.Clock(own)
			assert.WithinDuration(t, time.Now(), clock.Now(), within)
			assert.InDelta(t, -off.Seconds(), d.ClockOffset().Seconds(), within.Seconds())
			assert.InDelta(t, time.Hour.Seconds(), clock.Since(time.Now().Add(-time.Hour)).Seconds(), within.Seconds())
			assert.InDelta(t, time.Hour.Seconds(), clock.Until(time.Now().Add(time.Hour)).Seconds(), within.Seconds())
			own.Advance(time.Minute)
			assert.WithinDuration(t, time.Now().Add(time.Minute), clock.Now(), within, "it runs as the own one does")
		})
	}
}

func TestAClockThatIsRightIsLeftAlone(t *testing.T) {
	t.Parallel()
	own := clockwork.NewRealClock()
	d := openAt(t, testkit.DatabaseURL(t, db.Postgres), own)
	assert.Zero(t, d.ClockOffset())
	before := own.Now()
	assert.False(t, d.Clock(own).Now().Before(before))
}

func TestTestsMakeTheirOwnTime(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, url string) {
		own := clockwork.NewFakeClock()
		assert.Same(t, own, open(t, url, items).Clock(own))
	})
	own := clockwork.NewFakeClock()
	assert.Same(t, own, openAt(t, testkit.DatabaseURL(t, db.SQLite), own).Clock(own), "one process has an embedded database for itself")
}

func openAt(t *testing.T, url string, own clockwork.Clock) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url, db.Options{Service: "test", Clock: own})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

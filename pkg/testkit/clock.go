package testkit

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// Clock is a clock that moves only when told to. It starts at noon (UTC) on
// 2 January 2026.
func Clock() *clockwork.FakeClock {
	return clockwork.NewFakeClockAt(time.Date(2026, time.January, 2, 12, 0, 0, 0, time.UTC))
}

// Ring is a ring with one random root.
func Ring(tb testing.TB) *keyring.Ring {
	tb.Helper()
	root := make([]byte, 32)
	_, _ = rand.Read(root) // never fails
	ring, err := keyring.NewRing(root)
	require.NoError(tb, err)
	return ring
}

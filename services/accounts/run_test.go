package accounts

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const month = 30 * 24 * time.Hour

func TestSweep(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		never := f.initiate("never@example.com")
		f.clock.Advance(month)
		require.NoError(f.t, f.sweep(t.Context()))
		_, err := f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: never})
		requireFault(f.t, err, fault.Gone, "fault.link_used")

		f.initiate("again@example.com")
		f.clock.Advance(time.Microsecond)
		require.NoError(f.t, f.sweep(t.Context()))
		require.Equal(f.t, []string{"again@example.com", olliMail}, f.strings(`SELECT email FROM users ORDER BY email`))
		_, err = f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: never})
		requireFault(f.t, err, fault.NotFound, "fault.link_unknown")

		f.clock.Advance(month)
		require.NoError(f.t, f.sweep(t.Context()))
		require.Equal(f.t, []string{olliMail}, f.strings(`SELECT email FROM users`))
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM activations WHERE finished_time IS NULL`))
	})
}

func TestSweepOfTheAuditRecord(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		recorded := f.count(`SELECT COUNT(*) FROM audit`)
		require.Positive(f.t, recorded)
		f.clock.Advance(365 * 24 * time.Hour)
		_, err := f.authenticate("nobody", olliPassword)
		require.Error(f.t, err)
		require.NoError(f.t, f.sweep(t.Context()))
		require.Equal(f.t, recorded+1, f.count(`SELECT COUNT(*) FROM audit`))
		f.clock.Advance(time.Microsecond)
		require.NoError(f.t, f.sweep(t.Context()))
		require.Equal(f.t, []string{"login.failed"}, f.strings(`SELECT kind FROM audit`))
	})
}

// TestRunSweepsByTheClock waits for the background worker at each turn.
func TestRunSweepsByTheClock(t *testing.T) {
	onEach(t, func(f *fixture) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		f.initiate(olliMail)
		go func() { ended <- f.sweepForever(ctx) }()
		require.NoError(f.t, f.clock.BlockUntilContext(ctx, 1))
		f.clock.Advance(month + time.Hour)
		require.Eventually(f.t, func() bool { return f.count(`SELECT COUNT(*) FROM users`) == 0 }, 10*time.Second, time.Millisecond)
		stop()
		require.NoError(f.t, <-ended)
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	onEach(t, func(f *fixture) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		require.NoError(f.t, f.clock.BlockUntilContext(ctx, 3)) // the sweep's turn, the outbox's, and its house keeping
		stop()
		require.NoError(f.t, <-ended)
	})
}

func TestASweepThatFailsIsTriedAgain(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.initiate(olliMail)
		f.clock.Advance(2 * month)
		f.exec(`ALTER TABLE audit RENAME TO audit_away`)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.sweepForever(ctx) }()
		require.Eventually(f.t, func() bool { return strings.Contains(f.log.String(), "could not remove what has expired") }, 10*time.Second, time.Millisecond)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM users`), "removed without a record")
		f.exec(`ALTER TABLE audit_away RENAME TO audit`)
		f.clock.Advance(time.Hour)
		require.Eventually(f.t, func() bool { return f.count(`SELECT COUNT(*) FROM users`) == 0 }, 10*time.Second, time.Millisecond)
		stop()
		require.NoError(f.t, <-ended)
	})
}

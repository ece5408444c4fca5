package accounts

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// whileLocked starts the functions while a transaction holds the rows that
// statement changes, waits until PostgreSQL has all of them waiting, and lets
// go. SQLite has one writer, so there they merely come one after the other.
func (f *fixture) whileLocked(hold func(ctx context.Context, tx *db.Tx) error, fns ...func() error) []error {
	f.t.Helper()
	held, release := make(chan struct{}), make(chan struct{})
	holder := make(chan error, 1)
	go func() {
		holder <- f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
			err := hold(ctx, tx)
			close(held)
			<-release
			return err
		})
	}()
	<-held
	results := make(chan []error, 1)
	go func() { results <- atOnce(len(fns), func(i int) error { return fns[i]() }) }()
	if f.db.Dialect() == db.Postgres {
		require.Eventually(f.t, func() bool {
			return f.count(`SELECT COUNT(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`) == int64(len(fns))
		}, 30*time.Second, time.Millisecond)
	}
	close(release)
	require.NoError(f.t, <-holder)
	return <-results
}

// TestFinishingAtOnceIsNoDeadlock has two activations of one user meet at the
// user's row: whoever came with a lock on the own activation would wait for
// the other one's, which waits for the user.
func TestFinishingAtOnceIsNoDeadlock(t *testing.T) {
	onEach(t, func(f *fixture) {
		first, second := f.open(f.initiate(olliMail)), f.open(f.initiate(olliMail))
		finish := func(o accounts.OpenedLink) func() error {
			return func() error {
				_, err := f.FinishActivation(t.Context(), finishing(o))
				return err
			}
		}
		requireOne(f.t, f.whileLocked(func(ctx context.Context, tx *db.Tx) error {
			return store.TouchInvited(ctx, tx, olliMail, f.clock.Now())
		}, finish(first), finish(second)), fault.NotFound)
		f.requireOneAccount()
	})
}

// TestTheSweepSparesWhoIsInvitedMeanwhile has a sweep wait for the very user
// whom an invitation is about to renew, or an activation to make active.
func TestTheSweepSparesWhoIsInvitedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"invited again": `UPDATE users SET modified_time = $1 WHERE status = 2`,
		"active":        `UPDATE users SET status = 1 WHERE CAST($1 AS BIGINT) > 0`,
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(f *fixture) {
				f.initiate(olliMail)
				f.clock.Advance(2 * month)
				for _, err := range f.whileLocked(func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, change, db.Micros(f.clock.Now()))
					return err
				}, func() error { return f.sweep(t.Context()) }) {
					require.NoError(f.t, err)
				}
				require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM users`))
			})
		})
	}
}

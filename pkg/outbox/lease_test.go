package outbox_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestWorkersShareTheWork(t *testing.T) {
	t.Parallel()
	const messages = 60
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		a := newBench(t, d, inbox.handle)
		b := a.again(inbox.handle)
		for i := range messages {
			a.mustAdd(t, outbox.Message{Topic: "mail", Key: fmt.Sprint(i), Payload: []byte{byte(i)}})
		}
		stopA, stopB := a.run(t), b.run(t)
		seen := map[string]int{}
		for range messages {
			seen[inbox.next(t).Key]++
		}
		eventually(t, func() bool {
			var left int
			require.NoError(t, d.QueryRow(t.Context(), "SELECT count(*) FROM outbox WHERE state <> 'delivered'").Scan(&left))
			return left == 0
		})
		stopA()
		stopB()
		assert.Equal(t, messages, inbox.count(), "nothing twice")
		assert.Len(t, seen, messages, "and everything once")
	})
}

func TestNoMoreAttemptsAtOnceThanAllowed(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		var running, most atomic.Int64
		started, release := make(chan struct{}, 10), make(chan struct{})
		b := newBench(t, d, func(context.Context, outbox.Delivery) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			started <- struct{}{}
			<-release
			return nil
		}, func(o *outbox.Options) { o.Concurrency = 2 })
		for i := range 6 {
			b.mustAdd(t, outbox.Message{Topic: "mail", Key: fmt.Sprint(i)})
		}
		b.run(t)
		receive(t, started)
		receive(t, started)
		for range 4 { // one goes, one comes
			release <- struct{}{}
			receive(t, started)
			assert.Empty(t, started, "a third at the same time")
		}
		close(release)
		assert.Equal(t, int64(2), most.Load())
	})
}

func TestAnAbandonedLeaseRunsOut(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		b := newBench(t, d, inbox.handle)
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a", Payload: []byte("kept")})
		attempt, err := b.ClaimAndDie(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, attempt)

		b.clock.Advance(b.o.Lease - time.Microsecond)
		b.drain(t)
		assert.Zero(t, inbox.count(), "the lease holds")
		b.clock.Advance(time.Microsecond)
		b.drain(t)
		require.Equal(t, 1, inbox.count())
		assert.Equal(t, 2, inbox.got[0].Attempt)
		assert.Equal(t, "kept", string(inbox.got[0].Payload))
		assert.Equal(t, "delivered 2 false", b.row(t, "a"))
	})
}

func TestAMessageThatKillsItsWorkersEndsDead(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		b := newBench(t, d, inbox.handle, func(o *outbox.Options) { o.MaxAttempts = 2 })
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		for range b.o.MaxAttempts {
			_, err := b.ClaimAndDie(t.Context())
			require.NoError(t, err)
			b.clock.Advance(b.o.Lease)
		}
		b.drain(t)
		assert.Zero(t, inbox.count())
		assert.Equal(t, "dead 3 true", b.row(t, "a"))
	})
}

// held starts an attempt that lasts until the test releases it, or its context
// ends; cause is then why.
func held(t *testing.T, d *db.DB, change ...func(*outbox.Options)) (b *bench, release chan<- struct{}, cause <-chan error) {
	t.Helper()
	started, end, causes := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	b = newBench(t, d, func(ctx context.Context, _ outbox.Delivery) error {
		close(started)
		select {
		case <-end:
			return nil
		case <-ctx.Done():
			causes <- context.Cause(ctx)
			return ctx.Err()
		}
	}, change...)
	b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
	b.run(t)
	receive(t, started)
	return b, end, causes
}

func (b *bench) due(t *testing.T) (due int64) {
	t.Helper()
	require.NoError(t, b.d.QueryRow(t.Context(), "SELECT due_at FROM outbox").Scan(&due))
	return due
}

func TestTheLeaseIsRenewedWhileTheHandlerRuns(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		b, release, _ := held(t, d)
		other := newInbox()
		for range 12 { // four leases long
			b.clock.Advance(b.o.Lease / 3)
			want := db.Micros(b.clock.Now().Add(b.o.Lease))
			eventually(t, func() bool { return b.due(t) == want })
			b.again(other.handle).drain(t)
		}
		assert.Zero(t, other.count())
		close(release)
		eventually(t, func() bool { return b.row(t, "a") == "delivered 1 false" })
	})
}

func TestAWorkerThatLostItsLeaseStopsAndKeepsItsHandsOff(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		b, _, cause := held(t, d)
		// As after a long pause of the process: somebody else took over.
		_, err := d.Exec(t.Context(), "UPDATE outbox SET lease = 'somebody else', attempts = 2")
		require.NoError(t, err)
		b.clock.Advance(b.o.Lease / 3)
		require.ErrorContains(t, receive(t, cause), "lease was lost")
		var lease string
		require.NoError(t, d.QueryRow(t.Context(), "SELECT lease FROM outbox").Scan(&lease))
		assert.Equal(t, "somebody else", lease)
		assert.Equal(t, "pending 2 true", b.row(t, "a"))
	})
}

// TestAWorkerThatCannotRenewStopsBeforeAnotherMayStart is cut off from its database:
// renewals neither succeed nor fail. In real time next to nothing passes.
func TestAWorkerThatCannotRenewStopsBeforeAnotherMayStart(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		b, _, cause := held(t, d)
		b.clock.Advance(b.o.Lease / 3) // it has renewed once
		until := b.clock.Now().Add(b.o.Lease)
		eventually(t, func() bool { return b.due(t) == db.Micros(until) })

		locked, unlock := make(chan struct{}), make(chan struct{})
		var holder sync.WaitGroup
		defer holder.Wait()
		defer close(unlock)
		holder.Go(func() {
			assert.NoError(t, d.Tx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE outbox SET error = error")
				close(locked)
				<-unlock
				return err
			}))
		})
		receive(t, locked)
		b.clock.Advance(b.o.Lease / 3) // it tries to
		b.clock.Advance(b.clock.Until(until) - b.o.Lease/10 - time.Millisecond)
		select {
		case err := <-cause:
			assert.Fail(t, "it gave up early", err)
		default:
		}
		b.clock.Advance(time.Millisecond)
		require.ErrorContains(t, receive(t, cause), "lease was lost")
		assert.True(t, b.clock.Now().Before(until))
	})
}

func TestStoppingLetsAttemptsFinish(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		started, release := make(chan struct{}), make(chan struct{})
		b := newBench(t, d, func(ctx context.Context, _ outbox.Delivery) error {
			close(started)
			<-release
			return ctx.Err()
		}, func(o *outbox.Options) { o.Grace = time.Minute })
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		receive(t, started)
		cancel()
		close(release)
		require.NoError(t, receive(t, done))
		assert.Equal(t, "delivered 1 false", b.row(t, "a"))
	})
}

func TestAnAttemptCutShortByTheStopDoesNotCount(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		started := make(chan struct{})
		b := newBench(t, d, func(ctx context.Context, _ outbox.Delivery) error {
			close(started)
			<-ctx.Done()
			return ctx.Err()
		}, func(o *outbox.Options) { o.Grace = time.Millisecond; o.MaxAttempts = 1 })
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		stop := b.run(t)
		receive(t, started)
		stop()
		assert.Equal(t, "pending 0 true", b.row(t, "a"))

		next := newInbox()
		b.again(next.handle).drain(t)
		assert.Equal(t, 1, next.count(), "and the next worker need not wait")
	})
}

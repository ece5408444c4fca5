package outbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestAFailureIsTriedAgainAfterTheBackoff(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox(errAway, fault.New(fault.Throttled, "").After(time.Hour), errAway)
		b := newBench(t, d, inbox.handle)
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a", Payload: []byte("kept")})
		b.drain(t)
		b.drain(t)
		assert.Equal(t, 1, inbox.count())

		assert.Equal(t, 2, b.triedAfter(t, inbox, time.Minute))
		assert.Equal(t, 3, b.triedAfter(t, inbox, time.Hour), "as the fault asked for")
		assert.Equal(t, 4, b.triedAfter(t, inbox, 3*time.Minute))
		assert.Equal(t, "delivered 4 false", b.row(t, "a"))
		assert.Equal(t, "kept", string(inbox.got[3].Payload))
	})
}

// triedAfter checks that the next attempt is due after wait and not before,
// and returns its number.
func (b *bench) triedAfter(t *testing.T, inbox *inbox, wait time.Duration) int {
	t.Helper()
	before := inbox.count()
	b.clock.Advance(wait - time.Microsecond)
	b.drain(t)
	require.Equal(t, before, inbox.count(), "too early")
	b.clock.Advance(time.Microsecond)
	b.drain(t)
	require.Equal(t, before+1, inbox.count())
	return inbox.got[before].Attempt
}

func TestRunTriesAgainByItself(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox(errAway, errAway)
		b := newBench(t, d, inbox.handle, func(o *outbox.Options) { o.Poll, o.Lease = 24*time.Hour, 24*time.Hour })
		b.run(t)
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		for attempt := 1; attempt <= 2; attempt++ {
			assert.Equal(t, attempt, inbox.next(t).Attempt)
			wait := time.Duration(attempt) * time.Minute // far less than Poll or Lease
			eventually(t, func() bool { return b.due(t) <= db.Micros(b.clock.Now().Add(wait)) })
			b.clock.Advance(wait)
			eventually(t, func() bool {
				b.clock.Advance(10 * time.Millisecond) // in case Run looked at the clock just before
				return inbox.count() == attempt+1
			})
		}
		eventually(t, func() bool { return b.row(t, "a") == "delivered 3 false" })
	})
}

func TestRunFindsWhatOthersAdded(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		b := newBench(t, d, inbox.handle)
		b.run(t)
		// Idle: the timer and the ticker are set.
		require.NoError(t, b.clock.BlockUntilContext(t.Context(), 2))
		b.again(inbox.handle).mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		b.clock.Advance(5 * time.Second)
		assert.Equal(t, "a", inbox.next(t).Key)
	})
}

func TestDeadAndRetried(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err      error
		attempts int
	}{
		"permanent":          {outbox.Permanent(errAway), 1},
		"wrapped permanent":  {fmt.Errorf("sending: %w", outbox.Permanent(errAway)), 1},
		"tried often enough": {errAway, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
				inbox := newInbox(c.err, c.err, c.err)
				b := newBench(t, d, inbox.handle, func(o *outbox.Options) { o.MaxAttempts = 3 })
				b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a", Payload: []byte("kept")})
				added := b.clock.Now().UTC()
				for range 5 {
					b.drain(t)
					b.clock.Advance(time.Hour)
				}
				assert.Equal(t, c.attempts, inbox.count())

				dead, err := b.Dead(t.Context(), 10)
				require.NoError(t, err)
				require.Len(t, dead, 1)
				id := dead[0].ID
				dead[0].ID = 0
				assert.Equal(t, outbox.Dead{
					Topic: "mail", Key: "a", Attempts: c.attempts, Created: added,
					Failed: added.Add(time.Duration(c.attempts-1) * time.Hour), Error: c.err.Error(),
				}, dead[0])

				inbox.errs = nil
				require.NoError(t, b.Retry(t.Context(), id))
				b.drain(t)
				assert.Equal(t, "delivered 1 false", b.row(t, "a"))
				assert.Equal(t, "kept", string(inbox.got[c.attempts].Payload))
				dead, err = b.Dead(t.Context(), 10)
				require.NoError(t, err)
				assert.Empty(t, dead)
			})
		})
	}
}

func TestPermanentOfNil(t *testing.T) {
	t.Parallel()
	assert.NoError(t, outbox.Permanent(nil))
}

func TestAPanicIsAFailure(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, func(_ context.Context, m outbox.Delivery) error {
			if m.Key == "bad" {
				panic("as told")
			}
			return nil
		})
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "bad"}, outbox.Message{Topic: "mail", Key: "good"})
		b.drain(t)
		assert.Equal(t, "pending 1 true", b.row(t, "bad"))
		assert.Equal(t, "delivered 1 false", b.row(t, "good"))
	})
}

func TestAnAttemptIsBounded(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, func(ctx context.Context, _ outbox.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		}, func(o *outbox.Options) { o.Timeout = time.Millisecond })
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		b.drain(t)
		assert.Equal(t, "pending 1 true", b.row(t, "a"), "it counts as a failure")
	})
}

func TestAnyErrorCanBeStored(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		bad := fmt.Errorf("a\x00b\xff %s", strings.Repeat("ä", 1000))
		b := newBench(t, d, newInbox(outbox.Permanent(bad)).handle)
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		b.drain(t)
		dead, err := b.Dead(t.Context(), 1)
		require.NoError(t, err)
		require.Len(t, dead, 1)
		assert.True(t, strings.HasPrefix(dead[0].Error, "a?b? ää"), dead[0].Error)
		assert.Less(t, len(dead[0].Error), 600)
	})
}

func TestExponential(t *testing.T) {
	t.Parallel()
	wait := outbox.Exponential(time.Second, time.Minute)
	for attempt, want := range map[int]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second,
		7: time.Minute, 60: time.Minute, 1 << 40: time.Minute,
	} {
		different := map[time.Duration]bool{}
		for range 20 {
			got := wait(attempt)
			different[got] = true
			assert.InDelta(t, want.Seconds(), got.Seconds(), 0.21*want.Seconds(), "attempt %d", attempt)
		}
		assert.Greater(t, len(different), 10, "they are spread")
	}
}

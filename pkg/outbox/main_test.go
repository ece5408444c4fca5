package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

var errAway = errors.New("the other side is away")

var migrations = fstest.MapFS{"00001_outbox.sql": {Data: []byte("-- +goose Up\n" + outbox.Schema)}}

// inbox is a handler that remembers, and fails as it is told to.
type inbox struct {
	mu    sync.Mutex
	got   []outbox.Delivery
	errs  []error // of the next attempts; after them nil
	calls chan outbox.Delivery
}

func newInbox(errs ...error) *inbox {
	return &inbox{errs: errs, calls: make(chan outbox.Delivery, 1000)}
}

func (i *inbox) handle(_ context.Context, d outbox.Delivery) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, d)
	i.calls <- d
	if len(i.errs) == 0 {
		return nil
	}
	err := i.errs[0]
	i.errs = i.errs[1:]
	return err
}

func (i *inbox) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.got)
}

// next waits for the next attempt.
func (i *inbox) next(t *testing.T) outbox.Delivery {
	t.Helper()
	return receive(t, i.calls)
}

// receive waits for another goroutine, but not for ever.
func receive[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing came")
	}
	return v
}

// bench is an outbox on a fresh database.
type bench struct {
	*outbox.Outbox
	d     *db.DB
	clock *clockwork.FakeClock
	o     outbox.Options
}

func newBench(t *testing.T, d *db.DB, handler outbox.Handler, change ...func(*outbox.Options)) *bench {
	t.Helper()
	clock := testkit.Clock()
	o := outbox.Options{
		DB: d, Ring: testkit.Ring(t), Clock: clock,
		Handlers: map[string]outbox.Handler{"mail": handler, "revoke": handler},
		Lease:    9 * time.Second,
		Backoff:  func(attempt int) time.Duration { return time.Duration(attempt) * time.Minute },
	}
	for _, f := range change {
		f(&o)
	}
	return &bench{outbox.New(o), d, clock, o}
}

// again is another worker on the same table.
func (b *bench) again(handler outbox.Handler) *bench {
	o := b.o
	o.Handlers = map[string]outbox.Handler{"mail": handler, "revoke": handler}
	return &bench{outbox.New(o), b.d, b.clock, o}
}

func (b *bench) add(ctx context.Context, messages ...outbox.Message) error {
	return b.d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, m := range messages {
			if err := b.Add(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bench) mustAdd(t *testing.T, messages ...outbox.Message) {
	t.Helper()
	require.NoError(t, b.add(t.Context(), messages...))
}

func (b *bench) drain(t *testing.T) {
	t.Helper()
	require.NoError(t, b.Drain(t.Context()))
}

// run runs the worker until the returned function, or the test, ends it.
func (b *bench) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, receive(t, done))
	})
	t.Cleanup(stop)
	return stop
}

// row is the state, the number of attempts, and whether there is a payload.
func (b *bench) row(t *testing.T, key string) string {
	t.Helper()
	var state string
	var attempts int
	var payload []byte
	require.NoError(t, b.d.QueryRow(t.Context(), "SELECT state, attempts, payload FROM outbox WHERE key = $1", key).
		Scan(&state, &attempts, &payload))
	return fmt.Sprintf("%s %d %v", state, attempts, payload != nil)
}

// eventually waits for what happens in another goroutine; ok runs in the test's.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			require.FailNow(t, "it did not happen")
		}
	}
}

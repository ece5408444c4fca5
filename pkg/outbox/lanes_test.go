package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

var migrationsWithLanes = fstest.MapFS{
	"00001_outbox.sql": migrations["00001_outbox.sql"],
	"00002_lanes.sql":  {Data: []byte("-- +goose Up\n" + outbox.SchemaLanes)},
}

func lanes(o *outbox.Options) { o.LaneLimit, o.Concurrency = 2, 4 }

// hanging is a handler that hangs on one lane's messages until it is let go.
type hanging struct {
	inbox
	entered atomic.Int32
	let     chan struct{}
}

func (h *hanging) handle(ctx context.Context, d outbox.Delivery) error {
	if string(d.Payload) == "hangs" {
		h.entered.Add(1)
		select {
		case <-h.let:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return h.inbox.handle(ctx, d)
}

func TestALaneThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrationsWithLanes, func(t *testing.T, d *db.DB) {
		h := &hanging{inbox: inbox{calls: make(chan outbox.Delivery, 1000)}, let: make(chan struct{})}
		b := newBench(t, d, h.handle, lanes)
		const many = 150 // more than are looked up at a time
		for i := range many {
			b.mustAdd(t, outbox.Message{Topic: "mail", Key: fmt.Sprint("slow", i), Payload: []byte("hangs"), Lane: "slow"})
		}
		b.mustAdd(t,
			outbox.Message{Topic: "mail", Key: "a", Lane: "fast"}, outbox.Message{Topic: "mail", Key: "b", Lane: "fast"},
			outbox.Message{Topic: "mail", Key: "c", Lane: "fast"}, outbox.Message{Topic: "revoke", Key: "d"},
		)
		b.run(t)
		seen := map[string]bool{}
		for range 4 {
			seen[h.next(t).Key] = true
		}
		assert.Equal(t, map[string]bool{"a": true, "b": true, "c": true, "d": true}, seen)
		eventually(t, func() bool { return h.entered.Load() == 2 })
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "e", Lane: "fast"})
		assert.Equal(t, "e", h.next(t).Key)
		assert.EqualValues(t, 2, h.entered.Load(), "no more of the lane than may")

		close(h.let)
		for range many {
			h.next(t)
		}
		eventually(t, func() bool {
			var left int
			require.NoError(t, d.QueryRow(t.Context(), "SELECT count(*) FROM outbox WHERE state <> 'delivered'").Scan(&left))
			return left == 0
		})
	})
}

func TestLanesAreChecked(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrationsWithLanes, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		require.Error(t, newBench(t, d, inbox.handle).add(t.Context(), outbox.Message{Topic: "mail", Key: "a", Lane: "x"}))
		b := newBench(t, d, inbox.handle, lanes)
		require.Error(t, b.add(t.Context(), outbox.Message{Topic: "mail", Key: "a", Lane: "\xff"}))
		require.Error(t, b.add(t.Context(), outbox.Message{Topic: "mail", Key: "a", Lane: "a\x00"}))
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a", Lane: "x"})
		b.drain(t)
		assert.Equal(t, "delivered 1 false", b.row(t, "a"))
	})
}

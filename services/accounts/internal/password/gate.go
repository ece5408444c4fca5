package password

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// gate lets a bounded number of callers in, and lets a bounded number wait.
type gate struct {
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
}

// busyFor is what is told to those whom the gate turns away.
const busyFor = time.Second

var errQueueFull = errors.New("too many passwords are being hashed")

// enter waits for a slot, until ctx ends. Its error is Unavailable. Callers
// come in in the order in which they came.
func (g *gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return busy(err)
	}
	if g.tryEnter() {
		return nil
	}
	if g.waiting.Add(1) > g.queue {
		g.waiting.Add(-1)
		return busy(errQueueFull)
	}
	defer g.waiting.Add(-1)
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return busy(context.Cause(ctx))
	}
}

// tryEnter takes a slot that is free right now.
func (g *gate) tryEnter() bool {
	select {
	case g.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g *gate) leave() { <-g.slots }

func busy(cause error) error {
	return fault.New(fault.Unavailable, "").After(busyFor).Because(cause)
}

package password

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// gate lets a bounded number of callers in, and lets a bounded number wait, of
// whom those from one address can be only a part.
type gate struct {
	slots chan struct{}
	queue int

	mu      sync.Mutex
	waiting map[string]int // by address, without zeroes
	total   int
}

// busyFor is what is told to those whom the gate turns away.
const busyFor = time.Second

// One address can fill one part of the queue in so many, but at least so many
// places.
const (
	shares   = 4
	minShare = 2
)

var (
	errQueueFull = errors.New("too many passwords are being hashed")
	errShareFull = errors.New("too many passwords from one address are being hashed")
)

func newGate(concurrency, queue int) *gate {
	return &gate{slots: make(chan struct{}, concurrency), queue: queue, waiting: map[string]int{}}
}

// enter waits for a slot, until ctx ends. Its error is Unavailable. Callers
// come in in the order in which they came.
func (g *gate) enter(ctx context.Context, address string) error {
	if err := ctx.Err(); err != nil {
		return busy(err)
	}
	if g.tryEnter() {
		return nil
	}
	address = network(address)
	if err := g.line(address); err != nil {
		return busy(err)
	}
	defer g.step(address)
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return busy(context.Cause(ctx))
	}
}

// line counts a caller who is going to wait.
func (g *gate) line(address string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= g.queue {
		return errQueueFull
	}
	if g.waiting[address] >= max(g.queue/shares, minShare) {
		return errShareFull
	}
	g.waiting[address]++
	g.total++
	return nil
}

// step takes back what line counted.
func (g *gate) step(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.waiting[address]--; g.waiting[address] == 0 {
		delete(g.waiting, address)
	}
}

// crowded tells whether somebody waits.
func (g *gate) crowded() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total > 0
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

// network is what counts as one address: of IPv6 the /64, as that is what one
// customer has. What is no address counts as it is.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

func busy(cause error) error {
	return fault.New(fault.Unavailable, "").After(busyFor).Because(cause)
}

package edge

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/maypok86/otter/v2"

	"github.com/gatehouse-id/gatehouse/pkg/cacheclock"
)

// Quota is how many times something may be done within a window. The window
// opens with the first time and closes as a whole.
type Quota struct {
	Limit  int
	Window time.Duration
}

// Decision is where a key stands with its quota.
type Decision struct {
	Limit     int
	Remaining int // how many times are left, not below 0
	OK        bool
	Reset     time.Duration // until the quota is whole again
}

// Limiter counts, by key, what a quota bounds.
type Limiter interface {
	// Take counts one; not OK if there was none left.
	Take(ctx context.Context, key string) (Decision, error)
	// Peek tells where key stands.
	Peek(ctx context.Context, key string) (Decision, error)
}

// MemoryLimiter counts in this process, for a bounded number of keys: of more,
// those that come rarely are forgotten first, so a flood of new addresses does
// not displace the ones that keep calling.
type MemoryLimiter struct {
	quota   Quota
	clock   clockwork.Clock
	windows *otter.Cache[string, *window]
}

type window struct {
	opened time.Time
	taken  atomic.Int64
}

// NewMemoryLimiter makes a limiter of at most that many keys.
func NewMemoryLimiter(q Quota, keys int, clock clockwork.Clock) *MemoryLimiter {
	return &MemoryLimiter{
		quota: q, clock: clock,
		windows: otter.Must(&otter.Options[string, *window]{
			MaximumSize:      keys,
			ExpiryCalculator: otter.ExpiryCreating[string, *window](q.Window),
			Clock:            cacheclock.New(clock),
		}),
	}
}

// Take implements Limiter; it never fails.
func (l *MemoryLimiter) Take(_ context.Context, key string) (Decision, error) {
	w, _ := l.windows.ComputeIfAbsent(key, func() (*window, bool) { return &window{opened: l.clock.Now()}, false })
	return l.decide(w, w.taken.Add(1)), nil
}

// Peek implements Limiter; it never fails.
func (l *MemoryLimiter) Peek(_ context.Context, key string) (Decision, error) {
	w, ok := l.windows.GetIfPresent(key)
	if !ok {
		return Decision{Limit: l.quota.Limit, Remaining: l.quota.Limit, OK: true}, nil
	}
	return l.decide(w, w.taken.Load()), nil
}

func (l *MemoryLimiter) decide(w *window, taken int64) Decision {
	return Decision{
		Limit:     l.quota.Limit,
		Remaining: max(l.quota.Limit-int(taken), 0),
		OK:        taken <= int64(l.quota.Limit),
		Reset:     max(l.quota.Window-l.clock.Since(w.opened), 0),
	}
}

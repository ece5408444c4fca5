package edge

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
)

// retryShared is how long nobody asks Redis after it failed: a request must not
// wait for what is away.
const retryShared = time.Second

// takeScript counts one in a window that opens with the first. It gives the count
// and the milliseconds until the window closes.
var takeScript = redisdb.NewScript(`
local taken = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
	left = tonumber(ARGV[1])
	redis.call('PEXPIRE', KEYS[1], left)
end
return {taken, left}`)

// peekScript tells the same without counting.
var peekScript = redisdb.NewScript(`
return {tonumber(redis.call('GET', KEYS[1]) or 0), math.max(redis.call('PTTL', KEYS[1]), 0)}`)

// Shared makes limiters that count for all gateways, in Redis. While it is away
// each gateway counts for itself.
type Shared struct {
	client *redisdb.Client
	clock  clockwork.Clock
	logger *slog.Logger
	keys   int
	// retry is when to ask again, in nanoseconds since 1970; 0 while all is well.
	retry atomic.Int64
	up    prometheus.Gauge
	alone prometheus.Counter
}

// NewShared makes one. Keys bounds how many keys each limiter counts on its own.
func NewShared(client *redisdb.Client, keys int, clock clockwork.Clock, o *obs.Obs) *Shared {
	s := &Shared{
		client: client, clock: clock, logger: o.Logger, keys: keys,
		up: obs.Register(o.Registry, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_shared_limits_up",
			Help: "Whether rate limits are counted for all gateways together (1), or by each on its own because Redis is away (0).",
		})),
		alone: obs.Register(o.Registry, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_shared_limits_alone_total",
			Help: "Rate limit decisions that a gateway made on its own because Redis was away.",
		})),
	}
	s.up.Set(1)
	return s
}

// Limiter makes the limiter of a quota.
func (s *Shared) Limiter(name string, q Quota) Limiter {
	return &sharedLimiter{Shared: s, prefix: "gatehouse:rate:" + name + ":", quota: q, own: NewMemoryLimiter(q, s.keys, s.clock)}
}

type sharedLimiter struct {
	*Shared

	prefix string
	quota  Quota
	// own counts all along, so that it knows of the window if Redis goes away.
	own *MemoryLimiter
}

// Take implements Limiter; it never fails.
func (l *sharedLimiter) Take(ctx context.Context, key string) (Decision, error) {
	own, _ := l.own.Take(ctx, key)
	return l.together(ctx, takeScript, key, own), nil
}

// Peek implements Limiter; it never fails.
func (l *sharedLimiter) Peek(ctx context.Context, key string) (Decision, error) {
	own, _ := l.own.Peek(ctx, key)
	return l.together(ctx, peekScript, key, own), nil
}

// together is what all gateways decide, or own if they cannot.
func (l *sharedLimiter) together(ctx context.Context, script *redisdb.Script, key string, own Decision) Decision {
	if l.clock.Now().UnixNano() < l.retry.Load() {
		l.alone.Inc()
		return own
	}
	answer, err := l.client.Run(ctx, script, l.prefix+key, l.quota.Window.Milliseconds())
	if err == nil && len(answer) != 2 {
		err = fmt.Errorf("%d numbers", len(answer))
	}
	if err != nil {
		if ctx.Err() == nil { // or else it is the request that is over
			l.lost(ctx, err)
		}
		l.alone.Inc()
		return own
	}
	l.found(ctx)
	taken, left := answer[0], time.Duration(answer[1])*time.Millisecond
	return Decision{
		Limit:     l.quota.Limit,
		Remaining: int(max(int64(l.quota.Limit)-taken, 0)),
		OK:        taken <= int64(l.quota.Limit),
		Reset:     left,
	}
}

func (s *Shared) lost(ctx context.Context, err error) {
	if s.retry.Swap(s.clock.Now().Add(retryShared).UnixNano()) == 0 {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "Redis is away: each gateway counts rate limits on its own", slog.String("error", err.Error()))
	}
	s.up.Set(0)
}

func (s *Shared) found(ctx context.Context) {
	if s.retry.Load() != 0 && s.retry.Swap(0) != 0 {
		s.up.Set(1)
		s.logger.LogAttrs(ctx, slog.LevelInfo, "Redis is back: gateways count rate limits together")
	}
}

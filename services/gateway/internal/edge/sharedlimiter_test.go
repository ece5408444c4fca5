package edge_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// fleet are the limiters of one quota at several gateways.
type fleet struct {
	redis    *miniredis.Miniredis
	clock    *clockwork.FakeClock
	obs      *obs.Obs // of the first gateway
	limiters []edge.Limiter
}

func gateways(t *testing.T, n int, q edge.Quota) *fleet {
	t.Helper()
	f := &fleet{redis: miniredis.RunT(t), clock: clockwork.NewFakeClock()}
	for range n {
		client := redisdb.New(redisdb.Options{Address: f.redis.Addr(), Patience: time.Minute})
		t.Cleanup(func() { _ = client.Close() })
		o := obs.Nop()
		if f.obs == nil {
			f.obs = o
		}
		f.limiters = append(f.limiters, edge.NewShared(client, 100, f.clock, o).Limiter("test", q))
	}
	return f
}

// advance lets time pass in both places.
func (f *fleet) advance(d time.Duration) {
	f.clock.Advance(d)
	f.redis.FastForward(d)
}

func (f *fleet) metric(t *testing.T, name string) int {
	t.Helper()
	families, err := f.obs.Registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == name {
			m := family.GetMetric()[0]
			return int(m.GetGauge().GetValue() + m.GetCounter().GetValue())
		}
	}
	t.Fatal("no metric " + name)
	return 0
}

func TestGatewaysCountTogether(t *testing.T) {
	t.Parallel()
	f := gateways(t, 2, edge.Quota{Limit: 2, Window: time.Minute})
	a, b := f.limiters[0], f.limiters[1]

	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 1, OK: true, Reset: time.Minute}, take(t, a, "x"))
	f.advance(45 * time.Second)
	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 0, OK: true, Reset: 15 * time.Second}, take(t, b, "x"))
	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 0, OK: false, Reset: 15 * time.Second}, take(t, a, "x"))
	assert.True(t, take(t, a, "y").OK)
	d, err := b.Peek(t.Context(), "x")
	require.NoError(t, err)
	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 0, OK: false, Reset: 15 * time.Second}, d)
	d, err = b.Peek(t.Context(), "never seen")
	require.NoError(t, err)
	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 2, OK: true}, d)
	f.advance(15 * time.Second)
	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 1, OK: true, Reset: time.Minute}, take(t, b, "x"))
	assert.Equal(t, 1, f.metric(t, "gatehouse_shared_limits_up"))
}

func TestNoConcurrentCallEscapesTheSharedCount(t *testing.T) {
	t.Parallel()
	f := gateways(t, 3, edge.Quota{Limit: 100, Window: time.Minute})
	var all sync.WaitGroup
	var mu sync.Mutex
	granted := 0
	for _, l := range f.limiters {
		for range 5 {
			all.Go(func() {
				for range 20 {
					d, err := l.Take(t.Context(), "x")
					mu.Lock()
					if d.OK && err == nil {
						granted++
					}
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	assert.Equal(t, 100, granted)
}

func TestWithoutRedisEachGatewayCountsForItself(t *testing.T) {
	t.Parallel()
	f := gateways(t, 2, edge.Quota{Limit: 2, Window: time.Minute})
	a, b := f.limiters[0], f.limiters[1]
	take(t, a, "x")
	f.redis.Close()

	assert.True(t, take(t, a, "x").OK)
	assert.False(t, take(t, a, "x").OK, "what was counted before is known")
	assert.True(t, take(t, b, "x").OK, "of the others' it knows nothing")
	assert.Equal(t, 0, f.metric(t, "gatehouse_shared_limits_up"))
	assert.Equal(t, 2, f.metric(t, "gatehouse_shared_limits_alone_total"))

	require.NoError(t, f.redis.Restart())
	assert.False(t, take(t, a, "x").OK, "not asked again at once")
	f.clock.Advance(time.Second)
	assert.True(t, take(t, a, "z").OK)
	assert.Equal(t, 1, f.metric(t, "gatehouse_shared_limits_up"))
}

func TestARequestThatIsOverIsNoOutage(t *testing.T) {
	t.Parallel()
	f := gateways(t, 1, edge.Quota{Limit: 2, Window: time.Minute})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.limiters[0].Take(over, "x")
	require.NoError(t, err)
	assert.Equal(t, 1, f.metric(t, "gatehouse_shared_limits_up"))
}

func TestEachCountLeavesRedisByItself(t *testing.T) {
	t.Parallel()
	f := gateways(t, 1, edge.Quota{Limit: 2, Window: time.Minute})
	for i := range 10 {
		take(t, f.limiters[0], fmt.Sprint(i))
	}
	for _, key := range f.redis.Keys() {
		assert.Equal(t, time.Minute, f.redis.TTL(key), key)
	}
	assert.Len(t, f.redis.Keys(), 10)
	// One that another program left without an end gets one.
	require.NoError(t, f.redis.Set("gatehouse:rate:test:stuck", "7"))
	assert.Equal(t, time.Minute, take(t, f.limiters[0], "stuck").Reset)
}

package announce_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions/announce"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
)

const (
	channel = "gatehouse:sessions"
	long    = 30 * time.Second // for what happens at once
)

// pair is a sender and a listener with a Redis between them.
type pair struct {
	t      *testing.T
	redis  *miniredis.Miniredis
	sender *announce.Sender
	obs    *obs.Obs

	mu    sync.Mutex
	heard []announce.News
}

func start(t *testing.T) *pair {
	p := &pair{t: t, redis: miniredis.RunT(t), obs: obs.Nop()}
	client := redisdb.New(redisdb.Options{Address: p.redis.Addr(), Patience: long})
	p.sender = announce.NewSender(client, clockwork.NewRealClock(), p.obs)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, p.sender.Run(ctx)) })
	running.Go(func() {
		assert.NoError(t, announce.Listener{
			Client: client, Clock: clockwork.NewRealClock(), Obs: p.obs, Hear: p.hear,
		}.Run(ctx))
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		_ = client.Close()
	})
	p.eventually(func() bool { return len(p.redis.PubSubChannels("")) == 1 && p.up() == 1 })
	return p
}

func (p *pair) hear(n announce.News) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, n)
}

// ended are all of whose end was heard.
func (p *pair) ended() (all []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.heard {
		all = append(all, n.Ended...)
	}
	return all
}

func (p *pair) up() int { return p.value("gatehouse_session_announcements_up") }

func (p *pair) value(name string) int {
	families, err := p.obs.Registry.Gather()
	require.NoError(p.t, err)
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return int(m.GetGauge().GetValue() + m.GetCounter().GetValue())
		}
	}
	return 0
}

func (p *pair) eventually(condition func() bool) {
	p.t.Helper()
	require.Eventually(p.t, condition, long, time.Millisecond)
}

func TestWhatIsSentIsHeard(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.sender.Send(announce.News{Ended: []int64{1, 2}, Changed: []int64{3}})
	p.eventually(func() bool { return len(p.ended()) > 0 })
	assert.Equal(t, []announce.News{{Ended: []int64{1, 2}, Changed: []int64{3}}}, p.heard)
}

func TestManyAreToldTogetherAndNoneIsLost(t *testing.T) {
	t.Parallel()
	p := start(t)
	for id := range int64(500) {
		p.sender.Send(announce.News{Ended: []int64{id}})
	}
	p.eventually(func() bool { return len(p.ended()) == 500 })
	assert.True(t, slices.IsSorted(p.ended()))
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Less(t, len(p.heard), 250, "messages")
}

func TestWhatIsNotAMessageIsIgnored(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, m := range []string{"", "null", "[]", `{"ended":"all"}`, `{"ended":[1.5]}`, "\xff", `{"ended":[` + strings.Repeat("1,", 1000) + `1]}`} {
		p.redis.Publish(channel, m)
	}
	p.redis.Publish(channel, `{"ended":[7]}`)
	p.eventually(func() bool { return len(p.ended()) > 0 })
	assert.Equal(t, []int64{7}, p.ended())
}

func TestAfterAnOutageAnnouncementsGoOn(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.redis.Close()
	p.eventually(func() bool { return p.up() == 0 })
	p.sender.Send(announce.News{Ended: []int64{1}})
	p.eventually(func() bool { return p.value("gatehouse_session_announcements_failed_total") == 1 })

	require.NoError(t, p.redis.Restart())
	p.eventually(func() bool { return p.up() == 1 })
	p.sender.Send(announce.News{Ended: []int64{2}})
	p.eventually(func() bool { return len(p.ended()) > 0 })
	assert.Equal(t, []int64{2}, p.ended(), "what was sent meanwhile is lost")
}

func TestSendingNeverWaits(t *testing.T) {
	t.Parallel()
	p := &pair{t: t, obs: obs.Nop()}
	client := redisdb.New(redisdb.Options{Address: "127.0.0.1:1"})
	defer func() { _ = client.Close() }()
	s := announce.NewSender(client, clockwork.NewFakeClock(), p.obs) // and nobody runs it
	for id := range int64(5000) {
		s.Send(announce.News{Ended: []int64{id}})
	}
	assert.Equal(t, 5000-1024, p.value("gatehouse_session_announcements_failed_total"))
}

func TestWithoutRedisNothingIsSent(t *testing.T) {
	t.Parallel()
	s := announce.NewSender(nil, clockwork.NewFakeClock(), obs.Nop())
	s.Send(announce.News{Ended: []int64{1}})
	assert.NoError(t, s.Run(t.Context()))
}

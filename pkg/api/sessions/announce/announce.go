// Package announce tells the gateways at once, through Redis, which sessions have
// just ended or changed. It only hastens what they learn anyway by asking the
// sessions service (Revocations): a message may be lost, and one that is not
// true costs no more than a question.
package announce

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
)

const (
	channel = "gatehouse:sessions"
	// waiting is how many messages wait to be sent; more are not worth it.
	waiting = 1024
	// most bounds the sessions of a message: whose user has more hears of the
	// others by asking.
	most = 1000
	// pace is the least time between two messages of a Sender. Who hears them
	// takes each in at some cost.
	pace = 20 * time.Millisecond
	// pause is the time between two tries to listen.
	pause = time.Second
)

// News is what a message tells, by the sessions' IDs.
type News struct {
	Ended   []int64 `json:"ended,omitempty"`
	Changed []int64 `json:"changed,omitempty"`
}

// Sender sends what has been committed. A nil one, without Redis, sends nothing.
type Sender struct {
	client *redisdb.Client
	clock  clockwork.Clock
	news   chan News
	failed prometheus.Counter
	logger *slog.Logger
}

// NewSender makes a Sender; client may be nil.
func NewSender(client *redisdb.Client, clock clockwork.Clock, o *obs.Obs) *Sender {
	if client == nil {
		return nil
	}
	return &Sender{
		client: client, clock: clock, news: make(chan News, waiting), logger: o.Logger,
		failed: obs.Register(o.Registry, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_session_announcements_failed_total",
			Help: "Announcements of ended or changed sessions that did not reach Redis; gateways learn of them by asking.",
		})),
	}
}

// Send never waits: it is called with a request's answer on its way.
func (s *Sender) Send(n News) {
	if s == nil || len(n.Ended)+len(n.Changed) == 0 {
		return
	}
	select {
	case s.news <- n:
	default:
		s.failed.Inc()
	}
}

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	away := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-s.news:
			err := s.publish(ctx, s.gather(n))
			if err != nil {
				s.failed.Inc()
			}
			if (err != nil) != away { // once per outage
				away = err != nil
				logChange(ctx, s.logger, "announcing ended sessions", err)
			}
			wait(ctx, s.clock, pace)
		}
	}
}

// gather adds what waits, as far as it fits.
func (s *Sender) gather(n News) News {
	for len(n.Ended)+len(n.Changed) < most {
		select {
		case more := <-s.news:
			n.Ended, n.Changed = append(n.Ended, more.Ended...), append(n.Changed, more.Changed...)
			continue
		default:
		}
		break
	}
	n.Ended, n.Changed = n.Ended[:min(len(n.Ended), most)], n.Changed[:min(len(n.Changed), most)]
	return n
}

func (s *Sender) publish(ctx context.Context, n News) error {
	message, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return s.client.Publish(ctx, channel, message)
}

// Listener hears what Senders send.
type Listener struct {
	Client *redisdb.Client
	Clock  clockwork.Clock
	Obs    *obs.Obs
	// Hear takes a message in; from one goroutine.
	Hear func(News)
}

// Run listens until ctx ends, and again whenever the connection was lost. What
// was sent meanwhile is not heard.
func (l Listener) Run(ctx context.Context) error {
	up := obs.Register(l.Obs.Registry, prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gatehouse_session_announcements_up",
		Help: "Whether ended sessions are heard of through Redis (1), or by asking the sessions service only (0).",
	}))
	connected := true // so that the first failure is told, and not the first success
	tell := func(err error) {
		if err == nil {
			up.Set(1)
		} else {
			up.Set(0)
		}
		if (err == nil) != connected {
			connected = err == nil
			logChange(ctx, l.Obs.Logger, "hearing of ended sessions", err)
		}
	}
	for ctx.Err() == nil {
		err := l.listen(ctx, func() { tell(nil) })
		if ctx.Err() == nil {
			tell(err)
			wait(ctx, l.Clock, pause)
		}
	}
	return nil
}

// listen takes messages in until the connection is lost.
func (l Listener) listen(ctx context.Context, begun func()) error {
	subscription, err := l.Client.Subscribe(ctx, channel)
	if err != nil {
		return err
	}
	defer subscription.Close()
	begun()
	for {
		message, err := subscription.Receive()
		if err != nil {
			return err
		}
		var n News
		unreadable := json.Unmarshal(message, &n)
		if unreadable == nil && len(n.Ended) <= most && len(n.Changed) <= most { // or else it is somebody else's
			l.Hear(n)
		}
	}
}

func wait(ctx context.Context, clock clockwork.Clock, d time.Duration) {
	timer := clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.Chan():
	}
}

func logChange(ctx context.Context, logger *slog.Logger, what string, err error) {
	if err != nil {
		logger.LogAttrs(ctx, slog.LevelWarn, "Redis is away", slog.String("without", what), slog.String("error", err.Error()))
		return
	}
	logger.LogAttrs(ctx, slog.LevelInfo, "Redis is back", slog.String("for", what))
}

// Package sessioncache spares the sessions service most questions about tokens
// without letting an ended session live on.
//
// A token that was found good is remembered for as long as the feed of
// revocations is being heard: an answer from here is never older than Bound. The
// feed tells of an ended session only if it is asked after the end, so what
// counts is when the last answered question was sent, not when the answer
// came. With the feed away every token is asked about again; with the whole
// sessions service away that is Unavailable, never Unauthenticated.
//
// The feed also tells of sessions that have changed: then what was asked before
// is forgotten, and asked again. It repeats itself for some seconds, by the same
// time of the change, which is no news.
package sessioncache

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// Bound is how long after its end a session may still be taken for alive.
const Bound = time.Second

const (
	// maxAge is how long a token is remembered; then it is asked about again. The
	// feed reaches back at least as far, even when it is asked for the first
	// time or after a long silence, so it tells of every end since.
	maxAge = time.Minute
	// remembered is how long an ended or changed session is kept in mind. It covers
	// what was cached just before and what was being resolved meanwhile.
	remembered = 2 * maxAge
)

// Options configure a Cache.
type Options struct {
	Sessions sessions.Service
	Clock    clockwork.Clock
	Obs      *obs.Obs
	// Size is how many tokens are remembered.
	Size int
	// Poll is the time between two questions to the feed. It should leave room
	// for one that goes wrong within Bound.
	Poll time.Duration
}

// Cache answers whose a token is.
type Cache struct {
	options Options
	start   time.Time
	tokens  *otter.Cache[[sha256.Size]byte, entry]
	// heard is when the last answered question to the feed was sent, in
	// nanoseconds since start, which clocks that are set do not disturb; 0 is
	// never.
	heard atomic.Int64
	clock skew
	// news is replaced, never changed, so that requests read it without a lock.
	news    atomic.Pointer[news]
	writing sync.Mutex // held while replacing news

	hits, misses, direct prometheus.Counter
}

// entry is a token that was found good.
type entry struct {
	resolved sessions.Resolved
	asked    time.Time
	// edition is that of the news when the question was sent. What they told by
	// then had been committed before, so the answer knew of it.
	edition uint64
}

// news are the sessions that ended or changed of late.
type news struct {
	edition uint64 // grows by one with each replacement
	ended   map[int64]time.Time
	changed map[int64]change
}

// change is the latest change of a session.
type change struct {
	time    time.Time // as the feed has it; zero: it has not told yet
	heard   time.Time // the last time
	edition uint64    // of the news that told of it first
}

// New makes a Cache that remembers nothing until Run hears the feed.
func New(o Options) *Cache {
	c := &Cache{
		options: o,
		start:   o.Clock.Now().Add(-time.Nanosecond),
		tokens: otter.Must(&otter.Options[[sha256.Size]byte, entry]{
			MaximumSize:      o.Size,
			ExpiryCalculator: otter.ExpiryWriting[[sha256.Size]byte, entry](maxAge),
		}),
	}
	lookups := obs.Register(o.Obs.Registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_session_lookups_total",
		Help: "Tokens looked up: hit in the cache, miss, or direct because the revocation feed is silent.",
	}, []string{"result"}))
	c.hits, c.misses, c.direct = lookups.WithLabelValues("hit"), lookups.WithLabelValues("miss"), lookups.WithLabelValues("direct")
	c.news.Store(&news{})
	obs.Register(o.Obs.Registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gatehouse_revocation_feed_age_seconds",
		Help: "Age of the last answer of the revocation feed; above 1 the session cache is not used.",
	}, func() float64 { return c.silence().Seconds() }))
	return c
}

// Cached gives the session of a token without asking, if it is known for sure.
func (c *Cache) Cached(token string) (sessions.Resolved, bool) {
	if !c.Heard() {
		return sessions.Resolved{}, false
	}
	e, ok := c.tokens.GetIfPresent(sha256.Sum256([]byte(token)))
	if !ok || !c.good(e) {
		return sessions.Resolved{}, false
	}
	c.hits.Inc()
	return e.resolved, true
}

func (c *Cache) good(e entry) bool {
	now, theirs, n := c.options.Clock.Now(), c.Now(), c.news.Load()
	_, ended := n.ended[e.resolved.Session.ID]
	return !ended && e.edition >= n.changed[e.resolved.Session.ID].edition && now.Sub(e.asked) < maxAge &&
		theirs.Before(e.resolved.ExpirationTime) && theirs.Before(e.resolved.Session.ExpirationTime)
}

// Resolve asks whose a token is. Unauthenticated if it is not good, Unavailable
// if the sessions service is away.
func (c *Cache) Resolve(ctx context.Context, token string) (sessions.Resolved, error) {
	if !c.Heard() {
		c.direct.Inc()
	} else {
		c.misses.Inc()
	}
	key := sha256.Sum256([]byte(token))
	asked, edition := c.options.Clock.Now(), c.news.Load().edition
	resolved, err := c.options.Sessions.Resolve(ctx, sessions.ResolveRequest{Token: token})
	if err != nil {
		if fault.Is(err, fault.Unauthenticated) {
			c.tokens.Invalidate(key)
		}
		return sessions.Resolved{}, err
	}
	c.tokens.Set(key, entry{resolved, asked, edition})
	return resolved, nil
}

// Ended makes the cache forget a session that has just been ended from here,
// without waiting for the feed.
func (c *Cache) Ended(session int64) { c.Told([]int64{session}, nil) }

// Changed makes the cache ask again about a session that has just been changed
// from here, without waiting for the feed.
func (c *Cache) Changed(session int64) { c.Told(nil, []int64{session}) }

// mostAnnounced bounds what is kept in mind before announcements are ignored:
// each costs a copy of it, and the feed tells of the same sessions.
const mostAnnounced = 50_000

// Announced is Told for what anybody may have said.
func (c *Cache) Announced(ended, changed []int64) {
	if n := c.news.Load(); len(n.ended)+len(n.changed) < mostAnnounced {
		c.Told(ended, changed)
	}
}

// Told is Ended and Changed of many at once.
func (c *Cache) Told(ended, changed []int64) {
	c.remember(func(n *news, now time.Time) {
		for _, session := range ended {
			n.ended[session] = now
		}
		for _, session := range changed {
			n.changed[session] = change{n.changed[session].time, now, n.edition}
		}
	})
}

// Heard tells whether the sessions service answered a question that was sent
// within Bound.
func (c *Cache) Heard() bool { return c.silence() <= Bound }

func (c *Cache) silence() time.Duration {
	heard := c.heard.Load()
	if heard == 0 {
		return c.options.Clock.Since(c.start) + 2*Bound
	}
	return c.options.Clock.Since(c.start) - time.Duration(heard)
}

// Run listens to the feed until ctx ends.
func (c *Cache) Run(ctx context.Context) error {
	ticker := c.options.Clock.NewTicker(c.options.Poll)
	defer ticker.Stop()
	var since time.Time
	away := false
	for {
		next, err := c.poll(ctx, since)
		since = next
		if ctx.Err() != nil {
			return nil
		}
		if (err != nil) != away { // once per outage, not per question
			away = err != nil
			c.logFeed(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.Chan():
		}
	}
}

func (c *Cache) logFeed(ctx context.Context, err error) {
	if err != nil {
		c.options.Obs.Logger.LogAttrs(ctx, slog.LevelWarn, "revocation feed lost; every token is asked about",
			slog.String("error", err.Error()))
		return
	}
	c.options.Obs.Logger.LogAttrs(ctx, slog.LevelInfo, "revocation feed heard again")
}

// poll asks the feed once and gives the point from which to ask the next time.
func (c *Cache) poll(ctx context.Context, since time.Time) (time.Time, error) {
	sent := c.options.Clock.Since(c.start)
	answer, err := c.ask(obs.Untraced(ctx), since)
	if err != nil {
		return since, err
	}
	c.remember(func(n *news, now time.Time) { n.add(answer, now) })
	c.heard.Store(int64(sent))
	return answer.Now, nil
}

// Reach asks the sessions service whether it is there. Unavailable if not; else Now
// is the time by its clock from here on, even if the feed was not heard yet.
func (c *Cache) Reach(ctx context.Context) error {
	_, err := c.ask(ctx, c.Now())
	return err
}

// ask asks what has ended or changed since then, and what time it is.
func (c *Cache) ask(ctx context.Context, since time.Time) (sessions.Revocations, error) {
	asked := c.options.Clock.Now()
	answer, err := c.options.Sessions.Revocations(ctx, sessions.RevocationsRequest{Since: since})
	if err != nil {
		return sessions.Revocations{}, err
	}
	c.clock.compare(asked, answer.Now, c.options.Clock.Since(asked))
	return answer, nil
}

// add takes an answer of the feed in.
func (n *news) add(answer sessions.Revocations, now time.Time) {
	for _, id := range answer.Sessions {
		n.ended[id] = now
	}
	for _, told := range answer.Changed {
		known, ok := n.changed[told.Session]
		if !ok || !known.time.Equal(told.Time) {
			known = change{time: told.Time, edition: n.edition}
		}
		known.heard = now
		n.changed[told.Session] = known
	}
}

// remember takes in what is new and drops what has been there for long enough.
func (c *Cache) remember(add func(n *news, now time.Time)) {
	c.writing.Lock()
	defer c.writing.Unlock()
	now, before := c.options.Clock.Now(), c.news.Load()
	after := &news{
		edition: before.edition + 1,
		ended:   make(map[int64]time.Time, len(before.ended)),
		changed: make(map[int64]change, len(before.changed)),
	}
	for id, at := range before.ended {
		if now.Sub(at) < remembered {
			after.ended[id] = at
		}
	}
	for id, c := range before.changed {
		if now.Sub(c.heard) < remembered {
			after.changed[id] = c
		}
	}
	add(after, now)
	c.news.Store(after)
}

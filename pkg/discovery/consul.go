package discovery

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/go-kit/kit/sd/consul"
	"github.com/hashicorp/consul/api"
	"github.com/jonboulle/clockwork"
)

// WatchOptions configures Watch. Client and Service are required.
type WatchOptions struct {
	Client  *api.Client
	Service string
	// Tags are what an instance must have, all of them; empty: nothing.
	Tags   []string
	Logger *slog.Logger
	// Clock paces the retries; nil is the real one.
	Clock clockwork.Clock
	// First bounds the one query that Watch waits for; 0 is two seconds.
	First time.Duration
	// Wait is how long Consul may hold a query open; 0 is one minute.
	Wait time.Duration
	// RetryMin and RetryMax bound the growing pause between two attempts while
	// Consul is away; 0 is 100ms and 10s.
	RetryMin, RetryMax time.Duration
	// Forgetful is for how long after an outage an empty answer is not believed; 0 is
	// 20 seconds, within which every instance that is there has asked whether Consul
	// still knows it.
	Forgetful time.Duration
}

// Watch follows the passing instances of a service with blocking queries until
// it is stopped. While Consul is away the last known instances stay. Watch
// itself waits for the first answer, but not for long: a Consul or a service
// that is not there yet appears later.
func Watch(o WatchOptions) *Watcher {
	ctx, cancel := context.WithCancel(context.Background())
	q := &querier{
		ctx:    ctx,
		health: o.Client.Health(),
		clock:  cmp.Or(o.Clock, clockwork.NewRealClock()),
		logger: cmp.Or(o.Logger, slog.New(slog.DiscardHandler)).With("discovered", o.Service),
		first:  cmp.Or(o.First, 2*time.Second),
		wait:   cmp.Or(o.Wait, time.Minute),
		retry:  newRetry(o.RetryMin, o.RetryMax),
		known:  make(chan struct{}),

		forgetful: cmp.Or(o.Forgetful, 20*time.Second),
	}
	return &Watcher{
		querier:   q,
		Instancer: consul.NewInstancer(q, Logger(q.logger, "consul instancer"), o.Service, o.Tags, true),
		cancel:    cancel,
	}
}

// Watcher is go-kit's instancer, but Stop also ends the query that is open and
// may be called twice.
type Watcher struct {
	*consul.Instancer
	querier *querier
	cancel  context.CancelFunc
	once    sync.Once
}

// Known is closed once Consul has told the instances for the first time, if there
// are any.
func (w *Watcher) Known() <-chan struct{} { return w.querier.known }

// Answers tells whether Consul answered when it was last asked.
func (w *Watcher) Answers() bool { return w.querier.answers.Load() }

// Stop implements sd.Instancer.
func (w *Watcher) Stop() {
	w.once.Do(func() {
		w.Instancer.Stop() // first: its loop then takes the cancelled query for what it is
		w.cancel()
	})
}

// querier is the consul.Client of go-kit's instancer. It answers only when it
// has instances to tell. The instancer would otherwise publish every failure of
// Consul in place of the instances it knew, to whoever subscribes from then on,
// and sleep for up to a minute where nothing can wake it.
type querier struct {
	ctx     context.Context //nolint:containedctx // go-kit's interface has no other way for it
	health  *api.Health
	clock   clockwork.Clock
	logger  *slog.Logger
	first   time.Duration
	wait    time.Duration
	retry   *backoff.ExponentialBackOff
	started atomic.Bool
	answers atomic.Bool
	known   chan struct{} // closed by the first answer
	logged  []string

	forgetful time.Duration
	outage    time.Time // the last one; zero: none
	told      int       // how many instances were answered last
}

// Service implements consul.Client. Go-kit calls it from its constructor and
// then from one loop.
func (q *querier) Service(service, tag string, passingOnly bool, options *api.QueryOptions) ([]*api.ServiceEntry, *api.QueryMeta, error) {
	if !q.started.Swap(true) {
		entries, meta, err := q.query(service, tag, passingOnly, &api.QueryOptions{WaitIndex: options.WaitIndex}, q.first)
		q.told = len(entries)
		return entries, meta, err
	}
	next, failed := &api.QueryOptions{WaitIndex: options.WaitIndex, WaitTime: q.wait}, false
	for {
		// Consul adds up to a sixteenth to the wait; the rest is for the network.
		entries, meta, err := q.query(service, tag, passingOnly, next, q.wait+q.wait/16+10*time.Second)
		if err != nil {
			if !q.failed(err, !failed) {
				return nil, nil, err
			}
			failed = true
			// A Consul that lost its data counts from one again, and would let a
			// query for a later index wait for its whole time.
			next.WaitIndex = 0
			continue
		}
		if failed {
			failed = false
			q.retry.Reset()
			q.logger.InfoContext(q.ctx, "consul is back")
		}
		if rest := q.doubt(entries); rest > 0 {
			next = &api.QueryOptions{WaitIndex: max(meta.LastIndex, 1), WaitTime: rest}
			continue
		}
		q.told = len(entries)
		return entries, meta, nil
	}
}

// failed pauses after a query that failed, and tells whether there is to be another.
func (q *querier) failed(err error, first bool) bool {
	if q.ctx.Err() != nil {
		return false
	}
	q.outage = q.clock.Now()
	if first {
		q.logger.WarnContext(q.ctx, "consul does not answer; the last known instances stay", "error", err)
	}
	return pause(q.ctx, q.clock, q.retry.NextBackOff())
}

// doubt is for how long an answer is not to be believed: a Consul that comes back
// without what it knew has no instance to tell, until all have registered again.
// Meanwhile those that were known serve.
func (q *querier) doubt(entries []*api.ServiceEntry) time.Duration {
	if len(entries) > 0 || q.told == 0 || q.outage.IsZero() {
		return 0
	}
	return q.forgetful - q.clock.Since(q.outage)
}

func (q *querier) query(service, tag string, passingOnly bool, options *api.QueryOptions, timeout time.Duration) ([]*api.ServiceEntry, *api.QueryMeta, error) {
	entries, meta, err := q.ask(service, tag, passingOnly, options, timeout)
	q.answers.Store(err == nil)
	if err != nil {
		return nil, nil, err
	}
	q.tell(entries)
	return entries, meta, nil
}

func (q *querier) ask(service, tag string, passingOnly bool, options *api.QueryOptions, timeout time.Duration) ([]*api.ServiceEntry, *api.QueryMeta, error) {
	ctx, cancel := context.WithTimeout(q.ctx, timeout)
	defer cancel()
	entries, meta, err := q.health.Service(service, tag, passingOnly, options.WithContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	// Nobody is there, or a token that has lost its rights may not see them: Consul
	// has no error for that, and a blocking query does not even tell it.
	if len(entries) == 0 && options.WaitIndex > 0 {
		entries, meta, err = q.health.Service(service, tag, passingOnly, (&api.QueryOptions{}).WithContext(ctx))
		if err != nil {
			return nil, nil, err
		}
	}
	if len(entries) == 0 && meta.ResultsFilteredByACLs {
		return nil, nil, errNotReadable
	}
	return entries, meta, nil
}

// tell says what is known from now on. Queries follow one another.
func (q *querier) tell(entries []*api.ServiceEntry) {
	select {
	case <-q.known:
	default:
		close(q.known)
	}
	ids := make([]string, 0, len(entries))
	for _, entry := range entries {
		ids = append(ids, entry.Service.ID)
	}
	slices.Sort(ids)
	if !slices.Equal(ids, q.logged) {
		q.logger.InfoContext(q.ctx, "instances changed", "count", len(ids), "instances", strings.Join(ids, " "))
		q.logged = ids
	}
}

// Register implements consul.Client; an instancer does not register.
func (*querier) Register(*api.AgentServiceRegistration) error { return errNotARegistrar }

// Deregister implements consul.Client; an instancer does not deregister.
func (*querier) Deregister(*api.AgentServiceRegistration) error { return errNotARegistrar }

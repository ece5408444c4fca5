package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// hookTimeout bounds each thing that is done when draining and closing.
const hookTimeout = 10 * time.Second

// GroupOptions configures a Group.
type GroupOptions struct {
	Logger *slog.Logger
	// Clock measures Drain; nil is the real one.
	Clock clockwork.Clock
	// Drain passes between the end of readiness and the closing of the servers.
	Drain time.Duration
	// Shutdown is the time that requests in flight have to finish, and after
	// that the workers; 0 is 20 seconds.
	Shutdown time.Duration
}

// Group runs the servers and workers of a process until its context ends or one
// of them fails. Then they end in an order in which none misses another:
// readiness, what OnDrain names, the servers with the requests in flight, the
// workers, and what OnClose names, last come first served.
//
// Members are added before Run; only Ready, Go and OnClose may come later.
type Group struct {
	options  GroupOptions
	logger   *slog.Logger
	clock    clockwork.Clock
	draining chan struct{}

	servers          []*Server
	onServe, onDrain []hook

	mu      sync.Mutex
	state   state
	checks  []hook
	onClose []hook
	workers workers
}

// hook is something with a name to do, or to ask.
type hook struct {
	name string
	do   func(context.Context) error
}

// NewGroup returns a Group without members.
func NewGroup(o GroupOptions) *Group {
	g := &Group{options: o, logger: o.Logger, clock: o.Clock, draining: make(chan struct{})}
	if g.logger == nil {
		g.logger = slog.New(slog.DiscardHandler)
	}
	if g.clock == nil {
		g.clock = clockwork.NewRealClock()
	}
	if g.options.Shutdown <= 0 {
		g.options.Shutdown = 20 * time.Second
	}
	return g
}

// Serve adds a server. Its port is opened by Run.
func (g *Group) Serve(s *Server) { g.servers = append(g.servers, s) }

// OnServe adds what is done as soon as all servers serve. An error ends the group.
func (g *Group) OnServe(name string, do func(context.Context) error) {
	g.onServe = append(g.onServe, hook{name, do})
}

// OnDrain adds what is done first when the group ends, with everything still running.
func (g *Group) OnDrain(name string, do func(context.Context) error) {
	g.onDrain = append(g.onDrain, hook{name, do})
}

// OnClose adds what is done when neither servers nor workers run any more, or
// when Close is called without a Run. The last added is done first.
func (g *Group) OnClose(name string, do func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onClose = append(g.onClose, hook{name, do})
}

// Draining is closed when the group begins to end: long polls return then.
func (g *Group) Draining() <-chan struct{} { return g.draining }

// Run runs the group. It returns nil if its end was the context's.
func (g *Group) Run(ctx context.Context) error {
	defer g.setState(ended)
	err := g.run(ctx)
	return errors.Join(err, g.Close(ctx))
}

func (g *Group) run(parent context.Context) error {
	ctx, end := context.WithCancelCause(parent)
	defer end(nil)
	if err := g.listen(parent); err != nil {
		return err
	}
	// Requests and workers outlive the context that ends the group.
	work, stopWork := context.WithCancel(context.WithoutCancel(parent))
	defer stopWork()
	g.startWorkers(work, end)
	var serving sync.WaitGroup
	for _, s := range g.servers {
		serving.Go(func() {
			if err := s.serve(); err != nil {
				end(fmt.Errorf("%s: %w", s.Name, err))
			}
		})
	}
	g.setState(ready)
	for _, h := range g.onServe {
		if err := h.do(ctx); err != nil {
			end(fmt.Errorf("%s: %w", h.name, err))
		}
	}
	<-ctx.Done()
	g.drain(parent)
	serving.Wait()
	stopWork()
	stuck := g.awaitWorkers()
	cause := context.Cause(ctx)
	if parent.Err() != nil && errors.Is(cause, context.Cause(parent)) {
		return stuck
	}
	return errors.Join(cause, stuck)
}

// drain ends readiness and the servers.
func (g *Group) drain(parent context.Context) {
	ctx := context.WithoutCancel(parent)
	g.logger.InfoContext(ctx, "draining", "time", g.options.Drain.String())
	g.setState(draining)
	close(g.draining)
	for _, s := range g.servers {
		s.leaving.Store(true)
	}
	for _, h := range g.onDrain {
		if err := h.within(ctx, hookTimeout); err != nil {
			g.logger.WarnContext(ctx, "draining goes on without it", "what", h.name, "error", err)
		}
	}
	if g.options.Drain > 0 {
		<-g.clock.After(g.options.Drain)
	}
	var closing sync.WaitGroup
	for _, s := range g.servers {
		closing.Go(func() {
			if err := s.shutdown(ctx, g.options.Shutdown); err != nil {
				g.logger.WarnContext(ctx, "requests in flight were cut off", "server", s.Name, "error", err)
			}
		})
	}
	closing.Wait()
}

// Close does what OnClose named, once; Run calls it. Use it when Run is never
// reached.
func (g *Group) Close(parent context.Context) error {
	g.mu.Lock()
	closers := slices.Clone(g.onClose)
	g.onClose = nil
	g.mu.Unlock()
	var errs []error
	for _, h := range slices.Backward(closers) {
		if err := h.within(context.WithoutCancel(parent), hookTimeout); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", h.name, err))
		}
	}
	return errors.Join(errs...)
}

func (h hook) within(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return h.do(ctx)
}

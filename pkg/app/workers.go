package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// workers are a group's background work. The group's lock guards all but done.
type workers struct {
	waiting []hook // until the group runs
	running map[string]int
	done    sync.WaitGroup
	ctx     context.Context         //nolint:containedctx // what later workers run in
	end     context.CancelCauseFunc // ends the group
}

// Go adds background work. Its context ends when the servers have finished.
// Work that returns nil is done; an error before that time ends the group.
func (g *Group) Go(name string, run func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.workers.ctx == nil {
		g.workers.waiting = append(g.workers.waiting, hook{name, run})
		return
	}
	if g.workers.ctx.Err() == nil {
		g.startWorker(hook{name, run})
	}
}

func (g *Group) startWorkers(ctx context.Context, end context.CancelCauseFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.workers.ctx, g.workers.end, g.workers.running = ctx, end, map[string]int{} //nolint:fatcontext // set once
	for _, w := range g.workers.waiting {
		g.startWorker(w) //nolint:contextcheck // it takes what was stored above
	}
	g.workers.waiting = nil
}

// startWorker is called under the lock.
func (g *Group) startWorker(w hook) {
	ctx, end := g.workers.ctx, g.workers.end
	g.workers.running[w.name]++
	g.workers.done.Go(func() {
		defer g.workerEnded(w.name)
		err := w.do(ctx)
		switch {
		case err == nil:
		case ctx.Err() == nil:
			end(fmt.Errorf("%s: %w", w.name, err))
		case !errors.Is(err, context.Canceled):
			g.logger.WarnContext(ctx, "background work ended with an error", "worker", w.name, "error", err)
		}
	})
}

func (g *Group) workerEnded(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.workers.running[name]--; g.workers.running[name] == 0 {
		delete(g.workers.running, name)
	}
}

// awaitWorkers waits for workers whose context has ended, but not for ever.
func (g *Group) awaitWorkers() error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.workers.done.Wait()
	}()
	timer := time.NewTimer(g.options.Shutdown)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		g.mu.Lock()
		defer g.mu.Unlock()
		var names []string
		for name := range g.workers.running {
			names = append(names, name)
		}
		slices.Sort(names)
		return fmt.Errorf("background work did not end within %v: %s", g.options.Shutdown, strings.Join(names, ", "))
	}
}

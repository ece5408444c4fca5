package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

type state int

const (
	starting state = iota
	ready
	draining
	ended
)

var (
	errStarting = errors.New("starting")
	errDraining = errors.New("draining")
)

func (g *Group) setState(s state) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = s
}

// Ready adds a check without which the process is not ready.
func (g *Group) Ready(name string, check func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.checks = append(g.checks, hook{name, check})
}

// CheckReady is nil when the group serves and all checks pass.
func (g *Group) CheckReady(ctx context.Context) error {
	g.mu.Lock()
	now, checks := g.state, slices.Clone(g.checks)
	g.mu.Unlock()
	switch now {
	case starting:
		return errStarting
	case draining, ended:
		return errDraining
	case ready:
	}
	errs := make([]error, len(checks))
	var asked sync.WaitGroup
	for i, check := range checks {
		asked.Go(func() {
			if err := check.do(ctx); err != nil {
				errs[i] = fmt.Errorf("%s: %w", check.name, err)
			}
		})
	}
	asked.Wait()
	return errors.Join(errs...)
}

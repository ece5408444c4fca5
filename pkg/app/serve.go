package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// flushTimeout bounds the last export of spans.
const flushTimeout = 5 * time.Second

// serve runs the service until the context ends.
func (p *program) serve(ctx context.Context) error {
	base, err := p.service.load(p.environ, toServe)
	if err != nil {
		return p.misconfigured(err)
	}
	return p.observed(ctx, base, func(o *obs.Obs) error {
		rt := p.runtime(base, o)
		debugged, err := rt.serveDebug(ctx)
		if err != nil {
			return err
		}
		defer debugged()
		o.Logger.InfoContext(ctx, "starting", "version", rt.Version, "debug", rt.debug.Addr().String())
		if err := rt.build(ctx); err != nil {
			err = errors.Join(err, rt.group.Close(ctx))
			if ctx.Err() == nil {
				return err
			}
			o.Logger.InfoContext(ctx, "stopped while starting", "error", err)
			return nil
		}
		if err := rt.group.Run(ctx); err != nil {
			return err
		}
		o.Logger.InfoContext(ctx, "stopped")
		return nil
	})
}

// migrate applies the migrations that the database lacks.
func (p *program) migrate(ctx context.Context) error {
	base, err := p.service.load(p.environ, toMigrate)
	if err != nil {
		return p.misconfigured(err)
	}
	return p.observed(ctx, base, func(o *obs.Obs) error {
		d, err := openDatabase(ctx, DatabaseOptions{
			Service: p.service.Name, URL: base.DatabaseURL, Migrations: p.service.Migrations,
		}, o, p.clock)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Migrate(ctx), d.Close()); err != nil {
			return err
		}
		o.Logger.InfoContext(ctx, "the database is up to date")
		return nil
	})
}

// observed runs do with a logger and all, logs its error and flushes the traces.
func (p *program) observed(ctx context.Context, base *Base, do func(*obs.Obs) error) error {
	o, shutdown, err := obs.New(ctx, obs.Options{
		Service:        p.service.Name,
		Version:        Version(),
		LogLevel:       base.LogLevel,
		LogFormat:      base.LogFormat,
		LogWriter:      p.stderr,
		SpanProcessors: p.spans,
	})
	if err != nil {
		p.tellf("%s: %v\n", p.service.Name, err)
		return failure{exitFailed}
	}
	err = do(o)
	if err != nil {
		o.Logger.ErrorContext(ctx, "failed", "error", err)
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := shutdown(flush); err != nil {
		o.Logger.WarnContext(ctx, "the last spans are lost", "error", err)
	}
	if err != nil {
		return failure{exitFailed}
	}
	return nil
}

func (p *program) runtime(base *Base, o *obs.Obs) *Runtime {
	return &Runtime{
		Base:    *base,
		Obs:     o,
		Clock:   p.clock,
		Version: Version(),
		Name:    p.service.Name,
		service: p.service,
		group: NewGroup(GroupOptions{
			Logger: o.Logger, Clock: p.clock, Drain: base.Drain, Shutdown: base.Shutdown,
		}),
	}
}

func (rt *Runtime) build(ctx context.Context) error {
	if err := rt.connect(); err != nil {
		return err
	}
	if rt.service.Build == nil {
		return fmt.Errorf("app: the service %s has no Build", rt.Name)
	}
	if err := rt.service.Build(ctx, rt); err != nil {
		return err
	}
	return rt.refused
}

// serveDebug opens the debug port, before all and until after all. The returned
// function closes it.
func (rt *Runtime) serveDebug(ctx context.Context) (func(), error) {
	rt.debug = &Server{
		Name:    "debug server",
		Listen:  rt.Base.DebugListen,
		Handler: rt.forThisInstance(obs.DebugHandler(rt.Obs, rt.checkReady)),
		// Profiles and traces are recorded for as long as their caller says.
		WriteTimeout: 5 * time.Minute,
		Logger:       rt.Obs.Logger,
	}
	if err := rt.debug.listen(ctx); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := rt.debug.serve(); err != nil {
			rt.Obs.Logger.ErrorContext(ctx, "the debug port is closed", "error", err)
		}
	}()
	return func() {
		if err := rt.debug.shutdown(context.WithoutCancel(ctx), time.Second); err != nil {
			rt.Obs.Logger.DebugContext(ctx, "closing the debug port", "error", err)
		}
		<-done
	}, nil
}

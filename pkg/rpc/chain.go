package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/go-kit/kit/endpoint"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

const tracerName = "github.com/gatehouse-id/gatehouse/pkg/rpc"

type callerKey struct{}

func withCaller(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, callerKey{}, name)
}

// Caller names the service that made the call, "" outside one.
func Caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

type releaseKey struct{}

// withDeadline gives ctx what is left of the caller's deadline. The transport
// hands contexts on without their cancel functions, so release ends it.
func withDeadline(ctx context.Context, left time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(ctx, left)
	return context.WithValue(ctx, releaseKey{}, cancel)
}

func release(ctx context.Context) {
	if cancel, ok := ctx.Value(releaseKey{}).(context.CancelFunc); ok {
		cancel()
	}
}

// metrics are rate, errors and duration of calls, by method and outcome.
type metrics struct{ duration *prometheus.HistogramVec }

func newMetrics(reg prometheus.Registerer, side string) *metrics {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "gatehouse_rpc_" + side + "_duration_seconds",
		Help:    "Duration of calls between services, in seconds; outcome is ok or the fault's kind.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"method", "outcome"})
	return &metrics{duration: obs.Register(reg, vec)}
}

// observe goes past go-kit's own histogram, which knows no exemplars.
func (m *metrics) observe(ctx context.Context, s *spec, start time.Time, err error) {
	outcome := "ok"
	if err != nil {
		outcome = string(fault.From(err).Kind)
	}
	obs.Observe(ctx, m.duration.WithLabelValues(s.name(), outcome), time.Since(start))
}

// traceServer opens the span in which the method runs.
func traceServer(o *obs.Obs, s *spec) endpoint.Middleware {
	return traced(o, s, trace.SpanKindServer)
}

func traced(o *obs.Obs, s *spec, kind trace.SpanKind) endpoint.Middleware {
	tracer := o.Tracer.Tracer(tracerName)
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			ctx, span := tracer.Start(ctx, s.name(), trace.WithSpanKind(kind), trace.WithAttributes(
				attribute.String("rpc.system", "gatehouse"),
				attribute.String("rpc.service", s.service),
				attribute.String("rpc.method", s.method),
			))
			defer span.End()
			response, err := next(ctx, request)
			markSpan(span, err)
			return response, err
		}
	}
}

// markSpan notes the outcome. Only what somebody has to look at is an error:
// a wrong password is not.
func markSpan(span trace.Span, err error) {
	if err == nil {
		return
	}
	f := fault.From(err)
	span.SetAttributes(attribute.String("gatehouse.fault", string(f.Kind)))
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		span.SetStatus(codes.Error, f.Message.ID)
	}
}

// measure counts the call and logs what went wrong, once, with its cause.
func measure(m *metrics, logger *slog.Logger, s *spec) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			start := time.Now()
			response, err := next(ctx, request)
			if err != nil {
				f := fault.From(err)
				logFault(ctx, logger, s, f)
				err = f
			}
			m.observe(ctx, s, start, err)
			return response, err
		}
	}
}

func logFault(ctx context.Context, logger *slog.Logger, s *spec, f *fault.Fault) {
	level := slog.LevelDebug
	switch f.Kind {
	case fault.Internal:
		level = slog.LevelError
	case fault.Unavailable:
		level = slog.LevelWarn
	}
	logger.LogAttrs(ctx, level, "call failed",
		slog.String("method", s.name()), slog.String("caller", Caller(ctx)),
		slog.String("fault", string(f.Kind)), slog.String("fault_id", f.ID), slog.String("error", f.Error()))
}

// admit lets in only callers that both the server and the route name.
func admit(server, route []string) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			if name := Caller(ctx); !allowed(server, name) || !allowed(route, name) {
				return nil, fault.New(fault.Forbidden, "").Because(fmt.Errorf("caller %q is not on the list", name))
			}
			return next(ctx, request)
		}
	}
}

// recoverPanics turns a panic into an Internal fault: one bad request must not
// take the others in flight with it.
func recoverPanics(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (response any, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fault.New(fault.Internal, "").Because(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		return next(ctx, request)
	}
}

// Package obs gives a process its logger, metrics registry and tracer, and
// serves them on a debug port. Nothing here is global: whoever needs one of the
// three is handed an Obs.
package obs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Options says how a process is observed. The zero value logs JSON at level
// info to standard error and records spans that nobody exports.
type Options struct {
	// Service names the process in logs, metrics and traces.
	Service string
	// Version is reported with every span and by the build information metric.
	Version string
	// LogLevel is the lowest level that is written.
	LogLevel slog.Level
	// LogFormat is "json" (also when empty) or "text".
	LogFormat string
	// LogWriter receives the log; nil means standard error.
	LogWriter io.Writer
	// SpanProcessors see every sampled span, besides the exporter.
	SpanProcessors []sdktrace.SpanProcessor
}

// Obs is what a component needs in order to be observed. All fields are set.
type Obs struct {
	Logger     *slog.Logger
	Registry   *prometheus.Registry
	Tracer     trace.TracerProvider
	Propagator propagation.TextMapPropagator
}

// New builds the process's Obs and the function that flushes and closes it,
// which is to be called last, with a context that bounds the flushing. Spans are
// sampled as OTEL_TRACES_SAMPLER says, by default parent-based and always on.
func New(ctx context.Context, o Options) (*Obs, func(context.Context) error, error) {
	logger, err := newLogger(o)
	if err != nil {
		return nil, nil, err
	}
	registry, err := newRegistry(o)
	if err != nil {
		return nil, nil, err
	}
	tracer, err := newTracer(ctx, o, logger)
	if err != nil {
		return nil, nil, err
	}
	return &Obs{
		Logger:     logger,
		Registry:   registry,
		Tracer:     tracer,
		Propagator: newPropagator(),
	}, tracer.Shutdown, nil
}

// Nop is an Obs that keeps nothing but metrics, each call with a registry of its
// own: for unit tests.
func Nop() *Obs {
	return &Obs{
		Logger:     slog.New(slog.DiscardHandler),
		Registry:   prometheus.NewRegistry(),
		Tracer:     noop.NewTracerProvider(),
		Propagator: newPropagator(),
	}
}

func newLogger(o Options) (*slog.Logger, error) {
	w := o.LogWriter
	if w == nil {
		w = os.Stderr
	}
	options := &slog.HandlerOptions{Level: o.LogLevel, ReplaceAttr: redact}
	var inner slog.Handler
	switch o.LogFormat {
	case "", "json":
		inner = slog.NewJSONHandler(w, options)
	case "text":
		inner = slog.NewTextHandler(w, options)
	default:
		return nil, fmt.Errorf("obs: log format %q is neither json nor text", o.LogFormat)
	}
	logger := slog.New(newHandler(inner))
	if o.Service != "" {
		logger = logger.With("service", o.Service)
	}
	return logger, nil
}

func newRegistry(o Options) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "gatehouse_build_info",
		Help:        "Always 1; the labels say which service and version runs.",
		ConstLabels: prometheus.Labels{"service": o.Service, "version": o.Version},
	})
	info.Set(1)
	for _, c := range []prometheus.Collector{
		info,
		collectors.NewBuildInfoCollector(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("obs: registering process metrics: %w", err)
		}
	}
	return registry, nil
}

func newTracer(ctx context.Context, o Options, logger *slog.Logger) (*sdktrace.TracerProvider, error) {
	// Attributes without a schema merge with whatever schema the SDK's own
	// detectors carry. WithFromEnv comes last: an operator's word wins.
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithHost(),
		resource.WithAttributes(
			attribute.String("service.namespace", "gatehouse"),
			attribute.String("service.name", o.Service),
			attribute.String("service.version", o.Version),
		),
		resource.WithFromEnv(),
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("obs: describing the process: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)}
	for _, p := range o.SpanProcessors {
		options = append(options, sdktrace.WithSpanProcessor(p))
	}
	if exporterConfigured() {
		exporter, err := newExporter(ctx, logger)
		if err != nil {
			return nil, err
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	return sdktrace.NewTracerProvider(options...), nil
}

// newPropagator reads and writes the W3C traceparent and tracestate headers. No
// baggage: a stranger's would travel to every service.
func newPropagator() propagation.TextMapPropagator {
	return propagation.TraceContext{}
}

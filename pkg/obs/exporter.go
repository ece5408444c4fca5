package obs

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehouse-id/gatehouse/pkg/obs/internal/otlp"
)

func exporterConfigured() bool {
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// newExporter does not connect: a collector that is away delays nothing.
func newExporter(ctx context.Context, logger *slog.Logger) (sdktrace.SpanExporter, error) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := os.Getenv(name); protocol != "" && protocol != "http/protobuf" {
			logger.WarnContext(ctx, "traces are exported as http/protobuf", "variable", name, "value", protocol)
		}
	}
	client, err := otlp.NewClient()
	if err != nil {
		return nil, fmt.Errorf("obs: OTLP exporter: %w", err)
	}
	inner, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("obs: OTLP exporter: %w", err)
	}
	return &loggedExporter{SpanExporter: inner, logger: logger}, nil
}

// loggedExporter reports a failing collector in the process's own log, once for
// each outage. The SDK would hand the error to OpenTelemetry's global handler,
// which prints every one of them on standard error in a format of its own.
type loggedExporter struct {
	sdktrace.SpanExporter
	logger  *slog.Logger
	failing atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter. It never returns an error.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch failed := err != nil; {
	case failed && !e.failing.Swap(true):
		e.logger.WarnContext(ctx, "traces cannot be exported; spans are lost until the collector is back", "error", err)
	case !failed && e.failing.Swap(false):
		e.logger.InfoContext(ctx, "traces are exported again")
	}
	return nil //nolint:nilerr // it is in the log, from now or from when the outage began
}

package obs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

func TestUntraced(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	_, span := tracer.Start(obs.Untraced(t.Context()), "poll")
	span.End()
	assert.Empty(t, spans.Ended())

	_, span = tracer.Start(t.Context(), "request")
	span.End()
	assert.Len(t, spans.Ended(), 1)
}

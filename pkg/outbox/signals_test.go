package outbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestEachAttemptLinksToTheAdder(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		recorder := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
		b := newBench(t, d, newInbox(errAway).handle, func(o *outbox.Options) { o.Tracer = provider })

		ctx, adder := provider.Tracer("test").Start(t.Context(), "adder")
		require.NoError(t, b.add(ctx, outbox.Message{Topic: "mail", Key: "a"}))
		adder.End()
		b.drain(t)
		b.clock.Advance(time.Hour)
		b.drain(t)

		spans := recorder.Ended()
		require.Len(t, spans, 3)
		for i, status := range []codes.Code{codes.Error, codes.Unset} {
			span := spans[i+1]
			assert.Equal(t, "outbox mail", span.Name())
			assert.Equal(t, status, span.Status().Code)
			assert.NotEqual(t, adder.SpanContext().TraceID(), span.SpanContext().TraceID())
			require.Len(t, span.Links(), 1)
			assert.Equal(t, adder.SpanContext().TraceID(), span.Links()[0].SpanContext.TraceID())
			assert.Equal(t, adder.SpanContext().SpanID(), span.Links()[0].SpanContext.SpanID())
		}
	})
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		registry := prometheus.NewPedanticRegistry()
		b := newBench(t, d, newInbox(outbox.Permanent(errAway), errAway, nil).handle,
			func(o *outbox.Options) { o.Registry = registry })
		b.again(newInbox().handle) // a second worker may share the registry
		for _, key := range []string{"dead", "failed", "delivered"} {
			b.mustAdd(t, outbox.Message{Topic: "mail", Key: key})
			b.drain(t)
		}
		b.clock.Advance(30 * time.Second)
		b.drain(t)

		require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
			# HELP gatehouse_outbox_dead Messages that were given up and wait for an operator.
			# TYPE gatehouse_outbox_dead gauge
			gatehouse_outbox_dead{service="shop"} 1
			# HELP gatehouse_outbox_oldest_age_seconds Age of the oldest pending message; 0 if there is none.
			# TYPE gatehouse_outbox_oldest_age_seconds gauge
			gatehouse_outbox_oldest_age_seconds{service="shop"} 30
			# HELP gatehouse_outbox_pending Messages that are yet to be delivered.
			# TYPE gatehouse_outbox_pending gauge
			gatehouse_outbox_pending{service="shop"} 1
		`), "gatehouse_outbox_pending", "gatehouse_outbox_dead", "gatehouse_outbox_oldest_age_seconds"))
		n, err := testutil.GatherAndCount(registry, "gatehouse_outbox_delivery_seconds")
		require.NoError(t, err)
		assert.Equal(t, 3, n, "dead, failed and delivered")
	})
}

func TestRunMeasuresByItself(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		registry := prometheus.NewPedanticRegistry()
		b := newBench(t, d, newInbox(outbox.Permanent(errAway)).handle,
			func(o *outbox.Options) { o.Registry = registry })
		b.run(t)
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		eventually(t, func() bool { return b.row(t, "a") == "dead 1 true" })
		eventually(t, func() bool {
			b.clock.Advance(6 * time.Second) // more than Poll
			families, err := registry.Gather()
			require.NoError(t, err)
			for _, family := range families {
				if family.GetName() == "gatehouse_outbox_dead" {
					return family.GetMetric()[0].GetGauge().GetValue() == 1
				}
			}
			return false
		})
	})
}

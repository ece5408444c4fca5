package outbox

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceHeader is the W3C field that a message's row keeps.
const traceHeader = "traceparent"

// traceOf is the adder's trace context, "" if there is none.
func traceOf(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceHeader]
}

// startSpan begins the span of an attempt. The adder's is linked rather than
// the parent: there may be several attempts, and they may come a day later.
func (o *Outbox) startSpan(ctx context.Context, m claimed) (context.Context, trace.Span) {
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(
			attribute.String("messaging.destination.name", m.topic),
			attribute.Int64("outbox.id", m.id),
			attribute.Int("outbox.attempt", m.attempt),
		),
	}
	origin := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceHeader: m.trace})
	if link := trace.LinkFromContext(origin); link.SpanContext.IsValid() {
		options = append(options, trace.WithLinks(link))
	}
	return o.tracer.Start(ctx, "outbox "+m.topic, options...) //nolint:spancheck // deliver ends it
}

// setOutcome marks what did not succeed. The error itself may name people, and
// stays in the log.
func setOutcome(span trace.Span, outcome string) {
	span.SetAttributes(attribute.String("outbox.outcome", outcome))
	if outcome != outcomeDelivered && outcome != outcomeInterrupted {
		span.SetStatus(codes.Error, "")
	}
}

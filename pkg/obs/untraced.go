package obs

import (
	"context"
	"crypto/rand"

	"go.opentelemetry.io/otel/trace"
)

// Untraced is a context in which nothing is traced, here and in what is called with
// it: for what is done every moment and by nobody, and would be most of all traces.
func Untraced(ctx context.Context) context.Context {
	var c trace.SpanContextConfig  // without the flag of what is sampled
	_, _ = rand.Read(c.TraceID[:]) // never fails
	_, _ = rand.Read(c.SpanID[:])  // as above
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(c))
}

package obs

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"
)

// handler adds what the context knows (trace_id, span_id, request_id) to each
// record, at the top level even when the logger has an open group.
type handler struct {
	inner slog.Handler
	// ungrouped is inner as it was before the first group was opened, and since
	// what has been done to it from then on. Both are unset without a group.
	ungrouped slog.Handler
	since     []func(slog.Handler) slog.Handler
}

func newHandler(inner slog.Handler) *handler { return &handler{inner: inner} }

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	attrs := contextAttrs(ctx)
	switch {
	case len(attrs) == 0:
		return h.inner.Handle(ctx, r)
	case h.ungrouped == nil:
		r = r.Clone()
		r.AddAttrs(attrs...)
		return h.inner.Handle(ctx, r)
	default:
		inner := h.ungrouped.WithAttrs(attrs)
		for _, again := range h.since {
			inner = again(inner)
		}
		return inner.Handle(ctx, r)
	}
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(func(inner slog.Handler) slog.Handler { return inner.WithAttrs(attrs) }, false)
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(func(inner slog.Handler) slog.Handler { return inner.WithGroup(name) }, true)
}

func (h *handler) with(change func(slog.Handler) slog.Handler, group bool) *handler {
	next := &handler{inner: change(h.inner), ungrouped: h.ungrouped}
	if group && next.ungrouped == nil {
		next.ungrouped = h.inner
	}
	if next.ungrouped != nil {
		next.since = append(slices.Clone(h.since), change)
	}
	return next
}

func contextAttrs(ctx context.Context) []slog.Attr {
	if ctx == nil {
		return nil
	}
	var attrs []slog.Attr
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		attrs = append(attrs,
			slog.String("trace_id", span.TraceID().String()),
			slog.String("span_id", span.SpanID().String()))
	}
	if id := RequestID(ctx); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	return attrs
}

type requestIDKey struct{}

// WithRequestID returns a context whose log records carry the request's id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the id that WithRequestID stored, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

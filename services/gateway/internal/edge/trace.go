package edge

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

type originalKey struct{}

// trace opens the request's span, named by route. A trace that a trusted proxy
// began goes on, if proxies are believed about that; one that a stranger claims to
// have begun is linked, so that strangers cannot write into traces or decide what
// is sampled.
//
// otelhttp writes the URL into the span, and our URLs end in secrets: it sees a
// copy of the request in which they are blotted out.
func (e *Edge) trace(next http.Handler) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, shown *http.Request) {
		ctx := shown.Context()
		original, _ := ctx.Value(originalKey{}).(*http.Request)
		trace.SpanFromContext(ctx).SetAttributes(attribute.String("gatehouse.request_id", obs.RequestID(ctx)))
		next.ServeHTTP(w, original.WithContext(ctx))
		shown.Pattern = knownMethod(original.Method) + " " + of(ctx).routeName()
	})
	traced := otelhttp.NewHandler(inner, "http",
		otelhttp.WithTracerProvider(e.options.Obs.Tracer),
		otelhttp.WithPropagators(e.options.Obs.Propagator),
		otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()), // Prometheus counts
		otelhttp.WithPublicEndpointFn(func(r *http.Request) bool { return !e.options.TraceProxies || !of(r.Context()).viaProxy }),
		otelhttp.WithSpanNameFormatter(spanName),
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := r.WithContext(context.WithValue(r.Context(), originalKey{}, r))
		shown.URL = &url.URL{Path: blot(r.URL.Path)}
		shown.Body = http.NoBody
		traced.ServeHTTP(w, shown)
	})
}

func spanName(_ string, r *http.Request) string {
	if r.Pattern == "" {
		return knownMethod(r.Method)
	}
	return r.Pattern
}

// blot hides the path's segments that may be links or codes: every one that is
// longer than a word.
func blot(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if len(s) > 32 {
			segments[i] = "-"
		}
	}
	return strings.Join(segments, "/")
}

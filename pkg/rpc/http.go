package rpc

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// HandleHTTP mounts a plain HTTP handler behind the list of callers, for
// protocols that are HTTP themselves. The pattern is http.ServeMux's.
func (s *Server) HandleHTTP(pattern string, h http.Handler) {
	remote := instrumented(s.options.Obs, s.options.Obs.Propagator, h)
	// In this process the context carries the parent span; what the headers
	// say comes from the browser and must not replace it.
	local := instrumented(s.options.Obs, propagation.NewCompositeTextMapPropagator(), h)
	s.mux.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, next, caller := r.Context(), local, Caller(r.Context())
		if caller == "" {
			caller, next = s.callerOf(r), remote
			ctx = obs.WithRequestID(withCaller(ctx, caller), r.Header.Get(headerRequestID))
		}
		if !allowed(s.options.Callers, caller) {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	}))
}

// LocalHTTP reaches what HandleHTTP mounted from within this process.
func (s *Server) LocalHTTP(caller string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mux.ServeHTTP(w, r.WithContext(withCaller(r.Context(), caller)))
	})
}

// instrumented opens a span around h, named by method and path: the paths
// mounted this way are fixed.
func instrumented(o *obs.Obs, p propagation.TextMapPropagator, h http.Handler) http.Handler {
	return otelhttp.NewHandler(h, "http",
		otelhttp.WithTracerProvider(o.Tracer), otelhttp.WithPropagators(p),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))
}

package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// unmatched is the route of requests that no pattern matches.
const unmatched = "unmatched"

// metrics are rate, errors and duration by route. All labels come from closed
// sets: patterns, known methods, statuses.
type metrics struct {
	duration  *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	throttled *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	return &metrics{
		duration: obs.Register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_http_request_duration_seconds",
			Help:    "Duration of public requests by route, method and status, in seconds.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method", "status"})),
		inFlight: obs.Register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_http_requests_in_flight",
			Help: "Public requests that are being served now.",
		})),
		throttled: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_http_throttled_total",
			Help: "Public requests that were refused by a rate limit.",
		}, []string{"limit"})),
	}
}

// observe counts and logs each request. It names the route, never the path or
// the query: those carry links and codes.
func (e *Edge) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.metrics.inFlight.Inc()
		seen := &recorder{ResponseWriter: w}
		defer e.observed(r.Context(), r.Method, seen, e.options.Clock.Now()) // even if it panics
		next.ServeHTTP(seen, r)
	})
}

func (e *Edge) observed(ctx context.Context, method string, seen *recorder, start time.Time) {
	e.metrics.inFlight.Dec()
	took := e.options.Clock.Since(start)
	state, status := of(ctx), seen.answered()
	method = knownMethod(method)
	obs.Observe(ctx, e.metrics.duration.WithLabelValues(state.routeName(), method, strconv.Itoa(status)), took)
	e.options.Obs.Logger.LogAttrs(ctx, slog.LevelInfo, "request",
		slog.String("method", method),
		slog.String("route", state.routeName()),
		slog.Int("status", status),
		slog.Int64("bytes", seen.bytes),
		slog.Duration("duration", took),
		slog.String("address", state.origin.Address),
		slog.Int64("user", state.user()),
	)
}

func (r *request) routeName() string {
	if r.route == "" {
		return unmatched
	}
	return r.route
}

// user is the id of the caller if somebody asked for them, else 0.
func (r *request) user() int64 {
	if r.resolution == nil {
		return 0
	}
	return r.resolution.caller.Session.User
}

func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// Routed notes which pattern of the mux a request matches, for the log, the
// metrics and the span. Of nested muxes the innermost counts.
func Routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer of(r.Context()).matched(r)
		mux.ServeHTTP(w, r)
	})
}

// matched takes over the pattern that the mux has written into r.
func (r *request) matched(by *http.Request) {
	if r.route == "" {
		r.route = pathOf(by.Pattern)
	}
}

func pathOf(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		return path
	}
	if pattern == "" {
		return unmatched
	}
	return pattern
}

// recoverPanics answers a panic as the fault it is.
func (e *Edge) recoverPanics(fail FailFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen := &recorder{ResponseWriter: w}
			ctx := r.Context()
			defer func() {
				p := recover()
				if p == nil {
					return
				}
				if p == http.ErrAbortHandler { //nolint:errorlint // a panic's value, compared as net/http does.
					panic(p) // the client went away from a proxied answer
				}
				err := fault.New(fault.Internal, "").Because(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
				if seen.status != 0 {
					Explain(ctx, err)           // logs it
					panic(http.ErrAbortHandler) // half an answer must not look like a whole one
				}
				fail(w, r, err)
			}()
			next.ServeHTTP(seen, r)
		})
	}
}

// recorder sees what is answered.
type recorder struct {
	http.ResponseWriter
	status int // 0: nothing yet
	bytes  int64
}

func (r *recorder) answered() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK { // 1xx are not the answer
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush and hijack.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

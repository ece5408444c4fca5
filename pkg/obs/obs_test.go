package obs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSpansReachProcessorsAndNoGlobalIsSet(t *testing.T) {
	t.Parallel()
	before := otel.GetTracerProvider()
	recorder := tracetest.NewSpanRecorder()
	o, shutdown, err := New(t.Context(), Options{Service: "mail", Version: "v1.2.3", SpanProcessors: []sdktrace.SpanProcessor{recorder}})
	if err != nil {
		t.Fatal(err)
	}
	_, span := o.Tracer.Tracer("test").Start(t.Context(), "work")
	span.End()
	if err := shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := recorder.Ended()
	if len(ended) != 1 || ended[0].Name() != "work" {
		t.Fatalf("%d spans", len(ended))
	}
	if text := ended[0].Resource().String(); !strings.Contains(text, "service.name=mail") || !strings.Contains(text, "service.version=v1.2.3") {
		t.Error(text)
	}
	if otel.GetTracerProvider() != before {
		t.Error("the global tracer provider was replaced")
	}
}

func TestSamplingFollowsTheParent(t *testing.T) {
	t.Parallel()
	o, shutdown, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shutdown(context.WithoutCancel(t.Context())) }()
	for parent, want := range map[trace.TraceFlags]bool{0: false, trace.FlagsSampled: true} {
		ctx := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: parent, Remote: true,
		}))
		_, span := o.Tracer.Tracer("test").Start(ctx, "work")
		if span.SpanContext().IsSampled() != want {
			t.Errorf("parent %v: sampled %v", parent, !want)
		}
		span.End()
	}
}

func TestSamplerFromEnvironment(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	o, shutdown, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shutdown(context.WithoutCancel(t.Context())) }()
	_, span := o.Tracer.Tracer("test").Start(t.Context(), "work")
	defer span.End()
	if span.SpanContext().IsSampled() {
		t.Error("sampled although OTEL_TRACES_SAMPLER is always_off")
	}
}

func TestExportsWhenAnEndpointIsConfigured(t *testing.T) {
	paths := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path }))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
	var out bytes.Buffer
	o, shutdown, err := New(t.Context(), Options{Service: "mail", LogWriter: &out})
	if err != nil {
		t.Fatal(err)
	}
	_, span := o.Tracer.Tracer("test").Start(t.Context(), "work")
	span.End()
	if err := shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if path := <-paths; path != "/v1/traces" {
		t.Error(path)
	}
	if !strings.Contains(out.String(), "http/json") {
		t.Error("another protocol is asked for, and nobody told that there is one only")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
	if _, _, err := New(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_TIMEOUT") {
		t.Errorf("a timeout that is none: %v", err)
	}
}

type exporterFunc func() error

func (f exporterFunc) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return f() }
func (exporterFunc) Shutdown(context.Context) error                               { return nil }

func TestAnOutageOfTheCollectorIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var failure error
	e := &loggedExporter{
		SpanExporter: exporterFunc(func() error { return failure }),
		logger:       slog.New(slog.NewTextHandler(&out, nil)),
	}
	for _, failure = range []error{nil, errors.New("refused"), errors.New("refused"), nil, nil} {
		if err := e.ExportSpans(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); strings.Count(got, "cannot be exported") != 1 || strings.Count(got, "exported again") != 1 {
		t.Error(got)
	}
}

func TestPropagatesTheTraceAlone(t *testing.T) {
	t.Parallel()
	fields := strings.Join(Nop().Propagator.Fields(), " ")
	for _, want := range []string{"traceparent", "tracestate"} {
		if !strings.Contains(fields, want) {
			t.Errorf("%s is not propagated: %s", want, fields)
		}
	}
	if strings.Contains(fields, "baggage") {
		t.Error("a stranger's baggage would travel to every service")
	}
	carrier := propagation.MapCarrier{}
	Nop().Propagator.Inject(traced(t.Context()), carrier)
	if carrier["traceparent"] == "" {
		t.Error("no traceparent")
	}
}

func TestDebugHandler(t *testing.T) {
	t.Parallel()
	o, shutdown, err := New(t.Context(), Options{Service: "mail", Version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shutdown(context.WithoutCancel(t.Context())) }()
	var reason error
	h := DebugHandler(o, func(context.Context) error { return reason })
	for _, test := range []struct {
		method, path string
		reason       error
		status       int
		body         string
	}{
		{http.MethodGet, "/livez", errors.New("down"), http.StatusOK, "ok"},
		{http.MethodGet, "/readyz", nil, http.StatusOK, "ok"},
		{http.MethodHead, "/readyz", nil, http.StatusOK, ""},
		{http.MethodGet, "/readyz", errors.New("no database at postgres://u:pass@db/x"), http.StatusServiceUnavailable, "no database at postgres://u:[redacted]@db/x"},
		{http.MethodGet, "/metrics", nil, http.StatusOK, `gatehouse_build_info{service="mail",version="v1.2.3"} 1`},
		{http.MethodGet, "/metrics", nil, http.StatusOK, "go_goroutines"},
		{http.MethodGet, "/debug/pprof/", nil, http.StatusOK, "goroutine"},
		{http.MethodGet, "/debug/pprof/cmdline", nil, http.StatusOK, "obs.test"},
		{http.MethodGet, "/", nil, http.StatusNotFound, ""},
		{http.MethodPost, "/livez", nil, http.StatusMethodNotAllowed, ""},
	} {
		reason = test.reason
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.path, http.NoBody)
		r.RemoteAddr = "127.0.0.1:40000"
		h.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s %s: %d %q", test.method, test.path, w.Code, w.Body.String())
		}
	}
	for from, status := range map[string]int{
		"[::1]:1": http.StatusOK, "[::ffff:127.0.0.1]:1": http.StatusOK, "192.0.2.1:1": http.StatusForbidden, "": http.StatusForbidden,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/pprof/", http.NoBody)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("profiles for %q: %d", from, w.Code)
		}
	}
	w := httptest.NewRecorder()
	DebugHandler(Nop(), nil).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusOK {
		t.Error("without a check a process is ready")
	}
}

package obs

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

func TestExemplarsLeadToSampledTraces(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags trace.TraceFlags
		want  bool
	}{"sampled": {trace.FlagsSampled, true}, "not sampled": {0, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			span := trace.NewSpanContext(trace.SpanContextConfig{
				TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{1}, TraceFlags: test.flags,
			})
			o := Nop()
			histogram := Register(o.Registry, prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", Help: "Took.", Buckets: []float64{1}}))
			Observe(trace.ContextWithSpanContext(t.Context(), span), histogram, 500*time.Millisecond)

			open := scrape(t.Context(), o, "application/openmetrics-text; version=1.0.0")
			if !strings.Contains(open, "took_seconds_sum 0.5") {
				t.Errorf("not counted:\n%s", open)
			}
			if got := strings.Contains(open, `# {trace_id="`+span.TraceID().String()+`"} 0.5`); got != test.want {
				t.Errorf("an exemplar: %v\n%s", got, open)
			}
			if plain := scrape(t.Context(), o, "text/plain"); strings.Contains(plain, "trace_id") {
				t.Errorf("an exemplar where the format has none:\n%s", plain)
			}
		})
	}
}

func scrape(ctx context.Context, o *Obs, accept string) string {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", accept)
	DebugHandler(o, nil).ServeHTTP(w, r)
	return w.Body.String()
}

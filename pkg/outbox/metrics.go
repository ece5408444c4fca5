package outbox

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// metrics of one service's outbox. All replicas show the same gauges.
type metrics struct {
	pending, dead, oldest prometheus.Gauge
	attempts              *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer, service string) *metrics {
	labels := prometheus.Labels{"service": service}
	gauge := func(name, help string) prometheus.Gauge {
		return obs.Register(r, prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}))
	}
	return &metrics{
		pending: gauge("gatehouse_outbox_pending", "Messages that are yet to be delivered."),
		dead:    gauge("gatehouse_outbox_dead", "Messages that were given up and wait for an operator."),
		oldest:  gauge("gatehouse_outbox_oldest_age_seconds", "Age of the oldest pending message; 0 if there is none."),
		attempts: obs.Register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:        "gatehouse_outbox_delivery_seconds",
			Help:        "Duration of attempts by topic and outcome: delivered, failed, dead, interrupted, lost.",
			ConstLabels: labels,
			Buckets:     []float64{.005, .01, .05, .1, .5, 1, 5, 10, 30, 120},
		}, []string{"topic", "outcome"})),
	}
}

func (m *metrics) measured(b backlog, now time.Time) {
	m.pending.Set(float64(b.pending))
	m.dead.Set(float64(b.dead))
	age := 0.0
	if b.oldest != nil {
		age = max(0, now.Sub(*b.oldest).Seconds())
	}
	m.oldest.Set(age)
}

func (m *metrics) attempted(ctx context.Context, topic, outcome string, took time.Duration) {
	obs.Observe(ctx, m.attempts.WithLabelValues(topic, outcome), took)
}

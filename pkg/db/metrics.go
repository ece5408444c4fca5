package db

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// How a transaction can end.
const (
	outcomeCommit   = "commit"
	outcomeRollback = "rollback" // the function returned an error
	outcomeError    = "error"    // the database did not begin, do or commit it
)

// metrics of one database: client_golang's go_sql_* for each pool, labelled
// db_name, and the transactions and whether it is there, labelled service.
type metrics struct {
	registry     prometheus.Registerer
	registered   []prometheus.Collector
	transactions *prometheus.HistogramVec
	up           prometheus.Gauge
}

func newMetrics(service string) *metrics {
	up := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "gatehouse_db_up",
		Help:        "1 if the database answers and takes writes, 0 if not. Asked every five seconds.",
		ConstLabels: prometheus.Labels{"service": service},
	})
	up.Set(1) // it has been opened
	return &metrics{up: up, transactions: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:        "gatehouse_db_transaction_seconds",
		Help:        "Duration of transactions from begin to end, by outcome: commit, rollback, error.",
		ConstLabels: prometheus.Labels{"service": service},
		Buckets:     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
	}, []string{"outcome"})}
}

func (m *metrics) register(r prometheus.Registerer, d *DB) error {
	if r == nil {
		return nil
	}
	m.registry = r
	pools := []prometheus.Collector{m.transactions, m.up, collectors.NewDBStatsCollector(d.read, d.service)}
	if d.write != d.read {
		pools = append(pools, collectors.NewDBStatsCollector(d.write, d.service+"_writer"))
	}
	if d.Dialect() == Postgres {
		pools = append(pools, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "gatehouse_db_clock_offset_seconds",
			Help:        "How far the clock of the database's server is ahead of this machine's; 0 if by less than a second.",
			ConstLabels: prometheus.Labels{"service": d.service},
		}, func() float64 { return d.ClockOffset().Seconds() }))
	}
	for _, c := range pools {
		if err := r.Register(c); err != nil {
			m.unregister()
			return fmt.Errorf("db: registering the metrics of %s: %w", d.service, err)
		}
		m.registered = append(m.registered, c)
	}
	return nil
}

func (m *metrics) unregister() {
	for _, c := range m.registered {
		m.registry.Unregister(c)
	}
	m.registered = nil
}

func (m *metrics) answers(yes bool) {
	if yes {
		m.up.Set(1)
	} else {
		m.up.Set(0)
	}
}

func (m *metrics) transaction(ctx context.Context, outcome string, took time.Duration) {
	obs.Observe(ctx, m.transactions.WithLabelValues(outcome), took)
}

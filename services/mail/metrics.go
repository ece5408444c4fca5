package mail

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// What can happen to a mail or an SMS. Accepted ones are sent, dead or expired in
// the end, and may be deferred or postponed any number of times before.
const (
	stateAccepted  = "accepted"
	stateRepeated  = "repeated"  // its key had been accepted before
	stateDeferred  = "deferred"  // its server is away, or takes nothing from us
	statePostponed = "postponed" // its server wants this one later
	stateSent      = "sent"
	stateDead      = "dead"
	stateExpired   = "expired" // lost its sense before it could be delivered
)

type metrics struct {
	mails *prometheus.CounterVec
	delay *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	return &metrics{
		mails: obs.Register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_mails_total",
			Help: "What happened to mails, by medium (email, sms), template and state: accepted, repeated, deferred, postponed, sent, dead, expired.",
		}, []string{"medium", "template", "state"})),
		delay: obs.Register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_mail_delay_seconds",
			Help:    "Time from taking a mail to handing it to its server, of those that were sent, by medium.",
			Buckets: []float64{.1, .5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600},
		}, []string{"medium"})),
	}
}

func (m *metrics) count(q queued, state string) {
	m.mails.WithLabelValues(medium(q), string(q.Template), state).Inc()
}

// sent counts a mail that its server has taken, so long after we did.
func (m *metrics) sent(ctx context.Context, q queued, delay time.Duration) {
	m.count(q, stateSent)
	obs.Observe(ctx, m.delay.WithLabelValues(medium(q)), max(0, delay))
}

func medium(q queued) string { return cmp.Or(string(q.Medium), "email") }

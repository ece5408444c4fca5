package mail

import (
	"cmp"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// What can happen to a mail or an SMS. Accepted ones are sent, dead or expired in
// the end, and may be deferred any number of times before.
const (
	stateAccepted = "accepted"
	stateRepeated = "repeated" // its key had been accepted before
	stateDeferred = "deferred"
	stateSent     = "sent"
	stateDead     = "dead"
	stateExpired  = "expired" // lost its sense before it could be delivered
)

type metrics struct{ mails *prometheus.CounterVec }

func newMetrics(r prometheus.Registerer) *metrics {
	return &metrics{mails: obs.Register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_mails_total",
		Help: "What happened to mails, by medium (email, sms), template and state: accepted, repeated, deferred, sent, dead, expired.",
	}, []string{"medium", "template", "state"}))}
}

func (m *metrics) count(q queued, state string) {
	m.mails.WithLabelValues(cmp.Or(string(q.Medium), "email"), string(q.Template), state).Inc()
}

package mail

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// What can happen to a mail. Accepted ones are sent or dead in the end, and
// may be deferred any number of times before.
const (
	stateAccepted = "accepted"
	stateRepeated = "repeated" // its key had been accepted before
	stateDeferred = "deferred"
	stateSent     = "sent"
	stateDead     = "dead"
)

type metrics struct{ mails *prometheus.CounterVec }

func newMetrics(r prometheus.Registerer) *metrics {
	return &metrics{mails: obs.Register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_mails_total",
		Help: "What happened to mails, by template and state: accepted, repeated, deferred, sent, dead.",
	}, []string{"template", "state"}))}
}

func (m *metrics) count(t mail.Template, state string) {
	m.mails.WithLabelValues(string(t), state).Inc()
}

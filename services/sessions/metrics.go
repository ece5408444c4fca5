package sessions

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/token"
)

type metrics struct {
	sessions *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	resolves *prometheus.CounterVec
	active   prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	return &metrics{
		sessions: obs.Register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_sessions_total",
			Help: "Sessions by what became of them: opened, refreshed, moved (to another hub), replaced, ended, surplus (ended by the limit), expired.",
		}, []string{"outcome"})),
		tokens: obs.Register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_session_tokens_total",
			Help: "Session tokens issued, by scope.",
		}, []string{"scope"})),
		resolves: obs.Register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_session_resolves_total",
			Help: "Session tokens checked, by outcome.",
		}, []string{"outcome"})),
		active: obs.Register(r, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_sessions_active",
			Help: "Sessions that are neither ended nor expired, counted once a minute. Every instance counts all of them.",
		})),
	}
}

func (m *metrics) session(outcome string, n int) {
	if n > 0 {
		m.sessions.WithLabelValues(outcome).Add(float64(n))
	}
}

func (m *metrics) token(scope sessions.Scope) { m.tokens.WithLabelValues(string(scope)).Inc() }

// outcomes name why a token was refused.
var outcomes = []struct {
	err  error
	name string
}{
	{token.ErrMalformed, "malformed"},
	{token.ErrSignature, "signature"},
	{token.ErrForeign, "foreign"},
	{token.ErrEarly, "early"},
	{token.ErrExpired, "expired"},
	{errExpired, "expired"},
	{errGone, "gone"},
	{errEnded, "ended"},
	{errVoid, "void"},
}

func (m *metrics) resolved(err error) {
	outcome := "good"
	if err != nil {
		outcome = "failed"
	}
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			outcome = o.name
		}
	}
	m.resolves.WithLabelValues(outcome).Inc()
}

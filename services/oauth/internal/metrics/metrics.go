// Package metrics counts what the provider does for its clients.
package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// other stands for whatever a client made up, to keep labels bounded.
const other = "other"

// Metrics are the business counters.
type Metrics struct {
	tokens         *prometheus.CounterVec
	authorizations *prometheus.CounterVec
	devices        *prometheus.CounterVec
	gaveWay        *prometheus.CounterVec
	revoked        *prometheus.CounterVec
	logouts        *prometheus.CounterVec
}

// New registers the counters.
func New(reg prometheus.Registerer) *Metrics {
	return &Metrics{
		tokens: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_oauth_tokens_total",
			Help: "Token requests by grant type and outcome: ok or an error code.",
		}, []string{"grant", "outcome"})),
		authorizations: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_oauth_authorizations_total",
			Help: "Steps of authorization requests by outcome: ok, login, consent, problem or an error code.",
		}, []string{"outcome"})),
		devices: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_oauth_devices_total",
			Help: "Requests of devices by outcome: started, allowed, denied or an error code.",
		}, []string{"outcome"})),
		gaveWay: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_oauth_gave_way_total",
			Help: "Requests that waited and gave way because too many of their client did: authorization, pushed or device.",
		}, []string{"request"})),
		revoked: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_oauth_grants_revoked_total",
			Help: "Grants that were ended, by reason.",
		}, []string{"reason"})),
		logouts: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_oauth_backchannel_logouts_total",
			Help: "Attempts to tell an app of the end of a session, by outcome: ok, refused (for good) or failed.",
		}, []string{"outcome"})),
	}
}

// Token counts an answer of the token endpoint.
func (m *Metrics) Token(grantType string, err error) {
	if !slices.Contains(client.GrantTypes(), grantType) {
		grantType = other
	}
	m.tokens.WithLabelValues(grantType, outcome(err)).Inc()
}

// Authorization counts a step of an authorization request. The outcome is one
// of the contract's answers or an error code.
func (m *Metrics) Authorization(outcome string) { m.authorizations.WithLabelValues(outcome).Inc() }

// Device counts a step of a device's request: started, allowed, denied or an
// error code.
func (m *Metrics) Device(outcome string) { m.devices.WithLabelValues(outcome).Inc() }

// GaveWay counts requests that made room for newer ones.
func (m *Metrics) GaveWay(w Waiting, n int64) { m.gaveWay.WithLabelValues(string(w)).Add(float64(n)) }

// Waiting says what kind of request waited.
type Waiting string

// The kinds.
const (
	WaitingAuthorization Waiting = "authorization" // for its user
	WaitingPushed        Waiting = "pushed"        // for its browser
	WaitingDevice        Waiting = "device"
)

// Revoked counts a grant that ended.
func (m *Metrics) Revoked(r Reason) { m.revoked.WithLabelValues(string(r)).Inc() }

// RevokedMany counts grants that ended together.
func (m *Metrics) RevokedMany(r Reason, n int64) {
	m.revoked.WithLabelValues(string(r)).Add(float64(n))
}

// BackchannelLogout counts an attempt to tell an app of the end of a session.
func (m *Metrics) BackchannelLogout(outcome string) { m.logouts.WithLabelValues(outcome).Inc() }

// Reason says why a grant ended.
type Reason string

// The reasons.
const (
	CodeReused    Reason = "code_reused"
	CodeMisused   Reason = "code_misused" // wrong verifier or redirect URI
	RefreshReused Reason = "refresh_reused"
	ByClient      Reason = "client"
	UserInactive  Reason = "user_inactive"
	SessionEnded  Reason = "session_ended"
	Everything    Reason = "everything" // of the user, for safety, or in a hub
)

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return wire.FailureOf(err).Code
}

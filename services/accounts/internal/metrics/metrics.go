// Package metrics counts what the accounts service does.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// Login is how an attempt to log in by password ended.
type Login string

// The outcomes. All but success and the last three look the same from outside.
const (
	LoginSuccess     Login = "success"
	LoginUnknown     Login = "unknown"     // no such user
	LoginPassword    Login = "password"    // a wrong one
	LoginDisabled    Login = "disabled"    // the user is
	LoginInvited     Login = "invited"     // the user has not been activated
	LoginNoPassword  Login = "no_password" // the user has none
	LoginThrottled   Login = "throttled"   // after too many failures
	LoginUnavailable Login = "unavailable" // too many at once, or no database
	LoginError       Login = "error"       // our fault
)

// Activation is a state that an activation or invitation has reached.
type Activation string

// The states.
const (
	ActivationInitiated Activation = "initiated"
	ActivationRefused   Activation = "refused"   // the address has an account
	ActivationThrottled Activation = "throttled" // the address has got enough mails for now
	ActivationInvited   Activation = "invited"
	ActivationOpened    Activation = "opened"
	ActivationFinished  Activation = "finished"
	ActivationSwept     Activation = "swept" // forgotten after its end
)

// Metrics of the service.
type Metrics struct {
	logins      *prometheus.CounterVec
	activations *prometheus.CounterVec
	removed     prometheus.Counter
}

// New registers the metrics.
func New(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		logins: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_accounts_logins_total",
			Help: "Logins by password, by outcome.",
		}, []string{"outcome"})),
		activations: obs.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_accounts_activations_total",
			Help: "Activations and invitations, by the state they reached.",
		}, []string{"state"})),
		removed: obs.Register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_accounts_invited_users_removed_total",
			Help: "Invited users who were removed as they never came.",
		})),
	}
	// A rate over a series that is not there yet misses its first event.
	for _, l := range []Login{
		LoginSuccess, LoginUnknown, LoginPassword, LoginDisabled, LoginInvited, LoginNoPassword,
		LoginThrottled, LoginUnavailable, LoginError,
	} {
		m.logins.WithLabelValues(string(l))
	}
	for _, a := range []Activation{
		ActivationInitiated, ActivationRefused, ActivationThrottled, ActivationInvited,
		ActivationOpened, ActivationFinished, ActivationSwept,
	} {
		m.activations.WithLabelValues(string(a))
	}
	return m
}

// Login counts a login.
func (m *Metrics) Login(outcome Login) { m.logins.WithLabelValues(string(outcome)).Inc() }

// Activation counts n activations that reached a state.
func (m *Metrics) Activation(state Activation, n int64) {
	m.activations.WithLabelValues(string(state)).Add(float64(n))
}

// Removed counts invited users who never came.
func (m *Metrics) Removed(n int64) { m.removed.Add(float64(n)) }

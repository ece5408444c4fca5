// Package edge is what a request passes before a handler sees it, and what
// handlers ask about it: who calls ([Session]), from where ([Origin]), in which
// language to answer ([Language]), and how a failure looks from outside
// ([Explain]).
//
// The order of what a request passes is in chain.go.
package edge

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// Resolver finds the session of a token.
type Resolver interface {
	// Cached gives it without asking anybody, if that is as good as asking.
	Cached(token string) (sessions.Resolved, bool)
	// Resolve asks. Its errors are faults: Unauthenticated if the token is not
	// good, Unavailable if that cannot be found out.
	Resolve(ctx context.Context, token string) (sessions.Resolved, error)
	// Now is the time by the clock of the sessions service, which has stamped
	// sessions and tokens.
	Now() time.Time
}

// Options configure an Edge.
type Options struct {
	Obs      *obs.Obs
	Clock    clockwork.Clock
	Texts    *i18n.Catalogue
	Sessions Resolver
	// PublicURL is the origin under which the gateway is reached.
	PublicURL *url.URL
	// TrustedProxies may say on whose behalf they ask (X-Forwarded-For).
	TrustedProxies []netip.Prefix
	// CertificateHeader is the one in which they tell their client's certificate;
	// empty: none.
	CertificateHeader string
	// TraceProxies tells whether they are believed about traces.
	TraceProxies bool
	// Origins may call the JSON API from a browser; "*" is every origin, and
	// then without credentials. Empty: none.
	Origins []string
	Limits  Limits
	// NewLimiter makes the counters behind a quota; nil counts in memory.
	NewLimiter func(name string, q Quota) Limiter
}

// Limits are the quotas, all per Window.
type Limits struct {
	Window time.Duration
	// User bounds the calls of one user, Address those of one client address
	// that no session vouches for.
	User, Address int
	// OAuthFailures bounds the calls of one address to the public OAuth endpoints
	// with a wrong client or token.
	OAuthFailures int
	// Authorizations bounds the authorization requests of one address, and the
	// pushed ones of clients that do not authenticate.
	Authorizations int
	// Registrations bounds the clients that one address registers without a token.
	Registrations int
	// Keys bounds how many users and addresses are counted at a time.
	Keys int
}

// Edge holds what the middlewares share.
type Edge struct {
	options Options
	cors    *corsPolicy
	metrics *metrics
	// pageSites and apiSites may make a browser send requests that change
	// something.
	pageSites, apiSites *http.CrossOriginProtection
	credentials         *http.ServeMux

	users, addresses, pictures, badTokens, oauthFailures, authorizations, registrations Limiter
}

// New makes an Edge. Its error names an origin that is none.
func New(o Options) (*Edge, error) {
	newLimiter := o.NewLimiter
	if newLimiter == nil {
		newLimiter = func(_ string, q Quota) Limiter { return NewMemoryLimiter(q, o.Limits.Keys, o.Clock) }
	}
	e := &Edge{
		options:     o,
		cors:        apiCORS(o.Origins),
		metrics:     newMetrics(o.Obs.Registry),
		credentials: credentialRoutes(),
	}
	per := func(name string, n int) Limiter { return newLimiter(name, Quota{Limit: n, Window: o.Limits.Window}) }
	e.users = per("user", o.Limits.User)
	e.addresses = per("address", o.Limits.Address)
	e.pictures = per("picture", o.Limits.User)
	e.badTokens = per("bad_token", o.Limits.Address)
	e.oauthFailures = per("oauth_failure", o.Limits.OAuthFailures)
	e.authorizations = per("authorization", o.Limits.Authorizations)
	e.registrations = per("registration", o.Limits.Registrations)

	var err error
	if e.pageSites, err = trusting(originOf(o)); err != nil {
		return nil, err
	}
	if e.apiSites, err = trusting(append([]string{originOf(o)}, o.Origins...)...); err != nil {
		return nil, err
	}
	return e, nil
}

// Now is the time by which what other services have stamped is judged: that of the
// sessions service, for the own clock may be off.
func (e *Edge) Now() time.Time { return e.options.Sessions.Now() }

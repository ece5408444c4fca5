package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions/announce"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/apidoc"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/portal"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/rest"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/sessioncache"
)

// Name of the service in discovery, metrics and certificates.
const Name = "gateway"

// Deps are what the gateway stands before; all are required.
type Deps struct {
	Obs      *obs.Obs
	Clock    clockwork.Clock
	Accounts accounts.Service
	Sessions sessions.Service
	Mail     mail.Service
	OAuth    oauth.Service
	// OAuthPublic reaches the plain HTTP endpoints of the oauth service.
	OAuthPublic http.Handler
}

// Service is the gateway: an http.Handler, and background work in Run.
type Service struct {
	handler http.Handler
	cache   *sessioncache.Cache
	redis   *redisdb.Client // nil without one
	deps    Deps
}

// New makes a gateway. The settings have been validated.
func New(_ context.Context, c Config, d Deps) (*Service, error) {
	public, err := parseOrigin(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("gateway: GATEHOUSE_PUBLIC_URL: %w", err)
	}
	if d.OAuthPublic == nil {
		return nil, errors.New("gateway: no way to the public OAuth endpoints")
	}
	texts, err := i18n.New()
	if err != nil {
		return nil, err
	}
	cache := sessioncache.New(sessioncache.Options{
		Sessions: d.Sessions, Clock: d.Clock, Obs: d.Obs, Size: c.SessionCache, Poll: c.RevocationPoll,
	})
	shared, err := c.Redis.Open(Name)
	if err != nil {
		return nil, err
	}
	e, err := edge.New(edge.Options{
		Obs: d.Obs, Clock: d.Clock, Texts: texts, Sessions: cache,
		PublicURL: public, TrustedProxies: config.Prefixes(c.TrustedProxies), CertificateHeader: c.ClientCertHeader, TraceProxies: c.TraceProxies, Origins: c.CORSOrigins,
		Limits: edge.Limits{
			Window: c.RateWindow, User: c.RateUser, Address: c.RateAddress,
			OAuthFailures: c.RateOAuth, Authorizations: c.RateAuthorize, Registrations: c.RateRegister, Keys: c.RateKeys,
		},
		NewLimiter: sharedLimits(shared, c, d),
	})
	if err != nil {
		return nil, err
	}
	flows := flow.New(flow.Deps{
		Accounts: d.Accounts, Sessions: d.Sessions, OAuth: d.OAuth, Cache: cache, Logger: d.Obs.Logger,
	})
	description, err := apidoc.NewHandler()
	if err != nil {
		return nil, err
	}
	api := rest.New(rest.Deps{
		Flow: flows, Edge: e, Accounts: d.Accounts, Sessions: d.Sessions, OAuth: d.OAuth, Mail: d.Mail,
		Clock: d.Clock, Texts: texts, Description: description, Product: c.Name,
	})
	pages, err := portal.New(portal.Deps{
		Flow: flows, Edge: e, Accounts: d.Accounts, OAuth: d.OAuth, Mail: d.Mail, Texts: texts, Clock: d.Clock,
		PublicURL: public, Product: c.Name, SelfRegistration: c.SelfRegistration, TermsURL: c.TermsURL,
	})
	if err != nil {
		return nil, err
	}
	return &Service{handler: e.Handler(routes(e, api, pages, d.OAuthPublic)), cache: cache, redis: shared, deps: d}, nil
}

// sharedLimits counts in Redis; nil, without it, is the default.
func sharedLimits(client *redisdb.Client, c Config, d Deps) func(string, edge.Quota) edge.Limiter {
	if client == nil {
		return nil
	}
	return edge.NewShared(client, c.RateKeys, d.Clock, d.Obs).Limiter
}

// oauthPaths are the public endpoints of the oauth service. The ones at which a
// person is asked something are pages.
var oauthPaths = []string{
	"/.well-known/openid-configuration",
	"/.well-known/oauth-authorization-server",
	"/oauth2/token",
	"/oauth2/device_authorization",
	"/oauth2/par",
	"/oauth2/introspect",
	"/oauth2/revoke",
	"/oauth2/userinfo",
	"/oauth2/jwks",
}

// registrationPaths are those at which clients register and manage themselves.
var registrationPaths = []string{"/oauth2/register", "/oauth2/register/"}

func routes(e *edge.Edge, api *rest.API, pages *portal.Portal, oauthPublic http.Handler) http.Handler {
	mux := http.NewServeMux()

	v1 := e.API(api.Routes(), api.Fail)
	mux.Handle("/v1", v1)
	mux.Handle("/v1/", v1)

	public := e.OAuth(oauthPublic)
	for _, path := range oauthPaths {
		mux.Handle(path, public)
	}
	registration := e.Registration(oauthPublic)
	for _, path := range registrationPaths {
		mux.Handle(path, registration)
	}

	mux.Handle("GET "+accounts.PicturePath+"{name}", e.Pictures(api.Picture(), api.Fail))
	mux.Handle("GET "+portal.LogoPath+"{client}", e.Pictures(pages.Logo(), pages.Fail))
	mux.Handle("GET /mailbox/messages", e.Mailbox(api.Mailbox(), api.Fail))
	mux.Handle("/", e.Pages(pages.Routes(), pages.Fail))
	return edge.Routed(mux)
}

// ServeHTTP serves the public.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run keeps the session cache true until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if s.redis == nil {
		return s.cache.Run(ctx)
	}
	defer func() { _ = s.redis.Close() }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.cache.Run(ctx) })
	g.Go(func() error {
		return announce.Listener{
			Client: s.redis, Clock: s.deps.Clock, Obs: s.deps.Obs,
			Hear: func(n announce.News) { s.cache.Announced(n.Ended, n.Changed) },
		}.Run(ctx)
	})
	return g.Wait()
}

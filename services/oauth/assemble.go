package oauth

import (
	"crypto/x509"
	"net/http"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/audit"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/authorize"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/consent"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/device"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/discovery"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/introspection"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/logo"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/logout"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/par"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/requestobject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/revocation"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/upstream"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/userinfo"
)

// parts are what several of the service's packages share.
type parts struct {
	config   Config
	deps     Deps
	counts   *metrics.Metrics
	records  *outbox.Outbox
	notices  *outbox.Outbox
	fetcher  *fetch.Fetcher
	names    *subject.Names
	clients  *client.Store
	devices  *device.Store
	jwks     *client.Keys
	grants   *grant.Store
	sessions *logout.Sessions
	secrets  bearer.Secrets
	access   bearer.Access
	refresh  bearer.Refresh
	signer   *keys.Signer
	auth     *client.Authenticator
	// authenticate is what endpoints ask who a client is.
	authenticate fosite.ClientAuthenticationStrategy
}

// assemble wires the service.
func assemble(c Config, d Deps, signer *keys.Signer, names *subject.Names, authorities *x509.CertPool) *Service {
	p := &parts{
		config: c, deps: d, names: names,
		counts:  metrics.New(d.Obs.Registry),
		fetcher: fetch.New(config.Prefixes(c.FetchAllow)),
		clients: &client.Store{DB: d.DB},
		grants:  &grant.Store{DB: d.DB, Clock: d.DB.Clock(d.Clock)},
		secrets: bearer.Secrets{Ring: d.Ring},
		access:  bearer.Access{Ring: d.Ring, Signer: signer},
		refresh: bearer.Refresh{Ring: d.Ring},
		signer:  signer,
	}
	p.devices = &device.Store{DB: d.DB, Ring: d.Ring, Limit: c.PendingLimit, Metrics: p.counts}
	p.records, p.notices = p.queues()
	p.sessions = &logout.Sessions{
		DB: d.DB, Grants: p.grants, Clients: p.clients, Names: names, Outbox: p.notices, Issuer: c.PublicURL, Metrics: p.counts, Clock: p.grants.Clock,
	}
	p.jwks = client.NewKeys(client.KeysOptions{Fetcher: p.fetcher, Clock: d.Clock, Logger: d.Obs.Logger})
	p.auth = &client.Authenticator{
		Store: p.clients, Secrets: p.secrets, Keys: p.jwks, Issuer: c.PublicURL, Authorities: authorities,
		Used: replay.NewMemory(d.Clock), Clock: d.Clock, Logger: d.Obs.Logger,
	}
	p.authenticate = client.FromAllowedOrigins(p.auth.Authenticate)
	provider := p.provider()
	consents := &consent.Store{DB: d.DB}
	flow := &authorize.Flow{
		Parser: &authorize.Parser{
			Provider: provider, Hints: p.signer, RequirePushed: c.RequirePAR,
			Objects: &requestobject.Reader{Keys: p.jwks, Fetcher: p.fetcher, Issuer: c.PublicURL, Clock: d.Clock, Logger: d.Obs.Logger},
		},
		Provider: provider, DB: d.DB,
		Requests: &authorize.Pending{DB: d.DB, Limit: c.PendingLimit, Metrics: p.counts}, Consents: consents, Grants: p.grants, Names: names,
		Sessions: p.sessions,
		Issuer:   c.PublicURL, Clock: p.grants.Clock, Metrics: p.counts,
	}
	return &Service{
		db: d.DB, records: p.records, notices: p.notices,
		consents: consents,
		devices: &device.Desk{
			DB: d.DB, Devices: p.devices, Clients: p.clients, Grants: p.grants, Consents: consents, Sessions: p.sessions,
			Clock: p.grants.Clock, Metrics: p.counts,
		},
		upstream: upstream.New(upstream.Options{
			Providers: c.Providers, PublicURL: c.PublicURL, DB: d.DB, Ring: d.Ring, Clock: d.Clock, Logger: d.Obs.Logger,
			Transport: http.DefaultTransport, Fetcher: p.fetcher, Accounts: d.Accounts,
		}),
		flow:      flow,
		registrar: p.registrar(),
		sessions:  p.sessions,
		logouts:   &logout.Requests{Clients: p.clients, Signer: signer, Names: names, Consents: consents},
		logos: logo.New(logo.Options{
			DB: d.DB, Clients: p.clients, Fetcher: fetch.New(d.LogoNetworks), Clock: p.grants.Clock, Logger: d.Obs.Logger,
		}),
		clients: p.clients, grants: p.grants, signer: signer,
		public: p.collecting(p.routes(provider, flow)),
		clock:  p.grants.Clock, logger: d.Obs.Logger,
	}
}

const (
	// noticesAtOnce is how many apps are told at a time of what has ended: one that
	// does not answer takes as long as a call may.
	noticesAtOnce = 32
	// noticesPerApp is how many of these may be for one app.
	noticesPerApp = 2
)

// queues are for what follows a commit: records for the audit, and notices to apps.
// They share a table and nothing else, so that no app holds up a record. Nor does
// one hold up another's notices.
func (p *parts) queues() (records, notices *outbox.Outbox) {
	d := p.deps
	apps := &logout.Backchannel{
		Clients: p.clients, Signer: p.signer, Names: p.names, Fetcher: p.fetcher, Metrics: p.counts, Clock: p.grants.Clock,
	}
	o := outbox.Options{
		DB: d.DB, Ring: d.Ring, Clock: d.Clock, Logger: d.Obs.Logger, Registry: d.Obs.Registry, Tracer: d.Obs.Tracer,
		Handlers: map[string]outbox.Handler{audit.Topic: audit.HandOver(d.Accounts)},
	}
	records = outbox.New(o)
	o.Handlers, o.Concurrency, o.LaneLimit = apps.Handlers(), noticesAtOnce, noticesPerApp
	return records, outbox.New(o)
}

// provider sets fosite up with our handlers, one of each type: it drops a
// second one of the same type without a word.
func (p *parts) provider() fosite.OAuth2Provider {
	grants := &token.Deps{
		DB: p.deps.DB, Grants: p.grants, Accounts: p.deps.Accounts, Metrics: p.counts, Clock: p.deps.Clock, Logger: p.deps.Obs.Logger,
		Minter: &token.Minter{
			Access: p.access, Refresh: p.refresh, Signer: p.signer, Names: p.names, Accounts: p.deps.Accounts,
			Lifetimes: p.config.lifetimes(),
		},
	}
	inspector := &introspection.Inspector{
		Grants: p.grants, Access: p.access, Refresh: p.refresh, Grace: p.config.RefreshGrace, Clock: p.grants.Clock,
	}
	return fosite.NewOAuth2Provider(p.clients, &fosite.Config{
		// Without these fosite would take wildcards and bcrypt.
		ScopeStrategy:            fosite.ExactScopeStrategy,
		AudienceMatchingStrategy: func([]string, []string) error { return nil },
		ClientSecretsHasher:      p.secrets,

		ClientAuthenticationStrategy: p.authenticate,
		AuthorizeEndpointHandlers: fosite.AuthorizeEndpointHandlers{
			&authorize.Handler{IDTokens: grants.Minter, CodeLifetime: p.config.CodeLifetime, Clock: p.grants.Clock},
		},
		TokenEndpointHandlers: fosite.TokenEndpointHandlers{
			&token.Code{Deps: grants}, &token.Refresh{Deps: grants}, &token.ClientCredentials{Deps: grants},
			&token.Device{Deps: grants, Devices: p.devices},
			&token.Exchange{Deps: grants, Tokens: inspector, Outbox: p.records},
			&token.JWTBearer{Deps: grants, Keys: p.jwks},
		},
		TokenIntrospectionHandlers: fosite.TokenIntrospectionHandlers{inspector},
		RevocationHandlers: fosite.RevocationHandlers{
			&revocation.Revoker{
				Grants: p.grants, Access: p.access, Refresh: p.refresh, Metrics: p.counts, Clock: p.grants.Clock,
			},
		},
	})
}

func (p *parts) routes(provider fosite.OAuth2Provider, flow *authorize.Flow) http.Handler {
	logger := p.deps.Obs.Logger
	metadata := discovery.New(p.config.PublicURL, p.config.Scopes, p.auth.Authorities != nil)
	metadata.RequirePAR = p.config.RequirePAR
	who := &userinfo.Endpoint{
		Provider: provider, Clients: p.clients, Accounts: p.deps.Accounts, Signer: p.signer,
		Proofs: replay.NewMemory(p.deps.Clock), Logger: logger,
	}
	mux := http.NewServeMux()
	p.registration(mux, metadata)
	mux.Handle("POST /oauth2/token", &token.Endpoint{Provider: provider, Metrics: p.counts, Logger: logger})
	mux.Handle("POST /oauth2/device_authorization", &device.Endpoint{
		Devices: p.devices, Authenticate: p.authenticate, Page: p.config.PublicURL + "/device",
		Clock: p.grants.Clock, Metrics: p.counts, Logger: logger,
	})
	mux.Handle("POST /oauth2/par", &par.Endpoint{Flow: flow, Authenticate: p.authenticate, Logger: logger})
	mux.Handle("POST /oauth2/introspect", &introspection.Endpoint{
		Provider: provider, Authenticate: client.FromAllowedOrigins(p.auth.AuthenticateReader), Names: p.names, Signer: p.signer,
		Clock: p.grants.Clock, Logger: logger,
	})
	mux.Handle("POST /oauth2/revoke", &revocation.Endpoint{Provider: provider, Logger: logger})
	mux.Handle("GET /oauth2/userinfo", who)
	mux.Handle("POST /oauth2/userinfo", who)
	mux.Handle("GET /oauth2/jwks", &keys.Published{Signer: p.signer, Logger: logger})
	mux.Handle("GET /.well-known/openid-configuration", metadata)
	mux.Handle("GET /.well-known/oauth-authorization-server", metadata)
	return mux
}

// Public serves the endpoints without a person: token, pushed requests, introspection,
// revocation, UserInfo, keys and metadata. It leaves CORS and rate limits to
// the gateway. /oauth2/authorize is the gateway's own, through the contract.
func (s *Service) Public() http.Handler { return s.public }

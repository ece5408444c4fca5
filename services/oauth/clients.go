package oauth

import (
	"context"
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/acting"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/discovery"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration/dynamic"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration/rules"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
)

// registrar is what manages clients.
func (p *parts) registrar() *registration.Registrar {
	spaces, _ := resource.NewHubSpaces(p.config.HubResources) // validated
	return &registration.Registrar{
		DB: p.deps.DB, Store: p.clients, Outbox: p.records, Gate: acting.Gate{Accounts: p.deps.Accounts},
		Secrets: p.secrets, Clock: p.grants.Clock, Spaces: spaces,
		Self: registration.Self{
			Open: p.config.Registration == registrationOpen, Limit: p.config.RegistrationLimit,
			Unused: p.config.RegistrationUnused, PKCEOptional: p.config.RegistrationPKCEOptional,
		},
		Rules: &rules.Rules{
			APIScopes: p.config.Scopes, Fetcher: p.fetcher,
			AuthMethods: append(client.AuthMethods(p.auth.Authorities != nil), client.AuthNone),
			Access:      p.config.AccessLifetime, ID: p.config.IDLifetime, Refresh: p.config.RefreshLifetime,
		},
	}
}

// Who may register clients without an operator: GATEHOUSE_OAUTH_REGISTRATION.
const (
	registrationClosed = "closed"
	registrationToken  = "token"
	registrationOpen   = "open"
)

// registration mounts where clients register themselves, unless it is closed.
func (p *parts) registration(mux *http.ServeMux, metadata *discovery.Document) {
	if p.config.Registration == registrationClosed {
		return
	}
	metadata.RegistrationEndpoint = p.config.PublicURL + dynamic.Path
	endpoint := &dynamic.Endpoint{Registrar: p.registrar(), Issuer: p.config.PublicURL, Logger: p.deps.Obs.Logger}
	endpoint.Mount(mux)
}

// CreateClient implements [oauth.Service].
func (s *Service) CreateClient(ctx context.Context, r oauth.CreateClientRequest) (oauth.CreatedClient, error) {
	return s.registrar.Create(ctx, r)
}

// ListClients implements [oauth.Service].
func (s *Service) ListClients(ctx context.Context, r oauth.ListClientsRequest) (oauth.ClientList, error) {
	return s.registrar.List(ctx, r)
}

// GetClient implements [oauth.Service].
func (s *Service) GetClient(ctx context.Context, r oauth.ClientRequest) (oauth.Client, error) {
	return s.registrar.Get(ctx, r)
}

// UpdateClient implements [oauth.Service].
func (s *Service) UpdateClient(ctx context.Context, r oauth.UpdateClientRequest) (oauth.Client, error) {
	return s.registrar.Update(ctx, r)
}

// DeleteClient implements [oauth.Service].
func (s *Service) DeleteClient(ctx context.Context, r oauth.ClientRequest) (api.Nothing, error) {
	return api.Nothing{}, s.registrar.Delete(ctx, r)
}

// RotateSecret implements [oauth.Service].
func (s *Service) RotateSecret(ctx context.Context, r oauth.RotateSecretRequest) (oauth.CreatedClient, error) {
	return s.registrar.Rotate(ctx, r)
}

// CreateRegistrationToken implements [oauth.Service].
func (s *Service) CreateRegistrationToken(ctx context.Context, r oauth.CreateRegistrationTokenRequest) (oauth.CreatedRegistrationToken, error) {
	return s.registrar.CreateToken(ctx, r)
}

// ListRegistrationTokens implements [oauth.Service].
func (s *Service) ListRegistrationTokens(ctx context.Context, r oauth.ListRegistrationTokensRequest) (oauth.RegistrationTokenList, error) {
	return s.registrar.ListTokens(ctx, r)
}

// DeleteRegistrationToken implements [oauth.Service].
func (s *Service) DeleteRegistrationToken(ctx context.Context, r oauth.RegistrationTokenRequest) (api.Nothing, error) {
	return api.Nothing{}, s.registrar.DeleteToken(ctx, r)
}

package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// providerRoutes are the endpoints of how hubs use upstream providers.
func (a *API) providerRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET /v1/provider":               a.providers,
		"GET /v1/provider/{provider}":    a.provider,
		"PUT /v1/provider/{provider}":    a.putProvider,
		"DELETE /v1/provider/{provider}": a.deleteProvider,

		"PUT /v1/user/{user}/identity":               a.assignIdentity,
		"DELETE /v1/user/{user}/identity/{provider}": a.unassignIdentity,
	}
}

// providers is GET /v1/provider.
func (a *API) providers(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.HubSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	found, err := a.deps.OAuth.ListHubProviders(r.Context(), oauth.HubProvidersRequest{Actor: actor(caller)})
	if err != nil {
		return reply{}, err
	}
	return ok(each(found.Providers, compose.HubProviderOf)), nil
}

// provider is GET /v1/provider/{provider}.
func (a *API) provider(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.HubSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	found, err := a.findProvider(r, caller)
	if err != nil {
		return reply{}, err
	}
	return ok(compose.HubProviderOf(found)), nil
}

// findProvider is the one that the path names.
func (a *API) findProvider(r *http.Request, caller edge.Caller) (oauth.HubProvider, error) {
	found, err := a.deps.OAuth.ListHubProviders(r.Context(), oauth.HubProvidersRequest{Actor: actor(caller)})
	if err != nil {
		return oauth.HubProvider{}, err
	}
	for _, p := range found.Providers {
		if p.Name == r.PathValue("provider") {
			return p, nil
		}
	}
	return oauth.HubProvider{}, fault.New(fault.NotFound, "")
}

// putProvider is PUT /v1/provider/{provider}. It describes the provider as a
// whole, but for a secret that stays.
func (a *API) putProvider(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FreshHubSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := oauth.PutHubProviderRequest{
		Actor: actor(caller), Name: r.PathValue("provider"), Mode: oauth.ProviderMode(body.String("mode")),
		Title: body.String("title"), Issuer: body.String("issuer"), ClientID: body.String("client_id"),
		ClientSecret: body.String("client_secret"), Domains: body.Strings("domains"),
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	if envelope.Conditional(r) {
		current, err := a.findProvider(r, caller)
		if err != nil {
			return reply{}, err
		}
		if err := unchanged(r, compose.HubProviderOf(current)); err != nil {
			return reply{}, err
		}
	}
	put, err := a.deps.OAuth.PutHubProvider(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return ok(compose.HubProviderOf(put)), nil
}

// deleteProvider is DELETE /v1/provider/{provider}.
func (a *API) deleteProvider(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FreshHubSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.OAuth.DeleteHubProvider(r.Context(), oauth.HubProviderRequest{Actor: actor(caller), Name: r.PathValue("provider")})
	return done(err)
}

// assignIdentity is PUT /v1/user/{user}/identity.
func (a *API) assignIdentity(_ http.ResponseWriter, r *http.Request) (reply, error) {
	if _, err := edge.FreshHubSession(r.Context()); err != nil { // it lets somebody in
		return reply{}, err
	}
	named, err := hubMemberRequest(r)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := accounts.AssignIdentityRequest{
		Actor: named.Actor, Member: named.Member,
		Provider: body.String("provider"), Subject: body.String("subject"), Email: body.String("email"),
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	assigned, err := a.deps.Accounts.AssignIdentity(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return ok(compose.AssignedIdentityOf(assigned)), nil
}

// unassignIdentity is DELETE /v1/user/{user}/identity/{provider}.
func (a *API) unassignIdentity(_ http.ResponseWriter, r *http.Request) (reply, error) {
	named, err := hubMemberRequest(r)
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.UnassignIdentity(r.Context(), accounts.UnassignIdentityRequest{
		Actor: named.Actor, Member: named.Member, Provider: r.PathValue("provider"),
	})
	return done(err)
}

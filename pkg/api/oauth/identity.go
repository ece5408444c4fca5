package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Identities sign users in at upstream OpenID providers.
type Identities interface {
	// Providers lists the upstream providers that are configured.
	Providers(context.Context, api.Nothing) (ProviderList, error)
	// BeginIdentity begins a login at a provider. NotFound if there is no such
	// provider; Invalid if the redirect URI is not allowed; Unavailable if the
	// provider cannot be reached.
	BeginIdentity(context.Context, BeginIdentityRequest) (IdentityState, error)
	// FinishIdentity exchanges the code, once per state, and checks the ID token
	// (OpenID Connect Core section 3.1.3.7). Invalid if the state is unknown, used,
	// expired or of another caller; Unauthenticated if the provider refuses the
	// code or its answer proves nothing; Unavailable if it cannot be reached.
	FinishIdentity(context.Context, FinishIdentityRequest) (ProvedIdentity, error)
}

// Provider is an upstream provider.
type Provider struct {
	Name  string `json:"name"`  // in paths
	Title string `json:"title"` // for people
}

// ProviderList are the providers in the order of the settings.
type ProviderList struct {
	Providers []Provider `json:"providers"`
}

// BeginIdentityRequest begins a login.
type BeginIdentityRequest struct {
	Provider string `json:"provider"`
	// RedirectURI is where the provider sends the user back to; empty: the
	// provider's configured one.
	RedirectURI string `json:"redirect_uri,omitempty"`
	// Binding is what only the same caller will have, such as a digest of their
	// cookie and user agent.
	Binding string `json:"binding"`
}

// IdentityState is what the authorization request to the provider needs.
type IdentityState struct {
	State     string `json:"state"`     // 40 hex
	Challenge string `json:"challenge"` // S256 (RFC 7636), 43 characters
	// URL is the whole authorization request, nonce included.
	URL string `json:"url"`
}

// FinishIdentityRequest ends a login.
type FinishIdentityRequest struct {
	Provider string `json:"provider"`
	State    string `json:"state"`
	Code     string `json:"code"`
	Binding  string `json:"binding"`
}

// ProvedIdentity is what the provider has proved.
type ProvedIdentity struct {
	Provider      string `json:"provider"`
	Issuer        string `json:"issuer"`
	Subject       string `json:"subject"`
	Email         string `json:"email,omitempty"`
	EmailVerified bool   `json:"email_verified"`
	Name          string `json:"name,omitempty"`
}

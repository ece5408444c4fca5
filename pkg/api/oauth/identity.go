package oauth

import (
	"context"
)

// Identities sign users in at upstream OpenID providers.
type Identities interface {
	// Providers lists the upstream providers that one can sign in at: those of
	// the installation, or those of a hub.
	Providers(context.Context, ProvidersRequest) (ProviderList, error)
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

// ProvidersRequest asks for providers.
type ProvidersRequest struct {
	Hub *int64 `json:"hub,omitempty"` // nil: the installation's
}

// Provider is an upstream provider.
type Provider struct {
	Name  string `json:"name"`  // in paths
	Title string `json:"title"` // for people
	Kind  string `json:"kind"`  // google, microsoft, apple, github or oidc
	// Hub is the hub that has brought it along, nil for the installation's; Mode
	// is how the hub that was asked for uses it.
	Hub  *int64       `json:"hub,omitempty"`
	Mode ProviderMode `json:"mode,omitempty"`
}

// ProviderList are the providers in the order of the settings.
type ProviderList struct {
	Providers []Provider `json:"providers"`
}

// BeginIdentityRequest begins a login.
type BeginIdentityRequest struct {
	Provider string `json:"provider"`
	Hub      *int64 `json:"hub,omitempty"` // that has brought it along; nil: the installation's
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
	Hub      *int64 `json:"hub,omitempty"` // as in BeginIdentityRequest
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
	// Hub is the hub that has brought the provider along, which then counts for
	// that hub alone; nil: the installation's.
	Hub *int64 `json:"hub,omitempty"`
	// Methods are how the user proved who they are there (amr).
	Methods []string `json:"methods,omitempty"`
}

package oauth

import (
	"context"
)

// Identities sign users in at upstream OpenID providers.
type Identities interface {
	// Providers lists the upstream providers that one can sign in at: those of
	// the installation, or those of a hub: its own, and those of the installation
	// with the hub's mode. If one of them is mandatory, only mandatory ones.
	Providers(context.Context, ProvidersRequest) (ProviderList, error)
	// BeginIdentity begins a login at a provider. NotFound if there is no such
	// provider; Invalid if the redirect URI is not allowed; Unavailable if the
	// provider cannot be reached.
	BeginIdentity(context.Context, BeginIdentityRequest) (IdentityState, error)
	// FinishIdentity exchanges the code, once per state, and checks the ID token
	// (OpenID Connect Core section 3.1.3.7). Invalid if the state is unknown, used,
	// expired or of another caller; Unauthenticated if the user has said no
	// (fault.identity_denied), the provider refuses the code or its answer proves
	// nothing (fault.identity_failed), or who it proves is not let in from there
	// (fault.identity_domain); Unavailable if it cannot be reached.
	FinishIdentity(context.Context, FinishIdentityRequest) (ProvedIdentity, error)
}

// ProvidersRequest asks for providers.
type ProvidersRequest struct {
	Hub *int64 `json:"hub,omitempty"` // nil: the installation's
	// HubHash names the hub instead. For one that there is not the answer is that
	// for one that uses none.
	HubHash string `json:"hub_hash,omitempty"`
}

// Provider is an upstream provider.
type Provider struct {
	Name  string `json:"name"`  // in paths; the hash of a hub's own
	Title string `json:"title"` // for people
	Kind  string `json:"kind"`  // google, microsoft, apple, github or oidc
	// Hub is the hub that has brought it along, nil for the installation's; Mode
	// is how the hub that was asked for uses it.
	Hub  *int64       `json:"hub,omitempty"`
	Mode ProviderMode `json:"mode,omitempty"`
	// Host is where the one of a hub is: its title is what the hub says.
	Host string `json:"host,omitempty"`
}

// ProviderList are the providers in the order of the settings.
type ProviderList struct {
	// Hub is the one of HubHash; nil if there is none.
	Hub       *int64     `json:"hub,omitempty"`
	Providers []Provider `json:"providers"`
}

// BeginIdentityRequest begins a login.
type BeginIdentityRequest struct {
	Provider string `json:"provider"`
	// Hub is where the user wants to go; nil: anywhere. A hub's own provider leads
	// nowhere else, and can be named by its name or its hash in the hub, and by its
	// hash without.
	Hub *int64 `json:"hub,omitempty"`
	// RedirectURI is where the provider sends the user back to; empty: the hosted
	// page, PublicURL/login/identity/{name}.
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
	// Hub is that of BeginIdentityRequest; nil: as it was then.
	Hub   *int64 `json:"hub,omitempty"`
	State string `json:"state"`
	Code  string `json:"code"`
	// Issuer is the response's iss (RFC 9207), if it had one.
	Issuer string `json:"issuer,omitempty"`
	// Error is the response's error (RFC 6749 section 4.1.2.1); there is no code
	// then.
	Error   string `json:"error,omitempty"`
	Binding string `json:"binding"`
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
	// Into is the hub of BeginIdentityRequest.
	Into *int64 `json:"into,omitempty"`
	// EmailTrusted: the provider is trusted to have verified the address.
	// LinkByEmail: who has it may get into the account with that address.
	EmailTrusted bool `json:"email_trusted,omitempty"`
	LinkByEmail  bool `json:"link_by_email,omitempty"`
	// Methods are how the user proved who they are there (amr).
	Methods []string `json:"methods,omitempty"`
}

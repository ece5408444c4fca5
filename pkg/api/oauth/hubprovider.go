package oauth

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// HubProviders are the upstream providers that hubs bring along, and how hubs
// use those of the installation. All is for technical administrators of the
// actor's hub; Forbidden below.
type HubProviders interface {
	// ListHubProviders lists the hub's, by name.
	ListHubProviders(context.Context, HubProvidersRequest) (HubProviderList, error)
	// PutHubProvider adds a provider to the hub or changes one. Invalid names
	// every broken rule, also that its metadata could not be read.
	PutHubProvider(context.Context, PutHubProviderRequest) (HubProvider, error)
	// DeleteHubProvider takes a provider from the hub. NotFound.
	DeleteHubProvider(context.Context, HubProviderRequest) (api.Nothing, error)
}

// ProviderMode is how a hub uses an upstream provider.
type ProviderMode string

// The modes.
const (
	// ProviderOptional: members link and unlink it as they like.
	ProviderOptional ProviderMode = "optional"
	// ProviderIndividual: administrators decide whose identity is whose.
	ProviderIndividual ProviderMode = "individual"
	// ProviderMandatory: nothing else signs in to the hub.
	ProviderMandatory ProviderMode = "mandatory"
)

// HubProvider is an upstream provider of a hub.
type HubProvider struct {
	ID   int64        `json:"id"`
	Hash string       `json:"hash"`
	Hub  int64        `json:"hub"`
	Name string       `json:"name"` // in paths; that of an installation's provider means it
	Mode ProviderMode `json:"mode"`
	// Title, Issuer and ClientID are those of the hub's own provider; of an
	// installation's only the title is told.
	Title    string `json:"title"`
	Issuer   string `json:"issuer,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	// Domains are those of addresses by which members are known who have linked
	// nothing yet; with ProviderMandatory only.
	Domains []string `json:"domains,omitempty"`
	// RedirectURI is what has to be registered there.
	RedirectURI string `json:"redirect_uri,omitempty"`
	// Own tells that the hub has brought it along.
	Own          bool      `json:"own"`
	CreatedTime  time.Time `json:"created_time"`
	ModifiedTime time.Time `json:"modified_time"`
}

// HubProviderList are the providers of a hub.
type HubProviderList struct {
	Providers []HubProvider `json:"providers"`
}

// HubProvidersRequest asks for the providers of the actor's hub.
type HubProvidersRequest struct {
	Actor api.Actor `json:"actor"`
}

// HubProviderRequest names a provider of the actor's hub.
type HubProviderRequest struct {
	Actor api.Actor `json:"actor"`
	Name  string    `json:"name"`
}

// PutHubProviderRequest adds or changes a provider.
type PutHubProviderRequest struct {
	Actor    api.Actor    `json:"actor"`
	Name     string       `json:"name"`
	Mode     ProviderMode `json:"mode"`
	Title    string       `json:"title,omitempty"`
	Issuer   string       `json:"issuer,omitempty"` // its metadata is below it; empty: an installation's provider
	ClientID string       `json:"client_id,omitempty"`
	// ClientSecret is kept if it is empty and there is one for the same client of
	// the same issuer.
	ClientSecret string   `json:"client_secret,omitempty"`
	Domains      []string `json:"domains,omitempty"` // see HubProvider
}

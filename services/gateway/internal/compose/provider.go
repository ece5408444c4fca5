package compose

import (
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// HubProvider is an upstream provider as a hub uses it.
type HubProvider struct {
	ID           int64              `json:"id"`
	Hash         string             `json:"hash"`
	Name         string             `json:"name"`
	Title        string             `json:"title"`
	Mode         oauth.ProviderMode `json:"mode"`
	Own          bool               `json:"own"`
	Issuer       *string            `json:"issuer"` // null unless it is the hub's own, as the next
	ClientID     *string            `json:"client_id"`
	RedirectURI  *string            `json:"redirect_uri"`
	Domains      []string           `json:"domains"`
	CreatedTime  Time               `json:"created_time"`
	ModifiedTime Time               `json:"modified_time"`
	Model        string             `json:"model"`
}

// HubProviderOf is the document of a hub's provider.
func HubProviderOf(p oauth.HubProvider) HubProvider {
	return HubProvider{
		ID: p.ID, Hash: p.Hash, Name: p.Name, Title: p.Title, Mode: p.Mode, Own: p.Own, Issuer: optionalText(p.Issuer),
		ClientID: optionalText(p.ClientID), RedirectURI: optionalText(p.RedirectURI), Domains: append([]string{}, p.Domains...),
		CreatedTime: Time(p.CreatedTime), ModifiedTime: Time(p.ModifiedTime), Model: "HubProvider",
	}
}

// AssignedIdentity is who a member is at a provider, as the hub says.
type AssignedIdentity struct {
	Provider    string  `json:"provider"`
	Subject     *string `json:"subject"` // null until somebody with the address has come
	Email       *string `json:"email"`
	CreatedTime Time    `json:"created_time"`
	Model       string  `json:"model"`
}

// AssignedIdentityOf is the document of an assigned identity.
func AssignedIdentityOf(a accounts.AssignedIdentity) AssignedIdentity {
	return AssignedIdentity{
		Provider: a.Provider, Subject: optionalText(a.Subject), Email: optionalText(a.Email),
		CreatedTime: Time(a.CreatedTime), Model: "AssignedIdentity",
	}
}

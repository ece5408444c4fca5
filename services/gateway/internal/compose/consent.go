package compose

import "github.com/gatehouse-id/gatehouse/pkg/api/oauth"

// Consent is an app that a user has authorised.
type Consent struct {
	ID           int64    `json:"id"`
	Hash         string   `json:"hash"`
	Client       string   `json:"client"` // client_id
	Name         string   `json:"name"`   // of the app
	Scopes       []string `json:"scopes"`
	CreatedTime  Time     `json:"created_time"`
	ModifiedTime Time     `json:"modified_time"`
	Model        string   `json:"model"`
}

// ConsentOf is the document of a consent.
func ConsentOf(c oauth.Consented) Consent {
	return Consent{
		ID: c.ID, Hash: c.Hash, Client: c.Client, Name: c.ClientName, Scopes: append([]string{}, c.Scopes...),
		CreatedTime: Time(c.CreatedTime), ModifiedTime: Time(c.ModifiedTime), Model: "UserConsent",
	}
}

// Package client keeps OAuth clients and checks who they are.
package client

import (
	"slices"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// The grant types a client can have.
const (
	AuthorizationCode = "authorization_code"
	RefreshToken      = "refresh_token"
	ClientCredentials = "client_credentials"
)

// GrantTypes lists the grant types that are offered.
func GrantTypes() []string { return []string{AuthorizationCode, RefreshToken, ClientCredentials} }

// How clients authenticate: token_endpoint_auth_method.
const (
	AuthNone  = "none"
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
)

// Client is a registered client as fosite knows it.
type Client struct {
	oauth.Client
	SecretHash []byte // nil for a public client
}

var (
	_ fosite.Client             = (*Client)(nil)
	_ fosite.ResponseModeClient = (*Client)(nil)
)

// GetID is the client_id.
func (c *Client) GetID() string { return c.ID }

// GetHashedSecret is what the secret is compared with.
func (c *Client) GetHashedSecret() []byte { return c.SecretHash }

// GetRedirectURIs are the registered redirect URIs.
func (c *Client) GetRedirectURIs() []string { return c.RedirectURIs }

// GetGrantTypes are the grants the client may use.
func (c *Client) GetGrantTypes() fosite.Arguments { return c.GrantTypes }

// GetResponseTypes are the response types the client may use: none without the
// authorization code grant.
func (c *Client) GetResponseTypes() fosite.Arguments {
	if c.May(AuthorizationCode) {
		return fosite.Arguments{"code"}
	}
	return nil
}

// GetResponseModes are the response modes the client may ask for.
func (c *Client) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{fosite.ResponseModeQuery}
}

// GetScopes are the scopes the client may request.
func (c *Client) GetScopes() fosite.Arguments { return c.Scopes }

// GetAudience is empty: audiences are not registered.
func (c *Client) GetAudience() fosite.Arguments { return nil }

// IsPublic tells whether the client has no secret.
func (c *Client) IsPublic() bool { return c.Public }

// May tells whether the client may use the grant type.
func (c *Client) May(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// Of gives the client behind fosite's interface, or nil.
func Of(c fosite.Client) *Client {
	own, _ := c.(*Client)
	return own
}

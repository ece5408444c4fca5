// Package client keeps OAuth clients and checks who they are.
package client

import (
	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// The grant types a client can have.
const (
	AuthorizationCode = "authorization_code"
	RefreshToken      = "refresh_token"
	ClientCredentials = "client_credentials"
	DeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628
	JWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"     //nolint:gosec // RFC 7523, a name
	TokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" //nolint:gosec // RFC 8693, a name
)

// GrantTypes lists the grant types that are offered.
func GrantTypes() []string {
	return []string{AuthorizationCode, RefreshToken, ClientCredentials, DeviceCode, TokenExchange, JWTBearer}
}

// How clients authenticate: token_endpoint_auth_method.
const (
	AuthNone  = "none"
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
	AuthJWT   = "private_key_jwt" // OpenID Connect Core 1.0 section 9
	AuthTLS   = "tls_client_auth" // RFC 8705 section 2.1
)

// AuthMethods are those of confidential clients that are offered: certificates
// need an authority that vouches for them.
func AuthMethods(certificates bool) []string {
	methods := []string{AuthBasic, AuthPost, AuthJWT}
	if certificates {
		methods = append(methods, AuthTLS)
	}
	return methods
}

// The formats of access tokens.
const (
	Opaque = "opaque"
	JWT    = "jwt" // RFC 9068
)

// Client is a registered client as fosite knows it.
type Client struct {
	oauth.Client
	SecretHash []byte // nil without a secret
	// FormerSecretHash is good until FormerSecretExpirationTime.
	FormerSecretHash []byte
	// RegistrationHash is of the token that manages the client (RFC 7592); nil
	// unless it registered itself.
	RegistrationHash []byte
	// Registration is how it came to be: [ByToken], [Open], or else by the
	// operator or in its hub.
	Registration string
	// AnySecret: the client has not chosen between [AuthBasic] and [AuthPost], and
	// sends its secret either way.
	AnySecret bool
	// HubHash is the hash of its hub; empty if it has none, or if nobody has been
	// asked.
	HubHash string
}

// How clients register themselves (RFC 7591).
const (
	ByToken = "token" // with an initial access token
	Open    = "open"  // without
)

var (
	_ fosite.Client = (*Client)(nil)
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
		return c.ResponseTypes
	}
	return nil
}

// GetScopes are the scopes the client may request.
func (c *Client) GetScopes() fosite.Arguments { return c.Scopes }

// GetAudience are the resources the client may ask for (RFC 8707).
func (c *Client) GetAudience() fosite.Arguments { return c.Resources }

// IsPublic tells whether the client can keep no secret.
func (c *Client) IsPublic() bool { return c.Public() }

// SelfMade tells whether the client registered without a token: nobody has had a
// look at it.
func (c *Client) SelfMade() bool { return c.Registration == Open }

// Signs tells whether the client may sign with the algorithm: not with RS256 if it
// is held to FAPI 2.0 (section 5.4.1).
func (c *Client) Signs(alg jose.SignatureAlgorithm) bool { return alg != jose.RS256 || !c.FAPI() }

// Of gives the client behind fosite's interface, or nil.
func Of(c fosite.Client) *Client {
	own, _ := c.(*Client)
	return own
}

package oauth

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Clients are the relying parties and other OAuth clients. Requests with an
// actor are for the clients of the actor's hub, and are Forbidden below
// technical administrators; without one they are the operator's, for all.
type Clients interface {
	// CreateClient registers a client. Conflict if the id is taken; Invalid
	// names every broken rule.
	CreateClient(context.Context, CreateClientRequest) (CreatedClient, error)
	// ListClients lists clients by name.
	ListClients(context.Context, ListClientsRequest) (ClientList, error)
	// GetClient gives a client. NotFound.
	GetClient(context.Context, ClientRequest) (Client, error)
	// UpdateClient changes a client. NotFound; Invalid as CreateClient; Conflict
	// (fault.modified) if it is not the revision the caller saw.
	UpdateClient(context.Context, UpdateClientRequest) (Client, error)
	// DeleteClient deletes a client with its grants and tokens. NotFound.
	DeleteClient(context.Context, ClientRequest) (api.Nothing, error)
	// RotateSecret gives a client a new secret. The one before stays good for as
	// long as asked, and the one before that is void. NotFound; Conflict if its
	// method of authentication knows no secret.
	RotateSecret(context.Context, RotateSecretRequest) (CreatedClient, error)

	// CreateRegistrationToken makes an initial access token (RFC 7591 section 3).
	CreateRegistrationToken(context.Context, CreateRegistrationTokenRequest) (CreatedRegistrationToken, error)
	// ListRegistrationTokens lists those that are still good, by id.
	ListRegistrationTokens(context.Context, ListRegistrationTokensRequest) (RegistrationTokenList, error)
	// DeleteRegistrationToken revokes one. NotFound.
	DeleteRegistrationToken(context.Context, RegistrationTokenRequest) (api.Nothing, error)
}

// Metadata is what can be chosen about a client. The names are those of RFC
// 7591, OpenID Connect Dynamic Client Registration 1.0, the OpenID logout
// specifications and the RFCs that the fields name; scopes, resources,
// allowed_origins, pkce_optional, access_token_format and the lifetimes are ours.
type Metadata struct {
	Name            string   `json:"client_name"`
	ClientURI       string   `json:"client_uri,omitempty"`
	LogoURI         string   `json:"logo_uri,omitempty"`
	PolicyURI       string   `json:"policy_uri,omitempty"`
	TermsURI        string   `json:"tos_uri,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
	ApplicationType string   `json:"application_type,omitempty"` // web or native

	RedirectURIs  []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	Scopes        []string `json:"scopes"`
	// Resources are the APIs that tokens may be asked for (RFC 8707).
	Resources []string `json:"resources,omitempty"`
	// Origins are those whose pages may use the token endpoint; empty: any.
	Origins []string `json:"allowed_origins,omitempty"`

	// AuthMethod is how it authenticates: none for a public client (RFC 6749
	// section 2.1), client_secret_basic, client_secret_post, private_key_jwt or
	// tls_client_auth.
	AuthMethod    string          `json:"token_endpoint_auth_method"`
	AuthAlg       string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	JWKS          json.RawMessage `json:"jwks,omitempty"`
	JWKSURI       string          `json:"jwks_uri,omitempty"`
	TLSSubject    string          `json:"tls_client_auth_subject_dn,omitempty"` // RFC 8705, one of the five
	TLSDNS        string          `json:"tls_client_auth_san_dns,omitempty"`
	TLSURI        string          `json:"tls_client_auth_san_uri,omitempty"`
	TLSIP         string          `json:"tls_client_auth_san_ip,omitempty"`
	TLSEmail      string          `json:"tls_client_auth_san_email,omitempty"`
	TLSBound      bool            `json:"tls_client_certificate_bound_access_tokens,omitempty"` // RFC 8705
	DPoPBound     bool            `json:"dpop_bound_access_tokens,omitempty"`                   // RFC 9449
	SoftwareID    string          `json:"software_id,omitempty"`
	SoftwareBuild string          `json:"software_version,omitempty"`

	// PKCEOptional exempts a confidential client from sending a challenge. A
	// challenge once sent is always checked.
	PKCEOptional         bool     `json:"pkce_optional,omitempty"`
	RequirePAR           bool     `json:"require_pushed_authorization_requests,omitempty"` // RFC 9126
	RequireSignedRequest bool     `json:"require_signed_request_object,omitempty"`         // RFC 9101
	RequestObjectAlg     string   `json:"request_object_signing_alg,omitempty"`            // empty: any
	RequestURIs          []string `json:"request_uris,omitempty"`
	DefaultMaxAge        *int64   `json:"default_max_age,omitempty"` // seconds
	RequireAuthTime      bool     `json:"require_auth_time,omitempty"`
	DefaultACRs          []string `json:"default_acr_values,omitempty"`
	InitiateLoginURI     string   `json:"initiate_login_uri,omitempty"`

	SubjectType      string `json:"subject_type,omitempty"` // public or pairwise
	SectorURI        string `json:"sector_identifier_uri,omitempty"`
	IDTokenAlg       string `json:"id_token_signed_response_alg,omitempty"`      // RS256, ES256 or EdDSA
	UserInfoAlg      string `json:"userinfo_signed_response_alg,omitempty"`      // empty: plain JSON
	IntrospectionAlg string `json:"introspection_signed_response_alg,omitempty"` // RFC 9701; of JWT answers

	// AccessTokenFormat is opaque, or jwt for RFC 9068.
	AccessTokenFormat string `json:"access_token_format,omitempty"`
	// The lifetimes are in seconds; 0 is the installation's. They only shorten.
	AccessTokenLifetime  int64 `json:"access_token_lifetime,omitempty"`
	IDTokenLifetime      int64 `json:"id_token_lifetime,omitempty"`
	RefreshTokenLifetime int64 `json:"refresh_token_lifetime,omitempty"`

	PostLogoutURIs            []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI      string   `json:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSession  bool     `json:"backchannel_logout_session_required,omitempty"`
	FrontchannelLogoutURI     string   `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelLogoutSession bool     `json:"frontchannel_logout_session_required,omitempty"`
}

// Public tells whether the client can keep no secret (RFC 6749 section 2.1).
func (m *Metadata) Public() bool { return m.AuthMethod == "none" }

// FAPI tells whether the client is held to the FAPI 2.0 Security Profile: it
// proves who it is, has to push its requests, and its tokens are bound to a key. A
// public client is none of that profile's.
func (m *Metadata) FAPI() bool { return !m.Public() && m.RequirePAR && (m.DPoPBound || m.TLSBound) }

// Privileges are what only the operator gives to a client.
type Privileges struct {
	// FirstParty clients do not ask for consent. A public client whose redirect
	// URI is not https cannot be one: any local program can pose as it (RFC 8252
	// section 8.6).
	FirstParty bool `json:"first_party,omitempty"`
	// ResourceServer lets a confidential client introspect access tokens of
	// all clients, not only its own (RFC 7662).
	ResourceServer bool `json:"resource_server,omitempty"`
	// Impersonation lets it get tokens of a user with an administrator's token
	// (RFC 8693), where that administrator may impersonate the user.
	Impersonation bool `json:"impersonation,omitempty"`
	// TrustedIssuers may vouch for it or for users (RFC 7523 section 2.1).
	TrustedIssuers []TrustedIssuer `json:"trusted_issuers,omitempty"`
}

// TrustedIssuer signs assertions that are taken as authorization grants.
type TrustedIssuer struct {
	Issuer  string          `json:"issuer"`
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// Subjects are whom it may speak of, exactly. A token for one of them is a
	// token of the client itself, as with a workload's identity.
	Subjects []string `json:"subjects,omitempty"`
	// Users lets it speak of any user of this installation, by the user's hash.
	Users bool `json:"users,omitempty"`
}

// Client is a relying party or another OAuth client.
type Client struct {
	ID     string `json:"client_id"`
	Number int64  `json:"number"` // random, as the JSON API names it
	Hash   string `json:"hash"`   // 40 hex
	// Vetted clients were registered by somebody, or with a token. Of the others nobody
	// has had a look at what they say of themselves.
	Vetted bool `json:"vetted,omitempty"`
	// Hub is the hub that the client belongs to: only members of it sign in, and
	// only in it. nil: the whole installation's.
	Hub *int64 `json:"hub,omitempty"`
	Metadata
	Privileges

	CreatedTime  time.Time `json:"created_time"`
	ModifiedTime time.Time `json:"modified_time"`
	// SecretTime is when the secret was made; FormerSecretExpirationTime is until
	// when the one before is good, too.
	SecretTime                 *time.Time `json:"secret_time,omitempty"`
	FormerSecretExpirationTime *time.Time `json:"former_secret_expiration_time,omitempty"`
}

// May tells whether the client may use the grant type.
func (c *Client) May(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// CreateClientRequest registers a client. Empty fields get defaults: the
// authorization code and refresh grants, openid profile email offline_access,
// client_secret_basic.
type CreateClientRequest struct {
	Actor *api.Actor `json:"actor,omitempty"`     // nil: the operator
	ID    string     `json:"client_id,omitempty"` // chosen by the operator; empty: random
	Metadata
	Privileges
}

// CreatedClient is a client with its new secret, which is shown only here.
type CreatedClient struct {
	Client Client `json:"client"`
	Secret string `json:"client_secret,omitempty"`
}

// ClientRequest names a client.
type ClientRequest struct {
	Actor *api.Actor `json:"actor,omitempty"`
	// ID is its client_id, or else its number or its hash as paths have them.
	ID string `json:"client_id"`
}

// UpdateClientRequest changes a client.
type UpdateClientRequest struct {
	Actor    *api.Actor `json:"actor,omitempty"`
	ID       string     `json:"client_id"`          // as in ClientRequest
	Revision *time.Time `json:"revision,omitempty"` // the ModifiedTime the caller saw; nil: any
	// Changes is an object of Metadata, and of Privileges if the operator asks;
	// what it does not name stays. Invalid names what is unknown or mistyped.
	Changes json.RawMessage `json:"changes"`
}

// RotateSecretRequest asks for a new secret.
type RotateSecretRequest struct {
	Actor *api.Actor `json:"actor,omitempty"`
	ID    string     `json:"client_id"` // as in ClientRequest
	// Overlap is for how many seconds the present secret stays good, at most 30
	// days; 0: not at all.
	Overlap int64 `json:"overlap"`
}

// ListClientsRequest asks for clients.
type ListClientsRequest struct {
	Actor *api.Actor `json:"actor,omitempty"`
	Page  api.Page   `json:"page"`            // zero: all, for the operator only
	Query string     `json:"query,omitempty"` // a part of the name or the id
}

// ClientList is a page of clients.
type ClientList struct {
	Clients []Client `json:"clients"`
	Total   int      `json:"total"`
}

// RegistrationToken lets whoever holds it register clients: a hub's only for as
// long as who made it may manage the hub's clients.
type RegistrationToken struct {
	ID   int64  `json:"id"`
	Hash string `json:"hash"` // 40 hex
	Name string `json:"name"`
	Hub  *int64 `json:"hub,omitempty"` // that its clients will belong to
	// Issuer is the number of the user who made it; nil: the operator.
	Issuer *int64 `json:"issuer,omitempty"`
	// Uses is how many clients it may still register; nil: any number.
	Uses *int `json:"uses,omitempty"`
	// Resources are what its clients may name as theirs, beside those of its hub.
	Resources      []string   `json:"resources,omitempty"`
	ExpirationTime *time.Time `json:"expiration_time,omitempty"` // nil: never
	CreatedTime    time.Time  `json:"created_time"`
	ModifiedTime   time.Time  `json:"modified_time"` // when it last registered a client
}

// CreateRegistrationTokenRequest makes one.
type CreateRegistrationTokenRequest struct {
	Actor          *api.Actor `json:"actor,omitempty"`
	Name           string     `json:"name"`
	Uses           *int       `json:"uses,omitempty"`
	Resources      []string   `json:"resources,omitempty"` // the operator's only
	ExpirationTime *time.Time `json:"expiration_time,omitempty"`
}

// CreatedRegistrationToken is a new token, whose text is shown only here.
type CreatedRegistrationToken struct {
	RegistrationToken
	Token string `json:"token"`
}

// ListRegistrationTokensRequest asks for the hub's, or for the operator's all.
type ListRegistrationTokensRequest struct {
	Actor *api.Actor `json:"actor,omitempty"`
	Page  api.Page   `json:"page"` // zero: all, for the operator only
}

// RegistrationTokenList is a page of registration tokens.
type RegistrationTokenList struct {
	Tokens []RegistrationToken `json:"tokens"`
	Total  int                 `json:"total"`
}

// RegistrationTokenRequest names one, by its number or its hash.
type RegistrationTokenRequest struct {
	Actor *api.Actor `json:"actor,omitempty"`
	ID    int64      `json:"id,omitempty"`
	Hash  string     `json:"hash,omitempty"`
}

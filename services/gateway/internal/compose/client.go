package compose

import (
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// Client is an OAuth client of a hub.
type Client struct {
	ID       int64  `json:"id"`
	Hash     string `json:"hash"`
	ClientID string `json:"client_id"`
	Hub      *int64 `json:"hub"`
	ClientMetadata
	SecretTime                 *Time  `json:"secret_time"` // null without a secret
	FormerSecretExpirationTime *Time  `json:"former_secret_expiration_time"`
	CreatedTime                Time   `json:"created_time"`
	ModifiedTime               Time   `json:"modified_time"`
	Secret                     string `json:"client_secret,omitempty"` // shown once
	Model                      string `json:"model"`
}

// ClientMetadata is what was chosen about a client, as RFC 7591 has it: what was
// not chosen is absent.
//
// It is converted from the service's type, which compiles only as long as both
// have the same fields: nothing that is added to the service gets published by
// accident.
type ClientMetadata struct {
	Name            string   `json:"client_name"`
	ClientURI       string   `json:"client_uri,omitempty"`
	LogoURI         string   `json:"logo_uri,omitempty"`
	PolicyURI       string   `json:"policy_uri,omitempty"`
	TermsURI        string   `json:"tos_uri,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
	ApplicationType string   `json:"application_type,omitempty"`

	RedirectURIs  []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	Scopes        []string `json:"scopes"`
	Resources     []string `json:"resources,omitempty"`
	Origins       []string `json:"allowed_origins,omitempty"`

	AuthMethod    string          `json:"token_endpoint_auth_method"`
	AuthAlg       string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	JWKS          json.RawMessage `json:"jwks,omitempty"`
	JWKSURI       string          `json:"jwks_uri,omitempty"`
	TLSSubject    string          `json:"tls_client_auth_subject_dn,omitempty"`
	TLSDNS        string          `json:"tls_client_auth_san_dns,omitempty"`
	TLSURI        string          `json:"tls_client_auth_san_uri,omitempty"`
	TLSIP         string          `json:"tls_client_auth_san_ip,omitempty"`
	TLSEmail      string          `json:"tls_client_auth_san_email,omitempty"`
	TLSBound      bool            `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	DPoPBound     bool            `json:"dpop_bound_access_tokens,omitempty"`
	SoftwareID    string          `json:"software_id,omitempty"`
	SoftwareBuild string          `json:"software_version,omitempty"`

	PKCEOptional         bool     `json:"pkce_optional,omitempty"`
	RequirePAR           bool     `json:"require_pushed_authorization_requests,omitempty"`
	RequireSignedRequest bool     `json:"require_signed_request_object,omitempty"`
	RequestObjectAlg     string   `json:"request_object_signing_alg,omitempty"`
	RequestURIs          []string `json:"request_uris,omitempty"`
	DefaultMaxAge        *int64   `json:"default_max_age,omitempty"`
	RequireAuthTime      bool     `json:"require_auth_time,omitempty"`
	DefaultACRs          []string `json:"default_acr_values,omitempty"`
	InitiateLoginURI     string   `json:"initiate_login_uri,omitempty"`

	SubjectType      string `json:"subject_type,omitempty"`
	SectorURI        string `json:"sector_identifier_uri,omitempty"`
	IDTokenAlg       string `json:"id_token_signed_response_alg,omitempty"`
	UserInfoAlg      string `json:"userinfo_signed_response_alg,omitempty"`
	IntrospectionAlg string `json:"introspection_signed_response_alg,omitempty"`

	AccessTokenFormat    string `json:"access_token_format,omitempty"`
	AccessTokenLifetime  int64  `json:"access_token_lifetime,omitempty"` // seconds, as the next two
	IDTokenLifetime      int64  `json:"id_token_lifetime,omitempty"`
	RefreshTokenLifetime int64  `json:"refresh_token_lifetime,omitempty"`

	PostLogoutURIs            []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI      string   `json:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSession  bool     `json:"backchannel_logout_session_required,omitempty"`
	FrontchannelLogoutURI     string   `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelLogoutSession bool     `json:"frontchannel_logout_session_required,omitempty"`
}

// ClientOf is the document of a client without its secret.
func ClientOf(c oauth.Client) Client {
	d := Client{
		ID: c.Number, Hash: c.Hash, ClientID: c.ID, Hub: c.Hub, ClientMetadata: ClientMetadata(c.Metadata),
		SecretTime: optionalTime(c.SecretTime), FormerSecretExpirationTime: optionalTime(c.FormerSecretExpirationTime),
		CreatedTime: Time(c.CreatedTime), ModifiedTime: Time(c.ModifiedTime), Model: "Client",
	}
	for _, list := range []*[]string{&d.RedirectURIs, &d.GrantTypes, &d.ResponseTypes, &d.Scopes} {
		if *list == nil {
			*list = []string{}
		}
	}
	return d
}

// CreatedClient is the document of a client with a secret that is new.
func CreatedClient(c oauth.CreatedClient) Client {
	d := ClientOf(c.Client)
	d.Secret = c.Secret
	return d
}

// RegistrationToken is what lets programs register clients of a hub.
type RegistrationToken struct {
	ID             int64  `json:"id"`
	Hash           string `json:"hash"`
	Name           string `json:"name"`
	Hub            *int64 `json:"hub"`
	User           *int64 `json:"user"`            // who made it; null: the operator
	Uses           *int   `json:"uses"`            // left; null: any number
	ExpirationTime *Time  `json:"expiration_time"` // null: never
	CreatedTime    Time   `json:"created_time"`
	ModifiedTime   Time   `json:"modified_time"`
	Token          string `json:"token,omitempty"` // its text, shown once
	Model          string `json:"model"`
}

// RegistrationTokenOf is the document of a token without its text.
func RegistrationTokenOf(t oauth.RegistrationToken) RegistrationToken {
	return RegistrationToken{
		ID: t.ID, Hash: t.Hash, Name: t.Name, Hub: t.Hub, User: t.Issuer, Uses: t.Uses, ExpirationTime: optionalTime(t.ExpirationTime),
		CreatedTime: Time(t.CreatedTime), ModifiedTime: Time(t.ModifiedTime), Model: "RegistrationToken",
	}
}

// CreatedRegistrationToken is the document of a new token.
func CreatedRegistrationToken(t oauth.CreatedRegistrationToken) RegistrationToken {
	d := RegistrationTokenOf(t.RegistrationToken)
	d.Token = t.Token
	return d
}

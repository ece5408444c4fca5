// Package discovery says what the provider offers: OpenID Connect Discovery
// 1.0 and RFC 8414, which share one document.
package discovery

import (
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/acr"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/authorize"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/claims"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/pkce"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// cacheFor is how long others may keep the document.
const cacheFor = 5 * time.Minute

// Document is the provider's metadata. It names what is on and nothing else;
// what defaults to true and is off is said to be false.
type Document struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserInfoEndpoint      string `json:"userinfo_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	RegistrationEndpoint  string `json:"registration_endpoint,omitempty"`
	DeviceEndpoint        string `json:"device_authorization_endpoint"`
	PAREndpoint           string `json:"pushed_authorization_request_endpoint"`
	EndSessionEndpoint    string `json:"end_session_endpoint"`

	Scopes               []string `json:"scopes_supported"`
	ResponseTypes        []string `json:"response_types_supported"`
	ResponseModes        []string `json:"response_modes_supported"`
	GrantTypes           []string `json:"grant_types_supported"`
	CodeChallengeMethods []string `json:"code_challenge_methods_supported"`
	Prompts              []string `json:"prompt_values_supported"`
	UILocales            []string `json:"ui_locales_supported"`

	TokenEndpointAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionEndpointAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationEndpointAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`

	TokenEndpointAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionEndpointAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationEndpointAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	DPoPAlgs                      []string `json:"dpop_signing_alg_values_supported"`
	TLSBoundTokens                bool     `json:"tls_client_certificate_bound_access_tokens"`

	SubjectTypes             []string `json:"subject_types_supported"`
	IDTokenSigningAlgorithms []string `json:"id_token_signing_alg_values_supported"`
	UserInfoAlgorithms       []string `json:"userinfo_signing_alg_values_supported"`
	IntrospectionAlgorithms  []string `json:"introspection_signing_alg_values_supported"` // RFC 9701 section 7
	Claims                   []string `json:"claims_supported"`
	ClaimTypes               []string `json:"claim_types_supported"`
	ACRs                     []string `json:"acr_values_supported"`

	RequirePAR          bool `json:"require_pushed_authorization_requests"`
	IssInResponse       bool `json:"authorization_response_iss_parameter_supported"`
	ClaimsParameter     bool `json:"claims_parameter_supported"`
	RequestParameter    bool `json:"request_parameter_supported"`
	RequestURIParameter bool `json:"request_uri_parameter_supported"`

	BackchannelLogout         bool `json:"backchannel_logout_supported"`
	BackchannelLogoutSession  bool `json:"backchannel_logout_session_supported"`
	FrontchannelLogout        bool `json:"frontchannel_logout_supported"`
	FrontchannelLogoutSession bool `json:"frontchannel_logout_session_supported"`
	// RequestURIs have to be registered.
	RequestURIRegistration bool     `json:"require_request_uri_registration"`
	RequestObjectAlgs      []string `json:"request_object_signing_alg_values_supported"`
	Displays               []string `json:"display_values_supported"`
}

// New describes the provider of that issuer, which offers apiScopes beside
// the scopes about users, and where clients can have certificates.
func New(issuer string, apiScopes []string, certificates bool) *Document {
	confidential := client.AuthMethods(certificates)
	all := append(slices.Clone(confidential), client.AuthNone)
	algs := signed.Names()
	return &Document{
		Issuer:                issuer,
		AuthorizationEndpoint: issuer + "/oauth2/authorize",
		TokenEndpoint:         issuer + "/oauth2/token",
		UserInfoEndpoint:      issuer + "/oauth2/userinfo",
		JWKSURI:               issuer + "/oauth2/jwks",
		IntrospectionEndpoint: issuer + "/oauth2/introspect",
		RevocationEndpoint:    issuer + "/oauth2/revoke",
		DeviceEndpoint:        issuer + "/oauth2/device_authorization",
		PAREndpoint:           issuer + "/oauth2/par",
		EndSessionEndpoint:    issuer + "/oauth2/logout",

		Scopes:               append(scope.User(), apiScopes...),
		ResponseTypes:        authorize.ResponseTypes(),
		ResponseModes:        authorize.Modes(),
		GrantTypes:           client.GrantTypes(),
		CodeChallengeMethods: []string{pkce.Method},
		Prompts:              []string{"none", "login", "consent", "select_account", "create"},
		UILocales:            []string{"de", "en"},

		TokenEndpointAuthMethods:         all,
		IntrospectionEndpointAuthMethods: confidential,
		RevocationEndpointAuthMethods:    all,

		TokenEndpointAuthAlgs: algs, IntrospectionEndpointAuthAlgs: algs, RevocationEndpointAuthAlgs: algs,
		DPoPAlgs: algs, TLSBoundTokens: true,

		SubjectTypes:             []string{"public", subject.Pairwise},
		IDTokenSigningAlgorithms: keys.Algorithms(),
		UserInfoAlgorithms:       keys.Algorithms(),
		IntrospectionAlgorithms:  keys.Algorithms(),
		Claims:                   claims.Names(),
		ClaimTypes:               []string{"normal"},
		ACRs:                     acr.Values(),

		IssInResponse:   true,
		ClaimsParameter: true,

		BackchannelLogout: true, BackchannelLogoutSession: true,
		FrontchannelLogout: true, FrontchannelLogoutSession: true,
		RequestParameter: true, RequestURIParameter: true, RequestURIRegistration: true, RequestObjectAlgs: signed.Names(),
		Displays: []string{"page"},
	}
}

func (d *Document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	wire.CachedJSON(w, r, cacheFor, d)
}

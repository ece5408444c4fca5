package rest

import (
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// operatorOnly refuses what only the operator gives to clients.
const operatorOnly = "validation.client_operator"

// clientPrivileges are the names of what only the operator gives.
var clientPrivileges = []string{"first_party", "resource_server", "impersonation", "trusted_issuers"}

// clientFields are what can be chosen about a client, and how each is read.
var clientFields = map[string]func(*jsonbody.Object, string) any{
	"client_name": aText, "client_uri": aText, "logo_uri": aText, "policy_uri": aText, "tos_uri": aText,
	"contacts": someTexts, "application_type": aText, "software_id": aText, "software_version": aText,

	"redirect_uris": someTexts, "grant_types": someTexts, "response_types": someTexts, "scopes": someTexts,
	"resources": someTexts, "allowed_origins": someTexts,

	"token_endpoint_auth_method": aText, "token_endpoint_auth_signing_alg": aText, "jwks": anObject, "jwks_uri": aText,
	"tls_client_auth_subject_dn": aText, "tls_client_auth_san_dns": aText, "tls_client_auth_san_uri": aText,
	"tls_client_auth_san_ip": aText, "tls_client_auth_san_email": aText,
	"tls_client_certificate_bound_access_tokens": aTruth, "dpop_bound_access_tokens": aTruth,

	"pkce_optional": aTruth, "require_pushed_authorization_requests": aTruth, "require_signed_request_object": aTruth,
	"request_object_signing_alg": aText, "request_uris": someTexts, "default_max_age": aNumber, "require_auth_time": aTruth,
	"default_acr_values": someTexts, "initiate_login_uri": aText,

	"subject_type": aText, "sector_identifier_uri": aText, "id_token_signed_response_alg": aText,
	"userinfo_signed_response_alg": aText, "introspection_signed_response_alg": aText,
	"access_token_format": aText, "access_token_lifetime": aNumber, "id_token_lifetime": aNumber, "refresh_token_lifetime": aNumber,

	"post_logout_redirect_uris": someTexts, "backchannel_logout_uri": aText, "backchannel_logout_session_required": aTruth,
	"frontchannel_logout_uri": aText, "frontchannel_logout_session_required": aTruth,
}

func aText(body *jsonbody.Object, name string) any     { return body.String(name) }
func someTexts(body *jsonbody.Object, name string) any { return body.Strings(name) }
func aTruth(body *jsonbody.Object, name string) any    { return body.Bool(name, false) }
func aNumber(body *jsonbody.Object, name string) any   { return body.IntPtr(name) }
func anObject(body *jsonbody.Object, name string) any  { return body.Raw(name) }

// clientChoices are what a request says about a client, by name; nil takes a
// choice back.
type clientChoices map[string]any

// readClient reads all that can be chosen about a client.
func readClient(body *jsonbody.Object) clientChoices {
	chosen := clientChoices{}
	for name, read := range clientFields {
		switch {
		case body.Null(name):
			chosen[name] = nil
		case body.Has(name):
			chosen[name] = read(body, name)
		}
	}
	for _, name := range clientPrivileges {
		body.Refuse(name, operatorOnly)
	}
	return chosen
}

// object is a change of a client.
func (c clientChoices) object() (json.RawMessage, error) { return json.Marshal(c) }

// metadata is a new client.
func (c clientChoices) metadata() (m oauth.Metadata, err error) {
	text, err := c.object()
	if err != nil {
		return m, err
	}
	err = json.Unmarshal(text, &m)
	return m, err
}

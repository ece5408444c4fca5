package rules

import (
	"slices"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/acr"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
)

// forPublic are the grant types of clients that cannot prove to be themselves.
var forPublic = []string{client.AuthorizationCode, client.RefreshToken, client.DeviceCode, client.JWTBearer}

func (k *check) grants() {
	k.allOf("grant_types", k.c.GrantTypes, client.GrantTypes())
	if k.c.Public() && k.fine("grant_types") {
		for _, name := range k.c.GrantTypes {
			if !contains(forPublic, name) {
				k.add("grant_types", "validation.client_grant_public", "Value", shown(name))
			}
		}
	}
	if k.c.May(client.RefreshToken) && !k.c.May(client.AuthorizationCode) && !k.c.May(client.DeviceCode) {
		k.add("grant_types", "validation.client_grant_refresh")
	}
	if k.c.May(client.JWTBearer) && len(k.c.TrustedIssuers) == 0 {
		k.add("grant_types", "validation.client_grant_assertion")
	}
	k.allOf("response_types", k.c.ResponseTypes, []string{ResponseCode, ResponseHybrid})
	if len(k.c.ResponseTypes) > 0 && !k.c.May(client.AuthorizationCode) {
		k.add("response_types", "validation.client_response_grant")
	}
	if k.c.Public() && k.c.PKCEOptional {
		k.add("pkce_optional", "validation.client_pkce")
	}
}

func (k *check) scopes() {
	k.allOf("scopes", k.c.Scopes, slices.Concat(scope.User(), k.APIScopes))
}

// requests looks at what the client wants of authorization requests.
func (k *check) requests() {
	k.oneOf("request_object_signing_alg", k.c.RequestObjectAlg, keyAlgorithms()...)
	if (k.c.RequestObjectAlg != "" || k.c.RequireSignedRequest) && !k.hasKeys() {
		k.add("jwks", "validation.client_keys_needed", "Value", "request_object_signing_alg, require_signed_request_object")
	}
	if age := k.c.DefaultMaxAge; age != nil && (*age < 0 || *age > maxAge) {
		k.add("default_max_age", "validation.between", "Min", 0, "Max", maxAge)
	}
	k.allOf("default_acr_values", k.c.DefaultACRs, acr.Values())
}

// maxAge bounds default_max_age, in seconds: ten years.
const maxAge = 10 * 365 * 24 * 60 * 60

func keyAlgorithms() []string { return signed.Names() }

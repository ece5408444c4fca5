package oauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// These tests hold what discovery says against what the provider does.

func (h *harness) get(path string) answer {
	h.t.Helper()
	return h.do(httptest.NewRequest(http.MethodGet, path, http.NoBody))
}

// metadata is the provider's, with its lists as lists of text.
func (h *harness) metadata() (all map[string]any, list func(name string) []string) {
	h.t.Helper()
	a := h.get("/.well-known/openid-configuration")
	require.Equal(h.t, http.StatusOK, a.status, a.body)
	return a.json, func(name string) []string {
		var texts []string
		values, _ := a.json[name].([]any)
		for _, v := range values {
			text, _ := v.(string)
			texts = append(texts, text)
		}
		require.NotEmpty(h.t, texts, name)
		return texts
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		one, other := h.get("/.well-known/openid-configuration"), h.get("/.well-known/oauth-authorization-server")
		require.Equal(t, http.StatusOK, one.status)
		assert.Equal(t, one.body, other.body)
		assert.Equal(t, testOrigin, one.json["issuer"])
		for name, value := range one.json {
			if value != false {
				assert.NotEmpty(t, value, name)
			}
		}
		for _, path := range []string{"/.well-known/openid-configuration", "/oauth2/jwks"} {
			a := h.get(path)
			assert.Equal(t, "public, max-age=300", a.header.Get("Cache-Control"))
			assert.Equal(t, "application/json", a.header.Get("Content-Type"))
			r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
			r.Header.Set("If-None-Match", a.header.Get("ETag"))
			assert.Equal(t, http.StatusNotModified, h.do(r).status, path)
			r.Header.Set("If-None-Match", `"other"`)
			assert.Equal(t, a.body, h.do(r).body)
		}
	})
}

func TestDiscoveryNamesEndpoints(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		all, _ := h.metadata()
		pages := []string{"/oauth2/authorize", "/oauth2/logout"} // the gateway's
		for name, value := range all {
			address, _ := value.(string)
			if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
				continue
			}
			path, ours := strings.CutPrefix(address, testOrigin)
			require.True(t, ours, name)
			if slices.Contains(pages, path) {
				continue
			}
			got, posted := h.get(path), h.do(httptest.NewRequest(http.MethodPost, path, http.NoBody))
			assert.False(t, got.status == http.StatusNotFound && posted.status == http.StatusNotFound, name)
		}
	})
}

func TestDiscoveryNamesGrants(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		_, list := h.metadata()
		c, offered := h.web(), list("grant_types_supported")
		for _, grantType := range append(slices.Clone(offered), "password", "implicit", "urn:ietf:params:oauth:grant-type:saml2-bearer", "") {
			a := h.do(as(c, "/oauth2/token", url.Values{"grant_type": {grantType}}))
			if !slices.Contains(offered, grantType) {
				assert.Contains(t, []string{"unsupported_grant_type", "invalid_request"}, a.text("error"), grantType)
				continue
			}
			assert.NotEqual(t, "unsupported_grant_type", a.text("error"), grantType)
		}
	})
}

// refuses tells whether a client cannot be registered because of the field.
func (h *harness) refuses(field string, change func(*oauth.CreateClientRequest)) bool {
	h.t.Helper()
	r := oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "x", RedirectURIs: []string{callback}}}
	change(&r)
	_, err := h.service.CreateClient(h.t.Context(), r)
	return err != nil && fault.From(err).Fields[field] != nil
}

func TestDiscoveryNamesWhatClientsCanBe(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		_, list := h.metadata()
		jwks := json.RawMessage(h.get("/oauth2/jwks").body)
		tests := map[string]struct {
			field   string
			unknown []string
			set     func(r *oauth.CreateClientRequest, value string)
		}{
			"token_endpoint_auth_methods_supported": {
				"token_endpoint_auth_method",
				[]string{"client_secret_jwt", "self_signed_tls_client_auth", "Client_Secret_Basic", "x"},
				func(r *oauth.CreateClientRequest, value string) {
					if r.AuthMethod = value; value == "private_key_jwt" {
						r.JWKS = jwks
					}
				},
			},
			"subject_types_supported": {
				"subject_type", []string{"x", "Pairwise"},
				func(r *oauth.CreateClientRequest, value string) { r.SubjectType = value },
			},
			"id_token_signing_alg_values_supported": {
				"id_token_signed_response_alg", []string{"none", "HS256", "RS512", "rs256"},
				func(r *oauth.CreateClientRequest, value string) { r.IDTokenAlg = value },
			},
			"userinfo_signing_alg_values_supported": {
				"userinfo_signed_response_alg", []string{"none", "HS256", "RS512", "rs256"},
				func(r *oauth.CreateClientRequest, value string) { r.UserInfoAlg = value },
			},
			"introspection_signing_alg_values_supported": {
				"introspection_signed_response_alg", []string{"none", "HS256", "RS512", "rs256"},
				func(r *oauth.CreateClientRequest, value string) { r.IntrospectionAlg = value },
			},
			"scopes_supported": {
				"scopes", []string{"x", "OpenID", "*"},
				func(r *oauth.CreateClientRequest, value string) { r.Scopes = []string{"openid", value} },
			},
			"response_types_supported": {
				"response_types", []string{"token", "Code", "code token"},
				func(r *oauth.CreateClientRequest, value string) { r.ResponseTypes = []string{value} },
			},
		}
		for name, test := range tests {
			for _, value := range list(name) {
				assert.False(t, h.refuses(test.field, func(r *oauth.CreateClientRequest) { test.set(r, value) }), "%s %s", name, value)
			}
			for _, value := range test.unknown {
				assert.True(t, h.refuses(test.field, func(r *oauth.CreateClientRequest) { test.set(r, value) }), "%s %s", name, value)
			}
		}
	})
}

func TestDiscoveryNamesClaims(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.accounts.change(alice, says)
		_, list := h.metadata()
		c := h.web(wide)
		tokens := h.tokens(c, "scope", strings.Join(c.Client.Scopes[:5], " ")+" phone address")
		_, id := h.read(tokens.text("id_token"))
		known := append(keysOf(id), keysOf(h.userinfo(tokens.text("access_token")).json)...)
		known = append(known, "c_hash", "s_hash") // of answers with a code
		slices.Sort(known)
		assert.ElementsMatch(t, slices.Compact(known), list("claims_supported"))
	})
}

func TestDiscoveryNamesWhatCanBeAskedFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		_, list := h.metadata()
		c := h.web(wide)
		for name, test := range map[string]struct {
			parameter string
			unknown   []string
		}{
			"response_modes_supported":         {"response_mode", []string{"x", "Query", "query.jwt"}},
			"prompt_values_supported":          {"prompt", []string{"x", "Login"}},
			"code_challenge_methods_supported": {"code_challenge_method", []string{"plain", "x", "s256"}},
		} {
			refused := func(value string) bool {
				a := h.authorize(form(c, test.parameter, value), h.login())
				return a.Problem != nil || strings.Contains(a.Redirect, "error=invalid_request") || strings.Contains(a.Redirect, "error=unsupported")
			}
			for _, value := range list(name) {
				assert.False(t, refused(value), "%s %s", name, value)
			}
			for _, value := range test.unknown {
				assert.True(t, refused(value), "%s %s", name, value)
			}
		}
	})
}

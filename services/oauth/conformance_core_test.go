package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// These tests show requirements of OpenID Connect and RFC 6749 that no other
// test shows; docs/conformance names them all.

// RFC 6749 section 5.1.
func TestAnswersWithTokensAreKeptByNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, tv := h.web(), h.tv()
		tokens := h.tokens(c)
		for name, a := range map[string]answer{
			"code": tokens, "refresh": h.refresh(c, tokens.text("refresh_token")), "own": h.own(c),
			"refused": h.redeem(c, "x"), "unauthenticated": h.do(post("/oauth2/token", url.Values{"grant_type": {"refresh_token"}})),
			"introspection": h.introspect(c, tokens.text("access_token")),
			"pushed":        h.do(as(c, "/oauth2/par", form(c))),
			"device":        h.do(as(tv, "/oauth2/device_authorization", url.Values{"scope": {"openid"}})),
		} {
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"), name)
			assert.Equal(t, "no-cache", a.header.Get("Pragma"), name)
			assert.Equal(t, "application/json", a.header.Get("Content-Type"), name)
		}
		assert.Equal(t, "Bearer", tokens.text("token_type"))
		assert.EqualValues(t, 600, tokens.json["expires_in"])
	})
}

// OpenID Connect Core 1.0 section 3.1.2.1: without openid it is OAuth 2.0 alone.
func TestWithoutOpenIDThereIsNoIDToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		tokens := h.tokens(c, "scope", "email offline_access")
		assert.NotContains(t, tokens.json, "id_token")
		assert.NotContains(t, h.refresh(c, tokens.text("refresh_token")).json, "id_token")
		assert.NotContains(t, h.own(c).json, "id_token")
	})
}

// RFC 6749 sections 3.1 and 3.2, OpenID Connect Core 1.0 sections 3.1.2.1 and
// 15.1: what is not understood is ignored, and what is empty was not sent.
func TestWhatIsNotUnderstoodIsIgnored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for name, value := range map[string]string{
			"display": "popup", "claims_locales": "de en", "ui_locales": "tlh", "acr_values": "urn:other", "login_hint": "nobody@example.org",
			"unknown": "x", "max_age": "", "prompt": "", "resource": "", "id_token_hint": "", "response_mode": "", "claims": "", "request": "", "request_uri": "",
			"claims_of": "", "nonce": "", "dpop_jkt": "",
		} {
			f := form(c)
			f.Set(name, value)
			assert.NotEmpty(t, redirected(t, h.authorize(f, h.login())).Get("code"), name)
		}
		f := codeForm(h.code(c))
		f.Set("unknown", "x")
		f.Set("scope", "")
		f.Set("resource", "")
		assert.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/token", f)).status)
		assert.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/introspect", url.Values{"token": {"x"}, "unknown": {"y"}})).status)
	})
}

// RFC 6749 section 2.3.1: credentials are never in an address.
func TestSecretsAreNotTakenFromAddresses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(postAuth)
		r := post("/oauth2/token?"+url.Values{"client_id": {c.Client.ID}, "client_secret": {c.Secret}}.Encode(), ownToken())
		requireError(t, h.do(r), http.StatusBadRequest, "invalid_request")
		get := httptest.NewRequest(http.MethodGet, "/oauth2/token?"+url.Values{
			"client_id": {c.Client.ID}, "client_secret": {c.Secret}, "grant_type": {"client_credentials"},
		}.Encode(), http.NoBody)
		assert.Equal(t, http.StatusMethodNotAllowed, h.do(get).status)
	})
}

// RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1.
func TestErrorsKeepToTheirCharacters(t *testing.T) {
	t.Parallel()
	code, description := regexp.MustCompile(`^[a-z_]+$`), regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]*$`)
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		const hostile = "\"\\\t<script>ä\r\nX: y"
		for _, name := range []string{
			"response_type", "response_mode", "scope", "prompt", "max_age", "claims", "resource", "code_challenge", "code_challenge_method", "id_token_hint",
			"dpop_jkt", "request", "request_uri",
		} {
			q := redirected(t, h.authorize(form(c, name, hostile), h.login()))
			assert.Regexp(t, code, q.Get("error"), name)
			assert.Regexp(t, description, q.Get("error_description"), name)
		}
		for name, f := range map[string]url.Values{
			"grant": {"grant_type": {hostile}}, "code": codeForm(hostile), "scope": set(ownToken(), "scope", hostile), "resource": set(ownToken(), "resource", hostile),
			"refresh": refreshForm(hostile), "unknown": set(ownToken(), "client_id", hostile), "verifier": codeForm(h.code(c), "code_verifier", hostile),
		} {
			a := h.do(as(c, "/oauth2/token", f))
			assert.Equal(t, http.StatusBadRequest, a.status, name)
			assert.Regexp(t, code, a.text("error"), name)
			assert.Regexp(t, description, a.text("error_description"), name)
		}
	})
}

// OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2 and what its
// extensions ask for.
func TestDiscoveryHasWhatIsRequired(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		all, list := h.metadata()
		for _, name := range []string{
			"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "registration_endpoint", "end_session_endpoint",
			"device_authorization_endpoint", "pushed_authorization_request_endpoint", "introspection_endpoint", "revocation_endpoint",
		} {
			value, _ := all[name].(string)
			u, err := url.Parse(value)
			require.NoError(t, err, name)
			assert.Equal(t, "https", u.Scheme, name)
			assert.Empty(t, u.RawQuery+u.Fragment, name)
		}
		for name, has := range map[string]string{
			"response_types_supported": "code", "subject_types_supported": "public", "id_token_signing_alg_values_supported": "RS256",
			"scopes_supported": "openid", "code_challenge_methods_supported": "S256", "token_endpoint_auth_signing_alg_values_supported": "RS256",
			"introspection_endpoint_auth_signing_alg_values_supported": "RS256", "revocation_endpoint_auth_signing_alg_values_supported": "RS256",
			"dpop_signing_alg_values_supported": "ES256", "grant_types_supported": "authorization_code", "response_modes_supported": "form_post",
		} {
			assert.Contains(t, list(name), has, name)
			assert.NotContains(t, list(name), "none", name)
		}
		for _, name := range []string{
			"authorization_response_iss_parameter_supported", "backchannel_logout_supported", "backchannel_logout_session_supported",
			"frontchannel_logout_supported", "frontchannel_logout_session_supported", "request_uri_parameter_supported", "require_request_uri_registration",
		} {
			assert.Equal(t, true, all[name], name)
		}
	})
}

// OpenID Connect Core 1.0 section 2: at most 255 characters of ASCII.
func TestSubjectsAreShort(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for name, kind := range map[string]func(*oauth.CreateClientRequest){"public": func(*oauth.CreateClientRequest) {}, "pairwise": pairwise} {
			_, claims := h.read(h.tokens(h.web(kind)).text("id_token"))
			assert.Regexp(t, `^[\x21-\x7E]{1,255}$`, claims["sub"], name)
			for _, one := range []string{"aud", "iss", "sub", "nonce", "acr"} {
				assert.IsType(t, "", claims[one], one)
			}
			assert.NotContains(t, claims, "azp", "it is the audience")
		}
	})
}

// OpenID Connect Dynamic Client Registration 1.0 section 2: whoever asks for the
// time of the login gets it, and so does everybody else.
func TestEveryIDTokenHasTheTimeOfTheLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		a := h.register(h.initial(nil), `{"redirect_uris":["`+callback+`"],"require_auth_time":true}`)
		require.Equal(t, http.StatusCreated, a.status, a.body)
		for _, change := range [][]string{{"max_age", "3600"}, {"max_age", ""}, {"claims", `{"id_token":{"auth_time":{"essential":true}}}`}} {
			_, claims := h.read(h.tokens(h.web(), change...).text("id_token"))
			assert.Equal(t, any(seconds(h.login().AuthenticatedTime)), claims["auth_time"], strings.Join(change, "="))
		}
	})
}

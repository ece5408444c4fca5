package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

func TestIntrospectionShowsAToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		tokens := h.tokens(c)
		a := h.introspect(c, tokens.text("access_token"))
		assert.Equal(t, map[string]any{
			"active": true, "scope": "openid profile email hub offline_access", "client_id": c.Client.ID, "token_type": "Bearer",
			"iat": seconds(h.clock.Now()), "exp": seconds(h.clock.Now().Add(10 * time.Minute)), "sub": alice, "iss": testOrigin,
			"jti": a.json["jti"], "acr": "urn:gatehouse:acr:1", "amr": []any{"pwd"}, "auth_time": seconds(h.login().AuthenticatedTime),
		}, a.json)
		assert.Len(t, a.text("jti"), 22)
		assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
		a = h.introspect(c, tokens.text("refresh_token"))
		assert.Equal(t, map[string]any{
			"active": true, "scope": "openid profile email hub offline_access", "client_id": c.Client.ID,
			"exp": seconds(h.clock.Now().Add(30 * 24 * time.Hour)), "sub": alice, "iss": testOrigin,
			"acr": "urn:gatehouse:acr:1", "amr": []any{"pwd"}, "auth_time": seconds(h.login().AuthenticatedTime),
		}, a.json)
		own := h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {testScope}})).text("access_token")
		a = h.introspect(c, own)
		assert.Equal(t, testScope, a.text("scope"))
		assert.NotContains(t, a.json, "sub", "nobody stands behind it")

		for name, token := range map[string]string{
			"garbage": "x", "changed": flip(own), "cut": own[:len(own)-1], "ID token": tokens.text("id_token"), "code": h.code(c),
			"wrong prefix": "gh_rt_" + own[6:], "no prefix": own[6:], "huge": strings.Repeat("x", big), "secret": c.Secret,
		} {
			a := h.do(as(c, "/oauth2/introspect", url.Values{"token": {token}, "token_type_hint": {"refresh_token"}}))
			assert.Equal(t, http.StatusOK, a.status, name)
			assert.Equal(t, map[string]any{"active": false}, a.json, name)
		}
	})
}

func TestIntrospectionIsForOwnersAndResourceServers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		owner, stranger, open := h.web(), h.web(), h.web(public)
		server := h.web(func(r *oauth.CreateClientRequest) { r.ResourceServer = true })
		tokens := h.tokens(owner)
		access, refresh := tokens.text("access_token"), tokens.text("refresh_token")
		assert.True(t, h.active(owner, access))
		assert.True(t, h.active(owner, refresh))
		assert.False(t, h.active(stranger, access))
		assert.False(t, h.active(stranger, refresh))
		assert.True(t, h.active(server, access))
		assert.False(t, h.active(server, refresh), "a refresh token is shown to no resource")
		requireError(t, h.introspect(open, h.tokens(open).text("access_token")), http.StatusUnauthorized, "invalid_client")
		wrong := server
		wrong.Secret += "x"
		requireError(t, h.introspect(wrong, access), http.StatusUnauthorized, "invalid_client")

		h.refresh(owner, refresh)
		h.clock.Advance(time.Minute)
		assert.False(t, h.active(owner, refresh), "it was replaced")
		assert.True(t, h.active(owner, access), "to look at it is not to use it")
	})
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		revoke := func(c oauth.CreatedClient, token string) answer {
			return h.do(as(c, "/oauth2/revoke", url.Values{"token": {token}, "token_type_hint": {"nonsense"}}))
		}
		for _, c := range []oauth.CreatedClient{h.web(), h.web(public), h.web(postAuth)} {
			stranger := h.web(public)
			for _, kind := range []string{"access_token", "refresh_token"} {
				tokens := h.tokens(c)
				requireError(t, revoke(stranger, tokens.text(kind)), http.StatusBadRequest, "unauthorized_client")
				assert.Equal(t, http.StatusOK, h.userinfo(tokens.text("access_token")).status)
				for range 2 { // again is fine
					a := revoke(c, tokens.text(kind))
					assert.Equal(t, http.StatusOK, a.status, a.body)
					assert.Empty(t, a.body)
				}
				requireError(t, h.userinfo(tokens.text("access_token")), http.StatusUnauthorized, "invalid_token")
				requireError(t, h.refresh(c, tokens.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
			}
			for _, token := range []string{"x", "gh_at_x", flip(h.tokens(c).text("access_token"))} {
				assert.Equal(t, http.StatusOK, revoke(c, token).status)
			}
		}

		c := h.web()
		first := h.tokens(c).text("refresh_token")
		second := h.refresh(c, first)
		h.clock.Advance(time.Minute)
		require.Equal(t, http.StatusOK, revoke(c, first).status, "a token that was replaced ends the grant too")
		requireError(t, h.refresh(c, second.text("refresh_token")), http.StatusBadRequest, "invalid_grant")

		grantForm := url.Values{"grant_type": {"client_credentials"}}
		own, other := h.do(as(c, "/oauth2/token", grantForm)).text("access_token"), h.do(as(c, "/oauth2/token", grantForm)).text("access_token")
		requireError(t, revoke(h.web(), own), http.StatusBadRequest, "unauthorized_client")
		assert.Equal(t, http.StatusOK, revoke(c, own).status)
		assert.False(t, h.active(c, own))
		assert.True(t, h.active(c, other), "only this one")
	})
}

func TestUserInfoRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		tokens := h.tokens(c)
		good := tokens.text("access_token")
		tests := map[string]struct {
			headers []string
			status  int
			code    string
		}{
			"no header":     {nil, 401, ""},
			"empty":         {[]string{""}, 401, ""},
			"basic":         {[]string{"Basic eDp5"}, 401, ""},
			"no token":      {[]string{"Bearer "}, 401, ""},
			"two headers":   {[]string{"Bearer " + good, "Bearer " + good}, 400, "invalid_request"},
			"garbage":       {[]string{"Bearer x"}, 401, "invalid_token"},
			"not UTF-8":     {[]string{"Bearer \xff"}, 401, "invalid_token"},
			"changed":       {[]string{"Bearer " + flip(good)}, 401, "invalid_token"},
			"two tokens":    {[]string{"Bearer " + good + " " + good}, 401, "invalid_token"},
			"refresh token": {[]string{"Bearer " + tokens.text("refresh_token")}, 401, "invalid_token"},
			"ID token":      {[]string{"Bearer " + tokens.text("id_token")}, 401, "invalid_token"},
			"no openid":     {[]string{"Bearer " + h.tokens(c, "scope", "email").text("access_token")}, 403, "insufficient_scope"},
		}
		for name, test := range tests {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r := httptest.NewRequest(method, "/oauth2/userinfo", http.NoBody)
				r.Header["Authorization"] = test.headers
				a := h.do(r)
				assert.Equal(t, test.status, a.status, "%s: %s", name, a.body)
				assert.Equal(t, test.code, a.text("error"), name)
				challenge := a.header.Get("WWW-Authenticate")
				assert.True(t, strings.HasPrefix(challenge, `Bearer realm="gatehouse"`), name)
				assert.Equal(t, test.code != "", strings.Contains(challenge, "error="), name)
			}
		}
		inQuery := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo?access_token="+url.QueryEscape(good), http.NoBody)
		assert.Equal(t, http.StatusUnauthorized, h.do(inQuery).status, "it would be in logs")
		requireError(t, h.userinfo(h.own(c, "scope", testScope).text("access_token")), http.StatusForbidden, "insufficient_scope")
	})
}

func TestBusinessMetrics(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		h.authorize(form(c), nil)
		a := h.authorize(form(c), h.login())
		code := redirected(t, h.resume(a.Consent.ID, h.login(), allow)).Get("code")
		h.authorize(form(c, "scope", "root"), h.login())
		h.authorize(form(c, "client_id", "nobody"), h.login())
		h.redeem(c, code)
		h.redeem(c, code)
		h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"made-up"}}))
		h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}))
		want := `
# HELP gatehouse_oauth_authorizations_total Steps of authorization requests by outcome: ok, login, consent, problem or an error code.
# TYPE gatehouse_oauth_authorizations_total counter
gatehouse_oauth_authorizations_total{outcome="consent"} 1
gatehouse_oauth_authorizations_total{outcome="invalid_scope"} 1
gatehouse_oauth_authorizations_total{outcome="login"} 1
gatehouse_oauth_authorizations_total{outcome="ok"} 1
gatehouse_oauth_authorizations_total{outcome="problem"} 1
# HELP gatehouse_oauth_grants_revoked_total Grants that were ended, by reason.
# TYPE gatehouse_oauth_grants_revoked_total counter
gatehouse_oauth_grants_revoked_total{reason="code_reused"} 1
# HELP gatehouse_oauth_tokens_total Token requests by grant type and outcome: ok or an error code.
# TYPE gatehouse_oauth_tokens_total counter
gatehouse_oauth_tokens_total{grant="authorization_code",outcome="invalid_grant"} 1
gatehouse_oauth_tokens_total{grant="authorization_code",outcome="ok"} 1
gatehouse_oauth_tokens_total{grant="client_credentials",outcome="ok"} 1
gatehouse_oauth_tokens_total{grant="other",outcome="unsupported_grant_type"} 1
`
		require.NoError(t, testutil.GatherAndCompare(h.obs.Registry, strings.NewReader(want),
			"gatehouse_oauth_authorizations_total", "gatehouse_oauth_grants_revoked_total", "gatehouse_oauth_tokens_total"))
	})
}

// TestNothingSecretIsTold goes through successes and failures and looks for
// secrets in the log and in the spans.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, inPost := h.web(), h.web(postAuth)
		code := h.code(c)
		tokens := h.redeem(c, code)
		refreshed := h.refresh(c, tokens.text("refresh_token"))
		h.clock.Advance(time.Minute)
		h.tokens(inPost)
		h.userinfo(refreshed.text("access_token"))
		h.introspect(c, refreshed.text("access_token"))
		h.refresh(c, tokens.text("refresh_token")) // reuse
		h.redeem(c, code)
		h.redeem(c, h.code(c), "code_verifier", "wrong-verifier-wrong-verifier-wrong-verifier")
		wrong := c
		wrong.Secret = "a-wrong-secret"
		h.introspect(wrong, "a-made-up-token")
		id := h.authorize(form(c, "prompt", "login", "id_token_hint", tokens.text("id_token")), h.login()).Login.ID
		h.accounts.fail(assert.AnError)
		h.userinfo(h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})).text("access_token"))
		h.redeem(c, h.code(c))
		h.do(as(c, "/oauth2/token", codeForm(code)).WithContext(canceled(t)))

		told := strings.Builder{}
		told.WriteString(h.log.String())
		spans := h.spans.GetSpans()
		require.NotEmpty(t, spans)
		for _, span := range spans {
			told.WriteString(span.Name + span.Status.Description)
			for _, attribute := range span.Attributes {
				told.WriteString(attribute.Value.String())
			}
			for _, event := range span.Events {
				for _, attribute := range event.Attributes {
					told.WriteString(attribute.Value.String())
				}
			}
		}
		all := told.String()
		require.Contains(t, all, "Fosite.NewAccessRequest")
		require.Contains(t, all, "a grant was ended")
		for name, secret := range map[string]string{
			"code": code, "access": tokens.text("access_token"), "refresh": tokens.text("refresh_token"), "id": tokens.text("id_token"),
			"refreshed access": refreshed.text("access_token"), "refreshed": refreshed.text("refresh_token"),
			"secret": c.Secret, "post secret": inPost.Secret, "verifier": verifier, "wrong verifier": "wrong-verifier",
			"wrong secret": "a-wrong-secret", "made-up token": "a-made-up-token", "request": id, "email": "alice@example.org",
		} {
			assert.NotContains(t, all, secret, name)
		}
	})
}

package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

func resourceServer(names ...string) func(*oauth.CreateClientRequest) {
	return func(r *oauth.CreateClientRequest) { r.ResourceServer, r.Resources = true, names }
}

// introspectAs asks for an answer of that type.
func (h *harness) introspectAs(c oauth.CreatedClient, token, accept string) answer {
	h.t.Helper()
	r := as(c, "/oauth2/introspect", url.Values{"token": {token}})
	r.Header.Set("Accept", accept)
	return h.do(r)
}

func TestIntrospectionAnswersInJWTs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		const jwtAnswer = "application/token-introspection+jwt"
		owner := h.web()
		access := h.tokens(owner).text("access_token")
		for algorithm, want := range map[string]string{"": "RS256", "ES256": "ES256", "EdDSA": "EdDSA"} {
			server := h.web(resourceServer(), func(r *oauth.CreateClientRequest) { r.IntrospectionAlg = algorithm })
			for _, token := range []string{access, "unknown"} {
				plain := h.introspectAs(server, token, "application/json, */*")
				assert.Equal(t, "application/json", plain.header.Get("Content-Type"))
				a := h.introspectAs(server, token, "application/json;q=0.5, "+jwtAnswer)
				require.Equal(t, http.StatusOK, a.status, a.body)
				assert.Equal(t, jwtAnswer, a.header.Get("Content-Type"))
				assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
				assert.Equal(t, "Accept", a.header.Get("Vary"))
				header, claims := h.read(a.body)
				assert.Equal(t, want, header.Algorithm)
				assert.Equal(t, "token-introspection+jwt", header.ExtraHeaders[jose.HeaderType])
				assert.Equal(t, map[string]any{
					"iss": testOrigin, "aud": server.Client.ID, "iat": seconds(h.clock.Now()), "token_introspection": plain.json,
				}, claims)
				assert.False(t, h.active(server, a.body), "an answer is no token")
				assert.Equal(t, http.StatusUnauthorized, h.userinfo(a.body).status)
			}
			r := post("/oauth2/introspect", url.Values{"token": {access}})
			r.Header.Set("Accept", jwtAnswer)
			requireError(t, h.do(r), http.StatusUnauthorized, "invalid_client")
		}
	})
}

func TestResourceServersSeeWhatIsForThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for _, format := range []string{"opaque", "jwt"} {
			owner := h.web(resources, func(r *oauth.CreateClientRequest) { r.AccessTokenFormat = format })
			reports, mail := h.web(resourceServer(reportsAPI, "https://x.example")), h.web(resourceServer(mailAPI))
			none, ordinary := h.web(resourceServer()), h.web(resources)
			forAll, forReports := h.own(owner).text("access_token"), h.own(owner, "resource", reportsAPI).text("access_token")
			f := url.Values{"grant_type": {"client_credentials"}, "resource": {reportsAPI, mailAPI}}
			forBoth := h.do(as(owner, "/oauth2/token", f)).text("access_token")
			for name, test := range map[string]struct {
				asker oauth.CreatedClient
				want  [3]bool // of the tokens for all, for reports and for both
			}{
				"owner":   {owner, [3]bool{true, true, true}},
				"reports": {reports, [3]bool{true, true, true}},
				"mail":    {mail, [3]bool{true, false, true}},
				"none":    {none, [3]bool{true, false, false}},
				"no resource server, though it may have tokens for them": {ordinary, [3]bool{}},
			} {
				for i, token := range []string{forAll, forReports, forBoth} {
					assert.Equal(t, test.want[i], h.active(test.asker, token), "%s %s %d", format, name, i)
				}
			}
			assert.Equal(t, []any{reportsAPI, mailAPI}, h.introspect(mail, forBoth).json["aud"])
		}
	})
}

func TestIntrospectionNamesActors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(signs(""))
		tokens := h.tokens(c)
		h.amend(c, func(d *grant.Details) {
			d.Actor = &grant.Actor{Subject: bob, Actor: &grant.Actor{Subject: "service"}}
			d.Methods = []string{"pwd", "otp", "mfa"}
		})
		want := map[string]any{"sub": bob, "act": map[string]any{"sub": "service"}}
		again := h.refresh(c, tokens.text("refresh_token"))
		_, claims := h.read(again.text("access_token"))
		for _, shown := range []map[string]any{claims, h.introspect(c, again.text("access_token")).json, h.introspect(c, again.text("refresh_token")).json} {
			assert.Equal(t, want, shown["act"])
			assert.Equal(t, "urn:gatehouse:acr:2", shown["acr"])
			assert.Equal(t, []any{"pwd", "otp", "mfa"}, shown["amr"])
			assert.Equal(t, alice, shown["sub"])
		}
	})
}

// TestIntrospectionRefuses what is no question, or comes from nobody.
func TestIntrospectionRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		token := h.tokens(c).text("access_token")
		for name, change := range map[string]func(url.Values){
			"none": one("token", ""), "twice": twice("token", token), "not UTF-8": one("token", "\xff"), "NUL": one("token", "a\x00"),
			"other case": func(f url.Values) {
				f.Del("token")
				f.Set("Token", token)
			},
		} {
			f := url.Values{"token": {token}}
			change(f)
			a := h.do(as(c, "/oauth2/introspect", f))
			assert.Equal(t, "invalid_request", a.text("error"), name)
			assert.Equal(t, http.StatusBadRequest, a.status, name)
			f = url.Values{"token": {token}}
			change(f)
			assert.Equal(t, "invalid_request", h.do(as(c, "/oauth2/revoke", f)).text("error"), name)
		}
		assert.True(t, h.active(c, token))
		r := as(c, "/oauth2/introspect", url.Values{"token": {token}})
		r.SetBasicAuth(c.Client.ID, "wrong")
		requireError(t, h.do(r), http.StatusUnauthorized, "invalid_client")
		r = httptest.NewRequest(http.MethodPost, "/oauth2/introspect", strings.NewReader("token="+token))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer "+token)
		requireError(t, h.do(r), http.StatusUnauthorized, "invalid_client")
	})
}

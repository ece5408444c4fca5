package oauth

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// A push uses up the assertion it comes with, in the transaction that stores
// it: one that fails may be sent again, one that succeeds may not.
func TestPushesUseAssertionsUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.relying()
		h.alter(c.CreatedClient, func(m *oauth.Client) { m.AuthMethod = "private_key_jwt" })
		claims := c.claims(nil)
		claims["sub"] = c.Client.ID
		assertion := c.sign(jose.ES256, claims, func(o *jose.SignerOptions) { o.WithType("JWT") })
		send := func(change ...string) answer {
			return h.do(post("/oauth2/par", set(form(c.CreatedClient), append([]string{
				"client_assertion", assertion, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
			}, change...)...)))
		}
		requireError(t, send("scope", "root"), http.StatusBadRequest, "invalid_scope")
		good := 0
		for _, a := range together(6, func() answer { return send() }) {
			if a.status == http.StatusCreated {
				good++
				assert.NotEmpty(t, redirected(t, h.authorize(opens(c.CreatedClient, a.text("request_uri")), h.login())).Get("code"))
				continue
			}
			requireError(t, a, http.StatusUnauthorized, "invalid_client")
		}
		assert.Equal(t, 1, good)
		var waiting int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM authorization_requests").Scan(&waiting))
		assert.Zero(t, waiting)
		assert.NotContains(t, dump(t, h.db), assertion)
		requireProblem(t, h.authorize(c.brings(assertion), nil), "invalid_request_object")
	})
}

// A proof of possession beside a push binds the code to its key (RFC 9449
// section 10.1).
func TestPushesBindCodesToKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.relying()
		public := jose.JSONWebKey{Key: c.keys[jose.ES256].Public()}
		sum, err := public.Thumbprint(5) // SHA-256
		require.NoError(t, err)
		thumbprint := base64.RawURLEncoding.EncodeToString(sum)
		send := func(f url.Values) answer {
			proof := c.sign(jose.ES256, map[string]any{
				"htm": http.MethodPost, "htu": testOrigin + "/oauth2/par", "iat": h.clock.Now().Unix(), "jti": rand.Text(),
			}, func(o *jose.SignerOptions) { o.WithType("dpop+jwt").WithHeader("jwk", public) })
			r := as(c.CreatedClient, "/oauth2/par", f)
			r.Header.Set("DPoP", proof)
			return h.do(r)
		}
		for _, named := range []string{"", thumbprint} {
			a := send(form(c.CreatedClient, "dpop_jkt", named))
			require.Equal(t, http.StatusCreated, a.status, a.body)
			g := h.grantOf(redirected(t, h.authorize(opens(c.CreatedClient, a.text("request_uri")), h.login())).Get("code"))
			require.NotNil(t, g.Details.Confirmation)
			assert.Equal(t, thumbprint, g.Details.Confirmation.KeyThumbprint)
		}
		requireError(t, send(form(c.CreatedClient, "dpop_jkt", challengeOf(verifier))), http.StatusBadRequest, "invalid_request")
	})
}

// Clients know users by names of their own, and hint at them by these.
func TestHintsOfPairwiseClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		h.alter(c, func(m *oauth.Client) { m.SubjectType = "pairwise" })
		hint := h.tokens(c).text("id_token")
		_, claims := h.read(hint)
		require.NotEqual(t, alice, claims["sub"])
		bobs := h.login()
		bobs.Subject = bob
		assert.NotEmpty(t, redirected(t, h.authorize(form(c, "id_token_hint", hint, "prompt", "none"), h.login())).Get("code"))
		assert.Equal(t, "login_required", redirected(t, h.authorize(form(c, "id_token_hint", hint, "prompt", "none"), bobs)).Get("error"))
		uri := h.push(c, form(c, "id_token_hint", hint))
		require.NotNil(t, h.authorize(opens(c, uri), bobs).Login)
		both := form(c, "id_token_hint", hint, "claims", `{"id_token":{"sub":{"value":"somebody"}}}`)
		require.NotNil(t, h.authorize(both, h.login()).Login, "both have to be met")
	})
}

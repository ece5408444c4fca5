package oauth

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

// These tests show what the FAPI 2.0 Security Profile asks for beyond RFC 9700,
// of clients that are held to it: they push their requests, and their tokens are
// bound to a key.

func heldToFAPI(c *client.Client) { c.RequirePAR, c.DPoPBound = true, true }

// FAPI 2.0 Security Profile section 5.3.2.1: refresh tokens are not rotated.
func TestFAPIRefreshTokensStay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.RefreshLifetime = time.Hour
		h.restart()
		key, c := ecKey(t), h.changed(heldToFAPI)
		code := redirected(t, h.authorize(opens(c, h.push(c, form(c))), h.login())).Get("code")
		a := h.do(h.prove(as(c, "/oauth2/token", codeForm(code)), key))
		require.Equal(t, http.StatusOK, a.status, a.body)
		first := a.text("refresh_token")
		for range 3 {
			h.clock.Advance(50 * time.Minute)
			for _, a := range together(2, func() answer { return h.do(h.prove(as(c, "/oauth2/token", refreshForm(first)), key)) }) {
				require.Equal(t, http.StatusOK, a.status, a.body)
				assert.Equal(t, first, a.text("refresh_token"))
				assert.True(t, h.active(c, a.text("access_token")))
			}
		}
		h.clock.Advance(time.Hour)
		requireError(t, h.do(h.prove(as(c, "/oauth2/token", refreshForm(first)), key)), http.StatusBadRequest, "invalid_grant")

		open := h.changed(heldToFAPI, public)
		code = redirected(t, h.authorize(opens(open, h.push(open, form(open))), h.login())).Get("code")
		a = h.do(h.prove(as(open, "/oauth2/token", codeForm(code)), key))
		require.Equal(t, http.StatusOK, a.status, a.body)
		next := h.do(h.prove(as(open, "/oauth2/token", refreshForm(a.text("refresh_token"))), key))
		assert.NotEqual(t, a.text("refresh_token"), next.text("refresh_token"), "a public client is none of FAPI's")
	})
}

// FAPI 2.0 Security Profile section 5.3.2.1: codes live for a minute at most.
func TestFAPICodesAreShort(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.CodeLifetime = 10 * time.Minute
		h.restart()
		c, other, key := h.changed(heldToFAPI), h.web(), ecKey(t)
		code := redirected(t, h.authorize(opens(c, h.push(c, form(c))), h.login())).Get("code")
		later := h.code(other)
		h.clock.Advance(time.Minute)
		requireError(t, h.do(h.prove(as(c, "/oauth2/token", codeForm(code)), key)), http.StatusBadRequest, "invalid_grant")
		assert.Equal(t, http.StatusOK, h.redeem(other, later).status)
	})
}

// FAPI 2.0 Security Profile section 5.3.2.2: no exemption from PKCE counts.
func TestFAPINeedsPKCE(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		exempt := func(r *oauth.CreateClientRequest) { r.PKCEOptional = true }
		c, other := h.changed(heldToFAPI, exempt), h.web(exempt)
		without := []string{"code_challenge", "", "code_challenge_method", ""}
		requireError(t, h.do(as(c, "/oauth2/par", form(c, without...))), http.StatusBadRequest, "invalid_request")
		h.push(c, form(c))
		h.push(other, form(other, without...))
	})
}

// FAPI 2.0 Security Profile section 5.4.1: PS256, ES256 and EdDSA, not RS256.
func TestFAPIAlgorithms(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.relying()
		h.alter(c.CreatedClient, func(m *oauth.Client) {
			m.AuthMethod, m.RequirePAR, m.TLSBound = "private_key_jwt", true, true
		})
		for alg := range c.keys {
			want := http.StatusOK
			if alg == jose.RS256 {
				want = http.StatusUnauthorized
			}
			assertion := c.sign(alg, h.asserting(c.CreatedClient), func(o *jose.SignerOptions) { o.WithType("JWT") })
			a := h.do(post("/oauth2/introspect", asserted(url.Values{"token": {"x"}}, assertion)))
			assert.Equal(t, want, a.status, "%s: %s", alg, a.body)

			assertion = c.sign(jose.ES256, h.asserting(c.CreatedClient), func(o *jose.SignerOptions) { o.WithType("JWT") })
			object := c.sign(alg, c.claims(form(c.CreatedClient)))
			a = h.do(post("/oauth2/par", asserted(url.Values{"request": {object}}, assertion)))
			assert.Equal(t, want == http.StatusOK, a.status == http.StatusCreated, "%s: %s", alg, a.body)
		}
	})
}

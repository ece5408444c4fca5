package oauth

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// What is bound to a key must not become what anybody may bear.
func TestExchangedTokensStayBound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key, own := ecKey(t), ecKey(t)
		app, api := h.shop(), h.orders()
		code, userCode := h.device(app, "scope", "openid", "resource", ordersAPI)
		require.NoError(t, h.decide(userCode, true))
		a := h.do(h.prove(as(app, "/oauth2/token", url.Values{"grant_type": {deviceGrant}, "device_code": {code}}), key))
		require.Equal(t, http.StatusOK, a.status, a.body)
		token := a.text("access_token")

		requireError(t, h.exchange(api, token), http.StatusBadRequest, "invalid_request")
		b := h.do(h.prove(as(api, "/oauth2/token", exchangeForm(token)), own))
		require.Equal(t, http.StatusOK, b.status, b.body)
		assert.Equal(t, "DPoP", b.text("token_type"))
		assert.Equal(t, map[string]any{"jkt": thumbprint(t, own)}, h.introspect(api, b.text("access_token")).json["cnf"])
	})
}

// A hub's client is shown nothing of other hubs, whatever it has been made, and
// others nothing that a hub has vouched for.
func TestResourceServersKeepToTheirHubs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app := h.shop()
		mine, others, everybodys := h.orders(), h.orders(), h.orders()
		for id, hub := range map[string]int64{mine.Client.ID: 7, others.Client.ID: 8} {
			_, err := h.db.Exec(t.Context(), "UPDATE clients SET hub = $2 WHERE id = $1", id, hub)
			require.NoError(t, err)
		}
		user, machine := h.granted(app).text("access_token"), h.own(app).text("access_token")
		assert.True(t, h.active(mine, user))
		assert.False(t, h.active(others, user))
		assert.True(t, h.active(everybodys, user))
		assert.False(t, h.active(mine, machine), "of no hub")
		assert.True(t, h.active(everybodys, machine))

		hub := int64(7)
		h.amend(app, func(d *grant.Details) { d.ProviderHub = &hub })
		assert.True(t, h.active(mine, user))
		assert.False(t, h.active(everybodys, user), "it could not tell who has vouched")
		assert.True(t, h.active(app, user))
	})
}

func TestImpersonationTakesAFreshLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.backend()
		tokens := h.granted(c) // a minute after the login
		h.clock.Advance(9 * time.Minute)
		tokens = h.refresh(c, tokens.text("refresh_token"))
		h.clock.Advance(5 * time.Minute)
		a := h.actAs(c, bob, tokens.text("access_token"))
		require.Equal(t, http.StatusOK, a.status, a.body)
		h.clock.Advance(time.Second)
		a = h.actAs(c, bob, tokens.text("access_token"))
		requireError(t, a, http.StatusBadRequest, "invalid_request")
		assert.Contains(t, a.text("error_description"), "max_age")
		assert.Len(t, h.accounts.acted, 1, "nobody was told anything")
		require.Equal(t, http.StatusOK, h.actAs(c, bob, h.granted(c).text("access_token")).status)
	})
}

// FAPI 2.0 Security Profile section 5.4.1, for proofs.
func TestFAPIProofs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		c, other := h.changed(heldToFAPI), h.changed(func(c *client.Client) { c.DPoPBound = true })
		prove := func(r *http.Request, alg jose.SignatureAlgorithm) answer {
			claims := map[string]any{"jti": rand.Text(), "htm": r.Method, "htu": h.issuer + r.URL.Path, "iat": h.clock.Now().Unix()}
			if token, ok := bound(r); ok {
				claims["ath"] = challengeOf(token)
			}
			r.Header.Set("DPoP", sign(t, alg, key, claims, "typ", "dpop+jwt", "jwk", &jose.JSONWebKey{Key: &key.PublicKey}))
			return h.do(r)
		}
		requireError(t, prove(as(c, "/oauth2/par", form(c)), jose.RS256), http.StatusBadRequest, "invalid_dpop_proof")
		assert.Equal(t, http.StatusCreated, prove(as(c, "/oauth2/par", form(c)), jose.PS256).status)
		code := redirected(t, h.authorize(opens(c, h.push(c, form(c))), h.login())).Get("code")
		requireError(t, prove(as(c, "/oauth2/token", codeForm(code)), jose.RS256), http.StatusBadRequest, "invalid_dpop_proof")
		a := prove(as(c, "/oauth2/token", codeForm(code)), jose.PS256)
		require.Equal(t, http.StatusOK, a.status, "the code is still good: %s", a.body)
		token := a.text("access_token")
		requireError(t, prove(asking(token, "DPoP"), jose.RS256), http.StatusUnauthorized, "invalid_dpop_proof")
		assert.Equal(t, http.StatusOK, prove(asking(token, "DPoP"), jose.PS256).status)
		assert.Equal(t, http.StatusOK, prove(as(other, "/oauth2/token", codeForm(h.code(other))), jose.RS256).status, "others may")
	})
}

// FAPI 2.0 Security Profile section 5.3.2.2: redirect_uri is in the push.
func TestFAPIPushesNameTheRedirectURI(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, other := h.changed(heldToFAPI), h.web()
		a := h.do(as(c, "/oauth2/par", form(c, "redirect_uri", "", "scope", "email")))
		requireError(t, a, http.StatusBadRequest, "invalid_request")
		assert.Contains(t, a.text("error_description"), "redirect_uri")
		h.push(c, form(c))
		h.push(other, form(other, "redirect_uri", "", "scope", "email"))
	})
}

// bound is the token of a request under the scheme DPoP.
func bound(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
}

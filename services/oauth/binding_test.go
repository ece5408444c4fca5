package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

func thumbprint(tb testing.TB, key *ecdsa.PrivateKey) string {
	tb.Helper()
	sum, err := (&jose.JSONWebKey{Key: &key.PublicKey}).Thumbprint(crypto.SHA256)
	require.NoError(tb, err)
	return base64.RawURLEncoding.EncodeToString(sum)
}

// prove adds a DPoP proof by the key to the request.
func (h *harness) prove(r *http.Request, key *ecdsa.PrivateKey) *http.Request {
	h.t.Helper()
	claims := map[string]any{
		"jti": rand.Text(), "htm": r.Method, "htu": h.issuer + r.URL.Path, "iat": h.clock.Now().Unix(),
	}
	if _, token, ok := strings.Cut(r.Header.Get("Authorization"), "DPoP "); ok {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	r.Header.Set("DPoP", sign(h.t, jose.ES256, key, claims, "typ", "dpop+jwt", "jwk", &jose.JSONWebKey{Key: &key.PublicKey}))
	return r
}

func asking(token, scheme string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", http.NoBody)
	r.Header.Set("Authorization", scheme+" "+token)
	return r
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// Trap 16: tokens that only the holder of a key can use (RFC 9449).
func TestTrap16TokensBoundToAKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key, other := ecKey(t), ecKey(t)
		c := h.web(public)
		a := h.do(h.prove(as(c, "/oauth2/token", codeForm(h.code(c))), key))
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, "DPoP", a.text("token_type"))
		access, refresh := a.text("access_token"), a.text("refresh_token")

		assert.Equal(t, http.StatusOK, h.do(h.prove(asking(access, "DPoP"), key)).status)
		for name, r := range map[string]*http.Request{
			"as a bearer token":            asking(access, "Bearer"),
			"as a bearer token, and proof": h.prove(asking(access, "Bearer"), key),
			"with another key":             h.prove(asking(access, "DPoP"), other),
		} {
			refused := h.do(r)
			requireError(t, refused, http.StatusUnauthorized, "invalid_token")
			assert.Contains(t, strings.Join(refused.header.Values("WWW-Authenticate"), "\n"), `algs="RS256 PS256 ES256 EdDSA"`, name)
		}
		without := h.do(asking(access, "DPoP"))
		requireError(t, without, http.StatusUnauthorized, "invalid_dpop_proof")
		assert.Contains(t, without.header.Get("WWW-Authenticate"), `DPoP realm=`)

		// The family of a public client stays bound, and goes on after a theft that
		// came to nothing.
		requireError(t, h.refresh(c, refresh), http.StatusBadRequest, "invalid_grant")
		requireError(t, h.do(h.prove(as(c, "/oauth2/token", refreshForm(refresh)), other)), http.StatusBadRequest, "invalid_grant")
		a = h.do(h.prove(as(c, "/oauth2/token", refreshForm(refresh)), key))
		require.Equal(t, http.StatusOK, a.status, a.body)
		requireError(t, h.refresh(c, a.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
		requireError(t, h.refresh(c, refresh), http.StatusBadRequest, "invalid_grant")
		assert.Equal(t, http.StatusOK, h.do(h.prove(asking(a.text("access_token"), "DPoP"), key)).status)
	})
}

func TestIntrospectionTellsTheKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.web()
		a := h.do(h.prove(as(c, "/oauth2/token", ownToken()), key))
		require.Equal(t, http.StatusOK, a.status, a.body)
		told := h.introspect(c, a.text("access_token"))
		assert.Equal(t, map[string]any{"jkt": thumbprint(t, key)}, told.json["cnf"])
		assert.Equal(t, "DPoP", told.text("token_type"))
		bare := h.do(as(c, "/oauth2/token", ownToken()))
		assert.NotContains(t, h.introspect(c, bare.text("access_token")).json, "cnf")
		assert.Equal(t, "Bearer", bare.text("token_type"))
		// A token that is bound to nothing is not one of the scheme.
		plain := h.tokens(h.web(public)).text("access_token")
		requireError(t, h.do(h.prove(asking(plain, "DPoP"), key)), http.StatusUnauthorized, "invalid_token")
	})
}

// A confidential client's refresh tokens are bound to the client, which may take
// a new key.
func TestConfidentialClientsMayChangeTheirKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		a := h.do(h.prove(as(c, "/oauth2/token", codeForm(h.code(c))), ecKey(t)))
		require.Equal(t, http.StatusOK, a.status, a.body)
		a = h.do(h.prove(as(c, "/oauth2/token", refreshForm(a.text("refresh_token"))), ecKey(t)))
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, "DPoP", a.text("token_type"))
		a = h.refresh(c, a.text("refresh_token"))
		assert.Equal(t, "Bearer", a.text("token_type"), a.body)
	})
}

// A public client that begins to prove a key is held to it from then on.
func TestRefreshTokensBecomeBound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.web(public)
		a := h.tokens(c)
		a = h.do(h.prove(as(c, "/oauth2/token", refreshForm(a.text("refresh_token"))), key))
		require.Equal(t, http.StatusOK, a.status, a.body)
		requireError(t, h.refresh(c, a.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
		assert.Equal(t, http.StatusOK, h.do(h.prove(as(c, "/oauth2/token", refreshForm(a.text("refresh_token"))), key)).status)
	})
}

func TestClientsWhoseTokensAreAlwaysBound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		byKey := h.changed(func(c *client.Client) { c.DPoPBound = true })
		code := h.code(byKey)
		requireError(t, h.redeem(byKey, code), http.StatusBadRequest, "invalid_request")
		a := h.do(h.prove(as(byKey, "/oauth2/token", codeForm(code)), ecKey(t)))
		assert.Equal(t, http.StatusOK, a.status, "the code was not used up: %s", a.body)

		byCertificate := h.changed(func(c *client.Client) { c.TLSBound = true })
		requireError(t, h.do(as(byCertificate, "/oauth2/token", ownToken())), http.StatusBadRequest, "invalid_request")
	})
}

// A code that was asked for with a key is redeemed with that key (RFC 9449
// section 10).
func TestCodesBoundToAKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.web()
		bound := func() string {
			code := h.code(c)
			_, err := h.db.Exec(t.Context(), `UPDATE grants SET details = REPLACE(details, '{"redirect_uri"', $1) WHERE code_used_time IS NULL`,
				`{"cnf":{"jkt":"`+thumbprint(t, key)+`"},"redirect_uri"`)
			require.NoError(t, err)
			return code
		}
		assert.Equal(t, http.StatusOK, h.do(h.prove(as(c, "/oauth2/token", codeForm(bound())), key)).status)
		for name, r := range map[string]*http.Request{
			"no proof": as(c, "/oauth2/token", codeForm(bound())), "another key": h.prove(as(c, "/oauth2/token", codeForm(bound())), ecKey(t)),
		} {
			a := h.do(r)
			assert.Equal(t, "invalid_grant", a.text("error"), name)
		}
	})
}

func TestAProofIsGoodOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.web()
		first := h.prove(as(c, "/oauth2/token", ownToken()), key)
		again := func() *http.Request {
			r := as(c, "/oauth2/token", ownToken())
			r.Header.Set("DPoP", first.Header.Get("DPoP"))
			return r
		}
		assert.ElementsMatch(t, []int{http.StatusOK, http.StatusBadRequest}, h.twice(again))
		requireError(t, h.do(again()), http.StatusBadRequest, "invalid_dpop_proof")
		// A wrong secret costs the proof nothing.
		second := h.prove(as(c, "/oauth2/token", ownToken()), key)
		wrong := second.Clone(t.Context())
		wrong.Body = post("/", ownToken()).Body
		wrong.SetBasicAuth(c.Client.ID, "wrong")
		requireError(t, h.do(wrong), http.StatusUnauthorized, "invalid_client")
		assert.Equal(t, http.StatusOK, h.do(second).status)

		token := h.do(h.prove(as(c, "/oauth2/token", codeForm(h.code(c))), key)).text("access_token")
		asked := h.prove(asking(token, "DPoP"), key)
		assert.Equal(t, http.StatusOK, h.do(asked).status)
		requireError(t, h.do(asked), http.StatusUnauthorized, "invalid_dpop_proof")
		h.clock.Advance(2 * time.Minute)
		requireError(t, h.do(asked), http.StatusUnauthorized, "invalid_dpop_proof")
	})
}

package oauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

const reportsAPI, mailAPI = "https://reports.example/", "urn:example:mail"

// signs has the client's tokens signed with the algorithm, access tokens too.
func signs(algorithm string) func(*oauth.CreateClientRequest) {
	return func(r *oauth.CreateClientRequest) {
		r.AccessTokenFormat, r.IDTokenAlg = "jwt", algorithm
	}
}

func resources(r *oauth.CreateClientRequest) { r.Resources = []string{reportsAPI, mailAPI} }

func pairwise(r *oauth.CreateClientRequest) { r.SubjectType = "pairwise" }

// read verifies a JWT as its receiver does, with the published keys.
func (h *harness) read(token string) (header jose.Header, claims map[string]any) {
	h.t.Helper()
	var set jose.JSONWebKeySet
	body := h.do(httptest.NewRequest(http.MethodGet, "/oauth2/jwks", http.NoBody)).body
	require.NoError(h.t, json.Unmarshal([]byte(body), &set))
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
	require.NoError(h.t, err, token)
	header = parsed.Headers[0]
	found := set.Key(header.KeyID)
	require.Len(h.t, found, 1)
	require.Equal(h.t, header.Algorithm, found[0].Algorithm)
	require.NoError(h.t, parsed.Claims(found[0].Key, &claims))
	return header, claims
}

func (h *harness) own(c oauth.CreatedClient, change ...string) answer {
	h.t.Helper()
	return h.do(as(c, "/oauth2/token", set(url.Values{"grant_type": {"client_credentials"}}, change...)))
}

func TestAccessTokensAsJWT(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for algorithm, want := range map[string]string{"": "RS256", "RS256": "RS256", "ES256": "ES256", "EdDSA": "EdDSA"} {
			c := h.web(signs(algorithm))
			tokens := h.tokens(c)
			access := tokens.text("access_token")
			header, claims := h.read(access)
			assert.Equal(t, want, header.Algorithm)
			assert.Equal(t, "at+jwt", header.ExtraHeaders[jose.HeaderType])
			assert.Equal(t, map[string]any{
				"iss": testOrigin, "sub": alice, "aud": testOrigin, "client_id": c.Client.ID, "jti": claims["jti"],
				"iat": seconds(h.clock.Now()), "exp": seconds(h.clock.Now().Add(10 * time.Minute)),
				"scope": "openid profile email hub offline_access", "grant_id": claims["grant_id"],
				"auth_time": seconds(h.login().AuthenticatedTime), "acr": "urn:gatehouse:acr:1", "amr": []any{"pwd"},
			}, claims)
			assert.NotContains(t, claims, "scp")

			header, id := h.read(tokens.text("id_token"))
			assert.Equal(t, want, header.Algorithm)
			assert.Equal(t, "JWT", header.ExtraHeaders[jose.HeaderType])
			assert.Equal(t, keys.HalfHash(algorithm, access), id["at_hash"])

			assert.True(t, h.active(c, access))
			assert.Equal(t, alice, h.userinfo(access).text("sub"))
			shown := h.introspect(c, access)
			for _, same := range []string{"iss", "sub", "client_id", "jti", "iat", "exp", "scope", "auth_time", "acr", "amr"} {
				assert.Equal(t, claims[same], shown.json[same], same)
			}
			_, again := h.read(h.refresh(c, tokens.text("refresh_token")).text("access_token"))
			assert.NotEqual(t, claims["jti"], again["jti"])

			_, machine := h.read(h.own(c, "scope", testScope).text("access_token"))
			assert.Equal(t, map[string]any{
				"iss": testOrigin, "sub": c.Client.ID, "aud": testOrigin, "client_id": c.Client.ID, "jti": machine["jti"],
				"iat": claims["iat"], "exp": claims["exp"], "scope": testScope,
			}, machine)
		}
	})
}

func TestOnlyAccessTokensAreAccessTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(signs("ES256"))
		tokens := h.tokens(c)
		access, id := tokens.text("access_token"), tokens.text("id_token")
		require.True(t, h.active(c, access))
		part, other := strings.Split(access, "."), strings.Split(id, ".")
		foreign := jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}
		signer, err := jose.NewSigner(foreign, (&jose.SignerOptions{}).WithType("at+jwt"))
		require.NoError(t, err)
		forged, err := jwt.Signed(signer).Claims(map[string]any{"iss": testOrigin}).Serialize()
		require.NoError(t, err)
		for name, token := range map[string]string{
			"an ID token": id, "another header": other[0] + "." + part[1] + "." + part[2], "another signature": part[0] + "." + part[1] + "." + other[2],
			"changed": flip(access), "cut": access[:len(access)-4], "unsigned": part[0] + "." + part[1] + ".",
			"alg none": "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + part[1] + ".", "symmetric": forged, "two": access + "." + access,
			"an opaque prefix": "gh_at_" + access, "spaces": access[:20] + " " + access[20:], "huge": access + strings.Repeat("A", big),
		} {
			assert.False(t, h.active(c, token), name)
			assert.Equal(t, http.StatusUnauthorized, h.userinfo(token).status, name)
			assert.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/revoke", url.Values{"token": {token}})).status, name)
		}
		assert.True(t, h.active(c, access), "none of these was it")
		q := redirected(t, h.authorize(form(c, "id_token_hint", access, "prompt", "none"), h.login()))
		assert.Equal(t, "invalid_request", q.Get("error"), "an access token is no hint")
	})
}

func TestJWTsEndWithTheirGrant(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, stranger := h.web(signs("EdDSA")), h.web(signs("EdDSA"))
		one, two, own := h.tokens(c).text("access_token"), h.tokens(c).text("access_token"), h.own(c).text("access_token")
		for _, token := range []string{one, own} {
			assert.False(t, h.active(stranger, token))
			requireError(t, h.do(as(stranger, "/oauth2/revoke", url.Values{"token": {token}})), http.StatusBadRequest, "unauthorized_client")
			require.True(t, h.active(c, token))
			require.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/revoke", url.Values{"token": {token}})).status)
			assert.False(t, h.active(c, token))
			assert.Equal(t, http.StatusUnauthorized, h.userinfo(token).status)
		}
		assert.True(t, h.active(c, two))
		h.clock.Advance(10 * time.Minute)
		assert.False(t, h.active(c, two), "expired")
	})
}

func TestUsersHaveOtherNamesAtPairwiseClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		server := h.web(func(r *oauth.CreateClientRequest) { r.ResourceServer = true })
		jwtFormat := signs("")
		names := map[string]bool{}
		for _, format := range []func(*oauth.CreateClientRequest){jwtFormat, func(*oauth.CreateClientRequest) {}} {
			c := h.web(pairwise, format)
			tokens := h.tokens(c)
			access := tokens.text("access_token")
			_, id := h.read(tokens.text("id_token"))
			name, _ := id["sub"].(string)
			names[name] = true
			assert.NotEqual(t, alice, name)
			assert.NotEmpty(t, name)
			if c.Client.AccessTokenFormat == "jwt" {
				_, claims := h.read(access)
				assert.Equal(t, name, claims["sub"])
			}
			assert.Equal(t, name, h.userinfo(access).text("sub"))
			assert.Equal(t, name, h.introspect(c, access).text("sub"))
			assert.Equal(t, name, h.introspect(c, tokens.text("refresh_token")).text("sub"))
			assert.Equal(t, name, h.introspect(server, access).text("sub"), "as the token's client knows them")
			assert.NotContains(t, tokens.body+h.introspect(c, access).body, alice)
		}
		assert.Len(t, names, 1, "the same at all clients of a sector")
		other := h.web(pairwise, func(r *oauth.CreateClientRequest) { r.RedirectURIs = []string{"https://other.example/cb"} })
		code := h.code(other, "redirect_uri", "https://other.example/cb")
		_, id := h.read(h.redeem(other, code, "redirect_uri", "https://other.example/cb").text("id_token"))
		name, _ := id["sub"].(string)
		assert.False(t, names[name], "and another in another sector")
	})
}

func TestClientsCanHaveShorterLifetimes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(func(r *oauth.CreateClientRequest) {
			r.AccessTokenLifetime, r.IDTokenLifetime, r.RefreshTokenLifetime = 60, 120, 3600
		})
		tokens := h.tokens(c)
		assert.EqualValues(t, 60, tokens.json["expires_in"])
		_, id := h.read(tokens.text("id_token"))
		assert.Equal(t, any(seconds(h.clock.Now().Add(2*time.Minute))), id["exp"])
		assert.EqualValues(t, 60, h.own(c).json["expires_in"])
		h.clock.Advance(time.Hour - time.Second)
		again := h.refresh(c, tokens.text("refresh_token"))
		require.Equal(t, http.StatusOK, again.status, again.body)
		assert.EqualValues(t, 60, again.json["expires_in"])
		h.clock.Advance(time.Hour)
		requireError(t, h.refresh(c, again.text("refresh_token")), http.StatusBadRequest, "invalid_grant")

		longer := h.web(func(r *oauth.CreateClientRequest) { r.AccessTokenLifetime, r.IDTokenLifetime = 600, 3600 })
		h.config.AccessLifetime, h.config.IDLifetime = 5*time.Minute, 30*time.Minute
		h.restart()
		tokens = h.tokens(longer)
		assert.EqualValues(t, 300, tokens.json["expires_in"], "they only shorten")
		_, id = h.read(tokens.text("id_token"))
		assert.Equal(t, any(seconds(h.clock.Now().Add(30*time.Minute))), id["exp"])
	})
}

package oauth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// served puts the public endpoints on a port, which becomes the issuer.
func served(t *testing.T, test func(t *testing.T, h *harness)) {
	t.Helper()
	testkit.EachDB(t, oauth.Name, Migrations, func(t *testing.T, d *db.DB) {
		h := newHarness(t, d)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.service.Public().ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		h.issuer = server.URL
		h.restart()
		test(t, h)
	})
}

// TestFlow goes through everything with the libraries that relying parties
// use.
func TestFlow(t *testing.T) {
	t.Parallel()
	served(t, func(t *testing.T, h *harness) {
		for name, change := range map[string]func(*oauth.CreateClientRequest){
			"basic":  func(*oauth.CreateClientRequest) {},
			"post":   func(r *oauth.CreateClientRequest) { r.AuthMethod = "client_secret_post" },
			"public": public,
		} {
			t.Run(name, func(t *testing.T) { wholeFlow(t, h, h.web(change)) })
		}
	})
}

func wholeFlow(t *testing.T, h *harness, c oauth.CreatedClient) {
	t.Helper()
	ctx := t.Context()
	provider, err := oidc.NewProvider(ctx, h.issuer)
	require.NoError(t, err)
	config := oauth2.Config{
		ClientID: c.Client.ID, ClientSecret: c.Secret, Endpoint: provider.Endpoint(), RedirectURL: callback,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email", "hub", oidc.ScopeOfflineAccess},
	}
	proof := oauth2.GenerateVerifier()
	login := h.login()
	u, err := url.Parse(config.AuthCodeURL("a-state", oidc.Nonce("a-nonce"), oauth2.S256ChallengeOption(proof)))
	require.NoError(t, err)
	assert.Equal(t, "/oauth2/authorize", u.Path)
	q := redirected(t, h.authorize(u.Query(), login))
	assert.Equal(t, "a-state", q.Get("state"))
	assert.Equal(t, h.issuer, q.Get("iss"))

	token, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(proof))
	require.NoError(t, err)
	assert.Equal(t, "Bearer", token.TokenType)
	assert.NotEmpty(t, token.RefreshToken)
	assert.EqualValues(t, 600, token.ExpiresIn)
	claims := verifiedClaims(ctx, t, h, provider, c, token)
	assert.Equal(t, map[string]any{
		"iss": h.issuer, "sub": alice, "aud": c.Client.ID, "nonce": "a-nonce", "sid": login.Session,
		"iat": seconds(h.clock.Now()), "exp": seconds(h.clock.Now().Add(time.Hour)), "auth_time": seconds(login.AuthenticatedTime),
		"acr": "urn:gatehouse:acr:1", "amr": []any{"pwd"}, "at_hash": claims["at_hash"],
	}, claims)

	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	require.NoError(t, err)
	var user map[string]any
	require.NoError(t, info.Claims(&user))
	hub, _ := user["hub"].(map[string]any)
	features, _ := hub["features"].(map[string]any)
	assert.Equal(t, true, features["audit"])
	delete(hub, "features")
	assert.Equal(t, map[string]any{
		"sub": alice, "name": "Alice Example", "given_name": "Alice", "family_name": "Example", "preferred_username": "alice",
		"locale": "de", "updated_at": 1767254400.0, "email": "alice@example.org", "email_verified": true,
		"hub": map[string]any{"hash": "1daa7da5ba074972eb3d4552414928f5201541f3", "name": "Falcon", "role": 3.0},
	}, user)

	h.clock.Advance(20 * time.Minute)
	token.Expiry = time.Now().Add(-time.Hour)
	refreshed, err := config.TokenSource(ctx, token).Token()
	require.NoError(t, err)
	assert.NotEqual(t, token.RefreshToken, refreshed.RefreshToken)
	later := verifiedClaims(ctx, t, h, provider, c, refreshed)
	assert.NotContains(t, later, "nonce", "OpenID Connect Core 1.0 section 12.2")
	for _, same := range []string{"iss", "sub", "aud", "auth_time", "acr", "amr", "sid"} {
		assert.Equal(t, claims[same], later[same], same)
	}
	assert.Equal(t, any(seconds(h.clock.Now())), later["iat"])

	if c.Secret == "" {
		return
	}
	own := clientcredentials.Config{
		ClientID: c.Client.ID, ClientSecret: c.Secret, TokenURL: provider.Endpoint().TokenURL, Scopes: []string{testScope},
	}
	machine, err := own.Token(ctx)
	require.NoError(t, err)
	assert.Empty(t, machine.RefreshToken)
	assert.Equal(t, testScope, machine.Extra("scope"))
	assert.True(t, h.active(c, machine.AccessToken))
}

func verifiedClaims(ctx context.Context, t *testing.T, h *harness, provider *oidc.Provider, c oauth.CreatedClient, token *oauth2.Token) map[string]any {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	verified, err := provider.Verifier(&oidc.Config{ClientID: c.Client.ID, Now: h.clock.Now}).Verify(ctx, raw)
	require.NoError(t, err)
	require.NoError(t, verified.VerifyAccessToken(token.AccessToken), "at_hash")
	var claims map[string]any
	require.NoError(t, verified.Claims(&claims))
	return claims
}

func seconds(at time.Time) float64 { return float64(at.Unix()) }

func TestUserInfoByScope(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for scope, want := range map[string][]string{
			"openid":         {"sub"},
			"openid email":   {"sub", "email", "email_verified"},
			"openid profile": {"sub", "name", "given_name", "family_name", "preferred_username", "locale", "updated_at"},
			"openid hub":     {"sub", "hub"},
		} {
			a := h.tokens(c, "scope", scope)
			assert.NotContains(t, a.json, "refresh_token", "without offline access")
			info := h.userinfo(a.text("access_token"))
			require.Equal(t, http.StatusOK, info.status, info.body)
			var names []string
			for name := range info.json {
				names = append(names, name)
			}
			assert.ElementsMatch(t, want, names, scope)
		}

		login := h.login()
		login.Subject, login.Hub = bob, nil
		code := redirected(t, h.authorize(form(c), login)).Get("code")
		info := h.userinfo(h.redeem(c, code).text("access_token"))
		assert.Equal(t, map[string]any{
			"sub": bob, "name": "Bob", "given_name": "Bob", "locale": "en", "email": "bob@example.org", "email_verified": false,
		}, without(info.json, "updated_at"), "no hub, no alias, no family name")

		r := httptest.NewRequest(http.MethodPost, "/oauth2/userinfo", http.NoBody)
		r.Header.Set("Authorization", "bearer "+h.tokens(c).text("access_token"))
		a := h.do(r)
		assert.Equal(t, http.StatusOK, a.status, "POST, and the scheme in any case")
		assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
	})
}

func without(m map[string]any, name string) map[string]any {
	delete(m, name)
	return m
}

package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// wide has every scope about users.
func wide(r *oauth.CreateClientRequest) { r.Scopes = append(r.Scopes, "phone", "address") }

func asked(claims string) func(*grant.Details) {
	return func(d *grant.Details) { d.Claims = []byte(claims) }
}

func keysOf(m map[string]any) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestUserInfoInJWTs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
			c := h.web(pairwise, func(r *oauth.CreateClientRequest) { r.UserInfoAlg = algorithm })
			tokens := h.tokens(c, "scope", "openid email")
			a := h.userinfo(tokens.text("access_token"))
			require.Equal(t, http.StatusOK, a.status, a.body)
			assert.Equal(t, "application/jwt", a.header.Get("Content-Type"))
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
			header, claims := h.read(a.body)
			assert.Equal(t, algorithm, header.Algorithm)
			_, id := h.read(tokens.text("id_token"))
			assert.Equal(t, map[string]any{
				"iss": testOrigin, "aud": c.Client.ID, "sub": id["sub"], "email": "alice@example.org", "email_verified": true,
			}, claims)
			assert.NotEqual(t, "JWT", header.ExtraHeaders[jose.HeaderType])
			q := redirected(t, h.authorize(form(c, "id_token_hint", a.body, "prompt", "none"), h.login()))
			assert.Equal(t, "invalid_request", q.Get("error"), "it is no ID token")
		}
	})
}

func TestClaimsThatRequestsName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(wide)
		always := []string{"acr", "amr", "at_hash", "aud", "auth_time", "exp", "iat", "iss", "sid", "sub"}
		code := h.code(c, "scope", "openid offline_access", "nonce", "")
		h.amend(c, asked(`{"userinfo": {"email": null, "family_name#de": {"essential": true}, "shoe_size": null, "hub": null},
			"id_token": {"email": {"essential": true}, "phone_number": null, "iss": {"value": "https://evil.example"},
				"acr": {"values": ["urn:other"]}, "address": null}}`))
		tokens := h.redeem(c, code)
		_, id := h.read(tokens.text("id_token"))
		assert.ElementsMatch(t, append(always, "email", "phone_number"), keysOf(id))
		assert.Equal(t, testOrigin, id["iss"])
		assert.Equal(t, "+4915123456789", id["phone_number"])
		assert.Equal(t, []string{"email", "family_name", "hub", "sub"}, keysOf(h.userinfo(tokens.text("access_token")).json))
		_, id = h.read(h.refresh(c, tokens.text("refresh_token")).text("id_token"))
		assert.ElementsMatch(t, append(always, "email", "phone_number"), keysOf(id))

		// Nobody else has it by a token that they got for this one.
		app, api := h.shop(), h.orders()
		code, userCode := h.device(app, "scope", "openid", "resource", ordersAPI)
		require.NoError(t, h.decide(userCode, true))
		h.amend(app, asked(`{"userinfo": {"email": null}}`))
		own := h.poll(app, code).text("access_token")
		assert.Equal(t, []string{"email", "sub"}, keysOf(h.userinfo(own).json))
		assert.Equal(t, []string{"sub"}, keysOf(h.userinfo(h.exchange(api, own).text("access_token")).json))

		// A client cannot name what no scope of its own would give.
		narrow := h.web(func(r *oauth.CreateClientRequest) { r.Scopes = []string{"openid", "profile"} })
		code = h.code(narrow, "scope", "openid", "nonce", "")
		h.amend(narrow, asked(`{"userinfo": {"email": null, "phone_number": null, "name": null}, "id_token": {"email": null, "hub": null}}`))
		tokens = h.redeem(narrow, code)
		_, id = h.read(tokens.text("id_token"))
		assert.ElementsMatch(t, always, keysOf(id))
		assert.Equal(t, []string{"name", "sub"}, keysOf(h.userinfo(tokens.text("access_token")).json))
	})
}

func TestPhoneNumbersAndAddresses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(wide)
		info := h.userinfo(h.tokens(c, "scope", "openid phone address").text("access_token"))
		assert.Equal(t, map[string]any{"sub": alice, "phone_number": "+4915123456789", "phone_number_verified": true}, info.json)
		login := h.login()
		login.Subject = bob
		code := redirected(t, h.authorize(form(c, "scope", "openid phone address"), login)).Get("code")
		info = h.userinfo(h.redeem(c, code).text("access_token"))
		assert.Equal(t, map[string]any{"sub": bob}, info.json, "no number, no claims about one")
	})
}

func TestAccessTokensInBodies(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		token := h.tokens(c).text("access_token")
		path := "/oauth2/userinfo"
		assert.Equal(t, alice, h.do(post(path, url.Values{"access_token": {token}})).text("sub"))
		assert.Equal(t, http.StatusUnauthorized, h.do(post(path, url.Values{"access_token": {""}})).status)
		assert.Equal(t, http.StatusUnauthorized, h.do(post(path, url.Values{"Access_Token": {token}})).status)
		requireError(t, h.do(post(path, url.Values{"access_token": {token, token}})), http.StatusBadRequest, "invalid_request")
		requireError(t, h.do(post(path, url.Values{"access_token": {"x"}})), http.StatusUnauthorized, "invalid_token")
		requireError(t, h.do(post(path, url.Values{"access_token": {"\xff"}})), http.StatusBadRequest, "invalid_request")
		requireError(t, h.do(post(path+"?access_token="+token, url.Values{})), http.StatusBadRequest, "invalid_request")
		requireError(t, h.do(post(path, url.Values{"access_token": {strings.Repeat("x", 64<<10)}})), http.StatusRequestEntityTooLarge, "invalid_request")

		both := post(path, url.Values{"access_token": {token}})
		both.Header.Set("Authorization", "Bearer "+token)
		requireError(t, h.do(both), http.StatusBadRequest, "invalid_request")
		header := post(path, url.Values{})
		header.Header.Set("Authorization", "Bearer "+token)
		assert.Equal(t, http.StatusOK, h.do(header).status)

		got := httptest.NewRequest(http.MethodGet, path, strings.NewReader("access_token="+token))
		got.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		assert.Equal(t, http.StatusUnauthorized, h.do(got).status, "a GET has no body")
		asJSON := httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"access_token":"`+token+`"}`))
		asJSON.Header.Set("Content-Type", "application/json")
		assert.Equal(t, http.StatusUnauthorized, h.do(asJSON).status)
	})
}

func TestClientsNameTheOriginsOfTheirPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		const page = "https://app.example"
		open, bound := h.web(), h.web(func(r *oauth.CreateClientRequest) { r.Origins = []string{page, "http://localhost:3000"} })
		for _, c := range []oauth.CreatedClient{open, bound} {
			tokens := h.tokens(c)
			access := tokens.text("access_token")
			for origin, allowed := range map[string]bool{
				"": true, page: true, "http://localhost:3000": true, "https://evil.example": false, "null": false, "https://app.example:8443": false,
				"https://APP.example": false, page + "/": false, "http://app.example": false,
			} {
				allowed = allowed || c.Client.ID == open.Client.ID
				userinfo := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", http.NoBody)
				userinfo.Header.Set("Authorization", "Bearer "+access)
				for name, r := range map[string]*http.Request{
					"token":      as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}),
					"introspect": as(c, "/oauth2/introspect", url.Values{"token": {access}}),
					"revoke":     as(c, "/oauth2/revoke", url.Values{"token": {"x"}}),
					"userinfo":   userinfo,
				} {
					if origin != "" {
						r.Header.Set("Origin", origin)
					}
					a := h.do(r)
					if allowed {
						assert.Equal(t, http.StatusOK, a.status, "%s from %s: %s", name, origin, a.body)
						continue
					}
					assert.Equal(t, http.StatusForbidden, a.status, "%s from %s: %s", name, origin, a.body)
					assert.Equal(t, "invalid_request", a.text("error"))
				}
			}
			revoke := as(bound, "/oauth2/revoke", url.Values{"token": {access}})
			revoke.Header.Set("Origin", "https://evil.example")
			h.do(revoke)
			assert.True(t, h.active(c, access), "what is refused has no effect")
		}
	})
}

// TestUsersAllowClaimsThatRequestsName: what is asked for by itself is asked of
// the user like the scope that stands for it.
func TestUsersAllowClaimsThatRequestsName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		plain := form(c, "scope", "openid")
		a := h.authorize(plain, h.login())
		require.NotNil(t, a.Consent)
		assert.Equal(t, []string{"openid"}, a.Consent.Scopes)
		redirected(t, h.resume(a.Consent.ID, h.login(), allow))
		assert.NotEmpty(t, redirected(t, h.authorize(plain, h.login())).Get("code"), "remembered")

		named := form(c, "scope", "openid", "claims", `{"userinfo": {"email": null}, "id_token": {"name": null, "shoe_size": null}}`)
		a = h.authorize(named, h.login())
		require.NotNil(t, a.Consent, "%+v", a)
		assert.Equal(t, []string{"openid", "profile", "email"}, a.Consent.Scopes)
		tokens := h.redeem(c, redirected(t, h.resume(a.Consent.ID, h.login(), allow)).Get("code"))
		assert.Equal(t, "openid", tokens.text("scope"))
		assert.Equal(t, "alice@example.org", h.userinfo(tokens.text("access_token")).text("email"))
		assert.NotEmpty(t, redirected(t, h.authorize(named, h.login())).Get("code"), "remembered, too")
	})
}

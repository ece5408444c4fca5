package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

const (
	exchangeGrant   = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
	typeUser        = "urn:gatehouse:params:oauth:token-type:user"
	ordersAPI       = "https://orders.example"
	billingAPI      = "https://billing.example"
)

// orders is an API that calls others for its users.
func (h *harness) orders(change ...func(*oauth.CreateClientRequest)) oauth.CreatedClient {
	h.t.Helper()
	return h.web(append([]func(*oauth.CreateClientRequest){func(r *oauth.CreateClientRequest) {
		r.Name, r.RedirectURIs, r.FirstParty, r.ResourceServer = "Orders", nil, false, true
		r.GrantTypes, r.Scopes = []string{exchangeGrant}, []string{"openid", "email", testScope}
		r.Resources = []string{ordersAPI, billingAPI}
	}}, change...)...)
}

// shop is an app that calls the orders API.
func (h *harness) shop(change ...func(*oauth.CreateClientRequest)) oauth.CreatedClient {
	h.t.Helper()
	return h.tv(append([]func(*oauth.CreateClientRequest){func(r *oauth.CreateClientRequest) {
		r.Name, r.AuthMethod, r.Resources = "Shop", "client_secret_basic", []string{ordersAPI}
		r.GrantTypes = append(r.GrantTypes, "client_credentials")
	}}, change...)...)
}

// granted goes all the way to the tokens that a user grants the client.
func (h *harness) granted(c oauth.CreatedClient, change ...string) answer {
	h.t.Helper()
	code, userCode := h.device(c, append([]string{"scope", "openid email offline_access"}, change...)...)
	require.NoError(h.t, h.decide(userCode, true))
	a := h.poll(c, code)
	require.Equal(h.t, http.StatusOK, a.status, a.body)
	return a
}

func exchangeForm(token string, change ...string) url.Values {
	return set(url.Values{"grant_type": {exchangeGrant}, "subject_token": {token}, "subject_token_type": {typeAccessToken}}, change...)
}

func (h *harness) exchange(c oauth.CreatedClient, token string, change ...string) answer {
	h.t.Helper()
	return h.do(as(c, "/oauth2/token", exchangeForm(token, change...)))
}

func TestExchangeDelegates(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app, api := h.shop(), h.orders()
		subject := h.granted(app, "resource", ordersAPI, "scope", "openid email offline_access "+testScope)
		h.clock.Advance(4 * time.Minute)
		var before, after int
		count := func(n *int) {
			require.NoError(t, h.db.QueryRow(t.Context(), "SELECT (SELECT COUNT(*) FROM grants) + (SELECT COUNT(*) FROM outbox)").Scan(n))
		}
		count(&before)
		a := h.exchange(api, subject.text("access_token"), "resource", billingAPI, "scope", testScope)
		require.Equal(t, http.StatusOK, a.status, a.body)
		count(&after)
		assert.Equal(t, before, after, "it costs no row")
		assert.Equal(t, typeAccessToken, a.text("issued_token_type"))
		assert.Equal(t, "Bearer", a.text("token_type"))
		assert.Equal(t, testScope, a.text("scope"))
		assert.InDelta(t, 360, a.json["expires_in"], 0, "not longer than the token it was got for")
		assert.NotContains(t, a.json, "refresh_token")
		assert.NotContains(t, a.json, "id_token")

		seen := h.introspect(api, a.text("access_token"))
		assert.Equal(t, true, seen.json["active"], seen.body)
		assert.Equal(t, alice, seen.text("sub"))
		assert.Equal(t, api.Client.ID, seen.text("client_id"))
		assert.Equal(t, []any{billingAPI}, seen.json["aud"])
		assert.Equal(t, map[string]any{"sub": api.Client.ID}, seen.json["act"])

		// One more step: who acted before is kept.
		billing := h.orders(func(r *oauth.CreateClientRequest) { r.Resources = []string{billingAPI, "https://mail.example"} })
		b := h.exchange(billing, a.text("access_token"), "audience", "https://mail.example", "requested_token_type", typeJWT)
		require.Equal(t, http.StatusOK, b.status, b.body)
		assert.Equal(t, typeJWT, b.text("issued_token_type"))
		claims := payload(t, b.text("access_token"))
		assert.Equal(t, alice, claims["sub"])
		assert.Equal(t, billing.Client.ID, claims["client_id"])
		assert.Equal(t, "https://mail.example", claims["aud"])
		assert.Equal(t, map[string]any{"sub": billing.Client.ID, "act": map[string]any{"sub": api.Client.ID}}, claims["act"])
		assert.InDelta(t, payloadOf(h, api, a.text("access_token"))["exp"], claims["exp"], 0)
		require.Equal(t, http.StatusOK, h.exchange(billing, b.text("access_token"), "subject_token_type", typeJWT).status, "a JWT of ours is one, too")

		// Without parameters everything stays but the client.
		c := h.exchange(api, subject.text("access_token"))
		assert.Equal(t, "openid email "+testScope, c.text("scope"), "but for offline access")
		assert.Equal(t, []any{ordersAPI}, h.introspect(api, c.text("access_token")).json["aud"])
		info := h.userinfo(c.text("access_token"))
		assert.Equal(t, http.StatusOK, info.status, info.body)
		assert.Equal(t, alice, info.text("sub"))
	})
}

// payloadOf is what introspection says.
func payloadOf(h *harness, c oauth.CreatedClient, token string) map[string]any {
	return h.introspect(c, token).json
}

func TestExchangedTokensEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app, api := h.shop(), h.orders()
		revoke := func(c oauth.CreatedClient, token string) {
			a := h.do(as(c, "/oauth2/revoke", url.Values{"token": {token}}))
			require.Equal(t, http.StatusOK, a.status, a.body)
		}
		subject := h.granted(app, "resource", ordersAPI)
		one := h.exchange(api, subject.text("access_token")).text("access_token")
		other := h.exchange(api, subject.text("access_token")).text("access_token")
		require.True(t, h.active(api, one))

		revoke(api, one)
		assert.False(t, h.active(api, one), "by its own client")
		assert.True(t, h.active(api, other))
		assert.True(t, h.active(app, subject.text("access_token")), "which has nothing to end but that")

		a := h.do(as(app, "/oauth2/revoke", url.Values{"token": {other}}))
		requireError(t, a, http.StatusBadRequest, "unauthorized_client")
		revoke(app, subject.text("refresh_token"))
		assert.False(t, h.active(api, other), "with the grant it rests on")
		requireError(t, h.exchange(api, subject.text("access_token")), http.StatusBadRequest, "invalid_request")

		subject = h.granted(app, "resource", ordersAPI)
		one = h.exchange(api, subject.text("access_token")).text("access_token")
		_, err := h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: api.Client.ID})
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, h.userinfo(one).status, "with its client")
	})
}

func TestWhoMayExchange(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app := h.shop(func(r *oauth.CreateClientRequest) { r.GrantTypes = append(r.GrantTypes, exchangeGrant) })
		server := h.orders(func(r *oauth.CreateClientRequest) { r.Resources, r.ResourceServer = []string{billingAPI}, true })
		stranger := h.orders(func(r *oauth.CreateClientRequest) { r.Resources, r.ResourceServer = []string{billingAPI}, false })
		namesake := h.orders(func(r *oauth.CreateClientRequest) { r.ResourceServer = false })
		api, hubs := h.orders(), h.orders()
		_, err := h.db.Exec(t.Context(), "UPDATE clients SET hub = 8 WHERE id = $1", hubs.Client.ID)
		require.NoError(t, err)
		bound, wide := h.granted(app, "resource", ordersAPI).text("access_token"), h.granted(app).text("access_token")
		for name, test := range map[string]struct {
			client oauth.CreatedClient
			token  string
			want   int
		}{
			"its own":                     {app, bound, http.StatusOK},
			"its own, for anything":       {app, wide, http.StatusOK},
			"sent to it":                  {api, bound, http.StatusOK},
			"sent to it, but no server":   {namesake, bound, http.StatusBadRequest},
			"sent to another":             {stranger, bound, http.StatusBadRequest},
			"a server's, sent to another": {server, bound, http.StatusBadRequest},
			"for anything, no server":     {stranger, wide, http.StatusBadRequest},
			"for anything, by a server":   {server, wide, http.StatusOK},
			"of another hub":              {hubs, bound, http.StatusBadRequest},
		} {
			a := h.exchange(test.client, test.token)
			assert.Equal(t, test.want, a.status, "%s: %s", name, a.body)
			assert.Equal(t, test.want == http.StatusOK, h.active(test.client, test.token), "it sees what it may exchange: %s", name)
			if test.want != http.StatusOK {
				assert.Equal(t, "invalid_request", a.text("error"), name)
			}
		}
	})
}

func TestExchangeRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app, api := h.shop(), h.orders()
		tokens := h.granted(app, "resource", ordersAPI, "scope", "openid profile offline_access "+testScope)
		good := tokens.text("access_token")
		own := h.do(as(app, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})).text("access_token")
		many := func(name string, n int) func(url.Values) {
			return func(f url.Values) {
				for range n {
					f.Add(name, billingAPI)
				}
			}
		}
		for name, test := range map[string]struct {
			change func(url.Values)
			want   string
		}{
			"subject missing":        {one("subject_token", ""), "invalid_request"},
			"subject nonsense":       {one("subject_token", "x"), "invalid_request"},
			"subject changed":        {one("subject_token", flip(good)), "invalid_request"},
			"subject huge":           {one("subject_token", strings.Repeat("x", 50<<10)), "invalid_request"},
			"subject not UTF-8":      {one("subject_token", "\xff"), "invalid_request"},
			"subject repeated":       {twice("subject_token", good), "invalid_request"},
			"a client's own":         {one("subject_token", own), "invalid_request"},
			"a refresh token":        {one("subject_token", tokens.text("refresh_token")), "invalid_request"},
			"an ID token":            {one("subject_token", tokens.text("id_token")), "invalid_request"},
			"type missing":           {one("subject_token_type", ""), "invalid_request"},
			"type unknown":           {one("subject_token_type", "access_token"), "invalid_request"},
			"type wrong case":        {one("subject_token_type", strings.ToUpper(typeAccessToken)), "invalid_request"},
			"type refresh":           {one("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"},
			"type ID token":          {one("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"), "invalid_request"},
			"type SAML":              {one("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"), "invalid_request"},
			"wants a refresh token":  {one("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"},
			"wants an ID token":      {one("requested_token_type", "urn:ietf:params:oauth:token-type:id_token"), "invalid_request"},
			"actor":                  {func(f url.Values) { set(f, "actor_token", good, "actor_token_type", typeAccessToken) }, "invalid_request"},
			"actor type alone":       {one("actor_token_type", typeAccessToken), "invalid_request"},
			"resource foreign":       {one("resource", "https://mail.example"), "invalid_target"},
			"resource relative":      {one("resource", "billing"), "invalid_target"},
			"audience foreign":       {one("audience", app.Client.ID), "invalid_target"},
			"one of two foreign":     {func(f url.Values) { f["resource"] = []string{billingAPI, "https://mail.example"} }, "invalid_target"},
			"scope not granted":      {one("scope", "email"), "invalid_scope"},
			"scope not the client's": {one("scope", "profile"), "invalid_scope"},
			"scope offline":          {one("scope", "offline_access"), "invalid_scope"},
			"scope wrong case":       {one("scope", "OpenID"), "invalid_scope"},
			"scope repeated":         {twice("scope", ""), ""},
			"resources repeated":     {many("resource", 30), ""},
			"audiences repeated":     {many("audience", 30), ""},
		} {
			f := exchangeForm(good)
			test.change(f)
			a := h.do(as(api, "/oauth2/token", f))
			assert.Equal(t, test.want, a.text("error"), "%s: %s", name, a.body)
			assert.Equal(t, test.want == "", a.status == http.StatusOK, name)
		}
		requireError(t, h.exchange(app, good), http.StatusBadRequest, "unauthorized_client")
		nobody := api
		nobody.Secret += "x"
		requireError(t, h.exchange(nobody, good), http.StatusUnauthorized, "invalid_client")
		_, err := h.db.Exec(t.Context(), "UPDATE clients SET public = TRUE, auth_method = 'none' WHERE id = $1", api.Client.ID)
		require.NoError(t, err)
		nobody.Client.AuthMethod = "none"
		requireError(t, h.exchange(nobody, good), http.StatusBadRequest, "unauthorized_client")
	})
}

func TestExchangeInTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app, api := h.shop(), h.orders()
		subject := h.granted(app, "resource", ordersAPI).text("access_token")
		h.clock.Advance(10*time.Minute - time.Second)
		a := h.exchange(api, subject)
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.InDelta(t, 1, a.json["expires_in"], 0)
		h.clock.Advance(time.Second)
		requireError(t, h.exchange(api, subject), http.StatusBadRequest, "invalid_request")
		assert.False(t, h.active(api, a.text("access_token")))

		subject = h.granted(app, "resource", ordersAPI).text("access_token")
		h.accounts.disable(alice)
		requireError(t, h.exchange(api, subject), http.StatusBadRequest, "invalid_grant")
	})
}

func TestExchangeChainsAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app, api := h.shop(), h.orders()
		token := h.granted(app, "resource", ordersAPI).text("access_token")
		for range 5 {
			a := h.exchange(api, token)
			require.Equal(t, http.StatusOK, a.status, a.body)
			token = a.text("access_token")
		}
		requireError(t, h.exchange(api, token), http.StatusBadRequest, "invalid_request")
	})
}

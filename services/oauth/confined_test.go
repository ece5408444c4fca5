package oauth

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// confined is a login that a hub's own provider has opened: whoever runs that
// could have made it say that this is Alice.
func confined(l *oauth.Login) {
	l.ProviderHub = l.Hub
}

// ofHub makes a client one of the hub that Alice is in.
func (h *harness) ofHub(c oauth.CreatedClient, change ...func(*oauth.Client)) oauth.CreatedClient {
	h.t.Helper()
	seven := int64(7)
	h.alter(c, func(c *oauth.Client) {
		c.Hub = &seven
		for _, f := range change {
			f(c)
		}
	})
	c.Client.Hub = &seven
	return c
}

// APIs know users by their hash wherever they are, so that a token with a right to
// one would be worth more than the login that led to it.
func TestLoginsOfAHubGiveNoRightsBeyondIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.ofHub(h.web(thirdParty), func(c *oauth.Client) { c.Scopes = append(c.Scopes, "phone") })
		all := form(c, "scope", "openid email phone hub offline_access "+testScope,
			"claims", `{"userinfo":{"name":null,"phone_number":null},"id_token":{"phone_number":null,"email":null}}`)
		alone := h.login()
		confined(alone)
		a := h.authorize(all, alone)
		require.NotNil(t, a.Consent, "%+v", a)
		tokens := h.redeem(c, redirected(t, h.resume(a.Consent.ID, alone, allow)).Get("code"))
		require.Equal(t, http.StatusOK, tokens.status, tokens.body)
		assert.Equal(t, "openid email hub offline_access", tokens.text("scope"))
		assert.Equal(t, "openid email hub offline_access", h.introspect(c, tokens.text("access_token")).text("scope"))
		assert.Equal(t, "openid email hub offline_access", h.refresh(c, tokens.text("refresh_token")).text("scope"))
		assert.Equal(t, []string{"email", "email_verified", "hub", "name", "sub"}, keysOf(h.userinfo(tokens.text("access_token")).json),
			"neither is her second factor told")
		id := payload(t, tokens.text("id_token"))
		assert.Equal(t, "alice@example.org", id["email"])
		assert.NotContains(t, id, "phone_number")

		a = h.authorize(all, h.login())
		require.NotNil(t, a.Consent, "what somebody else has perhaps allowed in her name is not hers: %+v", a)
		tokens = h.redeem(c, redirected(t, h.resume(a.Consent.ID, h.login(), allow)).Get("code"))
		assert.Equal(t, "openid email phone hub offline_access "+testScope, tokens.text("scope"))

		q := redirected(t, h.authorize(form(c, "scope", testScope), alone))
		assert.Equal(t, "access_denied", q.Get("error"), "nothing is left of it")
	})
}

func TestDevicesOfAHubGetNoRightsBeyondIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		tv := h.ofHub(h.tv())
		code, userCode := h.device(tv, "scope", "openid "+testScope)
		require.NoError(t, h.decide(userCode, true, confined))
		a := h.poll(tv, code)
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, "openid", a.text("scope"))
		_, userCode = h.device(tv, "scope", testScope)
		assert.True(t, fault.Is(h.decide(userCode, true, confined), fault.Forbidden))
		require.NoError(t, h.decide(userCode, true))
	})
}

// Neither is such a login handed on to who serves everybody, nor does an
// administrator act as others by it, who in person could not.
func TestTokensOfAHubStayThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.ofHub(h.backend())
		token := func(change ...func(*oauth.Login)) string {
			code, userCode := h.device(c, "scope", "openid email", "resource", ordersAPI)
			require.NoError(t, h.decide(userCode, true, change...))
			return h.poll(c, code).text("access_token")
		}
		everybodys, hubs := h.orders(), h.ofHub(h.orders())
		alone, free := token(confined), token()
		requireError(t, h.exchange(everybodys, alone), http.StatusBadRequest, "invalid_request")
		assert.Equal(t, http.StatusOK, h.exchange(everybodys, free).status)
		assert.Equal(t, http.StatusOK, h.exchange(hubs, alone).status)

		requireError(t, h.actAs(c, bob, alone, "scope", "openid"), http.StatusBadRequest, "invalid_request")
		assert.Empty(t, h.accounts.acted)
		assert.Equal(t, http.StatusOK, h.actAs(c, bob, free, "scope", "openid").status)
	})
}

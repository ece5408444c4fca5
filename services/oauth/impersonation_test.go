package oauth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// backend is the server side of an administrators' app.
func (h *harness) backend(change ...func(*oauth.CreateClientRequest)) oauth.CreatedClient {
	h.t.Helper()
	return h.shop(append([]func(*oauth.CreateClientRequest){func(r *oauth.CreateClientRequest) {
		r.Name, r.Impersonation = "Back office", true
		r.GrantTypes = append(r.GrantTypes, exchangeGrant)
	}}, change...)...)
}

func actForm(user, administrator string, change ...string) url.Values {
	return exchangeForm(user, append([]string{
		"subject_token_type", typeUser, "actor_token", administrator, "actor_token_type", typeAccessToken,
	}, change...)...)
}

func (h *harness) actAs(c oauth.CreatedClient, user, administrator string, change ...string) answer {
	h.t.Helper()
	return h.do(as(c, "/oauth2/token", actForm(user, administrator, change...)))
}

// events are what was written down of the kind.
func (h *harness) events(kind string) []accounts.RecordEventRequest {
	h.t.Helper()
	require.NoError(h.t, h.service.records.Drain(h.t.Context()))
	h.accounts.mu.Lock()
	defer h.accounts.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.accounts.events), func(e accounts.RecordEventRequest) bool { return e.Kind != kind })
}

func TestImpersonationByToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.backend()
		administrator := h.granted(c)
		a := h.actAs(c, bob, administrator.text("access_token"), "scope", "openid email", "resource", ordersAPI)
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, typeAccessToken, a.text("issued_token_type"))
		assert.InDelta(t, 600, a.json["expires_in"], 0)
		assert.NotContains(t, a.json, "refresh_token")
		assert.NotContains(t, a.json, "id_token")
		seen := h.introspect(c, a.text("access_token"))
		assert.Equal(t, true, seen.json["active"], seen.body)
		assert.Equal(t, bob, seen.text("sub"))
		assert.Equal(t, "openid email", seen.text("scope"))
		assert.Equal(t, []any{ordersAPI}, seen.json["aud"])
		assert.Equal(t, map[string]any{"sub": alice}, seen.json["act"])
		assert.Equal(t, bob, h.userinfo(a.text("access_token")).text("sub"))

		hub := int64(7)
		require.Equal(t, []accounts.MemberRequest{{Actor: api.Actor{User: 1, Hub: &hub}, Member: api.Ref{Hash: bob}}}, h.accounts.acted)
		events := h.events("impersonation.token")
		require.Len(t, events, 1)
		event := events[0]
		assert.EqualValues(t, 2, event.User)
		assert.EqualValues(t, 1, *event.ActorUser)
		assert.EqualValues(t, 1, *event.Impersonator)
		assert.Equal(t, map[string]any{"client": c.Client.ID}, event.Detail)

		// It cannot be handed on as an administrator's, but to another API.
		requireError(t, h.actAs(c, alice, a.text("access_token")), http.StatusBadRequest, "invalid_request")
		orders := h.orders()
		b := h.exchange(orders, a.text("access_token"), "resource", billingAPI)
		require.Equal(t, http.StatusOK, b.status, b.body)
		assert.Equal(t, map[string]any{"sub": orders.Client.ID, "act": map[string]any{"sub": alice}},
			h.introspect(orders, b.text("access_token")).json["act"])
		requireError(t, h.actAs(c, alice, b.text("access_token")), http.StatusBadRequest, "invalid_request")

		// It ends with the administrator's own grant.
		revoked := h.do(as(c, "/oauth2/revoke", url.Values{"token": {administrator.text("refresh_token")}}))
		require.Equal(t, http.StatusOK, revoked.status)
		for _, token := range []string{a.text("access_token"), b.text("access_token")} {
			assert.Equal(t, http.StatusUnauthorized, h.userinfo(token).status)
		}
		assert.False(t, h.active(c, a.text("access_token")))
		assert.False(t, h.active(orders, b.text("access_token")))
	})
}

func TestImpersonationNamesPairwise(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		pairwise := func(r *oauth.CreateClientRequest) { r.SubjectType = "pairwise" }
		c, orders := h.backend(pairwise), h.orders(pairwise)
		administrator := h.granted(c)
		me := h.userinfo(administrator.text("access_token")).text("sub")
		require.NotEqual(t, alice, me)
		a := h.actAs(c, bob, administrator.text("access_token"), "resource", ordersAPI)
		require.Equal(t, http.StatusOK, a.status, a.body)
		seen := h.introspect(c, a.text("access_token"))
		assert.Equal(t, map[string]any{"sub": me}, seen.json["act"])
		assert.NotEqual(t, bob, seen.text("sub"))

		b := h.exchange(orders, a.text("access_token"))
		require.Equal(t, http.StatusOK, b.status, b.body)
		all := h.introspect(orders, b.text("access_token")).body
		for _, name := range []string{alice, bob, me, seen.text("sub")} {
			assert.NotContains(t, all, name, "another client's name of a user")
		}
	})
}

func TestImpersonationIsShort(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.AccessLifetime = 13 * time.Minute
		h.restart()
		c := h.backend()
		administrator := h.granted(c).text("access_token")
		a := h.actAs(c, bob, administrator)
		assert.InDelta(t, 600, a.json["expires_in"], 0, a.body)
		h.clock.Advance(10 * time.Minute)
		assert.False(t, h.active(c, a.text("access_token")))
		assert.InDelta(t, 180, h.actAs(c, bob, administrator).json["expires_in"], 0, "and never longer than the administrator's")
		h.clock.Advance(3 * time.Minute)
		requireError(t, h.actAs(c, bob, administrator), http.StatusBadRequest, "invalid_request")
	})
}

func TestImpersonationRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.backend()
		other := h.backend()
		good := h.granted(c).text("access_token")
		foreign := h.granted(other).text("access_token")
		own := h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})).text("access_token")
		code, userCode := h.device(c)
		require.NoError(t, h.decide(userCode, true, func(l *oauth.Login) { l.Hub = nil }))
		hubless := h.poll(c, code).text("access_token")
		delegated := h.exchange(c, good).text("access_token")
		for name, test := range map[string]struct {
			change func(url.Values)
			want   string
		}{
			"user missing":          {one("subject_token", ""), "invalid_request"},
			"user a number":         {one("subject_token", "2"), "invalid_request"},
			"user an address":       {one("subject_token", "bob@example.org"), "invalid_request"},
			"user wrong case":       {one("subject_token", strings.ToUpper(bob)), "invalid_request"},
			"user unknown":          {one("subject_token", strings.Repeat("0", 40)), "invalid_request"},
			"user repeated":         {twice("subject_token", bob), "invalid_request"},
			"actor missing":         {one("actor_token", ""), "invalid_request"},
			"actor nonsense":        {one("actor_token", "x"), "invalid_request"},
			"actor changed":         {one("actor_token", flip(good)), "invalid_request"},
			"actor repeated":        {twice("actor_token", good), "invalid_request"},
			"actor type missing":    {one("actor_token_type", ""), "invalid_request"},
			"actor type ID token":   {one("actor_token_type", "urn:ietf:params:oauth:token-type:id_token"), "invalid_request"},
			"actor type user":       {func(f url.Values) { set(f, "actor_token_type", typeUser, "actor_token", alice) }, "invalid_request"},
			"actor of another":      {one("actor_token", foreign), "invalid_request"},
			"actor the client":      {one("actor_token", own), "invalid_request"},
			"actor without a hub":   {one("actor_token", hubless), "invalid_request"},
			"actor delegated":       {one("actor_token", delegated), "invalid_request"},
			"scope offline":         {one("scope", "offline_access"), "invalid_scope"},
			"scope beyond actor's":  {one("scope", testScope), "invalid_scope"},
			"resource foreign":      {one("resource", billingAPI), "invalid_target"},
			"wants a refresh token": {one("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"},
		} {
			f := actForm(bob, good)
			test.change(f)
			requireError(t, h.do(as(c, "/oauth2/token", f)), http.StatusBadRequest, test.want)
			t.Log(name)
		}
		plain := h.backend(func(r *oauth.CreateClientRequest) { r.Impersonation = false })
		requireError(t, h.actAs(plain, bob, h.granted(plain).text("access_token")), http.StatusBadRequest, "unauthorized_client")

		for _, refusal := range []error{
			fault.New(fault.Forbidden, "fault.impersonation_off"), fault.New(fault.NotFound, ""), fault.New(fault.Unauthenticated, ""),
		} {
			h.accounts.refuse = refusal
			requireError(t, h.actAs(c, bob, good), http.StatusBadRequest, "invalid_request")
		}
		h.accounts.refuse = fault.New(fault.Unavailable, "")
		requireError(t, h.actAs(c, bob, good), http.StatusServiceUnavailable, "temporarily_unavailable")
		h.accounts.refuse = nil
		h.accounts.disable(alice)
		requireError(t, h.actAs(c, bob, good), http.StatusBadRequest, "invalid_request")
		var n int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM grants WHERE subject = $1", bob).Scan(&n))
		assert.Zero(t, n)
		assert.Empty(t, h.events("impersonation.token"))
	})
}

func TestImpersonationsAtOnceAreAllWrittenDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.backend()
		good := h.granted(c).text("access_token")
		var mu sync.Mutex
		tokens := map[string]bool{}
		for _, a := range together(4, func() answer { return h.actAs(c, bob, good) }) {
			require.Equal(t, http.StatusOK, a.status, a.body)
			mu.Lock()
			tokens[a.text("access_token")] = true
			mu.Unlock()
		}
		var grants int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM grants WHERE subject = $1", bob).Scan(&grants))
		assert.Equal(t, []int{4, 4, 4}, []int{len(tokens), len(h.events("impersonation.token")), grants})
	})
}

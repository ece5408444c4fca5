package oauth

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// published are the ids in the key set.
func (h *harness) published() (kids []string) {
	h.t.Helper()
	a := h.do(httptest.NewRequest(http.MethodGet, "/oauth2/jwks", http.NoBody))
	require.Equal(h.t, http.StatusOK, a.status)
	list, _ := a.json["keys"].([]any)
	for _, key := range list {
		fields, _ := key.(map[string]any)
		kid, _ := fields["kid"].(string)
		kids = append(kids, kid)
	}
	return kids
}

func TestRevokedKeysVouchForNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(signs("ES256"))
		tokens := h.tokens(c)
		access, id := tokens.text("access_token"), tokens.text("id_token")
		header, _ := h.read(access)
		operator := h.service
		h.restart() // another replica, which knows the key
		require.True(t, h.active(c, access))
		require.Contains(t, h.published(), header.KeyID)

		_, err := operator.RevokeKey(t.Context(), api.SigningKeyRequest{ID: header.KeyID})
		require.NoError(t, err)
		h.clock.Advance(10 * time.Second)
		assert.NotContains(t, h.published(), header.KeyID)
		assert.False(t, h.active(c, access))
		assert.Equal(t, http.StatusUnauthorized, h.userinfo(access).status)
		q := redirected(t, h.authorize(form(c, "id_token_hint", id, "prompt", "none"), h.login()))
		assert.Equal(t, "invalid_request", q.Get("error"), "nor is its ID token a hint")

		fresh := h.refresh(c, tokens.text("refresh_token")).text("access_token")
		again, _ := h.read(fresh)
		assert.NotEqual(t, header.KeyID, again.KeyID)
		assert.True(t, h.active(c, fresh), "users stay signed in")

		for _, unknown := range []string{"", "made-up", header.KeyID + "x"} {
			_, err := operator.RevokeKey(t.Context(), api.SigningKeyRequest{ID: unknown})
			assert.True(t, fault.Is(err, fault.NotFound), "%q: %v", unknown, err)
		}
		require.NoError(t, operator.records.Drain(t.Context()))
		require.NotEmpty(t, h.accounts.events)
		e := h.accounts.events[len(h.accounts.events)-1]
		assert.Equal(t, "key.revoked", e.Kind)
		assert.True(t, e.Operator)
		assert.Equal(t, map[string]any{"kid": header.KeyID, "service": "oauth"}, e.Detail)
	})
}

func TestKeysRotateOnDemand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		states := func(list api.SigningKeyList) map[string]string {
			all := map[string]string{}
			for _, k := range list.Keys {
				all[k.Algorithm+" "+k.State] = k.ID
			}
			return all
		}
		list, err := h.service.SigningKeys(t.Context(), api.Nothing{})
		require.NoError(t, err)
		before := states(list)
		require.Len(t, before, 3)
		list, err = h.service.RotateKeys(t.Context(), api.RotateKeysRequest{Algorithm: "EdDSA"})
		require.NoError(t, err)
		next := states(list)["EdDSA next"]
		require.NotEmpty(t, next)
		assert.Contains(t, h.published(), next)
		h.clock.Advance(10 * time.Minute)
		list, err = h.service.RotateKeys(t.Context(), api.RotateKeysRequest{Algorithm: "ES256", Now: true})
		require.NoError(t, err)
		after := states(list)
		assert.Equal(t, next, after["EdDSA signing"])
		assert.Equal(t, before["EdDSA signing"], after["EdDSA retired"])
		assert.Equal(t, before["ES256 signing"], after["ES256 retired"])
		assert.Equal(t, before["RS256 signing"], after["RS256 signing"])

		_, err = h.service.RotateKeys(t.Context(), api.RotateKeysRequest{Algorithm: "none"})
		assert.True(t, fault.Is(err, fault.Invalid), "%v", err)
	})
}

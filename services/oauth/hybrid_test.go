package oauth

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

func TestHybridFlow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		assert.Equal(t, "unsupported_response_type",
			redirected(t, h.authorize(form(c, "response_type", "code id_token"), h.login())).Get("error"), "not registered")
		for _, alg := range []string{"", "EdDSA"} {
			h.alter(c, func(c *oauth.Client) { c.ResponseTypes, c.IDTokenAlg = []string{"code", "code id_token"}, alg })
			for _, kind := range []string{"code id_token", "id_token code"} {
				a := h.authorize(form(c, "response_type", kind), h.login())
				require.True(t, strings.HasPrefix(a.Redirect, callback+"#"), "%+v", a)
				q := redirected(t, a)
				_, front := h.read(q.Get("id_token"))
				assert.Equal(t, keys.HalfHash(alg, q.Get("code")), front["c_hash"])
				assert.Equal(t, "n-0S6_WzA2Mj", front["nonce"])
				assert.NotContains(t, front, "at_hash")
				assert.Equal(t, testOrigin, q.Get("iss"))

				tokens := h.redeem(c, q.Get("code"))
				require.Equal(t, http.StatusOK, tokens.status, tokens.body)
				_, back := h.read(tokens.text("id_token"))
				for name := range front {
					if name != "c_hash" {
						assert.Equal(t, back[name], front[name], name)
					}
				}
			}
		}
		require.NotNil(t, h.authorize(form(c, "response_type", "code id_token", "response_mode", "form_post"), h.login()).Post)
		for name, change := range map[string][]string{
			"query":          {"response_mode", "query"},
			"without nonce":  {"nonce", ""},
			"without openid": {"scope", "email"},
		} {
			a := h.authorize(form(c, append(change, "response_type", "code id_token")...), h.login())
			assert.True(t, strings.HasPrefix(a.Redirect, callback+"#"), name)
			q := redirected(t, a)
			assert.Equal(t, "invalid_request", q.Get("error"), name)
			assert.False(t, q.Has("code") || q.Has("id_token"), name)
		}
		a := h.authorize(form(c, "response_type", "code id_token", "prompt", "login"), h.login())
		h.clock.Advance(1)
		assert.NotEmpty(t, redirected(t, h.resume(a.Login.ID, h.loginNow(), nil)).Get("id_token"))
		q := redirected(t, h.authorize(form(c, "response_type", "code id_token", "prompt", "none"), nil))
		assert.Equal(t, "login_required", q.Get("error"))
	})
}

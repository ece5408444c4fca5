package oauth

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// stranger is a client that has registered without a token.
func (h *harness) stranger() oauth.CreatedClient {
	h.t.Helper()
	c := h.web(func(r *oauth.CreateClientRequest) {
		r.FirstParty, r.PostLogoutURIs = false, []string{callback + "/bye"}
	})
	_, err := h.db.Exec(h.t.Context(), "UPDATE clients SET registration = 'open' WHERE id = $1", c.Client.ID)
	require.NoError(h.t, err)
	return c
}

// Whoever can register a client must not have links of ours lead anywhere (RFC
// 9700 section 4.11.2).
func TestNoErrorLeadsToAStrangerUnasked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, vetted := h.stranger(), h.web()
		wrong := map[string][]string{
			"login_required": {"prompt", "none"}, "invalid_scope": {"scope", "nonsense"}, "unsupported_response_type": {"response_type", "token"},
		}
		for code, change := range wrong {
			a := h.authorize(form(c, change...), nil)
			require.NotNil(t, a.Ask, code)
			assert.Equal(t, c.Client.ID, a.Ask.Client.ID)
			assert.Equal(t, "https://app.example", a.Ask.RedirectTo)
			assert.Equal(t, code, redirected(t, a).Get("error"))
			a = h.authorize(form(c, append(change, "response_mode", "form_post")...), nil)
			require.NotNil(t, a.Ask, code)
			require.NotNil(t, a.Post, code)
			assert.Nil(t, h.authorize(form(vetted, change...), nil).Ask, code)
		}
		a := h.authorize(form(c, "prompt", "none"), h.login())
		require.NotNil(t, a.Ask, "the user knows nothing of it")
		assert.Equal(t, "consent_required", redirected(t, a).Get("error"))

		// Who says no has seen a page that names it.
		asked := h.authorize(form(c), h.login())
		require.NotNil(t, asked.Consent)
		denied, err := h.service.Resume(t.Context(), oauth.ResumeRequest{ID: asked.Consent.ID, Login: h.login(), Decision: &oauth.Decision{}})
		require.NoError(t, err)
		assert.Nil(t, denied.Ask)
		assert.Equal(t, "access_denied", redirected(t, denied).Get("error"))

		// Who has allowed it something is no stranger, in a frame least of all.
		asked = h.authorize(form(c), h.login())
		allowed, err := h.service.Resume(t.Context(), oauth.ResumeRequest{ID: asked.Consent.ID, Login: h.login(), Decision: &oauth.Decision{Allow: true}})
		require.NoError(t, err)
		assert.NotEmpty(t, redirected(t, allowed).Get("code"))
		a = h.authorize(form(c, "prompt", "none"), h.login())
		assert.Nil(t, a.Ask)
		assert.NotEmpty(t, redirected(t, a).Get("code"))
		a = h.authorize(form(c, "prompt", "none", "scope", "nonsense"), h.login())
		assert.Nil(t, a.Ask)
		assert.NotNil(t, h.authorize(form(c, "prompt", "none"), nil).Ask, "nobody knows who that is")
	})
}

func TestNoLogoutLeadsToAStrangerUnasked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.stranger()
		begin := func(login *oauth.Login) oauth.Logout {
			answer, err := h.service.BeginLogout(t.Context(), oauth.LogoutRequest{Login: login, Form: url.Values{
				"client_id": {c.Client.ID}, "post_logout_redirect_uri": {callback + "/bye"},
			}})
			require.NoError(t, err)
			require.Equal(t, callback+"/bye", answer.Redirect)
			return answer
		}
		for _, login := range []*oauth.Login{nil, h.login()} {
			answer := begin(login)
			require.NotNil(t, answer.Ask)
			assert.Equal(t, "https://app.example", answer.Ask.RedirectTo)
		}
		asked := h.authorize(form(c), h.login())
		_, err := h.service.Resume(t.Context(), oauth.ResumeRequest{ID: asked.Consent.ID, Login: h.login(), Decision: &oauth.Decision{Allow: true}})
		require.NoError(t, err)
		assert.Nil(t, begin(h.login()).Ask)
		assert.NotNil(t, begin(nil).Ask)
	})
}

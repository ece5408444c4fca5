package oauth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

func TestAnswersGoByTheModeThatIsAskedFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for _, mode := range []string{"", "query", "fragment", "form_post"} {
			for _, good := range []bool{true, false} {
				f := form(c, "response_mode", mode)
				if !good {
					set(f, "scope", "root")
				}
				a := h.authorize(f, h.login())
				switch mode {
				case "form_post":
					require.NotNil(t, a.Post)
					assert.Empty(t, a.Redirect)
					assert.Equal(t, callback, a.Post.Action)
				case "fragment":
					assert.True(t, strings.HasPrefix(a.Redirect, callback+"#"), a.Redirect)
				default:
					assert.True(t, strings.HasPrefix(a.Redirect, callback+"?"), a.Redirect)
					assert.NotContains(t, a.Redirect, "#")
				}
				q := redirected(t, a)
				assert.Equal(t, good, q.Has("code"), "%s: %v", mode, q)
				assert.Equal(t, !good, q.Has("error"), "%s: %v", mode, q)
				assert.Equal(t, testOrigin, q.Get("iss"), "RFC 9207")
				assert.Equal(t, "af0ifjsldkj", q.Get("state"))
			}
		}
		a := h.authorize(form(c, "response_mode", "form_post", "prompt", "login"), h.login())
		h.clock.Advance(1)
		assert.NotEmpty(t, redirected(t, h.resume(a.Login.ID, h.loginNow(), nil)).Get("code"))
		a = h.authorize(form(c, "response_mode", "form_post", "prompt", "login"), h.login())
		a = h.resume(a.Login.ID, nil, deny)
		require.NotNil(t, a.Post)
		assert.Equal(t, "access_denied", a.Post.Fields["error"])

		uri := h.push(c, form(c, "response_mode", "form_post"))
		require.NotNil(t, h.authorize(set(opens(c, uri), "response_mode", "query"), h.login()).Post, "the mode is pushed, too")
	})
}

// An error about the mode, or about the response type, goes by the default.
func TestModesThatCannotBe(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		a := h.authorize(form(c, "response_mode", "pigeon"), h.login())
		assert.True(t, strings.HasPrefix(a.Redirect, callback+"?"), a.Redirect)
		for _, kind := range []string{"token", "id_token", "code token", "code id_token token"} {
			a := h.authorize(form(c, "response_type", kind, "response_mode", "query"), h.login())
			assert.True(t, strings.HasPrefix(a.Redirect, callback+"#"), a.Redirect)
			assert.Equal(t, "unsupported_response_type", redirected(t, a).Get("error"))
		}
		native := h.web(public, func(r *oauth.CreateClientRequest) {
			r.RedirectURIs, r.FirstParty = []string{"com.example.app:/callback"}, false
		})
		f := form(native, "redirect_uri", "com.example.app:/callback", "response_mode", "form_post")
		a = h.authorize(f, h.login())
		assert.True(t, strings.HasPrefix(a.Redirect, "com.example.app:/callback?"), "no form is posted to a scheme of an app's own: %+v", a)
		assert.Equal(t, "invalid_request", redirected(t, a).Get("error"))
		require.NotNil(t, h.authorize(form(c, "response_mode", "form_post", "redirect_uri", "https://evil.example/"), h.login()).Problem)
	})
}

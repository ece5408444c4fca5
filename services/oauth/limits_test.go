package oauth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Anybody can have authorization requests stored: they are short.
func TestStoredRequestsAreShort(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		q := redirected(t, h.authorize(form(c, "state", strings.Repeat("s", 1025)), nil))
		assert.Equal(t, "invalid_request", q.Get("error"))
		assert.False(t, q.Has("state"), "what is too long is not sent back")
		a := h.authorize(form(c, "state", strings.Repeat("s", 1025), "redirect_uri", "https://evil.example/"), nil)
		assert.NotNil(t, a.Problem, "it is not proven whose the redirect URI is")

		longest := form(c, "state", strings.Repeat("s", 1024), "nonce", strings.Repeat("n", 512),
			"login_hint", strings.Repeat("h", 320), "ui_locales", strings.Repeat("l", 320))
		require.NotNil(t, h.authorize(longest, nil).Login)
		longest.Set("x", strings.Repeat("x", 4<<10))
		require.NotNil(t, h.authorize(longest, nil).Login, "what means nothing is not stored")
		longest.Set("x", strings.Repeat("x", 7<<10))
		require.NotNil(t, h.authorize(longest, nil).Problem, "all together are too long")
		assert.NotContains(t, dump(t, h.db), "xxx")
	})
}

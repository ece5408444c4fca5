package oauth

import (
	"net/http"
	"strings"
	"testing"
	"time"

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

// A flood of requests of one client stops where the operator says, and is the
// trouble of this client alone.
func TestRequestsWaitInBoundedNumbers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.PendingLimit = 3
		h.restart()
		c, other := h.web(thirdParty), h.web(thirdParty)
		var ids []string
		for range 3 {
			a := h.authorize(form(c), nil)
			require.NotNil(t, a.Login)
			ids = append(ids, a.Login.ID)
		}
		q := redirected(t, h.authorize(form(c), nil))
		assert.Equal(t, "temporarily_unavailable", q.Get("error"))
		assert.Equal(t, "af0ifjsldkj", q.Get("state"))
		assert.Equal(t, testOrigin, q.Get("iss"))
		q = redirected(t, h.authorize(form(c), h.login()))
		assert.Equal(t, "temporarily_unavailable", q.Get("error"), "to wait for consent is to wait")
		require.NotNil(t, h.authorize(form(other), nil).Login, "another client has its own room")

		require.NotNil(t, h.resume(ids[0], h.loginNow(), nil).Consent, "those that wait go on")
		redirected(t, h.resume(ids[0], h.loginNow(), allow))
		redirected(t, h.authorize(form(c), h.login())) // what need not wait needs no room
		require.NotNil(t, h.authorize(form(c), nil).Login, "one has left")
		require.Equal(t, "temporarily_unavailable", redirected(t, h.authorize(form(c), nil)).Get("error"))

		h.clock.Advance(time.Hour)
		_, err := h.service.flow.Requests.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		require.NotNil(t, h.authorize(form(c), nil).Login, "nobody came for the others")
		h.requireGone(ids[1])
	})
}

// Whoever pushes requests in the name of a public client keeps nobody from signing
// in to it.
func TestPushedRequestsHaveRoomOfTheirOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.PendingLimit = 2
		h.restart()
		c := h.web(public)
		uri := h.push(c, form(c))
		h.push(c, form(c))
		requireError(t, h.do(as(c, "/oauth2/par", form(c))), http.StatusTooManyRequests, "temporarily_unavailable")
		require.NotNil(t, h.authorize(form(c), nil).Login)
		require.NotNil(t, h.authorize(opens(c, uri), nil).Login, "nor from opening their own")
		h.push(c, form(c))
		assert.Equal(t, "temporarily_unavailable", redirected(t, h.authorize(form(c), nil)).Get("error"), "opened, it waits like the others")
	})
}

package oauth

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// in is a login in the session of that name.
func (h *harness) in(session string) *oauth.Login {
	login := h.login()
	login.Session = strings.Repeat(session, 40)[:40]
	return login
}

// tokensOf gets the client's tokens for a login.
func (h *harness) tokensOf(c oauth.CreatedClient, login *oauth.Login, change ...string) answer {
	h.t.Helper()
	q := redirected(h.t, h.authorize(form(c, change...), login))
	require.NotEmpty(h.t, q.Get("code"), "%v", q)
	a := h.redeem(c, q.Get("code"))
	require.Equal(h.t, 200, a.status, a.body)
	return a
}

func (h *harness) ended(r oauth.SessionsEndedRequest) {
	h.t.Helper()
	_, err := h.service.SessionsEnded(h.t.Context(), r)
	require.NoError(h.t, err)
}

const online = "openid profile"

func TestWhatRestsOnASessionEndsWithIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		one, two := h.in("1"), h.in("2")
		gone := h.tokensOf(c, one, "scope", online)
		stays := h.tokensOf(c, two, "scope", online)
		offline := h.tokensOf(c, one)
		for range 2 {
			h.ended(oauth.SessionsEndedRequest{Sessions: []string{one.Session, "unknown", one.Session}})
			assert.False(t, h.active(c, gone.text("access_token")))
			assert.True(t, h.active(c, stays.text("access_token")))
			assert.True(t, h.active(c, offline.text("access_token")))
		}
		assert.Equal(t, 200, h.refresh(c, offline.text("refresh_token")).status)
	})
}

// A code that nobody has redeemed yet rests on the session, too.
func TestCodesOfASessionEndWithIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		code := h.code(c, "scope", online)
		h.ended(oauth.SessionsEndedRequest{Sessions: []string{h.login().Session}})
		requireError(t, h.redeem(c, code), 400, "invalid_grant")
	})
}

func TestEverythingEndsOfflineGrants(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		before := h.tokensOf(c, h.in("1"))
		elsewhere := h.in("2")
		elsewhere.Subject = bob
		others := h.tokensOf(c, elsewhere)
		cause := h.clock.Now()
		// The session is older than the cause, the grant is not.
		late := h.tokensOf(c, h.in("3"))
		h.clock.Advance(time.Second)
		anew := h.in("4")
		anew.AuthenticatedTime = cause
		stays := h.tokensOf(c, anew)
		for range 2 {
			h.ended(oauth.SessionsEndedRequest{Subject: alice, Everything: true, Before: cause})
			for _, a := range []answer{before, late} {
				assert.False(t, h.active(c, a.text("access_token")))
				requireError(t, h.refresh(c, a.text("refresh_token")), 400, "invalid_grant")
			}
			assert.True(t, h.active(c, stays.text("access_token")))
			assert.True(t, h.active(c, others.text("access_token")))
		}
		h.ended(oauth.SessionsEndedRequest{Sessions: []string{anew.Session}, Subject: alice, Everything: true, Before: cause})
		assert.False(t, h.active(c, stays.text("access_token")), "of a session that has ended with everything")
	})
}

func TestWhoLeavesAHubTakesNoGrantsAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		other, none := h.in("2"), h.in("3")
		*other.Hub = 8
		none.Hub = nil
		left := h.tokensOf(c, h.in("1"))
		stay := []answer{h.tokensOf(c, other), h.tokensOf(c, none)}
		h.ended(oauth.SessionsEndedRequest{Subject: alice, Everything: true, Hub: new(int64(7)), Before: h.clock.Now()})
		assert.False(t, h.active(c, left.text("access_token")))
		for _, a := range stay {
			assert.True(t, h.active(c, a.text("access_token")))
		}
	})
}

func TestMalformedEndsAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for name, r := range map[string]oauth.SessionsEndedRequest{
			"too many":          {Sessions: make([]string, 1001)},
			"an empty session":  {Sessions: []string{""}},
			"a long session":    {Sessions: []string{strings.Repeat("a", 65)}},
			"a long subject":    {Subject: strings.Repeat("a", 65)},
			"everything of all": {Everything: true},
		} {
			_, err := h.service.SessionsEnded(t.Context(), r)
			require.Error(t, err, name)
			assert.Equal(t, fault.Invalid, fault.From(err).Kind, name)
		}
	})
}

package oauth

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// later is a request that waits for a login, a second after the last.
func (h *harness) later(c oauth.CreatedClient) string {
	h.t.Helper()
	h.clock.Advance(time.Second)
	a := h.authorize(form(c), nil)
	require.NotNil(h.t, a.Login, "%+v", a)
	return a.Login.ID
}

// gaveWay is how many requests of a kind have given way.
func (h *harness) gaveWay(kind string) float64 {
	h.t.Helper()
	families, err := h.obs.Registry.Gather()
	require.NoError(h.t, err)
	for _, family := range families {
		if family.GetName() != "gatehouse_oauth_gave_way_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == kind {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func (h *harness) waits(id string) bool {
	h.t.Helper()
	_, err := h.service.Pending(h.t.Context(), oauth.PendingRequest{ID: id})
	require.True(h.t, err == nil || fault.Is(err, fault.Gone), "%v", err)
	return err == nil
}

// A flood of requests of one client stops where the operator says, at the expense of
// the oldest that nobody answers, and is the trouble of this client alone.
func TestRequestsWaitInBoundedNumbers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.PendingLimit = 3
		h.restart()
		c, other := h.web(thirdParty), h.web(thirdParty)
		theirs := h.later(other)
		first, second, third := h.later(c), h.later(c), h.later(c)
		require.NotNil(t, h.resume(first, h.loginNow(), nil).Consent)
		fourth := h.later(c)
		assert.False(t, h.waits(second), "the oldest gives way")
		assert.True(t, h.waits(first), "but not while somebody answers it")
		assert.True(t, h.waits(third))
		assert.True(t, h.waits(theirs), "another client has its own room")
		redirected(t, h.resume(first, h.loginNow(), allow))
		assert.InDelta(t, 1, h.gaveWay("authorization"), 0)
		h.later(c)
		assert.InDelta(t, 1, h.gaveWay("authorization"), 0)
		assert.True(t, h.waits(third), "one has left")
		assert.True(t, h.waits(fourth))
	})
}

// Nobody holds the room by beginning to answer, however often they do.
func TestOneUserHoldsNoRoom(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.PendingLimit = 22
		h.restart()
		c := h.web(thirdParty)
		var begun []string
		for range 22 {
			h.clock.Advance(time.Second)
			begun = append(begun, h.authorize(form(c), h.login()).Consent.ID)
		}
		h.later(c)
		assert.False(t, h.waits(begun[0]))
		newest := h.later(c)
		assert.False(t, h.waits(begun[1]))
		require.True(t, h.waits(begun[2]), "twenty stay")
		after := h.later(c)
		assert.True(t, h.waits(begun[2]))
		assert.True(t, h.waits(newest), "%s", after)

		h.config.PendingLimit = 20
		h.restart()
		_, err := h.db.Exec(t.Context(), "DELETE FROM authorization_requests WHERE asked_subject = ''")
		require.NoError(t, err)
		q := redirected(t, h.authorize(form(c), nil))
		assert.Equal(t, "temporarily_unavailable", q.Get("error"), "when all are being answered")
		assert.Equal(t, "af0ifjsldkj", q.Get("state"))
		assert.Equal(t, testOrigin, q.Get("iss"))
	})
}

// Whoever pushes requests in the name of a public client, or sends browsers, keeps
// nobody from what the client itself has pushed.
func TestPushedRequestsHaveRoomOfTheirOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.PendingLimit = 2
		h.restart()
		c := h.web(thirdParty)
		opened := h.authorize(opens(c, h.push(c, form(c))), nil).Login
		require.NotNil(t, opened)
		unopened := h.push(c, form(c))
		for range 5 {
			h.later(c)
		}
		assert.True(t, h.waits(opened.ID), "it was pushed by who has authenticated")
		require.NotNil(t, h.authorize(opens(c, unopened), nil).Login)

		open := h.web(public, thirdParty)
		own := h.later(open)
		uris := []string{}
		for range 4 {
			h.clock.Advance(time.Second)
			uris = append(uris, h.push(open, form(open)))
		}
		assert.True(t, h.waits(own), "what waits for a browser has room of its own")
		assert.InDelta(t, 2, h.gaveWay("pushed"), 0)
		assert.NotNil(t, h.authorize(opens(open, uris[1]), nil).Problem)
		require.NotNil(t, h.authorize(opens(open, uris[2]), nil).Login)
		require.NotNil(t, h.authorize(opens(open, uris[3]), nil).Login)
		assert.False(t, h.waits(own), "opened, they wait like the others")
		var rows int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM authorization_requests WHERE client_id = $1", open.Client.ID).Scan(&rows))
		assert.Equal(t, 2, rows)
	})
}

// Of requests that come at once all find room, and what is being answered stays.
func TestRoomIsMadeAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.PendingLimit = 3
		h.restart()
		c := h.web(thirdParty)
		ids := []string{h.later(c), h.later(c), h.later(c)}
		var wait sync.WaitGroup
		var answered oauth.Authorization
		wait.Go(func() { answered, _ = h.service.Resume(t.Context(), oauth.ResumeRequest{ID: ids[0], Login: h.login()}) })
		problems := make([]error, 4)
		for i := range problems {
			wait.Go(func() {
				_, problems[i] = h.service.Authorize(t.Context(), oauth.AuthorizeRequest{Form: form(c)})
			})
		}
		wait.Wait()
		for _, err := range problems {
			require.NoError(t, err)
		}
		if answered.Consent != nil {
			assert.True(t, h.waits(ids[0]), "who was asked can answer")
		}
		var rows int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM authorization_requests").Scan(&rows))
		assert.LessOrEqual(t, rows, 3+len(problems))
	})
}

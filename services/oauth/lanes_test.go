package oauth

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

func TestTheLanesOfTheOutboxAreItsOwn(t *testing.T) {
	t.Parallel()
	text, err := migrations.ReadFile("migrations/00014_lanes_and_changes.sql")
	require.NoError(t, err)
	require.Contains(t, string(text), outbox.SchemaLanes)
}

// hole is an app's logout endpoint that does not answer before close.
func (h *harness) hole() (address string, closeUp func()) {
	let := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-let:
		case <-r.Context().Done():
		}
	}))
	h.t.Cleanup(server.Close)
	return server.URL + "/logout", sync.OnceFunc(func() { close(let) })
}

func TestAnAppThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		hole, closeUp := h.hole()
		defer closeUp()
		hangs := h.web(func(r *oauth.CreateClientRequest) { r.BackchannelLogoutURI = hole })
		hears := h.web(l.of)
		const many = noticesAtOnce + noticesPerApp
		logins := make([]*oauth.Login, many)
		for i := range logins {
			logins[i] = h.in(fmt.Sprintf("%02d ", i))
			h.tokensOf(hangs, logins[i])
		}
		h.endOf(logins...)
		h.tokensOf(hears, h.in("last"))
		h.endOf(h.in("last"))

		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.service.Run(ctx) }()
		defer func() {
			closeUp()
			stop()
			assert.NoError(t, <-done)
		}()
		// Before any call to the other is over.
		assert.Eventually(t, func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.tokens) == 1
		}, 4*time.Second, time.Millisecond)
		assert.Eventually(t, func() bool {
			h.accounts.mu.Lock()
			defer h.accounts.mu.Unlock()
			return len(h.accounts.events) > 0
		}, 4*time.Second, time.Millisecond)
		var left int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM outbox WHERE state = 'pending' AND lane = $1", hangs.Client.ID).Scan(&left))
		assert.Equal(t, many, left)
	})
}

package portal_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// TestNoAppIsSignedInToForSomebody although the session opens everything else.
func TestNoAppIsSignedInToForSomebody(t *testing.T) {
	t.Parallel()
	one := int64(1)
	for name, open := range map[string]func(*world) sessions.Token{
		"personal access token": func(w *world) sessions.Token {
			return w.sessions.OpenFor(sessions.CreateRequest{Scope: sessions.ScopeFull, PAT: &one})
		},
		"read only": func(w *world) sessions.Token {
			return w.sessions.OpenFor(sessions.CreateRequest{Scope: sessions.ScopeFull, PAT: &one, ReadOnly: true})
		},
		"impersonation": func(w *world) sessions.Token {
			own := w.sessions.Open(sessions.ScopeFull, &one)
			acting, err := w.sessions.Impersonate(t.Context(), sessions.ImpersonateRequest{
				Session: own.Session.ID, User: own.Session.User, UserHash: gatewaytest.UserHash, Hub: one,
			})
			require.NoError(w.t, err)
			return acting
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.browser()
			b.cookies["__Host-gatehouse_session"] = open(w).Token
			require.Equal(t, http.StatusOK, b.get("/").Code)

			a := b.get("/oauth2/authorize?client_id=rota")
			assert.Equal(t, "/login?authorization="+pendingID, a.location())
			require.Len(t, w.oauth.authorized, 1)
			assert.Nil(t, w.oauth.authorized[0].Login)

			a = b.get("/login?authorization=" + pendingID + "&prompt=select_account")
			assert.NotContains(t, a.text(), gatewaytest.Email)

			b.get("/oauth2/resume?authorization=" + pendingID)
			b.post("/oauth2/resume?authorization="+pendingID, "subject", gatewaytest.UserHash)
			b.post(consentPath, "decision", "allow", "subject", gatewaytest.UserHash)
			for _, r := range w.oauth.resumed {
				assert.Nil(t, r.Login)
				assert.Nil(t, r.Decision)
				assert.False(t, r.Selected)
			}
			require.Len(t, w.oauth.resumed, 2)
		})
	}
}

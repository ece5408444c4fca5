package oauth

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// consented gives the client tokens of Alice, who had to agree.
func (h *harness) consented(c oauth.CreatedClient) answer {
	h.t.Helper()
	a := h.authorize(form(c), h.login())
	require.NotNil(h.t, a.Consent)
	q := redirected(h.t, h.resume(a.Consent.ID, h.login(), allow))
	tokens := h.redeem(c, q.Get("code"))
	require.Equal(h.t, http.StatusOK, tokens.status)
	return tokens
}

func (h *harness) consents(subject string) []oauth.Consented {
	h.t.Helper()
	list, err := h.service.ListConsents(h.t.Context(), oauth.SubjectRequest{Subject: subject})
	require.NoError(h.t, err)
	return list.Consents
}

func TestConsentIsWithdrawnWithItsGrants(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app, other := h.web(thirdParty), h.web(thirdParty)
		tokens, others := h.consented(app), h.consented(other)
		list := h.consents(alice)
		require.Len(t, list, 2)
		consent := list[0]
		require.Equal(t, app.Client.ID, consent.Client)
		require.Equal(t, []string{"email", "hub", "offline_access", "openid", "profile"}, consent.Scopes)
		require.Empty(t, h.consents(bob))

		revoke := func(subject string, ref api.Ref) error {
			_, err := h.service.RevokeConsent(t.Context(), oauth.RevokeConsentRequest{Subject: subject, Consent: ref})
			return err
		}
		require.True(t, fault.Is(revoke(bob, api.Ref{ID: consent.ID}), fault.NotFound), "not Bob's")
		require.True(t, fault.Is(revoke(alice, api.Ref{}), fault.NotFound))
		require.NoError(t, revoke(alice, api.Ref{Hash: consent.Hash}))
		require.True(t, fault.Is(revoke(alice, api.Ref{ID: consent.ID}), fault.NotFound), "once")

		requireError(t, h.refresh(app, tokens.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
		assert.False(t, h.active(app, tokens.text("access_token")))
		assert.True(t, h.active(other, others.text("access_token")), "another app's")
		require.Len(t, h.consents(alice), 1)
		require.NotNil(t, h.authorize(form(app), h.login()).Consent, "Alice is asked again")
	})
}

func TestForgettingASubjectLeavesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		app := h.web(thirdParty)
		tokens := h.consented(app)
		for range 2 { // again changes nothing
			_, err := h.service.Forget(t.Context(), oauth.SubjectRequest{Subject: alice})
			require.NoError(t, err)
		}
		requireError(t, h.refresh(app, tokens.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
		assert.False(t, h.active(app, tokens.text("access_token")))
		for _, table := range []string{"grants", "consents", "consented_clients"} {
			var n int
			require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM "+table+" WHERE subject = $1", alice).Scan(&n))
			assert.Zero(t, n, table)
		}
	})
}

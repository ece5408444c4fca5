package sessions

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestASessionOfAHubsProviderStaysThere whoever asks this service otherwise.
func TestASessionOfAHubsProviderStaysThere(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		r := login(olli, ref(1))
		r.Provider, r.ProviderHub = "corp", ref(1)
		token := f.open(r)
		resolved, err := f.Resolve(t.Context(), sessions.ResolveRequest{Token: token.Token})
		require.NoError(t, err)
		require.Equal(t, []any{"corp", ref(1)}, []any{resolved.Session.Provider, resolved.Session.ProviderHub})
		id := token.Session.ID
		require.Equal(t, ref(1), f.switchHub(id, ref(1)).Session.ProviderHub)
		for _, hub := range []*int64{nil, ref(2)} {
			_, err := f.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: id, Hub: hub, Origin: browser})
			requireFault(t, err, fault.Forbidden, "fault.provider_session")
		}
		_, err = f.Impersonate(t.Context(), sessions.ImpersonateRequest{Session: id, User: 99, UserHash: token.Session.UserHash, Hub: 1, Origin: browser})
		requireFault(t, err, fault.Forbidden, "fault.provider_session")
		_, err = f.CreateAccessToken(t.Context(), sessions.CreateAccessTokenRequest{
			Actor: api.Actor{User: olli, Session: id}, UserHash: token.Session.UserHash, Name: "x", // which says nothing of it
		})
		requireFault(t, err, fault.Forbidden, "fault.provider_session")
	})
}

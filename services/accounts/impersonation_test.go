package accounts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestWhoActsAsSomebodyStaysInTheSharedHub although the user that they act as
// may have more to say in others.
func TestWhoActsAsSomebodyStaysInTheSharedHub(t *testing.T) {
	onTeam(t, func(f *team) {
		own, err := f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: hubless(f.user), Name: "Falcon"})
		require.NoError(f.t, err)
		acting := actor(f.user)
		acting.Impersonator = &f.owner.User.ID

		for _, hub := range []api.Ref{{ID: own.Hub.ID}, {Hash: own.Hub.Hash}} {
			_, err = f.GetHub(t.Context(), accounts.HubRequest{Actor: acting, Hub: hub})
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
			_, err = f.UpdateHub(t.Context(), accounts.UpdateHubRequest{Actor: acting, Hub: hub, LoginConfirmation: to(false), Name: to("x")})
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
		}
		list, err := f.ListHubs(t.Context(), accounts.ListHubsRequest{Actor: acting, Page: firstPage})
		require.NoError(f.t, err)
		require.Equal(f.t, 1, list.Total)
		require.Equal(f.t, f.hub, list.Hubs[0].Hub.ID)
		shared, err := f.GetHub(t.Context(), accounts.HubRequest{Actor: acting, Hub: api.Ref{ID: f.hub}})
		require.NoError(f.t, err)
		require.Equal(f.t, f.hub, shared.Hub.ID)

		_, err = f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: acting, Name: "Falcon"})
		requireFault(f.t, err, fault.Forbidden, "fault.impersonating")
		_, err = f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: acting, Member: ref(f.user)})
		requireFault(f.t, err, fault.Forbidden, "fault.impersonating")
	})
}

// TestWhoActsAsSomebodyDoesNotReadTheirRecord which tells what they do in other
// hubs, and from where.
func TestWhoActsAsSomebodyDoesNotReadTheirRecord(t *testing.T) {
	onTeam(t, func(f *team) {
		acting := actor(f.user)
		acting.Impersonator = &f.owner.User.ID
		_, err := f.ListEvents(t.Context(), accounts.ListEventsRequest{Actor: acting, Own: true, Page: firstPage})
		requireFault(f.t, err, fault.Forbidden, "fault.impersonating")
		_, err = f.ListIdentities(t.Context(), accounts.ActorRequest{Actor: acting})
		requireFault(f.t, err, fault.Forbidden, "fault.impersonating")
	})
}

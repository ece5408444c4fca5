package accounts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Sessions in which somebody acts as another member end with the sessions they
// were opened from. So these end when the right to act as others gets less: the
// other one may be an administrator, as whom they would have what was just taken.
func TestWhoMayActAsFewerOthersLogsInAgain(t *testing.T) {
	onTeam(t, func(f *team) {
		owner := f.by(accounts.RoleOwner)
		change := func(who accounts.Identity, role accounts.Role, grant bool) []sessions.EndAllRequest {
			before := len(f.endedOf(who))
			_, err := f.update(owner, ref(who), func(r *accounts.UpdateMemberRequest) { r.Role, r.Impersonation = &role, &grant })
			require.NoError(f.t, err)
			return f.endedOf(who)[before:]
		}
		ends := []sessions.EndAllRequest{{User: f.tech.User.ID, UserHash: f.tech.User.Hash, Hub: &f.hub, Before: f.clock.Now()}}
		require.Empty(f.t, change(f.tech, accounts.RoleTechnicalAdministrator, true))
		require.Equal(f.t, ends, change(f.tech, accounts.RoleAdministrator, true), "acted as technical administrators")
		require.Equal(f.t, ends, change(f.tech, accounts.RoleAdministrator, false), "acted as administrators")
		require.Empty(f.t, change(f.tech, accounts.RoleUser, false), "acted as nobody")
		require.Empty(f.t, change(f.tech, accounts.RoleOwner, false))
		require.Equal(f.t, ends, change(f.tech, accounts.RoleTechnicalAdministrator, false), "acted as owners")
		require.Empty(f.t, change(f.admin, accounts.RoleUser, false))
	})
}

// Whom somebody acts as may rise above them, and has then rights that they may not
// give themselves.
func TestNobodyActsAsSomebodyWhoHasRisenAboveThem(t *testing.T) {
	onTeam(t, func(f *team) {
		acting := actor(f.admin)
		acting.Impersonator = &f.tech.User.ID
		looks := []func() error{
			func() error {
				_, err := f.ListMembers(t.Context(), accounts.ListMembersRequest{Actor: acting, Page: firstPage})
				return err
			},
			func() error {
				_, err := f.ListEvents(t.Context(), accounts.ListEventsRequest{Actor: acting, Page: firstPage})
				return err
			},
			func() error {
				_, err := f.ListRecoveries(t.Context(), accounts.ListRequest{Actor: acting, Page: firstPage})
				return err
			},
			func() error {
				_, err := f.updateHub(acting, func(r *accounts.UpdateHubRequest) { r.PasswordAge = to(90) })
				return err
			},
		}
		refused := func() {
			for _, look := range looks {
				requireFault(f.t, look(), fault.Forbidden, "fault.no_access")
			}
		}
		setRole := func(who accounts.Identity, role accounts.Role) {
			_, err := f.update(f.by(accounts.RoleOwner), ref(who), func(r *accounts.UpdateMemberRequest) { r.Role = &role })
			require.NoError(f.t, err)
		}
		require.NoError(f.t, looks[0]())
		setRole(f.admin, accounts.RoleOwner)
		refused()
		_, err := f.update(acting, ref(f.tech), func(r *accounts.UpdateMemberRequest) { r.Role = to(accounts.RoleOwner) })
		requireFault(f.t, err, fault.Forbidden, "fault.no_access")
		setRole(f.tech, accounts.RoleOwner)
		for _, look := range looks {
			require.NoError(f.t, look())
		}
		setRole(f.tech, accounts.RoleAdministrator)
		refused()
	})
}

package accounts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Whoever runs the provider of a hub can give anybody's address to anybody.
func TestAnAddressMakesNobodyAnAdministrator(t *testing.T) {
	onTeam(t, func(f *team) {
		f.use("own", accounts.SignInMandatory, "example.com")
		f.unknown(f.says("1", "admin@example.com"))
		f.unknown(f.says("2", "tech@example.com"))
		f.unknown(f.says("3", "owner@example.com"))
		both := f.elsewhere() // owns a hub of their own
		f.exec(`UPDATE memberships SET user_id = $1 WHERE hub_id = $2 AND user_id = $3`, both.User.ID, f.hub, f.user.User.ID)
		f.unknown(f.says("4", "elsewhere@example.com"))

		// Who administers is not shut out: they link it, in no hub, or are assigned.
		require.NoError(f.t, f.link(hubless(f.admin), f.says("1", "admin@example.com")))
		found, err := f.find(f.says("1", "admin@example.com"))
		require.NoError(f.t, err)
		require.Equal(f.t, f.admin.User.ID, found.User.ID)
		f.in(vouched(found, "own"))
		require.NoError(f.t, f.assign(f.by(accounts.RoleOwner), f.tech, func(r *accounts.AssignIdentityRequest) {
			r.Provider, r.Email = "own", "tech@example.com"
		}))
		found, err = f.find(f.says("2", "tech@example.com"))
		require.NoError(f.t, err)
		require.Equal(f.t, f.tech.User.ID, found.User.ID)
	})
}

func TestWhoWasKnownByAnAddressLinksItAsAnAdministrator(t *testing.T) {
	onTeam(t, func(f *team) {
		f.use("own", accounts.SignInMandatory, "example.com")
		said := f.says("1", "user@example.com")
		_, err := f.find(said)
		require.NoError(f.t, err)
		become := func(role accounts.Role) {
			_, err := f.update(f.by(accounts.RoleOwner), ref(f.user), func(r *accounts.UpdateMemberRequest) { r.Role = &role })
			require.NoError(f.t, err)
		}
		become(accounts.RoleAdministrator)
		f.unknown(said)
		f.unknown(f.says("2", "user@example.com"))

		requireFault(f.t, f.link(hubless(f.admin), said), fault.Conflict, "fault.identity_linked")
		f.unknown(said)
		require.NoError(f.t, f.link(hubless(f.user), said))
		found, err := f.find(said)
		require.NoError(f.t, err)
		require.Equal(f.t, f.user.User.ID, found.User.ID)
		requireFault(f.t, f.link(hubless(f.user), said), fault.Conflict, "fault.identity_linked")
		become(accounts.RoleUser)
		_, err = f.find(said)
		require.NoError(f.t, err)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM identities`))
	})
}

// Who assigned an identity to a member could otherwise rise with them.
func TestAnAssignmentDoesNotOutliveAPromotion(t *testing.T) {
	t.Parallel()
	for name, used := range map[string]bool{"used": true, "not used yet": false} {
		t.Run(name, func(t *testing.T) {
			onTeam(t, func(f *team) {
				f.use("own", accounts.SignInMandatory)
				require.NoError(f.t, f.assign(f.by(accounts.RoleAdministrator), f.user, func(r *accounts.AssignIdentityRequest) {
					r.Provider, r.Email = "own", "user@example.com"
				}))
				said := f.says("1", "user@example.com")
				if used {
					_, err := f.find(said)
					require.NoError(f.t, err)
				}
				role := accounts.RoleTechnicalAdministrator
				_, err := f.update(f.by(accounts.RoleOwner), ref(f.user), func(r *accounts.UpdateMemberRequest) { r.Role = &role })
				require.NoError(f.t, err)
				f.unknown(said)
				require.Equal(f.t, used, len(f.endedOf(f.user)) == 1, "who came by it is out")
			})
		})
	}
}

package accounts

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *team) setRole(a api.Actor, member api.Ref, role accounts.Role) (accounts.Member, error) {
	return f.update(a, member, func(r *accounts.UpdateMemberRequest) { r.Role = &role })
}

// TestWhoMaySetRoles tries everybody on everybody, to every role.
func TestWhoMaySetRoles(t *testing.T) {
	onTeam(t, func(f *team) {
		second := f.join("second@example.com", f.hub, accounts.RoleOwner)
		for by := accounts.RolePassive; by <= accounts.RoleOwner; by++ {
			for of := accounts.RolePassive; of <= accounts.RoleOwner; of++ {
				for to := accounts.RoleNone; to <= accounts.RoleOwner; to++ {
					f.exec(`UPDATE memberships SET role = $2 WHERE user_id = $1`, second.User.ID, of)
					f.clock.Advance(time.Second)
					_, err := f.setRole(f.by(by), ref(second), to)
					what := fmt.Sprintf("role %d makes a %d a %d", by, of, to)
					if by >= accounts.RoleAdministrator && by >= of && by >= to {
						require.NoError(f.t, err, what)
						require.Equal(f.t, to, f.role(second), what)
					} else {
						require.Equal(f.t, fault.Forbidden, fault.From(err).Kind, "%s: %v", what, err)
						require.Equal(f.t, of, f.role(second), what)
					}
				}
			}
		}
	})
}

func TestARoleTakesEffect(t *testing.T) {
	onTeam(t, func(f *team) {
		f.clock.Advance(time.Minute)
		m, err := f.setRole(f.by(accounts.RoleOwner), ref(f.user), accounts.RoleAdministrator)
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.RoleAdministrator, m.Role)
		require.Equal(f.t, f.clock.Now(), m.ModifiedTime)
		require.Empty(f.t, f.endedOf(f.user))
		require.Equal(f.t, []string{"role_changed Nordantech"}, f.notices("user@example.com"))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'member.updated' AND user_id = $1 AND actor_id = $2 AND hub_id = $3
			AND detail = '{"fields":["role"],"old_role":2,"role":3}'`, f.user.User.ID, f.owner.User.ID, f.hub))
		_, err = f.setRole(f.by(accounts.RoleOwner), ref(f.user), accounts.RoleAdministrator)
		require.NoError(f.t, err)
		require.Len(f.t, f.notices("user@example.com"), 1, "nothing has changed")

		_, err = f.setRole(f.by(accounts.RoleOwner), ref(f.user), accounts.RolePassive)
		require.NoError(f.t, err)
		require.Equal(f.t, []sessions.EndAllRequest{{User: f.user.User.ID, UserHash: f.user.User.Hash, Hub: &f.hub, Before: f.clock.Now()}}, f.endedOf(f.user))
		_, err = f.setRole(f.by(accounts.RoleOwner), ref(f.user), accounts.RoleNone)
		require.NoError(f.t, err)
		require.Len(f.t, f.endedOf(f.user), 1, "there were none left")
	})
}

func TestAHubKeepsAnOwner(t *testing.T) {
	onTeam(t, func(f *team) {
		owner := f.by(accounts.RoleOwner)
		role := accounts.RoleUser
		_, err := f.setRole(owner, ref(f.owner), role)
		requireFault(f.t, err, fault.Forbidden, "fault.forbidden") // nobody sets their own
		_, err = f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: owner, Member: ref(f.owner)})
		requireFault(f.t, err, fault.Conflict, "fault.last_owner")

		// Neither an invited owner counts nor one who is disabled.
		r := adding(owner, "new@example.com", true)
		five := accounts.RoleOwner
		r.Role = &five
		_, err = f.AddMember(t.Context(), r)
		require.NoError(f.t, err)
		second := f.join("second@example.com", f.hub, accounts.RoleOwner)
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, second.User.ID)
		_, err = f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: owner, Member: ref(f.owner)})
		requireFault(f.t, err, fault.Conflict, "fault.last_owner")
		_, err = f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: owner, Member: ref(second)})
		require.NoError(f.t, err, "somebody disabled")

		third := f.join("third@example.com", f.hub, accounts.RoleOwner)
		_, err = f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: owner, Member: ref(f.owner)})
		require.NoError(f.t, err)
		for _, change := range []func(*accounts.UpdateMemberRequest){
			func(r *accounts.UpdateMemberRequest) { r.Role = &role },
			func(r *accounts.UpdateMemberRequest) { s := accounts.Disabled; r.Status = &s },
		} {
			_, err = f.update(f.by(accounts.RoleTechnicalAdministrator), ref(third), change)
			require.Equal(f.t, fault.Forbidden, fault.From(err).Kind, "somebody with a higher role")
		}
	})
}

// TestTwoOwnersAgainstEachOther: one of them stays, whatever they do at once.
func TestTwoOwnersAgainstEachOther(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(f *team, by, of accounts.Identity) error{
		"demote": func(f *team, by, of accounts.Identity) error {
			_, err := f.setRole(actor(by), ref(of), accounts.RoleUser)
			return err
		},
		"remove": func(f *team, by, of accounts.Identity) error {
			_, err := f.RemoveMember(f.t.Context(), accounts.MemberRequest{Actor: actor(by), Member: ref(of)})
			return err
		},
		"leave": func(f *team, by, _ accounts.Identity) error {
			_, err := f.RemoveMember(f.t.Context(), accounts.MemberRequest{Actor: actor(by), Member: ref(by)})
			return err
		},
		"disable": func(f *team, by, of accounts.Identity) error {
			_, err := f.update(actor(by), ref(of), func(r *accounts.UpdateMemberRequest) { s := accounts.Disabled; r.Status = &s })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			onTeam(t, func(f *team) {
				owners := []accounts.Identity{f.owner, f.join("second@example.com", f.hub, accounts.RoleOwner)}
				succeeded := 0
				for _, err := range atOnce(2, func(i int) error { return do(f, owners[i], owners[1-i]) }) {
					if err == nil {
						succeeded++
						continue
					}
					require.Contains(f.t, []fault.Kind{fault.Forbidden, fault.Conflict, fault.Unauthenticated}, fault.From(err).Kind, "%v", err)
				}
				require.Equal(f.t, 1, succeeded)
				require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM memberships JOIN users ON users.id = user_id
					WHERE hub_id = $1 AND role = 5 AND status = 1`, f.hub))
			})
		})
	}
}

func TestWhoMayRemove(t *testing.T) {
	onTeam(t, func(f *team) {
		for by := accounts.RolePassive; by <= accounts.RoleOwner; by++ {
			for of := accounts.RolePassive; of <= accounts.RoleOwner; of++ {
				who := f.join(fmt.Sprintf("m%d.%d@example.com", by, of), f.hub, of)
				f.clock.Advance(time.Second)
				_, err := f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: f.by(by), Member: ref(who)})
				if by < accounts.RoleAdministrator || by < of {
					require.Equal(f.t, fault.Forbidden, fault.From(err).Kind, "%d removes %d: %v", by, of, err)
					require.Equal(f.t, of, f.role(who))
					continue
				}
				require.NoError(f.t, err, "%d removes %d", by, of)
				require.Zero(f.t, f.count(`SELECT COUNT(*) FROM memberships WHERE user_id = $1`, who.User.ID))
				require.EqualValues(f.t, accounts.Active, f.count(`SELECT status FROM users WHERE id = $1`, who.User.ID))
				require.Equal(f.t, []string{"member_removed Nordantech"}, f.notices(who.User.Email))
				require.Equal(f.t, []sessions.EndAllRequest{{User: who.User.ID, UserHash: who.User.Hash, Hub: &f.hub, Before: f.clock.Now()}}, f.endedOf(who))
			}
		}
	})
}

func TestLeaving(t *testing.T) {
	onTeam(t, func(f *team) {
		leave := accounts.MemberRequest{Actor: actor(f.user), Member: ref(f.user)}
		_, err := f.RemoveMember(t.Context(), leave)
		require.NoError(f.t, err)
		require.Empty(f.t, f.notices("user@example.com"), "they know")
		require.Len(f.t, f.endedOf(f.user), 1)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'member.left'`))
		_, err = f.RemoveMember(t.Context(), leave)
		requireFault(f.t, err, fault.Forbidden, "fault.no_access")
		identity, err := f.authenticate("user@example.com", olliPassword)
		require.NoError(f.t, err)
		require.Nil(f.t, identity.Hub)
		leave.Actor.Hub = nil
		_, err = f.RemoveMember(t.Context(), leave)
		requireFault(f.t, err, fault.Forbidden, "fault.hub_required")
	})
}

func TestAnExpiredHub(t *testing.T) {
	onTeam(t, func(f *team) {
		f.exec(`UPDATE hubs SET expiration_time = $1`, f.clock.Now().UnixMicro())
		_, err := f.setRole(f.by(accounts.RoleTechnicalAdministrator), ref(f.user), accounts.RolePassive)
		requireFault(f.t, err, fault.Forbidden, "fault.hub_expired")
		_, err = f.setRole(f.by(accounts.RoleOwner), ref(f.user), accounts.RolePassive)
		require.NoError(f.t, err)
	})
}

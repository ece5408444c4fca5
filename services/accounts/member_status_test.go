package accounts

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *team) setStatus(a api.Actor, member api.Ref, status accounts.Status) (accounts.Member, error) {
	return f.update(a, member, func(r *accounts.UpdateMemberRequest) { r.Status = &status })
}

func TestDisablingAndEnabling(t *testing.T) {
	onTeam(t, func(f *team) {
		tech := f.by(accounts.RoleTechnicalAdministrator)
		for _, by := range []accounts.Role{accounts.RoleUser, accounts.RoleAdministrator} {
			_, err := f.setStatus(f.by(by), ref(f.user), accounts.Disabled)
			requireFault(f.t, err, fault.Forbidden, "fault.forbidden")
		}
		for _, who := range []accounts.Identity{f.owner, f.tech} {
			_, err := f.setStatus(tech, ref(who), accounts.Disabled)
			requireFault(f.t, err, fault.Forbidden, "fault.forbidden")
		}
		_, err := f.setStatus(tech, ref(f.user), accounts.Invited)
		requireFault(f.t, err, fault.Invalid, "fault.invalid")

		f.clock.Advance(time.Minute)
		m, err := f.setStatus(tech, ref(f.user), accounts.Disabled)
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.Disabled, m.User.Status)
		require.Equal(f.t, f.clock.Now(), m.ModifiedTime)
		require.Equal(f.t, []sessions.EndAllRequest{{
			User: f.user.User.ID, UserHash: f.user.User.Hash, Before: f.clock.Now(), Tokens: true,
		}}, f.endedOf(f.user))
		require.Equal(f.t, []string{"account_disabled Nordantech"}, f.notices("user@example.com"))
		_, err = f.authenticate("user@example.com", olliPassword)
		requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
		_, err = f.GetMember(t.Context(), accounts.MemberRequest{Actor: actor(f.user), Member: ref(f.user)})
		requireFault(f.t, err, fault.Unauthenticated, "fault.session_expired")

		_, err = f.setStatus(tech, ref(f.user), accounts.Active)
		require.NoError(f.t, err)
		_, err = f.authenticate("user@example.com", olliPassword)
		require.NoError(f.t, err)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'user.disabled' AND user_id = $1`, f.user.User.ID))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'user.enabled' AND user_id = $1`, f.user.User.ID))
		require.Len(f.t, f.endedOf(f.user), 1)
	})
}

// TestAnAccountIsNotOneHubsAlone: who belongs to others, too, is not a single
// hub's to disable, nor is whom the operator has disabled one's to enable.
func TestAnAccountIsNotOneHubsAlone(t *testing.T) {
	onTeam(t, func(f *team) {
		other := f.elsewhere()
		tech := f.by(accounts.RoleTechnicalAdministrator)
		_, err := f.AddMember(t.Context(), adding(actor(other), "user@example.com", false))
		require.NoError(f.t, err)
		_, err = f.setStatus(tech, ref(f.user), accounts.Disabled)
		requireFault(f.t, err, fault.Forbidden, "fault.forbidden")
		require.EqualValues(f.t, accounts.Active, f.count(`SELECT status FROM users WHERE id = $1`, f.user.User.ID))

		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, f.admin.User.ID)
		_, err = f.setStatus(tech, ref(f.admin), accounts.Active)
		requireFault(f.t, err, fault.Forbidden, "fault.forbidden")

		listed := f.add(tech, "new@example.com", true)
		_, err = f.setStatus(tech, api.Ref{ID: listed.User.ID}, accounts.Disabled)
		requireFault(f.t, err, fault.Forbidden, "fault.forbidden")
	})
}

func TestWhomOneMayActAs(t *testing.T) {
	onTeam(t, func(f *team) {
		impersonate := func(a api.Actor, who api.Ref) error {
			_, err := f.Impersonate(t.Context(), accounts.MemberRequest{Actor: a, Member: who})
			return err
		}
		tech := f.by(accounts.RoleTechnicalAdministrator)
		require.NoError(f.t, impersonate(f.by(accounts.RoleOwner), ref(f.tech)))
		for name, tt := range map[string]struct {
			by      api.Actor
			who     api.Ref
			kind    fault.Kind
			refused string
		}{
			"an administrator":       {f.by(accounts.RoleAdministrator), ref(f.user), fault.Forbidden, "fault.forbidden"},
			"a user":                 {f.by(accounts.RoleUser), ref(f.user), fault.Forbidden, "fault.forbidden"},
			"a passive member":       {f.by(accounts.RolePassive), ref(f.user), fault.Forbidden, "fault.no_access"},
			"hubless":                {hubless(f.owner), ref(f.user), fault.Forbidden, "fault.hub_required"},
			"somebody higher":        {tech, ref(f.owner), fault.Forbidden, "fault.forbidden"},
			"oneself":                {tech, ref(f.tech), fault.Forbidden, "fault.forbidden"},
			"somebody without entry": {tech, ref(f.passive), fault.Forbidden, "fault.forbidden"},
			"somebody not joined":    {tech, api.Ref{ID: f.add(tech, "new@example.com", true).User.ID}, fault.Forbidden, "fault.forbidden"},
			"somebody else's":        {tech, ref(f.elsewhere()), fault.NotFound, "fault.not_found"},
			"nested": {func() api.Actor { a := tech; a.Impersonator = &f.owner.User.ID; return a }(),
				ref(f.user), fault.Forbidden, "fault.impersonating"},
			"by a token": {func() api.Actor { a := tech; a.PAT = &f.hub; return a }(),
				ref(f.user), fault.Forbidden, "fault.personal_token"},
		} {
			requireFault(f.t, impersonate(tt.by, tt.who), tt.kind, tt.refused)
			require.NotContains(f.t, f.notices("user@example.com"), "impersonated Nordantech", name)
		}

		identity, err := f.Impersonate(t.Context(), accounts.MemberRequest{Actor: tech, Member: ref(f.user)})
		require.NoError(f.t, err)
		require.Equal(f.t, []int64{f.user.User.ID, f.hub}, []int64{identity.User.ID, identity.Hub.ID})
		require.Equal(f.t, []string{"impersonated Nordantech"}, f.notices("user@example.com"))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'member.impersonated' AND user_id = $1
			AND actor_id = $2 AND impersonator_id = $2 AND hub_id = $3`, f.user.User.ID, f.tech.User.ID, f.hub))

		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, f.user.User.ID)
		requireFault(f.t, impersonate(tech, ref(f.user)), fault.Forbidden, "fault.forbidden")
		f.exec(`UPDATE hubs SET feature_impersonation = FALSE`)
		requireFault(f.t, impersonate(tech, ref(f.admin)), fault.Forbidden, "fault.impersonation_off")
	})
}

func TestAGrantToActAsOthers(t *testing.T) {
	onTeam(t, func(f *team) {
		grant := func(a api.Actor, yes bool) error {
			_, err := f.update(a, ref(f.user), func(r *accounts.UpdateMemberRequest) { r.Impersonation = &yes })
			return err
		}
		act := func() error {
			_, err := f.Impersonate(t.Context(), accounts.MemberRequest{Actor: actor(f.user), Member: ref(f.join(
				f.clock.Now().Format("150405")+"@example.com", f.hub, accounts.RoleUser))})
			f.clock.Advance(time.Second)
			return err
		}
		requireFault(f.t, grant(f.by(accounts.RoleTechnicalAdministrator), true), fault.Forbidden, "fault.forbidden")
		requireFault(f.t, act(), fault.Forbidden, "fault.forbidden")
		require.NoError(f.t, grant(f.by(accounts.RoleOwner), true))
		require.True(f.t, f.get(ref(f.user)).Impersonation)
		require.NoError(f.t, act())
		_, err := f.Impersonate(t.Context(), accounts.MemberRequest{Actor: actor(f.user), Member: ref(f.admin)})
		requireFault(f.t, err, fault.Forbidden, "fault.forbidden")
		require.NoError(f.t, grant(f.by(accounts.RoleOwner), false))
		requireFault(f.t, act(), fault.Forbidden, "fault.forbidden")
	})
}

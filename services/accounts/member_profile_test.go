package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func to[T any](v T) *T { return &v }

func TestUpdatingOneself(t *testing.T) {
	onTeam(t, func(f *team) {
		f.clock.Advance(time.Minute)
		before := f.get(ref(f.user))
		change := func(r *accounts.UpdateMemberRequest) {
			r.FirstName, r.LastName, r.Alias = to(" Manu "), to("Neuer"), to("Manu.N")
			r.Language, r.Locale, r.Statefulness, r.LoginConfirmation = to(accounts.German), to(0), to(false), to(true)
		}
		for name, a := range map[string]api.Actor{"in a hub": actor(f.user), "hubless": hubless(f.user)} {
			m, err := f.update(a, ref(f.user), change)
			require.NoError(f.t, err, name)
			want := before
			if a.Hub == nil {
				want.Role, want.JoinedTime, want.CreatedTime = accounts.RoleNone, nil, before.User.CreatedTime
			}
			want.User.FirstName, want.User.LastName, want.User.Alias = "Manu", "Neuer", "Manu.N"
			want.User.Language, want.User.Locale, want.User.Statefulness, want.User.LoginConfirmation = accounts.German, 0, false, true
			want.User.ModifiedTime, want.ModifiedTime = f.clock.Now(), f.clock.Now()
			require.Empty(f.t, cmp.Diff(want, m), name)
		}
		require.Equal(f.t, []string{"login_confirmation_on "}, f.notices("user@example.com"))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'user.updated'`))
		_, err := f.authenticate("manu.n", olliPassword)
		require.NoError(f.t, err)

		m, err := f.update(actor(f.user), ref(f.user), func(r *accounts.UpdateMemberRequest) {
			r.Alias, r.LoginConfirmation = to(""), to(false)
		})
		require.NoError(f.t, err)
		require.Empty(f.t, m.User.Alias)
		require.True(f.t, m.ModifiedTime.After(f.clock.Now()), "the clock has not moved, the revision has")
		require.Contains(f.t, f.notices("user@example.com"), "login_confirmation_off ")
		_, err = f.authenticate("manu.n", olliPassword)
		requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
		list, err := f.ListMembers(t.Context(), accounts.ListMembersRequest{Actor: actor(f.user), Page: api.Page{Number: 1, Size: 9}, Query: "manu neu"})
		require.NoError(f.t, err)
		require.Len(f.t, list.Members, 1)
	})
}

func TestWhatIsWrongWithAProfile(t *testing.T) {
	onTeam(t, func(f *team) {
		_, err := f.update(hubless(f.admin), ref(f.admin), func(r *accounts.UpdateMemberRequest) { r.Alias = to("Taken") })
		require.NoError(f.t, err)
		before := f.dump("users", "memberships")
		for _, tt := range []struct {
			change        func(*accounts.UpdateMemberRequest)
			field, broken string
		}{
			{func(r *accounts.UpdateMemberRequest) { r.FirstName = to(" ") }, "first_name", "validation.required"},
			{func(r *accounts.UpdateMemberRequest) { r.LastName = to(strings.Repeat("x", 1001)) }, "last_name", "validation.max_length"},
			{func(r *accounts.UpdateMemberRequest) { r.Alias = to("tAKEN") }, "alias", "validation.taken"},
			{func(r *accounts.UpdateMemberRequest) { r.Alias = to("1abc") }, "alias", "validation.alias"},
			{func(r *accounts.UpdateMemberRequest) { r.Alias = to("a@b.example") }, "alias", "validation.alias"},
			{func(r *accounts.UpdateMemberRequest) { r.Alias = to("käse") }, "alias", "validation.alias"},
			{func(r *accounts.UpdateMemberRequest) { r.Alias = to(strings.Repeat("x", 65)) }, "alias", "validation.max_length"},
			{func(r *accounts.UpdateMemberRequest) { r.Alias = to("\xff") }, "alias", "validation.utf8"},
			{func(r *accounts.UpdateMemberRequest) { r.Language = to(accounts.Language(2)) }, "language", "validation.one_of"},
			{func(r *accounts.UpdateMemberRequest) { r.Locale = to(-1) }, "locale", "validation.one_of"},
			{func(r *accounts.UpdateMemberRequest) { r.Email = to("x"); r.CurrentPassword = "x" }, "email", "validation.email"},
			{func(r *accounts.UpdateMemberRequest) { r.Email = to("new@example.com") }, "current_password", "validation.required"},
			{func(r *accounts.UpdateMemberRequest) { r.Email = to("new@example.com"); r.CurrentPassword = "x" }, "current_password", "validation.wrong_password"},
		} {
			_, err := f.update(actor(f.user), ref(f.user), tt.change)
			require.Equal(f.t, map[string][]string{tt.field: {tt.broken}}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		}
		require.Equal(f.t, before, f.dump("users", "memberships"))
		var taken int
		for _, err := range atOnce(2, func(i int) error {
			who := []accounts.Identity{f.user, f.tech}[i]
			_, err := f.update(hubless(who), ref(who), func(r *accounts.UpdateMemberRequest) { r.Alias = to("both") })
			return err
		}) {
			if err != nil {
				taken++
				require.Equal(f.t, map[string][]string{"alias": {"validation.taken"}}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
			}
		}
		require.Equal(f.t, 1, taken)
	})
}

// TestFieldsThatDoNotApply are those of others for oneself, and the other way
// round; some are not for whoever acts in another's name.
func TestFieldsThatDoNotApply(t *testing.T) {
	onTeam(t, func(f *team) {
		before := f.dump("users", "memberships")
		owner := f.by(accounts.RoleOwner)
		acting, token := actor(f.user), actor(f.user)
		acting.Impersonator, token.PAT = &f.owner.User.ID, &f.hub
		for name, tt := range map[string]struct {
			by      api.Actor
			of      accounts.Identity
			change  func(*accounts.UpdateMemberRequest)
			refused string
		}{
			"one's own role":          {owner, f.owner, func(r *accounts.UpdateMemberRequest) { r.Role = to(accounts.RoleUser) }, "fault.forbidden"},
			"one's own status":        {owner, f.owner, func(r *accounts.UpdateMemberRequest) { r.Status = to(accounts.Disabled) }, "fault.forbidden"},
			"one's own grant":         {owner, f.owner, func(r *accounts.UpdateMemberRequest) { r.Impersonation = to(true) }, "fault.forbidden"},
			"another's name":          {owner, f.user, func(r *accounts.UpdateMemberRequest) { r.FirstName = to("x") }, "fault.forbidden"},
			"another's alias":         {owner, f.user, func(r *accounts.UpdateMemberRequest) { r.Alias = to("x") }, "fault.forbidden"},
			"another's language":      {owner, f.user, func(r *accounts.UpdateMemberRequest) { r.Language = to(accounts.German) }, "fault.forbidden"},
			"another's locale":        {owner, f.user, func(r *accounts.UpdateMemberRequest) { r.Locale = to(0) }, "fault.forbidden"},
			"another's statefulness":  {owner, f.user, func(r *accounts.UpdateMemberRequest) { r.Statefulness = to(false) }, "fault.forbidden"},
			"another's confirmation":  {owner, f.user, func(r *accounts.UpdateMemberRequest) { r.LoginConfirmation = to(true) }, "fault.forbidden"},
			"another's address":       {owner, f.user, func(r *accounts.UpdateMemberRequest) { r.Email = to("x@example.com"); r.CurrentPassword = olliPassword }, "fault.forbidden"},
			"name, impersonated":      {acting, f.user, func(r *accounts.UpdateMemberRequest) { r.FirstName = to("x") }, "fault.impersonating"},
			"alias, impersonated":     {acting, f.user, func(r *accounts.UpdateMemberRequest) { r.Alias = to("x") }, "fault.impersonating"},
			"address, impersonated":   {acting, f.user, func(r *accounts.UpdateMemberRequest) { r.Email = to("x@example.com"); r.CurrentPassword = olliPassword }, "fault.impersonating"},
			"confirm., impersonated":  {acting, f.user, func(r *accounts.UpdateMemberRequest) { r.LoginConfirmation = to(false) }, "fault.impersonating"},
			"alias, by token":         {token, f.user, func(r *accounts.UpdateMemberRequest) { r.Alias = to("x") }, "fault.personal_token"},
			"address, by token":       {token, f.user, func(r *accounts.UpdateMemberRequest) { r.Email = to("x@example.com"); r.CurrentPassword = olliPassword }, "fault.personal_token"},
			"confirmation, by token":  {token, f.user, func(r *accounts.UpdateMemberRequest) { r.LoginConfirmation = to(false) }, "fault.personal_token"},
			"the name of another one": {f.by(accounts.RoleUser), f.admin, func(r *accounts.UpdateMemberRequest) { r.FirstName = to("x") }, "fault.forbidden"},
		} {
			_, err := f.update(tt.by, ref(tt.of), tt.change)
			require.Error(f.t, err, name)
			requireFault(f.t, err, fault.Forbidden, tt.refused)
		}
		require.Equal(f.t, before, f.dump("users", "memberships"))
	})
}

func TestTheNameOfSomebodyWhoHasNotJoined(t *testing.T) {
	onTeam(t, func(f *team) {
		other := f.elsewhere()
		m := f.add(f.by(accounts.RoleAdministrator), "elsewhere@example.com", true)
		m, err := f.update(f.by(accounts.RoleAdministrator), api.Ref{ID: m.User.ID}, func(r *accounts.UpdateMemberRequest) {
			r.FirstName, r.LastName = to("Ä"), to("")
		})
		require.NoError(f.t, err)
		require.Equal(f.t, []string{"Ä", ""}, []string{m.User.FirstName, m.User.LastName})
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM memberships WHERE name_key = 'ä'`))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM users WHERE id = $1 AND first_name = 'Olli'`, other.User.ID))
		_, err = f.update(f.by(accounts.RoleOwner), api.Ref{ID: m.User.ID}, func(r *accounts.UpdateMemberRequest) { r.LastName = to("\x00") })
		requireFault(f.t, err, fault.Invalid, "fault.invalid")
	})
}

func TestChangesDoNotOverwriteEachOther(t *testing.T) {
	onTeam(t, func(f *team) {
		for name, tt := range map[string]struct {
			by     api.Actor
			change func(i int) func(*accounts.UpdateMemberRequest)
		}{
			"of oneself": {actor(f.user), func(i int) func(*accounts.UpdateMemberRequest) {
				return func(r *accounts.UpdateMemberRequest) { r.FirstName = to(string(rune('A' + i))) }
			}},
			"of another": {f.by(accounts.RoleOwner), func(i int) func(*accounts.UpdateMemberRequest) {
				return func(r *accounts.UpdateMemberRequest) { r.Role = to(accounts.RolePassive + accounts.Role(i)) }
			}},
		} {
			f.exec(`UPDATE memberships SET role = 5 WHERE user_id = $1`, f.user.User.ID)
			seen := f.get(ref(f.user)).ModifiedTime
			requireOne(f.t, atOnce(3, func(i int) error {
				_, err := f.update(tt.by, ref(f.user), func(r *accounts.UpdateMemberRequest) {
					r.Revision = &seen
					tt.change(i)(r)
				})
				return err
			}), fault.Conflict)
			_, err := f.update(tt.by, ref(f.user), func(r *accounts.UpdateMemberRequest) { r.Revision = &seen; tt.change(3)(r) })
			requireFault(f.t, err, fault.Conflict, "fault.modified")
			seen = f.get(ref(f.user)).ModifiedTime
			_, err = f.update(tt.by, ref(f.user), func(r *accounts.UpdateMemberRequest) { r.Revision = &seen; tt.change(3)(r) })
			require.NoError(f.t, err, name)
		}
	})
}

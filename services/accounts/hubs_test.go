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

var firstPage = api.Page{Number: 1, Size: 25}

func (f *team) updateHub(a api.Actor, change func(*accounts.UpdateHubRequest)) (accounts.HubMembership, error) {
	r := accounts.UpdateHubRequest{Actor: a, Hub: api.Ref{ID: f.hub}}
	change(&r)
	return f.UpdateHub(f.t.Context(), r)
}

func (f *team) getHub() accounts.HubMembership {
	f.t.Helper()
	h, err := f.GetHub(f.t.Context(), accounts.HubRequest{Actor: hubless(f.owner), Hub: api.Ref{ID: f.hub}})
	require.NoError(f.t, err)
	return h
}

func TestWhoMaySetWhatOfAHub(t *testing.T) {
	onTeam(t, func(f *team) {
		for field, tt := range map[string]struct {
			least  accounts.Role
			change func(*accounts.UpdateHubRequest)
		}{
			"name":                       {accounts.RoleAdministrator, func(r *accounts.UpdateHubRequest) { r.Name = to(" Falcon ") }},
			"program_level":              {accounts.RoleAdministrator, func(r *accounts.UpdateHubRequest) { r.ProgramLevel = to(false) }},
			"office_preview":             {accounts.RoleAdministrator, func(r *accounts.UpdateHubRequest) { r.OfficePreview = to(false) }},
			"pdf_preview":                {accounts.RoleAdministrator, func(r *accounts.UpdateHubRequest) { r.PDFPreview = to(false) }},
			"support":                    {accounts.RoleAdministrator, func(r *accounts.UpdateHubRequest) { r.Support = to(false) }},
			"login_confirmation":         {accounts.RoleTechnicalAdministrator, func(r *accounts.UpdateHubRequest) { r.LoginConfirmation = to(true) }},
			"login_confirmation_channel": {accounts.RoleTechnicalAdministrator, func(r *accounts.UpdateHubRequest) { r.LoginConfirmationChannel = to(accounts.ChannelApp) }},
			"password_age":               {accounts.RoleTechnicalAdministrator, func(r *accounts.UpdateHubRequest) { r.PasswordAge = to(3650) }},
			"session_limit":              {accounts.RoleTechnicalAdministrator, func(r *accounts.UpdateHubRequest) { r.SessionLimit = to(0) }},
			"recovery_approval":          {accounts.RoleTechnicalAdministrator, func(r *accounts.UpdateHubRequest) { r.RecoveryApproval = to(false) }},
		} {
			before := f.getHub()
			for role := accounts.RolePassive; role < tt.least; role++ {
				_, err := f.updateHub(f.by(role), tt.change)
				require.Equal(f.t, fault.Forbidden, fault.From(err).Kind, "%s by %d: %v", field, role, err)
			}
			require.Empty(f.t, cmp.Diff(before, f.getHub()), field)
			f.clock.Advance(time.Second)
			a := f.by(tt.least)
			if tt.least == accounts.RoleAdministrator {
				a.Hub = nil // wherever the session is
			}
			updated, err := f.updateHub(a, tt.change)
			require.NoError(f.t, err, field)
			updated.Role = accounts.RoleOwner
			require.Empty(f.t, cmp.Diff(f.getHub(), updated), field)
			require.Equal(f.t, f.clock.Now(), updated.Hub.ModifiedTime)
			require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'hub.updated' AND hub_id = $1 AND detail = $2`,
				f.hub, `{"fields":["`+field+`"]}`), field)
			_, err = f.updateHub(a, tt.change)
			require.NoError(f.t, err)
			require.Equal(f.t, updated.Hub.ModifiedTime, f.getHub().Hub.ModifiedTime, "%s: nothing was different", field)
		}
		want := accounts.HubSettings{LoginConfirmation: true, LoginConfirmationChannel: 3, PasswordAge: 3650}
		got := f.getHub()
		require.Equal(f.t, want, got.Hub.Settings)
		require.Equal(f.t, "Falcon", got.Hub.Name)
		require.False(f.t, got.Hub.Policies.RecoveryApproval)
	})
}

// TestWhatAHubDemandsOfLoginsChangesFromInside so that nobody gets around it by a
// session elsewhere, for which nothing of that was asked.
func TestWhatAHubDemandsOfLoginsChangesFromInside(t *testing.T) {
	onTeam(t, func(f *team) {
		outside := hubless(f.owner)
		other, err := f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: outside, Name: "Falcon"})
		require.NoError(f.t, err)
		elsewhere := outside
		elsewhere.Hub = &other.Hub.ID
		before := f.getHub()
		for _, a := range []api.Actor{outside, elsewhere} {
			for _, change := range []func(*accounts.UpdateHubRequest){
				func(r *accounts.UpdateHubRequest) { r.LoginConfirmation = to(false) },
				func(r *accounts.UpdateHubRequest) { r.LoginConfirmationChannel = to(accounts.ChannelEmail) },
				func(r *accounts.UpdateHubRequest) { r.PasswordAge = to(0) },
				func(r *accounts.UpdateHubRequest) { r.SessionLimit = to(0) },
				func(r *accounts.UpdateHubRequest) { r.RecoveryApproval = to(false) },
			} {
				_, err := f.updateHub(a, change)
				requireFault(f.t, err, fault.Forbidden, "fault.hub_required")
			}
		}
		require.Empty(f.t, cmp.Diff(before, f.getHub()))
	})
}

func TestAHubRefusesBadInput(t *testing.T) {
	onTeam(t, func(f *team) {
		for _, tt := range []struct {
			change        func(*accounts.UpdateHubRequest)
			field, broken string
		}{
			{func(r *accounts.UpdateHubRequest) { r.Name = to(" ") }, "name", "validation.required"},
			{func(r *accounts.UpdateHubRequest) { r.Name = to(strings.Repeat("x", 1001)) }, "name", "validation.max_length"},
			{func(r *accounts.UpdateHubRequest) { r.PasswordAge = to(3651) }, "password_age", "validation.between"},
			{func(r *accounts.UpdateHubRequest) { r.PasswordAge = to(-1) }, "password_age", "validation.between"},
			{func(r *accounts.UpdateHubRequest) { r.SessionLimit = to(1001) }, "session_limit", "validation.between"},
			{func(r *accounts.UpdateHubRequest) { r.SessionLimit = to(-1) }, "session_limit", "validation.between"},
			{func(r *accounts.UpdateHubRequest) { r.LoginConfirmationChannel = to(accounts.Channel(0)) }, "login_confirmation_channel", "validation.between"},
			{func(r *accounts.UpdateHubRequest) { r.LoginConfirmationChannel = to(accounts.Channel(4)) }, "login_confirmation_channel", "validation.between"},
		} {
			_, err := f.updateHub(f.by(accounts.RoleOwner), tt.change)
			require.Equal(f.t, map[string][]string{tt.field: {tt.broken}}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		}
		for _, a := range []api.Actor{actor(f.elsewhere()), hubless(f.passive)} {
			r := accounts.UpdateHubRequest{Actor: a, Hub: api.Ref{Hash: f.owner.Hub.Hash}, Name: to("x")}
			_, err := f.UpdateHub(t.Context(), r)
			require.Contains(f.t, []fault.Kind{fault.NotFound, fault.Forbidden}, fault.From(err).Kind)
			r.Hub = api.Ref{Hash: strings.Repeat("0", 40)}
			_, err = f.UpdateHub(t.Context(), r)
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
		}
		_, err := f.GetHub(t.Context(), accounts.HubRequest{Actor: f.by(accounts.RoleOwner), Hub: api.Ref{ID: f.count(
			`SELECT MAX(id) FROM hubs`)}})
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		require.Equal(f.t, "Nordantech", f.getHub().Hub.Name)
	})
}

func TestChangesToAHubDoNotOverwriteEachOther(t *testing.T) {
	onTeam(t, func(f *team) {
		seen := f.getHub().Hub.ModifiedTime
		requireOne(f.t, atOnce(4, func(i int) error {
			_, err := f.updateHub(f.by(accounts.RoleOwner), func(r *accounts.UpdateHubRequest) {
				r.Revision, r.SessionLimit = &seen, to(10+i)
			})
			return err
		}), fault.Conflict)
		_, err := f.updateHub(f.by(accounts.RoleOwner), func(r *accounts.UpdateHubRequest) { r.Revision, r.Name = &seen, to("x") })
		requireFault(f.t, err, fault.Conflict, "fault.modified")
	})
}

func TestCreatingHubs(t *testing.T) {
	onTeam(t, func(f *team) {
		_, err := f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: hubless(f.user), Name: " "})
		require.Equal(f.t, map[string][]string{"name": {"validation.required"}}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		created, err := f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: actor(f.user), Name: "Falcon"})
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.RoleOwner, created.Role)
		require.Equal(f.t, "Falcon", created.Hub.Name)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'hub.created' AND hub_id = $1 AND user_id = $2`,
			created.Hub.ID, f.user.User.ID))

		// Of three that are allowed the user owns one.
		failed := 0
		for _, err := range atOnce(5, func(int) error {
			_, err := f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: hubless(f.user), Name: "Falcon"})
			return err
		}) {
			if err != nil {
				requireFault(f.t, err, fault.Conflict, "fault.too_many")
				failed++
			}
		}
		require.Equal(f.t, 3, failed)
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, f.admin.User.ID)
		_, err = f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: hubless(f.admin), Name: "Falcon"})
		requireFault(f.t, err, fault.Unauthenticated, "fault.session_expired")
	}, func(c *Config, _ *Deps) { c.HubsPerUser = 3 })
}

func TestListingHubs(t *testing.T) {
	onTeam(t, func(f *team) {
		for _, name := range []string{"ÄPFEL", "Falcon 100%", "falcon_b"} {
			_, err := f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: hubless(f.user), Name: name})
			require.NoError(f.t, err)
		}
		other := f.elsewhere()
		_, err := f.AddMember(t.Context(), adding(actor(other), "user@example.com", true))
		require.NoError(f.t, err)
		list := func(change func(*accounts.ListHubsRequest)) (names []string, total int) {
			r := accounts.ListHubsRequest{Actor: hubless(f.user), Page: firstPage}
			change(&r)
			got, err := f.ListHubs(t.Context(), r)
			require.NoError(f.t, err)
			for _, h := range got.Hubs {
				names = append(names, h.Hub.Name)
			}
			return names, got.Total
		}
		for _, tt := range []struct {
			change func(*accounts.ListHubsRequest)
			names  string
			total  int
		}{
			{func(*accounts.ListHubsRequest) {}, "Nordantech,ÄPFEL,Falcon 100%,falcon_b", 4},
			{func(r *accounts.ListHubsRequest) { r.Query = "äpf" }, "ÄPFEL", 1},
			{func(r *accounts.ListHubsRequest) { r.Query = "FALCON" }, "Falcon 100%,falcon_b", 2},
			{func(r *accounts.ListHubsRequest) { r.Query = "%" }, "Falcon 100%", 1},
			{func(r *accounts.ListHubsRequest) { r.Role = to(accounts.RoleUser) }, "Nordantech", 1},
			{func(r *accounts.ListHubsRequest) { r.Page = api.Page{Number: 2, Size: 3} }, "falcon_b", 4},
			{func(r *accounts.ListHubsRequest) { r.Page = api.Page{Number: 3, Size: 3} }, "", 4},
		} {
			names, total := list(tt.change)
			require.Equal(f.t, tt.names, strings.Join(names, ","))
			require.Equal(f.t, tt.total, total)
		}
		_, err = f.ListHubs(t.Context(), accounts.ListHubsRequest{Actor: hubless(f.user), Role: to(accounts.Role(6)), Query: "\xff"})
		require.Equal(f.t, map[string][]string{
			"page": {"validation.between"}, "per_page": {"validation.between"}, "role": {"validation.one_of"}, "query": {"validation.utf8"},
		}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
	})
}

func TestSettingPlans(t *testing.T) {
	onTeam(t, func(f *team) {
		expires := f.clock.Now().Add(time.Hour)
		f.clock.Advance(time.Second)
		hub, err := f.SetPlan(t.Context(), accounts.SetPlanRequest{
			Hub: f.owner.Hub.Hash, Type: to(accounts.HubTrial), ExpirationTime: &expires,
			Features: map[string]bool{"accounting": true, "impersonation": false}, Trash: to(30),
		})
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.HubTrial, hub.Type)
		require.Equal(f.t, expires, *hub.ExpirationTime)
		require.Equal(f.t, f.clock.Now(), hub.ModifiedTime)
		got := f.getHub()
		require.True(f.t, *got.Features.Accounting)
		require.True(f.t, *got.Features.Attachments)
		require.False(f.t, got.Features.Impersonation)
		require.Equal(f.t, 30, got.Features.Trash)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'hub.plan_changed' AND actor = 'operator'
			AND detail = '{"fields":["accounting","impersonation","type","expiration_time","trash"]}'`))

		hub, err = f.SetPlan(t.Context(), accounts.SetPlanRequest{Hub: f.owner.Hub.Hash, NoExpiration: true})
		require.NoError(f.t, err)
		require.Nil(f.t, hub.ExpirationTime)
		require.Equal(f.t, accounts.HubTrial, hub.Type)

		_, err = f.SetPlan(t.Context(), accounts.SetPlanRequest{
			Hub: f.owner.Hub.Hash, Type: to(accounts.HubType(3)), Features: map[string]bool{"x": true}, Trash: to(-1),
			ExpirationTime: &expires, NoExpiration: true,
		})
		require.Equal(f.t, map[string][]string{
			"type": {"validation.one_of"}, "features": {"validation.one_of"}, "trash": {"validation.between"},
			"expiration_time": {"validation.one_of"},
		}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		for _, none := range []string{"", "x", strings.Repeat("0", 40)} {
			_, err = f.SetPlan(t.Context(), accounts.SetPlanRequest{Hub: none})
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
		}
	})
}

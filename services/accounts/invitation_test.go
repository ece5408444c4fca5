package accounts

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestTheOwnersFirstLink is how a new installation gets its first user.
func TestTheOwnersFirstLink(t *testing.T) {
	onEach(t, func(f *fixture) {
		invitation, err := f.Invite(t.Context(), accounts.InviteRequest{
			Email: "owner@example.org", FirstName: "Olli", LastName: "Kahn", Language: accounts.English,
		})
		require.NoError(f.t, err)
		require.True(f.t, strings.HasPrefix(invitation.URL, publicURL+"/link/"))
		require.Equal(f.t, "Olli", invitation.User.FirstName)
		f.deliver()
		require.Empty(f.t, f.mail.all(), "nobody asked for mail")

		opened := f.open(invitation.URL[len(invitation.URL)-40:])
		require.Equal(f.t, accounts.LinkInvitation, opened.Kind)
		require.Empty(f.t, opened.HubName)
		identity, err := f.FinishActivation(t.Context(), finishing(opened))
		require.NoError(f.t, err)
		account, err := f.Describe(t.Context(), accounts.DescribeRequest{User: identity.User.ID, Hub: &identity.Hub.ID})
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.RoleOwner, account.Role)
		require.Equal(f.t, "Nordantech", account.Hub.Name)
	})
}

func TestInvitedRoles(t *testing.T) {
	onEach(t, func(f *fixture) {
		hub := f.register(olliMail).Hub
		for _, tt := range []struct {
			email, hub string
			role, want accounts.Role
		}{
			{"a@example.com", hub.Hash, accounts.RoleNone, accounts.RoleUser},
			{"c@example.com", hub.Hash, accounts.RoleOwner, accounts.RoleOwner},
			{"d@example.com", "", accounts.RolePassive, accounts.RoleOwner}, // of a hub of their own
		} {
			invitation, err := f.Invite(t.Context(), accounts.InviteRequest{
				Email: tt.email, FirstName: "A", LastName: "B", Hub: tt.hub, Role: tt.role,
			})
			require.NoError(f.t, err)
			identity, err := f.FinishActivation(t.Context(), finishing(f.open(invitation.URL[len(invitation.URL)-40:])))
			require.NoError(f.t, err)
			require.Equal(f.t, tt.hub != "", identity.Hub.ID == hub.ID, tt.email)
			account, err := f.Describe(t.Context(), accounts.DescribeRequest{User: identity.User.ID, Hub: &identity.Hub.ID})
			require.NoError(f.t, err)
			require.Equal(f.t, tt.want, account.Role, tt.email)
		}

		invitation, err := f.Invite(t.Context(), accounts.InviteRequest{
			Email: "b@example.com", FirstName: "A", LastName: "B", Hub: hub.Hash, Role: accounts.RolePassive,
		})
		require.NoError(f.t, err)
		identity, err := f.FinishActivation(t.Context(), finishing(f.open(invitation.URL[len(invitation.URL)-40:])))
		require.NoError(f.t, err)
		require.Nil(f.t, identity.Hub, "is listed, but cannot enter")
		account, err := f.Describe(t.Context(), accounts.DescribeRequest{User: identity.User.ID})
		require.NoError(f.t, err)
		require.Len(f.t, account.Hubs, 1)
		_, err = f.Describe(t.Context(), accounts.DescribeRequest{User: identity.User.ID, Hub: &hub.ID})
		requireFault(f.t, err, fault.Forbidden, "fault.no_access")
	})
}

func TestInviteRefusesBadInput(t *testing.T) {
	onEach(t, func(f *fixture) {
		for _, tt := range []struct {
			request accounts.InviteRequest
			broken  map[string][]string
		}{
			{accounts.InviteRequest{}, map[string][]string{"email": {"validation.required"}}},
			{
				accounts.InviteRequest{Email: "a@example.com", FirstName: "a\x00", LastName: strings.Repeat("x", 1001)},
				map[string][]string{"first_name": {"validation.control_characters"}, "last_name": {"validation.max_length"}},
			},
			{accounts.InviteRequest{Email: "a@example.com", Role: 6}, map[string][]string{"role": {"validation.one_of"}}},
			{accounts.InviteRequest{Email: "a@example.com", Role: -1}, map[string][]string{"role": {"validation.one_of"}}},
			{accounts.InviteRequest{Email: "a@example.com", Language: -1}, map[string][]string{"language": {"validation.one_of"}}},
		} {
			_, err := f.Invite(t.Context(), tt.request)
			require.Equal(f.t, tt.broken, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		}
		for _, hub := range []string{strings.Repeat("0", 40), "x", "\x00\xff"} {
			_, err := f.Invite(t.Context(), accounts.InviteRequest{Email: "a@example.com", Hub: hub})
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
		}
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users`), "an invitation that failed left a user")
	})
}

func TestInviteAgainAndWhoeverIsNoNewcomer(t *testing.T) {
	onEach(t, func(f *fixture) {
		first, err := f.Invite(t.Context(), accounts.InviteRequest{Email: olliMail})
		require.NoError(f.t, err)
		second, err := f.Invite(t.Context(), accounts.InviteRequest{Email: strings.ToUpper(olliMail)})
		require.NoError(f.t, err)
		require.Equal(f.t, first.User.ID, second.User.ID)
		require.NotEqual(f.t, first.URL, second.URL)

		for _, status := range []accounts.Status{accounts.Active, accounts.Disabled} {
			f.exec(`UPDATE users SET status = $1`, status)
			_, err = f.Invite(t.Context(), accounts.InviteRequest{Email: olliMail, Mail: true})
			requireFault(f.t, err, fault.Conflict, "fault.conflict")
		}
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM activations`))
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM outbox`))
	})
}

func TestAnInvitationToAHubThatIsGone(t *testing.T) {
	onEach(t, func(f *fixture) {
		hub := f.register(olliMail).Hub
		invitation, err := f.Invite(t.Context(), accounts.InviteRequest{
			Email: "a@example.com", FirstName: "A", LastName: "B", Hub: hub.Hash,
		})
		require.NoError(f.t, err)
		opened := f.open(invitation.URL[len(invitation.URL)-40:])
		f.exec(`DELETE FROM hubs WHERE id = $1`, hub.ID)
		_, err = f.FinishActivation(t.Context(), finishing(opened))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
	})
}

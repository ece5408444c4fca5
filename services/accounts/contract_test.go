package accounts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// TestContract holds for the service in this process and for the one behind
// HTTP: callers cannot tell them apart.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, reach := range map[string]func(*fixture, string) accounts.Service{
		"local": (*fixture).local, "http": (*fixture).remote,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, accounts.Name, Migrations, func(t *testing.T, d *db.DB) {
				f := newFixture(t, d)
				c := contract{T: t, f: f, s: reach(f, api.Gateway), oauth: reach(f, api.OAuth), operator: reach(f, api.Operator)}
				identity := c.registration()
				c.login(identity)
				c.describe(identity)
				c.claims(identity)
				c.invitation(identity)
				c.refusals()
				c.strangers()
			})
		})
	}
}

type contract struct {
	*testing.T

	f *fixture
	s accounts.Service // as the gateway, as the others below

	oauth, operator accounts.Service
}

func (c contract) registration() accounts.Identity {
	ctx := c.Context()
	nothing, err := c.s.InitiateActivation(ctx, registration(olliMail))
	require.NoError(c, err)
	require.Equal(c, api.Nothing{}, nothing)
	c.f.deliver()
	sent := c.f.mail.to(olliMail)
	require.Len(c, sent, 1)
	require.Equal(c, mail.Activation, sent[0].Template)
	require.Equal(c, int(accounts.English), sent[0].Language)
	require.Equal(c, publicURL+"/link/"+linkOf(sent[0]), sent[0].Data["url"])

	link := accounts.OpenLinkRequest{Link: linkOf(sent[0]), Origin: browser}
	opened, err := c.s.OpenLink(ctx, link)
	require.NoError(c, err)
	require.Equal(c, accounts.LinkActivation, opened.Kind)
	require.Len(c, opened.Activation, 40)
	require.NotEqual(c, link.Link, opened.Activation)
	require.Empty(c, opened.HubName)
	require.Equal(c, accounts.Invited, opened.User.Status)
	require.Equal(c, []string{"Olli", "Kahn", olliMail}, []string{opened.User.FirstName, opened.User.LastName, opened.User.Email})
	_, err = c.s.OpenLink(ctx, link)
	requireFault(c.T, err, fault.Gone, "fault.link_used")
	link.Link = strings.Repeat("0", 40)
	_, err = c.s.OpenLink(ctx, link)
	requireFault(c.T, err, fault.NotFound, "fault.link_unknown")

	finish := finishing(opened)
	finish.Terms, finish.Name, finish.Password = false, " ", "kahn"
	_, err = c.s.FinishActivation(ctx, finish)
	got := requireFault(c.T, err, fault.Invalid, "fault.invalid")
	require.Equal(c, map[string][]string{
		"name":  {"validation.required"},
		"terms": {"validation.accepted"},
		"password": {
			"validation.password_too_short", "validation.password_contains_identity", "validation.confirmed",
		},
	}, messageIDs(got))

	identity, err := c.s.FinishActivation(ctx, finishing(opened))
	require.NoError(c, err)
	now := c.f.clock.Now()
	want := accounts.Identity{
		User: accounts.User{
			ID: opened.User.ID, Hash: opened.User.Hash, FirstName: "Olli", LastName: "Kahn", Email: olliMail,
			EmailVerified: true, Status: accounts.Active, Language: accounts.English, Locale: 1, Statefulness: true,
			PasswordType: accounts.PasswordUser, PasswordModifiedTime: now, RegistrationTime: now,
			TermsAcceptedTime: &now, CreatedTime: now, ModifiedTime: now,
		},
		Hub: &accounts.Hub{
			ID: identity.Hub.ID, Hash: identity.Hub.Hash, Name: "Nordantech", CreatedTime: now, ModifiedTime: now,
			Policies: accounts.HubPolicies{RecoveryApproval: true},
			Settings: accounts.HubSettings{
				ProgramLevel: true, LoginConfirmationChannel: 1, OfficePreview: true, PDFPreview: true, Support: true, SessionLimit: 3,
			},
		},
	}
	require.Empty(c, cmp.Diff(want, identity))
	_, err = c.s.FinishActivation(ctx, finishing(opened))
	requireFault(c.T, err, fault.NotFound, "fault.not_found")
	return identity
}

func (c contract) login(want accounts.Identity) {
	request := accounts.AuthenticateRequest{Login: "TITAN@example.COM", Password: olliPassword, Origin: browser}
	got, err := c.s.Authenticate(c.Context(), request)
	require.NoError(c, err)
	require.Empty(c, cmp.Diff(want, got))

	request.Password = "wrong password"
	_, wrong := c.s.Authenticate(c.Context(), request)
	requireFault(c.T, wrong, fault.Unauthenticated, "fault.credentials")
	request.Login = "nobody@example.com"
	_, unknown := c.s.Authenticate(c.Context(), request)
	require.Equal(c, fault.From(wrong), fault.From(unknown), "the answers tell an unknown user from a wrong password")
}

func (c contract) describe(identity accounts.Identity) {
	yes, no := true, false
	got, err := c.s.Describe(c.Context(), accounts.DescribeRequest{User: identity.User.ID, Hub: &identity.Hub.ID})
	require.NoError(c, err)
	require.Empty(c, cmp.Diff(accounts.Account{
		User: identity.User, Hubs: []accounts.Hub{*identity.Hub}, Hub: identity.Hub, Role: accounts.RoleOwner,
		Features: accounts.Features{
			Accounting: &no, Attachments: &yes, Audit: &no, EffectFreeze: &yes, EffectProvenience: &yes,
			Impersonation: true, NetworkFilter: &no, ReportPreferences: &yes, SecuritySettings: &no,
			SessionLimit: 3, Subscriptions: &yes, Trash: 7,
		},
	}, got))

	got, err = c.s.Describe(c.Context(), accounts.DescribeRequest{User: identity.User.ID})
	require.NoError(c, err)
	require.Empty(c, cmp.Diff(accounts.Account{
		User: identity.User, Hubs: []accounts.Hub{*identity.Hub},
		Features: accounts.Features{Impersonation: true, Trash: 7},
	}, got), "hubless")

	other := identity.Hub.ID + 1
	_, err = c.s.Describe(c.Context(), accounts.DescribeRequest{User: identity.User.ID, Hub: &other})
	requireFault(c.T, err, fault.Forbidden, "fault.forbidden")
	_, err = c.s.Describe(c.Context(), accounts.DescribeRequest{User: identity.User.ID + 1000})
	requireFault(c.T, err, fault.NotFound, "fault.not_found")
}

func (c contract) claims(identity accounts.Identity) {
	got, err := c.oauth.Claims(c.Context(), accounts.ClaimsRequest{Subject: identity.User.Hash, Hub: &identity.Hub.ID})
	require.NoError(c, err)
	require.Equal(c, accounts.RoleOwner, got.Role)
	require.Empty(c, cmp.Diff(identity.User, got.User))
	require.Empty(c, cmp.Diff(identity.Hub, got.Hub))

	left := identity.Hub.ID + 1
	got, err = c.oauth.Claims(c.Context(), accounts.ClaimsRequest{Subject: identity.User.Hash, Hub: &left})
	require.NoError(c, err)
	require.Nil(c, got.Hub)
	require.Equal(c, accounts.RoleNone, got.Role)
	require.Equal(c, accounts.Features{Impersonation: true, Trash: 7}, got.Features)

	for _, subject := range []string{"", "titan@example.com", strings.Repeat("0", 40), "\x00\xff"} {
		_, err = c.oauth.Claims(c.Context(), accounts.ClaimsRequest{Subject: subject})
		requireFault(c.T, err, fault.NotFound, "fault.not_found")
	}
	n, err := c.operator.Statistics(c.Context(), api.Nothing{})
	require.NoError(c, err)
	require.EqualValues(c, 1, n.ActiveUsers)
}

func (c contract) invitation(owner accounts.Identity) {
	invitation, err := c.operator.Invite(c.Context(), accounts.InviteRequest{
		Email: "manu@example.com", Language: accounts.German, Hub: owner.Hub.Hash, Role: accounts.RoleAdministrator, Mail: true,
	})
	require.NoError(c, err)
	require.Equal(c, accounts.Invited, invitation.User.Status)
	c.f.deliver()
	sent := c.f.mail.to("manu@example.com")
	require.Len(c, sent, 1)
	require.Equal(c, mail.Invitation, sent[0].Template)
	require.Equal(c, int(accounts.German), sent[0].Language)
	require.Equal(c, map[string]string{"url": invitation.URL, "hub": "Nordantech"}, sent[0].Data)

	opened, err := c.s.OpenLink(c.Context(), accounts.OpenLinkRequest{Link: linkOf(sent[0]), Origin: browser})
	require.NoError(c, err)
	require.Equal(c, accounts.LinkInvitation, opened.Kind)
	require.Equal(c, "Nordantech", opened.HubName)
	finish := finishing(opened)
	finish.Name = ""
	_, err = c.s.FinishActivation(c.Context(), finish)
	got := requireFault(c.T, err, fault.Invalid, "fault.invalid")
	require.Equal(c, map[string][]string{"first_name": {"validation.required"}, "last_name": {"validation.required"}}, messageIDs(got))

	finish.FirstName, finish.LastName = "Manu", "Neuer"
	identity, err := c.s.FinishActivation(c.Context(), finish)
	require.NoError(c, err)
	require.Equal(c, owner.Hub.ID, identity.Hub.ID)
	require.Equal(c, "Manu", identity.User.FirstName)
	account, err := c.s.Describe(c.Context(), accounts.DescribeRequest{User: identity.User.ID, Hub: &owner.Hub.ID})
	require.NoError(c, err)
	require.Equal(c, accounts.RoleAdministrator, account.Role)

	_, err = c.operator.Invite(c.Context(), accounts.InviteRequest{Email: olliMail})
	requireFault(c.T, err, fault.Conflict, "fault.conflict")
	_, err = c.operator.Invite(c.Context(), accounts.InviteRequest{Email: "new@example.com", Hub: strings.Repeat("0", 40)})
	requireFault(c.T, err, fault.NotFound, "fault.not_found")
}

func (c contract) refusals() {
	_, err := c.s.InitiateActivation(c.Context(), accounts.InitiateActivationRequest{Email: "not an address", Language: 7})
	got := requireFault(c.T, err, fault.Invalid, "fault.invalid")
	require.Equal(c, map[string][]string{
		"first_name": {"validation.required"}, "last_name": {"validation.required"},
		"email": {"validation.email"}, "language": {"validation.one_of"},
	}, messageIDs(got))
	_, err = c.s.Authenticate(c.Context(), accounts.AuthenticateRequest{})
	got = requireFault(c.T, err, fault.Invalid, "fault.invalid")
	require.Equal(c, map[string][]string{"user": {"validation.required"}, "password": {"validation.required"}}, messageIDs(got))
}

// strangers are services that may call others of the methods.
func (c contract) strangers() {
	_, err := c.s.Claims(c.Context(), accounts.ClaimsRequest{})
	requireFault(c.T, err, fault.Forbidden, "fault.forbidden")
	_, err = c.s.Invite(c.Context(), accounts.InviteRequest{})
	requireFault(c.T, err, fault.Forbidden, "fault.forbidden")
	_, err = c.oauth.Authenticate(c.Context(), accounts.AuthenticateRequest{})
	requireFault(c.T, err, fault.Forbidden, "fault.forbidden")
}

// messageIDs are the broken rules by field.
func messageIDs(f *fault.Fault) map[string][]string {
	all := map[string][]string{}
	for field, messages := range f.Fields {
		for _, m := range messages {
			all[field] = append(all[field], m.ID)
		}
	}
	return all
}

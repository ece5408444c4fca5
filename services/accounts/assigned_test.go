package accounts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *team) assign(a api.Actor, who accounts.Identity, change func(*accounts.AssignIdentityRequest)) error {
	r := accounts.AssignIdentityRequest{Actor: a, Member: ref(who), Provider: "company"}
	change(&r)
	_, err := f.AssignIdentity(f.t.Context(), r)
	return err
}

func bySubject(subject string) func(*accounts.AssignIdentityRequest) {
	return func(r *accounts.AssignIdentityRequest) { r.Subject = subject }
}

func byEmail(email string) func(*accounts.AssignIdentityRequest) {
	return func(r *accounts.AssignIdentityRequest) { r.Email = email }
}

// into goes to the hub.
func (f *team) into(u accounts.UpstreamIdentity) accounts.UpstreamIdentity {
	u.Into = &f.hub
	return u
}

func TestAnAssignedIdentityCountsForTheHubAlone(t *testing.T) {
	onTeam(t, func(f *team) {
		admin := f.by(accounts.RoleAdministrator)
		require.Contains(f.t, requireFault(f.t, f.assign(admin, f.user, bySubject("1")), fault.Invalid, "fault.invalid").Fields, "provider")
		f.use("company", accounts.SignInIndividual)
		require.NoError(f.t, f.assign(admin, f.user, bySubject("1")))
		found, err := f.find(f.into(installed("1", "")))
		require.NoError(f.t, err)
		require.Equal(f.t, f.user.User.ID, found.User.ID)
		require.Equal(f.t, &f.hub, found.ProviderHub, "an administrator has said so, and nobody else")
		f.in(vouched(found, "company"))
		f.unknown(installed("1", "")) // to no hub

		// Whose it is everywhere, its owner says; in the hub, the administrators do.
		other := f.elsewhere()
		require.NoError(f.t, f.link(actor(other), installed("1", "")))
		anywhere, err := f.find(installed("1", ""))
		require.NoError(f.t, err)
		require.Equal(f.t, other.User.ID, anywhere.User.ID)
		found, err = f.find(f.into(installed("1", "")))
		require.NoError(f.t, err)
		require.Equal(f.t, f.user.User.ID, found.User.ID)

		requireFault(f.t, f.assign(admin, f.admin, bySubject("1")), fault.Conflict, "fault.identity_linked")
		require.NoError(f.t, f.assign(admin, f.user, bySubject("2")))
		found, err = f.find(f.into(installed("1", "")))
		require.NoError(f.t, err)
		require.Equal(f.t, other.User.ID, found.User.ID, "in the place of what was said before")
		_, err = f.UnassignIdentity(t.Context(), accounts.UnassignIdentityRequest{Actor: admin, Member: ref(f.user), Provider: "company"})
		require.NoError(f.t, err)
		f.unknown(f.into(installed("2", "")))
		_, err = f.UnassignIdentity(t.Context(), accounts.UnassignIdentityRequest{Actor: admin, Member: ref(f.user), Provider: "company"})
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
	})
}

func TestWhoAssignsIdentities(t *testing.T) {
	onTeam(t, func(f *team) {
		f.use("company", accounts.SignInIndividual)
		requireFault(f.t, f.assign(f.by(accounts.RoleUser), f.user, bySubject("1")), fault.Forbidden, "fault.forbidden")
		requireFault(f.t, f.assign(f.by(accounts.RoleAdministrator), f.tech, bySubject("1")), fault.Forbidden, "fault.forbidden")
		requireFault(f.t, f.assign(f.by(accounts.RoleOwner), f.elsewhere(), bySubject("1")), fault.NotFound, "fault.not_found")
		listed := accounts.Identity{User: f.add(f.by(accounts.RoleOwner), "listed@example.com", false).User}
		requireFault(f.t, f.assign(f.by(accounts.RoleOwner), listed, bySubject("1")), fault.Conflict, "fault.member_not_joined")
		for message, a := range guarded(f.owner) {
			if message != "fault.provider_session" {
				requireFault(f.t, f.assign(a, f.user, bySubject("1")), fault.Forbidden, message)
			}
		}
		for field, change := range map[string]func(*accounts.AssignIdentityRequest){
			"provider": func(r *accounts.AssignIdentityRequest) { r.Provider = "another"; r.Subject = "1" },
			"email":    func(*accounts.AssignIdentityRequest) {},
			"subject":  bySubject("a\x00b"),
		} {
			err := f.assign(f.by(accounts.RoleOwner), f.user, change)
			require.Contains(f.t, requireFault(f.t, err, fault.Invalid, "fault.invalid").Fields, field)
		}
		// What was assigned is not the member's to change, nor what will be.
		require.NoError(f.t, f.assign(f.by(accounts.RoleOwner), f.user, bySubject("1")))
		requireFault(f.t, f.link(actor(f.user), installed("2", "")), fault.Forbidden, "fault.provider_individual")
		_, err := f.UnlinkIdentity(t.Context(), accounts.UnlinkIdentityRequest{
			Actor: actor(f.user), Identity: api.Ref{ID: f.count(`SELECT id FROM identities`)},
		})
		requireFault(f.t, err, fault.Forbidden, "fault.provider_individual")
		require.NoError(f.t, f.link(hubless(f.user), installed("2", "")), "outside, the hub has no say")
		_, err = f.UnlinkIdentity(t.Context(), accounts.UnlinkIdentityRequest{
			Actor: actor(f.user), Identity: api.Ref{ID: f.count(`SELECT MAX(id) FROM identities`)},
		})
		requireFault(f.t, err, fault.Forbidden, "fault.provider_individual")
		f.use("own", accounts.SignInIndividual)
		requireFault(f.t, f.link(hubless(f.user), f.says("1", "")), fault.Forbidden, "fault.provider_individual")
	})
}

func TestAnIdentityIsAssignedByAddress(t *testing.T) {
	onTeam(t, func(f *team) {
		f.use("company", accounts.SignInIndividual)
		admin := f.by(accounts.RoleAdministrator)
		require.NoError(f.t, f.assign(admin, f.user, byEmail("Olli@company.example")))
		requireFault(f.t, f.assign(admin, f.admin, byEmail("olli@company.example")), fault.Conflict, "fault.identity_linked")
		untrusted := f.into(installed("1", "olli@company.example"))
		untrusted.EmailTrusted = false
		f.unknown(untrusted)
		f.unknown(f.into(installed("1", "else@company.example")))
		f.unknown(installed("1", "olli@company.example")) // to no hub

		results := atOnce(2, func(int) error {
			_, err := f.find(f.into(installed("1", "olli@company.example")))
			return err
		})
		for _, err := range results {
			if err != nil {
				requireFault(f.t, err, fault.Unauthenticated, "fault.identity_unknown")
			}
		}
		found, err := f.find(f.into(installed("1", "olli@company.example")))
		require.NoError(f.t, err)
		require.Equal(f.t, f.user.User.ID, found.User.ID)
		require.Equal(f.t, &f.hub, found.ProviderHub)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM identities`))
		require.EqualValues(f.t, 0, f.count(`SELECT COUNT(*) FROM assigned_identities`))
		f.unknown(f.into(installed("2", "olli@company.example"))) // who has the address now is somebody else
	})
}

func TestMembersAreKnownByTheDomainOfAMandatoryProvider(t *testing.T) {
	onTeam(t, func(f *team) {
		f.use("own", accounts.SignInOptional)
		f.unknown(f.says("1", "user@example.com"))
		f.use("own", accounts.SignInMandatory, "example.com")
		found, err := f.find(f.says("1", "User@Example.com"))
		require.NoError(f.t, err)
		require.Equal(f.t, f.user.User.ID, found.User.ID)
		require.Equal(f.t, &f.hub, found.ProviderHub)
		f.in(vouched(found, "own"))
		f.unknown(f.says("2", "user@example.com"))     // another subject
		f.unknown(f.says("3", "owner@example.com"))    // owners link theirs themselves
		f.unknown(f.says("4", "user@sub.example.com")) // below the domain
		f.unknown(f.says("5", "nobody@example.com"))   // no account
		f.elsewhere()                                  // is no member
		f.unknown(f.says("6", "elsewhere@example.com"))
		second := f.join("second@example.com", f.hub, accounts.RoleUser)
		unverified := f.says("7", "second@example.com")
		unverified.EmailTrusted = false
		f.unknown(unverified)
		f.add(f.by(accounts.RoleOwner), "listed@example.com", false)
		f.unknown(f.says("8", "listed@example.com")) // has not joined
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, second.User.ID)
		f.unknown(f.says("9", "second@example.com"))
		require.Len(f.t, f.notices("user@example.com"), 1)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM identities`))
	})
}

func TestAnAddressOpensAnAccountOnlyWhereTheOperatorSaysSo(t *testing.T) {
	onTeam(t, func(f *team) {
		f.unknown(installed("1", "user@example.com"))
		known := installed("1", "user@example.com")
		known.LinkByEmail = true
		for _, change := range []func(*accounts.UpstreamIdentity){
			func(u *accounts.UpstreamIdentity) { u.EmailTrusted = false },
			func(u *accounts.UpstreamIdentity) { u.Email = "" },
			func(u *accounts.UpstreamIdentity) { u.Email = "nobody@example.com" },
			func(u *accounts.UpstreamIdentity) { u.Hub = &f.hub },
		} {
			u := known
			change(&u)
			f.unknown(u)
		}
		found, err := f.find(known)
		require.NoError(f.t, err)
		require.Equal(f.t, f.user.User.ID, found.User.ID)
		require.Nil(f.t, found.ProviderHub)
		require.Len(f.t, f.notices("user@example.com"), 1)
		known.Subject = "2"
		f.unknown(known)
	})
}

func TestAnInvitationIsFinishedByAnIdentity(t *testing.T) {
	onTeam(t, func(f *team) {
		f.add(f.by(accounts.RoleOwner), "uli@example.com", true)
		opened := f.open(f.invitedLink("uli@example.com"))
		r := finishing(opened)
		r.Password, r.PasswordConfirmation = "", ""
		_, err := f.FinishActivation(t.Context(), r)
		require.Contains(f.t, requireFault(f.t, err, fault.Invalid, "fault.invalid").Fields, "password")

		finish := func(u accounts.UpstreamIdentity) (accounts.Identity, error) {
			r.Identity = &u
			return f.FinishActivation(t.Context(), r)
		}
		foreign := f.says("1", "")
		foreign.Hub = &f.elsewhere().Hub.ID
		_, err = finish(foreign)
		requireFault(f.t, err, fault.Forbidden, "fault.provider_session")
		f.use("company", accounts.SignInIndividual)
		_, err = finish(installed("1", ""))
		requireFault(f.t, err, fault.Forbidden, "fault.provider_individual")
		require.NoError(f.t, f.removeSignIn("company"))
		require.NoError(f.t, f.link(actor(f.user), installed("1", "")))
		_, err = finish(installed("1", ""))
		requireFault(f.t, err, fault.Conflict, "fault.identity_linked")

		uli, err := finish(installed("2", ""))
		require.NoError(f.t, err)
		require.EqualValues(f.t, 0, f.count(`SELECT COUNT(*) FROM credentials WHERE user_id = $1`, uli.User.ID))
		found, err := f.find(installed("2", ""))
		require.NoError(f.t, err)
		require.Equal(f.t, uli.User.ID, found.User.ID)

		// Who has an account joins by what is linked to it, and by nothing else.
		owner := f.elsewhere2()
		f.add(f.by(accounts.RoleOwner), owner.User.Email, true)
		opened = f.open(f.invitedLink(owner.User.Email))
		r = finishing(opened)
		r.Password = ""
		_, err = finish(installed("3", owner.User.Email))
		requireFault(f.t, err, fault.Unauthenticated, "fault.identity_unknown")
		_, err = finish(installed("2", ""))
		requireFault(f.t, err, fault.Unauthenticated, "fault.identity_unknown")
		require.NoError(f.t, f.link(actor(owner), installed("3", "")))
		joined, err := finish(installed("3", ""))
		require.NoError(f.t, err)
		require.Equal(f.t, f.hub, joined.Hub.ID)
	})
}

func (f *team) elsewhere2() accounts.Identity { return f.register("elsewhere2@example.com") }

package accounts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	hubIssuer = "https://login.hub.example"
	allIssuer = "https://login.example.net"
)

// use has the hub use a provider: "own" is one that it has brought along.
func (f *team) use(provider string, mode accounts.SignInMode, domains ...string) {
	f.t.Helper()
	issuer := allIssuer
	if provider == "own" {
		issuer = hubIssuer
	}
	_, err := f.SetSignIn(f.t.Context(), accounts.SetSignInRequest{Actor: f.by(accounts.RoleTechnicalAdministrator), SignIn: accounts.SignIn{
		Provider: provider, Own: provider == "own", Mode: mode, Title: "The " + provider, Issuer: issuer, Domains: domains,
		Revision: 1 + f.count(`SELECT COALESCE(MAX(revision), 0) FROM sign_ins`),
	}})
	require.NoError(f.t, err)
}

// says is what the hub's own provider says.
func (f *team) says(subject, email string) accounts.UpstreamIdentity {
	return accounts.UpstreamIdentity{
		Provider: "own", Issuer: hubIssuer, Subject: subject, Hub: &f.hub, Into: &f.hub, Email: email, EmailTrusted: true, Origin: browser,
	}
}

// installed is what a provider of the installation says.
func installed(subject, email string) accounts.UpstreamIdentity {
	return accounts.UpstreamIdentity{
		Provider: "company", Issuer: allIssuer, Subject: subject, Email: email, EmailTrusted: true, Origin: browser,
	}
}

func (f *team) link(a api.Actor, u accounts.UpstreamIdentity) error {
	_, err := f.LinkIdentity(f.t.Context(), accounts.LinkIdentityRequest{Actor: a, Identity: u})
	return err
}

func (f *team) find(u accounts.UpstreamIdentity) (accounts.Identity, error) {
	return f.FindIdentity(f.t.Context(), u)
}

func (f *team) unknown(u accounts.UpstreamIdentity) {
	f.t.Helper()
	_, err := f.find(u)
	requireFault(f.t, err, fault.Unauthenticated, "fault.identity_unknown")
}

// vouched is how somebody comes whom a provider has proved.
func vouched(i accounts.Identity, provider string) accounts.AdmitRequest {
	r := admitting(i)
	r.Proof, r.Provider, r.ProviderHub = accounts.ProofIdentity, provider, i.ProviderHub
	return r
}

func TestWhoSaysHowAHubUsesProviders(t *testing.T) {
	onTeam(t, func(f *team) {
		set := func(a api.Actor) error {
			_, err := f.SetSignIn(f.t.Context(), accounts.SetSignInRequest{Actor: a, SignIn: accounts.SignIn{
				Provider: "company", Mode: accounts.SignInOptional, Issuer: allIssuer,
			}})
			return err
		}
		remove := func(a api.Actor) error {
			_, err := f.RemoveSignIn(f.t.Context(), accounts.SignInRequest{Actor: a, Provider: "company"})
			return err
		}
		list := func(a api.Actor) error {
			_, err := f.ListSignIns(f.t.Context(), accounts.ListSignInsRequest{Hub: f.hub, Actor: &a})
			return err
		}
		for _, do := range []func(api.Actor) error{set, remove, list} {
			for role := accounts.RolePassive; role < accounts.RoleTechnicalAdministrator; role++ {
				require.True(f.t, fault.Is(do(f.by(role)), fault.Forbidden), role)
			}
			requireFault(f.t, do(hubless(f.owner)), fault.Forbidden, "fault.hub_required")
		}
		require.True(f.t, fault.Is(list(actor(f.elsewhere())), fault.Forbidden), "another hub's owner")
		for message, a := range guarded(f.tech) {
			if message == "fault.provider_session" {
				continue // it is about the hub
			}
			requireFault(f.t, set(a), fault.Forbidden, message)
			requireFault(f.t, remove(a), fault.Forbidden, message)
		}
		require.NoError(f.t, set(f.by(accounts.RoleTechnicalAdministrator)))
		require.NoError(f.t, remove(f.by(accounts.RoleOwner)))
		requireFault(f.t, remove(f.by(accounts.RoleOwner)), fault.NotFound, "fault.not_found")

		// Of two changes the later one counts, whichever arrives first.
		f.use("company", accounts.SignInOptional)
		f.use("company", accounts.SignInIndividual)
		requireFault(f.t, set(f.by(accounts.RoleOwner)), fault.Conflict, "fault.modified")
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM sign_ins WHERE mode = 'individual'`))
		require.EqualValues(f.t, 3, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'provider.set' AND hub_id = $1`, f.hub))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'provider.removed' AND hub_id = $1`, f.hub))
	})
}

func TestAnIdentityOfAHubsProviderCountsForTheHubAlone(t *testing.T) {
	onTeam(t, func(f *team) {
		stranger := f.elsewhere()
		requireFault(f.t, f.link(actor(f.user), f.says("1", "")), fault.NotFound, "fault.not_found")
		f.use("own", accounts.SignInOptional)
		requireFault(f.t, f.link(actor(stranger), f.says("1", "")), fault.Forbidden, "fault.no_access")
		require.NoError(f.t, f.link(hubless(f.user), f.says("1", "")))
		requireFault(f.t, f.link(actor(f.admin), f.says("1", "")), fault.Conflict, "fault.identity_linked")

		found, err := f.find(f.says("1", ""))
		require.NoError(f.t, err)
		require.Equal(f.t, f.user.User.ID, found.User.ID)
		require.Equal(f.t, &f.hub, found.ProviderHub)
		account := f.in(vouched(found, "own"))
		require.Len(f.t, account.Hubs, 1)

		// It is no way into anything else.
		for name, change := range map[string]func(*accounts.AdmitRequest){
			"no hub":      func(r *accounts.AdmitRequest) { r.Hub = nil },
			"another hub": func(r *accounts.AdmitRequest) { r.Hub = &stranger.Hub.ID },
			"lenient":     func(r *accounts.AdmitRequest) { r.Hub, r.Fallback = &stranger.Hub.ID, true },
			"last hub": func(r *accounts.AdmitRequest) {
				r.Hub, r.LastHub, r.Fallback = nil, true, true
				r.ProviderHub = &stranger.Hub.ID
			},
			"hub change": func(r *accounts.AdmitRequest) { r.Proof, r.Hub = accounts.ProofSession, nil },
		} {
			r := vouched(found, "own")
			change(&r)
			_, err := f.Admit(t.Context(), r)
			require.True(f.t, fault.Is(err, fault.Forbidden), "%s: %v", name, err)
		}
		// The same words mean nothing at the installation's providers, nor in other hubs.
		plain := f.says("1", "")
		plain.Hub, plain.Into = nil, nil
		f.unknown(plain)
		other := f.says("1", "")
		other.Hub, other.Into = &stranger.Hub.ID, &stranger.Hub.ID
		f.unknown(other)
		lookalike := plain
		lookalike.Issuer = "hub:1 " + hubIssuer
		f.unknown(lookalike)

		// It is gone with the provider, and with the membership.
		_, err = f.RemoveSignIn(t.Context(), accounts.SignInRequest{Actor: f.by(accounts.RoleOwner), Provider: "own"})
		require.NoError(f.t, err)
		f.unknown(f.says("1", ""))
		f.deliver()
		require.Len(f.t, f.ended.all, 1)
		require.Equal(f.t, f.user.User.ID, f.ended.all[0].User)
		require.Equal(f.t, &f.hub, f.ended.all[0].Hub)
		_, err = f.Admit(t.Context(), vouched(found, "own"))
		requireFault(f.t, err, fault.Forbidden, "fault.provider_session")
		f.use("own", accounts.SignInOptional)
		f.unknown(f.says("1", ""))
		require.NoError(f.t, f.link(actor(f.user), f.says("1", "")))
		_, err = f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: f.by(accounts.RoleOwner), Member: ref(f.user)})
		require.NoError(f.t, err)
		f.unknown(f.says("1", ""))
		require.EqualValues(f.t, 0, f.count(`SELECT COUNT(*) FROM identities`))
	})
}

// TestNoStepIsAWayOutOfAHub: its owner could ask for any step.
func TestNoStepIsAWayOutOfAHub(t *testing.T) {
	onTeam(t, func(f *team) {
		f.use("own", accounts.SignInOptional)
		require.NoError(f.t, f.link(actor(f.user), f.says("1", "")))
		found, err := f.find(f.says("1", ""))
		require.NoError(f.t, err)
		f.exec(`UPDATE users SET password_update = TRUE`)
		f.in(vouched(found, "own"))
		f.exec(`UPDATE hubs SET login_confirmation = TRUE, login_confirmation_channel = 3`)
		r := vouched(found, "own")
		r.Challenge = f.answer(f.user.User, *f.step(accounts.StepCode, r).Challenge)
		_, err = f.Admit(t.Context(), r)
		requireFault(f.t, err, fault.Forbidden, "fault.provider_factor")

		confined := actor(f.user)
		confined.ProviderHub = &f.hub
		_, err = f.CreateHub(t.Context(), accounts.CreateHubRequest{Actor: confined, Name: "Mine"})
		requireFault(f.t, err, fault.Forbidden, "fault.provider_session")
		_, err = f.ListIdentities(t.Context(), accounts.ActorRequest{Actor: confined})
		requireFault(f.t, err, fault.Forbidden, "fault.provider_session")
		f.exec(`INSERT INTO memberships (hub_id, user_id, number, hash, name_key, role, joined_time, created_time, modified_time)
			VALUES ($1, $2, $2, 'x', '', 2, 1, 1, 1)`, f.elsewhere().Hub.ID, f.user.User.ID)
		hubs, err := f.ListHubs(t.Context(), accounts.ListHubsRequest{Actor: confined, Page: api.Page{Number: 1, Size: 10}})
		require.NoError(f.t, err)
		require.Len(f.t, hubs.Hubs, 1)
	})
}

func TestAMandatoryProviderIsTheOnlyWayIn(t *testing.T) {
	onTeam(t, func(f *team) {
		require.NoError(f.t, f.link(actor(f.user), installed("1", "")))
		found, err := f.find(installed("1", ""))
		require.NoError(f.t, err)
		require.Nil(f.t, found.ProviderHub)
		f.use("company", accounts.SignInMandatory)
		f.in(vouched(found, "company"))

		refuse := func(r accounts.AdmitRequest) {
			_, err := f.Admit(t.Context(), r)
			require.Equal(f.t, "The company", requireFault(f.t, err, fault.Forbidden, "fault.provider_required").Message.Args["Provider"])
		}
		for _, proof := range []accounts.Proof{
			accounts.ProofPassword, accounts.ProofLink, accounts.ProofToken, accounts.ProofPasskey, accounts.ProofSession,
		} {
			r := admitting(f.user)
			r.Proof = proof
			refuse(r)
			r.Fallback = true
			require.Nil(f.t, f.in(r).Hub, "%s: they were going there because they were there last", proof)
		}
		refuse(vouched(found, "another"))
		session := vouched(found, "company")
		session.Proof = accounts.ProofSession
		f.in(session)
		named := admitting(f.user)
		named.Provider = "company"
		refuse(named) // a password, whatever else is said
		// The hub's own provider of that name is another one.
		require.NoError(f.t, f.removeSignIn("company"))
		f.use("own", accounts.SignInMandatory)
		refused := vouched(found, "own")
		_, err = f.Admit(t.Context(), refused)
		requireFault(f.t, err, fault.Forbidden, "fault.provider_required")
	})
}

func (f *team) removeSignIn(provider string) error {
	_, err := f.RemoveSignIn(f.t.Context(), accounts.SignInRequest{Actor: f.by(accounts.RoleOwner), Provider: provider})
	return err
}

func TestOwnersGetIntoTheirHubWithoutItsProvider(t *testing.T) {
	onTeam(t, func(f *team) {
		f.use("own", accounts.SignInMandatory)
		_, err := f.Admit(t.Context(), admitting(f.owner))
		requireFault(f.t, err, fault.Forbidden, "fault.provider_required")
		byKey := admitting(f.owner)
		byKey.Proof = accounts.ProofPasskey
		f.in(byKey)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%against_provider%'`))

		for _, who := range []accounts.Identity{f.owner, f.tech} {
			f.exec(`INSERT INTO factors (hash, user_id, channel, sealed, confirmed_time, created_time, modified_time)
				VALUES ($1, $2, 3, $3, 1, 1, 1)`, who.User.Hash, who.User.ID, []byte{})
		}
		f.step(accounts.StepCode, admitting(f.owner))
		_, err = f.Admit(t.Context(), admitting(f.tech))
		requireFault(f.t, err, fault.Forbidden, "fault.provider_required")
		byToken := admitting(f.owner)
		byToken.Proof = accounts.ProofToken
		_, err = f.Admit(t.Context(), byToken)
		requireFault(f.t, err, fault.Forbidden, "fault.provider_required")
	})
}

package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

const day = 24 * time.Hour

func TestAdmissionDescribesTheAccountInEveryCase(t *testing.T) {
	onEach(t, func(f *fixture) {
		r := admitting(f.register(olliMail))
		want, err := f.Describe(t.Context(), accounts.DescribeRequest{User: r.User, Hub: r.Hub})
		require.NoError(f.t, err)
		require.Equal(f.t, want, f.in(r))
		f.exec(`UPDATE users SET login_confirmation = TRUE`)
		want.User.LoginConfirmation = true
		require.Equal(f.t, want, f.step(accounts.StepCode, r).Account)

		r.Hub = nil
		f.exec(`UPDATE users SET login_confirmation = FALSE, terms_confirmation = TRUE`)
		got := f.step(accounts.StepTerms, r).Account
		require.Nil(f.t, got.Hub)
		require.True(f.t, got.User.TermsConfirmation)
	})
}

func TestWhoMayNotComeIn(t *testing.T) {
	onEach(t, func(f *fixture) {
		identity := f.register(olliMail)
		r, other := admitting(identity), f.register("other@example.com")
		for change, undo := range map[string]string{
			`UPDATE users SET status = 0`: `UPDATE users SET status = 1`,
			`UPDATE users SET status = 2`: `UPDATE users SET status = 1`,
		} {
			f.exec(change)
			_, err := f.Admit(t.Context(), r)
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
			f.exec(undo)
		}
		_, err := f.Admit(t.Context(), accounts.AdmitRequest{User: 4711, Proof: accounts.ProofPassword})
		requireFault(f.t, err, fault.NotFound, "fault.not_found")

		refused := func(message string) {
			f.t.Helper()
			_, err := f.Admit(t.Context(), r)
			requireFault(f.t, err, fault.Forbidden, message)
			lenient := r
			lenient.Fallback = true
			a, err := f.Admit(t.Context(), lenient)
			require.NoError(f.t, err)
			require.Nil(f.t, a.Account.Hub, "the hub that may not be entered")
			require.Equal(f.t, accounts.RoleNone, a.Account.Role)
		}
		foreign := r.Hub
		r.Hub = &other.Hub.ID
		refused("fault.forbidden")
		r.Hub = foreign
		f.exec(`UPDATE memberships SET role = 1`)
		refused("fault.no_access")
		f.exec(`UPDATE memberships SET role = 4`)
		f.exec(`UPDATE hubs SET expiration_time = $1`, db.Micros(f.clock.Now()))
		refused("fault.hub_expired")
		f.exec(`UPDATE memberships SET role = 5`)
		require.NotNil(f.t, f.in(r).Hub, "an owner enters an expired hub")
	})
}

func TestTheHubIsNotedOnlyIfItIsAnother(t *testing.T) {
	onEach(t, func(f *fixture) {
		r := admitting(f.register(olliMail))
		f.exec(`UPDATE users SET last_hub_id = NULL`)
		before := f.strings(`SELECT CAST(modified_time AS TEXT) FROM users`)
		f.clock.Advance(time.Hour)
		f.in(r)
		require.Equal(f.t, *r.Hub, f.count(`SELECT last_hub_id FROM users`))
		require.Equal(f.t, before, f.strings(`SELECT CAST(modified_time AS TEXT) FROM users`))
		r.Hub = nil
		f.in(r)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM users WHERE last_hub_id IS NOT NULL`))
	})
}

// TestTheHubUsedLast is where a program goes that does not name one.
func TestTheHubUsedLast(t *testing.T) {
	onEach(t, func(f *fixture) {
		r := admitting(f.register(olliMail))
		want := *r.Hub
		r.Hub, r.LastHub, r.Proof = nil, true, accounts.ProofToken
		require.Equal(f.t, want, f.in(r).Hub.ID)
		f.exec(`UPDATE users SET last_hub_id = NULL`)
		require.Equal(f.t, want, f.in(r).Hub.ID, "the first one, then")
		f.exec(`UPDATE memberships SET role = 1`)
		require.Nil(f.t, f.in(r).Hub)
	})
}

// TestAnUnusualLogin is confirmed by a code and told by mail, once.
func TestAnUnusualLogin(t *testing.T) {
	onEach(t, func(f *fixture) {
		identity := f.register(olliMail)
		r := admitting(identity)
		f.in(r) // the first place is not unusual
		f.in(r)
		require.Empty(f.t, f.notices(olliMail))
		sameDevice := from(api.Origin{Address: "192.0.9.1", UserAgent: "Browser/99.7"}, r)
		f.in(sameDevice)

		for _, o := range []api.Origin{
			abroad, {Address: browser.Address, UserAgent: "Another"}, {Address: "2001:db8::1", UserAgent: "Browser/1"}, {},
		} {
			before := len(f.notices(olliMail))
			a := f.step(accounts.StepCode, from(o, r))
			require.Equal(f.t, accounts.ChannelEmail, a.Challenge.Channel)
			require.Len(f.t, f.notices(olliMail), before, "nobody has come in")
			succeeded := f.recorded("login.succeeded")

			confirmed := from(o, r)
			confirmed.Challenge = f.answer(identity.User, *a.Challenge)
			f.in(confirmed)
			require.Equal(f.t, "new_device", f.notices(olliMail)[before])
			require.Equal(f.t, succeeded+1, f.recorded("login.succeeded"))
			f.in(from(o, r)) // is known by now
			require.Len(f.t, f.notices(olliMail), before+1)
			f.clock.Advance(15 * time.Minute)
		}
		require.EqualValues(f.t, 4, f.recorded("login.new_device"))
		f.step(accounts.StepCode, from(stranger, r))
		r.Proof = accounts.ProofIdentity
		f.step(accounts.StepCode, from(stranger, r))
		r.Proof = accounts.ProofToken
		f.in(from(stranger, r))
		r.Proof = accounts.ProofSession
		f.in(from(stranger, r))
		r.Proof = accounts.ProofPassword
		f.step(accounts.StepCode, from(stranger, r))
	})
}

func TestPlacesAreForgotten(t *testing.T) {
	onEach(t, func(f *fixture) {
		r := admitting(f.register(olliMail))
		f.in(r)
		f.clock.Advance(12 * time.Hour)
		f.in(r)
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM known_places WHERE seen_time < $1`, db.Micros(f.clock.Now())), "noted twice a day")
		f.clock.Advance(12 * time.Hour)
		f.in(r)
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM known_places WHERE seen_time = $1`, db.Micros(f.clock.Now())))

		f.clock.Advance(100 * day)
		a := f.step(accounts.StepCode, from(abroad, r))
		confirmed := from(abroad, r)
		confirmed.Challenge = f.answer(a.Account.User, *a.Challenge)
		f.in(confirmed)
		f.clock.Advance(80 * day)
		f.step(accounts.StepCode, r)
		require.NoError(f.t, f.sweep(t.Context()))
		require.EqualValues(f.t, 3, f.count(`SELECT COUNT(*) FROM known_places`))
		f.clock.Advance(time.Microsecond)
		require.NoError(f.t, f.sweep(t.Context()))
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM known_places`))
	})
}

func TestUnusualLoginsAreWhatTheSettingSays(t *testing.T) {
	t.Parallel()
	for setting, notices := range map[string]int{"notice": 1, "off": 0} {
		t.Run(setting, func(t *testing.T) {
			onEach(t, func(f *fixture) {
				r := admitting(f.register(olliMail))
				f.in(r)
				f.in(from(abroad, r))
				f.in(from(abroad, r))
				require.Len(f.t, f.notices(olliMail), notices)
			}, func(c *Config, _ *Deps) { c.UnusualLogin = setting })
		})
	}
}

// TestAHubThatDemandsAChannel has the user answer by what there is, and then
// enrol a factor, whichever way they came.
func TestAHubThatDemandsAChannel(t *testing.T) {
	onEach(t, func(f *fixture) {
		identity := f.register(olliMail)
		r := admitting(identity)
		f.exec(`UPDATE hubs SET login_confirmation = TRUE, login_confirmation_channel = 3`)
		a := f.step(accounts.StepCode, r)
		unanswered := r
		unanswered.Challenge = &a.Challenge.ID
		a = f.step(accounts.StepCode, unanswered)
		r.Challenge = f.answer(identity.User, *a.Challenge)
		f.step(accounts.StepFactor, r)
		require.Zero(f.t, f.recorded("login.succeeded"))

		other := f.register("other@example.com")
		theirs := admitting(other)
		theirs.Challenge = r.Challenge
		f.exec(`UPDATE hubs SET login_confirmation = TRUE, login_confirmation_channel = 1`)
		f.step(accounts.StepCode, theirs) // somebody else's challenge
		f.in(r)
		hubless := admitting(other)
		hubless.Hub = nil
		f.in(hubless)
	})
}

// TestAPasswordTooOld has the computed truth in every account.
func TestAPasswordTooOld(t *testing.T) {
	onEach(t, func(f *fixture) {
		identity := f.register(olliMail)
		r := admitting(identity)
		f.exec(`UPDATE hubs SET password_age = 30`)
		f.clock.Advance(30*day - time.Microsecond)
		f.in(r)
		f.clock.Advance(time.Microsecond)
		require.True(f.t, f.step(accounts.StepPassword, r).Account.User.PasswordUpdate)
		described, err := f.Describe(t.Context(), accounts.DescribeRequest{User: r.User, Hub: r.Hub})
		require.NoError(f.t, err)
		require.True(f.t, described.User.PasswordUpdate)
		claims, err := f.Claims(t.Context(), accounts.ClaimsRequest{Subject: identity.User.Hash, Hub: r.Hub})
		require.NoError(f.t, err)
		require.True(f.t, claims.User.PasswordUpdate)

		hubless := r
		hubless.Hub = nil
		require.False(f.t, f.in(hubless).User.PasswordUpdate, "other hubs do not mind")
		r.Proof = accounts.ProofToken
		f.in(r)
		r.Proof = accounts.ProofLink
		f.step(accounts.StepPassword, r)
		f.exec(`UPDATE users SET password_update = TRUE`)
		f.step(accounts.StepPassword, hubless)
	})
}

func TestTermsThatHaveChanged(t *testing.T) {
	onEach(t, func(f *fixture) {
		identity := f.register(olliMail)
		r := admitting(identity)
		actor := api.Actor{User: r.User, Hub: r.Hub, Session: 1, Origin: browser}
		f.in(r)
		changed := f.restart(func(c *Config) { c.TermsTime = f.clock.Now().Add(time.Hour).Format(time.RFC3339) })
		changed.in(r) // they will change
		changed.clock.Advance(2 * time.Hour)
		require.True(f.t, changed.step(accounts.StepTerms, r).Account.User.TermsConfirmation)

		_, err := changed.AcceptTerms(t.Context(), accounts.AcceptTermsRequest{Actor: actor})
		require.Equal(f.t, map[string][]string{"terms": {"validation.accepted"}}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		one := int64(1)
		for message, a := range map[string]api.Actor{
			"fault.impersonating": {User: r.User, Impersonator: &one}, "fault.personal_token": {User: r.User, PAT: &one},
		} {
			_, err = changed.AcceptTerms(t.Context(), accounts.AcceptTermsRequest{Actor: a, Terms: true})
			requireFault(f.t, err, fault.Forbidden, message)
		}
		changed.step(accounts.StepTerms, r)

		accepted, err := changed.AcceptTerms(t.Context(), accounts.AcceptTermsRequest{Actor: actor, Terms: true})
		require.NoError(f.t, err)
		require.Equal(f.t, changed.clock.Now(), *accepted.User.TermsAcceptedTime)
		require.Equal(f.t, identity.Hub.ID, accepted.Hub.ID)
		require.True(f.t, accepted.User.ModifiedTime.After(identity.User.ModifiedTime))
		require.False(f.t, changed.in(r).User.TermsConfirmation)
		require.EqualValues(f.t, 1, f.recorded("terms.accepted"))
	})
}

// TestCountersTellNoNames looks for names and addresses where guesses are
// counted.
func TestCountersTellNoNames(t *testing.T) {
	onEach(t, func(f *fixture) {
		require.Error(f.t, f.guess("titan", browser))
		require.Error(f.t, f.guess(olliMail, browser))
		dump := f.dump("throttles")
		require.NotEmpty(f.t, dump)
		for _, secret := range []string{"titan", "192.0"} {
			require.NotContains(f.t, dump, secret)
		}
	}, func(_ *Config, d *Deps) {
		ring, err := keyring.NewRing([]byte(strings.Repeat("k", keyring.RootSize)))
		if err == nil {
			d.Ring = ring
		}
	})
}

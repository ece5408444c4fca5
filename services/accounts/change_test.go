package accounts

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const session = 42

// actor is the only user, logged in.
func (f *fixture) actor() api.Actor {
	f.t.Helper()
	hub := f.count(`SELECT MIN(id) FROM hubs`)
	return api.Actor{User: f.count(`SELECT MIN(id) FROM users`), Hub: &hub, Session: session, Origin: browser}
}

func (f *fixture) change(a api.Actor, current, password string) (accounts.Identity, error) {
	return f.ChangePassword(f.t.Context(), accounts.ChangePasswordRequest{
		Actor: a, CurrentPassword: current, Password: password, PasswordConfirmation: password,
	})
}

// force is a change in a session that is there for it.
func (f *fixture) force(a api.Actor, password string) (accounts.Identity, error) {
	return f.ChangePassword(f.t.Context(), accounts.ChangePasswordRequest{
		Actor: a, Forced: true, Password: password, PasswordConfirmation: password,
	})
}

func requireField(t *testing.T, err error, field, message string) {
	t.Helper()
	require.Equal(t, map[string][]string{field: {message}}, messageIDs(requireFault(t, err, fault.Invalid, "fault.invalid")))
}

func TestChange(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, ended func() []sessions.EndAllRequest) {
		before := f.register(olliMail)
		a, own := f.actor(), int64(session)
		_, err := f.change(a, "wrong password", newPassword)
		requireField(f.t, err, "current_password", "validation.wrong_password")
		_, err = f.change(a, "", newPassword)
		requireField(f.t, err, "current_password", "validation.required")
		_, err = f.change(a, olliPassword, olliPassword)
		requireField(f.t, err, "password", "validation.password_reused")
		require.Empty(f.t, ended())

		identity, err := f.change(a, olliPassword, newPassword)
		require.NoError(f.t, err)
		require.Equal(f.t, before.Hub.ID, identity.Hub.ID)
		require.True(f.t, identity.User.ModifiedTime.After(before.User.ModifiedTime))
		require.Equal(f.t, []sessions.EndAllRequest{{User: a.User, UserHash: before.User.Hash, Except: &own, Before: f.clock.Now()}}, ended())
		require.Equal(f.t, []string{"password_changed"}, f.notices(olliMail))
		require.EqualValues(f.t, 1, f.recorded("password.changed"))
		_, err = f.authenticate(olliMail, newPassword)
		require.NoError(f.t, err)
	})
}

func TestNobodyElseChangesAPassword(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		one, hashes := int64(1), f.hashes.Load()
		for message, spoil := range map[string]func(*api.Actor){
			"fault.impersonating":  func(a *api.Actor) { a.Impersonator = &one },
			"fault.personal_token": func(a *api.Actor) { a.PAT = &one },
		} {
			a := f.actor()
			spoil(&a)
			_, err := f.change(a, olliPassword, newPassword)
			requireFault(f.t, err, fault.Forbidden, message)
			_, err = f.force(a, newPassword)
			requireFault(f.t, err, fault.Forbidden, message)
		}
		a := f.actor()
		f.exec(`UPDATE users SET status = 0`)
		_, err := f.change(a, olliPassword, newPassword)
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		require.Equal(f.t, hashes, f.hashes.Load())
	})
}

// TestAForcedChange needs no current password, if there is a reason for it.
func TestAForcedChange(t *testing.T) {
	t.Parallel()
	for name, reason := range map[string]string{
		"temporary": `UPDATE users SET password_update = TRUE`, "too old": `UPDATE hubs SET password_age = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			onEachWithSessions(t, func(f *fixture, ended func() []sessions.EndAllRequest) {
				of := f.register(olliMail)
				a, own := f.actor(), int64(session)
				f.clock.Advance(day)
				_, err := f.force(a, newPassword)
				requireField(f.t, err, "current_password", "validation.required")
				f.exec(reason)
				_, err = f.force(a, olliPassword)
				requireField(f.t, err, "password", "validation.password_reused")
				_, err = f.force(a, newPassword)
				require.NoError(f.t, err)
				require.Equal(f.t, []sessions.EndAllRequest{{User: a.User, UserHash: of.User.Hash, Except: &own, Before: f.clock.Now()}}, ended())
				_, err = f.force(a, "Graugans-am-Kanal")
				requireField(f.t, err, "current_password", "validation.required")
				f.in(accounts.AdmitRequest{User: a.User, Hub: a.Hub, Proof: accounts.ProofPassword, Origin: browser})
			})
		})
	}
}

// TestTheLastPasswordsAreRemembered changes through more than those.
func TestTheLastPasswordsAreRemembered(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, _ func() []sessions.EndAllRequest) {
		f.register(olliMail)
		a, current := f.actor(), olliPassword
		for n := range 5 {
			hashes := f.hashes.Load()
			_, err := f.change(a, current, olliPassword)
			requireField(f.t, err, "password", "validation.password_reused")
			require.EqualValues(f.t, 2+n, f.hashes.Load()-hashes, "one to check the current one")
			next := fmt.Sprintf("Wildgans-%d-am-Kanal", n)
			_, err = f.change(a, current, next)
			require.NoError(f.t, err)
			current = next
		}
		require.EqualValues(f.t, 4, f.count(`SELECT COUNT(*) FROM password_history`))
		_, err := f.resetTo(f.forget(olliMail, olliMail), "Wildgans-0-am-Kanal")
		requireField(f.t, err, "password", "validation.password_reused")
		_, err = f.change(a, current, olliPassword)
		require.NoError(f.t, err, "the sixth last one")
	})
}

// TestGuessingTheCurrentPasswordBecomesSlow within a session.
func TestGuessingTheCurrentPasswordBecomesSlow(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, _ func() []sessions.EndAllRequest) {
		f.register(olliMail)
		a, hashes := f.actor(), f.hashes.Load()
		for _, err := range atOnce(20, func(int) error {
			_, err := f.change(a, "wrong password", newPassword)
			return err
		}) {
			if !fault.Is(err, fault.Throttled) {
				requireField(f.t, err, "current_password", "validation.wrong_password")
			}
		}
		require.EqualValues(f.t, freeGuesses, f.hashes.Load()-hashes)
		_, err := f.change(a, olliPassword, newPassword)
		require.Equal(f.t, time.Second, requireFault(f.t, err, fault.Throttled, "fault.throttled").RetryAfter)
		_, err = f.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err, "logins are counted by themselves")
		f.clock.Advance(time.Second)
		_, err = f.change(a, olliPassword, newPassword)
		require.NoError(f.t, err)
		require.Zero(f.t, f.count(`SELECT MAX(failures) FROM throttles`))
	})
}

// TestWhatChangesDuringAChange changes the account from within the last hash,
// which is the new one's.
func TestWhatChangesDuringAChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"disabled": `UPDATE users SET status = 0`, "password": `UPDATE credentials SET hash = 'changed'`,
	} {
		t.Run(name, func(t *testing.T) {
			var during atomic.Pointer[func()]
			onEach(t, func(f *fixture) {
				f.register(olliMail)
				a, hashes := f.actor(), f.hashes.Load()
				fn := func() {
					if f.hashes.Add(1)-hashes == 3 { // the current one, its comparison, the new one
						f.exec(change)
					}
				}
				during.Store(&fn)
				_, err := f.change(a, olliPassword, newPassword)
				during.Store(nil)
				requireFault(f.t, err, fault.Conflict, "fault.modified")
				require.Zero(f.t, f.recorded("password.changed"))
			}, func(_ *Config, d *Deps) {
				d.aroundHash = func(compute func()) {
					compute()
					if fn := during.Load(); fn != nil {
						(*fn)()
					}
				}
			})
		})
	}
}

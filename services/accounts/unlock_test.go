package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// lockOut guesses until the name is locked.
func (f *fixture) lockOut(login string, o api.Origin) {
	f.t.Helper()
	for range lockedAfter {
		requireFault(f.t, f.guess(login, o), fault.Unauthenticated, "fault.credentials")
		f.clock.Advance(longestDelay)
	}
	requireFault(f.t, f.guess(login, o), fault.Throttled, "fault.locked")
}

// enterFrom is a login with the right password.
func (f *fixture) enterFrom(o api.Origin) error {
	_, err := f.Authenticate(f.t.Context(), accounts.AuthenticateRequest{Login: olliMail, Password: olliPassword, Origin: o})
	return err
}

func (f *fixture) unlock(link string, o api.Origin) error {
	_, err := f.Unlock(f.t.Context(), accounts.OpenLinkRequest{Link: link, Origin: o})
	return err
}

// TestNobodyIsLockedOutAtHome has a stranger guess from unknown networks.
func TestNobodyIsLockedOutAtHome(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.in(admitting(f.register(olliMail)))
		f.lockOut(olliMail, abroad)
		requireFault(f.t, f.enterFrom(stranger), fault.Throttled, "fault.locked")
		neighbour := api.Origin{Address: "192.0.200.1", UserAgent: "Another"}
		require.NoError(f.t, f.enterFrom(neighbour))
		require.NoError(f.t, f.enterFrom(browser))
		requireFault(f.t, f.enterFrom(abroad), fault.Throttled, "fault.locked")

		for range 2 * lockedAfter { // guesses at home become slow, no more
			requireFault(f.t, f.guess(olliMail, browser), fault.Unauthenticated, "fault.credentials")
			f.clock.Advance(longestDelay)
		}
		require.NoError(f.t, f.enterFrom(browser))
		require.Len(f.t, f.mails(olliMail, mail.AccountLocked), 1)
	})
}

func TestUnlock(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.in(admitting(f.register(olliMail)))
		f.exec(`UPDATE users SET alias = 'titan', alias_key = 'titan'`)
		f.lockOut(olliMail, abroad)
		sent := f.last(olliMail, mail.AccountLocked)
		link := linkOf(sent)
		require.Equal(f.t, publicURL+"/unlock/"+link, sent.Data["url"])
		f.lockOut("Titan", abroad)
		later := linkOf(f.last(olliMail, mail.AccountLocked))
		requireFault(f.t, f.unlock(link, stranger), fault.Gone, "fault.link_used") // superseded
		requireOne(f.t, atOnce(2, func(int) error { return f.unlock(later, stranger) }), fault.Gone)
		requireFault(f.t, f.unlock(later, stranger), fault.Gone, "fault.link_used")
		require.EqualValues(f.t, 1, f.recorded("login.unlocked"))
		require.Equal(f.t, []string{"account_unlocked"}, f.notices(olliMail))

		for _, login := range []string{olliMail, "titan"} {
			requireFault(f.t, f.guess(login, abroad), fault.Unauthenticated, "fault.credentials")
		}
		require.NoError(f.t, f.enterFrom(abroad))
		f.lockOut(olliMail, abroad)
		require.NoError(f.t, f.enterFrom(stranger), "whoever has opened the link is known")
	})
}

func TestLinksThatUnlockNothing(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, _ func() []sessions.EndAllRequest) {
		f.register(olliMail)
		f.lockOut(olliMail, abroad)
		link := linkOf(f.last(olliMail, mail.AccountLocked))
		for _, unknown := range []string{"", "\x00", strings.Repeat("0", 40), f.forget(olliMail, olliMail)} {
			requireFault(f.t, f.unlock(unknown, browser), fault.NotFound, "fault.link_unknown")
		}
		f.clock.Advance(lockLife)
		requireFault(f.t, f.unlock(link, browser), fault.Gone, "fault.link_used")
		require.Zero(f.t, f.recorded("login.unlocked"))
	})
}

func TestAResetLiftsALock(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, _ func() []sessions.EndAllRequest) {
		f.register(olliMail)
		f.lockOut(olliMail, abroad)
		_, err := f.resetTo(f.forget(olliMail, olliMail), newPassword)
		require.NoError(f.t, err)
		_, err = f.Authenticate(t.Context(), accounts.AuthenticateRequest{Login: olliMail, Password: newPassword, Origin: stranger})
		require.NoError(f.t, err)
	})
}

func TestCountersAreSweptOnceTheyMeanNothing(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.lockOut("nobody", abroad)
		f.clock.Advance(lockLife - time.Hour)
		require.NoError(f.t, f.sweep(t.Context()))
		requireFault(f.t, f.guess("nobody", abroad), fault.Throttled, "fault.locked")
		f.clock.Advance(2 * lockLife)
		require.NoError(f.t, f.sweep(t.Context()))
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM throttles`))
	})
}

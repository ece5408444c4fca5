package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestInitiatingTellsNothing(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := f.register(olliMail)
		for _, login := range []string{"nobody@example.com", "nobody", "\xff", "a@b\x00", strings.Repeat("a", 1<<16)} {
			f.initiateRecovery(login)
		}
		_, err := f.InitiateRecovery(t.Context(), accounts.InitiateResetRequest{Origin: browser})
		requireInvalid(f.t, err, "user", "validation.required")
		for range 5 {
			f.initiateRecovery(olliMail)
		}
		links := f.mails(olliMail, mail.Recovery)
		require.Len(f.t, links, 3, "the fourth within the hour is not mailed")
		require.True(f.t, strings.HasPrefix(links[0].Data["url"], publicURL+"/link/"))
		require.Equal(f.t, f.clock.Now().Add(24*time.Hour), links[0].Expires)
		require.EqualValues(f.t, 3, f.count(`SELECT COUNT(*) FROM links`))
		require.EqualValues(f.t, 10, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'recovery.initiated'`))
		f.clock.Advance(time.Hour)
		f.initiateRecovery(olliMail)
		require.Len(f.t, f.mails(olliMail, mail.Recovery), 4)

		f.exec(`UPDATE users SET status = $2 WHERE id = $1`, olli.User.ID, accounts.Disabled)
		f.initiateRecovery(olliMail)
		require.Len(f.t, f.mails(olliMail, mail.Recovery), 4)
	})
}

func TestALinkConfirmsARecoveryOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.register(olliMail), f.register(uliMail)
		confirm := func(user int64) error {
			_, err := f.ConfirmRecovery(t.Context(), accounts.ConfirmLinkRequest{User: user, Origin: browser})
			return err
		}
		f.initiateRecovery(olliMail)
		requireFault(f.t, confirm(olli.User.ID), fault.NotFound, "fault.not_found") // not opened
		f.openRecovery(olliMail)
		requireFault(f.t, confirm(uli.User.ID), fault.NotFound, "fault.not_found")
		requireFault(f.t, confirm(1<<40), fault.NotFound, "fault.not_found")
		requireOne(f.t, atOnce(6, func(int) error { return confirm(olli.User.ID) }), fault.NotFound)

		f.openRecovery(olliMail)
		f.clock.Advance(time.Hour)
		requireFault(f.t, confirm(olli.User.ID), fault.NotFound, "fault.not_found") // too late

		f.openRecovery(uliMail)
		f.exec(`UPDATE users SET email = 'new@example.com' WHERE id = $1`, uli.User.ID)
		requireFault(f.t, confirm(uli.User.ID), fault.NotFound, "fault.not_found") // not their address any more
		f.exec(`UPDATE users SET email = $2, status = 0 WHERE id = $1`, uli.User.ID, uliMail)
		requireFault(f.t, confirm(uli.User.ID), fault.NotFound, "fault.not_found") // disabled
	})
}

func TestNobodyToApprove(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.register(olliMail), f.register(uliMail) // each alone in a hub
		f.exec(`DELETE FROM memberships WHERE user_id = $1`, uli.User.ID)
		f.request(olli)
		f.request(uli)
		approved := func() []int {
			f.t.Helper()
			require.NoError(f.t, f.factors.recovery.ApproveDue(t.Context()))
			return []int{len(f.recoveryCodes(olliMail)), len(f.recoveryCodes(uliMail))}
		}
		require.Equal(f.t, []int{0, 0}, approved())
		require.Contains(f.t, f.notices(olliMail), string(mail.RecoveryConfirmed))
		f.clock.Advance(24*time.Hour - time.Microsecond)
		require.Equal(f.t, []int{0, 0}, approved())
		f.clock.Advance(time.Microsecond)
		for _, err := range atOnce(4, func(int) error { return f.factors.recovery.ApproveDue(t.Context()) }) {
			require.NoError(f.t, err)
		}
		require.Equal(f.t, []int{1, 1}, approved())
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'recovery.approved' AND actor = 'system'`))
	})
}

func TestWhatCancelsARecovery(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(f *fixture, olli accounts.Identity, app accounts.Enrolment, codes []string){
		"a login with the factor": func(f *fixture, olli accounts.Identity, app accounts.Enrolment, _ []string) {
			code := f.codeFor(app)
			_, err := f.answerBy(olli.User.ID, f.ask(olli.User.ID).ID, code)
			require.NoError(f.t, err)
		},
		"a login with a recovery code": func(f *fixture, olli accounts.Identity, _ accounts.Enrolment, codes []string) {
			_, err := f.answerBy(olli.User.ID, f.ask(olli.User.ID).ID, codes[0])
			require.NoError(f.t, err)
		},
		"a new password": func(f *fixture, olli accounts.Identity, _ accounts.Enrolment, _ []string) {
			f.exec(`UPDATE users SET password_modified_time = $2 WHERE id = $1`, olli.User.ID, db.Micros(f.clock.Now().Add(time.Minute)))
		},
		"a disabled account": func(f *fixture, olli accounts.Identity, _ accounts.Enrolment, _ []string) {
			f.exec(`UPDATE users SET status = 0 WHERE id = $1`, olli.User.ID)
		},
		"a further request": func(f *fixture, olli accounts.Identity, _ accounts.Enrolment, _ []string) {
			f.clock.Advance(time.Minute)
			f.request(olli)
			f.clock.Advance(-time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(f *fixture) {
				olli := f.register(olliMail)
				app, confirmed := f.give(as(olli), accounts.ChannelApp)
				f.request(olli)
				act(f, olli, app, confirmed.RecoveryCodes)
				f.clock.Advance(24 * time.Hour)
				require.NoError(f.t, f.factors.recovery.ApproveDue(t.Context()))
				require.Empty(f.t, f.recoveryCodes(olliMail))
				require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM recoveries WHERE state = 'cancelled'`))
			})
		})
	}
}

func TestHubsThatDoNotApprove(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleUser)
		f.exec(`UPDATE hubs SET recovery_approval = FALSE WHERE id = $1`, *olli.Hub)
		f.request(uli)
		require.Len(f.t, f.recoveryCodes(uliMail), 1, "at once")
		require.Contains(f.t, f.notices(uliMail), string(mail.RecoveryConfirmed))
		require.Empty(f.t, f.listRecoveries(olli).Recoveries)

		// With another hub in which nobody could approve it waits for a day.
		alone := f.register("alone@example.com")
		f.enlist(alone.User.ID, *olli.Hub, accounts.RoleUser)
		f.request(alone)
		require.Empty(f.t, f.recoveryCodes("alone@example.com"))
		f.clock.Advance(24 * time.Hour)
		require.NoError(f.t, f.factors.recovery.ApproveDue(t.Context()))
		require.Len(f.t, f.recoveryCodes("alone@example.com"), 1)
	})
}

func TestWhoIsAsked(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleTechnicalAdministrator)
		for address, role := range map[string]accounts.Role{
			"four@example.com": accounts.RoleTechnicalAdministrator, "three@example.com": accounts.RoleAdministrator,
			"disabled@example.com": accounts.RoleOwner,
		} {
			f.enlist(f.register(address).User.ID, *olli.Hub, role)
		}
		f.exec(`UPDATE users SET status = 0 WHERE email = 'disabled@example.com'`)
		f.request(uli)
		for address, n := range map[string]int{
			olliMail: 1, "four@example.com": 1, "three@example.com": 0, "disabled@example.com": 0, uliMail: 0,
		} {
			require.Len(f.t, f.mails(address, mail.RecoveryRequest), n, address)
		}
		f.clock.Advance(30 * 24 * time.Hour)
		require.NoError(f.t, f.factors.recovery.ApproveDue(t.Context()))
		require.Empty(f.t, f.recoveryCodes(uliMail), "it waits for somebody")
		require.NoError(f.t, f.sweep(t.Context()))
		require.Empty(f.t, f.listRecoveries(olli).Recoveries, "nobody has decided for too long")
	})
}

func TestAnExpiredHubIsItsOwnersToApprove(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleUser)
		f.enlist(f.register("four@example.com").User.ID, *olli.Hub, accounts.RoleTechnicalAdministrator)
		f.exec(`UPDATE hubs SET expiration_time = $2 WHERE id = $1`, *olli.Hub, db.Micros(f.clock.Now()))
		f.request(uli)
		require.Len(f.t, f.mails(olliMail, mail.RecoveryRequest), 1)
		require.Empty(f.t, f.mails("four@example.com", mail.RecoveryRequest))
	})
}

func TestPagesOfRecoveries(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		var users []int64
		for _, address := range []string{"a@example.com", "b@example.com", "c@example.com"} {
			i := f.register(address)
			f.exec(`DELETE FROM memberships WHERE user_id = $1`, i.User.ID)
			f.enlist(i.User.ID, *olli.Hub, accounts.RoleUser)
			f.request(i)
			users = append(users, i.User.ID)
		}
		for page, want := range map[int][]int64{0: users[:2], 1: users[:2], 2: users[2:], 3: nil} {
			list, err := f.ListRecoveries(t.Context(), accounts.ListRequest{Actor: olli, Page: api.Page{Number: page, Size: 2}})
			require.NoError(f.t, err)
			require.Equal(f.t, 3, list.Total)
			var got []int64
			for _, r := range list.Recoveries {
				got = append(got, r.User.ID)
			}
			require.Equal(f.t, want, got, "page %d", page)
		}
	})
}

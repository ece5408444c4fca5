package accounts

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *fixture) removeFactor(a api.Actor, e accounts.Enrolment, password string) error {
	_, err := f.RemoveFactor(f.t.Context(), accounts.RemoveFactorRequest{
		Actor: a, Factor: api.Ref{Hash: e.Factor.Hash}, Password: password,
	})
	return err
}

func TestAFactorIsRemoved(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		app, _ := f.give(olli, accounts.ChannelApp)
		sms, _ := f.give(olli, accounts.ChannelSMS)
		requireInvalid(f.t, f.removeFactor(olli, app, "WoWar1chSicher!"), "password", "validation.wrong_password")
		requireInvalid(f.t, f.removeFactor(olli, app, ""), "password", "validation.required")
		require.Len(f.t, f.listFactors(olli).Factors, 2)
		require.NoError(f.t, f.removeFactor(olli, app, olliPassword))
		requireFault(f.t, f.removeFactor(olli, app, olliPassword), fault.NotFound, "fault.not_found")
		require.Equal(f.t, 10, f.listFactors(olli).RecoveryCodes)
		require.NoError(f.t, f.removeFactor(olli, sms, olliPassword))
		require.Equal(f.t, accounts.FactorList{Factors: []accounts.Factor{}}, f.listFactors(olli))
		require.Equal(f.t, []string{"factor_added", "factor_added", "factor_removed", "factor_removed"}, f.notices(olliMail))
		user, err := f.Describe(t.Context(), accounts.DescribeRequest{User: olli.User})
		require.NoError(f.t, err)
		require.True(f.t, user.User.LoginConfirmation, "logins are still confirmed, by mail")

		_, err = f.RenewRecoveryCodes(t.Context(), accounts.ActorRequest{Actor: olli})
		requireFault(f.t, err, fault.Conflict, "fault.no_factor")
	})
}

func TestPasswordsCannotBeGuessedByRemovingFactors(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		app, _ := f.give(olli, accounts.ChannelApp)
		var err error
		for i := 0; err == nil || fault.Is(err, fault.Invalid); i++ {
			require.Less(f.t, i, 10)
			err = f.removeFactor(olli, app, "WoWar1chSicher!")
		}
		require.Positive(f.t, requireFault(f.t, err, fault.Throttled, "fault.throttled").RetryAfter)
		requireFault(f.t, f.removeFactor(olli, app, olliPassword), fault.Throttled, "fault.throttled")
	})
}

func TestAFactorThatAHubDemands(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		sms, _ := f.give(olli, accounts.ChannelSMS)
		app, _ := f.give(olli, accounts.ChannelApp)
		demand := func(on bool, channel accounts.Channel) {
			f.exec(`UPDATE hubs SET login_confirmation = $2, login_confirmation_channel = $3 WHERE id = $1`, *olli.Hub, on, channel)
		}
		demand(true, accounts.ChannelApp)
		requireFault(f.t, f.removeFactor(olli, app, olliPassword), fault.Conflict, "fault.factor_required")
		require.Len(f.t, f.listFactors(olli).Factors, 2)
		demand(true, accounts.ChannelSMS)
		require.NoError(f.t, f.removeFactor(olli, app, olliPassword), "a text message does as well")
		requireFault(f.t, f.removeFactor(olli, sms, olliPassword), fault.Conflict, "fault.factor_required")
		waiting := f.enrol(olli, accounts.ChannelApp)
		require.NoError(f.t, f.removeFactor(olli, waiting, olliPassword), "it was none yet")
		demand(false, accounts.ChannelApp)
		require.NoError(f.t, f.removeFactor(olli, sms, olliPassword))
	})
}

func TestWhoMayManageFactors(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := as(f.register(olliMail)), as(f.register("uli@example.com"))
		app, _ := f.give(olli, accounts.ChannelApp)
		waiting := f.enrol(olli, accounts.ChannelSMS)
		code := f.lastCode(olliNumber)
		gone := api.Actor{User: 1 << 40, Session: 1}
		ctx := t.Context()
		for name, call := range map[string]func(a api.Actor) error{
			"list": func(a api.Actor) error {
				_, err := f.ListFactors(ctx, accounts.ActorRequest{Actor: a})
				return err
			},
			"enrol": func(a api.Actor) error {
				_, err := f.EnrolFactor(ctx, accounts.EnrolFactorRequest{Actor: a, Channel: accounts.ChannelApp})
				return err
			},
			"confirm": func(a api.Actor) error { _, err := f.confirmFactor(a, waiting, code); return err },
			"remove":  func(a api.Actor) error { return f.removeFactor(a, app, olliPassword) },
			"renew": func(a api.Actor) error {
				_, err := f.RenewRecoveryCodes(ctx, accounts.ActorRequest{Actor: a})
				return err
			},
		} {
			impersonated, token := olli, olli
			impersonated.Impersonator, token.PAT = &uli.User, &uli.User
			requireFault(f.t, call(impersonated), fault.Forbidden, "fault.impersonating")
			requireFault(f.t, call(token), fault.Forbidden, "fault.personal_token")
			require.Error(f.t, call(gone), name)
		}
		_, err := f.confirmFactor(uli, waiting, code)
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		requireFault(f.t, f.removeFactor(uli, app, olliPassword), fault.NotFound, "fault.not_found")
		for _, hash := range []string{"", "\xff", "0", app.Factor.Hash + "0"} {
			_, err = f.ConfirmFactor(ctx, accounts.ConfirmFactorRequest{Actor: olli, Factor: api.Ref{Hash: hash}, Code: code})
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
		}
		require.Len(f.t, f.listFactors(olli).Factors, 2)
	})
}

func TestRecoveryCodesAreRenewed(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		_, confirmed := f.give(olli, accounts.ChannelApp)
		renewed, err := f.RenewRecoveryCodes(t.Context(), accounts.ActorRequest{Actor: olli})
		require.NoError(f.t, err)
		require.Len(f.t, renewed.Codes, 10)
		require.Equal(f.t, 10, f.listFactors(olli).RecoveryCodes)
		require.Contains(f.t, f.notices(olliMail), string(mail.RecoveryCodesNew))
		dump := f.dump("recovery_codes")
		for _, code := range renewed.Codes {
			require.NotContains(f.t, dump, code)
		}
		_, err = f.answerBy(olli.User, f.ask(olli.User).ID, confirmed.RecoveryCodes[0])
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
		confirmation, err := f.answerBy(olli.User, f.ask(olli.User).ID, renewed.Codes[0])
		require.NoError(f.t, err)
		require.Equal(f.t, "recovery", confirmation.Method)
		require.Equal(f.t, 9, f.listFactors(olli).RecoveryCodes)
	})
}

func TestAFactorIsConfirmedOnceOfManyAtOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		e := f.enrol(olli, accounts.ChannelSMS)
		code := f.lastCode(olliNumber)
		requireOne(f.t, atOnce(6, func(int) error { _, err := f.confirmFactor(olli, e, code); return err }), fault.Conflict)
		require.Equal(f.t, 10, f.listFactors(olli).RecoveryCodes)
		require.Len(f.t, f.notices(olliMail), 1)
	})
}

func TestFactorsAreEnrolledAtOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := as(f.register(olliMail))
		for _, err := range atOnce(6, func(int) error {
			_, err := f.EnrolFactor(t.Context(), accounts.EnrolFactorRequest{Actor: olli, Channel: accounts.ChannelApp})
			return err
		}) {
			require.NoError(f.t, err)
		}
		require.Len(f.t, f.listFactors(olli).Factors, 1)
	})
}

func TestConfirmingAFactorMovesTheRevision(t *testing.T) {
	onEach(t, func(f *fixture) {
		identity := f.register(olliMail)
		ahead := f.clock.Now().Add(time.Hour)
		f.exec(`UPDATE users SET modified_time = $1`, db.Micros(ahead))
		f.give(as(identity), accounts.ChannelApp)
		require.Equal(f.t, db.Micros(ahead)+1, f.count(`SELECT modified_time FROM users`))
	})
}

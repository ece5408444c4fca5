package accounts

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
)

// TestNoSecretOfAFactorIsKept looks for what would stand in for a factor in all
// that stays, while messages wait and after they have left.
func TestNoSecretOfAFactorIsKept(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleUser)
		sms := f.enrol(as(uli), accounts.ChannelSMS)
		waiting := f.dump(f.tables()...)
		_, err := f.confirmFactor(as(uli), sms, f.codeFor(sms))
		require.NoError(f.t, err)
		app, _ := f.give(as(uli), accounts.ChannelApp)
		renewed, err := f.RenewRecoveryCodes(t.Context(), accounts.ActorRequest{Actor: as(uli)})
		require.NoError(f.t, err)
		_, err = f.answerBy(uli.User.ID, f.ask(uli.User.ID).ID, renewed.Codes[0])
		require.NoError(f.t, err)
		f.request(uli)
		require.NoError(f.t, f.decide(olli, f.listRecoveries(olli).Recoveries[0], true))
		granted := f.dump(f.tables()...)
		code := f.last(uliMail, mail.RecoveryCode).Data["code"]
		_, err = f.answerBy(uli.User.ID, f.ask(uli.User.ID).ID, code)
		require.NoError(f.t, err)

		for where, text := range map[string]string{
			"tables while a code waits": waiting, "tables while an approval waits": granted,
			"tables": f.dump(f.tables()...), "log": f.log.String(),
		} {
			for what, secret := range map[string]string{
				"the number": olliNumber[1:], "the seed": app.Secret, "a used recovery code": renewed.Codes[0],
				"a recovery code": renewed.Codes[1], "the code of an approval": code,
			} {
				require.NotContains(f.t, text, secret, "%s in the %s", what, where)
				require.NotContains(f.t, text, hex.EncodeToString([]byte(secret)), "%s in the %s", what, where)
			}
		}
		require.Contains(f.t, granted, "recovery.approved", "the dump misses something")
	})
}

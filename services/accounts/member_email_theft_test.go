package accounts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Somebody who had the old password may have asked for an address of theirs. With
// the password goes what was asked with it, or they would get the account back by
// its new mailbox.
func TestANewPasswordVoidsAnAddressAskedForBefore(t *testing.T) {
	onTeam(t, func(f *team) {
		f.askFor(newMail)
		sent := linkOf(f.lastMail(newMail))
		_, err := f.resetTo(f.forget("user@example.com", "user@example.com"), newPassword)
		require.NoError(f.t, err)
		_, err = f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: sent, Origin: abroad})
		requireFault(f.t, err, fault.Gone, "fault.link_used")

		f.register(olliMail)
		olli, err := f.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err)
		other := "other@example.com"
		_, err = f.update(actor(olli), ref(olli), func(r *accounts.UpdateMemberRequest) {
			r.Email, r.CurrentPassword = &other, olliPassword
		})
		require.NoError(f.t, err)
		f.deliver()
		f.open(linkOf(f.lastMail(other)))
		_, err = f.ChangePassword(t.Context(), accounts.ChangePasswordRequest{
			Actor: actor(olli), CurrentPassword: olliPassword, Password: newPassword, PasswordConfirmation: newPassword,
		})
		require.NoError(f.t, err)
		requireFault(f.t, f.confirm(olli), fault.NotFound, "fault.not_found") // opened before
	})
}

// Somebody may want another address because others read the mail of the old one.
func TestANewAddressVoidsCodesMailedToTheOldOne(t *testing.T) {
	onTeam(t, func(f *team) {
		f.request(f.user)
		waiting := f.listRecoveries(f.by(accounts.RoleOwner)).Recoveries
		require.Len(f.t, waiting, 1)
		require.NoError(f.t, f.decide(f.by(accounts.RoleOwner), waiting[0], true))
		codes := f.recoveryCodes("user@example.com")
		require.Len(f.t, codes, 1)
		challenge := f.ask(f.user.User.ID)
		sent := f.last("user@example.com", mail.Code).Data["code"]

		f.askFor(newMail)
		f.open(linkOf(f.lastMail(newMail)))
		require.NoError(f.t, f.confirm(f.user))
		_, err := f.answerBy(f.user.User.ID, challenge.ID, sent)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
		_, err = f.answerBy(f.user.User.ID, f.ask(f.user.User.ID).ID, codes[0])
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
	})
}

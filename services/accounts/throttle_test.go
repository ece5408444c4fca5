package accounts

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
)

// enough mails is what strangers can make an address get within an hour.
const enough = 3

// TestStrangersCannotFloodAnAddress asks for far more mails than it gets.
func TestStrangersCannotFloodAnAddress(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		f.clock.Advance(time.Hour)
		for email, template := range map[string]mail.Template{
			olliMail: mail.AccountExists, "new@example.com": mail.Activation,
		} {
			before := len(f.mail.to(email))
			ask := func(times int) (got int) {
				for range times {
					answer, err := f.InitiateActivation(t.Context(), registration(email))
					require.NoError(f.t, err)
					require.Equal(f.t, api.Nothing{}, answer)
				}
				f.deliver()
				sent := f.mail.to(email)[before:]
				for _, m := range sent {
					require.Equal(f.t, template, m.Template)
				}
				return len(sent)
			}
			require.Equal(f.t, enough-1, ask(enough-1))
			f.clock.Advance(time.Hour - time.Microsecond)
			require.Equal(f.t, enough, ask(5))
			f.clock.Advance(time.Microsecond)
			require.Equal(f.t, 2*enough-1, ask(5), "the first ones were an hour ago, what was refused does not count")
		}
		require.EqualValues(f.t, 1+2*enough-1, f.count(`SELECT COUNT(*) FROM activations`))
	})
}

// TestTheOperatorMayInviteAnyNumberOfTimes and takes nothing from the mails
// that people can ask for themselves.
func TestTheOperatorMayInviteAnyNumberOfTimes(t *testing.T) {
	onEach(t, func(f *fixture) {
		invite := func() {
			for range enough + 1 {
				_, err := f.Invite(t.Context(), accounts.InviteRequest{Email: olliMail, Mail: true})
				require.NoError(f.t, err)
			}
		}
		invite()
		for range enough + 1 {
			f.initiate(olliMail)
		}
		invite()
		f.deliver()
		require.Len(f.t, f.mail.to(olliMail), 3*enough+2)
	})
}

// TestMailsToAnAccountAskedForAtOnce count each other.
func TestMailsToAnAccountAskedForAtOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		f.clock.Advance(time.Hour)
		for _, err := range atOnce(2*enough, func(int) error {
			_, err := f.InitiateActivation(f.t.Context(), registration(olliMail))
			return err
		}) {
			require.NoError(f.t, err)
		}
		f.deliver()
		require.Len(f.t, f.mail.to(olliMail), 1+enough)
	})
}

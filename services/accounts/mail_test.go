package accounts

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
)

func TestMailIsAwayAndComesBack(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.mail.setAway(fault.New(fault.Unavailable, ""))
		_, err := f.InitiateActivation(t.Context(), registration(olliMail))
		require.NoError(f.t, err, "a person need not wait for the mail service")
		for range 3 {
			f.deliver()
			f.clock.Advance(time.Hour)
		}
		require.Empty(f.t, f.mail.all())
		require.GreaterOrEqual(f.t, f.mail.tried(), 3)

		f.mail.setAway(nil)
		f.deliver()
		f.clock.Advance(time.Hour)
		f.deliver()
		sent := f.mail.all()
		require.Len(f.t, sent, 1)
		f.open(linkOf(sent[0]))
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM outbox WHERE payload IS NOT NULL`), "the link is still kept")
	})
}

// TestRunDelivers lets the background worker do it, without anybody asking.
func TestRunDelivers(t *testing.T) {
	onEach(t, func(f *fixture) {
		sent := make(chan mail.SendRequest, 10)
		f.mail.onSend = func(r mail.SendRequest) { sent <- r }
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()

		_, err := f.InitiateActivation(t.Context(), registration(olliMail))
		require.NoError(f.t, err)
		select {
		case m := <-sent:
			require.Equal(f.t, olliMail, m.To)
		case <-time.After(30 * time.Second):
			f.t.Fatalf("no mail; the log says:\n%s", f.log)
		}
		stop()
		require.NoError(f.t, <-ended)
	})
}

func TestMailsHaveKeysOfTheirOwn(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		for range 2 {
			f.initiate(olliMail)
			f.initiate("other@example.com")
		}
		keys := map[string]bool{}
		for _, m := range f.mail.all() {
			require.NotContains(f.t, m.Key, linkOf(m))
			keys[m.Key] = true
		}
		require.Len(f.t, keys, 5)
	})
}

func TestAMailWhoseLinkHasExpiredIsGivenUp(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.mail.setAway(fault.New(fault.Unavailable, ""))
		_, err := f.InitiateActivation(t.Context(), registration(olliMail))
		require.NoError(f.t, err)
		f.deliver()
		f.mail.setAway(nil)
		f.clock.Advance(24 * time.Hour)
		f.deliver()
		require.Empty(f.t, f.mail.all())
		dead, err := f.outbox.Dead(t.Context(), 10)
		require.NoError(f.t, err)
		require.Len(f.t, dead, 1)
		require.Contains(f.t, dead[0].Error, "expired")
	})
}

func TestAMailThatIsRefusedIsNotRepeated(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.mail.setAway(fault.New(fault.Invalid, ""))
		_, err := f.InitiateActivation(t.Context(), registration(olliMail))
		require.NoError(f.t, err)
		for range 3 {
			f.deliver()
			f.clock.Advance(time.Hour)
		}
		require.Equal(f.t, 1, f.mail.tried())
	})
}

// TestARollbackSendsNothing breaks each flow at its last write but one, and a
// transaction after the mail was queued.
func TestARollbackSendsNothing(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.exec(`ALTER TABLE audit RENAME TO audit_away`)
		_, err := f.InitiateActivation(t.Context(), registration(olliMail))
		require.Error(f.t, err)
		_, err = f.Invite(t.Context(), accounts.InviteRequest{Email: olliMail, Mail: true})
		require.Error(f.t, err)
		f.exec(`ALTER TABLE audit_away RENAME TO audit`)

		errLater := errors.New("something later failed")
		err = f.db.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			m := relay.Mail{Request: mail.SendRequest{Key: "key", Template: mail.Activation, To: olliMail}}
			if err := relay.Post(ctx, f.outbox, tx, m); err != nil {
				return err
			}
			return errLater
		})
		require.ErrorIs(f.t, err, errLater)
		f.deliver()
		require.Zero(f.t, f.mail.tried())
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users`)+f.count(`SELECT COUNT(*) FROM outbox`))
	})
}

// TestNoMailNoRow turns it round: what cannot be mailed does not happen.
func TestNoMailNoRow(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.exec(`ALTER TABLE outbox RENAME TO outbox_away`)
		_, err := f.InitiateActivation(t.Context(), registration(olliMail))
		require.Error(f.t, err)
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users`)+f.count(`SELECT COUNT(*) FROM activations`)+f.count(`SELECT COUNT(*) FROM audit`))
	})
}

// TestFinishIsAllOrNothing breaks the end of an activation at its last write.
func TestFinishIsAllOrNothing(t *testing.T) {
	onEach(t, func(f *fixture) {
		opened := f.open(f.initiate(olliMail))
		before := f.dump("users", "activations", "hubs", "memberships", "credentials")
		f.exec(`ALTER TABLE audit RENAME TO audit_away`)
		_, err := f.FinishActivation(t.Context(), finishing(opened))
		require.Error(f.t, err)
		require.Equal(f.t, before, f.dump("users", "activations", "hubs", "memberships", "credentials"))
		f.exec(`ALTER TABLE audit_away RENAME TO audit`)
		_, err = f.FinishActivation(t.Context(), finishing(opened))
		require.NoError(f.t, err)
	})
}

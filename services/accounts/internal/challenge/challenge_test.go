package challenge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestTheStrongestFactorIsAsked(t *testing.T) {
	onEach(t, func(f *fixture) {
		for _, tt := range []struct {
			channel     accounts.Channel
			destination string
			medium      mail.Medium
			to, method  string
		}{
			{accounts.ChannelEmail, "t•••@example.com", mail.Email, olliMail, "email"},
			{accounts.ChannelSMS, "+49 ••• 789", mail.SMS, number, "sms"},
			{accounts.ChannelApp, "", "", "", "otp"},
		} {
			if tt.channel > accounts.ChannelEmail {
				f.give(tt.channel)
			}
			strongest, err := f.Strongest(t.Context(), f.db, f.user.ID)
			require.NoError(f.t, err)
			require.Equal(f.t, tt.channel, strongest)
			ch, err := f.tryStart(accounts.ChannelApp) // more than the user may have
			require.NoError(f.t, err)
			require.Equal(f.t, tt.channel, ch.Channel)
			require.Equal(f.t, tt.destination, ch.Destination)
			require.Equal(f.t, f.clock.Now().Add(10*time.Minute), ch.ExpirationTime)
			code := f.appCode(0)
			if tt.channel != accounts.ChannelApp {
				sent := f.last()
				require.Equal(f.t, mail.Code, sent.Template)
				require.Equal(f.t, []any{tt.medium, tt.to, "10", "192.0.2.7", "Browser/1"},
					[]any{sent.Medium, sent.To, sent.Data["minutes"], sent.Data["address"], sent.Data["device"]})
				require.Equal(f.t, ch.ExpirationTime, sent.Expires)
				code = sent.Data["code"]
			}
			requireConfirmed(f, ch.ID, false, 0)
			confirmation, err := f.answer(ch.ID, code)
			require.NoError(f.t, err)
			require.Equal(f.t, accounts.Confirmation{Challenge: ch.ID, Method: tt.method}, confirmation)
			requireConfirmed(f, ch.ID, true, tt.channel)
		}
		require.Equal(f.t, 3, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'code.confirmed'`))
		require.Equal(f.t, 2, f.count(`SELECT COUNT(*) FROM factors WHERE last_used_time IS NOT NULL`))
	})
}

func requireConfirmed(f *fixture, id int64, want bool, channel accounts.Channel) {
	f.t.Helper()
	got, replace, ok, err := f.Confirmed(f.t.Context(), f.db, f.user.ID, id)
	require.NoError(f.t, err)
	require.Equal(f.t, []any{want, channel, false}, []any{ok, got, replace})
	_, _, ok, err = f.Confirmed(f.t.Context(), f.db, f.user.ID+1, id)
	require.NoError(f.t, err)
	require.False(f.t, ok, "somebody else's")
}

func TestACodeAsPeopleTypeIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typed, code string
		kind        kind
	}{
		{"123456", "123456", kindCode},
		{" 123 456 ", "123456", kindCode},
		{"123-456", "123456", kindCode},
		{"123\u00a0456", "123456", kindCode},
		{"ABCDE-12345", "abcde12345", kindRecovery},
		{"oil00-00000", "0110000000", kindRecovery},
		{"abcde-12345-abcde-12345", "abcde12345abcde12345", kindApproved},
		{"12345", "", malformed},
		{"1234567", "", malformed},
		{"12345a", "", malformed},
		{"abcde-1234u", "", malformed},
		{"abcde1234\xff", "", malformed},
		{"１２３４５６", "", malformed},
		{"123456\x00", "", malformed},
		{string(make([]byte, 1<<20)), "", malformed},
		{"      ", "", malformed},
	} {
		code, k := parse(tt.typed)
		require.Equal(t, tt.kind, k, "%.40q", tt.typed)
		require.Equal(t, tt.code, code, "%.40q", tt.typed)
	}
}

func TestWhatIsNoCodeCostsNothing(t *testing.T) {
	onEach(t, func(f *fixture) {
		ch := f.start()
		for typed, message := range map[string]string{
			"": "validation.required", "12345": "validation.wrong_code", "12345\xff": "validation.wrong_code",
			string(make([]byte, 1<<16)): "validation.wrong_code",
		} {
			_, err := f.answer(ch.ID, typed)
			requireField(f.t, err, "code", message)
		}
		require.Zero(f.t, f.count(`SELECT attempts FROM challenges`))
	})
}

func TestFiveWrongCodesEndAChallenge(t *testing.T) {
	onEach(t, func(f *fixture) {
		ch := f.start()
		code := f.last().Data["code"]
		for range 5 {
			_, err := f.answer(ch.ID, other(code))
			requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
		}
		_, err := f.answer(ch.ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
		_, err = f.resend(ch.ID, 0)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
		require.Equal(f.t, 5, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'code.failed'`))
	})
}

func TestTenWrongCodesOfAUser(t *testing.T) {
	onEach(t, func(f *fixture) {
		for range 2 {
			ch := f.start()
			for range 5 {
				_, err := f.answer(ch.ID, other(f.last().Data["code"]))
				requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
			}
			f.clock.Advance(time.Minute)
		}
		ch := f.start()
		_, err := f.answer(ch.ID, f.last().Data["code"])
		require.Equal(f.t, 58*time.Minute, requireFault(f.t, err, fault.Throttled, "fault.throttled").RetryAfter)
		f.clock.Advance(58 * time.Minute)
		ch = f.start()
		_, err = f.answer(ch.ID, f.last().Data["code"])
		require.NoError(f.t, err)
	})
}

func TestRightCodesAreNoGuesses(t *testing.T) {
	onEach(t, func(f *fixture) {
		for range 12 {
			ch := f.start()
			_, err := f.answer(ch.ID, f.last().Data["code"])
			require.NoError(f.t, err)
			f.clock.Advance(4 * time.Minute)
		}
	})
}

func TestAChallengeThatIsOver(t *testing.T) {
	onEach(t, func(f *fixture) {
		answered := f.start()
		code := f.last().Data["code"]
		_, err := f.answer(answered.ID, code)
		require.NoError(f.t, err)
		_, err = f.answer(answered.ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
		_, err = f.answer(1<<40, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")

		late := f.start()
		code = f.last().Data["code"]
		f.clock.Advance(10 * time.Minute)
		_, err = f.answer(late.ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
		_, err = f.resend(late.ID, 0)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")

		olli := f.user
		theirs := f.start()
		code = f.last().Data["code"]
		f.user = f.activate("other@example.com")
		_, err = f.answer(theirs.ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
		_, err = f.resend(theirs.ID, 0)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")

		f.user = olli
		_, err = f.db.Exec(t.Context(), `UPDATE users SET status = $2 WHERE id = $1`, olli.ID, accounts.Disabled)
		require.NoError(f.t, err)
		_, err = f.answer(theirs.ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
	})
}

func TestTheCodeOfAnotherChallengeDoesNotDo(t *testing.T) {
	onEach(t, func(f *fixture) {
		first := f.start()
		code := f.last().Data["code"]
		second := f.start()
		_, err := f.db.Exec(t.Context(), `UPDATE challenges SET mac = (SELECT mac FROM challenges WHERE id = $1) WHERE id = $2`, first.ID, second.ID)
		require.NoError(f.t, err)
		_, err = f.answer(second.ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
		_, err = f.answer(first.ID, code)
		require.NoError(f.t, err)
	})
}

func TestSweep(t *testing.T) {
	onEach(t, func(f *fixture) {
		ch := f.start()
		_, err := f.answer(ch.ID, f.last().Data["code"])
		require.NoError(f.t, err)
		f.start()
		for _, tt := range []struct {
			after time.Duration
			left  int
		}{{10 * time.Minute, 2}, {24 * time.Hour, 2}, {time.Second, 1}, {98 * 24 * time.Hour, 1}, {2 * 24 * time.Hour, 0}} {
			f.clock.Advance(tt.after)
			_, err := f.Sweep(t.Context())
			require.NoError(f.t, err)
			require.Equal(f.t, tt.left, f.count(`SELECT COUNT(*) FROM challenges`), "%v", tt)
		}
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM tallies`))
	})
}

package challenge

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

func TestAnAppWhoseClockIsOff(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.give(accounts.ChannelApp)
		for _, tt := range []struct {
			ahead time.Duration
			ok    bool
		}{{-2 * period, false}, {2 * period, false}, {-period, true}, {0, true}, {period, true}} {
			_, err := f.answer(f.start().ID, f.appCode(tt.ahead))
			require.Equal(f.t, tt.ok, err == nil, "%v: %v", tt.ahead, err)
		}
		// At the very edges of the steps.
		f.clock.Advance(4*period - time.Second) // one second before the next step
		_, err := f.answer(f.start().ID, f.appCode(-period))
		require.NoError(f.t, err)
	})
}

const period = Period * time.Second

func TestACodeOfAnAppIsUsedOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.give(accounts.ChannelApp)
		now, before := f.appCode(0), f.appCode(-period)
		_, err := f.answer(f.start().ID, now)
		require.NoError(f.t, err)
		for _, code := range []string{now, before} {
			_, err = f.answer(f.start().ID, code)
			requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
		}
		f.clock.Advance(period)
		_, err = f.answer(f.start().ID, f.appCode(0))
		require.NoError(f.t, err)
	})
}

func TestTheSeedOfOneFactorIsNotThatOfAnother(t *testing.T) {
	onEach(t, func(f *fixture) {
		factor := f.give(accounts.ChannelApp)
		secret, err := f.Unseal(factor)
		require.NoError(f.t, err)
		require.Equal(f.t, seed, secret)
		factor.Hash = ids.New()
		_, err = f.Unseal(factor)
		require.Error(f.t, err)
	})
}

func TestARemovedAppAnswersNothing(t *testing.T) {
	onEach(t, func(f *fixture) {
		factor := f.give(accounts.ChannelApp)
		ch := f.start()
		f.tx(func(ctx context.Context, tx *db.Tx) error {
			_, err := store.DeleteFactor(ctx, tx, factor.ID)
			return err
		})
		_, err := f.answer(ch.ID, f.appCode(0))
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
	})
}

func TestAnotherCode(t *testing.T) {
	onEach(t, func(f *fixture) {
		ch := f.start()
		first := f.last().Data["code"]
		f.clock.Advance(3 * time.Minute)
		again, err := f.resend(ch.ID, 0)
		require.NoError(f.t, err)
		require.Equal(f.t, ch, again, "it does not live longer")
		sent := f.last()
		require.Len(f.t, f.sent, 2)
		require.Equal(f.t, "7", sent.Data["minutes"])
		if first != sent.Data["code"] {
			_, err = f.answer(ch.ID, first)
			requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
		}
		_, err = f.answer(ch.ID, sent.Data["code"])
		require.NoError(f.t, err)
		_, err = f.resend(ch.ID, 0)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
	})
}

func TestAnotherCodeGivesNoMoreAttempts(t *testing.T) {
	onEach(t, func(f *fixture) {
		ch := f.start()
		for i := range 5 {
			_, err := f.answer(ch.ID, other(f.last().Data["code"]))
			requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
			if i < 4 {
				_, err = f.resend(ch.ID, 0)
				require.NoError(f.t, err)
			}
		}
		_, err := f.resend(ch.ID, 0)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
	})
}

func TestAnotherChannel(t *testing.T) {
	onEach(t, func(f *fixture) {
		ch := f.start()
		for _, channel := range []accounts.Channel{accounts.ChannelSMS, accounts.ChannelApp, -1, 99} {
			_, err := f.resend(ch.ID, channel)
			requireField(f.t, err, "channel", "validation.channel")
		}
		f.give(accounts.ChannelApp)
		f.give(accounts.ChannelSMS)
		ch = f.start()
		_, err := f.resend(ch.ID, accounts.ChannelEmail)
		requireField(f.t, err, "channel", "validation.channel")
		sms, err := f.resend(ch.ID, accounts.ChannelSMS)
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.Challenge{
			ID: ch.ID, Channel: accounts.ChannelSMS, Destination: "+49 ••• 789", ExpirationTime: ch.ExpirationTime,
		}, sms)
		code := f.last().Data["code"]
		app, err := f.resend(ch.ID, accounts.ChannelApp)
		require.NoError(f.t, err)
		require.Equal(f.t, ch, app)
		_, err = f.answer(ch.ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
		_, err = f.resend(ch.ID, accounts.ChannelSMS)
		require.NoError(f.t, err)
		_, err = f.answer(ch.ID, f.last().Data["code"])
		require.NoError(f.t, err)
		channel, _, ok, err := f.Confirmed(t.Context(), f.db, f.user.ID, ch.ID)
		require.NoError(f.t, err)
		require.True(f.t, ok)
		require.Equal(f.t, accounts.ChannelSMS, channel)

		demanding, err := f.tryStart(accounts.ChannelApp)
		require.NoError(f.t, err)
		_, err = f.resend(demanding.ID, accounts.ChannelSMS)
		requireField(f.t, err, "channel", "validation.channel")
	})
}

func TestFiveCodesAreSent(t *testing.T) {
	onEach(t, func(f *fixture) {
		ch := f.start()
		for range 4 {
			f.clock.Advance(time.Minute)
			_, err := f.resend(ch.ID, 0)
			require.NoError(f.t, err)
		}
		_, err := f.tryStart(0)
		require.Equal(f.t, 11*time.Minute, requireFault(f.t, err, fault.Throttled, "fault.throttled").RetryAfter)
		_, err = f.resend(ch.ID, 0)
		requireFault(f.t, err, fault.Throttled, "fault.throttled")
		code := f.last().Data["code"]
		require.Len(f.t, f.sent, 5)
		_, err = f.answer(ch.ID, code)
		require.NoError(f.t, err)
		f.clock.Advance(11 * time.Minute)
		f.start()
		require.Equal(f.t, mail.Code, f.last().Template)
		require.Len(f.t, f.sent, 6)
	})
}

func TestRecoveryCodes(t *testing.T) {
	onEach(t, func(f *fixture) {
		shown, macs := f.NewRecoveryCodes(f.user.ID, 10)
		theirs := f.activate("other@example.com")
		foreign, foreignMACs := f.NewRecoveryCodes(theirs.ID, 1)
		f.give(accounts.ChannelApp)
		f.tx(func(ctx context.Context, tx *db.Tx) error {
			require.NoError(f.t, store.ReplaceRecoveryCodes(ctx, tx, f.user.ID, macs, f.clock.Now()))
			return store.ReplaceRecoveryCodes(ctx, tx, theirs.ID, foreignMACs, f.clock.Now())
		})
		for _, code := range shown {
			require.Regexp(f.t, `^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$`, code)
		}
		ch := f.start()
		_, err := f.answer(ch.ID, foreign[0])
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
		confirmation, err := f.answer(ch.ID, shown[3])
		require.NoError(f.t, err)
		require.Equal(f.t, "recovery", confirmation.Method)
		requireConfirmed(f, ch.ID, true, accounts.ChannelApp)
		told := f.last()
		require.Equal(f.t, mail.SecurityNotice, told.Template)
		require.Equal(f.t, []string{string(mail.RecoveryCodeUsed), "9"}, []string{told.Data["event"], told.Data["subject"]})
		_, err = f.answer(f.start().ID, shown[3])
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
		require.Equal(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'recovery.used'`))
	})
}

func TestAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(f *fixture){
		"one answer wins": func(f *fixture) {
			ch := f.start()
			code := f.last().Data["code"]
			require.Equal(f.t, 1, succeeded(f, func(int) (accounts.Confirmation, error) { return f.answer(ch.ID, code) }))
		},
		"one use of an app's code wins": func(f *fixture) {
			f.give(accounts.ChannelApp)
			challenges := []accounts.Challenge{f.start(), f.start(), f.start(), f.start(), f.start(), f.start(), f.start(), f.start()}
			require.Equal(f.t, 1, succeeded(f, func(i int) (accounts.Confirmation, error) {
				return f.answer(challenges[i].ID, f.appCode(0))
			}))
		},
		"one use of a recovery code wins": func(f *fixture) {
			f.give(accounts.ChannelApp)
			shown, macs := f.NewRecoveryCodes(f.user.ID, 1)
			f.tx(func(ctx context.Context, tx *db.Tx) error {
				return store.ReplaceRecoveryCodes(ctx, tx, f.user.ID, macs, f.clock.Now())
			})
			challenges := []accounts.Challenge{f.start(), f.start(), f.start(), f.start(), f.start(), f.start(), f.start(), f.start()}
			require.Equal(f.t, 1, succeeded(f, func(i int) (accounts.Confirmation, error) { return f.answer(challenges[i].ID, shown[0]) }))
		},
		"five guesses are made": func(f *fixture) {
			ch := f.start()
			code := f.last().Data["code"]
			require.Zero(f.t, succeeded(f, func(int) (accounts.Confirmation, error) { return f.answer(ch.ID, other(code)) }))
			require.Equal(f.t, 5, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'code.failed'`))
		},
		"five codes are sent": func(f *fixture) {
			require.Equal(f.t, 5, succeeded(f, func(int) (accounts.Challenge, error) { return f.tryStart(0) }))
			f.last()
			require.Len(f.t, f.sent, 5)
		},
	} {
		t.Run(name, func(t *testing.T) { onEach(t, test) })
	}
}

// succeeded is how many of eight calls at once do.
func succeeded[T any](f *fixture, call func(i int) (T, error)) (n int) {
	f.t.Helper()
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = call(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			n++
			continue
		}
		require.Contains(f.t, []fault.Kind{fault.Unauthenticated, fault.Throttled}, fault.From(err).Kind, "%v", err)
	}
	return n
}

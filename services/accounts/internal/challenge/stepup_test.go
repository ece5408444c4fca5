package challenge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *fixture) stepUp(minimum accounts.Channel) (accounts.Challenge, error) {
	return f.StepUp(f.t.Context(), accounts.StepUpRequest{Actor: api.Actor{User: f.user.ID, Session: 1, Origin: browser}, Minimum: minimum})
}

func TestSteppingUpAsksForTheStrongest(t *testing.T) {
	onEach(t, func(f *fixture) {
		for _, channel := range []accounts.Channel{accounts.ChannelEmail, accounts.ChannelSMS, accounts.ChannelApp} {
			if channel > accounts.ChannelEmail {
				_, err := f.stepUp(channel)
				requireFault(f.t, err, fault.NotFound, "fault.no_second_factor")
				f.give(channel)
			}
			for _, minimum := range []accounts.Channel{0, channel} {
				ch, err := f.stepUp(minimum)
				require.NoError(f.t, err)
				require.Equal(f.t, channel, ch.Channel)
			}
		}
		require.Equal(f.t, 6, f.count(`SELECT COUNT(*) FROM challenges`), "none for what was refused")
		ch, err := f.stepUp(0)
		require.NoError(f.t, err)
		_, err = f.answer(ch.ID, f.appCode(0))
		require.NoError(f.t, err)
		requireConfirmed(f, ch.ID, true, accounts.ChannelApp)
		_, err = f.resend(ch.ID, 0)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
	})
}

// What is asked for at least also bounds what may be asked for instead.
func TestSteppingUpByAWeakerChannel(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.give(accounts.ChannelSMS)
		f.give(accounts.ChannelApp)
		ch, err := f.stepUp(accounts.ChannelSMS)
		require.NoError(f.t, err)
		_, err = f.resend(ch.ID, accounts.ChannelEmail)
		require.True(f.t, fault.Is(err, fault.Invalid))
		ch, err = f.resend(ch.ID, accounts.ChannelSMS)
		require.NoError(f.t, err)
		_, err = f.answer(ch.ID, f.last().Data["code"])
		require.NoError(f.t, err)
	})
}

func TestSteppingUpIsThrottled(t *testing.T) {
	onEach(t, func(f *fixture) {
		for range 5 {
			_, err := f.stepUp(0)
			require.NoError(f.t, err)
		}
		_, err := f.stepUp(0)
		require.Equal(f.t, 15*time.Minute, requireFault(f.t, err, fault.Throttled, "fault.throttled").RetryAfter)
	})
}

func TestWhoCannotStepUp(t *testing.T) {
	onEach(t, func(f *fixture) {
		other := int64(4711)
		for message, actor := range map[string]api.Actor{
			"fault.impersonating": {User: f.user.ID, Impersonator: &other}, "fault.personal_token": {User: f.user.ID, PAT: &other},
		} {
			_, err := f.StepUp(t.Context(), accounts.StepUpRequest{Actor: actor})
			requireFault(f.t, err, fault.Forbidden, message)
		}
		_, err := f.StepUp(t.Context(), accounts.StepUpRequest{Actor: api.Actor{User: other}})
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_over")
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM challenges`))
	})
}

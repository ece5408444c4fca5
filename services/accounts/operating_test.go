package accounts

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestTheOperatorDisablesAndEnablesUsers(t *testing.T) {
	onEachAmong(t, func(f *fixture, o *others) {
		user := f.register(olliMail)
		s := f.local(api.Operator)
		set := func(named string, status accounts.Status) (accounts.User, error) {
			f.clock.Advance(time.Second)
			return s.SetStatus(t.Context(), accounts.SetStatusRequest{User: named, Status: status})
		}
		got, err := set("TITAN@example.com", accounts.Disabled)
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.Disabled, got.Status)
		require.Equal(f.t, f.clock.Now(), got.ModifiedTime)
		disabled := f.clock.Now()
		require.Equal(f.t, []string{"account_disabled"}, f.notices(olliMail))
		require.Equal(f.t, []sessions.EndAllRequest{{User: user.User.ID, UserHash: user.User.Hash, Before: disabled, Tokens: true}}, o.ended)
		_, err = f.authenticate(olliMail, olliPassword)
		require.Error(f.t, err)

		_, err = set(user.User.Hash, accounts.Disabled)
		require.NoError(f.t, err)
		require.Len(f.t, f.notices(olliMail), 1, "once")
		got, err = set(user.User.Hash, accounts.Active)
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.Active, got.Status)
		_, err = f.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err)
		for _, kind := range []string{"user.disabled", "user.enabled"} {
			require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = $1 AND actor = 'operator' AND user_id = $2`, kind, user.User.ID))
		}

		f.exec(`UPDATE users SET status = 0, disabled_hub_id = $1`, user.Hub.ID)
		_, err = set(olliMail, accounts.Disabled)
		require.NoError(f.t, err)
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users WHERE disabled_hub_id IS NOT NULL`), "the hub must not undo that")
	})
}

func TestWhomTheOperatorCannotDisable(t *testing.T) {
	onEachAmong(t, func(f *fixture, o *others) {
		f.initiate(olliMail)
		for name, kind := range map[string]fault.Kind{
			"nobody@example.com": fault.NotFound, "0000000000000000000000000000000000000000": fault.NotFound,
			"no address": fault.NotFound, "": fault.NotFound, olliMail: fault.Conflict,
		} {
			for _, status := range []accounts.Status{accounts.Active, accounts.Disabled} {
				_, err := f.SetStatus(t.Context(), accounts.SetStatusRequest{User: name, Status: status})
				require.Equal(f.t, kind, fault.From(err).Kind, name)
			}
		}
		_, err := f.SetStatus(t.Context(), accounts.SetStatusRequest{User: olliMail, Status: accounts.Invited})
		require.Equal(f.t, fault.Invalid, fault.From(err).Kind)
		require.Empty(f.t, f.notices(olliMail))
		require.Empty(f.t, o.ended)
	})
}

func TestDeadWorkIsRetried(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		s := f.local(api.Operator)
		list, err := s.DeadWork(t.Context(), accounts.DeadWorkRequest{})
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.DeadWorkList{Work: []accounts.DeadWork{}}, list)

		f.mail.setAway(fault.New(fault.Invalid, "").Because(errors.New("no such template")))
		for _, email := range []string{olliMail, "other@example.com"} {
			_, err = f.InitiateActivation(t.Context(), registration(email))
			require.NoError(f.t, err)
		}
		f.deliver()
		list, err = s.DeadWork(t.Context(), accounts.DeadWorkRequest{Limit: 1})
		require.NoError(f.t, err)
		require.Len(f.t, list.Work, 1)
		got := list.Work[0]
		require.Equal(f.t, []any{"mail", 1, f.clock.Now()}, []any{got.Topic, got.Attempts, got.CreatedTime})
		require.NotEmpty(f.t, got.Error)

		f.mail.setAway(nil)
		_, err = s.RetryWork(t.Context(), accounts.RetryWorkRequest{ID: got.ID})
		require.NoError(f.t, err)
		f.deliver()
		require.Len(f.t, f.mail.all(), 1)
		_, err = s.RetryWork(t.Context(), accounts.RetryWorkRequest{ID: got.ID})
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
	})
}

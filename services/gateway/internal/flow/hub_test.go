package flow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

func (f *fixture) inHub(hub int64) sessions.Token { return f.sessions.Open(sessions.ScopeFull, &hub) }

func TestSwitchingHubs(t *testing.T) {
	t.Parallel()
	f := start()
	session := f.inHub(1)
	done, err := f.SwitchHub(t.Context(), caller(session), api.Ref{ID: 2})
	require.NoError(t, err)
	assert.Equal(t, session.Session.ID, done.Token.Session.ID, "the same session")
	assert.EqualValues(t, 2, *done.Token.Session.Hub)
	assert.EqualValues(t, 2, done.Account.Hub.ID)
	assert.Equal(t, []int64{session.Session.ID}, f.changed)
	assert.Empty(t, f.ended)
	r, _ := f.accounts.Asked("Admit")[0].(accounts.AdmitRequest)
	assert.Equal(t, accounts.ProofSession, r.Proof)
	assert.False(t, r.Fallback, "it was chosen")

	done, err = f.SwitchHub(t.Context(), caller(done.Token), api.Ref{Hash: gatewaytest.HubHash})
	require.NoError(t, err)
	assert.EqualValues(t, 1, done.Account.Hub.ID)
	_, err = f.SwitchHub(t.Context(), caller(done.Token), api.Ref{Hash: strings.Repeat("f", 40)})
	assert.True(t, fault.Is(err, fault.NotFound))

	left, err := f.LeaveHub(t.Context(), caller(done.Token))
	require.NoError(t, err)
	assert.Nil(t, left.Token.Session.Hub)
	assert.Nil(t, left.Account.Hub)
	assert.Len(t, f.changed, 3)
}

// A hub that asks for more than the session has gets a session of its own.
func TestAHubThatAsksForMore(t *testing.T) {
	t.Parallel()
	f := start()
	f.accounts.Demand(accounts.StepCode)
	hub, challenge := int64(1), int64(5)
	proved := f.clock.Now().Add(-time.Hour)
	session := f.sessions.OpenFor(sessions.CreateRequest{
		Scope: sessions.ScopeFull, Hub: &hub, MFA: &challenge, Remember: true,
		Methods: []sessions.Method{sessions.MethodPassword}, AuthenticatedTime: proved,
	})
	step, err := f.SwitchHub(t.Context(), caller(session), api.Ref{ID: 2})
	require.NoError(t, err)
	assert.Equal(t, accounts.StepCode, step.Step)
	assert.NotEqual(t, session.Session.ID, step.Token.Session.ID)
	assert.EqualValues(t, 2, *step.Token.Session.Hub)
	r, _ := f.accounts.Asked("Admit")[0].(accounts.AdmitRequest)
	assert.Equal(t, challenge, *r.Challenge, "what has been confirmed counts")
	assert.Zero(t, f.sessions.Calls("SwitchHub"))
	assert.Empty(t, f.ended)

	done, err := f.ConfirmCode(t.Context(), caller(step.Token), gatewaytest.Code)
	require.NoError(t, err)
	s := done.Token.Session
	assert.EqualValues(t, 2, *s.Hub)
	assert.True(t, s.Remember)
	assert.Equal(t, proved, s.AuthenticatedTime)
	assert.Equal(t, []int64{step.Token.Session.ID}, f.ended, "the one in the other hub lives on")
}

func TestAHubThatMayNotBeEntered(t *testing.T) {
	t.Parallel()
	f := start()
	f.accounts.Fail("Admit", fault.New(fault.Forbidden, "fault.hub_expired"))
	_, err := f.SwitchHub(t.Context(), caller(f.inHub(1)), api.Ref{ID: 2})
	assert.Equal(t, "fault.hub_expired", fault.From(err).Message.ID)
	assert.Zero(t, f.sessions.Calls("SwitchHub"))
}

func TestImpersonation(t *testing.T) {
	t.Parallel()
	f := start()
	own := f.inHub(1)
	acting, err := f.Impersonate(t.Context(), caller(own), api.Ref{Hash: gatewaytest.MemberHash})
	require.NoError(t, err)
	s := acting.Token.Session
	assert.Equal(t, gatewaytest.MemberID, s.User)
	assert.EqualValues(t, 1, *s.Impersonator)
	assert.EqualValues(t, 1, *s.Hub)
	assert.Equal(t, "Uli", acting.Account.User.FirstName)
	asked, _ := f.accounts.Asked("Impersonate")[0].(accounts.MemberRequest)
	assert.Equal(t, own.Session.ID, asked.Actor.Session)

	_, err = f.Impersonate(t.Context(), caller(acting.Token), api.Ref{ID: 1})
	assert.Equal(t, "fault.impersonating", fault.From(err).Message.ID, "never nested")
	_, err = f.SwitchHub(t.Context(), caller(acting.Token), api.Ref{ID: 2})
	assert.Equal(t, "fault.impersonating", fault.From(err).Message.ID, "the member's other hubs are no business of the actor")
	_, err = f.LeaveHub(t.Context(), caller(acting.Token))
	assert.Equal(t, "fault.impersonating", fault.From(err).Message.ID)
	_, err = f.Sessions(t.Context(), caller(acting.Token), api.Page{Number: 1, Size: 25})
	assert.Equal(t, "fault.impersonating", fault.From(err).Message.ID)

	back, err := f.StopImpersonation(t.Context(), caller(acting.Token))
	require.NoError(t, err)
	assert.Equal(t, own.Session.ID, back.Token.Session.ID)
	assert.Equal(t, "Olli", back.Account.User.FirstName)
	assert.Equal(t, []int64{s.ID}, f.ended)
	_, err = f.StopImpersonation(t.Context(), caller(back.Token))
	assert.Equal(t, "fault.not_impersonating", fault.From(err).Message.ID)
}

func TestASessionOfSomebodyWhoIsGoneIsEnded(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault.Kind{fault.NotFound, fault.Forbidden} {
		f := start()
		session := f.inHub(1)
		f.accounts.Fail("Describe", fault.New(kind, ""))
		_, err := f.Current(t.Context(), caller(session))
		assert.True(t, fault.Is(err, fault.Unauthenticated))
		assert.Equal(t, []int64{session.Session.ID}, f.ended)
	}
	f := start()
	f.accounts.Fail("Describe", fault.New(fault.Unavailable, ""))
	_, err := f.Current(t.Context(), caller(f.inHub(1)))
	assert.True(t, fault.Is(err, fault.Unavailable))
	assert.Empty(t, f.ended)
}

func TestProgramsLogIn(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) func(*fixture) *time.Time {
		return func(f *fixture) *time.Time {
			at := f.clock.Now().Add(d)
			return &at
		}
	}
	never := func(*fixture) *time.Time { return nil }
	for name, tt := range map[string]struct {
		expires            func(*fixture) *time.Time
		scopes             []sessions.TokenScope
		remember, readOnly bool
	}{
		"for good":            {never, []sessions.TokenScope{sessions.TokenFull}, true, false},
		"to read":             {never, []sessions.TokenScope{sessions.TokenRead}, true, true},
		"both":                {never, []sessions.TokenScope{sessions.TokenRead, sessions.TokenFull}, true, false},
		"for nothing known":   {never, []sessions.TokenScope{"write"}, true, true},
		"for nothing":         {never, nil, true, true},
		"for long enough":     {in(30 * 24 * time.Hour), []sessions.TokenScope{sessions.TokenFull}, true, false},
		"not for long enough": {in(30*24*time.Hour - time.Second), []sessions.TokenScope{sessions.TokenFull}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start()
			text := f.sessions.Mint(sessions.AccessToken{Scopes: tt.scopes, ExpirationTime: tt.expires(f)})
			done, err := f.TokenLogin(t.Context(), flow.TokenLogin{Token: text, Remember: true})
			require.NoError(t, err)
			s := done.Token.Session
			assert.EqualValues(t, 1, *s.PAT)
			assert.Equal(t, tt.remember, s.Remember)
			assert.Equal(t, tt.readOnly, s.ReadOnly)
			assert.EqualValues(t, 1, *s.Hub, "the one used last")
			done, err = f.TokenLogin(t.Context(), flow.TokenLogin{Token: text, Hubless: true})
			require.NoError(t, err)
			assert.Nil(t, done.Token.Session.Hub)
		})
	}
}

// A stolen session can enter a hub that asks for a new password, and be its owner
// who has it ask for that. It must not get to set one without the current one,
// however many steps are between.
func TestAHubDoesNotReplaceTheCurrentPassword(t *testing.T) {
	t.Parallel()
	f := start()
	f.accounts.Demand(accounts.StepCode, accounts.StepFactor, accounts.StepPassword)
	hub := int64(1)
	methods := []sessions.Method{sessions.MethodPassword}
	session := f.sessions.OpenFor(sessions.CreateRequest{Scope: sessions.ScopeFull, Hub: &hub, Methods: methods})
	step, err := f.SwitchHub(t.Context(), caller(session), api.Ref{ID: 2})
	require.NoError(t, err)
	step, err = f.ConfirmCode(t.Context(), caller(step.Token), gatewaytest.Code)
	require.NoError(t, err)
	factor, err := f.ConfirmFactor(t.Context(), caller(step.Token), api.Ref{ID: gatewaytest.FactorID}, gatewaytest.Code)
	require.NoError(t, err)
	require.Equal(t, accounts.StepPassword, factor.Outcome.Step)

	in := newPassword()
	_, err = f.ChangePassword(t.Context(), caller(factor.Outcome.Token), in)
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	in.Current = gatewaytest.Password
	done, err := f.ChangePassword(t.Context(), caller(factor.Outcome.Token), in)
	require.NoError(t, err)
	assert.True(t, done.In())
	assert.Equal(t, []sessions.Method{sessions.MethodPassword, sessions.MethodMail, sessions.MethodMultiple},
		done.Token.Session.Methods)
}

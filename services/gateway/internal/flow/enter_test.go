package flow_test

import (
	"sync"
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

var byPassword = flow.Login{User: gatewaytest.Email, Password: gatewaytest.Password}

func newPassword() flow.NewPassword {
	return flow.NewPassword{Password: gatewaytest.Password, Confirmation: gatewaytest.Password}
}

// All steps there are, one after the other.
func TestFromStepToStep(t *testing.T) {
	t.Parallel()
	f := start()
	f.accounts.Demand(accounts.StepCode, accounts.StepFactor, accounts.StepPassword, accounts.StepTerms)
	proved := f.clock.Now()
	in := byPassword
	in.Remember = true
	step, err := f.Login(t.Context(), in)
	require.NoError(t, err)
	narrow := []sessions.Token{step.Token}
	next := func(o flow.Outcome, err error) flow.Outcome {
		require.NoError(t, err)
		f.clock.Advance(time.Minute)
		narrow = append(narrow, o.Token)
		return o
	}
	assert.Equal(t, accounts.StepCode, step.Step)
	assert.False(t, step.In())
	require.NotNil(t, step.Challenge)
	assert.Equal(t, sessions.ScopeCode, step.Token.Session.Scope)
	assert.Equal(t, step.Challenge.ID, *step.Token.Session.MFA)
	assert.Equal(t, []sessions.Method{sessions.MethodPassword}, step.Token.Session.Methods)

	f.clock.Advance(time.Minute)
	step = next(f.ConfirmCode(t.Context(), caller(step.Token), gatewaytest.Code))
	assert.Equal(t, accounts.StepFactor, step.Step)
	assert.Equal(t, sessions.ScopeFactorUpdate, step.Token.Session.Scope)
	confirmed := []sessions.Method{sessions.MethodPassword, sessions.MethodMail, sessions.MethodMultiple}
	assert.Equal(t, confirmed, step.Token.Session.Methods)

	factor, err := f.ConfirmFactor(t.Context(), caller(step.Token), api.Ref{ID: gatewaytest.FactorID}, gatewaytest.Code)
	require.NoError(t, err)
	assert.Equal(t, []string{gatewaytest.RecoveryCode}, factor.RecoveryCodes)
	step = next(*factor.Outcome, nil)
	assert.Equal(t, sessions.ScopePasswordUpdate, step.Token.Session.Scope)
	assert.Equal(t, proved, step.Token.Session.AuthenticatedTime)

	f.clock.Advance(time.Minute)
	changed := f.clock.Now()
	step = next(f.ChangePassword(t.Context(), caller(step.Token), newPassword()))
	assert.Equal(t, sessions.ScopeTermsConfirm, step.Token.Session.Scope)

	step = next(f.AcceptTerms(t.Context(), caller(step.Token), true))
	assert.True(t, step.In())
	s := step.Token.Session
	assert.Equal(t, sessions.ScopeFull, s.Scope)
	assert.Equal(t, confirmed, s.Methods)
	assert.True(t, s.Remember)
	assert.EqualValues(t, 1, *s.Hub)
	assert.EqualValues(t, 7, *s.MFA, "the challenge that was answered")
	assert.Equal(t, changed, s.AuthenticatedTime, "the proof is not older than the password")

	var spent []int64
	for _, token := range narrow[:len(narrow)-1] {
		spent = append(spent, token.Session.ID)
	}
	assert.Equal(t, spent, f.ended, "each is replaced by the next one")
	created := f.sessions.Created()
	assert.Zero(t, created[0].Limit, "a narrow session pushes no other out")
	assert.Equal(t, 3, created[len(created)-1].Limit)
}

func TestProofsAndMethods(t *testing.T) {
	t.Parallel()
	token := func(f *fixture) string {
		return f.sessions.Mint(sessions.AccessToken{Scopes: []sessions.TokenScope{sessions.TokenFull}})
	}
	identity := func(f *fixture) (flow.Outcome, error) {
		begun, err := f.BeginIdentity(t.Context(), flow.IdentityRequest{Provider: gatewaytest.Provider})
		require.NoError(t, err)
		return f.LogInByIdentity(t.Context(), flow.IdentityAnswer{Provider: gatewaytest.Provider, State: begun.State, Code: gatewaytest.UpstreamCode})
	}
	for name, tt := range map[string]struct {
		enter   func(*fixture) (flow.Outcome, error)
		proof   accounts.Proof
		methods []sessions.Method
	}{
		"password": {func(f *fixture) (flow.Outcome, error) { return f.Login(t.Context(), byPassword) }, accounts.ProofPassword, []sessions.Method{sessions.MethodPassword}},
		"token": {func(f *fixture) (flow.Outcome, error) {
			return f.TokenLogin(t.Context(), flow.TokenLogin{Token: token(f)})
		}, accounts.ProofToken, nil},
		"reset": {func(f *fixture) (flow.Outcome, error) {
			return f.FinishReset(t.Context(), gatewaytest.ResetLink, newPassword())
		}, accounts.ProofLink, []sessions.Method{sessions.MethodMail}},
		"identity": {identity, accounts.ProofIdentity, []sessions.Method{sessions.MethodUpstream}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start()
			done, err := tt.enter(f)
			require.NoError(t, err)
			assert.True(t, done.In())
			assert.NotNil(t, done.Account.Hub)
			assert.Equal(t, tt.methods, done.Token.Session.Methods)
			admitted := f.accounts.Asked("Admit")
			require.Len(t, admitted, 1)
			r, _ := admitted[0].(accounts.AdmitRequest)
			assert.Equal(t, tt.proof, r.Proof)
			assert.True(t, r.Fallback)

			// Whoever is sent to a step has proved the same afterwards.
			f = start()
			f.accounts.Demand(accounts.StepTerms)
			step, err := tt.enter(f)
			require.NoError(t, err)
			if step.Token.Session.PAT != nil {
				return // who is nobody to accept terms
			}
			_, err = f.AcceptTerms(t.Context(), caller(step.Token), true)
			require.NoError(t, err)
			r, _ = f.accounts.Asked("Admit")[1].(accounts.AdmitRequest)
			assert.Equal(t, tt.proof, r.Proof)
		})
	}
}

func TestARecoveryCodeIsNoSecondFactor(t *testing.T) {
	t.Parallel()
	f := start()
	f.accounts.Demand(accounts.StepCode)
	step, err := f.Login(t.Context(), byPassword)
	require.NoError(t, err)
	done, err := f.ConfirmCode(t.Context(), caller(step.Token), gatewaytest.RecoveryCode)
	require.NoError(t, err)
	assert.Equal(t, []sessions.Method{sessions.MethodPassword, sessions.MethodRecovery}, done.Token.Session.Methods)
}

func TestTwoMailsAreOneFactor(t *testing.T) {
	t.Parallel()
	f := start()
	f.accounts.Demand(accounts.StepCode)
	step, err := f.FinishReset(t.Context(), gatewaytest.ResetLink, newPassword())
	require.NoError(t, err)
	done, err := f.ConfirmCode(t.Context(), caller(step.Token), gatewaytest.Code)
	require.NoError(t, err)
	assert.Equal(t, []sessions.Method{sessions.MethodMail}, done.Token.Session.Methods)
}

// Of any number of requests at once with one narrow token one gets a session.
func TestANarrowSessionIsReplacedOnce(t *testing.T) {
	t.Parallel()
	for scope, act := range map[sessions.Scope]func(*fixture, sessions.Token) error{
		sessions.ScopeTermsConfirm: func(f *fixture, token sessions.Token) error {
			_, err := f.AcceptTerms(t.Context(), caller(token), true)
			return err
		},
		sessions.ScopePasswordUpdate: func(f *fixture, token sessions.Token) error {
			_, err := f.ChangePassword(t.Context(), caller(token), newPassword())
			return err
		},
		sessions.ScopeFactorUpdate: func(f *fixture, token sessions.Token) error {
			_, err := f.ConfirmFactor(t.Context(), caller(token), api.Ref{ID: gatewaytest.FactorID}, gatewaytest.Code)
			return err
		},
	} {
		t.Run(string(scope), func(t *testing.T) {
			t.Parallel()
			f := start()
			token := f.sessions.Open(scope, nil)
			errs := make([]error, 8)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { errs[i] = act(f, token) })
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
					continue
				}
				assert.True(t, fault.Is(err, fault.Unauthenticated), err)
			}
			assert.Equal(t, 1, won)
		})
	}
}

func TestWhoIsDisabledMeanwhileIsNotLetIn(t *testing.T) {
	t.Parallel()
	f := start()
	f.accounts.Fail("Admit", fault.New(fault.NotFound, ""))
	_, err := f.Login(t.Context(), byPassword)
	assert.True(t, fault.Is(err, fault.Unauthenticated), err)
	assert.Empty(t, f.sessions.Created())
}

// What works once is not used up while no session can be opened.
func TestNothingIsSpentForNothing(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*fixture) error{
		"ConfirmCode": func(f *fixture) error {
			challenge := int64(7)
			token := f.sessions.OpenFor(sessions.CreateRequest{Scope: sessions.ScopeCode, MFA: &challenge})
			_, err := f.ConfirmCode(t.Context(), caller(token), gatewaytest.Code)
			return err
		},
		"FinishReset": func(f *fixture) error {
			_, err := f.FinishReset(t.Context(), gatewaytest.ResetLink, newPassword())
			return err
		},
		"ChangePassword": func(f *fixture) error {
			_, err := f.ChangePassword(t.Context(), caller(f.sessions.Open(sessions.ScopePasswordUpdate, nil)), newPassword())
			return err
		},
		"ConfirmFactor": func(f *fixture) error {
			_, err := f.ConfirmFactor(t.Context(), caller(f.sessions.Open(sessions.ScopeFactorUpdate, nil)), api.Ref{ID: gatewaytest.FactorID}, gatewaytest.Code)
			return err
		},
		"FinishActivation": func(f *fixture) error {
			_, err := f.FinishActivation(t.Context(), caller(f.sessions.Open(sessions.ScopeActivationFinish, nil)), finish())
			return err
		},
		"FindIdentity": func(f *fixture) error {
			_, err := f.LogInByIdentity(t.Context(), flow.IdentityAnswer{Provider: gatewaytest.Provider, State: "a", Code: "b"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start()
			f.sessions.Away()
			assert.True(t, fault.Is(act(f), fault.Unavailable))
			assert.NotContains(t, f.accounts.Calls(), name)
		})
	}
}

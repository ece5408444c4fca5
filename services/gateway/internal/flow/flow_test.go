package flow_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

type fixture struct {
	*flow.Flow
	clock    *clockwork.FakeClock
	accounts *gatewaytest.Accounts
	sessions *gatewaytest.Sessions
	oauth    *gatewaytest.OAuth
	ended    []int64
	changed  []int64
	heard    bool
}

// Ended implements flow.SessionCache.
func (f *fixture) Ended(session int64) { f.ended = append(f.ended, session) }

// Changed implements flow.SessionCache.
func (f *fixture) Changed(session int64) { f.changed = append(f.changed, session) }

// Now is the one clock of all.
func (f *fixture) Now() time.Time { return f.clock.Now() }

// Heard implements flow.SessionCache.
func (f *fixture) Heard() bool { return f.heard }

// Reach implements flow.SessionCache.
func (f *fixture) Reach(ctx context.Context) error {
	_, err := f.sessions.Revocations(ctx, sessions.RevocationsRequest{Since: f.clock.Now()})
	return err
}

func start() *fixture {
	clock := clockwork.NewFakeClock()
	f := &fixture{clock: clock, accounts: gatewaytest.NewAccounts(clock.Now()), sessions: gatewaytest.NewSessions(clock), oauth: gatewaytest.NewOAuth()}
	f.Flow = flow.New(flow.Deps{
		Accounts: f.accounts, Sessions: f.sessions, OAuth: f.oauth, Cache: f, Logger: slog.New(slog.DiscardHandler),
	})
	return f
}

func caller(t sessions.Token) edge.Caller {
	return edge.Caller{
		Resolved: sessions.Resolved{Session: t.Session, TTL: t.TTL, ExpirationTime: t.ExpirationTime},
		Token:    t.Token,
	}
}

func finish() flow.Activation {
	return flow.Activation{
		Activation: gatewaytest.ActivationID, Name: "Nordantech",
		Password: gatewaytest.Password, PasswordConfirmation: gatewaytest.Password, Terms: true,
	}
}

func TestFromLinkToSession(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scope sessions.Scope
		kind  accounts.LinkKind
	}{
		gatewaytest.ActivationLink: {sessions.ScopeActivationFinish, accounts.LinkActivation},
		gatewaytest.InvitationLink: {sessions.ScopeInvitationFinish, accounts.LinkInvitation},
	}
	for link, want := range tests {
		f := start()
		opened, err := f.OpenLink(t.Context(), link)
		require.NoError(t, err)
		assert.Equal(t, want.scope, opened.Token.Session.Scope)
		assert.Nil(t, opened.Token.Session.Hub)

		done, err := f.FinishActivation(t.Context(), caller(opened.Token), finish())
		require.NoError(t, err)
		assert.Equal(t, sessions.ScopeFull, done.Token.Session.Scope)
		assert.Equal(t, []sessions.Method{sessions.MethodMail}, done.Token.Session.Methods)
		assert.NotNil(t, done.Account.Hub)
		require.Len(t, f.accounts.Finished, 1)
		assert.Equal(t, want.kind, f.accounts.Finished[0].Kind)
		assert.EqualValues(t, 1, f.accounts.Finished[0].User)
		assert.Equal(t, []int64{opened.Token.Session.ID}, f.ended, "the narrow session has done its work")
	}
}

func TestAnActivationIsFinishedByItsLinkOnly(t *testing.T) {
	t.Parallel()
	f := start()
	for _, scope := range sessions.Scopes() {
		if scope == sessions.ScopeActivationFinish || scope == sessions.ScopeInvitationFinish {
			continue
		}
		_, err := f.FinishActivation(t.Context(), caller(f.sessions.Open(scope, nil)), finish())
		assert.True(t, fault.Is(err, fault.Forbidden), scope)
	}
	assert.Empty(t, f.accounts.Calls())
}

func TestAnEmailStandsEvenIfTheSpentSessionCannotBeEnded(t *testing.T) {
	t.Parallel()
	f := start()
	f.sessions.Fail("End", fault.New(fault.Unavailable, ""))
	require.NoError(t, f.ConfirmEmail(t.Context(), caller(f.sessions.Open(sessions.ScopeEmailConfirm, nil))))
	assert.Empty(t, f.ended)
}

func TestALinkIsNotSpentWithoutASessionToOpen(t *testing.T) {
	t.Parallel()
	f := start()
	f.sessions.Away()
	_, err := f.OpenLink(t.Context(), gatewaytest.ActivationLink)
	assert.True(t, fault.Is(err, fault.Unavailable))
	for _, method := range []string{"Create", "Revocations"} {
		f.sessions.Fail(method, nil)
	}
	_, err = f.OpenLink(t.Context(), gatewaytest.ActivationLink)
	assert.NoError(t, err, "it still works")
}

func TestLoginChecksNoPasswordWithoutASessionToOpen(t *testing.T) {
	t.Parallel()
	f := start()
	f.sessions.Away()
	for _, password := range []string{gatewaytest.Password, "wrong"} {
		_, err := f.Login(t.Context(), flow.Login{User: gatewaytest.Email, Password: password})
		assert.True(t, fault.Is(err, fault.Unavailable), password)
	}
	assert.Empty(t, f.accounts.Calls())
}

func TestLoginAsksForTheSessionsOnlyIfTheyAreSilent(t *testing.T) {
	t.Parallel()
	f := start()
	in := flow.Login{User: gatewaytest.Email, Password: gatewaytest.Password}
	for _, heard := range []bool{true, false} {
		f.heard = heard
		_, err := f.Login(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, !heard, f.sessions.Calls("Revocations") == 1)
	}
}

func TestRenewWaitsForHalfOfTheLife(t *testing.T) {
	t.Parallel()
	f := start()
	token := f.sessions.Open(sessions.ScopeFull, nil)
	f.clock.Advance(14 * time.Minute)
	_, renewed, err := f.Renew(t.Context(), caller(token))
	require.NoError(t, err)
	assert.False(t, renewed)

	f.clock.Advance(time.Minute)
	fresh, renewed, err := f.Renew(t.Context(), caller(token))
	require.NoError(t, err)
	assert.True(t, renewed)
	assert.NotEqual(t, token.Token, fresh.Token)
	assert.Equal(t, token.Session.ID, fresh.Session.ID)

	f.sessions.Away()
	_, renewed, err = f.Renew(t.Context(), caller(token))
	assert.True(t, fault.Is(err, fault.Unavailable))
	assert.False(t, renewed)
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	f := start()
	require.NoError(t, f.Register(t.Context(), flow.Registration{FirstName: "Olli", LastName: "Kahn", Email: "a@example.org", Language: i18n.English}))
	require.Len(t, f.accounts.Registered, 1)
	assert.Equal(t, accounts.English, f.accounts.Registered[0].Language)
	f.accounts.Fail("InitiateActivation", fault.New(fault.Forbidden, "fault.registration_off"))
	assert.True(t, fault.Is(f.Register(t.Context(), flow.Registration{}), fault.Forbidden))
}

package sessions

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestContract holds for the service in this process and for the one behind
// HTTP: callers cannot tell them apart.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, reach := range map[string]func(*fixture, string) sessions.Service{
		"local": (*fixture).local, "http": (*fixture).remote,
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, f *fixture) {
				c := contract{f: f, s: reach(f, api.Gateway), accounts: reach(f, api.Accounts)}
				c.life(t)
				c.refusals(t)
				c.feed(t)
				c.managing(t)
				c.strangers(t)
			})
		})
	}
}

type contract struct {
	f *fixture
	s sessions.Service // as the gateway

	accounts sessions.Service // as that service
}

func (c contract) life(t *testing.T) {
	t.Helper()
	now := c.f.clock.Now()
	request := login(olli, ref(1022))
	pat := c.accessToken(t)
	request.MFA, request.PAT = ref(3), &pat
	token, err := c.s.Create(t.Context(), request)
	require.NoError(t, err)
	want := sessions.Session{
		ID: token.Session.ID, Hash: token.Session.Hash, User: olli, UserHash: olliHash, Hub: ref(1022),
		Scope: sessions.ScopeFull, MFA: ref(3), PAT: &pat, Methods: []sessions.Method{sessions.MethodPassword},
		AuthenticatedTime: now, CreatedTime: now, ExpirationTime: now.Add(30 * time.Minute),
	}
	require.Empty(t, cmp.Diff(sessions.Token{
		Session: want, Token: token.Token, TTL: 30, ExpirationTime: now.Add(30 * time.Minute),
	}, token))
	require.Regexp(t, "^[0-9a-f]{40}$", token.Session.Hash)

	resolved, err := c.s.Resolve(t.Context(), sessions.ResolveRequest{Token: token.Token})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(sessions.Resolved{
		Session: want, TokenID: resolved.TokenID, TTL: 30, ExpirationTime: now.Add(30 * time.Minute),
	}, resolved))
	require.Regexp(t, "^[0-9a-f]{40}$", resolved.TokenID)

	c.f.clock.Advance(20 * time.Minute)
	fresh, err := c.s.Refresh(t.Context(), sessions.RefreshRequest{Token: token.Token, Origin: browser})
	require.NoError(t, err)
	want.ExpirationTime = now.Add(50 * time.Minute)
	require.Empty(t, cmp.Diff(sessions.Token{
		Session: want, Token: fresh.Token, TTL: 30, ExpirationTime: now.Add(50 * time.Minute),
	}, fresh))
	require.NotEqual(t, token.Token, fresh.Token)

	for range 2 {
		_, err := c.s.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
		require.NoError(t, err)
	}
	_, err = c.s.Resolve(t.Context(), sessions.ResolveRequest{Token: fresh.Token})
	requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
	_, err = c.s.Refresh(t.Context(), sessions.RefreshRequest{Token: fresh.Token})
	requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
}

func (c contract) refusals(t *testing.T) {
	t.Helper()
	_, err := c.s.Create(t.Context(), sessions.CreateRequest{Scope: "everything", UserHash: "x", Limit: -1})
	requireFault(t, err, fault.Invalid, "fault.invalid")
	var fields []string
	for _, field := range []string{"user", "user_hash", "scope", "limit"} {
		if len(fault.From(err).Fields[field]) == 1 {
			fields = append(fields, field)
		}
	}
	require.Len(t, fields, 4, "%v", err)
	_, err = c.s.Resolve(t.Context(), sessions.ResolveRequest{Token: "nonsense"})
	requireFault(t, err, fault.Unauthenticated, "fault.unauthenticated")
	_, err = c.s.EndAll(t.Context(), sessions.EndAllRequest{})
	requireFault(t, err, fault.Invalid, "fault.invalid")
	_, err = c.s.End(t.Context(), sessions.EndRequest{Session: 987654321})
	require.NoError(t, err)

	narrow := login(olli, nil)
	narrow.Scope = sessions.ScopeCode
	token, err := c.s.Create(t.Context(), narrow)
	require.NoError(t, err)
	_, err = c.s.Refresh(t.Context(), sessions.RefreshRequest{Token: token.Token})
	requireFault(t, err, fault.Forbidden, "fault.scope")
}

func (c contract) feed(t *testing.T) {
	t.Helper()
	token, err := c.s.Create(t.Context(), login(mia, nil))
	require.NoError(t, err)
	_, err = c.s.EndAll(t.Context(), sessions.EndAllRequest{User: mia})
	require.NoError(t, err)
	feed, err := c.s.Revocations(t.Context(), sessions.RevocationsRequest{})
	require.NoError(t, err)
	require.Contains(t, feed.Sessions, token.Session.ID)
	require.True(t, feed.Now.Equal(c.f.clock.Now()))
	c.f.clock.Advance(time.Hour)
	feed, err = c.s.Revocations(t.Context(), sessions.RevocationsRequest{Since: c.f.clock.Now()})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(sessions.Revocations{Sessions: []int64{}, Now: c.f.clock.Now()}, feed))
}

// strangers are services that may call others of the methods.
func (c contract) strangers(t *testing.T) {
	t.Helper()
	_, err := c.accounts.EndAll(t.Context(), sessions.EndAllRequest{User: mia})
	require.NoError(t, err)
	_, err = c.accounts.Create(t.Context(), login(mia, nil))
	requireFault(t, err, fault.Forbidden, "fault.forbidden")
}

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

// accessToken takes a personal access token through all but its deletion.
func (c contract) accessToken(t *testing.T) int64 {
	t.Helper()
	token, err := c.s.Create(t.Context(), login(olli, nil))
	require.NoError(t, err)
	expiration, now := c.f.clock.Now().Add(time.Hour), c.f.clock.Now()
	created, err := c.s.CreateAccessToken(t.Context(), sessions.CreateAccessTokenRequest{
		Actor: actor(token), UserHash: olliHash, Name: " Backup ", ExpirationTime: &expiration,
	})
	require.NoError(t, err)
	want := sessions.AccessToken{
		ID: created.ID, Hash: created.Hash, User: olli, UserHash: olliHash, Name: "Backup",
		Scopes: []sessions.TokenScope{sessions.TokenFull}, ExpirationTime: &expiration, CreatedTime: now, ModifiedTime: now,
	}
	require.Empty(t, cmp.Diff(sessions.CreatedAccessToken{AccessToken: want, Token: created.Token}, created))
	require.Regexp(t, "^[0-9a-f]{40}$", created.Hash)
	require.Regexp(t, "^gh_pat_[0-9a-f]{40}[0-9A-Za-z]{6}$", created.Token)

	want.LastUsedTime = &now
	used, err := c.s.UseAccessToken(t.Context(), sessions.UseAccessTokenRequest{Token: created.Token, Origin: browser})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, used))
	list, err := c.s.ListAccessTokens(t.Context(), sessions.ListRequest{User: olli, Page: api.Page{Number: 1, Size: 10}})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(sessions.AccessTokenList{Tokens: []sessions.AccessToken{want}, Total: 1}, list))
	_, err = c.s.DeleteAccessToken(t.Context(), sessions.DeleteAccessTokenRequest{Actor: actor(token), Token: api.Ref{ID: created.ID + 1}})
	requireFault(t, err, fault.NotFound, "fault.not_found")
	return created.ID
}

// managing takes a session through what the API offers beside its life.
func (c contract) managing(t *testing.T) {
	t.Helper()
	_, err := c.accounts.Forget(t.Context(), sessions.ForgetRequest{User: olli})
	require.NoError(t, err)
	first, err := c.s.Create(t.Context(), login(olli, nil))
	require.NoError(t, err)
	second, err := c.s.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: first.Session.ID, Hub: ref(1022), Origin: browser})
	require.NoError(t, err)
	want := first.Session
	want.Hub = ref(1022)
	require.Empty(t, cmp.Diff(want, second.Session))
	feed, err := c.s.Revocations(t.Context(), sessions.RevocationsRequest{})
	require.NoError(t, err)
	require.Len(t, feed.Changed, 1)
	require.Equal(t, want.ID, feed.Changed[0].Session)

	child, err := c.s.Impersonate(t.Context(), sessions.ImpersonateRequest{
		Session: want.ID, User: mia, UserHash: olliHash, Hub: 1022, Origin: browser,
	})
	require.NoError(t, err)
	list, err := c.s.List(t.Context(), sessions.ListRequest{User: mia, Page: api.Page{Number: 1, Size: 10}})
	require.NoError(t, err)
	now := c.f.clock.Now()
	require.Empty(t, cmp.Diff(sessions.SessionList{Total: 1, Sessions: []sessions.Opened{{
		Session: sessions.Session{
			ID: child.Session.ID, Hash: child.Session.Hash, User: mia, UserHash: olliHash, Hub: ref(1022), Scope: sessions.ScopeFull,
			Parent: &want.ID, Impersonator: ref(olli), Methods: want.Methods,
			AuthenticatedTime: want.AuthenticatedTime, CreatedTime: now, ExpirationTime: now.Add(30 * time.Minute),
		},
		Address: "192.0.2.7", UserAgent: "Browser/1", LastUsedTime: now,
	}}}, list))
	back, err := c.s.StopImpersonation(t.Context(), sessions.StopImpersonationRequest{Session: child.Session.ID, Origin: browser})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, back.Session))
	_, err = c.s.StopImpersonation(t.Context(), sessions.StopImpersonationRequest{Session: want.ID})
	requireFault(t, err, fault.Forbidden, "fault.not_impersonating")
	_, err = c.s.End(t.Context(), sessions.EndRequest{Session: want.ID, User: mia})
	requireFault(t, err, fault.NotFound, "fault.not_found")
}

package sessions

import (
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
)

// accessToken makes a personal access token of whoever uses the session.
func (f *fixture) accessToken(by sessions.Token, r sessions.CreateAccessTokenRequest) sessions.CreatedAccessToken {
	f.t.Helper()
	r.Actor = actor(by)
	if r.Name == "" {
		r.Name = "Backup"
	}
	created, err := f.CreateAccessToken(f.t.Context(), r)
	require.NoError(f.t, err)
	return created
}

func (f *fixture) use(t sessions.CreatedAccessToken) sessions.AccessToken {
	f.t.Helper()
	used, err := f.UseAccessToken(f.t.Context(), sessions.UseAccessTokenRequest{Token: t.Token, Origin: browser})
	require.NoError(f.t, err)
	return used
}

// openWith opens a session with a personal access token.
func (f *fixture) openWith(t sessions.CreatedAccessToken, hub *int64) sessions.Token {
	f.t.Helper()
	r := login(t.User, hub)
	r.PAT = &t.ID
	return f.open(r)
}

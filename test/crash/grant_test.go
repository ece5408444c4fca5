package crash_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestKilledDuringAGrant kills the server between the steps of a sign-in to an
// app: what waits for its user, the code, and the family of refresh tokens
// outlive it.
func TestKilledDuringAGrant(t *testing.T) {
	t.Parallel()
	s, start := system.StandaloneProcess(t, system.StandaloneOptions{})
	p := start()
	restart := func() {
		p.Kill()
		p = start()
	}
	person, _ := s.Register(t, "grant@example.org")
	app := system.NewApp(t, s)
	b := system.NewBrowser(t, app.Config.RedirectURL)

	request := app.Start()
	b.Open(request.URL)
	restart()
	b.Submit("/login", url.Values{"user": {person.Email}, "password": {person.Password}})
	restart()
	b.Submit("/consent", url.Values{"decision": {"allow"}})
	restart()
	token, id := app.Finish(request, b.Arrived)
	assert.Equal(t, person.Hash, id.Subject)
	for range 3 {
		restart()
		info, err := app.Provider.UserInfo(app.Context(), oauth2.StaticTokenSource(token))
		require.NoError(t, err)
		assert.Equal(t, person.Hash, info.Subject)
		token, err = app.Config.TokenSource(app.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		require.NoError(t, err, "the family of refresh tokens was split")
		assert.Equal(t, person.Hash, app.Verify(token, "").Subject)
	}
	restart()
	_, err := app.Exchange(request, b.Arrived)
	require.Error(t, err, "a code is good for once")
}

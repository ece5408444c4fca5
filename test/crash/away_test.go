package crash_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestServiceAway kills one service after the other. What needs it is
// unavailable, and says when to come back; what does not goes on; and all is
// well again once it has come back.
func TestServiceAway(t *testing.T) {
	t.Parallel()
	s := system.Cluster(t)
	person, _ := s.Register(t, "away@example.org")
	session := s.LogIn(t, person)
	login := map[string]any{"user": person.Email, "password": person.Password}
	current := func() int { return s.Call(t, http.MethodGet, "/v1/auth", session.Token, nil).Status }

	for _, name := range []string{"accounts", "sessions"} {
		s.Kill(name)
		system.Eventually(t, "the gateway to notice", func() bool { return current() == http.StatusServiceUnavailable })
		res := s.Call(t, http.MethodPost, "/v1/auth", "", login)
		assert.Equal(t, http.StatusServiceUnavailable, res.Status, "%s: %s", name, res.Body)
		assert.NotEmpty(t, res.Header.Get("Retry-After"))
		assert.Equal(t, http.StatusServiceUnavailable, res.Error.Status)
		assert.NotContains(t, string(res.Body), "127.0.0.1", "an internal address")
		s.Restart(t, name)
		system.Eventually(t, name+" to be found", func() bool { return current() == http.StatusOK })
		s.LogIn(t, person)
	}

	s.Kill("mail")
	res := s.Call(t, http.MethodPost, "/v1/activation/initiate", "", map[string]any{
		"first_name": "A", "last_name": "B", "email": "patient@example.org",
	})
	require.Equal(t, http.StatusCreated, res.Status, "registering needs no mail service: %s", res.Body)
	s.Restart(t, "mail")
	system.Eventually(t, "the mail that waited", func() bool {
		box := s.Call(t, http.MethodGet, "/mailbox/messages", "", nil)
		return box.Status == http.StatusOK && strings.Contains(string(box.Body), "patient@example.org")
	})
	assert.Len(t, s.Mails(t, "patient@example.org"), 1)

	s.Kill("oauth")
	token := func() *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/token",
			strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("nobody", "nothing")
		answer, err := system.HTTP().Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer
	}
	away := token()
	assert.Equal(t, http.StatusServiceUnavailable, away.StatusCode)
	assert.NotEmpty(t, away.Header.Get("Retry-After"))
	s.Restart(t, "oauth")
	system.Eventually(t, "oauth to be found", func() bool { return token().StatusCode == http.StatusUnauthorized })
}

package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// Whoever has got hold of a session must not be able to make themselves at home.
func TestWaysIntoAnAccountAreAddedSoonAfterALogin(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	token := s.full()
	added := []request{
		{method: http.MethodPost, path: "/v1/token", body: `{"name": "script"}`},
		{method: http.MethodPost, path: "/v1/mfa", body: `{"channel": 3}`},
		{method: http.MethodPost, path: "/v1/mfa/recovery"},
		{method: http.MethodPost, path: "/v1/passkey/options"},
		{method: http.MethodPost, path: "/v1/passkey", body: `{"ceremony": "x", "name": "x", "credential": {}}`},
		{method: http.MethodPost, path: "/v1/client", body: aClient},
		{method: http.MethodPut, path: "/v1/client/7", body: `{"client_name":"Figures"}`},
		{method: http.MethodDelete, path: "/v1/client/7"},
		{method: http.MethodPost, path: "/v1/client/7/secret"},
		{method: http.MethodPost, path: "/v1/registration-token", body: `{"name": "CI"}`},
		{method: http.MethodPut, path: "/v1/provider/google", body: `{"mode":"optional"}`},
		{method: http.MethodDelete, path: "/v1/provider/google"},
		{method: http.MethodPut, path: "/v1/user/2/identity", body: `{"provider":"company","subject":"1"}`},
		{method: http.MethodPost, path: "/v1/recovery/3/approval"},
		{method: http.MethodPost, path: "/v1/user", body: `{"email":"ally@example.org","role":3}`},
		{method: http.MethodPost, path: "/v1/auth/impersonation/2"},
		{method: http.MethodPost, path: "/v1/auth/identity/" + gatewaytest.Provider, body: `{"state": "x", "code": "x"}`},
	}
	s.clock.Advance(15*time.Minute + time.Second)
	for _, q := range added {
		q.token = token
		s.do(t, q).fails(http.StatusForbidden)
	}
	s.do(t, request{method: http.MethodGet, path: "/v1/mfa", token: token}).succeeds(http.StatusOK)
}

// newSkewed is a gateway whose clock is so far behind that of the sessions service.
func newSkewed(t *testing.T, behind time.Duration) (s *stage, theirs *clockwork.FakeClock) {
	t.Helper()
	s = newStage(t, func(_ *gateway.Config, s *stage) {
		theirs = clockwork.NewFakeClockAt(s.clock.Now().Add(behind))
		s.sessions = gatewaytest.NewSessions(theirs)
	})
	s.run(t)
	s.tick(t) // and so the first answer was taken in
	return s, theirs
}

// When somebody logged in is stamped by the clock of the sessions service, which
// counts also where the gateway's own is wrong.
func TestFreshnessGoesByTheTimeOfTheSessions(t *testing.T) {
	t.Parallel()
	for name, behind := range map[string]time.Duration{"behind": 20 * time.Minute, "ahead": -16 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, theirs := newSkewed(t, behind)
			token := s.full()
			pass := func(d time.Duration) {
				theirs.Advance(d)
				s.clock.Advance(d)
			}
			ask := request{method: http.MethodPost, path: "/v1/passkey/options", token: token}
			assert.NotEqual(t, http.StatusForbidden, s.do(t, ask).Code, "at once")
			pass(14 * time.Minute)
			assert.NotEqual(t, http.StatusForbidden, s.do(t, ask).Code)
			pass(2 * time.Minute)
			s.do(t, ask).fails(http.StatusForbidden)
		})
	}
}

// What takes a key or a permission back may have to be done at once.
func TestKeysAreTakenBackAtAnyTime(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	s.clock.Advance(15*time.Minute + time.Second)
	for _, path := range []string{
		"/v1/registration-token/4", "/v1/user/2/identity/company", "/v1/recovery/3/approval", "/v1/consent/5",
	} {
		assert.NotEqual(t, http.StatusForbidden, s.do(t, request{method: http.MethodDelete, path: path, token: token}).Code, path)
	}
}

// To give somebody rights over others takes a recent login; to send what they have
// already, or less, does not.
func TestRightsAreHandedOutSoonAfterALogin(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	ask := func(method, path, body string) int {
		return s.do(t, request{method: method, path: path, token: token, body: body}).Code
	}
	s.clock.Advance(15*time.Minute + time.Second)
	for body, forbidden := range map[string]bool{
		`{"role":3}`: true, `{"role":5}`: true, `{"impersonation":true}`: true, `{"role":1,"impersonation":true}`: true,
		`{"role":1}`: false, `{"impersonation":false}`: false, `{"first_name":"Ada"}`: false,
	} {
		assert.Equal(t, forbidden, ask(http.MethodPut, "/v1/user/2", body) == http.StatusForbidden, body)
	}
	assert.NotEqual(t, http.StatusForbidden, ask(http.MethodPost, "/v1/user", `{"email":"ally@example.org"}`))
	for body, forbidden := range map[string]bool{
		`{"recovery_approval":false}`: true, `{"login_confirmation":false}`: false, // it is off
		`{"recovery_approval":true,"name":"Ours"}`: false,
	} {
		assert.Equal(t, forbidden, ask(http.MethodPut, "/v1/hub/1", body) == http.StatusForbidden, body)
	}
}

package gateway_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// unlimited is for tests that ask a lot.
func unlimited(c *gateway.Config) { c.RateAddress, c.RateUser = 1<<20, 1<<20 }

func (a answer) quota(limit, remaining int) {
	a.t.Helper()
	assert.Equal(a.t, strconv.Itoa(limit), a.Header().Get("X-RateLimit-Limit"))
	assert.Equal(a.t, strconv.Itoa(remaining), a.Header().Get("X-RateLimit-Remaining"))
}

func TestAddressesHaveAQuota(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	nobody := request{method: http.MethodGet, path: "/v1/auth", from: "198.51.100.7:1"}
	for i := range 100 {
		a := s.do(t, nobody)
		a.fails(http.StatusUnauthorized)
		a.quota(100, 99-i)
	}
	s.clock.Advance(10 * time.Second)
	a := s.do(t, nobody)
	a.fails(http.StatusTooManyRequests)
	a.quota(100, 0)
	assert.Equal(t, "50", a.Header().Get("Retry-After"))

	nobody.path = "/v1/nonsense"
	s.do(t, nobody).fails(http.StatusTooManyRequests)
	other := nobody
	other.from = "198.51.100.8:1"
	s.do(t, other).fails(http.StatusNotFound)
	vouched := request{method: http.MethodGet, path: "/v1/auth", from: nobody.from, token: s.full()}
	s.do(t, vouched).succeeds(http.StatusOK)

	s.clock.Advance(50 * time.Second)
	s.do(t, nobody).fails(http.StatusNotFound)
}

func TestUsersHaveAQuota(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.RateUser = 5 }))
	tokens := []string{s.full(), s.full()}
	for i := range 5 {
		s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: tokens[i%2]}).quota(5, 4-i)
	}
	a := s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: tokens[0], from: "203.0.113.1:1"})
	a.fails(http.StatusTooManyRequests)
	a.quota(5, 0)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", from: "203.0.113.1:1"}).quota(100, 99)
}

func TestTheQuotaIsToldWhateverTheAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login}).quota(100, 99)
	s.do(t, request{method: http.MethodGet, path: "/v1/nonsense"}).quota(100, 98)
	s.do(t, request{method: http.MethodPatch, path: "/v1/auth"}).quota(100, 97)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: s.full()}).quota(1000, 999)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: s.sessions.Open(sessions.ScopeCode, nil).Token}).quota(1000, 998)
	token := s.full()
	s.sessions.Away()
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).quota(100, 97)
}

// A session, which everybody can have, must not lift the limit on guessing.
func TestGuessesAreTheAddresses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/v1/auth", "/v1/%61uth", "/v1/auth/verification/" + gatewaytest.UserHash, "/v1/activation/initiate",
		"/login", "/login?authorization=x", "/register", "/link/" + gatewaytest.UserHash, "/link/a%2fb",
	} {
		for name, prove := range map[string]func(s *stage) request{
			"token":  func(s *stage) request { return request{token: s.full()} },
			"cookie": func(s *stage) request { return request{cookie: s.full()} },
			"sessions away": func(s *stage) request {
				token := s.full()
				s.sessions.Away()
				return request{token: token}
			},
		} {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, settings(func(c *gateway.Config) { c.RateAddress = 2 }))
				guess := prove(s)
				guess.method, guess.path, guess.from, guess.header = http.MethodPost, path, "198.51.100.7:1", sameOrigin
				for i := range 2 {
					a := s.do(t, guess)
					assert.NotEqual(t, http.StatusTooManyRequests, a.Code)
					a.quota(2, 1-i)
				}
				assert.Equal(t, http.StatusTooManyRequests, s.do(t, guess).Code)
				guess.from = "198.51.100.8:1"
				s.do(t, guess).quota(2, 1)
			})
		}
	}
}

func TestIPv6NetworksShareAQuota(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ask := func(from string) answer {
		return s.do(t, request{method: http.MethodGet, path: "/v1/auth", from: from})
	}
	ask("[2001:db8:0:1::1]:1").quota(100, 99)
	ask("[2001:db8:0:1:ffff::2]:1").quota(100, 98)
	ask("[2001:db8:0:2::1]:1").quota(100, 99)
	ask("192.0.2.1:1").quota(100, 99)
	ask("[::ffff:192.0.2.1]:1").quota(100, 98)
}

func TestGuessingTokensIsStopped(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	guess := request{method: http.MethodGet, path: "/v1/auth", token: "eyJ0eXAiOiJKV1QifQ.e30.guess", from: "198.51.100.7:1"}
	for range 100 {
		s.do(t, guess).fails(http.StatusUnauthorized)
	}
	asked := s.sessions.Calls("Resolve")
	a := s.do(t, guess)
	a.fails(http.StatusTooManyRequests)
	a.quota(100, 0)
	assert.Equal(t, asked, s.sessions.Calls("Resolve"), "the sessions service is spared")
}

func TestTrustedProxiesSpeakForClients(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) {
		c.TrustedProxies = []config.Network{network(t, "10.0.0.0/8"), network(t, "2001:db8::1")}
	}))
	tests := map[string]struct{ from, header, want string }{
		"a stranger is not believed":            {"198.51.100.7:1", "192.0.2.1", "198.51.100.7"},
		"a proxy is":                            {"10.1.2.3:1", "192.0.2.1", "192.0.2.1"},
		"over IPv6 too":                         {"[2001:db8::1]:1", "2001:db8:9::1", "2001:db8:9::1"},
		"what the client wrote does not count":  {"10.1.2.3:1", "127.0.0.1, 192.0.2.1", "192.0.2.1"},
		"two proxies":                           {"10.1.2.3:1", "192.0.2.1, 10.9.9.9", "192.0.2.1"},
		"nonsense ends the way back":            {"10.1.2.3:1", "192.0.2.1, nonsense, 10.9.9.9", "10.9.9.9"},
		"nothing said":                          {"10.1.2.3:1", "", "10.1.2.3"},
		"a mapped address is the address of v4": {"10.1.2.3:1", "::ffff:192.0.2.1", "192.0.2.1"},
	}
	for name, tt := range tests {
		s.do(t, request{
			method: http.MethodPost, path: "/v1/auth", body: login, from: tt.from, header: map[string]string{"X-Forwarded-For": tt.header},
		}).succeeds(http.StatusOK)
		logins := s.accounts.Authenticated
		assert.Equal(t, tt.want, logins[len(logins)-1].Origin.Address, name)
	}
}

func network(t *testing.T, text string) (n config.Network) {
	t.Helper()
	assert.NoError(t, n.UnmarshalText([]byte(text)))
	return n
}

func TestOAuthEndpointsCountFailuresOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.RateOAuth, c.RateAddress = 3, 1 }))
	status := http.StatusOK
	s.public = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	ask := func(from string) answer {
		return s.do(t, request{method: http.MethodPost, path: "/oauth2/token", from: from})
	}
	for range 10 {
		assert.Equal(t, http.StatusOK, ask("198.51.100.7:1").Code)
	}
	status = http.StatusUnauthorized
	for range 3 {
		assert.Equal(t, http.StatusUnauthorized, ask("198.51.100.7:1").Code)
	}
	status = http.StatusOK
	a := ask("198.51.100.7:1")
	assert.Equal(t, http.StatusTooManyRequests, a.Code)
	assert.Equal(t, "60", a.Header().Get("Retry-After"))
	assert.JSONEq(t, `{"error":"temporarily_unavailable","error_description":"Too many requests. Please try again later."}`, a.Body.String())
	assert.Equal(t, http.StatusOK, ask("198.51.100.8:1").Code)
	s.clock.Advance(time.Minute)
	assert.Equal(t, http.StatusOK, ask("198.51.100.7:1").Code)
}

// Users can make an app's calls fail, so that must not shut the app out, and what
// is published everybody needs.
func TestOAuthEndpointsCountWrongCredentialsOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.RateOAuth = 1 }))
	var status int
	s.public = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	ask := func(method, path string) int { return s.do(t, request{method: method, path: path}).Code }
	for _, status = range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound} {
		for range 2 {
			assert.Equal(t, status, ask(http.MethodPost, "/oauth2/token"))
		}
	}
	published := []string{"/oauth2/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}
	status = http.StatusUnauthorized
	for _, path := range published {
		assert.Equal(t, status, ask(http.MethodGet, path))
	}
	assert.Equal(t, status, ask(http.MethodPost, "/oauth2/token"), "none was counted so far")
	status = http.StatusOK
	assert.Equal(t, http.StatusTooManyRequests, ask(http.MethodPost, "/oauth2/token"))
	for _, path := range published {
		assert.Equal(t, http.StatusOK, ask(http.MethodGet, path))
		assert.Equal(t, http.StatusOK, ask(http.MethodHead, path))
		assert.Equal(t, http.StatusTooManyRequests, ask(http.MethodPost, path))
	}
}

// Whoever sends people here in masses fills a table with requests that wait.
func TestAuthorizationRequestsAreCounted(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.RateAuthorize = 3 }))
	ask := func(from string) int {
		return s.do(t, request{method: http.MethodGet, path: "/oauth2/authorize?client_id=app", from: from}).Code
	}
	for range 3 {
		assert.NotEqual(t, http.StatusTooManyRequests, ask("198.51.100.7:1"))
	}
	assert.Equal(t, http.StatusTooManyRequests, ask("198.51.100.7:1"))
	assert.NotEqual(t, http.StatusTooManyRequests, ask("198.51.100.8:1"))
	s.clock.Advance(time.Minute)
	assert.NotEqual(t, http.StatusTooManyRequests, ask("198.51.100.7:1"))
}

func TestDevicesAreCounted(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.RateAuthorize = 3 }))
	ask := func(method, path, from string) answer {
		return s.do(t, request{method: method, path: path, from: from})
	}
	const devices = "/oauth2/device_authorization"
	for range 3 {
		assert.NotEqual(t, http.StatusTooManyRequests, ask(http.MethodPost, devices, "198.51.100.7:1").Code)
	}
	a := ask(http.MethodPost, devices, "198.51.100.7:1")
	assert.Equal(t, http.StatusTooManyRequests, a.Code)
	assert.Equal(t, "60", a.Header().Get("Retry-After"))
	assert.Contains(t, a.Body.String(), `"error":"temporarily_unavailable"`)
	assert.NotEqual(t, http.StatusTooManyRequests, ask(http.MethodPost, "/oauth2/token", "198.51.100.7:1").Code, "polls are not")
	assert.NotEqual(t, http.StatusTooManyRequests, ask(http.MethodPost, devices, "198.51.100.8:1").Code)
}

// Anybody can push in the name of a client that has no secret; one that has calls
// for all its users from one address.
func TestPushesWithoutAuthenticationAreCounted(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.RateAuthorize = 2 }))
	var read string
	s.public = func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		read = string(body)
	}
	push := func(from, body string, header ...string) answer {
		q := request{method: http.MethodPost, path: "/oauth2/par", from: from, body: body, header: map[string]string{
			"Content-Type": "application/x-www-form-urlencoded",
		}}
		for i := 0; i+1 < len(header); i += 2 {
			q.header[header[i]] = header[i+1]
		}
		return s.do(t, q)
	}
	const from, public = "198.51.100.7:1", "client_id=app&scope=openid"
	for range 5 {
		for _, body := range []string{public + "&client_secret=s", public + "&client_assertion=a"} {
			assert.Equal(t, http.StatusOK, push(from, body).Code)
			assert.Equal(t, body, read, "it arrives whole")
		}
		assert.Equal(t, http.StatusOK, push(from, public, "Authorization", "Basic x").Code)
	}
	long := public + "&state=" + strings.Repeat("s", 100<<10)
	assert.Equal(t, http.StatusOK, push(from, long+"&client_secret=s").Code, "what is too far back is not looked for")
	assert.Equal(t, long+"&client_secret=s", read)
	assert.Equal(t, http.StatusOK, push(from, public+"&client_secret=").Code)
	a := push(from, public)
	assert.Equal(t, http.StatusTooManyRequests, a.Code)
	assert.Equal(t, "60", a.Header().Get("Retry-After"))
	assert.Contains(t, a.Body.String(), `"error":"temporarily_unavailable"`)
	assert.Equal(t, http.StatusOK, push(from, public+"&client_secret=s").Code)
	assert.Equal(t, http.StatusOK, push("198.51.100.8:1", public).Code)
	s.clock.Advance(time.Minute)
	assert.Equal(t, http.StatusOK, push(from, public).Code)
}

// Where registration is open anybody can fill it.
func TestRegistrationsWithoutATokenAreCounted(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.RateRegister = 2 }))
	s.public = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }
	ask := func(method, path, from, token string) answer {
		return s.do(t, request{method: method, path: path, from: from, token: token})
	}
	const from, register = "198.51.100.7:1", "/oauth2/register"
	assert.Equal(t, http.StatusCreated, ask(http.MethodPost, register, from, "").Code)
	assert.Equal(t, http.StatusCreated, ask(http.MethodPost, "/oauth2/%72egister", from, "").Code)
	a := ask(http.MethodPost, register, from, "")
	assert.Equal(t, http.StatusTooManyRequests, a.Code)
	assert.Equal(t, "60", a.Header().Get("Retry-After"))
	assert.Contains(t, a.Body.String(), `"error":"temporarily_unavailable"`)
	assert.Equal(t, http.StatusCreated, ask(http.MethodPost, register, from, "gh_ia_x").Code, "who has a token is known")
	assert.Equal(t, http.StatusCreated, ask(http.MethodGet, register+"/app", from, "").Code)
	assert.Equal(t, http.StatusCreated, ask(http.MethodPost, "/oauth2/token", from, "").Code)
	assert.Equal(t, http.StatusCreated, ask(http.MethodPost, register, "198.51.100.8:1", "").Code)
	s.clock.Advance(time.Minute)
	assert.Equal(t, http.StatusCreated, ask(http.MethodPost, register, from, "").Code)
}

// Opening a link costs as any call does; nobody tries all of them.
func TestLinksCannotBeGuessed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var last answer
	for range 101 {
		last = s.do(t, request{method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.UserHash})
	}
	last.fails(http.StatusTooManyRequests)
}

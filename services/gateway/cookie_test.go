package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway"
)

func TestABrowserIsKnownByItsCookie(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", cookie: s.full()}).succeeds(http.StatusOK)
	bad := s.do(t, request{method: http.MethodGet, path: "/v1/auth", cookie: "eyJ0eXAiOiJKV1QifQ.e30.unknown"})
	bad.fails(http.StatusUnauthorized)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", cookie: s.full(), token: "eyJ0eXAiOiJKV1QifQ.e30.unknown"}).
		fails(http.StatusUnauthorized) // the bearer's token counts
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", cookie: s.full(), header: map[string]string{"Authorization": "Basic YTpi"}}).
		succeeds(http.StatusOK)
}

func cookieOf(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	cookies := a.Result().Cookies()
	require.Len(t, cookies, 1)
	return cookies[0]
}

func TestTheSessionCookie(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	token := s.full()
	refreshed := cookieOf(t, s.do(t, request{method: http.MethodPut, path: "/v1/auth", cookie: token, header: sameOrigin}))
	assert.Equal(t, "__Host-gatehouse_session", refreshed.Name)
	assert.NotEqual(t, token, refreshed.Value)
	assert.Equal(t, "/", refreshed.Path)
	assert.Empty(t, refreshed.Domain)
	assert.True(t, refreshed.HttpOnly)
	assert.True(t, refreshed.Secure)
	assert.Equal(t, http.SameSiteLaxMode, refreshed.SameSite)
	assert.Zero(t, refreshed.MaxAge, "it ends with the browser")

	gone := cookieOf(t, s.do(t, request{method: http.MethodDelete, path: "/v1/auth", cookie: token, header: sameOrigin}))
	assert.Equal(t, "__Host-gatehouse_session", gone.Name)
	assert.Equal(t, -1, gone.MaxAge)
	assert.Empty(t, gone.Value)
}

func TestTheSessionCookieOnThisMachine(t *testing.T) {
	t.Parallel()
	for public, name := range map[string]string{
		"http://localhost:8080": "gatehouse_session", "http://127.0.0.1:8080": "gatehouse_session", "http://[::1]:8080": "gatehouse_session",
		"https://localhost:8443": "__Host-gatehouse_session", "http://example.org": "__Host-gatehouse_session",
	} {
		s := newStage(t, settings(func(c *gateway.Config) { c.PublicURL = public }))
		a := s.do(t, request{method: http.MethodPut, path: "/v1/auth", header: map[string]string{"Cookie": name + "=" + s.full()}})
		cookie := cookieOf(t, a)
		assert.Equal(t, name, cookie.Name, public)
		assert.Equal(t, name != "gatehouse_session", cookie.Secure, public)
	}
}

var (
	sameOrigin  = map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://id.example.org"}
	crossOrigin = map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
)

func TestOtherSitesCannotUseTheCookie(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header  map[string]string
		refused bool
	}{
		"same origin":           {sameOrigin, false},
		"no browser":            {nil, false},
		"another site":          {crossOrigin, true},
		"a sibling":             {map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://www.example.org"}, true},
		"an old browser":        {map[string]string{"Origin": "https://evil.example"}, true},
		"a sandboxed page":      {map[string]string{"Origin": "null"}, true},
		"an origin named by us": {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, settings(func(c *gateway.Config) { c.CORSOrigins = []string{"https://app.example.com"} }))
			for _, method := range []string{http.MethodPut, http.MethodDelete} {
				a := s.do(t, request{method: method, path: "/v1/auth", cookie: s.full(), header: tt.header})
				if tt.refused {
					a.fails(http.StatusForbidden)
					continue
				}
				a.succeeds(http.StatusOK)
			}
			s.do(t, request{method: http.MethodPut, path: "/v1/auth", token: s.full(), header: tt.header}).succeeds(http.StatusOK)
			s.do(t, request{method: http.MethodPut, path: "/v1/auth", token: s.full(), cookie: s.full(), header: tt.header}).succeeds(http.StatusOK)
			s.do(t, request{method: http.MethodGet, path: "/v1/auth", cookie: s.full(), header: tt.header}).succeeds(http.StatusOK)
		})
	}
}

func TestARememberedSessionKeepsItsCookie(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	remembered := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login[:len(login)-1] + `,"remember":true}`})
	remembered.succeeds(http.StatusOK)
	assert.Empty(t, remembered.Header().Get("Set-Cookie"), "the API gives tokens, not cookies")
	token := tokenOf(t, remembered)

	cookie := cookieOf(t, s.do(t, request{method: http.MethodPut, path: "/v1/auth", cookie: token}))
	assert.Equal(t, int(30*24*time.Hour/time.Second), cookie.MaxAge)
}

// The gateway's own clock may be wrong.
func TestCookiesLiveByTheTimeOfTheSessions(t *testing.T) {
	t.Parallel()
	for _, behind := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		s, _ := newSkewed(t, behind)
		token := s.sessions.OpenFor(sessions.CreateRequest{Scope: sessions.ScopeFull, Remember: true}).Token
		cookie := cookieOf(t, s.do(t, request{method: http.MethodPut, path: "/v1/auth", cookie: token}))
		assert.InDelta(t, (30 * 24 * time.Hour).Seconds(), cookie.MaxAge, 1)
	}
}

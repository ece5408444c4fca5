package gateway_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/services/gateway"
)

// The pages have tests of their own; here it is that they are there, behind
// the edge.
func TestPagesAreServed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for path, status := range map[string]int{"/login": http.StatusOK, "/nonsense": http.StatusNotFound, "/v2/auth": http.StatusNotFound} {
		a := s.do(t, request{method: http.MethodGet, path: path})
		assert.Equal(t, status, a.Code, path)
		assert.Contains(t, a.Header().Get("Content-Type"), "text/html", path)
		assert.Contains(t, a.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		assert.NotEmpty(t, a.Header().Get("X-Request-Id"), path)
		assert.Empty(t, a.Header().Get("X-RateLimit-Limit"), "looking is free")
	}
}

func TestFormsAreHeldToTheQuotaOfTheAPI(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for range 100 {
		s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: `{"user": "a", "password": "b"}`})
	}
	a := s.do(t, request{method: http.MethodPost, path: "/login", header: sameOrigin})
	assert.Equal(t, http.StatusTooManyRequests, a.Code)
	assert.Contains(t, a.Header().Get("Content-Type"), "text/html")
	assert.NotEmpty(t, a.Header().Get("Retry-After"))
}

func TestOtherSitesCannotSendForms(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, path := range []string{"/login", "/logout", "/register", "/consent"} {
		a := s.do(t, request{method: http.MethodPost, path: path, header: crossOrigin})
		assert.Equal(t, http.StatusForbidden, a.Code, path)
	}
}

// An origin that may call the API may not agree to anything for the user.
func TestOriginsOfTheAPICannotSendForms(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.CORSOrigins = []string{"https://app.example.com"} }))
	for _, site := range []string{"cross-site", "same-site", ""} {
		from := map[string]string{"Sec-Fetch-Site": site, "Origin": "https://app.example.com"}
		for _, path := range []string{"/login", "/logout", "/register", "/consent"} {
			a := s.do(t, request{method: http.MethodPost, path: path, header: from})
			assert.Equal(t, http.StatusForbidden, a.Code, "%s %s", site, path)
		}
		s.do(t, request{method: http.MethodPut, path: "/v1/auth", cookie: s.full(), header: from}).succeeds(http.StatusOK)
	}
}

package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway"
)

func TestEntityTags(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	token := s.full()
	first := s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token})
	first.succeeds(http.StatusOK)
	tag := first.Header().Get("ETag")
	assert.Equal(t, `"`+first.envelope().Hash+`"`, tag)
	assert.Equal(t, "private, no-cache", first.Header().Get("Cache-Control"))

	for value, status := range map[string]int{
		tag: http.StatusNotModified, "W/" + tag: http.StatusNotModified, "*": http.StatusNotModified,
		`"other", ` + tag: http.StatusNotModified, `"other"`: http.StatusOK, strings.Trim(tag, `"`): http.StatusOK,
	} {
		a := s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token, header: map[string]string{"If-None-Match": value}})
		assert.Equal(t, status, a.Code, value)
		assert.Equal(t, tag, a.Header().Get("ETag"))
		assert.Equal(t, status == http.StatusNotModified, a.Body.Len() == 0)
	}

	german := s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token, header: map[string]string{"Content-Language": "de"}})
	assert.NotEqual(t, tag, german.Header().Get("ETag"))
	assert.Contains(t, german.Header().Get("Vary"), "Content-Language")
	login := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login})
	assert.Empty(t, login.Header().Get("ETag"))
	assert.Equal(t, "no-store", login.Header().Get("Cache-Control"))
}

func TestTimestampsAndChecksums(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a := s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: s.full()})
	assert.Equal(t, "1767366245000", a.envelope().Timestamp.String())
	// The checksum is that of the bytes between the keys, as they were sent.
	_, rest, _ := strings.Cut(a.Body.String(), `"data":`)
	data, _, _ := strings.Cut(rest, `,"timestamp":`)
	assert.Equal(t, a.envelope().Hash, sha1Hex([]byte(data)))

	out := s.do(t, request{method: http.MethodDelete, path: "/v1/auth", token: s.full()})
	assert.Equal(t, "97d170e1550eee4afc0af065b78cda302a97674c", out.envelope().Hash)
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	tests := map[string]struct {
		content, accept string
		user            accounts.Language
		want            string
	}{
		"content first":            {"de", "en", accounts.English, "de"},
		"accept next":              {"", "de-CH, en;q=0.5", accounts.English, "de"},
		"then the user's":          {"", "", accounts.German, "de"},
		"unknown is passed over":   {"fr", "nl, es;q=0.5", accounts.German, "de"},
		"nonsense is passed over":  {"{{}}", ",,,;;q=x", accounts.German, "de"},
		"preferred by quality":     {"", "en;q=0.2, de;q=0.9", accounts.English, "de"},
		"English where all agrees": {"en-GB", "", accounts.German, "en"},
	}
	for name, tt := range tests {
		s.accounts.Change(func(a *accounts.Account) { a.User.Language = tt.user })
		a := s.do(t, request{
			method: http.MethodGet, path: "/v1/auth", token: s.full(),
			header: map[string]string{"Content-Language": tt.content, "Accept-Language": tt.accept},
		})
		a.succeeds(http.StatusOK)
		assert.Equal(t, tt.want, a.Header().Get("Content-Language"), name)
	}
	a := s.do(t, request{method: http.MethodGet, path: "/v1/auth", header: map[string]string{"Content-Language": "de"}})
	assert.Equal(t, "Sie sind nicht angemeldet.", a.fails(http.StatusUnauthorized).Message)
	a = s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: "{}", header: map[string]string{"Accept-Language": "de"}})
	assert.Contains(t, a.fails(http.StatusUnprocessableEntity).Errors["password"][0], "Passwort")
	assert.Equal(t, "You are not signed in.", s.do(t, request{method: http.MethodGet, path: "/v1/auth"}).fails(http.StatusUnauthorized).Message)
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, path := range []string{"/v1/auth", "/v1/nonsense", "/oauth2/jwks", "/mailbox/messages"} {
		h := s.do(t, request{method: http.MethodGet, path: path}).Header()
		assert.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		assert.Contains(t, h.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		assert.NotContains(t, h.Get("Content-Security-Policy"), "unsafe", path)
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "same-origin", h.Get("Referrer-Policy"), path)
		assert.Empty(t, h.Get("Cross-Origin-Opener-Policy"), "%s: it would cut a popup off from its app", path)
		assert.NotEmpty(t, h.Get("Cross-Origin-Resource-Policy"), path)
		assert.Contains(t, h.Get("Permissions-Policy"), "camera=()", path)
		assert.Contains(t, h.Get("Strict-Transport-Security"), "max-age=", path)
	}
	plain := newStage(t, settings(func(c *gateway.Config) { c.PublicURL = "http://localhost:8080" }))
	h := plain.do(t, request{method: http.MethodGet, path: "/v1/auth"}).Header()
	assert.Empty(t, h.Get("Strict-Transport-Security"))
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	for id, kept := range map[string]bool{
		"abc-123_X.Y": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "": false,
		"a b": false, "ä": false, `"}{"x":"`: false,
	} {
		a := s.do(t, request{method: http.MethodGet, path: "/v1/auth", header: map[string]string{"X-Request-Id": id}})
		got := a.Header().Get("X-Request-Id")
		assert.Equal(t, kept, got == id, id)
		assert.Regexp(t, `^[A-Za-z0-9._-]{1,64}$`, got)
	}
}

func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	named := newStage(t, settings(func(c *gateway.Config) { c.CORSOrigins = []string{"https://app.example.com"} }))
	all := newStage(t, settings(func(c *gateway.Config) { c.CORSOrigins = []string{"*"} }))
	none := newStage(t)
	tests := map[string]struct {
		stage           *stage
		origin          string
		allow, withCred string
	}{
		"named":           {named, "https://app.example.com", "https://app.example.com", "true"},
		"another":         {named, "https://evil.example.com", "", ""},
		"one like it":     {named, "https://app.example.com.evil.org", "", ""},
		"null":            {named, "null", "", ""},
		"all":             {all, "https://anywhere.example", "*", ""},
		"none by default": {none, "https://app.example.com", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := tt.stage.do(t, request{method: http.MethodGet, path: "/v1/auth", header: map[string]string{"Origin": tt.origin}})
			assert.Equal(t, tt.allow, a.Header().Get("Access-Control-Allow-Origin"))
			assert.Equal(t, tt.withCred, a.Header().Get("Access-Control-Allow-Credentials"))
			if tt.allow != "" {
				assert.Contains(t, strings.ToLower(a.Header().Get("Access-Control-Expose-Headers")), "x-ratelimit-remaining")
			}

			pre := tt.stage.do(t, request{method: http.MethodOptions, path: "/v1/auth", header: map[string]string{
				"Origin": tt.origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type",
			}})
			assert.Equal(t, tt.allow, pre.Header().Get("Access-Control-Allow-Origin"))
			assert.NotEmpty(t, pre.Header().Get("X-RateLimit-Limit"))
			if tt.allow != "" {
				assert.Equal(t, http.StatusNoContent, pre.Code)
				assert.Equal(t, "PUT", pre.Header().Get("Access-Control-Allow-Methods"))
			}
		})
	}
}

func TestPreflightsCostNothingAndRefusalsCanBeRead(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(func(c *gateway.Config) { c.CORSOrigins, c.RateAddress = []string{"https://app.example.com"}, 1 }))
	pre := request{method: http.MethodOptions, path: "/v1/auth", header: map[string]string{
		"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST",
	}}
	for range 5 {
		assert.Equal(t, http.StatusNoContent, s.do(t, pre).Code)
	}
	ask := request{method: http.MethodGet, path: "/v1/auth", header: map[string]string{"Origin": "https://app.example.com"}}
	s.do(t, ask).fails(http.StatusUnauthorized)
	a := s.do(t, ask)
	a.fails(http.StatusTooManyRequests)
	assert.Equal(t, "https://app.example.com", a.Header().Get("Access-Control-Allow-Origin"))
}

func TestOAuthEndpointsAreOpenToAllOrigins(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var cookies string
	s.public = func(w http.ResponseWriter, r *http.Request) {
		cookies += r.Header.Get("Cookie")
		w.WriteHeader(http.StatusOK)
	}
	for _, path := range []string{"/oauth2/token", "/oauth2/userinfo", "/oauth2/jwks", "/.well-known/openid-configuration"} {
		pre := s.do(t, request{method: http.MethodOptions, path: path, header: map[string]string{
			"Origin": "https://spa.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization",
		}})
		assert.Equal(t, "*", pre.Header().Get("Access-Control-Allow-Origin"), path)
		a := s.do(t, request{method: http.MethodPost, path: path, cookie: s.full(), header: map[string]string{"Origin": "https://spa.example"}})
		assert.Equal(t, "*", a.Header().Get("Access-Control-Allow-Origin"), path)
		assert.Empty(t, a.Header().Get("Access-Control-Allow-Credentials"), path)
	}
	assert.Empty(t, cookies, "the session stays at the edge")
}

// A page can manage the client that it has registered.
func TestPagesOfAllOriginsManageTheirRegistration(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	allowed := func(path, method string) string {
		return s.do(t, request{method: http.MethodOptions, path: path, header: map[string]string{
			"Origin": "https://spa.example", "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type",
		}}).Header().Get("Access-Control-Allow-Methods")
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		assert.Equal(t, method, allowed("/oauth2/register/app", method))
		a := s.do(t, request{method: method, path: "/oauth2/register/app", header: map[string]string{"Origin": "https://spa.example"}})
		assert.Equal(t, "*", a.Header().Get("Access-Control-Allow-Origin"), method)
		assert.Empty(t, a.Header().Get("Access-Control-Allow-Credentials"), method)
	}
	assert.Equal(t, http.MethodPost, allowed("/oauth2/register", http.MethodPost))
	assert.Empty(t, allowed("/oauth2/token", http.MethodPut))
	assert.Empty(t, allowed("/oauth2/register/app", http.MethodPatch))
}

func TestInternalHeadersDoNotPass(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var seen http.Header
	s.public = func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }
	s.do(t, request{method: http.MethodGet, path: "/oauth2/userinfo", from: "198.51.100.7:1", header: map[string]string{
		"Gatehouse-Caller": "gateway", "Gatehouse-Timeout-Ms": "1", "X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1",
		"X-Forwarded-Proto": "https", "Authorization": "Bearer x",
	}})
	require.NotNil(t, seen)
	assert.Empty(t, seen.Get("Gatehouse-Caller"))
	assert.Empty(t, seen.Get("Gatehouse-Timeout-Ms"))
	assert.Empty(t, seen.Get("Forwarded"))
	assert.Equal(t, "198.51.100.7", seen.Get("X-Forwarded-For"))
	assert.Equal(t, "Bearer x", seen.Get("Authorization"))
}

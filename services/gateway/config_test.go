package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/services/gateway"
)

func TestDefaultsAreTheDocumentedLimits(t *testing.T) {
	t.Parallel()
	var c gateway.Config
	require.NoError(t, config.Load(&c, []string{"GATEHOUSE_PUBLIC_URL=https://id.example.org"}))
	assert.Equal(t, 1000, c.RateUser)
	assert.Equal(t, 100, c.RateAddress)
	assert.Equal(t, time.Minute, c.RateWindow)
	assert.Empty(t, c.CORSOrigins)
	assert.Empty(t, c.TrustedProxies)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set     string
		problem string // "": none
	}{
		"https":                  {"GATEHOUSE_PUBLIC_URL=https://id.example.org", ""},
		"a slash at the end":     {"GATEHOUSE_PUBLIC_URL=https://id.example.org/", "GATEHOUSE_PUBLIC_URL"},
		"a port":                 {"GATEHOUSE_PUBLIC_URL=http://localhost:8080", ""},
		"plain, by IPv4":         {"GATEHOUSE_PUBLIC_URL=http://127.0.0.1:8080", ""},
		"plain, by IPv6":         {"GATEHOUSE_PUBLIC_URL=http://[::1]:8080", ""},
		"plain, elsewhere":       {"GATEHOUSE_PUBLIC_URL=http://id.example.org", "GATEHOUSE_PUBLIC_URL"},
		"plain, a name like it":  {"GATEHOUSE_PUBLIC_URL=http://localhost.example.org", "GATEHOUSE_PUBLIC_URL"},
		"no public URL":          {"GATEHOUSE_PUBLIC_URL=", "GATEHOUSE_PUBLIC_URL"},
		"a path":                 {"GATEHOUSE_PUBLIC_URL=https://example.org/id", "GATEHOUSE_PUBLIC_URL"},
		"no scheme":              {"GATEHOUSE_PUBLIC_URL=id.example.org", "GATEHOUSE_PUBLIC_URL"},
		"another scheme":         {"GATEHOUSE_PUBLIC_URL=ftp://id.example.org", "GATEHOUSE_PUBLIC_URL"},
		"credentials":            {"GATEHOUSE_PUBLIC_URL=https://a:b@id.example.org", "GATEHOUSE_PUBLIC_URL"},
		"terms":                  {"GATEHOUSE_TERMS_URL=https://example.org/terms?v=2", ""},
		"a script as terms":      {"GATEHOUSE_TERMS_URL=javascript:alert(1)", "GATEHOUSE_TERMS_URL"},
		"origins":                {"GATEHOUSE_CORS_ORIGINS=https://a.example, https://b.example:8443", ""},
		"every origin":           {"GATEHOUSE_CORS_ORIGINS=*", ""},
		"an origin with a path":  {"GATEHOUSE_CORS_ORIGINS=https://a.example/app", "GATEHOUSE_CORS_ORIGINS"},
		"a pattern":              {"GATEHOUSE_CORS_ORIGINS=*.example.org", "GATEHOUSE_CORS_ORIGINS"},
		"every host":             {"GATEHOUSE_CORS_ORIGINS=https://*", "GATEHOUSE_CORS_ORIGINS"},
		"every subdomain":        {"GATEHOUSE_CORS_ORIGINS=https://a.example,https://*.example.org", "GATEHOUSE_CORS_ORIGINS"},
		"proxies":                {"GATEHOUSE_TRUSTED_PROXIES=10.0.0.0/8, 192.0.2.1, fd00::/8, ::1", ""},
		"a name as proxy":        {"GATEHOUSE_TRUSTED_PROXIES=proxy", "GATEHOUSE_TRUSTED_PROXIES"},
		"too large a network":    {"GATEHOUSE_TRUSTED_PROXIES=10.0.0.0/33", "GATEHOUSE_TRUSTED_PROXIES"},
		"no calls at all":        {"GATEHOUSE_RATE_USER=0", "GATEHOUSE_RATE_USER"},
		"a window of no time":    {"GATEHOUSE_RATE_WINDOW=0s", "GATEHOUSE_RATE_WINDOW"},
		"polling too rarely":     {"GATEHOUSE_REVOCATION_POLL=2s", "GATEHOUSE_REVOCATION_POLL"},
		"a cache of nothing":     {"GATEHOUSE_SESSION_CACHE=0", "GATEHOUSE_SESSION_CACHE"},
		"counting no addresses":  {"GATEHOUSE_RATE_KEYS=-1", "GATEHOUSE_RATE_KEYS"},
		"an unlimited OAuth":     {"GATEHOUSE_RATE_OAUTH_FAILURES=1000000", ""},
		"a name for the product": {"GATEHOUSE_PRODUCT_NAME=Falcon", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c gateway.Config
			environ := []string{tt.set}
			if !hasPublicURL(tt.set) {
				environ = append(environ, "GATEHOUSE_PUBLIC_URL=https://id.example.org")
			}
			err := config.Load(&c, environ)
			if tt.problem == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tt.problem)
		})
	}
}

func hasPublicURL(s string) bool { return len(s) > 20 && s[:20] == "GATEHOUSE_PUBLIC_URL" }

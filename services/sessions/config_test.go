package sessions

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	var c Config
	require.NoError(t, config.Load(&c, []string{"GATEHOUSE_PUBLIC_URL=https://id.example.org:8443"}))
	assert.Equal(t, "id.example.org:8443", c.issuer())
	assert.Equal(t, []string{"id.example.org:8443"}, c.audience())
	assert.Equal(t, c, c.withDefaults(), "the defaults are written twice")
	assert.Equal(t, keyring.HS512, c.Algorithm)
	assert.Equal(t, time.Second, c.Leeway)

	c = Config{}
	require.NoError(t, config.Load(&c, []string{
		"GATEHOUSE_TOKEN_ISSUER=falcon.backend", "GATEHOUSE_TOKEN_AUDIENCE=falcon, billing", "GATEHOUSE_TOKEN_ALGORITHM=EdDSA",
	}))
	assert.Equal(t, "falcon.backend", c.issuer())
	assert.Equal(t, []string{"falcon", "billing"}, c.audience())
}

func TestSessionsLastAYearAtMost(t *testing.T) {
	t.Parallel()
	var c Config
	require.NoError(t, config.Load(&c, []string{"GATEHOUSE_TOKEN_ISSUER=x", "GATEHOUSE_SESSION_MAX_LIFE=8760h"}))
	assert.Equal(t, sessions.LongestLife, c.MaxLife)
}

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{
		{},
		{"GATEHOUSE_PUBLIC_URL=/relative"},
		{"GATEHOUSE_TOKEN_ISSUER=x", "GATEHOUSE_TOKEN_ALGORITHM=none"},
		{"GATEHOUSE_TOKEN_ISSUER=x", "GATEHOUSE_TOKEN_ALGORITHM=RS256"},
		{"GATEHOUSE_TOKEN_ISSUER=x", "GATEHOUSE_TOKEN_KEY_ROTATION=1s"},
		{"GATEHOUSE_TOKEN_ISSUER=x", "GATEHOUSE_SESSION_MAX_LIFE=719h"},
		{"GATEHOUSE_TOKEN_ISSUER=x", "GATEHOUSE_SESSION_MAX_LIFE=8761h"},
		{"GATEHOUSE_TOKEN_ISSUER=x", "GATEHOUSE_TOKEN_LEEWAY=6s"},
		{"GATEHOUSE_TOKEN_ISSUER=x", "GATEHOUSE_TOKEN_LEEWAY=-1s"},
	} {
		require.Error(t, config.Load(&Config{}, environ), "%v", environ)
	}
}

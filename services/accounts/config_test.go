package accounts

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestDefaultsAreTheSameFromEverywhere(t *testing.T) {
	t.Parallel()
	var loaded Config
	require.NoError(t, config.Load(&loaded, []string{"GATEHOUSE_PUBLIC_URL=https://id.example.org"}))
	made := Config{PublicURL: "https://id.example.org", SelfRegistration: true}.withDefaults()
	require.Equal(t, loaded, made)
	require.Equal(t, []int{19456, 2, 1}, []int{made.Argon2Memory, made.Argon2Passes, made.Argon2Lanes})
}

func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ set, problem string }{
		{"GATEHOUSE_PUBLIC_URL=", "GATEHOUSE_PUBLIC_URL"},
		{"GATEHOUSE_PUBLIC_URL=id.example.org", "GATEHOUSE_PUBLIC_URL"},
		{"GATEHOUSE_PUBLIC_URL=ftp://id.example.org", "GATEHOUSE_PUBLIC_URL"},
		{"GATEHOUSE_PUBLIC_URL=https://id.example.org/?a=b", "GATEHOUSE_PUBLIC_URL"},
		{"GATEHOUSE_PUBLIC_URL=https://id.example.org/path", "GATEHOUSE_PUBLIC_URL"},
		{"GATEHOUSE_PUBLIC_URL=https://somebody@id.example.org", "GATEHOUSE_PUBLIC_URL"},
		{"GATEHOUSE_PUBLIC_URL=https://192.0.2.1:8443", "not an address"},
		{"GATEHOUSE_PUBLIC_URL=http://[::1]:8080", "not an address"},
		{"GATEHOUSE_SELF_REGISTRATION=perhaps", "GATEHOUSE_SELF_REGISTRATION"},
		{"GATEHOUSE_LINK_LIFE=1s", "GATEHOUSE_LINK_LIFE"},
		{"GATEHOUSE_ACTIVATION_WINDOW=-1h", "GATEHOUSE_ACTIVATION_WINDOW"},
		{"GATEHOUSE_INVITED_RETENTION=24h", "GATEHOUSE_INVITED_RETENTION"},
		{"GATEHOUSE_INVITATION_LIFE=800h", "GATEHOUSE_INVITED_RETENTION"},
		{"GATEHOUSE_INVITATION_LIFE=1s", "GATEHOUSE_INVITATION_LIFE"},
		{"GATEHOUSE_HUBS_PER_USER=0", "GATEHOUSE_HUBS_PER_USER"},
		{"GATEHOUSE_HUBS_PER_USER=-1", "GATEHOUSE_HUBS_PER_USER"},
		{"GATEHOUSE_AUDIT_RETENTION=1h", "GATEHOUSE_AUDIT_RETENTION"},
		{"GATEHOUSE_ARGON2_MEMORY=4096", "GATEHOUSE_ARGON2_MEMORY"},
		{"GATEHOUSE_ARGON2_MEMORY=-1", "GATEHOUSE_ARGON2_MEMORY"},
		{"GATEHOUSE_ARGON2_MEMORY=8000000", "GATEHOUSE_ARGON2_MEMORY"},
		{"GATEHOUSE_ARGON2_PASSES=1", "GATEHOUSE_ARGON2_MEMORY times"},
		{"GATEHOUSE_ARGON2_PASSES=1000", "GATEHOUSE_ARGON2_PASSES"},
		{"GATEHOUSE_ARGON2_LANES=256", "GATEHOUSE_ARGON2_LANES"},
		{"GATEHOUSE_ARGON2_LANES=0", "GATEHOUSE_ARGON2_LANES"},
		{"GATEHOUSE_UNUSUAL_LOGIN=perhaps", "GATEHOUSE_UNUSUAL_LOGIN must be code, notice or off"},
		{"GATEHOUSE_TERMS_TIME=yesterday", "GATEHOUSE_TERMS_TIME must be a time"},
		{"GATEHOUSE_TERMS_TIME=2026-01-31", "GATEHOUSE_TERMS_TIME must be a time"},
		{"GATEHOUSE_HASH_CONCURRENCY=-1", "GATEHOUSE_HASH_CONCURRENCY"},
		{"GATEHOUSE_HASH_QUEUE=0", "GATEHOUSE_HASH_QUEUE"},
	} {
		var c Config
		environ := []string{"GATEHOUSE_PUBLIC_URL=https://id.example.org"}
		if strings.HasPrefix(tt.set, "GATEHOUSE_PUBLIC_URL") {
			environ = nil
		}
		err := config.Load(&c, append(environ, tt.set))
		require.ErrorContains(t, err, tt.problem, tt.set)
	}
}

func TestNewNeedsAnOriginForLinks(t *testing.T) {
	t.Parallel()
	_, err := New(t.Context(), Config{}, Deps{Obs: obs.Nop(), Clock: testkit.Clock(), Ring: testkit.Ring(t), Mail: &mailbox{}})
	require.ErrorIs(t, err, errNoPublicURL)
}

func TestASlashAtTheEndOfTheOriginDoesNotDouble(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.initiate(olliMail)
		require.True(f.t, strings.HasPrefix(f.mail.all()[0].Data["url"], publicURL+"/link/"))
	}, func(c *Config, _ *Deps) { c.PublicURL += "/" })
}

package standalone_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

const rootKey = "GATEHOUSE_ROOT_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// safe are the settings of a server that nothing is wrong with.
func safe() []string {
	return []string{
		"GATEHOUSE_PUBLIC_URL=https://id.example.org", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.0/8",
		rootKey, "GATEHOUSE_SMTP_HOST=smtp.example.org", "GATEHOUSE_SMTP_FROM=id@example.org",
	}
}

func TestDevNeedsNothing(t *testing.T) {
	t.Parallel()
	s, err := standalone.Load(nil, true)
	require.NoError(t, err)
	assert.Empty(t, s.Insecure())
	assert.Equal(t, "http://localhost:8080", s.Gateway.PublicURL)
	assert.Equal(t, "127.0.0.1:8080", s.Listen)
	assert.Equal(t, "127.0.0.1:8081", s.DemoListen)
	assert.True(t, s.Mail.DevMailbox)
}

func TestDevIsForOneMachine(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":8080", "0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080", "desk.example.org:8080"} {
		s, err := standalone.Load([]string{"GATEHOUSE_LISTEN=" + address}, true)
		require.NoError(t, err)
		assert.Len(t, s.Insecure(), 1, address)
	}
	for _, address := range []string{"localhost:8080", "[::1]:8080", "127.0.0.2:0"} {
		s, err := standalone.Load([]string{"GATEHOUSE_LISTEN=" + address}, true)
		require.NoError(t, err)
		assert.Empty(t, s.Insecure(), address)
	}
}

func TestAnEmptySettingSwitchesOff(t *testing.T) {
	t.Parallel()
	s, err := standalone.Load([]string{"GATEHOUSE_DEMO_LISTEN=", "GATEHOUSE_DEBUG_LISTEN="}, true)
	require.NoError(t, err)
	assert.Empty(t, s.DemoListen)
	assert.Empty(t, s.DebugListen)
}

func TestDevWithRealMail(t *testing.T) {
	t.Parallel()
	s, err := standalone.Load([]string{"GATEHOUSE_SMTP_HOST=smtp.example.org", "GATEHOUSE_SMTP_FROM=id@example.org"}, true)
	require.NoError(t, err)
	assert.False(t, s.Mail.DevMailbox)
}

func TestASafeServerIsAccepted(t *testing.T) {
	t.Parallel()
	s, err := standalone.Load(safe(), false)
	require.NoError(t, err)
	assert.Empty(t, s.Insecure())
}

// TestInsecureDefaultsAreRefusedTogether sees every reason in one message.
func TestInsecureDefaultsAreRefusedTogether(t *testing.T) {
	t.Parallel()
	s, err := standalone.Load([]string{
		"GATEHOUSE_PUBLIC_URL=http://localhost:8080", "GATEHOUSE_DEV_MAILBOX=true", "GATEHOUSE_DEMO_LISTEN=127.0.0.1:8081",
	}, false)
	require.NoError(t, err)
	err = standalone.Serve(t.Context(), s, standalone.Deps{}, &strings.Builder{})
	require.ErrorIs(t, err, standalone.ErrInsecure)
	for _, name := range []string{
		"GATEHOUSE_PUBLIC_URL", "GATEHOUSE_TLS_CERT", "GATEHOUSE_TRUSTED_PROXIES",
		"GATEHOUSE_ROOT_KEY", "GATEHOUSE_DEV_MAILBOX", "GATEHOUSE_DEMO_LISTEN",
	} {
		assert.ErrorContains(t, err, name)
	}
}

// TestOneMistakeIsOneProblem: several services need the public URL, but it is
// one thing to mend.
func TestOneMistakeIsOneProblem(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "https://id.example.org/path", "http://id.example.org", "id.example.org"} {
		_, err := standalone.Load(append(safe(), "GATEHOUSE_PUBLIC_URL="+url)[1:], false)
		var problems *config.Error
		require.ErrorAs(t, err, &problems, url)
		assert.Len(t, problems.Problems, 1, "%q: %v", url, err)
	}
	_, err := standalone.Load(append(safe(), "GATEHOUSE_TLS_CERT=/nowhere.crt", "GATEHOUSE_TLS_KEY=/nowhere.key"), false)
	require.ErrorContains(t, err, "/nowhere.crt")
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ setting, problem string }{
		"unknown":            {"GATEHOUSE_LISTN=:80", "GATEHOUSE_LISTEN"},
		"no port":            {"GATEHOUSE_LISTEN=localhost", "host:port"},
		"half a certificate": {"GATEHOUSE_TLS_CERT=a.pem", "GATEHOUSE_TLS_KEY"},
		"no such public URL": {"GATEHOUSE_PUBLIC_URL=https://id.example.org/path", "GATEHOUSE_PUBLIC_URL"},
		"short root key":     {"GATEHOUSE_ROOT_KEY=c2hvcnQ=", "GATEHOUSE_ROOT_KEY"},
		"another database":   {"GATEHOUSE_DATABASE_URL=mysql://root:hunter2@db/x", "postgres://"},
		"log format":         {"GATEHOUSE_LOG_FORMAT=xml", "GATEHOUSE_LOG_FORMAT"},
		"no number":          {"GATEHOUSE_ARGON2_MEMORY=lots", "GATEHOUSE_ARGON2_MEMORY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := standalone.Load([]string{c.setting}, true)
			var problems *config.Error
			require.ErrorAs(t, err, &problems)
			require.ErrorContains(t, err, c.problem)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

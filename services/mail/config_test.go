package mail

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/smtptest"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	var c Config
	require.NoError(t, config.Load(&c, []string{"GATEHOUSE_DEV_MAILBOX=true"}))
	assert.Equal(t, c, c.withDefaults(), "the defaults are written twice")

	ca := smtptest.New(t, smtptest.Options{}).CA
	for tls, port := range map[smtp.Security]int{smtp.STARTTLS: 587, smtp.Implicit: 465, smtp.None: 25} {
		var c Config
		environ := []string{
			"GATEHOUSE_SMTP_HOST=smtp.example.org", "GATEHOUSE_SMTP_TLS=" + string(tls),
			"GATEHOUSE_SMTP_FROM=Pförtner <no-reply@example.org>", "GATEHOUSE_SMTP_CA=" + ca,
		}
		if tls != smtp.None {
			environ = append(environ, "GATEHOUSE_SMTP_USERNAME=app", "GATEHOUSE_SMTP_PASSWORD=geheim")
		}
		require.NoError(t, config.Load(&c, environ))
		options, err := c.SMTP.options()
		require.NoError(t, err)
		assert.Equal(t, port, options.Port)
		assert.Equal(t, "no-reply@example.org", options.From.Address)
		assert.NotNil(t, options.TLS.RootCAs)
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	good := slices.Clip([]string{"GATEHOUSE_SMTP_HOST=smtp.example.org", "GATEHOUSE_SMTP_FROM=no-reply@example.org"})
	var c Config
	require.NoError(t, config.Load(&c, good))
	require.NoError(t, config.Load(&c, append(good, "GATEHOUSE_PUBLIC_URL=https://id.example.org",
		"GATEHOUSE_SMS_URL=https://sms.example.org/v1/messages?tenant=1", "GATEHOUSE_SMS_TOKEN=geheim", "GATEHOUSE_SMS_SENDER=Gatehouse")))
	for _, environ := range [][]string{
		{},
		{"GATEHOUSE_SMTP_HOST=smtp.example.org"},
		append(good, "GATEHOUSE_DEV_MAILBOX=true"),
		append(good, "GATEHOUSE_SMTP_TLS=ssl"),
		append(good, "GATEHOUSE_SMTP_PORT=70000"),
		append(good, "GATEHOUSE_SMTP_USERNAME=app"),
		append(good, "GATEHOUSE_SMTP_PASSWORD=geheim"),
		append(good, "GATEHOUSE_SMTP_TLS=none", "GATEHOUSE_SMTP_USERNAME=app", "GATEHOUSE_SMTP_PASSWORD=geheim"),
		append(good, "GATEHOUSE_SMTP_CA=/nonexistent"),
		append(good, "GATEHOUSE_SMTP_CA="+empty),
		append(good, "GATEHOUSE_SMTP_TIMEOUT=2m"),
		append(good, "GATEHOUSE_PRODUCT_NAME=a\nb"),
		append(good, "GATEHOUSE_PUBLIC_URL=https://id.example.org/"),
		append(good, "GATEHOUSE_SMS_TOKEN=geheim"),
		append(good, "GATEHOUSE_SMS_URL=https://sms.example.org/"),
		append(good, "GATEHOUSE_SMS_URL=http://sms.example.org/", "GATEHOUSE_SMS_TOKEN=geheim"),
		append(good, "GATEHOUSE_SMS_URL=https://sms.example.org/", "GATEHOUSE_SMS_TOKEN=ge\nheim"),
		append(good, "GATEHOUSE_SMS_SENDER=a name that is too long"),
	} {
		require.Error(t, config.Load(&Config{}, environ), "%v", environ)
	}
}

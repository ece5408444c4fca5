package config_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/config"
)

type secrets struct {
	Database string        `env:"GATEHOUSE_DATABASE_URL,required" secret:"true" doc:"where the data is"`
	Pin      int           `env:"GATEHOUSE_PIN" secret:"true"`
	Raw      []byte        `env:"GATEHOUSE_RAW" secret:"true"`
	Keys     []string      `env:"GATEHOUSE_KEYS" secret:"true"`
	Upstream url.URL       `env:"GATEHOUSE_UPSTREAM" secret:"true"`
	Password strong        `env:"GATEHOUSE_PASSWORD" secret:"true"`
	Token    string        `env:"CONSUL_HTTP_TOKEN" secret:"true"`
	Wait     time.Duration `env:"GATEHOUSE_WAIT"`
}

type strong string

func (s *strong) UnmarshalText(text []byte) error {
	if !strings.HasPrefix(string(text), "strong") {
		return errors.New("weak password " + string(text))
	}
	*s = strong(text)
	return nil
}

const database = "GATEHOUSE_DATABASE_URL=postgres://gatehouse:hunter2@db/accounts"

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestLoadReadsSecretsFromFiles(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ content, want string }{
		"as it is":               {"hunter2", "hunter2"},
		"one line break goes":    {"hunter2\n", "hunter2"},
		"only one":               {"hunter2\n\n", "hunter2\n"},
		"that of Windows too":    {"hunter2\r\n", "hunter2"},
		"spaces stay":            {" hunter2 \n", " hunter2 "},
		"line breaks in between": {"a\nb\n", "a\nb"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s secrets
			path := file(t, c.content)
			require.NoError(t, config.Load(&s, []string{
				"GATEHOUSE_DATABASE_URL_FILE=" + path,
				"GATEHOUSE_RAW_FILE=" + path,
				"CONSUL_HTTP_TOKEN_FILE=" + path,
				"CONSUL_HTTP_TOKEN=",
			}))
			assert.Equal(t, c.want, s.Database)
			assert.Equal(t, c.want, string(s.Raw))
			assert.Equal(t, c.want, s.Token)
		})
	}
}

func TestLoadReadsTypedSecretsFromFiles(t *testing.T) {
	t.Parallel()
	var s secrets
	require.NoError(t, config.Load(&s, []string{
		database,
		"GATEHOUSE_PIN_FILE=" + file(t, "1234\n"),
		"GATEHOUSE_KEYS_FILE=" + file(t, "first, second\n"),
	}))
	assert.Equal(t, 1234, s.Pin)
	assert.Equal(t, []string{"first", "second"}, s.Keys)
}

func TestLoadReportsFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	absent := filepath.Join(t.TempDir(), "absent")
	folder := t.TempDir()
	empty := file(t, "\n")
	cases := map[string]struct {
		environ []string
		want    string
	}{
		"not given":    {nil, "GATEHOUSE_DATABASE_URL (or GATEHOUSE_DATABASE_URL_FILE) is required: where the data is"},
		"absent":       {[]string{"GATEHOUSE_DATABASE_URL_FILE=" + absent}, `GATEHOUSE_DATABASE_URL_FILE: the file "` + absent + `" cannot be read: no such file or directory`},
		"a folder":     {[]string{"GATEHOUSE_DATABASE_URL_FILE=" + folder}, `GATEHOUSE_DATABASE_URL_FILE: the file "` + folder + `" cannot be read: is a directory`},
		"empty":        {[]string{"GATEHOUSE_DATABASE_URL_FILE=" + empty}, `GATEHOUSE_DATABASE_URL_FILE: the file "` + empty + `" is empty`},
		"both forms":   {[]string{database, "GATEHOUSE_DATABASE_URL_FILE=" + empty}, "GATEHOUSE_DATABASE_URL and GATEHOUSE_DATABASE_URL_FILE are both set: set one of them"},
		"another one":  {[]string{database, "GATEHOUSE_PIN_FILE=" + absent}, `GATEHOUSE_PIN_FILE: the file "` + absent + `" cannot be read: no such file or directory`},
		"a typo of it": {[]string{database, "GATEHOUSE_PIN_FIEL=" + absent}, "GATEHOUSE_PIN_FIEL is not a setting: did you mean GATEHOUSE_PIN_FILE?"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s secrets
			assert.Equal(t, []string{c.want}, problems(t, config.Load(&s, c.environ)))
		})
	}
}

type leaky struct {
	secrets
	Hash string `env:"GATEHOUSE_HASH" secret:"true"`
}

func (l *leaky) Validate() []string {
	return []string{"cannot parse " + l.Database, `cannot use "` + strings.ReplaceAll(l.Hash, "\n", `\n`) + `"`}
}

func TestErrorsNeverShowSecrets(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		environ []string
		want    []string
	}{
		"a malformed number": {[]string{database, "GATEHOUSE_PIN=pin-hunter2"}, []string{"GATEHOUSE_PIN is not a whole number"}},
		"a number too large": {[]string{database, "GATEHOUSE_PIN=99999999999999999999"}, []string{"GATEHOUSE_PIN is not a whole number"}},
		"a malformed URL":    {[]string{database, "GATEHOUSE_UPSTREAM=https://x:hunter2@%zz"}, []string{"GATEHOUSE_UPSTREAM is not a URL"}},
		"a type that tells":  {[]string{database, "GATEHOUSE_PASSWORD=hunter2"}, []string{"GATEHOUSE_PASSWORD has a value that cannot be used"}},
		"of a file":          {[]string{database, "GATEHOUSE_PIN_FILE=" + file(t, "hunter2")}, []string{"GATEHOUSE_PIN is not a whole number"}},
		"both forms":         {[]string{database, "GATEHOUSE_DATABASE_URL_FILE=" + file(t, "hunter2")}, []string{"GATEHOUSE_DATABASE_URL and GATEHOUSE_DATABASE_URL_FILE are both set: set one of them"}},
		"an unknown name":    {[]string{database, "GATEHOUSE_PASSWRD=hunter2"}, []string{"GATEHOUSE_PASSWRD is not a setting: did you mean GATEHOUSE_PASSWORD?"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s secrets
			err := config.Load(&s, c.environ)
			assert.Equal(t, c.want, problems(t, err))
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, err.Error(), "9999")
		})
	}
}

func TestErrorsNeverShowSecretsThatValidatorsTell(t *testing.T) {
	t.Parallel()
	var l leaky
	err := config.Load(&l, []string{database, "GATEHOUSE_HASH=hunter2\nand more"})
	assert.Equal(t, []string{"cannot parse [secret]", `cannot use "[secret]"`}, problems(t, err))
}

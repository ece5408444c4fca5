package config_test

import (
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/config"
)

type shown struct {
	Base struct {
		Listen string `env:"GATEHOUSE_LISTEN" envDefault:":8080" doc:"address to listen on"`
	}
	Root   string            `env:"GATEHOUSE_ROOT_KEY,required" secret:"true" doc:"root keys."`
	Token  []byte            `env:"GATEHOUSE_TOKEN" secret:"true" envDefault:"insecure"`
	Issuer url.URL           `env:"GATEHOUSE_ISSUER,required" doc:"the public address"`
	Format string            `env:"GATEHOUSE_FORMAT" envDefault:"a|b" doc:"json|text"`
	Idle   time.Duration     `env:"GATEHOUSE_IDLE"`
	Level  slog.Level        `env:"GATEHOUSE_LEVEL"`
	Delays []time.Duration   `env:"GATEHOUSE_DELAYS"`
	Peers  map[string]string `env:"GATEHOUSE_PEERS"`
	Redis  string            `env:"REDIS_URL"`
	Limit  *int              `env:"GATEHOUSE_LIMIT"`
	Strict bool              `env:"GATEHOUSE_STRICT"`
	Again  struct {
		Listen string `env:"GATEHOUSE_LISTEN" envDefault:":8080" doc:"the same once more"`
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	const want = "| Name | Default | Meaning |\n|---|---|---|\n" +
		"| `GATEHOUSE_LISTEN` | `:8080` | address to listen on |\n" +
		"| `GATEHOUSE_ROOT_KEY` | *required* | root keys. *Secret*: `GATEHOUSE_ROOT_KEY_FILE` may name a file that holds it. |\n" +
		"| `GATEHOUSE_TOKEN` | *secret* | *Secret*: `GATEHOUSE_TOKEN_FILE` may name a file that holds it. |\n" +
		"| `GATEHOUSE_ISSUER` | *required* | the public address |\n" +
		"| `GATEHOUSE_FORMAT` | `a\\|b` | json\\|text |\n" +
		"| `GATEHOUSE_IDLE` |  |  |\n" +
		"| `GATEHOUSE_LEVEL` |  |  |\n" +
		"| `GATEHOUSE_DELAYS` |  |  |\n" +
		"| `GATEHOUSE_PEERS` |  |  |\n" +
		"| `REDIS_URL` |  |  |\n" +
		"| `GATEHOUSE_LIMIT` |  |  |\n" +
		"| `GATEHOUSE_STRICT` |  |  |\n"
	assert.Equal(t, want, config.Table(&shown{}))
	assert.Equal(t, want, config.Table(shown{}))
	assert.Equal(t, want, config.Table((*shown)(nil)))
	assert.PanicsWithValue(t, "config: int is not a struct of settings", func() { config.Table(1) })
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	var s shown
	require.NoError(t, config.Load(&s, []string{
		"GATEHOUSE_ROOT_KEY=hunter2",
		"GATEHOUSE_ISSUER=https://admin:hunter2@id.example.org",
		"GATEHOUSE_DELAYS=1s,90s",
		"GATEHOUSE_PEERS=oauth:b,mail:a",
		"GATEHOUSE_LIMIT=7",
		"GATEHOUSE_LEVEL=warn",
		"REDIS_URL=redis://:hunter2@cache:6379/0",
	}))
	want := map[string]string{ // #nosec G101 -- passwords that are crossed out
		"GATEHOUSE_LISTEN":   ":8080",
		"GATEHOUSE_ROOT_KEY": config.SecretSet,
		"GATEHOUSE_TOKEN":    config.SecretSet,
		"GATEHOUSE_ISSUER":   "https://admin:xxxxx@id.example.org",
		"GATEHOUSE_FORMAT":   "a|b",
		"GATEHOUSE_IDLE":     "0s",
		"GATEHOUSE_LEVEL":    "WARN",
		"GATEHOUSE_DELAYS":   "1s,1m30s",
		"GATEHOUSE_PEERS":    "mail:a,oauth:b",
		"GATEHOUSE_LIMIT":    "7",
		"GATEHOUSE_STRICT":   "false",
		"REDIS_URL":          "redis://:xxxxx@cache:6379/0",
	}
	assert.Equal(t, want, config.Redacted(&s))
	assert.Equal(t, want, config.Redacted(s))

	var unset shown
	assert.Equal(t, config.SecretUnset, config.Redacted(&unset)["GATEHOUSE_ROOT_KEY"])
	assert.Empty(t, config.Redacted(&unset)["GATEHOUSE_LIMIT"])
	assert.Empty(t, config.Redacted((*shown)(nil))["GATEHOUSE_LISTEN"])
}

package sessions

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/token"
)

// The default settings, for whoever makes a Config without the environment.
const (
	defaultAlgorithm   = keyring.HS512
	defaultKeyRotation = 30 * 24 * time.Hour
	defaultMaxLife     = 90 * 24 * time.Hour
)

// Config are the service's settings. An empty algorithm, rotation or maximum
// life means the default.
type Config struct {
	PublicURL   string        `env:"GATEHOUSE_PUBLIC_URL" doc:"The public origin, such as https://id.example.org."`
	Issuer      string        `env:"GATEHOUSE_TOKEN_ISSUER" doc:"The iss of session tokens; the host of GATEHOUSE_PUBLIC_URL if empty. A change signs everybody out."`
	Audience    []string      `env:"GATEHOUSE_TOKEN_AUDIENCE" doc:"The aud of session tokens, separated by commas; the issuer if empty. When none of the former ones is left, everybody is signed out."`
	Algorithm   keyring.Alg   `env:"GATEHOUSE_TOKEN_ALGORITHM" envDefault:"HS512" doc:"How new session tokens are signed: HS512, ES256 or EdDSA. A change signs nobody out."`
	KeyRotation time.Duration `env:"GATEHOUSE_TOKEN_KEY_ROTATION" envDefault:"720h" doc:"How long a key signs session tokens before the next one does."`
	MaxLife     time.Duration `env:"GATEHOUSE_SESSION_MAX_LIFE" envDefault:"2160h" doc:"How long after somebody has proved who they are they have to do so again, however often their session is refreshed; 720h to 8760h."`
	Redis       redisdb.Config
	Leeway      time.Duration `env:"GATEHOUSE_TOKEN_LEEWAY" envDefault:"1s" doc:"How far the clocks of two processes may differ, 0 to 5s."`
}

func (c Config) withDefaults() Config {
	c.Algorithm = cmp.Or(c.Algorithm, defaultAlgorithm)
	c.KeyRotation = cmp.Or(c.KeyRotation, defaultKeyRotation)
	c.MaxLife = cmp.Or(c.MaxLife, defaultMaxLife)
	return c
}

// Validate finds what is wrong with the settings.
func (c *Config) Validate() []string {
	var problems []string
	if problem := config.OriginProblem("GATEHOUSE_PUBLIC_URL", c.PublicURL); problem != "" && c.Issuer == "" {
		problems = append(problems, problem)
	}
	if !slices.Contains(token.Algorithms(), c.Algorithm) {
		problems = append(problems, "GATEHOUSE_TOKEN_ALGORITHM must be HS512, ES256 or EdDSA")
	}
	if c.KeyRotation < time.Hour {
		problems = append(problems, "GATEHOUSE_TOKEN_KEY_ROTATION must be at least 1h")
	}
	if c.MaxLife < longLife || c.MaxLife > sessions.LongestLife {
		problems = append(problems, "GATEHOUSE_SESSION_MAX_LIFE must be between 720h and 8760h, a year: apps are told of the end of sessions for as long")
	}
	if c.Leeway < 0 || c.Leeway > 5*time.Second {
		problems = append(problems, "GATEHOUSE_TOKEN_LEEWAY must be between 0 and 5s")
	}
	return problems
}

func (c *Config) issuer() string {
	if c.Issuer != "" {
		return c.Issuer
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return u.Host
}

func (c *Config) audience() []string {
	if len(c.Audience) > 0 {
		return c.Audience
	}
	return []string{c.issuer()}
}

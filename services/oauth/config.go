package oauth

import (
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/upstream"
)

// Config are the service's settings.
type Config struct {
	PublicURL                string           `env:"GATEHOUSE_PUBLIC_URL" doc:"the public origin, such as https://id.example.org"`
	AccessLifetime           time.Duration    `env:"GATEHOUSE_OAUTH_ACCESS_TOKEN_LIFETIME" envDefault:"10m" doc:"how long an OAuth access token is good for"`
	IDLifetime               time.Duration    `env:"GATEHOUSE_OAUTH_ID_TOKEN_LIFETIME" envDefault:"1h" doc:"how long an ID token is good for"`
	CodeLifetime             time.Duration    `env:"GATEHOUSE_OAUTH_CODE_LIFETIME" envDefault:"1m" doc:"how long an authorization code may be redeemed, at most 10m"`
	RefreshLifetime          time.Duration    `env:"GATEHOUSE_OAUTH_REFRESH_TOKEN_LIFETIME" envDefault:"720h" doc:"how long a refresh token may lie unused"`
	GrantLifetime            time.Duration    `env:"GATEHOUSE_OAUTH_GRANT_LIFETIME" envDefault:"8760h" doc:"when refreshing ends, however often it was done"`
	RefreshGrace             time.Duration    `env:"GATEHOUSE_OAUTH_REFRESH_GRACE" envDefault:"10s" doc:"how long a replaced refresh token may be sent again, by a retry or beside another request; 0 for never, at most 1m"`
	PendingLimit             int              `env:"GATEHOUSE_OAUTH_PENDING_PER_CLIENT" envDefault:"10000" doc:"how many authorization requests of one client may wait for their users at a time, each for up to an hour; of more, the oldest that nobody answers give way"`
	RequirePAR               bool             `env:"GATEHOUSE_OAUTH_REQUIRE_PAR" envDefault:"false" doc:"whether all clients have to push their authorization requests (RFC 9126)"`
	Scopes                   []string         `env:"GATEHOUSE_OAUTH_SCOPES" doc:"scopes of your own APIs that clients can be given"`
	HubResources             []string         `env:"GATEHOUSE_OAUTH_HUB_RESOURCES" doc:"https addresses below which hubs name the APIs of their clients, with {hub} for the hub's hash, such as https://api.example.org/hubs/{hub}/; beside urn:gatehouse:hub:HASH:…, which is every hub's"`
	FetchAllow               []config.Network `env:"GATEHOUSE_OAUTH_FETCH_ALLOW" doc:"networks (CIDR) beside the public one in which addresses that clients and hubs name may be: key sets, request objects, logout endpoints, providers; not logos, which are of the public network always"`
	Registration             string           `env:"GATEHOUSE_OAUTH_REGISTRATION" envDefault:"token" doc:"whether clients can register themselves (RFC 7591): closed, token (with an initial access token) or open (anybody)"`
	RegistrationLimit        int              `env:"GATEHOUSE_OAUTH_REGISTRATION_LIMIT" envDefault:"1000" doc:"how many clients there can be that have registered themselves without a token"`
	RegistrationUnused       time.Duration    `env:"GATEHOUSE_OAUTH_REGISTRATION_UNUSED" envDefault:"168h" doc:"after how long such a client is deleted if no user has allowed it anything"`
	RegistrationPKCEOptional bool             `env:"GATEHOUSE_OAUTH_REGISTRATION_PKCE_OPTIONAL" envDefault:"false" doc:"whether confidential clients that register themselves may do without PKCE, for those that only know nonce"`
	ClientCA                 string           `env:"GATEHOUSE_OAUTH_CLIENT_CA" doc:"PEM file with the authorities, roots or not, that issue certificates with which clients authenticate (tls_client_auth, RFC 8705); empty: no client does"`
	// Providers hold client secrets.
	Providers     upstream.Providers `env:"GATEHOUSE_UPSTREAM_PROVIDERS" secret:"true" doc:"other OpenID providers at which users can sign in: a JSON list, see the operations guide"`
	KeyRotation   time.Duration      `env:"GATEHOUSE_OAUTH_KEY_ROTATION" envDefault:"720h" doc:"how long a key signs before the next one does"`
	KeyRetirement time.Duration      `env:"GATEHOUSE_OAUTH_KEY_RETIREMENT" envDefault:"720h" doc:"how long a key verifies what it signed, ID tokens also as hints, after it has signed its last; not less than those tokens' lifetimes"`
}

// Validate finds what is wrong with the settings.
func (c *Config) Validate() []string {
	var problems []string
	add := func(broken bool, problem string) {
		if broken {
			problems = append(problems, problem)
		}
	}
	if problem := config.OriginProblem("GATEHOUSE_PUBLIC_URL", c.PublicURL); problem != "" {
		problems = append(problems, problem)
	}
	add(c.AccessLifetime < time.Minute || c.AccessLifetime > 24*time.Hour, "GATEHOUSE_OAUTH_ACCESS_TOKEN_LIFETIME must be between 1m and 24h")
	add(c.IDLifetime < time.Minute || c.IDLifetime > 24*time.Hour, "GATEHOUSE_OAUTH_ID_TOKEN_LIFETIME must be between 1m and 24h")
	add(c.CodeLifetime < time.Second || c.CodeLifetime > 10*time.Minute, "GATEHOUSE_OAUTH_CODE_LIFETIME must be between 1s and 10m")
	add(c.RefreshLifetime < c.AccessLifetime, "GATEHOUSE_OAUTH_REFRESH_TOKEN_LIFETIME must not be less than GATEHOUSE_OAUTH_ACCESS_TOKEN_LIFETIME")
	add(c.GrantLifetime < c.RefreshLifetime, "GATEHOUSE_OAUTH_GRANT_LIFETIME must not be less than GATEHOUSE_OAUTH_REFRESH_TOKEN_LIFETIME")
	add(c.RefreshGrace < 0 || c.RefreshGrace > time.Minute, "GATEHOUSE_OAUTH_REFRESH_GRACE must be between 0 and 1m")
	add(c.PendingLimit < 1, "GATEHOUSE_OAUTH_PENDING_PER_CLIENT must be at least 1")
	add(!slices.Contains([]string{registrationClosed, registrationToken, registrationOpen}, c.Registration),
		"GATEHOUSE_OAUTH_REGISTRATION must be closed, token or open")
	add(c.RegistrationLimit < 0, "GATEHOUSE_OAUTH_REGISTRATION_LIMIT must not be less than 0")
	add(c.RegistrationUnused < time.Hour, "GATEHOUSE_OAUTH_REGISTRATION_UNUSED must be at least 1h")
	add(c.KeyRotation < 8*keys.CacheFor, "GATEHOUSE_OAUTH_KEY_ROTATION must be at least 40m")
	add(c.KeyRetirement < max(c.IDLifetime, c.AccessLifetime),
		"GATEHOUSE_OAUTH_KEY_RETIREMENT must not be less than GATEHOUSE_OAUTH_ID_TOKEN_LIFETIME and GATEHOUSE_OAUTH_ACCESS_TOKEN_LIFETIME")
	add(slices.ContainsFunc(c.Scopes, func(s string) bool { return !scope.Valid(s) || scope.OfUser(s) }),
		"GATEHOUSE_OAUTH_SCOPES must be scopes (RFC 6749 section 3.3) other than those of OpenID Connect")
	if _, err := resource.NewHubSpaces(c.HubResources); err != nil {
		problems = append(problems, "GATEHOUSE_OAUTH_HUB_RESOURCES must be absolute https addresses without query and fragment, each with {hub} as a segment of its path or a label of its host")
	}
	if _, err := c.clientAuthorities(); err != nil {
		problems = append(problems, "GATEHOUSE_OAUTH_CLIENT_CA: "+err.Error())
	}
	return append(problems, c.Providers.Validate("GATEHOUSE_UPSTREAM_PROVIDERS")...)
}

// clientAuthorities are those that vouch for clients, nil if none.
func (c *Config) clientAuthorities() (*x509.CertPool, error) {
	if c.ClientCA == "" {
		return nil, nil //nolint:nilnil // no authorities are not an empty pool of them
	}
	text, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("the file holds no certificate")
	}
	return pool, nil
}

func (c *Config) lifetimes() token.Lifetimes {
	return token.Lifetimes{
		Access: c.AccessLifetime, ID: c.IDLifetime,
		Refresh: c.RefreshLifetime, Grant: c.GrantLifetime, Grace: c.RefreshGrace,
	}
}

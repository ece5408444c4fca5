package gateway

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/sessioncache"
)

// Config are the service's settings.
type Config struct {
	PublicURL string `env:"GATEHOUSE_PUBLIC_URL" doc:"The public origin, such as https://id.example.org; http only for localhost. A name, not an address: passkeys belong to it."`
	Name      string `env:"GATEHOUSE_PRODUCT_NAME" envDefault:"Gatehouse" doc:"What pages and mails call this installation."`
	TermsURL  string `env:"GATEHOUSE_TERMS_URL" doc:"Where the terms of use are that people accept; none by default."`
	// SelfRegistration is enforced by the accounts service; the pages only hide
	// what would be refused.
	SelfRegistration bool `env:"GATEHOUSE_SELF_REGISTRATION" envDefault:"true" doc:"Whether people can register by themselves. Without it they need an invitation."`

	CORSOrigins    []string         `env:"GATEHOUSE_CORS_ORIGINS" doc:"Origins whose pages may call the JSON API, such as https://app.example.org. * is every origin, and then without cookies. None by default."`
	TrustedProxies []config.Network `env:"GATEHOUSE_TRUSTED_PROXIES" doc:"Addresses or networks (CIDR) of proxies that are believed about the client (X-Forwarded-For, X-Forwarded-Proto)."`
	// A name that the proxies do not overwrite would let clients choose.
	ClientCertHeader string `env:"GATEHOUSE_CLIENT_CERT_HEADER" doc:"Header in which the trusted proxies tell the certificate that a client has shown them (RFC 8705), in the form of RFC 9440 or as URL-encoded PEM, such as nginx's $ssl_client_escaped_cert. They have to overwrite it in every request. None by default."`

	// Most proxies pass on what strangers send.
	TraceProxies bool `env:"GATEHOUSE_TRACE_PROXIES" envDefault:"false" doc:"Whether the trusted proxies are believed about traces, too: a request that comes with traceparent is of that trace, and sampled if it is. They have to take the header from strangers."`

	RateWindow    time.Duration `env:"GATEHOUSE_RATE_WINDOW" envDefault:"60s" doc:"The time over which the rate limits count."`
	RateUser      int           `env:"GATEHOUSE_RATE_USER" envDefault:"1000" doc:"API calls of one user per window."`
	RateAddress   int           `env:"GATEHOUSE_RATE_ADDRESS" envDefault:"100" doc:"API calls without a session, and attempts to log in, register or open a link, per window and client address (IPv6: per /64)."`
	RateOAuth     int           `env:"GATEHOUSE_RATE_OAUTH_FAILURES" envDefault:"600" doc:"Calls to the public OAuth endpoints with a wrong client or token per window and client address."`
	RateAuthorize int           `env:"GATEHOUSE_RATE_AUTHORIZE" envDefault:"600" doc:"Authorization requests per window and client address, with those of devices, and those pushed by clients that do not authenticate."`
	RateRegister  int           `env:"GATEHOUSE_RATE_REGISTER" envDefault:"30" doc:"Clients that register themselves without a token, per window and client address."`
	RateKeys      int           `env:"GATEHOUSE_RATE_KEYS" envDefault:"100000" doc:"How many users and addresses are counted at a time; the rarest are forgotten first."`
	SessionCache  int           `env:"GATEHOUSE_SESSION_CACHE" envDefault:"20000" doc:"How many session tokens are remembered between requests."`
	Redis         redisdb.Config
	// Two polls and a slow answer fit into the second in which an ended session
	// has to be refused.
	RevocationPoll time.Duration `env:"GATEHOUSE_REVOCATION_POLL" envDefault:"400ms" doc:"Time between two questions for ended sessions. Above 1s the session cache is useless."`
}

// Validate finds what is wrong with the settings.
func (c *Config) Validate() []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if problem := config.OriginProblem("GATEHOUSE_PUBLIC_URL", c.PublicURL); problem != "" {
		problems = append(problems, problem)
	}
	for _, origin := range c.CORSOrigins {
		if origin == "*" {
			continue
		}
		if _, err := parseOrigin(origin); err != nil {
			add("GATEHOUSE_CORS_ORIGINS: %v", err)
		}
	}
	if u, err := url.Parse(c.TermsURL); c.TermsURL != "" && (err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "") {
		add("GATEHOUSE_TERMS_URL: %q is not a web address", c.TermsURL)
	}
	problems = append(problems, c.proxyProblems()...)
	if c.RateWindow < time.Second {
		add("GATEHOUSE_RATE_WINDOW must be at least 1s")
	}
	for _, number := range []struct {
		name  string
		value int
	}{
		{"GATEHOUSE_RATE_USER", c.RateUser},
		{"GATEHOUSE_RATE_ADDRESS", c.RateAddress},
		{"GATEHOUSE_RATE_OAUTH_FAILURES", c.RateOAuth},
		{"GATEHOUSE_RATE_AUTHORIZE", c.RateAuthorize},
		{"GATEHOUSE_RATE_REGISTER", c.RateRegister},
		{"GATEHOUSE_RATE_KEYS", c.RateKeys},
		{"GATEHOUSE_SESSION_CACHE", c.SessionCache},
	} {
		if number.value < 1 {
			add("%s must be at least 1", number.name)
		}
	}
	if c.RevocationPoll < 10*time.Millisecond || c.RevocationPoll > sessioncache.Bound {
		add("GATEHOUSE_REVOCATION_POLL must be between 10ms and %v", sessioncache.Bound)
	}
	return problems
}

func (c *Config) proxyProblems() []string {
	if c.ClientCertHeader == "" || httpguts.ValidHeaderFieldName(c.ClientCertHeader) && len(c.TrustedProxies) > 0 {
		return nil
	}
	return []string{"GATEHOUSE_CLIENT_CERT_HEADER must be the name of a header, and needs GATEHOUSE_TRUSTED_PROXIES"}
}

// parseOrigin reads a scheme, a host and perhaps a port, and nothing else
// (RFC 6454 section 4). A * would be taken for a pattern where origins are
// compared.
func parseOrigin(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" ||
		u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.Contains(s, "*") {
		return nil, fmt.Errorf("%q is not an origin such as https://id.example.org", s)
	}
	return u, nil
}

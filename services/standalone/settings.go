package standalone

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/mail"
	"github.com/gatehouse-id/gatehouse/services/oauth"
	"github.com/gatehouse-id/gatehouse/services/sessions"
)

// Settings of the standalone server: its own and those of every service.
type Settings struct {
	Listen      string `env:"GATEHOUSE_LISTEN" envDefault:"127.0.0.1:8080" doc:"Address to serve on, host:port."`
	DebugListen string `env:"GATEHOUSE_DEBUG_LISTEN" doc:"Address of /metrics, /livez, /readyz and /debug/pprof, host:port; empty: off. Not for the public. 127.0.0.1:9090 with --dev."`
	DemoListen  string `env:"GATEHOUSE_DEMO_LISTEN" doc:"Address of the demo app, host:port; empty: off. Only with --dev, where it is 127.0.0.1:8081 unless set."`
	TLSCert     string `env:"GATEHOUSE_TLS_CERT" doc:"PEM file with the server's certificate chain. Without it, GATEHOUSE_TRUSTED_PROXIES has to name the proxy that speaks TLS."`
	TLSKey      string `env:"GATEHOUSE_TLS_KEY" doc:"PEM file with the certificate's private key."`

	DataDir     string `env:"GATEHOUSE_DATA_DIR" envDefault:"./data" doc:"Folder of the embedded databases."`
	DatabaseURL string `env:"GATEHOUSE_DATABASE_URL" secret:"true" doc:"postgres://user:password@host/database; empty: SQLite in the data folder."`
	AccountsURL string `env:"GATEHOUSE_ACCOUNTS_DATABASE_URL" secret:"true" doc:"As GATEHOUSE_DATABASE_URL, for accounts alone: where each service has a database, or a user, of its own."`
	SessionsURL string `env:"GATEHOUSE_SESSIONS_DATABASE_URL" secret:"true" doc:"The same for sessions."`
	OAuthURL    string `env:"GATEHOUSE_OAUTH_DATABASE_URL" secret:"true" doc:"The same for oauth."`
	MailURL     string `env:"GATEHOUSE_MAIL_DATABASE_URL" secret:"true" doc:"The same for mail."`
	RootKey     string `env:"GATEHOUSE_ROOT_KEY" secret:"true" doc:"Keys that seal secrets in the database, 32 bytes each in base64, separated by commas, the newest first. openssl rand -base64 32 makes one. With --dev one is made in the data folder."`
	OwnerEmail  string `env:"GATEHOUSE_OWNER_EMAIL" envDefault:"owner@example.org" doc:"Whom the sign-in link that a new installation prints with --dev is for."`

	LogLevel  slog.Level    `env:"GATEHOUSE_LOG_LEVEL" envDefault:"info" doc:"The least level that is logged: debug, info, warn or error."`
	LogFormat string        `env:"GATEHOUSE_LOG_FORMAT" envDefault:"json" doc:"json or text."`
	Drain     time.Duration `env:"GATEHOUSE_DRAIN" envDefault:"0s" doc:"Time between saying that the process is no longer ready and closing its port."`
	Shutdown  time.Duration `env:"GATEHOUSE_SHUTDOWN" envDefault:"20s" doc:"Time that requests in flight, and then background work, have to finish once the port is closed."`

	Accounts accounts.Config
	Sessions sessions.Config
	Mail     mail.Config
	OAuth    oauth.Config
	Gateway  gateway.Config

	dev bool
}

// devDefaults are what --dev sets where the environment says nothing: all that
// a person at their own machine needs, and nothing that a server may have.
var devDefaults = map[string]string{
	"GATEHOUSE_PUBLIC_URL":      "http://localhost:8080",
	"GATEHOUSE_DEBUG_LISTEN":    "127.0.0.1:9090",
	"GATEHOUSE_DEMO_LISTEN":     "127.0.0.1:8081",
	"GATEHOUSE_DEV_MAILBOX":     "true",
	"GATEHOUSE_LOG_FORMAT":      "text",
	"GATEHOUSE_LOG_LEVEL":       "warn",
	"GATEHOUSE_TOKEN_ALGORITHM": "HS512",
	// Apps on the same machine have their keys and logout endpoints there.
	"GATEHOUSE_OAUTH_FETCH_ALLOW": "127.0.0.0/8,::1",
}

// Load reads the settings from environ, which has the form of os.Environ.
func Load(environ []string, dev bool) (*Settings, error) {
	s := &Settings{dev: dev}
	if dev {
		environ = withDefaults(environ)
	}
	if err := config.Load(s, environ); err != nil {
		return nil, err
	}
	return s, nil
}

// withDefaults adds the development defaults of names that are not set at all:
// one that is set to nothing switches off what it names.
func withDefaults(environ []string) []string {
	set := map[string]bool{}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		set[strings.TrimSuffix(name, "_FILE")] = true
	}
	if set["GATEHOUSE_SMTP_HOST"] { // real mail instead of the mailbox
		set["GATEHOUSE_DEV_MAILBOX"] = true
	}
	for name, value := range devDefaults {
		if !set[name] {
			environ = append(slices.Clip(environ), name+"="+value)
		}
	}
	return environ
}

// logoNetworks are where logos may be beside the public network: with --dev wherever
// else apps may be.
func (s *Settings) logoNetworks() []netip.Prefix {
	if !s.dev {
		return nil
	}
	return config.Prefixes(s.OAuth.FetchAllow)
}

// Validate implements config.Validator.
func (s *Settings) Validate() []string {
	var problems []string
	for name, address := range map[string]string{
		"GATEHOUSE_LISTEN": s.Listen, "GATEHOUSE_DEBUG_LISTEN": s.DebugListen, "GATEHOUSE_DEMO_LISTEN": s.DemoListen,
	} {
		if _, _, err := net.SplitHostPort(address); err != nil && address != "" {
			problems = append(problems, fmt.Sprintf("%s: %q is not host:port", name, address))
		}
	}
	slices.Sort(problems)
	if (s.TLSCert == "") != (s.TLSKey == "") {
		problems = append(problems, "GATEHOUSE_TLS_CERT and GATEHOUSE_TLS_KEY belong together: set both")
	}
	if s.TLSCert != "" && s.TLSKey != "" {
		if _, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey); err != nil {
			problems = append(problems, fmt.Sprintf("GATEHOUSE_TLS_CERT: %v", err))
		}
	}
	if s.RootKey != "" {
		if _, err := keyring.ParseRoots(s.RootKey); err != nil {
			problems = append(problems, fmt.Sprintf("GATEHOUSE_ROOT_KEY: %v", err))
		}
	}
	problems = append(problems, s.databaseProblems()...)
	if s.LogFormat != "json" && s.LogFormat != "text" {
		problems = append(problems, `GATEHOUSE_LOG_FORMAT: must be "json" or "text"`)
	}
	return problems
}

// Insecure lists what is fine at a desk and not on a server. With --dev that is
// only what would make the desk a server.
func (s *Settings) Insecure() []string {
	var found []string
	add := func(wrong bool, problem string) {
		if wrong {
			found = append(found, problem)
		}
	}
	if s.dev {
		for name, address := range map[string]string{
			"GATEHOUSE_LISTEN": s.Listen, "GATEHOUSE_DEMO_LISTEN": s.DemoListen, "GATEHOUSE_DEBUG_LISTEN": s.DebugListen,
		} {
			add(address != "" && !isLoopback(address), name+" lets other machines in, who could read everybody's mail: with --dev it must be a loopback address")
		}
		slices.Sort(found)
		return found
	}
	public, err := url.Parse(s.Gateway.PublicURL)
	add(err != nil || public.Scheme != "https", "GATEHOUSE_PUBLIC_URL is not an https address: set it to the one that browsers use")
	add(s.TLSCert == "" && len(s.Gateway.TrustedProxies) == 0,
		"nobody speaks TLS: set GATEHOUSE_TLS_CERT and GATEHOUSE_TLS_KEY, or name the proxy that does in GATEHOUSE_TRUSTED_PROXIES")
	add(s.RootKey == "", "GATEHOUSE_ROOT_KEY (or GATEHOUSE_ROOT_KEY_FILE) is not set: make one with `openssl rand -base64 32` and keep it safe")
	add(s.Mail.DevMailbox, "GATEHOUSE_DEV_MAILBOX shows every mail, with its sign-in links, to everybody: set GATEHOUSE_SMTP_HOST instead")
	add(s.DemoListen != "", "GATEHOUSE_DEMO_LISTEN starts the demo app, which is for development")
	return found
}

func isLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address) // validated
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// demoURL is the demo app's address as a browser at this machine sees it.
func (s *Settings) demoURL() string {
	_, port, _ := net.SplitHostPort(s.DemoListen) // validated
	return "http://localhost:" + port
}

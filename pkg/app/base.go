package app

import (
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/mtls"
)

// Base are the settings that all services have.
type Base struct {
	Listen      string `env:"GATEHOUSE_LISTEN" envDefault:":8080" doc:"Address to serve on, host:port."`
	DebugListen string `env:"GATEHOUSE_DEBUG_LISTEN" envDefault:":9090" doc:"Address of /metrics, /livez, /readyz and /debug/pprof, host:port. Not for the public."`
	Advertise   string `env:"GATEHOUSE_ADVERTISE" doc:"Host, or host:port, under which other services and Consul reach this process. By default the first address of this machine that is no loopback address, and the port of GATEHOUSE_LISTEN."`

	LogLevel  slog.Level `env:"GATEHOUSE_LOG_LEVEL" envDefault:"info" doc:"The least level that is logged: debug, info, warn or error."`
	LogFormat string     `env:"GATEHOUSE_LOG_FORMAT" envDefault:"json" doc:"json or text."`

	Drain    time.Duration `env:"GATEHOUSE_DRAIN" envDefault:"5s" doc:"Time between saying that the process is no longer ready and closing its port. Longer than load balancers take to notice."`
	Shutdown time.Duration `env:"GATEHOUSE_SHUTDOWN" envDefault:"20s" doc:"Time that requests in flight, and then background work, have to finish once the port is closed."`

	TLSCert          string `env:"GATEHOUSE_TLS_CERT" doc:"PEM file with this service's certificate for mutual TLS between services. Its DNS name is NAME.gatehouse.internal."`
	TLSKey           string `env:"GATEHOUSE_TLS_KEY" doc:"PEM file with the certificate's private key."`
	TLSCA            string `env:"GATEHOUSE_TLS_CA" doc:"PEM file with the authorities that issue the services' certificates."`
	InsecureInternal bool   `env:"INSECURE_INTERNAL" envDefault:"false" doc:"Services talk to each other in plaintext and believe each other's names. Only for a network that nobody else can reach."`

	Consul Consul
	Peers  Peers `env:"GATEHOUSE_PEERS" doc:"Where the other services are when there is no Consul: accounts=host:port|host:port,sessions=host:port."`

	DatabaseURL string `env:"GATEHOUSE_DATABASE_URL" secret:"true" doc:"postgres://user:password@host/database. Services of a cluster have no SQLite in them; the program gatehouse has."`
	RootKey     string `env:"GATEHOUSE_ROOT_KEY" secret:"true" doc:"Keys that seal secrets in the database, 32 bytes each in base64, separated by commas, the newest first. openssl rand -base64 32 makes one."`
}

// Validate implements config.Validator.
func (b *Base) Validate() []string {
	_, _, advertise := b.advertise(0)
	var problems []string
	for _, rule := range []struct {
		broken  bool
		problem string
	}{
		{!isHostPort(b.Listen), fmt.Sprintf("GATEHOUSE_LISTEN: %q is not host:port", b.Listen)},
		{!isHostPort(b.DebugListen), fmt.Sprintf("GATEHOUSE_DEBUG_LISTEN: %q is not host:port", b.DebugListen)},
		{advertise != nil, fmt.Sprintf("GATEHOUSE_ADVERTISE: %v", advertise)},
		{b.LogFormat != "json" && b.LogFormat != "text", fmt.Sprintf(`GATEHOUSE_LOG_FORMAT: %q is neither "json" nor "text"`, b.LogFormat)},
		{b.Drain < 0, "GATEHOUSE_DRAIN must not be negative"},
		{b.Shutdown <= 0, "GATEHOUSE_SHUTDOWN must be more than 0"},
	} {
		if rule.broken {
			problems = append(problems, rule.problem)
		}
	}
	return append(problems, b.validateSecrets()...)
}

func (b *Base) validateSecrets() []string {
	var problems []string
	_, all := b.files()
	some := b.TLSCert != "" || b.TLSKey != "" || b.TLSCA != ""
	if some && !all {
		problems = append(problems, "GATEHOUSE_TLS_CERT, GATEHOUSE_TLS_KEY and GATEHOUSE_TLS_CA belong together: set all three")
	}
	if some && b.InsecureInternal {
		problems = append(problems, "INSECURE_INTERNAL=true and GATEHOUSE_TLS_CERT exclude each other")
	}
	if b.RootKey == "" {
		return problems
	}
	if _, err := keyring.ParseRoots(b.RootKey); err != nil {
		problems = append(problems, fmt.Sprintf("GATEHOUSE_ROOT_KEY: %v", err))
	}
	return problems
}

// files are the certificate's, and whether there are any.
func (b *Base) files() (mtls.Files, bool) {
	return mtls.Files{Cert: b.TLSCert, Key: b.TLSKey, CA: b.TLSCA}, b.TLSCert != "" && b.TLSKey != "" && b.TLSCA != ""
}

func isHostPort(address string) bool {
	_, _, err := net.SplitHostPort(address)
	return err == nil
}

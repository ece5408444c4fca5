package system

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
)

// services are the processes of a cluster, in no order in which they need each
// other: whoever comes first waits.
var services = []string{"gateway", "oauth", "accounts", "sessions", "mail"}

// Services are the names of all services of a cluster.
func Services() []string { return slices.Clone(services) }

// ClusterOptions choose what a cluster of a test is like.
type ClusterOptions struct {
	// Environ are further variables of every process, Of those of every process of
	// a service. The latter win over everything else.
	Environ []string
	Of      map[string][]string
	// Replicas are further gateways beside the first; see [System.Replica].
	Replicas int
	// Instances is how many processes of each service there are, 1 if it does not
	// say. Those beside the first are called "accounts 2" and so on.
	Instances map[string]int
	// Redis is the address of one, host:port; empty: none.
	Redis string
	// URL, DatabaseURL and RootKey are those of a cluster that was there before; empty:
	// a free port, a database of its own, and a new key.
	URL, DatabaseURL, RootKey string
	// Consul is the test's own; nil: one is started.
	Consul *Consul
	// Sink takes the mails; nil: they are in the development mailbox.
	Sink *sink.Server
}

// Cluster starts every service in a process of its own, on PostgreSQL. They
// talk mutual TLS and find each other through Consul.
func Cluster(t testing.TB) *System {
	t.Helper()
	return ClusterWith(t, ClusterOptions{})
}

// ClusterWith is Cluster with choices.
func ClusterWith(t testing.TB, o ClusterOptions) *System {
	t.Helper()
	if o.URL == "" {
		o.URL = "http://localhost:" + strconv.Itoa(freePort(t))
	}
	if o.DatabaseURL == "" {
		o.DatabaseURL = testkit.DatabaseURL(t, "postgres")
	}
	if o.RootKey == "" {
		o.RootKey = NewRootKey()
	}
	s := &System{
		URL:   o.URL,
		Debug: map[string]string{}, Logs: newLog(t), Authority: testkit.CA(t),
		sink: o.Sink, instances: map[string]*instance{},
	}
	if o.Consul == nil {
		o.Consul = StartConsul(t)
	}
	rootKey := "GATEHOUSE_ROOT_KEY=" + o.RootKey
	common := []string{
		"CONSUL_HTTP_ADDR=" + o.Consul.Address,
		"GATEHOUSE_DATABASE_URL=" + o.DatabaseURL,
		rootKey,
		"GATEHOUSE_DRAIN=0s",
		"GATEHOUSE_LOG_LEVEL=debug",
	}
	for _, service := range services {
		s.add(t, service, o, common)
	}
	s.Operate = func(t testing.TB, args ...string) []byte {
		t.Helper()
		environ := []string{
			"GATEHOUSE_PUBLIC_URL=" + s.URL, "GATEHOUSE_DATABASE_URL=" + o.DatabaseURL, rootKey,
			"GATEHOUSE_DATA_DIR=" + t.TempDir(), "GATEHOUSE_DEV_MAILBOX=true",
		}
		for service, settings := range o.Of {
			for _, pair := range settings {
				if url, ok := strings.CutPrefix(pair, "GATEHOUSE_DATABASE_URL="); ok { // one of its own
					environ = append(environ, "GATEHOUSE_"+strings.ToUpper(service)+"_DATABASE_URL="+url)
				}
			}
		}
		return operate(t, environ, append([]string{"--output", "json"}, args...)...)
	}
	for _, name := range s.names {
		s.AwaitReady(t, name)
	}
	for _, gateway := range s.Gateways() {
		Eventually(t, "the gateway to find the others", func() bool {
			return answers(t.Context(), gateway.Origin+"/.well-known/openid-configuration") &&
				(s.sink != nil || answers(t.Context(), gateway.Origin+"/mailbox/messages"))
		})
	}
	return s
}

// NewRootKey is a root key for an installation.
func NewRootKey() string {
	return base64.StdEncoding.EncodeToString([]byte(rand.Text()[:16] + rand.Text()[:16]))
}

// add starts the processes of a service.
func (s *System) add(t testing.TB, service string, o ClusterOptions, common []string) {
	t.Helper()
	count := cmp.Or(o.Instances[service], 1)
	if service == "gateway" {
		count += o.Replicas
	}
	for n := range count {
		name := service
		if n > 0 {
			name = fmt.Sprintf("%s %d", service, n+1)
		}
		i := &instance{t: t, name: name, service: service, log: s.Logs, files: s.Authority.Issue(service), program: Program{Path: Binary(t, service)}}
		i.environ = slices.Concat(common, o.Environ, s.only(service, o), []string{
			"GATEHOUSE_LISTEN=127.0.0.1:0",
			"GATEHOUSE_TLS_CERT=" + i.files.Cert, "GATEHOUSE_TLS_KEY=" + i.files.Key, "GATEHOUSE_TLS_CA=" + i.files.CA,
		})
		if service == "gateway" {
			i.debug, i.origin = fmt.Sprintf("127.0.0.1:%d", freePort(t)), s.URL
			if n > 0 {
				i.origin = "http://localhost:" + strconv.Itoa(freePort(t))
				s.replicas = append(s.replicas, i.origin)
			}
			i.environ = slices.DeleteFunc(i.environ, isStorage)
			i.environ = append(i.environ, "GATEHOUSE_LISTEN=127.0.0.1:"+i.origin[strings.LastIndexByte(i.origin, ':')+1:])
			i.environ = append(i.environ, manyCalls...)
		}
		i.environ = append(i.environ, o.Of[service]...)
		if service != "gateway" && n == 0 {
			migrate(t, i.environ, service)
		}
		s.names = append(s.names, name)
		s.instances[name] = i
		s.Launch(name)
	}
}

// only are the settings that not all services have: a service refuses those it
// does not know.
func (s *System) only(service string, o ClusterOptions) []string {
	if service == "mail" && o.Sink != nil {
		return o.Sink.Environ()
	}
	if service == "mail" {
		return []string{"GATEHOUSE_DEV_MAILBOX=true"}
	}
	environ := []string{"GATEHOUSE_PUBLIC_URL=" + s.URL}
	if o.Redis != "" && (service == "gateway" || service == "sessions") {
		environ = append(environ, "GATEHOUSE_REDIS_URL=redis://"+o.Redis)
	}
	return environ
}

// isStorage tells settings that the gateway, which stores nothing, refuses.
func isStorage(pair string) bool {
	return strings.HasPrefix(pair, "GATEHOUSE_DATABASE_URL=") || strings.HasPrefix(pair, "GATEHOUSE_ROOT_KEY=")
}

func migrate(t testing.TB, environ []string, name string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), Binary(t, name), "migrate")
	c.Env = environ
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s migrate: %s", name, out)
}

package system

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

// services are the processes of a cluster, in no order in which they need each
// other: whoever comes first waits.
var services = []string{"gateway", "oauth", "accounts", "sessions", "mail"}

// ClusterOptions choose what a cluster of a test is like.
type ClusterOptions struct {
	// Environ are further variables of every process.
	Environ []string
	// Replicas are further gateways beside the first; see [System.Replica].
	Replicas int
	// Redis is the address of one, host:port; empty: none.
	Redis string
	// URL, DatabaseURL and RootKey are those of a cluster that was there before; empty:
	// a free port, a database of its own, and a new key.
	URL, DatabaseURL, RootKey string
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
	public := portOf(t, strings.TrimPrefix(o.URL, "http://"))
	s := &System{
		URL:   o.URL,
		Debug: map[string]string{},
		Logs:  newLog(t),
		start: map[string]func(){}, processes: map[string]*Process{},
	}
	consul := startConsul(t)
	authority := testkit.CA(t)
	rootKey := "GATEHOUSE_ROOT_KEY=" + o.RootKey
	common := []string{
		"CONSUL_HTTP_ADDR=" + consul,
		"GATEHOUSE_DATABASE_URL=" + o.DatabaseURL,
		rootKey,
		"GATEHOUSE_DRAIN=0s",
		"GATEHOUSE_LOG_LEVEL=debug",
	}
	names := slices.Clone(services)
	for i := range o.Replicas {
		names = append(names, fmt.Sprintf("gateway %d", i+2))
	}
	for _, instance := range names {
		name, _, _ := strings.Cut(instance, " ")
		s.Debug[instance] = fmt.Sprintf("127.0.0.1:%d", freePort(t))
		files := authority.Issue(name)
		environ := slices.Concat(common, o.Environ, s.only(name, o), []string{
			"GATEHOUSE_LISTEN=127.0.0.1:0",
			"GATEHOUSE_DEBUG_LISTEN=" + s.Debug[instance],
			"GATEHOUSE_TLS_CERT=" + files.Cert, "GATEHOUSE_TLS_KEY=" + files.Key, "GATEHOUSE_TLS_CA=" + files.CA,
		})
		if name == "gateway" {
			port := public
			if instance != name {
				port = freePort(t)
				s.replicas = append(s.replicas, "http://localhost:"+strconv.Itoa(port))
			}
			environ = slices.DeleteFunc(environ, isStorage)
			environ = slices.Concat(environ, []string{fmt.Sprintf("GATEHOUSE_LISTEN=127.0.0.1:%d", port)}, manyCalls)
		} else {
			migrate(t, environ, name)
		}
		s.start[instance] = func() { s.processes[instance] = Start(t, s.Logs, environ, name, "serve") }
		s.start[instance]()
	}
	s.Operate = func(t testing.TB, args ...string) []byte {
		t.Helper()
		environ := []string{
			"GATEHOUSE_PUBLIC_URL=" + s.URL, "GATEHOUSE_DATABASE_URL=" + o.DatabaseURL, rootKey,
			"GATEHOUSE_DATA_DIR=" + t.TempDir(), "GATEHOUSE_DEV_MAILBOX=true",
		}
		return operate(t, environ, append([]string{"--output", "json"}, args...)...)
	}
	for _, name := range names {
		s.awaitReady(t, name)
	}
	for _, origin := range append([]string{s.URL}, s.replicas...) {
		Eventually(t, "the gateway to find the others", func() bool {
			return answers(t.Context(), origin+"/.well-known/openid-configuration") && answers(t.Context(), origin+"/mailbox/messages")
		})
	}
	return s
}

// NewRootKey is a root key for an installation.
func NewRootKey() string {
	return base64.StdEncoding.EncodeToString([]byte(rand.Text()[:16] + rand.Text()[:16]))
}

// StopAll asks all processes of a cluster to end, and waits until they have.
func (s *System) StopAll() {
	for _, p := range s.processes {
		p.Stop()
	}
}

// Replica is the same cluster through one of its further gateways, from 0.
func (s *System) Replica(i int) *System {
	other := *s
	other.URL = s.replicas[i]
	return &other
}

// Kill ends a service as a power cut would.
func (s *System) Kill(name string) { s.processes[name].Kill() }

// Restart starts a killed service again, with a new port that the others have
// to find.
func (s *System) Restart(t testing.TB, name string) {
	t.Helper()
	s.start[name]()
	s.awaitReady(t, name)
}

func (s *System) awaitReady(t testing.TB, name string) {
	t.Helper()
	Eventually(t, name+" to be ready", func() bool {
		require.False(t, s.processes[name].Exited(), "%s ended", name)
		return answers(t.Context(), "http://"+s.Debug[name]+"/readyz")
	})
}

// only are the settings that not all services have: a service refuses those it
// does not know.
func (s *System) only(name string, o ClusterOptions) []string {
	if name == "mail" {
		return []string{"GATEHOUSE_DEV_MAILBOX=true"}
	}
	environ := []string{"GATEHOUSE_PUBLIC_URL=" + s.URL}
	if o.Redis != "" && (name == "gateway" || name == "sessions") {
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

// startConsul gives the address of a Consul: a real one where there is one on
// PATH, otherwise a double that speaks the part of its API which is used.
func startConsul(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("consul")
	if err != nil {
		t.Log("consul is not on PATH: discovery goes through the test double")
		return strings.TrimPrefix(fakeconsul.Start(t, fakeconsul.Options{Checks: 100 * time.Millisecond}).URL, "http://")
	}
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	config, err := json.Marshal(map[string]any{
		"bind_addr": "127.0.0.1", "client_addr": "127.0.0.1", "disable_update_check": true,
		"ports": map[string]int{
			"http": portOf(t, address), "dns": -1, "grpc": -1, "grpc_tls": -1,
			"server": freePort(t), "serf_lan": freePort(t), "serf_wan": freePort(t),
		},
	})
	require.NoError(t, err)
	log := newLog(t)
	c := exec.CommandContext(t.Context(), path, "agent", "-dev", "-log-level=warn", "-hcl="+string(config))
	c.Stdout, c.Stderr = log, log
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Wait() }) // it is told to end with the test's context, before this
	Eventually(t, "consul to elect itself", func() bool { return hasLeader(t, address) })
	return address
}

func hasLeader(t testing.TB, address string) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/v1/status/leader", http.NoBody)
	require.NoError(t, err)
	res, err := HTTP().Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	var leader string
	return json.NewDecoder(res.Body).Decode(&leader) == nil && leader != ""
}

func portOf(t testing.TB, address string) int {
	t.Helper()
	_, text, _ := strings.Cut(address, ":")
	port, err := strconv.Atoi(text)
	require.NoError(t, err)
	return port
}

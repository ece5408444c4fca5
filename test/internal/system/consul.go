package system

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

// Consul is the one of a cluster: real where there is one on PATH, otherwise a
// double that speaks the part of its API which is used.
type Consul struct {
	// Address is host:port of its HTTP API.
	Address string
	// Real tells a real one.
	Real bool

	t       testing.TB
	log     *testkit.Log
	path    string
	config  string
	command *exec.Cmd          // of a real one
	double  *fakeconsul.Server // or nil
}

// StartConsul starts a Consul, which ends with the test.
func StartConsul(t testing.TB) *Consul {
	t.Helper()
	path, err := exec.LookPath("consul")
	if err != nil {
		t.Log("consul is not on PATH: discovery goes through the test double")
		double := fakeconsul.Start(t, fakeconsul.Options{Checks: 100 * time.Millisecond})
		return &Consul{Address: strings.TrimPrefix(double.URL, "http://"), t: t, double: double}
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
	c := &Consul{Address: address, Real: true, t: t, log: newLog(t), path: path, config: string(config)}
	c.Start()
	t.Cleanup(c.Stop)
	return c
}

// Start starts it after a Stop, at the same address. A real one has forgotten
// everything, as it keeps nothing on disk.
func (c *Consul) Start() {
	c.t.Helper()
	if c.double != nil {
		c.double.Restart()
		return
	}
	c.command = exec.Command(c.path, "agent", "-dev", "-log-level=warn", "-hcl="+c.config) // without a context: Stop ends it
	c.command.Stdout, c.command.Stderr = c.log, c.log
	require.NoError(c.t, c.command.Start())
	Eventually(c.t, "consul to elect itself", func() bool { return hasLeader(c.t, c.Address) })
}

// Stop ends it; whoever asks it anything is refused a connection.
func (c *Consul) Stop() {
	switch {
	case c.double != nil:
		c.double.Stop()
	case c.command != nil:
		_ = c.command.Process.Signal(syscall.SIGTERM)
		impatience := time.AfterFunc(10*time.Second, func() { _ = c.command.Process.Kill() })
		_ = c.command.Wait() // how a terminated process ends is no news
		impatience.Stop()
		c.command = nil
	}
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

// Package realconsul runs Consul for tests, on machines that have it. What has to
// hold everywhere is tested against package fakeconsul as well.
package realconsul

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// startTime bounds how long an agent may take to have a leader.
const startTime = 60 * time.Second

// Available tells whether there is a consul on PATH.
func Available() bool {
	_, err := exec.LookPath("consul")
	return err == nil
}

// Agent is a server of Consul.
type Agent struct {
	// Address is host:port of its HTTP API.
	Address string
	// TLSAddress is host:port of the same by HTTPS, if its settings have "tls".
	TLSAddress string

	t       testing.TB
	config  map[string]any
	serf    string
	process *exec.Cmd
}

// Start starts a Consul of one server, with further settings of its configuration
// file, and waits until it leads. It keeps nothing on disk.
func Start(t testing.TB, settings map[string]any) *Agent {
	t.Helper()
	a := newAgent(t, settings)
	a.config["server"], a.config["bootstrap"] = true, true
	a.Start()
	a.AwaitLeader()
	return a
}

// StartThree starts a Consul of three servers, which can lose one.
func StartThree(t testing.TB) []*Agent {
	t.Helper()
	agents := make([]*Agent, 3)
	for i := range agents {
		a := newAgent(t, nil)
		a.config["server"], a.config["bootstrap_expect"] = true, len(agents)
		a.config["data_dir"] = t.TempDir()
		// Elections within a second, as between machines that are near each other.
		a.config["performance"] = map[string]any{"raft_multiplier": 1}
		agents[i] = a
	}
	for _, a := range agents {
		var others []string
		for _, other := range agents {
			if other != a {
				others = append(others, other.serf)
			}
		}
		a.config["retry_join"], a.config["retry_interval"] = others, "250ms"
		a.Start()
	}
	for _, a := range agents {
		a.AwaitLeader()
	}
	return agents
}

func newAgent(t testing.TB, settings map[string]any) *Agent {
	t.Helper()
	port := freePort(t)
	serf := freePort(t)
	a := &Agent{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), t: t, serf: net.JoinHostPort("127.0.0.1", strconv.Itoa(serf))}
	a.config = map[string]any{
		"node_name": "node-" + strconv.Itoa(port), "bind_addr": "127.0.0.1", "client_addr": "127.0.0.1",
		"disable_update_check": true, "log_level": "error", "leave_on_terminate": false, "data_dir": t.TempDir(),
	}
	ports := map[string]int{
		"http": port, "dns": -1, "grpc": -1, "grpc_tls": -1, "serf_wan": -1, "serf_lan": serf, "server": freePort(t),
	}
	if _, secured := settings["tls"]; secured {
		ports["https"] = freePort(t)
		a.TLSAddress = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports["https"]))
	}
	a.config["ports"] = ports
	maps.Copy(a.config, settings)
	t.Cleanup(a.Kill)
	return a
}

// Start starts it, at first or after it was killed.
func (a *Agent) Start() {
	a.t.Helper()
	config, err := json.Marshal(a.config)
	if err != nil {
		a.t.Fatal(err)
	}
	a.process = exec.Command("consul", "agent", "-hcl="+string(config)) // without a context: Kill ends it
	a.process.Env = append(os.Environ(), "CONSUL_HTTP_ADDR=")
	if err := a.process.Start(); err != nil {
		a.t.Fatal(err)
	}
}

// Kill ends it as a power cut would.
func (a *Agent) Kill() {
	if a.process == nil {
		return
	}
	_ = a.process.Process.Kill() // it may have ended itself
	_ = a.process.Wait()
	a.process = nil
}

// Client is one of its own for the test, with the token.
func (a *Agent) Client(token string) *api.Client {
	a.t.Helper()
	transport := &http.Transport{}
	a.t.Cleanup(transport.CloseIdleConnections)
	client, err := api.NewClient(&api.Config{Address: a.Address, Scheme: "http", Token: token, Transport: transport, HttpClient: &http.Client{Transport: transport}})
	if err != nil {
		a.t.Fatal(err)
	}
	return client
}

// AwaitLeader waits until it knows who leads.
func (a *Agent) AwaitLeader() {
	a.t.Helper()
	a.await(true)
}

// AwaitNoLeader waits until it has noticed that nobody leads.
func (a *Agent) AwaitNoLeader() {
	a.t.Helper()
	a.await(false)
}

func (a *Agent) await(led bool) {
	a.t.Helper()
	client := a.Client("")
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.After(startTime); ; {
		leader, err := client.Status().Leader()
		if led == (err == nil && leader != "") {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			a.t.Fatalf("waited in vain for consul at %s: a leader: %t", a.Address, led)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP address")
	}
	return address.Port
}

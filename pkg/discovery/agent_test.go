package discovery_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/kit/sd"
	"github.com/hashicorp/consul/api"
	"go.uber.org/goleak"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// agent is a Consul agent in a test: the double, or the real thing.
type agent struct {
	client  *api.Client
	stop    func() // it is gone for its clients
	restart func() // it is back, without its data
}

// agents are the double and, where that is installed, `consul agent -dev`: the
// same has to hold with both. `make test` says when there was only the double.
var agents = func() map[string]func(*testing.T) agent {
	kinds := map[string]func(*testing.T) agent{"double": doubleAgent}
	if _, err := exec.LookPath("consul"); err == nil {
		kinds["consul"] = realAgent
	}
	return kinds
}()

func doubleAgent(t *testing.T) agent {
	t.Helper()
	double := fakeconsul.Start(t, fakeconsul.Options{Checks: 20 * time.Millisecond})
	return agent{
		client:  double.Client(t),
		stop:    double.Stop,
		restart: func() { double.Forget(); double.Restart() },
	}
}

func realAgent(t *testing.T) agent {
	t.Helper()
	binary, err := exec.LookPath("consul")
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := api.NewClient(&api.Config{Address: net.JoinHostPort("127.0.0.1", port), Transport: transport, HttpClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	var process *exec.Cmd
	start := func() {
		process = exec.Command(binary, "agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", "-log-level=error",
			"-http-port="+port, "-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1",
			"-server-port="+freePort(t), "-serf-lan-port="+freePort(t), "-serf-wan-port=-1")
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		awaitLeader(t, client)
	}
	stop := func() {
		_ = process.Process.Kill() // it may have ended itself
		_ = process.Wait()
	}
	start()
	t.Cleanup(func() { stop() })
	return agent{client: client, stop: stop, restart: start}
}

func awaitLeader(t *testing.T, client *api.Client) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(30 * time.Second); ; {
		if leader, err := client.Status().Leader(); err == nil && leader != "" {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("consul has no leader after 30s")
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// put registers a passing instance without a check.
func (a agent) put(t *testing.T, service, host string, port int, tags ...string) {
	t.Helper()
	err := a.client.Agent().ServiceRegister(&api.AgentServiceRegistration{
		ID: fmt.Sprintf("%s-%s-%d", service, host, port), Name: service, Address: host, Port: port, Tags: tags,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (a agent) remove(t *testing.T, id string) {
	t.Helper()
	if err := a.client.Agent().ServiceDeregister(id); err != nil {
		t.Fatal(err)
	}
}

// subscribe receives the events of an instancer until the test is over.
func subscribe(t *testing.T, instancer sd.Instancer) <-chan sd.Event {
	t.Helper()
	events := make(chan sd.Event, 64)
	instancer.Register(events)
	t.Cleanup(func() { instancer.Deregister(events) })
	return events
}

// await skips events until one has exactly these instances.
func await(t *testing.T, events <-chan sd.Event, want ...string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	var last sd.Event
	for {
		select {
		case last = <-events:
			if last.Err == nil && slices.Equal(last.Instances, want) {
				return
			}
		case <-deadline:
			t.Fatalf("no event with instances %q; the last one: %+v", want, last)
		}
	}
}

// alarms is a logger whose warnings can be waited for.
type alarms chan string

func (alarms) Enabled(context.Context, slog.Level) bool { return true }
func (a alarms) WithAttrs([]slog.Attr) slog.Handler     { return a }
func (a alarms) WithGroup(string) slog.Handler          { return a }
func (a alarms) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		a <- r.Message
	}
	return nil
}

func (a alarms) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case message := <-a:
			if strings.Contains(message, text) {
				return
			}
		case <-deadline:
			t.Fatalf("nothing was logged about %q", text)
		}
	}
}

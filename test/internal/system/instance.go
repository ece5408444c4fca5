package system

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// Program is what a process of a cluster runs.
type Program struct {
	// Path of the program; by default it is the service's, built from this tree.
	Path string
	// Under is a command that runs it, such as prlimit with its options.
	Under []string
	// Environ are further variables, which win.
	Environ []string
}

// Gateway is one gateway of a cluster.
type Gateway struct {
	// Name is the instance's.
	Name string
	// Origin is where it serves, which only for the first is the public origin.
	Origin string
	// Ready is the URL that tells whether it is to be sent requests.
	Ready string
}

// instance is one process of a cluster, which may be started many times.
type instance struct {
	t       testing.TB
	name    string
	service string
	origin  string // of a gateway
	debug   string // of a gateway, host:port; the others take a new one each time
	environ []string
	files   mtls.Files
	program Program
	log     *testkit.Log
	process *Process
}

func (i *instance) start(debug string) {
	i.t.Helper()
	command := slices.Concat(i.program.Under, []string{i.program.Path, "serve"})
	environ := slices.Concat(i.environ, []string{"GATEHOUSE_DEBUG_LISTEN=" + debug}, i.program.Environ)
	i.process = start(i.t, i.log, environ, i.name, command)
}

// Instances are the names of a service's processes; of all, if it is empty.
func (s *System) Instances(service string) []string {
	var names []string
	for _, name := range s.names {
		if service == "" || s.instances[name].service == service {
			names = append(names, name)
		}
	}
	return names
}

// Gateways are all of the cluster's; a standalone Gatehouse is one by itself.
func (s *System) Gateways() []Gateway {
	if debug, alone := s.Debug["gatehouse"]; alone {
		return []Gateway{{Name: "gatehouse", Origin: s.URL, Ready: "http://" + debug + "/readyz"}}
	}
	var all []Gateway
	for _, name := range s.Instances("gateway") {
		all = append(all, Gateway{Name: name, Origin: s.instances[name].origin, Ready: "http://" + s.Debug[name] + "/readyz"})
	}
	return all
}

// Replica is the same cluster through one of its further gateways, from 0.
func (s *System) Replica(i int) *System {
	other := *s
	other.URL = s.replicas[i]
	return &other
}

// Kill ends a process as a power cut would.
func (s *System) Kill(name string) { s.instances[name].process.Kill() }

// Stop ends a process in order, by SIGTERM, and waits until it has ended.
func (s *System) Stop(name string) { s.instances[name].process.Stop() }

// StopAll asks all processes of a cluster to end, and waits until they have.
func (s *System) StopAll() {
	for _, name := range s.names {
		s.Stop(name)
	}
}

// Signal sends a process a signal, such as SIGSTOP, and waits for nothing.
func (s *System) Signal(name string, signal os.Signal) { s.instances[name].process.signal(signal) }

// Change has a process run something else from its next start on.
func (s *System) Change(name string, p Program) {
	i := s.instances[name]
	if p.Path == "" {
		p.Path = Binary(i.t, i.service)
	}
	i.program = p
}

// Launch starts a process that has ended again, and does not wait for it. But for
// a gateway all its ports are new ones, as if it had moved: the checks of what is
// left in Consul of its predecessor shall not reach it.
func (s *System) Launch(name string) {
	i := s.instances[name]
	i.t.Helper()
	s.Debug[name] = i.debug
	if i.debug == "" {
		s.Debug[name] = fmt.Sprintf("127.0.0.1:%d", freePort(i.t))
	}
	i.start(s.Debug[name])
}

// Restart is Launch, and waits until the process is ready.
func (s *System) Restart(t testing.TB, name string) {
	t.Helper()
	s.Launch(name)
	s.AwaitReady(t, name)
}

// Certificate is where a process has its certificate; see [System.Authority].
func (s *System) Certificate(name string) mtls.Files { return s.instances[name].files }

// AwaitReady waits until a process says that it is ready.
func (s *System) AwaitReady(t testing.TB, name string) {
	t.Helper()
	Eventually(t, name+" to be ready", func() bool {
		require.False(t, s.instances[name].process.Exited(), "%s ended", name)
		return s.IsReady(t, name)
	})
}

// IsReady tells whether a process says that it is ready.
func (s *System) IsReady(t testing.TB, name string) bool {
	t.Helper()
	return answers(t.Context(), "http://"+s.Debug[name]+"/readyz")
}

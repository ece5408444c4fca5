// Package fakeconsul is a test double of the part of Consul's HTTP API that
// Gatehouse uses: registering services with an agent, and watching the healthy
// instances of a service with blocking queries.
package fakeconsul

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/jonboulle/clockwork"
)

// Options configures a Consul. The zero value runs no health checks.
type Options struct {
	// Checks is how often the HTTP checks of registered services are run,
	// instead of at the interval they ask for; 0 leaves each check in the state
	// it was registered with until SetStatus.
	Checks time.Duration
	// Clock paces the checks and the blocking queries; nil is the real one.
	Clock clockwork.Clock
}

// Consul is one agent with its catalogue. Its methods may be used at any time
// from any goroutine.
type Consul struct {
	mux    *http.ServeMux
	clock  clockwork.Clock
	checks checker

	mu       sync.Mutex
	services map[string]*service // by id
	index    uint64              // of the last change
	changed  map[string]uint64   // index of the last change, by service name
	signal   chan struct{}       // closed and replaced at every change
	away     bool
	refusal  refusal
	hidden   bool // what it knows, from the token of whoever asks
	outages  int  // how often it went away, so that no waiting request misses one
}

type service struct {
	registration api.AgentServiceRegistration
	check        *api.AgentServiceCheck // nil: always passing
	status       string
	output       string
	critical     time.Time // since when it is critical; zero: it is not
	failures     int       // of the check, in a row
	created      uint64
	modified     uint64
}

// New returns a Consul that nobody serves yet. It is to be closed.
func New(o Options) *Consul {
	c := &Consul{
		clock:    cmp.Or(o.Clock, clockwork.NewRealClock()),
		services: map[string]*service{},
		index:    1,
		changed:  map[string]uint64{},
		signal:   make(chan struct{}),
	}
	c.mux = c.routes()
	c.startChecks(o.Checks)
	return c
}

// Server is a Consul that is served on a loopback port for the time of a test.
type Server struct {
	*Consul
	// Address is host:port; URL is the same with its scheme.
	Address, URL string
}

// Start serves a new Consul until the test is over.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	c := New(o)
	s := httptest.NewServer(c)
	tb.Cleanup(func() {
		c.Close()
		s.CloseClientConnections()
		s.Close()
	})
	return &Server{Consul: c, Address: s.Listener.Addr().String(), URL: s.URL}
}

// Client returns a client of the server, closed with the test.
func (s *Server) Client(tb testing.TB) *api.Client {
	tb.Helper()
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	client, err := api.NewClient(&api.Config{Address: s.Address, Transport: transport, HttpClient: &http.Client{Transport: transport}})
	if err != nil {
		tb.Fatalf("fakeconsul: %v", err)
	}
	return client
}

// Close ends the health checks and every waiting request.
func (c *Consul) Close() {
	c.Stop()
	c.stopChecks()
}

// Stop makes the agent unreachable: connections are dropped, also those of
// waiting requests, but what is registered stays.
func (c *Consul) Stop() { c.setAway(true) }

// Restart makes it reachable again.
func (c *Consul) Restart() { c.setAway(false) }

func (c *Consul) setAway(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
	if away {
		c.outages++
	}
	c.wake()
}

// refusal is how every request is answered; no status: as it should be.
type refusal struct {
	status int
	text   string
}

// Refuse answers every request with an error, as an agent does that has lost its
// leader (500 "No cluster leader") or does not know the token (403 "ACL not
// found"). Status 0 ends it.
func (c *Consul) Refuse(status int, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusal = refusal{status, text}
	c.outages++
	c.wake()
}

// Hide leaves out all instances, as an agent does whose ACLs do not let the token
// read them.
func (c *Consul) Hide(hidden bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hidden = hidden
	c.index++
	for name := range c.changed {
		c.changed[name] = c.index
	}
	c.wake()
}

// Forget empties the agent and starts its index anew, as a restart without a
// data directory does.
func (c *Consul) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.services)
	clear(c.changed)
	c.index = 1
	c.wake()
}

// Put registers a passing instance without a check, by name and host:port; its
// id is the two joined by a hyphen.
func (c *Consul) Put(name, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		panic(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		panic(err)
	}
	c.register(api.AgentServiceRegistration{ID: name + "-" + address, Name: name, Address: host, Port: number})
}

// Remove takes an instance out of the catalogue and says whether it was there.
func (c *Consul) Remove(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.services[id]
	if ok {
		delete(c.services, id)
		c.touch(s.registration.Name)
	}
	return ok
}

// SetStatus sets the state of an instance's check, one of api.HealthPassing,
// api.HealthWarning and api.HealthCritical, and says whether there is such an
// instance.
func (c *Consul) SetStatus(id, status string) bool { return c.setStatus(id, status, "") }

func (c *Consul) setStatus(id, status, output string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.services[id]
	if !ok || s.status == status && s.output == output {
		return ok
	}
	switch {
	case status != api.HealthCritical:
		s.critical = time.Time{}
	case s.critical.IsZero():
		s.critical = c.clock.Now()
	}
	s.status, s.output = status, output
	s.modified = c.touch(s.registration.Name)
	return true
}

// Registrations are the registrations the agent holds, ordered by id.
func (c *Consul) Registrations() []api.AgentServiceRegistration {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]api.AgentServiceRegistration, 0, len(c.services))
	for _, id := range slices.Sorted(maps.Keys(c.services)) {
		all = append(all, c.services[id].registration)
	}
	return all
}

// Passing are the host:port addresses of the healthy instances of a service, in
// ascending order.
func (c *Consul) Passing(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var addresses []string
	for _, s := range c.services {
		if s.registration.Name == name && s.status == api.HealthPassing {
			addresses = append(addresses, net.JoinHostPort(s.registration.Address, strconv.Itoa(s.registration.Port)))
		}
	}
	slices.Sort(addresses)
	return addresses
}

// Wait returns nil as soon as the condition holds. It is looked at again after
// every change of the catalogue.
func (c *Consul) Wait(ctx context.Context, condition func() bool) error {
	for {
		c.mu.Lock()
		signal := c.signal
		c.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *Consul) register(r api.AgentServiceRegistration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &service{registration: r, check: onlyCheck(r), status: api.HealthPassing}
	if s.check != nil {
		s.status = cmp.Or(s.check.Status, api.HealthCritical)
	}
	if s.status == api.HealthCritical {
		s.critical = c.clock.Now()
	}
	s.modified = c.touch(r.Name)
	s.created = s.modified
	if before, ok := c.services[r.ID]; ok {
		s.created = before.created
	}
	c.services[r.ID] = s
}

// onlyCheck is the check of a registration; of several, the first counts.
func onlyCheck(r api.AgentServiceRegistration) *api.AgentServiceCheck {
	if r.Check == nil && len(r.Checks) > 0 {
		return r.Checks[0]
	}
	return r.Check
}

// touch notes a change of a service; the caller holds the lock.
func (c *Consul) touch(name string) uint64 {
	c.index++
	c.changed[name] = c.index
	c.wake()
	return c.index
}

func (c *Consul) wake() {
	close(c.signal)
	c.signal = make(chan struct{})
}

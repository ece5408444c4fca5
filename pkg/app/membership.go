package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-id/gatehouse/pkg/discovery"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// membership is what a process and Consul know of each other.
type membership struct {
	mu        sync.Mutex
	registrar *discovery.Registrar // nil until the server serves
	watchers  []watched
}

type watched struct {
	service string
	*discovery.Watcher
}

var errNotRegistered = errors.New("not registered in consul yet")

// joined is nil once Consul knows this process, and this process what Consul knows of
// the services that it calls, which may be nothing. It stays so while Consul is away:
// what was known goes on. A process that starts meanwhile is reached by nobody and
// reaches nobody, so it must not replace one that works.
func (m *membership) joined() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.registrar == nil || !closed(m.registrar.Registered()) {
		return errNotRegistered
	}
	for _, w := range m.watchers {
		if !closed(w.Known()) {
			return fmt.Errorf("consul has not told yet where %s is", w.service)
		}
	}
	return nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// answered tells whether Consul answered all that it was asked last.
func (m *membership) answered() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.registrar != nil && m.registrar.Answers() &&
		!slices.ContainsFunc(m.watchers, func(w watched) bool { return !w.Answers() })
}

func (m *membership) registers(r *discovery.Registrar) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.registrar = r
}

func (m *membership) watches(service string, w *discovery.Watcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers = append(m.watchers, watched{service, w})
}

// observe exports whether Consul answers.
func (m *membership) observe(o *obs.Obs) {
	obs.Register(o.Registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gatehouse_consul_up",
		Help: "1 if Consul answered when this process asked last, for its own registration and for others; 0 if not. Asked every five seconds.",
	}, func() float64 {
		if m.answered() {
			return 1
		}
		return 0
	}))
}

// checkReady is the answer of /readyz. Consul's registration does not wait for it but
// for the group alone, or it would wait for itself.
func (rt *Runtime) checkReady(ctx context.Context) error {
	if err := rt.group.CheckReady(ctx); err != nil || rt.consul == nil {
		return err
	}
	return rt.membership.joined()
}

// forThisInstance says no where Consul asks for the health of another instance: one
// that was here before and could not say farewell, and whose address this process has
// now. It would be taken for that one, for as long as it is well.
func (rt *Runtime) forThisInstance(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		meant := r.URL.Query().Get(discovery.Instance)
		if us := rt.membership.id(); meant != "" && meant != us {
			http.Error(w, fmt.Sprintf("this is %q, not %q", us, meant), http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// id is "" until the process registers.
func (m *membership) id() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.registrar == nil {
		return ""
	}
	return m.registrar.ID()
}

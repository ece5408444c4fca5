package discovery_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"
	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/discovery"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

func ready(context.Context) error { return nil }

func register(t *testing.T, client *api.Client, r discovery.Registration) *discovery.Registrar {
	t.Helper()
	r.Service, r.ID, r.Address, r.Port = "accounts", "accounts-1", "192.0.2.1", 4001
	r.RetryMin, r.RetryMax = 5*time.Millisecond, 20*time.Millisecond
	registrar := discovery.Register(client, r)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		_ = registrar.Close(ctx) // most tests have closed it already
	})
	return registrar
}

func TestRegistrarKeepsTheInstanceRegistered(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			events := subscribe(t, watch(t, a.client, discovery.WatchOptions{}))
			registrar := register(t, a.client, discovery.Registration{Ready: ready, Refresh: 50 * time.Millisecond})
			await(t, events, "192.0.2.1:4001")
			a.remove(t, "accounts-1")
			await(t, events)
			await(t, events, "192.0.2.1:4001")
			if err := registrar.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			await(t, events)
		})
	}
}

func TestRegistrarSurvivesAConsulThatLosesItsData(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.stop()
			log := make(alarms, 64)
			register(t, a.client, discovery.Registration{Ready: ready, Refresh: 50 * time.Millisecond, Logger: slog.New(log)})
			log.await(t, "consul does not answer")
			a.restart()
			events := subscribe(t, watch(t, a.client, discovery.WatchOptions{}))
			await(t, events, "192.0.2.1:4001")
			a.stop()
			log.await(t, "consul does not answer")
			a.restart()
			log.await(t, "registered again")
		})
	}
}

func TestConsulAsksWhetherTheInstanceIsReady(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			var broken atomic.Bool
			debug := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if broken.Load() {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			defer debug.Close()
			events := subscribe(t, watch(t, a.client, discovery.WatchOptions{}))
			register(t, a.client, discovery.Registration{Check: debug.URL + "/readyz", CheckInterval: time.Second})
			await(t, events, "192.0.2.1:4001")
			broken.Store(true)
			await(t, events)
			broken.Store(false)
			await(t, events, "192.0.2.1:4001")
		})
	}
}

func TestWhatIsRegistered(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	registrar := discovery.Register(consul.Client(t), discovery.Registration{
		Service: "accounts",
		Address: "192.0.2.1",
		Port:    4001,
		Version: "v1.2.3",
		Tags:    []string{"blue"},
		Check:   "https://192.0.2.1:4002/readyz",
		Ready:   func(context.Context) error { return errors.New("migrating") },
	})
	<-registrar.Registered()
	want := []api.AgentServiceRegistration{{
		ID:      "accounts-192.0.2.1:4001",
		Name:    "accounts",
		Address: "192.0.2.1",
		Port:    4001,
		Tags:    []string{"blue", "version=v1.2.3"},
		Meta:    map[string]string{"version": "v1.2.3"},
		Check: &api.AgentServiceCheck{
			Name:                           "accounts is ready",
			HTTP:                           "https://192.0.2.1:4002/readyz?instance=accounts-192.0.2.1%3A4001",
			Method:                         "GET",
			Interval:                       "3s",
			Timeout:                        "3s",
			FailuresBeforeCritical:         2,
			DeregisterCriticalServiceAfter: "5m0s",
			Status:                         "critical",
		},
	}}
	if diff := cmp.Diff(want, consul.Registrations()); diff != "" {
		t.Error(diff)
	}
	if passing := consul.Passing("accounts"); len(passing) > 0 {
		t.Errorf("%v passes although it is not ready", passing)
	}
	if err := registrar.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := registrar.Close(t.Context()); err != nil {
		t.Error("the second Close:", err)
	}
	if left := consul.Registrations(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRegistrationThatPointsElsewhereIsReplaced(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	clock := clockwork.NewFakeClock()
	register(t, consul.Client(t), discovery.Registration{Clock: clock})
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	err := consul.Client(t).Agent().ServiceRegister(&api.AgentServiceRegistration{ID: "accounts-1", Name: "accounts", Address: "192.0.2.66", Port: 1})
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(5 * time.Second)
	err = consul.Wait(t.Context(), func() bool { return slices.Equal(consul.Passing("accounts"), []string{"192.0.2.1:4001"}) })
	if err != nil {
		t.Fatal(err)
	}
}

func TestCloseReportsAConsulThatIsAway(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	registrar := register(t, consul.Client(t), discovery.Registration{})
	<-registrar.Registered()
	consul.Stop()
	if err := registrar.Close(t.Context()); err == nil {
		t.Error("deregistered with a Consul that is away")
	}
}

func TestCloseOfAnInstanceThatConsulForgot(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	registrar := register(t, consul.Client(t), discovery.Registration{Clock: clockwork.NewFakeClock()})
	<-registrar.Registered()
	consul.Forget()
	if err := registrar.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

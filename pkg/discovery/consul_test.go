package discovery_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/discovery"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

func watch(t *testing.T, client *api.Client, o discovery.WatchOptions) *discovery.Watcher {
	t.Helper()
	o.Client, o.Service = client, "accounts"
	o.RetryMin, o.RetryMax = 5*time.Millisecond, 20*time.Millisecond
	instancer := discovery.Watch(o)
	t.Cleanup(instancer.Stop)
	return instancer
}

func TestWatchFollowsTheInstances(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.put(t, "accounts", "192.0.2.1", 1)
			a.put(t, "sessions", "192.0.2.9", 9)
			events := subscribe(t, watch(t, a.client, discovery.WatchOptions{}))
			await(t, events, "192.0.2.1:1")
			a.put(t, "accounts", "192.0.2.2", 2)
			await(t, events, "192.0.2.1:1", "192.0.2.2:2")
			a.remove(t, "accounts-192.0.2.1-1")
			await(t, events, "192.0.2.2:2")
			a.remove(t, "accounts-192.0.2.2-2")
			await(t, events)
		})
	}
}

func TestOnlyInstancesWithTheTagsAreFound(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.put(t, "accounts", "192.0.2.1", 1)
			a.put(t, "accounts", "192.0.2.2", 2, "blue")
			a.put(t, "accounts", "192.0.2.3", 3, "blue", "main", "version=1")
			events := subscribe(t, watch(t, a.client, discovery.WatchOptions{Tags: []string{"blue", "main"}}))
			await(t, events, "192.0.2.3:3")
			a.put(t, "accounts", "192.0.2.4", 4, "main", "blue")
			await(t, events, "192.0.2.3:3", "192.0.2.4:4")
		})
	}
}

func TestInstancesAppearThatStartLater(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			events := subscribe(t, watch(t, a.client, discovery.WatchOptions{}))
			await(t, events)
			a.put(t, "accounts", "192.0.2.1", 1)
			await(t, events, "192.0.2.1:1")
		})
	}
}

func TestConsulThatStartsLater(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.stop()
			events := subscribe(t, watch(t, a.client, discovery.WatchOptions{}))
			a.restart()
			a.put(t, "accounts", "192.0.2.1", 1)
			await(t, events, "192.0.2.1:1")
		})
	}
}

func TestLastKnownInstancesOutliveConsul(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.put(t, "accounts", "192.0.2.1", 1)
			a.put(t, "accounts", "192.0.2.2", 2)
			log := make(alarms, 64)
			instancer := watch(t, a.client, discovery.WatchOptions{Logger: slog.New(log)})
			events := subscribe(t, instancer)
			await(t, events, "192.0.2.1:1", "192.0.2.2:2")

			a.stop()
			log.await(t, "consul does not answer")
			select {
			case event := <-events:
				t.Fatalf("an outage was published: %+v", event)
			default:
			}
			await(t, subscribe(t, instancer), "192.0.2.1:1", "192.0.2.2:2")

			a.restart()
			a.put(t, "accounts", "192.0.2.3", 3)
			await(t, events, "192.0.2.3:3")
		})
	}
}

func TestOutageWithoutLoss(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	consul.Put("accounts", "192.0.2.1:1")
	clock := clockwork.NewFakeClock()
	log := make(alarms, 64)
	events := subscribe(t, watch(t, consul.Client(t), discovery.WatchOptions{Logger: slog.New(log), Clock: clock}))
	await(t, events, "192.0.2.1:1")
	consul.Stop()
	log.await(t, "consul does not answer")
	consul.Put("accounts", "192.0.2.2:2")
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	consul.Restart()
	clock.Advance(time.Minute)
	await(t, events, "192.0.2.1:1", "192.0.2.2:2")
}

func TestWatchDoesNotWaitForASilentConsul(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts, never answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client, err := api.NewClient(&api.Config{Address: listener.Addr().String(), HttpClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	events := subscribe(t, watch(t, client, discovery.WatchOptions{First: time.Millisecond}))
	if event := <-events; event.Err == nil || len(event.Instances) > 0 {
		t.Errorf("%+v", event)
	}
}

func TestStopTwice(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	instancer := discovery.Watch(discovery.WatchOptions{Client: consul.Client(t), Service: "accounts"})
	instancer.Stop()
	instancer.Stop()
}

func TestFixedGivesEverySubscriberItsOwn(t *testing.T) {
	t.Parallel()
	instancer := discovery.Fixed("192.0.2.2:2", "192.0.2.1:1")
	first, second := subscribe(t, instancer), subscribe(t, instancer)
	event := <-first
	event.Instances[0] = "changed"
	if got := (<-second).Instances; len(got) != 2 || got[0] != "192.0.2.2:2" {
		t.Error(got)
	}
	instancer.Stop()
}

func TestLogger(t *testing.T) {
	t.Parallel()
	log := make(alarms, 2)
	adapted := discovery.Logger(slog.New(log), "instancer")
	for _, keyvals := range [][]any{{"instances", 2}, {"err", context.Canceled, "odd"}} {
		if err := adapted.Log(keyvals...); err != nil {
			t.Fatal(err)
		}
	}
	if len(log) != 1 {
		t.Errorf("%d warnings for one error", len(log))
	}
}

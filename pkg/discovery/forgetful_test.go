package discovery_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/go-kit/kit/sd"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/discovery"
)

// restarted has watched an instance, and then a Consul that restarts without its data.
func restarted(t *testing.T, a agent, o discovery.WatchOptions) <-chan sd.Event {
	t.Helper()
	a.put(t, "accounts", "192.0.2.1", 1)
	log := make(alarms, 64)
	o.Logger = slog.New(log)
	watcher := watch(t, a.client, o)
	events := subscribe(t, watcher)
	await(t, events, "192.0.2.1:1")
	a.stop()
	log.await(t, "consul does not answer")
	a.restart()
	require.Eventually(t, watcher.Answers, 20*time.Second, time.Millisecond)
	return events
}

func TestAConsulThatForgotTakesNobodyAway(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			events := restarted(t, a, discovery.WatchOptions{})
			select {
			case event := <-events:
				t.Fatalf("published although they may only have to register again: %+v", event)
			case <-time.After(time.Second):
			}
			a.put(t, "accounts", "192.0.2.2", 2)
			await(t, events, "192.0.2.2:2")
		})
	}
}

func TestAConsulThatKnowsNobodyIsBelievedInTheEnd(t *testing.T) {
	t.Parallel()
	for name, start := range agents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			await(t, restarted(t, start(t), discovery.WatchOptions{Forgetful: 10 * time.Millisecond}))
		})
	}
}

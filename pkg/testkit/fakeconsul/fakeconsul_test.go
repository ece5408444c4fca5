package fakeconsul_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAgent(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	agent := consul.Client(t).Agent()
	if name, err := agent.NodeName(); err != nil || name == "" {
		t.Errorf("node name %q, %v", name, err)
	}
	if leader, err := consul.Client(t).Status().Leader(); err != nil || leader == "" {
		t.Errorf("leader %q, %v", leader, err)
	}
	if err := agent.ServiceRegister(&api.AgentServiceRegistration{}); err == nil {
		t.Error("a registration without a name was accepted")
	}
	if err := agent.ServiceRegister(&api.AgentServiceRegistration{Name: "mail", Port: 1}); err != nil {
		t.Fatal(err)
	}
	services, err := agent.Services()
	if err != nil || len(services) != 1 || services["mail"].Port != 1 {
		t.Errorf("%v, %v", services, err)
	}
	if err := agent.ServiceDeregister("mail"); err != nil {
		t.Error(err)
	}
	if err := agent.ServiceDeregister("mail"); err == nil {
		t.Error("deregistered twice")
	}
}

func TestHealthFilters(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	client := consul.Client(t)
	for _, id := range []string{"a", "b"} {
		err := client.Agent().ServiceRegister(&api.AgentServiceRegistration{
			ID: id, Name: "mail", Tags: []string{"tag-" + id}, Check: &api.AgentServiceCheck{TTL: "1m"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !consul.SetStatus("b", api.HealthPassing) || consul.SetStatus("c", api.HealthPassing) {
		t.Error("SetStatus: b exists, c does not")
	}
	for _, test := range []struct {
		tag     string
		passing bool
		want    []string
	}{
		{"", false, []string{"a", "b"}},
		{"", true, []string{"b"}},
		{"tag-a", false, []string{"a"}},
		{"tag-a", true, nil},
	} {
		entries, _, err := client.Health().Service("mail", test.tag, test.passing, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, entry := range entries {
			got = append(got, entry.Service.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("tag %q passing %v: %v", test.tag, test.passing, got)
		}
	}
}

func TestBlockingQuery(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	consul := fakeconsul.Start(t, fakeconsul.Options{Clock: clock})
	consul.Put("mail", "192.0.2.1:1")
	health := consul.Client(t).Health()
	_, meta, err := health.Service("mail", "", true, nil)
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		count int
		index uint64
	}
	ask := func(index uint64) <-chan answer {
		answers := make(chan answer, 1)
		go func() {
			entries, meta, err := health.Service("mail", "", true, (&api.QueryOptions{WaitIndex: index, WaitTime: time.Minute}).WithContext(t.Context()))
			if err != nil {
				t.Error(err)
				meta = &api.QueryMeta{}
			}
			answers <- answer{len(entries), meta.LastIndex}
		}()
		return answers
	}
	waiting := func() {
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}

	changed := ask(meta.LastIndex)
	waiting()
	consul.Put("other", "192.0.2.9:9")
	consul.Put("mail", "192.0.2.2:2")
	got := <-changed
	if got.count != 2 || got.index <= meta.LastIndex {
		t.Errorf("after a change: %+v", got)
	}

	timedOut := ask(got.index)
	waiting()
	clock.Advance(time.Minute)
	if after := <-timedOut; after != got {
		t.Errorf("after the wait: %+v", after)
	}

	consul.Forget()
	late := ask(got.index)
	waiting()
	consul.Put("mail", "192.0.2.3:3") // its index is far below the one waited for
	clock.Advance(time.Minute)
	if after := <-late; after.count != 1 || after.index >= got.index {
		t.Errorf("after the data was lost: %+v", after)
	}
}

func TestStopDropsWaitingRequests(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	consul := fakeconsul.Start(t, fakeconsul.Options{Clock: clock})
	health := consul.Client(t).Health()
	failed := make(chan error, 1)
	go func() {
		_, _, err := health.Service("mail", "", true, (&api.QueryOptions{WaitIndex: 1}).WithContext(t.Context()))
		failed <- err
	}()
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	consul.Stop()
	consul.Restart()
	if err := <-failed; err == nil {
		t.Error("the query survived the outage")
	}
	if _, _, err := health.Service("mail", "", true, nil); err != nil {
		t.Error(err)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	status.Store(http.StatusOK)
	checked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	defer checked.Close()
	clock := clockwork.NewFakeClock()
	consul := fakeconsul.Start(t, fakeconsul.Options{Checks: time.Second, Clock: clock})
	err := consul.Client(t).Agent().ServiceRegister(&api.AgentServiceRegistration{
		Name:  "mail",
		Check: &api.AgentServiceCheck{HTTP: checked.URL, DeregisterCriticalServiceAfter: "1m"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := func(d time.Duration, condition func() bool) {
		t.Helper()
		clock.Advance(d)
		if err := consul.Wait(ctx, condition); err != nil {
			t.Fatal(err)
		}
	}
	passing := func() bool { return len(consul.Passing("mail")) == 1 }
	tick(time.Second, passing)
	status.Store(http.StatusTooManyRequests)
	tick(time.Second, func() bool { return !passing() })
	status.Store(http.StatusNoContent)
	tick(time.Second, passing)
	status.Store(http.StatusInternalServerError)
	tick(time.Second, func() bool { return !passing() })
	tick(time.Minute, func() bool { return len(consul.Registrations()) == 0 })
}

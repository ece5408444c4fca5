package discovery_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/gatehouse-id/gatehouse/pkg/discovery"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/realconsul"
)

// headless is a Consul that can lose its leader.
type headless struct {
	agent
	lose, find func()
}

var headlessOnes = func() map[string]func(*testing.T) headless {
	kinds := map[string]func(*testing.T) headless{"double": func(t *testing.T) headless {
		t.Helper()
		double := fakeconsul.Start(t, fakeconsul.Options{})
		return headless{agent{client: double.Client(t)},
			func() { double.Refuse(http.StatusInternalServerError, "No cluster leader") },
			func() { double.Refuse(0, "") }}
	}}
	if realconsul.Available() {
		kinds["consul"] = func(t *testing.T) headless {
			t.Helper()
			three := realconsul.StartThree(t)
			return headless{agent{client: three[0].Client("")},
				func() {
					three[1].Kill()
					three[2].Kill()
					three[0].AwaitNoLeader()
				},
				func() {
					three[1].Start()
					three[0].AwaitLeader()
				}}
		}
	}
	return kinds
}()

func TestALostLeaderTakesNobodyAway(t *testing.T) {
	t.Parallel()
	for name, start := range headlessOnes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.put(t, "accounts", "192.0.2.1", 1)
			log := make(alarms, 1024)
			instancer := watch(t, a.client, discovery.WatchOptions{Logger: slog.New(log), Wait: 2 * time.Second})
			events := subscribe(t, instancer)
			await(t, events, "192.0.2.1:1")

			a.lose()
			log.await(t, "consul does not answer")
			select {
			case event := <-events:
				t.Fatalf("the loss was published: %+v", event)
			default:
			}
			await(t, subscribe(t, instancer), "192.0.2.1:1")

			a.find()
			a.put(t, "accounts", "192.0.2.2", 2)
			await(t, events, "192.0.2.1:1", "192.0.2.2:2")
		})
	}
}

// guarded is a Consul that asks for a token, and what an operator does to ours.
type guarded struct {
	client              *api.Client // with our token
	put                 func(t *testing.T, host string)
	grant, blind, erase func(t *testing.T) // all rights, no right to read, no such token
}

var guardedOnes = func() map[string]func(*testing.T) guarded {
	kinds := map[string]func(*testing.T) guarded{"double": func(t *testing.T) guarded {
		t.Helper()
		double := fakeconsul.Start(t, fakeconsul.Options{})
		return guarded{
			client: double.Client(t),
			put:    func(_ *testing.T, host string) { double.Put("accounts", host+":4001") },
			grant:  func(*testing.T) { double.Hide(false); double.Refuse(0, "") },
			blind:  func(*testing.T) { double.Refuse(0, ""); double.Hide(true) },
			erase:  func(*testing.T) { double.Refuse(http.StatusForbidden, "ACL not found") },
		}
	}}
	if realconsul.Available() {
		kinds["consul"] = guardedConsul
	}
	return kinds
}()

func guardedConsul(t *testing.T) guarded {
	t.Helper()
	const management, ours = "0f3b1a0c-7a4d-4d0e-9d7e-2a4d5c6b7a89", "5ad5b4d6-9c0a-4bd6-b6ad-0c6d5f2b1a77"
	a := realconsul.Start(t, map[string]any{"acl": map[string]any{
		"enabled": true, "default_policy": "deny", "token_ttl": "1s", "policy_ttl": "1s",
		"tokens": map[string]any{"initial_management": management, "agent": management},
	}})
	operator := agent{client: a.Client(management)}
	var accessor string
	erase := func(t *testing.T) {
		t.Helper()
		if accessor == "" {
			return
		}
		if _, err := operator.client.ACL().TokenDelete(accessor, nil); err != nil {
			t.Fatal(err)
		}
		accessor = ""
	}
	give := func(name string) func(t *testing.T) {
		return func(t *testing.T) {
			t.Helper()
			erase(t)
			made, _, err := operator.client.ACL().TokenCreate(&api.ACLToken{SecretID: ours, Policies: []*api.ACLTokenPolicyLink{{Name: name}}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			accessor = made.AccessorID
		}
	}
	rules := map[string]string{
		"all":  `service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }`,
		"none": `key_prefix "" { policy = "read" }`,
	}
	for name, text := range rules {
		awaitTrue(t, func() bool {
			_, _, err := operator.client.ACL().PolicyCreate(&api.ACLPolicy{Name: name, Rules: text}, nil)
			return err == nil
		})
	}
	return guarded{
		client: a.Client(ours), erase: erase, grant: give("all"), blind: give("none"),
		put: func(t *testing.T, host string) { t.Helper(); operator.put(t, "accounts", host, 4001) },
	}
}

func awaitTrue(t *testing.T, condition func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.After(30 * time.Second); !condition(); {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatal("waited in vain")
		}
	}
}

// TestATokenThatLosesItsRightsTakesNobodyAway has the token deleted, and then made
// anew without rights: Consul then answers that there is nobody.
func TestATokenThatLosesItsRightsTakesNobodyAway(t *testing.T) {
	t.Parallel()
	for name, start := range guardedOnes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			g.grant(t)
			g.put(t, "192.0.2.1")
			log := make(alarms, 4096)
			instancer := watch(t, g.client, discovery.WatchOptions{Logger: slog.New(log), Wait: time.Second})
			events := subscribe(t, instancer)
			await(t, events, "192.0.2.1:4001")
			seen, want := 1, []string{"192.0.2.1:4001"}
			for _, lose := range []func(*testing.T){g.erase, g.blind} {
				lose(t)
				log.await(t, "consul does not answer")
				select {
				case event := <-events:
					t.Fatalf("the loss was published: %+v", event)
				default:
				}
				await(t, subscribe(t, instancer), want...)
				g.grant(t)
				seen++
				g.put(t, fmt.Sprintf("192.0.2.%d", seen))
				want = append(want, fmt.Sprintf("192.0.2.%d:4001", seen))
				await(t, events, want...)
			}
		})
	}
}

func TestRegisteringWaitsForAToken(t *testing.T) {
	t.Parallel()
	for name, start := range guardedOnes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			g.grant(t)
			g.erase(t)
			log := make(alarms, 4096)
			registrar := register(t, g.client, discovery.Registration{Ready: ready, Refresh: 50 * time.Millisecond, Logger: slog.New(log)})
			log.await(t, "consul does not answer")
			g.grant(t)
			select {
			case <-registrar.Registered():
			case <-time.After(30 * time.Second):
				t.Fatal("not registered with a token that is good")
			}
			await(t, subscribe(t, watch(t, g.client, discovery.WatchOptions{})), "192.0.2.1:4001")
		})
	}
}

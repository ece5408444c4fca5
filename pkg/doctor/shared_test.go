package doctor_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/realconsul"
)

func TestConsul(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	client, err := api.NewClient(&api.Config{Address: consul.Address, Token: "hunter2"})
	require.NoError(t, err)
	expect := func(want doctor.Status, says string) {
		t.Helper()
		got, text := diagnose(t, doctor.Consul(client, "oauth", "accounts", "mail"))
		assert.Equal(t, want, got, text)
		assert.Contains(t, text, says)
		assert.NotContains(t, text, "hunter2")
	}
	expect(doctor.Warning, "no instance of accounts is passing")
	consul.Put("accounts", "192.0.2.1:1")
	consul.Put("mail", "192.0.2.2:1")
	expect(doctor.OK, "mail: 1 passing")
	expect(doctor.OK, "oauth may be registered")
	assert.Len(t, consul.Registrations(), 2, "nothing is left behind")
	consul.Hide(true)
	expect(doctor.Failure, "may not read all instances of accounts")
	consul.Hide(false)
	consul.Refuse(http.StatusForbidden, "ACL not found")
	expect(doctor.Failure, "has expired")
	consul.Refuse(http.StatusInternalServerError, "No cluster leader")
	expect(doctor.Failure, "status 500: No cluster leader")
	consul.Refuse(0, "")
	consul.Stop()
	expect(doctor.Failure, "does not answer")
}

// TestRightsInConsul is with the rules of a real one, where there is one.
func TestRightsInConsul(t *testing.T) {
	t.Parallel()
	if !realconsul.Available() {
		t.Log("consul is not on PATH: its ACLs are known from the test double alone")
		return
	}
	const management = "0f3b1a0c-7a4d-4d0e-9d7e-2a4d5c6b7a89"
	agent := realconsul.Start(t, map[string]any{"acl": map[string]any{
		"enabled": true, "default_policy": "deny", "tokens": map[string]any{"initial_management": management, "agent": management},
	}})
	operator := agent.Client(management)
	token := func(name, rules string) string {
		t.Helper()
		var made *api.ACLToken
		require.EventuallyWithT(t, func(c *assert.CollectT) { // the leader sets up the ACLs at first
			policy, _, err := operator.ACL().PolicyCreate(&api.ACLPolicy{Name: name, Rules: rules}, nil)
			if !assert.NoError(c, err) {
				return
			}
			made, _, err = operator.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLTokenPolicyLink{{ID: policy.ID}}}, nil)
			assert.NoError(c, err)
		}, 20*time.Second, 100*time.Millisecond)
		return made.SecretID
	}
	const reads = `service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } `
	good := token("good", reads+`service "accounts" { policy = "write" }`)
	reader := token("reader", reads)
	blind := token("blind", `service "accounts" { policy = "write" }`)
	require.NoError(t, operator.Agent().ServiceRegister(&api.AgentServiceRegistration{Name: "mail", Port: 1, Address: "192.0.2.1"}))
	require.NoError(t, agent.Client(good).Agent().ServiceRegister(&api.AgentServiceRegistration{Name: "accounts", Port: 1, Address: "192.0.2.1"}))
	for _, c := range []struct {
		token  string
		status doctor.Status
		says   string
	}{
		{good, doctor.OK, "accounts may be registered"},
		{reader, doctor.Failure, "the token may not register accounts"},
		{blind, doctor.Failure, "may not read all instances of accounts"},
		{"5ad5b4d6-9c0a-4bd6-b6ad-0c6d5f2b1a77", doctor.Failure, "unknown, has expired"},
	} {
		status, text := diagnose(t, doctor.Consul(agent.Client(c.token), "accounts", "accounts", "mail"))
		assert.Equal(t, c.status, status, text)
		assert.Contains(t, text, c.says)
		assert.NotContains(t, text, c.token)
	}
	left, err := operator.Agent().Services()
	require.NoError(t, err)
	assert.Len(t, left, 2, "nothing is left behind")
}

func TestRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	server.RequireUserAuth("gatehouse", "hunter2")
	expect := func(url string, want doctor.Status, says string) {
		t.Helper()
		got, text := diagnose(t, redisdb.Check(redisdb.Config{URL: url}))
		assert.Equal(t, want, got, text)
		assert.Contains(t, text, says)
		assert.NotContains(t, text, "hunter")
	}
	good := "redis://gatehouse:hunter2@" + server.Addr()
	expect("", doctor.OK, "none is used")
	expect(good, doctor.OK, "it answers within")
	expect("redis://gatehouse:hunter3@"+server.Addr(), doctor.Warning, "it refuses us")
	server.FastForward(2 * time.Second)
	assert.Empty(t, server.Keys(), "nothing is left behind")
	server.SetError("READONLY You can't write against a read only replica.")
	expect(good, doctor.Warning, "READONLY")
	server.SetError("")
	server.Close()
	expect(good, doctor.Warning, "does not answer")
	expect("http://x:hunter2@localhost", doctor.Failure, "is not an address of Redis")
}

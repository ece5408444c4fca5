package app

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

func TestTheDatacenterIsAskedFor(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query().Get("dc")
		_, _ = w.Write([]byte("[]"))
	}))
	defer server.Close()
	client, transport, err := Consul{Address: server.Listener.Addr().String(), Datacenter: "east"}.client()
	require.NoError(t, err)
	defer transport.CloseIdleConnections()
	_, _, err = client.Health().Service("accounts", "", true, nil)
	require.NoError(t, err)
	assert.Equal(t, "east", <-asked)
}

func TestTagsAreRegistered(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	start(t, accounts(), clockwork.NewRealClock(), "GATEHOUSE_DRAIN=0s", "INSECURE_INTERNAL=true",
		"CONSUL_HTTP_ADDR="+consul.Address, "GATEHOUSE_CONSUL_TAGS=blue,main")
	require.NoError(t, consul.Wait(t.Context(), func() bool { return len(consul.Registrations()) == 1 }))
	tags := consul.Registrations()[0].Tags
	assert.Subset(t, tags, []string{"blue", "main"})
	assert.Len(t, tags, 3, "and the version")
}

package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

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

func TestReadyOnceConsulAndTheProcessKnowEachOther(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	consul.Stop()
	r := start(t, Service{
		Name: "gateway", Callers: []string{}, Settings: &Base{},
		Build: func(_ context.Context, rt *Runtime) error {
			if _, err := rt.Dial("sessions"); err != nil {
				return err
			}
			rt.ServePublic(http.NotFoundHandler())
			return nil
		},
	}, clockwork.NewRealClock(), "GATEHOUSE_DRAIN=0s", "INSECURE_INTERNAL=true", "CONSUL_HTTP_ADDR="+consul.Address)
	r.stderr.await(t, "the registration is tried again", 1)
	debug := "http://" + regexp.MustCompile(`"debug":"([^"]+)"`).FindStringSubmatch(r.stderr.String())[1]
	ready := func(status int, body string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			gotStatus, gotBody := get(t, debug+"/readyz")
			assert.Equal(c, status, gotStatus)
			assert.Equal(c, body+"\n", gotBody)
		}, 20*time.Second, 10*time.Millisecond)
	}
	up := func(value string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			_, metrics := get(t, debug+"/metrics")
			assert.Contains(c, metrics, "\ngatehouse_consul_up "+value+"\n")
		}, 20*time.Second, 10*time.Millisecond)
	}

	ready(http.StatusServiceUnavailable, "not registered in consul yet")
	up("0")

	consul.Put("sessions", "127.0.0.1:1")
	consul.Hide(true) // the token may register, and read nothing
	consul.Restart()
	ready(http.StatusServiceUnavailable, "consul has not told yet where sessions is")
	up("0")

	consul.Hide(false)
	ready(http.StatusOK, "ok")
	up("1")

	// Consul asks for this instance, and might ask for one that was here before.
	var check string
	for _, registered := range consul.Registrations() {
		if registered.Check != nil {
			check = registered.Check.HTTP
		}
	}
	status, _ := get(t, check)
	assert.Equal(t, http.StatusOK, status)
	status, body := get(t, strings.Replace(check, "instance=gateway-", "instance=accounts-", 1))
	assert.Equal(t, http.StatusServiceUnavailable, status, body)

	consul.Stop()
	up("0")
	ready(http.StatusOK, "ok") // what is known goes on
}

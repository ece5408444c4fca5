package testkit

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/discovery"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// Remote reaches a server as a caller in another process does: over HTTP, with
// an instance to find. The server has to be an Insecure one. It is the
// counterpart of [rpc.Server.Local], for tests that hold on both.
func Remote(tb testing.TB, server *rpc.Server, service, caller string) rpc.Conn {
	tb.Helper()
	listening := httptest.NewServer(server)
	conn := rpc.Dial(rpc.DialOptions{
		Service: service, Caller: caller, Obs: obs.Nop(),
		Instancer: discovery.Fixed(strings.TrimPrefix(listening.URL, "http://")),
	})
	tb.Cleanup(func() {
		if err := conn.Close(); err != nil {
			tb.Errorf("closing the connection to %s: %v", service, err)
		}
		listening.Close()
	})
	return conn
}
